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
from wizframe.fields import CONTACT, CUSTOMER, TABLES
from wizframe.frames.arrow import holds, is_text, places_in, texts_of
from wizframe.frames.baselines import attached, differs, is_same_memory
from wizframe.frames.build import column, is_blank
from wizframe.frames.problems import problems_frame
from wizframe.frames.schemas import find_problems
from wizframe.planning.changes import CLEAR, COMMAND, DELETE, Problem
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from wizframe.fields import Field, Table
    from wizframe.frames.baselines import Baseline

    Columns = Mapping[str, pd.Series[Any]]

__all__ = ["CUSTOMER_REFERENCE", "Intake", "is_literal", "take_in", "validate", "which_table"]

#: A column of a frame of contacts that names the customer by its reference.
CUSTOMER_REFERENCE = "customer_reference_id"
_MERGED = re.compile(r"(.+)_[xy]")


@dataclass
class Intake:
    """A frame made ready for comparing.

    Parameters
    ----------
    table : Table
    labels : Index
        The user's own.
    typed : DataFrame
        The table's columns that the frame has, in their dtypes, RangeIndex. Until all are read, the frame's own.
    edited : dict of array of bool
        Where the rows are those of the frame's own load, one by one: column to the cells that differ from it.
    cleared : dict of Series
        Column to the rows that hold :data:`CLEAR`.
    customer_references : Series or None
        For contacts: the column that names customers by reference.
    deletes : array of bool
        Rows whose record is to be deleted, says the column of commands.
    own_columns : list of str
        The user's, left alone.
    problems : list of Problem
        Values that fit no column, columns that look like a mistake.
    notices : list of str
    """

    table: Table
    labels: pd.Index[Any]
    typed: pd.DataFrame
    edited: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    cleared: dict[str, pd.Series[bool]] = field(default_factory=dict)
    customer_references: pd.Series[Any] | None = None
    deletes: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    own_columns: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def which_table(frame: pd.DataFrame, table: str | None, baseline: Baseline | None) -> Table:
    """Tell whether a frame holds customers or contacts.

    Parameters
    ----------
    frame : DataFrame
    table : {'customers', 'contacts'}, optional
        What the caller says.
    baseline : Baseline, optional
        What the frame was loaded as. A caller who says otherwise made the frame of other records out of it.

    Returns
    -------
    Table

    Raises
    ------
    AmbiguousTableError
        Nothing tells.
    """
    if not isinstance(frame, pd.DataFrame):
        raise PlanError(
            f"a DataFrame is needed, not {type(frame).__name__}: pd.DataFrame(records) makes one of records"
        )
    if table is not None and table not in TABLES:
        raise AmbiguousTableError(f"{option('table', table)}: allowed are {', '.join(map(repr, TABLES))}")
    if table is not None:
        return TABLES[table]
    if baseline is not None:
        return baseline.table
    names = {str(name) for name in [*frame.columns, *frame.index.names]}
    is_contacts = bool(names & {"customer_id", CUSTOMER_REFERENCE})
    if is_contacts != ("company_name" in names):
        return CONTACT if is_contacts else CUSTOMER
    raise AmbiguousTableError(
        f"nothing says whether the rows are customers or contacts: give {option('table', 'customers')} or "
        f"{option('table', 'contacts')}"
    )


def take_in(frame: pd.DataFrame, table: Table, *, known: Columns | None = None) -> Intake:
    """Read a frame's columns and index levels as typed columns of a table.

    Parameters
    ----------
    frame : DataFrame
    table : Table
    known : mapping of Series, optional
        The columns of the frame's own load, with ids: what they hold is no command. Where the frame has its rows one by
        one, cells that do not differ are not looked at.

    Returns
    -------
    Intake

    Raises
    ------
    PlanError
        Two columns have one name, or the columns have several levels.
    """
    flat = _flat(frame, table)
    intake = Intake(table, frame.index, flat, deletes=np.zeros(len(flat), dtype=bool))
    typed: dict[str, pd.Series[Any]] = {}
    is_in_place = known is not None and "id" in flat and is_same_memory(flat["id"], known["id"])
    own: Columns = known if known is not None and is_in_place else {}
    columns: Iterable[tuple[Any, pd.Series[Any]]] = flat.items()
    for name, values in columns:
        edited = _edited(values, own[name], table[name]) if name in own else None
        if edited is not None:
            typed[name], intake.edited[name] = values, edited
        elif name in table and not table[name].level:
            rule = f"cannot be edited in a {Hint('frame: use client.customer.update()', 'file')}"
            intake.problems.append(Problem(None, name, None, rule))
        elif name in table:
            typed[name] = _take_column(intake, values, table[name], known)
        elif name == CUSTOMER_REFERENCE and table is CONTACT:
            texts, misfits = column(values, CUSTOMER["reference_id"])
            intake.customer_references = texts
            intake.problems += [Problem(m.position, name, m.value, m.rule) for m in misfits]
        elif name == COMMAND:
            _take_commands(intake, values)
        else:
            _take_own(intake, name)
    if len(intake.edited) < len(flat.columns):  # else all of them were taken as they are
        intake.typed = pd.DataFrame(typed, index=flat.index, copy=False)
    return intake


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a frame as it is now, edits included, against the schema.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts.

    Returns
    -------
    DataFrame
        One row per problem: row (label), column, value, rule. Empty where all is well.

    Raises
    ------
    AmbiguousTableError
        Nothing tells which of the two it holds.
    """
    table = which_table(frame, None, attached(frame))
    intake = take_in(frame, table)
    rows = [
        (None if problem.position is None else frame.index[problem.position], *problem[1:])
        for problem in intake.problems
    ]
    found = find_problems(intake.typed.set_axis(frame.index), table)
    return pd.concat([problems_frame(rows), found], ignore_index=True)


def _flat(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Give a frame a RangeIndex, with the index levels that are fields as columns."""
    if frame.columns.nlevels > 1:
        raise PlanError("the frame's columns have several levels: flatten them first")
    levels = [name for name in frame.index.names if name in table or name == CUSTOMER_REFERENCE]
    twice = [name for name in levels if name in frame.columns]
    flat = frame
    if not frame.columns.is_unique:
        is_again = frame.columns.duplicated()
        twice += frame.columns[is_again].unique().tolist()
        flat = frame.loc[:, ~is_again]
    known_twice = [name for name in twice if name in table]
    if known_twice:
        raise PlanError(f"the frame has two columns or index levels named {known_twice[0]!r}: drop or rename one")
    flat = (flat.reset_index(levels) if levels else flat).reset_index(drop=True)
    flat.attrs = {}  # pandas would copy them for each column
    return flat


