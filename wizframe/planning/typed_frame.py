"""Read a user's frame as typed columns of one table, whatever dtypes pandas gave them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from wizframe.errors import Hint, PlanError
from wizframe.fields import CLEAR, COMMAND
from wizframe.frames.arrow import holds, is_text, places_in, texts_of
from wizframe.frames.baselines import attached, differs, is_same_memory
from wizframe.frames.build import column
from wizframe.frames.problems import find_problems, problems_frame
from wizframe.planning.changes import Problem
from wizframe.planning.commands import cells_to_clear, rows_to_delete
from wizframe.planning.table_choice import which_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from wizframe.fields import Field, Table

    Columns = Mapping[str, pd.Series[Any]]

__all__ = ["TypedFrame", "is_literal", "type_frame", "validate"]

#: The names that pandas gives to two columns of the same name after a merge.
_MERGED = re.compile(r"(.+)_[xy]")
#: How similar a name must be to a field's name to be reported, from 0 to 1: "payment_trem" is, "terms" is not.
_CLOSE = 0.85


@dataclass
class TypedFrame:
    """A frame that is ready for comparison."""

    table: Table
    labels: pd.Index[Any]  # the frame's own index labels
    cells: pd.DataFrame  # the table's columns that the frame has, with their dtypes and a RangeIndex
    #: Column to the cells that differ from the frame's load. Only if the frame has all rows of its load, in order.
    edited: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    cleared: dict[str, pd.Series[bool]] = field(default_factory=dict)  # column to the rows that contain CLEAR
    parent_references: pd.Series[Any] | None = None  # the column with the references of the parents
    deletes: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))  # by the command column
    own_columns: list[str] = field(default_factory=list)  # columns that the user added, which are ignored
    problems: list[Problem] = field(default_factory=list)  # invalid values, and columns that look like a mistake
    notices: list[str] = field(default_factory=list)


def type_frame(frame: pd.DataFrame, table: Table, *, known: Columns | None = None) -> TypedFrame:
    """Read a frame's columns and index levels as typed columns of a table.

    ``known`` are the columns of the frame's own load, with ids: a value that was loaded is not a command. If the frame
    has all rows of its load in order, cells that do not differ are not checked.
    """
    flat = _flat(frame, table)
    typed_frame = TypedFrame(table, frame.index, flat, deletes=np.zeros(len(flat), dtype=bool))
    typed: dict[str, pd.Series[Any]] = {}
    is_in_place = known is not None and "id" in flat and is_same_memory(flat["id"], known["id"])
    own: Columns = known if known is not None and is_in_place else {}
    columns: Iterable[tuple[Any, pd.Series[Any]]] = flat.items()
    for name, values in columns:
        edited = _edited(values, own[name], table[name]) if name in own else None
        if edited is not None:
            typed[name], typed_frame.edited[name] = values, edited
        elif name in table and not table[name].level:
            rule = f"cannot be edited in a {Hint(f'frame: use client.{table.singular}.update()', 'file')}"
            typed_frame.problems.append(Problem(None, name, None, rule))
        elif name in table:
            typed[name] = _typed_column(typed_frame, values, table[name], known)
        elif reference := table.field_of(str(name)):
            typed_frame.parent_references, misfits = column(values, reference)
            typed_frame.problems += [Problem(m.position, name, m.value, m.rule) for m in misfits]
        elif name == COMMAND:
            typed_frame.deletes, misfits_of_commands = rows_to_delete(values)
            typed_frame.problems += misfits_of_commands
        else:
            _note_own_column(typed_frame, name)
    if len(typed_frame.edited) < len(flat.columns):  # otherwise all columns were used unchanged
        typed_frame.cells = pd.DataFrame(typed, index=flat.index, copy=False)
    return typed_frame


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """Check the current values of a frame, with its edits, against the schema. Returns one row per problem."""
    table = which_table(frame, None, attached(frame))
    typed_frame = type_frame(frame, table)
    rows = [
        (None if problem.position is None else frame.index[problem.position], *problem[1:])
        for problem in typed_frame.problems
    ]
    found = find_problems(typed_frame.cells.set_axis(frame.index), table)
    return pd.concat([problems_frame(rows), found], ignore_index=True)


def _flat(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return a frame with a RangeIndex, and with index levels that are fields as columns."""
    if frame.columns.nlevels > 1:
        raise PlanError("the frame's columns have several levels", hint="Flatten them first.")
    levels = [name for name in frame.index.names if table.field_of(str(name))]
    twice = [name for name in levels if name in frame.columns]
    flat = frame
    if not frame.columns.is_unique:
        is_again = frame.columns.duplicated()
        twice += frame.columns[is_again].unique().tolist()
        flat = frame.loc[:, ~is_again]
    known_twice = [name for name in twice if name in table]
    if known_twice:
        raise PlanError(
            f"the frame has two columns or index levels named {known_twice[0]!r}", hint="Drop or rename one of them."
        )
    flat = (flat.reset_index(levels) if levels else flat).reset_index(drop=True)
    flat.attrs = {}  # otherwise pandas would copy them for each column
    return flat


