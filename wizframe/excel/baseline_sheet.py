"""The export of one table, and the hidden sheet that stores it, so that reading back finds exactly the edits.

The hidden sheet contains the exported cells and their values when they were loaded, and nothing else of the load. A
person who receives a file with ten rows and three columns receives only these.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from wizframe.account import Account
from wizframe.excel.cells import unclear_text
from wizframe.excel.dates import find_zone
from wizframe.fields import CLEAR, COMMAND, TABLES
from wizframe.frames.baselines import Baseline, attached, loads, match
from wizframe.frames.build import column, pandas_dtype
from wizframe.frames.problems import problems_frame
from wizframe.planning.table_choice import which_table
from wizframe.planning.typed_frame import type_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.fields import Field, Table
    from wizframe.planning.typed_frame import TypedFrame

__all__ = ["MARK", "Export", "export_of", "field_of", "pack", "typed_column", "unpack", "with_loaded_cells"]

#: The first line of the hidden sheet. The number of its format follows, to tell a later format from a damaged sheet.
MARK = "wizframe workbook"
_FORMAT = 1
# Characters of one cell. Excel's limit is 32,767.
_CHUNK = 30_000
# 1 GiB. A hidden sheet that unpacks to more may be a trap to fill the memory.
_MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Export:
    """One table as it was exported."""

    table: Table
    cells: pd.DataFrame  # the table's columns, typed, in the order of the sheet; RangeIndex
    baseline: Baseline | None  # the exported cells as they were loaded; None if that is unknown
    sheet: str = ""
    zone: str = "UTC"
    headers: dict[str, str] | None = None  # column to header, in the order of the sheet, with columns that users added
    #: Column to row number to text, for invalid values such as a number in a text column. They are blank in ``cells``,
    #: and the sheet shows them with a remark, so that reading them reports a problem again.
    unclear: dict[str, dict[int, str]] = dataclasses.field(default_factory=dict)

    def shown(self, name: str) -> pd.Series[Any]:
        """Return a column as the sheet shows it: typed, or as objects if a value is unclear."""
        if name not in self.unclear:
            return self.cells[name]
        cells = self.cells[name].astype(object)
        cells.iloc[list(self.unclear[name])] = list(self.unclear[name].values())
        return cells


def field_of(table: Table, name: str) -> Field | None:
    """Return the field of a frame's column; None for a column that the user added."""
    field = table.field_of(name)
    return field if field is not None and field.level else None


def export_of(frame: pd.DataFrame, table: str | None) -> Export:
    """Prepare a frame for an export. ``id`` may be an index level."""
    own = attached(frame)
    kind = which_table(frame, table, own)
    typed_frame = type_frame(frame, kind)
    own = own if own is not None and own.table is kind else None
    unclear: dict[str, dict[int, str]] = {}
    for position, name, value, _ in typed_frame.problems:
        if position is not None and name != COMMAND and value != CLEAR:
            unclear.setdefault(name, {})[position] = unclear_text(value)
    cells = _cells(typed_frame, frame)
    for name, rows in unclear.items():
        cells[name] = cells[name].mask(cells.index.isin(list(rows)))
    return Export(kind, cells, _baseline(typed_frame, own), unclear=unclear)


