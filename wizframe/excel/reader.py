"""Read a workbook or a CSV file: find the sheet of each table, and make its frame.

A cell that still shows the exported value keeps that value. Only the other cells are read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.errors import (
    AmbiguousTableError,
    Hint,
    InvalidDataWarning,
    InvalidRequestError,
    LostBaselineWarning,
    UnreadableFileError,
    caller_level,
)
from wizframe.excel.baseline_sheet import (
    MARK,
    Export,
    export_of,
    field_of,
    typed_column,
    unpack,
    with_loaded_cells,
)
from wizframe.excel.cells import as_number, as_text, is_empty, read_cell, still_shows
from wizframe.excel.csv import pad_rows, read_rows
from wizframe.excel.dates import find_zone
from wizframe.excel.layout import COMMAND_HEADER, listed, local_times, shown, zone_of
from wizframe.excel.sheet_data import HeaderNames, SheetData, find_header, letters
from wizframe.excel.workbook_file import open_workbook
from wizframe.excel.writer import HIDDEN
from wizframe.fields import COMMAND, TABLES
from wizframe.frames.baselines import attach
from wizframe.frames.build import Unsure
from wizframe.frames.problems import LETTERS, Letters, cell_place, problems_frame
from wizframe.planning.table_choice import which_table
from wizframe.progress import bar
from wizframe.text import counted, option, plural

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    import numpy.typing as npt

    from wizframe.excel.workbook_file import Book
    from wizframe.fields import Field, Table

    Places = npt.NDArray[np.intp]

__all__ = ["Original", "ReadOptions", "ValueMap", "exports_of", "read_delimited", "read_tables", "read_workbook"]

Rows = Sequence[Sequence[Any]]
Original = str | os.PathLike[str] | pd.DataFrame | Sequence[pd.DataFrame]
#: The caller's translation of a column: a mapping from the text in the file to a value, or a function of the cell.
ValueMap = Mapping[str, Any] | Callable[[Any], Any]
# A sheet holds a table if it has at least so many known headers, because a single one may be a coincidence.
_MIN_KNOWN = 2
# The most cells that a warning lists.
_LISTED = 5


@dataclass(frozen=True)
class ReadOptions:
    """The caller's options for reading a file."""

    table: str | None
    rename: Mapping[str, str] = field(default_factory=dict)  # header to column
    labels: Mapping[str, str] = field(default_factory=dict)  # column to header, as in the export
    translations: Mapping[str, ValueMap] = field(default_factory=dict)  # column to the meaning of its cells
    progress: bool = False

    def names(self, export: Export | None) -> HeaderNames:
        """Return the meaning of a sheet's headers."""
        table = export.table if export is not None else TABLES.get(self.table or "")
        tables = [table] if table is not None else list(TABLES.values())
        known = [name for one in tables for name in one.columns(details=True)]
        known += [one.parent_reference for one in tables if one.parent]
        exact = {COMMAND_HEADER: COMMAND, COMMAND: COMMAND} | {label: name for name, label in self.labels.items()}
        exact |= {header: name for name, header in ((export and export.headers) or {}).items()}
        return HeaderNames(exact, known, self.rename)

    def check(self, path: str | os.PathLike[str], tables: Iterable[_TableData]) -> None:
        """Reject names of columns that no table has."""
        found = list(tables)
        names = [name for one in found for name in one.names]
        for header, name in self.rename.items():
            if name not in names:
                headers = ", ".join(str(text) for one in found for text in one.data.headers if str(text).strip())
                raise InvalidRequestError(
                    f"rename: {path} has no column {header!r}", hint=f"Its headers are {headers}."
                )
        for name in self.translations:
            if name not in names:
                raise InvalidRequestError(
                    f"values: {path} has no column {name!r}", hint=f"Its columns are {', '.join(names)}."
                )


@dataclass(frozen=True)
class _TableData:
    """The data of one table, before its cells are read."""

    data: SheetData
    columns: list[str | None]  # the table's column for each header; None for a column that the user added
    names: list[str]  # of the frame's columns
    table: Table | None
    export: Export | None


def read_workbook(
    path: str | os.PathLike[str], *, sheet: str | None, original: Original | None, options: ReadOptions
) -> dict[str, pd.DataFrame]:
    """Read the tables of a workbook; see :func:`wizframe.read_excel`."""
    book = open_workbook(path)
    exports, why = _hidden_exports(book) if original is None else (exports_of(original, options.table), "")
    if sheet is not None and sheet not in book.visible:
        raise InvalidRequestError(
            f"{path} has no sheet {sheet!r}", hint=f"Its sheets are {', '.join(map(repr, book.visible))}."
        )
    rows = {name: book.rows(name) for name in ([sheet] if sheet is not None else book.visible)}
    return read_tables(path, rows, exports, options, why, is_chosen=sheet is not None)


