"""Finish pushes that were cut off: by a crash, a closed laptop, an expired key, Ctrl-C."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wizframe.account import Account
from wizframe.api.client import open_client
from wizframe.arguments import CALLABLE, FLAG, PROGRESS, TEXT, checked, or_none, whole
from wizframe.errors import Hint, JournalError, PlanError, UnfinishedPushWarning, WrongAccountError, caller_level
from wizframe.fields import TABLES
from wizframe.planning.changes import Cell, Change, part_of_changes
from wizframe.pushing.checks import check_allowed, check_limits
from wizframe.pushing.confirmation import confirm, show_plan
from wizframe.pushing.ended_sandboxes import is_ended_sandbox
from wizframe.pushing.executor import Earlier, Interrupts, run
from wizframe.pushing.journal import Journal
from wizframe.pushing.journal_file import has_journal
from wizframe.pushing.plan import Plan, Result
from wizframe.pushing.results import interrupted
from wizframe.pushing.undo import frame_of
from wizframe.text import command, counted, option, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wizframe.api.client import BaseClient
    from wizframe.planning.changes import PlanPart
    from wizframe.pushing.journal_entries import Entry, PushEntry

__all__ = ["resume"]

#: The journal's states of changes that are still to be done.
_OPEN = ("planned", "sent", "unknown")


@checked(
    push_id=or_none(TEXT), yes=FLAG, max_changes=or_none(whole(0)), max_deletes=or_none(whole(0)),
    show=or_none(CALLABLE), progress=PROGRESS,
)  # fmt: skip
def resume(
    push_id: str | None = None,
    *,
    yes: bool = False,
    client: BaseClient | None = None,
    max_changes: int | None = None,
    max_deletes: int | None = None,
    show: Callable[[Plan], None] | None = None,
    progress: bool = True,
) -> list[Result]:
    """Show the remaining changes of pushes that were cut off, ask for confirmation, and finish the pushes.

    Parameters
    ----------
    push_id : str, optional
        Only this push; by default every unfinished push of the account, oldest first.
    yes : bool, default False
        Send without asking. Without ``yes=True`` and without an interactive terminal or notebook, nothing is sent.
    client : Client, optional
        By default the open connection of the push's account.
    max_changes : int, optional
        Send nothing if more changes than this remain, in all pushes together.
    max_deletes : int, optional
        Send nothing if more deletes than this remain. If you confirm the shown changes, their deletes are allowed; with
        ``yes=True`` the default is 0.
    show : callable, optional
        A function that shows the remaining changes of each push; it is called with a plan. By default a notebook
        displays it, and other programs print it.
    progress : bool, default True
        Show a bar if the work takes longer than a second.

    Returns
    -------
    list of Result
        One result per push with remaining changes; empty if there was none.

    Raises
    ------
    JournalError
        The journal cannot be used, or another process works on a push.
    LimitExceededError
        More changes or deletes remain than allowed; nothing was sent.
    PlanError
        The journal does not have this push, or you did not confirm; nothing was sent.
    WrongAccountError
        The client is connected to another account, or the push went to a sandbox that has ended.
    PushInterruptedError
        Ctrl-C was pressed. The error's ``result`` is the result of the push that was being finished.

    Warns
    -----
    UnfinishedPushWarning
        A push cannot be finished. The other pushes are finished.

    Notes
    -----
    Changes that are done are not sent again. For an update with an unknown outcome, the record is read first, and the
    update is done if it already has the values. A create with an unknown outcome is looked up by its reference, in
    both statuses, twice, after the settle period.
    """
    if not has_journal():
        if push_id is not None:
            raise _no_such_push(push_id)
        return []
    with Journal() as journal:
        left = list(_left(journal, push_id, client))
        if any(map(len, left)):
            for one in left:
                (show or show_plan)(one.plan)
            _check(left, max_changes, max_deletes, yes=yes)
        # After the question, because the user may press Ctrl-C there, and that ends at once.
        with Interrupts() as interrupts:
            results = list(_finished(left, journal, interrupts, progress=progress))
            journal.close()
            if interrupts.count and results:
                raise interrupted(results[-1])
            interrupts.check()
            return results


@dataclass(frozen=True)
class _Left:
    """The remaining changes of a push."""

    push: PushEntry
    client: BaseClient
    plan: Plan
    earlier: Earlier

    def __len__(self) -> int:
        return len(self.plan)


def _left(journal: Journal, push_id: str | None, client: BaseClient | None) -> Iterator[_Left]:
    """Lease the pushes that were cut off, oldest first, and yield their remaining changes."""
    known = journal.pushes(push_id)
    if push_id is not None and not known:
        raise _no_such_push(push_id)
    for push in reversed(known):
        if push.ended_at is not None:
            continue
        if (problem := _why_impossible(push)) is not None:
            if push_id is not None:
                raise problem
            warnings.warn(str(problem), UnfinishedPushWarning, stacklevel=caller_level())
            continue
        meant = _client_for(push, client, is_asked_for=push_id is not None)
        if meant is not None:
            journal.lease(push.push_id)
            yield _read(journal, push, meant)


def _no_such_push(push_id: str) -> PlanError:
    return PlanError(f"the journal has no push {push_id!r}", hint=f"{command('pushes')} lists them.")


def _why_impossible(push: PushEntry) -> JournalError | WrongAccountError | None:
    """Return the reason why a push can never be finished, or None."""
    is_known = isinstance(push.table_name, str) and all(name in TABLES for name in push.tables)
    if not is_known or push.on_conflict not in ("skip", "mine", "theirs"):
        return JournalError(
            f"push {push.push_id} cannot be finished: its row in the journal is damaged "
            f"(table {push.table_name!r}, on_conflict {push.on_conflict!r})"
        )
    if is_ended_sandbox(Account(push.base_url, push.account)):
        removes = Hint("To remove it: purge(older_than_days=0)", "To remove it: `wizframe purge --older-than-days 0`")
        return WrongAccountError(
            f"push {push.push_id} cannot be finished: it went to the sandbox at {push.base_url}, which has ended",
            hint=f"{removes}. This also removes all pushes that ended.",
        )
    return None


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


def _read(journal: Journal, push: PushEntry, client: BaseClient) -> _Left:
    entries: list[Entry] = []
    created: dict[str, str] = {}
    damaged: list[Entry] = []
    for entry in journal.entries(push.push_id):
        if entry.damage:
            damaged.append(entry)
        elif entry.state in _OPEN:
            entries.append(entry)
        elif entry.action == "create" and entry.record_id and TABLES[entry.table_name].parent is None:
            created[str(entry.reference_id)] = entry.record_id
    were_sent = frozenset(entry.number for entry in entries if entry.state != "planned")
    notices = list(_notices(push, len(were_sent), damaged))
    parts = []
    for name in push.tables:
        parts.append(_part_of(push, name, entries, client, notices))
        notices = []  # they are about the whole push, so only the first part has them
    # In the order of the parts, in which the executor numbers the changes.
    numbers = [entry.number for name in push.tables for entry in entries if entry.table_name == name]
    before = {entry.number: entry.before for entry in entries if entry.before is not None}
    return _Left(push, client, Plan(tuple(parts), client=client), Earlier(numbers, were_sent, before, created))


def _notices(push: PushEntry, sent: int, damaged: Sequence[Entry]) -> Iterator[str]:
    yield f"push {push.push_id} of {push.started_at[:16].replace('T', ' ')} UTC was cut off; these changes remain"
    if sent:
        yield f"{counted(sent, 'change')} may have been sent already, and {plural(sent, 'is', 'are')} looked up first"
    if push.on_conflict != "skip":
        yield f"conflicts are decided as before: {option('on_conflict', push.on_conflict)}"
    if damaged:
        left_out = f"{plural(len(damaged), 'is', 'are')} left out (row {damaged[0].number}: {damaged[0].damage})"
        yield f"{counted(len(damaged), 'row')} of the journal cannot be read and {left_out}"


def _part_of(
    push: PushEntry, table_name: str, entries: Iterable[Entry], client: BaseClient, notices: Sequence[str]
) -> PlanPart:
    """Plan the remaining changes of one table."""
    part = part_of_changes(
        [_change(entry) for entry in entries if entry.table_name == table_name],
        TABLES[table_name],
        client.account,
        connection=client.connection,
        made_from=f"push {push.push_id}, which was cut off",
        if_nothing=f"nothing is left to do of push {push.push_id}",
        notices=notices,
    )
    return replace(part, also=frame_of(push.push_id, part.table))


def _change(entry: Entry) -> Change:
    action: Any = entry.action
    cells = tuple(Cell(*cell) for cell in entry.cells)
    return Change(
        action, 0, entry.label, entry.name, entry.id, entry.customer_id, entry.reference_id, cells,
        entry.customer_reference_id, displaced=tuple((str(one), str(name)) for one, name in entry.displaced),
    )  # fmt: skip


def _check(left: Sequence[_Left], max_changes: int | None, max_deletes: int | None, *, yes: bool) -> None:
    """Raise an error for changes that must not be sent, and ask the user for a confirmation."""
    changes = [change for one in left for change in one.plan.changes_list]
    for one in left:
        check_allowed(one.plan.parts, one.client, max_changes=None, max_deletes=len(one.plan))
    allowed = max_deletes if max_deletes is not None or not yes else 0
    check_limits(changes, max_changes=max_changes, max_deletes=len(changes) if allowed is None else allowed)
    if not yes:
        where = " and ".join(sorted({f"{one.plan.account} ({one.client.environment})" for one in left}))
        what = f"what is left of {counted(len(left), 'push')} ({counted(len(changes), 'change')})"
        confirm(f"Send {what} to {where}? [y/N] ")


def _finished(left: Sequence[_Left], journal: Journal, interrupts: Interrupts, *, progress: bool) -> Iterator[Result]:
    """Finish pushes until they are done, or until Ctrl-C."""
    for one in left:
        if interrupts.count:
            return
        on_conflict: Any = one.push.on_conflict
        done = run(
            one.plan.parts,
            one.client,
            journal,
            one.push.push_id,
            interrupts,
            on_conflict=on_conflict,
            earlier=one.earlier,
            progress=progress,
        )
        yield Result(done, one.push.push_id, plan=one.plan)
