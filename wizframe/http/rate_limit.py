"""When the next request may leave: the user's rate limit, the service's refusals, and its own clock. Sends nothing."""

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

# A Retry-After of a day would look like a program that hangs.
MAX_PAUSE_S = 120.0
# Requests a second: however often the service refuses, a push goes on.
_MIN_RATE = 0.1
# The first refusal may hit a single request, which says nothing about how many a service allows.
_ASSUMED_RATE = 8.0
_BACK_OFF = 0.8
# Requests a second that each success adds. The first refusal often answers a burst and says little, so the rate grows
# fast until the second one. From then on it grows slowly, because each refusal costs all threads a pause. Measured in
# tests/http/test_transport_limits.py, with 100 requests a second allowed: 59 to 104 were sent, with 5 to 19 refusals.
_FIRST_STEP, _STEP = 1 / 2, 1 / 64


class RateLimiter:
    """Space the requests of all threads; pause and slow all of them down if the service refuses one.

    The contract names no rate limit, so it is learned: each refusal multiplies the rate, each success adds to it.
    ``rate`` is in requests a second; None sets no limit until the service refuses. Tests replace clock and sleep.
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
        # More than threads can send in a second.
        self._sent: deque[float] = deque(maxlen=1000)
        renew_in_child(self)

    def renew(self) -> None:
        """Take a lock that no thread holds, for a forked process; it goes on with the rate that was learned."""
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
            # A pause that began in the meantime holds for requests that were queued before it, too.
            if start >= self._paused_until:
                return start

    def _sleep_until(self, start: float) -> None:
        """Sleep; count down if the service asked for the pause and a progress bar is open to show it."""
        left_s, is_asked = start - self._clock(), self._paused_until > self._clock()
        while is_asked and left_s >= 1.0 and note(f"waiting {left_s:.0f} s, as WizCommerce asked"):
            self.sleep(1.0)
            left_s -= 1.0
        if left_s > 0:
            self.sleep(left_s)
        if is_asked:
            note("")

    def slow_down(self, sent_at: float, pause_s: float) -> None:
        """Pause all threads after a refusal, then go on more slowly.

        A request that left before an earlier pause began was part of the same burst, so it does not slow down again.
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
            self._step = step / max(pause_s, 1.0)  # long pauses must come less often, or they take most of the time

    def speed_up(self) -> None:
        """Raise the rate after a success, up to what the user allowed."""
        if self._rate < self.max_rate:
            with self._lock:
                self._rate = min(self._rate + self._step, self.max_rate)


class ServiceClock:
    """The service's time, as its responses tell it. The clock of this machine may be hours off."""

    def __init__(self) -> None:
        self._last: tuple[str, float] | None = None

    def update(self, headers: Mapping[str, str]) -> None:
        """Remember the Date of a response; it is parsed when it is needed."""
        date = headers.get("Date")
        if date:
            self._last = date, time.monotonic()

    def now(self) -> datetime | None:
        """Return the time in UTC, to about a second; None if no response told it."""
        date, received_at = self._last or ("", 0.0)
        moment = _http_date(date)
        return None if moment is None else datetime.fromtimestamp(moment + time.monotonic() - received_at, UTC)


def pause_s(asked_s: float | None, failures: int) -> float:
    """Choose the seconds to wait after some failures: what the service asked for, else exponential with jitter."""
    if asked_s is not None:
        return min(asked_s, MAX_PAUSE_S)
    # Jitter separates clients that failed together.
    return min(0.25 * 2.0**failures, MAX_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read the seconds of Retry-After, however many; None if it is absent or makes no sense.

    A date is compared with the Date of the same response, because the two clocks may be an hour apart.
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
