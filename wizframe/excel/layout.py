"""A sheet and its columns: their names, how their cells look, and the values that they show."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from wizframe.errors import InvalidRequestError
from wizframe.excel.baseline_sheet import field_of
from wizframe.excel.cells import ALWAYS_FITS, cut
from wizframe.excel.dates import EPOCH, FIRST_DAY, LAST_DAY, find_zone
from wizframe.fields import COMMAND
from wizframe.frames.build import is_blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from wizframe.excel.baseline_sheet import Export
    from wizframe.fields import Field

__all__ = [
    "COMMAND_HEADER",
    "Column",
    "Sheet",
    "check_labels",
    "column_names",
    "fitted_width",
    "listed",
    "local_times",
    "own_column",
    "plain_header",
    "sheet_columns",
    "shown",
    "zone_of",
]

Kind = Literal["text", "flag", "time", "data", "own", "command"]

#: The header of the column with the commands, such as DELETE.
COMMAND_HEADER = "Command"
# The mark in the headers of columns that are required in new rows.
_REQUIRED_MARK = "*"
# The brackets at the end of a header, such as the time zone in `updated_at (Europe/Berlin)`.
_SUFFIX = re.compile(r"\s*\(([^()]*)\)\s*$")
# The milliseconds of a day, because Excel stores a time as a number of days.
_DAY_MS = 86_400_000
# 2 to the power of 53: a cell is a 64-bit float, which is exact for whole numbers up to this one.
_EXACT = 1 << 53
# The width of a column is fitted to this many cells.
_SAMPLE = 2_000
#: A list of values to choose from is useful if it is short and each value occurs several times on average.
_MAX_CHOICES, _MIN_REPEATS = 15, 3


@dataclass(frozen=True)
class Column:
    """One column of a sheet."""

    name: str  # in the frame
    header: str  # in the sheet
    field: Field | None  # None for a column that the user added, and for the commands
    kind: Kind  # "data" is JSON
    values: pd.Series[Any]  # of the frame; typed if there is a field
    zone: ZoneInfo  # of times
    is_open: bool  # users may change the cells
    is_open_below: bool  # users may fill in the cells of new rows
    is_required: bool = False  # users must fill in the cells of new rows

    @property
    def width(self) -> float:
        """The width in characters, fitted to the header and the first cells."""
        return fitted_width(self.header, ["2026-12-31 23:59"] if self.kind == "time" else self.cells(0, _SAMPLE))

    @property
    def choices(self) -> list[str]:
        """The values to choose from; empty if a list would not help."""
        if self.kind != "text" or not self.is_open or (self.field and (self.field.max_length or self.field.pattern)):
            return []
        # A column with a length or a format contains names or addresses: values of other customers do not help there.
        given = self.values.dropna()
        distinct = given.unique().tolist()
        is_few = len(distinct) <= _MAX_CHOICES and len(given) >= _MIN_REPEATS * len(distinct)
        return sorted(distinct) if is_few else []

    def cells(self, start: int, stop: int) -> list[Any]:
        """Return the shown values of some rows, as :func:`shown` does."""
        return shown(self.values.iloc[start:stop], self.field, self.zone)


@dataclass(frozen=True)
class Sheet:
    """The columns of one table in a sheet."""

    export: Export
    columns: list[Column]

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self.export.sheet

    @property
    def height(self) -> int:
        """The number of rows, without the header."""
        return len(self.export.cells)


def fitted_width(header: str, cells: Sequence[Any]) -> float:
    """Return the width of a column in characters that fits the header, its filter button and the first cells."""
    longest = max((len(str(cell)) for cell in cells if cell is not None), default=0)
    # Room for the filter button. A long text must not push the other columns off the screen.
    return min(max(longest + 1, len(header) + 4, 9), 38)


def sheet_columns(frame: pd.DataFrame, export: Export, labels: Mapping[str, str], zone: ZoneInfo) -> list[Column]:
    """Return the columns of a sheet: the commands, then the frame's columns in their order."""
    commands = labels.get(COMMAND, COMMAND_HEADER)
    given = own_column(frame, COMMAND) if COMMAND in frame else pd.Series(None, index=frame.index, dtype=object)
    columns = [Column(COMMAND, commands, None, "command", given, zone, is_open=True, is_open_below=True)]
    columns += [_column(name, frame, export, labels, zone) for name in column_names(frame, export)]
    taken: dict[str, Column] = {}
    for column in columns:  # the header of a column that the user added may repeat another one
        other = taken.setdefault(column.header if column.field is None else plain_header(column.header), column)
        if other is not column and (column.field or other.field):
            raise InvalidRequestError(
                f"the columns {other.name!r} and {column.name!r} would have the same header {column.header!r}",
                hint="Rename one of them.",
            )
    return columns


