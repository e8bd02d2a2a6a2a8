"""What is wrong with a frame, as a frame, and where in its file a cell stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LETTERS", "cell_place", "problems_frame"]

#: In the ``attrs`` of a frame that was read from a file: column to its letter there. Its labels are row numbers, under
#: the name of the sheet with an exclamation mark.
LETTERS = "wizframe_letters"
PROBLEM_COLUMNS = ["row", "column", "value", "rule"]


def problems_frame(rows: Iterable[Sequence[Any]] = (), columns: Sequence[str] = PROBLEM_COLUMNS) -> pd.DataFrame:
    """Build a frame of problems.

    Parameters
    ----------
    rows : iterable of sequence
        In the order of ``columns``.
    columns : sequence of str, default row, column, value, rule

    Returns
    -------
    DataFrame
        One row per problem, dtype ``object`` (values are shown as they stand in the frame).
    """
    return pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)


def cell_place(frame: pd.DataFrame, label: Any, name: str = "") -> str:
    """Say where in its file a cell of a frame stands.

    Parameters
    ----------
    frame : DataFrame
    label : object
        Of the row.
    name : str
        Of the column; without it, the row is meant.

    Returns
    -------
    str
        Such as ``Customers!F12``; empty for a frame that does not come from a file, or lost its labels.
    """
    sheet = str(frame.index.name)
    return f"{sheet}{frame.attrs.get(LETTERS, {}).get(name, '')}{label}" if sheet.endswith("!") else ""
