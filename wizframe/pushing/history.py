"""The pushes of this machine: one row per push, or one row per cell. Reads the journal, and sends nothing."""

from __future__ import annotations

import math
import numbers
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.account import Account
from wizframe.api.validation import moment
from wizframe.arguments import TEXT, checked, or_none
from wizframe.errors import InvalidRequestError
from wizframe.fields import TABLES
from wizframe.frames.problems import problems_frame
from wizframe.pushing.ended_sandboxes import is_ended_sandbox
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import has_journal
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.api.validation import Moment
    from wizframe.pushing.journal_entries import Entry, PushEntry

__all__ = ["history", "purge", "pushes"]

_STATES = ("done", "failed", "conflict", "skipped", "unknown", "planned", "sent")
_PUSH_COLUMNS = [
    "push_id", "started_at", "ended_at", "user", "account", "base_url", "table", "plan_id", "note", "changes", *_STATES,
]  # fmt: skip
_HISTORY_COLUMNS = [
    "when", "user", "account", "base_url", "table", "push_id", "plan_id", "note", "action", "id", "reference_id",
    "name", "column", "old", "new", "outcome", "what_happened",
]  # fmt: skip
#: A hundred years. A larger number is a typing error, and reaches back before the first date of Python.
_MOST_DAYS = 36_500


def pushes() -> pd.DataFrame:
    """List the pushes of this machine, newest first.

    Returns
    -------
    DataFrame
        One row per push: push_id, started_at and ended_at (``datetime64[us, UTC]``), user, account, base_url, table,
        plan_id, note, changes, and the numbers of changes that are done, failed, conflict, skipped, unknown, planned,
        sent. If ended_at is blank, the push was cut off or is still running; :func:`wizframe.resume` finishes it. If
        the push has ended and all changes are planned, it was cut off before anything was sent.

    Raises
    ------
    JournalError
        The journal cannot be read.
    """
    rows = []
    for push, journal in _all():
        counts = journal.counts(push.push_id)
        rows.append(
            (
                push.push_id, push.started_at, push.ended_at, push.user, push.account, push.base_url, push.table_name,
                push.plan_id, push.note, sum(counts.values()), *(counts.get(state, 0) for state in _STATES),
            )
        )  # fmt: skip
    return _with_times(problems_frame(rows, _PUSH_COLUMNS), "started_at", "ended_at")


@checked(id=or_none(TEXT))
def history(*, id: str | None = None, field: str | None = None, since: Moment | None = None) -> pd.DataFrame:  # noqa: A002
    """List the changes that were sent from this machine, cell by cell, newest first.

    Parameters
    ----------
    id : str, optional
        Only this record.
    field : str, optional
        Only this column.
    since : str, date or datetime, optional
        Only changes from this time on; a time without a zone is UTC.

    Returns
    -------
    DataFrame
        One row per cell: when (``datetime64[us, UTC]``), user, account, base_url, table, push_id, plan_id, note,
        action, id, reference_id, name, column, old, new, outcome, what_happened. A delete has one row with a blank
        column. A damaged row of the journal also has one row, with the outcome ``damaged``. Rows for which nothing was
        sent are not listed, such as rows that already had their values.

    Raises
    ------
    InvalidRequestError
        A parameter is not valid.
    JournalError
        The journal cannot be read.
    """
    start = _checked(id, field, since)
    rows = [
        row
        for push, journal in _all()
        for entry in journal.entries(push.push_id, record_id=id)
        if entry.was_sent or entry.damage
        for row in _cells(push, entry, field)
    ]
    frame = _with_times(problems_frame(rows, _HISTORY_COLUMNS), "when")
    if start is not None:
        frame = frame[frame["when"] >= start]
    return frame.sort_values("when", ascending=False, kind="stable").reset_index(drop=True)


def _checked(identifier: object, field: object, since: object) -> pd.Timestamp | None:
    """Check the parameters of a history, and return the time from ``since``."""
    if identifier is not None and (not isinstance(identifier, str) or not identifier):
        raise InvalidRequestError(f"{option('id', identifier)}: the id of a record is a string that is not empty")
    columns = {name for table in TABLES.values() for name in table.columns(details=True)}
    columns |= {one.name for table in TABLES.values() for one in table.fields if one.writable}
    if field is not None and (not isinstance(field, str) or field not in columns):
        raise InvalidRequestError(f"{option('field', field)} is not a column (allowed: {', '.join(sorted(columns))})")
    if since is None:
        return None
    try:
        return pd.Timestamp(moment(since))  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError(f"{option('since', since)}: {error}") from None


def purge(*, older_than_days: float) -> int:
    """Remove old pushes from the journal, with the personal data in them. They can no longer be undone.

    A push that has not ended is kept, because :func:`wizframe.resume` can finish it. A push to a sandbox that has ended
    is removed.

    Parameters
    ----------
    older_than_days : float
        A number from 0 to 36,500. Pushes that ended earlier than this are removed.

    Returns
    -------
    int
        Number of removed pushes.

    Raises
    ------
    InvalidRequestError
        The number of days is not valid.
    JournalError
        The journal cannot be used.
    """
    is_number = isinstance(older_than_days, numbers.Real) and not isinstance(older_than_days, bool)
    if not is_number or not math.isfinite(older_than_days) or not 0 <= older_than_days <= _MOST_DAYS:
        allowed = f"(allowed: a number of days from 0 to {_MOST_DAYS:,})"
        raise InvalidRequestError(f"nothing was removed: {option('older_than_days', older_than_days)} {allowed}")
    if not has_journal():
        return 0
    with Journal() as journal:
        return journal.purge(timedelta(days=float(older_than_days)), is_lost=_is_lost)


def _is_lost(push: PushEntry) -> bool:
    return is_ended_sandbox(Account(push.base_url, push.account))


def _all() -> Iterator[tuple[PushEntry, Journal]]:
    if not has_journal():
        return
    with Journal() as journal:
        for push in journal.pushes():
            yield push, journal


def _cells(push: PushEntry, entry: Entry, field: str | None) -> Iterator[tuple[Any, ...]]:
    head = (
        entry.changed_at, push.user, push.account, push.base_url, entry.table_name, push.push_id, push.plan_id,
        push.note, entry.action, entry.record_id, entry.reference_id, entry.name,
    )  # fmt: skip
    if entry.damage:
        yield (*head, None, None, None, entry.state, f"this row of the journal is damaged: {entry.damage}")
        return
    cells = [(None, None, None)] if entry.action == "delete" else entry.cells
    known = entry.before or {}
    for column, old, new in cells:
        if field in (None, column):
            yield (*head, column, known.get(str(column), old), new, entry.state, entry.what_happened)


def _with_times(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    for name in columns:
        # A damaged time becomes blank, so that it does not hide the other rows.
        times = pd.to_datetime(frame[name], utc=True, format="ISO8601", errors="coerce")
        frame[name] = times.astype("datetime64[us, UTC]")
    return frame
