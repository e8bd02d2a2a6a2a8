"""Plain records to a typed DataFrame, column by column. Knows nothing of where records came from.

Blank is one thing: null, absent and ``""`` all become a missing value. What does not fit its column (a number where a
text belongs, a time that is none) becomes the nearest text or a missing value, and a :class:`Misfit` says so:
a record never makes a load fail.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.errors import Hint, PlanError
from wizframe.fields import ADDRESS, STATUSES, violation
from wizframe.frames.arrow import holds, is_text, texts_of
from wizframe.frames.arrow_backed import arrow_backed
from wizframe.frames.memory import POOL
from wizframe.frames.problems import LETTERS, cell_place, problems_frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from wizframe.api.dialects import Record
    from wizframe.fields import Field, Kind, Table

__all__ = [
    "LETTERS",
    "SUPERSEDED",
    "Misfit",
    "Unsure",
    "arrow_backed",
    "cell_place",
    "column",
    "column_array",
    "frame_of",
    "is_blank",
    "is_same_frame",
    "pandas_dtype",
    "problems_frame",
    "read_cells",
    "record_values",
    "split_ids",
    "text_array",
    "to_frame",
    "to_record_value",
    "unfold_addresses",
]

#: In the ``attrs`` of a frame that another one took the place of: why it is not to be pushed any more.
SUPERSEDED = "wizframe_superseded"
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_IDS_SEPARATOR = ", "


class Misfit(NamedTuple):
    """A value that does not fit its column: position in the column, the value, and the rule it breaks."""

    position: int
    value: Any
    rule: str


@dataclass(frozen=True)
class Unsure:
    """A cell of a file that may mean several things. It stands in the frame, and is a misfit in any column.

    Parameters
    ----------
    value : str
        As it stands in the file.
    rule : str
        What is unclear, as the end of a sentence that begins with the value, and what to do.
    """

    value: str
    rule: str

    def __str__(self) -> str:
        return self.value


def pandas_dtype(field: Field) -> Any:
    """Give the dtype of a field's column as pandas' own object.

    Parameters
    ----------
    field : Field

    Returns
    -------
    ExtensionDtype
        ``str``, ``boolean``, ``datetime64[us, UTC]`` or the category of statuses.
    """
    if field.kind == "status":
        return pd.CategoricalDtype(list(STATUSES), ordered=False)
    return pd.api.types.pandas_dtype(field.dtype)


def to_frame(
    records: Sequence[Record], table: Table, *, details: bool = False
) -> tuple[pd.DataFrame, list[tuple[str, Misfit]]]:
    """Build a frame from plain records.

    Parameters
    ----------
    records : sequence of dict
    table : Table
    details : bool
        Also the columns that only details carry.

    Returns
    -------
    DataFrame
        One row per record, ``table.columns(details=details)``, with their dtypes, also without rows; RangeIndex.
    list of (column, Misfit)
        Values that did not fit.
    """
    columns: dict[str, Any] = {}
    misfits: list[tuple[str, Misfit]] = []
    for name in table.columns(details=details):
        columns[name], wrong = column_array([record.get(name) for record in records], table[name])
        misfits += [(name, misfit) for misfit in wrong]
    return frame_of(columns, table), misfits


def frame_of(columns: Mapping[str, Any], table: Table) -> pd.DataFrame:
    """Build a frame from columns.

    Parameters
    ----------
    columns : mapping
        Name to Arrow array, as :func:`column_array` makes them, all equally long.
    table : Table

    Returns
    -------
    DataFrame
        Columns in the table's dtypes; RangeIndex.
    """
    frame: pd.DataFrame = pa.table(dict(columns)).to_pandas(types_mapper=_PANDAS_TYPES.get)
    for name in columns:
        if table[name].kind == "status":
            codes = pc.index_in(columns[name], pa.array(STATUSES, _ARROW_TYPES["status"])).fill_null(-1)
            frame[name] = pd.Categorical.from_codes(codes.to_numpy(), dtype=pandas_dtype(table[name]))
    return frame


def column(values: pd.Series[Any], field: Field) -> tuple[pd.Series[Any], list[Misfit]]:
    """Bring a column of any dtype into the field's own.

    Parameters
    ----------
    values : Series
        Of a user's frame, with whatever pandas or a spreadsheet made of it.
    field : Field

    Returns
    -------
    Series
        In the field's dtype, same index; the values' own memory where nothing had to change.
    list of Misfit
        Values that did not fit: what is left of them stands in the column, or nothing.
    """
    dtype = pandas_dtype(field)
    if values.dtype == dtype and field.kind != "ids":
        return (values.mask(values == "") if field.dtype == "str" and holds(values, "") else values), []
    array, misfits = _from_arrow(values, field) or column_array(list(values), field)
    typed = pa.table({"values": array}).to_pandas(types_mapper=_PANDAS_TYPES.get)["values"]
    return typed.astype(dtype).set_axis(values.index), misfits


def _from_arrow(values: pd.Series[Any], field: Field) -> tuple[pa.Array, list[Misfit]] | None:
    """Take a column that is in Arrow already as it is; None where it is not, or not of the field's own type."""
    if not isinstance(values.dtype, pd.ArrowDtype):
        return None
    array = pa.array(values.array)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if is_text and field.kind != "flag":
        return text_array(array.cast(pa.large_string()), field)
    return (array, []) if array.type == _ARROW_TYPES[field.kind] else None


