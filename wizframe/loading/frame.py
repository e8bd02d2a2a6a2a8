"""Convert the records of a load to the user's frame: filtered, sorted, validated, with its baseline."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.api.dialects import unknown_fields
from wizframe.api.pages import identity
from wizframe.api.validation import moment
from wizframe.api.values import moment_of
from wizframe.errors import Hint, IncompleteLoadWarning, InvalidDataError, InvalidDataWarning
from wizframe.frames.arrow import POOL, arrow_backed, in_order, release_unused
from wizframe.frames.baselines import Baseline, attach
from wizframe.frames.build import column_array, frame_of, text_array
from wizframe.frames.problems import find_problems, problems_frame
from wizframe.text import counted, plural

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt

    from wizframe.api.pages import Columns, Page, Record, Records
    from wizframe.fields import Table
    from wizframe.frames.build import Misfit
    from wizframe.loading.reader import Reader

__all__ = ["Invalid", "Rows", "build", "latest_change", "passes", "passing", "typed"]

Invalid = Literal["warn", "raise", "drop"]
# The number of pages that become one array. Each array takes time, but pages take more memory than arrays.
_PAGES_AT_A_TIME = 50


class Rows:
    """The rows of a table, in order of first appearance. If a record appears several times, its last version counts."""

    def __init__(self, table: Table, *, details: bool = False) -> None:
        self.table = table
        self.has_details = details
        self.columns = table.columns(details=details)
        self.sent: set[str] = set()  # fields that at least one of the records had
        self._pages: list[Page] = []
        self._arrays: dict[str, list[pa.Array]] = {name: [] for name in self.columns}
        self._misfits: dict[str, list[Misfit]] = {name: [] for name in self.columns}
        self._nameless: dict[int, str] = {}
        self._converted = self._count = 0

    def add(self, page: Page) -> None:
        """Add the rows of a page. The page must not be changed afterwards."""
        if not len(page):
            return
        self.sent.update(page.names)
        if not page.is_named:
            for number, record in enumerate(page.records, self._count):
                if not isinstance(record.get("id"), str) or not record["id"]:  # the whole content identifies it
                    self._nameless[number] = ascii(identity(record))
        self._pages.append(page)
        self._count += len(page)
        if len(self._pages) == _PAGES_AT_A_TIME:
            self._convert()

    def _convert(self) -> None:
        """Convert the pages to one array for each column."""
        parts = [page.look().rows for page in self._pages]
        for name in self.columns:
            array, misfits = self._column_of(name, parts)
            self._arrays[name].append(array)
            self._misfits[name] += [misfit._replace(position=self._converted + misfit.position) for misfit in misfits]
        self._pages.clear()
        self._converted = self._count
        release_unused(sum(self._arrays[name][-1].nbytes for name in self.columns))

    def _column_of(self, name: str, parts: list[Columns | Records]) -> tuple[pa.Array, list[Misfit]]:
        texts = [part.texts(name) for part in parts]
        if texts and all(text is not None for text in texts):
            return text_array(pa.concat_arrays(texts, memory_pool=POOL), self.table[name])
        values = chain.from_iterable(part.values(name) for part in parts)
        return column_array(list(values), self.table[name])

    def frame(self, *, sort_by: str | None, ascending: bool) -> tuple[pd.DataFrame, list[tuple[str, Misfit]]]:
        """Build the frame, and list the invalid values. The rows are released afterwards."""
        self._convert()
        rows = self._latest()
        if sort_by:
            key = pc.take(self._column(sort_by), rows, memory_pool=POOL)
            order = "ascending" if ascending else "descending"  # a stable sort, with blanks at the end
            rows = rows[pc.array_sort_indices(key, order=order, memory_pool=POOL).to_numpy()]
            del key
        release_unused(self._column("id").nbytes)
        is_in_order = len(rows) == self._count and bool((rows == np.arange(self._count)).all())
        columns: dict[str, Any] = dict.fromkeys(self.columns)
        # Columns are built one after the other, so that only one exists twice at a time; the largest ones come last.
        for name in sorted(self.columns, key=lambda name: sum(part.nbytes for part in self._arrays[name])):
            column = self._column(name)
            columns[name] = column if is_in_order else pc.take(column, rows, memory_pool=POOL)
            del self._arrays[name], column
            release_unused(columns[name].nbytes)
        frame, size = frame_of(columns, self.table), sum(column.nbytes for column in columns.values())
        del columns
        release_unused(size)
        return frame, self._misfits_in(rows)

    def _column(self, name: str) -> pa.Array:
        if len(self._arrays[name]) > 1:
            self._arrays[name] = [pa.concat_arrays(self._arrays[name], memory_pool=POOL)]
            release_unused(self._arrays[name][0].nbytes)
        return self._arrays[name][0]

    def _latest(self) -> npt.NDArray[np.int64]:
        """Return the rows to use: the last version of each record, at the place of its first appearance."""
        keys = self._column("id")
        if self.table.parent is not None:  # some services number the children of each parent from 1
            parents = pc.fill_null(self._column(self.table.parent_id), "")
            keys = pc.binary_join_element_wise(parents, keys, pa.scalar("\0", pa.large_string()), memory_pool=POOL)
        odd = {misfit.position: ascii(misfit.value) for misfit in self._misfits["id"]} | self._nameless
        if odd:
            keys = pa.array([odd.get(number, key) for number, key in enumerate(keys.to_pylist())], pa.large_string())
        order, is_again = in_order(keys)
        latest = np.full(self._count, -1)
        latest[order[~is_again[:-1]]] = order[~is_again[1:]]
        return latest[latest >= 0]

    def _misfits_in(self, rows: npt.NDArray[np.int64]) -> list[tuple[str, Misfit]]:
        """List misfits with the row numbers of the finished frame, column by column."""
        places = np.full(self._count, -1)
        places[rows] = np.arange(len(rows))
        found = []
        for name in self.columns:
            moved = [misfit._replace(position=int(places[misfit.position])) for misfit in self._misfits[name]]
            found += [(name, misfit) for misfit in sorted(moved, key=lambda one: one.position) if misfit.position >= 0]
        return found


def build(
    reader: Reader,
    rows: Rows,
    *,
    sort_by: str | None = None,
    sort: Literal["asc", "desc"] = "asc",
    invalid: Invalid,
    dtype_backend: Literal["pyarrow"] | None = None,
    is_whole: bool = False,
    parents: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Build the frame of some rows. The reader's filters are applied again, in case the service ignored them.

    ``is_whole`` is True if the load requested every record that matches the filters. ``parents`` are the ids of the
    parents, if it requested their children.
    """
    frame, problems = typed(rows, sort_by=sort_by, ascending=sort == "asc")
    if reader.has_unknown_status() and not rows.has_details:
        frame["status"] = frame["status"].mask(frame["status"].notna())
    _tell_unreadable(frame, reader)
    frame, problems = _chosen(passing(frame, reader.filters), frame, problems)
    _report(problems, len(frame), reader, invalid)
    if invalid == "drop":
        frame, problems = _chosen(~frame.index.isin(problems["row"].tolist()), frame, problems)
    baseline = Baseline(
        reader.table,
        reader.client.account,
        reader.client.connection,
        frame[frame["id"].notna()] if frame["id"].hasnans else frame.copy(deep=False),
        pd.concat([problems, _field_problems(rows)], ignore_index=True),
        reader.filters,
        is_whole=is_whole and not (reader.filters or reader.doubts or invalid == "drop"),
        seen_at=reader.seen_at(latest_change(frame)),
        takes_new=is_whole or parents is not None,
        customers=parents or (),
        unread=reader.failures.frame(),
    )
    attach(frame, baseline)
    return arrow_backed(frame) if dtype_backend else frame


