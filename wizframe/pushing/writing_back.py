"""After a push: the planned frame and its baseline show what the service now holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.baselines import Baseline, attach, attached
from wizframe.frames import problems_frame
from wizframe.planning.intake import take_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wizframe.planning import Change
    from wizframe.pushing.results import Outcome, Result

__all__ = ["write_back"]

_SERVER_COLUMNS = ("id", "reference_id", "status", "created_at", "updated_at")


def write_back(result: Result, connection: str) -> None:
    """Write new ids, references and times into the planned frame, and advance its baseline.

    Frames derived from the planned one before keep their old baseline: they still show the old values, and compared
    with the new ones those would look like edits.

    Parameters
    ----------
    result : Result
        Its plan's frame is changed in place; one that was loaded from another account is left alone.
    connection : str
        Which connection pushed.
    """
    plan = result.plan
    own = attached(plan.frame)
    if own is not None and own.account != plan.account:
        return
    done = [pair for pair in zip(plan.changes_list, result.outcomes, strict=True) if pair[1].state == "done"]
    written = [(change, outcome) for change, outcome in done if change.action != "delete" and outcome.record]
    deleted = [change.id for change, _ in done if change.action == "delete"]
    if not written and not deleted:
        return
    for name in _SERVER_COLUMNS:
        _write_column(plan.frame, name, written)
    typed = take_in(plan.frame, plan.table).typed
    if "id" not in typed:
        return
    before = own.frame if own is not None else typed.iloc[:0]
    after = _advanced(before[~before["id"].isin(deleted)], typed, written)
    attach(
        plan.frame,
        Baseline(
            plan.table,
            plan.account,
            connection,
            after,
            own.problems if own is not None else problems_frame(),
            own.filters if own is not None else {},
            own.loaded_at if own is not None else datetime.now(UTC),
        ),
    )


def _write_column(frame: pd.DataFrame, name: str, written: Sequence[tuple[Change, Outcome]]) -> None:
    """Write what the service says of one of its columns into the rows of the records that were written."""
    values: dict[int, Any] = {}
    for change, outcome in written:
        record = outcome.record or {}
        if record.get(name) not in (None, "") and (change.action == "create" or name in ("status", "updated_at")):
            values[change.position] = record[name]
    if not values:
        return
    positions = list(values)
    if name in frame.columns:
        old = frame[name]
        if isinstance(old.dtype, pd.DatetimeTZDtype):
            new = old.copy()
            new.iloc[positions] = pd.to_datetime(list(values.values()), utc=True)
        else:
            cells = old.astype(object).to_numpy(copy=True)
            cells[positions] = np.array(list(values.values()), dtype=object)
            dtype = object if old.dtype.kind in "fiub" else old.dtype
            new = pd.Series(cells, index=old.index, dtype=dtype)
        frame[name] = new.to_numpy() if frame.index.has_duplicates and new.dtype == object else new.array
    elif name in frame.index.names:
        levels = frame.index.to_frame(index=False)
        labels = levels[name].astype(object)
        labels.iloc[positions] = list(values.values())
        levels[name] = labels
        multi = pd.MultiIndex.from_frame(levels)
        frame.index = multi if frame.index.nlevels > 1 else pd.Index(labels, name=name)


def _advanced(before: pd.DataFrame, typed: pd.DataFrame, written: Sequence[tuple[Change, Outcome]]) -> pd.DataFrame:
    """Give the baseline the cells that were written, and the rows that are new to it."""
    after = before.reset_index(drop=True)
    index = pd.Index(after["id"])
    positions = {change.position: int(index.get_indexer([_id(change, outcome)])[0]) for change, outcome in written}
    known = [(change, positions[change.position]) for change, _ in written if positions[change.position] >= 0]
    for name in after.columns:
        rows = [
            (target, change.position)
            for change, target in known
            if name in typed and (name in change.new_values or name in _SERVER_COLUMNS)
        ]
        if rows:
            after[name] = _with_cells(after[name], typed[name], rows)
    fresh = [position for position, target in positions.items() if target < 0]
    if not fresh:
        return after
    added = typed.iloc[fresh]
    return pd.concat([after, added], ignore_index=True) if len(after) else added.reset_index(drop=True)


def _id(change: Change, outcome: Outcome) -> Any:
    return (outcome.record or {}).get("id") or change.id


def _with_cells(old: pd.Series[Any], source: pd.Series[Any], rows: Sequence[tuple[int, int]]) -> pd.Series[Any]:
    """Copy cells of one column into another, all at once: text columns are immutable, so one by one costs too much."""
    targets, origins = map(list, zip(*rows, strict=True))
    cells = old.astype(object).to_numpy(copy=True)
    cells[targets] = source.astype(object).to_numpy()[origins]
    return pd.Series(cells, index=old.index).astype(old.dtype)