def is_blank(value: Any) -> bool:
    """Tell whether a cell is blank.

    Parameters
    ----------
    value : object

    Returns
    -------
    bool
        True for None, NaN, NaT, NA and an empty text; an empty list is a value.
    """
    if isinstance(value, str):
        return not value
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def is_same_frame(was: pd.DataFrame, now: pd.DataFrame) -> bool:
    """Tell whether nobody edited a frame.

    Parameters
    ----------
    was, now : DataFrame

    Returns
    -------
    bool
    """
    return was.equals(now) and was.index.equals(now.index)


def to_record_value(value: Any, field: Field) -> Any:
    """Turn a typed cell into the value of a plain record.

    Parameters
    ----------
    value : object
        A cell of a column in the field's dtype.
    field : Field

    Returns
    -------
    object
        str, bool, list of str, Timestamp (times are never written), or None for blank.
    """
    if is_blank(value):
        return None
    if field.kind == "flag":
        return bool(value)
    if field.kind == "ids":
        return split_ids(value)
    return value


def record_values(values: pd.Series[Any], field: Field, positions: npt.NDArray[np.intp]) -> list[Any]:
    """Turn some cells of a column into values of plain records, as :func:`to_record_value` does with one.

    Parameters
    ----------
    values : Series
        In the field's dtype.
    field : Field
    positions : array of int

    Returns
    -------
    list
    """
    if field.kind == "text" and is_text(values):  # Arrow's blanks are None
        texts: list[Any] = texts_of(values).take(pa.array(positions)).to_pylist()
        return texts
    return [to_record_value(value, field) for value in values.take(positions).tolist()]


def read_cells(texts: Sequence[Any], field: Field) -> list[tuple[Any, str | None]]:
    """Read cells of a column as somebody typed them.

    Parameters
    ----------
    texts : sequence
        Texts; None and "" are blank.
    field : Field

    Returns
    -------
    list of (object, str or None)
        For each the value that belongs into the column, and the rule that it breaks. A text that does not fit is kept
        as it was typed.
    """
    typed, misfits = column(pd.Series(list(texts), dtype=object), field)
    values = [None if is_blank(value) else value for value in typed]
    rules = [violation(field, to_record_value(value, field)) for value in values]
    for misfit in misfits:
        values[misfit.position], rules[misfit.position] = misfit.value, misfit.rule
    return list(zip(values, rules, strict=True))


