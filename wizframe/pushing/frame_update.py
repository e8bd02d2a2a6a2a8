"""Update the planned frame and its baseline after a push, so that they show the service's current values."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from wizframe.errors import PlanError, WizframeError
from wizframe.frames.arrow import TEXTS, are_among
from wizframe.frames.baselines import Baseline, attach, attached, differs
from wizframe.frames.build import is_same_frame, to_frame, to_record_value
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import Cell, Change
from wizframe.planning.typed_frame import is_literal, type_frame
from wizframe.pushing.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy.typing as npt

    from wizframe.api.client import BaseClient
    from wizframe.api.dialects import Record
    from wizframe.fields import Table
    from wizframe.planning.changes import PlanPart
    from wizframe.planning.typed_frame import TypedFrame

    Mask = npt.NDArray[np.bool_]

__all__ = [
    "Written",
    "as_left_out",
    "columns_shown",
    "displaced_now",
    "set_cells",
    "show_effects",
    "show_records",
    "write_back",
]

#: Fields that the service sets or wizframe generates. They are written into new rows (with the parent's id) …
_OF_NEW_ROWS = ("id", "reference_id", "status", "created_at", "updated_at")
_OF_OLD_ROWS = ("status", "updated_at")
#: Records are unpacked in portions of this size, because whole records need far more memory than their cells.
_PORTION = 1_000


class Written(NamedTuple):
    """A record that was read or written, and the row of a frame that holds it."""

    position: int  # the row
    change: Change
    outcome: Outcome  # it has the current record; if it is not "done", the edits stay in the row
    #: Column to loaded value, for cells that keep the frame's value: edits left out of the plan, or made later.
    kept: Mapping[str, Any]


def columns_shown(part: PlanPart) -> frozenset[str]:
    """Return the fields of a record that the planned frame or its baseline has, or may get."""
    own = attached(part.frame)
    names = [*part.frame.columns, *part.frame.index.names, *(own.frame if own else ())]
    names += [*_OF_NEW_ROWS, part.table.parent_id]
    return frozenset(map(str, names))


def write_back(part: PlanPart, outcomes: Sequence[Outcome], connection: str) -> None:
    """Write the results of a push into the planned frame, and update its baseline.

    A frame of another account is not changed. Frames that were derived from the planned frame keep their old baseline,
    because they still have the old values, and these would look like edits when compared with the new values.
    """
    own = attached(part.frame)
    if own is not None and own.account != part.account:
        return
    later = _edited_since(part)
    if later is None:
        return
    _keep_references(part, outcomes)
    written, deleted = [], []
    for change, outcome in zip(part.changes_list, outcomes, strict=True):
        is_done = outcome.state == "done"
        if change.action == "delete" and is_done:
            deleted.append(change.id)
        elif outcome.after and outcome.state in ("done", "failed") and outcome.code != "fields_lost":
            kept = as_left_out(change) | later.get(change.position, {})
            written.append(Written(change.position, change, outcome, kept))
    show_records(part.frame, part, connection, written, deleted)
    if part.also is not None:
        _show_in_earlier(part.also, part, outcomes)


def displaced_now(part: PlanPart, outcomes: Sequence[Outcome], client: BaseClient) -> list[tuple[Change, Outcome]]:
    """Read the records that lost their default flag, as changes of their own; what cannot be read is left out."""
    found = []
    cell = Cell(part.table.default.column if part.table.default else "", True, False)
    for change, outcome in zip(part.changes_list, outcomes, strict=True):
        for identifier, name in change.displaced if outcome.state == "done" else ():
            lost = Change("update", 0, None, name, identifier, change.customer_id, None, (cell,))
            with contextlib.suppress(WizframeError):
                record = client.operations(part.table).read_one(change.customer_id, identifier)
                found.append((lost, Outcome("done", "", after=record)))
    return found


def show_effects(part: PlanPart, effects: Sequence[tuple[Change, Outcome]]) -> None:
    """Show in the frame what a push did to records that were not in its plan."""
    for frame in (part.frame, part.also):
        if effects and frame is not None:
            changes, outcomes = zip(*effects, strict=True)
            _show_in_earlier(frame, replace(part, changes_list=changes), outcomes)


def _show_in_earlier(frame: pd.DataFrame, part: PlanPart, outcomes: Sequence[Outcome]) -> None:
    """Show in the frame of an earlier push what an undo or a resumed push did to its rows; later edits stay edits."""
    own = attached(frame)
    if own is None or own.table is not part.table or own.account != part.account or not own.index.is_unique:
        return
    try:
        typed = type_frame(frame, part.table).cells
    except PlanError:  # the user works on it
        return
    if "id" not in typed or (part.table.parent is not None and typed["id"].duplicated().any()):
        return  # children that are numbered within their parent only are not told apart by their ids
    places = {identifier: place for place, identifier in enumerate(typed["id"])}
    pairs = zip(part.changes_list, outcomes, strict=True)
    done = [(change, one) for change, one in pairs if one.state == "done" and change.id in places]
    edited = _edits(typed, own, part.table, {str(change.id): places[change.id] for change, _ in done})
    written = [
        Written(places[change.id], change, one, edited[str(change.id)])
        for change, one in done
        if change.action == "update" and one.after
    ]
    deleted = [change.id for change, _ in done if change.action == "delete"]
    show_records(frame, part, own.connection, written, deleted)


def _edits(
    typed: pd.DataFrame, own: Baseline, table: Table, places: Mapping[str, int]
) -> defaultdict[str, dict[str, Any]]:
    """Return the cells of some rows that differ from their baseline, with the values of the baseline."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    rows = own.index.get_indexer(pd.Index(list(places)))
    at = np.array(list(places.values()), dtype=np.intp)[rows >= 0]
    ids = np.array(list(places), dtype=object)[rows >= 0]
    for name in typed.columns.intersection(own.frame.columns) if len(at) else ():
        was = own.frame[name].iloc[rows[rows >= 0]].reset_index(drop=True)
        for number in np.flatnonzero(differs(was, typed[name].iloc[at].reset_index(drop=True))).tolist():
            found[ids[number]][str(name)] = to_record_value(was.iat[number], table[name])
    return found


