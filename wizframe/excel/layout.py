"""A column of a sheet: what it is called, how its cells look, and what they show of a frame's values."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.errors import InvalidRequestError
from wizframe.excel.baseline_sheet import field_of
from wizframe.excel.cells import ALWAYS_FITS, cut
from wizframe.excel.csv import escape
from wizframe.excel.dates import EPOCH, FIRST_DAY, LAST_DAY, find_zone
from wizframe.frames.build import is_blank
from wizframe.planning.changes import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from wizframe.excel.baseline_sheet import Sent
    from wizframe.fields import Field

__all__ = [
    "COMMAND",
    "COMMAND_HEADER",
    "Column",
    "csv_columns",
    "local_times",
    "plain_header",
    "sheet_columns",
    "shown",
    "zone_of",
]

Kind = Literal["text", "flag", "time", "data", "own", "command"]

#: Of the column of commands.
COMMAND_HEADER = "Command"
_REQUIRED_MARK = "*"
_SUFFIX = re.compile(r"\s*\(([^()]*)\)\s*$")
_DAY_MS = 86_400_000
_EXACT = 1 << 53  # the first whole number that a cell cannot hold exactly is the one after it
_SAMPLE = 2_000
_MOST_CHOICES, _FEWEST_REPEATS = 15, 3


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Parameters
    ----------
    name : str
        In the frame.
    header : str
        In the sheet.
    field : Field or None
        None for a user's own column, and for the commands.
    kind : {'text', 'flag', 'time', 'data', 'own', 'command'}
        ``data`` is JSON.
    values : Series
        Of the frame; typed where there is a field.
    zone : ZoneInfo
        Of times.
    is_open : bool
        Whether people may change it.
    is_open_below : bool
        Whether new rows fill it in.
    is_required : bool
        Whether new rows must.
    """

    name: str
    header: str
    field: Field | None
    kind: Kind
    values: pd.Series[Any]
    zone: ZoneInfo
    is_open: bool
    is_open_below: bool
    is_required: bool = False

    @property
    def width(self) -> float:
        """In characters, fitted to the header and the first cells."""
        return fitted(self.header, ["2026-12-31 23:59"] if self.kind == "time" else self.cells(0, _SAMPLE))

    @property
    def choices(self) -> list[str]:
        """The values to offer, where the column has few that occur again and again."""
        if self.kind != "text" or not self.is_open or (self.field and self.field.max_length):
            return []
        given = self.values.dropna()
        distinct = given.unique().tolist()
        is_few = len(distinct) <= _MOST_CHOICES and len(given) >= _FEWEST_REPEATS * len(distinct)
        return sorted(distinct) if is_few and not (self.field and self.field.pattern) else []

    def cells(self, start: int, stop: int) -> list[Any]:
        """Give what some cells show.

        Parameters
        ----------
        start, stop : int
            Rows of the frame, counted from 0.

        Returns
        -------
        list
            As :func:`shown` gives it.
        """
        return shown(self.values.iloc[start:stop], self.field, self.zone)


def fitted(header: str, cells: Sequence[Any]) -> float:
    """Fit a column's width to its header, with the filter's button, and to its first cells.

    Parameters
    ----------
    header : str
    cells : sequence

    Returns
    -------
    float
        In characters.
    """
    longest = max((len(str(cell)) for cell in cells if cell is not None), default=0)
    return min(max(longest + 1, len(header) + 4, 9), 38)


def sheet_columns(frame: pd.DataFrame, sent: Sent, labels: Mapping[str, str], zone: ZoneInfo) -> list[Column]:
    """Lay out a sheet: the column of commands, then the frame's columns in their order.

    Parameters
    ----------
    frame : DataFrame
        The user's.
    sent : Sent
        What was made of it.
    labels : mapping
        Column to header.
    zone : ZoneInfo

    Returns
    -------
    list of Column

    Raises
    ------
    InvalidRequestError
        Two columns would have the same header.
    """
    commands = labels.get(COMMAND, COMMAND_HEADER)
    given = _own_column(frame, COMMAND) if COMMAND in frame else pd.Series(None, index=frame.index, dtype=object)
    columns = [Column(COMMAND, commands, None, "command", given, zone, is_open=True, is_open_below=True)]
    columns += [_column(name, frame, sent, labels, zone) for name in _names(frame, sent)]
    taken: dict[str, Column] = {}
    for column in columns:  # a user's own header need only differ: it is remembered as it is
        other = taken.setdefault(column.header if column.field is None else plain_header(column.header), column)
        if other is not column and (column.field or other.field):
            raise InvalidRequestError(
                f"the columns {other.name!r} and {column.name!r} would both be headed {column.header!r}: rename one"
            )
    return columns


def _names(frame: pd.DataFrame, sent: Sent) -> list[Any]:
    """Name the frame's columns, index levels that are fields first, each once."""
    levels = [name for name in frame.index.names if name in sent.cells]
    return [name for name in dict.fromkeys([*levels, *frame.columns]) if name != COMMAND]


def _own_column(frame: pd.DataFrame, name: Any) -> pd.Series[Any]:
    values = frame.loc[:, name]
    return values.iloc[:, 0] if isinstance(values, pd.DataFrame) else values


