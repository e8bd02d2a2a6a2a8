"""Merge a frame with edits, its baseline, and the changes in the service since the load."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.errors import PlanError
from wizframe.frames.arrow import are_among, places_in
from wizframe.frames.baselines import differs
from wizframe.frames.problems import problems_frame
from wizframe.loading.frame import passing
from wizframe.planning.typed_frame import is_literal, type_frame
from wizframe.pushing.frame_update import set_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from wizframe.frames.baselines import Baseline
    from wizframe.planning.typed_frame import TypedFrame
    from wizframe.refreshing.changed_records import Changes

    Mask = npt.NDArray[np.bool_]
    Places = npt.NDArray[np.intp]

__all__ = ["COLLISION_COLUMNS", "Merged", "merge"]

COLLISION_COLUMNS = ["table", "index", "id", "column", "when_loaded", "yours", "now", "what_happened"]


@dataclass(frozen=True)
class Merged:
    """An updated frame and its baseline."""

    frame: pd.DataFrame
    baseline: Baseline
    counts: dict[str, int]  # "changed", "added" and "removed" to the number of rows

    @property
    def collisions(self) -> pd.DataFrame:
        """The cells that both the user and the service changed."""
        return collisions_of(self.baseline)


def collisions_of(baseline: Baseline | None) -> pd.DataFrame:
    """Return the collisions that a refresh found, with the columns of ``COLLISION_COLUMNS``."""
    known = baseline.collisions if baseline is not None else None
    return problems_frame((), COLLISION_COLUMNS) if known is None else known.copy()


def merge(frame: pd.DataFrame, own: Baseline, changes: Changes) -> Merged:
    """Return an updated copy of a frame and its baseline."""
    typed_frame = type_frame(frame, own.table)
    if own.table.parent is not None and not own.index.is_unique:
        message = f"the {own.table.name} of several {own.table.parent.name} have the same id, so they cannot be merged"
        raise PlanError(message, hint="Load again.")
    if "id" not in typed_frame.cells:
        message = "the frame has no column or index level 'id' any more, so the records of its rows are unknown"
        raise PlanError(message, hint="Keep the column id, or load again.")
    return _Merge(frame, typed_frame, own, changes).merged()


@dataclass
class _Merge:
    """One merge in progress. Arrays have one element for each row of the frame."""

    frame: pd.DataFrame
    typed_frame: TypedFrame
    own: Baseline
    changes: Changes
    #: Column to ids: the baseline keeps the loaded values of these cells, so that pushing them is a conflict.
    colliding: dict[str, set[Any]] = field(default_factory=dict)
    collisions: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        loaded = self.own.frame if self.own.is_unique else self.own.frame.drop_duplicates("id")
        self.was = loaded.reset_index(drop=True)
        self.now = self.changes.now
        self.ids = self.typed_frame.cells["id"]
        self.was_rows: Places = places_in(self.was["id"], self.ids)
        self.now_rows: Places = places_in(self.now["id"], self.ids)
        self.columns = [name for name in map(str, self.typed_frame.cells) if name != "id" and name in self.was]
        passes = passing(self.now, dict(self.own.filters)).to_numpy()
        is_known = places_in(self.was["id"], self.now["id"]) >= 0
        self.left = set(self.now["id"][~passes & is_known])
        takes_new = self.own.takes_new and bool((places_in(self.ids, self.was["id"]) >= 0).all())
        self.new = self.now[passes & ~is_known] if takes_new else self.now.iloc[:0]

    def merged(self) -> Merged:
        result = self.frame.copy()
        changed = self._write_changes(result)
        drops, staying = self._dropped()
        baseline = self._new_baseline(staying)
        result = _with_new(_without(result, drops), self.new, self.own)
        return Merged(result, baseline, {"changed": changed, "added": len(self.new), "removed": int(drops.sum())})

    def _cells(self, name: str, rows: Places) -> tuple[pd.Series[Any], pd.Series[Any]]:
        """Return a column in rows that were loaded: the values in the frame, and the loaded values."""
        mine = self.typed_frame.cells[name].iloc[rows].reset_index(drop=True)
        return mine, self.was[name].iloc[self.was_rows[rows]].reset_index(drop=True)

    def _is_edited(self, name: str, rows: Places) -> Mask:
        mine, was = self._cells(name, rows)
        edited = differs(mine, was)
        if name in self.typed_frame.cleared:
            edited = edited | self.typed_frame.cleared[name].to_numpy()[rows]
        return np.asarray(edited & ~is_literal(self.typed_frame, name, rows, was), dtype=bool)

    def _write_changes(self, result: pd.DataFrame) -> int:
        """Write changes into cells that were not edited, note collisions in the others, and count changed rows."""
        rows = np.flatnonzero((self.was_rows >= 0) & (self.now_rows >= 0))
        changed = np.zeros(len(rows), dtype=bool)
        for name in self.columns:
            if name not in self.now:
                continue
            theirs = self.now[name].iloc[self.now_rows[rows]].reset_index(drop=True)
            mine, was = self._cells(name, rows)
            moved, edited = differs(was, theirs), self._is_edited(name, rows)
            changed |= moved
            due = moved & ~edited
            if due.any():
                set_cells(result, name, rows[due], theirs[due].tolist())
            for number in np.flatnonzero(moved & edited & differs(mine, theirs)).tolist():
                self._note(int(rows[number]), name, theirs.iat[number], "changed")
        return int(changed.sum())

    def _note(self, row: int, name: str, theirs: Any, what: str) -> None:
        """Note a collision, with the value of the cell in the user's frame."""
        identifier, was = self.ids.iat[row], self.was[name].iat[self.was_rows[row]]
        is_column = name in self.frame.columns
        mine = self.frame[name].iat[row] if is_column else self.frame.index.get_level_values(name)[row]
        self.colliding.setdefault(name, set()).add(identifier)
        self.collisions.append((self.own.table.name, self.frame.index[row], identifier, name, was, mine, theirs, what))

    def _dropped(self) -> tuple[Mask, set[Any]]:
        """Return which rows to drop, and the ids of deleted or left records that stay because of their edits."""
        going = dict.fromkeys(self.changes.gone, "deleted") | dict.fromkeys(self.left, "left the load's filters")
        drops = are_among(self.ids, going) & (self.was_rows >= 0)
        rows = np.flatnonzero(drops)
        staying: set[Any] = set()
        for name in self.columns:
            if not self.own.table[name].writable:
                continue
            for row in rows[self._is_edited(name, rows)].tolist():
                identifier, number = self.ids.iat[row], self.now_rows[row]
                staying.add(identifier)
                if identifier not in self.colliding.get(name, ()):
                    theirs = self.now[name].iat[number] if number >= 0 and name in self.now else None
                    self._note(row, name, theirs, going[identifier])
        return drops & ~are_among(self.ids, staying), staying

    def _new_baseline(self, staying: set[Any]) -> Baseline:
        going = (self.changes.gone | self.left) - staying
        after = self.was[~are_among(self.was["id"], going)].reset_index(drop=True)
        now_rows = places_in(self.now["id"], after["id"])
        for name in after.columns.intersection(self.now.columns):
            is_due = (now_rows >= 0) & ~are_among(after["id"], self.colliding.get(name, ()))
            if is_due.any():
                cells = after[name].copy()
                cells.iloc[np.flatnonzero(is_due)] = self.now[name].iloc[now_rows[is_due]].array
                after[name] = cells
        if len(self.new):
            after = pd.concat([after, self.new.reindex(columns=after.columns)], ignore_index=True)
        return self.own.again(
            frame=after,
            problems=self._problems(after),
            collisions=problems_frame([*self._earlier_collisions(), *self.collisions], COLLISION_COLUMNS),
            loaded_at=datetime.now(UTC),
            seen_at=self.changes.seen_at,
            is_whole=self.own.is_whole and self.changes.is_complete,
        )

    def _earlier_collisions(self) -> Iterator[tuple[Any, ...]]:
        """Yield the earlier collisions that still exist.

        Such a cell still differs from the service's value, and this refresh read no newer value for the cell.
        """
        read = set(self.now["id"])
        known: Any
        for known in collisions_of(self.own).itertuples(index=False):
            rows = np.flatnonzero(self.ids == known.id)[:1]
            is_read = known.id in read or known.id in self.colliding.get(known.column, ())
            if len(rows) and not is_read and self._is_edited(known.column, rows).all():
                yield tuple(known)

    def _problems(self, after: pd.DataFrame) -> pd.DataFrame:
        """Return the problems of unchanged records, and the new ones of the others, with their new row numbers."""
        old, now = self.own.problems, self.now["id"]
        stays, comes = _with_ids(old, self.own.frame["id"]), _with_ids(self.changes.problems, now)
        both = pd.concat([stays[~are_among(stays["id"], now)], comes])
        places = places_in(after["id"], both["id"])
        both = both.assign(row=places.astype(object))[places >= 0].drop(columns="id").sort_values("row", kind="stable")
        return pd.concat([both, old[old["row"].isna()]], ignore_index=True).astype(object)


