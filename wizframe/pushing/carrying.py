"""Carry out one change safely: read before writing, compare after it, never repeat a create blindly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from wizframe.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    RateLimitError,
    ReadOnlyError,
    RedirectError,
    ServiceError,
    TakenError,
    TransportError,
    UnavailableError,
)
from wizframe.fields import CUSTOMER
from wizframe.frames import is_blank
from wizframe.loaders import ServiceLookups
from wizframe.planning.changes import shown
from wizframe.pushing.results import ConflictCell, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.client import Client
    from wizframe.dialects import Record
    from wizframe.fields import Table
    from wizframe.planning import Cell, Change

__all__ = ["Carrier", "OnConflict", "PushStoppedError"]

OnConflict = Literal["skip", "mine", "theirs"]
ATTEMPTS = 3
#: After these the next row would fail in the same way.
_FATAL = (AuthenticationError, ReadOnlyError, NotSentError, RateLimitError, RedirectError)


class PushStoppedError(Exception):
    """The push cannot go on. ``outcome`` is that of the change under way."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.what_happened)
        self.outcome = outcome


class Carrier:
    """Carries out changes, one at a time in each thread.

    Parameters
    ----------
    client : Client
    table : Table
    on_conflict : {'skip', 'mine', 'theirs'}
    """

    def __init__(self, client: Client, table: Table, on_conflict: OnConflict) -> None:
        self._client = client
        self._table = table
        self._on_conflict = on_conflict

    def carry(self, change: Change) -> Outcome:
        """Carry out a change.

        Parameters
        ----------
        change : Change

        Returns
        -------
        Outcome

        Raises
        ------
        PushStoppedError
            Something that the other changes would meet too.
        """
        steps = {"create": self._create, "update": self._update, "delete": self._delete}
        try:
            return steps[change.action](change)
        except _FATAL as error:
            stopped = Outcome("unsent", f"the push stopped: {error}", "mend that and push again", error.code)
        except (ServiceError, InvalidRequestError) as error:
            return self._refused(error)
        except TransportError as error:
            step = "push again: what is already as you want it is not sent twice"
            return Outcome("unknown", f"the answer was lost: {error}", step, error.code, ATTEMPTS)
        raise PushStoppedError(stopped)

    def _refused(self, error: ServiceError | InvalidRequestError) -> Outcome:
        where = "; ".join(f"{name}: {reason}" for name, reason in error.details)
        step = f"correct {where}" if where else "see the message, correct the row"
        return Outcome("failed", str(error), f"{step}, then plan result.failed again", error.code, 1)

    def _update(self, change: Change) -> Outcome:
        """Read, merge field by field, write, compare; again from the read where the answer was lost."""
        attempts = 0
        while True:
            current = self._read(change)
            if current is None:
                return _gone(attempts)
            wanted, conflicts = _three_way(change.cells, current, self._on_conflict)
            if conflicts and self._on_conflict == "skip":
                return _conflict(conflicts, attempts)
            if not wanted:
                said = "WizCommerce's newer values were kept" if conflicts else "it was already so"
                return Outcome("done", said if not attempts else "changed", attempts=attempts, record=current)
            attempts += 1
            try:
                answer = self._write(change, current, wanted)
            except NotFoundError:
                return _gone(attempts)
            except (TransportError, UnavailableError) as error:
                if attempts == ATTEMPTS or isinstance(error, _FATAL):
                    raise
                continue
            return self._verified(change, wanted, answer, attempts)

    def _write(self, change: Change, current: Record, wanted: dict[str, Any]) -> Record:
        if self._table is CUSTOMER:
            return self._client.customer.update(str(change.id), wanted)
        # The PUT trap: a contact is written back whole, from the record that was just read.
        return self._client.customer.contact.replace(current, wanted)

    def _verified(self, change: Change, wanted: dict[str, Any], answer: Record, attempts: int) -> Outcome:
        """Believe what the service shows, not its 200."""
        if not wanted.keys() <= answer.keys():
            answer = self._read(change) or answer
        kept = [name for name, value in wanted.items() if not _same(answer.get(name), value)]
        if not kept:
            return Outcome("done", "changed", attempts=attempts, record=answer)
        said = ", ".join(f"{name} is still {shown(answer.get(name))}" for name in kept)
        step = "change it in WizCommerce itself; the API does not take this value"
        return Outcome("failed", f"the service said yes, but {said}", step, "not_kept", attempts, answer)

    def _create(self, change: Change) -> Outcome:
        """Send once; where the answer is lost, look the reference up before anything is sent again."""
        record = {name: value for name, value in change.new_values.items() if not is_blank(value)}
        attempts, was_lost = 0, False
        while True:
            attempts += 1
            try:
                answer = self._send_new(change, record)
                return Outcome("done", "created", attempts=attempts, record=answer)
            except TakenError as error:
                if not was_lost:
                    step = "give another reference, or plan with match='reference_id' to update the record that has it"
                    return Outcome("failed", f"reference {change.reference_id} is taken: {error}", step, error.code, 1)
            except (TransportError, UnavailableError) as error:
                if isinstance(error, (NotSentError, RedirectError)) or attempts == ATTEMPTS:
                    raise
            was_lost = True
            found = self._find_new(change)
            if found is not None:
                return self._adopted(change, record, found, attempts)

    def _send_new(self, change: Change, record: Record) -> Record:
        if self._table is CUSTOMER:
            return self._client.customer.create(record)
        return self._client.customer.contact.create(str(change.customer_id), record)

    def _find_new(self, change: Change) -> Record | None:
        """Wait until a lost request must have had its effect, then look its reference up in both statuses."""
        time.sleep(self._client.settle_s)
        lookups = ServiceLookups(self._client)
        reference = str(change.reference_id)
        if self._table is CUSTOMER:
            found = lookups.customers_by_reference([reference]).get(reference)
            return None if found is None else self._client.customer.get(found["id"])
        rows = lookups.contacts_of([str(change.customer_id)]).get(str(change.customer_id), [])
        return next((row for row in rows if row.get("reference_id") == reference), None)

    def _adopted(self, change: Change, record: Record, found: Record, attempts: int) -> Outcome:
        other = [
            ConflictCell(name, None, value, found.get(name))
            for name, value in record.items()
            if not _same(found.get(name), value)
        ]
        if not other:
            return Outcome("done", "created (its answer was lost, the record was found)", "", "", attempts, found)
        step = f"look at {found['id']}: it has reference {change.reference_id}, but not what you sent"
        return Outcome(
            "conflict", "somebody else's record has the reference", step, "conflict", attempts, found, tuple(other)
        )

    def _delete(self, change: Change) -> Outcome:
        """Delete a record only as it was when the user decided to."""
        attempts = 0
        while True:
            current = self._read(change)
            if current is None:
                return Outcome("done", "deleted" if attempts else "it was already gone", attempts=attempts)
            changed = tuple(
                ConflictCell(cell.column, cell.old, "(delete)", current.get(cell.column))
                for cell in change.cells
                if cell.column in current and not _same(current[cell.column], cell.old)
            )
            if changed and self._on_conflict != "mine":
                return _conflict(changed, attempts)
            attempts += 1
            try:
                self._remove(change)
            except NotFoundError:
                pass
            except (TransportError, UnavailableError) as error:
                if attempts == ATTEMPTS or isinstance(error, _FATAL):
                    raise
                continue
            return Outcome("done", "deleted", attempts=attempts)

    def _remove(self, change: Change) -> None:
        if self._table is CUSTOMER:
            self._client.customer.delete(str(change.id))
        else:
            self._client.customer.contact.delete(str(change.customer_id), str(change.id))

    def _read(self, change: Change) -> Record | None:
        """Read the record as it is now; None where it is gone."""
        try:
            if self._table is CUSTOMER:
                return self._client.customer.get(str(change.id))
            return self._client.customer.contact.get(str(change.customer_id), str(change.id))
        except NotFoundError:
            return None


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


def _same(left: Any, right: Any) -> bool:
    """Compare two values of plain records: blank equals blank, lists of ids in any order."""
    if is_blank(left) or left == []:
        return is_blank(right) or right == []
    if isinstance(left, list) and isinstance(right, list):
        return sorted(map(str, left)) == sorted(map(str, right))
    return bool(left == right)


def _gone(attempts: int) -> Outcome:
    step = "leave it out, or create it anew with a blank id"
    return Outcome(
        "conflict", "the record was deleted in WizCommerce; it is not brought back", step, "deleted", attempts
    )


def _conflict(conflicts: Iterable[ConflictCell], attempts: int) -> Outcome:
    cells = tuple(conflicts)
    said = "; ".join(
        f"{cell.column} was {shown(cell.when_loaded)} when loaded, yours is {shown(cell.yours)}, "
        f"now in WizCommerce {shown(cell.now)}"
        for cell in cells
    )
    step = "decide: on_conflict='mine' sends yours, 'theirs' keeps WizCommerce's, or load again and repeat the edit"
    return Outcome("conflict", f"somebody else changed it meanwhile: {said}", step, "conflict", attempts, None, cells)
