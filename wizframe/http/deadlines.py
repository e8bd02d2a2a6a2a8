"""Connections with a deadline for head and body of a response, and with a deadline for the start of a write.

The timeout of a socket starts again with each byte, so a response that arrives byte by byte could take hours. With a
slow head, the code that reads bodies would never run. This module does not know requests or keys, and prints nothing.

A write that was compared with a record must be sent soon after the record was read. Otherwise it may overwrite a change
that another user has made since. Only the connection knows when a request is really sent: after a queue, a pause, and
connecting.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import math
import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from wizframe.errors import NotSentError
from wizframe.processes import renew_in_child

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from _typeshed import WriteableBuffer

__all__ = ["DEADLINE_S", "MAX_READ_AGE_S", "LateWriteError", "ReadAge", "left_s", "pool_classes"]

# In seconds. The largest response, 64 MB, arrives in this time at 0.5 MB/s.
DEADLINE_S = 120.0
# 64 kB, so a page of 100 customers, about 50 kB, arrives in one piece.
_BUFFER_BYTES = 65536
# A write follows its read within milliseconds. Two seconds allow for a slow disk or a busy machine, and are short
# enough that another user rarely saves the same record in between.
MAX_READ_AGE_S = 2.0
# If so many reads in a row take longer than that, the service is slow. A process that was stopped has only one.
_SLOW_READS = 3
# After so many late writes in a row, a rate limit or a pause is the cause, and the next write would be late, too.
_MAX_LATE = 20


class LateWriteError(Exception):
    """A write was not sent in time after its read. The service has not received it."""


def _awake_or_asleep_clock() -> Callable[[], float]:
    """Return the clock that also runs while the machine sleeps, because a laptop may be closed during a write."""
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):  # Linux; macOS, where this one never stops
        if hasattr(time, name):
            return partial(time.clock_gettime, getattr(time, name))
    return time.monotonic  # Windows, where it counts sleep


clock_s = _awake_or_asleep_clock()


class _Departure(threading.local):
    """The time by which the requests of this thread must be sent, on :func:`clock_s`."""

    latest_s = math.inf


_departure = _Departure()


def left_s() -> float:
    """Return the seconds in which the next request of this thread must be sent; infinite without a limit."""
    return _departure.latest_s - clock_s()


class ReadAge:
    """The age of a record that was read for a write. A late write raises an error, and its record is read again."""

    def __init__(self) -> None:
        self._late = 0
        self._read_at = -math.inf

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Note the time of the read: when the request is sent, as the process may be stopped before the response."""
        began = clock_s()
        yield
        is_slow = clock_s() - began > MAX_READ_AGE_S and self._late >= _SLOW_READS
        self._read_at = clock_s() if is_slow else began

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Make the requests of this thread raise a :class:`LateWriteError` if they are not sent in time."""
        _departure.latest_s = self._read_at + MAX_READ_AGE_S
        try:
            yield
        except LateWriteError:
            self._late += 1
            if self._late < _MAX_LATE:
                raise
            message = (
                f"nothing was sent: {_MAX_LATE} times, more than {MAX_READ_AGE_S:.0f} seconds passed between reading "
                "the record and writing it, so another user's edit could have been overwritten"
            )
            raise NotSentError(message, hint="Try again when the service or the network is faster.") from None
        finally:
            _departure.latest_s = math.inf


def pool_classes() -> dict[str, Any]:
    """Return the pools that keep the deadline, as ``urllib3.PoolManager.pool_classes_by_scheme`` has them."""
    return {"http": _Pool, "https": _SecurePool}


class _Reader(io.RawIOBase):
    """The bytes of a socket, until the deadline."""

    has_ended = False  # whether a read reached the end of the stream

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
        # Setting the timeout for each read would cost a system call.
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
    """A response, read from its status line on."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        readable = _ReadableSocket(sock)  # it uses only makefile() of a socket
        super().__init__(readable, *args, **options)  # type: ignore[arg-type]
        self._reader = readable.reader

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        # A head that was cut off (reliability, 9): http.client would treat the received part as the whole head.
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
        """Close this process's copy of the socket. Shutting the connection down would also end the parent's."""
        if self.sock is not None:
            os.close(self.sock.detach())

    def send(self, data: Any) -> None:
        """Send bytes unless they are late. The service does not carry out a request without its last byte."""
        if self.sock is None:
            self.connect()  # this may take seconds, which count
        if left_s() < 0:
            raise LateWriteError
        super().send(data)


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
