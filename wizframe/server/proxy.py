"""A proxy on loopback that breaks connections: the client's side of it misbehaves, the server behind it knows nothing.

It takes the faults that :mod:`wizframe.server.faults` marks with a P. One connection to it is one connection to the
server behind it, and what it passes on, it passes on byte by byte.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wizframe.server.breaking import BreakableHandler, BreakableListener, header_lines
from wizframe.server.faults import WIRE_KINDS, Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import BinaryIO, Self

__all__ = ["FaultProxy"]

_UPSTREAM_S = 10.0
"""Seconds that the server behind has for a connection or an answer."""


class FaultProxy:
    """Stand between a client and a server, and break what was asked for.

    Parameters
    ----------
    upstream : str
        The server's base URL, ``http`` to this machine.
    faults : iterable of Fault, optional
        What is to go wrong; by default nothing. More can be added to ``proxy.faults`` while running, and
        ``proxy.faults.fired`` tells which of them happened.

    Raises
    ------
    ValueError
        Another kind of URL.

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
            raise ValueError(f"the upstream is http://127.0.0.1:PORT, with or without a path, not {upstream!r}")
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
        """The address that a client is given: the server's path at the proxy's own port."""
        if not self._port:
            raise RuntimeError("the proxy was never started: call start() or use it in a with statement")
        return f"http://127.0.0.1:{self._port}{self._path}"

    def start(self) -> Self:
        """Accept connections; after a `stop` on the same port as before.

        Returns
        -------
        FaultProxy
            The proxy itself; starting a running one does nothing.
        """
        if self._listener is None:
            self._listener = _Relay(self._port, self.faults, self._upstream)
            self._port = self._listener.server_port
            self._listener.start()
        return self

    def stop(self) -> None:
        """Close every connection, and refuse new ones until the next `start`; stopping twice does nothing."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None


class _WireFaults(Faults):
    """Faults that need nothing but the bytes."""

    def add(self, *faults: Fault) -> None:
        for fault in faults:
            if fault.kind not in WIRE_KINDS:
                raise ValueError(f"a proxy cannot do the fault {fault.kind!r}: give it to the sandbox server")
        super().add(*faults)


class _Relay(BreakableListener):
    def __init__(self, port: int, faults: Faults, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self._behind: set[socket.socket] = set()
        super().__init__(port, _RelayHandler, faults)

    def connect(self) -> socket.socket:
        """Open a connection to the server behind."""
        behind = socket.create_connection(self.upstream, timeout=_UPSTREAM_S)
        self._behind.add(behind)
        if self.stopping.is_set():
            self.disconnect(behind)
        return behind

    def disconnect(self, behind: socket.socket) -> None:
        """Close one of them."""
        self._behind.discard(behind)
        with contextlib.suppress(OSError):
            behind.shutdown(socket.SHUT_RDWR)
        behind.close()

    def stop(self) -> None:
        """Hang up behind first: a thread may wait for an answer there."""
        self.stopping.set()
        for behind in list(self._behind):
            with contextlib.suppress(OSError):
                behind.shutdown(socket.SHUT_RDWR)
        super().stop()


class _RelayHandler(BreakableHandler):
    """One connection, and the one to the server behind, opened when it is first needed."""

    server: _Relay
    _behind: socket.socket | None = None
    _answers: BinaryIO

    def exchange(self) -> None:
        """Read one request, pass it on and its answer back, or do what a fault says."""
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length) if length.isdecimal() else 0)
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        request = self.raw_requestline + head.encode("latin-1") + b"\r\n" + body
        fault = self.due()
        if fault is None:
            self.send_whole(self._forwarded(request))
            return
        self.break_with(fault, lambda: self._forwarded(request))

    def finish(self) -> None:
        """Hang up on both sides."""
        if self._behind is not None:
            self._answers.close()
            self.server.disconnect(self._behind)
        super().finish()

    def _forwarded(self, request: bytes) -> bytes:
        """Send a request to the server behind, and read what it answers; nothing if it is not there."""
        with contextlib.suppress(OSError):
            if self._behind is None:
                self._behind = self.server.connect()
                self._answers = self._behind.makefile("rb")
            self._behind.sendall(request)
            answer = self._answer()
            if answer:
                return answer
        self.close_connection = True
        return b""

    def _answer(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._answers.readline()
            if not line:
                return head
            head += line
        fields = dict(line.lower().split(b":", 1) for line in header_lines(head)[1:])
        if fields.get(b"connection", b"").strip() == b"close":
            self.close_connection = True
        if b"transfer-encoding" in fields:
            self.close_connection = True
            return head + self._answers.read()
        length = 0 if self.command == "HEAD" else int(fields.get(b"content-length", b"0"))
        body = self._answers.read(length)
        if len(body) < length:
            self.close_connection = True
        return head + body
