"""The points at which a deviation can change the service: around a request, in a list, and in stored values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import orjson

from wizframe.server.http_messages import ApiError, Request, Response
from wizframe.server.routes import operation_of

if TYPE_CHECKING:
    from wizframe.server.list_parameters import Page
    from wizframe.server.resources import Record, Resource
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = [
    "Deviation",
    "Listing",
    "Proceed",
    "RecordDeviation",
    "is_success",
    "respond_in_turn",
    "rows_of",
    "with_body",
    "with_page",
]

Proceed = Callable[[Request], Response]


class Deviation:
    """A way in which a service deviates: a subclass overrides the points that it changes."""

    store: Store
    spelling: Spelling

    def attach(self, store: Store, spelling: Spelling) -> None:
        """Receive the service's store and spelling, after its data were generated."""
        self.store = store
        self.spelling = spelling

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond to a request to one of the operations; `proceed` returns the response without this deviation."""
        return proceed(request)

    def page(self, page: Page) -> Page:
        """Return the page for a list request, from the requested page."""
        return page

    def stored(self, values: Record, _resource: Resource, _current: Record | None) -> Record:
        """Return the values to store, from the valid values that were sent; for a new record, `_current` is None."""
        return values

    def rehearsed(self, request: Request, proceed: Proceed) -> Response:
        """Return the response to a request without its effect."""
        with self.store.rehearsing():
            return proceed(request)


class RecordDeviation(Deviation):
    """A deviation that shows each record differently, wherever a response contains one."""

    def record(self, record: Record, table: str) -> Record:
        """Return a record as the service shows it, spelled as on the wire."""
        raise NotImplementedError

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond with altered records."""
        response = proceed(request)
        if not is_success(response) or not response.body:
            return response
        body = orjson.loads(response.body)
        table = operation_of(request.method, request.path).partition(".")[0]
        if not self.spelling.sdk and "data" not in body:
            return response
        shown = self._all(body if self.spelling.sdk else body["data"], table)
        return with_body(response, shown if self.spelling.sdk else body | {"data": shown})

    def _all(self, records: Any, table: str) -> Any:
        if isinstance(records, list):
            return [self._all(record, table) for record in records]
        nested = {name: self._all(records[name], name) for name in ("contacts", "addresses") if records.get(name)}
        return self.record(records | nested, table)


class Listing(Deviation):
    """A deviation that changes the body of a list: its rows or its totals."""

    def listing(self, request: Request, response: Response, proceed: Proceed) -> Response:
        """Return the response to a list request, from the usual response."""
        raise NotImplementedError

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond to lists differently."""
        response = proceed(request)
        is_list = operation_of(request.method, request.path).endswith(".list")
        return self.listing(request, response, proceed) if is_list and is_success(response) else response


def is_success(response: Response) -> bool:
    """Return whether a response has a success status."""
    return response.status < 300  # noqa: PLR2004 - the service never redirects


def with_body(response: Response, body: Any) -> Response:
    """Return a response with another body."""
    return dataclasses.replace(response, body=orjson.dumps(body))


def rows_of(response: Response) -> list[Any]:
    """Return the rows in the response to a list request."""
    body = orjson.loads(response.body) if response.body else []
    rows: list[Any] = body if isinstance(body, list) else body["data"]
    return rows


def with_page(request: Request, number: int) -> Request:
    """Return a list request for another page."""
    return dataclasses.replace(request, query=urlencode(dict(parse_qsl(request.query)) | {"page": str(number)}))


def respond_in_turn(deviations: Sequence[Deviation], request: Request, proceed: Proceed) -> Response:
    """Respond as the last deviation does; it can call the deviations before it."""
    if not deviations:
        return proceed(request)
    *others, last = deviations
    try:
        return last.respond(request, lambda altered: respond_in_turn(others, altered, proceed))
    except ApiError as error:
        return error.response()
