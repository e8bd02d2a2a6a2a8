"""Connections with a total deadline for head and body of a response, which print nothing.

The time-out of a socket restarts with each byte, so a response that arrives byte by byte could go on for hours. A slow
head would never reach the code that reads bodies. Knows nothing of requests or keys.
"""

from __future__ import annotations

import http.client
import io
import os
import time
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wizframe.processes import renew_in_child

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

__all__ = ["DEADLINE_S", "pool_classes"]

# The largest response, 64 MB, arrives in this time at 0.5 MB/s.
DEADLINE_S = 120.0
# A page of 100 customers, about 50 kB, arrives in one piece.
_BUFFER_BYTES = 65536


def pool_classes() -> dict[str, Any]:
    """Return the pools that keep the deadline, as ``urllib3.PoolManager.pool_classes_by_scheme`` has them."""
    return {"http": _Pool, "https": _SecurePool}


class _Reader(io.RawIOBase):
    """The bytes of a socket, until the deadline."""

    has_ended = False  # whether more bytes were asked for than came

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._silence_s = sock.gettimeout()
        self._deadline = time.monotonic() + DEADLINE_S

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the response did not end in time")
        allowed_s = left_s if self._silence_s is None else min(left_s, self._silence_s)
        # To set it for each read would cost a system call.
        if allowed_s != self._sock.gettimeout():
            self._sock.settimeout(allowed_s)
        size = self._raw.readinto(buffer)
        self.has_ended = size == 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _ReadableSocket:
    """The part of a socket that a response needs."""

    def __init__(self, sock: socket.socket) -> None:
        self.reader = _Reader(sock)

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        return io.BufferedReader(self.reader, _BUFFER_BYTES)


class _Response(http.client.HTTPResponse):
    """A response, from its status line on."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        readable = _ReadableSocket(sock)  # it uses only makefile() of a socket
        super().__init__(readable, *args, **options)  # type: ignore[arg-type]
        self._reader = readable.reader

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        # A head that was cut off (reliability, 9): http.client takes what came for the whole.
        if self._reader.has_ended:
            raise http.client.IncompleteRead(b"")
        # Lines that are not headers: urllib3 would log them, and they may contain the key.
        self.msg.set_payload("")
        self.msg.defects.clear()


class _Connection(HTTPConnection):
    response_class = _Response
    debuglevel = 0  # even if http.client.HTTPConnection.debuglevel is set: it would print the key

    def connect(self) -> None:
        super().connect()
        renew_in_child(self)

    def renew(self) -> None:
        """Close this process's copy of the socket. To shut the connection down would end the parent's, too."""
        if self.sock is not None:
            os.close(self.sock.detach())


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