def _hidden_exports(book: Book) -> tuple[dict[str, Export], str]:
    """Read the hidden sheet, whatever its name is; if that is impossible, return the reason."""
    names = [name for name in (*book.hidden, *book.visible) if name == HIDDEN] or book.hidden
    for name in names:
        lines = [str(row[0]) for row in book.rows(name) if row and not is_empty(row[0])]
        if lines and lines[0].startswith(MARK):
            return unpack(lines) or {}, "its hidden sheet was changed"
    return {}, "it has no hidden sheet"


def read_delimited(
    path: str | os.PathLike[str],
    *,
    original: Original | None,
    options: ReadOptions,
    delimiter: str | None,
    encoding: str | None,
) -> pd.DataFrame:
    """Read a CSV file; see :func:`wizframe.read_csv`."""
    rows = read_rows(path, delimiter, encoding)
    if not rows:
        raise UnreadableFileError(f"{path} is empty")
    export = None if original is None else next(iter(exports_of(original, options.table).values()))
    names = options.names(export)
    header, _ = find_header(rows, names)
    pad_rows(path, rows, header)
    table = export.table if export is not None else _table_of(names.columns(rows[header]), options.table)
    found = _table_data(Path(path).stem, rows, table, export, options)
    options.check(path, [found])
    return _restored(found, options)


def exports_of(original: Original, table: str | None) -> dict[str, Export]:
    """Return the exports of the file or the frames that were sent, keyed by table name."""
    if isinstance(original, pd.DataFrame):
        original = [original]
    if isinstance(original, (str, os.PathLike)):
        if Path(original).suffix.lower() != ".xlsx":
            frame = read_delimited(original, original=None, options=ReadOptions(table), delimiter=None, encoding=None)
            sent_at = dt.datetime.fromtimestamp(Path(original).stat().st_mtime, dt.UTC)
            return {name: with_loaded_cells(one, sent_at) for name, one in exports_of(frame, table).items()}
        if exports := _hidden_exports(open_workbook(original))[0]:
            return exports
        raise InvalidRequestError(f"{option('original', str(original))} is not a workbook that wizframe wrote")
    prepared = [export_of(frame, table if len(original) == 1 else None) for frame in original]
    return {export.table.name: export for export in prepared}


def read_tables(
    path: str | os.PathLike[str],
    rows: Mapping[str, Rows],
    exports: Mapping[str, Export],
    options: ReadOptions,
    why: str = "",
    *,
    is_chosen: bool = False,
) -> dict[str, pd.DataFrame]:
    """Make frames of the rows of sheets, keyed by table name; the key is ``""`` if the table is unknown.

    ``why`` is the reason why there are no exports. ``is_chosen`` is True if the caller chose the sheet.
    """
    if exports:
        found = _exported_tables(path, rows, exports, options, is_chosen=is_chosen)
    else:
        found = _foreign_tables(path, rows, options, why)
    options.check(path, found.values())
    return {name: _restored(one, options) for name, one in found.items()}


def _exported_tables(
    path: str | os.PathLike[str],
    rows: Mapping[str, Rows],
    exports: Mapping[str, Export],
    options: ReadOptions,
    *,
    is_chosen: bool,
) -> dict[str, _TableData]:
    """Find the exported tables. A removed sheet is ignored, like a removed row: its frame is empty."""
    wanted = [one for name, one in exports.items() if options.table in (None, name)]
    sheets = _sheets_of(wanted, rows, options)
    if not sheets:
        columns = ", ".join(map(str, wanted[0].cells)) if wanted else options.table
        raise UnreadableFileError(f"{path} has no sheet with the exported columns: {columns}")
    found = {}
    for one in wanted:
        name = one.table.name
        if name in sheets:
            found[name] = _table_data(sheets[name], rows[sheets[name]], one.table, one, options)
        elif not is_chosen:
            found[name] = _table_data(one.sheet, [list((one.headers or {}).values())], one.table, one, options)
    return found


