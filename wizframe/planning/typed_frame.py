"""A user's frame, whatever pandas made of it, as typed columns of one table."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from wizframe.errors import AmbiguousTableError, Hint, PlanError
from wizframe.fields import TABLES
from wizframe.frames.arrow import holds, is_text, places_in, texts_of
from wizframe.frames.baselines import attached, differs, is_same_memory, loads
from wizframe.frames.build import column, is_blank
from wizframe.frames.problems import find_problems, problems_frame
from wizframe.planning.changes import CLEAR, COMMAND, DELETE, Problem
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import numpy.typing as npt

    from wizframe.fields import Field, Table
    from wizframe.frames.baselines import Baseline

    Columns = Mapping[str, pd.Series[Any]]

__all__ = ["TypedFrame", "is_literal", "type_frame", "validate", "which_table"]

#: What pandas calls the two columns of one name that a merge leaves.
_MERGED = re.compile(r"(.+)_[xy]")
#: How much a column's name must be like a field's to be reported: "payment_trem" is, "terms" is not.
_CLOSE = 0.85


@dataclass
class TypedFrame:
    """A frame made ready for comparing."""

    table: Table
    labels: pd.Index[Any]  # the user's own
    cells: pd.DataFrame  # the table's columns that the frame has, in their dtypes, RangeIndex
    #: If the rows are those of the frame's own load, one by one: column to the cells that differ from it.
    edited: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    cleared: dict[str, pd.Series[bool]] = field(default_factory=dict)  # column to the rows that hold CLEAR
    parent_references: pd.Series[Any] | None = None  # the column that names the parents by reference
    deletes: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))  # by the command column
    own_columns: list[str] = field(default_factory=list)  # the user's, ignored
    problems: list[Problem] = field(default_factory=list)  # values that fit no column, columns that look like a mistake
    notices: list[str] = field(default_factory=list)


def which_table(frame: pd.DataFrame, table: str | None, baseline: Baseline | None) -> Table:
    """Tell which table a frame holds: what the caller says, else its baseline, its columns, the loads of its ids."""
    if not isinstance(frame, pd.DataFrame):
        raise PlanError(
            f"a DataFrame is needed, not {type(frame).__name__}", hint="pd.DataFrame(records) makes one of records."
        )
    if table is not None and table not in TABLES:
        raise AmbiguousTableError(f"{option('table', table)} is not valid: use {' or '.join(map(repr, TABLES))}")
    if table is not None:
        return TABLES[table]
    if baseline is not None:
        return baseline.table
    names = {str(name) for name in [*frame.columns, *frame.index.names]}
    shown = {one.name: _columns_that_show(one, names) for one in TABLES.values()}
    found = [TABLES[name] for name, columns in shown.items() if columns]
    # The parent's columns show all of its children: one that has marks of its own, too, is meant.
    marked = [one.parent for one in found if one.marks]
    found = [one for one in found if one.marks or one.parent not in marked]
    if len(found) > 1:  # a merge left columns of several tables: the rows are those of the load that has their ids
        found = [one for one in found if _is_loaded(frame, one)] or found
    if len(found) == 1:
        return found[0]
    choice = " or ".join(option("table", one) for one in TABLES)
    if found:
        why = " and ".join(f"{', '.join(shown[one.name])} (of {one.name})" for one in found)
        raise AmbiguousTableError(
            f"the rows may be {' or '.join(one.name for one in found)}: it has the columns {why}",
            hint=f"Give {choice}.",
        )
    known = ", ".join(f"{one.name} by {' or '.join(one.marks or one.parent_columns)}" for one in TABLES.values())
    raise AmbiguousTableError(f"no column shows what the rows are ({known})", hint=f"Give {choice}.")


def _columns_that_show(table: Table, names: Collection[str]) -> list[str]:
    """Give the columns that show a table; the parent's alone do not, if the table has marks of its own."""
    marks = [name for name in table.marks if name in names]
    return marks if table.marks else [name for name in table.parent_columns if name in names]


