"""Convert plain records to a typed DataFrame, column by column, and cells back to the values of records.

There is one kind of blank: null, an absent field and ``""`` all become a missing value. An invalid value (a number in a
text column, a time that cannot be read) becomes a text or a missing value, and a :class:`Misfit` reports it. So an
invalid record never makes a load fail.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.api.values import plain_scalar, read_time
from wizframe.errors import Hint, PlanError
from wizframe.fields import ADDRESS, STATUSES, violation
from wizframe.frames.arrow import POOL, TEXTS, holds, is_text, texts_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from wizframe.api.dialects import Record
    from wizframe.fields import Field, Kind, Table

__all__ = [
    "SUPERSEDED",
    "Misfit",
    "Unsure",
    "column",
    "column_array",
    "frame_of",
    "is_blank",
    "is_same_frame",
    "pandas_dtype",
    "read_cells",
    "record_values",
    "split_ids",
    "text_array",
    "to_frame",
    "to_record_value",
    "unfold_addresses",
]

#: Key in the ``attrs`` of a frame that was replaced by another one. Its value says why the frame must not be pushed.
SUPERSEDED = "wizframe_superseded"
# The strings that count as True or False in a column of flags.
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
# The text between the ids in a cell, such as "rep_1, rep_2".
_IDS_SEPARATOR = ", "
#: The microseconds of the years 1 to 9999. Arrow allows later times, such as 9999-12-31T23:59:59-05:00.
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
_ARROW_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.large_string(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
    "status": pa.large_string(),
    "ids": pa.large_string(),
    "object": pa.large_string(),
    "list": pa.large_string(),
}
_PANDAS_TYPES = {pa.bool_(): pd.BooleanDtype(), pa.large_string(): TEXTS}


class Misfit(NamedTuple):
    """A value that is not valid for its column: position in the column, the value, and the rule that it breaks."""

    position: int
    value: Any
    rule: str


@dataclass(frozen=True)
class Unsure:
    """An ambiguous cell of a file. It stays in the frame, and is a misfit in every column."""

    value: str  # as in the file
    rule: str  # what is unclear and what to do, as the end of a sentence that begins with the value

    def __str__(self) -> str:
        return self.value


def pandas_dtype(field: Field) -> Any:
    """Return the dtype of a field's column as pandas' own object."""
    if field.kind == "status":
        return pd.CategoricalDtype(list(STATUSES), ordered=False)
    # Not the name "str", which means object if pandas' option future.infer_string is off.
    return TEXTS if field.dtype == "str" else pd.api.types.pandas_dtype(field.dtype)


def to_frame(
    records: Sequence[Record], table: Table, *, details: bool = False
) -> tuple[pd.DataFrame, list[tuple[str, Misfit]]]:
    """Build a frame with one row per record and the table's columns, and list the invalid values."""
    columns: dict[str, Any] = {}
    misfits: list[tuple[str, Misfit]] = []
    for name in table.columns(details=details):
        columns[name], wrong = column_array([record.get(name) for record in records], table[name])
        misfits += [(name, misfit) for misfit in wrong]
    return frame_of(columns, table), misfits


def frame_of(columns: Mapping[str, Any], table: Table) -> pd.DataFrame:
    """Build a frame from the arrays of :func:`column_array`: columns with the table's dtypes, and a RangeIndex."""
    frame: pd.DataFrame = pa.table(dict(columns)).to_pandas(types_mapper=_PANDAS_TYPES.get)
    for name in columns:
        if table[name].kind == "status":
            # Arrow's own dictionaries would use the categories of their data instead of the field's.
            codes = pc.index_in(columns[name], pa.array(STATUSES, _ARROW_TYPES["status"])).fill_null(-1)
            frame[name] = pd.Categorical.from_codes(codes.to_numpy(), dtype=pandas_dtype(table[name]))
    return frame


