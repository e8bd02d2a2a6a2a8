"""Times as a workbook shows them, and back: a readable local time in a named zone, whatever a program made of it."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wizframe.errors import InvalidRequestError
from wizframe.text import option

__all__ = ["EPOCH", "FIRST_DAY", "LAST_DAY", "Reading", "find_zone", "from_serial", "readings", "shows"]

#: Day 0 of Excel's calendar, for every day after February 1900 (Excel believes that 1900 was a leap year).
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no zone
#: The days that Excel has, and counts right: from 1 March 1900 to the last of 9999.
FIRST_DAY, LAST_DAY = 61, 2_958_466
_MINUTE = dt.timedelta(minutes=1)
_PARTS = re.compile(
    r"(?P<first>\d{1,4})(?P<mark>[./-])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{1,4})"
    r"(?:[ ,T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[ap]\.?m\.?)?)?",
    re.IGNORECASE,
)
_NOON = 12
_LAST_CENTURY = range(70, 100)


class Reading(NamedTuple):
    """What a text may mean: a local time, and how exactly it says so."""

    moment: dt.datetime
    precision: dt.timedelta


def find_zone(name: str) -> ZoneInfo:
    """Give a time zone by its name.

    Parameters
    ----------
    name : str
        Such as ``Europe/Berlin``.

    Returns
    -------
    ZoneInfo

    Raises
    ------
    InvalidRequestError
        There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequestError(
            f"{option('zone', name)} is not a time zone", hint="Give a name such as 'UTC' or 'Europe/Berlin'."
        ) from None


def from_serial(days: float) -> dt.datetime | None:
    """Read a number that stands where a time stood: its format was lost.

    Parameters
    ----------
    days : float
        As Excel counts.

    Returns
    -------
    datetime or None
        Without a zone; None where no time can be meant.
    """
    return EPOCH + dt.timedelta(days=days) if FIRST_DAY <= days < LAST_DAY else None


def readings(text: str, zone: dt.tzinfo) -> list[Reading]:
    """List what a text may mean as a time.

    Parameters
    ----------
    text : str
        ISO 8601, or a date as people write it: ``31.12.2026 14:30``, ``12/31/2026 2:30 PM``, ``31/12/26``.
    zone : tzinfo
        Whose local time is meant where the text names none.

    Returns
    -------
    list of Reading
        None for what is no time; two for ``01/02/2026``, which is a day in January or in February.
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
    if not found:
        return []
    first, second, third = (int(found[name]) for name in ("first", "second", "third"))
    if len(found["first"]) > 2:  # noqa: PLR2004 - a year
        orders = {(first, second, third)}
    elif found["mark"] == ".":
        orders = {(_year(third), second, first)}
    else:
        orders = {(_year(third), second, first), (_year(third), first, second)}
    clock = _clock(found)
    if clock is None:
        return []
    time, precision = clock
    return [Reading(moment, precision) for order in sorted(orders) if (moment := _moment(order, time)) is not None]


def _year(number: int) -> int:
    """Read a year of two digits as spreadsheets do."""
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


def _moment(order: tuple[int, int, int], time: dt.time) -> dt.datetime | None:
    try:
        return dt.datetime.combine(dt.date(*order), time)
    except ValueError:
        return None


def shows(reading: Reading, moment: dt.datetime) -> bool:
    """Tell whether a reading is that of a known local time, cut or rounded to what the text says.

    Parameters
    ----------
    reading : Reading
    moment : datetime
        Without a zone.

    Returns
    -------
    bool
    """
    if reading.precision >= dt.timedelta(days=1):
        return reading.moment.date() == moment.date()
    return abs(reading.moment - moment) < max(reading.precision, _MINUTE)
