"""Deletes that deviate: they report success but keep the record, or delete the record but report an error."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import orjson

from wizframe.server.deviations.points import Deviation, Proceed, is_success
from wizframe.server.http_messages import ApiError, Request, Response
from wizframe.server.routes import ids_of, operation_of

if TYPE_CHECKING:
    from wizframe.server.resources import Record

__all__ = ["DeleteAnswers", "DeleteKeeps", "DeleteSetsInactive", "Gone"]


class _Delete(Deviation):
    """A deviation of deletes that would succeed."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond to an allowed delete in a deviating way; a refused delete stays refused."""
        if not operation_of(request.method, request.path).endswith(".delete"):
            return proceed(request)
        response = self.rehearsed(request, proceed)
        return self.delete(request, proceed) if is_success(response) else response

    def delete(self, request: Request, proceed: Proceed) -> Response:
        """Respond to a delete of a record that exists."""
        raise NotImplementedError


class DeleteSetsInactive(_Delete):
    """A delete that sets the record to inactive; with a customer, also its contacts."""

    def delete(self, request: Request, _proceed: Proceed) -> Response:
        """Set the status and respond with 204."""
        customer_id, *contact_id = ids_of(request.path)
        contacts = contact_id or [contact["id"] for contact in self.store.records_of(customer_id, "contacts")]
        changes = {"status": "inactive", "updated_at": self.store.now()}
        for identifier in contacts:
            self.store.update("contacts", identifier, changes)
        if not contact_id:
            self.store.update("customers", customer_id, changes)
        return Response(204)


class DeleteKeeps(_Delete):
    """A delete that does nothing, but responds as if it succeeded."""

    def __init__(self, status: int, body: Record | None = None) -> None:
        self._status = status
        self._body = body

    def delete(self, _request: Request, _proceed: Proceed) -> Response:
        """Respond, and do nothing."""
        return Response(self._status, b"" if self._body is None else orjson.dumps(self._body))


class DeleteAnswers(_Delete):
    """A delete that takes effect, but responds with 410."""

    def delete(self, request: Request, proceed: Proceed) -> Response:
        """Delete, and respond that the record is gone."""
        proceed(request)
        raise ApiError(410, "gone", "the record is gone")


class Gone(Deviation):
    """A service that responds with 410 (gone) for a record that does not exist."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond with 410 instead of 404."""
        response = proceed(request)
        return dataclasses.replace(response, status=410) if response.status == 404 else response  # noqa: PLR2004 - not found