def _cells(typed_frame: TypedFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the cells in the order of the frame's columns; a cell to be cleared contains :data:`CLEAR`."""
    cells = {}
    for name in map(str, [*frame.index.names, *frame.columns]):
        if name in typed_frame.cells:
            values = typed_frame.cells[name]
            if name in typed_frame.cleared:
                marked = values.astype(object).mask(typed_frame.cleared[name], CLEAR)
                values = marked.astype(values.dtype) if typed_frame.table[name].dtype == "str" else marked
            cells[name] = values
        elif name == typed_frame.table.parent_reference and typed_frame.parent_references is not None:
            cells[name] = typed_frame.parent_references
    return pd.DataFrame(cells, index=typed_frame.cells.index)


def _baseline(typed_frame: TypedFrame, own: Baseline | None) -> Baseline | None:
    """Return a baseline of the exported cells only, from the loads that the rows come from."""
    typed = typed_frame.cells
    others = loads(typed_frame.table)
    if own is not None:
        others = [one for one in others if one.account == own.account and one.connection == own.connection]
    elif len({(one.account, one.connection) for one in others}) != 1:
        return None  # the rows may belong to several accounts
    newest = own or others[0]
    if "id" not in typed:
        return None
    # Only columns that the loads have for every row, because a baseline cannot mark single cells as "not loaded".
    loaded = match(typed, own, others)
    shown = [name for name in map(str, typed) if name in loaded.known and loaded.known[name][loaded.found].all()]
    rows = loaded.frame.loc[loaded.found, shown].drop_duplicates("id") if shown else typed.iloc[:0][["id"]]
    if own is None and rows.empty:
        return None
    columns = {name: typed_column(rows[name], typed_frame.table[str(name)]) for name in rows}
    rows = pd.DataFrame(columns).reset_index(drop=True)
    return Baseline(
        typed_frame.table, newest.account, newest.connection, rows, problems_frame(), newest.filters, newest.loaded_at
    )


def with_loaded_cells(export: Export, sent_at: datetime) -> Export:
    """Use the cells of a file without a hidden sheet as the baseline of rows that no load of this session has.

    The account of this baseline may be unknown. Planning then compares the baseline with the account's records.
    """
    if "id" not in export.cells:
        return export
    names = [name for name in map(str, export.cells) if name in export.table]
    rows = export.cells.loc[export.cells["id"].notna(), names].drop_duplicates("id").reset_index(drop=True)
    rows = rows[[name for name in names if rows[name].dtype == pandas_dtype(export.table[name])]]
    own = export.baseline
    if own is None:
        own = Baseline(export.table, Account(""), "", rows, problems_frame(), loaded_at=sent_at)
    else:
        fresh = rows.loc[~rows["id"].isin(own.frame["id"]), rows.columns.intersection(own.frame.columns)]
        own = own.again(frame=pd.concat([own.frame, fresh], ignore_index=True)) if len(fresh) else own
    return dataclasses.replace(export, baseline=own)


def typed_column(values: pd.Series[Any], field: Field) -> pd.Series[Any]:
    """Convert a column to its field's dtype if every cell is valid; else return it as objects."""
    if field.dtype != "str" and values.dtype == object and values.eq(CLEAR).any():
        return values
    typed, misfits = column(values, field)
    return values.astype(object) if misfits else typed


def pack(exports: Sequence[Export]) -> list[str]:
    """Split exports into strings that fit into cells.

    The first string contains the version of the format, and a hash of the other strings.
    """
    # Level 1, because level 6 takes four times as long and saves only a fifth of the bytes (100,000 customers).
    packing = zlib.compressobj(1)
    content = b"".join(packing.compress(piece) for piece in _pieces(exports)) + packing.flush()
    text = base64.b64encode(content).decode()
    # The letter at the beginning prevents programs from converting a string to a formula or a number.
    chunks = [f"w{text[start : start + _CHUNK]}" for start in range(0, len(text), _CHUNK)]
    return [f"{MARK} {_FORMAT} {hashlib.sha256(content).hexdigest()}", *chunks]


def _pieces(exports: Sequence[Export]) -> Iterator[bytes]:
    """Write JSON one column at a time: as Python objects, all columns would take ten times the memory of the frame."""
    for number, export in enumerate(exports):
        yield b"," if number else b"{"
        yield orjson.dumps(export.table.name) + b":" + orjson.dumps(_packed(export), default=str)[:-1] + b',"cells":{'
        for place, name in enumerate(export.cells):
            yield (b"," if place else b"") + orjson.dumps(name) + b":" + orjson.dumps(_plain(export.cells[name]))
        yield b"}}"
    yield b"}"


def _packed(export: Export) -> dict[str, Any]:
    """Return an export without its cells; of the loaded cells, it has only those that differ from the exported ones."""
    packed: dict[str, Any] = {"sheet": export.sheet, "zone": export.zone, "headers": export.headers}
    own = export.baseline
    if own is None:
        return packed
    places = own.find(export.cells["id"], export.cells.get(own.table.parent_id))
    known = places >= 0
    rows = np.flatnonzero(known).tolist()
    before = {}
    for name in own.frame:
        then, now = _plain(own.frame[name].take(places[known])), _plain(export.cells[name][known])
        if then != now:
            before[name] = [(row, old) for row, old, new in zip(rows, then, now, strict=True) if old != new]
    return packed | {
        "base_url": own.account.base_url,
        "account": own.account.name,
        "loaded_at": own.loaded_at.isoformat(),
        "filters": dict(own.filters),
        "known": rows,
        "loaded": list(own.frame.columns),
        "before": before,
    }


def _plain(values: pd.Series[Any]) -> list[Any]:
    """Return a column as JSON values: strings, booleans, times in microseconds since 1970, and None for blank."""
    blank = values.isna()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.as_unit("us").astype("int64")
    cells: list[Any] = values.astype(object).mask(blank, None).tolist()
    return cells


def unpack(lines: Sequence[str]) -> dict[str, Export] | None:
    """Read exports, keyed by table name; None if the lines are damaged or have a format that is unknown here."""
    try:
        head, *chunks = lines
        content = base64.b64decode("".join(chunk[1:] for chunk in chunks), validate=True)
        if head != f"{MARK} {_FORMAT} {hashlib.sha256(content).hexdigest()}":
            return None
        unpacking = zlib.decompressobj()
        packed = unpacking.decompress(content, _MAX_BYTES)
        if not unpacking.eof:
            return None
        return {name: _unpacked(TABLES[name], one) for name, one in orjson.loads(packed).items()}
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, zlib.error):
        return None


