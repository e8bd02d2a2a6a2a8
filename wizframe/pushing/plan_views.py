"""The views of a plan: its changes as DataFrames, as lines of text and as HTML."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from wizframe.errors import Hint
from wizframe.frames.problems import problems_frame
from wizframe.planning.changes import places, shown
from wizframe.text import counted, option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from wizframe.planning.changes import Action, Cell, Change, PlanPart, Problem

__all__ = ["SIGNS", "cells_of", "changes_of", "notice_lines", "part_html", "part_lines", "problem_lines", "problems_of"]

SIGNS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-"}
_ALL_CHANGES = Hint("see plan.changes", "`wizframe plan FILE -o PLAN.xlsx` writes all of them")
_ALL_PROBLEMS = Hint("see plan.problems", "`wizframe plan FILE -o PLAN.xlsx` writes all of them")
#: The most groups, names and problems that fit on a screen. The others are only counted.
_SHOWN_GROUPS, _SHOWN_PROBLEMS, _SHOWN_NAMES = 15, 20, 3


def part_lines(part: PlanPart, *, is_one_of_several: bool) -> Iterator[str]:
    """Write a part as lines of text."""
    yield f"  {_compared(part, is_one_of_several=is_one_of_several)}"
    yield from (f"  ! {line}" for line in problem_lines(part))
    groups = _groups(part.changes_list)
    for group in groups[:_SHOWN_GROUPS]:
        yield from _group_lines(group, part.frame)
    yield from (f"  {line}" for line in _hidden(groups))
    yield from (f"  · {line}" for line in notice_lines(part))


def part_html(part: PlanPart, *, is_one_of_several: bool) -> str:
    """Write a part as HTML; everything in it is escaped."""
    groups = _groups(part.changes_list)
    rows = "".join(_group_html(group, part.frame) for group in groups[:_SHOWN_GROUPS])
    lines = [*_hidden(groups), *(f"· {line}" for line in notice_lines(part))]
    return (
        f"<div><small>{html.escape(_compared(part, is_one_of_several=is_one_of_several))}</small></div>"
        + "".join(f"<div>! {html.escape(line)}</div>" for line in problem_lines(part))
        + f"<table><tbody>{rows}</tbody></table>"
        + "".join(f"<div>{html.escape(line)}</div>" for line in lines)
    )


def _compared(part: PlanPart, *, is_one_of_several: bool) -> str:
    name = f"{part.table.name}: " if is_one_of_several else ""
    if not part.compared_rows:
        new = "nothing to compare: all rows are new" if len(part.frame) else "no rows"
        return f"{name}{part.if_nothing or new}"
    rows, columns = counted(part.compared_rows, "row"), counted(len(part.compared_columns), "column")
    size = f"{rows} × {columns}" if part.compared_columns else rows  # a delete compares whole rows
    return f"{name}compared {size} with {part.compared_with}"


def problem_lines(part: PlanPart) -> Iterator[str]:
    """Write one line for each kind of problem."""
    alike: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in part.problems_list:
        value = "" if problem.value is None else f" {shown(problem.value)!r}"
        alike.setdefault((problem.column, value, problem.rule), []).append(problem)
    for (name, value, rule), group in list(alike.items())[:_SHOWN_PROBLEMS]:
        yield f"{_rows(part, group)}{name}:{value} {rule}"
    if len(alike) > _SHOWN_PROBLEMS:
        yield f"… and {len(alike) - _SHOWN_PROBLEMS} more: {_ALL_PROBLEMS}"


def _rows(part: PlanPart, group: Sequence[Problem]) -> str:
    """Say in which rows a problem is, by their places in a file or by their index labels."""
    if group[0].position is None:
        return ""
    labels = [part.label(problem) for problem in group]
    if stands := places(part.frame, labels, group[0].column):
        return f"{stands}, "
    more = f" and {len(group) - _SHOWN_NAMES} more" if len(group) > _SHOWN_NAMES else ""
    return f"row{'s'[: len(group) != 1]} {', '.join(map(str, labels[:_SHOWN_NAMES]))}{more}, "


def notice_lines(part: PlanPart) -> Iterator[str]:
    """Yield remarks about a part: cells that became blank, columns that the user added, and others."""
    if part.blanked:
        counts = ", ".join(f"{name} {count}" for name, count in part.blanked.items())
        clearable = [name for name in part.blanked if name not in part.table.required]
        advice = f"; {option('clear', clearable)} clears it" if clearable else ""
        yield f"became blank and is not sent: {counts}{advice}"
    if part.own_columns:
        yield f"your own columns, ignored: {', '.join(part.own_columns)}"
    yield from part.notices


def _groups(changes: Sequence[Change]) -> list[list[Change]]:
    """Group equal updates, so that users can read a plan of 300 rows; the largest group comes first."""
    single = [[change] for action in ("create", "delete") for change in changes if change.action == action]
    alike: dict[str, list[Change]] = {}
    for change in changes:
        if change.action == "update":
            alike.setdefault(repr((change.cells, change.displaced)), []).append(change)
    return single + sorted(alike.values(), key=len, reverse=True)


def _hidden(groups: Sequence[Sequence[Change]]) -> Iterator[str]:
    if len(groups) > _SHOWN_GROUPS:
        yield f"… and {counted(sum(map(len, groups[_SHOWN_GROUPS:])), 'more record')}: {_ALL_CHANGES}"


def _names(group: Sequence[Change]) -> str:
    """Name a single record by id and name, or several records by their names."""
    first = group[0]
    if len(group) == 1:
        identity = first.id or first.reference_id or "new"
        parent = next((f" of customer {owner}" for owner in first.owner if owner), "")
        return (f"{identity}  {shown(first.name)}" if first.name else identity) + parent
    names = ", ".join(shown(change.name or change.id) for change in group[:_SHOWN_NAMES])
    more = len(group) - _SHOWN_NAMES
    return f"{counted(len(group), 'record')}: {names}" + (f" and {more:,} more" if more > 0 else "")


def _group_lines(group: Sequence[Change], frame: pd.DataFrame) -> Iterator[str]:
    """Write equal changes as lines of text."""
    first = group[0]
    yield f"  {SIGNS[first.action]} {_names(group)}{_where(group, frame) if first.action != 'update' else ''}"
    if first.action == "delete":
        return
    width = max((len(cell.column) for cell in first.cells), default=0)
    for cell in first.cells:
        old = f"{shown(cell.old)} → " if first.action == "update" else ""
        where = _where(group, frame, cell.column) if first.action == "update" else ""
        yield f"      {cell.column:<{width}}  {old}{shown(cell.new)}{where}"
    yield from (f"      {line}" for line in _displaced_lines(first))


def _displaced_lines(change: Change) -> Iterator[str]:
    """Name the records that lose their default flag to this one."""
    for identifier, name in change.displaced:
        yield f"takes the default from {identifier}  {shown(name)}"


def _where(group: Sequence[Change], frame: pd.DataFrame, column: str = "") -> str:
    stands = places(frame, [change.label for change in group], column)
    return f"  [{stands}]" if stands else ""


def _group_html(group: Sequence[Change], frame: pd.DataFrame) -> str:
    """Write equal changes as a row of a table."""
    first = group[0]
    cells = "" if first.action == "delete" else "".join(_cell_html(first, cell) for cell in first.cells)
    cells += "".join(f"<div>{html.escape(line)}</div>" for line in _displaced_lines(first))
    return (
        f"<tr><td><b>{SIGNS[first.action]}</b></td><td style='text-align:left'>{html.escape(_names(group))}"
        f"<small>{html.escape(_where(group, frame))}</small></td><td style='text-align:left'>{cells}</td></tr>"
    )


def _cell_html(change: Change, cell: Cell) -> str:
    old = f"<s>{html.escape(shown(cell.old))}</s> → " if change.action == "update" else ""
    return f"<div>{html.escape(cell.column)}: {old}<b>{html.escape(shown(cell.new))}</b></div>"


def changes_of(parts: Sequence[PlanPart]) -> pd.DataFrame:
    """Build one row per changed record."""
    rows = [
        (
            part.table.name, change.action, change.label, change.id, *change.owner, change.reference_id, change.name,
            [cell.column for cell in change.cells],
            [cell.old for cell in change.cells],
            [cell.new for cell in change.cells],
        )
        for part in parts
        for change in part.changes_list
    ]  # fmt: skip
    return problems_frame(
        rows,
        [
            "table", "action", "index", "id", "customer_id", "customer_reference_id", "reference_id", "name",
            "columns", "old", "new",
        ],
    )  # fmt: skip


def cells_of(parts: Sequence[PlanPart]) -> pd.DataFrame:
    """Build one row per changed cell."""
    rows = [
        (part.table.name, change.action, change.label, change.id, *cell)
        for part in parts
        for change in part.changes_list
        for cell in change.cells
    ]
    return problems_frame(rows, ["table", "action", "index", "id", "column", "old", "new"])


def problems_of(parts: Sequence[PlanPart]) -> pd.DataFrame:
    """Build one row per problem; the row is None if it is about a whole column."""
    rows = [(part.label(problem), *problem[1:], part.table.name) for part in parts for problem in part.problems_list]
    return problems_frame(rows, ["row", "column", "value", "rule", "table"])