def _edited(values: pd.Series[Any], own: pd.Series[Any], field: Field) -> npt.NDArray[np.bool_] | None:
    """Return which cells of a column differ from its load; None if the column must be converted first."""
    if values.dtype != own.dtype:
        return None
    edited = differs(values, own)
    if is_text(values) and edited.any():
        texts = texts_of(values).take(pa.array(np.flatnonzero(edited))).to_pylist()
        if field.kind == "ids" or "" in texts or CLEAR in texts:
            return None
    return edited


def _typed_column(frame: TypedFrame, values: pd.Series[Any], field: Field, known: Columns | None) -> pd.Series[Any]:
    if values.dtype.kind not in "biufcmM" and holds(values, CLEAR):
        is_clear = cells_to_clear(values) & ~_was_literal(frame, field, known)
        frame.cleared[field.name] = is_clear
        values = values.astype(object).mask(is_clear, None)
        if field.name == "id":
            delete = Hint("use wizframe.delete()", "write DELETE into a column Command")
            rule = f"cannot be cleared: leave it blank for a new row; to delete the record, {delete}"
            places = is_clear.to_numpy().nonzero()[0].tolist()
            frame.problems += [Problem(place, "id", CLEAR, rule) for place in places]
    typed, misfits = column(values, field)
    frame.problems += [Problem(misfit.position, field.name, misfit.value, misfit.rule) for misfit in misfits]
    return typed


def _was_literal(typed_frame: TypedFrame, field: Field, known: Columns | None) -> npt.NDArray[np.bool_]:
    """Return the rows with a record that contained :data:`CLEAR` when it was loaded, wherever the rows are now."""
    flat = typed_frame.cells
    if known is None or "id" not in flat or field.name not in known or not holds(known[field.name], CLEAR):
        return np.zeros(len(flat), dtype=bool)
    ids, _ = column(flat["id"], typed_frame.table["id"])
    places = places_in(known["id"], ids)
    return (places >= 0) & (known[field.name] == CLEAR).to_numpy(dtype=bool)[places]


def is_literal(
    typed_frame: TypedFrame, name: str, rows: npt.NDArray[np.intp], was: pd.Series[Any]
) -> npt.NDArray[np.bool_]:
    """Return which cells contain :data:`CLEAR` because the record does, not because the user cleared them."""
    if name not in typed_frame.cleared or not holds(was, CLEAR):
        return np.zeros(len(rows), dtype=bool)
    stood: npt.NDArray[np.bool_] = cells_to_clear(was).to_numpy()
    return typed_frame.cleared[name].to_numpy()[rows] & stood


def _note_own_column(typed_frame: TypedFrame, name: Any) -> None:
    merged = _MERGED.fullmatch(str(name))
    if merged and merged[1] in typed_frame.table:
        rule = f"looks like a merge: keep one column and name it {merged[1]!r}"
        typed_frame.problems.append(Problem(None, str(name), None, rule))
        return
    typed_frame.own_columns.append(str(name))
    word = re.sub(r"\W+", "_", str(name).strip().lower())
    close = difflib.get_close_matches(word, typed_frame.table.columns(details=True), n=1, cutoff=_CLOSE)
    if close:
        typed_frame.notices.append(f"column {name!r} is unknown, so it is ignored: if you mean {close[0]!r}, rename it")
