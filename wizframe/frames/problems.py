"""The problems of a frame: found by pandera schemas that are built from the field table, and returned as a frame.

This module names no field. pandera is imported when the first frame is validated, because the import takes 0.2 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from wizframe.fields import violation
from wizframe.frames.arrow import is_repeated
from wizframe.frames.build import pandas_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandera.pandas as pa

    from wizframe.fields import Field, Table

__all__ = ["LETTERS", "REQUIRED", "UNIQUE", "Letters", "cell_place", "find_problems", "problems_frame", "schema"]

#: Key in the ``attrs`` of a frame from a file: column to its letter in the file. The frame's index labels are row
#: numbers, and the index name is the sheet's name with an exclamation mark.
LETTERS = "wizframe_letters"


class Letters(dict[str, str]):
    """The letters of columns. One object is shared, because pandas copies ``attrs`` for each column that it returns."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


_COLUMNS = ["row", "column", "value", "rule"]
REQUIRED = "is blank, but required"
UNIQUE = "occurs more than once"


def problems_frame(rows: Iterable[Sequence[Any]] = (), columns: Sequence[str] = _COLUMNS) -> pd.DataFrame:
    """Build a frame with one row per problem. Its dtype is ``object``, so values stay as they are in the frame."""
    return pd.DataFrame([list(row) for row in rows], columns=list(columns), dtype=object)


def cell_place(frame: pd.DataFrame, label: Any, name: str = "") -> str:
    """Return the place of a cell in its file, such as ``Customers!F12``; without ``name``, of the whole row.

    Empty for a frame that does not come from a file, or that lost its index labels.
    """
    sheet = str(frame.index.name)
    return f"{sheet}{frame.attrs.get(LETTERS, {}).get(name, '')}{label}" if sheet.endswith("!") else ""


def schema(table: Table, columns: Sequence[str] | None = None) -> pa.DataFrameSchema:
    """Build the pandera schema of a table, or of some of its columns: dtypes, required fields, lengths, formats."""
    import pandera.pandas as pa  # noqa: PLC0415 - 0.2 s that a session without loads does not need

    names = table.columns() if columns is None else [name for name in columns if name in table]
    return pa.DataFrameSchema(
        {name: pa.Column(pandas_dtype(table[name]), _checks(table[name], table), nullable=True) for name in names},
        name=table.name,
    )


def _checks(field: Field, table: Table) -> list[Any]:
    import pandera.pandas as pa  # noqa: PLC0415

    checks = []  # each check accepts blanks itself: with ignore_na=True, pandera would copy the column without them
    if field.name in ("id", *table.required):
        checks.append(pa.Check(lambda texts: texts.notna(), ignore_na=False, error=REQUIRED))
    if field.name == "id" and table.parent is None:
        checks.append(pa.Check(lambda texts: ~is_repeated(texts), error=UNIQUE))
    if field.max_length is not None:
        longest = field.max_length
        error = f"is longer than {longest} characters"
        checks.append(pa.Check(lambda texts: ~(texts.str.len() > longest), ignore_na=False, error=error))
    if field.pattern:
        expression = field.pattern
        error = violation(field, "?") or ""
        checks.append(pa.Check(lambda texts: texts.str.fullmatch(expression, na=True), ignore_na=False, error=error))
    return checks


def find_problems(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Validate a typed frame: one row per problem (row label, column, value, rule)."""
    import pandera.pandas as pa  # noqa: PLC0415

    plain, found = frame.reset_index(drop=True), _repeated_children(frame, table)
    try:
        # failure_cases name rows by label. With a RangeIndex, labels are positions.
        schema(table, list(frame.columns)).validate(plain, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.dropna(subset=["index"])
        values = [cases[name].astype(object).tolist() for name in ("column", "failure_case", "check")]
        found += zip(cases["index"].astype(int).tolist(), *values, strict=True)
    found.sort(key=lambda one: one[0])
    labels = frame.index[[position for position, *_ in found]].tolist()
    return problems_frame([(label, *one[1:]) for label, one in zip(labels, found, strict=True)])


def _repeated_children(frame: pd.DataFrame, table: Table) -> list[tuple[int, str, Any, str]]:
    """List the positions of children with an id that occurs more than once within one parent."""
    key = [name for name in ("id", table.parent_id) if name in frame]
    if table.parent is None or "id" not in key:
        return []
    twice = frame.duplicated(key, keep=False) & frame["id"].notna()
    positions = twice.to_numpy().nonzero()[0].tolist()
    return [(position, "id", frame["id"].iat[position], UNIQUE) for position in positions]
