"""HTTP messages as the operations see them: a request, a response, an error. No sockets, no SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wizframe.server.resources import Record

__all__ = ["ApiError", "Request", "Response", "validation_error"]


@dataclass(frozen=True)
class Request:
    """A request: `path` is percent-encoded, `query` is not decoded, and `key` is the value of ``X-API-Key``."""

    method: str
    path: str
    query: str
    key: str
    body: bytes

    def json_object(self) -> Record:
        """Decode the body, or raise a 400 if it is not a JSON object."""
        try:
            decoded = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ApiError(400, "invalid_json", f"the body is not valid JSON: {error}") from None
        if not isinstance(decoded, dict):
            raise ApiError(400, "invalid_json", "the body must be a JSON object")
        return decoded


@dataclass(frozen=True)
class Response:
    """A response: `headers` replace the usual ones, and the value None removes a header."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str | None] = field(default_factory=dict)


@dataclass
class ApiError(Exception):
    """An error response in the shape that the vendor's SDK expects (contract, "Transport")."""

    status: int
    code: str
    message: str
    details: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return the response. Its body has ``details`` only if there are any."""
        body: Record = {"code": self.code, "message": self.message}
        if self.details:
            body["details"] = self.details
        return Response(self.status, orjson.dumps(body), self.headers)


def validation_error(problems: Sequence[tuple[str, str]]) -> ApiError:
    """Return the 422 for invalid fields, with their names on the wire and the reasons."""
    details = [{"field": name, "reason": reason} for name, reason in problems]
    return ApiError(422, "validation_failed", " ".join(problems[0]), details)