def split_ids(text: str) -> list[str]:
    """Split a cell of ids.

    Parameters
    ----------
    text : str
        Such as ``"rep_1, rep_2"``.

    Returns
    -------
    list of str
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def unfold_addresses(frame: pd.DataFrame) -> pd.DataFrame:
    """Unfold the addresses of a frame of customers into a long frame.

    Parameters
    ----------
    frame : DataFrame
        With the JSON texts of the column ``addresses``, and ``id`` as a column or an index level.

    Returns
    -------
    DataFrame
        One row per address, with ``customer_id``; columns and dtypes as in ``fields.ADDRESS``.

    Raises
    ------
    PlanError
        The frame has no addresses, or nothing says whose they are.
    """
    if "addresses" not in frame or "id" not in [*frame.columns, *frame.index.names]:
        raise PlanError("the frame has no addresses with their customers' ids: load the customers with details=True")
    flat = frame if "id" in frame else frame.reset_index("id")
    records = [
        address | {"customer_id": customer}
        for customer, text in zip(flat["id"], flat["addresses"], strict=True)
        for address in ([] if is_blank(text) else orjson.loads(text))
    ]
    return to_frame(records, ADDRESS, details=True)[0]


_ARROW_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.large_string(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
    "status": pa.large_string(),
    "ids": pa.large_string(),
    "object": pa.large_string(),
    "list": pa.large_string(),
}
_PANDAS_TYPES = {pa.bool_(): pd.BooleanDtype(), pa.large_string(): pd.StringDtype(na_value=float("nan"))}


def column_array(values: Sequence[Any], field: Field) -> tuple[pa.Array, list[Misfit]]:
    """Convert the values of a field at once where everything fits, value by value where something does not.

    Parameters
    ----------
    values : sequence
    field : Field

    Returns
    -------
    pyarrow.Array
        Texts as ``large_string``, flags as ``bool``, times as ``timestamp[us, UTC]``.
    list of Misfit
    """
    if field.kind in ("text", "time", "status"):
        try:
            return _typed(pa.array(values, pa.large_string(), memory_pool=POOL), field), []
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError):
            pass
    if field.kind == "flag" and set(map(type, values)) <= {bool, type(None)}:
        return pa.array(values, _ARROW_TYPES["flag"]), []
    return _slow(values, field, _ARROW_TYPES[field.kind])


def text_array(texts: pa.Array, field: Field) -> tuple[pa.Array, list[Misfit]]:
    """Convert texts that are in Arrow already; else like :func:`column_array`.

    Parameters
    ----------
    texts : pyarrow.Array
        ``large_string``.
    field : Field

    Returns
    -------
    pyarrow.Array
    list of Misfit
    """
    if field.kind in ("text", "time", "status", "object", "list"):  # JSON texts are texts
        try:
            return _typed(texts, field), []
        except pa.ArrowInvalid:
            pass
    return _slow(texts.to_pylist(), field, _ARROW_TYPES[field.kind])


def _typed(texts: pa.Array, field: Field) -> pa.Array:
    empty = pc.equal(texts, "")
    nothing = pa.scalar(None, texts.type)
    filled = pc.if_else(empty, nothing, texts, memory_pool=POOL) if pc.any(empty).as_py() else texts
    if field.kind == "status" and not pc.all(pc.is_in(filled.drop_null(), pa.array(STATUSES, filled.type))).as_py():
        raise pa.ArrowInvalid("an unknown status")
    return filled.cast(_ARROW_TYPES[field.kind], memory_pool=POOL)


def _slow(values: Sequence[Any], field: Field, target: pa.DataType) -> tuple[pa.Array, list[Misfit]]:
    converted: list[Any] = []
    misfits: list[Misfit] = []
    for position, value in enumerate(values):
        result, rule = (None, None) if is_blank(value) else _convert(value, field.kind)
        converted.append(result)
        if rule:
            misfits.append(Misfit(position, value.value if isinstance(value, Unsure) else value, rule))
    return pa.array(converted, target), misfits


Converted = tuple[Any, str | None]


def _convert(value: Any, kind: Kind) -> Converted:
    if isinstance(value, Unsure):
        return None, value.rule
    try:
        result, rule = _CONVERTERS[kind](value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None, _UNREADABLE.get(kind, "cannot be read")
    if isinstance(result, str) and not _is_sound(result):
        return result.encode("utf-8", "replace").decode(), "holds half a character, shown as ?"
    return result, rule


def _is_sound(text: str) -> bool:
    """Tell whether a text can be stored: half a surrogate pair, say of an emoji that was cut in two, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: Any) -> Converted:
    if isinstance(value, bytes):  # as Arrow does in a column without misfits
        value = value.decode()
    if isinstance(value, str):
        return str(value), None
    if isinstance(value, numbers.Number):
        advice = Hint("read the file with dtype=str", "make it a text in the file")
        return str(value), f"is a number in a text column, zeros may be lost: {advice}"
    return str(value), f"is {type(value).__name__}, but the column holds texts"


def _flag(value: Any) -> Converted:
    word = str(value).strip().lower().removesuffix(".0")
    if word in _TRUE + _FALSE:
        return word in _TRUE, None
    return None, "is neither True nor False"


def _time(value: Any) -> Converted:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(instant, datetime):
        raise TypeError
    return (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)), None


def _status(value: Any) -> Converted:
    if value in STATUSES:
        return value, None
    return None, f"is none of {', '.join(STATUSES)}"


def _ids(value: Any) -> Converted:
    if isinstance(value, str):
        return _IDS_SEPARATOR.join(split_ids(value)) or None, None
    if isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes)):
        return _IDS_SEPARATOR.join(map(str, value)) or None, None
    return str(value), "is no list of ids"


def _json(value: Any) -> Converted:
    if isinstance(value, str):
        return value, None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode(), None


_UNREADABLE: dict[Kind, str] = {
    "time": "is no time such as 2026-01-31T08:00:00Z",
    "object": "cannot be written as JSON",
    "list": "cannot be written as JSON",
}
_CONVERTERS = {
    "text": _text,
    "flag": _flag,
    "time": _time,
    "status": _status,
    "ids": _ids,
    "object": _json,
    "list": _json,
}