def as_left_out(change: Change) -> dict[str, Any]:
    """Return the cells that were left out of a change, with their loaded values."""
    return {cell.column: cell.old for cell in change.left_out}


def _edited_since(part: PlanPart) -> defaultdict[int, dict[str, Any]] | None:
    """Return the cells in the rows of the changes that were edited during the push, with their planned values.

    In a notebook, the user can continue to edit during a push. None if rows were added above, removed or moved: then
    the records of the rows are unknown.
    """
    later: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    if is_same_frame(part.as_planned, part.frame):
        return later
    known = len(part.as_planned)
    if not part.as_planned.index.equals(part.frame.index[:known]):  # rows may have been added below
        return None
    was = type_frame(part.as_planned, part.table).cells
    try:
        now = type_frame(part.frame.iloc[:known], part.table).cells
    except PlanError:  # such as two columns with the same name
        return None
    if "id" in was and ("id" not in now or (differs(was["id"], now["id"]) & was["id"].notna().to_numpy()).any()):
        return None
    for name in now.columns.intersection(was.columns):
        is_edited = differs(was[name], now[name])
        for change in part.changes_list:
            if is_edited[change.position]:
                value = to_record_value(was[name].iat[change.position], part.table[name])
                later[change.position][str(name)] = value
    return later


def _keep_references(part: PlanPart, outcomes: Sequence[Outcome]) -> None:
    """Write the references of creates that are not done into their rows, because the next attempt must use them again.

    A row with an unknown outcome may be edited before it is planned again. With other content it would get another
    reference, and could become a second record next to one that already exists.
    """
    if all(outcome.state in ("unsent", "skipped") for outcome in outcomes):
        return  # nothing was sent, so the plan can be applied again unchanged
    pairs = zip(part.changes_list, outcomes, strict=True)
    left = [(change, outcome) for change, outcome in pairs if change.action == "create" and not outcome.after]
    left = [(change, outcome) for change, outcome in left if outcome.state != "skipped"]
    typed = type_frame(part.frame, part.table).cells
    if "reference_id" not in typed:
        if all(outcome.state != "unknown" for _, outcome in left):
            return
        typed["reference_id"] = pd.Series(np.nan, index=typed.index, dtype=TEXTS)
    is_blank = typed["reference_id"].isna().to_numpy()
    kept = {change.position: change.reference_id for change, _ in left if is_blank[change.position]}
    if kept:
        set_cells(part.frame, "reference_id", np.array(list(kept), dtype=np.intp), list(kept.values()))


def show_records(
    frame: pd.DataFrame,
    part: PlanPart,
    connection: str,
    written: Sequence[Written],
    deleted: Collection[str | None] = (),
) -> None:
    """Update the rows of some records, and their baseline, to the service's current state; changes ``frame``.

    A cell without an edit gets the service's value, too. Otherwise a row would have the new ``updated_at`` and an old
    value, and the old value would look like an edit when the load is no longer in memory.
    """
    if not written and not deleted:
        return
    table = part.table
    own = attached(frame)
    own = own if own is not None and own.table is table else None
    typed_frame = type_frame(frame, table)
    names = {*typed_frame.cells, *(own.frame if own is not None else ())}
    details = not names.issubset(table.columns())  # the columns that only details have take the longest to build
    now = _Now(written, table, details=details)
    _write_frame(frame, typed_frame, own, now)
    typed = type_frame(frame, table).cells
    if "id" not in typed:
        return
    before = own.frame if own is not None and own.index.is_unique else typed.iloc[:0]
    after = _advanced(before[~are_among(before["id"], deleted)] if deleted else before, typed, now, table)
    gone = {one for one in deleted if one is not None}
    if own is None:
        advanced = Baseline(table, part.account, connection, after, problems_frame(), gone=frozenset(gone))
    else:
        shown = {"account": part.account, "connection": connection, "frame": after, "gone": own.gone | gone}
        advanced = own.again(**shown, collisions=None)
    attach(frame, advanced)


