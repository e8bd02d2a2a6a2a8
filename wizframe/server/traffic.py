"""What is known about the requests as such: the account of those served, and the limit on their rate."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["REMEMBERED", "RateLimit", "RequestLog", "RequestRecord"]

REMEMBERED = 100_000
"""How many requests the account holds before the oldest are forgotten."""


class RequestRecord(NamedTuple):
    """One request that was served.

    Parameters
    ----------
    method : str
        The HTTP verb.
    path : str
        The path as sent, percent-encoded, without the query.
    query : str
        The raw query string.
    status : int
        The status it was answered with; 0 where a fault left it without an answer.
    """

    method: str
    path: str
    query: str
    status: int

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class RequestLog:
    """A thread-safe account of the requests served, oldest first.

    A request is entered before its answer leaves, so whoever holds the answer finds the entry.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._copy())

    def __getitem__(self, index: int) -> RequestRecord:
        return self._copy()[index]

    def __repr__(self) -> str:
        return f"<RequestLog of {len(self)} requests>"

    def append(self, record: RequestRecord) -> None:
        """Enter one request.

        Parameters
        ----------
        record : RequestRecord
            What was asked and answered.
        """
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget everything so far."""
        with self._lock:
            self._records.clear()

    def _copy(self) -> list[RequestRecord]:
        with self._lock:
            return list(self._records)


class RateLimit:
    """A token bucket that holds one second's worth of requests.

    Parameters
    ----------
    rate : callable
        Returns the present limit in requests per second, or None for no limit.
    """

    def __init__(self, rate: Callable[[], float | None]) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._tokens = math.inf
        self._filled_at = time.monotonic()

    def seconds_to_wait(self) -> int:
        """Take one token, or tell how long there will be none.

        Returns
        -------
        int
            0 if the request may pass, otherwise whole seconds, at least 1.
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
