"""How a response is delivered when a fault hits its request. The sandbox server and the proxy share this module."""

from __future__ import annotations

import contextlib
import http.server
import socket
import time
from typing import TYPE_CHECKING, Any

from wizframe.server.faults.kinds import KINDS
from wizframe.server.listener import POLL_S, Listener, reset_at_close

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.faults.schedule import Fault, Faults, LateRequest

__all__ = ["IDLE_S", "FaultyHandler", "FaultyListener", "header_lines"]

# A connection that sends nothing for so long is closed, also in the middle of a request. An idle client notices that
# before it sends the next request.
IDLE_S = 60.0

# The number of pieces is limited, so a drip takes at most 200 * delay_s for a response of any length.
_DRIP_PIECES = 200


class FaultyListener(Listener):
    """A listener with faults to inject."""

    def __init__(self, port: int, handler: type[http.server.BaseHTTPRequestHandler], faults: Faults) -> None:
        self.faults = faults
        super().__init__(port, handler)


class FaultyHandler(http.server.BaseHTTPRequestHandler):
    """One connection. It is kept open for many requests unless a fault ends it."""

    protocol_version = "HTTP/1.1"
    # With separate writes for head and body, Nagle's algorithm would cost 40 ms per request.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = IDLE_S
    server: FaultyListener
    _has_served = False

    def due(self) -> Fault | None:
        """Count this request and return the fault that hits it."""
        reused, self._has_served = self._has_served, True
        return self.server.faults.due(self.command, self.path.partition("?")[0], reused=reused)

    def inject(self, fault: Fault, perform: Callable[[], bytes]) -> None:
        """Inject a fault; `perform` applies the request and returns the response.

        The log has the fault before the client can notice it.
        """
        kind = KINDS[fault.kind]
        late = self.server.faults.enter(fault, self.command, self.path.partition("?")[0])
        if late is not None:
            self._apply_late(fault, perform, late)
        elif self.server.stopping.wait(0 if kind.sent == "drip" else fault.delay_s):
            self.close_connection = True
        else:
            response = perform() if kind.applied != "no" or kind.sent == "whole" else b""
            self._send(response, fault)

    def send_whole(self, response: bytes) -> None:
        """Send a response unchanged."""
        self.wfile.write(response)
        self.wfile.flush()

    def _apply_late(self, fault: Fault, perform: Callable[[], bytes], late: LateRequest) -> None:
        self.close_connection = True
        try:
            if KINDS[fault.kind].sent == "close":
                with contextlib.suppress(OSError):  # the client closed it first
                    self.connection.shutdown(socket.SHUT_RDWR)
            deadline = time.monotonic() + fault.delay_s
            while not self.server.stopping.is_set():
                left_s = deadline - time.monotonic()
                if left_s <= 0 or late.now.wait(min(left_s, POLL_S)):
                    perform()
                    break
        finally:
            self.server.faults.end_late(late)

    def _send(self, response: bytes, fault: Fault) -> None:
        how = KINDS[fault.kind].sent
        if how == "whole":
            self.send_whole(response)
        elif how == "drip":
            self._send_in_pieces(response, fault.delay_s)
        else:
            self.close_connection = True
            if how == "reset":
                reset_at_close(self.connection)
            elif how == "stall":
                # The loop ends when the client closes the connection, or when the listener stops.
                while self.connection.recv(1 << 16):
                    pass
            elif how != "close":
                self.connection.sendall(_broken(response, fault))

    def _send_in_pieces(self, response: bytes, delay_s: float) -> None:
        size = -(-len(response) // _DRIP_PIECES)
        for start in range(0, len(response), size):
            if start and self.server.stopping.wait(delay_s):
                self.close_connection = True
                return
            self.connection.sendall(response[start : start + size])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Print nothing, because `SandboxServer.requests` is the log."""

    def exchange(self) -> None:
        """Read one request and respond."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        # http.server calls do_<VERB>. All verbs go to `exchange`, and the service refuses wrong verbs with 405.
        if name.startswith("do_"):
            return self.exchange
        raise AttributeError(name)


def header_lines(response: bytes) -> list[bytes]:
    """Return the status line and the headers of a response, without line ends."""
    return response.partition(b"\r\n\r\n")[0].split(b"\r\n")


def _broken(response: bytes, fault: Fault) -> bytes:
    """Return the part of a response that is sent before the connection closes."""
    head, end, body = response.partition(b"\r\n\r\n")
    how = KINDS[fault.kind].sent
    if how == "part" or not body:
        half = len(head + end) + len(body) // 2 if body else len(head + end) // 2
        return response[: half if fault.after_bytes is None else fault.after_bytes]
    if how == "unended chunks":
        return _chunked_head(response) + _chunk(body)
    half = len(body) // 2
    second = body[half:]
    announced = f"{len(second):x}\r\n".encode()
    return _chunked_head(response) + _chunk(body[:half]) + announced + second[: len(second) // 2]


def _chunked_head(response: bytes) -> bytes:
    lines = [line for line in header_lines(response) if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""])


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"
