"""Convert values of other types: numpy's scalars from a caller, or loose JSON types from a service."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

__all__ = ["moment_of", "plain_scalar", "read_time"]

#: Numbers up to this one are times in seconds (up to the year 5138). Larger ones are in milliseconds, microseconds or
#: nanoseconds: today's times have 10, 13, 16 and 19 digits in these units.
_LARGEST_S = 10**11
#: Smaller numbers are not times: 0 means that there is none, and other small numbers are years or counts.
_SMALLEST_S = 10**8
_NUMBER = re.compile(r"[0-9]{9,19}(\.[0-9]+)?")  # shorter ones are years and days
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def plain_scalar(value: Any) -> Any:
    """Convert a numpy scalar to Python's own value; NaT and a time outside Python's range are returned unchanged."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        plain = value.astype(f"{'datetime' if isinstance(value, np.datetime64) else 'timedelta'}64[us]").item()
        return plain if isinstance(plain, date | timedelta) else value
    return value.item() if isinstance(value, np.generic) else value


def moment_of(value: Any) -> datetime | None:
    """Read a time of the service in UTC, as :func:`read_time` does; also a number since 1970, or a string of it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        return _since_1970(float(value))
    return read_time(value)


def read_time(value: Any) -> datetime | None:
    """Read a time, or a string in ISO 8601, in UTC; without a zone it means UTC. None if it cannot be read.

    A time that UTC puts outside the years 1 to 9999 becomes the nearest valid time: services write
    9999-12-31T23:59:59-05:00 for "never ends".
    """
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def _since_1970(number: float) -> datetime | None:
    if abs(number) < _SMALLEST_S:
        return None
    per_second = 1
    while abs(number) >= _LARGEST_S * per_second and per_second < 10**9:
        per_second *= 1000
    whole_s, rest = divmod(number, per_second)
    try:
        return _EPOCH + timedelta(seconds=whole_s, microseconds=int(rest * 10**6 // per_second))
    except (OverflowError, ValueError):  # infinite, or no number
        return None
