"""Connections whose answers have a total deadline, head and body together, and that print nothing.

The time-out of a socket begins anew with each byte: an answer that drips would go on for as long as it likes, and a
head that drips would never come to where a body is read. urllib3 keeps the connections and reads the bodies; what goes
to and fro before a body is put together here, in one piece and without what e-mail would need: a third of the time.
Knows nothing of requests or keys.
"""

from __future__ import annotations

import http.client
import io
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

__all__ = ["DEADLINE_S", "pool_classes"]

DEADLINE_S = 120.0
_MAX_LINE_BYTES = 65536
_MAX_LINES = 100
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
    """What comes out of a socket, until the deadline."""

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
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answering:
    """A socket as far as an answer needs it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, *_args: Any, **_options: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock), _BUFFER_BYTES)


class _Answer(http.client.HTTPResponse):
    """An answer, from its status line on."""

    headers: Any

    def __init__(self, sock: socket.socket, method: str | None = None) -> None:
        # makefile() is all that it uses of a socket.
        super().__init__(_Answering(sock), method=method)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Read the head."""
        status = 100
        while status == 100:  # noqa: PLR2004 - the answer is yet to come
            version, status, self.reason = self._read_status()  # type: ignore[attr-defined]
            self.headers = self._head()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.code = self.status = status
        self.version = 10 if version == "HTTP/1.0" else 11
        self.chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = self._length()
        is_endless = self.length is None and not self.chunked
        self.will_close = is_endless or self._check_close()  # type: ignore[attr-defined]

    def _head(self) -> HTTPHeaderDict:
        """Read headers. What is none is passed over, and told nobody: the key may be echoed there."""
        headers = HTTPHeaderDict()
        for _ in range(_MAX_LINES):
            line = self.fp.readline(_MAX_LINE_BYTES + 1)
            if len(line) > _MAX_LINE_BYTES:
                raise http.client.LineTooLong("header line")
            if not line:
                raise http.client.IncompleteRead(b"")
            if line in (b"\r\n", b"\n"):
                return headers
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                headers.add(name, value.strip())
        raise http.client.HTTPException(f"more than {_MAX_LINES} headers")

    def _length(self) -> int | None:
        """Tell how long the body is; None where only its end will tell."""
        if self.status in (204, 304):
            return 0
        with suppress(ValueError):
            if not self.chunked and (length := int(self.headers.get("Content-Length", "").partition(",")[0])) >= 0:
                return length
        return None


class _Connection(HTTPConnection):
    """A connection that sends a request in one piece, and reads no more out of an answer's head than HTTP has."""

    response_class = _Answer  # of a proxy, too
    debuglevel = 0  # whatever http.client.HTTPConnection.debuglevel was set to: it would print the headers

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **_options: Any) -> None:
        """Send a request. ``Host`` and ``Content-Length`` are among its headers."""
        lines = [f"{method} {url} HTTP/1.1", *(name + ": " + value for name, value in headers.items()), "", ""]
        self._asked = method, url
        self.send("\r\n".join(lines).encode("latin-1") + (body or b""))

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own does
        """Read the head of the answer."""
        method, url = self._asked
        if self.timeout != self.sock.gettimeout():  # setting it is a call to the system
            self.sock.settimeout(self.timeout)
        answer = _Answer(self.sock, method)
        try:
            answer.begin()
        except BaseException:
            answer.close()
            raise
        if answer.will_close:
            self.close()
        return HTTPResponse(
            answer,
            answer.headers,
            answer.status,
            answer.version,
            reason=answer.reason,
            preload_content=False,
            original_response=answer,
            request_method=method,
            request_url=url,
        )


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
