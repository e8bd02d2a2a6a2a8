"""One page of a list, stored by column: its rows nearly always have the same fields, and frames consist of columns.

A page may be unread: threads return the bytes of a response, and the caller's thread parses them on first use, because
Python runs one thread at a time. A page may be packed: strings in Arrow take a third of the memory while they wait to
become a frame. This module does not know spelling or HTTP.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from wizframe.api.values import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

__all__ = ["Columns", "Contents", "Page", "Record", "Records", "created", "identity"]

Record = dict[str, Any]


class Columns:
    """Rows with the same fields. Every row has an ``id`` that is a non-blank string."""

    def __init__(self, columns: dict[str, Sequence[Any]]) -> None:
        self._count = len(next(iter(columns.values())))
        self._columns: dict[str, Sequence[Any] | None] = {**columns}
        # All packed fields are in one array, because many arrays slow down Python's garbage collector; _places has the
        # position of each field.
        self._texts: Any = None
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return self._count

    @property
    def names(self) -> list[str]:
        """The names of the fields."""
        return list(self._columns)

    def values(self, name: str) -> Sequence[Any]:
        """Return one field of all rows, with None for rows that lack it."""
        values = self._columns.get(name)
        if values is not None:
            return values
        packed = self.texts(name)
        return [None] * self._count if packed is None else packed.to_pylist()

    def put(self, name: str, values: Sequence[Any]) -> None:
        """Set one field of all rows."""
        self._columns[name] = values
        self._places.pop(name, None)

    def records(self) -> list[Record]:
        """Return the rows as records."""
        rows = zip(*(self.values(name) for name in self._columns), strict=True)
        return [dict(zip(self._columns, row, strict=True)) for row in rows]

    def pack(self, names: Iterable[str], *, also: Iterable[str]) -> None:
        """Convert strings to Arrow, all fields at once, because field by field takes twice as long.

        Fields in ``also`` stay readable, too. If one of the fields is not a string, nothing changes.
        """
        present = [name for name in names if name in self._columns]
        values = list(chain.from_iterable(self.values(name) for name in present))
        try:
            self._texts = pa.array(values, pa.large_string())
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError):
            return
        self._places = {name: number * self._count for number, name in enumerate(present)}
        self._columns.update(dict.fromkeys(set(present).difference(also)))

    def texts(self, name: str) -> pa.Array | None:
        """Return one field in Arrow; None if it was not packed."""
        place = self._places.get(name)
        return None if place is None else self._texts.slice(place, self._count)

    def chosen(self, numbers: Sequence[int]) -> Columns:
        """Return some of the rows."""
        rows = object.__new__(Columns)
        rows._count = len(numbers)
        rows._columns = {
            name: None if values is None else [values[number] for number in numbers]
            for name, values in self._columns.items()
        }
        moved = [place + number for place in self._places.values() for number in numbers]
        rows._texts = None if self._texts is None else self._texts.take(pa.array(moved, pa.int64()))
        rows._places = {name: number * len(numbers) for number, name in enumerate(self._places)}
        return rows


class Records:
    """Rows with different fields."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    @property
    def names(self) -> list[str]:
        """The names of all fields that some row has."""
        return list(dict.fromkeys(name for record in self._records for name in record))

    def values(self, name: str) -> Sequence[Any]:
        """Return one field of all rows, with None for rows that lack it."""
        return [record.get(name) for record in self._records]

    def put(self, name: str, values: Sequence[Any]) -> None:
        """Set one field of all rows."""
        for record, value in zip(self._records, values, strict=True):
            record[name] = value

    def records(self) -> list[Record]:
        """Return the records themselves."""
        return self._records

    def pack(self, names: Iterable[str], *, also: Iterable[str]) -> None:
        """Do nothing: rows with different fields cannot be packed."""

    def texts(self, name: str) -> None:
        """Return None, because no field is packed."""

    def chosen(self, numbers: Sequence[int]) -> Records:
        """Return some of the rows."""
        return Records([self._records[number] for number in numbers])


class Contents(NamedTuple):
    """The rows of a page, and the totals if the response has them."""

    rows: Columns | Records
    total_records: int | None = None
    total_pages: int | None = None
    page_size: int | None = None
    next_page: int | None = None


class Page:
    """One page of a list. The totals are None if the response does not have them."""

    def __init__(self, records: list[Record], total_records: int | None = None, total_pages: int | None = None) -> None:
        self._source: Contents | Callable[[], Contents] = Contents(Records(records), total_records, total_pages)

    @classmethod
    def of(cls, source: Contents | Callable[[], Contents]) -> Page:
        """Make a page from its contents, or from a function that is called once, on first use, and may raise."""
        page = cls([])
        page._source = source
        return page

    def look(self) -> Contents:
        """Parse the page on first use; raise :class:`ProtocolError` if the response has no list of records."""
        if not isinstance(self._source, Contents):
            self._source = self._source()  # the body of the response is released
        return self._source

    @property
    def total_records(self) -> int | None:
        """The number of records on all pages; None if the response does not have it."""
        return self.look().total_records

    @property
    def total_pages(self) -> int | None:
        """The number of pages; None if the response does not have it."""
        return self.look().total_pages

    @property
    def page_size(self) -> int | None:
        """The number of records on a full page; None if the response does not say."""
        return self.look().page_size

    @property
    def next_page(self) -> int | None:
        """The number of the next page; None if the response does not say, or this is the last one."""
        return self.look().next_page

    @property
    def records(self) -> list[Record]:
        """The plain records. After this, changes to them change the page."""
        contents = self.look()
        records = contents.rows.records()
        if isinstance(contents.rows, Columns):
            self._source = contents._replace(rows=Records(records))
        return records

    @property
    def names(self) -> list[str]:
        """The names of all fields that some record has."""
        return self.look().rows.names

    @property
    def is_named(self) -> bool:
        """Whether each record is known to have an id."""
        return isinstance(self.look().rows, Columns)

    def identities(self) -> list[str]:
        """Return the id of each record, or its whole content if it has no id."""
        if self.is_named:
            return list(self.values("id"))
        return [identity(record) for record in self.records]

    def values(self, name: str) -> Sequence[Any]:
        """Return one field of all records, with None for records that lack it."""
        return self.look().rows.values(name)

    def put(self, name: str, values: Sequence[Any]) -> None:
        """Set one field of all records."""
        self.look().rows.put(name, values)

    def packed(self, names: Iterable[str], *, also: Iterable[str] = ()) -> Page:
        """Return the same page with strings in Arrow, packed on first use. Fields in ``also`` stay readable, too."""

        def read() -> Contents:
            contents = self.look()
            contents.rows.pack(names, also=also)
            return contents

        return Page.of(read)

    def chosen(self, numbers: Sequence[int]) -> Page:
        """Return a page of some of the rows, in order."""
        contents = self.look()
        if len(numbers) == len(contents.rows):
            return self
        return Page.of(contents._replace(rows=contents.rows.chosen(numbers)))

    def __len__(self) -> int:
        return len(self.look().rows)

    def __repr__(self) -> str:
        return f"<Page of {len(self)} records>" if isinstance(self._source, Contents) else "<Page, unread>"


def identity(record: Record) -> str:
    """Return a record's id, or its whole content if it has no id."""
    identifier = record.get("id")
    return identifier if identifier and isinstance(identifier, str) else json.dumps(record)


def created(record: Record) -> datetime | None:
    """Return the time when a record was created; None if it has none."""
    return moment_of(record.get("created_at"))
