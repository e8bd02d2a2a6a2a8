"""Send one change safely: read before writing, compare after it, never repeat a create blindly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from wizframe.api.validation import moment
from wizframe.errors import (
    AuthenticationError,
    Hint,
    InvalidRequestError,
    JournalError,
    NotFoundError,
    NotSentError,
    ProtocolError,
    RateLimitError,
    ReadOnlyError,
    RedirectError,
    ServiceError,
    TakenError,
    TransportError,
    UnavailableError,
)
from wizframe.frames.build import is_blank
from wizframe.loading.lookups import ServiceLookups
from wizframe.planning.changes import shown
from wizframe.progress import note
from wizframe.pushing.outcomes import ConflictCell, Outcome
from wizframe.text import command, option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.errors import WizframeError
    from wizframe.fields import Table
    from wizframe.planning.changes import Cell, Change

__all__ = ["OnConflict", "PushStoppedError", "Sender"]

OnConflict = Literal["skip", "mine", "theirs"]
NoteSent = Callable[["Record | None"], None]
#: How often one change is sent: after three lost responses in a row the connection is broken, not unlucky.
ATTEMPTS = 3
#: After these it is unknown whether the service acted on the request.
_LOST = (TransportError, UnavailableError)
#: After these the next row would fail in the same way.
_FATAL = (AuthenticationError, ReadOnlyError, NotSentError, RateLimitError, RedirectError, JournalError)


class PushStoppedError(Exception):
    """The push cannot go on. ``outcome`` is that of the change that was being sent."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.what_happened)
        self.outcome = outcome


