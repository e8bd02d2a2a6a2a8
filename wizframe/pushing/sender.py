"""Send one change safely: read before writing, compare after it, never repeat a create blindly."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
    RejectedError,
    ServiceError,
    TakenError,
    TransportError,
    UnavailableError,
)
from wizframe.fields import violation
from wizframe.frames.build import is_blank
from wizframe.http.deadlines import LateWriteError, ReadAge, clock_s
from wizframe.pushing.comparison import OnConflict, is_as_it_was, three_way
from wizframe.pushing.outcomes import AGAIN, ConflictCell, Outcome, conflict, gone, unsent
from wizframe.pushing.verification import Verification, deleted
from wizframe.text import command, option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.errors import WizframeError
    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.changes import Action, Change

__all__ = ["OnConflict", "PushStoppedError", "Sender"]

NoteSent = Callable[["Record | None"], None]
#: How often one change is sent: after three lost responses in a row the connection is broken, not unlucky.
ATTEMPTS = 3
#: After these it is unknown whether the service acted on the request.
_LOST = (TransportError, UnavailableError)
#: After these the next row would fail in the same way.
_FATAL = (AuthenticationError, ReadOnlyError, NotSentError, RateLimitError, RedirectError, JournalError)
#: What services say of a field that cannot be written at all, in contrast to a value that is not valid.
_NOT_WRITABLE = re.compile(
    r"read.?only|cannot|can't|can ?not|not (be )?(allowed|permitted|accepted|supported|changed|edited|editable|"
    r"writable|updatable)|immutable|unknown|unexpected|unrecogni[sz]ed|forbidden",
    re.IGNORECASE,
)


class PushStoppedError(Exception):
    """The push cannot go on. ``outcome`` is that of the change that was being sent."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.what_happened)
        self.outcome = outcome