def _with_ids(problems: pd.DataFrame, ids: pd.Series[Any]) -> pd.DataFrame:
    """Return the problems of single rows, with the ids of their records."""
    rows = ids.index.get_indexer(pd.Index(problems["row"], dtype=object))
    return problems[rows >= 0].assign(id=ids.take(rows[rows >= 0]).array)


def _without(frame: pd.DataFrame, drops: Mask) -> pd.DataFrame:
    if not drops.any():
        return frame
    return frame[~drops].reset_index(drop=True) if _is_plain(frame.index) else frame[~drops]


def _is_plain(index: pd.Index[Any]) -> bool:
    return isinstance(index, pd.RangeIndex) and index.name is None


def _with_new(frame: pd.DataFrame, new: pd.DataFrame, own: Baseline) -> pd.DataFrame:
    """Add new records below the last row, with index labels like those of the frame."""
    if new.empty:
        return frame
    names = list(frame.index.names)
    if all(name in own.table for name in names):
        added = new.set_index(names)
    elif frame.index.nlevels == 1 and pd.api.types.is_integer_dtype(frame.index.dtype):
        start = int(frame.index.max()) + 1 if len(frame) else 0
        added = new.set_axis(pd.RangeIndex(start, start + len(new), name=names[0]))
    elif frame.index.nlevels == 1:
        added = new.set_axis(pd.Index(new["id"], name=names[0]))
    else:
        added = new.set_axis(pd.MultiIndex.from_tuples([(one,) * len(names) for one in new["id"]], names=names))
    added = added[[name for name in frame.columns if name in added]]
    of_arrow = {name: dtype for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.ArrowDtype)}
    added = added.astype({name: dtype for name, dtype in of_arrow.items() if name in added})
    # By number, because columns that the user added may have equal names.
    added = added.set_axis([frame.columns.get_loc(name) for name in added], axis=1)
    both = pd.concat([frame.set_axis(range(frame.shape[1]), axis=1), added], ignore_index=_is_plain(frame.index))
    both = both.set_axis(frame.columns, axis=1)
    both.attrs = dict(frame.attrs)
    return both
