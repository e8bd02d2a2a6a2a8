"""Creates that deviate: they respond with another record, or without a record."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.deviations.points import Deviation, Proceed, is_success, with_body
from wizframe.server.http_messages import Request, Response
from wizframe.server.routes import ids_of, operation_of

if TYPE_CHECKING:
    from wizframe.server.resources import Record, Resource

__all__ = ["CreateAnswers", "CreateFindsExisting", "OtherId", "OtherReference"]


class _Create(Deviation):
    """A deviation of creates."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond to a create in a deviating way, and to other requests as usual."""
        is_create = operation_of(request.method, request.path).endswith(".create")
        return self.create(request, proceed) if is_create else proceed(request)

    def create(self, request: Request, proceed: Proceed) -> Response:
        """Respond to a create."""
        raise NotImplementedError


class CreateFindsExisting(_Create):
    """A create that returns an existing record with the same value in one field, and may update it."""

    def __init__(self, name: str, *, updates: bool) -> None:
        self._name = name
        self._updates = updates

    def create(self, request: Request, proceed: Proceed) -> Response:
        """Respond with the existing record if there is one."""
        existing = self._existing(request)
        if existing is None:
            return proceed(request)
        table = operation_of(request.method, request.path).partition(".")[0]
        method = ("PATCH" if table == "customers" else "PUT") if self._updates else "GET"
        body = request.body if self._updates else b""
        found = dataclasses.replace(request, method=method, path=f"{request.path}/{existing['id']}", body=body)
        return dataclasses.replace(proceed(found), status=200)

    def _existing(self, request: Request) -> Record | None:
        sent = orjson.loads(request.body).get(self.spelling.key(self._name))
        customer_id = next(iter(ids_of(request.path)), None)
        known = self.store.records_of(customer_id, "contacts") if customer_id else self.store.records("customers")
        return next((record for record in known if sent and record[self._name] == sent), None)


class OtherReference(Deviation):
    """A create that stores a different reference from the one that was sent."""

    def stored(self, values: Record, _resource: Resource, current: Record | None) -> Record:
        """Add a prefix to the reference of a new record."""
        return values if current else values | {"reference_id": f"WC-{values['reference_id']}"}


class OtherId(_Create):
    """A create that responds with an id that no record has."""

    def create(self, request: Request, proceed: Proceed) -> Response:
        """Replace the id in the response."""
        response = proceed(request)
        if not is_success(response):
            return response
        body: dict[str, Any] = orjson.loads(response.body)
        body.get("data", body)["id"] = "job_81c2f0"
        return with_body(response, body)


class CreateAnswers(_Create):
    """A create that takes effect, but responds without the record."""

    def __init__(self, status: int, body: Record | None = None) -> None:
        self._answer = Response(status, b"" if body is None else orjson.dumps(body))

    def create(self, request: Request, proceed: Proceed) -> Response:
        """Respond with the status and the body."""
        response = proceed(request)
        return self._answer if is_success(response) else response
