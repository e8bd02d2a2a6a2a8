"""Prove that a write had its effect: from a response that shows the record, or by reading it now and later.

This module looks up creates without a response, and compares whole records. It does not write.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wizframe.api.validation import moment
from wizframe.errors import Hint, NotFoundError
from wizframe.loading.lookups import ServiceLookups
from wizframe.planning.changes import shown
from wizframe.progress import note
from wizframe.pushing.comparison import TEXT_ADDED, is_same, rewriting, side_effects
from wizframe.pushing.outcomes import AGAIN, ConflictCell, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline
    from wizframe.planning.changes import Change

__all__ = ["Verification"]

#: Earlier times are not times of this service.
_FIRST_YEAR = 2000
#: The last change of a new record is at most this long before its own response.
_NEW = timedelta(minutes=1)
#: The clocks and time zones of one service differ by less than this.
_NEW_BY_DATE = timedelta(days=1)
#: A look-up of new records begins this long before the first request, because the service's clocks may differ.
_MARGIN = timedelta(minutes=2)


class Verification:
    """Proves the effect of the writes to one table. ``loaded`` has the records that existed at the load."""

    def __init__(self, client: BaseClient, table: Table, loaded: Baseline | None = None) -> None:
        self._client = client
        self._operations = client.operations(table)
        self._table = table
        self._loaded = loaded
        self._lock = threading.Lock()
        self._created: dict[tuple[str | None, str], str] = {}  # record to the reference that it was created with
        self._is_clean = False  # whether an update was seen that changed nothing else
        self._effects = Counter[tuple[str, str]]()  # how often a field got a value that was not sent
        self._are_ids_proven = False  # whether the id in a response to a create was found by it

    def read(self, change: Change, new_id: str = "") -> Record | None:
        """Read the record; return None if it no longer exists."""
        try:
            return self._operations.read_one(change.customer_id, new_id or str(change.id))
        except NotFoundError:
            return None

    def wait_for_effect(self, name: str) -> None:
        """Wait until a request with an unclear response must have had its effect, if it has one at all."""
        note(f"checking {name} after an unclear response")
        try:
            self._client.transport.rate_limiter.sleep(self._client.settle_s)
        finally:
            note("")

    # ------------------------------------------------------------------ updates

    def update(
        self,
        change: Change,
        sent: Mapping[str, Any],
        before: Record,
        response: Record | None,
        words: str = "",
        *,
        was_lost: bool = False,
    ) -> Outcome:
        """Compare the whole record with the sent and the old values. The first proof decides.

        ``words`` are the service's own words, if its response is not the record.
        """
        last: _Look | None = None
        for record, is_last in self._looks(change, response):
            if record is None:  # a service that shows writes late may not find the record yet
                continue
            last = _Look(sent, before, record, self._table, is_last=is_last)
            if not was_lost:  # after a lost response, another user had time for such an edit
                self._judge_effects(last)
            if last.is_proof:
                self._is_clean = self._is_clean or not last.changes
                return Outcome("done", last.words("changed"), after=record)
            if last.losses and not last.others and record is not response:
                break
        if last is None:
            said = f"the service accepted the change, but then did not find {change.id}"
            return Outcome("unknown", said, AGAIN, "not_shown")
        return self._not_as_meant(last, words, is_shown=response is not None)

    def _judge_effects(self, look: _Look) -> None:
        """Count a changed field as a loss, unless another user may have changed it.

        The first update shows whether the service itself changes more than it is sent; so does a change that repeats.
        """
        if look.changes and not look.others and not look.losses:
            effects = [(one.column, str(one.after)) for one in look.changes]
            if not self._is_clean or any(self._effects[one] for one in effects):
                look.losses, look.changes = look.changes, []
            self._effects.update(effects)

    def _looks(self, change: Change, response: Record | None) -> Iterator[tuple[Record | None, bool]]:
        if response is not None:
            yield response, False
        identifier = response["id"] if response is not None else str(change.id)
        yield self.read(change, identifier), False
        self.wait_for_effect(identifier)
        yield self.read(change, identifier), True

    def _not_as_meant(self, look: _Look, words: str, *, is_shown: bool) -> Outcome:
        after = look.record
        if look.losses and not look.others:
            step = Hint(
                python="result.undo() restores them. Send nothing more before you know why: "
                "`wizframe doctor --probe-writes` tests how the service updates a record",
                cli="`wizframe undo` restores them. Send nothing more before you know why: "
                "`wizframe doctor --probe-writes` tests how the service updates a record",
            )
            return Outcome("failed", look.words("changed"), str(step), "fields_lost", after=after)
        if look.are_only_hidden:
            said = f"the service accepted the change, but does not show {', '.join(look.others)}"
            return Outcome("unknown", said, "look at the record in WizCommerce", "not_shown", after=after)
        said = ", ".join(f"{name} is {shown(after.get(name))}" for name in look.others)
        said = f"the service accepted the change, but {said}" + (f"; {words}" if words else "")
        if not is_shown:  # such as after a 202: the update may be done later
            return Outcome("unknown", said, AGAIN, "not_kept", after=after)
        return Outcome("failed", said, _NOT_TAKEN, "not_kept", after=after)

    # ------------------------------------------------------------------ deletes

    def delete(self, change: Change, before: Record, words: str) -> Outcome:
        """Read a deleted record, now and after the settle period: it may be gone, inactive, or still there."""
        for is_last in (False, True):
            if is_last:
                self.wait_for_effect(str(change.id))
            current = self.read(change)
            outcome = deleted(before, current)
            if outcome is not None:
                return outcome
        said = f"the service accepted the delete, but the record is still there; it responded: {words}"
        step = f"{AGAIN}, or delete it in WizCommerce itself"
        return Outcome("unknown" if words.startswith("202") else "failed", said, step, "not_deleted")

    # ------------------------------------------------------------------ creates

    def create(self, change: Change, sent: Mapping[str, Any], response: Record) -> Outcome | None:
        """Return the outcome of a create from its response; None if the response does not prove the new record."""
        if not self._is_new(change, sent, response):
            return None
        if not self._are_ids_proven and self.read(change, response["id"]) is None:
            return None  # such as the id of a job
        self._are_ids_proven = True
        if not self._take(change, response):
            return None
        look = None
        for record, is_last in self._looks(change, response):
            if record is not None:
                look = _Look(sent, {}, record, self._table, is_last=is_last)
                if look.is_proof:
                    break
        assert look is not None  # noqa: S101 - the response is the first look
        if look.is_proof:
            return Outcome("done", look.words("created"), after=look.record)
        said = ", ".join(f"{name} is {shown(look.record.get(name))}" for name in look.others)
        return Outcome("failed", f"it was created, but {said}", _NOT_TAKEN, "not_kept", after=look.record)

    def look_up(
        self, change: Change, sent: Mapping[str, Any], response: Record | None, *, sent_for_s: float | None
    ) -> Outcome | None:
        """Look a reference up in both statuses, twice, after the request must have had its effect; None if absent.

        ``sent_for_s`` is the number of seconds since the create was first sent; None if an earlier run sent it.
        ``response`` is a record in a response that is not the new record.
        """
        for is_second in (False, True):
            if response is None or is_second:
                self.wait_for_effect(str(change.reference_id))
            found = self._find(change, sent, sent_for_s if is_second else None)
            if found is None:
                continue
            # A list has fewer fields than the details, and all sent fields must be compared.
            if self._table.has_details:
                found = self.read(change, found["id"]) or found
            how = "the response was lost" if response is None else f"the response showed {response['id']}"
            return self._adopted(change, sent, found, how, is_recent=sent_for_s is not None)
        return None if response is None else _answered_with(response)

    def _find(self, change: Change, sent: Mapping[str, Any], sent_for_s: float | None) -> Record | None:
        """Find a record by its reference, even if the service may have rewritten the reference."""
        reference = str(change.reference_id)
        spellings = {reference, reference.upper(), reference.lower(), " ".join(reference.split())}
        lookups = ServiceLookups(self._client)
        found = lookups.by_reference(self._table, [(change.customer_id, one) for one in spellings])
        if (exact := found.get((change.customer_id, reference))) is not None:
            return exact
        records = [record for (parent, _), record in found.items() if parent == change.customer_id]
        now = self._client.transport.clock.now()
        since = now - timedelta(seconds=sent_for_s) - _MARGIN if now and sent_for_s is not None else None
        if self._table.parent is None and since is not None:
            records += lookups.created_since(self._table, since)
        for record in records:
            if rewriting("reference_id", reference, record.get("reference_id")) not in ("", TEXT_ADDED):
                return record
        rest = {name: value for name, value in sent.items() if name != "reference_id"}
        fresh = [record for record in records if since is not None and _is_since(record, since)]
        return next((record for record in fresh if _is_content(rest, record)), None)

    def _adopted(self, change: Change, sent: Mapping[str, Any], found: Record, how: str, *, is_recent: bool) -> Outcome:
        """If the record with the reference has the sent values, count it as created by our request."""
        other = [
            ConflictCell(name, None, value, found.get(name))
            for name, value in sent.items()
            if not is_same(found.get(name), value) and not rewriting(name, value, found.get(name))
        ]
        if [cell.column for cell in other] == ["reference_id"]:
            said = f"the service stored this row as {found['id']}, under reference {shown(found.get('reference_id'))}"
            step = "load it by that reference; delete the new row"
            return Outcome("conflict", said, step, "other_reference", conflicts=tuple(other))
        if other or (is_recent and _is_old(found, self._client)) or not self._take(change, found):
            step = f"look at {found['id']}: it has reference {change.reference_id}, but not what you sent"
            if not other:
                step = f"look at {found['id']}: it existed before this push, and the service may have changed it"
            return Outcome("conflict", "another record has the reference", step, "conflict", conflicts=tuple(other))
        said = _Look(sent, {}, found, self._table, is_last=True).words("created")
        return Outcome("done", f"{said} ({how}, the record was found)", after=found)

    def _is_new(self, change: Change, sent: Mapping[str, Any], response: Record) -> bool:
        """Return whether a response shows the record that was sent, and a record that did not exist before."""
        kept = [name for name in sent if _is_kept(name, sent[name], response.get(name))]
        is_meant = "reference_id" in kept and len(kept) > len(sent) / 2
        return is_meant and not self._is_known(change, response) and not _is_old(response, self._client)

    def _is_known(self, change: Change, record: Record) -> bool:
        """Return whether a record was loaded before; ids of children may be unique only within their parent."""
        if self._loaded is None or record["id"] not in self._loaded.index:
            return False
        rows = self._loaded.frame
        rows = rows[rows["id"] == record["id"]]
        parent = self._table.parent_id
        return bool(len(rows) and (parent not in rows or (rows[parent] == change.customer_id).any()))

    def _take(self, change: Change, record: Record) -> bool:
        """Assign a record to the change that created it; return False if it belongs to another change already."""
        with self._lock:
            key = change.customer_id, record["id"]
            return self._created.setdefault(key, str(change.reference_id)) == change.reference_id


_NOT_TAKEN = "change it in WizCommerce itself: the API does not accept this value"


def deleted(before: Record | None, current: Record | None) -> Outcome | None:
    """Return the outcome of a delete from the record after it; None if the record is unchanged."""
    if current is None:
        return Outcome("done", "deleted")
    if before and before.get("status") != "inactive" and current.get("status") == "inactive":
        said = "set to inactive; its reference stays taken"
        return Outcome("done", said, code="set_inactive", after=current)
    return None


def _answered_with(response: Record) -> Outcome:
    reference = shown(response.get("reference_id"))
    said = f"nothing was created: the service responded with {response['id']}, which has reference {reference}"
    step = f"look at {response['id']}: it existed before, and the service may have changed it"
    return Outcome("conflict", said, step, "existed")


def _is_old(record: Record, client: BaseClient) -> bool:
    """Return whether a record existed long before its create was sent: a service may merge a create into an old one."""
    try:
        created, updated = moment(record["created_at"]), moment(record["updated_at"])
        now = client.transport.clock.now()
        if created.year < _FIRST_YEAR:  # such as Go's zero time: it is not known
            return False
        if updated - created <= _NEW and (now is None or now - created <= _NEW_BY_DATE):
            return False
        # A service may give all records one time: then it tells nothing.
        return any(one.get("created_at") != record["created_at"] for one in client.customer.list(page_size=5))
    except (KeyError, ValueError, OverflowError):
        return False


def _is_since(record: Record, since: datetime) -> bool:
    try:
        return moment(record["created_at"]) >= since
    except (KeyError, ValueError, OverflowError):
        return False


def _is_kept(name: str, sent: Any, stored: Any) -> bool:
    return is_same(stored, sent) or bool(rewriting(name, sent, stored))


def _is_content(sent: Mapping[str, Any], record: Record) -> bool:
    """Return whether the fields that a record shows have the sent values."""
    shown_names = sent.keys() & record.keys()
    return bool(shown_names) and all(_is_kept(name, sent[name], record[name]) for name in shown_names)


class _Look:
    """A record after a write, compared with the sent and the old values.

    ``is_last`` is True if no later look can show more. Until then, an old value may be ours, rewritten or stored later.
    """

    def __init__(self, sent: Mapping[str, Any], before: Record, record: Record, table: Table, *, is_last: bool) -> None:
        self.record = record
        self.others: list[str] = []  # the fields that do not have the sent values
        self._notes: list[str] = []
        for name, value in sent.items():
            stored = record.get(name)
            if is_same(stored, value):
                continue
            words = rewriting(name, value, stored)
            is_rewritten = not (before and is_same(stored, before.get(name))) or (
                is_last and (words != "letter case changed" or name in _WITHOUT_CASE)
            )
            if words and is_rewritten:
                self._notes.append(f"{name} stored as {shown(stored)} ({words})")
            else:
                self.others.append(name)
        effects = side_effects(before, record, sent, table)
        self.losses = [effect for effect in effects if effect.is_loss]
        self.changes = [effect for effect in effects if not effect.is_loss and not effect.rewriting]
        self._notes += [
            f"{one.column} stored as {shown(one.after)} ({one.rewriting})" for one in effects if one.rewriting
        ]

    @property
    def is_proof(self) -> bool:
        """Whether all sent values are stored, and no other value was lost."""
        return not self.others and not self.losses

    @property
    def are_only_hidden(self) -> bool:
        """Whether all fields without the sent values are absent from the record, which proves nothing."""
        return bool(self.others) and not any(name in self.record for name in self.others)

    def words(self, done: str) -> str:
        """Say what happened to the record."""
        lost = ", ".join(f"{one.column} (was {shown(one.before)}, is {shown(one.after)})" for one in self.losses)
        parts = [done, *self._notes, *([f"{lost} also changed, although that was not sent"] if lost else [])]
        parts += [
            f"{one.column} also changed, from {shown(one.before)} to {shown(one.after)}, by another user or the service"
            for one in self.changes
        ]
        return "; ".join(parts)


#: Fields with the same meaning in any letter case: if only the case differs, the service may have stored our value.
_WITHOUT_CASE = ("email", "reference_id")
