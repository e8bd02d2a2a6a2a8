"""What is assumed of the service and can be seen without writing: envelope, pages, order, filters, fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wizframe.api.dialects import detect, unknown_fields
from wizframe.api.validation import moment
from wizframe.doctor.findings import checked
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.api.dialects import Record
    from wizframe.connections.client import Client
    from wizframe.doctor.findings import Finding, Said

__all__ = ["probe"]

_LOOKED_AT = 3


def probe(client: Client) -> Iterator[Finding]:
    """Compare what the documents say with what an account does. Reads only, some two dozen requests.

    Parameters
    ----------
    client : Client

    Yields
    ------
    Finding
        Names of fields may be in it, but no record's values.
    """
    yield checked("dialect", lambda: _dialect(client))
    yield checked("pages", lambda: _pages(client))
    yield checked("order", lambda: _order(client))
    yield checked("status filter", lambda: _status(client))
    yield checked("reference filter", lambda: _references(client))
    yield checked("time filters", lambda: _times(client))
    yield checked("fields", lambda: _fields(client))


def _dialect(client: Client) -> Said:
    body = client.transport.request("GET", ["customers"], query={"page": "1", "page_size": "2"}).json()
    spelling, is_enveloped = detect(body), isinstance(body, Mapping)
    counts = body.get("pagination") if isinstance(body, Mapping) else None
    said = f"names as in {spelling}, {'enveloped' if is_enveloped else 'bare lists'}"
    if is_enveloped != (spelling == "rest"):
        return "note", f"{said}: a mixture of both documents"
    return "ok", f"{said}{', with totals' if isinstance(counts, Mapping) and 'total_records' in counts else ''}"


def _pages(client: Client) -> Said:
    first, second = (
        client.customer.list(page=page, page_size=MAX_PAGE_SIZE, sort_by="created_at", sort="asc") for page in (1, 2)
    )
    if {row["id"] for row in first} & {row["id"] for row in second}:
        return "bad", "the second page repeats records of the first"
    if second and len(first) < MAX_PAGE_SIZE:
        return "note", f"{len(first)} records in a page at the most, though {MAX_PAGE_SIZE} are documented"
    return "ok", f"up to {len(first)} records in a page were seen, {MAX_PAGE_SIZE} were asked for"


def _order(client: Client) -> Said:
    for sort in ("asc", "desc"):
        rows = client.customer.list(page_size=50, sort_by="created_at", sort=sort)
        times = [moment(row["created_at"]) for row in rows if row.get("created_at")]
        if times != sorted(times, reverse=sort == "desc"):
            return "bad", f"sort_by=created_at, sort={sort} is not obeyed"
    return "ok", "created_at, both ways, is obeyed"


def _status(client: Client) -> Said:
    seen: set[Any] = set()
    for status in STATUSES:
        rows = client.customer.list(page_size=50, status=status)
        found = {row.get("status") for row in rows}
        if found - {status, None}:
            return "bad", f"status={status} is not obeyed"
        seen |= found
    return ("note", "rows do not tell their status") if None in seen else ("ok", "is obeyed")


def _references(client: Client) -> Said:
    rows = client.customer.list(page_size=50)
    wanted = [row["reference_id"] for row in rows if row.get("reference_id") and "," not in row["reference_id"]][:2]
    if not wanted:
        return "note", "no customer to look for"
    found = {row.get("reference_id") for row in client.customer.list(page_size=50, reference_ids=wanted)}
    if found == set(wanted):
        return "ok", "is obeyed"
    return "bad", "reference_ids does not give exactly the customers that were asked for"


def _times(client: Client) -> Said:
    if client.query_dialect == "sdk":
        return "ok", "not documented in this dialect: loaded rows are filtered here"
    rows = client.customer.list(page_size=50, sort_by="created_at", sort="asc")
    times = [moment(row["created_at"]) for row in rows if row.get("created_at")]
    if not times:
        return "note", "no customer to look for"
    middle = times[len(times) // 2]
    for name in ("created_after", "created_before"):
        found = [moment(row["created_at"]) for row in client.customer.list(page_size=50, **{name: middle})]
        if any(time < middle if name == "created_after" else time > middle for time in found):
            return "note", f"{name} is not obeyed: loaded rows are filtered here"
    return "ok", "created_after and created_before are obeyed"


def _fields(client: Client) -> Said:
    listed = client.customer.list(page_size=50)
    if not listed:
        return "note", "no customer to look at"
    some = [row["id"] for row in listed[:_LOOKED_AT]]
    details = [client.customer.get(id_) for id_ in some]
    contacts = [row for id_ in some for row in client.customer.contact.list(id_, page_size=50)]
    unknown = _unknown(CUSTOMER, [*listed, *details]) | _unknown(CONTACT, contacts)
    missing = sorted(set(CUSTOMER.columns()) - {name for row in listed for name in row} - {"status"})
    said = [f"unknown: {', '.join(sorted(unknown))}"] * bool(unknown)
    said += [f"in no row of the list: {', '.join(missing)}"] * bool(missing)
    return ("note", "; ".join(said)) if said else ("ok", "all are documented, and none is missing")


def _unknown(table: Any, records: list[Record]) -> set[str]:
    return {f"{table.singular}.{name}" for record in records for name in unknown_fields(record, table)}
