"""Corrections for the problems of a plan or a push: written into the planned frame, which is then planned again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wizframe.errors import StalePlanError
from wizframe.frames.build import read_cells
from wizframe.pushing.frame_update import set_cells
from wizframe.pushing.plan import Result
from wizframe.pushing.results import ResultPart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wizframe.api.client import BaseClient
    from wizframe.planning.changes import PlanPart
    from wizframe.pushing.plan import Plan

__all__ = ["Correction", "correct"]


class Correction(NamedTuple):
    """A corrected cell: its table and row in the planned frame, its column, and the typed text."""

    table: str
    position: int
    column: str
    text: str


def correct(made: Plan | Result, corrections: Iterable[Correction], *, client: BaseClient | None = None) -> Plan:
    """Write corrections into the planned frames, and plan them again with the same options.

    A row with a conflict counts as decided if one of its cells is corrected, even to the same value: the row is then
    compared with its current record in WizCommerce. The other rows stay conflicts. A string that is not valid for its
    column stays in the frame, and is a problem of the new plan. If rows were added, removed or moved, this raises a
    StalePlanError and writes nothing.
    """
    by_column: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for correction in corrections:
        by_column[correction.table, correction.column][correction.position] = correction.text
    for part in made.parts:
        planned = part.plan if isinstance(part, ResultPart) else part
        cells = {name: texts for (table, name), texts in by_column.items() if table == planned.table.name}
        _check_rows(planned, cells)
        if isinstance(part, ResultPart):
            part.acknowledge({position for texts in cells.values() for position in texts})
        for name, texts in cells.items():
            _write(planned, name, texts)
    plan = made.plan if isinstance(made, Result) else made
    return plan.again(client=client)


def _check_rows(part: PlanPart, cells: Mapping[str, object]) -> None:
    was, now = part.as_planned.index, part.frame.index
    # A push writes ids into an index of ids, and rows may have been added below.
    is_known = was.equals(now[: len(was)]) or (len(was) == len(now) and "id" in now.names)
    if cells and not is_known:
        raise StalePlanError(
            f"rows of {part.table.name} were added, removed or moved after the plan was made", hint="Plan them again."
        )


def _write(part: PlanPart, name: str, texts: dict[int, Any]) -> None:
    field = part.table.field_of(name)
    if field is not None:
        values = [value for value, _ in read_cells(list(texts.values()), field)]
        set_cells(part.frame, name, np.array(list(texts), dtype=np.intp), values)
