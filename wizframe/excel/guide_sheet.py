"""The first sheet of a workbook: how to edit, in ten lines, and which columns may be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wizframe.excel.cells import write_text
from wizframe.fields import CLEAR
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.excel.layout import Column, Sheet

__all__ = ["write_guide"]

_GREY = "Grey columns"
_WIDTHS = (15, 28, 22, 42, 58)  # characters
_LISTED = ("Sheet", "Column", "May be changed", "Rule", "Meaning")


def write_guide(page: Any, sheets: Sequence[Sheet], formats: dict[str, Any]) -> None:
    """Write the guide to the other sheets."""
    for place, width in enumerate(_WIDTHS):
        page.set_column(place, place, width)
    page.hide_gridlines(2)
    names = " and ".join(sheet.name for sheet in sheets)
    page.write_string(0, 0, f"How to correct the {names.lower()}", formats["title"])
    page.set_row(0, 28)
    row = 2
    for topic, line in _lines(sheets):
        page.write_string(row, 0, topic, formats["grey" if topic == _GREY else "strong"])
        write_text(page, row, 1, line, formats["plain"])
        page.set_row(row, 18)
        row += 1
    row += 1
    for place, header in enumerate(_LISTED):
        page.write_string(row, place, header, formats["head open"])
    for sheet in sheets:
        for column in sheet.columns:
            row += 1
            cells = (sheet.name, column.header, _may_change(column), _rule(column), _meaning(column))
            for place, text in enumerate(cells):
                write_text(page, row, place, text, formats["listed open" if column.is_open else "listed closed"])
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _lines(sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    names = " or ".join(sheet.name for sheet in sheets)
    parents = [f" Fill in {one.parent_id}: the {one.parent.singular} to which the {one.singular} belongs."
               for one in (sheet.export.table for sheet in sheets) if one.parent]  # fmt: skip
    yield from (
        ("Edit", f"Change white cells on the sheet {names}, save the file as a workbook (.xlsx), and send it back."),
        (_GREY, "WizCommerce sets these values. If you type in them, it is reported, but not sent."),
        ("What counts", "Only the cells that you change are sent, and each is shown first. A removed row is ignored."),
        ("New", "Type a new row below the last one, and leave its id blank. Fill in the columns with a *."
                + "".join(parents)),
        ("Delete", f"Type DELETE into the column {sheets[0].columns[0].header}."),
        ("Clear", f"A cell that you empty is not sent, as it may be an accident. To clear the value, type {CLEAR}."),
        ("Sort", "You may sort, filter, hide and move. Always sort whole rows, so that each row keeps its id."),
        ("Text", "Text stays as you type it: 00123 keeps its zeros. Phone numbers look like +14155552671."),
        ("Times", f"Times are shown in the time zone {sheets[0].export.zone}."),
        ("Keep", "Keep the column id. A hidden sheet has the original cells, so that only your changes are sent."),
        *zip(("From", *[""] * len(sheets)), map(_origin, sheets), strict=False),
    )  # fmt: skip


def _origin(sheet: Sheet) -> str:
    own = sheet.export.baseline
    count = counted(sheet.height, sheet.export.table.singular)
    if own is None:
        return count
    return f"{count} of {own.account}, loaded {own.loaded_at:%Y-%m-%d %H:%M} UTC"


def _may_change(column: Column) -> str:
    if column.kind == "own":
        return "yes, but it is not sent"
    if column.is_open:
        return "yes"
    return "in new rows only" if column.is_open_below else "no"


def _rule(column: Column) -> str:
    field = column.field
    if field is None:
        return "blank, or DELETE" if column.kind == "command" else ""
    rules = ["required in new rows"] if column.is_required else []
    rules += [f"at most {field.max_length} characters"] if field.max_length else []
    rules += [{"email": "an e-mail address", "e164": "such as +14155552671"}[field.format]] if field.format else []
    rules += ["TRUE or FALSE"] if field.kind == "flag" and column.is_open else []
    return ", ".join(rules)


def _meaning(column: Column) -> str:
    if column.field is None:
        return "What to do with the row." if column.kind == "command" else "A column that WizCommerce does not have."
    return column.field.doc.replace("`", "")
