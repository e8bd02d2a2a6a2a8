"""What is assumed of the service and shows only when something is written: on a customer made for it, then deleted."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

from wizframe.api.dialects import encode_record
from wizframe.doctor.findings import Finding, checked
from wizframe.errors import ConfigurationError, NotFoundError, TakenError, WizframeError
from wizframe.fields import CONTACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.api.dialects import Record
    from wizframe.connections.client import Client
    from wizframe.doctor.findings import Said

__all__ = ["probe_writes"]

_PHONE = "+14155552671"


def probe_writes(client: Client) -> Iterator[Finding]:
    """Compare what the documents say of writing with what an account does.

    Parameters
    ----------
    client : Client
        Of staging or of this machine.

    Yields
    ------
    Finding

    Raises
    ------
    ConfigurationError
        It may be production, or is read-only. Nothing was sent.

    Notes
    -----
    Creates a customer whose reference begins with ``wizframe-probe-``, writes to it, and deletes it; where that fails,
    a finding names it.
    """
    if client.environment not in ("staging", "local") or client.transport.read_only:
        raise ConfigurationError(
            f"--probe-writes makes a customer and deletes it, which is refused on {client.environment} and on "
            "read-only connections: connect to staging"
        )
    trial = _Trial(client)
    try:
        yield checked("create", trial.create)
        if trial.made:
            yield checked("uniqueness", trial.unique)
            yield checked("PATCH", trial.patch)
            yield checked("clearing", trial.clear)
            yield checked("PATCH of lists", trial.lists)
            yield checked("PUT", trial.put)
            yield checked("default contact", trial.default)
            yield checked("delete", trial.delete)
    finally:
        left = trial.clean_up()
    if left or not trial.made:
        yield Finding("left behind", "note", f"look for the reference {trial.reference} and delete it by hand")


class _Trial:
    """One customer that is there for nothing else."""

    def __init__(self, client: Client) -> None:
        self.reference = f"wizframe-probe-{uuid.uuid4().hex[:12]}"
        self.made: list[str] = []
        self._client = client
        self._left: list[str] = []

    @property
    def _id(self) -> str:
        return self.made[0]

    def _make(self) -> Record:
        address = {"address_line_1": "1 Probe Street", "city": "Probe", "type": "billing"}
        record = self._client.customer.create(
            {
                "reference_id": self.reference,
                "company_name": "wizframe probe",
                "display_name": "wizframe probe: may be deleted",
                "phone": _PHONE,
                "addresses": [{**address, "reference_id": name} for name in ("one", "two")],
            }
        )
        self.made.append(record["id"])
        self._left.append(record["id"])
        return record

    def _read(self) -> Record:
        return self._client.customer.get(self._id)

    def create(self) -> Said:
        record = self._make()
        kept = record.get("reference_id") == self.reference and record.get("phone") == _PHONE
        return ("ok", "answers with the record") if kept else ("bad", "answers with something else than what was sent")

    def unique(self) -> Said:
        try:
            self._make()
        except TakenError:
            return "ok", "a reference that exists is refused"
        return "bad", "two customers may have one reference: a create whose answer gets lost is found by it"

    def patch(self) -> Said:
        before = self._read()
        self._client.customer.update(self._id, {"display_name": "wizframe probe, changed"})
        after = self._read()
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        others = sorted(changed - {"display_name", "updated_at"})
        if "display_name" not in changed:
            return "bad", "has no effect"
        return ("bad", f"changes others, too: {', '.join(others)}") if others else ("ok", "changes what is sent alone")

    def clear(self) -> Said:
        self._client.customer.update(self._id, {"phone": ""})
        return ("bad", 'a text does not become blank by ""') if self._read().get("phone") else ("ok", 'by "" for texts')

    def lists(self) -> Said:
        kept = {"reference_id": "one", "address_line_1": "1 Probe Street", "city": "Probe", "type": "billing"}
        self._client.customer.update(self._id, {"addresses": [kept]})
        count = len(self._read().get("addresses") or [])
        return ("ok", "replaces the list") if count == 1 else ("bad", f"{count} addresses after one was sent")

    def _contact(self, name: str, **more: Any) -> Record:
        record = {"reference_id": name, "first_name": name, "email": f"{name}@example.com", **more}
        return self._client.customer.contact.create(self._id, record)

    def put(self) -> Said:
        """Send half a contact, as wizframe itself never does."""
        contact = self._contact("one", designation="Probe")["id"]
        half = {"reference_id": "one", "first_name": "one", "email": "one@example.com"}
        body = encode_record(half, CONTACT, self._client.dialect, "update")
        self._client.transport.request("PUT", ["customers", self._id, "contacts", contact], payload=body)
        if self._client.customer.contact.get(self._id, contact).get("designation"):
            return "note", "keeps what it leaves out; contacts are written whole all the same"
        return "ok", "erases what it leaves out, as documented: contacts are written whole"

    def default(self) -> Said:
        first = self._contact("two", is_default=True)["id"]
        self._contact("three", is_default=True)
        if self._client.customer.contact.get(self._id, first).get("is_default"):
            return "note", "a customer can have two"
        return "ok", "a new one takes the place of the former"

    def delete(self) -> Said:
        self._client.customer.delete(self._id)
        try:
            self._read()
        except NotFoundError:
            self._left.remove(self._id)
            return "ok", "the customer is gone"
        return "bad", "the customer is still there"

    def clean_up(self) -> list[str]:
        """Delete what is left; give what could not be deleted."""
        for id_ in list(self._left):
            with contextlib.suppress(WizframeError):
                self._client.customer.delete(id_)
                self._left.remove(id_)
        return self._left
