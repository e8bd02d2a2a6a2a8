"""Read the current records of a load: those that changed since, or all if a list cannot show only changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.api.pages import Page
from wizframe.loading.failures import Failures
from wizframe.loading.frame import Rows, latest_change, passes, typed
from wizframe.loading.reader import Reader
from wizframe.refreshing.deletions import deleted_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.pages import Record
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch

__all__ = ["Changes", "read_changes"]

# The clocks of one service differ, and a change may become visible later than its `updated_at`. Also, changes in the
# same second as the newest known one must be read again, although `updated_after` excludes its limit.
OVERLAP = timedelta(minutes=10)
# The resolution of datetime64[us], the dtype of times.
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Changes:
    """The records that were read, and what is known about deletions."""

    now: pd.DataFrame  # typed records with their current values, each id once; at least those that changed
    problems: pd.DataFrame  # the problems that validation found in them
    listed: frozenset[Any]  # all ids that a list showed
    gone: frozenset[str]  # ids that are known to be deleted
    seen_at: datetime | None  # the service's time of this read, as in a baseline
    is_complete: bool  # whether the lists were complete
    why_all: str = ""  # the reason why all records were read; empty if they were not


def read_changes(own: Baseline, client: BaseClient, *, deletions: bool, progress: bool | Watch) -> Changes:
    """Read the changed records; ``deletions`` also searches for deleted ones if that needs additional requests."""
    if own.table.parent:
        return _children(own, client, progress)
    if own.seen_at is None or client.query_dialect != "rest":
        why = "the service did not send its time" if own.seen_at is None else "this dialect cannot list only changes"
        # Without the load's filters, because a record that no longer matches them is not deleted.
        return _with_missing(own, _records(own, Reader(client, own.table, progress=progress), why))
    reader = Reader(client, own.table, {"updated_after": own.seen_at - OVERLAP}, progress=progress)
    changes = _records(own, reader)
    if not deletions:
        return changes
    return replace(changes, gone=deleted_records(own, changes.now, reader.client, progress=progress))


def _records(own: Baseline, reader: Reader, why_all: str = "") -> Changes:
    has_details = own.table.has_details and set(own.table.columns(details=True)).issubset(own.frame)
    rows = Rows(own.table, details=has_details)
    if has_details:
        listed = reader.records()
        rows.add(Page(reader.details([record for record in listed if _concerns(own, record)])))
        return _changes(own, reader, rows, why_all, [record.get("id") for record in listed])
    for page in reader.pages(rows.columns):
        rows.add(page)
    return _changes(own, reader, rows, why_all)


def _concerns(own: Baseline, record: Record) -> bool:
    """Return whether a record's details must be read: the record changed, or it is new to the load."""
    place = own.places.get(record.get("id"))
    if place is None:
        return own.takes_new and passes(record, dict(own.filters))
    shown: Any = own.frame["updated_at"].iat[place]
    return not (pd.notna(shown) and passes(record, {"updated_before": shown + _TICK, "updated_after": shown - _TICK}))


def _children(own: Baseline, client: BaseClient, progress: bool | Watch) -> Changes:  # noqa: FBT001 - passed on
    reader = Reader(client, own.table, progress=progress, failures=Failures(is_tolerant=True))
    parents = own.customers or tuple(own.frame[own.table.parent_id].dropna().unique())
    rows = Rows(own.table)
    for page in reader.child_pages(list(parents)):
        rows.add(page)
    for one in reader.failures.gone:  # a deleted parent has no children, so the result is still complete
        del reader.failures.rows[one, own.table.name]
    return _with_missing(own, _changes(own, reader, rows, f"no list shows which {own.table.name} changed"))


def _changes(own: Baseline, reader: Reader, rows: Rows, why_all: str, listed: Iterable[Any] | None = None) -> Changes:
    reader.warn_if_incomplete()
    now, problems = typed(rows)
    is_named = (now["id"].notna() & ~now["id"].duplicated()).to_numpy()
    return Changes(
        now[is_named],
        problems,
        frozenset(now["id"] if listed is None else listed),
        frozenset(),
        reader.seen_at(max(filter(None, map(latest_change, (now, own.frame))), default=None)),
        not (reader.doubts or reader.failures.broken),
        why_all,
    )


def _with_missing(own: Baseline, changes: Changes) -> Changes:
    """If the lists are complete, treat records that are in none of them as deleted."""
    missing = frozenset(own.frame["id"]) - changes.listed if changes.is_complete else frozenset()
    return replace(changes, gone=missing)
