"""Convert values of other types: numpy's scalars from a caller, or loose JSON types from a service."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from wizframe.fields import STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wizframe.fields import Kind

__all__ = ["moment_of", "plain_scalar", "plain_value", "plain_values", "read_time"]

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
    except (OverflowError, ValueError):  # infinite, or not a number
        return None


_FLAGS = {"true": True, "1": True, "yes": True, "y": True, "false": False, "0": False, "no": False, "n": False}
#: The JSON types of each kind of field. Only if a field has other types besides null, its values are read one by one.
_EXPECTED: dict[Kind, set[type]] = {"text": {str}, "status": {str}, "time": {str}, "flag": {bool}}
_NOTHING = type(None)


def plain_values(values: Sequence[Any], kind: Kind) -> Sequence[Any]:
    """Convert a field of several records, as :func:`plain_value` does; unchanged if all have the expected type."""
    expected = _EXPECTED.get(kind)
    if expected is None or set(map(type, values)) - {_NOTHING} <= expected:
        is_usual = kind in ("text", "flag") or expected is None or not any(map(_needs_reading[kind], values))
        return values if is_usual else [plain_value(value, kind) for value in values]
    return [plain_value(value, kind) for value in values]


_needs_reading = {
    "status": lambda value: bool(value) and value not in STATUSES,
    "time": lambda value: bool(value) and value.isdecimal(),
}


def plain_value(value: Any, kind: Kind) -> Any:
    """Convert a service's value to the type of its field; a value that cannot be read is returned unchanged."""
    match kind:
        case "text" if isinstance(value, int | float) and not isinstance(value, bool):
            return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        case "ids" if isinstance(value, list):
            return [plain_value(item, "text") for item in value]
        case "flag" if not isinstance(value, bool) and isinstance(value, str | int | float):
            word = str(value).strip().lower().removesuffix(".0")
            return _FLAGS.get(word, value)
        case "status" if isinstance(value, str) and value.strip().lower() in STATUSES:
            return value.strip().lower()
        case "time" if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()):
            moment = moment_of(value)
            return value if moment is None else moment.isoformat().replace("+00:00", "Z")
        case _:
            return value