def _column(name: Any, frame: pd.DataFrame, sent: Sent, labels: Mapping[str, str], zone: ZoneInfo) -> Column:
    field = field_of(sent.table, name) if name in sent.cells else None
    if field is None:
        values = _own_column(frame, name)
        own: Kind = "time" if values.dtype.kind == "M" else "own"
        return Column(str(name), labels.get(name, str(name)), None, own, values, zone, is_open=True, is_open_below=True)
    is_open = name in sent.table and field.writable
    is_parent = name in sent.table.parent_columns  # a new record needs one of them
    is_required = (field.required and name != "reference_id") or name == sent.table.parent_id
    header = labels.get(name, name)
    header += f" ({zone.key})" if field.kind == "time" else ""
    header += f" {_REQUIRED_MARK}" if is_required else ""
    kinds: dict[str, Kind] = {"flag": "flag", "time": "time", "object": "data", "list": "data"}
    kind = kinds.get(field.kind, "text")
    return Column(name, header, field, kind, sent.shown(name), zone, is_open, is_open or is_parent, is_required)


def plain_header(header: Any) -> str:
    """Bring a header to the form in which those that differ only in case, spaces and marks are one.

    Parameters
    ----------
    header : object
        Of a sheet, or a column's name.

    Returns
    -------
    str
    """
    text = unicodedata.normalize("NFKC", str(header)).strip().removesuffix(_REQUIRED_MARK).rstrip()
    if zone_of(text):
        text = _SUFFIX.sub("", text)
    return re.sub(r"[\s_-]+", "_", text.casefold())


def zone_of(header: Any) -> str | None:
    """Find the time zone that a header names.

    Parameters
    ----------
    header : object
        Such as ``updated_at (Europe/Berlin)``.

    Returns
    -------
    str or None
    """
    found = _SUFFIX.search(str(header).strip().removesuffix(_REQUIRED_MARK).rstrip())
    try:
        return find_zone(found[1]).key if found else None
    except InvalidRequestError:
        return None


def shown(values: pd.Series[Any], field: Field | None, zone: ZoneInfo) -> list[Any]:
    """Give what the cells of a column show.

    Parameters
    ----------
    values : Series
        Typed where there is a field.
    field : Field or None
        None for a user's own column.
    zone : ZoneInfo

    Returns
    -------
    list
        Texts that fit into a cell, truth values, numbers, None for blank; times as Excel's numbers of days.
    """
    if values.dtype.kind == "M":
        return _shown_times(values, zone)
    if field is None or values.dtype == object:
        return [_shown_own(value) for value in listed(values)]
    if field.kind != "flag" and values.str.len().max() > ALWAYS_FITS:
        return [text and cut(text) for text in listed(values)]
    return listed(values)


def listed(values: pd.Series[Any]) -> list[Any]:
    """List a column's values, blank as None.

    Parameters
    ----------
    values : Series

    Returns
    -------
    list
    """
    given: list[Any] = values.astype(object).mask(values.isna(), None).tolist()
    return given


def _shown_times(values: pd.Series[Any], zone: ZoneInfo) -> list[Any]:
    clock = local_times(values, zone)
    days = (clock - EPOCH).dt.as_unit("ms").astype("int64").to_numpy() / _DAY_MS
    blank = clock.isna().to_numpy()
    cells: list[Any] = [None if empty else day for empty, day in zip(blank, days.tolist(), strict=True)]
    if not blank.all() and not FIRST_DAY <= np.min(days[~blank]) <= np.max(days[~blank]) < LAST_DAY:
        for place in np.flatnonzero(~blank & ~((days >= FIRST_DAY) & (days < LAST_DAY))):
            cells[place] = str(values.iloc[place])  # Excel has no such day
    return cells


def csv_columns(frame: pd.DataFrame, sent: Sent) -> dict[str, list[str]]:
    """Write the columns of a frame as texts for CSV.

    Parameters
    ----------
    frame : DataFrame
        The user's.
    sent : Sent
        What was made of it.

    Returns
    -------
    dict of list of str
        In the frame's order, a column of commands first; texts are escaped, blank is ``""``.
    """
    names = [*([COMMAND] if COMMAND in frame else []), *_names(frame, sent)]
    return {
        str(name): _csv_cells(sent.shown(name) if name in sent.cells else _own_column(frame, name)) for name in names
    }


def _csv_cells(values: pd.Series[Any]) -> list[str]:
    if values.dtype.kind == "M" and getattr(values.dt, "tz", None) is not None:
        # Excel leaves a time with T and Z as the text that it is.
        texts = pc.strftime(pa.array(values.dt.tz_convert("UTC")), format="%Y-%m-%dT%H:%M:%SZ")
        cells: list[str] = pc.fill_null(pc.replace_substring_regex(texts, r"\.0+Z$", "Z"), "").to_pylist()
        return cells
    return ["" if is_blank(cell) else _csv_cell(cell) for cell in listed(values)]


def _csv_cell(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(value).upper()
    return escape(value) if isinstance(value, str) else str(value)


def local_times(values: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """Give the local times that a column shows, to the millisecond: a cell holds no more.

    Parameters
    ----------
    values : Series of times
    zone : ZoneInfo

    Returns
    -------
    Series
        ``datetime64[us]``, without a zone.
    """
    clock = values.dt.tz_convert(zone).dt.tz_localize(None) if values.dt.tz is not None else values
    floored: pd.Series[Any] = clock.dt.floor("ms")
    return floored


def _shown_own(value: Any) -> Any:
    """Show a value of a user's own column: as what it is, where a sheet has such a thing."""
    if is_blank(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, np.number)) and abs(float(value)) <= _EXACT:  # neither NaN nor infinite
        return float(value)
    return cut(str(value)) or None
