"""What each loaded frame looked like: the copy that edits are compared with.

A baseline is immutable. The frame carries a small key in ``attrs`` that names it and keeps it alive; frames that
pandas derives (filter, sort, copy) carry the same key. If pandas drops ``attrs``, the newest baseline that shows the
rows *as they were loaded* is found instead.
"""

from __future__ import annotations

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
from wizframe.frames.arrow import is_text, is_unique, places_in, texts_of
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from wizframe.account import Account
    from wizframe.fields import Table

__all__ = [
    "Baseline", "Match", "attach", "attached", "differs", "is_same_memory", "let_go", "live", "loads", "match",
]  # fmt: skip

ATTRIBUTE = "wizframe"
#: Rows of loads that stay alive without their frame; a row of customers takes about 250 bytes.
_KEPT_ROWS = 2_000_000
_serials = itertools.count(1)


def _new_name() -> str:
    return f"baseline-{uuid.uuid4().hex}"


@dataclass(frozen=True, eq=False)
class Baseline:
    """The rows of one load, as they were."""

    table: Table
    account: Account
    connection: str  # which connection loaded it
    frame: pd.DataFrame = field(repr=False)  # typed columns with ``id``; shares its memory with the loaded frame
    problems: pd.DataFrame = field(repr=False)  # what validation found: row, column, value, rule
    filters: Mapping[str, Any] = field(default_factory=dict)  # what the load was limited to
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_whole: bool = False  # it shows every record that the account had then
    gone: frozenset[str] = frozenset()  # ids that a push of this frame deleted; an older load may still show them
    seen_at: datetime | None = None  # by the service's clock: earlier changes are in it; None if no time was sent
    takes_new: bool = False  # a new record that passes the filters belongs in it: no references or limit chose the rows
    customers: tuple[str, ...] = ()  # of contacts: the customers for which they were loaded
    collisions: pd.DataFrame | None = field(default=None, repr=False)  # edited cells that changed in the service, too
    unread: pd.DataFrame | None = field(default=None, repr=False)  # records that could not be read
    serial: int = field(default_factory=lambda: next(_serials))  # a newer load has a larger one
    #: Different in each session, because a pickled frame must not find the load of another session.
    name: str = field(default_factory=_new_name)

    @cached_property
    def index(self) -> pd.Index[Any]:
        """The ids, for look-ups."""
        ids: pd.Index[Any] = pd.Index(self.frame["id"])
        return ids

    @cached_property
    def is_unique(self) -> bool:
        """Whether each id is in one row only."""
        return is_unique(self.frame["id"])

    @cached_property
    def columns(self) -> dict[str, pd.Series[Any]]:
        """Its columns by name: pandas makes a new Series at each access."""
        return {str(name): values for name, values in self.frame.items()}

    @cached_property
    def places(self) -> dict[Any, int]:
        """Id to the number of its row."""
        return {identifier: place for place, identifier in enumerate(self.frame["id"])}

    def find(self, ids: pd.Series[Any]) -> npt.NDArray[np.intp]:
        """Find the rows of ids; -1 for a blank or an id that is not there."""
        if is_same_memory(ids, self.frame["id"]):
            return np.arange(len(ids))
        return places_in(self.frame["id"], ids)

    def again(self, **changes: Any) -> Baseline:
        """Make another baseline out of this one: newer than all others, under a name of its own."""
        return replace(self, serial=next(_serials), name=_new_name(), **changes)

    def __str__(self) -> str:
        return f"the load of {self.loaded_at:%Y-%m-%d %H:%M:%S} UTC ({counted(len(self.frame), 'row')})"


class _Key(str):
    """The name of a baseline in ``attrs``: JSON for pandas' writers, one shared object for its copies."""

    __slots__ = ("baseline",)
    baseline: Baseline

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


_live: weakref.WeakValueDictionary[str, Baseline] = weakref.WeakValueDictionary()
_recent: deque[Baseline] = deque()


def attach(frame: pd.DataFrame, baseline: Baseline) -> None:
    """Attach a baseline to a frame, in place, and remember it."""
    key = _Key(baseline.name)
    key.baseline = baseline
    frame.attrs[ATTRIBUTE] = key
    _live[baseline.name] = baseline  # under a plain text: the key itself would keep the baseline alive
    _recent.append(baseline)
    # The newest stay alive without their frame, so that `frame = frame.merge(…)` does not lose its baseline.
    while len(_recent) > 1 and sum(len(kept.frame) for kept in _recent) > _KEPT_ROWS:
        _recent.popleft()