def column(values: pd.Series[Any], field: Field) -> tuple[pd.Series[Any], list[Misfit]]:
    """Convert a column of any dtype to its field's dtype. It keeps its memory if nothing must change."""
    dtype = pandas_dtype(field)
    if values.dtype == dtype and field.kind != "ids":
        return (values.mask(values == "") if field.dtype == "str" and holds(values, "") else values), []
    array, misfits = _from_arrow(values, field) or column_array(list(values), field)
    typed = pa.table({"values": array}).to_pandas(types_mapper=_PANDAS_TYPES.get)["values"]
    return typed.astype(dtype).set_axis(values.index), misfits


def _from_arrow(values: pd.Series[Any], field: Field) -> tuple[pa.Array, list[Misfit]] | None:
    """Use a column that is already in Arrow; None if it is not in Arrow, or has a type of another field."""
    if not isinstance(values.dtype, pd.ArrowDtype):
        return None
    array = pa.array(values.array)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    holds_texts = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    if holds_texts and field.kind != "flag":
        return text_array(array.cast(pa.large_string()), field)
    return (array, []) if array.type == _ARROW_TYPES[field.kind] else None


def is_blank(value: Any) -> bool:
    """Return whether a cell is None, NaN, NaT, NA or an empty string. An empty list is not blank."""
    if isinstance(value, str):
        return not value
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))


def is_same_frame(was: pd.DataFrame, now: pd.DataFrame) -> bool:
    """Return whether a frame was not edited."""
    return was.equals(now) and was.index.equals(now.index)


def to_record_value(value: Any, field: Field) -> Any:
    """Convert a typed cell to the value of a plain record: str, bool, list of str, Timestamp, or None for blank."""
    if is_blank(value):
        return None
    if field.kind == "flag":
        return bool(value)
    if field.kind == "ids":
        return split_ids(value)
    return value


def record_values(values: pd.Series[Any], field: Field, positions: npt.NDArray[np.intp]) -> list[Any]:
    """Convert some cells of a typed column to values of plain records, as :func:`to_record_value` does."""
    if field.kind == "text" and is_text(values):  # Arrow returns None for blanks
        texts: list[Any] = texts_of(values).take(pa.array(positions)).to_pylist()
        return texts
    return [to_record_value(value, field) for value in values.take(positions).tolist()]


def read_cells(texts: Sequence[Any], field: Field) -> list[tuple[Any, str | None]]:
    """Read cells as a user typed them. Returns for each cell the value of the column, and the rule that it breaks.

    An invalid string is returned unchanged.
    """
    typed, misfits = column(pd.Series(list(texts), dtype=object), field)
    values = [None if is_blank(value) else value for value in typed]
    rules = [violation(field, to_record_value(value, field)) for value in values]
    for misfit in misfits:
        values[misfit.position], rules[misfit.position] = misfit.value, misfit.rule
    return list(zip(values, rules, strict=True))


def split_ids(text: str) -> list[str]:
    """Split a cell with several ids, such as ``"rep_1, rep_2"``."""
    return [part.strip() for part in text.split(",") if part.strip()]


def unfold_addresses(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with one row per address, from the JSON strings in the customers' column ``addresses``."""
    if "addresses" not in frame or "id" not in [*frame.columns, *frame.index.names]:
        raise PlanError(
            "the frame needs the columns 'id' and 'addresses'",
            hint="Load the customers with details=True, and keep both columns.",
        )
    flat = frame if "id" in frame else frame.reset_index("id")
    records = [
        address | {"customer_id": customer}
        for customer, text in zip(flat["id"], flat["addresses"], strict=True)
        for address in ([] if is_blank(text) else orjson.loads(text))
    ]
    return to_frame(records, ADDRESS, details=True)[0]


def column_array(values: Sequence[Any], field: Field) -> tuple[pa.Array, list[Misfit]]:
    """Convert the values of a field to Arrow: all at once if they are valid, otherwise one by one."""
    # Converting a whole column takes a fifth of the time, but Arrow raises an error if one value is invalid.
    if field.kind in ("text", "time", "status"):
        try:
            return _typed(pa.array(values, pa.large_string(), memory_pool=POOL), field), []
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeError):
            pass
    if field.kind == "flag" and set(map(type, values)) <= {bool, type(None)}:
        return pa.array(values, _ARROW_TYPES["flag"]), []
    return _convert_each(values, field)


