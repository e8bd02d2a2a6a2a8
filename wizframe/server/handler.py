"""The HTTP side: sockets, headers, bodies. A `Service` responds to the requests; this module has no customers."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from wizframe.server.faults.delivery import FaultyHandler, FaultyListener
from wizframe.server.faults.kinds import KINDS
from wizframe.server.http_messages import ApiError, Request, Response
from wizframe.server.traffic import RequestRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.faults.faulty_service import FaultyService
    from wizframe.server.faults.schedule import Fault, Faults
    from wizframe.server.traffic import RateLimit, RequestLog

__all__ = ["Handler", "SandboxListener"]

# 8 MB. A larger body is refused unread: no customer is that large, and the server's memory is not at risk.
MAX_BODY_BYTES = 8_000_000

# Seconds to read the rest of a refused body, so that the client can read the refusal.
DRAIN_S = 1.0

# A browser that is tricked into calling this machine (DNS rebinding) sends the host name of the attacker.
_HOSTS = r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"

# RFC 9110, 15.3.5 and 15.4.5: these statuses have no body, so a client would read one as the next response.
_STATUSES_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Handler(FaultyHandler):
    """One connection to the sandbox server. It is kept open for many requests."""

    server: SandboxListener

    def exchange(self) -> None:
        """Read one request, apply it, wait for the latency, log it, and send the response."""
        arrived_at = time.monotonic()
        refusal = self._refusal()
        if refusal is not None:
            self._respond(refusal)
            self._drain()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(self._body_bytes())
        request = Request(self.command, path, query, self.headers.get("X-API-Key", ""), body)
        response = self._rate_limited()
        fault = self.due() if response is None else None
        if fault is not None:
            self._wait_for_latency(arrived_at)
            if self._inject(fault, request):
                return
        response = response or self.server.service.respond(request)
        self._wait_for_latency(arrived_at)
        self._respond(response)

    def _refusal(self) -> Response | None:
        """Refuse a foreign host or a body that must not be read, and close the connection, which still has the body."""
        error = None
        if not self._is_addressed():
            error = ApiError(421, "misdirected_request", "the sandbox responds to localhost, 127.0.0.1 and [::1] only")
        elif "Transfer-Encoding" in self.headers:
            error = ApiError(411, "length_required", "send the body with a Content-Length, not in chunks")
        elif self._body_bytes() < 0:
            error = ApiError(400, "invalid_length", "Content-Length must be a whole number")
        elif self._body_bytes() > MAX_BODY_BYTES:
            error = ApiError(413, "body_too_large", f"the body must have at most {MAX_BODY_BYTES} bytes")
        if error is None:
            return None
        self.close_connection = True
        return error.response()

    def _is_addressed(self) -> bool:
        """Return whether the request names this machine: a web page can point its own host name to this machine."""
        hosts = self.headers.get_all("Host", [])
        return len(hosts) == 1 and re.fullmatch(_HOSTS, hosts[0].strip(), re.IGNORECASE) is not None

    def _body_bytes(self) -> int:
        length = self.headers.get("Content-Length", "0")
        return int(length) if length.isascii() and length.isdigit() else -1

    def _rate_limited(self) -> Response | None:
        wait_s = self.server.limit.seconds_to_wait()
        if not wait_s:
            return None
        message = f"too many requests: try again in {wait_s} s"
        return ApiError(429, "rate_limited", message, headers={"Retry-After": str(wait_s)}).response()

    def _wait_for_latency(self, arrived_at: float) -> None:
        left_s = arrived_at + self.server.latency_s() - time.monotonic()
        if left_s > 0:
            self.server.stopping.wait(left_s)

    def _inject(self, fault: Fault, request: Request) -> bool:
        """Inject a fault; return False without any effect if it found nothing to alter."""
        kind = KINDS[fault.kind]
        altered: Response | None = None
        if kind.applied == "altered":
            altered = self.server.service.respond_with(fault, request)
            if altered is None:
                self.server.faults.give_back(fault)
                return False
        if not kind.has_status:
            self._log(0)

        def perform() -> bytes:
            response = altered or self.server.service.respond_with(fault, request)
            assert response is not None  # noqa: S101 - only an altered response can be None
            if kind.has_status:
                self._log(response.status)
            return self._encoded(response)

        self.inject(fault, perform)
        return True

    def _respond(self, response: Response) -> None:
        self._log(response.status)
        self.send_whole(self._encoded(response))

    def _log(self, status: int) -> None:
        path, _, query = self.path.partition("?")
        self.server.requests.append(RequestRecord(self.command, path, query, status))

    def _encoded(self, response: Response) -> bytes:
        headers: dict[str, str | None] = {"Date": formatdate(usegmt=True)}
        may_have_body = response.status not in _STATUSES_WITHOUT_BODY
        if may_have_body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(response.body))}
        headers |= response.headers
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {response.status} {http.client.responses.get(response.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        body = response.body if may_have_body and self.command != "HEAD" else b""
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _drain(self) -> None:
        # Closing a connection with unread bytes resets it, and the client could not read the refusal.
        deadline = time.monotonic() + DRAIN_S
        self.connection.settimeout(DRAIN_S)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while time.monotonic() < deadline and self.connection.recv(1 << 16):
                pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the standard library's own refusals, such as of a malformed request line, as JSON."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        error = ApiError(code, "bad_request", explain or message or HTTPStatus(code).phrase)
        self.send_whole(self._encoded(error.response()))


class SandboxListener(FaultyListener):
    """The listening socket of a sandbox server; `latency_s` returns the current latency in seconds."""

    def __init__(
        self,
        port: int,
        service: FaultyService,
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
