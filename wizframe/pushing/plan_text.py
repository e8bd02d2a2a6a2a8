"""Changes for people: as lines of text and as rows of a table, alike ones together."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from wizframe.planning.changes import places, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from wizframe.planning.changes import Action, Change

__all__ = ["SHOWN_NAMES", "SIGNS", "group_html", "group_lines"]

SIGNS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-"}
SHOWN_NAMES = 3


def _names(group: Sequence[Change]) -> str:
    """Name one record by id and name, several by their names."""
    first = group[0]
    if len(group) == 1:
        identity = first.id or first.reference_id or "new"
        parent = next((f" of customer {owner}" for owner in first.owner if owner), "")
        return (f"{identity}  {shown(first.name)}" if first.name else identity) + parent
    names = ", ".join(shown(change.name or change.id) for change in group[:SHOWN_NAMES])
    more = len(group) - SHOWN_NAMES
    return f"{len(group)} records: {names}" + (f" and {more} more" if more > 0 else "")


def group_lines(group: Sequence[Change], frame: pd.DataFrame) -> Iterator[str]:
    """Write changes that do the same as lines of text.

    Parameters
    ----------
    group : sequence of Change
    frame : DataFrame
        The planned one; it may know where in a file its rows stand.

    Yields
    ------
    str
    """
    first = group[0]
    yield f"  {SIGNS[first.action]} {_names(group)}{_where(group, frame) if first.action != 'update' else ''}"
    if first.action == "delete":
        return
    width = max((len(cell.column) for cell in first.cells), default=0)
    for cell in first.cells:
        old = f"{shown(cell.old)} → " if first.action == "update" else ""
        where = _where(group, frame, cell.column) if first.action == "update" else ""
        yield f"      {cell.column:<{width}}  {old}{shown(cell.new)}{where}"


def _where(group: Sequence[Change], frame: pd.DataFrame, column: str = "") -> str:
    stands = places(frame, [change.label for change in group], column)
    return f"  [{stands}]" if stands else ""


def group_html(group: Sequence[Change], frame: pd.DataFrame) -> str:
    """Write changes that do the same as a row of a table.

    Parameters
    ----------
    group : sequence of Change
    frame : DataFrame
        As for :func:`group_lines`.

    Returns
    -------
    str
        Everything in it is escaped.
    """
    first = group[0]
    cells = "" if first.action == "delete" else "".join(_cell_html(first, cell) for cell in first.cells)
    return (
        f"<tr><td><b>{SIGNS[first.action]}</b></td><td style='text-align:left'>{html.escape(_names(group))}"
        f"<small>{html.escape(_where(group, frame))}</small></td><td style='text-align:left'>{cells}</td></tr>"
    )


def _cell_html(change: Change, cell: Any) -> str:
    old = f"<s>{html.escape(shown(cell.old))}</s> → " if change.action == "update" else ""
    return f"<div>{html.escape(cell.column)}: {old}<b>{html.escape(shown(cell.new))}</b></div>"
