"""Turn the records of a load into the frame that the user gets: filtered, ordered, validated, with its baseline."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from wizframe.api.dialects import unknown_fields
from wizframe.api.validation import moment
from wizframe.errors import Hint, IncompleteLoadWarning, InvalidDataError, InvalidDataWarning, caller_level
from wizframe.frames.baselines import Baseline, attach
from wizframe.frames.problems import problems_frame
from wizframe.frames.schemas import find_problems

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from wizframe.fields import Table
    from wizframe.loading.reader import Reading
    from wizframe.loading.rows import Rows

__all__ = ["Invalid", "build", "latest_change", "passing", "typed", "warn_incomplete"]

Invalid = Literal["warn", "raise", "drop"]
_DOUBTS_SAID = 5


def _customers(ids: Collection[str]) -> str:
    return f"{len(ids)} customer{'s' if len(ids) != 1 else ''}"


def warn_incomplete(reading: Reading) -> None:
    """Say once why a load may be incomplete.

    Parameters
    ----------
    reading : Reading

    Warns
    -----
    IncompleteLoadWarning
    """
    doubts = list(dict.fromkeys(reading.doubts))
    gone, broken = sorted(set(reading.failures.gone)), reading.failures.broken
    if gone:
        doubts.append(f"{_customers(gone)} could not be read, and may be deleted: {', '.join(gone[:5])}")
    if broken:
        some = ", ".join(sorted(broken)[:5])
        first = next(iter(broken.values()))
        where = Hint(", frame.wiz.unread lists them", "")
        doubts.append(f"{_customers(broken)} could not be read{where}: {some} (first: {first})")
    if doubts:
        doubts[_DOUBTS_SAID:] = [f"and {len(doubts) - _DOUBTS_SAID} reasons more"] if doubts[_DOUBTS_SAID:] else []
        message = f"the load of {reading.table.name} may be incomplete: {'; '.join(doubts)}. Load again to be sure."
        _warn(reading, IncompleteLoadWarning(message))


def build(
    reading: Reading,
    rows: Rows,
    *,
    is_whole: bool = False,
    customers: tuple[str, ...] | None = None,
    details: bool,
    sort_by: str | None,
    sort: Literal["asc", "desc"],
    invalid: Invalid,
) -> pd.DataFrame:
    """Build the frame of some rows.

    Parameters
    ----------
    reading : Reading
        Whose filters are applied to the rows, whatever the service made of them.
    rows : Rows
    is_whole : bool
        Whether everything that there is was asked for, but for the reading's filters.
    customers : tuple of str, optional
        Of contacts: whose were asked for.
    details, sort, invalid
        As in :func:`wizframe.load_customers`.
    sort_by : str or None
        None leaves the order of the rows.

    Returns
    -------
    DataFrame
        RangeIndex, baseline attached.

    Raises
    ------
    InvalidDataError
    """
    sent = rows.sent
    frame, problems = typed(rows, reading.table, sort_by=sort_by, ascending=sort == "asc")
    frame, problems = _only(passing(frame, reading.filters), frame, problems)
    _report(problems, len(frame), reading, invalid)
    if invalid == "drop":
        frame, problems = _only(~frame.index.isin(problems["row"].tolist()), frame, problems)
    problems = pd.concat([problems, _field_problems(sent, reading.table, details=details)], ignore_index=True)
    lacks_nothing = is_whole and not (reading.filters or reading.doubts or invalid == "drop")
    whose = {"customers": customers or (), "takes_new": is_whole or customers is not None}
    _attach(frame, reading, problems, is_whole=lacks_nothing, **whose)
    return frame


def typed(
    rows: Rows, table: Table, *, sort_by: str | None = None, ascending: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build a frame and validate it.

    Parameters
    ----------
    rows : Rows
        They are gone afterwards.
    table : Table
    sort_by, ascending
        As for :meth:`Rows.frame`.

    Returns
    -------
    DataFrame
        RangeIndex.
    DataFrame
        One row per problem: row, column, value, rule.
    """
    frame, misfits = rows.frame(sort_by=sort_by, ascending=ascending)
    odd = problems_frame((misfit.position, name, misfit.value, misfit.rule) for name, misfit in misfits)
    problems = pd.concat([odd, find_problems(frame, table)], ignore_index=True)
    return frame, problems.drop_duplicates(["row", "column", "rule"])


