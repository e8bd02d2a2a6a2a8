"""One page of a list. Knows neither spelling nor HTTP.

A page is kept by column, since its rows nearly always share their keys and frames are made of columns. Records are
made when somebody asks for them. A page may be unread: threads that fetch hand over what arrived, and whoever looks at
it first parses it, so that Python, which runs one thread at a time, does not make them wait for each other. And it may
be packed: texts that wait to become a frame take a third of the memory in Arrow.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Columns", "Contents", "Page", "Record", "Records", "created", "identity", "moment_of"]

Record = dict[str, Any]


class Columns:
    """Rows that share their fields.

    Parameters
    ----------
    columns : dict of sequence
        By field, all equally long. Among them is ``id``, a text in every row, and not blank.
    """

    def __init__(self, columns: dict[str, Sequence[Any]]) -> None:
        self._count = len(next(iter(columns.values())))
        self._columns: dict[str, Sequence[Any] | None] = {**columns}
        self._texts: Any = None  # those of all packed fields in one array: one for each is work for Python's collector
        self._places: dict[str, int] = {}  # where in it each of them begins

    def __len__(self) -> int:
        return self._count

    @property
    def names(self) -> list[str]:
        """The fields."""
        return list(self._columns)

    def values(self, name: str) -> Sequence[Any]:
        """Give one field of all rows; None where a row lacks it."""
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
        """Make records."""
        rows = zip(*(self.values(name) for name in self._columns), strict=True)
        return [dict(zip(self._columns, row, strict=True)) for row in rows]

    def pack(self, names: Iterable[str], *, also: Iterable[str]) -> None:
        """Turn texts into Arrow, all at once: one by one they would take twice as long.

        Parameters
        ----------
        names : iterable of str
            Of the fields, as far as the rows have them. Where one of them is no text, all stay as they are.
        also : iterable of str
            Fields of which the values are kept, too.
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
        """Give one field as it was packed; None where it was not."""
        place = self._places.get(name)
        return None if place is None else self._texts.slice(place, self._count)

    def chosen(self, numbers: Sequence[int]) -> Columns:
        """Give some of the rows."""
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
    """Rows of which each has its own fields.

    Parameters
    ----------
    records : list of dict
    """

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    @property
    def names(self) -> list[str]:
        """The fields that any of the rows has."""
        return list(dict.fromkeys(name for record in self._records for name in record))

    def values(self, name: str) -> Sequence[Any]:
        """Give one field of all rows; None where a row lacks it."""
        return [record.get(name) for record in self._records]

    def put(self, name: str, values: Sequence[Any]) -> None:
        """Set one field of all rows."""
        for record, value in zip(self._records, values, strict=True):
            record[name] = value

    def records(self) -> list[Record]:
        """Give the records themselves."""
        return self._records

    def pack(self, names: Iterable[str], *, also: Iterable[str]) -> None:
        """Leave them as they are."""

    def texts(self, name: str) -> None:
        """Give nothing: they are not packed."""

    def chosen(self, numbers: Sequence[int]) -> Records:
        """Give some of the rows."""
        return Records([self._records[number] for number in numbers])


class Contents(NamedTuple):
    """What an answer holds: rows, and how many records and pages the service counts, where it says."""

    rows: Columns | Records
    total_records: int | None = None
    total_pages: int | None = None


class Page:
    """One page of a list, as the service answered.

    Parameters
    ----------
    records : list of dict
        Plain records.
    total_records, total_pages : int or None
        None in a dialect or an answer that does not say.
    """

    def __init__(self, records: list[Record], total_records: int | None = None, total_pages: int | None = None) -> None:
        self._source: Contents | Callable[[], Contents] = Contents(Records(records), total_records, total_pages)

    @classmethod
    def of(cls, source: Contents | Callable[[], Contents]) -> Page:
        """Make a page of what it holds, or promise one.

        Parameters
        ----------
        source : Contents or callable
            A callable is called once, when somebody looks; what it raises is raised there.

        Returns
        -------
        Page
        """
        page = cls([])
        page._source = source
        return page

    def look(self) -> Contents:
        """Read the page, unless that was done.

        Returns
        -------
        Contents

        Raises
        ------
        ProtocolError
            The answer holds no list of records.
        """
        if not isinstance(self._source, Contents):
            self._source = self._source()  # the answer itself is not kept
        return self._source

    @property
    def total_records(self) -> int | None:
        """Records on all pages; None where the answer does not say."""
        return self.look().total_records

    @property
    def total_pages(self) -> int | None:
        """Number of pages; None where the answer does not say."""
        return self.look().total_pages

    @property
    def records(self) -> list[Record]:
        """Plain records. From now on they are the page: what is changed in them counts."""
        contents = self.look()
        records = contents.rows.records()
        if isinstance(contents.rows, Columns):
            self._source = contents._replace(rows=Records(records))
        return records

    @property
    def names(self) -> list[str]:
        """The fields that any of the records has."""
        return self.look().rows.names

    @property
    def is_named(self) -> bool:
        """Whether each record is known to have an id."""
        return isinstance(self.look().rows, Columns)

    def identities(self) -> list[str]:
        """Give what tells each record from the others: its id."""
        if self.is_named:
            return list(self.values("id"))
        return [identity(record) for record in self.records]

    def values(self, name: str) -> Sequence[Any]:
        """Give one field of all records.

        Parameters
        ----------
        name : str

        Returns
        -------
        sequence
            None where a record lacks the field.
        """
        return self.look().rows.values(name)

    def put(self, name: str, values: Sequence[Any]) -> None:
        """Set one field of all records.

        Parameters
        ----------
        name : str
        values : sequence
            One for each record.
        """
        self.look().rows.put(name, values)

    def packed(self, names: Iterable[str], *, also: Iterable[str] = ()) -> Page:
        """Promise the same page with texts in Arrow.

        Parameters
        ----------
        names : iterable of str
            Of the fields.
        also : iterable of str
            Fields that will be looked at before the page is part of a frame.

        Returns
        -------
        Page
            Read and packed when somebody looks.
        """

        def read() -> Contents:
            contents = self.look()
            contents.rows.pack(names, also=also)
            return contents

        return Page.of(read)

    def chosen(self, numbers: Sequence[int]) -> Page:
        """Give a page of some of the rows.

        Parameters
        ----------
        numbers : sequence of int
            Of the rows, in order.

        Returns
        -------
        Page
            This one where all are chosen.
        """
        contents = self.look()
        if len(numbers) == len(contents.rows):
            return self
        return Page.of(contents._replace(rows=contents.rows.chosen(numbers)))

    def __len__(self) -> int:
        return len(self.look().rows)

    def __repr__(self) -> str:
        return f"<Page of {len(self)} records>" if isinstance(self._source, Contents) else "<Page, unread>"


def identity(record: Record) -> str:
    """Give what tells a record from others: its id, or all of it if it has none."""
    identifier = record.get("id")
    return identifier if identifier and isinstance(identifier, str) else json.dumps(record)


def created(record: Record) -> datetime | None:
    """Give the time when a record was created; None if it does not say."""
    return moment_of(record.get("created_at"))


def moment_of(value: Any) -> datetime | None:
    """Read a time in its own zone, UTC if it names none; None if it cannot be read."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