class Sender:
    """Sends the changes of one table, one at a time in each thread."""

    def __init__(self, client: BaseClient, table: Table, on_conflict: OnConflict) -> None:
        self._client = client
        self._operations = client.operations(table)
        self._table = table
        self._on_conflict = on_conflict

    def send(self, change: Change, note_sent: NoteSent, *, was_sent: bool = False) -> Outcome:
        """Send a change; ``was_sent`` if an earlier run may have sent it.

        ``note_sent`` is called with the service's record, or None, before each write; if it raises, nothing is sent.
        Raises PushStoppedError for what the other changes would meet too.
        """
        steps = {"create": self._create, "update": self._update, "delete": self._delete}
        tries = _Tries(note_sent, is_open=was_sent)
        try:
            return steps[change.action](change, tries)
        except (ServiceError, TransportError, InvalidRequestError, ReadOnlyError, JournalError) as error:
            outcome = _unfinished(change, tries, error)
            is_fatal = isinstance(error, _FATAL)
        if is_fatal:
            raise PushStoppedError(outcome)
        return outcome

    def _update(self, change: Change, tries: _Tries) -> Outcome:
        """Read, merge field by field, write, compare; if the response was lost, again from the read."""
        while True:
            current = self._look(change, tries)
            if current is None:
                return _gone(tries)
            wanted, conflicts = _three_way(change.cells, current, self._on_conflict)
            if conflicts and self._on_conflict != "mine" and tries.settle():
                continue
            if conflicts and self._on_conflict == "skip":
                return _conflict(conflicts, tries, current)
            if not wanted:
                said = "WizCommerce's newer values were kept" if conflicts else "it already had these values"
                return Outcome("done", said if not tries.sent else "changed", attempts=tries.sent, after=current)
            tries.check()
            try:
                with tries.sending(current):
                    # A table that is sent whole goes back as it was just read, with the changes.
                    written = _meant(str(change.id), self._operations.write_one(current, wanted))
            except NotFoundError:
                return _gone(tries)
            except _LOST as error:
                tries.lose(error)
                continue
            except ServiceError as error:
                tries.refuse(error)
                continue
            return self._verified(change, wanted, written, tries)

    def _look(self, change: Change, tries: _Tries) -> Record | None:
        """Read the record; if a request is open, only after it must have had its effect."""
        if not tries.is_settling:
            return self._read(change)
        self._wait_for_effect(str(change.id))
        current = self._read(change)
        tries.is_settling = tries.is_open = False
        return current

    def _wait_for_effect(self, name: str) -> None:
        """Wait until a request with a lost response must have had its effect, if it ever has one."""
        note(f"checking {name} after a lost response")
        try:
            self._client.transport.rate_limiter.sleep(self._client.settle_s)
        finally:
            note("")

    def _verified(self, change: Change, wanted: dict[str, Any], written: Record, tries: _Tries) -> Outcome:
        """Believe what the service shows, not its 200."""
        is_new = change.action == "create"
        if not wanted.keys() <= written.keys():
            tries.is_open = True  # accepted, but what was stored is unknown until it is read
            written = self._read(change, written["id"]) or written
            tries.is_open = False
        other = [name for name, value in wanted.items() if not _same(written.get(name), value)]
        if not other:
            return Outcome("done", "created" if is_new else "changed", attempts=tries.sent, after=written)
        said = ", ".join(f"{name} is {shown(written.get(name))}" for name in other)
        said = f"it was created, but {said}" if is_new else f"the service accepted the change, but {said}"
        step = "change it in WizCommerce itself: the API does not take this value"
        return Outcome("failed", said, step, "not_kept", tries.sent, written)

    def _create(self, change: Change, tries: _Tries) -> Outcome:
        """Send once; if the response is lost, look the reference up before anything is sent again."""
        record = {name: value for name, value in change.new_values.items() if not is_blank(value)}
        if tries.is_open and (found := self._find_new(change)) is not None:
            return _adopted(change, record, found, tries)
        while True:
            tries.check()
            try:
                with tries.sending(None):
                    written = self._operations.create_one(change.customer_id, record)
            except TakenError as error:
                if tries.sent == 1 and not tries.was_open:
                    instead = f"plan with {option('match', 'reference_id')} to update the record that has it"
                    step = f"give another reference, or {instead}"
                    return Outcome("failed", f"reference {change.reference_id} is taken: {error}", step, error.code, 1)
                tries.is_open = True  # by the request with the lost response, or by another user
                tries.lose(error)
            except _LOST as error:
                tries.lose(error)
            except ServiceError as error:
                if not isinstance(error, _FATAL):
                    tries.is_open = False  # earlier requests were looked up, and created nothing
                raise
            else:
                return self._verified(change, record, written, tries)
            found = self._find_new(change)
            if found is not None:
                return _adopted(change, record, found, tries)

    def _find_new(self, change: Change) -> Record | None:
        """Look a reference up in both statuses, twice, each time after a lost request must have had its effect."""
        key = change.customer_id, str(change.reference_id)
        for _ in range(2):
            self._wait_for_effect(str(change.reference_id))
            found = ServiceLookups(self._client).by_reference(self._table, [key]).get(key)
            if found is not None:
                # A list shows less than the details, and what was sent must be compared with all of it.
                return self._operations.read_one(change.customer_id, found["id"]) if self._table.has_details else found
        return None

    def _delete(self, change: Change, tries: _Tries) -> Outcome:
        """Delete a record only if it is as it was when the user decided to."""
        while True:
            current = self._look(change, tries)
            if current is None:
                return Outcome("done", "deleted" if tries.sent else "it was already gone", attempts=tries.sent)
            changed = tuple(
                ConflictCell(cell.column, cell.old, "(delete)", current.get(cell.column))
                for cell in change.cells
                if cell.column in current and not _is_as_it_was(cell, current)
            )
            if changed and self._on_conflict != "mine" and tries.settle():
                continue
            if changed and self._on_conflict != "mine":
                return _conflict(changed, tries, current)
            tries.check()
            try:
                with tries.sending(current):
                    self._operations.delete_one(change.customer_id, str(change.id))
            except NotFoundError:
                pass
            except _LOST as error:
                tries.lose(error)
                continue
            except ServiceError as error:
                tries.refuse(error)
                continue
            return Outcome("done", "deleted", attempts=tries.sent)

    def _read(self, change: Change, new_id: str = "") -> Record | None:
        """Read the record as it is now; None if it is gone."""
        identifier = new_id or str(change.id)
        try:
            return _meant(identifier, self._operations.read_one(change.customer_id, identifier))
        except NotFoundError:
            return None


class _Tries:
    """How often a change was sent, and whether a request is open: sent, with an unknown outcome."""

    def __init__(self, note_sent: NoteSent, *, is_open: bool) -> None:
        self.sent = 0
        self.is_open = self.was_open = is_open
        self.is_settling = False
        self.refusal: ServiceError | None = None
        self._note_sent = note_sent
        self._error: WizframeError | None = None

    @contextlib.contextmanager
    def sending(self, before: Record | None) -> Iterator[None]:
        """Note and count a write. A refusal says that this one did nothing, and nothing of those before it."""
        self._note_sent(before)
        self.sent += 1
        was_open, self.is_open = self.is_open, True
        try:
            yield
        except (NotSentError, ReadOnlyError, InvalidRequestError):
            self.is_open = was_open
            raise
        except ServiceError as error:
            self.is_open = was_open or isinstance(error, UnavailableError)
            raise
        self.is_open = False

    def lose(self, error: WizframeError) -> None:
        """Remember the error that lost a response; raise it if the push cannot go on."""
        self._error = error
        if isinstance(error, _FATAL):
            raise error

    def refuse(self, error: ServiceError) -> None:
        """Remember a refusal until it is known what earlier requests did; raise it if none is open."""
        if isinstance(error, _FATAL) or not self.settle():
            raise error
        self.refusal = error

    def settle(self) -> bool:
        """Tell whether a verdict must wait: the record is then read once more, after the effect of what is open."""
        self.is_settling = self.is_open
        return self.is_settling

    def check(self) -> None:
        """Raise the remembered refusal, or the last error if sending was tried often enough."""
        if self.refusal is not None:
            raise self.refusal
        if self._error is not None and self.sent >= ATTEMPTS:
            raise self._error