def text_array(texts: pa.Array, field: Field) -> tuple[pa.Array, list[Misfit]]:
    """Convert strings that are already in Arrow to the field's type, as :func:`column_array` does."""
    if field.kind in ("text", "time", "status", "object", "list"):  # lists and objects are JSON strings
        try:
            return _typed(texts, field), []
        except pa.ArrowInvalid:
            pass
    return _convert_each(texts.to_pylist(), field)


def _typed(texts: pa.Array, field: Field) -> pa.Array:
    empty = pc.equal(texts, "")
    nothing = pa.scalar(None, texts.type)
    filled = pc.if_else(empty, nothing, texts, memory_pool=POOL) if pc.any(empty).as_py() else texts
    if field.kind == "status" and not pc.all(pc.is_in(filled.drop_null(), pa.array(STATUSES, filled.type))).as_py():
        raise pa.ArrowInvalid("an unknown status")
    typed = filled.cast(_ARROW_TYPES[field.kind], memory_pool=POOL)
    if field.kind == "time":
        ends = pc.min_max(typed.cast(pa.int64())).as_py()
        if ends["min"] is not None and not (ends["min"] >= _FIRST_US and ends["max"] <= _LAST_US):
            raise pa.ArrowInvalid("a time that neither Python nor pandas can hold")
    return typed


def _convert_each(values: Sequence[Any], field: Field) -> tuple[pa.Array, list[Misfit]]:
    converted: list[Any] = []
    misfits: list[Misfit] = []
    for position, given in enumerate(values):
        value = plain_scalar(given)
        result, rule = (None, None) if is_blank(value) else _convert(value, field.kind)
        converted.append(result)
        if rule:
            misfits.append(Misfit(position, value.value if isinstance(value, Unsure) else value, rule))
    return pa.array(converted, _ARROW_TYPES[field.kind]), misfits


Converted = tuple[Any, str | None]


def _convert(value: Any, kind: Kind) -> Converted:
    """Return the value for the column, and the rule that it breaks (or None)."""
    if isinstance(value, Unsure):
        return None, value.rule
    try:
        result, rule = _CONVERTERS[kind](value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None, _UNREADABLE.get(kind, "cannot be read")
    if isinstance(result, str):
        try:
            result.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, such as half of an emoji
            return result.encode("utf-8", "replace").decode(), "contains half a character, shown as ?"
    return result, rule


def _text(value: Any) -> Converted:
    if isinstance(value, bytes):  # decoded, as Arrow does in a column without misfits
        value = value.decode()
    if isinstance(value, str):
        return str(value), None
    if isinstance(value, numbers.Number) and not isinstance(value, bool):
        advice = Hint("read the file with dtype=str", "format the column as text in the file")
        return str(value), f"is a number in a text column, so zeros may be lost: {advice}"
    return str(value), f"is of type {type(value).__name__}, but the column contains text values"


def _flag(value: Any) -> Converted:
    word = str(value).strip().lower().removesuffix(".0")
    if word in _TRUE + _FALSE:
        return word in _TRUE, None
    return None, "is neither True nor False"


def _time(value: Any) -> Converted:
    instant = read_time(value)
    if instant is None:
        raise ValueError
    return instant, None


def _status(value: Any) -> Converted:
    return (value, None) if value in STATUSES else (None, f"is not one of {', '.join(STATUSES)}")


def _ids(value: Any) -> Converted:
    if isinstance(value, str):
        return _IDS_SEPARATOR.join(split_ids(value)) or None, None
    if isinstance(value, Iterable) and not isinstance(value, (Mapping, bytes)):
        return _IDS_SEPARATOR.join(map(str, value)) or None, None
    return str(value), "is not a list of ids"


def _json(value: Any) -> Converted:
    if isinstance(value, str):
        return value, None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode(), None


_UNREADABLE: dict[Kind, str] = {
    "time": "is not a time such as 2026-01-31T08:00:00Z",
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