def _is_loaded(frame: pd.DataFrame, table: Table) -> bool:
    """Tell whether a load of a table, that is still alive, has all ids of a frame."""
    ids = frame["id"] if "id" in frame else frame.index.get_level_values("id") if "id" in frame.index.names else None
    if ids is None:
        return False
    texts = pd.Series(pd.unique(pd.Series(ids).dropna())).astype("str")
    return len(texts) > 0 and any(bool((load.find(texts) >= 0).all()) for load in loads(table))


def type_frame(frame: pd.DataFrame, table: Table, *, known: Columns | None = None) -> TypedFrame:
    """Read a frame's columns and index levels as typed columns of a table.

    ``known`` are the columns of the frame's own load, with ids: what they hold is not a command. If the frame has its
    rows one by one, cells that do not differ are not looked at.
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
            _read_commands(typed_frame, values)
        else:
            _note_own_column(typed_frame, name)
    if len(typed_frame.edited) < len(flat.columns):  # else all of them were taken as they are
        typed_frame.cells = pd.DataFrame(typed, index=flat.index, copy=False)
    return typed_frame


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a frame as it is now, edits included, against the schema; one row per problem."""
    table = which_table(frame, None, attached(frame))
    typed_frame = type_frame(frame, table)
    rows = [
        (None if problem.position is None else frame.index[problem.position], *problem[1:])
        for problem in typed_frame.problems
    ]
    found = find_problems(typed_frame.cells.set_axis(frame.index), table)
    return pd.concat([problems_frame(rows), found], ignore_index=True)


def _flat(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Give a frame a RangeIndex, with the index levels that are fields as columns."""
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
    flat.attrs = {}  # pandas would copy them for each column
    return flat


def _edited(values: pd.Series[Any], own: pd.Series[Any], field: Field) -> npt.NDArray[np.bool_] | None:
    """Tell which cells of a column differ from its load's; None if the column cannot be used as it is."""
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
        is_clear = values.eq(CLEAR).fillna(value=False).astype(bool) & ~_was_literal(frame, field, known)
        frame.cleared[field.name] = is_clear
        values = values.astype(object).mask(is_clear, None)
        if field.name == "id":
            delete = Hint("use wizframe.delete() to delete one", "write DELETE into a column Command to delete one")
            rule = f"cannot be cleared: leave it blank for a new row, {delete}"
            places = is_clear.to_numpy().nonzero()[0].tolist()
            frame.problems += [Problem(place, "id", CLEAR, rule) for place in places]
    typed, misfits = column(values, field)
    frame.problems += [Problem(misfit.position, field.name, misfit.value, misfit.rule) for misfit in misfits]
    return typed


def _was_literal(typed_frame: TypedFrame, field: Field, known: Columns | None) -> npt.NDArray[np.bool_]:
    """Tell which rows' records held :data:`CLEAR` when they were loaded, wherever in the frame the rows are now."""
    flat = typed_frame.cells
    if known is None or "id" not in flat or field.name not in known or not holds(known[field.name], CLEAR):
        return np.zeros(len(flat), dtype=bool)
    ids, _ = column(flat["id"], typed_frame.table["id"])
    places = places_in(known["id"], ids)
    return (places >= 0) & (known[field.name] == CLEAR).to_numpy(dtype=bool)[places]


def is_literal(
    typed_frame: TypedFrame, name: str, rows: npt.NDArray[np.intp], was: pd.Series[Any]
) -> npt.NDArray[np.bool_]:
    """Tell which cells hold :data:`CLEAR` because the record does, and not because the user cleared them."""
    if name not in typed_frame.cleared or not holds(was, CLEAR):
        return np.zeros(len(rows), dtype=bool)
    stood: npt.NDArray[np.bool_] = was.eq(CLEAR).fillna(value=False).to_numpy(dtype=bool)
    return typed_frame.cleared[name].to_numpy()[rows] & stood


def _read_commands(typed_frame: TypedFrame, commands: pd.Series[Any]) -> None:
    for position, command in enumerate(commands):
        if is_blank(command) or not str(command).strip():
            continue
        typed_frame.deletes[position] = str(command).strip().upper() == DELETE
        if not typed_frame.deletes[position]:
            rule = f"is not a command: write {DELETE}, or leave it blank"
            typed_frame.problems.append(Problem(position, COMMAND, command, rule))


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
        typed_frame.notices.append(f"column {name!r} is ignored as your own: if you mean {close[0]!r}, rename it")