def _meant(identifier: str, found: Record) -> Record:
    """Refuse a response that shows another record: it would be compared with this one, and written into its row."""
    if found["id"] != identifier:
        raise ProtocolError(f"the service was asked for {identifier}, but sent another record")
    return found


def _unfinished(change: Change, tries: _Tries, error: WizframeError) -> Outcome:
    """Say what an error means for a row: unknown, not sent, or refused."""
    again = "push again: what is already as you want it is not sent twice"
    if tries.is_open:
        if change.action == "create":
            again = f"plan again: if reference {change.reference_id} exists by then, the plan says so"
        return Outcome("unknown", f"it is unknown whether this was done: {error}", again, error.code, tries.sent)
    if isinstance(error, _FATAL):
        step = f"fix that; {command('resume')} then finishes the push"
        return Outcome("unsent", f"the push stopped: {error}", step, error.code)
    if isinstance(error, _LOST):
        return Outcome("unsent", f"the record could not be read: {error}", again, error.code)
    # The reasons are in the message; here only what to correct.
    columns = ", ".join(dict.fromkeys(name for name, _ in getattr(error, "details", ())))
    retry = Hint("plan result.failed again", "push again")
    step = f"correct {columns or 'the row as the message says'}, then {retry}"
    return Outcome("failed", str(error), step, error.code, tries.sent)


def _adopted(change: Change, record: Record, found: Record, tries: _Tries) -> Outcome:
    """If a record that has the reference is what was sent, take it for the one that the lost request created."""
    other = [
        ConflictCell(name, None, value, found.get(name))
        for name, value in record.items()
        if not _same(found.get(name), value)
    ]
    if not other:
        said = "created (the response was lost, the record was found)"
        return Outcome("done", said, attempts=tries.sent, after=found)
    step = f"look at {found['id']}: it has reference {change.reference_id}, but not what you sent"
    return Outcome("conflict", "another record has the reference", step, "conflict", tries.sent, None, tuple(other))


def _three_way(
    cells: Iterable[Cell], current: Record, on_conflict: OnConflict
) -> tuple[dict[str, Any], list[ConflictCell]]:
    """Decide for each field: already so, unchanged elsewhere (send), or changed elsewhere (conflict)."""
    wanted: dict[str, Any] = {}
    conflicts: list[ConflictCell] = []
    for cell in cells:
        now = current.get(cell.column)
        if _same(now, cell.new):
            continue
        if not _same(now, cell.old):
            conflicts.append(ConflictCell(cell.column, cell.old, cell.new, now))
            if on_conflict != "mine":
                continue
        wanted[cell.column] = cell.new
    return wanted, conflicts


def _is_as_it_was(cell: Cell, current: Record) -> bool:
    if cell.column != "updated_at":
        return _same(current[cell.column], cell.old)
    try:
        return moment(current["updated_at"]) == moment(cell.old)
    except (ValueError, OverflowError):  # a time that cannot be read proves nothing
        return False


def _same(left: Any, right: Any) -> bool:
    """Compare the service's value with one of ours: blank equals blank, lists in any order.

    A record inside a record (an address, a contact, an attribute) comes back with more fields than were sent.
    """
    if is_blank(left) or left == []:
        return is_blank(right) or right == []
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(any(_same(item, wanted) for item in left) for wanted in right)
    if isinstance(left, dict) and isinstance(right, dict):
        return all(_same(left.get(name), value) for name, value in right.items())
    return bool(left == right)


def _gone(tries: _Tries) -> Outcome:
    said = "the record was deleted in WizCommerce; a push does not create it again"
    step = "remove the row, or clear its id to create the record again"
    return Outcome("conflict", said, step, "deleted", tries.sent)


def _conflict(conflicts: Iterable[ConflictCell], tries: _Tries, current: Record) -> Outcome:
    cells = tuple(conflicts)
    said = "; ".join(
        f"{cell.column} was {shown(cell.when_loaded)} when loaded, yours is {shown(cell.yours)}, "
        f"now in WizCommerce {shown(cell.now)}"
        for cell in cells
    )
    said = f"it changed in WizCommerce since you loaded it: {said}"
    step = Hint(
        python="plan again: apply(on_conflict='mine') sends your values, 'theirs' keeps WizCommerce's. To decide cell "
        "by cell, edit result.conflict_cells and plan it with result.resolve()",
        cli="push again: --on-conflict mine sends your values, --on-conflict theirs keeps WizCommerce's",
    )
    return Outcome("conflict", said, str(step), "conflict", tries.sent, current, cells)