def _unpacked(table: Table, packed: dict[str, Any]) -> Export:
    """Rebuild an export. Any program can write a hidden sheet with a correct hash, so each part's type is checked."""
    cells = pd.DataFrame({name: _column(table, name, values) for name, values in packed["cells"].items()})
    headers = {_text(name): _text(header) for name, header in packed["headers"].items()}
    export = Export(table, cells, None, _text(packed["sheet"]), find_zone(_text(packed["zone"])).key, headers)
    if "base_url" not in packed:
        return export
    frame = cells.iloc[packed["known"]][packed["loaded"]]
    for name, changed in packed["before"].items():
        then = frame[name].astype(object)
        rows, old = [row for row, _ in changed], [value for _, value in changed]
        then.loc[rows] = _column(table, name, old).tolist()
        frame[name] = typed_column(then, table[name])
    if any(frame[name].dtype != pandas_dtype(table[str(name)]) for name in frame):
        raise ValueError("the loaded cells have a column that the table does not have")
    baseline = Baseline(
        table,
        Account(_text(packed["base_url"]), _text(packed["account"])),
        "",  # not a connection of this session: planning checks the account by its records
        frame.drop_duplicates("id").reset_index(drop=True),
        problems_frame(),
        dict(packed["filters"]),
        datetime.fromisoformat(packed["loaded_at"]).astimezone(UTC),
    )
    return dataclasses.replace(export, baseline=baseline)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _column(table: Table, name: str, values: list[Any]) -> pd.Series[Any]:
    field = field_of(table, name)
    if field is None:
        raise KeyError(name)
    expected = {"flag": bool, "time": int}.get(field.kind, str)
    if not {type(value) for value in values if value is not None and value != CLEAR} <= {expected}:
        raise TypeError(f"{name} has a value of another type")
    if field.kind == "time" and CLEAR not in values:
        return pa.array(values, pa.timestamp("us", "UTC")).to_pandas()  # type: ignore[no-any-return]
    return typed_column(pd.Series(values, dtype=object), field)
