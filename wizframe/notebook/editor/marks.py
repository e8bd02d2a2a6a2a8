"""What there is to say of each cell of a frame that is edited: changed, wrong, cleared, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.fields import violation
from wizframe.frames.baselines import attached, differs
from wizframe.frames.build import is_blank, to_record_value
from wizframe.planning.diff import rule_of_edit
from wizframe.planning.typed_frame import CUSTOMER_REFERENCE, take_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.fields import Field, Table
    from wizframe.planning.typed_frame import Intake

__all__ = ["OWNERS", "Mark", "Marker", "written"]

#: Columns that say whose a contact is.
OWNERS = ("customer_id", CUSTOMER_REFERENCE)


@dataclass(frozen=True)
class Mark:
    """What there is to say of a cell.

    Parameters
    ----------
    text : str
        What stands in it, as it would be typed.
    state : {'', 'changed', 'cleared', 'blanked', 'wrong', 'dirty'}
        ``blanked``: it became blank, and is not sent. ``dirty``: it breaks a rule, but nobody edited it.
    why : str
        In words.
    """

    text: str
    state: str = ""
    why: str = ""


def written(value: Any) -> str:
    """Write a cell as it would be typed.

    Parameters
    ----------
    value : object
        Of a frame, whatever its dtype.

    Returns
    -------
    str
        Blank is empty.
    """
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if is_blank(value) else str(value)


class Marker:
    """Compares the rows of a frame with how they were loaded, and with the rules of their fields.

    Parameters
    ----------
    frame : DataFrame
        As it is now. Rows that no load covers are taken as unedited now.
    table : Table
    """

    def __init__(self, frame: pd.DataFrame, table: Table) -> None:
        self._table = table
        typed = self._take_in(frame).typed
        self.baseline = attached(frame)
        ids = typed["id"] if "id" in typed else pd.Series(np.nan, index=typed.index, dtype="str")
        self._is_new = ids.isna().to_numpy()
        self._was = self._loaded(typed, ids)

    def _take_in(self, frame: pd.DataFrame) -> Intake:
        known = [name for name in frame.columns if name in self._table or name == CUSTOMER_REFERENCE]
        return take_in(frame[known], self._table)

    def _loaded(self, typed: pd.DataFrame, ids: pd.Series[Any]) -> pd.DataFrame:
        """Give the rows as they were loaded. New rows were blank."""
        own, was = self.baseline, typed.copy()
        places = np.full(len(typed), -1)
        if own is not None and own.table is self._table and own.index.is_unique and len(own.frame):
            places = own.index.get_indexer(pd.Index(ids))
        for name in typed.columns.difference([*OWNERS, "id"], sort=False):
            if own is not None and (places >= 0).any() and name in own.frame:
                loaded = own.frame[name].take(np.where(places >= 0, places, 0)).set_axis(typed.index)
                was[name] = was[name].where(places < 0, loaded)
            was[name] = was[name].mask(self._is_new)
        return was

    def take(self, places: Sequence[int]) -> None:
        """Follow rows that came, went or moved.

        Parameters
        ----------
        places : sequence of int
            For each row the position that it had, or -1: a new row.
        """
        former = np.array(places, dtype=np.intp)
        self._was = self._was.reindex(former).reset_index(drop=True)
        self._is_new = np.append(self._is_new, [True])[former]

    def is_new(self, position: int) -> bool:
        """Tell whether a row has no record yet.

        Parameters
        ----------
        position : int

        Returns
        -------
        bool
        """
        return bool(self._is_new[position])

    def count_new(self) -> int:
        """Count the rows that have no record yet."""
        return int(self._is_new.sum())

    def was_blank(self, position: int, name: str) -> bool:
        """Tell whether a cell was blank when it was loaded.

        Parameters
        ----------
        position : int
        name : str

        Returns
        -------
        bool
        """
        return name not in self._was or is_blank(self._was[name].iat[position])

    def edited(self, frame: pd.DataFrame, positions: Sequence[int]) -> set[tuple[int, str]]:
        """Find the cells that are not as they were.

        Parameters
        ----------
        frame : DataFrame
        positions : sequence of int
            The rows to look at.

        Returns
        -------
        set of (position, column)
        """
        intake = self._take_in(frame.iloc[list(positions)])
        return {(positions[place], name) for place, name in self._edited(intake, positions)}

    def _edited(self, intake: Intake, positions: Sequence[int]) -> Iterator[tuple[int, str]]:
        was = self._was.iloc[list(positions)].reset_index(drop=True)
        for name in map(str, intake.typed.columns):
            is_other = differs(intake.typed[name], was[name])
            if name in intake.cleared:
                is_other |= intake.cleared[name].to_numpy()
            for problem in intake.problems:  # a text that does not fit reads as blank
                if problem.column == name and problem.position is not None and self._table[name].writable:
                    is_other[problem.position] |= is_blank(intake.typed[name].iat[problem.position])
            yield from ((int(place), name) for place in np.flatnonzero(is_other))

    def marks(self, frame: pd.DataFrame, positions: Sequence[int]) -> list[dict[str, Mark]]:
        """Say what there is to say of some rows.

        Parameters
        ----------
        frame : DataFrame
        positions : sequence of int

        Returns
        -------
        list of dict
            For each row, column to mark. A column that is the user's own has only its text.
        """
        rows = frame.iloc[list(positions)]
        intake = self._take_in(rows)
        edited = set(self._edited(intake, positions))
        misfits = {(problem.position, problem.column): problem.rule for problem in intake.problems}
        marks: list[dict[str, Mark]] = [{} for _ in positions]
        for name in frame.columns:
            texts = [written(value) for value in rows[name]]
            known = intake.typed[name].tolist() if name in intake.typed else None
            for place, text in enumerate(texts):
                state, why = "", ""
                if known is not None:
                    value = to_record_value(known[place], self._table[name])
                    cell = _Cell(
                        value, misfits.get((place, name)), (place, name) in edited, _is_cleared(intake, place, name)
                    )
                    state, why = self._judge(self._table[name], cell, positions[place], intake, place)
                marks[place][name] = Mark(text, state, why)
        return marks

    def _judge(self, field: Field, cell: _Cell, position: int, intake: Intake, place: int) -> tuple[str, str]:
        if self._is_new[position]:
            return self._judge_new(field, cell, intake, place)
        if not cell.is_edited:
            rule = cell.misfit or violation(field, cell.value)
            return ("dirty", f"{rule}; it was loaded so") if rule else ("", "")
        if cell.value is None and not cell.is_cleared and cell.misfit is None:
            return "blanked", "became blank, and is not sent: press Delete to clear it"
        rule = cell.misfit or rule_of_edit(self._table, field, cell.value)
        if rule:
            return "wrong", rule
        was = written(self._was[field.name].iat[position]) or "blank"
        return ("cleared", f"is going to be cleared; it was {was}") if cell.is_cleared else ("changed", f"was {was}")

    def _judge_new(self, field: Field, cell: _Cell, intake: Intake, place: int) -> tuple[str, str]:
        if cell.value is not None or cell.misfit:
            rule = cell.misfit or violation(field, cell.value)
            return ("wrong", rule) if rule else ("changed", "") if field.writable else ("", "")
        if field.name == "customer_id":
            references = intake.customer_references
            is_lacking = references is None or is_blank(references.iat[place])
        else:  # a reference is made up where none is given
            is_lacking = field.name in self._table.required and field.name != "reference_id"
        return ("wrong", "is required for a new row") if is_lacking else ("", "")


@dataclass(frozen=True)
class _Cell:
    """A cell as it was read: its value as in a plain record, and the rule by which it does not fit its column."""

    value: Any
    misfit: str | None
    is_edited: bool
    is_cleared: bool


def _is_cleared(intake: Intake, place: int, name: str) -> bool:
    return name in intake.cleared and bool(intake.cleared[name].iloc[place])
