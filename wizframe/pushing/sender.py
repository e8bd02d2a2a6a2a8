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
from wizframe.planning.changes import shown
from wizframe.pushing.comparison import OnConflict, is_as_it_was, is_same, rewriting, three_way
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
#: The most attempts for one change. After three lost responses in a row, the connection is broken.
ATTEMPTS = 3
#: After these errors, it is unknown whether the service acted on the request.
_LOST = (TransportError, UnavailableError)
#: After these errors, the next row would fail in the same way.
_FATAL = (AuthenticationError, ReadOnlyError, NotSentError, RateLimitError, RedirectError, JournalError)
#: The words of services about a field that cannot be written at all, as opposed to an invalid value.
_NOT_WRITABLE = re.compile(
    r"read.?only|cannot|can't|can ?not|not (be )?(allowed|permitted|accepted|supported|changed|edited|editable|"
    r"writable|updatable)|immutable|unknown|unexpected|unrecogni[sz]ed|forbidden",
    re.IGNORECASE,
)


class PushStoppedError(Exception):
    """The push cannot continue. ``outcome`` is the outcome of the change that was being sent."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.what_happened)
        self.outcome = outcome


class Sender:
    """Sends the changes of one table, one at a time in each thread. ``loaded`` is the baseline of the table."""

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
        self._left_out: frozenset[str] = frozenset()  # fields that the service shows, but refuses in a PUT

    def send(
        self, change: Change, note_sent: NoteSent, *, was_sent: bool = False, before: Record | None = None
    ) -> Outcome:
        """Send a change. ``was_sent`` is True if an earlier run may have sent it; ``before`` is the record before that.

        ``note_sent`` is called with the service's record, or None, before each write. If it raises an error, nothing is
        sent. Raises PushStoppedError for errors that the other changes would have, too.
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
        """Prove the first write of each kind before others are sent, because a service may do harm with each."""
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
        """Read, merge field by field, write and compare. If the response was lost, begin again with the read."""
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
        """Return the outcome for a record that already has the new values, perhaps from our own lost request."""
        if tries.was_sent and tries.before and not conflicts:
            return self._proof.update(change, change.new_values, tries.before, current, was_lost=True)
        said = "WizCommerce's newer values were kept" if conflicts else "it already had these values"
        kept = {cell.column for cell in conflicts}
        notes = [
            f"{cell.column} is stored as {shown(now)} ({rewriting(cell.column, cell.new, now)})"
            for cell in change.cells
            if cell.column not in kept and not is_same(now := current.get(cell.column), cell.new)
        ]
        return Outcome("done", "; ".join(["changed" if tries.sent else said, *notes]), after=current)

    def _write(self, change: Change, current: Record, wanted: dict[str, Any], tries: _Tries) -> Outcome | None:
        """Write once and prove it; return None if the record must be read again."""
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
        tries.is_open = True  # accepted, but the stored values are unknown until the record is shown
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
        """Send an update. Return the record in the response, or the error if the response does not show the record."""
        try:
            with tries.sending(current):
                # If a table is sent whole, the record goes back as it was just read, with the changes.
                return self._operations.write_one(sent, wanted), None
        except ProtocolError as error:
            return None, error

    def _not_accepted(self, error: ServiceError, sent: Record, wanted: dict[str, Any]) -> frozenset[str]:
        """Return the fields that the service showed but refuses in a PUT.

        A writable field with an invalid value is not left out, because a PUT without the field would erase its value.
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
        """Read the record. If a request is open, wait first until it must have had its effect."""
        if tries.is_settling:
            self._proof.wait_for_effect(str(change.id))
        with tries.age.reading():
            current = self._proof.read(change)
        if tries.is_settling:
            tries.is_settling = tries.is_open = False
        return current

    # ------------------------------------------------------------------ creates

    def _create(self, change: Change, tries: _Tries) -> Outcome:
        """Send once. If the response does not prove the create, look the reference up before anything is sent again."""
        record = {name: value for name, value in change.new_values.items() if not is_blank(value)}
        if tries.is_open and (found := self._proof.look_up(change, record, None, sent_for_s=None)) is not None:
            return found
        began = clock_s()
        while True:
            tries.check()
            with self._writing("create"):
                response = self._post(change, record, tries)
                if response is not None:
                    tries.is_open = True  # accepted, but not yet proven to be the new record
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
        """Send a create; return None if its response was lost or is not a record."""
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
                tries.is_open = False  # earlier requests were looked up, and have created nothing
            raise
        return None

    # ------------------------------------------------------------------ deletes

    def _delete(self, change: Change, tries: _Tries) -> Outcome:
        """Delete a record only if it has not changed since the user decided to delete it."""
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
                tries.is_open = True  # accepted, but the record may still exist
                outcome = self._proof.delete(change, current, words)
                tries.is_open = False
                return self._proved("delete", outcome)


class _Tries:
    """The number of attempts for a change, and whether a request is open: sent, with an unknown outcome."""

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
        """Note and count a write. A refusal proves that this write did nothing, but not the writes before it."""
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
        """Whether the service refused in a response that looks like a success."""
        return isinstance(self._error, ProtocolError) and self._error.verdict == "refused"

    def lose(self, error: WizframeError) -> None:
        """Store the error that lost a response; raise it if the push cannot continue."""
        self._error = error
        if isinstance(error, _FATAL):
            raise error

    def refuse(self, error: ServiceError) -> None:
        """Store a refusal until the effect of earlier requests is known; raise it if no request is open."""
        if isinstance(error, _FATAL) or not self.settle():
            raise error
        self.refusal = error

    def leave_out(self, names: frozenset[str]) -> bool:
        """Leave fields out of the next PUT; return False if there are none, or if fields were already left out."""
        if not names or self.left_out:
            return False
        self.left_out = names
        return True

    def settle(self) -> bool:
        """Return whether a request without a response may still change the record.

        If so, the record is read again later, when the request can no longer change it.
        """
        self.is_settling = self.is_open
        return self.is_settling

    def check(self, *, final: bool = False) -> None:
        """Raise the stored refusal; or the last error, if there were enough attempts."""
        if self.refusal is not None:
            raise self.refusal
        if self._error is not None and (final or self.sent >= ATTEMPTS):
            raise self._error


def _unfinished(change: Change, tries: _Tries, error: WizframeError) -> Outcome:
    """Return the outcome of a row after an error: unknown, not sent, or refused."""
    if tries.is_open:
        again = AGAIN
        if change.action == "create":
            again = f"plan again: the plan shows whether reference {change.reference_id} exists"
        return Outcome("unknown", f"it is unknown whether this was done: {error}", again, error.code, tries.sent)
    if isinstance(error, _FATAL):
        step = f"fix that; {command('resume')} then finishes the push"
        return unsent(f"the push stopped: {error}", step, error.code)
    if isinstance(error, TakenError) and change.action == "create":
        instead = f"plan with {option('match', 'reference_id')} to update the record that has it"
        said = f"reference {change.reference_id} is already in use: {error}"
        return Outcome("failed", said, f"use another reference, or {instead}", error.code, tries.sent)
    if isinstance(error, _LOST) and getattr(error, "verdict", "") != "refused":
        return unsent(f"the record could not be read: {error}", AGAIN, error.code)
    return Outcome("failed", str(error), _correction(change, error), error.code, tries.sent)


def _correction(change: Change, error: WizframeError) -> str:
    """Return what to correct. The reasons are in the message."""
    named = list(dict.fromkeys(name for name, _ in getattr(error, "details", ())))
    retry = Hint("plan result.failed again", "push again")
    if named and change.action == "update" and not set(named) & change.new_values.keys():
        return f"the service refuses {', '.join(named)}, which is not in this change: correct it, too, then {retry}"
    return f"correct {', '.join(named) or 'the row as the message says'}, then {retry}"
