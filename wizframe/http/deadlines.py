"""Connections whose answers have a total deadline, head and body together, and that print nothing.

The time-out of a socket begins anew with each byte: an answer that drips would go on for as long as it likes, and a
head that drips would never come to where a body is read. Knows nothing of requests or keys.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

__all__ = ["DEADLINE_S", "pool_classes"]

DEADLINE_S = 120.0
_BUFFER_BYTES = 65536  # most answers arrive in one piece


def pool_classes() -> dict[str, Any]:
    """Give the pools whose connections keep the deadline.

    Returns
    -------
    dict
        By scheme, as ``urllib3.PoolManager.pool_classes_by_scheme`` has them.
    """
    return {"http": _Pool, "https": _SecurePool}


class _Reader(io.RawIOBase):
    """What comes out of a socket, until the deadline.

    Attributes
    ----------
    has_ended : bool
        Whether more was asked for than there was.
    """

    has_ended = False

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
            raise TimeoutError("the answer did not end in time")
        allowed_s = left_s if self._silence_s is None else min(left_s, self._silence_s)
        if allowed_s != self._sock.gettimeout():  # setting it again would be a call to the system for each read
            self._sock.settimeout(allowed_s)
        size = self._raw.readinto(buffer)
        self.has_ended = size == 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answering:
    """A socket as far as an answer needs it."""

    def __init__(self, sock: socket.socket) -> None:
        self.reader = _Reader(sock)

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        return io.BufferedReader(self.reader, _BUFFER_BYTES)


class _Response(http.client.HTTPResponse):
    """An answer, from its status line on."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        answering = _Answering(sock)  # makefile() is all that it uses of a socket
        super().__init__(answering, *args, **options)  # type: ignore[arg-type]
        self._reader = answering.reader

    def begin(self) -> None:
        """Read the head, and forget what is no header: urllib3 would log it, and the key may be echoed there.

        Raises
        ------
        http.client.IncompleteRead
            It was cut off. Python's own reader takes what there is of it for the whole.
        """
        super().begin()
        if self._reader.has_ended:
            raise http.client.IncompleteRead(b"")
        self.msg.set_payload("")
        self.msg.defects.clear()


class _Connection(HTTPConnection):
    response_class = _Response
    debuglevel = 0  # whatever http.client.HTTPConnection.debuglevel was set to: it would print the headers


class _SecureConnection(HTTPSConnection):
    response_class = _Response
    debuglevel = 0


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
