"""A grid back to a frame: what still shows the exported value is that value, the rest is read."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.errors import InvalidDataWarning, caller_level
from wizframe.excel.baseline_sheet import field_of, typed_column
from wizframe.excel.cells import as_text, is_empty, read_cell, still_shows
from wizframe.excel.dates import find_zone
from wizframe.excel.layout import listed, local_times, shown, zone_of
from wizframe.excel.sheet_data import letters
from wizframe.fields import TABLES
from wizframe.frames.baselines import attach
from wizframe.frames.build import Unsure
from wizframe.frames.problems import LETTERS, cell_place, problems_frame
from wizframe.planning.changes import COMMAND
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    import numpy.typing as npt

    from wizframe.excel.baseline_sheet import Sent
    from wizframe.excel.sheet_data import Grid
    from wizframe.fields import Field, Table

    Places = npt.NDArray[np.intp]

__all__ = ["ValueMap", "restore"]

#: What a caller gives for a column: text in the file to value, or a function of the cell.
ValueMap = Mapping[str, Any] | Callable[[Any], Any]
_SAID = 5


def restore(
    grid: Grid,
    columns: Sequence[str | None],
    table: Table | None,
    sent: Sent | None,
    *,
    values: Mapping[str, ValueMap],
    progress: bool,
) -> pd.DataFrame:
    """Make a frame of a grid.

    Parameters
    ----------
    grid : Grid
    columns : sequence of str or None
        The column that each header means; None for one that is the user's own.
    table : Table or None
        None where nothing tells.
    sent : Sent or None
        What was exported, where that is known.
    values : mapping
        Column to how its cells are translated.
    progress : bool

    Returns
    -------
    DataFrame
        In the order of the sheet; typed where every cell fits. Its labels are the rows of the sheet. The baseline is
        attached where there is one.

    Warns
    -----
    InvalidDataWarning
        Cells may mean several things.
    """
    named = dict(zip(_unique(grid, columns), zip(columns, grid.columns, grid.headers, strict=True), strict=True))
    places = np.full(len(grid.rows), -1)
    if sent is not None and "id" in named and "id" in sent.cells:
        places = _places(named["id"][1], sent)
    read: dict[str, pd.Series[Any]] = {}
    with bar("columns", enabled=progress, total=len(named)) as show:
        for number, (name, (known, raw, header)) in enumerate(named.items(), 1):
            cells = _translated(raw, values[name]) if name in values else raw
            field = _field(table, name) if known else None
            if field is not None:
                zone = find_zone(zone_of(header) or (sent.zone if sent is not None else "UTC"))
                read[name] = _column(name, field, cells, places, sent, zone)
            elif known or str(header).strip() or not all(map(is_empty, cells)):
                read[name] = _own(name, cells)
            show(number, None)
    if COMMAND in read and read[COMMAND].isna().all():
        del read[COMMAND]
    frame = pd.DataFrame(read, index=pd.RangeIndex(len(grid.rows)))
    frame.index = pd.Index(grid.rows, name=f"{grid.sheet}!", dtype="int64")
    frame.attrs[LETTERS] = {name: letters(number) for number, name in enumerate(named)}
    unsure = _unsure(frame)
    _warn(frame, unsure)
    if sent is not None and sent.baseline is not None:
        attach(frame, dataclasses.replace(sent.baseline, problems=problems_frame(unsure)))
    return frame


def _unique(grid: Grid, columns: Sequence[str | None]) -> list[str]:
    """Name every column: the user's own by their headers, those without one by their letter."""
    names: list[str] = []
    for place, (column, header) in enumerate(zip(columns, grid.headers, strict=True)):
        name = column or str(header).strip() or f"column {letters(place)}"
        names.append(name if name not in names and (column or name not in columns) else f"{name} ({letters(place)})")
    return names


def _field(table: Table | None, name: str) -> Field | None:
    if table is not None:
        return field_of(table, name)
    return next((field for one in TABLES.values() if (field := field_of(one, name))), None)


def _translated(raw: Sequence[Any], how: ValueMap) -> list[Any]:
    if not isinstance(how, Mapping):
        return [how(cell) for cell in raw]
    targets = set(how.values())
    return [cell if is_empty(cell) else _translate(as_text(cell), how, targets) for cell in raw]


def _translate(text: str, how: Mapping[str, Any], targets: set[Any]) -> Any:
    if text in how:
        return how[text]
    return text if text in targets else Unsure(text, "is not among the values= of this column: add it")


