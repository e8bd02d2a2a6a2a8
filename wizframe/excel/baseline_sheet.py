"""What is exported of one table, and how it travels in a workbook, so that reading back finds exactly the edits.

The hidden sheet holds the exported cells and how they were when they were loaded, nothing else of the load: who gets
a file with ten rows and three columns gets no more than that.
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
from wizframe.fields import TABLES
from wizframe.frames.baselines import Baseline, attached, loads, match
from wizframe.frames.build import column, pandas_dtype
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import CLEAR, COMMAND
from wizframe.planning.typed_frame import take_in, which_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.fields import Field, Table
    from wizframe.planning.typed_frame import Intake

__all__ = ["MARK", "Sent", "as_it_was_sent", "field_of", "pack", "prepare", "typed_column", "unpack"]

#: The first line of the hidden sheet; a number of the form follows.
MARK = "wizframe workbook"
_FORM = 1
_CHUNK = 30_000  # characters; a cell holds 32,767
_MOST = 1 << 30  # bytes: a hidden sheet that unpacks to more is a trap


@dataclass(frozen=True)
class Sent:
    """One table as it was exported.

    Parameters
    ----------
    table : Table
    cells : DataFrame
        The table's columns, typed, in the order of the sheet; RangeIndex.
    baseline : Baseline or None
        How the exported cells of the exported rows were when they were loaded, where that is known.
    sheet : str
        The sheet's name.
    zone : str
        Of the times.
    headers : dict of str
        Column to header, the user's own columns included, in the order of the sheet.
    unclear : dict of dict
        Column to row (counted from 0) to a text: values that the column cannot hold, such as a number where a text
        belongs. They are blank in ``cells``, and shown with a remark, so that they are no values when they are read.
    """

    table: Table
    cells: pd.DataFrame
    baseline: Baseline | None
    sheet: str = ""
    zone: str = "UTC"
    headers: dict[str, str] | None = None
    unclear: dict[str, dict[int, str]] = dataclasses.field(default_factory=dict)

    def shown(self, name: str) -> pd.Series[Any]:
        """Give a column as it is shown.

        Parameters
        ----------
        name : str

        Returns
        -------
        Series
            Typed, or objects where something is unclear.
        """
        if name not in self.unclear:
            return self.cells[name]
        cells = self.cells[name].astype(object)
        cells.iloc[list(self.unclear[name])] = list(self.unclear[name].values())
        return cells


def field_of(table: Table, name: str) -> Field | None:
    """Find the field of a column, also that of a contact's customer by reference.

    Parameters
    ----------
    table : Table
    name : str

    Returns
    -------
    Field or None
        None for a user's own column.
    """
    if name in table and table[name].level:
        return table[name]
    return table.field_of(name) if name not in table else None


def prepare(frame: pd.DataFrame, table: str | None) -> Sent:
    """Take in a frame that is to be exported.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts; ``id`` may be an index level.
    table : {'customers', 'contacts'}, optional
        Where neither the load nor the columns tell.

    Returns
    -------
    Sent
        Without sheet and headers.
    """
    own = attached(frame)
    kind = which_table(frame, table, own)
    intake = take_in(frame, kind)
    own = own if own is not None and own.table is kind else None
    unclear: dict[str, dict[int, str]] = {}
    for position, name, value, _ in intake.problems:
        if position is not None and name != COMMAND and value != CLEAR:
            unclear.setdefault(name, {})[position] = unclear_text(value)
    cells = _cells(intake, frame)
    for name, rows in unclear.items():
        cells[name] = cells[name].mask(cells.index.isin(list(rows)))
    return Sent(kind, cells, _baseline(intake, own), unclear=unclear)


def _cells(intake: Intake, frame: pd.DataFrame) -> pd.DataFrame:
    """Put the cells in the frame's order, with the asked-for clearing as text."""
    cells = {}
    for name in map(str, [*frame.index.names, *frame.columns]):
        if name in intake.typed:
            values = intake.typed[name]
            if name in intake.cleared:
                marked = values.astype(object).mask(intake.cleared[name], CLEAR)
                values = marked.astype(values.dtype) if intake.table[name].dtype == "str" else marked
            cells[name] = values
        elif name == intake.table.parent_reference and intake.parent_references is not None:
            cells[name] = intake.parent_references
    return pd.DataFrame(cells, index=intake.typed.index)


