"""CSV files: written so that no program changes a string to a formula, number or date; read from any program."""

from __future__ import annotations

import codecs
import csv
import io
import re
import threading
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wizframe.errors import Hint, InvalidRequestError, UnreadableFileError
from wizframe.excel.baseline_sheet import export_of
from wizframe.excel.cells import FALSE, FORMULA_ERRORS, MONTHS_AND_HOURS, TRUE, with_errors_marked
from wizframe.excel.layout import COMMAND_HEADER, check_labels, column_names, listed, own_column
from wizframe.excel.workbook_file import read_bytes
from wizframe.fields import COMMAND
from wizframe.files import replacing
from wizframe.frames.build import Unsure, is_blank
from wizframe.progress import bar

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from wizframe.excel.baseline_sheet import Export

__all__ = ["escape", "pad_rows", "read_rows", "unescape", "write_csv"]

# The apostrophe that escape() adds, and unescape() removes.
_MARK = "'"
_FORMULA = tuple("=+-@")  # a spreadsheet reads a string that begins with one of these as a formula
_LETTERS = re.compile(r"[^\W\d_]+")
# The delimiters that read_csv() finds by itself: comma, semicolon, tab and vertical bar.
_DELIMITERS = ",;\t|"
# Rows are written to the file in blocks of this size, with an update of the progress bar after each.
_ROWS_AT_ONCE = 1_000
#: The csv module allows 131,072 characters in a cell, but the addresses of a customer as JSON may be longer.
_MAX_CELL = 10 << 20
_limit = threading.Lock()  # the csv module has one limit for the whole process


def escape(text: str) -> str:
    """Add an apostrophe before a string that a spreadsheet would change; :func:`unescape` removes it."""
    return _MARK + text if text.startswith(_MARK) or _would_change(text) else text


def unescape(text: str) -> str:
    """Remove the apostrophe that :func:`escape` added. An apostrophe that belongs to the text stays."""
    rest = text[1:]
    return rest if text.startswith(_MARK) and (rest.startswith(_MARK) or _would_change(rest)) else text


def _would_change(text: str) -> bool:
    """Return whether a spreadsheet would read a string as a formula, number, date, boolean or blank."""
    plain = unicodedata.normalize("NFKC", text).strip()  # some programs accept full-width signs, too
    if not plain:
        return bool(text)  # read_rows() reads a cell with only spaces as blank
    if plain.startswith(_FORMULA) or text[0] in "\t\r\n" or plain.upper() in FORMULA_ERRORS:
        return True
    if not any(map(str.isdigit, plain)):
        return plain.casefold() in TRUE | FALSE
    return all(word in MONTHS_AND_HOURS for word in _LETTERS.findall(plain.casefold()))


def write_csv(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    table: str | None,
    labels: Mapping[str, str],
    delimiter: str,
    progress: bool,
) -> None:
    """Write a frame as CSV; see :func:`wizframe.to_csv`."""
    columns = _columns(frame, export_of(frame, table))
    check_labels(labels, columns)
    names = {name: COMMAND_HEADER if name == COMMAND else name for name in columns}
    # A header is escaped, too, because a spreadsheet would run a header that looks like a formula.
    headers = [escape(labels.get(name, header)) for name, header in names.items()]
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(headers)
    rows = zip(*columns.values(), strict=True)
    with bar("rows", enabled=progress, total=len(frame)) as show, replacing(path) as target:
        target.write(codecs.BOM_UTF8)  # without the mark, Excel reads the file as Windows-1252
        for number, row in enumerate(rows, 1):
            writer.writerow(row)
            if number % _ROWS_AT_ONCE == 0:
                target.write(lines.getvalue().encode())
                lines.seek(0)
                lines.truncate()
                show(number, None)
        target.write(lines.getvalue().encode())


def _columns(frame: pd.DataFrame, export: Export) -> dict[str, list[str]]:
    """Write the columns of a frame as escaped strings, the commands first. Blank is ``""``."""
    names = [*([COMMAND] if COMMAND in frame else []), *column_names(frame, export)]
    return {
        str(name): _cells(export.shown(name) if name in export.cells else own_column(frame, name)) for name in names
    }


