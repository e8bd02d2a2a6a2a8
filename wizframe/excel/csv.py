"""CSV: written so that no program makes a formula, a number or a date of a text, and read whatever wrote it."""

from __future__ import annotations

import codecs
import csv
import io
import re
import threading
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wizframe.errors import Hint, InvalidRequestError, UnreadableFileError
from wizframe.excel.cells import with_errors_marked
from wizframe.excel.vocabulary import FALSE, FORMULA_ERRORS, MONTHS_AND_HOURS, TRUE
from wizframe.excel.workbook_file import read_bytes
from wizframe.frames.build import Unsure

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

__all__ = ["escape", "even_out", "read_rows", "unescape", "write_rows"]

_MARK = "'"
#: What a spreadsheet takes for the beginning of a formula, in its full-width forms, too.
_FORMULA = tuple("=+-@＝＋－＠")
_LETTERS = re.compile(r"[^\W\d_]+")
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 10 << 20
_limit = threading.Lock()


def escape(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would not leave as it is.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        :func:`unescape` gives the text back.
    """
    return _MARK + text if text.startswith(_MARK) or _would_change(text) else text


def unescape(text: str) -> str:
    """Take the apostrophe away that :func:`escape` put there; one that belongs to the text stays.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    rest = text[1:]
    return rest if text.startswith(_MARK) and (rest.startswith(_MARK) or _would_change(rest)) else text


def _would_change(text: str) -> bool:
    """Tell whether some spreadsheet would take a text for a formula, a number, a date, a truth value or blank."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return bool(text)  # spaces alone: read_rows() takes them for blank
    if plain.startswith(_FORMULA) or text[0] in "\t\r\n" or plain.upper() in FORMULA_ERRORS:
        return True
    if not any(map(str.isdigit, plain)):
        return plain.casefold() in TRUE | FALSE
    return all(word in MONTHS_AND_HOURS for word in _LETTERS.findall(plain.casefold()))


def write_rows(headers: Sequence[str], columns: Sequence[Sequence[str]], delimiter: str) -> Iterator[tuple[int, str]]:
    """Write rows as CSV.

    Parameters
    ----------
    headers : sequence of str
    columns : sequence of sequence of str
        Escaped; blank as ``""``.
    delimiter : str

    Yields
    ------
    int
        How many rows are done.
    str
        Some lines.
    """
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(headers)
    number = 0
    for number, row in enumerate(zip(*columns, strict=True), 1):
        writer.writerow(row)
        if number % 1_000 == 0:
            yield number, written.getvalue()
            written.seek(0)
            written.truncate()
    yield number, written.getvalue()


def read_rows(path: str | os.PathLike[str], delimiter: str | None, encoding: str | None) -> list[list[Any]]:
    """Read the rows of a CSV file, without the escapes.

    Parameters
    ----------
    path : path-like
    delimiter, encoding : str or None
        None: found out.

    Returns
    -------
    list of list
        Texts; cells that are blank, or hold only spaces, are ``""``, the errors of formulas
        :class:`wizframe.frames.build.Unsure`.

    Raises
    ------
    UnreadableFileError
    """
    rows = _split(path, _decoded(path, encoding), delimiter)
    return [
        [cell if isinstance(cell, Unsure) else "" if cell.isspace() else unescape(cell) for cell in row]
        for row in map(with_errors_marked, rows)
    ]


def _decoded(path: str | os.PathLike[str], encoding: str | None) -> str:
    """Read text in UTF-8, or UTF-16 that says so. No other encoding is guessed: a wrong guess looks like edits."""
    content = read_bytes(path)
    start = content[:200]
    if content.startswith(b"PK\x03\x04"):
        hint = Hint("wizframe.read_excel() reads it.", "Rename it so that its name ends in .xlsx.")
        raise UnreadableFileError(f"{path} is a workbook, not CSV", hint=hint)
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not encoding and not is_wide and start.count(0) > len(start) // 4:
        order = "be" if start.startswith(b"\x00") else "le"
        hint = Hint(f"encoding='utf-16-{order}' reads it.", "Save it as 'CSV UTF-8'.")
        raise UnreadableFileError(f"{path} looks like UTF-16 without a byte order mark", hint=hint)
    given = encoding or ("utf-16" if is_wide else "utf-8-sig")
    try:
        text = content.decode(given)
    except LookupError:
        raise InvalidRequestError(f"encoding={encoding!r}: there is no such encoding") from None
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{path} is not {given} text (byte {error.start})",
            hint=Hint(
                "Save it as 'CSV UTF-8', or give its encoding, such as encoding='cp1252' for Excel on Windows in "
                "Western Europe.",
                "Save it as 'CSV UTF-8'.",
            ),
        ) from None
    return text.removeprefix("\ufeff")


def _split(path: str | os.PathLike[str], text: str, delimiter: str | None) -> list[list[str]]:
    said = re.match(r"sep=(.)\r?\n", text)  # Excel's own word for the delimiter
    text = text[said.end() :] if said else text
    delimiter = delimiter or (said[1] if said else _delimiter_of(text))
    with _long_cells():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            rows = list(reader)
        except csv.Error as error:
            raise UnreadableFileError(
                f"{path}, line {reader.line_num}, has quotes that do not match ({error})"
            ) from None
    if rows and len(rows[-1]) < len(rows[0]) and not text.endswith(("\n", "\r")):
        raise UnreadableFileError(f"{path} ends in the middle of row {len(rows)}: a part of it is missing")
    return rows


def even_out(path: str | os.PathLike[str], rows: list[list[Any]], header: int) -> None:
    """Make all rows equally long, in place; refuse one that reaches beyond the header: its cells may have moved.

    Parameters
    ----------
    path : path-like
        For messages.
    rows : list of list
    header : int
        Which of them is the header, counted from 0.

    Raises
    ------
    UnreadableFileError
    """
    width = max((place for place, cell in enumerate(rows[header], 1) if cell), default=0)
    for number, row in enumerate(rows, 1):
        if number > header + 1 and any(row[width:]):
            raise UnreadableFileError(
                f"{path}, row {number} has {len(row)} cells, but the header has {width}",
                hint=Hint(
                    "Quote cells that contain the delimiter, or give the delimiter with delimiter=.",
                    "Quote cells that contain the delimiter.",
                ),
            )
        row[width:] = [""] * (width - len(row))


def _delimiter_of(text: str) -> str:
    """Take the delimiter that the first row has most often, outside quotes; a comma where it has none."""
    first = re.sub(r'"[^"]*"', "", text[:65_536]).lstrip("\r\n")
    return max(_DELIMITERS, key=re.split(r"[\r\n]", first, maxsplit=1)[0].count)


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be longer than the csv module's 131,072 characters: addresses as JSON are."""
    with _limit:
        before = csv.field_size_limit(_LONGEST_CELL)
        try:
            yield
        finally:
            csv.field_size_limit(before)
