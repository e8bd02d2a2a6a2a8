"""Write frames as one workbook: the guide, a sheet for each table, and the hidden sheet."""

from __future__ import annotations

import dataclasses
import io
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from wizframe.errors import InvalidRequestError
from wizframe.excel.baseline_sheet import export_of, pack
from wizframe.excel.cells import write_text
from wizframe.excel.dates import find_zone
from wizframe.excel.guide_sheet import write_guide
from wizframe.excel.layout import Sheet, check_labels, sheet_columns
from wizframe.excel.workbook_file import library
from wizframe.files import replacing
from wizframe.progress import bar

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from wizframe.excel.layout import Column

__all__ = ["FONT", "HIDDEN", "new_workbook", "write_workbook"]

# The names of the hidden sheet, and of the sheet with the guide.
HIDDEN, GUIDE = "wizframe", "Read me"
# The last row of a sheet, counted from 0: also the most rows that fit into a sheet below its header.
_MAX_ROWS = 1_048_575
# Rows are converted in blocks of this size, so that the lists of shown values stay small.
_ROWS_AT_ONCE = 2_000
#: xlsxwriter keeps about 3 KB in memory for each row of customers. A sheet with more rows is written to temporary
#: files, with the strings in the cells. Apple Numbers and the preview of an iPhone show such strings as blank.
_MAX_ROWS_IN_MEMORY = 200_000

FONT = {"font_name": "Calibri", "font_size": 11}
# Excel's number formats for text and for times.
_TEXT, _TIME = "@", "yyyy-mm-dd hh:mm"
_DARK, _GREY, _PALE, _LINE, _RED = "#1F3864", "#595959", "#F2F2F2", "#D9D9D9", "#C00000"
_CLOSED = {"bg_color": _PALE, "font_color": _GREY, "border": 1, "border_color": _LINE}
_HEAD = {"bold": True, "valign": "vcenter", "border": 1}
_FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _DARK},
    "plain": {"valign": "vcenter"},
    "strong": {"bold": True, "valign": "vcenter"},
    "grey": {"bold": True, "valign": "vcenter", "font_color": _GREY, "bg_color": _PALE},
    "listed open": {"bottom": 1, "bottom_color": _LINE},
    "listed closed": {"bottom": 1, "bottom_color": _LINE, "font_color": _GREY, "bg_color": _PALE},
    "head open": {**_HEAD, "font_color": "white", "bg_color": _DARK, "border_color": "#8EA9DB"},
    "head closed": {**_HEAD, "font_color": _GREY, "bg_color": _LINE, "border_color": "#BFBFBF"},
    "text open": {"num_format": _TEXT, "locked": False},
    "text closed": {"num_format": _TEXT, **_CLOSED},
    "time open": {"num_format": _TIME, "align": "left", "locked": False},
    "time closed": {"num_format": _TIME, "align": "left", **_CLOSED},
    "flag open": {"align": "left", "locked": False},
    "flag closed": {"align": "left", **_CLOSED},
    "data closed": _CLOSED,  # not as text, because some versions of Excel show a long text as #####
    "own open": {"locked": False},
    "command open": {"num_format": _TEXT, "bold": True, "font_color": _RED, "locked": False},
    "deleted": {"font_color": _RED, "font_strikeout": True},
}


def write_workbook(
    frames: Sequence[tuple[pd.DataFrame, str | None]],
    path: str | os.PathLike[str],
    *,
    labels: Mapping[str, str],
    zone: str,
    protect: bool,
    progress: bool,
) -> None:
    """Write frames as sheets, each with its table if the caller specified it; see :func:`wizframe.to_excel`."""
    sheets = [_sheet(frame, table, labels, zone) for frame, table in frames]
    if len({sheet.name for sheet in sheets}) < len(sheets):
        raise InvalidRequestError(
            f"both frames contain {sheets[0].export.table.name}", hint="Pass customers, and contacts with contacts=."
        )
    for sheet in sheets:
        if sheet.height > _MAX_ROWS:
            raise InvalidRequestError(
                f"{sheet.height} rows do not fit into a sheet (allowed: at most {_MAX_ROWS})",
                hint="Write fewer rows at a time, or write CSV.",
            )
    check_labels(labels, [column.name for sheet in sheets for column in sheet.columns])
    total, done = sum(sheet.height for sheet in sheets), 0
    with bar("rows", enabled=progress, total=total) as show, new_workbook(path, total) as book:
        book.set_properties({"title": "Customer data for correction", "comments": "Made by wizframe"})
        formats = {name: book.add_format(FONT | given) for name, given in _FORMATS.items()}
        write_guide(book.add_worksheet(GUIDE), sheets, formats)
        hidden = _HiddenSheet(pack([sheet.export for sheet in sheets]))
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            _lay_out(page, sheet, formats, hidden, protect=protect)
            for count in _write_rows(page, sheet, formats):
                done += count
                show(done, None)
        hidden.write(book.add_worksheet(HIDDEN), formats["text open"])


def _sheet(frame: pd.DataFrame, table: str | None, labels: Mapping[str, str], zone: str) -> Sheet:
    export = export_of(frame, table)
    columns = sheet_columns(frame, export, labels, find_zone(zone))
    headers = {column.name: column.header for column in columns}
    name = export.table.name.capitalize()
    return Sheet(dataclasses.replace(export, sheet=name, zone=zone, headers=headers), columns)


