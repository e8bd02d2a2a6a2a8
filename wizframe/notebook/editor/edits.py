"""A frame that is edited cell by cell, from strings that a user types or pastes. No widgets, and nothing is sent.

A string that is not valid for its column is kept and marked, so no edit is lost silently. Every edit can be undone.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from wizframe.errors import PlanError
from wizframe.frames.arrow import TEXTS
from wizframe.frames.baselines import attached
from wizframe.frames.build import SUPERSEDED, column, is_blank, pandas_dtype, read_cells
from wizframe.notebook.editor.marks import Marker
from wizframe.notebook.html import typed_text
from wizframe.planning.changes import CLEAR, COMMAND, DELETE
from wizframe.planning.commands import is_clear, is_delete
from wizframe.planning.table_choice import which_table
from wizframe.planning.typed_frame import type_frame
from wizframe.pushing.frame_update import set_cells
from wizframe.text import counted, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from wizframe.notebook.editor.marks import Mark

__all__ = ["FILTERS", "MAX_CELLS", "EditResult", "EditedFrame", "Typed"]

#: The most cells of one paste: so many cells keep the kernel busy for 15 seconds.
MAX_CELLS = 100_000
#: The choices of the filter above the grid.
FILTERS = ("all rows", "edited", "wrong", "new", "to delete")
# A column with more different values has no drop-down list, because a longer list is not faster than typing.
_MAX_SUGGESTIONS = 25


class Typed(NamedTuple):
    """A string that the user typed into a cell."""

    position: int
    name: Any
    text: str


class _CellEdit(NamedTuple):
    position: int
    name: Any
    before: Any
    after: Any


@dataclass(frozen=True)
class _Step:
    """One step of undo. It first adds rows at the end, then sets cells, then removes rows."""

    added: int = 0
    cells: tuple[_CellEdit, ...] = ()
    removed: tuple[int, ...] = ()
    rows: pd.DataFrame | None = None  # the removed rows


@dataclass(frozen=True)
class EditResult:
    """The result of an edit, for the browser."""

    positions: frozenset[int] = field(default_factory=frozenset)  # of the rows that may look different now
    message: str = ""
    is_reset: bool = False  # whether rows were added, removed or moved


class EditedFrame:
    """A frame of one table that is edited in place."""

    def __init__(self, frame: pd.DataFrame, table: str | None = None, columns: Sequence[str] | None = None) -> None:
        self.table = which_table(frame, table, attached(frame))
        type_frame(frame.iloc[:0], self.table)  # raises an error if the frame cannot be planned
        lacking = [name for name in columns or () if name not in frame]
        if lacking:
            raise PlanError(f"columns={lacking}: the frame does not have these columns")
        self.frame = frame
        self.columns: list[Any] = [name for name in columns or frame.columns if name != COMMAND]
        self._dtypes = frame.dtypes.to_dict()
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self.read()

    def __len__(self) -> int:
        return len(self.frame)

    def read(self) -> None:
        """Read the frame again, after a push or after edits in code."""
        self._index = self.frame.index
        self._marker = Marker(self.frame, self.table)
        self.edited = self._marker.edited(self.frame, range(len(self.frame)))
        self.wrong: set[tuple[int, Any]] = set()
        new = {position for position in range(len(self.frame)) if self.is_new(position)}
        self._check_cells(new | {position for position, _ in self.edited})

    def _check_cells(self, touched: Iterable[int]) -> None:
        """Find again which cells of these rows are edited, and which are wrong."""
        positions = sorted(touched)
        rows = set(positions)
        self.edited = {cell for cell in self.edited if cell[0] not in rows}
        self.wrong = {cell for cell in self.wrong if cell[0] not in rows}
        if not positions:
            return
        self.edited |= self._marker.edited(self.frame, positions)
        for position, marks in zip(positions, self.marks(positions), strict=True):
            self.wrong |= {(position, name) for name, mark in marks.items() if mark.state == "wrong"}

    def marks(self, positions: Sequence[int]) -> list[dict[str, Mark]]:
        """Return the marks for the given rows, keyed by column."""
        return self._marker.marks(self.frame, positions)

    def is_new(self, position: int) -> bool:
        """Return whether the row has no record yet."""
        return self._marker.is_new(position)

    def is_to_delete(self, position: int) -> bool:
        """Return whether a push would delete the row's record."""
        return COMMAND in self.frame and is_delete(self.frame[COMMAND].iat[position])

    def counts(self) -> tuple[int, int]:
        """Count the rows that have no record yet, and the rows with a record to delete."""
        to_delete = 0
        if COMMAND in self.frame:
            to_delete = sum(map(is_delete, self.frame[COMMAND]))
        return self._marker.count_new(), to_delete

    def lock(self, name: Any, position: int | None = None) -> str:
        """Say why a cell cannot be edited; empty if it can. Without a position: a cell of a row that has a record."""
        table = self.table
        if table.parent and name in table.parent_columns:
            is_free = position is not None and self.is_new(position)
            return "" if is_free else f"fixed: {table.name} cannot move to another {table.parent.singular}"
        if name not in table:
            return "a column that you added: it is never sent"
        return "" if table[name].writable else "read-only: the service sets it"

    def find(self, text: str = "", limit_to: str = FILTERS[0], by: Any = None, *, ascending: bool = True) -> list[int]:
        """Return the positions of the rows to show, in the order to show them. The frame keeps its own order."""
        positions = np.flatnonzero(self._contains(text) & self._passes(limit_to))
        if by is None:
            return list(map(int, positions))
        values = self.frame[by].iloc[positions].reset_index(drop=True)
        if by in self.table:
            values, _ = column(values, self.table[by])
        if values.dtype.kind == "O" or isinstance(values.dtype, pd.StringDtype):
            values = values.str.casefold()
        order = values.sort_values(ascending=ascending, kind="stable", na_position="last").index
        return list(map(int, positions[order.to_numpy()]))

    def _contains(self, text: str) -> npt.NDArray[np.bool_]:
        found = np.full(len(self), fill_value=not text)
        for name in self.columns if text else ():
            texts = pd.Series([typed_text(value) for value in self.frame[name]], dtype=TEXTS)
            found |= texts.str.contains(text, case=False, regex=False).to_numpy(dtype=bool)
        return found

    def _passes(self, limit_to: str) -> npt.NDArray[np.bool_]:
        passes = np.full(len(self), fill_value=limit_to == FILTERS[0])
        if limit_to in ("edited", "wrong"):
            cells = self.edited if limit_to == "edited" else self.wrong
            passes[[position for position, _ in cells]] = True
        elif limit_to in ("new", "to delete"):
            is_so = self.is_new if limit_to == "new" else self.is_to_delete
            passes[[position for position in range(len(self)) if is_so(position)]] = True
        return passes

    def suggestions(self, name: Any) -> list[str]:
        """List the values of a column with few different values, the most frequent first. Users may type others."""
        if name not in self.table or self.lock(name) or self.table[name].format or self.table[name].kind != "text":
            return []
        texts = [str(text) for text in self.frame[name].map(typed_text).value_counts().index if text]
        # A column in which most values differ, such as names, is not a choice.
        return texts if len(texts) <= min(_MAX_SUGGESTIONS, len(self) / 3) else []

    def edit(self, cells: Iterable[Typed]) -> EditResult:
        """Write typed strings into cells. An empty string clears a cell that was not blank."""
        self._check_rows()
        return self._put(list(cells), is_pasted=False)

    def paste(
        self, rows: Sequence[int], names: Sequence[Any], text: str, *, height: int = 1, width: int = 1
    ) -> EditResult:
        """Write a block from a spreadsheet into the rows and columns that begin at the selected cell.

        A single value fills the selection of ``height`` × ``width`` cells. If a block begins in a new row and needs
        more rows, they are added. An empty cell of a block may be an accident, so it does not clear the record's value:
        the cell becomes blank, and a blank cell is not sent.
        """
        self._check_rows()
        block = _block(text)
        count = sum(map(len, block))
        if count > MAX_CELLS:
            limit = f"(allowed: at most {MAX_CELLS:,}). Read the file with wizframe.read_excel() instead."
            return EditResult(message=f"Nothing was pasted: the block has {count:,} cells {limit}")
        if count == 1:
            block = [block[0] * width] * height
        added = 0
        if len(block) > len(rows) and rows and self.is_new(rows[0]) and rows[-1] == len(self) - 1:
            added = len(block) - len(rows)
            self._append(added)
            rows = [*rows, *range(len(self) - added, len(self))]
        cells = [
            Typed(position, name, typed)
            for position, line in zip(rows, block, strict=False)
            for name, typed in zip(names, line, strict=False)
        ]
        too_wide = max(map(len, block), default=0) - len(names)
        messages = [
            _not_pasted(len(block) - len(rows), "row", "below"),
            _not_pasted(too_wide, "column", "to the right"),
        ]
        result = self._put(cells, is_pasted=True, added=added)
        message = " ".join(filter(None, [*messages, result.message]))
        return replace(result, message=message, is_reset=bool(added))

    def _put(self, cells: Sequence[Typed], *, is_pasted: bool, added: int = 0) -> EditResult:
        by_column: dict[Any, list[Typed]] = defaultdict(list)
        locked: dict[str, int] = defaultdict(int)
        for cell in cells:
            why = self.lock(cell.name, cell.position)
            if not why:
                by_column[cell.name].append(cell)
            elif cell.text != typed_text(self.frame[cell.name].iat[cell.position]):
                locked[f"{cell.name} is {why}"] += 1
        edits = [one for name, typed in by_column.items() for one in self._edits(name, typed, is_pasted=is_pasted)]
        if edits or added:
            self._do(_Step(added, tuple(edits)))
        messages = [
            f"{counted(count, 'cell')} {plural(count, 'was', 'were')} not changed, because {why}."
            for why, count in locked.items()
        ]
        return EditResult(frozenset(one.position for one in edits), " ".join(messages))

    def _edits(self, name: Any, cells: Sequence[Typed], *, is_pasted: bool) -> Iterator[_CellEdit]:
        """Convert strings to the values of a column, and leave out cells that do not change."""
        of = self.table.field_of(name)
        if of is None:  # cannot happen: columns that the user added are locked
            return
        values = [value for value, _ in read_cells([cell.text for cell in cells], of)]
        for cell, value in zip(cells, values, strict=True):
            before = self.frame[name].iat[cell.position]
            after = CLEAR if is_clear(cell.text) else value
            can_be_cleared = not self.is_new(cell.position) and not self._marker.was_blank(cell.position, name)
            if not cell.text and not is_pasted and can_be_cleared:
                after = CLEAR
            if typed_text(before) != typed_text(after):
                yield _CellEdit(cell.position, name, before, after)

    def add(self, sibling: int | None = None) -> EditResult:
        """Add a row for a new record at the end, with the same parent as the row at the position ``sibling``."""
        self._check_rows()
        self._append(1)
        cells = []
        parent_id = self.table.parent_id
        if sibling is not None and parent_id and parent_id in self.frame:
            parent = self.frame[parent_id].iat[sibling]
            cells = [_CellEdit(len(self) - 1, parent_id, None, parent)] * (not is_blank(parent))
        self._do(_Step(1, tuple(cells)))
        return EditResult(frozenset([len(self) - 1]), "A row was added. Fill in its cells.", is_reset=True)

    def _append(self, count: int) -> None:
        index, known = self.frame.index, len(self)
        if index.nlevels > 1 or set(index.names) & {"reference_id", *self.table.key_columns}:
            raise PlanError(
                f"a row cannot be added, because the frame's index holds columns of {self.table.name}",
                hint="Call frame.reset_index() and edit the frame that it returns.",
            )
        grown = self.frame.reset_index(drop=True).reindex(range(known + count))
        grown.index = index.append(pd.Index(_new_labels(index, count))).rename(index.name)
        self._replace_frame(grown, [*range(known), *[-1] * count])

    def delete(self, positions: Iterable[int], *, is_to_delete: bool = True) -> EditResult:
        """Mark records for deletion, or unmark them. A row that has no record yet is removed from the frame."""
        self._check_rows()
        rows = [position for position in sorted(positions) if self.is_to_delete(position) != is_to_delete]
        removed = tuple(position for position in rows if self.is_new(position))
        if COMMAND not in self.frame and len(rows) > len(removed):
            self.frame[COMMAND] = pd.Series(np.nan, index=self.frame.index, dtype=TEXTS)
        after = DELETE if is_to_delete else None
        cells = [
            _CellEdit(position, COMMAND, self.frame[COMMAND].iat[position], after)
            for position in rows
            if position not in removed
        ]
        if rows:
            self._do(_Step(cells=tuple(cells), removed=removed, rows=self.frame.iloc[list(removed)].copy()))
        return EditResult(frozenset(one.position for one in cells), is_reset=bool(removed))

    def _do(self, step: _Step) -> None:
        self._done.append(step)
        self._undone.clear()
        self._set((one.position, one.name, one.after) for one in step.cells)
        self._check_cells({one.position for one in step.cells} | set(range(len(self) - step.added, len(self))))
        if step.removed:
            self._remove(step.removed)

    def _remove(self, positions: Iterable[int]) -> None:
        removed = set(positions)
        kept = [position for position in range(len(self)) if position not in removed]
        self._replace_frame(self.frame.iloc[kept].copy(), kept)

    def _put_back(self, positions: Sequence[int], rows: pd.DataFrame) -> None:
        places = np.full(len(self) + len(positions), -1)
        is_kept = np.ones(len(places), dtype=bool)
        is_kept[list(positions)] = False
        places[is_kept] = np.arange(len(self))
        both = pd.concat([self.frame, rows])
        order = np.where(is_kept, places, len(self) + np.cumsum(~is_kept) - 1)
        self._replace_frame(both.iloc[order].copy(), places.tolist())
        self._check_cells(positions)

    def _replace_frame(self, frame: pd.DataFrame, places: list[int]) -> None:
        """Continue with a frame that has other rows; ``places`` has each row's old position, or -1 for a new row."""
        frame.attrs = self.frame.attrs
        # A plan of the old frame must not be pushed any more, because it does not contain the new rows.
        self.frame.attrs[SUPERSEDED] = "rows were added or removed in the editing grid; plan the grid's frame"
        self.frame, self._index = frame, frame.index
        self._marker.move_rows(places)
        now = {former: position for position, former in enumerate(places)}
        self.edited = {(now[position], name) for position, name in self.edited if position in now}
        self.wrong = {(now[position], name) for position, name in self.wrong if position in now}

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self._undone)

    def undo(self) -> EditResult:
        """Undo the last step."""
        self._check_rows()
        if not self._done:
            return EditResult(message="There is nothing to undo.")
        step = self._done.pop()
        self._undone.append(step)
        if step.rows is not None and step.removed:
            self._put_back(step.removed, step.rows)
        self._set((one.position, one.name, one.before) for one in step.cells)
        if step.added:
            self._remove(range(len(self) - step.added, len(self)))
        touched = {one.position for one in step.cells if one.position < len(self)}
        self._check_cells(touched)
        return EditResult(frozenset(touched), "Undone.", is_reset=bool(step.added or step.removed))

    def redo(self) -> EditResult:
        """Redo the step that was undone last."""
        self._check_rows()
        if not self._undone:
            return EditResult(message="There is nothing to redo.")
        *left, step = self._undone
        if step.added:
            self._append(step.added)
        self._do(step)
        self._undone = left
        touched = frozenset(one.position for one in step.cells)
        return EditResult(touched, "Redone.", is_reset=bool(step.added or step.removed))

    def _set(self, cells: Iterable[tuple[int, Any, Any]]) -> None:
        by_column: dict[Any, dict[int, Any]] = defaultdict(dict)
        for position, name, value in cells:
            by_column[name][position] = value
        for name, values in by_column.items():
            set_cells(self.frame, name, np.array(list(values), dtype=np.intp), list(values.values()))
            self._restore_dtype(name)

    def _restore_dtype(self, name: Any) -> None:
        """Restore a column's dtype when all its cells fit it again."""
        if name not in self.table or self.frame[name].dtype == self._dtypes.get(name):
            return
        typed, misfits = column(self.frame[name], self.table[name])
        if self._dtypes.get(name) == pandas_dtype(self.table[name]) and not misfits:
            self.frame[name] = typed

    def _check_rows(self) -> None:
        """Raise an error if the frame's rows changed outside the grid: a push updates them, and code may move them."""
        if not self.frame.index.equals(self._index):
            self._done, self._undone = [], []
            self.read()
            raise PlanError(
                "nothing was edited, because rows of the frame were added, removed or moved outside the grid",
                hint="The grid shows the current rows now. Edit them again.",
            )
        if attached(self.frame) is not self._marker.baseline:
            self.read()


def _not_pasted(count: int, noun: str, where: str) -> str:
    if count <= 0:
        return ""
    return f"{counted(count, noun)} {plural(count, 'was', 'were')} not pasted: the grid has no more {noun}s {where}."


def _block(text: str) -> list[list[str]]:
    """Split the text of a clipboard into rows and cells. A spreadsheet quotes cells that contain tabs or line ends."""
    if not any(mark in text for mark in "\t\r\n"):
        return [[text]]
    lines = io.StringIO(text.removesuffix("\n").removesuffix("\r"), newline="")
    try:
        return [line or [""] for line in csv.reader(lines, "excel-tab")]
    except csv.Error as error:
        raise PlanError(f"nothing was pasted, because the clipboard does not contain cells: {error}") from None


def _new_labels(index: pd.Index[Any], count: int) -> list[Any]:
    """Return index labels that no row has."""
    if pd.api.types.is_integer_dtype(index.dtype):
        first = int(index.max()) + 1 if len(index) else 0
        return list(range(first, first + count))
    free = (f"new {number}" for number in range(len(index) + count + 1))
    return [label for label in free if label not in index][:count]
