"""A proxy on loopback that breaks connections. The server behind it does not notice the faults.

It supports the faults marked P in :mod:`wizframe.server.faults`. Each connection to the proxy has a separate
connection to the server, and everything else is forwarded byte by byte.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wizframe.server.faults.delivery import FaultyHandler, FaultyListener, header_lines
from wizframe.server.faults.kinds import WIRE_KINDS
from wizframe.server.faults.schedule import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import BinaryIO, Self

__all__ = ["FaultProxy"]

# The longest wait for a connection or a response of the server. No test has such a long latency.
_UPSTREAM_TIMEOUT_S = 10.0


class FaultProxy:
    """Forward requests to a server, and inject faults on the way.

    Parameters
    ----------
    upstream : str
        Base URL of the server: ``http`` to this machine, such as ``http://127.0.0.1:8080/v1``.
    faults : iterable of Fault, optional
        The faults to inject; by default none. Call ``proxy.faults.add()`` to add more while the proxy runs.
        ``proxy.faults.fired`` lists those that happened.

    Raises
    ------
    ValueError
        The URL is of another kind, or a proxy cannot inject one of the faults.

    Examples
    --------
    >>> from wizframe.server import Fault, FaultProxy, SandboxServer
    >>> with SandboxServer(customers=3) as server, FaultProxy(server.base_url) as proxy:
    ...     proxy.faults.add(Fault("truncate", operation="customers.create", after_bytes=200))
    """

    def __init__(self, upstream: str, *, faults: Iterable[Fault] = ()) -> None:
        self._port = 0
        parts = urlsplit(upstream)
        if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost"} or parts.port is None:
            raise ValueError(f"invalid upstream {upstream!r}: use http://127.0.0.1:PORT, with or without a path")
        self.faults = _WireFaults(faults)
        self._upstream = (parts.hostname, parts.port)
        self._path = parts.path
        self._listener: _Relay | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<FaultProxy {self.base_url if self._port else 'never started'}>"

    @property
    def base_url(self) -> str:
        """The base URL for a client: the server's path at the proxy's port."""
        if not self._port:
            raise RuntimeError("the proxy was never started: call start() or use it in a with statement")
        return f"http://127.0.0.1:{self._port}{self._path}"

    def start(self) -> Self:
        """Accept connections. After a `stop`, the port is the same as before.

        Returns
        -------
        FaultProxy
            The proxy itself. Starting a running proxy does nothing.
        """
        if self._listener is None:
            self._listener = _Relay(self._port, self.faults, self._upstream)
            self._port = self._listener.server_port
            self._listener.start()
        return self

    def stop(self) -> None:
        """Close every connection, and refuse new ones until the next `start`. Stopping twice has no effect."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None


class _WireFaults(Faults):
    """Faults of the kinds that need only the bytes of a response."""

    def add(self, *faults: Fault) -> None:
        for fault in faults:
            if fault.kind not in WIRE_KINDS:
                raise ValueError(f"a proxy cannot inject the fault {fault.kind!r}: add it to the sandbox server")
        super().add(*faults)


class _Relay(FaultyListener):
    """The listening socket of a proxy, and the connections to the server behind it."""

    def __init__(self, port: int, faults: Faults, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self._behind: set[socket.socket] = set()
        super().__init__(port, _RelayHandler, faults)

    def connect(self) -> socket.socket:
        behind = socket.create_connection(self.upstream, timeout=_UPSTREAM_TIMEOUT_S)
        self._behind.add(behind)
        if self.stopping.is_set():
            self.disconnect(behind)
        return behind

    def disconnect(self, behind: socket.socket) -> None:
        self._behind.discard(behind)
        with contextlib.suppress(OSError):
            behind.shutdown(socket.SHUT_RDWR)
        behind.close()

    def stop(self) -> None:
        # First the connections to the server: a thread may wait for a response there.
        self.stopping.set()
        for behind in list(self._behind):
            with contextlib.suppress(OSError):
                behind.shutdown(socket.SHUT_RDWR)
        super().stop()


class _RelayHandler(FaultyHandler):
    """One connection to the proxy, and its connection to the server, which is opened for the first request."""

    server: _Relay
    _behind: socket.socket | None = None
    _responses: BinaryIO

    def exchange(self) -> None:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length) if length.isdecimal() else 0)
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        request = self.raw_requestline + head.encode("latin-1") + b"\r\n" + body
        fault = self.due()
        if fault is None:
            self.send_whole(self._forward(request))
        else:
            self.inject(fault, lambda: self._forward(request))

    def finish(self) -> None:
        if self._behind is not None:
            self._responses.close()
            self.server.disconnect(self._behind)
        super().finish()

    def _forward(self, request: bytes) -> bytes:
        """Send a request to the server and return its response, or nothing if the server is gone."""
        with contextlib.suppress(OSError):
            if self._behind is None:
                self._behind = self.server.connect()
                self._responses = self._behind.makefile("rb")
            self._behind.sendall(request)
            response = self._read_response()
            if response:
                return response
        self.close_connection = True
        return b""

    def _read_response(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._responses.readline()
            if not line:
                return head
            head += line
        headers = dict(line.lower().split(b":", 1) for line in header_lines(head)[1:])
        if b"transfer-encoding" in headers:  # the sandbox server sends chunks only in a fault, which ends them early
            self.close_connection = True
            return head + self._responses.read()
        if headers.get(b"connection", b"").strip() == b"close":
            self.close_connection = True
        length = 0 if self.command == "HEAD" else int(headers.get(b"content-length", b"0"))
        body = self._responses.read(length)
        if len(body) < length:
            self.close_connection = True
        return head + body
