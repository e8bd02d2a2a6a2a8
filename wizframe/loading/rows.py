"""The rows of a load as they arrive, kept in Arrow by column, until they are a frame."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.api.order import identity
from wizframe.frames.arrow import in_order
from wizframe.frames.build import column_array, frame_of, text_array
from wizframe.frames.memory import POOL, give_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    import pandas as pd

    from wizframe.api.pages import Columns, Page, Records
    from wizframe.fields import Table
    from wizframe.frames.build import Misfit

__all__ = ["Rows"]

_PARTS_AT_A_TIME = 50


class Rows:
    """Rows of a table, in the order in which they came first; a record that comes again counts as it came last.

    Parameters
    ----------
    table : Table
    details : bool
        Also the columns that only details carry.

    Attributes
    ----------
    columns : list of str
        Those of the frame.
    sent : set of str
        The fields that any of the records had.
    """

    def __init__(self, table: Table, *, details: bool) -> None:
        self.columns = table.columns(details=details)
        self.sent: set[str] = set()
        self._table = table
        self._parts: list[Page] = []
        self._arrays: dict[str, list[pa.Array]] = {name: [] for name in self.columns}
        self._misfits: dict[str, list[Misfit]] = {name: [] for name in self.columns}
        self._nameless: dict[int, str] = {}
        self._converted = self._count = 0

    def add(self, page: Page) -> None:
        """Add the rows of a page.

        Parameters
        ----------
        page : Page
            Belongs to the rows from now on.
        """
        if not len(page):
            return
        self.sent.update(page.names)
        if not page.is_named:
            self._note_nameless(page)
        self._parts.append(page)
        self._count += len(page)
        if len(self._parts) == _PARTS_AT_A_TIME:
            self._convert()

    def _note_nameless(self, page: Page) -> None:
        """Remember how rows without a proper id are told apart: by all that they hold."""
        for number, record in enumerate(page.records, self._count):
            if not isinstance(record.get("id"), str) or not record["id"]:
                self._nameless[number] = ascii(identity(record))

    def _convert(self) -> None:
        """Turn pages into one array for each column."""
        parts = [page.look().rows for page in self._parts]
        for name in self.columns:
            array, misfits = self._converted_part(name, parts)
            self._arrays[name].append(array)
            self._misfits[name] += [misfit._replace(position=self._converted + misfit.position) for misfit in misfits]
        self._parts.clear()
        self._converted = self._count
        give_back(sum(self._arrays[name][-1].nbytes for name in self.columns))

    def _converted_part(self, name: str, parts: list[Columns | Records]) -> tuple[pa.Array, list[Misfit]]:
        texts = [part.texts(name) for part in parts]
        if texts and all(text is not None for text in texts):
            return text_array(pa.concat_arrays(texts, memory_pool=POOL), self._table[name])
        values = chain.from_iterable(part.values(name) for part in parts)
        return column_array(list(values), self._table[name])

    def frame(self, *, sort_by: str | None, ascending: bool) -> tuple[pd.DataFrame, list[tuple[str, Misfit]]]:
        """Build the frame; the rows are gone afterwards.

        Parameters
        ----------
        sort_by : str or None
            None leaves the order in which they came.
        ascending : bool

        Returns
        -------
        DataFrame
            One row per record, the table's columns and dtypes, RangeIndex.
        list of (column, Misfit)
            Values that did not fit, in the order of the columns.
        """
        self._convert()
        rows = self._latest()
        if sort_by:
            key = pc.take(self._column(sort_by), rows, memory_pool=POOL)
            order = "ascending" if ascending else "descending"  # stable, blank ones at the end
            rows = rows[pc.array_sort_indices(key, order=order, memory_pool=POOL).to_numpy()]
            del key
        give_back(self._column("id").nbytes)
        is_in_order = len(rows) == self._count and bool((rows == np.arange(self._count)).all())
        columns: dict[str, Any] = dict.fromkeys(self.columns)
        # One after the other, so that each is there twice only for a moment; the largest ones when others made room.
        for name in sorted(self.columns, key=lambda name: sum(part.nbytes for part in self._arrays[name])):
            column = self._column(name)
            columns[name] = column if is_in_order else pc.take(column, rows, memory_pool=POOL)
            del self._arrays[name], column
            give_back(columns[name].nbytes)
        frame, size = frame_of(columns, self._table), sum(column.nbytes for column in columns.values())
        del columns
        give_back(size)
        return frame, self._misfits_in(rows)

    def _column(self, name: str) -> pa.Array:
        if len(self._arrays[name]) > 1:
            self._arrays[name] = [pa.concat_arrays(self._arrays[name], memory_pool=POOL)]
            give_back(self._arrays[name][0].nbytes)
        return self._arrays[name][0]

    def _latest(self) -> npt.NDArray[np.int64]:
        """Find the rows that count: of each record the last that came, where the first one stood."""
        keys = self._column("id")
        odd = {misfit.position: ascii(misfit.value) for misfit in self._misfits["id"]} | self._nameless
        if odd:
            keys = pa.array([odd.get(number, key) for number, key in enumerate(keys.to_pylist())], pa.large_string())
        order, is_again = in_order(keys)
        latest = np.full(self._count, -1)
        latest[order[~is_again[:-1]]] = order[~is_again[1:]]
        return latest[latest >= 0]

    def _misfits_in(self, rows: npt.NDArray[np.int64]) -> list[tuple[str, Misfit]]:
        if not any(self._misfits.values()):
            return []
        places = np.full(self._count, -1)
        places[rows] = np.arange(len(rows))
        placed = self._placed(places)
        return [(name, misfit) for name, misfit in placed if misfit.position >= 0]

    def _placed(self, places: npt.NDArray[np.int64]) -> Iterable[tuple[str, Misfit]]:
        for name in self.columns:
            moved = [misfit._replace(position=int(places[misfit.position])) for misfit in self._misfits[name]]
            yield from ((name, misfit) for misfit in sorted(moved, key=lambda misfit: misfit.position))
