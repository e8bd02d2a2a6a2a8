"""One cell: what it shows of a value, whether it still shows it, and what a new content means.

A spreadsheet program may store a cell otherwise than it was written: a truth value as a word, a text that looks like
a number as a number, a line's end without its carriage return. What still shows the exported value *is* the exported
value; only what differs is read. What may mean several things becomes :class:`wizframe.frames.build.Unsure`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from wizframe.excel.dates import Reading, from_serial, readings, shows
from wizframe.excel.vocabulary import FALSE, FORMULA_ERRORS, NO, TRUE, YES
from wizframe.frames.build import Unsure, is_blank

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from wizframe.fields import Field

__all__ = [
    "ALWAYS_FITS",
    "as_text",
    "cut",
    "is_empty",
    "local",
    "read_cell",
    "still_shows",
    "unclear_text",
    "with_errors_marked",
]

_LONGEST = 32_767  # of UTF-16 units: Excel's limit for a cell
ALWAYS_FITS = _LONGEST // 2
_KEPT_OF_LONG = 16_000
_REMARK, _UNCLEAR = "too long for a cell", " (unclear: type it again)"
_DIGITS = 15
_LINE_ENDS = re.compile("\r\n|\n\r|\r")
_NONCHARACTER = re.compile("_x(FFF[EF])_", re.IGNORECASE)
_AS_TEXT = "format the cell as text and type it again"


def is_empty(raw: Any) -> bool:
    """Tell whether a cell holds nothing, or nothing but spaces.

    Parameters
    ----------
    raw : object
        As it was read.

    Returns
    -------
    bool
    """
    return not raw.strip() if isinstance(raw, str) else raw is None


def cut(text: str) -> str:
    """Shorten a text that does not fit into a cell.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        The text itself, or its beginning and a remark that the rest is missing.
    """
    if len(text) <= ALWAYS_FITS or len(text) + sum(character > "\uffff" for character in text) <= _LONGEST:
        return text
    return f"{text[:_KEPT_OF_LONG]} … ({_REMARK}: {len(text)} characters)"


def unclear_text(value: Any) -> str:
    """Show a value that its column cannot hold so that it is none when it is read.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    return as_text(value) + _UNCLEAR


def as_text(raw: Any) -> str:
    """Write a cell's content as a person would type it.

    Parameters
    ----------
    raw : object

    Returns
    -------
    str
        ``45`` for the number 45.0.
    """
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return str(raw)


def local(value: Any, zone: ZoneInfo) -> dt.datetime:
    """Give the local time of a moment, without its zone.

    Parameters
    ----------
    value : Timestamp
    zone : ZoneInfo

    Returns
    -------
    datetime
    """
    moment: dt.datetime = value.to_pydatetime()
    return moment.astimezone(zone).replace(tzinfo=None)


def still_shows(raw: Any, value: Any, field: Field, zone: ZoneInfo) -> bool:
    """Tell whether a cell still shows the value that was exported to it.

    Parameters
    ----------
    raw : object
        As it was read: str, float, bool, a time.
    value : object
        A typed cell of the exported frame.
    field : Field
    zone : ZoneInfo
        Of the workbook's times.

    Returns
    -------
    bool
    """
    raw = raw.value if isinstance(raw, Unsure) else raw
    if is_blank(value) or is_empty(raw):
        return (is_blank(value) or is_empty(value)) and is_empty(raw)
    if isinstance(value, str):
        return _shows_text(raw, value, zone)
    if field.kind == "flag":
        return _truth(raw) is bool(value)
    return any(shows(reading, local(value, zone)) for reading in _moments(raw, zone))


def _shows_text(raw: Any, text: str, zone: ZoneInfo) -> bool:
    if isinstance(raw, str):
        return _plain(raw) == _plain(cut(text))
    if isinstance(raw, bool):
        return text.strip().casefold() in (TRUE if raw else FALSE)
    if isinstance(raw, (int, float)):
        return _is_number(raw, text)
    return any(shows(reading, moment.moment) for reading in readings(text, zone) for moment in _moments(raw, zone))


