"""How fast requests may leave, and how long to wait after a refusal. Sends nothing itself."""

from __future__ import annotations

import email.utils
import random
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wizframe.errors import ConfigurationError
from wizframe.progress import note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MAX_PAUSE_S", "Pacer", "ServiceClock", "pause_s", "retry_after_s"]

MAX_PAUSE_S = 120.0
MAX_INTERVAL_S = 10.0
#: As many requests in a second were too many; fewer came too fast, one after the other.
_MANY = 32
#: Requests per second that are taken to have been refused where nothing else tells: a single one, after a long silence.
_UNKNOWN = 8.0
_FASTEST = 2000.0  # requests per second: faster than the wire, no limit at all
_RECOVERY = 30.0  # times as long as the pause, so that pauses take a small part of the time
_LONGEST_RECOVERY_S = 300.0


class Pacer:
    """Space the requests of all threads; slow everybody down when the service says so.

    Nobody says how much a service bears, so it is learnt from its refusals. After one the pace begins below that which
    was refused, comes back to it, stays near it for long, and goes beyond it later (a cubic curve, as in RFC 9438):
    each refusal costs everybody a pause, so the next one should not come soon.

    Parameters
    ----------
    rate : float, optional
        Requests per second at the most; None leaves the pace to the service until it refuses one.
    clock, sleep : callable
        In seconds; replaced in tests.

    Attributes
    ----------
    sleep : callable
        How to wait for some seconds.

    Raises
    ------
    ConfigurationError
        The rate is not above zero.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ConfigurationError(f"rate={rate!r}, but must be above 0 requests per second, or None")
        self.sleep = sleep
        self._floor_s = 0.0 if rate is None else 1.0 / rate
        self._interval_s = self._floor_s
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0
        self._paused_at = self._paused_until = float("-inf")
        self._sent: deque[float] = deque(maxlen=1000)
        self._curve: _Curve | None = None

    def wait(self) -> float:
        """Block until the next request may leave.

        Returns
        -------
        float
            The clock when it may leave, in seconds; :meth:`slow_down` wants it back.
        """
        while True:
            with self._lock:
                start = max(self._clock(), self._next)
                self._next = start + self._interval_s
                self._sent.append(start)
            self._sleep_until(start)
            if start >= self._paused_until:  # a pause that began meanwhile holds for those who queue, too
                return start

    def _sleep_until(self, start: float) -> None:
        """Sleep; count down where the service asked for it and there is a bar to show it."""
        left_s, is_asked = start - self._clock(), self._paused_until > self._clock()
        while is_asked and left_s >= 1.0 and note(f"waiting {left_s:.0f} s, as WizCommerce asked"):
            self.sleep(1.0)
            left_s -= 1.0
        if left_s > 0:
            self.sleep(left_s)
        if is_asked:
            note("")

    def slow_down(self, sent_at: float, pause_s: float) -> None:
        """Pause everybody after a refusal, and go on more slowly.

        Parameters
        ----------
        sent_at : float
            When the refused request left. Requests that left before an earlier pause began tell nothing new.
        pause_s : float
            Seconds.
        """
        with self._lock:
            now = self._clock()
            self._paused_until = max(self._paused_until, now + pause_s)
            self._next = max(self._next, self._paused_until)
            if sent_at <= self._paused_at:
                return
            self._paused_at = now
            refused, borne = self._paces(now)
            start = max(0.8 * min(borne, refused), 0.5 * refused)
            recovery_s = min(_RECOVERY * max(pause_s, 1.0), _LONGEST_RECOVERY_S)
            self._curve = _Curve(refused, start, self._paused_until, recovery_s)
            self._follow(start)

    def speed_up(self) -> None:
        """Go on faster after a success, up to the pace that the user allowed."""
        if self._curve is not None:
            with self._lock:
                if self._curve is not None:
                    self._follow(self._curve.pace(self._clock()))

    def _paces(self, now: float) -> tuple[float, float]:
        """Tell which pace was refused, and how many requests there were in the last second."""
        recent = [moment for moment in self._sent if now - 1.0 < moment <= now]
        many = float(len(recent))
        if self._curve is not None:
            return 1.0 / self._interval_s, many
        if many < _MANY:
            span_s = max(recent[-1] - recent[0], 1.0 / _FASTEST) if recent else 1.0
            refused = min(max((many - 1.0) / span_s, _UNKNOWN), _FASTEST)
        else:
            refused = many
        return (min(refused, 1.0 / self._floor_s) if self._floor_s else refused), many

    def _follow(self, pace: float) -> None:
        if pace >= _FASTEST:
            self._curve = None
        interval_s = 0.0 if self._curve is None else min(1.0 / pace, MAX_INTERVAL_S)
        self._interval_s = max(interval_s, self._floor_s)


@dataclass(frozen=True)
class _Curve:
    """How the pace comes back after a refusal; paces in requests per second."""

    refused: float
    start: float
    since: float
    recovery_s: float

    def pace(self, now: float) -> float:
        """Give the pace for some moment of the clock."""
        left = 1.0 - max(now - self.since, 0.0) / self.recovery_s
        return self.refused - (self.refused - self.start) * left**3


class ServiceClock:
    """The service's own clock, as its answers tell it; this machine's may be hours off."""

    def __init__(self) -> None:
        self._heard: tuple[str, float] | None = None

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's Date. It is read when somebody asks.

        Parameters
        ----------
        headers : mapping
        """
        date = headers.get("Date")
        if date:
            self._heard = date, time.monotonic()

    def now(self) -> datetime | None:
        """Give the time by the service's clock.

        Returns
        -------
        datetime or None
            UTC, to about a second; None where no answer told it.
        """
        date, heard_at = self._heard or ("", 0.0)
        moment = _http_date(date)
        return None if moment is None else datetime.fromtimestamp(moment + time.monotonic() - heard_at, UTC)


def pause_s(asked_s: float | None, failures: int) -> float:
    """Choose how long to wait: what the service asked for, else exponential with jitter.

    Parameters
    ----------
    asked_s : float or None
        In seconds, from :func:`retry_after_s`.
    failures : int
        How many in a row, from 1.

    Returns
    -------
    float
        In seconds, at most ``MAX_PAUSE_S``.
    """
    if asked_s is not None:
        return min(asked_s, MAX_PAUSE_S)
    return min(0.25 * 2.0**failures, MAX_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or an HTTP date, which is measured against the answer's own Date.

    Parameters
    ----------
    headers : mapping
        Of the answer.

    Returns
    -------
    float or None
        In seconds, as the service asked, however absurd; None where it did not ask or makes no sense.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
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
