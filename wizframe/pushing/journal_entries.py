"""What the journal holds: one entry for each push, one for each of its changes."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    base_url: str  # where it goes, with …
    account: str  # … the account's name, which may be empty
    table_name: str  # of its changes; of several tables, joined by a comma, in the order in which they are sent
    user: str  # of this machine
    note: str  # the user's own words
    on_conflict: str
    started_at: str  # ISO 8601, UTC
    ended_at: str | None = None  # None: it was cut off, or is still running

    @property
    def tables(self) -> list[str]:
        """The tables of its changes, in the order in which they are sent."""
        return self.table_name.split(", ")


@dataclass(frozen=True)
class Entry:
    """One change of a push; its first fields are those of a :class:`wizframe.planning.changes.Change`."""

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

    @property
    def record_id(self) -> str | None:
        """The record's id; of a new record the one that the service gave it."""
        return self.id or (self.after or {}).get("id")


PUSH_COLUMNS = list(PushEntry.__dataclass_fields__)
ENTRY_COLUMNS = list(Entry.__dataclass_fields__)
JSON_COLUMNS = ("label", "cells", "before", "after")


def now() -> str:
    """Give the present moment as the journal writes it: ISO 8601, UTC, to the microsecond, sortable."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_push_id() -> str:
    """Make a name for a push: sortable by time, readable, unique."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def to_row(entry: Entry) -> list[Any]:
    """Give an entry as a row of the table, in the order of ``ENTRY_COLUMNS``."""
    stamped = {"changed_at": entry.changed_at or now()}
    return [stamped.get(name) or to_cell(name, getattr(entry, name)) for name in ENTRY_COLUMNS]


def from_row(row: Sequence[Any]) -> Entry:
    """Read an entry from a row of the table, in the order of ``ENTRY_COLUMNS``."""
    values: Mapping[str, Any] = dict(zip(ENTRY_COLUMNS, row, strict=True))
    parsed = {name: None if values[name] is None else from_json(values[name]) for name in JSON_COLUMNS}
    return Entry(**{**values, **parsed})


def to_cell(name: str, value: Any) -> Any:
    """Give a value as the table has it: JSON in the ``JSON_COLUMNS``; only a label may be JSON's own null."""
    is_nothing = value is None and name != "label"
    return to_json(value) if name in JSON_COLUMNS and not is_nothing else value


def to_json(value: Any) -> str:
    """Write what a service sent so that it reads back the same, also half an emoji and numbers of any size."""
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