def _sheets_of(wanted: Sequence[Export], rows: Mapping[str, Rows], options: ReadOptions) -> dict[str, str]:
    """Find the sheet of each table: the one with its name, else the one with the largest part of its columns."""
    fits: list[tuple[float, str, str]] = []
    for one in wanted:
        names = options.names(one)
        for sheet, some in rows.items():
            known = find_header(some, names)[1]
            if known >= _MIN_KNOWN:
                # A sheet with the exported name wins over every part of the columns, which is at most 1.
                part = known / len(one.headers or one.cells.columns)
                fits.append((part + (sheet == one.sheet), one.table.name, sheet))
    found: dict[str, str] = {}
    for fit, table, sheet in sorted(fits, key=lambda given: -given[0]):
        if table not in found and sheet not in found.values():
            equal = [other for same, name, other in fits if (same, name) == (fit, table)]
            if len(equal) > 1:
                which = Hint("Choose one of them with sheet=.", "Delete all but one of them.")
                raise AmbiguousTableError(
                    f"the sheets {', '.join(map(repr, equal))} match {table} equally well", hint=which
                )
            found[table] = sheet
    return found


def _foreign_tables(
    path: str | os.PathLike[str], rows: Mapping[str, Rows], options: ReadOptions, why: str
) -> dict[str, _TableData]:
    """Find the tables of a workbook without a hidden sheet, customers first."""
    names = options.names(None)
    scores = {sheet: find_header(some, names) for sheet, some in rows.items() if some}
    likely = {sheet: header for sheet, (header, score) in scores.items() if score >= _MIN_KNOWN or len(scores) == 1}
    sheets: dict[str, list[str]] = {}
    for sheet, header in likely.items():
        table = _table_of(names.columns(rows[sheet][header]), options.table)
        sheets.setdefault(table.name if table else "", []).append(sheet)
    if not sheets or any(len(some) > 1 for some in sheets.values()) or ("" in sheets and len(sheets) > 1):
        listed = ", ".join(map(repr, rows))
        which = Hint("Choose one of them with sheet=.", "Delete all but one of them.")
        raise AmbiguousTableError(f"{path} has the sheets {listed}, and it is unclear which one to read", hint=which)
    found = {}
    for name in [name for name in (*TABLES, "") if name in sheets]:
        sheet = sheets[name][0]
        # Without an export it is unknown whether a cell had spaces before, so cells with only spaces are blank.
        cells = [["" if is_empty(cell) else cell for cell in row] for row in rows[sheet]]
        found[name] = _table_data(sheet, cells, TABLES.get(name), None, options)
        if {"id", "updated_at"} <= {*found[name].columns}:
            sent_file = Hint("original='…'", "--original FILE")
            message = (
                f"{path} does not contain the exported values of its rows ({why}), so edits are compared with the "
                f"current records. To compare with the exported values, pass the file as it was sent: {sent_file}"
            )
            warnings.warn(message, LostBaselineWarning, stacklevel=caller_level())
    return found


def _table_of(columns: Sequence[str | None], given: str | None) -> Table | None:
    try:
        return which_table(pd.DataFrame(columns=[name for name in columns if name]), given, None)
    except AmbiguousTableError:
        return None


def _table_data(sheet: str, rows: Rows, table: Table | None, export: Export | None, options: ReadOptions) -> _TableData:
    """Find the header among the first rows of a sheet, and the columns that it names."""
    names = options.names(export)
    data = SheetData.below(sheet, rows, find_header(rows, names)[0])
    columns = names.columns(data.headers)
    data.check(columns)
    return _TableData(data, columns, _unique_names(data, columns), table, export)


def _restored(found: _TableData, options: ReadOptions) -> pd.DataFrame:
    """Make the frame of a table, with the baseline of its export.

    A column is typed if all its cells are valid. The index labels are the row numbers of the sheet.
    """
    data, export = found.data, found.export
    places = np.full(len(data.rows), -1)
    if export is not None and "id" in found.names and "id" in export.cells:
        places = _places(data.columns[found.names.index("id")], export)
    read: dict[str, pd.Series[Any]] = {}
    with bar("columns", enabled=options.progress, total=len(found.names)) as show:
        for number, name in enumerate(found.names):
            known, raw, header = found.columns[number], data.columns[number], data.headers[number]
            cells = _translated(raw, options.translations[name]) if name in options.translations else raw
            field = _field(found.table, name) if known else None
            if field is not None:
                zone = find_zone(zone_of(header) or (export.zone if export is not None else "UTC"))
                read[name] = _column(name, field, cells, places, export, zone)
            elif known or str(header).strip() or not all(map(is_empty, cells)):
                given = [None if is_empty(cell) else cell for cell in cells]
                given = [cell and as_text(cell).strip() for cell in given] if name == COMMAND else given
                read[name] = pd.Series(given, dtype=object).infer_objects()
            show(number + 1, None)
    if COMMAND in read and read[COMMAND].isna().all():
        del read[COMMAND]
    frame = pd.DataFrame(read, index=pd.RangeIndex(len(data.rows)))
    frame.index = pd.Index(data.rows, name=f"{data.sheet}!", dtype="int64")
    frame.attrs[LETTERS] = Letters({name: letters(number) for number, name in enumerate(found.names)})
    problems = _unclear_cells(frame)
    if export is not None and export.baseline is not None:
        attach(frame, dataclasses.replace(export.baseline, problems=problems))
    return frame


