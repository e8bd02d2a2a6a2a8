"""Columns of texts as Arrow has them: several times as fast to search as pandas' own operators."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["blanks", "holds", "is_text", "is_unique", "texts_of"]


def is_text(values: pd.Series[Any]) -> bool:
    """Tell whether a column has pandas' dtype of texts.

    Parameters
    ----------
    values : Series

    Returns
    -------
    bool
    """
    return isinstance(values.dtype, pd.StringDtype)


def texts_of(values: pd.Series[Any]) -> pa.Array | pa.ChunkedArray:
    """Give the texts of a column.

    Parameters
    ----------
    values : Series
        Of texts.

    Returns
    -------
    pyarrow.Array or ChunkedArray
        ``large_string``: the column's own memory, where it is that.
    """
    return pa.array(values.array, pa.large_string())


def blanks(index: pd.Index[Any]) -> pd.Series[Any]:
    """Make a column of texts in which nothing stands.

    Parameters
    ----------
    index : Index

    Returns
    -------
    Series
    """
    return pd.Series(pd.array(pa.nulls(len(index), pa.large_string()), dtype="str"), index=index)


def holds(values: pd.Series[Any], text: str) -> bool:
    """Tell whether a text is one of a column's values.

    Parameters
    ----------
    values : Series
        Of any dtype.
    text : str

    Returns
    -------
    bool
    """
    if is_text(values):
        return bool(pc.any(pc.equal(texts_of(values), text)).as_py())
    if isinstance(values.dtype, pd.CategoricalDtype) and text not in values.dtype.categories:
        return False
    return bool(values.eq(text).fillna(value=False).astype(bool).any())


def is_unique(values: pd.Series[Any]) -> bool:
    """Tell whether no text stands in two rows.

    Parameters
    ----------
    values : Series
        Of texts.

    Returns
    -------
    bool
        False also where two are blank.
    """
    return len(pc.unique(texts_of(values))) == len(values)