def _edited(values: pd.Series[Any], own: pd.Series[Any], field: Field) -> npt.NDArray[np.bool_] | None:
    """Tell which cells of a column differ from its load's; None where it cannot be taken as it is."""
    if values.dtype != own.dtype:
        return None
    edited = differs(values, own)
    if is_text(values) and edited.any():
        texts = texts_of(values).take(pa.array(np.flatnonzero(edited))).to_pylist()
        if field.kind == "ids" or "" in texts or CLEAR in texts:
            return None
    return edited


def _take_column(intake: Intake, values: pd.Series[Any], field: Field, known: Columns | None) -> pd.Series[Any]:
    if values.dtype.kind not in "biufcmM" and holds(values, CLEAR):
        is_clear = values.eq(CLEAR).fillna(value=False).astype(bool) & ~_was_literal(intake, field, known)
        intake.cleared[field.name] = is_clear
        values = values.astype(object).mask(is_clear, None)
        if field.name == "id":
            delete = Hint("use wizframe.delete() to delete one", "write DELETE into a column Command to delete one")
            rule = f"cannot be cleared: leave it blank for a new row, {delete}"
            places = is_clear.to_numpy().nonzero()[0].tolist()
            intake.problems += [Problem(place, "id", CLEAR, rule) for place in places]
    typed, misfits = column(values, field)
    intake.problems += [Problem(misfit.position, field.name, misfit.value, misfit.rule) for misfit in misfits]
    return typed


def _was_literal(intake: Intake, field: Field, known: Columns | None) -> npt.NDArray[np.bool_]:
    """Tell where a row's record held :data:`CLEAR` when it was loaded, wherever in the frame the row lies now."""
    flat = intake.typed
    if known is None or "id" not in flat or field.name not in known or not holds(known[field.name], CLEAR):
        return np.zeros(len(flat), dtype=bool)
    ids, _ = column(flat["id"], intake.table["id"])
    places = places_in(known["id"], ids)
    return (places >= 0) & (known[field.name] == CLEAR).to_numpy(dtype=bool)[places]


def is_literal(intake: Intake, name: str, rows: npt.NDArray[np.intp], was: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Tell where a cell holds :data:`CLEAR` since that is what the record says: nobody wrote it.

    Parameters
    ----------
    intake : Intake
    name : str
        Of a column.
    rows : array of int
    was : Series
        How the rows' cells were.

    Returns
    -------
    array of bool
    """
    if name not in intake.cleared or not holds(was, CLEAR):
        return np.zeros(len(rows), dtype=bool)
    stood: npt.NDArray[np.bool_] = was.eq(CLEAR).fillna(value=False).to_numpy(dtype=bool)
    return intake.cleared[name].to_numpy()[rows] & stood


def _take_commands(intake: Intake, commands: pd.Series[Any]) -> None:
    for position, command in enumerate(commands):
        if is_blank(command) or not str(command).strip():
            continue
        intake.deletes[position] = str(command).strip().upper() == DELETE
        if not intake.deletes[position]:
            rule = f"is no command: write {DELETE}, or leave it blank"
            intake.problems.append(Problem(position, COMMAND, command, rule))


def _take_own(intake: Intake, name: Any) -> None:
    merged = _MERGED.fullmatch(str(name))
    if merged and merged[1] in intake.table:
        rule = f"looks like a merge: keep one column and name it {merged[1]!r}"
        intake.problems.append(Problem(None, str(name), None, rule))
        return
    intake.own_columns.append(str(name))
    word = re.sub(r"\W+", "_", str(name).strip().lower())
    close = difflib.get_close_matches(word, intake.table.columns(details=True), n=1, cutoff=0.85)
    if close:
        intake.notices.append(f"column {name!r} is left alone as your own: rename it to {close[0]!r} if that is meant")
