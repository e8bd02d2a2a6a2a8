"""What would change in one table. Plans and results have one part for each table, parents first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd

from wizframe.frames.baselines import Baseline, attach
from wizframe.frames.build import to_frame
from wizframe.frames.problems import problems_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wizframe.account import Account
    from wizframe.fields import Table
    from wizframe.planning.changes import Change, Problem

__all__ = ["PlanPart", "part_of_changes", "plan_id"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanPart:
    """What would change in one table, what stands in the way, and what was compared."""

    table: Table
    account: Account  # where the changes go
    frame: pd.DataFrame = field(repr=False)  # the user's: ids and times are written into it when they are known
    as_planned: pd.DataFrame = field(repr=False)  # a copy of it: an edit after planning makes the plan stale
    changes_list: tuple[Change, ...]
    problems_list: tuple[Problem, ...] = ()
    blanked: dict[str, int] = field(default_factory=dict)  # column to the cells that became blank and are not sent
    own_columns: tuple[str, ...] = ()  # the user's own, not compared
    notices: tuple[str, ...] = ()
    compared_rows: int = 0
    compared_columns: tuple[str, ...] = ()
    compared_with: str = ""
    if_nothing: str = ""  # why nothing was compared

    def label(self, problem: Problem) -> Any:
        """Give the user's label of a problem's row; None if the problem is about a whole column."""
        return None if problem.position is None else self.frame.index[problem.position]


def plan_id(parts: Iterable[PlanPart]) -> str:
    """Hash account, tables and changes: the same plan has the same id on any machine."""
    content: list[str] = []
    for part in parts:
        changes = sorted(
            _json([change.action, change.id, *change.owner, change.reference_id, *map(list, change.cells)])
            for change in part.changes_list
        )
        content += [_json([str(part.account), part.table.name]), *changes]
    # 48 bits: short enough to read out over the phone, long enough that two plans never share an id by chance.
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]


def _json(values: list[Any]) -> str:
    return orjson.dumps(values).decode()  # orjson's bytes keep their whole write buffer, ten times their own size


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
    """Make a part of changes that come without a frame: from a file, from the journal, or the inverse of a push.

    Its frame has one row per change, with the columns that the changes name and a baseline of the old values: what
    fails can be edited and planned again.
    """
    numbered = tuple(change._replace(position=number) for number, change in enumerate(changes))
    columns = {cell.column for change in numbered for cell in change.cells if table[cell.column].level}
    keys = [name for name in ("id", table.parent_id, "reference_id") if name]
    names = [name for name in table.columns(details=True) if name in columns or name in keys]
    labels = pd.Index([change.label for change in numbered])
    frame = _frame([_record(change, keys, old=False) for change in numbered], table, names).set_axis(labels)
    parent_references = [change.customer_reference_id for change in numbered]
    if any(parent_references):
        frame[table.parent_reference] = pd.Series(parent_references, index=labels, dtype="str")
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
