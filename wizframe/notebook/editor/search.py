"""Which rows of a sheet are shown, in which order. The frame's own order is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.frames.build import column
from wizframe.notebook.editor.marks import written

if TYPE_CHECKING:
    import numpy.typing as npt

    from wizframe.notebook.editor.edits import Sheet

__all__ = ["VIEWS", "found", "suggestions"]

#: What the rows can be limited to.
VIEWS = ("all rows", "edited", "wrong", "new", "to delete")
#: A column of more different values than this has no drop-down list.
MOST_SUGGESTIONS = 25


def found(sheet: Sheet, text: str = "", view: str = VIEWS[0], by: Any = None, *, ascending: bool = True) -> list[int]:
    """Find rows.

    Parameters
    ----------
    sheet : Sheet
    text : str
        What a shown cell must hold, in upper or lower case.
    view : str
        One of :data:`VIEWS`.
    by : object, optional
        The column to sort by; blanks come last.
    ascending : bool

    Returns
    -------
    list of int
        Positions in the frame.
    """
    positions = np.flatnonzero(_says(sheet, text) & _seen(sheet, view))
    if by is None:
        return list(map(int, positions))
    values = sheet.frame[by].iloc[positions].reset_index(drop=True)
    if by in sheet.table:
        values, _ = column(values, sheet.table[by])  # what does not fit is sorted by what is left of it
    values = values.str.casefold() if values.dtype.kind == "O" or isinstance(values.dtype, pd.StringDtype) else values
    order = values.sort_values(ascending=ascending, kind="stable", na_position="last").index
    return list(map(int, positions[order.to_numpy()]))


def _says(sheet: Sheet, text: str) -> npt.NDArray[np.bool_]:
    says = np.full(len(sheet), fill_value=not text)
    for name in sheet.columns if text else ():
        texts = pd.Series([written(value) for value in sheet.frame[name]], dtype="str")
        says |= texts.str.contains(text, case=False, regex=False).to_numpy(dtype=bool)
    return says


def _seen(sheet: Sheet, view: str) -> npt.NDArray[np.bool_]:
    seen = np.full(len(sheet), fill_value=view == VIEWS[0])
    if view in ("edited", "wrong"):
        cells = sheet.edited if view == "edited" else sheet.wrong
        seen[[position for position, _ in cells]] = True
    elif view in ("new", "to delete"):
        is_so = sheet.is_new if view == "new" else sheet.is_to_go
        seen[[position for position in range(len(sheet)) if is_so(position)]] = True
    return seen


def suggestions(sheet: Sheet, name: Any) -> list[str]:
    """List the values of a column that has few different ones, most frequent first: help, and no limit.

    Parameters
    ----------
    sheet : Sheet
    name : object

    Returns
    -------
    list of str
        Empty where there is no choice to make.
    """
    if name not in sheet.table or sheet.lock(name) or sheet.table[name].format or sheet.table[name].kind != "text":
        return []
    counts = sheet.frame[name].map(written).value_counts()
    texts = [str(text) for text in counts.index if text]
    is_choice = len(texts) <= min(MOST_SUGGESTIONS, len(sheet) / 3)
    return texts if is_choice else []
