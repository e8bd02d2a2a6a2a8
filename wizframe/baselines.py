"""What each loaded frame looked like: the copy that edits are compared with.

A baseline is immutable. The frame carries a small key in ``attrs`` that names it and keeps it alive; frames that
pandas derives (filter, sort, copy) carry the same key. Where pandas drops ``attrs``, the newest baseline that
shows the rows *as they were loaded* is found instead.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from wizframe.errors import UnknownBaselineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from wizframe.client import Account
    from wizframe.fields import Table

__all__ = ["Baseline", "Match", "attach", "attached", "differs", "match"]

ATTRIBUTE = "wizframe"
_KEPT_ROWS = 2_000_000
_serials = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Baseline:
    """The rows of one load, as they were.

    Parameters
    ----------
    table : Table
    account : Account
    connection : str
        Which connection loaded it.
    frame : DataFrame
        Typed columns of the table, among them ``id``; shares its memory with the loaded frame.
    problems : DataFrame
        What validation found: row, column, value, rule.
    filters : mapping
        What the load was limited to.
    loaded_at : datetime
        UTC.
    """

    table: Table
    account: Account
    connection: str
    frame: pd.DataFrame = field(repr=False)
    problems: pd.DataFrame = field(repr=False)
    filters: Mapping[str, Any] = field(default_factory=dict)
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    serial: int = field(default_factory=lambda: next(_serials))

    @cached_property
    def index(self) -> pd.Index[Any]:
        """The ids, for look-ups."""
        ids: pd.Index[Any] = pd.Index(self.frame["id"])
        return ids

    def __str__(self) -> str:
        return f"the load of {self.loaded_at:%Y-%m-%d %H:%M:%S} UTC ({len(self.frame)} rows)"


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
    """Make a baseline that of a frame, and remember it.

    Parameters
    ----------
    frame : DataFrame
        Changed in place: ``attrs`` gets the key.
    baseline : Baseline
    """
    key = _Key(f"baseline-{baseline.serial}")
    key.baseline = baseline
    frame.attrs[ATTRIBUTE] = key
    _live[key] = baseline
    _recent.append(baseline)
    # The newest stay alive without their frame, so that `frame = frame.merge(…)` does not lose them.
    while len(_recent) > 1 and sum(len(kept.frame) for kept in _recent) > _KEPT_ROWS:
        _recent.popleft()


def attached(frame: pd.DataFrame) -> Baseline | None:
    """Find the baseline that a frame's ``attrs`` name.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    Baseline or None
    """
    key = frame.attrs.get(ATTRIBUTE)
    if isinstance(key, _Key):
        return key.baseline
    return _live.get(key) if isinstance(key, str) else None


@dataclass(frozen=True)
class Match:
    """The baseline rows of some rows.

    Parameters
    ----------
    frame : DataFrame
        One row per row asked for, same index; missing values where ``found`` is False.
    found : array of bool
    used : tuple of Baseline
        Newest first.
    """

    frame: pd.DataFrame
    found: npt.NDArray[np.bool_]
    used: tuple[Baseline, ...]


def match(rows: pd.DataFrame, table: Table, account: Account, own: Baseline | None) -> Match:
    """Find, for each row, how it looked when it was loaded.

    Parameters
    ----------
    rows : DataFrame
        Typed columns of the table, among them ``id``; RangeIndex.
    table : Table
    account : Account
    own : Baseline or None
        The one that the frame's ``attrs`` name: it is believed for every id that it has. Any other must show the row's
        own ``updated_at``, or else be the only one that the row can come from.

    Returns
    -------
    Match

    Raises
    ------
    UnknownBaselineError
        Several loads show a row differently, and the frame has no ``updated_at`` to tell which is its own.
    """
    others = [other for other in _live.values() if other.table is table and other.account == account]
    others = sorted((other for other in others if other is not own), key=lambda other: -other.serial)
    found = np.zeros(len(rows), dtype=bool)
    matched = pd.DataFrame(index=rows.index)
    used: list[Baseline] = []
    for candidate in [own, *others] if own else others:
        if found.all():
            break
        positions = candidate.index.get_indexer(pd.Index(rows["id"])) if candidate.index.is_unique else None
        if positions is None:
            continue
        hits = (positions >= 0) & ~found & rows["id"].notna().to_numpy()
        if candidate is not own:
            hits &= _could_be_from(rows, candidate, positions)
        if hits.any():
            matched = _fill(matched, rows.index[hits], candidate.frame.take(positions[hits]))
            found |= hits
            used.append(candidate)
    if "updated_at" not in rows:
        _refuse_ambiguous(rows, matched, used, [other for other in others if other not in used])
    return Match(matched, found, tuple(used))


def _could_be_from(rows: pd.DataFrame, candidate: Baseline, positions: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Tell which rows carry the ``updated_at`` that the candidate shows; all of them where they carry none."""
    if "updated_at" not in rows:
        return np.ones(len(rows), dtype=bool)
    shown = candidate.frame["updated_at"].take(np.where(positions >= 0, positions, 0)).set_axis(rows.index)
    return ((shown == rows["updated_at"]) & (positions >= 0)).to_numpy(dtype=bool)


def _fill(matched: pd.DataFrame, index: pd.Index[Any], found: pd.DataFrame) -> pd.DataFrame:
    part = found.set_axis(index)
    if matched.columns.empty:
        return part.reindex(matched.index)
    return matched.combine_first(part.reindex(matched.index)).reindex(columns=matched.columns)


def _refuse_ambiguous(
    rows: pd.DataFrame, matched: pd.DataFrame, used: list[Baseline], others: Iterable[Baseline]
) -> None:
    if not used:
        return
    columns = [name for name in rows.columns if name in matched]
    for other in others:
        positions = other.index.get_indexer(pd.Index(rows["id"]))
        both = (positions >= 0) & matched["id"].notna().to_numpy()
        shown = other.frame.take(positions[both]).set_axis(rows.index[both])
        if any(differs(shown[name], matched.loc[both, name]).any() for name in columns if name in shown):
            raise UnknownBaselineError(
                f"the frame lost its link to the load it comes from, and {used[0]} and {other} show its rows "
                "differently: keep the updated_at column, or load again and repeat the edits"
            )


def differs(left: pd.Series[Any], right: pd.Series[Any]) -> pd.Series[bool]:
    """Compare two typed columns; blank equals blank.

    Parameters
    ----------
    left, right : Series
        Same index and dtype.

    Returns
    -------
    Series of bool
    """
    unequal = (left != right).fillna(value=True).astype(bool)
    return unequal & ~(left.isna() & right.isna())
