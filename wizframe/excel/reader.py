"""Read a workbook back: which sheets hold which table, what was sent, and the frames."""

from __future__ import annotations

import contextlib
import gc
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from wizframe.errors import (
    AmbiguousTableError,
    Hint,
    InvalidRequestError,
    LostBaselineWarning,
    UnreadableFileError,
    caller_level,
)
from wizframe.excel.baseline_sheet import MARK, Sent, as_it_was_sent, prepare, unpack
from wizframe.excel.cells import is_empty
from wizframe.excel.csv import even_out, read_rows
from wizframe.excel.layout import COMMAND_HEADER
from wizframe.excel.restored_values import restore
from wizframe.excel.sheet import HIDDEN
from wizframe.excel.sheet_data import Grid, Names, find_header
from wizframe.excel.workbook_file import open_workbook
from wizframe.fields import TABLES
from wizframe.planning.changes import COMMAND
from wizframe.planning.typed_frame import which_table
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wizframe.excel.restored_values import ValueMap
    from wizframe.excel.workbook_file import Book
    from wizframe.fields import Table

__all__ = ["Meaning", "Original", "frame_of", "read_delimited", "read_workbook", "what_was_sent"]

Rows = Sequence[Sequence[Any]]
Original = str | os.PathLike[str] | pd.DataFrame | Sequence[pd.DataFrame]
_TELLING = 2  # known headers: one alone may be chance


@dataclass(frozen=True)
class Meaning:
    """What the caller says about a file.

    Parameters
    ----------
    table : {'customers', 'contacts'} or None
    rename : mapping
        Header to column.
    labels : mapping
        Column to header, as they were given for the export.
    values : mapping
        Column to how its cells are translated.
    progress : bool
        Whether to show a bar.
    """

    table: str | None
    rename: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, ValueMap] = field(default_factory=dict)
    progress: bool = False

    def names(self, sent: Sent | None) -> Names:
        """Say what headers mean in a sheet.

        Parameters
        ----------
        sent : Sent or None

        Returns
        -------
        Names
        """
        table = sent.table if sent is not None else TABLES.get(self.table or "")
        tables = [table] if table is not None else list(TABLES.values())
        known = [name for one in tables for name in one.columns(details=True)]
        known += [one.parent_reference for one in tables if one.parent]
        exact = {COMMAND_HEADER: COMMAND, COMMAND: COMMAND} | {label: name for name, label in self.labels.items()}
        exact |= {header: name for name, header in ((sent and sent.headers) or {}).items()}
        return Names(exact, known, self.rename)

    def check(self, path: str | os.PathLike[str], frames: Iterable[pd.DataFrame]) -> None:
        """Refuse names of columns that no frame has.

        Parameters
        ----------
        path : path-like
            For messages.
        frames : iterable of DataFrame
            All that was read.

        Raises
        ------
        InvalidRequestError
        """
        there = [str(name) for frame in frames for name in frame]
        for header, name in self.rename.items():
            if name not in there:
                raise InvalidRequestError(f"rename: {path} has no column {header!r}, but {', '.join(there)}")
        for name in self.values:
            if name not in there:
                raise InvalidRequestError(f"values: {path} has no column {name!r}, but {', '.join(there)}")


def read_workbook(
    path: str | os.PathLike[str], *, sheet: str | None, original: Original | None, meaning: Meaning
) -> dict[str, pd.DataFrame]:
    """Read the tables of a workbook; see :func:`wizframe.read_excel`.

    Parameters
    ----------
    path, sheet, original
        As in :func:`wizframe.read_excel`.
    meaning : Meaning

    Returns
    -------
    dict of DataFrame
        By the table's name, customers first; ``""`` where nothing tells which table it is.
    """
    with _no_collecting():
        return _read(path, sheet, original, meaning)


