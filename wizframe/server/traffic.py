"""The traffic of a sandbox server: a log of its requests, and the limit on their rate."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["RateLimit", "RequestLog", "RequestRecord"]

# About 20 MB. This is more than a test sends, and a demo that runs for days does not fill the memory.
_REMEMBERED = 100_000


class RequestRecord(NamedTuple):
    """One request that the server received.

    Parameters
    ----------
    method : str
        The HTTP verb.
    path : str
        The path as sent, percent-encoded, without the query.
    query : str
        The raw query string.
    status : int
        The status of the response; 0 if a fault prevented a response.
    """

    method: str
    path: str
    query: str
    status: int

    @property
    def params(self) -> dict[str, str]:
        """The parameters of the query, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class RequestLog:
    """The requests that the server received, oldest first. Only the last 100,000 are kept. Thread-safe.

    An entry exists before its response is sent, so a client that has the response finds the entry.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=_REMEMBERED)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._copy())

    def __getitem__(self, index: int) -> RequestRecord:
        return self._copy()[index]

    def __repr__(self) -> str:
        return f"<RequestLog of {len(self)} requests>"

    def append(self, record: RequestRecord) -> None:
        """Add a request.

        Parameters
        ----------
        record : RequestRecord
            The request and the status of its response.
        """
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._records.clear()

    def _copy(self) -> list[RequestRecord]:
        with self._lock:
            return list(self._records)


class RateLimit:
    """A token bucket with the requests of one second.

    Parameters
    ----------
    rate : callable
        Returns the current limit in requests per second; None means no limit.
    """

    def __init__(self, rate: Callable[[], float | None]) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._tokens = math.inf
        self._filled_at = time.monotonic()

    def seconds_to_wait(self) -> int:
        """Take a token, or return how long to wait for one.

        Returns
        -------
        int
            0 if the request may pass, otherwise the whole seconds to wait, at least 1.
        """
        rate = self._rate()
        if rate is None:
            return 0
        with self._lock:
            now = time.monotonic()
            filled = self._tokens + (now - self._filled_at) * rate
            self._tokens = min(max(1.0, rate), filled)
            self._filled_at = now
            if self._tokens >= 1.0:
                self._tokens -= 1.0
                return 0
            return math.ceil((1.0 - self._tokens) / rate)
