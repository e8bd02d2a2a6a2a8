"""The entries of the journal: one for each push, and one for each of its changes."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from wizframe.fields import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "ENTRY_COLUMNS",
    "JSON_COLUMNS",
    "PUSH_COLUMNS",
    "Entry",
    "PushEntry",
    "from_json",
    "from_row",
    "new_push_id",
    "now",
    "to_cell",
    "to_json",
    "to_row",
]


@dataclass(frozen=True)
class PushEntry:
    """One push."""

    push_id: str
    plan_id: str
    base_url: str  # the address to which it is sent, …
    account: str  # … and the account's name, which may be empty
    table_name: str  # the tables of its changes, joined by a comma, in the order in which they are sent
    user: str  # the user of this machine
    note: str  # the reason in the user's words
    on_conflict: str
    started_at: str  # ISO 8601, UTC
    ended_at: str | None = None  # None if it was cut off, or is still running

    @property
    def tables(self) -> list[str]:
        """The tables of its changes, in the order in which they are sent."""
        return self.table_name.split(", ")


@dataclass(frozen=True)
class Entry:
    """One change of a push. Its first fields are those of a :class:`wizframe.planning.changes.Change`."""

    number: int  # within the push
    action: str
    id: str | None
    customer_id: str | None
    reference_id: str | None
    name: str
    label: Any  # a JSON value, as are the cells
    cells: list[list[Any]]
    table_name: str
    customer_reference_id: str | None = None
    state: str = "planned"
    code: str = ""
    what_happened: str = ""
    next_step: str = ""
    attempts: int = 0
    before: dict[str, Any] | None = None  # the service's record before the write …
    after: dict[str, Any] | None = None  # … and after it
    changed_at: str = ""  # ISO 8601, UTC
    displaced: list[list[str]] = field(default_factory=list)  # ids and names of records that lose their default flag
    damage: str = ""  # the reason why the row cannot be used; not stored in the table

    @property
    def was_sent(self) -> bool:
        """Return whether a request for this change may have reached the service."""
        if self.state in ("planned", "skipped"):
            return False
        is_created = (
            self.action == "create" and self.state == "done"
        )  # a later run may have found the record, and sent nothing
        return self.state in ("sent", "unknown") or self.attempts > 0 or self.before is not None or is_created

    @property
    def record_id(self) -> str | None:
        """The record's id. A new record has the id from the service's response."""
        return self.id or (self.after or {}).get("id")


PUSH_COLUMNS = list(PushEntry.__dataclass_fields__)
ENTRY_COLUMNS = [name for name in Entry.__dataclass_fields__ if name != "damage"]
JSON_COLUMNS = ("label", "cells", "before", "after", "displaced")
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("action", "name", "table_name", "state", "code", "what_happened", "next_step", "changed_at"), str),
    **dict.fromkeys(("id", "customer_id", "customer_reference_id", "reference_id"), (str, type(None))),
    **dict.fromkeys(("before", "after"), (dict, type(None))),
    **dict.fromkeys(("cells", "displaced"), list),
    **dict.fromkeys(("number", "attempts"), int),
}
_STATES = ("planned", "sent", "done", "failed", "conflict", "skipped", "unknown")


def now() -> str:
    """Return the current time in the journal's form: ISO 8601, UTC, to the microsecond, sortable."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_push_id() -> str:
    """Return a new id for a push: sortable by time, readable, unique."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def to_row(entry: Entry) -> list[Any]:
    """Convert an entry to a row of the table, in the order of ``ENTRY_COLUMNS``."""
    stamped = {"changed_at": entry.changed_at or now()}
    return [stamped.get(name) or to_cell(name, getattr(entry, name)) for name in ENTRY_COLUMNS]


def from_row(row: Sequence[Any]) -> Entry:
    """Convert a row of the table to an entry. The row is in the order of ``ENTRY_COLUMNS``.

    For a damaged row, the entry has what can be shown and the damage, so that the row does not hide the others.
    """
    values: dict[str, Any] = dict(zip(ENTRY_COLUMNS, row, strict=True))
    try:
        parsed = {name: None if values[name] is None else from_json(values[name]) for name in JSON_COLUMNS}
        entry = Entry(**{**values, **parsed})
        wrong = ", ".join(_wrong(entry))
    except (ValueError, TypeError, RecursionError) as error:
        entry, wrong = None, f"not valid JSON ({error})"
    if entry is not None and not wrong:
        return entry
    shown: dict[str, Any] = {name: value if isinstance(value, str) else None for name, value in values.items()}
    known = {name: shown[name] for name in ("id", "customer_id", "reference_id")}
    known |= {name: shown[name] or "" for name in ("action", "name", "table_name", "changed_at")}
    return Entry(**known, number=values["number"], label=None, cells=[], state="damaged", damage=wrong)


def _wrong(entry: Entry) -> Iterator[str]:
    """Describe the values of an entry that wizframe cannot have written."""
    for name, kind in _KINDS.items():
        if not isinstance(getattr(entry, name), kind):
            yield f"{name} has the wrong type"
    if entry.action not in ("create", "update", "delete"):
        yield f"unknown action {entry.action!r}"
    elif entry.id is None and entry.action != "create":
        yield "id is missing"
    if entry.state not in _STATES:
        yield f"unknown state {entry.state!r}"
    table = TABLES.get(entry.table_name)
    if table is None:
        yield f"unknown table {entry.table_name!r}"
    elif not all(isinstance(cell, list) and len(cell) == 3 and cell[0] in table for cell in entry.cells or ()):  # noqa: PLR2004
        yield "cells have the wrong form"
    if not all(isinstance(one, list) and list(map(type, one)) == [str, str] for one in entry.displaced or ()):
        yield "displaced has the wrong form"


def to_cell(name: str, value: Any) -> Any:
    """Convert a value to its form in the table: JSON in the ``JSON_COLUMNS``. Only a label may be JSON's null."""
    is_nothing = value is None and name != "label"
    return to_json(value) if name in JSON_COLUMNS and not is_nothing else value


def to_json(value: Any) -> str:
    """Write a service's value so that it reads back unchanged, even half an emoji or a number of any size."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        return json.dumps(value, default=str)


def from_json(text: str | bytes) -> Any:
    """Read what :func:`to_json` wrote."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
