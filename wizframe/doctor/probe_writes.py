"""Compare an account with the assumptions about the API by writing to a temporary customer."""

from __future__ import annotations

import contextlib
import time
import unicodedata
import uuid
from typing import TYPE_CHECKING, Any

from wizframe.api.dialects import encode_record, plain_record
from wizframe.doctor.findings import Finding, checked
from wizframe.doctor.samples import Samples, Seen, values_of
from wizframe.errors import ConfigurationError, WizframeError
from wizframe.fields import CONTACT, CUSTOMER, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wizframe.api.dialects import Record
    from wizframe.connections.client import Client
    from wizframe.doctor.findings import Report
    from wizframe.fields import Operation, Table

__all__ = ["probe_writes"]

_PHONE = "+14155552671"
_ADDRESS = {"address_line_1": "1 Probe Street", "city": "Probe", "type": "billing"}
#: Values that services commonly rewrite.
_REWRITABLE = {
    "display_name": "  wizframe  probe & cafe\u0301 ",
    "email": "Wizframe.Probe@Example.com",
    "phone": "+14155552672",
}
#: After these statuses, it is unknown whether a write was done.
_UNCLEAR = (408, 425, 499)


def probe_writes(client: Client) -> Iterator[Finding]:
    """Check creating, updating and deleting, on customers that are created for this check and then deleted.

    Their references begin with ``wizframe-probe-``. If one of them cannot be deleted, a finding names it.
    If the account may be production or the connection is read-only, it raises a ConfigurationError and sends nothing.
    """
    if client.environment not in ("staging", "local") or client.transport.read_only:
        kind = "a read-only connection" if client.transport.read_only else client.environment
        raise ConfigurationError(
            f"--probe-writes creates a customer and deletes it, which is refused on {kind}",
            hint="Connect to staging or to a sandbox.",
        )
    trial = _Trial(client)
    try:
        yield checked("create", trial.create)
        checks: dict[str, Callable[[], Report]] = {
            "uniqueness": trial.create_again,
            "same e-mail": trial.create_with_same_email,
            "PATCH": trial.patch,
            "response to PATCH": trial.patch_response,
            "rewriting": trial.rewriting,
            "clearing": trial.clear,
            "PATCH of lists": trial.patch_list,
            "PUT": trial.put,
            "whole PUT": trial.put_whole,
            "default contact": trial.set_default,
            "delete": trial.delete,
        }
        for name, check in checks.items() if trial.id else ():
            yield checked(name, check)
    finally:
        trial.clean_up()
    if trial.left:
        said = f"customers with reference {' and '.join(trial.left)} may still exist. Delete them in WizCommerce"
        yield Finding("left behind", "note", said)


