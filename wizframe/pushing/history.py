"""What was pushed from this machine: one row per push, one row per cell. Reads the journal only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.api.validation import moment
from wizframe.frames.problems import problems_frame
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path

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


def pushes() -> pd.DataFrame:
    """List the pushes of this machine, newest first.

    Returns
    -------
    DataFrame
        One row per push: push_id, started_at and ended_at (``datetime64[us, UTC]``), user, account, base_url, table,
        plan_id, note, changes, and how many of them are done, failed, conflict, skipped, unknown, planned, sent. With
        a blank ended_at the push was cut off or is still running; :func:`wizframe.resume` finishes it. If it has ended
        and all changes are planned, it was cut off before anything was sent.

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


def history(*, id: str | None = None, field: str | None = None, since: Moment | None = None) -> pd.DataFrame:  # noqa: A002
    """List what was pushed from this machine, cell by cell, newest first.

    Parameters
    ----------
    id : str, optional
        Only this record.
    field : str, optional
        Only this column.
    since : str, date or datetime, optional
        Only from this time on; a time without a zone is UTC.

    Returns
    -------
    DataFrame
        One row per cell: when (``datetime64[us, UTC]``), user, account, base_url, table, push_id, plan_id, note,
        action, id, reference_id, name, column, old, new, outcome, what_happened. A delete has one row, its column
        blank.

    Raises
    ------
    JournalError
        The journal cannot be read.
    """
    rows = [
        row
        for push, journal in _all()
        for entry in journal.entries(push.push_id, record_id=id)
        for row in _cells(push, entry, field)
    ]
    frame = _with_times(problems_frame(rows, _HISTORY_COLUMNS), "when")
    if since is not None:
        frame = frame[frame["when"] >= pd.Timestamp(moment(since))]
    return frame.sort_values("when", ascending=False, kind="stable").reset_index(drop=True)


def purge(*, older_than_days: float) -> int:
    """Remove old pushes and the personal data in them. They cannot be undone any more.

    Parameters
    ----------
    older_than_days : float
        Pushes that ended longer ago are removed.

    Returns
    -------
    int
        How many pushes were removed.
    """
    if not journal_path().exists():
        return 0
    with Journal() as journal:
        return journal.purge(timedelta(days=older_than_days))


def _all() -> Iterator[tuple[PushEntry, Journal]]:
    if not journal_path().exists():
        return
    with Journal() as journal:
        for push in journal.pushes():
            yield push, journal


def _cells(push: PushEntry, entry: Entry, field: str | None) -> Iterator[tuple[Any, ...]]:
    head = (
        entry.changed_at, push.user, push.account, push.base_url, entry.table_name, push.push_id, push.plan_id,
        push.note, entry.action, entry.record_id, entry.reference_id, entry.name,
    )  # fmt: skip
    cells = [(None, None, None)] if entry.action == "delete" else entry.cells
    known = entry.before or {}
    for column, old, new in cells:
        if field in (None, column):
            yield (*head, column, known.get(str(column), old), new, entry.state, entry.what_happened)


def _with_times(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    for name in columns:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    return frame
