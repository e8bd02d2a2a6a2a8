"""The marks of cells in the editing grid: how they differ from the load, and which rules they break."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.fields import violation
from wizframe.frames.arrow import TEXTS
from wizframe.frames.baselines import attached, differs
from wizframe.frames.build import is_blank, to_record_value
from wizframe.notebook.html import typed_text
from wizframe.planning.diff import rule_of_edit
from wizframe.planning.typed_frame import type_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.fields import Field, Table
    from wizframe.planning.typed_frame import TypedFrame

__all__ = ["Mark", "Marker"]


@dataclass(frozen=True)
class Mark:
    """What the grid shows for a cell."""

    text: str  # as a user would type it
    #: '', 'changed', 'cleared', 'blanked' (now blank, but not sent), 'wrong', or 'was-wrong' (wrong when loaded).
    state: str = ""
    why: str = ""


@dataclass(frozen=True)
class _Cell:
    field: Field
    value: Any  # as in a plain record
    misfit: str | None  # the rule that the text breaks, if it is not a value of its column
    is_edited: bool
    is_cleared: bool


class Marker:
    """Compares the rows of a frame with their values when loaded, and with the rules of their fields.

    Rows that were never loaded count as unedited when the marker is created.
    """

    def __init__(self, frame: pd.DataFrame, table: Table) -> None:
        self._table = table
        typed = self._take_in(frame).cells
        self.baseline = attached(frame)
        ids = typed["id"] if "id" in typed else pd.Series(np.nan, index=typed.index, dtype=TEXTS)
        self._is_new = ids.isna().to_numpy()
        self._was = self._loaded(typed, ids)

    def _take_in(self, frame: pd.DataFrame) -> TypedFrame:
        known = [name for name in frame.columns if name in self._table or name == self._table.parent_reference]
        return type_frame(frame[known], self._table)

    def _loaded(self, typed: pd.DataFrame, ids: pd.Series[Any]) -> pd.DataFrame:
        """Return the values of the rows when they were loaded. New rows were blank."""
        own, was = self.baseline, typed.copy()
        places = np.full(len(typed), -1)
        if own is not None and own.table is self._table and own.index.is_unique and len(own.frame):
            places = own.index.get_indexer(pd.Index(ids))
        for name in typed.columns.difference(list(self._table.key_columns), sort=False):
            if own is not None and (places >= 0).any() and name in own.frame:
                loaded = own.frame[name].take(np.where(places >= 0, places, 0)).set_axis(typed.index)
                was[name] = was[name].where(places < 0, loaded)
            was[name] = was[name].mask(self._is_new)
        return was

    def move_rows(self, places: Sequence[int]) -> None:
        """Follow rows that were added, removed or moved; ``places`` has their old positions (-1: a new row)."""
        former = np.array(places, dtype=np.intp)
        self._was = self._was.reindex(former).reset_index(drop=True)
        self._is_new = np.append(self._is_new, [True])[former]

    def is_new(self, position: int) -> bool:
        """Return whether the row has no record yet."""
        return bool(self._is_new[position])

    def count_new(self) -> int:
        """Count the rows that have no record yet."""
        return int(self._is_new.sum())

    def was_blank(self, position: int, name: str) -> bool:
        """Return whether the cell was blank when it was loaded."""
        return name not in self._was or is_blank(self._was[name].iat[position])

    def edited(self, frame: pd.DataFrame, positions: Sequence[int]) -> set[tuple[int, str]]:
        """Return the cells of the given rows that differ from the load, as (position, column)."""
        typed_frame = self._take_in(frame.iloc[list(positions)])
        return {(positions[place], name) for place, name in self._edited(typed_frame, positions)}

    def _edited(self, typed_frame: TypedFrame, positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        was = self._was.iloc[list(positions)].reset_index(drop=True)
        for name in map(str, typed_frame.cells.columns):
            is_other = differs(typed_frame.cells[name], was[name])
            if name in typed_frame.cleared:
                is_other |= typed_frame.cleared[name].to_numpy()
            for problem in typed_frame.problems:  # a string that is not valid for its column was read as blank
                if problem.column == name and problem.position is not None and self._table[name].writable:
                    is_other[problem.position] |= is_blank(typed_frame.cells[name].iat[problem.position])
            yield from ((int(place), name) for place in np.flatnonzero(is_other))

    def marks(self, frame: pd.DataFrame, positions: Sequence[int]) -> list[dict[str, Mark]]:
        """Return the marks for the given rows, keyed by column. Columns that the user added have only a text."""
        rows = frame.iloc[list(positions)]
        typed_frame = self._take_in(rows)
        edited = set(self._edited(typed_frame, positions))
        misfits = {(problem.position, problem.column): problem.rule for problem in typed_frame.problems}
        marks: list[dict[str, Mark]] = [{} for _ in positions]
        for name in frame.columns:
            known = typed_frame.cells[name].tolist() if name in typed_frame.cells else None
            for place, text in enumerate(map(typed_text, rows[name])):
                state, why = "", ""
                if known is not None:
                    field, key = self._table[name], (place, name)
                    is_cleared = name in typed_frame.cleared and bool(typed_frame.cleared[name].iloc[place])
                    value = to_record_value(known[place], field)
                    cell = _Cell(field, value, misfits.get(key), key in edited, is_cleared)
                    is_new = self.is_new(positions[place])
                    state, why = (
                        self._new_state(cell, typed_frame, place) if is_new else self._state(cell, positions[place])
                    )
                marks[place][name] = Mark(text, state, why)
        return marks

    def _state(self, cell: _Cell, position: int) -> tuple[str, str]:
        if not cell.is_edited:
            rule = cell.misfit or violation(cell.field, cell.value)
            return ("was-wrong", f"{rule}; the value was already wrong when it was loaded") if rule else ("", "")
        if cell.value is None and not cell.is_cleared and cell.misfit is None:
            return "blanked", "is now blank, and a blank is not sent; to clear the value in WizCommerce, press Delete"
        rule = cell.misfit or rule_of_edit(self._table, cell.field, cell.value)
        if rule:
            return "wrong", rule
        was = typed_text(self._was[cell.field.name].iat[position]) or "blank"
        return ("cleared", f"will be cleared; it was {was}") if cell.is_cleared else ("changed", f"was {was}")

    def _new_state(self, cell: _Cell, typed_frame: TypedFrame, place: int) -> tuple[str, str]:
        if cell.value is not None or cell.misfit:
            rule = cell.misfit or violation(cell.field, cell.value)
            return ("wrong", rule) if rule else ("changed", "") if cell.field.writable else ("", "")
        if cell.field.name == self._table.parent_id:
            references = typed_frame.parent_references
            is_lacking = references is None or is_blank(references.iat[place])
        else:  # a blank reference is generated when the record is created
            is_lacking = cell.field.name in self._table.required and cell.field.name != "reference_id"
        return ("wrong", "is required in a new row") if is_lacking else ("", "")
