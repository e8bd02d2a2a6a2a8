"""Decode and encode the service's two dialects. Pure functions, no I/O.

``rest`` is the vendor's published REST reference, ``sdk`` what its SDK documents show. Envelope and spelling are
two things: each is read as it comes, in any mixture, and records are written as the service speaks.

A *plain record* is a dict under wizframe's field names. A field that the table does not know stays in it under
the name that the service gave it, so that a contact can be written back whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from wizframe.api.pages import Columns, Contents, Page, Record, Records
from wizframe.errors import InvalidRequestError, ProtocolError
from wizframe.fields import CUSTOMER, LIST_PARAMETERS, NESTED, Dialect, Operation, Table

__all__ = [
    "Page",
    "Record",
    "decode_contents",
    "decode_page",
    "decode_record",
    "detect",
    "encode_parameters",
    "encode_record",
    "field_name",
    "unknown_fields",
    "writable_attributes",
]


def decode_record(body: Any, table: Table) -> Record:
    """Read one record out of an answer, enveloped or bare, in either spelling.

    Parameters
    ----------
    body : object
        The parsed JSON.
    table : Table

    Returns
    -------
    dict
        Plain record; fields that the answer lacks are absent.

    Raises
    ------
    ProtocolError
        The answer holds no record.
    """
    if isinstance(body, Mapping) and isinstance(body.get("data"), Mapping) and "id" not in body:
        body = body["data"]
    if not isinstance(body, Mapping) or not isinstance(body.get("id"), str) or not body["id"]:
        raise ProtocolError(f"the service answered without a {table.singular} (a record with an id was expected)")
    return _plain(body, table)


def decode_page(body: Any, table: Table) -> Page:
    """Read one page of a list, enveloped or a bare array.

    Parameters
    ----------
    body : object
        The parsed JSON.
    table : Table

    Returns
    -------
    Page

    Raises
    ------
    ProtocolError
        The answer holds no list of records.
    """
    return Page.of(decode_contents(body, table))


def decode_contents(body: Any, table: Table) -> Contents:
    """Read what a page holds.

    Parameters
    ----------
    body : object
        The parsed JSON.
    table : Table

    Returns
    -------
    Contents
        By column where all rows have the same fields.

    Raises
    ------
    ProtocolError
        The answer holds no list of records.
    """
    rows = _rows(body, table)
    pagination = body.get("pagination") if isinstance(body, Mapping) else None
    counts = pagination if isinstance(pagination, Mapping) else {}
    return Contents(
        _columns(rows, table) or Records([_plain(row, table) for row in rows]),
        total_records=_count(counts, "total_records", "totalRecords"),
        total_pages=_count(counts, "total_pages", "totalPages"),
    )


def _rows(body: Any, table: Table) -> list[dict[str, Any]]:
    rows = body.get("data", ...) if isinstance(body, Mapping) else body
    if rows is None:  # how a service written in Go spells an empty list
        return []
    if not isinstance(rows, list) or not set(map(type, rows)) <= {dict}:
        raise ProtocolError(f"the service answered without a list of {table.name}")
    return rows


def _count(pagination: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = pagination.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


#: Fields that are read together with others, or record by record.
_INTERTWINED = {*NESTED, "assigned_sales_reps", "assigned_price_list"}


def _columns(rows: Sequence[dict[str, Any]], table: Table) -> Columns | None:
    """Turn rows into columns. None where a row has something of its own, and each is read by itself: see `_plain`."""
    wires = tuple(rows[0]) if rows else ()
    names = [table.read_names[wire].name if wire in table.read_names else wire for wire in wires]
    is_plain = "id" in names and len(set(names)) == len(names) > 1 and _INTERTWINED.isdisjoint(names)
    if not is_plain or set(map(len, rows)) != {len(wires)}:
        return None
    try:
        columns = zip(*map(itemgetter(*wires), rows), strict=True)
    except KeyError:
        return None
    by_name: dict[str, Sequence[Any]] = dict(zip(names, columns, strict=True))
    ids = by_name["id"]
    return Columns(by_name) if set(map(type, ids)) == {str} and "" not in ids else None


def _plain(row: Mapping[str, Any], table: Table) -> Record:
    known = table.read_names
    record: Record = {}
    for wire, value in row.items():
        field = known.get(wire)
        if field is None:
            record[wire] = value
        elif record.get(field.name) in (None, ""):  # two spellings of one field: the one with a value counts
            record[field.name] = value
    for name in NESTED.keys() & record.keys():
        if name in table:
            record[name] = _nested(record[name], NESTED[name])
    derived = _derived(record).items()
    record |= {name: value for name, value in derived if name in table and record.get(name) is None}
    return record


def _derived(record: Record) -> Record:
    """Derive the ids that are written from the objects that are read (sales reps, price list)."""
    derived: Record = {}
    reps = record.get("assigned_sales_reps")
    if isinstance(reps, list):
        derived["assigned_sales_rep_ids"] = [rep["id"] for rep in reps if isinstance(rep, Mapping) and rep.get("id")]
    if "assigned_sales_reps" in record or "assigned_price_list" in record:  # details: absent means none
        prices = record.get("assigned_price_list")
        derived["assigned_price_list_id"] = prices.get("id") if isinstance(prices, Mapping) else None
    return derived


def _nested(rows: Any, table: Table) -> Any:
    if not isinstance(rows, list):
        return rows
    return [_plain(row, table) if isinstance(row, Mapping) else row for row in rows]


def unknown_fields(record: Record, table: Table) -> Record:
    """Pick the fields that the table does not know.

    Parameters
    ----------
    record : dict
        Plain record.
    table : Table

    Returns
    -------
    dict
        Under the names that the service gave them.
    """
    return {name: value for name, value in record.items() if name not in table}


def detect(body: Any) -> Dialect:
    """Tell which dialect a list answer speaks.

    The spelling of the first record's known fields decides, because it is what records must be written in; with no
    record, or one whose keys are the same in both, the envelope does.

    Parameters
    ----------
    body : object
        The parsed JSON of a list answer.

    Returns
    -------
    {'rest', 'sdk'}

    Raises
    ------
    ProtocolError
        The answer holds no list of records.
    """
    rows = _rows(body, CUSTOMER)
    known = rows[0].keys() & CUSTOMER.read_names.keys() if rows else set()
    snake = sum("_" in name for name in known)
    camel = sum(name != name.lower() for name in known)
    if snake == camel:
        return "rest" if isinstance(body, Mapping) else "sdk"
    return "rest" if snake > camel else "sdk"


def field_name(wire: str, table: Table) -> str:
    """Say in wizframe's names where in a body something is wrong.

    Parameters
    ----------
    wire : str
        As the service names it, such as ``contacts[0].firstName`` or ``sortBy``.
    table : Table
        Of the record, or of the list.

    Returns
    -------
    str
        Such as ``contacts[0].first_name``; names that nobody knows stay as they are.
    """
    name, dot, rest = wire.partition(".")
    stem, bracket, position = name.partition("[")
    field = table.read_names.get(stem)
    known = field.name if field else _PARAMETER_NAMES.get(stem, stem)
    return known + bracket + position + dot + (field_name(rest, NESTED.get(known, table)) if rest else "")


_PARAMETER_NAMES = {parameter.sdk_name: parameter.name for parameter in LIST_PARAMETERS.values()}


def encode_parameters(parameters: Mapping[str, Any], dialect: Dialect) -> dict[str, str]:
    """Spell list parameters as the service speaks.

    Parameters
    ----------
    parameters : mapping
        By wizframe's names, checked, without blanks.
    dialect : {'rest', 'sdk'}

    Returns
    -------
    dict of str
        The query.

    Raises
    ------
    InvalidRequestError
        A parameter that the dialect does not have.
    """
    query = {}
    for name, value in parameters.items():
        parameter = LIST_PARAMETERS[name]
        wire = parameter.name if dialect == "rest" else parameter.sdk_name
        if wire is None:
            raise InvalidRequestError(
                f"{name}: this service speaks the sdk dialect, which has no such parameter. "
                "load_customers() and load_contacts() filter the loaded rows instead."
            )
        query[wire] = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
    return query


def encode_record(record: Mapping[str, Any], table: Table, dialect: Dialect, operation: Operation) -> dict[str, Any]:
    """Spell a record as the service wants it written.

    Parameters
    ----------
    record : mapping
        By wizframe's names. Names that the table does not know go through as they are. Known ones that are None are
        left out, here and in nested lists: no field is declared nullable, and absent reads the same.
    table : Table
    dialect : {'rest', 'sdk'}
    operation : {'create', 'update'}

    Returns
    -------
    dict
        The body of the request.
    """
    body: dict[str, Any] = {}
    for name, value in record.items():
        if name not in table:
            body[name] = value
        elif value is not None:
            wire = table[name].write_name(dialect, operation)
            body[wire] = _encode_nested(value, name, dialect, operation)
    return body


def _encode_nested(value: Any, name: str, dialect: Dialect, operation: Operation) -> Any:
    table = NESTED.get(name)
    if table is None or not isinstance(value, list):
        return value
    return [encode_record(row, table, dialect, operation) if isinstance(row, Mapping) else row for row in value]


def writable_attributes(attributes: Any) -> list[dict[str, Any]] | None:
    """Turn attributes as read into the ``[{name, value}]`` in which they are written.

    Parameters
    ----------
    attributes : object
        As the service sent them: blank, a list of values, or ([D]) a list of definitions without values.

    Returns
    -------
    list of dict, or None
        None where the values cannot be told, so that writing them would erase them.
    """
    if not attributes:
        return []
    if not isinstance(attributes, Sequence) or not all(_is_valued(item) for item in attributes):
        return None
    return [{"name": item["name"], "value": item["value"]} for item in attributes]


def _is_valued(item: Any) -> bool:
    return isinstance(item, Mapping) and "name" in item and "value" in item
