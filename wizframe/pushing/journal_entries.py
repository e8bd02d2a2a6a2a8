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
    """One push.

    Parameters
    ----------
    push_id, plan_id : str
    base_url, account : str
        Where it goes; the account's name may be empty.
    table_name : str
        Of its changes; of both, one after the other, where it has some of each.
    user : str
        Of this machine.
    note : str
        The user's own words.
    on_conflict : str
    started_at : str
        ISO 8601, UTC.
    ended_at : str or None
        None: it was cut off, or is still running.
    """

    push_id: str
    plan_id: str
    base_url: str
    account: str
    table_name: str
    user: str
    note: str
    on_conflict: str
    started_at: str
    ended_at: str | None = None

    @property
    def tables(self) -> list[str]:
        """The tables of its changes, in the order in which they are sent."""
        return self.table_name.split(", ")


@dataclass(frozen=True)
class Entry:
    """One change of a push, as the journal has it.

    Parameters
    ----------
    number : int
        Within the push.
    action, id, customer_id, reference_id, name, label, cells, customer_reference_id
        As in :class:`wizframe.planning.changes.Change`; ``label`` and ``cells`` are JSON values.
    table_name : str
    state, code, what_happened, next_step, attempts
        What became of it so far.
    before, after : dict or None
        The service's record before the write and after it.
    changed_at : str
        ISO 8601, UTC.
    """

    number: int
    action: str
    id: str | None
    customer_id: str | None
    reference_id: str | None
    name: str
    label: Any
    cells: list[list[Any]]
    table_name: str
    customer_reference_id: str | None = None
    state: str = "planned"
    code: str = ""
    what_happened: str = ""
    next_step: str = ""
    attempts: int = 0
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    changed_at: str = ""

    @property
    def record_id(self) -> str | None:
        """The record's id; of a new one that which the service gave it, once it is known."""
        return self.id or (self.after or {}).get("id")


PUSH_COLUMNS = list(PushEntry.__dataclass_fields__)
ENTRY_COLUMNS = list(Entry.__dataclass_fields__)
JSON_COLUMNS = ("label", "cells", "before", "after")


def now() -> str:
    """Give the present moment as the journal writes it.

    Returns
    -------
    str
        ISO 8601, UTC, to the microsecond, sortable.
    """
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_push_id() -> str:
    """Make up a name for a push.

    Returns
    -------
    str
        Sortable by time, readable, and no other's.
    """
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def to_row(entry: Entry) -> list[Any]:
    """Give an entry as a row of the table.

    Parameters
    ----------
    entry : Entry

    Returns
    -------
    list
        In the order of ``ENTRY_COLUMNS``.
    """
    stamped = {"changed_at": entry.changed_at or now()}
    return [stamped.get(name) or to_cell(name, getattr(entry, name)) for name in ENTRY_COLUMNS]


def from_row(row: Sequence[Any]) -> Entry:
    """Read an entry from a row of the table.

    Parameters
    ----------
    row : sequence
        In the order of ``ENTRY_COLUMNS``.

    Returns
    -------
    Entry
    """
    values: Mapping[str, Any] = dict(zip(ENTRY_COLUMNS, row, strict=True))
    parsed = {name: None if values[name] is None else from_json(values[name]) for name in JSON_COLUMNS}
    return Entry(**{**values, **parsed})


def to_cell(name: str, value: Any) -> Any:
    """Give a value as it stands in the table.

    Parameters
    ----------
    name : str
        Of the column.
    value : object

    Returns
    -------
    object
        JSON in the ``JSON_COLUMNS``; None stays None, but for the label of a row, which may be None itself.
    """
    is_nothing = value is None and name != "label"
    return to_json(value) if name in JSON_COLUMNS and not is_nothing else value


def to_json(value: Any) -> str:
    """Write what a service sent so that it comes back as it was, also half an emoji and numbers of any size.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:
        return json.dumps(value, default=str)


def from_json(text: str | bytes) -> Any:
    """Read what :func:`to_json` wrote.

    Parameters
    ----------
    text : str or bytes

    Returns
    -------
    object
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)
