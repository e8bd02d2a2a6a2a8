"""Frames in Arrow's own dtypes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

__all__ = ["arrow_backed"]


def arrow_backed(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the same frame in Arrow's own dtypes, as pandas means it by ``dtype_backend="pyarrow"``.

    Parameters
    ----------
    frame : DataFrame
        Typed, as loaders make it.

    Returns
    -------
    DataFrame
        Texts and statuses ``large_string[pyarrow]``, flags ``bool[pyarrow]``, times ``timestamp[us, tz=UTC][pyarrow]``.
        Texts are in the same memory.
    """
    columns = {name: pd.Series(_arrow_array(frame[name]), index=frame.index) for name in frame.columns}
    backed = pd.DataFrame(columns, index=frame.index, copy=False)
    backed.attrs = dict(frame.attrs)
    return backed


def _arrow_array(values: pd.Series[Any]) -> Any:
    array = pa.array(values.array, from_pandas=True)
    if pa.types.is_dictionary(array.type):
        array = array.cast(pa.large_string())
    return pd.arrays.ArrowExtensionArray(array)
