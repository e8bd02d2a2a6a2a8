"""The changes of a plan: one change per record, and one part per table, parents first."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson
import pandas as pd

from wizframe.fields import CLEAR, COMMAND, DELETE, TABLES
from wizframe.frames.arrow import TEXTS
from wizframe.frames.baselines import Baseline, attach
from wizframe.frames.build import to_frame
from wizframe.frames.problems import LETTERS, cell_place, problems_frame
from wizframe.text import counted, plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wizframe.account import Account
    from wizframe.fields import Table

__all__ = [
    "CLEAR",
    "COMMAND",
    "DELETE",
    "Action",
    "Cell",
    "Change",
    "PlanPart",
    "Problem",
    "children_too",
    "counted_children",
    "part_of_changes",
    "places",
    "plan_id",
    "sheet_of",
    "short_id",
    "shown",
]

Action = Literal["create", "update", "delete"]
# The most places of cells in one message; the others are only counted.
_SHOWN_PLACES = 3
#: Characters of an id in titles: easy to compare by eye.
_SHORT = 12


class Cell(NamedTuple):
    """One cell of a change. Values are as in a plain record (str, bool, list of str); None means blank."""

    column: str
    old: Any
    new: Any


class Problem(NamedTuple):
    """A problem to correct. ``position`` is the row in the planned frame; None if it is about the whole column."""

    position: int | None
    column: str
    value: Any
    rule: str


class Change(NamedTuple):
    """The change of one record."""

    action: Action
    position: int  # the row in the planned frame …
    label: Any  # … and its index label
    name: str  # the record's name for people
    id: str | None  # None if it is not known yet
    customer_id: str | None  # the parent's id, if the table has a parent
    reference_id: str | None
    cells: tuple[Cell, ...]  # update: the changed cells; create: the given cells; delete: the record when loaded
    customer_reference_id: str | None = None  # the reference of a parent that the same plan creates
    left_out: tuple[Cell, ...] = ()  # edited cells that are not sent; they stay edited in the frame
    children: tuple[tuple[str, int], ...] = ()  # delete: table and number of the records that are deleted with it
    displaced: tuple[tuple[str, str], ...] = ()  # new default: id and name of the records that lose the flag

    @property
    def owner(self) -> tuple[str | None, str | None]:
        """The parent's id, or the reference of a parent that is created first."""
        return self.customer_id, self.customer_reference_id

    @property
    def new_values(self) -> dict[str, Any]:
        """The new value of each column."""
        return {cell.column: cell.new for cell in self.cells}


def counted_children(changes: Iterable[Change]) -> tuple[str, int]:
    """Count the records that are deleted with others: in words, such as "3 contacts and 1 address", and as a number."""
    counts = Counter[str]()
    for change in changes:
        counts.update(dict(change.children))
    words = (counted(count, TABLES[name].singular) for name, count in counts.items() if count)
    return " and ".join(words), sum(counts.values())


def children_too(changes: Iterable[Change], table: Table) -> str:
    """Say how many children are deleted with the records of some deletes; empty if there are none."""
    words, total = counted_children(changes)
    return f"{words} {plural(total, 'is', 'are')} deleted with the {table.name}" if words else ""


def places(frame: pd.DataFrame, labels: Sequence[Any], column: str = "") -> str:
    """Return the places of cells in the file of a frame, such as ``Customers!F12 and 3 more``.

    Empty if the frame does not come from a file. Without a column, the places are whole rows.
    """
    first = [cell_place(frame, label, column) for label in labels[:_SHOWN_PLACES]]
    more = f" and {len(labels) - _SHOWN_PLACES} more" if len(labels) > _SHOWN_PLACES else ""
    return ", ".join(first) + more if all(first) else ""


def shown(value: Any, longest: int = 40) -> str:
    """Format a cell's value for people: name blanks, join lists, cut long strings, escape control characters."""
    if value is None or (isinstance(value, (str, list)) and not value):
        return "(blank)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = printable(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanPart:
    """The changes of one table, their problems, and what was compared."""

    table: Table
    account: Account  # the account to which the changes are sent
    frame: pd.DataFrame = field(repr=False)  # the user's own frame; new ids and times are written into it
    as_planned: pd.DataFrame = field(repr=False)  # a copy of it; a later edit of the frame makes the plan stale
    changes_list: tuple[Change, ...]
    problems_list: tuple[Problem, ...] = ()
    blanked: dict[str, int] = field(default_factory=dict)  # column to the number of cells that became blank, not sent
    own_columns: tuple[str, ...] = ()  # columns that the user added, which are not compared
    notices: tuple[str, ...] = ()
    compared_rows: int = 0
    compared_columns: tuple[str, ...] = ()
    compared_with: str = ""
    if_nothing: str = ""  # the reason if nothing was compared
    also: pd.DataFrame | None = field(default=None, repr=False)  # the frame of an earlier push of the same records

    def label(self, problem: Problem) -> Any:
        """Return the index label of a problem's row; None if the problem is about a whole column."""
        return None if problem.position is None else self.as_planned.index[problem.position]


