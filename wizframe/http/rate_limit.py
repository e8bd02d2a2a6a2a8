"""The time of the next request: from the user's rate limit and the service's refusals. Also the service's clock."""

from __future__ import annotations

import email.utils
import math
import random
import re
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wizframe.errors import ConfigurationError
from wizframe.processes import renew_in_child
from wizframe.progress import note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MAX_PAUSE_S", "RateLimiter", "ServiceClock", "pause_s", "retry_after_s"]

# In seconds. After a Retry-After of a day, the program would seem to hang.
MAX_PAUSE_S = 120.0
# Requests per second. However often the service refuses, a push continues at this rate.
_MIN_RATE = 0.1
# Requests per second after the first refusal, which may hit a single request and so does not show the allowed rate.
_ASSUMED_RATE = 8.0
# Each refusal multiplies the rate by this factor.
_BACK_OFF = 0.8
# Requests per second that each success adds. The first refusal often follows a burst and does not show the limit, so
# the rate grows fast until the second one. After that it grows slowly, because each refusal pauses all threads.
# Measured in tests/http/test_transport_limits.py with 100 requests per second allowed: 59 to 104 were sent, with 5 to
# 19 refusals.
_FIRST_STEP, _STEP = 1 / 2, 1 / 64


class RateLimiter:
    """Space the requests of all threads. If the service refuses a request, pause all threads and slow them down.

    The contract names no rate limit, so it is learned: each refusal lowers the rate, each success raises it. ``rate``
    is in requests per second. With None, there is no limit until the service refuses. Tests replace clock and sleep.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ConfigurationError(f"rate={rate!r} is not valid: it must be above 0 requests per second, or None")
        self.sleep = sleep
        self.max_rate = math.inf if rate is None else rate
        self._rate = self.max_rate
        self._step = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0
        self._paused_at = self._paused_until = -math.inf
        # More than the threads can send in a second.
        self._sent: deque[float] = deque(maxlen=1000)
        renew_in_child(self)

    def renew(self) -> None:
        """Use a new lock in a forked process, because a parent's thread may hold the old one; keep the rate."""
        self._lock = threading.Lock()

    def wait(self, within_s: float = math.inf) -> float:
        """Block until the next request may leave; return that time, for :meth:`slow_down`.

        A request that must leave within some seconds does not wait behind others; they wait for it instead.
        """
        while True:
            with self._lock:
                now = self._clock()
                start = max(now, self._next)
                if start - now > within_s:  # with a slow rate, no write could ever follow its read
                    start = max(now, self._paused_until)
                self._next = max(self._next, start) + 1 / self._rate
                self._sent.append(start)
            self._sleep_until(start)
            # A pause that began in the meantime also applies to requests that were queued before it.
            if start >= self._paused_until:
                return start

    def _sleep_until(self, start: float) -> None:
        """Sleep. If the service requested the pause and a progress bar is open, the bar shows the seconds left."""
        left_s, is_asked = start - self._clock(), self._paused_until > self._clock()
        while is_asked and left_s >= 1.0 and note(f"waiting {left_s:.0f} s, as WizCommerce asked"):
            self.sleep(1.0)
            left_s -= 1.0
        if left_s > 0:
            self.sleep(left_s)
        if is_asked:
            note("")

    def slow_down(self, sent_at: float, pause_s: float) -> None:
        """Pause all threads after a refusal, and then continue with a lower rate.

        A request that was sent before an earlier pause began belongs to the same burst, so it does not count again.
        """
        with self._lock:
            now = self._clock()
            self._paused_until = max(self._paused_until, now + pause_s)
            self._next = max(self._next, self._paused_until)
            if sent_at <= self._paused_at:
                return
            recent = max(sum(now - 1.0 < sent <= now for sent in self._sent), _ASSUMED_RATE)
            step = _FIRST_STEP if recent < self._rate and self._paused_at == -math.inf else _STEP
            self._paused_at = now
            self._rate = max(_BACK_OFF * min(self._rate, recent), min(_MIN_RATE, self.max_rate))
            self._step = step / max(pause_s, 1.0)  # long pauses must be rarer, because they would take most of the time

    def speed_up(self) -> None:
        """Raise the rate after a success, up to the user's limit."""
        if self._rate < self.max_rate:
            with self._lock:
                self._rate = min(self._rate + self._step, self.max_rate)


class ServiceClock:
    """The service's time, from its responses. The clock of this machine may be hours off."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def update(self, headers: Mapping[str, str]) -> None:
        """Store the time in the Date header of a response, and not the header, which may contain the key."""
        moment = _http_date(headers.get("Date", ""))
        if moment is not None:
            self._last = moment, time.monotonic()

    def now(self) -> datetime | None:
        """Return the service's time in UTC, to about a second; None if no response had a time."""
        if self._last is None:
            return None
        moment, received_at = self._last
        return datetime.fromtimestamp(moment + time.monotonic() - received_at, UTC)


def pause_s(asked_s: float | None, failures: int) -> float:
    """Return the seconds to wait after failures: the requested time, or else exponential with jitter."""
    if asked_s is not None:
        return min(asked_s, MAX_PAUSE_S)
    # Jitter separates clients that failed at the same time.
    return min(0.25 * 2.0**failures, MAX_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After; None if the header is absent or not valid.

    A date is compared with the Date header of the same response, because the two clocks may be an hour apart.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    moment, now = _http_date(text), _http_date(headers.get("Date", ""))
    if moment is None:
        return None
    return max(moment - (time.time() if now is None else now), 0.0)


def _http_date(text: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
        # A date without a zone, as in asctime's form, means UTC in HTTP.
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