def _cells(values: pd.Series[Any]) -> list[str]:
    if values.dtype.kind == "M" and getattr(values.dt, "tz", None) is not None:
        # A spreadsheet does not change a time with T and Z: it stays a string.
        texts = pc.strftime(pa.array(values.dt.tz_convert("UTC")), format="%Y-%m-%dT%H:%M:%SZ")
        cells: list[str] = pc.fill_null(pc.replace_substring_regex(texts, r"\.0+Z$", "Z"), "").to_pylist()
        return cells
    return ["" if is_blank(cell) else _cell(cell) for cell in listed(values)]


def _cell(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(value).upper()
    return escape(value) if isinstance(value, str) else str(value)


def read_rows(path: str | os.PathLike[str], delimiter: str | None, encoding: str | None) -> list[list[Any]]:
    """Read the rows of a CSV file, and remove the escapes.

    A cell that is blank or contains only spaces becomes ``""``; a formula error becomes an ``Unsure``.
    """
    rows = _split(path, _decoded(path, encoding), delimiter)
    return [
        [cell if isinstance(cell, Unsure) else "" if cell.isspace() else unescape(cell) for cell in row]
        for row in map(with_errors_marked, rows)
    ]


def _decoded(path: str | os.PathLike[str], encoding: str | None) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark. Nothing is guessed, because a wrong guess looks like edits."""
    content = read_bytes(path)
    start = content[:200]
    if content.startswith(b"PK\x03\x04"):
        hint = Hint("Read it with wizframe.read_excel().", "Rename it so that its name ends in .xlsx.")
        raise UnreadableFileError(f"{path} is a workbook, not a CSV file", hint=hint)
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not encoding and not is_wide and start.count(0) > len(start) // 4:
        order = "be" if start.startswith(b"\x00") else "le"
        hint = Hint(f"Pass encoding='utf-16-{order}'.", "Save it as 'CSV UTF-8'.")
        raise UnreadableFileError(f"{path} looks like UTF-16 without a byte order mark", hint=hint)
    given = encoding or ("utf-16" if is_wide else "utf-8-sig")
    try:
        text = content.decode(given)
    except LookupError:
        raise InvalidRequestError(
            f"encoding={encoding!r} is not an encoding that Python knows", hint="Pass one such as 'cp1252'."
        ) from None
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{path} is not {given} text (byte {error.start})",
            hint=Hint(
                "Save it as 'CSV UTF-8', or pass its encoding, such as encoding='cp1252' for Excel on Windows in "
                "Western Europe.",
                "Save it as 'CSV UTF-8'.",
            ),
        ) from None
    return text.removeprefix("\ufeff")


def _split(path: str | os.PathLike[str], text: str, delimiter: str | None) -> list[list[str]]:
    first_line = re.match(r"sep=(.)\r?\n", text)  # Excel's own way to name the delimiter
    text = text[first_line.end() :] if first_line else text
    delimiter = delimiter or (first_line[1] if first_line else _delimiter_of(text))
    with _long_cells():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            rows = list(reader)
        except csv.Error as error:
            raise UnreadableFileError(
                f"{path}, line {reader.line_num}, has quotes that do not match ({error})"
            ) from None
    # A download that was cut off ends in the middle of a row.
    if rows and len(rows[-1]) < len(rows[0]) and not text.endswith(("\n", "\r")):
        raise UnreadableFileError(f"{path} ends in the middle of row {len(rows)}", hint="Get the whole file again.")
    return rows


def pad_rows(path: str | os.PathLike[str], rows: list[list[Any]], header: int) -> None:
    """Fill up all rows to the length of the header, in place; reject a longer row, as its cells may have moved."""
    width = max((place for place, cell in enumerate(rows[header], 1) if cell), default=0)
    for number, row in enumerate(rows, 1):
        if number > header + 1 and any(row[width:]):
            raise UnreadableFileError(
                f"{path}, row {number} has {len(row)} cells, but the header has {width}",
                hint=Hint(
                    "Quote cells that contain the delimiter, or pass the delimiter with delimiter=.",
                    "Quote cells that contain the delimiter.",
                ),
            )
        row[width:] = [""] * (width - len(row))


def _delimiter_of(text: str) -> str:
    """Return the most frequent delimiter of the first row, outside quotes; a comma if there is none."""
    first = re.sub(r'"[^"]*"', "", text[:65_536]).lstrip("\r\n")
    return max(_DELIMITERS, key=re.split(r"[\r\n]", first, maxsplit=1)[0].count)


@contextmanager
def _long_cells() -> Iterator[None]:
    with _limit:
        before = csv.field_size_limit(_MAX_CELL)
        try:
            yield
        finally:
            csv.field_size_limit(before)
