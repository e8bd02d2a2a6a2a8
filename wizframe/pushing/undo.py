"""The inverse of a push. It is made from the journal, and checked for conflicts like every other plan."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wizframe.account import Account
from wizframe.api.client import open_client
from wizframe.api.dialects import writable_attributes
from wizframe.errors import JournalError, PlanError, WrongAccountError
from wizframe.fields import NESTED, TABLES
from wizframe.planning.changes import Cell, Change, Problem, part_of_changes, plan_id
from wizframe.pushing.comparison import is_same, side_effects
from wizframe.pushing.journal import Journal
from wizframe.text import command, counted, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.fields import Table
    from wizframe.planning.changes import PlanPart
    from wizframe.pushing.journal_entries import Entry, PushEntry

__all__ = ["frame_of", "inverse_parts", "remember_frames"]

#: Push id to its frames, by table name. An undo is written into them, too.
_frames: dict[str, dict[str, weakref.ref[pd.DataFrame]]] = {}
_NOT_YET = "nothing is restored yet: to restore, apply this plan"
_OTHERS = "files and copies of the frame from before the undo still have the pushed values: load again afterwards"


def inverse_parts(
    push_id: str, *, ids: Collection[str] | None = None, client: BaseClient | None = None
) -> tuple[PlanPart, ...]:
    """Plan the inverse of a push, last changes first; see :func:`wizframe.undo`."""
    with Journal() as journal:
        known = journal.pushes()
        push = next((one for one in known if one.push_id == push_id), None)
        if push is None:
            raise PlanError(f"the journal has no push {push_id!r}", hint=f"{command('pushes')} lists them.")
        if not all(name in TABLES for name in push.tables):
            raise JournalError(f"push {push_id} cannot be undone: its row in the journal is damaged")
        meant = _client_for(push, client)
        deleted = inactive = in_doubt = damaged = 0
        changes: dict[str, list[Change]] = {name: [] for name in push.tables}
        for entry in journal.entries(push_id):
            damaged += bool(entry.damage)
            if _was_written(entry) and (ids is None or entry.record_id in ids):
                in_doubt += entry.state in ("unknown", "sent")
                changes[entry.table_name] += _inverse(entry, TABLES[entry.table_name])
                deleted += entry.action == "delete" and not entry.after
                inactive += entry.action == "delete" and bool(entry.after)
        whose = "" if ids is None else " with these ids"
        parts = [
            _inverse_part(push, TABLES[name], _merged(inverse[::-1]), meant, whose) for name, inverse in changes.items()
        ]
        counts = journal.counts(push_id)
        unsettled = 0 if ids is not None else counts.get("unknown", 0) + counts.get("sent", 0) - in_doubt
        notices = (*parts[0].notices, *_notices(deleted, inactive, unsettled, damaged))
        if any(changes.values()):
            notices = (*notices, _NOT_YET, _OTHERS)
        parts[0] = replace(parts[0], notices=notices)
        if again := _done_by(plan_id(parts), push, known, journal):
            done = f"push {again} already did this; values that are already restored are not sent again"
            parts[0] = replace(parts[0], notices=tuple(done if one == _NOT_YET else one for one in notices))
        return tuple(parts)


def remember_frames(push_id: str, parts: Iterable[PlanPart]) -> None:
    """Store weak references to the frames of a push, so that an undo can update them."""
    seen = {part.table.name: part.also if part.also is not None else part.frame for part in parts}
    _frames[push_id] = {name: weakref.ref(frame) for name, frame in seen.items()}


def frame_of(push_id: str, table: Table) -> pd.DataFrame | None:
    """Return the frame of a table in a push of this session, if the frame still exists."""
    known = _frames.get(push_id, {}).get(table.name)
    return known() if known is not None else None


def _client_for(push: PushEntry, client: BaseClient | None) -> BaseClient:
    account = Account(push.base_url, push.account)
    meant = open_client(client, account=account)
    if meant.account != account:
        raise WrongAccountError(
            f"push {push.push_id} went to {account}, but the client is connected to {meant.account}"
        )
    return meant


def _inverse_part(push: PushEntry, table: Table, changes: list[Change], client: BaseClient, whose: str) -> PlanPart:
    part = part_of_changes(
        changes,
        table,
        client.account,
        connection=client.connection,
        made_from=f"the records after push {push.push_id} of {push.started_at[:16].replace('T', ' ')} UTC",
        if_nothing=f"nothing to undo: this push changed no {table.name}{whose}",
        problems=list(_problems(changes, table)),
    )
    return replace(part, also=frame_of(push.push_id, table))


def _was_written(entry: Entry) -> bool:
    """Return whether a change had an effect, or may have had one, such as an update with an unknown outcome."""
    is_in_doubt = entry.state in ("unknown", "sent") and entry.action == "update" and entry.before is not None
    return entry.state == "done" or entry.code in ("not_kept", "fields_lost") or is_in_doubt


def _inverse(entry: Entry, table: Table) -> Iterator[Change]:
    """Yield the inverse of a change; nothing if the change had no effect."""
    before, after = entry.before or {}, entry.after or {}
    if entry.action == "update":  # no record before it means that nothing was written: it already had the values
        cells = [_turned(column, new, before, after) for column, _, new in entry.cells if before]
        cells += _lost(entry, table)
        cells = [Cell(c.column, c.old, _cleared(table, c)) for c in cells if (c.old or None) != (c.new or None)]
        action: Any = "update"
    elif entry.action == "create":
        # All given values and all blank ones are compared, because another user may have filled in a blank since.
        known = after or {column: new for column, _, new in entry.cells}
        # Nested children that are a table of their own are left out: they change with every new child.
        names = [field.name for field in table.fields if field.create and field.name not in TABLES]
        cells = [Cell(name, known.get(name), None) for name in names]
        action = "delete"
    elif after:  # the record was set to inactive, so it and its reference still exist
        cells, action = [], "create"
    else:
        cells = [Cell(name, None, value) for name, value in _creatable(before, table).items()]
        action = "create"
    flag = table.default.column if table.default and entry.displaced else ""
    if action == "delete" and flag:  # the service clears it before the delete, when the old default gets it back
        cells = [cell for cell in cells if cell.column != flag]
    if cells:
        identifier = None if action == "create" else entry.record_id
        reference = before.get("reference_id") or after.get("reference_id") or entry.reference_id
        yield Change(action, 0, entry.label, entry.name, identifier, entry.customer_id, reference, tuple(cells))
    for old, name in entry.displaced if flag else ():
        cell, taken = Cell(flag, False, True), ((str(entry.record_id), entry.name),)
        yield Change("update", 0, name, name, old, entry.customer_id, None, (cell,), displaced=taken)


def _merged(changes: Iterable[Change]) -> list[Change]:
    """Make one change of two that restore parts of one record: its own cells, and the flag that another one took."""
    found: dict[tuple[Any, ...], Change] = {}
    for number, change in enumerate(changes):
        key = (*change.owner, change.id) if change.action == "update" else (number,)
        if first := found.get(key):
            change = first._replace(cells=first.cells + change.cells, displaced=first.displaced + change.displaced)  # noqa: PLW2901
        found[key] = change
    return list(found.values())


def _turned(column: str, new: Any, before: dict[str, Any], after: dict[str, Any]) -> Cell:
    """Return the inverse of a cell. If the value is unchanged in the response, it may have been stored later."""
    old, now = before.get(column), after.get(column, new)
    return Cell(column, new if is_same(now, old) else now, old)


def _lost(entry: Entry, table: Table) -> Iterator[Cell]:
    """Yield the fields that the service changed although they were not sent, if they can be written."""
    sent = {column: new for column, _, new in entry.cells}
    lost = entry.code == "fields_lost"
    for effect in side_effects(entry.before or {}, entry.after or {}, sent, table) if lost else ():
        if effect.column in table and effect.column not in TABLES:  # children have changes of their own
            old = _creatable(entry.before or {}, table).get(effect.column, effect.before)
            yield Cell(effect.column, (entry.after or {}).get(effect.column), old)


def _cleared(table: Table, cell: Cell) -> Any:
    """Return the value that clears the field, if the field was blank before."""
    if cell.new is not None:
        return cell.new
    return {"ids": [], "flag": False}.get(table[cell.column].kind, "")


def _creatable(record: dict[str, Any], table: Table) -> dict[str, Any]:
    """Return the fields of a record that a create can have; the record was read with its details."""
    values: dict[str, Any] = {}
    for field in table.fields:
        value = record.get(field.name)
        if not field.create or value in (None, "", []) or field.name == "id":
            continue
        if field.name in NESTED:
            value = [_creatable(row, NESTED[field.name]) for row in value]
        elif field.name == "attributes":
            value = writable_attributes(value)  # None if the service does not show the values
        if value:
            values[field.name] = value
    return values


def _problems(changes: list[Change], table: Table) -> Iterator[Problem]:
    for number, change in enumerate(changes):
        for cell in change.cells:
            if change.action == "update" and cell.new == "" and cell.column in table.required:
                yield Problem(number, cell.column, None, "was blank before, but is required: it cannot be cleared")


def _done_by(own_id: str, push: PushEntry, known: Sequence[PushEntry], journal: Journal) -> str:
    """Return the id of a later push that already did this: its plan has the same id."""
    later = (one for one in known if one.plan_id == own_id and one.started_at > push.started_at)
    return next((one.push_id for one in later if journal.counts(one.push_id).get("done")), "")


def _notices(deleted: int, inactive: int, unsettled: int, damaged: int) -> Iterator[str]:
    if inactive:
        yield (
            f"{counted(inactive, 'record')} {plural(inactive, 'was', 'were')} set to inactive: the API cannot change "
            f"that, so activate {plural(inactive, 'it', 'them')} in WizCommerce"
        )
    if deleted:
        yield (
            f"{counted(deleted, 'deleted record')} {plural(deleted, 'comes', 'come')} back under new ids, as active; "
            "contacts come back with their customers, but not what the API does not show"
        )
    if unsettled:
        yield (
            f"{counted(unsettled, 'change')} of this push {plural(unsettled, 'has', 'have')} an unknown outcome and "
            f"{plural(unsettled, 'is', 'are')} not undone: resume the push first"
        )
    if damaged:
        yield f"{counted(damaged, 'row')} of the journal {plural(damaged, 'is', 'are')} damaged and not undone"
