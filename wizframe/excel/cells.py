"""One cell: how it shows a value, whether it still shows that value, and what new content means.

A spreadsheet program may store a cell in another form than wizframe wrote: a boolean as a word, a string that looks
like a number as a number, or a line end without its carriage return. A cell that still shows the exported value *is*
that value. Only a cell that differs is read. An ambiguous cell becomes a :class:`wizframe.frames.build.Unsure`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context
from typing import TYPE_CHECKING, Any

from wizframe.excel.dates import Reading, from_serial, readings, shows
from wizframe.frames.build import Unsure, is_blank

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from wizframe.fields import Field

__all__ = [
    "ALWAYS_FITS",
    "FALSE",
    "FORMULA_ERRORS",
    "MONTHS_AND_HOURS",
    "TRUE",
    "as_number",
    "as_text",
    "cut",
    "is_empty",
    "read_cell",
    "still_shows",
    "unclear_text",
    "with_errors_marked",
    "write_text",
]

# Excel's limit for a cell, in UTF-16 units.
_LONGEST = 32_767
#: A string of so many characters always fits into a cell, because a character takes at most two UTF-16 units.
ALWAYS_FITS = _LONGEST // 2
# The characters that are kept of a string that is too long. The remark after them must fit, too.
_KEPT_OF_LONG = 16_000
# The remarks in cells that cannot show their value. Reading a workbook recognizes them.
_REMARK, _UNCLEAR = "too long for a cell", " (unclear: type it again)"
#: Excel keeps 15 digits of a number and replaces the others by zeros. Other programs keep 16 or 17, and may round.
_SHORTENED = [Context(prec=digits, rounding=way) for digits in (15, 16, 17) for way in (ROUND_DOWN, ROUND_HALF_UP)]
# Programs store line ends in different forms, so all of them are compared as line feeds.
_LINE_ENDS = re.compile("\r\n|\n\r|\r")
#: The codes of characters that XML cannot contain. Some programs store the code as text.
_CODE = re.compile("_x(00[01][0-9A-F]|FFF[EF])_", re.IGNORECASE)
#: Strings that xlsxwriter would damage: it reads a string that begins with <r> as XML, and it escapes only one of two
#: codes that share a "_". If such a string is written in pieces, each piece is correct.
_SPOILT = re.compile(r"^<r>|_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")
_PIECE_ENDS = re.compile(r"(?<=^<)(?=r>)|(?<=_x)(?=[0-9A-Fa-f]{4}_)")

#: The booleans as programs in other languages store them.
TRUE = frozenset({
    "true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "sand", "tosi", "prawda", "pravda",
    "igaz"
})  # fmt: skip
FALSE = frozenset({
    "false", "falsch", "faux", "falso", "onwaar", "usant", "falsk", "falskt", "epätosi", "fałsz", "nepravda",
    "hamis"
})  # fmt: skip
#: The booleans as users type them.
YES = frozenset({
    "yes", "ja", "oui", "si", "sì", "sí", "sim", "tak"
})  # fmt: skip
NO = frozenset({
    "no", "nein", "non", "não", "nee", "nie"
})  # fmt: skip
#: The words in dates, times and numbers.
MONTHS_AND_HOURS = frozenset({
    "jan", "january", "januar", "janvier", "janv", "enero", "ene", "gennaio", "gen", "janeiro", "januari",
    "styczeń", "sty", "jänner", "feb", "february", "februar", "février", "févr", "fevrier", "febrero", "febbraio",
    "fevereiro", "fev", "februari", "luty", "lut", "mar", "march", "märz", "mrz", "mars", "marzo", "março", "marco",
    "maart", "mrt", "marzec", "apr", "april", "avril", "avr", "abril", "abr", "aprile", "kwiecień", "kwi", "may",
    "mai", "mayo", "maggio", "mag", "maio", "mei", "maj", "jun", "june", "juni", "juin", "junio", "giugno", "giu",
    "junho", "czerwiec", "cze", "jul", "july", "juli", "juil", "juillet", "julio", "luglio", "lug", "julho",
    "lipiec", "lip", "aug", "august", "août", "aout", "agosto", "ago", "augustus", "sierpień", "sie", "sep", "sept",
    "september", "septembre", "septiembre", "settembre", "set", "setembro", "wrzesień", "wrz", "oct", "october",
    "oktober", "okt", "octobre", "octubre", "ottobre", "ott", "outubro", "out", "październik", "paź", "nov",
    "november", "novembre", "noviembre", "novembro", "listopad", "lis", "dec", "december", "dezember", "dez",
    "décembre", "déc", "decembre", "diciembre", "dic", "dicembre", "dezembro", "grudzień", "gru", "a", "p", "am",
    "pm", "e"
})  # fmt: skip
#: The results of formulas that failed. They are not values of a record.
FORMULA_ERRORS = frozenset({
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!",
    "#FIELD!"
})  # fmt: skip


def is_empty(raw: Any) -> bool:
    """Return whether a cell, as it was read, contains nothing or only spaces."""
    return not raw.strip() if isinstance(raw, str) else raw is None


def cut(text: str) -> str:
    """Shorten a string that does not fit into a cell to its beginning and a remark."""
    if len(text) <= ALWAYS_FITS or len(text) + sum(character > "\uffff" for character in text) <= _LONGEST:
        return text
    return f"{text[:_KEPT_OF_LONG]} … ({_REMARK}: {len(text)} characters)"


def write_text(page: Any, row: int, place: int, text: str, style: Any) -> None:
    """Write any string into a cell of an xlsxwriter worksheet, even one that xlsxwriter would damage."""
    if _SPOILT.search(text):
        fragments = [part for piece in _PIECE_ENDS.split(text) for part in (style, piece)]
        page.write_rich_string(row, place, *fragments[1:], style)  # the first piece has the style of the cell
    else:
        page.write_string(row, place, text, style)


def unclear_text(value: Any) -> str:
    """Write an invalid value with a remark, so that reading it reports a problem again."""
    return as_text(value) + _UNCLEAR


def as_text(raw: Any) -> str:
    """Write the content of a cell as a user types it: ``45`` for the number 45.0."""
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return str(raw)


def as_number(text: str) -> float | None:
    """Convert a string to a number as a spreadsheet does: unlike in Python, ``1_000`` is not a number."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def still_shows(raw: Any, value: Any, field: Field, zone: ZoneInfo) -> bool:
    """Return whether a cell, as it was read, still shows the typed value that was exported to it."""
    raw = raw.value if isinstance(raw, Unsure) else raw  # an exported text "#N/A" is not a formula error
    if is_blank(value) or is_empty(raw):
        return (is_blank(value) or is_empty(value)) and is_empty(raw)
    if isinstance(value, str):
        return _shows_text(raw, value, zone)
    if field.kind == "flag":
        return _truth(raw) is bool(value)
    local = value.to_pydatetime().astimezone(zone).replace(tzinfo=None)
    return any(shows(reading, local) for reading in _moments(raw, zone))