class Sender:
    """Sends the changes of one table, one at a time in each thread. ``loaded`` is how the table was loaded."""

    def __init__(
        self, client: BaseClient, table: Table, on_conflict: OnConflict, loaded: Baseline | None = None
    ) -> None:
        self._operations = client.operations(table)
        self._table = table
        self._on_conflict = on_conflict
        self._proof = Verification(client, table, loaded)
        self._first = threading.Lock()
        self._proven: set[Action] = set()
        self._is_stopped = False
        self._left_out: frozenset[str] = frozenset()  # fields that the service shows, and refuses in a PUT

    def send(
        self, change: Change, note_sent: NoteSent, *, was_sent: bool = False, before: Record | None = None
    ) -> Outcome:
        """Send a change; ``was_sent`` if an earlier run may have sent it, when the record was ``before``.

        ``note_sent`` is called with the service's record, or None, before each write; if it raises, nothing is sent.
        Raises PushStoppedError for what the other changes would meet too.
        """
        steps = {"create": self._create, "update": self._update, "delete": self._delete}
        tries = _Tries(note_sent, is_open=was_sent, before=before)
        try:
            outcome = replace(steps[change.action](change, tries), attempts=tries.sent)
        except (ServiceError, TransportError, InvalidRequestError, ReadOnlyError, JournalError) as error:
            outcome = _unfinished(change, tries, error)
            is_fatal = isinstance(error, _FATAL)
        else:
            is_fatal = outcome.code == "fields_lost"  # the next row would lose fields, too
        if tries.sent:
            self._proven.add(change.action)
        if is_fatal:
            raise PushStoppedError(outcome)
        return outcome

    @contextlib.contextmanager
    def _writing(self, action: Action) -> Iterator[None]:
        """Let the first write of each kind be proven before others are sent: a service may do harm with each."""
        is_first = action not in self._proven
        if is_first:
            self._first.acquire()
            if action in self._proven:
                self._first.release()
                is_first = False
        try:
            if self._is_stopped:
                raise PushStoppedError(unsent("the push stopped before this row"))
            yield
        finally:
            if is_first:
                self._first.release()

    def _proved(self, action: Action, outcome: Outcome) -> Outcome:
        self._is_stopped = self._is_stopped or outcome.code == "fields_lost"
        self._proven.add(action)
        return outcome

    # ------------------------------------------------------------------ updates

    def _update(self, change: Change, tries: _Tries) -> Outcome:
        """Read, merge field by field, write, compare; if the response was lost, again from the read."""
        while True:
            current = self._look(change, tries)
            if current is None:
                return gone()
            wanted, conflicts = three_way(change.cells, current, self._on_conflict, was_sent=tries.was_sent)
            if conflicts and self._on_conflict != "mine" and tries.settle():
                continue
            if conflicts and self._on_conflict == "skip":
                return conflict(conflicts, current)
            if not wanted:
                return self._already(change, current, conflicts, tries)
            tries.check()
            with self._writing("update"):
                outcome = self._write(change, current, wanted, tries)
                if outcome is not None:
                    return self._proved("update", outcome)

    def _already(self, change: Change, current: Record, conflicts: list[ConflictCell], tries: _Tries) -> Outcome:
        """Judge a record that has the new values already, perhaps by a write of ours with a lost response."""
        if tries.was_sent and tries.before and not conflicts:
            return self._proof.update(change, change.new_values, tries.before, current)
        said = "WizCommerce's newer values were kept" if conflicts else "it already had these values"
        return Outcome("done", said if not tries.sent else "changed", after=current)

    def _write(self, change: Change, current: Record, wanted: dict[str, Any], tries: _Tries) -> Outcome | None:
        """Write once and prove it; None if the record is to be read again."""
        sent = {name: value for name, value in current.items() if name not in self._left_out | tries.left_out}
        try:
            response, unusable = self._exchange(current, sent, wanted, tries)
        except LateWriteError:
            return None
        except NotFoundError as error:
            if self._look(change, tries) is None:
                return gone()
            raise RejectedError(*error.args, status=error.status) from None
        except _LOST as error:
            tries.lose(error)
            return None
        except ServiceError as error:
            if not tries.leave_out(self._not_accepted(error, sent, wanted)):
                tries.refuse(error)
            return None
        tries.is_open = True  # accepted, but what was stored is unknown until it is shown
        outcome = self._proof.update(change, wanted, current, response, str(unusable.args[0]) if unusable else "")
        if outcome.state == "done":
            self._left_out |= tries.left_out
        elif unusable is not None and not unusable.verdict and tries.sent < ATTEMPTS:
            tries.lose(unusable)  # such as a proxy's page: the request may not have reached the service
            return None
        tries.is_open = False
        return outcome

    def _exchange(
        self, current: Record, sent: Record, wanted: dict[str, Any], tries: _Tries
    ) -> tuple[Record | None, ProtocolError | None]:
        """Send an update; give the record in the response, or the error of a response that does not show it."""
        try:
            with tries.sending(current):
                # A table that is sent whole goes back as it was just read, with the changes.
                return self._operations.write_one(sent, wanted), None
        except ProtocolError as error:
            return None, error

    def _not_accepted(self, error: ServiceError, sent: Record, wanted: dict[str, Any]) -> frozenset[str]:
        """Name the fields that the service showed and does not take back in a PUT.

        A field that can be written is not left out because its value is not valid: without it, a PUT erases it.
        """
        if not self._table.is_sent_whole or not isinstance(error, RejectedError):
            return frozenset()
        named = {re.split(r"[.\[]", name)[0]: reason for name, reason in error.details}
        named |= {
            name: "unknown"
            for name in sent
            if name not in self._table and re.search(rf"\b{re.escape(name)}\b", str(error.args[0]))
        }
        return frozenset(
            name
            for name, reason in named.items()
            if name in sent and name not in wanted and name not in self._table.key_columns
            if name not in self._table
            or not self._table[name].update
            or (_NOT_WRITABLE.search(reason) and not violation(self._table[name], sent[name]))
        )

    def _look(self, change: Change, tries: _Tries) -> Record | None:
        """Read the record; if a request is open, only after it must have had its effect."""
        if tries.is_settling:
            self._proof.wait_for_effect(str(change.id))
        with tries.age.reading():
            current = self._proof.read(change)
        if tries.is_settling:
            tries.is_settling = tries.is_open = False
        return current

    # ------------------------------------------------------------------ creates

    def _create(self, change: Change, tries: _Tries) -> Outcome:
        """Send once; if the response does not prove it, look the reference up before anything is sent again."""
        record = {name: value for name, value in change.new_values.items() if not is_blank(value)}
        if tries.is_open and (found := self._proof.look_up(change, record, None, sent_for_s=None)) is not None:
            return found
        began = clock_s()
        while True:
            tries.check()
            with self._writing("create"):
                response = self._post(change, record, tries)
                if response is not None:
                    tries.is_open = True  # accepted; whether it is the new record is unknown until it is proven
                    outcome = self._proof.create(change, record, response)
                    if outcome is not None:
                        tries.is_open = False
                        return self._proved("create", outcome)
                sent_for_s = None if tries.was_open else clock_s() - began
                found = self._proof.look_up(change, record, response, sent_for_s=sent_for_s)
                if found is not None:
                    tries.is_open = False
                    return self._proved("create", found)
            if tries.is_refused:
                tries.is_open = False
                tries.check(final=True)

    def _post(self, change: Change, record: Record, tries: _Tries) -> Record | None:
        """Send a create; None if its response was lost or is not a record."""
        try:
            with tries.sending(None):
                return self._operations.create_one(change.customer_id, record)
        except TakenError as error:
            if tries.sent == 1 and not tries.was_open:
                raise
            tries.is_open = True  # by the request with the lost response, or by another user
            tries.lose(error)
        except _LOST as error:
            tries.lose(error)
        except ServiceError as error:
            if not isinstance(error, _FATAL):
                tries.is_open = False  # earlier requests were looked up, and created nothing
            raise
        return None

    # ------------------------------------------------------------------ deletes

    def _delete(self, change: Change, tries: _Tries) -> Outcome:
        """Delete a record only if it is as it was when the user decided to."""
        while True:
            current = self._look(change, tries)
            if current is None:
                return Outcome("done", "deleted" if tries.sent else "it was already gone")
            if tries.was_sent and (outcome := deleted(tries.before, current)) is not None:
                return outcome
            changed = tuple(
                ConflictCell(cell.column, cell.old, "(delete)", current.get(cell.column))
                for cell in change.cells
                if cell.column in current and not is_as_it_was(cell, current)
            )
            if changed and self._on_conflict != "mine" and tries.settle():
                continue
            if changed and self._on_conflict != "mine":
                return conflict(changed, current)
            tries.check()
            with self._writing("delete"):
                try:
                    with tries.sending(current):
                        words = self._operations.delete_one(change.customer_id, str(change.id))
                except LateWriteError:
                    continue
                except NotFoundError as error:
                    words = str(error)
                except _LOST as error:
                    tries.lose(error)
                    continue
                except ServiceError as error:
                    tries.refuse(error)
                    continue
                tries.is_open = True  # accepted, but it may still be there
                outcome = self._proof.delete(change, current, words)
                tries.is_open = False
                return self._proved("delete", outcome)