def _unique_names(data: SheetData, columns: Sequence[str | None]) -> list[str]:
    """Return a unique name for every column. A column that the user added is named by its header, or by its letters."""
    names: dict[str, None] = {}
    known = set(columns)
    for place, (column, header) in enumerate(zip(columns, data.headers, strict=True)):
        name = column or str(header).strip() or f"column {letters(place)}"
        while name in names or (not column and name in known):
            name = f"{name} ({letters(place)})"
        names[name] = None
    return list(names)


def _field(table: Table | None, name: str) -> Field | None:
    if table is not None:
        return field_of(table, name)
    return next((field for one in TABLES.values() if (field := field_of(one, name))), None)


def _translated(raw: Sequence[Any], how: ValueMap) -> list[Any]:
    if not isinstance(how, Mapping):
        return [how(cell) for cell in raw]
    meanings = {value: value for value in how.values()} | dict(how)  # a cell may already contain the meaning

    def translate(text: str) -> Any:
        return meanings.get(text, Unsure(text, "is not among the values= of this column: add it"))

    return [cell if is_empty(cell) else translate(as_text(cell)) for cell in raw]


def _places(raw: Sequence[Any], export: Export) -> Places:
    """Return, for each row of the sheet, the row in the export with the same id; -1 if there is none.

    If the export has a record twice, its first row in the sheet is its first row in the export, and so on.
    """
    ids = export.cells["id"].fillna("").tolist()
    if list(raw) == ids:  # usually the rows are in the exported order
        return np.arange(len(ids))
    waiting: dict[Any, list[int]] = {}
    for place in range(len(export.cells) - 1, -1, -1):
        waiting.setdefault(ids[place], []).append(place)
    places = np.full(len(raw), -1)
    lost = []
    for row, cell in enumerate(raw):
        if cell and (free := waiting.get(cell)):
            places[row] = free.pop()
        elif not is_empty(cell):
            lost.append(row)
    # A program may have converted ids to numbers. 00123 and 123 are the same number, so neither row can be found then.
    loose: dict[Any, list[list[int]]] = {}
    for one, free in waiting.items() if lost else ():
        if free:
            loose.setdefault(_loose(one), []).append(free)
    for row in lost:
        candidates = loose.get(_loose(as_text(raw[row])), [])
        if len(candidates) == 1 and candidates[0]:
            places[row] = candidates[0].pop()
    return places


def _loose(identifier: str) -> Any:
    """Return a form of an id that stays the same if a program converts the id to a number."""
    number = as_number(identifier)
    return unicodedata.normalize("NFC", identifier.strip()) if number is None else number


def _column(
    name: str, field: Field, raw: Sequence[Any], places: Places, export: Export | None, zone: ZoneInfo
) -> pd.Series[Any]:
    """Read a column. Only cells that differ from what was written are checked one by one."""
    if export is None or name not in export.cells or not len(export.cells):
        return typed_column(pd.Series([read_cell(cell, field, zone) for cell in raw], dtype=object), field)
    known = places >= 0
    # take() needs a place for every row. The rows without one are read below, so their value here does not matter.
    exported = export.cells[name].take(np.where(known, places, 0)).reset_index(drop=True)
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
    """Return which cells differ from what was written. Usually these are few."""
    with contextlib.suppress(ValueError, TypeError):  # also pyarrow's errors for a cell of another type
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
    """Return midnight as a time, because calamine reads it as a date."""
    return None if cell == "" else dt.datetime.combine(cell, dt.time(0)) if type(cell) is dt.date else cell


def _unclear_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """List the ambiguous cells as problems, and warn about them."""
    unclear = [
        (frame.index[position], str(name), cell.value, cell.rule)
        for name in frame
        if frame[name].dtype == object
        for position, cell in enumerate(frame[name])
        if isinstance(cell, Unsure)
    ]
    if unclear:
        listed = [f"{cell_place(frame, row, name)} {value!r} {rule}" for row, name, value, rule in unclear[:_LISTED]]
        listed += [f"and {len(unclear) - _LISTED} more"] if unclear[_LISTED:] else []
        cells = f"{counted(len(unclear), 'cell')} {plural(len(unclear), 'is', 'are')}"
        message = f"{cells} not clear. Correct {plural(len(unclear), 'it', 'them')}: {'; '.join(listed)}"
        warnings.warn(message, InvalidDataWarning, stacklevel=caller_level())
    return problems_frame(unclear)