@contextmanager
def new_workbook(path: str | os.PathLike[str], rows: int = 0) -> Iterator[Any]:
    """Create a workbook of xlsxwriter that replaces ``path`` when the block ends without an error."""
    if Path(path).suffix.lower() != ".xlsx":
        raise InvalidRequestError(f"{path} is not the name of a workbook", hint="Use a name that ends in .xlsx.")
    xlsxwriter = library("xlsxwriter", "xlsxwriter")
    with (
        replacing(path) as target,
        # Not in the system's folder for temporary files, because other users may read it and it may be small.
        TemporaryDirectory(prefix=".wizframe-", dir=Path(path).parent, ignore_cleanup_errors=True) as folder,
    ):
        is_large = rows > _MAX_ROWS_IN_MEMORY
        # ZIP64, because the strings of a million rows may have more than 4 GB before they are compressed.
        options = {"tmpdir": folder, "constant_memory": is_large, "use_zip64": True}
        content = io.BytesIO()  # in memory: a ZIP file on a full disk would raise a second error when Python closes it
        book = xlsxwriter.Workbook(content, options)
        try:
            yield book
        except BaseException:
            if is_large:  # its temporary files are open, and Windows does not remove open files
                with suppress(Exception):
                    book.close()
            raise
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise error.args[0] from None  # xlsxwriter wraps an OSError, such as that of a full disk
        target.write(content.getbuffer())


def _lay_out(page: Any, sheet: Sheet, formats: dict[str, Any], hidden: _HiddenSheet, *, protect: bool) -> None:
    for place, column in enumerate(sheet.columns):
        state = "open" if column.is_open else "closed"
        below = "open" if column.is_open_below else state
        page.set_column(place, place, column.width, formats[f"{column.kind} {below}"])
        write_text(page, 0, place, column.header, formats[f"head {state}"])
        _validate(page, place, column, sheet.height, hidden)
    last = len(sheet.columns) - 1
    page.set_row(0, 22)
    # The columns up to the reference stay visible when the user scrolls, if the reference is near the beginning.
    places = [place for place, column in enumerate(sheet.columns[:4]) if column.name in ("id", "reference_id")]
    page.freeze_panes(1, max(places, default=0) + 1)
    page.autofilter(0, 0, max(sheet.height, 1), last)
    # A row with DELETE is marked, so that users see at once what it does.
    marked = {"type": "formula", "criteria": '=UPPER(TRIM($A2))="DELETE"', "format": formats["deleted"]}
    page.conditional_format(1, 0, _MAX_ROWS, last, marked)
    # Without this, Excel marks each string of digits with a green triangle and offers to convert it to a number.
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{_MAX_ROWS + 1}"})
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    if protect:
        allowed = ("autofilter", "sort", "format_columns", "format_rows", "insert_rows", "select_locked_cells")
        page.protect("", dict.fromkeys(allowed, True))


def _validate(page: Any, place: int, column: Column, height: int, hidden: _HiddenSheet) -> None:
    rule: dict[str, Any]
    last = _MAX_ROWS
    if column.kind == "command":
        rule = {"validate": "list", "source": ["DELETE"], "error_title": "Command",
                "error_message": "Leave it blank, or type DELETE to delete the record of this row."}  # fmt: skip
    elif not column.is_open:
        # New rows are typed below the last row, so the cells there must stay open.
        last = height if column.is_open_below else _MAX_ROWS
        rule = {"validate": "custom", "value": "=FALSE", "error_title": "Read-only",
                "error_message": "WizCommerce sets this value. Press Esc to keep it."}  # fmt: skip
    # The other rules only suggest values, because the service may accept values that this version does not know.
    elif column.kind == "flag":
        rule = {"validate": "list", "source": ["TRUE", "FALSE"], "show_error": False}
    elif column.choices and not hidden.is_full:
        rule = {"validate": "list", "source": hidden.add_choices(column.choices), "show_error": False}
    else:
        return
    if last:
        page.data_validation(1, place, last, place, rule)


def _write_rows(page: Any, sheet: Sheet, formats: dict[str, Any]) -> Iterator[int]:
    """Write the rows in blocks, and yield the number of rows in each."""
    styles = [formats[f"{column.kind} {'open' if column.is_open else 'closed'}"] for column in sheet.columns]
    for start in range(0, sheet.height, _ROWS_AT_ONCE):
        cells = [column.cells(start, start + _ROWS_AT_ONCE) for column in sheet.columns]
        rows = list(zip(*cells, strict=True))
        for number, row in enumerate(rows, start + 1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    write_text(page, number, place, value, styles[place])
                elif isinstance(value, bool):
                    page.write_boolean(number, place, value, styles[place])
                elif value is not None:  # a blank cell is not written: it has the column's format
                    page.write_number(number, place, value, styles[place])
        yield len(rows)


class _HiddenSheet:
    """The hidden sheet: the exports in column A, and lists of values to choose from in the next columns."""

    def __init__(self, memory: Sequence[str]) -> None:
        self._columns: list[Sequence[str]] = [memory]

    @property
    def is_full(self) -> bool:
        return len(self._columns) > 25  # noqa: PLR2004 - the columns B to Z

    def add_choices(self, values: list[str]) -> str:
        """Store a list of values, and return its place: a list in a rule cannot have commas or over 255 characters."""
        letter = "BCDEFGHIJKLMNOPQRSTUVWXYZ"[len(self._columns) - 1]
        self._columns.append(values)
        return f"={HIDDEN}!${letter}$1:${letter}${len(values)}"

    def write(self, page: Any, style: Any) -> None:
        """Write the sheet row by row, and hide it so that only a program can show it."""
        for number, row in enumerate(zip_longest(*self._columns)):
            for place, text in enumerate(row):
                if text is not None:
                    write_text(page, number, place, text, style)
        page.very_hidden()
