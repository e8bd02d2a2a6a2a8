"""Times in a workbook: written as local times of a zone, and read from every form that a program stores."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wizframe.errors import InvalidRequestError
from wizframe.text import option

__all__ = ["EPOCH", "FIRST_DAY", "LAST_DAY", "Reading", "find_zone", "from_serial", "readings", "shows"]

#: Day 0 of Excel's calendar for all days after February 1900. (Excel treats 1900 as a leap year.)
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no time zone
#: The days that Excel counts correctly: from 1 March 1900 to the end of 9999.
FIRST_DAY, LAST_DAY = 61, 2_958_466
# The precision of a time without seconds.
_MINUTE = dt.timedelta(minutes=1)
# A date as people write it, with an optional time: 31.12.2026 14:30, 12/31/2026 2:30 PM, 31/12/26.
_PARTS = re.compile(
    r"(?P<first>\d{1,4})(?P<mark>[./-])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{1,4})"
    r"(?:[ ,T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[ap]\.?m\.?)?)?",
    re.IGNORECASE,
)
# On a clock with 12 hours, 12 AM is midnight and 12 PM is noon.
_NOON = 12
#: Two-digit years that mean 19xx. The others mean 20xx.
_LAST_CENTURY = range(70, 100)


class Reading(NamedTuple):
    """One meaning of a string: a local time, and how precise it is."""

    moment: dt.datetime
    precision: dt.timedelta


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone with a name, or raise an error that says which names are valid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequestError(
            f"{option('zone', name)} is not a time zone", hint="Use a name such as 'UTC' or 'Europe/Berlin'."
        ) from None


def from_serial(days: float) -> dt.datetime | None:
    """Convert Excel's number of days, from a cell that lost its format, to a time; None if it cannot be a time."""
    return EPOCH + dt.timedelta(days=days) if FIRST_DAY <= days < LAST_DAY else None


def readings(text: str, zone: dt.tzinfo) -> list[Reading]:
    """List the times that a string may mean: two for ``01/02/2026``, a day in January or a day in February.

    The text is ISO 8601, or a date as people write it: ``31.12.2026 14:30``, ``12/31/2026 2:30 PM``, ``31/12/26``. A
    time without a zone is a local time in ``zone``.
    """
    text = text.strip()
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return _as_people_write(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(zone).replace(tzinfo=None)
    return [Reading(moment, dt.timedelta(0) if ":" in text else dt.timedelta(days=1))]


def _as_people_write(text: str) -> list[Reading]:
    found = _PARTS.fullmatch(text)
    clock = _clock(found) if found else None
    if found is None or clock is None:
        return []
    first, second, third = (int(found[name]) for name in ("first", "second", "third"))
    if len(found["first"]) > 2:  # noqa: PLR2004 - a year
        orders = {(first, second, third)}
    elif found["mark"] == ".":
        orders = {(_year(third), second, first)}
    else:
        orders = {(_year(third), second, first), (_year(third), first, second)}
    time, precision = clock
    moments = []
    for order in sorted(orders):
        with contextlib.suppress(ValueError):  # the day does not exist, such as 31 June
            moments.append(dt.datetime.combine(dt.date(*order), time))
    return [Reading(moment, precision) for moment in moments]


def _year(number: int) -> int:
    """Convert a two-digit year as spreadsheets do."""
    if number in _LAST_CENTURY:
        return 1900 + number
    return 2000 + number if number < _LAST_CENTURY.start else number


def _clock(found: re.Match[str]) -> tuple[dt.time, dt.timedelta] | None:
    if found["hour"] is None:
        return dt.time(0), dt.timedelta(days=1)
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if found["half"][0] in "pP" else 0)
    try:
        time = dt.time(hour, int(found["minute"]), int(found["s"] or 0))
    except ValueError:
        return None
    return time, dt.timedelta(seconds=1) if found["s"] else _MINUTE


def shows(reading: Reading, moment: dt.datetime) -> bool:
    """Return whether a reading is the same as a local time that was cut or rounded to the reading's precision."""
    if reading.precision >= dt.timedelta(days=1):
        return reading.moment.date() == moment.date()
    # A program may leave out the seconds.
    return abs(reading.moment - moment) < max(reading.precision, _MINUTE)
