"""Compare an account with the assumptions about the API by reading. Findings name fields, but no values of records."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from wizframe.api.dialects import detect, plain_record, unknown_fields
from wizframe.api.validation import moment
from wizframe.doctor.findings import Finding, checked
from wizframe.doctor.samples import MAX_PAGES, Samples, values_of
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE, STATUSES
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wizframe.connections.client import Client
    from wizframe.doctor.findings import Report
    from wizframe.fields import Table

__all__ = ["probe"]

#: 2 to the power of 53: above this number, a float cannot represent every integer (IEEE 754).
_EXACT_INTEGERS = 2**53
_TIME = re.compile(r"(?P<year>\d{4})-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?")
#: Go writes the year 1 for a time that was never set; databases write 9999 for "never".
_UNSET_YEARS = ("0001", "9999")
_NO_REFERENCE = "wizframe-probe-no-such-reference"


def probe(client: Client) -> Iterator[Finding]:
    """Check lists, filters, types and fields by reading."""
    samples = Samples(client)
    checks: dict[str, Callable[[Samples], Report]] = {
        "dialect": _dialect,
        "pages": _pages,
        "totals": _totals,
        "end of a list": _end,
        "order": _order,
        "status filter": _status_filter,
        "reference filter": _reference_filter,
        "time filters": lambda samples: _time_filters(client, samples),
        "ids": _ids,
        "values": _values,
        "times": _times,
        "exact numbers": _exact_numbers,
        "missing record": _missing_record,
        "fields": _fields,
    }
    for name, check in checks.items():
        yield checked(name, lambda check=check: check(samples))  # type: ignore[misc]


def _dialect(samples: Samples) -> Report:
    body = samples.listed("customers", page=1, page_size=2).body
    spelling, is_enveloped = detect(body), isinstance(body, dict)
    said = f"field names of the {spelling} dialect, lists {'in an envelope' if is_enveloped else 'without an envelope'}"
    return ("ok", said) if is_enveloped == (spelling == "rest") else ("note", f"{said}: a mixture of both documents")


def _pages(samples: Samples) -> Report:
    walk = samples.walks["active"]
    most = max(map(len, walk.pages))
    if walk.refusal:
        return (
            "note",
            f"a page of {MAX_PAGE_SIZE} records is refused; wizframe requests {walk.size} if the service says so",
        )
    if walk.repeats:
        return "note", "pages are sent more than once; wizframe ignores the copies"
    if most > walk.size:
        return "bad", f"a page has {most} records for a request of {walk.size}; wizframe rejects such pages"
    if len(walk.pages) > 1 and most < walk.size:
        return "note", f"a page has at most {most} records, although {walk.size} are allowed; wizframe reads more pages"
    return "ok", f"a page of {most} records for a request of {walk.size}"


def _totals(samples: Samples) -> Report:
    walk, page = samples.walks["active"], samples.listed("customers", page=1, page_size=1)
    shown, count = page.counts.get("total_records", page.counts.get("totalRecords")), len(walk.ids)
    if walk.end is None:
        return "ok", f"not checked: there are more than {MAX_PAGES} pages, or no records"
    if isinstance(page.body, list):
        return "ok", "this dialect has no totals; wizframe reads until a page is empty"
    if shown is None:
        return "note", "lists have no total; wizframe reads until a page is empty"
    if not isinstance(shown, int) or isinstance(shown, bool):
        return "note", "the total is a string; wizframe reads the number in it"
    if shown != count:
        return (
            "note",
            f"the total is {shown}, but there are {counted(count, 'record')}; wizframe reads all pages and counts them",
        )
    return "ok", "the total is the number of records"


def _end(samples: Samples) -> Report:
    ends = [walk.end for walk in samples.walks.values() if walk.end is not None]
    if not ends:
        return "ok", f"not checked: there are more than {MAX_PAGES} pages, or no records"
    if any(end.rows for end in ends):
        return "note", "a page after the end repeats the last page; wizframe ends the list there"
    odd = next((end.status for end in ends if end.body is None), None)
    if odd is not None:
        return "note", f"a page after the end has status {odd}; wizframe ends the list there"
    return "ok", "a page after the end is empty"


def _order(samples: Samples) -> Report:
    rows = samples.walks["active"].rows
    created = _moments(values_of(rows, CUSTOMER, "created_at"))
    if len(created) > 1 and len(set(created)) == 1:
        return "note", "all records have the same creation time; wizframe compares ids to find missing records"
    for sort in ("asc", "desc"):
        found = samples.listed("customers", page=1, page_size=50, sort_by="created_at", sort=sort).rows
        times = _moments(values_of(found, CUSTOMER, "created_at"))
        if times != sorted(times, reverse=sort == "desc"):
            return (
                "bad",
                f"lists do not follow sort_by=created_at, sort={sort}; wizframe warns that a load may be incomplete",
            )
    return "ok", "lists follow created_at in both directions"


def _status_filter(samples: Samples) -> Report:
    active, inactive = (samples.walks[status] for status in STATUSES)
    if active.ids and active.ids & inactive.ids:
        return "bad", "both lists have the same records; wizframe warns, and leaves the status blank"
    for status in STATUSES:
        found = {str(value).lower() for value in values_of(samples.walks[status].rows, CUSTOMER, "status")}
        if found - {status}:
            return "bad", f"the service ignores status={status}; wizframe warns, and leaves the status blank"
    return "ok", "lists have the records of the requested status"


def _reference_filter(samples: Samples) -> Report:
    active, inactive = (
        [
            str(value)
            for value in values_of(samples.walks[status].rows, CUSTOMER, "reference_id")
            if "," not in str(value)
        ]
        for status in STATUSES
    )
    if not active:
        return "note", "the account has no customer to look for"
    one, two = active[0], active[:2]
    shorter = [one[:-1]] if one[:-1] and one[:-1] not in active else []
    other_case = [name.swapcase() for name in active if name.swapcase() not in active][:1]

    def found(references: list[str], status: str = "active") -> set[str]:
        rows = samples.listed("customers", page_size=50, status=status, reference_ids=references).rows
        return set(map(str, values_of(rows, CUSTOMER, "reference_id")))

    if found([_NO_REFERENCE]):
        return "bad", "lists ignore reference_ids; wizframe reads all customers to find a reference"
    if found(two) < set(two):
        return "bad", "several references at once are not found; wizframe reads all customers to find them"
    if inactive and not found(inactive[:1], "inactive"):
        return "bad", "references of inactive customers are not found; wizframe reads all customers to find them"
    if (shorter and found(shorter)) or (other_case and found(other_case)):
        said = "reference_ids also finds references that are longer, or differ in case"
        return "note", f"{said}; wizframe compares them exactly"
    return "ok", "lists follow reference_ids"


def _time_filters(client: Client, samples: Samples) -> Report:
    if client.query_dialect == "sdk":
        return "ok", "not documented in this dialect, so wizframe filters the loaded rows"
    times = _moments(values_of(samples.walks["active"].rows[:50], CUSTOMER, "created_at"))
    if not times:
        return "note", "the account has no customer to look for"
    middle = times[len(times) // 2]
    for name in ("created_after", "created_before"):
        rows = client.customer.list(page_size=50, **{name: middle})
        found = _moments(row["created_at"] for row in rows if row.get("created_at"))
        if any(time < middle if name == "created_after" else time > middle for time in found):
            return "note", f"lists ignore {name}; wizframe filters the loaded rows"
    return "ok", "lists follow created_after and created_before"


def _ids(samples: Samples) -> Report:
    ids = [row.get("id") for walk in samples.walks.values() for row in walk.rows]
    numbers = [value for value in ids if isinstance(value, int)]
    if any(number > _EXACT_INTEGERS for number in numbers):
        return "note", "ids are integers that a float cannot represent; wizframe reads them as strings, digit by digit"
    if numbers:
        return "note", "ids are integers; wizframe reads them as strings"
    of_contacts = [str(row.get("id")) for rows in samples.contacts.values() for row in rows]
    if len(of_contacts) != len(set(of_contacts)):
        return (
            "note",
            "contacts of several customers have the same id; wizframe identifies a contact by its customer and its id",
        )
    return "ok", "ids are strings, and each contact has a different id"


def _values(samples: Samples) -> Report:
    customers, contacts = samples.walks["active"].rows, [row for rows in samples.contacts.values() for row in rows]
    flags = values_of(contacts, CONTACT, "is_default")
    if any(not isinstance(flag, bool) for flag in flags):
        return "note", "flags are not sent as true and false; wizframe converts them"
    for rows, table in ((customers, CUSTOMER), (contacts, CONTACT)):
        for field in table.fields:
            numbers = [value for value in values_of(rows, table, field.name) if isinstance(value, int | float)]
            if field.kind == "text" and field.name != "id" and numbers:
                return "note", f"{table.singular}.{field.name} is sent as a number; wizframe reads it as a string"
    status = {
        str(value) for value in [*values_of(customers, CUSTOMER, "status"), *values_of(contacts, CONTACT, "status")]
    }
    if status - set(STATUSES):
        return "note", f"the status is spelled {', '.join(sorted(status))}; wizframe ignores letter case"
    return "ok", "strings, flags and the status are sent as documented"


def _times(samples: Samples) -> Report:
    rows = samples.walks["active"].rows
    times = [value for name in ("created_at", "updated_at") for value in values_of(rows, CUSTOMER, name)]
    if any(isinstance(time, int | float) for time in times):
        return "note", "times are numbers; wizframe reads seconds and milliseconds since 1970"
    matches = [_TIME.fullmatch(str(time)) for time in times]
    if not all(matches):
        return "bad", "times have an unknown form; wizframe keeps the rows, but cannot filter them by time"
    if any(match and match["year"] in _UNSET_YEARS for match in matches):
        return (
            "note",
            "some times are in the year 1 or 9999, which means that they are not set; wizframe reads them as blank",
        )
    if any(match and not match["zone"] for match in matches):
        return "note", "times have no zone; wizframe reads them as UTC"
    return "ok", "times are ISO 8601 with a zone"


def _exact_numbers(samples: Samples) -> Report:
    numbers: list[str] = []
    for seen in samples.details:
        json.loads(seen.raw or b"{}", parse_int=numbers.append, parse_float=numbers.append)
    if all(map(_is_exact, numbers)):
        return "ok", "a float can represent all numbers"
    return "note", "a float cannot represent some numbers; wizframe sends them back unchanged"


def _is_exact(number: str) -> bool:
    """Return whether a JSON number stays the same when it is read as a float."""
    return Decimal(number) == Decimal(repr(float(number)))


def _missing_record(samples: Samples) -> Report:
    seen = samples.get("customers", "wizframe-probe-no-such-id")
    if seen.status == 404:  # noqa: PLR2004 - not found
        return "ok", "an id that does not exist has status 404"
    if seen.status == 410:  # noqa: PLR2004 - gone
        return "note", "an id that does not exist has status 410; wizframe treats it as 404"
    return "bad", f"an id that does not exist has status {seen.status}; wizframe shows the service's message"


def _fields(samples: Samples) -> Report:
    listed = samples.walks["active"].rows
    if not listed:
        return "note", "the account has no customer to read"
    contacts = [row for rows in samples.contacts.values() for row in rows]
    unknown = _unknown(CUSTOMER, [*listed, *(seen.record for seen in samples.details)]) | _unknown(CONTACT, contacts)
    names = {name for row in listed for name in plain_record(row, CUSTOMER)}
    missing = sorted(set(CUSTOMER.columns()) - names - {"status"})
    said = [f"not documented: {', '.join(sorted(unknown))}"] * bool(unknown)
    said += [f"missing in all records of the list: {', '.join(missing)}"] * bool(missing)
    if said:
        return "note", f"{'; '.join(said)}; wizframe sends unknown fields back unchanged"
    return "ok", "all fields are documented, and none is missing"


def _unknown(table: Table, rows: list[dict[str, Any]]) -> set[str]:
    return {f"{table.singular}.{name}" for row in rows for name in unknown_fields(plain_record(row, table), table)}


def _moments(times: Iterable[Any]) -> list[Any]:
    """Convert the times that can be read."""
    found = []
    for time in times:
        try:
            found.append(moment(time))
        except (ValueError, OverflowError):
            continue
    return found
