"""A listening socket on loopback and its open connections. Each has a thread, and no thread outlives a stop."""

from __future__ import annotations

import contextlib
import errno
import http.server
import os
import socket
import socketserver
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

__all__ = ["POLL_S", "Listener", "reset_at_close"]

# Seconds between two checks of a waiting thread whether it must stop. Tests do not notice such a short wait.
POLL_S = 0.02

# The longest wait for the threads of open connections. A sleeping fault wakes up at once.
_STOP_S = 5.0

# SO_LINGER with zero seconds: closing the socket sends RST instead of FIN.
_RESET = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)


def reset_at_close(connection: socket.socket) -> None:
    """Make a connection send a reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


class Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Accept connections on ``127.0.0.1`` until stopped; port 0 lets the system choose one."""

    daemon_threads = True
    request_queue_size = 128
    # On Windows the option would let two servers share one port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, port: int, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        self._loop: threading.Thread | None = None
        super().__init__(("127.0.0.1", port), handler)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of the host name, which can take seconds."""
        try:
            socketserver.TCPServer.server_bind(self)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            port = self.server_address[1]
            message = f"port {port} is already in use, perhaps by another sandbox: use port=0 for any free port"
            raise OSError(error.errno, message) from None
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def start(self) -> Self:
        """Serve in a background thread."""
        self._loop = threading.Thread(target=self.serve_forever, args=(POLL_S,), daemon=True)
        self._loop.start()
        return self

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
        deadline = time.monotonic() + _STOP_S
        for thread in still_open.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a new connection, and store both until the connection is closed."""
        thread = threading.Thread(target=self._serve_connection, args=(request, client_address), daemon=True)
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def _serve_connection(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(request, None)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection. A connection that sends a reset must not send a FIN first."""
        try:
            is_reset = request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, len(_RESET)) == _RESET
        except OSError:  # the connection is already closed
            is_reset = False
        if is_reset:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client may close its connection at any time."""