def passing(frame: pd.DataFrame, filters: dict[str, Any]) -> pd.Series[bool]:
    """Tell which rows every filter lets through; both ends of a range are excluded.

    Parameters
    ----------
    frame : DataFrame
        Typed.
    filters : dict
        ``status`` and the four times.

    Returns
    -------
    Series of bool
    """
    kept = pd.Series(data=True, index=frame.index)
    for name, value in filters.items():
        if name == "status":
            kept &= (frame["status"] == value).astype(bool)
            continue
        column, side = name.rsplit("_", 1)
        times, bound = frame[f"{column}_at"], pd.Timestamp(moment(value))
        kept &= times > bound if side == "after" else times < bound
    return kept


def _only(kept: Any, frame: pd.DataFrame, problems: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep some rows and their problems, both under the rows' new numbers."""
    is_kept = np.asarray(kept, dtype=bool)
    numbers = np.where(is_kept, is_kept.cumsum() - 1, -1)[problems["row"].to_numpy(dtype=np.intp)]
    left = problems.assign(row=pd.Series(numbers, index=problems.index).astype(object))[numbers >= 0]
    left = left.sort_values("row", kind="stable", ignore_index=True)
    return (frame if is_kept.all() else frame[is_kept].reset_index(drop=True)), left


def _field_problems(sent: set[str], table: Table, *, details: bool) -> pd.DataFrame:
    """List fields that the service did not send, and fields that wizframe does not know. They concern no single row."""
    if not sent:
        return problems_frame()
    optional = ("object", "ids")  # details without a price list, say, lack the key
    lacking = [
        name
        for name in table.columns(details=details)
        if name not in sent and table[name].kind not in optional and name != "assigned_price_list_id"
    ]
    rows = [(None, name, None, "was not sent by the service: the column is empty") for name in lacking]
    unknown = sorted(unknown_fields(dict.fromkeys(sent), table))
    rows += [(None, name, None, "is unknown to wizframe: it stays in WizCommerce") for name in unknown]
    return problems_frame(rows)


def _report(problems: pd.DataFrame, rows: int, reading: Reading, invalid: Invalid) -> None:
    if problems.empty:
        return
    counts = problems.groupby("column").size().sort_values(ascending=False, kind="stable")
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    message = f"{problems['row'].nunique()} of {rows} {reading.table.name} break the schema ({said})"
    if invalid == "raise":
        raise InvalidDataError(message, problems, hint=Hint("error.failures lists them", ""))
    what = "; they were left out" if invalid == "drop" else Hint("; frame.wiz.problems lists them", "")
    _warn(reading, InvalidDataWarning(f"{message}{what}"))


def _warn(reading: Reading, warning: Warning) -> None:
    """Tell the user's own line, or whoever watches: with threads, Python cannot tell whose line it is."""
    if reading.watch:
        reading.watch.warnings.append(warning)
    else:
        warnings.warn(warning, stacklevel=caller_level())


def latest_change(frame: pd.DataFrame) -> datetime | None:
    """Give the newest ``updated_at``.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    datetime or None
        None where no row tells it.
    """
    latest = frame["updated_at"].max() if "updated_at" in frame else None
    return None if pd.isna(latest) else latest.to_pydatetime()


def _attach(frame: pd.DataFrame, reading: Reading, problems: pd.DataFrame, **facts: Any) -> None:
    named = frame[frame["id"].notna()] if frame["id"].hasnans else frame.copy(deep=False)
    client, seen_at = reading.client, reading.seen_at(latest_change(frame))
    baseline = Baseline(
        reading.table,
        client.account,
        client.connection,
        named,
        problems,
        reading.filters,
        seen_at=seen_at,
        unread=reading.failures.frame(),
        **facts,
    )
    attach(frame, baseline)
