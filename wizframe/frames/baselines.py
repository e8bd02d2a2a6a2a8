"""The baselines: immutable copies of loaded frames, with which edits are compared.

A frame has a small key in ``attrs`` that names its baseline and keeps it in memory. Frames that pandas derives from it
(filter, sort, copy) have the same key. If pandas drops ``attrs``, the newest baseline that has the rows *as they were
loaded* is used instead.
"""

from __future__ import annotations

import functools
import itertools
import uuid
import weakref
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from wizframe.errors import UnknownBaselineError
from wizframe.frames.arrow import TEXTS, is_text, is_unique, places_in, texts_of
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from wizframe.account import Account
    from wizframe.fields import Table

__all__ = [
    "Baseline", "Match", "attach", "attached", "differs", "is_same_memory", "let_go", "live", "loads", "match",
]  # fmt: skip

#: The key in the ``attrs`` of a frame under which the name of its baseline is stored.
ATTRIBUTE = "wizframe"
#: Baselines with up to so many rows together stay in memory without their frames. A row of customers takes 250 bytes.
_KEPT_ROWS = 2_000_000
_serials = itertools.count(1)


def _new_name() -> str:
    return f"baseline-{uuid.uuid4().hex}"


@dataclass(frozen=True, eq=False)
class Baseline:
    """The rows of one load, with their loaded values."""

    table: Table
    account: Account
    connection: str  # the connection that loaded the rows
    frame: pd.DataFrame = field(repr=False)  # typed columns with ``id``; shares its memory with the loaded frame
    problems: pd.DataFrame = field(repr=False)  # found by validation: row, column, value, rule
    filters: Mapping[str, Any] = field(default_factory=dict)  # the filters of the load
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_whole: bool = False  # whether it has every record that the account had at that time
    gone: frozenset[str] = frozenset()  # ids that a push of this frame deleted; an older load may still have them
    seen_at: datetime | None = None  # by the service's clock: it has all earlier changes; None if no time was sent
    takes_new: bool = False  # whether new records that match the filters belong to it: no references, no limit
    customers: tuple[str, ...] = ()  # for contacts: the ids of the customers for which they were loaded
    collisions: pd.DataFrame | None = field(default=None, repr=False)  # edited cells that another user changed, too
    unread: pd.DataFrame | None = field(default=None, repr=False)  # records that could not be read
    serial: int = field(default_factory=lambda: next(_serials))  # a newer load has a larger number
    #: Different in each session, because an unpickled frame must not find the load of another session.
    name: str = field(default_factory=_new_name)

    @cached_property
    def index(self) -> pd.Index[Any]:
        """The ids, for look-ups."""
        ids: pd.Index[Any] = pd.Index(self.frame["id"])
        return ids

    @cached_property
    def is_unique(self) -> bool:
        """Whether each id is in only one row; for children, each id within its parent."""
        return is_unique(self._keys)

    @cached_property
    def _keys(self) -> pd.Series[Any]:
        parents = self.frame.get(self.table.parent_id)
        return self.frame["id"] if parents is None else _joined(self.frame["id"], parents)

    @cached_property
    def columns(self) -> dict[str, pd.Series[Any]]:
        """The columns by name. They are stored, because pandas makes a new Series at each access."""
        return {str(name): values for name, values in self.frame.items()}

    @cached_property
    def places(self) -> dict[Any, int]:
        """Id to row number."""
        return {identifier: place for place, identifier in enumerate(self.frame["id"])}

    def find(self, ids: pd.Series[Any], parents: pd.Series[Any] | None = None) -> npt.NDArray[np.intp]:
        """Return the row of each id; -1 for a blank or an unknown id.

        With the ids of their parents, children are found that are numbered within their parent only.
        """
        if is_same_memory(ids, self.frame["id"]):
            return np.arange(len(ids))
        if parents is None or self.table.parent_id not in self.frame:
            return places_in(self.frame["id"], ids)
        found = places_in(self._keys, _joined(ids, parents))
        nameless = parents.isna().to_numpy()
        if nameless.any() and is_unique(self.frame["id"]):
            found[nameless] = places_in(self.frame["id"], ids[nameless])
        return found

    def again(self, **changes: Any) -> Baseline:
        """Return a changed copy of this baseline. It is newer than all others, and has a new name."""
        return replace(self, serial=next(_serials), name=_new_name(), **changes)

    def __str__(self) -> str:
        return f"the load of {self.loaded_at:%Y-%m-%d %H:%M:%S} UTC ({counted(len(self.frame), 'row')})"


class _Key(str):
    """The name of a baseline in ``attrs``. pandas' writers see a string; copies of a frame share one object."""

    __slots__ = ("baseline",)
    baseline: Baseline

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


