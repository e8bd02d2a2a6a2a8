"""Compare an account with the assumptions about the API: by reading, and by writing to a temporary customer."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wizframe.api.dialects import detect, encode_record, unknown_fields
from wizframe.api.validation import moment
from wizframe.doctor.findings import Finding, checked
from wizframe.errors import ConfigurationError, NotFoundError, TakenError, WizframeError
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.api.dialects import Record
    from wizframe.connections.client import Client
    from wizframe.doctor.findings import Report
    from wizframe.fields import Table

__all__ = ["probe", "probe_writes"]

#: All records have the same fields, so a few customers are enough.
_SAMPLE_SIZE = 3
_PHONE = "+14155552671"


def probe(client: Client) -> Iterator[Finding]:
    """Check pages, order, filters and fields by reading. Findings may name fields, but no values of records."""
    yield checked("dialect", lambda: _dialect(client))
    yield checked("pages", lambda: _pages(client))
    yield checked("order", lambda: _order(client))
    yield checked("status filter", lambda: _status_filter(client))
    yield checked("reference filter", lambda: _reference_filter(client))
    yield checked("time filters", lambda: _time_filters(client))
    yield checked("fields", lambda: _fields(client))


def _dialect(client: Client) -> Report:
    body = client.transport.request("GET", ["customers"], query={"page": "1", "page_size": "2"}).json()
    spelling, is_enveloped = detect(body), isinstance(body, Mapping)
    counts = body.get("pagination") if isinstance(body, Mapping) else None
    said = f"field names of the {spelling} dialect, lists {'in an envelope' if is_enveloped else 'without an envelope'}"
    if is_enveloped != (spelling == "rest"):
        return "note", f"{said}: a mixture of both documents"
    return "ok", f"{said}{', with totals' if isinstance(counts, Mapping) and 'total_records' in counts else ''}"


def _pages(client: Client) -> Report:
    first, second = (
        client.customer.list(page=page, page_size=MAX_PAGE_SIZE, sort_by="created_at", sort="asc") for page in (1, 2)
    )
    if {row["id"] for row in first} & {row["id"] for row in second}:
        return "bad", "the second page repeats records of the first page"
    if second and len(first) < MAX_PAGE_SIZE:
        return "note", f"a page has at most {len(first)} records, but the documents allow {MAX_PAGE_SIZE}"
    return "ok", f"a page of {len(first)} records for a request of {MAX_PAGE_SIZE}"


def _order(client: Client) -> Report:
    for sort in ("asc", "desc"):
        rows = client.customer.list(page_size=50, sort_by="created_at", sort=sort)
        times = [moment(row["created_at"]) for row in rows if row.get("created_at")]
        if times != sorted(times, reverse=sort == "desc"):
            return "bad", f"the service does not follow sort_by=created_at, sort={sort}"
    return "ok", "the service follows created_at in both directions"


def _status_filter(client: Client) -> Report:
    seen: set[Any] = set()
    for status in STATUSES:
        rows = client.customer.list(page_size=50, status=status)
        found = {row.get("status") for row in rows}
        if found - {status, None}:
            return "bad", f"the service ignores status={status}"
        seen |= found
    return ("note", "the records do not have a status") if None in seen else ("ok", "the service follows status")


def _reference_filter(client: Client) -> Report:
    rows = client.customer.list(page_size=50)
    wanted = [row["reference_id"] for row in rows if row.get("reference_id") and "," not in row["reference_id"]][:2]
    if not wanted:
        return "note", "the account has no customer to look for"
    found = {row.get("reference_id") for row in client.customer.list(page_size=50, reference_ids=wanted)}
    if found == set(wanted):
        return "ok", "the service follows reference_ids"
    return "bad", "reference_ids returns other customers than the requested ones"


def _time_filters(client: Client) -> Report:
    if client.query_dialect == "sdk":
        return "ok", "not documented in this dialect, so wizframe filters the loaded rows"
    rows = client.customer.list(page_size=50, sort_by="created_at", sort="asc")
    times = [moment(row["created_at"]) for row in rows if row.get("created_at")]
    if not times:
        return "note", "the account has no customer to look for"
    middle = times[len(times) // 2]
    for name in ("created_after", "created_before"):
        found = [moment(row["created_at"]) for row in client.customer.list(page_size=50, **{name: middle})]
        if any(time < middle if name == "created_after" else time > middle for time in found):
            return "note", f"the service ignores {name}, so wizframe filters the loaded rows"
    return "ok", "the service follows created_after and created_before"


def _fields(client: Client) -> Report:
    listed = client.customer.list(page_size=50)
    if not listed:
        return "note", "the account has no customer to read"
    sample = [row["id"] for row in listed[:_SAMPLE_SIZE]]
    details = [client.customer.get(id_) for id_ in sample]
    contacts = [row for id_ in sample for row in client.customer.contact.list(id_, page_size=50)]
    unknown = _unknown(CUSTOMER, [*listed, *details]) | _unknown(CONTACT, contacts)
    missing = sorted(set(CUSTOMER.columns()) - {name for row in listed for name in row} - {"status"})
    said = [f"not documented: {', '.join(sorted(unknown))}"] * bool(unknown)
    said += [f"missing in all records of the list: {', '.join(missing)}"] * bool(missing)
    return ("note", "; ".join(said)) if said else ("ok", "all fields are documented, and none is missing")


def _unknown(table: Table, records: list[Record]) -> set[str]:
    return {f"{table.singular}.{name}" for record in records for name in unknown_fields(record, table)}


def probe_writes(client: Client) -> Iterator[Finding]:
    """Check creating, updating and deleting, on a customer that is created for this check and then deleted.

    The customer's reference begins with ``wizframe-probe-``. If the customer cannot be deleted, a finding names it.
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
        if trial.created:
            yield checked("uniqueness", trial.create_again)
            yield checked("PATCH", trial.patch)
            yield checked("clearing", trial.clear)
            yield checked("PATCH of lists", trial.patch_list)
            yield checked("PUT", trial.put)
            yield checked("default contact", trial.set_default)
            yield checked("delete", trial.delete)
    finally:
        trial.clean_up()
    if trial.left or not trial.created:
        said = f"the customer with reference {trial.reference} may still exist. Delete it in WizCommerce"
        yield Finding("left behind", "note", said)


