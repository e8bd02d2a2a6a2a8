"""What a plan or a push complained about is corrected in the planned frame itself, cell by cell, and planned again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wizframe.errors import StalePlanError
from wizframe.fields import CUSTOMER
from wizframe.frames.build import read_cells
from wizframe.pushing.frame_update import set_cells
from wizframe.pushing.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wizframe.api.client import BaseClient
    from wizframe.pushing.plan import Plan

__all__ = ["Correction", "correct"]


class Correction(NamedTuple):
    """A cell as somebody corrected it: the row in the planned frame, and what was typed."""

    table: str
    position: int
    column: str
    text: str


def correct(made: Plan | Result, corrections: Iterable[Correction], *, client: BaseClient | None = None) -> Plan:
    """Write corrections into the planned frame, and plan it again with the same decisions.

    Parameters
    ----------
    made : Plan or Result
        What complained. A row of a result that has a conflict and is corrected, if only to what stands there already,
        is decided: it is compared with what is in WizCommerce now. The others stay conflicts.
    corrections : iterable of Correction
        Texts; one that does not fit its column is kept as it is, and is a problem of the new plan.
    client : Client, optional
        As for :func:`wizframe.plan`.

    Returns
    -------
    Plan
        Nothing is sent until its ``apply()``.

    Raises
    ------
    StalePlanError
        Rows came, went or moved since: nothing was written.
    """
    by_column: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for correction in corrections:
        by_column[correction.table, correction.column][correction.position] = correction.text
    for part in made.parts:
        plan: Plan = part.plan if isinstance(part, Result) else part
        cells = {name: texts for (table, name), texts in by_column.items() if table == plan.table.name}
        _check_rows(plan, cells)
        if isinstance(part, Result):
            part.acknowledge({position for texts in cells.values() for position in texts})
        for name, texts in cells.items():
            _write(plan, name, texts)
    whole = made.plan if isinstance(made, Result) else made
    return whole.again(client=client)


def _check_rows(plan: Plan, cells: Mapping[str, object]) -> None:
    was, now = plan.as_planned.index, plan.frame.index
    # A push writes ids into the index where they stand there; and rows may have been added below.
    is_known = was.equals(now[: len(was)]) or (len(was) == len(now) and "id" in now.names)
    if cells and not is_known:
        raise StalePlanError(f"rows of {plan.table.name} came, went or moved since: plan it again")


def _write(plan: Plan, name: str, texts: dict[int, Any]) -> None:
    # The only column that is none of the table's: the customer of a new contact, by its reference.
    field = plan.table[name] if name in plan.table else CUSTOMER["reference_id"]
    values = [value for value, _ in read_cells(list(texts.values()), field)]
    set_cells(plan.frame, name, np.array(list(texts), dtype=np.intp), values)