_live: weakref.WeakValueDictionary[str, Baseline] = weakref.WeakValueDictionary()
_recent: deque[Baseline] = deque()


def attach(frame: pd.DataFrame, baseline: Baseline) -> None:
    """Attach a baseline to a frame, in place, and keep it in memory."""
    key = _Key(baseline.name)
    key.baseline = baseline
    frame.attrs[ATTRIBUTE] = key
    _live[baseline.name] = baseline  # with a plain string as key: the _Key itself would keep the baseline in memory
    _recent.append(baseline)
    # The newest baselines stay in memory without their frames, so `frame = frame.merge(…)` does not lose its own.
    while len(_recent) > 1 and sum(len(kept.frame) for kept in _recent) > _KEPT_ROWS:
        _recent.popleft()


def let_go(baseline: Baseline | None) -> None:
    """Let a baseline be forgotten with its frame: of a stream, only the newest chunk is kept without its frame."""
    if baseline is not None and baseline in _recent:
        _recent.remove(baseline)


def attached(frame: pd.DataFrame) -> Baseline | None:
    """Return the baseline that a frame's ``attrs`` name."""
    key = getattr(frame, "attrs", {}).get(ATTRIBUTE)  # a value of another type has no baseline
    if isinstance(key, _Key):
        return key.baseline
    return _live.get(key) if isinstance(key, str) else None


def live(table: Table, account: Account, connection: str) -> list[Baseline]:
    """List the loads of a table over a connection that are still in memory, newest first.

    A load over another connection does not prove that it shows the same account.
    """
    return [one for one in loads(table) if one.account == account and one.connection == connection]


def loads(table: Table) -> list[Baseline]:
    """List the loads of a table that are still in memory, from any account, newest first."""
    found = [baseline for baseline in list(_live.values()) if baseline.table is table]
    return sorted(found, key=lambda baseline: -baseline.serial)


@dataclass(frozen=True)
class Match:
    """The baseline rows of the given rows."""

    frame: pd.DataFrame  # one row per given row, with its index label and every column of the loads that have it
    #: Column to the rows of ``frame`` for which a load has it. The other cells were not loaded, which is not the same
    #: as blank. Columns that every load has share the array ``found``.
    known: dict[str, npt.NDArray[np.bool_]]
    found: npt.NDArray[np.bool_]  # the rows that a load has
    used: tuple[Baseline, ...]  # the loads of these rows: the frame's own first, then the newest
    is_in_place: bool = False  # whether the rows are those of the frame's own load, in order


def match(
    rows: pd.DataFrame,
    own: Baseline | None,
    others: Iterable[Baseline],
    may_guess: npt.NDArray[np.bool_] | None = None,
) -> Match:
    """Return the loaded values of each row.

    ``own`` is the load that the frame's ``attrs`` name. It is used for every id that it has. ``others`` are loads that
    the other rows may come from. Such a load must have the row's own ``updated_at``. If the rows have none, the rows
    of ``may_guess`` (by default all) use the only load that has them.
    """
    ids = rows["id"]
    if own is not None and own.is_unique and is_same_memory(ids, own.frame["id"]):
        return replace(_whole(own, rows.index), is_in_place=True)
    source = np.full(len(rows), -1)
    place = np.full(len(rows), -1)
    candidates = [one for one in dict.fromkeys([own, *others]) if one is not None and one.is_unique]
    for number, candidate in enumerate(candidates):
        if candidates[0] is own and number and (source[ids.notna()] == 0).all():
            break  # the frame's own load has every row
        positions = candidate.find(ids, rows.get(candidate.table.parent_id))
        hits = positions >= 0
        # The frame's own load is trusted. In another load, an equal id may belong to another row.
        if candidate is not own:
            hits &= _could_be_from(rows, candidate, positions, may_guess)
        # Two loads of the same rows are allowed if they have the same cells.
        for earlier in range(int(candidates[0] is own), number):
            both = hits & (source == earlier)
            _refuse_ambiguous(rows, (candidates[earlier], place[both]), (candidate, positions[both]))
        fresh = hits & (source < 0)
        source[fresh], place[fresh] = number, positions[fresh]
    used = {number: candidate for number, candidate in enumerate(candidates) if (source == number).any()}
    return _gathered(rows.index, used, source, place)


def _could_be_from(
    rows: pd.DataFrame,
    candidate: Baseline,
    positions: npt.NDArray[np.intp],
    may_guess: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.bool_]:
    """Return which rows have the same ``updated_at`` as the candidate."""
    if "updated_at" not in rows:
        return np.ones(len(rows), dtype=bool) if may_guess is None else may_guess
    if candidate.frame.empty or "updated_at" not in candidate.frame:
        return np.zeros(len(rows), dtype=bool)
    shown = candidate.frame["updated_at"].take(np.where(positions >= 0, positions, 0)).set_axis(rows.index)
    return (shown == rows["updated_at"]).to_numpy(dtype=bool)