class _Tries:
    """How often a change was sent, and whether a request is open: sent, with an unknown outcome."""

    def __init__(self, note_sent: NoteSent, *, is_open: bool, before: Record | None) -> None:
        self.sent = 0
        self.is_open = self.was_open = is_open
        self.is_settling = False
        self.before = before  # the record before the first write
        self.age = ReadAge()
        self.refusal: ServiceError | None = None
        self.left_out: frozenset[str] = frozenset()
        self._note_sent = note_sent
        self._noted: Record | None = None
        self._error: WizframeError | None = None

    @property
    def was_sent(self) -> bool:
        """Whether a write was sent, in this run or in an earlier one."""
        return self.sent > 0 or self.was_open

    @contextlib.contextmanager
    def sending(self, current: Record | None) -> Iterator[None]:
        """Note and count a write. A refusal says that this one did nothing, and nothing of those before it."""
        if current is None or current != self._noted:  # the journal may be so slow that the write is late each time
            self._note_sent(current)
            self._noted = current
        self.before = self.before or current
        self.sent += 1
        was_open, self.is_open = self.is_open, True
        try:
            with self.age.writing() if current is not None else contextlib.nullcontext():
                yield
        except LateWriteError:
            self.sent -= 1
            self.is_open = was_open
            raise
        except (NotSentError, ReadOnlyError, InvalidRequestError):
            self.is_open = was_open
            raise
        except ServiceError as error:
            self.is_open = was_open or isinstance(error, UnavailableError)
            raise
        self.is_open = False

    @property
    def is_refused(self) -> bool:
        """Whether the service said no in a response that looks like a success."""
        return isinstance(self._error, ProtocolError) and self._error.verdict == "refused"

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

    def leave_out(self, names: frozenset[str]) -> bool:
        """Leave fields out of the next PUT; False if there are none, or fields were left out already."""
        if not names or self.left_out:
            return False
        self.left_out = names
        return True

    def settle(self) -> bool:
        """Tell whether a verdict must wait: the record is then read once more, after the effect of what is open."""
        self.is_settling = self.is_open
        return self.is_settling

    def check(self, *, final: bool = False) -> None:
        """Raise the remembered refusal, or the last error if sending was tried often enough."""
        if self.refusal is not None:
            raise self.refusal
        if self._error is not None and (final or self.sent >= ATTEMPTS):
            raise self._error


def _unfinished(change: Change, tries: _Tries, error: WizframeError) -> Outcome:
    """Say what an error means for a row: unknown, not sent, or refused."""
    if tries.is_open:
        again = AGAIN
        if change.action == "create":
            again = f"plan again: if reference {change.reference_id} exists by then, the plan says so"
        return Outcome("unknown", f"it is unknown whether this was done: {error}", again, error.code, tries.sent)
    if isinstance(error, _FATAL):
        step = f"fix that; {command('resume')} then finishes the push"
        return unsent(f"the push stopped: {error}", step, error.code)
    if isinstance(error, TakenError) and change.action == "create":
        instead = f"plan with {option('match', 'reference_id')} to update the record that has it"
        said = f"reference {change.reference_id} is taken: {error}"
        return Outcome("failed", said, f"give another reference, or {instead}", error.code, tries.sent)
    if isinstance(error, _LOST) and getattr(error, "verdict", "") != "refused":
        return unsent(f"the record could not be read: {error}", AGAIN, error.code)
    return Outcome("failed", str(error), _correction(change, error), error.code, tries.sent)


def _correction(change: Change, error: WizframeError) -> str:
    """Say what to correct; the reasons are in the message."""
    named = list(dict.fromkeys(name for name, _ in getattr(error, "details", ())))
    retry = Hint("plan result.failed again", "push again")
    if named and change.action == "update" and not set(named) & change.new_values.keys():
        return f"the service refuses {', '.join(named)}, which is not in this change: correct it too, then {retry}"
    return f"correct {', '.join(named) or 'the row as the message says'}, then {retry}"
