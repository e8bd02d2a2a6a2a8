"""The commands that a user can type into a cell: ``<clear>``, and DELETE in the column Command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wizframe.fields import CLEAR, COMMAND, DELETE
from wizframe.frames.build import is_blank
from wizframe.planning.changes import Problem

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["cells_to_clear", "is_clear", "is_delete", "rows_to_delete"]


def is_delete(command: Any) -> bool:
    """Return whether a cell of the column Command means to delete the record of its row."""
    return not is_blank(command) and str(command).strip().upper() == DELETE


def is_clear(text: str) -> bool:
    """Return whether a string means to clear its cell."""
    return text.strip() == CLEAR


def rows_to_delete(commands: pd.Series[Any]) -> tuple[npt.NDArray[np.bool_], list[Problem]]:
    """Read a column of commands: return the rows to delete, and problems for cells that are not a command."""
    rule = f"is not a command: write {DELETE}, or leave it blank"
    deletes = np.array([is_delete(command) for command in commands], dtype=bool)
    problems = [
        Problem(position, COMMAND, command, rule)
        for position, command in enumerate(commands)
        if not (deletes[position] or is_blank(command) or not str(command).strip())
    ]
    return deletes, problems


def cells_to_clear(values: pd.Series[Any]) -> pd.Series[bool]:
    """Return which cells of a column contain :data:`CLEAR`."""
    return values.eq(CLEAR).fillna(value=False).astype(bool)