def _shows_text(raw: Any, text: str, zone: ZoneInfo) -> bool:
    if isinstance(raw, str):
        return _plain(raw) == _plain(cut(text))
    if isinstance(raw, bool):
        return text.strip().casefold() in (TRUE if raw else FALSE)
    if isinstance(raw, (int, float)):
        number = as_number(text)
        return number is not None and (number == raw or raw in _shortened(text))
    return any(shows(reading, moment.moment) for reading in readings(text, zone) for moment in _moments(raw, zone))


def _shortened(text: str) -> list[float]:
    """Return the numbers that programs store for a string with more digits than they keep."""
    try:
        return [float(context.create_decimal(text)) for context in _SHORTENED]
    except ArithmeticError:  # the exponent is too large for Decimal
        return []


def _plain(text: str) -> str:
    """Return a form of a string that no program changes: composed, without NUL, with line feeds as line ends."""
    text = _CODE.sub(lambda found: chr(int(found[1], 16)), text.replace("_x005F_", "_"))
    return unicodedata.normalize("NFC", _LINE_ENDS.sub("\n", text.replace("\x00", "")))


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
    """Read a cell with new content: str, bool, a time with its zone, None for blank, or an ``Unsure``.

    A string that is not valid for its column is returned unchanged: the plan reports the rule that it breaks.
    """
    if raw == "" or isinstance(raw, Unsure):
        return raw or None
    if isinstance(raw, str) and raw.endswith(_UNCLEAR):
        return Unsure(raw.removesuffix(_UNCLEAR), "was already unclear when it was exported: type it again")
    if field.kind == "flag":
        truth = _truth(raw)
        return raw if truth is None else truth
    if field.kind == "time":
        return _read_time(raw, zone)
    if isinstance(raw, str):
        is_cut = f" … ({_REMARK}: " in raw
        return Unsure(raw, "was cut to fit into the cell and then edited: edit it in a frame") if is_cut else raw
    kind = "boolean" if isinstance(raw, bool) else "number" if isinstance(raw, (int, float)) else "date or time"
    lost = ", zeros or a plus sign may be lost" if kind == "number" else ""
    return Unsure(as_text(raw), f"is a {kind} in a text column{lost}: format the cell as text and type it again")


def _read_time(raw: Any, zone: ZoneInfo) -> Any:
    found = [reading.moment.replace(tzinfo=zone) for reading in _moments(raw, zone)]
    if len(found) > 1:
        days = " or ".join(f"{moment:%Y-%m-%d}" for moment in found)
        return Unsure(as_text(raw), f"may be {days}: write it as in 2026-12-31")
    return found[0] if found else as_text(raw)


def with_errors_marked(row: list[Any]) -> list[Any]:
    """Mark the formula errors in a row as unclear."""
    if FORMULA_ERRORS.isdisjoint(row):
        return row
    return [Unsure(cell, "is the error of a formula") if cell in FORMULA_ERRORS else cell for cell in row]
