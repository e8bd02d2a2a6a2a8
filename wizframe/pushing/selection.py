"""A plan of some of another plan's changes: what a person ticked, or a script filtered."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from wizframe.errors import PlanError
from wizframe.planning.changes import contacts_too

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from wizframe.planning.changes import Change
    from wizframe.pushing.plan import Plan

    Wanted = Mapping[int, Collection[str] | None]

__all__ = ["choose", "keep"]

_IDENTITY = ["table", "action", "index", "id"]


def choose(plan: Plan, rows: pd.DataFrame) -> Plan:
    """Make a plan of some rows of a plan's ``changes`` or ``cells``; see :meth:`wizframe.Plan.choose`.

    Parameters
    ----------
    plan : Plan
    rows : DataFrame

    Returns
    -------
    Plan

    Raises
    ------
    PlanError
        The rows are none of the plan's.
    """
    by_cell = "column" in rows
    shown = plan.cells if by_cell else plan.changes
    known = bool(rows.index.isin(shown.index).all()) and set(_IDENTITY) <= set(rows.columns)
    if not known or not rows[_IDENTITY].equals(shown.loc[rows.index, _IDENTITY]):
        raise PlanError("choose() takes rows of plan.changes or plan.cells: filter one of them, and keep its labels")
    if not by_cell:
        return keep(plan, dict.fromkeys(rows.index.tolist()))
    lengths = [len(change.cells) for part in plan.parts for change in part.changes_list]
    numbers = np.repeat(np.arange(len(plan)), lengths)
    wanted: dict[int, set[str]] = {}
    for label in rows.index:
        wanted.setdefault(int(numbers[label]), set()).add(shown["column"][label])
    return keep(plan, wanted)


def keep(plan: Plan, wanted: Wanted) -> Plan:
    """Make a plan of some of a plan's changes.

    Parameters
    ----------
    plan : Plan
    wanted : mapping
        The number of a change, as in ``plan.changes``, to the columns that are wanted; None for all of them.

    Returns
    -------
    Plan
        Of the same frame, and as stale. Problems of other rows are gone.

    Raises
    ------
    PlanError
        Only some cells of a new record or of a delete are wanted.
    """
    numbers = count()
    parts: list[Plan] = []
    for part in plan.parts:
        numbered = zip(part.changes_list, numbers, strict=False)  # the changes first: they end, and no number is lost
        kept = [_kept(change, wanted[number]) for change, number in numbered if number in wanted]
        parts.append(_of(part, [change for change in kept if _is_possible(change, parts)]))
    return replace(parts[0], contacts=parts[1]) if len(parts) > 1 else parts[0]


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


def _is_possible(change: Change, before: Sequence[Plan]) -> bool:
    """Tell whether something is left to do, and whether a contact's new customer is going to be there."""
    if not before or change.customer_id is not None or change.customer_reference_id is None:
        return bool(change.cells) or change.action == "delete"
    created = (customer for customer in before[0].changes_list if customer.action == "create")
    return change.customer_reference_id in {customer.reference_id for customer in created}


def _of(part: Plan, chosen: Sequence[Change]) -> Plan:
    positions = {change.position for change in chosen}
    # A problem of a whole column is in the way of every row, but not where there is none.
    problems = [
        problem
        for problem in part.problems_list
        if (problem.position in positions if problem.position is not None else chosen)
    ]
    was, now = contacts_too(part.changes_list), contacts_too(chosen)
    deletes = any(change.action == "delete" for change in chosen)
    notices = [now if notice == was else notice for notice in part.notices if notice != was or deletes]
    return replace(part, changes_list=tuple(chosen), problems_list=tuple(problems), notices=tuple(notices))
