"""Decide which table the rows of a frame belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from wizframe.errors import AmbiguousTableError, PlanError
from wizframe.fields import TABLES
from wizframe.frames.arrow import TEXTS
from wizframe.frames.baselines import loads
from wizframe.text import option

if TYPE_CHECKING:
    from collections.abc import Collection

    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline

__all__ = ["which_table"]


def which_table(frame: pd.DataFrame, table: str | None, baseline: Baseline | None) -> Table:
    """Return the table of a frame: from the caller, the baseline, the columns, or the loads that have its ids."""
    if not isinstance(frame, pd.DataFrame):
        library, name = type(frame).__module__.partition(".")[0], type(frame).__name__
        hint = "Make a DataFrame of records with pd.DataFrame(records)."
        if name in ("DataFrame", "LazyFrame", "Table"):  # of polars, dask, pyarrow and the like
            convert = {"dask": "compute", "polars": "collect().to_pandas" if name == "LazyFrame" else "to_pandas"}
            name, hint = f"one of {library}", f"Convert it with frame.{convert.get(library, 'to_pandas')}()."
        raise PlanError(f"a pandas DataFrame is needed, not {name}", hint=hint)
    if table is not None and table not in TABLES:
        raise AmbiguousTableError(f"{option('table', table)} is not valid: use {' or '.join(map(repr, TABLES))}")
    if table is not None:
        return TABLES[table]
    if baseline is not None:
        return baseline.table
    names = {str(name) for name in [*frame.columns, *frame.index.names]}
    shown = {one.name: _columns_that_show(one, names) for one in TABLES.values()}
    found = [TABLES[name] for name, columns in shown.items() if columns]
    # The parent's columns are in the frames of all of its children, so a child with columns of its own wins.
    marked = [one.parent for one in found if one.marks]
    found = [one for one in found if one.marks or one.parent not in marked]
    if len(found) > 1:  # a merge left columns of several tables: the load that has the ids decides
        found = [one for one in found if _is_loaded(frame, one)] or found
    if len(found) == 1:
        return found[0]
    choice = " or ".join(option("table", one) for one in TABLES)
    if found:
        why = " and ".join(f"{', '.join(shown[one.name])} (of {one.name})" for one in found)
        raise AmbiguousTableError(
            f"the frame may hold {' or '.join(one.name for one in found)}: it has the columns {why}",
            hint=f"Give {choice}.",
        )
    known = ", ".join(f"{one.name} by {' or '.join(one.marks or one.parent_columns)}" for one in TABLES.values())
    raise AmbiguousTableError(f"no column shows which table the frame holds ({known})", hint=f"Pass {choice}.")


def _columns_that_show(table: Table, names: Collection[str]) -> list[str]:
    """Return the columns that show a table. The parent's columns alone do not count if the table has its own marks."""
    marks = [name for name in table.marks if name in names]
    return marks if table.marks else [name for name in table.parent_columns if name in names]


def _is_loaded(frame: pd.DataFrame, table: Table) -> bool:
    """Return whether a load of a table that is still in memory has all ids of a frame."""
    ids = frame["id"] if "id" in frame else frame.index.get_level_values("id") if "id" in frame.index.names else None
    if ids is None:
        return False
    texts = pd.Series(pd.unique(pd.Series(ids).dropna())).astype(TEXTS)
    return len(texts) > 0 and any(bool((load.find(texts) >= 0).all()) for load in loads(table))