def column_names(frame: pd.DataFrame, export: Export) -> list[Any]:
    """List the frame's columns without the commands; index levels that are fields come first; no name twice."""
    levels = [name for name in frame.index.names if name in export.cells]
    return [name for name in dict.fromkeys([*levels, *frame.columns]) if name != COMMAND]


def own_column(frame: pd.DataFrame, name: Any) -> pd.Series[Any]:
    """Return a column of a frame; the first one if several have the same name."""
    values = frame.loc[:, name]
    return values.iloc[:, 0] if isinstance(values, pd.DataFrame) else values


def _column(name: Any, frame: pd.DataFrame, export: Export, labels: Mapping[str, str], zone: ZoneInfo) -> Column:
    table = export.table
    field = field_of(table, name) if name in export.cells else None
    if field is None:
        values = own_column(frame, name)
        own: Kind = "time" if values.dtype.kind == "M" else "own"
        return Column(str(name), labels.get(name, str(name)), None, own, values, zone, is_open=True, is_open_below=True)
    is_open = name in table and field.writable
    is_required = (field.required and name != "reference_id") or name == table.parent_id  # a reference is generated
    header = labels.get(name, name)
    header += f" ({zone.key})" if field.kind == "time" else ""
    header += f" {_REQUIRED_MARK}" if is_required else ""
    kinds: dict[str, Kind] = {"flag": "flag", "time": "time", "object": "data", "list": "data"}
    return Column(
        name,
        header,
        field,
        kinds.get(field.kind, "text"),
        export.shown(name),
        zone,
        is_open,
        is_open_below=is_open or name in table.parent_columns,
        is_required=is_required,
    )


def plain_header(header: Any) -> str:
    """Return the same form for all headers that differ only in case, spaces and marks."""
    text = unicodedata.normalize("NFKC", str(header)).strip().removesuffix(_REQUIRED_MARK).rstrip()
    if zone_of(text):
        text = _SUFFIX.sub("", text)
    return re.sub(r"[\s_-]+", "_", text.casefold())


def zone_of(header: Any) -> str | None:
    """Return the time zone in a header such as ``updated_at (Europe/Berlin)``."""
    found = _SUFFIX.search(str(header).strip().removesuffix(_REQUIRED_MARK).rstrip())
    try:
        return find_zone(found[1]).key if found else None
    except InvalidRequestError:
        return None


def check_labels(labels: Mapping[str, str], names: Iterable[str]) -> None:
    """Reject labels of columns that do not exist, and a label that is used twice."""
    known = list(names)
    for name in labels:
        if name not in known:
            raise InvalidRequestError(
                f"labels: the column {name!r} does not exist", hint=f"The columns are {', '.join(known)}."
            )
    if len(set(labels.values())) < len(labels):
        raise InvalidRequestError("labels: two columns would have the same header", hint="Use different labels.")


def shown(values: pd.Series[Any], field: Field | None, zone: ZoneInfo) -> list[Any]:
    """Return what the cells of a column show: strings that fit into a cell, booleans, numbers, or None for blank.

    Times are Excel's numbers of days. ``values`` are typed if the column has a field.
    """
    if values.dtype.kind == "M":
        return _shown_times(values, zone)
    if field is None or values.dtype == object:
        return [_shown_own(value) for value in listed(values)]
    if field.kind != "flag" and values.str.len().max() > ALWAYS_FITS:
        return [text and cut(text) for text in listed(values)]
    return listed(values)


def listed(values: pd.Series[Any]) -> list[Any]:
    """List the values of a column, with None for blank."""
    given: list[Any] = values.astype(object).mask(values.isna(), None).tolist()
    return given


def _shown_times(values: pd.Series[Any], zone: ZoneInfo) -> list[Any]:
    clock = local_times(values, zone)
    days = (clock - EPOCH).dt.as_unit("ms").astype("int64").to_numpy() / _DAY_MS
    blank = clock.isna().to_numpy()
    cells: list[Any] = [None if empty else day for empty, day in zip(blank, days.tolist(), strict=True)]
    for place in np.flatnonzero(~blank & ~((days >= FIRST_DAY) & (days < LAST_DAY))):
        cells[place] = str(values.iloc[place])  # Excel's calendar does not have this day
    return cells


def local_times(values: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """Return the local times that a column shows, without a zone. A cell cannot store more than milliseconds."""
    clock = values.dt.tz_convert(zone).dt.tz_localize(None) if values.dt.tz is not None else values
    floored: pd.Series[Any] = clock.dt.floor("ms")
    return floored


def _shown_own(value: Any) -> Any:
    """Format a value of a column that the user added: as a boolean or a number if it is one, otherwise as text."""
    if is_blank(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, np.number)) and abs(float(value)) <= _EXACT:  # not NaN, not infinite
        return float(value)
    return cut(str(value)) or None
