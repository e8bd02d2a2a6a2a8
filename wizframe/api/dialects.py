"""Decode and encode the service's two dialects (contract, Two dialects). Pure functions, no I/O.

``rest`` is the dialect of the vendor's REST reference, and ``sdk`` is the dialect of its SDK documents. Envelope and
spelling are read separately, so every mixture works. Records are written in the service's spelling.

A *plain record* is a dict with wizframe's field names as keys. A field that the table does not know keeps the service's
name, so that a contact can be written back as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from wizframe.api.pages import Columns, Contents, Page, Record, Records
from wizframe.api.values import plain_value, plain_values
from wizframe.errors import Hint, InvalidRequestError, ProtocolError
from wizframe.fields import CUSTOMER, LIST_PARAMETERS, NESTED, Dialect, Operation, Table
from wizframe.text import printable

__all__ = [
    "Page",
    "Record",
    "decode_page",
    "decode_record",
    "detect",
    "encode_parameters",
    "encode_record",
    "field_name",
    "plain_record",
    "unknown_fields",
    "writable_attributes",
]


def decode_record(body: Any, table: Table) -> Record:
    """Read one record from the JSON of a response, with or without an envelope; missing fields are absent."""
    if isinstance(body, Mapping) and isinstance(body.get("data"), Mapping) and "id" not in body:
        body = body["data"]
    identifier = plain_value(body.get("id"), "text") if isinstance(body, Mapping) else None
    if not isinstance(identifier, str) or not identifier:
        raise _unexpected(body, f"a {table.singular} that has an id")
    return plain_record(body, table)


def decode_page(body: Any, table: Table, most: int | None = None) -> Contents:
    """Read a page from the JSON of a response, an envelope or a bare array; as columns if all rows have equal fields.

    A page with more than ``most`` records is rejected.
    """
    rows = _rows(body, table)
    if most is not None and len(rows) > most:
        raise ProtocolError(f"the service sent a page of {len(rows):,} {table.name}, at most {most:,} are read at once")
    pagination = body.get("pagination") if isinstance(body, Mapping) else None
    counts = pagination if isinstance(pagination, Mapping) else {}
    return Contents(
        _columns(rows, table) or Records([plain_record(row, table) for row in rows]),
        total_records=_count(counts, "total_records", "totalRecords"),
        total_pages=_count(counts, "total_pages", "totalPages"),
        page_size=_count(counts, "page_size", "pageSize"),
        next_page=_count(counts, "next_page", "nextPage"),
    )


def _rows(body: Any, table: Table) -> list[dict[str, Any]]:
    rows = body.get("data", ...) if isinstance(body, Mapping) else body
    # A service written in Go sends an empty list as null.
    if rows is None:
        return []
    if not isinstance(rows, list) or not set(map(type, rows)) <= {dict}:
        raise _unexpected(body, f"a list of {table.name}")
    return rows


def _unexpected(body: Any, expected: str) -> ProtocolError:
    """Return the error for JSON without the expected content. If the body is the service's error, it is quoted."""
    words = ""
    if isinstance(body, Mapping) and not body.keys() & {"data", "id"}:
        words = f", but with {printable(json.dumps(body, ensure_ascii=False, default=str), _LONGEST_WORDS)}"
    hint = Hint("Check base_url and the API key.", "Check WIZCOMMERCE_BASE_URL and the API key.")
    return ProtocolError(f"the service responded without {expected}{words}", hint=hint)


# An error message of the service takes a line or two, and the rest of a long one does not help.
_LONGEST_WORDS = 300


# Python refuses to read integers of more than 4,300 digits; no list is that long.
_LONGEST_COUNT = 20


def _count(pagination: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = pagination.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) < _LONGEST_COUNT:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


# Fields that others are derived from, or that contain records: these are read record by record.
_INTERTWINED = {*NESTED, "assigned_sales_reps", "assigned_price_list"}


def _columns(rows: Sequence[dict[str, Any]], table: Table) -> Columns | None:
    """Convert rows to columns; None if their fields differ, or if a field must be read row by row."""
    wires = tuple(rows[0]) if rows else ()
    names = [table.read_names[wire].name if wire in table.read_names else wire for wire in wires]
    is_plain = "id" in names and len(set(names)) == len(names) > 1 and _INTERTWINED.isdisjoint(names)
    if not is_plain or set(map(len, rows)) != {len(wires)}:
        return None
    try:
        columns = zip(*map(itemgetter(*wires), rows), strict=True)
    except KeyError:
        return None
    by_name: dict[str, Sequence[Any]] = {
        name: plain_values(values, table[name].kind) if name in table else values
        for name, values in zip(names, columns, strict=True)
    }
    ids = by_name["id"]
    return Columns(by_name) if set(map(type, ids)) == {str} and "" not in ids else None