def _baseline(intake: Intake, own: Baseline | None) -> Baseline | None:
    """Take from the loads what the exported cells were, and no more than that."""
    typed = intake.typed
    others = loads(intake.table)
    if own is not None:
        others = [one for one in others if one.account == own.account and one.connection == own.connection]
    elif len({(one.account, one.connection) for one in others}) != 1:
        return None  # nothing says which account the rows are of
    newest = own or others[0]
    if "id" not in typed:
        return None
    loaded = match(typed, own, others)
    shown = [name for name in map(str, typed) if name in loaded.known and loaded.known[name][loaded.found].all()]
    rows = loaded.frame.loc[loaded.found, shown].drop_duplicates("id") if shown else typed.iloc[:0][["id"]]
    if own is None and rows.empty:
        return None
    rows = pd.DataFrame({name: typed_column(rows[name], intake.table[str(name)]) for name in rows}).reset_index(
        drop=True
    )
    return Baseline(
        intake.table, newest.account, newest.connection, rows, problems_frame(), newest.filters, newest.loaded_at
    )


def as_it_was_sent(sent: Sent, sent_at: datetime) -> Sent:
    """Let the cells of a file that was sent say how its rows were, where no load of this session does.

    Parameters
    ----------
    sent : Sent
        What a file shows that has no hidden sheet.
    sent_at : datetime
        UTC.

    Returns
    -------
    Sent
        Its baseline may belong to an account that nothing names: whose records they are is proven by the records.
    """
    if "id" not in sent.cells:
        return sent
    names = [name for name in map(str, sent.cells) if name in sent.table]
    rows = sent.cells.loc[sent.cells["id"].notna(), names].drop_duplicates("id").reset_index(drop=True)
    rows = rows[[name for name in names if rows[name].dtype == pandas_dtype(sent.table[name])]]
    own = sent.baseline
    if own is None:
        own = Baseline(sent.table, Account(""), "", rows, problems_frame(), loaded_at=sent_at)
    else:
        fresh = rows.loc[~rows["id"].isin(own.frame["id"]), rows.columns.intersection(own.frame.columns)]
        own = own.again(frame=pd.concat([own.frame, fresh], ignore_index=True)) if len(fresh) else own
    return dataclasses.replace(sent, baseline=own)


def typed_column(values: pd.Series[Any], field: Field) -> pd.Series[Any]:
    """Bring a column into its field's dtype, where every cell fits; else leave it as objects.

    Parameters
    ----------
    values : Series
    field : Field

    Returns
    -------
    Series
    """
    if field.dtype != "str" and values.dtype == object and values.eq(CLEAR).any():
        return values
    typed, misfits = column(values, field)
    return values.astype(object) if misfits else typed


def pack(tables: Sequence[Sent]) -> list[str]:
    """Write what was sent as texts that fit into cells.

    Parameters
    ----------
    tables : sequence of Sent

    Returns
    -------
    list of str
        The first says what follows, with its hash.
    """
    packing = zlib.compressobj(1)
    content = b"".join(packing.compress(piece) for piece in _pieces(tables)) + packing.flush()
    text = base64.b64encode(content).decode()
    # A letter before each, so that no program takes one for a formula or a number.
    chunks = [f"w{text[start : start + _CHUNK]}" for start in range(0, len(text), _CHUNK)]
    return [f"{MARK} {_FORM} {hashlib.sha256(content).hexdigest()}", *chunks]


