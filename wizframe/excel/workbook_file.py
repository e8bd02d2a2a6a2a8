"""Open a workbook from any source. What the file says about itself and its content are checked before parsing.

An xlsx file is a ZIP of XML, and the parser trusts it. A file of a few kilobytes may unpack to many gigabytes. It may
also have one cell in the last row of the last column, and the parser would allocate memory for all cells before it.
"""

from __future__ import annotations

import codecs
import contextlib
import copy
import importlib
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizframe.errors import Hint, MissingExtraError, UnreadableFileError, to_install
from wizframe.excel.cells import with_errors_marked
from wizframe.files import opening

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["Book", "library", "open_workbook", "read_bytes"]

# 200 MiB for the file, and 1 GiB for all its parts together. They limit the memory that a file from a stranger takes.
MAX_BYTES = 200 << 20
_MAX_UNPACKED = 1 << 30
# A part of more than 10 MiB may be at most 100 times as large as its compressed bytes.
_MAX_RATIO, _SMALL = 100, 10 << 20
_MAX_PARTS = 2_000
_MAX_ROWS = 1_048_576  # Excel's own limit
# The parser allocates 24 bytes for each cell of the sheet's rectangle, and for each shared string: 1 GB and 0.5 GB.
_MAX_CELLS = 40_000_000
_MAX_TEXTS = 20_000_000
# Parts are unpacked in blocks of 1 MiB, so that a huge part does not fill the memory.
_BLOCK = 1 << 20

# The first bytes of files in the old Office format (.xls). An encrypted .xlsx is inside such a file, as a stream
# with the name below.
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SAVE = "Open it in Excel or LibreOffice and save it as an Excel workbook (.xlsx)."
_DECRYPT = "Open it with its password and save it without one."
_MACROS, _BINARY = "contains macros, which are never opened", "is a binary workbook (.xlsb)"
_KINDS = {
    "application/vnd.ms-excel.sheet.macroEnabled": _MACROS,
    "application/vnd.ms-excel.template.macroEnabled": _MACROS,
    "application/vnd.ms-excel.sheet.binary": _BINARY,
}

# The marks of UTF-16. The patterns below would not find tags in it, because they search for ASCII characters.
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# The positions in the tags of rows and cells, such as `row r="12"` and `c r="B12"`.
_ROW = re.compile(rb"""row\s[^>]*?r\s*=\s*["'](\d{1,10})""")
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,4})(\d{1,10})["']""")
# The starts of rows and cells, also with a namespace prefix, for tags without a position.
_ROW_START, _CELL_START = re.compile(rb"<(?:\w+:)?row(?=[\s/>])"), re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW_NUMBER = re.compile(rb"""[^>]*?\sr\s*=\s*["'](\d{1,10})""")
#: A cell that is not written in the usual way, or that is beyond column Z or row 999,999.
_UNUSUAL = re.compile(rb'<c(?! r="[A-Z]\d{1,6}"|[A-Za-z])')
# A cell with a namespace prefix, such as `<x:c>`.
_PREFIXED = re.compile(rb":c[\s/>]")


def library(name: str, package: str) -> Any:
    """Import a library of the extra ``excel``; ``package`` is its name for pip."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(
            f"Excel workbooks need the library {package}: {to_install('excel')}. CSV needs no library"
        ) from None


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a file, or raise an error if it is too large."""
    with opening(path), Path(path).open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableFileError(f"{path} is larger than {MAX_BYTES >> 20} MiB", hint="Split it into smaller files.")
    return content