def plain_record(row: Mapping[str, Any], table: Table) -> Record:
    """Read one row of a response."""
    known = table.read_names
    record: Record = {}
    for wire, value in row.items():
        field = known.get(wire)
        if field is None:
            record[wire] = value
        # If a row has two spellings of one field, such as name and company_name, the spelling with a value counts.
        elif record.get(field.name) in (None, ""):
            record[field.name] = plain_value(value, field.kind)
    for name in NESTED.keys() & record.keys():
        if name in table:
            inner = NESTED[name]
            rows = record[name]
            if isinstance(rows, list):
                record[name] = [plain_record(one, inner) if isinstance(one, Mapping) else one for one in rows]
    derived = _derived(record).items()
    record |= {name: value for name, value in derived if name in table and record.get(name) is None}
    return record


def _derived(record: Record) -> Record:
    """Derive the ids for writing from the objects in responses: sales reps and price list."""
    derived: Record = {}
    reps = record.get("assigned_sales_reps")
    if isinstance(reps, list):
        derived["assigned_sales_rep_ids"] = [rep["id"] for rep in reps if isinstance(rep, Mapping) and rep.get("id")]
    if "assigned_sales_reps" in record or "assigned_price_list" in record:  # in details, an absent one means none
        prices = record.get("assigned_price_list")
        derived["assigned_price_list_id"] = prices.get("id") if isinstance(prices, Mapping) else None
    return derived


def unknown_fields(record: Record, table: Table) -> Record:
    """Return the fields that the table does not know."""
    return {name: value for name, value in record.items() if name not in table}


def detect(body: Any) -> Dialect:
    """Detect the dialect of a list response.

    The spelling of the first record's known fields decides, because records must be written in it. If there is no
    record, or its names are the same in both dialects, the envelope decides.
    """
    rows = _rows(body, CUSTOMER)
    known = rows[0].keys() & CUSTOMER.read_names.keys() if rows else set()
    snake = sum("_" in name for name in known)
    camel = sum(name != name.lower() for name in known)
    if snake == camel:
        return "rest" if isinstance(body, Mapping) else "sdk"
    return "rest" if snake > camel else "sdk"


def field_name(wire: str, table: Table) -> str:
    """Convert the service's path of a field, such as ``contacts[0].firstName``, to our name; unknown names stay."""
    name, dot, rest = wire.partition(".")
    stem, bracket, position = name.partition("[")
    field = table.read_names.get(stem)
    known = field.name if field else _PARAMETER_NAMES.get(stem, stem)
    return known + bracket + position + dot + (field_name(rest, NESTED.get(known, table)) if rest else "")


_PARAMETER_NAMES = {parameter.sdk_name: parameter.name for parameter in LIST_PARAMETERS.values()}


def encode_parameters(parameters: Mapping[str, Any], dialect: Dialect) -> dict[str, str]:
    """Convert checked list parameters to the spelling of a dialect."""
    query = {}
    for name, value in parameters.items():
        parameter = LIST_PARAMETERS[name]
        wire = parameter.name if dialect == "rest" else parameter.sdk_name
        if wire is None:
            raise InvalidRequestError(
                f"nothing was sent: the service uses the sdk dialect, which has no parameter {name}",
                [(name, "is not a parameter of the sdk dialect")],
                hint="load_customers() and load_contacts() filter the loaded rows instead.",
            )
        query[wire] = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
    return query


def encode_record(record: Mapping[str, Any], table: Table, dialect: Dialect, operation: Operation) -> dict[str, Any]:
    """Convert a plain record to the spelling of a dialect.

    Unknown names are not changed. Known fields that are None are left out, also in nested lists, because no field is
    declared nullable, and an absent field reads the same (contract, Clearing).
    """
    body: dict[str, Any] = {}
    for name, value in record.items():
        if name not in table:
            body[name] = value
        elif value is not None:
            wire = table[name].write_name(dialect, operation)
            inner = NESTED.get(name)
            body[wire] = value
            if inner is not None and isinstance(value, list):
                body[wire] = [
                    encode_record(row, inner, dialect, operation) if isinstance(row, Mapping) else row for row in value
                ]
    return body


def writable_attributes(attributes: Any) -> list[dict[str, Any]] | None:
    """Convert attributes from a response to ``[{name, value}]``, the form for writing.

    None for [D]'s definitions without values: writing them would erase the values.
    """
    if not attributes:
        return []
    if not isinstance(attributes, Sequence):
        return None
    if not all(isinstance(item, Mapping) and "name" in item and "value" in item for item in attributes):
        return None
    return [{"name": item["name"], "value": item["value"]} for item in attributes]
