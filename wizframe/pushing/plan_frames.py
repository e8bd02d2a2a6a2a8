"""A plan as DataFrames: its changes, its cells, its problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizframe.frames.problems import problems_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from wizframe.planning.parts import PlanPart

__all__ = ["cells_of", "changes_of", "problems_of"]


def changes_of(parts: Sequence[PlanPart]) -> pd.DataFrame:
    """Build one row per changed record."""
    rows = [
        (
            part.table.name, change.action, change.label, change.id, *change.owner, change.reference_id, change.name,
            [cell.column for cell in change.cells],
            [cell.old for cell in change.cells],
            [cell.new for cell in change.cells],
        )
        for part in parts
        for change in part.changes_list
    ]  # fmt: skip
    return problems_frame(
        rows,
        [
            "table", "action", "index", "id", "customer_id", "customer_reference_id", "reference_id", "name",
            "columns", "old", "new",
        ],
    )  # fmt: skip


def cells_of(parts: Sequence[PlanPart]) -> pd.DataFrame:
    """Build one row per changed cell."""
    rows = [
        (part.table.name, change.action, change.label, change.id, *cell)
        for part in parts
        for change in part.changes_list
        for cell in change.cells
    ]
    return problems_frame(rows, ["table", "action", "index", "id", "column", "old", "new"])


def problems_of(parts: Sequence[PlanPart]) -> pd.DataFrame:
    """Build one row per problem; the row is None if it is about a whole column."""
    rows = [(part.label(problem), *problem[1:], part.table.name) for part in parts for problem in part.problems_list]
    return problems_frame(rows, ["row", "column", "value", "rule", "table"])