@contextlib.contextmanager
def _no_collecting() -> Iterator[None]:
    """Let the garbage collector rest: among a million new cells it looks for rings in vain, a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(
    path: str | os.PathLike[str], sheet: str | None, original: Original | None, meaning: Meaning
) -> dict[str, pd.DataFrame]:
    book = open_workbook(path)
    sent, why = _remembered(book) if original is None else (what_was_sent(original, meaning.table), "")
    if sheet is not None and sheet not in book.visible:
        raise InvalidRequestError(f"{path} has no sheet {sheet!r}, but {', '.join(map(repr, book.visible))}")
    rows: dict[str, Rows] = {name: book.rows(name) for name in ([sheet] if sheet is not None else book.visible)}
    frames = (
        _exported(path, rows, sent, meaning, is_asked=sheet is not None) if sent else _foreign(path, rows, meaning, why)
    )
    meaning.check(path, frames.values())
    return frames


def _remembered(book: Book) -> tuple[dict[str, Sent], str]:
    """Find what was sent on the hidden sheet, whatever became of its name; where it is not there, say why."""
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
    meaning: Meaning,
    delimiter: str | None,
    encoding: str | None,
) -> pd.DataFrame:
    """Read a CSV file; see :func:`wizframe.read_csv`.

    Parameters
    ----------
    path, original, delimiter, encoding
        As in :func:`wizframe.read_csv`.
    meaning : Meaning

    Returns
    -------
    DataFrame
    """
    rows = read_rows(path, delimiter, encoding)
    if not rows:
        raise UnreadableFileError(f"{path} is empty")
    sent = None if original is None else next(iter(what_was_sent(original, meaning.table).values()))
    names = meaning.names(sent)
    header, _ = find_header(rows, names)
    even_out(path, rows, header)
    table = sent.table if sent is not None else _table_of(names.columns(rows[header]), meaning.table)
    frame = frame_of(Path(path).stem, rows, table, sent, meaning)
    meaning.check(path, [frame])
    return frame


def what_was_sent(original: Original, table: str | None) -> dict[str, Sent]:
    """Say how rows were, by the file or the frames that were sent.

    Parameters
    ----------
    original : path-like, DataFrame or sequence of DataFrame
    table : {'customers', 'contacts'} or None
        Of a frame that does not tell.

    Returns
    -------
    dict of Sent
        By the table's name.

    Raises
    ------
    InvalidRequestError
        The file does not say.
    """
    if isinstance(original, pd.DataFrame):
        original = [original]
    if isinstance(original, (str, os.PathLike)):
        if Path(original).suffix.lower() != ".xlsx":
            frame = read_delimited(original, original=None, meaning=Meaning(table), delimiter=None, encoding=None)
            sent_at = datetime.fromtimestamp(Path(original).stat().st_mtime, UTC)
            return {name: as_it_was_sent(one, sent_at) for name, one in what_was_sent(frame, table).items()}
        if sent := _remembered(open_workbook(original))[0]:
            return sent
        raise InvalidRequestError(f"{option('original', str(original))} is not a workbook that wizframe exported")
    prepared = [prepare(frame, table if len(original) == 1 else None) for frame in original]
    return {sent.table.name: sent for sent in prepared}


def _exported(
    path: str | os.PathLike[str], rows: dict[str, Rows], sent: Mapping[str, Sent], meaning: Meaning, *, is_asked: bool
) -> dict[str, pd.DataFrame]:
    """Read the tables that were sent. A sheet that was removed means nothing, like a row: an empty frame."""
    wanted = [one for name, one in sent.items() if meaning.table in (None, name)]
    found = _sheets_of(wanted, rows, meaning)
    if not found:
        columns = ", ".join(map(str, wanted[0].cells)) if wanted else meaning.table
        raise UnreadableFileError(f"{path} has no sheet with the columns that were exported: {columns}")
    frames = {}
    for one in wanted:
        name = one.table.name
        if name in found:
            frames[name] = frame_of(found[name], rows[found[name]], one.table, one, meaning)
        elif not is_asked:
            frames[name] = frame_of(one.sheet, [list((one.headers or {}).values())], one.table, one, meaning)
    return frames


def _sheets_of(wanted: Sequence[Sent], rows: Mapping[str, Rows], meaning: Meaning) -> dict[str, str]:
    """Find the sheet of each table: that of its name, else the one with the largest part of its columns."""
    fits: list[tuple[float, str, str]] = []
    for one in wanted:
        names = meaning.names(one)
        for sheet, some in rows.items():
            known = find_header(some, names)[1]
            if known >= _TELLING:
                fits.append(
                    (known / len(one.headers or one.cells.columns) + (sheet == one.sheet), one.table.name, sheet)
                )
    found: dict[str, str] = {}
    for fit, table, sheet in sorted(fits, key=lambda given: -given[0]):
        if table not in found and sheet not in found.values():
            equal = [other for same, name, other in fits if (same, name) == (fit, table)]
            if len(equal) > 1:
                which = Hint("Give the one you mean with sheet=.", "Delete all but one of them.")
                raise AmbiguousTableError(f"the sheets {', '.join(map(repr, equal))} look alike", hint=which)
            found[table] = sheet
    return found


def _foreign(
    path: str | os.PathLike[str], rows: Mapping[str, Rows], meaning: Meaning, why: str
) -> dict[str, pd.DataFrame]:
    """Read the tables of a workbook that says nothing about itself."""
    names = meaning.names(None)
    scores = {sheet: find_header(some, names) for sheet, some in rows.items() if some}
    likely = {sheet: header for sheet, (header, score) in scores.items() if score >= _TELLING or len(scores) == 1}
    found: dict[str, list[str]] = {}
    for sheet, header in likely.items():
        table = _table_of(names.columns(rows[sheet][header]), meaning.table)
        found.setdefault(table.name if table else "", []).append(sheet)
    if not found or any(len(sheets) > 1 for sheets in found.values()) or ("" in found and len(found) > 1):
        shown = ", ".join(map(repr, rows))
        which = Hint("Give the one you mean with sheet=.", "Delete all but one of them.")
        raise AmbiguousTableError(f"{path} has the sheets {shown}, and nothing says which one is meant", hint=which)
    frames = {}
    for name in sorted(found, reverse=True):  # customers first
        sheet = found[name][0]
        cells = [["" if is_empty(cell) else cell for cell in row] for row in rows[sheet]]
        frame = frame_of(sheet, cells, TABLES.get(name), None, meaning)
        if {"id", "updated_at"} <= {*frame.columns}:
            sent_file = Hint("original='…'", "--original FILE")
            message = (
                f"{path} does not say how its rows were when they were exported ({why}), so edits are compared with "
                f"the records as they are now: give the file as it was sent, {sent_file}"
            )
            warnings.warn(message, LostBaselineWarning, stacklevel=caller_level())
        frames[name] = frame
    return frames


def _table_of(columns: Sequence[str | None], said: str | None) -> Table | None:
    try:
        return which_table(pd.DataFrame(columns=[name for name in columns if name]), said, None)
    except AmbiguousTableError:
        return None


def frame_of(sheet: str, rows: Rows, table: Table | None, sent: Sent | None, meaning: Meaning) -> pd.DataFrame:
    """Make a frame of the rows of a sheet.

    Parameters
    ----------
    sheet : str
    rows : sequence of sequence
        All of them, with the header somewhere among the first.
    table : Table or None
    sent : Sent or None
    meaning : Meaning

    Returns
    -------
    DataFrame
    """
    names = meaning.names(sent)
    header, _ = find_header(rows, names)
    grid = Grid.of(sheet, rows, header)
    names.check(grid)
    columns = names.columns(grid.headers)
    return restore(grid, columns, table, sent, values=meaning.values, progress=meaning.progress)
