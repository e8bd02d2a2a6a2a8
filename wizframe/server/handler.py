"""The HTTP side: sockets, headers, bodies. It knows nothing of customers; a `Service` turns requests into responses.

`Handler.exchange` is the one place where a request becomes bytes on the socket.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import socketserver
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from wizframe.server.messages import ApiError, Request, Response
from wizframe.server.traffic import RequestRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.traffic import RateLimit, RequestLog

MAX_BODY_BYTES = 8_000_000
"""A larger body is answered with 413 unread: far above any customer, far below what would hurt."""

_POLL_S = 0.02
"""Seconds after which the listening thread looks whether it is to stop."""

DRAIN_S = 1.0
"""Seconds for which the rest of a refused body is still read, so that the client gets to read the refusal."""


class Answers(Protocol):
    """What the HTTP side needs of a service."""

    def answer(self, request: Request) -> Response:
        """Turn a request into a response; never raises."""
        ...


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection, kept alive over many requests."""

    protocol_version = "HTTP/1.1"
    # Unbuffered writes, or Nagle's algorithm with a separate head and body, cost 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Listener

    def exchange(self) -> None:
        """Answer one request: read, wait the latency, operate, enter it in the account, send."""
        refusal = self._refusal()
        if refusal is None:
            body = self.rfile.read(self._body_bytes())
            if self.server.latency_s() > 0:
                self.server.stopping.wait(self.server.latency_s())
            response = self._operate(body)
        else:
            response = refusal
        self._record(response.status)
        self._send(response)
        if refusal is not None:
            self._drain()

    def _operate(self, body: bytes) -> Response:
        wait_s = self.server.limit.seconds_to_wait()
        if wait_s:
            message = f"too many requests: try again in {wait_s} s"
            return ApiError(429, "rate_limited", message, headers={"Retry-After": str(wait_s)}).response()
        path, _, query = self.path.partition("?")
        key = self.headers.get("X-API-Key", "")
        return self.server.service.answer(Request(self.command, path, query, key, body))

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

    def _send(self, response: Response) -> None:
        head = {"Date": formatdate(usegmt=True), **response.headers}
        if response.status != HTTPStatus.NO_CONTENT:
            head |= {"Content-Type": "application/json", "Content-Length": str(len(response.body))}
        if self.close_connection:
            head["Connection"] = "close"
        lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        body = b"" if self.command == "HEAD" else response.body
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        self.wfile.flush()

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
        self._send(ApiError(code, "bad_request", sentence).response())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Stay quiet: the account of requests is the log."""

    def __getattr__(self, name: str) -> Any:
        # http.server looks for do_<VERB>: every verb takes the same way, and the service says 405.
        if name.startswith("do_"):
            return self.exchange
        raise AttributeError(name)


class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The listening socket and its open connections.

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
    latency_s : callable
        Returns the present latency in seconds.
    """

    daemon_threads = True
    request_queue_size = 128
    # On Windows the option would let two servers share one port.
    allow_reuse_address = os.name == "posix"
    _stop_s: ClassVar[float] = 5.0

    def __init__(
        self,
        port: int,
        service: Answers,
        requests: RequestLog,
        limit: RateLimit,
        *,
        latency_s: Callable[[], float],
    ) -> None:
        self.service = service
        self.requests = requests
        self.limit = limit
        self.latency_s = latency_s
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        self._loop: threading.Thread | None = None
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def start(self) -> None:
        """Serve in a background thread."""
        self._loop = threading.Thread(target=self.serve_forever, args=(_POLL_S,), daemon=True)
        self._loop.start()

    def stop(self) -> None:
        """Close the port, then every open connection, and wait for their threads."""
        self.stopping.set()
        if self._loop is not None:
            self.shutdown()
            self._loop.join()
        self.server_close()
        with self._open_lock:
            still_open = dict(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + self._stop_s
        for thread in still_open.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a new connection its thread, and remember both until it is closed.

        Parameters
        ----------
        request : socket
            The accepted connection.
        client_address : tuple
            Where it comes from.
        """
        thread = threading.Thread(target=self._converse, args=(request, client_address), daemon=True)
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def _converse(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet: a client that hangs up in mid-answer is no news."""
