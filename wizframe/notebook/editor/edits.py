"""A frame that is edited cell by cell, from texts as a person types or pastes them. No widget, and nothing is sent.

A text that does not fit its column is kept as it is, and marked: nothing is changed in silence. Steps can be undone.
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
from wizframe.fields import CUSTOMER
from wizframe.frames.baselines import attached
from wizframe.frames.build import SUPERSEDED, column, is_blank, pandas_dtype, read_cells
from wizframe.notebook.editor.marks import OWNERS, Marker, written
from wizframe.planning.changes import CLEAR, COMMAND, DELETE
from wizframe.planning.typed_frame import take_in, which_table
from wizframe.pushing.frame_update import set_cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wizframe.notebook.editor.marks import Mark

__all__ = ["MOST_CELLS", "Done", "Sheet", "Typed"]

#: Cells of one paste. More than that is a file: wizframe.read_excel() reads it.
MOST_CELLS = 100_000


class Typed(NamedTuple):
    """A text for a cell."""

    position: int
    name: Any
    text: str


class _Set(NamedTuple):
    """A cell that was set: what stood there before, and what stands there after."""

    position: int
    name: Any
    before: Any
    after: Any


@dataclass(frozen=True)
class _Step:
    """What is undone at once: rows added below, then cells set, then rows taken away (with what stood in them)."""

    added: int = 0
    cells: tuple[_Set, ...] = ()
    removed: tuple[int, ...] = ()
    rows: pd.DataFrame | None = None


@dataclass(frozen=True)
class Done:
    """What became of an edit.

    Parameters
    ----------
    positions : frozenset of int
        Rows that may look different now.
    said : str
        What was left out, or what happened, in words.
    is_reset : bool
        Whether rows came, went or moved.
    """

    positions: frozenset[int] = field(default_factory=frozenset)
    said: str = ""
    is_reset: bool = False


class Sheet:
    """A frame that is edited in place.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts. It is the sheet's own from now on.
    table : {'customers', 'contacts'}, optional
        Where neither the load nor the columns tell.
    columns : sequence of str, optional
        Which are shown; by default all but that of commands.

    Raises
    ------
    PlanError
        The frame is none, has two columns of one name, or not the columns that are asked for.
    """

    def __init__(self, frame: pd.DataFrame, table: str | None = None, columns: Sequence[str] | None = None) -> None:
        self.table = which_table(frame, table, attached(frame))
        take_in(frame.iloc[:0], self.table)  # refuses what cannot be planned either
        lacking = [name for name in columns or () if name not in frame]
        if lacking:
            raise PlanError(f"columns={lacking}: the frame has no such columns")
        self.frame = frame
        self.columns: list[Any] = [name for name in columns or frame.columns if name != COMMAND]
        self._dtypes = frame.dtypes.to_dict()
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self.read()

    def __len__(self) -> int:
        return len(self.frame)

    def read(self) -> None:
        """Take the frame as it is now: after a push, or after it was edited elsewhere."""
        self._index = self.frame.index
        self._marker = Marker(self.frame, self.table)
        self.edited = self._marker.edited(self.frame, range(len(self.frame)))
        self.wrong: set[tuple[int, Any]] = set()
        new = {position for position in range(len(self.frame)) if self.is_new(position)}
        self._judge(new | {position for position, _ in self.edited})

    def _judge(self, touched: Iterable[int]) -> None:
        """Look at some rows again."""
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
        """Say what stands in some rows, and what there is to say of it; see :meth:`Marker.marks`."""
        return self._marker.marks(self.frame, positions)

    def is_new(self, position: int) -> bool:
        """Tell whether a row has no record yet."""
        return self._marker.is_new(position)

    def is_to_go(self, position: int) -> bool:
        """Tell whether a row's record is to be deleted."""
        return COMMAND in self.frame and str(self.frame[COMMAND].iat[position]).strip().upper() == DELETE

    def counts(self) -> tuple[int, int]:
        """Count the rows that have no record yet, and those whose record is to be deleted."""
        gone = 0
        if COMMAND in self.frame:
            gone = int(self.frame[COMMAND].astype("str").str.strip().str.upper().eq(DELETE).sum())
        return self._marker.count_new(), gone

    def lock(self, name: Any, position: int | None = None) -> str:
        """Say why cells cannot be edited, or nothing.

        Parameters
        ----------
        name : object
            Of the column.
        position : int, optional
            Of a row; without it, a row that has a record is meant.

        Returns
        -------
        str
        """
        if name in OWNERS and self.table is not CUSTOMER:
            return "" if position is not None and self.is_new(position) else "whose contact it is cannot be changed"
        if name not in self.table:
            return "your own column: it is never sent"
        return "" if self.table[name].writable else "read-only: the service's own"

    def edit(self, cells: Iterable[Typed], *, is_pasted: bool = False) -> Done:
        """Put texts into cells.

        Parameters
        ----------
        cells : iterable of Typed
            A blank that was typed clears a cell that was not blank; one that was pasted may be an accident, and is kept
            as a blank that is not sent.
        is_pasted : bool

        Returns
        -------
        Done
        """
        self._check_rows()
        return self._put(list(cells), is_pasted=is_pasted)

    def paste(self, rows: Sequence[int], names: Sequence[Any], text: str, *, height: int = 1, width: int = 1) -> Done:
        """Put a block from a spreadsheet into cells.

        Parameters
        ----------
        rows : sequence of int
            The rows from the first cell of the block on, as they are shown. A block that begins in a new row may go
            beyond the last one: rows are added for it.
        names : sequence
            The columns from the first cell on.
        text : str
            As the clipboard has it: tabs and line ends between cells.
        height, width : int
            Of what is selected: a single value fills it.

        Returns
        -------
        Done
        """
        self._check_rows()
        block = _block(text)
        if sum(map(len, block)) > MOST_CELLS:
            return Done(said=f"nothing was pasted: more than {MOST_CELLS:,} cells; read the file instead")
        if len(block) == 1 and len(block[0]) == 1:
            block = [block[0] * width] * height
        broad = max(map(len, block), default=0) - len(names)
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
        said = [f"{len(block) - len(rows)} rows were not pasted: there are no rows for them"] * (len(block) > len(rows))
        said += [f"{broad} columns were not pasted: there are no columns for them"] * (broad > 0)
        done = self._put(cells, is_pasted=True, added=added)
        return replace(done, said="; ".join(filter(None, [*said, done.said])), is_reset=bool(added))

    def _put(self, cells: Sequence[Typed], *, is_pasted: bool, added: int = 0) -> Done:
        by_column: dict[Any, list[Typed]] = defaultdict(list)
        locked: dict[str, int] = defaultdict(int)
        for cell in cells:
            why = self.lock(cell.name, cell.position)
            if not why:
                by_column[cell.name].append(cell)
            elif cell.text != written(self.frame[cell.name].iat[cell.position]):
                locked[f"{cell.name} is {why}"] += 1
        done = [one for name, typed in by_column.items() for one in self._read(name, typed, is_pasted=is_pasted)]
        if done or added:
            self._do(_Step(added, tuple(done)))
        said = [f"{count} cell{'s'[: count != 1]} left as they were: {why}" for why, count in locked.items()]
        return Done(frozenset(one.position for one in done), "; ".join(said))

    def _read(self, name: Any, cells: Sequence[Typed], *, is_pasted: bool) -> Iterable[_Set]:
        """Read texts as the column wants them; leave out what is there already."""
        # The only column that is none of the table's: the customer of a new contact, by its reference.
        of = self.table[name] if name in self.table else CUSTOMER["reference_id"]
        values = [value for value, _ in read_cells([cell.text for cell in cells], of)]
        for cell, value in zip(cells, values, strict=True):
            before = self.frame[name].iat[cell.position]
            after = CLEAR if cell.text.strip() == CLEAR else value
            if not cell.text and not is_pasted and self._can_be_cleared(cell.position, name):
                after = CLEAR
            if written(before) != written(after):
                yield _Set(cell.position, name, before, after)

    def _can_be_cleared(self, position: int, name: Any) -> bool:
        return not self.is_new(position) and not self._marker.was_blank(position, name)

    def add(self, like: int | None = None) -> Done:
        """Add a row for a new record, below all others.

        Parameters
        ----------
        like : int, optional
            Of contacts: it belongs to the customer of this row.

        Returns
        -------
        Done
        """
        self._check_rows()
        self._append(1)
        cells = []
        if like is not None and "customer_id" in self.frame and self.table is not CUSTOMER:
            owner = self.frame["customer_id"].iat[like]
            cells = [_Set(len(self) - 1, "customer_id", None, owner)] * (not is_blank(owner))
        self._do(_Step(1, tuple(cells)))
        return Done(frozenset([len(self) - 1]), "a row was added: fill it in", is_reset=True)

    def _append(self, count: int) -> None:
        index, known = self.frame.index, len(self)
        if index.nlevels > 1 or set(index.names) & {"id", "reference_id", *OWNERS}:
            raise PlanError("no row can be added while the index holds columns: begin with frame.reset_index()")
        grown = self.frame.reset_index(drop=True).reindex(range(known + count))
        grown.index = index.append(pd.Index(_new_labels(index, count))).rename(index.name)
        self._go_on_with(grown, [*range(known), *[-1] * count])

    def delete(self, positions: Iterable[int], *, is_to_go: bool = True) -> Done:
        """Ask for the deletion of rows' records, or take that back. A row that has no record yet is taken away.

        Parameters
        ----------
        positions : iterable of int
        is_to_go : bool

        Returns
        -------
        Done
        """
        self._check_rows()
        rows = [position for position in sorted(positions) if self.is_to_go(position) != is_to_go]
        removed = tuple(position for position in rows if self.is_new(position))
        if COMMAND not in self.frame and len(rows) > len(removed):
            self.frame[COMMAND] = pd.Series(np.nan, index=self.frame.index, dtype="str")
        after = DELETE if is_to_go else None
        cells = [
            _Set(position, COMMAND, self.frame[COMMAND].iat[position], after)
            for position in rows
            if position not in removed
        ]
        if rows:
            self._do(_Step(cells=tuple(cells), removed=removed, rows=self.frame.iloc[list(removed)].copy()))
        return Done(frozenset(one.position for one in cells), is_reset=bool(removed))

    def _do(self, step: _Step) -> None:
        self._done.append(step)
        self._undone.clear()
        self._set((one.position, one.name, one.after) for one in step.cells)
        self._judge({one.position for one in step.cells} | set(range(len(self) - step.added, len(self))))
        if step.removed:
            self._take_away(step.removed)

    def _take_away(self, positions: Iterable[int]) -> None:
        gone = set(positions)
        kept = [position for position in range(len(self)) if position not in gone]
        self._go_on_with(self.frame.iloc[kept].copy(), kept)

    def _put_back(self, positions: Sequence[int], rows: pd.DataFrame) -> None:
        places = np.full(len(self) + len(positions), -1)
        is_kept = np.ones(len(places), dtype=bool)
        is_kept[list(positions)] = False
        places[is_kept] = np.arange(len(self))
        both = pd.concat([self.frame, rows])
        order = np.where(is_kept, places, len(self) + np.cumsum(~is_kept) - 1)
        self._go_on_with(both.iloc[order].copy(), places.tolist())
        self._judge(positions)

    def _go_on_with(self, frame: pd.DataFrame, places: list[int]) -> None:
        """Go on with a frame that has other rows; ``places`` says where each was, -1 for nowhere."""
        frame.attrs = self.frame.attrs
        # Whoever planned the frame as it was is not to push that any more.
        self.frame.attrs[SUPERSEDED] = "rows were added or taken away in the editing grid: plan its frame"
        self.frame, self._index = frame, frame.index
        self._marker.take(places)
        now = {former: position for position, former in enumerate(places)}
        self.edited = {(now[position], name) for position, name in self.edited if position in now}
        self.wrong = {(now[position], name) for position, name in self.wrong if position in now}

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step that was undone."""
        return bool(self._undone)

    def undo(self) -> Done:
        """Take the last step back.

        Returns
        -------
        Done
        """
        self._check_rows()
        if not self._done:
            return Done(said="there is nothing to undo")
        step = self._done.pop()
        self._undone.append(step)
        if step.rows is not None and step.removed:
            self._put_back(step.removed, step.rows)
        self._set((one.position, one.name, one.before) for one in step.cells)
        if step.added:
            self._take_away(range(len(self) - step.added, len(self)))
        touched = {one.position for one in step.cells if one.position < len(self)}
        self._judge(touched)
        return Done(frozenset(touched), "undone", is_reset=bool(step.added or step.removed))

    def redo(self) -> Done:
        """Do the step again that was undone last.

        Returns
        -------
        Done
        """
        self._check_rows()
        if not self._undone:
            return Done(said="there is nothing to do again")
        *left, step = self._undone
        if step.added:
            self._append(step.added)
        self._do(step)
        self._undone = left
        touched = frozenset(one.position for one in step.cells)
        return Done(touched, "done again", is_reset=bool(step.added or step.removed))

    def _set(self, cells: Iterable[tuple[int, Any, Any]]) -> None:
        by_column: dict[Any, dict[int, Any]] = defaultdict(dict)
        for position, name, value in cells:
            by_column[name][position] = value
        for name, values in by_column.items():
            set_cells(self.frame, name, np.array(list(values), dtype=np.intp), list(values.values()))
            self._restore_dtype(name)

    def _restore_dtype(self, name: Any) -> None:
        """Give a column its dtype back, once nothing in it is out of place any more."""
        if name not in self.table or self.frame[name].dtype == self._dtypes.get(name):
            return
        typed, misfits = column(self.frame[name], self.table[name])
        if self._dtypes.get(name) == pandas_dtype(self.table[name]) and not misfits:
            self.frame[name] = typed

    def _check_rows(self) -> None:
        """Notice what happened to the frame elsewhere: a push brings it up to date, and rows may have moved."""
        if not self.frame.index.equals(self._index):
            self._done, self._undone = [], []
            self.read()
            raise PlanError("rows came, went or moved in the frame: it is shown anew, and nothing was edited")
        if attached(self.frame) is not self._marker.baseline:
            self.read()


def _block(text: str) -> list[list[str]]:
    """Split what a clipboard has into rows and cells; a spreadsheet quotes cells with tabs or line ends in them."""
    if not any(mark in text for mark in "\t\r\n"):
        return [[text]]
    lines = io.StringIO(text.removesuffix("\n").removesuffix("\r"), newline="")
    try:
        return [line or [""] for line in csv.reader(lines, "excel-tab")]
    except csv.Error as error:
        raise PlanError(f"nothing was pasted: the clipboard holds no cells ({error})") from None


def _new_labels(index: pd.Index[Any], count: int) -> list[Any]:
    """Find labels that no row has."""
    if pd.api.types.is_integer_dtype(index.dtype):
        first = int(index.max()) + 1 if len(index) else 0
        return list(range(first, first + count))
    free = (f"new {number}" for number in range(len(index) + count + 1))
    return [label for label in free if label not in index][:count]
