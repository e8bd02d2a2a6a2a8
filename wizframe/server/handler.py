"""The HTTP side: sockets, headers, bodies. It knows nothing of customers; a `Service` turns requests into responses.

`Handler.exchange` is the one place where a request becomes an answer.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from wizframe.server.faults.delivery import FaultyHandler, FaultyListener
from wizframe.server.faults.kinds import KINDS
from wizframe.server.messages import ApiError, Request, Response
from wizframe.server.traffic import RequestRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.faults.schedule import Fault, Faults
    from wizframe.server.traffic import RateLimit, RequestLog

__all__ = ["Handler", "SandboxListener"]

MAX_BODY_BYTES = 8_000_000
"""A larger body is answered with 413 unread: far above any customer, far below what would hurt."""

_BARE = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
"""Statuses after which no body may come."""

DRAIN_S = 1.0
"""Seconds for which the rest of a refused body is still read, so that the client gets to read the refusal."""


class Answers(Protocol):
    """What the HTTP side needs of a service."""

    def answer(self, request: Request) -> Response:
        """Turn a request into a response; never raises."""
        ...

    def answer_with(self, fault: Fault, request: Request) -> Response | None:
        """Turn a request that a fault hits into a response, or into None if there is nothing to alter."""
        ...


class Handler(FaultyHandler):
    """One connection, kept alive over many requests."""

    server: SandboxListener

    def exchange(self) -> None:
        """Answer one request: read, operate, wait until the latency is over, enter it in the account, send."""
        came_at = time.monotonic()
        refusal = self._refusal()
        if refusal is not None:
            self._answer(refusal)
            self._drain()
            return
        request = self._request()
        response = self._too_many()
        fault = self.due() if response is None else None
        if fault is not None:
            self._wait(came_at)
            if self._fails(fault, request):
                return
        response = response or self.server.service.answer(request)
        self._wait(came_at)
        self._answer(response)

    def _wait(self, came_at: float) -> None:
        left_s = came_at + self.server.latency_s() - time.monotonic()
        if left_s > 0:
            self.server.stopping.wait(left_s)

    def _request(self) -> Request:
        body = self.rfile.read(self._body_bytes())
        path, _, query = self.path.partition("?")
        return Request(self.command, path, query, self.headers.get("X-API-Key", ""), body)

    def _answer(self, response: Response) -> None:
        self._record(response.status)
        self.send_whole(self._bytes(response))

    def _too_many(self) -> Response | None:
        wait_s = self.server.limit.seconds_to_wait()
        if not wait_s:
            return None
        message = f"too many requests: try again in {wait_s} s"
        return ApiError(429, "rate_limited", message, headers={"Retry-After": str(wait_s)}).response()

    def _fails(self, fault: Fault, request: Request) -> bool:
        """Carry out a fault; False if there was nothing that it could alter, and nothing was done."""
        kind = KINDS[fault.kind]
        altered: Response | None = None
        if kind.applied == "altered":
            altered = self.server.service.answer_with(fault, request)
            if altered is None:
                self.server.faults.give_back(fault)
                return False
        if not kind.has_status:
            self._record(0)

        def perform() -> bytes:
            response = altered or self.server.service.answer_with(fault, request)
            assert response is not None  # noqa: S101 - only altered answers can be None
            if kind.has_status:
                self._record(response.status)
            return self._bytes(response)

        self.inject(fault, perform)
        return True

    def _refusal(self) -> Response | None:
        """Refuse what must not be read: then the connection is closed, as its next byte is still that body."""
        error = None
        if "Transfer-Encoding" in self.headers:
            error = ApiError(411, "length_required", "send the body with a Content-Length")
        elif self._body_bytes() < 0:
            error = ApiError(400, "invalid_length", "Content-Length must be a whole number")
        elif self._body_bytes() > MAX_BODY_BYTES:
            error = ApiError(413, "body_too_large", f"the body may hold at most {MAX_BODY_BYTES} bytes")
        if error is None:
            return None
        self.close_connection = True
        return error.response()

    def _body_bytes(self) -> int:
        length = self.headers.get("Content-Length", "0")
        return int(length) if length.isascii() and length.isdigit() else -1

    def _record(self, status: int) -> None:
        path, _, query = self.path.partition("?")
        self.server.requests.append(RequestRecord(self.command, path, query, status))

    def _bytes(self, response: Response) -> bytes:
        head: dict[str, str | None] = {"Date": formatdate(usegmt=True)}
        is_bare = response.status in _BARE
        if not is_bare:
            head |= {"Content-Type": "application/json", "Content-Length": str(len(response.body))}
        head |= response.headers
        if self.close_connection:
            head["Connection"] = "close"
        lines = [f"HTTP/1.1 {response.status} {http.client.responses.get(response.status, '')}"]
        lines += [f"{name}: {value}" for name, value in head.items() if value is not None]
        body = b"" if is_bare or self.command == "HEAD" else response.body
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _drain(self) -> None:
        # Closing with unread bytes resets the connection, and the client would never see why it was refused.
        deadline = time.monotonic() + DRAIN_S
        self.connection.settimeout(DRAIN_S)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while time.monotonic() < deadline and self.connection.recv(1 << 16):
                pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the standard library refuses by itself (a malformed request line) in our shape.

        Parameters
        ----------
        code : int
            The status.
        message, explain : str, optional
            What was wrong.
        """
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        sentence = explain or message or HTTPStatus(code).phrase
        self.send_whole(self._bytes(ApiError(code, "bad_request", sentence).response()))


class SandboxListener(FaultyListener):
    """The listening socket of a sandbox server.

    Parameters
    ----------
    port : int
        The port on 127.0.0.1; 0 lets the system choose.
    service : Answers
        Turns requests into responses.
    requests : RequestLog
        Where every request is entered.
    limit : RateLimit
        Decides which requests are too many.
    faults : Faults
        What is to go wrong.
    latency_s : callable
        Returns the present latency in seconds.
    """

    def __init__(
        self,
        port: int,
        service: Answers,
        requests: RequestLog,
        limit: RateLimit,
        faults: Faults,
        *,
        latency_s: Callable[[], float],
    ) -> None:
        self.service = service
        self.requests = requests
        self.limit = limit
        self.latency_s = latency_s
        super().__init__(port, Handler, faults)