def _own(name: str, cells: Sequence[Any]) -> pd.Series[Any]:
    given = [None if is_empty(cell) else as_text(cell).strip() if name == COMMAND else cell for cell in cells]
    return pd.Series(given, dtype=object).infer_objects()


def _places(raw: Sequence[Any], sent: Sent) -> Places:
    """Find the exported row of each row by its id; -1 where there is none.

    A frame may hold a record twice: the first of a sheet is then the first that was exported, and so on.
    """
    ids = sent.cells["id"].fillna("").tolist()
    if list(raw) == ids:
        return np.arange(len(ids))
    waiting: dict[Any, list[int]] = {}
    for place in range(len(sent.cells) - 1, -1, -1):
        waiting.setdefault(ids[place], []).append(place)
    places = np.full(len(raw), -1)
    lost = []
    for row, cell in enumerate(raw):
        if cell and (free := waiting.get(cell)):
            places[row] = free.pop()
        elif not is_empty(cell):
            lost.append(row)
    loose = {_loose(one): free for one, free in waiting.items() if free} if lost else {}
    for row in lost:
        if free := loose.get(_loose(as_text(raw[row]))):
            places[row] = free.pop()
    return places


def _loose(identifier: str) -> Any:
    """Bring an id to a form that survives being taken for a number."""
    try:
        return float(identifier)
    except ValueError:
        return unicodedata.normalize("NFC", identifier.strip())


def _column(
    name: str, field: Field, raw: Sequence[Any], places: Places, sent: Sent | None, zone: ZoneInfo
) -> pd.Series[Any]:
    """Read a column, cell by cell only where it does not show what was exported."""
    if sent is None or name not in sent.cells or not len(sent.cells):
        return typed_column(pd.Series([read_cell(cell, field, zone) for cell in raw], dtype=object), field)
    known = places >= 0
    exported = sent.cells[name].take(np.where(known, places, 0)).reset_index(drop=True)
    changed = [
        place
        for place in np.flatnonzero(_unlike(raw, exported, field, zone) | ~known).tolist()
        if not known[place]
        or not (name == "id" or still_shows(raw[place], exported.iat[place], field, zone))  # rows are found by id
    ]
    if not changed:
        return exported
    cells = listed(exported)
    for place in changed:
        cells[place] = None if is_empty(raw[place]) else read_cell(raw[place], field, zone)
    return typed_column(pd.Series(cells, dtype=object), field)


def _unlike(raw: Sequence[Any], exported: pd.Series[Any], field: Field, zone: ZoneInfo) -> npt.NDArray[np.bool_]:
    """Tell which cells are not exactly what was written: most are, and nothing else needs to look at them."""
    with contextlib.suppress(ValueError, TypeError):  # a cell is of another type than the column: pyarrow's errors too
        if exported.dtype.kind == "M":
            then = local_times(exported, zone).to_numpy()
            now = pa.array([_as_time(cell) for cell in raw], pa.timestamp("us")).to_numpy(zero_copy_only=False)
            return np.asarray((then != now) & ~(np.isnat(then) & np.isnat(now)))
        if exported.dtype == "str":
            texts = pc.fill_null(pa.array(exported), "")
            return np.asarray(pc.not_equal(pa.array(raw, texts.type), texts))
    expected = ("" if cell is None else cell for cell in shown(exported, field, zone))
    return np.fromiter((old != new for old, new in zip(expected, raw, strict=True)), bool, len(raw))


def _as_time(cell: Any) -> Any:
    """Give midnight as the time that it is: calamine reads it as a day."""
    return None if cell == "" else dt.datetime.combine(cell, dt.time(0)) if type(cell) is dt.date else cell


def _unsure(frame: pd.DataFrame) -> list[tuple[Any, str, str, str]]:
    return [
        (frame.index[position], str(name), cell.value, cell.rule)
        for name in frame
        if frame[name].dtype == object
        for position, cell in enumerate(frame[name])
        if isinstance(cell, Unsure)
    ]


def _warn(frame: pd.DataFrame, unsure: Sequence[tuple[Any, str, str, str]]) -> None:
    if not unsure:
        return
    told = [f"{cell_place(frame, row, name)} {value!r} {rule}" for row, name, value, rule in unsure[:_SAID]]
    told += [f"and {len(unsure) - _SAID} more"] if unsure[_SAID:] else []
    cells = "1 cell is" if len(unsure) == 1 else f"{len(unsure)} cells are"
    message = f"{cells} not clear, correct them: {'; '.join(told)}"
    warnings.warn(message, InvalidDataWarning, stacklevel=caller_level())