class _Trial:
    """The checks that write. All of them use the same customer."""

    def __init__(self, client: Client) -> None:
        self.reference = f"wizframe-probe-{uuid.uuid4().hex[:12]}"
        self.created: list[str] = []
        self.left: list[str] = []
        self._client = client

    @property
    def _id(self) -> str:
        return self.created[0]

    def _create(self) -> Record:
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
        self.created.append(record["id"])
        self.left.append(record["id"])
        return record

    def _read(self) -> Record:
        return self._client.customer.get(self._id)

    def create(self) -> Report:
        record = self._create()
        is_same = record.get("reference_id") == self.reference and record.get("phone") == _PHONE
        return ("ok", "the response is the record") if is_same else ("bad", "the response differs from the request")

    def create_again(self) -> Report:
        try:
            self._create()
        except TakenError:
            return "ok", "the service refuses a reference that exists"
        return "bad", "two customers can have the same reference, so a create without a response cannot be found by it"

    def patch(self) -> Report:
        before = self._read()
        self._client.customer.update(self._id, {"display_name": "wizframe probe, changed"})
        after = self._read()
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        others = sorted(changed - {"display_name", "updated_at"})
        if "display_name" not in changed:
            return "bad", "PATCH has no effect"
        if others:
            return "bad", f"PATCH changes fields that were not sent: {', '.join(others)}"
        return "ok", "PATCH changes only the fields that are sent"

    def clear(self) -> Report:
        self._client.customer.update(self._id, {"phone": ""})
        is_kept = bool(self._read().get("phone"))
        return ("bad", 'the value "" does not clear a string') if is_kept else ("ok", 'the value "" clears a string')

    def patch_list(self) -> Report:
        kept = {"reference_id": "one", "address_line_1": "1 Probe Street", "city": "Probe", "type": "billing"}
        self._client.customer.update(self._id, {"addresses": [kept]})
        count = len(self._read().get("addresses") or [])
        return ("ok", "PATCH replaces the list") if count == 1 else ("bad", f"{count} addresses after one was sent")

    def _contact(self, name: str, **more: Any) -> Record:
        record = {"reference_id": name, "first_name": name, "email": f"{name}@example.com", **more}
        return self._client.customer.contact.create(self._id, record)

    def put(self) -> Report:
        """Send half a contact. Only this check does so: wizframe always sends whole contacts."""
        contact = self._contact("one", designation="Probe")["id"]
        half = {"reference_id": "one", "first_name": "one", "email": "one@example.com"}
        body = encode_record(half, CONTACT, self._client.dialect, "update")
        self._client.transport.request("PUT", ["customers", self._id, "contacts", contact], payload=body)
        if self._client.customer.contact.get(self._id, contact).get("designation"):
            return "note", "PUT keeps the fields that are left out; wizframe sends whole contacts anyway"
        return "ok", "PUT erases the fields that are left out, as documented; wizframe sends whole contacts"

    def set_default(self) -> Report:
        first = self._contact("two", is_default=True)["id"]
        self._contact("three", is_default=True)
        if self._client.customer.contact.get(self._id, first).get("is_default"):
            return "note", "a customer can have two default contacts"
        return "ok", "a new default contact replaces the earlier one"

    def delete(self) -> Report:
        self._client.customer.delete(self._id)
        try:
            self._read()
        except NotFoundError:
            self.left.remove(self._id)
            return "ok", "the customer is deleted"
        return "bad", "the customer still exists after the delete"

    def clean_up(self) -> None:
        for id_ in list(self.left):
            with contextlib.suppress(WizframeError):
                self._client.customer.delete(id_)
                self.left.remove(id_)