class Book:
    """A workbook that was checked and opened."""

    def __init__(self, path: str | os.PathLike[str], workbook: Any) -> None:
        self.path = path
        self._workbook = workbook
        calamine = library("python_calamine", "python-calamine")
        sheets = [one for one in workbook.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
        self.visible = [one.name for one in sheets if one.visible == calamine.SheetVisibleEnum.Visible]
        self.hidden = [one.name for one in sheets if one.name not in self.visible]

    def rows(self, sheet: str) -> list[list[Any]]:
        """Read a sheet from row 1 and column A, with ``""`` for blank cells.

        Numbers are floats, times have no zone, and formula errors are ``Unsure``.
        """
        with _refusing_damage(self.path):
            rows: list[list[Any]] = self._workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        return [with_errors_marked(row) for row in rows]


def open_workbook(path: str | os.PathLike[str]) -> Book:
    """Open a workbook after checking that it is safe to read."""
    calamine = library("python_calamine", "python-calamine")
    content = read_bytes(path)
    _check_kind(path, content)
    with _refusing_damage(path):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(path, archive, len(content))
            for part in archive.infolist():
                _check_content(path, archive, part)
        workbook = calamine.load_workbook(io.BytesIO(content))
    return Book(path, workbook)


@contextlib.contextmanager
def _refusing_damage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert the libraries' many errors about a damaged file to an ``UnreadableFileError``."""
    try:
        yield
    except UnreadableFileError:
        raise
    except BaseException as error:
        # calamine is written in Rust, and its panics are not subclasses of Exception in Python.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UnreadableFileError(f"{path} is damaged ({error})", hint=f"Ask for it again. {_SAVE}") from None


def _check_kind(path: str | os.PathLike[str], content: bytes) -> None:
    """Reject a file that is not a ZIP, and name its kind in the error."""
    if content.startswith(_OLD_OFFICE):
        if _ENCRYPTED in content:
            raise UnreadableFileError(f"{path} is encrypted", hint=_DECRYPT)
        raise UnreadableFileError(f"{path} is a workbook of the old kind (.xls)", hint=_SAVE)
    if not content.startswith(b"PK"):
        is_binary = b"\x00" in content[:4096] or not content
        csv = Hint("Read a CSV file with wizframe.read_csv().", "The name of a CSV file must end in .csv.")
        raise UnreadableFileError(f"{path} is not an Excel workbook", hint=_SAVE if is_binary else csv)


def _check_parts(path: str | os.PathLike[str], archive: zipfile.ZipFile, size: int) -> None:
    """Check the table of contents before anything is unpacked."""
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        _refuse_other_kind(path, names)
    if len(names) < len(parts) or len(parts) > _MAX_PARTS:
        why = f"{len(parts):,} internal files, of which {len(parts) - len(names):,} share their names with others"
        hint = "Open it in Excel or LibreOffice, save it under a new name, and read that file."
        raise UnreadableFileError(f"{path} is not a usual workbook: it contains {why}", hint=hint)
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFileError(f"{path} is encrypted", hint=_DECRYPT)
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MAX_UNPACKED or unpacked > max(_MAX_RATIO * size, _SMALL):
        raise UnreadableFileError(f"{path} may be a trap: its {size} bytes unpack to {unpacked}")
    for part in parts:
        if part.file_size > max(_MAX_RATIO * part.compress_size, _SMALL):
            raise UnreadableFileError(
                f"{path} may be a trap: {part.filename} unpacks from {part.compress_size} bytes to {part.file_size}"
            )
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UnreadableFileError(f"{path} {_MACROS}", hint=_SAVE)
    types = archive.read("[Content_Types].xml").decode("utf-8", "replace") if "[Content_Types].xml" in names else ""
    for kind, words in _KINDS.items():
        if kind in types:
            raise UnreadableFileError(f"{path} {words}", hint=_SAVE)


def _refuse_other_kind(path: str | os.PathLike[str], names: set[str]) -> None:
    if "xl/workbook.bin" in names:
        raise UnreadableFileError(f"{path} {_BINARY}", hint=_SAVE)
    if "content.xml" in names:
        raise UnreadableFileError(f"{path} is an OpenDocument file (.ods)", hint=_SAVE)
    if any(name.startswith("Index/") for name in names):
        raise UnreadableFileError(f"{path} is a Numbers document", hint="Export it as an Excel workbook (.xlsx).")
    raise UnreadableFileError(f"{path} is not an Excel workbook", hint=_SAVE)


def _check_content(path: str | os.PathLike[str], archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack a part block by block, and check its size and that a sheet is not sparse and huge.

    Every part may be a sheet, because the workbook's list of relations can give a sheet any name.
    """
    area = _Area(is_exact=False)
    size = _look(archive, part, area)
    if size != part.file_size:
        raise UnreadableFileError(f"{path} may be a trap: {part.filename} does not have the size that the file gives")
    if not area.is_usual:
        area = _Area(is_exact=True)
        _look(archive, part, area)
    if area.texts > _MAX_TEXTS:
        raise UnreadableFileError(f"{path} may be a trap: {part.filename} has {area.texts} strings")
    if area.rows > _MAX_ROWS or area.rows * area.columns > _MAX_CELLS:
        raise UnreadableFileError(
            f"{path} is too large: {part.filename} spans {area.rows} rows and {area.columns} columns",
            hint="Copy the cells that you need into a new workbook.",
        )


def _look(archive: zipfile.ZipFile, part: zipfile.ZipInfo, area: _Area) -> int:
    """Measure a part with an area, and return its size; a longer part than declared has one byte more than declared."""
    # A part may be longer than declared: zipfile stops at the declared size, but the parser at the end of the stream.
    longer = copy.copy(part)
    longer.file_size += 1
    size = 0
    with archive.open(longer) as unpacked:
        while block := unpacked.read(_BLOCK):
            size += len(block)
            area.see(block)
    return size


class _Area:
    """The rectangle of a sheet, as far as it was read.

    Checking each cell takes as long as parsing it. If all cells are written in the usual way, and none is beyond column
    Z or row 999,999, the rectangle is small enough, and only the rows need a check.
    """

    def __init__(self, *, is_exact: bool) -> None:
        self.rows, self.columns, self.texts = 0, 26, 0
        self.is_usual = True
        self._is_exact = is_exact
        self._row, self._cells = 0, 0  # of the row that continues in the next block: its number, and its cells so far
        self._rest = b""

    def see(self, block: bytes) -> None:
        """Check the complete tags of a block, and keep an incomplete tag for the next block."""
        if not self._rest and block.startswith(_WIDE):
            raise ValueError("a part in UTF-16")  # the patterns would not find tags in UTF-16
        block = self._rest + block
        end = block.rfind(b"<")
        end = len(block) if end < 0 or b">" in block[end:] else end
        whole, self._rest = block[:end], block[end:]
        if len(self._rest) > _BLOCK:
            raise ValueError("a tag without an end")
        self.texts += whole.count(b"<si")
        if self._is_exact:
            self._see_each(whole)
        elif _UNUSUAL.search(whole) or _PREFIXED.search(whole):
            self.is_usual = False
        else:
            self.rows = max(self.rows, max(map(int, _ROW.findall(whole)), default=0))

    def _see_each(self, whole: bytes) -> None:
        for letters, row in set(_CELL.findall(whole)):
            self.rows = max(self.rows, int(row))
            self.columns = max(self.columns, _column_number(letters))
        for place, some in enumerate(_ROW_START.split(whole)):  # cells without a position follow each other in a row
            if place:
                found = _ROW_NUMBER.match(some)
                self._row, self._cells = int(found[1]) if found else self._row + 1, 0
            self._cells += len(_CELL_START.findall(some))
            if self._cells:
                self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._cells)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