def _pieces(tables: Sequence[Sent]) -> Iterator[bytes]:
    """Write JSON a column at a time: all of them as Python's objects would take ten times the memory of the frame."""
    for number, sent in enumerate(tables):
        yield b"," if number else b"{"
        yield orjson.dumps(sent.table.name) + b":" + orjson.dumps(_packed(sent), default=str)[:-1] + b',"cells":{'
        for place, name in enumerate(sent.cells):
            yield (b"," if place else b"") + orjson.dumps(name) + b":" + orjson.dumps(_plain(sent.cells[name]))
        yield b"}}"
    yield b"}"


def _packed(sent: Sent) -> dict[str, Any]:
    """Give all but the cells themselves."""
    packed: dict[str, Any] = {"sheet": sent.sheet, "zone": sent.zone, "headers": sent.headers}
    own = sent.baseline
    if own is None:
        return packed
    places = own.index.get_indexer(pd.Index(sent.cells["id"]))
    known = places >= 0
    rows = np.flatnonzero(known).tolist()
    before = {}
    for name in own.frame:
        then, now = _plain(own.frame[name].take(places[known])), _plain(sent.cells[name][known])
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
    """Give a column as JSON holds it: texts, truth values, times as microseconds since 1970, None for blank."""
    blank = values.isna()
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.as_unit("us").astype("int64")
    cells: list[Any] = values.astype(object).mask(blank, None).tolist()
    return cells


def unpack(lines: Sequence[str]) -> dict[str, Sent] | None:
    """Read what was sent.

    Parameters
    ----------
    lines : sequence of str
        As :func:`pack` wrote them.

    Returns
    -------
    dict of Sent, or None
        By the table's name; None where the lines are damaged, or of a form that this wizframe does not know.
    """
    try:
        head, *chunks = lines
        content = base64.b64decode("".join(chunk[1:] for chunk in chunks), validate=True)
        if head != f"{MARK} {_FORM} {hashlib.sha256(content).hexdigest()}":
            return None
        unpacking = zlib.decompressobj()
        packed = unpacking.decompress(content, _MOST)
        if not unpacking.eof:
            return None
        return {name: _unpacked(TABLES[name], one) for name, one in orjson.loads(packed).items()}
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, zlib.error):
        return None


def _unpacked(table: Table, packed: dict[str, Any]) -> Sent:
    """Rebuild what was sent; whoever can write the hidden sheet can write anything there, so each type is checked."""
    cells = pd.DataFrame({name: _column(table, name, values) for name, values in packed["cells"].items()})
    headers = {_text(name): _text(header) for name, header in packed["headers"].items()}
    sent = Sent(table, cells, None, _text(packed["sheet"]), find_zone(_text(packed["zone"])).key, headers)
    if "base_url" not in packed:
        return sent
    frame = cells.iloc[packed["known"]][packed["loaded"]]
    for name, changed in packed["before"].items():
        then = frame[name].astype(object)
        rows, old = [row for row, _ in changed], [value for _, value in changed]
        then.loc[rows] = _column(table, name, old).tolist()
        frame[name] = typed_column(then, table[name])
    if any(frame[name].dtype != pandas_dtype(table[str(name)]) for name in frame):
        raise ValueError("a load has typed columns only")
    baseline = Baseline(
        table,
        Account(_text(packed["base_url"]), _text(packed["account"])),
        "",  # no connection of this session: which account it is is proven by known records
        frame.drop_duplicates("id").reset_index(drop=True),
        problems_frame(),
        dict(packed["filters"]),
        datetime.fromisoformat(packed["loaded_at"]).astimezone(UTC),
    )
    return dataclasses.replace(sent, baseline=baseline)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _column(table: Table, name: str, values: list[Any]) -> pd.Series[Any]:
    field = field_of(table, name)
    if field is None:
        raise KeyError(name)
    expected = {"flag": bool, "time": int}.get(field.kind, str)
    if not {type(value) for value in values if value is not None and value != CLEAR} <= {expected}:
        raise TypeError(f"{name} holds something else")
    if field.kind == "time" and CLEAR not in values:
        return pa.array(values, pa.timestamp("us", "UTC")).to_pandas()  # type: ignore[no-any-return]
    return typed_column(pd.Series(values, dtype=object), field)