class _Trial:
    """The checks that write. All of them use the same customer."""

    def __init__(self, client: Client) -> None:
        self.reference = f"wizframe-probe-{uuid.uuid4().hex[:12]}"
        self.id = ""
        self.left: dict[str, str] = {}  # reference to id, if known, of customers that may exist
        self._client = client
        self._samples = Samples(client)

    # ------------------------------------------------------------------ sending and reading

    def _send(self, method: str, *path: str, record: Record, table: Table = CUSTOMER) -> Seen:
        operation: Operation = "create" if method == "POST" else "update"
        payload = encode_record(record, table, self._client.dialect, operation)
        seen = self._samples.send(method, "customers", *path, payload=payload)
        if seen.status in _UNCLEAR and method != "POST":
            return self._samples.send(method, "customers", *path, payload=payload)
        return seen

    def _read(self) -> Record:
        return plain_record(self._samples.get("customers", self.id).record, CUSTOMER)

    def _read_until(self, is_so: Callable[[Record], bool]) -> Record:
        return self._until(is_so, self._read)

    def _until(self, is_so: Callable[[Record], bool], read: Callable[[], Record]) -> Record:
        """Read a record; if it does not satisfy ``is_so``, read it again after the settle period."""
        record = read()
        if not is_so(record):
            time.sleep(self._client.settle_s)
            record = read()
        return record

    def _found(self, reference: str) -> Record:
        """Look a customer up by its reference, in both statuses; also by the reference in upper case."""
        for status in STATUSES:
            for wanted in (reference, reference.upper()):
                for row in self._samples.listed("customers", page_size=20, status=status, reference_ids=[wanted]).rows:
                    record = plain_record(row, CUSTOMER)
                    if str(record.get("reference_id")).upper() == reference.upper():
                        return record
        return {}

    def _created(self, reference: str, **more: Any) -> tuple[Seen, Record]:
        """Create a customer; return the first response, and the customer that is found by the reference."""
        self.left.setdefault(reference, "")
        record = {"reference_id": reference, "company_name": "wizframe probe", "display_name": "wizframe probe", **more}
        first = self._send("POST", record=record)
        found = self._until(bool, lambda: self._found(reference))
        if first.status in _UNCLEAR and not found:
            self._send("POST", record=record)
            found = self._found(reference)
        self.left[reference] = str(found.get("id") or first.record.get("id") or self.left[reference])
        return first, found

    def _contact(self, name: str, **more: Any) -> str:
        """Create a contact, and return its id."""
        email = f"{name}@example.com"
        record = {"reference_id": name, "first_name": name, "email": email, **more}
        first = self._send("POST", self.id, "contacts", record=record, table=CONTACT)
        found = self._until(bool, lambda: self._contact_with(email))
        if first.status in _UNCLEAR and not found:
            self._send("POST", self.id, "contacts", record=record, table=CONTACT)
            found = self._contact_with(email)
        return str(found.get("id", first.record.get("id", "")))

    def _contact_with(self, email: str) -> Record:
        rows = self._samples.listed("customers", self.id, "contacts", page_size=50).rows
        return next((row for row in rows if str(row.get("email")).lower() == email), {})

    def _contact_now(self, identifier: str) -> Record:
        return self._samples.get("customers", self.id, "contacts", identifier).record

    # ------------------------------------------------------------------ creating

    def create(self) -> Report:
        addresses = [{**_ADDRESS, "reference_id": name} for name in ("one", "two")]
        values = {"phone": _PHONE, "email": f"{self.reference}@example.com", "payment_mode": "wire"}
        seen, found = self._created(self.reference, addresses=addresses, **values)
        self.id = self.left[self.reference]
        shown = str(seen.record.get("id", ""))
        if seen.status in _UNCLEAR and found:
            return (
                "note",
                f"the first create has status {seen.status}; wizframe looks for the customer, and sends it again",
            )
        if seen.refusal:
            return "bad", str(seen.refusal)
        if not found:
            return "bad", "a created customer is not found by its reference; wizframe does not report it as created"
        if shown == str(found["id"]):
            return "ok", "the response to a create is the customer"
        said = "has an id that no customer has" if shown else "has no customer"
        return "note", f"the response to a create (status {seen.status}) {said}; wizframe looks it up by its reference"

    def create_again(self) -> Report:
        seen, _ = self._created(self.reference)
        if seen.refusal:
            return "ok", "the service refuses a reference that is already in use"
        shown = str(seen.record.get("id", ""))
        if shown and shown != self.id:
            self.left[f"{self.reference} (twice)"] = shown
            said = "two customers can have the same reference"
            return "bad", f"{said}; after a lost response, wizframe does not know which of them it created"
        said = "updates the customer that has it" if shown else f"is refused with status {seen.status}"
        return "bad", f"a create with a reference in use {said}; wizframe looks references up before it creates records"

    def create_with_same_email(self) -> Report:
        other = f"{self.reference}-2"
        seen, found = self._created(other, email=self._read().get("email"))
        identifier = str(found.get("id") or seen.record.get("id") or "")
        if identifier and identifier != self.id:
            return "ok", "two customers can have the same e-mail address"
        del self.left[other]
        said = "changes" if found else "returns"
        return (
            "bad",
            f"a create with a known e-mail address {said} the existing customer; wizframe does not report a new one",
        )

    # ------------------------------------------------------------------ updating

    def patch(self) -> Report:
        before, sent = self._read(), {"display_name": "Probe", "payment_term": "net60"}
        seen = self._send("PATCH", self.id, record=sent)
        after = self._read_until(lambda record: record.get("payment_term") == "net60")
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        others = sorted(changed - sent.keys() - {"updated_at"})
        ignored = sorted(sent.keys() - changed)
        if ignored:
            said = f"PATCH (status {seen.status}) does not store {' and '.join(ignored)}"
            return "bad", f"{said}; wizframe reports such rows as failed"
        if others:
            return (
                "bad",
                f"PATCH changes fields that were not sent: {', '.join(others)}; wizframe stops at the first such row",
            )
        return "ok", "PATCH changes only the fields that are sent"

    def patch_response(self) -> Report:
        before = self._read()
        seen = self._send("PATCH", self.id, record={"payment_term": "net45"})
        listed, at_once = self._found(str(before.get("reference_id"))), self._read()
        after = self._read_until(lambda record: record.get("payment_term") == "net45")
        shown = plain_record(seen.record, CUSTOMER)
        if after.get("payment_term") != "net45":
            return "bad", f"an update has status {seen.status}, but is not stored; wizframe reports such rows as failed"
        how = {
            "an update is visible only later": at_once.get("payment_term") != "net45",
            "lists show an update later than records do": bool(listed) and listed.get("payment_term") != "net45",
            f"the response to an update (status {seen.status}) has no record": "id" not in shown,
            "the response to an update shows the old record": shown.get("payment_term") != "net45",
            "the response to an update has only some fields": shown.keys() < after.keys(),
        }
        found = next((said for said, is_so in how.items() if is_so), "")
        if found:
            return "note", f"{found}; wizframe reads the record, and again after the settle period"
        return "ok", "the response to an update is the record"

    def rewriting(self) -> Report:
        self._send("PATCH", self.id, record=_REWRITABLE)
        stored = self._read_until(lambda record: record.get("phone") != _PHONE)
        found = [what for what, is_so in _rewritten(stored, self.reference).items() if is_so]
        if not found:
            return "ok", "strings are stored unchanged"
        return "note", f"the service rewrites {', '.join(found)}; wizframe reports the stored value, and accepts it"

    def clear(self) -> Report:
        self._send("PATCH", self.id, record={"phone": ""})
        is_kept = self._read_until(lambda record: not record.get("phone")).get("phone")
        return ("bad", 'the value "" does not clear a string') if is_kept else ("ok", 'the value "" clears a string')

    def patch_list(self) -> Report:
        self._send("PATCH", self.id, record={"addresses": [{**_ADDRESS, "reference_id": "one"}]})
        count = len(self._read_until(lambda record: len(record.get("addresses") or []) == 1).get("addresses") or [])
        return ("ok", "PATCH replaces the list") if count == 1 else ("bad", f"{count} addresses after one was sent")

    def put(self) -> Report:
        """Send half a contact. Only this check does so: wizframe always sends whole contacts."""
        contact = self._contact("one", designation="Probe")
        half = {"reference_id": "one", "first_name": "one", "email": "one@example.com"}
        seen = self._send("PUT", self.id, "contacts", contact, record=half, table=CONTACT)
        if seen.refusal:
            return "note", f"PUT refuses half a contact with status {seen.status}; wizframe sends whole contacts anyway"
        after = self._until(lambda record: not record.get("designation"), lambda: self._contact_now(contact))
        if after.get("designation"):
            return "note", "PUT keeps the fields that are left out; wizframe sends whole contacts anyway"
        return "ok", "PUT erases the fields that are left out, as documented; wizframe sends whole contacts"

    def put_whole(self) -> Report:
        """Send a contact back unchanged, except for one field."""
        sibling = self._contact("two", is_default=True)
        contact = self._contact("three", last_name="Probe")
        before = self._until(bool, lambda: self._contact_now(contact))
        own = {
            "id",
            *(name for field in ("status", "created_at", "updated_at") for name in CONTACT[field].read_names()),
        }
        body = {name: value for name, value in before.items() if name not in own} | {"designation": "Probe"}
        path = ("customers", self.id, "contacts", contact)
        seen = self._samples.send("PUT", *path, payload=body)
        if seen.status in _UNCLEAR:
            seen = self._samples.send("PUT", *path, payload=body)
        if seen.refusal:
            names = ", ".join(name for name, _ in seen.refusal.details) or f"something (status {seen.status})"
            return (
                "note",
                f"PUT refuses {names} in the form in which it was sent; wizframe leaves it out or corrects it",
            )
        after = self._until(lambda record: record.get("designation") == "Probe", lambda: self._contact_now(contact))
        lost = sorted(name for name, value in body.items() if after.get(name) != value)
        if lost:
            return "bad", f"PUT does not store {', '.join(lost)} as sent; wizframe stops at the first such row"
        if not any(values_of([self._contact_now(sibling)], CONTACT, "is_default")):
            return "bad", "PUT of a contact clears the default flag of another one; wizframe shows only what it reads"
        return "ok", "a whole contact is stored unchanged"

    def set_default(self) -> Report:
        first = self._contact("four", is_default=True)
        self._contact("five", is_default=True)
        if values_of([self._contact_now(first)], CONTACT, "is_default") == [True]:
            return "note", "a customer can have two default contacts"
        return "ok", "a new default contact replaces the earlier one"

    # ------------------------------------------------------------------ deleting

    def delete(self) -> Report:
        seen = self._deleted(self.id)
        left = self._read()
        if not left.get("id"):
            said = f"a delete is done, but has status {seen.status}; wizframe reads the record, and reports it as done"
            return ("note", said) if seen.refusal else ("ok", "the customer is deleted")
        if str(left.get("status")).lower() == "inactive":
            return "note", "a delete sets the customer to inactive, so its reference stays in use; wizframe says so"
        if not self._read_until(lambda record: not record.get("id")).get("id"):
            return "note", "a delete takes effect later; wizframe reads again after the settle period"
        return (
            "bad",
            f"the customer still exists after a delete with status {seen.status}; wizframe reports such rows as failed",
        )

    def _deleted(self, identifier: str) -> Seen:
        """Send a delete, and repeat it if it is unclear whether it was done."""
        seen = self._samples.send("DELETE", "customers", identifier)
        if seen.status in _UNCLEAR and self._samples.get("customers", identifier).record.get("id"):
            self._samples.send("DELETE", "customers", identifier)
        return seen

    def clean_up(self) -> None:
        """Delete the records that this check created."""
        with contextlib.suppress(WizframeError):
            for reference, known in list(self.left.items()):
                identifier = known or str(self._found(reference).get("id", ""))

                def read(identifier: str = identifier) -> Record:
                    return self._samples.get("customers", identifier).record if identifier else {}

                if read().get("id"):
                    self._deleted(identifier)
                if not self._until(lambda record: not record.get("id"), read).get("id"):
                    del self.left[reference]


def _rewritten(stored: Record, reference: str) -> dict[str, bool]:
    """Return which kinds of values the service stored in another form."""
    sent, name = _REWRITABLE["display_name"], str(stored.get("display_name"))
    is_cut = name != sent and sent.startswith(name)
    is_whole = "caf" in name  # otherwise the name was not stored at all, which another check reports
    return {
        "long strings": is_cut,
        "spaces at the ends": is_whole and name == name.strip(),
        "repeated spaces": is_whole and "  " not in name.strip(),
        "accents": is_whole and unicodedata.is_normalized("NFC", name),
        "special characters": "&amp;" in name,
        "e-mail addresses": stored.get("email") != _REWRITABLE["email"],
        "phone numbers": stored.get("phone") != _REWRITABLE["phone"],
        "references": str(stored.get("reference_id")) != reference,
    }
