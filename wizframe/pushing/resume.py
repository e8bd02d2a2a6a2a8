"""Finish pushes that were cut off: by a crash, a closed laptop, an expired key, Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wizframe.account import Account
from wizframe.api.client import open_client
from wizframe.errors import JournalError, PlanError, WrongAccountError
from wizframe.fields import TABLES
from wizframe.planning.changes import Cell, Change, part_of_changes
from wizframe.pushing.executor import Earlier, Interrupts, run
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import journal_path
from wizframe.pushing.plan import Plan, Result
from wizframe.pushing.results import interrupted
from wizframe.text import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.api.client import BaseClient
    from wizframe.planning.changes import PlanPart
    from wizframe.pushing.journal_entries import Entry, PushEntry

__all__ = ["resume"]

#: The journal's states of changes that are left to do.
_OPEN = ("planned", "sent", "unknown")


def resume(push_id: str | None = None, *, client: BaseClient | None = None, progress: bool = True) -> list[Result]:
    """Finish pushes that were cut off.

    Parameters
    ----------
    push_id : str, optional
        Only this one; by default every unfinished push of the account, oldest first.
    client : Client, optional
        By default the open connection of the push's account.
    progress : bool, default True
        Show a bar when it takes longer than a second.

    Returns
    -------
    list of Result
        One per push that had something left to do; empty if none had.

    Raises
    ------
    JournalError
        The journal cannot be used, or another process works on the push.
    PlanError
        The journal has no such push.
    WrongAccountError
        The client is connected to another account.
    PushInterruptedError
        Ctrl-C; its ``result`` is that of the push that was being finished.

    Notes
    -----
    What was done is not sent again. An update with an unknown outcome is read first, and is done if it already has its
    values. A create with an unknown outcome is looked up by its reference, in both statuses, twice, after the settle
    period.
    """
    if not journal_path().exists():
        return []
    with Interrupts() as interrupts:
        with Journal() as journal:
            results = list(_resumed(journal, push_id, client, interrupts, progress=progress))
        if interrupts.count and results:
            raise interrupted(results[-1])
        interrupts.check()
        return results


def _resumed(
    journal: Journal, push_id: str | None, client: BaseClient | None, interrupts: Interrupts, *, progress: bool
) -> Iterator[Result]:
    """Finish pushes, oldest first, until Ctrl-C."""
    left = [push for push in reversed(journal.pushes(push_id)) if push.ended_at is None]
    if push_id is not None and not journal.pushes(push_id):
        raise PlanError(f"the journal has no push {push_id!r}", hint=f"{command('pushes')} lists them.")
    for push in left:
        if interrupts.count:
            return
        meant = _client_for(push, client, is_asked_for=push_id is not None)
        if meant is not None and _lease(journal, push, is_asked_for=push_id is not None):
            yield _finish(journal, push, meant, interrupts, progress=progress)


def _client_for(push: PushEntry, client: BaseClient | None, *, is_asked_for: bool) -> BaseClient | None:
    account = Account(push.base_url, push.account)
    meant = open_client(client, account=account)
    if meant.account == account:
        return meant
    if is_asked_for:
        raise WrongAccountError(
            f"push {push.push_id} goes to {account}, but the client is connected to {meant.account}"
        )
    return None


def _lease(journal: Journal, push: PushEntry, *, is_asked_for: bool) -> bool:
    """Take a push over; one that another process is working on was not cut off."""
    try:
        journal.lease(push.push_id)
    except JournalError:
        if is_asked_for:
            raise
        return False
    return True


def _finish(journal: Journal, push: PushEntry, client: BaseClient, interrupts: Interrupts, *, progress: bool) -> Result:
    entries: list[Entry] = []
    created: dict[str, str] = {}
    for entry in journal.entries(push.push_id):
        if entry.state in _OPEN:
            entries.append(entry)
        if entry.action == "create" and entry.after and TABLES[entry.table_name].parent is None:
            created[str(entry.reference_id)] = entry.after["id"]
    parts = tuple(_part_of(push, name, entries, client) for name in push.tables)
    on_conflict: Any = push.on_conflict
    earlier = Earlier(
        [entry.number for entry in entries],
        frozenset(entry.number for entry in entries if entry.state != "planned"),
        created,
    )
    done = run(
        parts,
        client,
        journal,
        push.push_id,
        interrupts,
        on_conflict=on_conflict,
        earlier=earlier,
        progress=progress,
    )
    return Result(done, push.push_id, plan=Plan(parts))


def _part_of(push: PushEntry, table_name: str, entries: Sequence[Entry], client: BaseClient) -> PlanPart:
    """Plan what is left to do in one table, if anything."""
    return part_of_changes(
        [_change(entry) for entry in entries if entry.table_name == table_name],
        TABLES[table_name],
        client.account,
        connection=client.connection,
        made_from=f"push {push.push_id}, which was cut off",
        if_nothing=f"nothing is left to do of push {push.push_id}",
    )


def _change(entry: Entry) -> Change:
    action: Any = entry.action
    cells = tuple(Cell(*cell) for cell in entry.cells)
    return Change(
        action, 0, entry.label, entry.name, entry.id, entry.customer_id, entry.reference_id, cells,
        entry.customer_reference_id,
    )  # fmt: skip
