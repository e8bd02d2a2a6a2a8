"""The parameters of a list request: their defaults, their limits, and the page that they select.

The documents are silent on these points, so this module decides them:

- A page holds 20 records by default.
- ``…_after`` and ``…_before`` are exclusive: a record of exactly that second is not in the list.
- If a parameter occurs twice, the first one counts. Unknown parameters, and those in the spelling of the other
  dialect, are ignored without an error.
- An invalid value is refused with 422.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from wizframe.server.http_messages import validation_error

if TYPE_CHECKING:
    from wizframe.server.resources import Resource
    from wizframe.server.spelling import Spelling

__all__ = ["Page", "Query", "Selection"]

# The documents do not name a default, so a client must not rely on it.
_DEFAULT_PAGE_SIZE = 20
_LARGEST_PAGE_SIZE = 100  # contract, "List parameters"
# No list has 10^18 pages, and int() is slow for a very long string.
_MOST_DIGITS = 18

_BOUNDS = {
    "created_after": ("created_at", ">"),
    "created_before": ("created_at", "<"),
    "updated_after": ("updated_at", ">"),
    "updated_before": ("updated_at", "<"),
}


@dataclass(frozen=True)
class Selection:
    """The records of a list and their order. Records with equal values stay in the order of insertion.

    A status of None selects both statuses.
    """

    status: str | None
    sort_by: str
    references: tuple[str, ...] | None = None
    bounds: tuple[tuple[str, str, str], ...] = ()

    def condition(self) -> tuple[str, list[str]]:
        """Return the SQL after WHERE, and its values."""
        terms, values = ([], []) if self.status is None else (["status = ?"], [self.status])
        if self.references is not None:
            terms.append(f"reference_id IN ({', '.join('?' * len(self.references))})")
            values += self.references
        for column, operator, time in self.bounds:
            terms.append(f"{column} {operator} ?")
            values.append(time)
        return " AND ".join(terms) or "1", values


@dataclass(frozen=True)
class Page:
    """A page of a selection. It has the direction, because both directions read the same stored order."""

    selection: Selection
    number: int
    size: int
    descending: bool

    def span(self, total: int) -> slice:
        """Return the position of this page among `total` records in ascending order, as a slice."""
        start, stop = (self.number - 1) * self.size, self.number * self.size
        if not self.descending:
            return slice(start, stop)
        last = total - 1 - start
        if last < 0:
            return slice(0, 0)
        # Backwards from the end. A negative stop would count from the end again, so the last page has None.
        return slice(last, total - 1 - stop if stop < total else None, -1)


class Query:
    """The parameters of a list request in one dialect, and everything that is wrong with them."""

    def __init__(self, raw: str, spelling: Spelling) -> None:
        self._spelling = spelling
        self._values: dict[str, str] = {}
        self._problems: list[tuple[str, str]] = []
        for name, value in parse_qsl(raw, keep_blank_values=True):
            self._values.setdefault(name, value)

    def page(self, resource: Resource, cap: int | None) -> Page:
        """Return the requested page, with at most `cap` records; raise a 422 if a value is invalid."""
        number = self._whole("page", 1, None)
        size = self._whole("page_size", _DEFAULT_PAGE_SIZE, _LARGEST_PAGE_SIZE)
        descending = self._choice("sort", ("desc", "asc"), "desc") == "desc"
        selection = Selection(
            status=self._choice("status", ("active", "inactive"), "active"),
            sort_by=self._choice(self._spelling.key("sort_by"), resource.sort_by, "updated_at"),
            references=self._references() if resource.has_reference_filter else None,
            bounds=() if self._spelling.sdk else self._bounds(),  # [D] does not have them
        )
        if self._problems:
            raise validation_error(self._problems)
        return Page(selection, number, size if cap is None else min(size, max(1, cap)), descending)

    def _whole(self, name: str, default: int, largest: int | None) -> int:
        text = self._values.get(name, str(default))
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
        if number < 1 or (largest is not None and number > largest):
            self._problems.append((name, "must be a whole number from 1" + (f" to {largest}" if largest else "")))
        return number

    def _choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self._values.get(name, default)
        if value not in choices:
            self._problems.append((name, f"must be one of {', '.join(choices)}"))
        return value

    def _references(self) -> tuple[str, ...] | None:
        # Comma-separated, so a reference that contains a comma cannot be found (contract, "List parameters").
        value = self._values.get(self._spelling.key("reference_ids"), "")
        return tuple(sorted(set(value.split(",")))) if value else None

    def _bounds(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(
            (column, operator, self._time(name)) for name, (column, operator) in _BOUNDS.items() if name in self._values
        )

    def _time(self, name: str) -> str:
        try:
            time = dt.datetime.fromisoformat(self._values[name])
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            self._problems.append((name, "must be a time with a zone, such as 2006-01-02T15:04:05Z"))
            return ""
        return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
