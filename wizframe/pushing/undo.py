"""The inverse of a push, as an ordinary plan: made from what the journal kept, conflicts checked like any other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wizframe.account import Account
from wizframe.api.client import open_client
from wizframe.api.dialects import writable_attributes
from wizframe.errors import Hint, PlanError, WrongAccountError
from wizframe.fields import CUSTOMER, NESTED, TABLES
from wizframe.planning.changes import Cell, Change, Problem
from wizframe.pushing.journal import Journal
from wizframe.pushing.plan_file import joined, revive
from wizframe.text import command

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from wizframe.api.client import BaseClient
    from wizframe.fields import Table
    from wizframe.pushing.journal_entries import Entry, PushEntry
    from wizframe.pushing.plan import Plan

__all__ = ["undo"]


def undo(push_id: str, *, ids: Collection[str] | None = None, client: BaseClient | None = None) -> Plan:
    """Plan the inverse of a push: updates put back, creates deleted, deletes created again. Nothing is sent.

    Parameters
    ----------
    push_id : str
        :func:`wizframe.pushes` lists them; a result has its own.
    ids : collection of str, optional
        Only these records.
    client : Client, optional
        By default the open connection of the push's account.

    Returns
    -------
    Plan
        What was changed since by others is a conflict when it is applied. Deleting what was created needs
        ``apply(max_deletes=…)``. What cannot be put back (a required field that was blank) is a problem; what comes
        back different (new ids, contacts of a deleted customer that were inactive) is a notice.

    Raises
    ------
    PlanError
        The journal has no such push.
    WrongAccountError
        The client is connected to another account.

    Notes
    -----
    Sends nothing.
    """
    with Journal() as journal:
        known = journal.pushes()
        push = next((one for one in known if one.push_id == push_id), None)
        if push is None:
            raise PlanError(f"the journal has no push {push_id!r}: {command('pushes')} lists them")
        meant = _client_for(push, client)
        deleted = 0
        changes: dict[str, list[Change]] = {name: [] for name in push.tables}
        for entry in journal.entries(push_id):
            if _was_written(entry) and (ids is None or entry.record_id in ids):
                changes[entry.table_name] += _inverse(entry, TABLES[entry.table_name])
                deleted += entry.action == "delete"
        # Last things first.
        plan = joined([_inverse_of(push, TABLES[name], inverse[::-1], meant) for name, inverse in changes.items()])
        counts = journal.counts(push_id)
        unsettled = 0 if ids is not None else counts.get("unknown", 0) + counts.get("sent", 0)
        state = _state(plan, push, known, journal) if len(plan) else ()
        return replace(plan, notices=(*_notices(deleted, unsettled), *state))


def _client_for(push: PushEntry, client: BaseClient | None) -> BaseClient:
    account = Account(push.base_url, push.account)
    meant = open_client(client, account=account)
    if meant.account != account:
        raise WrongAccountError(f"push {push.push_id} went to {account}, the client is connected to {meant.account}")
    return meant


def _inverse_of(push: PushEntry, table: Table, changes: list[Change], client: BaseClient) -> Plan:
    """Plan the inverse of what a push did in one table."""
    return revive(
        changes,
        table,
        client.account,
        connection=client.connection,
        made_from=f"what push {push.push_id} of {push.started_at[:16].replace('T', ' ')} UTC left behind",
        problems=list(_problems(changes, table)),
    )


def _was_written(entry: Entry) -> bool:
    """Tell whether a change had an effect; also where the service kept a part of it only."""
    return entry.state == "done" or entry.code == "not_kept"


def _inverse(entry: Entry, table: Table) -> Iterator[Change]:
    """Turn one change round; nothing where it changed nothing."""
    before, after = entry.before or {}, entry.after or {}
    if entry.action == "update":  # without a record before it, nothing was written: it was already so
        cells = [Cell(column, after.get(column, new), before.get(column)) for column, _, new in entry.cells if before]
        cells = [Cell(c.column, c.old, _cleared(table, c)) for c in cells if not _is_same(c.old, c.new)]
        action: Any = "update"
    elif entry.action == "create":
        # All that it was given, and all that it was left blank in: somebody may have filled that in since.
        known = after or {column: new for column, _, new in entry.cells}
        names = [field.name for field in table.fields if field.create and field.name != "contacts"]
        cells = [Cell(name, known.get(name), None) for name in names]
        action = "delete"
    else:
        cells = [Cell(name, None, value) for name, value in _creatable(before, table).items()]
        action = "create"
    if cells:
        identifier = None if action == "create" else entry.record_id
        reference = before.get("reference_id") or after.get("reference_id") or entry.reference_id
        parent = entry.customer_id
        yield Change(action, 0, entry.label, entry.name, identifier, parent, reference, tuple(cells))


def _is_same(left: Any, right: Any) -> bool:
    return (left or None) == (right or None)


def _cleared(table: Table, cell: Cell) -> Any:
    """Give what clears the field, where it was blank before."""
    if cell.new is not None:
        return cell.new
    return {"ids": [], "flag": False}.get(table[cell.column].kind, "")


def _creatable(record: dict[str, Any], table: Table) -> dict[str, Any]:
    """Pick what a new record can be given, of one that was read with its details."""
    values: dict[str, Any] = {}
    for field in table.fields:
        value = record.get(field.name)
        if not field.create or value in (None, "", []) or field.name == "id":
            continue
        if field.name in NESTED and table is CUSTOMER:
            value = [_creatable(row, NESTED[field.name]) for row in value]
        elif field.name == "attributes":
            value = writable_attributes(value)  # None where the service shows no values
        if value:
            values[field.name] = value
    return values


def _problems(changes: list[Change], table: Table) -> Iterator[Problem]:
    for number, change in enumerate(changes):
        for cell in change.cells:
            if change.action == "update" and cell.new == "" and cell.column in table.required:
                yield Problem(number, cell.column, None, "was blank before, but is required: it cannot be cleared")


def _state(plan: Plan, push: PushEntry, known: Sequence[PushEntry], journal: Journal) -> Iterator[str]:
    """Say that nothing happens by itself, or that it happened already: the same changes have the same id."""
    later = (one for one in known if one.plan_id == plan.id and one.started_at > push.started_at)
    again = next((one for one in later if journal.counts(one.push_id).get("done")), None)
    if again is not None:
        yield f"push {again.push_id} did this already; what is so is not sent again"
    else:
        yield f"nothing is put back yet{Hint(': apply() does it', '')}"
    yield "what was loaded or exported before goes on showing what was pushed: load it again afterwards"


def _notices(deleted: int, unsettled: int) -> Iterator[str]:
    if deleted:
        yield (
            f"{deleted} deleted records come back under new ids, as active; their contacts with them, "
            "but not what the API does not show"
        )
    if unsettled:
        finish = f"{command('resume')} settles them"
        yield f"{unsettled} changes of this push have an unknown outcome and are not undone: {finish}"