def typed(rows: Rows, *, sort_by: str | None = None, ascending: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build a frame with a RangeIndex, and the frame of its problems: row, column, value, rule."""
    frame, misfits = rows.frame(sort_by=sort_by, ascending=ascending)
    odd = problems_frame((misfit.position, name, misfit.value, misfit.rule) for name, misfit in misfits)
    problems = pd.concat([odd, find_problems(frame, rows.table)], ignore_index=True)
    return frame, problems.drop_duplicates(["row", "column", "rule"])


def passing(frame: pd.DataFrame, filters: dict[str, Any]) -> pd.Series[bool]:
    """Return which rows match all filters. Both ends of a range are excluded.

    A row with a blank in the column of a filter counts as a match, because it may be one.
    """
    kept = pd.Series(data=True, index=frame.index)
    for name, value in filters.items():
        if name == "status":
            kept &= ((frame["status"] == value) | frame["status"].isna()).astype(bool)
            continue
        column, side = name.rsplit("_", 1)
        times, bound = frame[f"{column}_at"], pd.Timestamp(moment(value))
        kept &= (times > bound if side == "after" else times < bound) | times.isna()
    return kept


def _tell_unreadable(frame: pd.DataFrame, reader: Reader) -> None:
    """Warn of rows that are kept because what a filter asks for cannot be read."""
    columns = dict.fromkeys(name if name == "status" else f"{name.rsplit('_', 1)[0]}_at" for name in reader.filters)
    for name in columns:
        count = int(frame[name].isna().sum())
        if count:
            which = f"{counted(count, reader.table.singular)} {plural(count, 'has', 'have')} no {name} that can be read"
            kept = plural(
                count,
                "it is in the frame, although the filter may mean to leave it out",
                "they are in the frame, although the filter may mean to leave them out",
            )
            reader.warn(IncompleteLoadWarning(f"{which}: {kept}"))


def passes(record: Record, filters: dict[str, Any]) -> bool:
    """Return whether a single record matches all filters."""
    return all(_passes(record, name, value) for name, value in filters.items())


def _passes(record: Record, name: str, value: Any) -> bool:
    if name == "status":
        return record.get("status") in (value, None, "")
    column, side = name.rsplit("_", 1)
    time, bound = moment_of(record.get(f"{column}_at")), moment(value)
    return time is None or (time > bound if side == "after" else time < bound)


def latest_change(frame: pd.DataFrame) -> datetime | None:
    """Return the newest ``updated_at``; None if no row has one."""
    latest = frame["updated_at"].max() if "updated_at" in frame else None
    return None if pd.isna(latest) else latest.to_pydatetime()


def _chosen(kept: Any, frame: pd.DataFrame, problems: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep some rows and their problems, with new row numbers in both."""
    is_kept = np.asarray(kept, dtype=bool)
    numbers = np.where(is_kept, is_kept.cumsum() - 1, -1)[problems["row"].to_numpy(dtype=np.intp)]
    left = problems.assign(row=pd.Series(numbers, index=problems.index).astype(object))[numbers >= 0]
    left = left.sort_values("row", kind="stable", ignore_index=True)
    return (frame if is_kept.all() else frame[is_kept].reset_index(drop=True)), left


def _field_problems(rows: Rows) -> pd.DataFrame:
    """List fields that the service did not send, and fields that wizframe does not know; they have no row."""
    if not rows.sent:
        return problems_frame()
    # The details of a customer without a price list do not have its keys.
    optional = {name for name in rows.columns if rows.table[name].kind in ("object", "ids")} | {
        "assigned_price_list_id"
    }
    absent = [name for name in rows.columns if name not in rows.sent and name not in optional]
    unknown = sorted(unknown_fields(dict.fromkeys(rows.sent), rows.table))
    found = [(None, name, None, "was not sent by the service, so the column is empty") for name in absent]
    found += [(None, name, None, "is unknown to wizframe, so it is not in the frame") for name in unknown]
    return problems_frame(found)


def _report(problems: pd.DataFrame, count: int, reader: Reader, invalid: Invalid) -> None:
    if problems.empty:
        return
    counts = problems.groupby("column").size().sort_values(ascending=False, kind="stable")
    columns = ", ".join(f"{name} {count}" for name, count in counts.items())
    bad = problems["row"].nunique()
    message = f"{bad} of {count} {reader.table.name} {plural(bad, 'breaks', 'break')} the schema ({columns})"
    if invalid == "raise":
        raise InvalidDataError(message, problems, hint=Hint("error.failures lists them.", ""))
    listed = str(Hint("; frame.wiz.problems lists them", ""))
    left_out = f"; {plural(bad, 'it was', 'they were')} left out"
    reader.warn(InvalidDataWarning(message + (left_out if invalid == "drop" else listed)))
