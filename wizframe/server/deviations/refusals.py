"""Refusals that deviate: more refusals, unusual words or statuses, or refusals that look like success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.deviations.points import Deviation, Proceed, RecordDeviation
from wizframe.server.http_messages import ApiError, Request, Response, validation_error
from wizframe.server.resources import CONTACTS, RESOURCES
from wizframe.server.routes import READS, WRITES, operation_of

if TYPE_CHECKING:
    from wizframe.server.resources import Record, Resource

__all__ = ["ErrorsAsSuccess", "LoginPage", "NullsRefused", "OncePerRequest", "OwnFieldRefused", "UnknownFieldsRefused"]

_LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><form>Please sign in</form></body></html>"
#: A field of the sandbox that no document names.
_UNDOCUMENTED = "department"


class OwnFieldRefused(RecordDeviation):
    """A contact has a field that a PUT must not contain."""

    def record(self, record: Record, table: str) -> Record:
        """Add the field."""
        return record | {self.spelling.key("tenant_id"): "tenant_1"} if table == "contacts" else record

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Refuse a body with the field."""
        key = self.spelling.key("tenant_id")
        if operation_of(request.method, request.path) in WRITES and key in _body(request):
            raise validation_error([(key, "is read-only")])
        return super().respond(request, proceed)


class UnknownFieldsRefused(Deviation):
    """A service that refuses undocumented fields in a body; a PUT does not change them."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Refuse other fields."""
        table, _, verb = operation_of(request.method, request.path).partition(".")
        if verb in ("create", "update"):
            fields = [field.name for field in RESOURCES[table].fields if field.occurs("CU", sdk=self.spelling.sdk)]
            known = {self.spelling.written_key(name, creating=verb == "create") for name in fields}
            unknown = [name for name in _body(request) if name not in known - {_UNDOCUMENTED}]
            if unknown:
                raise validation_error([(name, "is not allowed") for name in unknown])
        return proceed(request)

    def stored(self, values: Record, resource: Resource, current: Record | None) -> Record:
        """Keep the value of the undocumented field."""
        if resource is not CONTACTS or current is None:
            return values
        return {_UNDOCUMENTED: current[_UNDOCUMENTED]} | values


class NullsRefused(Deviation):
    """A service that refuses null in a body, although its responses contain null."""

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Refuse null."""
        nulls = [name for name, value in _body(request).items() if value is None]
        if nulls:
            raise validation_error([(name, "must be a string") for name in nulls])
        return proceed(request)


class ErrorsAsSuccess(Deviation):
    """Errors with the status 200, and a body that describes the error: the documented body, or one with ``success``."""

    def __init__(self, *, has_flag: bool = False) -> None:
        self._has_flag = has_flag

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Replace the status of an error."""
        response = proceed(request)
        if response.status < 400:  # noqa: PLR2004 - no error
            return response
        error = orjson.loads(response.body)
        return Response(200, orjson.dumps({"success": False, "error": error} if self._has_flag else error))


class LoginPage(Deviation):
    """An HTML page with the status 200 instead of every response, or of every response to a write."""

    def __init__(self, *, for_reads: bool) -> None:
        self._operations = (*READS, *WRITES) if for_reads else WRITES

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond with the page, without any effect."""
        if operation_of(request.method, request.path) not in self._operations:
            return proceed(request)
        return Response(200, _LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


class OncePerRequest(Deviation):
    """The first of several equal requests gets a timeout error; the next one is served."""

    def __init__(self, status: int, operations: tuple[str, ...], *, is_applied: bool = False) -> None:
        self._status = status
        self._operations = operations
        self._is_applied = is_applied
        self._seen: set[tuple[str, str, str, bytes]] = set()

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Respond with the error once."""
        seen = (request.method, request.path, request.query, request.body)
        if operation_of(request.method, request.path) not in self._operations or seen in self._seen:
            return proceed(request)
        self._seen.add(seen)
        if self._is_applied:
            proceed(request)
        raise ApiError(self._status, "timed_out", "the request took too long")


def _body(request: Request) -> dict[str, Any]:
    body = orjson.loads(request.body) if request.body.startswith(b"{") else {}
    found: dict[str, Any] = body
    return found
