"""Merge a frame with edits, its baseline, and what changed in the service since."""

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
from wizframe.planning.typed_frame import is_literal, take_in
from wizframe.pushing.frame_update import set_cells

if TYPE_CHECKING:
    import numpy.typing as npt

    from wizframe.frames.baselines import Baseline
    from wizframe.planning.typed_frame import Intake
    from wizframe.refreshing.changes import Changes

    Mask = npt.NDArray[np.bool_]
    Places = npt.NDArray[np.intp]

__all__ = ["COLLISION_COLUMNS", "Merged", "merge"]

COLLISION_COLUMNS = ["table", "index", "id", "column", "when_loaded", "yours", "now", "what_happened"]
_CHANGED, _LEFT, _DELETED = "changed", "left the load's filters", "deleted"


@dataclass(frozen=True)
class Merged:
    """A frame and its baseline as they are now."""

    frame: pd.DataFrame
    baseline: Baseline
    counts: dict[str, int]  # what happened to how many rows

    @property
    def collisions(self) -> pd.DataFrame:
        """Cells that both sides changed."""
        return collisions_of(self.baseline)


def collisions_of(baseline: Baseline | None) -> pd.DataFrame:
    """Give the collisions that a refresh found, in the columns of ``COLLISION_COLUMNS``."""
    known = baseline.collisions if baseline is not None else None
    return problems_frame((), COLLISION_COLUMNS) if known is None else known.copy()


def merge(frame: pd.DataFrame, own: Baseline, changes: Changes) -> Merged:
    """Bring a frame and its baseline up to date; the frame given is not changed."""
    intake = take_in(frame, own.table)
    if "id" not in intake.typed:
        message = "the frame has no column or index level 'id' any more, so its records are unknown"
        raise PlanError(message, hint="Keep the column id, or load again.")
    return _Merge(frame, intake, own, changes).merged()


@dataclass
class _Merge:
    """One merge under way; arrays have one element for each row of the frame."""

    frame: pd.DataFrame
    intake: Intake
    own: Baseline
    changes: Changes
    behind: dict[str, list[Any]] = field(default_factory=dict)
    found: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        whole = self.own.frame if self.own.is_unique else self.own.frame.drop_duplicates("id")
        self.before = whole.reset_index(drop=True)
        self.ids = self.intake.typed["id"]
        self.places: Places = places_in(self.before["id"], self.ids)
        now = self.changes.now
        self.numbers: Places = places_in(now["id"], self.ids)
        passes = passing(now, dict(self.own.filters)).to_numpy()
        is_known = places_in(self.before["id"], now["id"]) >= 0
        self.left = set(now["id"][~passes & is_known])
        takes_new = self.own.takes_new and bool((places_in(self.ids, self.before["id"]) >= 0).all())
        self.fresh = now[passes & ~is_known] if takes_new else now.iloc[:0]

    def merged(self) -> Merged:
        result = self.frame.copy()
        changed = self._take_theirs(result)
        drops, kept_ids = self._dropped()
        baseline = self._advanced(kept_ids)
        result = _without(result, drops)
        result = _with_new(result, self.fresh, self.own)
        counts = {"changed": changed, "added": len(self.fresh), "removed": int(drops.sum())}
        return Merged(result, baseline, counts)

    def _columns(self) -> list[str]:
        return [name for name in map(str, self.intake.typed) if name != "id" and name in self.before]

    def _is_edited(self, name: str, rows: Places) -> Mask:
        """Tell in which of some rows, all of the load, a cell is edited."""
        mine = self.intake.typed[name].iloc[rows].reset_index(drop=True)
        was = self.before[name].iloc[self.places[rows]].reset_index(drop=True)
        edited = differs(mine, was)
        if name in self.intake.cleared:
            edited = edited | self.intake.cleared[name].to_numpy()[rows]
        return np.asarray(edited & ~is_literal(self.intake, name, rows, was), dtype=bool)

    def _take_theirs(self, result: pd.DataFrame) -> int:
        """Write changes into cells that were not edited, note the other ones, and count changed rows."""
        rows = np.flatnonzero((self.places >= 0) & (self.numbers >= 0))
        changed = np.zeros(len(rows), dtype=bool)
        for name in self._columns():
            if name not in self.changes.now:
                continue
            theirs = self.changes.now[name].iloc[self.numbers[rows]].reset_index(drop=True)
            was = self.before[name].iloc[self.places[rows]].reset_index(drop=True)
            moved, edited = differs(was, theirs), self._is_edited(name, rows)
            mine = self.intake.typed[name].iloc[rows].reset_index(drop=True)
            collide = moved & edited & differs(mine, theirs)
            due = moved & ~edited
            changed |= moved
            if due.any():
                set_cells(result, name, rows[due], theirs[due].tolist())
            for number in np.flatnonzero(collide).tolist():
                self._note(int(rows[number]), name, theirs.iat[number], _CHANGED)
        return int(changed.sum())

    def _note(self, row: int, name: str, now: Any, what: str) -> None:
        """Note a collision; the baseline keeps what was loaded, so that pushing the cell is a conflict."""
        identifier = self.ids.iat[row]
        self.behind.setdefault(name, []).append(identifier)
        was, mine = self.before[name].iat[self.places[row]], self._cell(row, name)
        self.found.append((self.own.table.name, self.frame.index[row], identifier, name, was, mine, now, what))

    def _cell(self, row: int, name: str) -> Any:
        """Give a cell as it stands in the user's frame."""
        if name in self.frame.columns:
            return self.frame[name].iat[row]
        return self.frame.index.get_level_values(name)[row]

    def _dropped(self) -> tuple[Mask, set[Any]]:
        """Choose the rows of deleted or left records, except edited ones; also give the ids of these."""
        going = dict.fromkeys(self.changes.gone, _DELETED) | dict.fromkeys(self.left, _LEFT)
        drops = are_among(self.ids, going) & (self.places >= 0)
        rows = np.flatnonzero(drops)
        stays: set[Any] = set()
        for name in self._columns():
            if not self.own.table[name].writable:
                continue
            for number in np.flatnonzero(self._is_edited(name, rows)):
                row = int(rows[number])
                stays.add(self.ids.iat[row])
                if not self._is_noted(row, name):
                    self._note(row, name, self._theirs(row, name), going[self.ids.iat[row]])
        return drops & ~are_among(self.ids, stays), stays

    def _is_noted(self, row: int, name: str) -> bool:
        return self.ids.iat[row] in self.behind.get(name, [])

    def _theirs(self, row: int, name: str) -> Any:
        number = self.numbers[row]
        return self.changes.now[name].iat[number] if number >= 0 and name in self.changes.now else None

    def _advanced(self, kept_ids: set[Any]) -> Baseline:
        now = self.changes.now
        going = (self.changes.gone | self.left) - kept_ids
        after = self.before[~are_among(self.before["id"], going)].reset_index(drop=True)
        targets = places_in(now["id"], after["id"])
        for name in after.columns.intersection(now.columns):
            is_due = (targets >= 0) & ~are_among(after["id"], self.behind.get(name, ()))
            if is_due.any():
                cells = after[name].copy()
                cells.iloc[np.flatnonzero(is_due)] = now[name].iloc[targets[is_due]].array
                after[name] = cells
        if len(self.fresh):
            after = pd.concat([after, self.fresh.reindex(columns=after.columns)], ignore_index=True)
        return self.own.again(
            frame=after,
            problems=self._problems(after),
            collisions=problems_frame(self._earlier() + self.found, COLLISION_COLUMNS),
            loaded_at=datetime.now(UTC),
            seen_at=self.changes.seen_at,
            is_whole=self.own.is_whole and self.changes.is_complete,
        )

    def _earlier(self) -> list[tuple[Any, ...]]:
        """Give earlier collisions that are still there: their cells still differ, and no newer value was read."""
        rows = []
        known: Any
        for known in collisions_of(self.own).itertuples(index=False):
            row = self._row_of(known.id)
            if row < 0:
                continue
            is_read = known.id in self.changes.now["id"].array or self._is_noted(row, known.column)
            if not is_read and self._is_edited(known.column, np.array([row])).all():
                rows.append(tuple(known))
        return rows

    def _row_of(self, identifier: str) -> int:
        """Give the first row of a record; -1 where the frame has none."""
        rows = np.flatnonzero(self.ids == identifier)
        return int(rows[0]) if len(rows) else -1

    def _problems(self, after: pd.DataFrame) -> pd.DataFrame:
        """Keep the problems of what did not change, and add those of what did; rows as they are numbered now."""
        old, now = self.own.problems, self.changes.now["id"]
        stays, comes = _with_ids(old, self.own.frame["id"]), _with_ids(self.changes.problems, now)
        both = pd.concat([stays[~are_among(stays["id"], now)], comes])
        places = places_in(after["id"], both["id"])
        both = both.assign(row=places.astype(object))[places >= 0].drop(columns="id").sort_values("row", kind="stable")
        return pd.concat([both, old[old["row"].isna()]], ignore_index=True).astype(object)


