"""What passes between the HTTP side and the operations: a request, a response, an error. No sockets, no SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ApiError", "Record", "Request", "Response"]

Record = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request as the operations see it.

    Parameters
    ----------
    method : str
        The HTTP verb.
    path : str
        The path as sent, still percent-encoded, without the query.
    query : str
        The raw query string; empty also for a bare ``?``.
    key : str
        The value of ``X-API-Key``, or "".
    body : bytes
        The raw body.
    """

    method: str
    path: str
    query: str
    key: str
    body: bytes

    def json_object(self) -> Record:
        """Decode the body, which must be a JSON object.

        Returns
        -------
        dict
            The decoded object.

        Raises
        ------
        ApiError
            400, if it is anything else.
        """
        try:
            decoded = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ApiError(400, "invalid_json", f"the body is not valid JSON: {error}") from None
        if not isinstance(decoded, dict):
            raise ApiError(400, "invalid_json", "the body must be a JSON object")
        return decoded


@dataclass(frozen=True)
class Response:
    """A status, a body and the headers that are out of the ordinary; one that is None is left out."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str | None] = field(default_factory=dict)


@dataclass
class ApiError(Exception):
    """An answer that is an error, in the shape that the vendor's SDK expects.

    Parameters
    ----------
    status : int
        The HTTP status, 400 or above.
    code : str
        A short constant for programs.
    message : str
        A sentence for people.
    details : list of dict, optional
        ``{"field", "reason"}`` for each field at fault, in the wire's spelling.
    headers : dict, optional
        Further headers, such as ``Retry-After``.
    """

    status: int
    code: str
    message: str
    details: list[dict[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Turn the error into what is sent.

        Returns
        -------
        Response
            With ``{code, message}`` and, if there are any, ``details``.
        """
        body: Record = {"code": self.code, "message": self.message}
        if self.details:
            body["details"] = self.details
        return Response(self.status, orjson.dumps(body), self.headers)