class _Now:
    """The current values of some records: typed cells, one row per record, and what is known about each cell."""

    def __init__(self, written: Sequence[Written], table: Table, *, details: bool) -> None:
        self.written = written
        self.is_new = np.array([one.change.action == "create" for one in written], dtype=bool)
        self.is_done = np.array([one.outcome.state == "done" for one in written], dtype=bool)
        self._has, self._edited, self._kept = self._masks(), self._masks(), self._masks()
        portions = []
        for start in range(0, max(len(written), 1), _PORTION):
            records: list[Record] = []
            for number, one in enumerate(written[start : start + _PORTION], start):
                records.append(one.outcome.record or {})
                for name in records[-1]:
                    self._has[name][number] = True
                for cell in one.change.cells:
                    self._edited[cell.column][number] = True
                for name in one.kept:
                    self._kept[name][number] = True
            portions.append(to_frame(records, table, details=details)[0])
        self.cells = pd.concat(portions, ignore_index=True)

    def _masks(self) -> defaultdict[str, Mask]:
        return defaultdict(lambda: np.zeros(len(self.written), dtype=bool))

    def has(self, name: str) -> Mask:
        """Return which records have a field. A missing field is not the same as a blank field here."""
        return self._has[name]

    def edited(self, name: str) -> Mask:
        """Return the rows in which a column was edited."""
        return self._edited[name]

    def kept(self, name: str) -> Mask:
        """Return the rows in which a column keeps the frame's value."""
        return self._kept[name]

    def is_behind(self, name: str) -> Mask:
        """Return the rows in which the baseline keeps the loaded value, so that an edit hides no conflict."""
        return self.kept(name) & ~self.edited(name)


def _write_frame(frame: pd.DataFrame, typed_frame: TypedFrame, own: Baseline | None, now: _Now) -> None:
    positions, numbers = _rows(typed_frame, now)
    for name in map(str, typed_frame.cells.columns):
        theirs = now.cells[name].iloc[numbers].reset_index(drop=True)
        due = _due(name, typed_frame, own, now, positions, numbers, theirs)
        if due.any():
            set_cells(frame, name, positions[due], theirs[due].tolist())


def _keys(cells: pd.DataFrame, table: Table) -> Any:
    """Return what identifies the record of each row: its id, for a child together with its parent's id."""
    ids = cells["id"]
    if table.parent_id not in cells:
        return pd.Index(ids)
    return pd.Index((cells[table.parent_id].fillna("") + "\0" + ids).where(ids.notna()))