def _with_ids(problems: pd.DataFrame, ids: pd.Series[Any]) -> pd.DataFrame:
    """Give the problems of rows that are there, with their records' ids."""
    rows = ids.index.get_indexer(pd.Index(problems["row"], dtype=object))
    return problems[rows >= 0].assign(id=ids.take(rows[rows >= 0]).array)


def _without(frame: pd.DataFrame, drops: Mask) -> pd.DataFrame:
    if not drops.any():
        return frame
    return frame[~drops].reset_index(drop=True) if _is_plain(frame.index) else frame[~drops]


def _is_plain(index: pd.Index[Any]) -> bool:
    return isinstance(index, pd.RangeIndex) and index.name is None


def _with_new(frame: pd.DataFrame, fresh: pd.DataFrame, own: Baseline) -> pd.DataFrame:
    """Add new records below, under labels of the frame's own kind."""
    if fresh.empty:
        return frame
    names = list(frame.index.names)
    if all(name in own.table for name in names):
        added = fresh.set_index(names)
    elif frame.index.nlevels == 1 and pd.api.types.is_integer_dtype(frame.index.dtype):
        start = int(frame.index.max()) + 1 if len(frame) else 0
        added = fresh.set_axis(pd.RangeIndex(start, start + len(fresh), name=names[0]))
    else:
        added = fresh.set_axis(
            pd.MultiIndex.from_tuples([(one,) * len(names) for one in fresh["id"]], names=names)
            if len(names) > 1
            else pd.Index(fresh["id"], name=names[0])
        )
    added = added[[name for name in frame.columns if name in added]]
    of_arrow = {name: dtype for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.ArrowDtype)}
    added = added.astype({name: dtype for name, dtype in of_arrow.items() if name in added})
    # By number, since the user's own columns may share a name.
    added = added.set_axis([frame.columns.get_loc(name) for name in added], axis=1)
    both = pd.concat([frame.set_axis(range(frame.shape[1]), axis=1), added], ignore_index=_is_plain(frame.index))
    both = both.set_axis(frame.columns, axis=1)
    both.attrs = dict(frame.attrs)
    return both
