"""A plan as a workbook for reading and approval: a summary, one row per cell, and the problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wizframe.excel.cells import cut, write_text
from wizframe.excel.layout import fitted_width
from wizframe.excel.writer import FONT, new_workbook
from wizframe.frames.build import is_blank
from wizframe.frames.problems import cell_place

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from wizframe.planning.changes import PlanPart

__all__ = ["write_plan"]

_CHANGES = ("Table", "Action", "Place", "Id", "Reference", "Name", "Column", "Old", "New")
_PROBLEMS = ("Table", "Place", "Column", "Value", "What is wrong")
#: The number of rows that decide a column's width: measuring a million strings would take longer than writing them.
_SAMPLE = 2_000
#: Of a sheet in Excel, without the header.
_MOST_ROWS = 1_048_575
_COLOURS = {"create": "#E2EFDA", "update": "#FFFFFF", "delete": "#FCE4D6"}
_HEAD = {"bold": True, "font_color": "white", "bg_color": "#1F3864", "valign": "vcenter", "border": 1}
_CELL = {"num_format": "@", "valign": "top", "text_wrap": True, "border": 1, "border_color": "#D9D9D9"}


def write_plan(text: str, parts: Sequence[PlanPart], path: str | os.PathLike[str]) -> None:
    """Write a plan as a workbook, with its text as the first sheet; see :meth:`wizframe.Plan.to_excel`."""
    with new_workbook(path) as book:
        styles = {name: book.add_format(FONT | _CELL | {"bg_color": colour}) for name, colour in _COLOURS.items()}
        styles["head"] = book.add_format(FONT | _HEAD)
        styles["title"] = book.add_format(FONT | {"bold": True, "font_size": 16})
        styles["plain"] = book.add_format(
            {"font_name": "Consolas", "font_size": 10, "text_wrap": True, "valign": "top"}
        )
        lists: dict[str, tuple[Sequence[str], list[Any]]] = {"Changes": (_CHANGES, list(_change_rows(parts)))}
        if any(part.problems_list for part in parts):
            lists["Problems"] = (_PROBLEMS, list(_problem_rows(parts)))
        sheets = {name: _portions(name, rows) for name, (_, rows) in lists.items()}
        said = [
            f"  {name} are on {len(some)} sheets: {', '.join(some)}" for name, some in sheets.items() if len(some) > 1
        ]
        _summary(book.add_worksheet("Plan"), "\n".join([text, *said]), styles)
        for name, some in sheets.items():
            for title, rows in some.items():
                _list(book.add_worksheet(title), lists[name][0], rows, styles)


def _portions(name: str, rows: list[Any]) -> dict[str, list[Any]]:
    """Divide rows among as many sheets as they need: Excel would cut off the rest without a word."""
    starts = range(0, max(len(rows), 1), _MOST_ROWS)
    return {f"{name} {place}" if place > 1 else name: rows[at : at + _MOST_ROWS] for place, at in enumerate(starts, 1)}


def _summary(page: Any, text: str, styles: dict[str, Any]) -> None:
    title, *lines = text.splitlines()
    page.set_column(0, 0, 110)
    page.hide_gridlines(2)
    write_text(page, 0, 0, title, styles["title"])
    page.set_row(0, 28)
    for row, line in enumerate(lines, 2):
        write_text(page, row, 0, cut(line), styles["plain"])
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _change_rows(parts: Sequence[PlanPart]) -> Iterator[tuple[str, list[Any]]]:
    """Yield one row per cell, with the action that colours it. A delete has one row."""
    for part in parts:
        for change in part.changes_list:
            known = [change.id, change.reference_id, change.name]
            is_delete = change.action == "delete"
            for column, old, new in [("", None, None)] if is_delete else change.cells:
                where = cell_place(part.frame, change.label, column if change.action == "update" else "")
                place = where or f"index {change.label}"
                yield change.action, [part.table.name, change.action, place, *known, column, old, new]
            flag = part.table.default.column if part.table.default else ""
            for identifier, name in change.displaced:  # an effect of the change before it
                yield "update", [part.table.name, "(effect)", "", identifier, None, name, flag, True, False]


def _problem_rows(parts: Sequence[PlanPart]) -> Iterator[tuple[str, list[Any]]]:
    for part in parts:
        for problem in part.problems_list:
            label = part.label(problem)
            is_of_row = problem.position is not None
            place = cell_place(part.frame, label, problem.column) or f"index {label}" if is_of_row else ""
            yield "update", [part.table.name, place, problem.column, problem.value, problem.rule]


def _list(page: Any, headers: Sequence[str], rows: Sequence[tuple[str, list[Any]]], styles: dict[str, Any]) -> None:
    texts = [(style, [_text(value) for value in row]) for style, row in rows]
    for place, header in enumerate(headers):
        page.set_column(place, place, fitted_width(header, [row[place] for _, row in texts[:_SAMPLE]]))
        page.write_string(0, place, header, styles["head"])
    for number, (style, row) in enumerate(texts, 1):
        for place, text in enumerate(row):
            if text:
                write_text(page, number, place, text, styles[style])
            else:
                page.write_blank(number, place, None, styles[style])
    page.set_row(0, 22)
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(len(rows), 1), len(headers) - 1)
    page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return cut(", ".join(map(str, value)))
    return "" if is_blank(value) else cut(str(value))