def _is_number(raw: float, text: str) -> bool:
    """Tell whether a program that took a text for a number made this number of it. Excel keeps 15 digits."""
    try:
        number = float(text)
    except ValueError:
        return False
    lost = len(text) - _DIGITS
    return number == raw or (lost > 0 and text.isdigit() and abs(number - raw) <= 10**lost)


def _plain(text: str) -> str:
    """Bring a text to the form that no program changes further: composed, without NUL, lines ended by a line feed."""
    text = _LINE_ENDS.sub("\n", text.replace("\x00", ""))
    text = _NONCHARACTER.sub(lambda found: chr(int(found[1], 16)), text.replace("_x005F_", "_"))
    return unicodedata.normalize("NFC", text)


def _truth(raw: Any) -> bool | None:
    word = as_text(raw).strip().casefold().removesuffix(".0")
    return True if word in TRUE | YES | {"1"} else False if word in FALSE | NO | {"0"} else None


def _moments(raw: Any, zone: ZoneInfo) -> list[Reading]:
    """List the local times that a cell may mean."""
    if isinstance(raw, str):
        return readings(raw, zone)
    if isinstance(raw, dt.datetime):
        return [Reading(raw.replace(tzinfo=None), dt.timedelta(0))]
    if isinstance(raw, dt.date):
        return [Reading(dt.datetime.combine(raw, dt.time(0)), dt.timedelta(days=1))]
    if isinstance(raw, float) and (moment := from_serial(raw)):
        return [Reading(moment, dt.timedelta(0))]
    return []


def read_cell(raw: Any, field: Field, zone: ZoneInfo) -> Any:
    """Read a cell whose content is new.

    Parameters
    ----------
    raw : object
        As it was read: str, float, bool, a time.
    field : Field
        Of its column.
    zone : ZoneInfo
        Of the workbook's times.

    Returns
    -------
    object
        str, bool, a time with its zone, None for blank, or an ``Unsure``. A text that is
        not a valid value of its column stays as it is: planning says which rule it breaks.
    """
    if raw == "" or isinstance(raw, Unsure):
        return raw or None
    if isinstance(raw, str) and raw.endswith(_UNCLEAR):
        return Unsure(raw.removesuffix(_UNCLEAR), "was unclear already when it was exported: type it again")
    if field.kind == "flag":
        truth = _truth(raw)
        return raw if truth is None else truth
    if field.kind == "time":
        return _read_time(raw, zone)
    if isinstance(raw, str):
        return _read_text(raw)
    kind = "truth value" if isinstance(raw, bool) else "number" if isinstance(raw, (int, float)) else "date or time"
    lost = ", zeros or a plus sign may be lost" if kind == "number" else ""
    return Unsure(as_text(raw), f"is a {kind} in a text column{lost}: {_AS_TEXT}")


def with_errors_marked(row: list[Any]) -> list[Any]:
    """Mark the errors of formulas in a row as unclear.

    Parameters
    ----------
    row : list
        As it was read.

    Returns
    -------
    list
        The row itself where it has none.
    """
    if FORMULA_ERRORS.isdisjoint(row):
        return row
    return [Unsure(cell, "is the error of a formula") if cell in FORMULA_ERRORS else cell for cell in row]


def _read_text(raw: str) -> Any:
    if f" … ({_REMARK}: " in raw:
        return Unsure(raw, "was cut to fit into the cell, and edited then: edit it in a frame")
    return raw


def _read_time(raw: Any, zone: ZoneInfo) -> Any:
    found = [reading.moment.replace(tzinfo=zone) for reading in _moments(raw, zone)]
    if len(found) > 1:
        days = " or ".join(f"{moment:%Y-%m-%d}" for moment in found)
        return Unsure(as_text(raw), f"may be {days}: write it as in 2026-12-31")
    return found[0] if found else as_text(raw)
