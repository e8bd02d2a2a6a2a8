"""Edits in a workbook that this machine has pushed already: they are not planned a second time."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.errors import JournalError
from wizframe.frames.baselines import attached
from wizframe.pushing.comparison import is_same
from wizframe.pushing.journal_entries import ENTRY_COLUMNS, from_row
from wizframe.pushing.journal_file import has_journal, journal_path, reading
from wizframe.text import counted, plural

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wizframe.planning.changes import Cell, Change, PlanPart, Problem
    from wizframe.pushing.journal_entries import Entry

__all__ = ["without_done"]

#: Ids in one query: SQLite allows 999 values in its older versions.
_PORTION = 500
_QUERY = (
    f"SELECT changes.push_id, {', '.join(f'changes.{name}' for name in ENTRY_COLUMNS)} FROM changes "  # noqa: S608
    "JOIN pushes ON pushes.push_id = changes.push_id "
    "WHERE pushes.base_url = ? AND pushes.account = ? AND changes.table_name = ? AND {} "
    "ORDER BY changes.changed_at"
)

if TYPE_CHECKING:
    #: By the record's id, or by the reference of a new record: each push with its entry, the oldest first.
    Known = Mapping[str, Sequence[tuple[str, Entry]]]


def without_done(parts: Sequence[PlanPart]) -> tuple[PlanPart, ...]:
    """Leave out of a plan what an earlier push of the same workbook did.

    A frame knows after a push what the service has, but a workbook still has the values of its export. If the journal
    cannot be read, nothing is left out: the push itself finds out what is done.
    """
    is_of_file = [str(part.frame.index.name).endswith("!") and bool(part.changes_list) for part in parts]
    with contextlib.suppress(JournalError):
        if any(is_of_file) and has_journal():
            return tuple(_without(part) if one else part for part, one in zip(parts, is_of_file, strict=True))
    return tuple(parts)


def _without(part: PlanPart) -> PlanPart:
    taken = _taken(part)
    ids = {change.id for change in part.changes_list if change.action == "update" and change.id}
    references = {str(change.reference_id) for change in part.changes_list if change.position in taken}
    known: defaultdict[str, list[tuple[str, Entry]]] = defaultdict(list)
    for push_id, entry in _entries(part, sorted(ids), sorted(references)):
        known[str(entry.id or entry.reference_id)].append((push_id, entry))
    seen = _seen_at(part, ids)
    counts = Counter[str]()
    kept: list[Change] = []
    created: set[int] = set()
    for change in part.changes_list:
        if change.action == "create" and change.position in taken and (push := _created_by(change, taken, known)):
            counts[push] += len(change.cells)
            created.add(change.position)
            continue
        done = {cell.column: _done_by(cell, change, known, seen) for cell in change.cells if change.action == "update"}
        counts.update(push for push in done.values() if push)
        cells = tuple(cell for cell in change.cells if not done.get(cell.column))
        if cells or not change.cells:
            kept.append(change._replace(cells=cells) if len(cells) < len(change.cells) else change)
    if not counts:
        return part
    problems = tuple(problem for problem in part.problems_list if problem.position not in created)
    notices = (*part.notices, *_notices(counts))
    return replace(part, changes_list=tuple(kept), problems_list=problems, notices=notices)


def _entries(part: PlanPart, ids: Sequence[str], references: Sequence[str]) -> Iterator[tuple[str, Entry]]:
    """Read what was sent of some records, the oldest first."""
    with reading(journal_path()) as connection:
        if connection is not None:
            yield from _rows(connection, part, "changes.id", ids)
            yield from _rows(connection, part, "changes.action = 'create' AND changes.reference_id", references)


def _rows(
    connection: sqlite3.Connection, part: PlanPart, column: str, values: Sequence[str]
) -> Iterator[tuple[str, Entry]]:
    for start in range(0, len(values), _PORTION):
        some = values[start : start + _PORTION]
        query = _QUERY.format(f"{column} IN ({', '.join('?' * len(some))})")
        where = [part.account.base_url, part.account.name, part.table.name, *some]
        for push_id, *row in connection.execute(query, where):
            entry = from_row(row)
            if entry.was_sent and not entry.damage:
                yield push_id, entry


def _taken(part: PlanPart) -> dict[int, Problem]:
    """Return the new rows with a reference that already exists, by position."""
    creates = {change.position for change in part.changes_list if change.action == "create"}
    return {
        problem.position: problem
        for problem in part.problems_list
        if problem.position in creates and problem.column == "reference_id" and problem.rule.startswith("exists as ")
    }


def _created_by(change: Change, taken: dict[int, Problem], known: Known) -> str:
    """Name the push that created a new row with exactly its content."""
    content = {cell.column: cell.new for cell in change.cells}
    for push_id, entry in known.get(str(change.reference_id), ()):
        is_it = entry.action == "create" and entry.state == "done" and entry.reference_id == change.reference_id
        is_named = entry.record_id is not None and f"exists as {entry.record_id}" in f"{taken[change.position].rule};"
        if is_it and is_named and {column: new for column, _, new in entry.cells} == content:
            return push_id
    return ""


def _done_by(cell: Cell, change: Change, known: Known, seen: dict[str, pd.Timestamp]) -> str:
    """Name the push that made the same edit after the workbook was exported, and that no later push changed again."""
    of_cell = [
        (push_id, entry, old)
        for push_id, entry in known.get(str(change.id), ())
        if entry.customer_id == change.customer_id
        for column, old, _ in entry.cells
        if column == cell.column
    ]
    if not of_cell:
        return ""
    push_id, entry, old = of_cell[-1]
    after = entry.after or {}
    stamp = pd.to_datetime(str(after.get("updated_at") or ""), utc=True, errors="coerce")
    exported = seen.get(str(change.id))
    is_later = exported is not None and stamp is not pd.NaT and exported < stamp
    is_it = entry.action == "update" and entry.state == "done" and is_same(after.get(cell.column), cell.new)
    return push_id if is_later and is_it and is_same(old, cell.old) else ""


def _seen_at(part: PlanPart, ids: Iterable[Any]) -> dict[str, pd.Timestamp]:
    """Return the time of the last change of each record at the export, by the service's own clock."""
    own = attached(part.frame)
    if own is None or "updated_at" not in own.frame or not own.index.is_unique:
        return {}
    wanted = own.frame[own.frame["id"].isin(list(ids))]
    return {one: stamp for one, stamp in zip(wanted["id"], wanted["updated_at"], strict=True) if not pd.isna(stamp)}


def _notices(counts: Counter[str]) -> Iterable[str]:
    for push_id, count in counts.items():
        was = plural(count, "was", "were")
        yield f"{counted(count, 'edited cell')} {was} already sent by push {push_id}, and {was} left out"
