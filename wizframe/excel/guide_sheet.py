"""The first sheet: how to edit, in ten lines, and which columns may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wizframe.planning.changes import CLEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.excel.layout import Column
    from wizframe.excel.sheet import Sheet

__all__ = ["explain"]

_GREY = "Grey columns"
_WIDTHS = (15, 28, 22, 42, 58)


def explain(page: Any, sheets: Sequence[Sheet], formats: dict[str, Any]) -> None:
    """Write the first sheet.

    Parameters
    ----------
    page : xlsxwriter.Worksheet
    sheets : sequence of Sheet
        The others.
    formats : dict
        xlsxwriter's, by name.
    """
    for place, width in enumerate(_WIDTHS):
        page.set_column(place, place, width)
    page.hide_gridlines(2)
    names = " and ".join(sheet.name for sheet in sheets)
    page.write_string(0, 0, f"How to correct the {names.lower()}", formats["title"])
    page.set_row(0, 28)
    row = 2
    for topic, line in _lines(sheets):
        page.write_string(row, 0, topic, formats["grey" if topic == _GREY else "strong"])
        page.write_string(row, 1, line, formats["plain"])
        page.set_row(row, 18)
        row += 1
    row += 1
    for place, header in enumerate(("Sheet", "Column", "May be changed", "Rule", "Meaning")):
        page.write_string(row, place, header, formats["head open"])
    for sheet in sheets:
        for column in sheet.columns:
            row += 1
            cells = (sheet.name, column.header, _may_change(column), _rule(column), _meaning(column))
            for place, text in enumerate(cells):
                page.write_string(row, place, text, formats["listed open" if column.is_open else "listed closed"])
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _lines(sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    names = " or ".join(sheet.name for sheet in sheets)
    parents = " The customer_id of a contact says whose it is." if "Contacts" in names else ""
    yield from (
        ("Edit", f"Change white cells on the sheet {names}, save the file as an Excel workbook (.xlsx), send it back."),
        (_GREY, "They are WizCommerce's own. What is typed there is reported, not sent."),
        ("What counts", "Only cells that you change; each is shown before it is sent. Removing a row means nothing."),
        ("New", "Type a new row below the last one, and leave its id blank. Columns with a * must be filled in."
                + parents),
        ("Delete", f"Write DELETE into the column {sheets[0].columns[0].header}."),
        ("Clear", f"An emptied cell is not sent, since cells become empty by accident: write {CLEAR} if it is meant."),
        ("Sort", "Sort, filter, hide and move as you like, but sort whole rows: the id says which record a row is."),
        ("Text", "Everything stays as typed: 00123 keeps its zeros. Phone numbers look like +14155552671."),
        ("Times", f"They are shown in the time zone {sheets[0].sent.zone}."),
        ("Keep", "Keep the column id. A hidden sheet remembers how the cells were, so that only your changes count."),
        *zip(("From", *[""] * len(sheets)), map(_origin, sheets), strict=False),
    )  # fmt: skip


def _origin(sheet: Sheet) -> str:
    own = sheet.sent.baseline
    count = f"{sheet.height} {sheet.sent.table.name if sheet.height != 1 else sheet.sent.table.singular}"
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
    rules = ["needed in new rows"] if column.is_required else []
    rules += [f"at most {field.max_length} characters"] if field.max_length else []
    rules += [{"email": "an e-mail address", "e164": "such as +14155552671"}[field.format]] if field.format else []
    rules += ["TRUE or FALSE"] if field.kind == "flag" and column.is_open else []
    return ", ".join(rules)


def _meaning(column: Column) -> str:
    if column.field is None:
        return "What to do with the row." if column.kind == "command" else "Your own."
    return column.field.doc.replace("`", "")
