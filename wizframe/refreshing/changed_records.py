"""Read how the records of a load are now: those that changed since, or all of them if a list cannot tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.api.pages import Page
from wizframe.loading.frame import Rows, latest_change, passes, typed
from wizframe.loading.reader import Failures, Reader
from wizframe.refreshing.deletions import deleted_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.pages import Record
    from wizframe.frames.baselines import Baseline
    from wizframe.progress import Watch

__all__ = ["Changes", "read_changes"]

# The clocks of one service differ, and a change may become visible later than its `updated_at` says. A change in the
# very second of the newest one that was read must come, too, although `updated_after` excludes its bound.
OVERLAP = timedelta(minutes=10)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Changes:
    """What was read."""

    now: pd.DataFrame  # typed records as they are now, each id once; at least those that changed
    problems: pd.DataFrame  # what validation found in them
    listed: frozenset[Any]  # all ids that a list showed
    gone: frozenset[str]  # ids that are known to be deleted
    seen_at: datetime | None  # as of a baseline
    is_complete: bool  # whether the lists were complete
    why_all: str = ""  # why all records were read, if they were


def read_changes(own: Baseline, client: BaseClient, *, deletions: bool, progress: bool | Watch) -> Changes:
    """Read what changed; ``deletions`` also looks for deleted records if that takes requests of its own."""
    if own.table.parent:
        return _children(own, client, progress)
    if own.seen_at is None or client.query_dialect != "rest":
        why = "the service did not tell its time" if own.seen_at is None else "this dialect cannot list changes alone"
        # Without the load's filters: a record that they do not let through any more is not deleted.
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
    """Tell whether a record's details need a request: it is not as the load shows it, or is new to the load."""
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
    for one in reader.failures.gone:  # a deleted parent has no children: that is a change, and no doubt
        del reader.failures.rows[one, own.table.name]
    return _with_missing(own, _changes(own, reader, rows, f"no list tells which {own.table.name} changed"))


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
