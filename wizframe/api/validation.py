"""What is refused before it is sent: unknown parameters, records that break a rule, contacts that would be erased."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from wizframe.api.dialects import Record, unknown_fields, writable_attributes
from wizframe.errors import InvalidRequestError
from wizframe.fields import LIST_PARAMETERS, MAX_PAGE_SIZE, NESTED, Operation, Table, violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Moment", "check_parameters", "check_record", "moment", "refuses_unknown_names", "whole_record"]

Moment = str | date | datetime
P = ParamSpec("P")
R = TypeVar("R")


def refuses_unknown_names(function: Callable[P, R]) -> Callable[P, R]:
    """Let a public function refuse an unknown parameter with the closest one that it has."""
    code = function.__code__
    known = [name for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if name != "self"]

    @wraps(function)
    def checked(*args: P.args, **options: P.kwargs) -> R:
        unknown = [name for name in options if name not in known]
        if unknown:
            close = [one for name in unknown for one in difflib.get_close_matches(name, known, n=1)]
            hint = f"Did you mean {', '.join(close)}?" if close else f"Its parameters are {', '.join(known)}."
            message = f"unknown parameter of {function.__name__}, nothing was sent: {', '.join(unknown)}"
            raise InvalidRequestError(message, [(name, "is unknown") for name in unknown], hint=hint)
        return function(*args, **options)

    return checked


def check_parameters(parameters: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Check list parameters and bring them into the form in which they are sent.

    Parameters
    ----------
    parameters : mapping
        By wizframe's names; None means not given.
    table : Table

    Returns
    -------
    dict
        Without the ones that are None; times as ``2006-01-02T15:04:05Z``, references as a list.

    Raises
    ------
    InvalidRequestError
        With all that is wrong in ``details``.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    checked: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in given.items():
        try:
            checked[name] = _check_parameter(name, value, table)
        except (ValueError, OverflowError) as error:
            wrong.append((name, str(error)))
    _refuse(wrong, f"what was asked of a list of {table.name}")
    return checked


def _check_parameter(name: str, value: Any, table: Table) -> Any:
    parameter = LIST_PARAMETERS.get(name)
    if parameter is None or table.name not in parameter.values:
        known = [known.name for known in LIST_PARAMETERS.values() if table.name in known.values]
        raise ValueError(f"is no parameter for {table.name}{_suggestion(name, known)}")
    if parameter.kind == "count":
        return _count(name, value)
    if parameter.kind == "references":
        return _references(value)
    if parameter.kind == "time":
        return _timestamp(value, upwards=name.endswith("_before"))
    allowed = parameter.values[table.name]
    if value not in allowed:
        raise ValueError(f"is {value!r}, allowed are {', '.join(allowed)}")
    return value


def _count(name: str, value: Any) -> int:
    largest = MAX_PAGE_SIZE if name == "page_size" else None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (largest and value > largest):
        raise ValueError(f"is {value!r}, but must be a whole number from 1" + (f" to {largest}" if largest else ""))
    return value


def _references(value: Any) -> list[str]:
    if not isinstance(value, Iterable):
        raise ValueError(f"is {value!r}, but must be some references")  # noqa: TRY004 - one type for all
    references = [value] if isinstance(value, str) else list(value)
    if not references:  # the service reads an empty filter as none, and would send everybody
        raise ValueError("is empty")
    for reference in references:
        if not isinstance(reference, str) or not reference:
            raise ValueError(f"holds {reference!r}, but references are texts")
        if "," in reference:  # the service splits the parameter at commas
            raise ValueError(f"holds {reference!r}: a reference with a comma cannot be looked up this way")
    return references


def moment(value: Moment) -> datetime:
    """Read a time; naive ones mean UTC.

    Parameters
    ----------
    value : str, date or datetime
        A text in ISO 8601.

    Returns
    -------
    datetime
        In UTC.

    Raises
    ------
    ValueError
        The text is no time.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"is {value!r}, but must be a time such as 2026-01-31 or 2026-01-31T08:00:00Z") from None
    if not isinstance(value, date) or str(value) == "NaT":  # pandas' missing time passes for a datetime
        raise ValueError(f"is {value!r}, but must be a time")
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the next line gives it its zone
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _timestamp(value: Moment, *, upwards: bool) -> str:
    """Write a time to the second, rounded so that nothing is cut off; loaders filter exactly afterwards."""
    instant = moment(value)
    if upwards and instant.microsecond:
        instant += timedelta(seconds=1)
    return instant.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def check_record(record: Mapping[str, Any], table: Table, operation: Operation) -> None:
    """Check a record before it is written.

    Parameters
    ----------
    record : mapping
        Plain record.
    table : Table
    operation : {'create', 'update'}

    Raises
    ------
    InvalidRequestError
        With all that is wrong in ``details``.
    """
    _refuse(list(_violations(record, table, operation)), f"the {table.singular} to {operation}")


def _violations(record: Mapping[str, Any], table: Table, operation: Operation) -> Iterator[tuple[str, str]]:
    if operation == "update" and not record:
        yield "", "nothing to change was given"
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
        return f"is no field of {table.name}{_suggestion(name, table.columns(details=True))}"
    field = table[name]
    if not (field.create if operation == "create" else field.update):
        return f"cannot be written on {operation}"
    if value is None and operation == "update":  # no field is declared nullable
        return f"is None: leave it out, or clear it with {_CLEARED.get(field.kind, 'a value of its own')}"
    reason = violation(field, value)
    if reason is None and name == "attributes" and writable_attributes(value) is None:
        return "must be a list of {name, value}: without values, the present ones would be erased"
    return f"{value!r} {reason}" if reason else None


_CLEARED = {"text": '""', "ids": "[]", "list": "[]", "flag": "False"}


def _nested_violations(name: str, rows: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Check addresses and contacts inside a customer.

    [D] leaves their shape on update open. One with an id was read before, so it may hold what wizframe does not know.
    """
    table = NESTED[name]
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping):
            yield f"{name}[{position}]", "is no record"
            continue
        for key, value in row.items():
            unknown = None if row.get("id") else f"is no field of {table.name}"
            reason = violation(table[key], value) if key in table else unknown
            if reason:
                yield f"{name}[{position}].{key}", reason


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _refuse(wrong: list[tuple[str, str]], what: str) -> None:
    if wrong:
        said = "; ".join(f"{name} {reason}".strip() for name, reason in wrong)
        raise InvalidRequestError(f"nothing was sent: {what} would not do: {said}", wrong)


def whole_record(current: Mapping[str, Any], table: Table) -> Record:
    """Pick everything of a record that a PUT must send back, so that it erases nothing.

    That is each writable field that is not blank, attributes as ``{name, value}``, and each field that the table does
    not know, with its nested keys as they are.
    """
    kept: Record = {
        field.name: current[field.name]
        for field in table.fields
        if field.update and current.get(field.name) not in (None, "")
    }
    attributes = writable_attributes(current.get("attributes"))
    if attributes is None:
        raise InvalidRequestError(
            f"{table.singular} {current.get('id')} has attributes whose values the service does not show: "
            "changing it would erase them. Change it in WizCommerce itself.",
            [("attributes", "cannot be written back")],
        )
    if "attributes" in current and current["attributes"] is not None:
        kept["attributes"] = attributes
    return kept | unknown_fields(dict(current), table)
