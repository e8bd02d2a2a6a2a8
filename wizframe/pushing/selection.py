"""Some of a plan's changes: the changes that a user ticked, or that a script filtered."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from wizframe.errors import PlanError
from wizframe.planning.changes import children_too

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from wizframe.planning.changes import Change, PlanPart

    #: The number of a change, as in ``plan.changes``, to the chosen columns; None means all columns.
    Wanted = Mapping[int, Collection[str] | None]

__all__ = ["keep", "wanted_by"]

_IDENTITY = ["table", "action", "index", "id"]


def wanted_by(rows: pd.DataFrame, changes: pd.DataFrame, cells: pd.DataFrame) -> Wanted:
    """Return the changes that are chosen by rows of a plan's ``changes`` or ``cells``."""
    by_cell = "column" in rows
    shown = cells if by_cell else changes
    known = bool(rows.index.isin(shown.index).all()) and set(_IDENTITY) <= set(rows.columns)
    if not known or not rows[_IDENTITY].equals(shown.loc[rows.index, _IDENTITY]):
        raise PlanError("choose() needs rows of plan.changes or plan.cells: filter one of them, and keep its labels")
    if not by_cell:
        return dict.fromkeys(rows.index.tolist())
    numbers = np.repeat(np.arange(len(changes)), [len(columns) for columns in changes["columns"]])
    wanted: dict[int, set[str]] = {}
    for label in rows.index:
        wanted.setdefault(int(numbers[label]), set()).add(shown["column"][label])
    return wanted


def keep(parts: Sequence[PlanPart], wanted: Wanted) -> tuple[PlanPart, ...]:
    """Return the parts with only the chosen changes, and with the problems of their rows."""
    numbers = count()
    kept: list[PlanPart] = []
    for part in parts:
        numbered = zip(part.changes_list, numbers, strict=False)  # changes come first: zip must not use up a number
        chosen = [_kept(change, wanted[number]) for change, number in numbered if number in wanted]
        kept.append(_with_changes(part, [change for change in chosen if _is_possible(change, part, kept)]))
    return tuple(kept)


def _kept(change: Change, columns: Collection[str] | None) -> Change:
    cells = tuple(cell for cell in change.cells if columns is None or cell.column in columns)
    if len(cells) == len(change.cells):
        return change
    if change.action != "update":
        raise PlanError(
            f"to {change.action} {change.id or change.reference_id} is one change: choose all of its cells, or none"
        )
    left = tuple(cell for cell in change.cells if cell not in cells)
    return change._replace(cells=cells, left_out=(*change.left_out, *left))


def _is_possible(change: Change, part: PlanPart, before: Sequence[PlanPart]) -> bool:
    """Return whether something is left to do, and whether the parent of a new child is going to be created."""
    parents = next((one for one in before if one.table is part.table.parent), None)
    if parents is None or change.customer_id is not None or change.customer_reference_id is None:
        return bool(change.cells) or change.action == "delete"
    created = {parent.reference_id for parent in parents.changes_list if parent.action == "create"}
    return change.customer_reference_id in created


def _with_changes(part: PlanPart, chosen: Sequence[Change]) -> PlanPart:
    positions = {change.position for change in chosen}
    # A problem of a whole column affects every row, but a part without rows has none.
    problems = [
        problem
        for problem in part.problems_list
        if (problem.position in positions if problem.position is not None else chosen)
    ]
    was, now = children_too(part.changes_list, part.table), children_too(chosen, part.table)
    notices = tuple(filter(None, (now if notice == was else notice for notice in part.notices)))
    return replace(part, changes_list=tuple(chosen), problems_list=tuple(problems), notices=notices)