def _refuse_ambiguous(
    rows: pd.DataFrame,
    one: tuple[Baseline, npt.NDArray[np.intp]],
    other: tuple[Baseline, npt.NDArray[np.intp]],
) -> None:
    """Raise an error if two loads of the same rows differ in a column of the frame."""
    (left, left_positions), (right, right_positions) = one, other
    for name in rows.columns.intersection(left.frame.columns).intersection(right.frame.columns):
        shown = left.frame[name].take(left_positions).reset_index(drop=True)
        if differs(shown, right.frame[name].take(right_positions).reset_index(drop=True)).any():
            raise UnknownBaselineError(
                f"it is unknown which load the rows come from: {left} and {right} have different values for them",
                hint="Keep the column updated_at when you edit. If it is gone, load again and repeat the edits.",
            )


def _gathered(
    index: pd.Index[Any],
    used: Mapping[int, Baseline],
    source: npt.NDArray[np.intp],
    place: npt.NDArray[np.intp],
) -> Match:
    """Put the rows together column by column, each from its own load."""
    found = source >= 0
    if len(used) == 1:
        [whole] = used.values()
        if len(whole.frame) == len(place) and bool((place == np.arange(len(place))).all()):  # the rows are in order
            return _whole(whole, index)
    rows = {number: source == number for number in used}
    places = {number: np.where(mine, place, 0) for number, mine in rows.items()}
    cells: dict[str, pd.Series[Any]] = {}
    known: dict[str, npt.NDArray[np.bool_]] = {}
    for name in dict.fromkeys(name for baseline in used.values() for name in baseline.frame.columns):
        having = [number for number, baseline in used.items() if name in baseline.frame]
        known[name] = found if len(having) == len(used) else np.isin(source, having)
        for number in having:
            shown, mine = used[number].frame[name].take(places[number]).set_axis(index), rows[number]
            if name in cells:
                cells[name] = cells[name].where(~mine, shown)
            else:
                cells[name] = shown if mine.all() else shown.where(mine)
    return Match(pd.DataFrame(cells, index=index, copy=False), known, found, tuple(used.values()))


def _whole(baseline: Baseline, index: pd.Index[Any]) -> Match:
    found = np.ones(len(index), dtype=bool)
    return Match(baseline.frame.set_axis(index), dict.fromkeys(map(str, baseline.frame), found), found, (baseline,))


def _joined(ids: pd.Series[Any], parents: pd.Series[Any]) -> pd.Series[Any]:
    """Join ids with those of their parents; blank if the id is blank."""
    joined: pd.Series[Any] = (parents.fillna("") + "\0" + ids).astype(TEXTS)
    return joined


def differs(left: pd.Series[Any], right: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Return which cells of two typed columns differ; blank equals blank."""
    if is_same_memory(left, right):
        return np.zeros(len(left), dtype=bool)
    unlike: Any = left.array != right.array
    found = np.asarray(unlike if isinstance(unlike, np.ndarray) else unlike.fillna(True), dtype=bool)
    return found & ~(left.isna().to_numpy() & right.isna().to_numpy())


def is_same_memory(left: pd.Series[Any], right: pd.Series[Any]) -> bool:
    """Return whether two string columns share their memory, so that a comparison is not needed.

    Arrow's arrays never change: an edit makes a new array, and copies of a frame share the arrays without edits.
    """
    if not is_text(left) or left.dtype != right.dtype or len(left) != len(right):
        return False
    return _places(left) == _places(right)


def _places(texts: pd.Series[Any]) -> list[Any]:
    """Return the memory addresses of a column's strings."""
    found = texts_of(texts)
    chunks = found.chunks if isinstance(found, pa.ChunkedArray) else [found]
    return [(len(chunk), chunk.offset, [None if b is None else b.address for b in chunk.buffers()]) for chunk in chunks]


def _wrap_plain_exports() -> None:
    """Let pandas' own ``frame.to_excel()`` write loaded frames: it rejects times with a zone, so write them in UTC."""
    original = pd.DataFrame.to_excel

    @functools.wraps(original)
    def to_excel(self: pd.DataFrame, *arguments: Any, **options: Any) -> None:
        if ATTRIBUTE in self.attrs:
            zoned = self.select_dtypes("datetimetz").columns
            self = self.assign(**{name: self[name].dt.tz_convert("UTC").dt.tz_localize(None) for name in zoned})
        original(self, *arguments, **options)

    pd.DataFrame.to_excel = to_excel  # type: ignore[misc, method-assign, assignment]


# Here, because every loaded frame has a baseline: in a fresh process nothing else is imported before it is written.
_wrap_plain_exports()
