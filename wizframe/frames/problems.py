"""The problems of a frame, as a frame, and the place of a cell in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LETTERS", "cell_place", "problems_frame"]

#: Key in the ``attrs`` of a frame that was read from a file: column to its letter there. The frame's labels are row
#: numbers, and their index is named like the sheet, with an exclamation mark.
LETTERS = "wizframe_letters"
PROBLEM_COLUMNS = ["row", "column", "value", "rule"]


def problems_frame(rows: Iterable[Sequence[Any]] = (), columns: Sequence[str] = PROBLEM_COLUMNS) -> pd.DataFrame:
    """Build a frame with one row per problem, dtype ``object``: values are shown as they are in the frame."""
    return pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)


def cell_place(frame: pd.DataFrame, label: Any, name: str = "") -> str:
    """Give the place of a cell in its file, such as ``Customers!F12``; without ``name``, of the whole row.

    Empty for a frame that does not come from a file, or lost its labels.
    """
    sheet = str(frame.index.name)
    return f"{sheet}{frame.attrs.get(LETTERS, {}).get(name, '')}{label}" if sheet.endswith("!") else ""
