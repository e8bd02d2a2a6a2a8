"""Records and lists for the probes, as the service sends them, before wizframe corrects anything."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from wizframe.api.dialects import encode_parameters
from wizframe.errors import ProtocolError, ServiceError
from wizframe.fields import MAX_PAGE_SIZE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.connections.client import Client
    from wizframe.fields import Table

__all__ = ["Samples", "Seen", "Walk", "values_of"]

#: The pages of a list to read. They reach the end of the list in most accounts; more would cost too many requests.
MAX_PAGES = 20
#: If a page is sent so often, the list has ended. A service may send each page twice, so two copies prove nothing.
_COPIES = 3
_REFUSED = (400, 422)
#: All records have the same fields, so a few customers are enough.
_SAMPLE_SIZE = 3


class Seen(NamedTuple):
    """A response: its status, and its body if it is JSON."""

    status: int
    body: Any = None
    raw: bytes = b""
    refusal: ServiceError | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records of a list."""
        found = self.body.get("data") if isinstance(self.body, dict) else self.body
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    @property
    def record(self) -> dict[str, Any]:
        """The record of a response with a single record."""
        found = self.body.get("data", self.body) if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def counts(self) -> dict[str, Any]:
        """The totals of a list."""
        found = self.body.get("pagination") if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}


class Walk(NamedTuple):
    """The pages of a list, up to the first page without new records; `size` is the requested page size."""

    size: int
    pages: list[list[dict[str, Any]]]
    end: Seen | None  # None if the list is longer than the walk
    repeats: int  # pages in the middle that were sent twice
    refusal: int = 0  # the status of the refusal of the largest page size

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All records."""
        return [row for page in self.pages for row in page]

    @property
    def ids(self) -> set[str]:
        """The ids of all records."""
        return {str(row.get("id")) for row in self.rows}


class Samples:
    """A few lists and records of an account, each read once."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def walks(self) -> dict[str, Walk]:
        """The customers by status, oldest first."""
        return {status: self._walk(status) for status in STATUSES}

    @cached_property
    def details(self) -> list[Seen]:
        """The details of a few customers."""
        return [self.get("customers", identifier) for identifier in self._ids]

    @cached_property
    def contacts(self) -> dict[str, list[dict[str, Any]]]:
        """The contacts of a few customers, by customer."""
        return {id_: self.listed("customers", id_, "contacts", page_size=50).rows for id_ in self._ids}

    @property
    def _ids(self) -> list[str]:
        return [str(row.get("id")) for row in self.walks["active"].rows[:_SAMPLE_SIZE]]

    def get(self, *path: str, query: dict[str, str] | None = None) -> Seen:
        """Read a resource. A refusal or a body that is not JSON is also a result."""
        return self.send("GET", *path, query=query)

    def send(self, method: str, *path: str, payload: Any = None, query: dict[str, str] | None = None) -> Seen:
        """Send a request without any checks."""
        try:
            response = self._client.transport.request(method, list(path), query=query or {}, payload=payload)
        except ServiceError as error:
            return Seen(error.status, refusal=error)
        try:
            return Seen(response.status, response.json() if response.body else None, response.body)
        except ProtocolError:
            return Seen(response.status, None, response.body)

    def listed(self, *path: str, **parameters: Any) -> Seen:
        """Read a page of a list."""
        named = {name: str(value) if isinstance(value, int) else value for name, value in parameters.items()}
        return self.get(*path, query=encode_parameters(named, self._client.query_dialect))

    def _walk(self, status: str) -> Walk:
        order = {"sort_by": "created_at", "sort": "asc", "status": status}
        first, size, refusal = Seen(0), 0, 0
        for size in (MAX_PAGE_SIZE, 50, 20):
            first = self.listed("customers", page=1, page_size=size, **order)
            if first.status not in _REFUSED:
                break
            refusal = first.status
        pages, seen, copies, repeats = [first.rows], _ids(first), 0, 0
        for number in range(2, MAX_PAGES + 2 if first.rows else 2):
            page = self.listed("customers", page=number, page_size=size, **order)
            if not page.rows:
                return Walk(size, pages, page, repeats + copies, refusal)
            if not _ids(page) <= seen:
                pages.append(page.rows)
                seen |= _ids(page)
                repeats, copies = repeats + copies, 0
            elif (copies := copies + 1) == _COPIES:
                return Walk(size, pages, page, repeats, refusal)
        return Walk(size, pages, None, repeats, refusal)


def values_of(rows: Iterable[dict[str, Any]], table: Table, name: str) -> list[Any]:
    """Return the values of a field in records, unchanged, except blanks."""
    names = table[name].read_names()
    found = (row[wire] for row in rows for wire in names if wire in row)
    return [value for value in found if value not in (None, "")]


def _ids(page: Seen) -> set[str]:
    return {str(row.get("id")) for row in page.rows}
