"""The workbook around the rows: sheets, formats, validations, explanations. Made by xlsxwriter."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizframe.excel.guide_sheet import explain
from wizframe.excel.workbook_file import library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wizframe.excel.baseline_sheet import Sent
    from wizframe.excel.layout import Column

__all__ = ["FONT", "HIDDEN", "OPTIONS", "READ_ME", "Sheet", "make_shell"]

HIDDEN, READ_ME = "wizframe", "Read me"
_LAST_ROW = 1_048_575  # counted from 0
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

FONT = {"font_name": "Calibri", "font_size": 11}
_TEXT, _TIME = "@", "yyyy-mm-dd hh:mm"
_DARK, _GREY, _PALE, _LINE, _RED = "#1F3864", "#595959", "#F2F2F2", "#D9D9D9", "#C00000"
_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _DARK},
    "plain": {"valign": "vcenter"},
    "strong": {"bold": True, "valign": "vcenter"},
    "grey": {"bold": True, "valign": "vcenter", "font_color": _GREY, "bg_color": _PALE},
    "listed open": {"bottom": 1, "bottom_color": _LINE},
    "listed closed": {"bottom": 1, "bottom_color": _LINE, "font_color": _GREY, "bg_color": _PALE},
    "head open": {"bold": True, "font_color": "white", "bg_color": _DARK, "valign": "vcenter", "border": 1,
                  "border_color": "#8EA9DB"},
    "head closed": {"bold": True, "font_color": _GREY, "bg_color": _LINE, "valign": "vcenter", "border": 1,
                    "border_color": "#BFBFBF"},
    "text open": {"num_format": _TEXT, "locked": False},
    "text closed": {"num_format": _TEXT, "bg_color": _PALE, "font_color": _GREY, "border": 1, "border_color": _LINE},
    "time open": {"num_format": _TIME, "align": "left", "locked": False},
    "time closed": {"num_format": _TIME, "align": "left", "bg_color": _PALE, "font_color": _GREY, "border": 1,
                    "border_color": _LINE},
    "flag open": {"align": "left", "locked": False},
    "flag closed": {"align": "left", "bg_color": _PALE, "font_color": _GREY, "border": 1, "border_color": _LINE},
    # Not as text: some versions of Excel show a long one as #####.
    "data closed": {"bg_color": _PALE, "font_color": _GREY, "border": 1, "border_color": _LINE},
    "own open": {"locked": False},
    "command open": {"num_format": _TEXT, "bold": True, "font_color": _RED, "locked": False},
    "deleted": {"font_color": _RED, "font_strikeout": True},
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """One table, laid out.

    Parameters
    ----------
    sent : Sent
    columns : list of Column
    """

    sent: Sent
    columns: list[Column]

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self.sent.sheet

    @property
    def height(self) -> int:
        """How many rows of data it has."""
        return len(self.sent.cells)


def make_shell(sheets: Sequence[Sheet], memory: Sequence[str], *, protect: bool) -> tuple[io.BytesIO, list[str]]:
    """Make a workbook with everything but rows.

    Parameters
    ----------
    sheets : sequence of Sheet
    memory : sequence of str
        For the hidden sheet.
    protect : bool
        Lock the cells that are not to be changed.

    Returns
    -------
    BytesIO
        The workbook; row 2 of each sheet has a blank cell for each column, with its format.
    list of str
        The parts of the workbook that hold the sheets.
    """
    made = io.BytesIO()
    book = library("xlsxwriter", "xlsxwriter").Workbook(made, OPTIONS)
    book.set_properties({"title": "Customer data for correction", "comments": "Made by wizframe"})
    formats = {name: book.add_format(FONT | given) for name, given in _FORMATS.items()}
    explain(book.add_worksheet(READ_ME), sheets, formats)
    hidden = _Hidden(memory)
    for sheet in sheets:
        _lay_out(book.add_worksheet(sheet.name), sheet, formats, hidden, protect=protect)
    hidden.write(book.add_worksheet(HIDDEN), formats["text open"])
    book.close()
    made.seek(0)
    return made, [f"xl/worksheets/sheet{number}.xml" for number in range(2, 2 + len(sheets))]


def _lay_out(page: Any, sheet: Sheet, formats: dict[str, Any], hidden: _Hidden, *, protect: bool) -> None:
    for place, column in enumerate(sheet.columns):
        state = "open" if column.is_open else "closed"
        own = formats[f"{column.kind} {state}"]
        below = formats[f"{column.kind} open"] if column.is_open_below else own
        page.set_column(place, place, column.width, below)
        page.write_string(0, place, column.header, formats[f"head {state}"])
        page.write_blank(1, place, None, own)
        _validate(page, place, column, sheet.height, hidden)
    last = len(sheet.columns) - 1
    page.set_row(0, 22)
    page.freeze_panes(1, _frozen(sheet.columns))
    page.autofilter(0, 0, max(sheet.height, 1), last)
    marked = {"type": "formula", "criteria": '=UPPER(TRIM($A2))="DELETE"', "format": formats["deleted"]}
    page.conditional_format(1, 0, _LAST_ROW, last, marked)
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{_LAST_ROW + 1}"})
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    if protect:
        allowed = ("autofilter", "sort", "format_columns", "format_rows", "insert_rows", "select_locked_cells")
        page.protect("", dict.fromkeys(allowed, True))


def _frozen(columns: Sequence[Column]) -> int:
    """Keep what names a record in sight: the columns up to the reference, where it stands near the beginning."""
    places = [place for place, column in enumerate(columns[:4]) if column.name in ("id", "reference_id")]
    return max(places, default=0) + 1


def _validate(page: Any, place: int, column: Column, height: int, hidden: _Hidden) -> None:
    rule: dict[str, Any]
    last = _LAST_ROW
    if column.kind == "command":
        rule = {"validate": "list", "source": ["DELETE"], "error_title": "Command",
                "error_message": "Leave it blank, or write DELETE to have the row's record deleted."}  # fmt: skip
    elif not column.is_open:
        last = height if column.is_open_below else _LAST_ROW
        rule = {"validate": "custom", "value": "=FALSE", "error_title": "Not to be changed",
                "error_message": "This column is WizCommerce's own. Press Esc to keep what was there."}  # fmt: skip
    elif column.kind == "flag":
        rule = {"validate": "list", "source": ["TRUE", "FALSE"], "show_error": False}
    elif column.choices and not hidden.is_full:
        rule = {"validate": "list", "source": hidden.choices(column.choices), "show_error": False}
    else:
        return
    if last:
        page.data_validation(1, place, last, place, rule)


class _Hidden:
    """The hidden sheet: what was sent in column A, the values that columns offer in the next ones."""

    def __init__(self, memory: Sequence[str]) -> None:
        self._columns: list[Sequence[str]] = [memory]

    def choices(self, values: list[str]) -> str:
        """Keep values, and say where: in a rule itself, they would end at a comma, or at 255 characters."""
        letter = "BCDEFGHIJKLMNOPQRSTUVWXYZ"[len(self._columns) - 1]
        self._columns.append(values)
        return f"={HIDDEN}!${letter}$1:${letter}${len(values)}"

    @property
    def is_full(self) -> bool:
        """Whether no column is left."""
        return len(self._columns) > 25  # noqa: PLR2004 - the columns B to Z

    def write(self, page: Any, style: Any) -> None:
        """Write the sheet, and hide it so that only a program can show it."""
        for place, lines in enumerate(self._columns):
            for row, line in enumerate(lines):
                page.write_string(row, place, line, style)
        page.very_hidden()
