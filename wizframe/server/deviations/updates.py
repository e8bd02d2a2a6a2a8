"""Updates that deviate: they change more fields, or their response does not show the change."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from wizframe.server.deviations.points import Deviation, Proceed, is_success, with_body
from wizframe.server.http_messages import Request, Response
from wizframe.server.resources import CUSTOMERS, TABLES
from wizframe.server.routes import ids_of, operation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.resources import Record, Resource

__all__ = [
    "LATE_S",
    "LaggingReads",
    "LateWrite",
    "PatchChangesMore",
    "SiblingsLoseDefault",
    "SpelledOtherwise",
    "UpdateAnswers",
    "defaults",
    "lists_cleared",
    "replaced",
    "sent_fields",
]

#: Seconds: longer than a request takes, and shorter than a client waits for the effect of a write (0.5 s at a sandbox).
LATE_S = 0.2

_LISTS = ("assigned_sales_rep_ids", "addresses", "attributes")
_DEFAULTS = {"payment_mode": "credit", "freight_term": "prepaid"}


class PatchChangesMore(Deviation):
    """A PATCH of a customer that changes fields that were not sent."""

    def __init__(self, unsent: Callable[[], Record]) -> None:
        self._unsent = unsent

    def stored(self, values: Record, resource: Resource, current: Record | None) -> Record:
        """Add the values of fields that were not sent."""
        return self._unsent() | values if resource is CUSTOMERS and current else values


def replaced() -> Record:
    """Return the blank values of a customer that is replaced as a whole. Its contacts are kept."""
    blank = {name: None for name in CUSTOMERS.writable if name in CUSTOMERS.columns}
    return blank | lists_cleared()


def lists_cleared() -> Record:
    """Return the blank lists of a customer."""
    return {name: [] for name in _LISTS}


def defaults() -> Record:
    """Return the values that the service sets if a request does not send them."""
    return dict(_DEFAULTS)


class SpelledOtherwise(Deviation):
    """An update that does not accept field names of several words in the spelling of the responses."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def stored(self, values: Record, resource: Resource, current: Record | None) -> Record:
        """Use only the fields with names of one word from an update."""
        if resource is not self._resource or current is None:
            return values
        return {name: value for name, value in values.items() if "_" not in name}


class SiblingsLoseDefault(Deviation):
    """A PUT of a contact that always clears the default flag of the customer's other contacts."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Clear the flags after the update."""
        response = proceed(request)
        if operation_of(request.method, request.path) == "contacts.update" and is_success(response):
            customer_id, contact_id = ids_of(request.path)
            for contact in self.store.records_of(customer_id, "contacts"):
                if contact["id"] != contact_id and contact["is_default"]:
                    self.store.update("contacts", contact["id"], {"is_default": False})
        return response


class UpdateAnswers(Deviation):
    """An update that takes effect, but does not respond with the record."""

    def __init__(self, answer: Callable[[Response, Response, Request], Response]) -> None:
        self._answer = answer

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond with a response that is made from the old record, the usual response and the request."""
        if not operation_of(request.method, request.path).endswith(".update"):
            return proceed(request)
        before = proceed(dataclasses.replace(request, method="GET", body=b""))
        response = proceed(request)
        return self._answer(before, response, request) if is_success(response) else response


def sent_fields(_before: Response, response: Response, request: Request) -> Response:
    """Respond with the id and the sent fields, with their stored values."""
    body = orjson.loads(response.body)
    record = body.get("data", body)
    shown = {name: record[name] for name in ("id", *orjson.loads(request.body)) if name in record}
    return with_body(response, {"data": shown} if "data" in body else shown)


class LateWrite(Deviation):
    """A write that is accepted with 202, and takes effect a moment later."""

    def __init__(self, verb: str) -> None:
        self._verb = verb

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Accept a write that would succeed, and apply it later."""
        if not operation_of(request.method, request.path).endswith(self._verb):
            return proceed(request)
        response = self.rehearsed(request, proceed)
        if not is_success(response):
            return response
        timer = threading.Timer(LATE_S, self._carry_out, (request, proceed))
        timer.daemon = True
        timer.start()
        return Response(202, orjson.dumps({"status": "accepted"}))

    def _carry_out(self, request: Request, proceed: Proceed) -> None:
        with contextlib.suppress(sqlite3.ProgrammingError):  # the server was stopped in the meantime
            proceed(request)


class _Moment(NamedTuple):
    """The stored data of one customer at the time of a write, and the first free row number at that time."""

    time_s: float
    customer_id: str
    rows: dict[str, list[Any]]
    free: dict[str, int]


class LaggingReads(Deviation):
    """Reads that show old data for a moment after a write; `verbs` are the affected operations."""

    def __init__(self, *verbs: str) -> None:
        self._verbs = verbs
        self._moments: list[_Moment] = []

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Remember the data before each write, and read as if the latest writes had not happened."""
        verb = operation_of(request.method, request.path).partition(".")[2]
        with self.store.reading():
            if verb not in ("list", "get"):
                self._moments.append(self._moment(request))
                return proceed(request)
            self._moments = [moment for moment in self._moments if time.monotonic() - moment.time_s < LATE_S]
            if verb not in self._verbs or not self._moments:
                return proceed(request)
            with self.store.rehearsing():
                for moment in reversed(self._moments):
                    for table in TABLES:
                        self.store.put_back(table, moment.customer_id, moment.rows[table], moment.free[table])
                return proceed(request)

    def _moment(self, request: Request) -> _Moment:
        customer_id = next(iter(ids_of(request.path)), "")
        rows = {table: self.store.rows_of(table, customer_id) for table in TABLES}
        return _Moment(time.monotonic(), customer_id, rows, {table: self.store.next_row(table) for table in TABLES})