def _rows(typed_frame: TypedFrame, now: _Now) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pair row positions with record numbers. One record may be in several equal rows."""
    count = len(now.written)
    pairs = [np.array([one.position for one in now.written], dtype=np.intp) * count + np.arange(count)]
    if "id" in typed_frame.cells and count:
        table = typed_frame.table
        numbers = _keys(now.cells, table).get_indexer(_keys(typed_frame.cells, table))
        positions = np.flatnonzero(numbers >= 0)
        pairs.append(positions * count + numbers[positions])
    return np.divmod(np.unique(np.concatenate(pairs)), max(count, 1))


def _due(
    name: str,
    typed_frame: TypedFrame,
    own: Baseline | None,
    now: _Now,
    positions: npt.NDArray[np.intp],
    numbers: npt.NDArray[np.intp],
    theirs: pd.Series[Any],
) -> Mask:
    """Return the rows in which a column must be written."""
    has = now.has(name)[numbers]
    is_given = has & theirs.notna().to_numpy()
    is_new, is_edited, is_done = now.is_new[numbers], now.edited(name)[numbers], now.is_done[numbers]
    mine = typed_frame.cells[name].iloc[positions].reset_index(drop=True)
    unequal = differs(mine, theirs) & has
    if name in typed_frame.cleared:
        unequal |= typed_frame.cleared[name].to_numpy()[positions]
    # A cell that became blank and was not sent stays blank. A cell that was blank when loaded gets the new value.
    is_untouched = ~is_edited & (mine.notna().to_numpy() | _reads_as_blank(name, typed_frame, own, positions))
    old_rows = unequal & ((is_edited & is_done) | is_untouched)
    if name in _OF_OLD_ROWS:
        old_rows = is_given & unequal
    new_rows = is_given & (
        (name in (*_OF_NEW_ROWS, typed_frame.table.parent_id))
        | (mine.isna().to_numpy() & ~is_edited)
        | (unequal & is_edited & is_done)  # the service rewrote the value
    )
    due: Mask = np.where(is_new, new_rows, old_rows).astype(bool) & ~now.kept(name)[numbers]
    return due


def _reads_as_blank(name: str, typed_frame: TypedFrame, own: Baseline | None, positions: npt.NDArray[np.intp]) -> Mask:
    if own is None or name not in own.frame or "id" not in typed_frame.cells or not own.index.is_unique:
        return np.zeros(len(positions), dtype=bool)
    places = own.index.get_indexer(pd.Index(typed_frame.cells["id"].iloc[positions]))
    if not len(own.frame):
        return np.zeros(len(positions), dtype=bool)
    was = own.frame[name].iloc[places]
    return (was.isna().to_numpy() | is_literal(typed_frame, name, positions, was)) & (places >= 0)


def set_cells(frame: pd.DataFrame, name: str, positions: npt.NDArray[np.intp], values: list[Any]) -> None:
    """Write values into a column or index level of a user's frame, whatever its dtype; a new column is added."""
    if name not in frame.columns and name not in frame.index.names:
        frame[name] = pd.Series(np.nan, index=frame.index, dtype=TEXTS)
    if name in frame.columns:
        frame[name] = _with_cells(frame[name], positions, values)
        return
    levels = pd.DataFrame({level: frame.index.get_level_values(level) for level in range(frame.index.nlevels)})
    level = list(frame.index.names).index(name)
    levels[level] = _with_cells(levels[level], positions, values)
    if frame.index.nlevels > 1:
        frame.index = pd.MultiIndex.from_frame(levels, names=frame.index.names)
    else:
        frame.index = pd.Index(levels[level], name=name)


def _with_cells(old: pd.Series[Any], positions: npt.NDArray[np.intp], values: list[Any]) -> pd.Series[Any]:
    """Write values into a user's column, whatever its dtype. If they do not fit the dtype, it becomes ``object``."""
    is_arrow = isinstance(old.dtype, pd.ArrowDtype)
    if isinstance(old.dtype, pd.StringDtype) or (is_arrow and old.dtype.kind == "U"):
        values = [value if isinstance(value, str) or pd.isna(value) else str(value) for value in values]
    if is_arrow:
        values = [pd.NA if pd.isna(value) else value for value in values]
    elif old.dtype.kind == "M" and not isinstance(old.dtype, pd.DatetimeTZDtype):
        values = [value if pd.isna(value) else value.tz_convert(None) for value in values]
    new = old.copy()
    try:
        new.iloc[positions] = values
    except (TypeError, ValueError):
        new = old.astype(object)
        new.iloc[positions] = values
    return new


def _advanced(before: pd.DataFrame, typed: pd.DataFrame, now: _Now, table: Table) -> pd.DataFrame:
    """Update the baseline with the service's current values, and add the rows that it did not have yet.

    Added rows have the columns that the frame shows.
    """
    after = before.reset_index(drop=True)
    targets = _keys(after, table).get_indexer(_keys(now.cells, table)) if len(now.cells) else np.array([], int)
    for name in after.columns:
        chosen = np.flatnonzero(now.has(name) & (targets >= 0) & ~now.is_behind(name))
        known, theirs = after[name].iloc[targets[chosen]], now.cells[name].iloc[chosen]
        is_other = differs(known.reset_index(drop=True), theirs.reset_index(drop=True))
        if is_other.any():  # a column without changes continues to share its memory with the frame's
            cells = after[name].copy()
            cells.iloc[targets[chosen[is_other]]] = theirs[is_other].array
            after[name] = cells
    fresh = np.flatnonzero(targets < 0).tolist()
    if not fresh:
        return after
    added = now.cells.iloc[fresh].reindex(columns=after.columns).reset_index(drop=True)
    was = to_frame([dict(now.written[number].kept) for number in fresh], table, details=True)[0]
    positions = [now.written[number].position for number in fresh]
    for name in typed.columns.intersection(after.columns):
        as_planned = typed[name].iloc[positions].reset_index(drop=True)
        is_shown = (now.is_new & ~now.edited(name) | ~now.has(name))[fresh]
        added[name] = added[name].where(~is_shown, as_planned).where(~now.is_behind(name)[fresh], was[name])
    return pd.concat([after, added], ignore_index=True) if len(after) else added
