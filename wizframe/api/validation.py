"""Reject before sending: unknown parameters, records that break a rule, updates that would erase values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wizframe.api.dialects import Record, unknown_fields, writable_attributes
from wizframe.api.values import plain_scalar, read_time
from wizframe.errors import InvalidRequestError
from wizframe.fields import LIST_PARAMETERS, MAX_PAGE_SIZE, NESTED, Operation, Table, violation
from wizframe.text import option, plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Moment", "check_parameters", "check_record", "moment", "whole_record"]

Moment = str | date | datetime


def check_parameters(parameters: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Check list parameters, and return them in the form for sending, without those that are None."""
    checked: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in ((name, plain_scalar(value)) for name, value in parameters.items()):
        if value is not None:
            try:
                checked[name] = _checked_parameter(name, value, table)
            except (ValueError, OverflowError) as error:
                wrong.append((name, str(error)))
    if wrong:
        shown = "; ".join(f"{printable(option(name, parameters[name]), 80)} ({why})" for name, why in wrong)
        what = plural(len(wrong), "parameter")
        raise InvalidRequestError(f"invalid list {what} for {table.name}, nothing was sent: {shown}", wrong)
    return checked


def _checked_parameter(name: str, value: Any, table: Table) -> Any:
    parameter = LIST_PARAMETERS.get(name)
    if parameter is None or table.name not in parameter.values:
        known = [known.name for known in LIST_PARAMETERS.values() if table.name in known.values]
        raise ValueError(f"unknown{_suggestion(name, known)}")
    if parameter.kind == "count":
        largest = MAX_PAGE_SIZE if name == "page_size" else None
        if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (largest and value > largest):
            raise ValueError("allowed: whole numbers from 1" + (f" to {largest}" if largest else ""))
        return value
    if parameter.kind == "references":
        return _checked_references(value)
    if parameter.kind == "time":
        return _timestamp(value, upwards=name.endswith("_before"))
    allowed = parameter.values[table.name]
    if value not in allowed:
        raise ValueError(f"allowed: {', '.join(map(repr, allowed))}")
    return value


def _checked_references(value: Any) -> list[str]:
    if not isinstance(value, Iterable):
        raise ValueError("allowed: strings")  # noqa: TRY004 - one type for all
    references = [value] if isinstance(value, str) else list(value)
    # The service treats an empty filter as no filter, and would send all records.
    if not references:
        raise ValueError("it must not be empty")
    for reference in references:
        if not isinstance(reference, str) or not reference:
            raise ValueError(f"{reference!r} is not a reference: a reference is a string")
        # The service splits the parameter at commas (contract, List parameters).
        if "," in reference:
            raise ValueError(
                f"{reference!r} contains a comma, so reference_ids cannot find it: load all customers and filter them"
            )
    return references


def moment(value: Moment) -> datetime:
    """Convert a time, or a string in ISO 8601, to UTC; without a zone it means UTC."""
    value = plain_scalar(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(_TIMES) from None
    # NaT, pandas' missing time, is an instance of datetime, too.
    if not isinstance(value, date) or str(value) == "NaT":
        raise ValueError(_TIMES)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the next line gives it its zone
    found = read_time(value)
    if found is None:
        raise ValueError(_TIMES)
    return found


_TIMES = "allowed: times such as 2026-01-31 or 2026-01-31T08:00:00Z"


def _timestamp(value: Moment, *, upwards: bool) -> str:
    """Write a time to the second (contract), rounded so that no record is excluded: loads filter exactly afterwards."""
    instant = moment(value)
    if upwards and instant.microsecond:
        instant += timedelta(seconds=1)
    return instant.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def check_record(record: Mapping[str, Any], table: Table, operation: Operation) -> None:
    """Check a record before it is written. The error's ``details`` list everything that is wrong."""
    wrong = list(_violations(record, table, operation))
    if wrong:
        shown = "; ".join(f"{name} {reason}".strip() for name, reason in wrong)
        raise InvalidRequestError(f"invalid {table.singular} to {operation}, nothing was sent: {shown}", wrong)


def _violations(record: Mapping[str, Any], table: Table, operation: Operation) -> Iterator[tuple[str, str]]:
    if operation == "update" and not record:
        yield "", "it has no field to change"
    for name in table.required:
        is_blank = record.get(name) in (None, "")
        if is_blank and (operation == "create" or name in record):
            yield name, "is required"
    for name, value in record.items():
        reason = _violation(name, value, table, operation)
        if reason:
            yield name, reason
        elif name in NESTED and isinstance(value, list):
            yield from _nested_violations(name, value)


def _violation(name: str, value: Any, table: Table, operation: Operation) -> str | None:
    if name not in table:
        return f"is not a field of {table.name}{_suggestion(name, table.columns(details=True))}"
    field = table[name]
    if not (field.create if operation == "create" else field.update):
        return f"cannot be set when a {table.singular} is {operation}d"
    # No field is declared nullable: null reads as absent (contract, Clearing).
    if value is None and operation == "update":
        return f"is None: leave it out, or clear it with {_CLEARED.get(field.kind, 'a value of its own')}"
    reason = violation(field, value)
    if reason is None and name == "attributes" and writable_attributes(value) is None:
        return "must be a list of {name, value}, because a list without values would erase the present ones"
    return f"{value!r} {reason}" if reason else None


_CLEARED = {"text": '""', "ids": "[]", "list": "[]", "flag": "False"}


def _nested_violations(name: str, rows: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Check addresses and contacts inside a customer.

    [D] does not show their form in an update. A row with an id was read before, so it may have unknown fields.
    """
    table = NESTED[name]
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping):
            yield f"{name}[{position}]", "is not a record"
            continue
        for key, value in row.items():
            unknown = None if row.get("id") else f"is not a field of {table.name}"
            reason = violation(table[key], value) if key in table else unknown
            if reason:
                yield f"{name}[{position}].{key}", reason


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def whole_record(current: Mapping[str, Any], table: Table) -> Record:
    """Return all fields of a record that a PUT must send back, so that it erases nothing (contract, the PUT trap).

    These are the writable fields that are not blank, the attributes as ``{name, value}``, and the fields that the table
    does not know, with their nested keys unchanged.
    """
    kept: Record = {
        field.name: current[field.name]
        for field in table.fields
        if field.update and current.get(field.name) not in (None, "")
    }
    attributes = writable_attributes(current.get("attributes"))
    if attributes is None:
        raise InvalidRequestError(
            f"nothing was sent: the service does not show the attributes' values of {table.singular} "
            f"{current.get('id')}, so an update would erase them",
            [("attributes", "cannot be written back")],
            hint="Change it in WizCommerce itself.",
        )
    if "attributes" in current and current["attributes"] is not None:
        kept["attributes"] = attributes
    return kept | unknown_fields(dict(current), table)