def plan_id(parts: Iterable[PlanPart]) -> str:
    """Hash all that a plan shows: the approval of the id is the approval of every word of the plan.

    The same plan has the same id on any machine. The order of the changes does not count: they are shown by their kind.
    """
    digest = hashlib.sha256(b"wizframe plan 3")
    for part in parts:
        problems = [[str(part.label(one)), one.column, repr(one.value), one.rule] for one in part.problems_list]
        head = [
            part.account.base_url, part.account.name, part.table.name, part.compared_rows, part.compared_columns,
            part.compared_with, part.if_nothing, sorted(part.blanked.items()), part.own_columns, part.notices,
            *sheet_of(part), problems,
        ]  # fmt: skip
        digest.update(b"\n" + _json(head).encode())
        for line in sorted(map(_shown_of_change, part.changes_list)):
            digest.update(b"\n" + line.encode())
    return digest.hexdigest()


def short_id(identifier: str) -> str:
    """Cut an id to what a person compares at a glance. It approves nothing: two plans may share it."""
    return identifier[:_SHORT]


def sheet_of(part: PlanPart) -> tuple[str, dict[str, str]]:
    """Return the sheet that a frame was read from, and the letters of its changed columns; empty without a sheet."""
    name = str(part.as_planned.index.name)
    if not name.endswith("!"):
        return "", {}
    columns = {cell.column for change in part.changes_list for cell in change.cells}
    columns |= {problem.column for problem in part.problems_list}
    letters = part.as_planned.attrs.get(LETTERS, {})
    return name, {column: letters[column] for column in sorted(columns) if column in letters}


def _shown_of_change(change: Change) -> str:
    return _json(
        [
            change.action,
            change.id,
            *change.owner,
            change.reference_id,
            change.name,
            str(change.label),
            list(map(list, change.cells)),
            change.children,
            change.displaced,
        ]
    )


def _json(values: list[Any]) -> str:
    try:
        return orjson.dumps(values).decode()  # orjson's bytes keep their whole write buffer, ten times their own size
    except TypeError:  # half an emoji, or a number of more than 64 bits
        return json.dumps(values, default=repr)


def part_of_changes(
    changes: Iterable[Change],
    table: Table,
    account: Account,
    *,
    connection: str = "",
    made_from: str,
    if_nothing: str = "",
    problems: Sequence[Problem] = (),
    notices: Sequence[str] = (),
) -> PlanPart:
    """Make a part from changes without a frame: from a file, from the journal, or from the inverse of a push.

    The part's frame has one row per change, the columns that the changes name, and a baseline of the old values. So the
    rows that fail can be edited and planned again.
    """
    numbered = tuple(change._replace(position=number) for number, change in enumerate(changes))
    columns = {cell.column for change in numbered for cell in change.cells if table[cell.column].level}
    keys = [name for name in ("id", table.parent_id, "reference_id") if name]
    names = [name for name in table.columns(details=True) if name in columns or name in keys]
    labels = pd.Index([change.label for change in numbered])
    frame = _frame([_record(change, keys, old=False) for change in numbered], table, names).set_axis(labels)
    parent_references = [change.customer_reference_id for change in numbered]
    if any(parent_references):
        frame[table.parent_reference] = pd.Series(parent_references, index=labels, dtype=TEXTS)
    known = [change for change in numbered if change.id is not None]
    before = _frame([_record(change, keys, old=True) for change in known], table, names)
    if before["id"].is_unique:
        attach(frame, Baseline(table, account, connection, before, problems_frame()))
    return PlanPart(
        table=table,
        account=account,
        frame=frame,
        as_planned=frame.copy(deep=False),
        changes_list=numbered,
        problems_list=tuple(problems),
        notices=tuple(notices),
        compared_rows=len(numbered),
        compared_columns=tuple(name for name in names if name in columns),
        compared_with=made_from,
        if_nothing=if_nothing,
    )


def _record(change: Change, keys: Sequence[str], *, old: bool) -> dict[str, Any]:
    cells = {cell.column: cell.old if old or change.action == "delete" else cell.new for cell in change.cells}
    return cells | {name: getattr(change, name) for name in keys if name not in cells}


def _frame(records: list[dict[str, Any]], table: Table, names: list[str]) -> pd.DataFrame:
    return to_frame(records, table, details=True)[0][names]
