"""How faults happen on a connection: what is sent of an answer, in what way, and when the request is applied.

The same for the sandbox server, which applies a request itself, and for the proxy, which forwards it.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import time
from typing import TYPE_CHECKING, Any

from wizframe.server.faults import KINDS
from wizframe.server.listening import POLL_S, Listener, reset_at_close

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.faults import Fault, Faults, Late

__all__ = ["BreakableHandler", "BreakableListener", "header_lines"]

_PIECES = 200
"""How many pieces an answer drips in at the most."""


class BreakableListener(Listener):
    """A listener whose connections can break as faults have it.

    Parameters
    ----------
    port : int
        The port on 127.0.0.1; 0 lets the system choose.
    handler : type
        Converses on one connection.
    faults : Faults
        What is to go wrong.
    """

    def __init__(self, port: int, handler: type[http.server.BaseHTTPRequestHandler], faults: Faults) -> None:
        self.faults = faults
        super().__init__(port, handler)


class BreakableHandler(http.server.BaseHTTPRequestHandler):
    """One connection, kept alive over many requests unless a fault ends it."""

    protocol_version = "HTTP/1.1"
    # Unbuffered writes, or Nagle's algorithm with a separate head and body, cost 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: BreakableListener
    _has_served = False

    def due(self) -> Fault | None:
        """Count this request, and find the fault that hits it.

        Returns
        -------
        Fault or None
            To be carried out, or given back.
        """
        reused, self._has_served = self._has_served, True
        return self.server.faults.due(self.command, self.path.partition("?")[0], reused=reused)

    def break_with(self, fault: Fault, perform: Callable[[], bytes]) -> None:
        """Enter in the account that a fault fired, before the client can notice it, and carry it out.

        Parameters
        ----------
        fault : Fault
            From `due`, of a kind whose answer is no other than `perform` makes.
        perform : callable
            Applies the request and returns the answer's bytes.
        """
        kind = KINDS[fault.kind]
        late = self.server.faults.enter(fault, self.command, self.path.partition("?")[0])
        if late is not None:
            self._apply_late(fault, perform, late)
            return
        if self.server.stopping.wait(0 if kind.sent == "drip" else fault.delay_s):
            self.close_connection = True
            return
        answer = perform() if kind.applied != "no" or kind.sent == "whole" else b""
        self._broken_sends[kind.sent](self, answer, fault)

    def _apply_late(self, fault: Fault, perform: Callable[[], bytes], late: Late) -> None:
        self.close_connection = True
        try:
            if KINDS[fault.kind].sent == "close":
                with contextlib.suppress(OSError):  # the client hung up before
                    self.connection.shutdown(socket.SHUT_RDWR)
            deadline = time.monotonic() + fault.delay_s
            while not self.server.stopping.is_set():
                left_s = deadline - time.monotonic()
                if left_s <= 0 or late.now.wait(min(left_s, POLL_S)):
                    perform()
                    break
        finally:
            self.server.faults.end_late(late)

    def send_whole(self, answer: bytes, _: Fault | None = None) -> None:
        """Send an answer as it is.

        Parameters
        ----------
        answer : bytes
            Head and body.
        """
        self.wfile.write(answer)
        self.wfile.flush()

    def _send_part(self, answer: bytes, fault: Fault) -> None:
        self.close_connection = True
        head, body = _split(answer)
        half = len(head) + len(body) // 2 if body else len(head) // 2
        self.connection.sendall(answer[: half if fault.after_bytes is None else fault.after_bytes])

    def _send_cut_chunk(self, answer: bytes, fault: Fault) -> None:
        self.close_connection = True
        body = _split(answer)[1]
        if not body:
            self._send_part(answer, fault)
            return
        half = len(body) // 2
        rest = f"{len(body) - half:x}\r\n".encode() + body[half : half + (len(body) - half) // 2]
        self.connection.sendall(_chunked_head(answer) + _chunk(body[:half]) + rest)

    def _send_unended_chunks(self, answer: bytes, fault: Fault) -> None:
        self.close_connection = True
        body = _split(answer)[1]
        if not body:
            self._send_part(answer, fault)
            return
        self.connection.sendall(_chunked_head(answer) + _chunk(body))

    def _send_drip(self, answer: bytes, fault: Fault) -> None:
        size = -(-len(answer) // _PIECES)
        for start in range(0, len(answer), size):
            if start and self.server.stopping.wait(fault.delay_s):
                self.close_connection = True
                return
            self.connection.sendall(answer[start : start + size])

    def _close(self, _answer: bytes, _: Fault) -> None:
        self.close_connection = True

    def _reset(self, _answer: bytes, _: Fault) -> None:
        self.close_connection = True
        reset_at_close(self.connection)

    def _stall(self, _answer: bytes, _: Fault) -> None:
        self.close_connection = True
        # Ends when the client hangs up, or when the listener stops, which shuts down every connection.
        while self.connection.recv(1 << 16):
            pass

    _broken_sends: dict[str, Callable[[BreakableHandler, bytes, Fault], None]] = {  # noqa: RUF012 - never changed
        "whole": send_whole,
        "part": _send_part,
        "cut chunk": _send_cut_chunk,
        "unended chunks": _send_unended_chunks,
        "drip": _send_drip,
        "close": _close,
        "reset": _reset,
        "stall": _stall,
    }

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Stay quiet: the account of requests is the log."""

    def exchange(self) -> None:
        """Answer one request."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        # http.server looks for do_<VERB>: every verb takes the same way, and the service says 405.
        if name.startswith("do_"):
            return self.exchange
        raise AttributeError(name)


def header_lines(answer: bytes) -> list[bytes]:
    """Take the status line and the header lines from an answer.

    Parameters
    ----------
    answer : bytes
        Head and body.

    Returns
    -------
    list of bytes
        Without line ends.
    """
    return _split(answer)[0].removesuffix(b"\r\n\r\n").split(b"\r\n")


def _split(answer: bytes) -> tuple[bytes, bytes]:
    head, end, body = answer.partition(b"\r\n\r\n")
    return head + end, body


def _chunked_head(answer: bytes) -> bytes:
    lines = [line for line in header_lines(answer) if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""])


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"