def let_go(baseline: Baseline | None) -> None:
    """Stop keeping a baseline alive without its frame: of a stream, only the newest chunk is remembered."""
    if baseline is not None and baseline in _recent:
        _recent.remove(baseline)


def attached(frame: pd.DataFrame) -> Baseline | None:
    """Find the baseline that a frame's ``attrs`` name."""
    key = getattr(frame, "attrs", {}).get(ATTRIBUTE)  # a value of another type is refused later
    if isinstance(key, _Key):
        return key.baseline
    return _live.get(key) if isinstance(key, str) else None


def live(table: Table, account: Account, connection: str) -> list[Baseline]:
    """List the loads of a table over a connection that are still alive, newest first.

    A load over another connection is not proven to show the same account.
    """
    return [one for one in loads(table) if one.account == account and one.connection == connection]


def loads(table: Table) -> list[Baseline]:
    """List the loads of a table that are still alive, from any account, newest first."""
    found = [baseline for baseline in list(_live.values()) if baseline.table is table]
    return sorted(found, key=lambda baseline: -baseline.serial)


@dataclass(frozen=True)
class Match:
    """The baseline rows of some rows."""

    frame: pd.DataFrame  # one row per row asked for, with its index; every column that a load of them has
    #: Column to the rows of ``frame`` that a load shows. The other cells are not loaded, which is not the same as
    #: blank. Columns that every load has share the array ``found``.
    known: dict[str, npt.NDArray[np.bool_]]
    found: npt.NDArray[np.bool_]  # rows that a load has
    used: tuple[Baseline, ...]  # the frame's own first, then the newest
    is_in_place: bool = False  # the rows are those of the frame's own load, one by one


def match(
    rows: pd.DataFrame,
    own: Baseline | None,
    others: Iterable[Baseline],
    may_guess: npt.NDArray[np.bool_] | None = None,
) -> Match:
    """Find, for each row, how it looked when it was loaded.

    ``own`` is the load that the frame's ``attrs`` name: its rows are taken for every id that it has. ``others`` are
    loads that the rows may come from instead. They must show the row's own ``updated_at``; if rows have none, the rows
    of ``may_guess`` (by default all) are taken to come from the only load that has them.
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
        positions = candidate.find(ids)
        hits = positions >= 0
        # The frame's own load is trusted; any other may only have the same ids.
        if candidate is not own:
            hits &= _could_be_from(rows, candidate, positions, may_guess)
        # Two loads of the same rows are fine as long as they show the same cells.
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
    """Tell which rows carry the ``updated_at`` that the candidate shows."""
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
    """Refuse to choose between two loads of the same rows that differ in a column of the frame."""
    (left, left_positions), (right, right_positions) = one, other
    for name in rows.columns.intersection(left.frame.columns).intersection(right.frame.columns):
        shown = left.frame[name].take(left_positions).reset_index(drop=True)
        if differs(shown, right.frame[name].take(right_positions).reset_index(drop=True)).any():
            raise UnknownBaselineError(
                f"the rows lost their link to the load they come from, and {left} and {right} show them differently",
                hint="Keep the column updated_at, or load again and repeat the edits.",
            )


def _gathered(
    index: pd.Index[Any],
    used: Mapping[int, Baseline],
    source: npt.NDArray[np.intp],
    place: npt.NDArray[np.intp],
) -> Match:
    """Put the rows together, column by column, each from its load."""
    found = source >= 0
    if len(used) == 1:
        [whole] = used.values()
        if len(whole.frame) == len(place) and bool((place == np.arange(len(place))).all()):  # nothing has moved
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


def differs(left: pd.Series[Any], right: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Tell which cells of two typed columns differ; blank equals blank."""
    if is_same_memory(left, right):
        return np.zeros(len(left), dtype=bool)
    unlike: Any = left.array != right.array
    found = np.asarray(unlike if isinstance(unlike, np.ndarray) else unlike.fillna(True), dtype=bool)
    return found & ~(left.isna().to_numpy() & right.isna().to_numpy())


def is_same_memory(left: pd.Series[Any], right: pd.Series[Any]) -> bool:
    """Tell whether two columns of strings share their memory, so that nothing has to be compared.

    Arrow's arrays never change: an edit makes a new one, and copies of a frame share the arrays that were not edited.
    """
    if not is_text(left) or left.dtype != right.dtype or len(left) != len(right):
        return False
    return _places(left) == _places(right)


def _places(texts: pd.Series[Any]) -> list[Any]:
    """List the places of strings in memory."""
    found = texts_of(texts)
    chunks = found.chunks if isinstance(found, pa.ChunkedArray) else [found]
    return [(len(chunk), chunk.offset, [None if b is None else b.address for b in chunk.buffers()]) for chunk in chunks]
