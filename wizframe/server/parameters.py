"""What a list request may ask for: the query's parameters, their defaults and limits.

Decided here, as the documents are silent:

- A page holds 20 records unless asked otherwise.
- ``…_after`` and ``…_before`` are exclusive: a record at exactly that second is not in the list.
- A parameter that is given twice counts the first time; unknown ones, and ones in the other dialect's spelling,
  are ignored without a word.
- A value that makes no sense is answered with 422.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from wizframe.server.messages import ApiError

if TYPE_CHECKING:
    from wizframe.server.spelling import Spelling

__all__ = ["BOUNDS", "DEFAULT_PAGE_SIZE", "LARGEST_PAGE_SIZE", "SORTABLE", "Page", "Query", "Selection"]

DEFAULT_PAGE_SIZE = 20
LARGEST_PAGE_SIZE = 100
_MOST_DIGITS = 18
"""Nobody has 10^18 pages, and int() of a very long text is slow."""

SORTABLE = {
    "customers": ("created_at", "updated_at", "company_name", "display_name"),
    "contacts": ("created_at", "updated_at"),
}
BOUNDS = {
    "created_after": ("created_at", ">"),
    "created_before": ("created_at", "<"),
    "updated_after": ("updated_at", ">"),
    "updated_before": ("updated_at", "<"),
}


@dataclass(frozen=True)
class Selection:
    """Which records, in which order: everything about a list but the page.

    Parameters
    ----------
    status : {"active", "inactive"}
        The status that all of them have.
    sort_by : str
        The column they are sorted by; equal ones stay in the order of insertion.
    references : tuple of str, optional
        The only references wanted.
    bounds : tuple of (column, operator, time)
        Limits on the times.
    """

    status: str = "active"
    sort_by: str = "updated_at"
    references: tuple[str, ...] | None = None
    bounds: tuple[tuple[str, str, str], ...] = ()

    def condition(self) -> tuple[str, list[str]]:
        """Say the same in SQL.

        Returns
        -------
        tuple of str and list of str
            What follows WHERE, and its values.
        """
        terms, values = ["status = ?"], [self.status]
        if self.references is not None:
            terms.append(f"reference_id IN ({', '.join('?' * len(self.references))})")
            values += self.references
        for column, operator, time in self.bounds:
            terms.append(f"{column} {operator} ?")
            values.append(time)
        return " AND ".join(terms), values


@dataclass(frozen=True)
class Page:
    """One page of a selection; the order's direction belongs to it, as both read the same order."""

    selection: Selection
    number: int = 1
    size: int = DEFAULT_PAGE_SIZE
    descending: bool = True

    def span(self, total: int) -> slice:
        """Find the page's place in the ascending order.

        Parameters
        ----------
        total : int
            How many records there are.

        Returns
        -------
        slice
            To apply to the ascending order; turns round by itself if descending.
        """
        start, stop = (self.number - 1) * self.size, self.number * self.size
        if not self.descending:
            return slice(start, stop)
        # From the end backwards; a stop below zero would count from the end again.
        last = total - 1 - start
        if last < 0:
            return slice(0, 0)
        return slice(last, total - 1 - stop if stop < total else None, -1)


class Query:
    """Read a query string, and collect what is wrong with it.

    Parameters
    ----------
    raw : str
        The query string as sent.
    spelling : Spelling
        The dialect in which parameters are understood.
    """

    def __init__(self, raw: str, spelling: Spelling) -> None:
        self._spelling = spelling
        self._values: dict[str, str] = {}
        self._problems: list[dict[str, str]] = []
        for name, value in parse_qsl(raw, keep_blank_values=True):
            self._values.setdefault(name, value)

    def page(self, table: str, cap: int | None) -> Page:
        """Understand the whole query of a list request.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Whose list.
        cap : int, optional
            The size that no page exceeds, whatever was asked for.

        Returns
        -------
        Page
            What to answer.

        Raises
        ------
        ApiError
            422, with everything that makes no sense.
        """
        number = self._whole("page", 1, None)
        size = self._whole("page_size", DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
        descending = self._choice("sort", ("desc", "asc")) == "desc"
        selection = Selection(
            status=self._choice("status", ("active", "inactive")),
            sort_by=self._choice(self._spelling.key("sort_by"), SORTABLE[table], "updated_at"),
            references=self._references() if table == "customers" else None,
            bounds=() if self._spelling.sdk else self._bounds(),
        )
        if self._problems:
            raise ApiError(422, "validation_failed", "the query is invalid", self._problems)
        return Page(selection, number, size if cap is None else min(size, max(1, cap)), descending)

    def _problem(self, name: str, reason: str) -> None:
        self._problems.append({"field": name, "reason": reason})

    def _whole(self, name: str, default: int, largest: int | None) -> int:
        text = self._values.get(name, str(default))
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
        if number < 1 or (largest is not None and number > largest):
            self._problem(name, "must be a whole number from 1" + (f" to {largest}" if largest else ""))
        return number

    def _choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self._values.get(name, default or choices[0])
        if value not in choices:
            self._problem(name, f"must be one of {', '.join(choices)}")
        return value

    def _references(self) -> tuple[str, ...] | None:
        value = self._values.get(self._spelling.key("reference_ids"), "")
        return tuple(sorted(set(value.split(",")))) if value else None

    def _bounds(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(
            (column, operator, self._time(name)) for name, (column, operator) in BOUNDS.items() if name in self._values
        )

    def _time(self, name: str) -> str:
        try:
            time = dt.datetime.fromisoformat(self._values[name])
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            self._problem(name, "must be a time such as 2006-01-02T15:04:05Z")
            return ""
        return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
