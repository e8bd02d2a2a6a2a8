"""Open a workbook from anywhere: look at what it claims, and at what it really holds, before it is parsed.

An xlsx file is a ZIP of XML, and the parser believes it: a file of a few kilobytes may unpack to many gigabytes, or put
a single cell into the last row of the last column, for which it would make room for all the cells between.
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

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["Book", "library", "open_workbook", "read_bytes"]

MOST_BYTES = 200 << 20
_MOST_UNPACKED = 1 << 30
_MOST_RATIO, _SMALL = 100, 10 << 20  # how much smaller a large part may be than what it unpacks to
_MOST_PARTS = 2_000
_MOST_ROWS = 1_048_576  # Excel's own limit
_MOST_CELLS = 40_000_000  # of the rectangle that the parser makes room for, at 24 bytes each
_MOST_TEXTS = 20_000_000  # of the table of shared texts, the same
_BLOCK = 1 << 20

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_KINDS = {
    "application/vnd.ms-excel.sheet.macroEnabled": "holds macros, which are never opened",
    "application/vnd.ms-excel.template.macroEnabled": "holds macros, which are never opened",
    "application/vnd.ms-excel.sheet.binary": "is a binary workbook (.xlsb)",
}
_SAVE = "open it in Excel or LibreOffice and save it as an Excel workbook (.xlsx)"

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ROW = re.compile(rb"""row\s[^>]*?r\s*=\s*["'](\d{1,10})""")
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,4})(\d{1,10})["']""")
_ROW_START, _CELL_START = re.compile(rb"<(?:\w+:)?row(?=[\s/>])"), re.compile(rb"<(?:\w+:)?c[\s/>]")
_ROW_NUMBER = re.compile(rb"""[^>]*?\sr\s*=\s*["'](\d{1,10})""")
#: A cell that is not written in the usual way, or lies beyond column Z or row 999,999.
_UNUSUAL = re.compile(rb'<c(?! r="[A-Z]\d{1,6}"|[A-Za-z])')
_PREFIXED = re.compile(rb":c[\s/>]")


def library(name: str, package: str) -> Any:
    """Import a library of the extra ``excel``.

    Parameters
    ----------
    name : str
        Of the module.
    package : str
        As it is installed.

    Returns
    -------
    module

    Raises
    ------
    MissingExtraError
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(
            f"Excel workbooks need the library {package} (CSV needs nothing): {to_install('excel')}"
        ) from None


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a file, unless it is too large.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    bytes

    Raises
    ------
    UnreadableFileError
        It is larger than 200 MiB.
    """
    with Path(path).open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UnreadableFileError(f"{path} is larger than {MOST_BYTES >> 20} MiB: split it")
    return content


class Book:
    """A workbook that was looked at and opened.

    Parameters
    ----------
    path : path-like
    workbook : python_calamine.CalamineWorkbook

    Attributes
    ----------
    visible, hidden : list of str
        The names of its worksheets, in order.
    """

    def __init__(self, path: str | os.PathLike[str], workbook: Any) -> None:
        self.path = path
        self._workbook = workbook
        calamine = library("python_calamine", "python-calamine")
        sheets = [one for one in workbook.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
        self.visible = [one.name for one in sheets if one.visible == calamine.SheetVisibleEnum.Visible]
        self.hidden = [one.name for one in sheets if one.name not in self.visible]

    def rows(self, sheet: str) -> list[list[Any]]:
        """Read a sheet.

        Parameters
        ----------
        sheet : str

        Returns
        -------
        list of list
            From row 1 and column A, blank cells as ``""``; numbers are floats, times have no zone, the errors of
            formulas are :class:`wizframe.frames.build.Unsure`.

        Raises
        ------
        UnreadableFileError
        """
        with _telling(self.path):
            rows: list[list[Any]] = self._workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        return [with_errors_marked(row) for row in rows]


def open_workbook(path: str | os.PathLike[str]) -> Book:
    """Open a workbook that is safe to read.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Book

    Raises
    ------
    UnreadableFileError
        It is damaged, encrypted, holds macros, is of another kind, or too large.
    MissingExtraError
    """
    calamine = library("python_calamine", "python-calamine")
    content = read_bytes(path)
    _check_kind(path, content)
    with _telling(path):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(path, archive, len(content))
            for part in archive.infolist():
                _check_content(path, archive, part)
        workbook = calamine.load_workbook(io.BytesIO(content))
    return Book(path, workbook)


@contextlib.contextmanager
def _telling(path: str | os.PathLike[str]) -> Iterator[None]:
    """Say in one sentence what the libraries say in many ways of a damaged file."""
    try:
        yield
    except UnreadableFileError:
        raise
    except (Exception, BaseException) as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UnreadableFileError(f"{path} is damaged ({error}): ask for it again, or {_SAVE}") from None


def _check_kind(path: str | os.PathLike[str], content: bytes) -> None:
    """Refuse what is no ZIP, with a word about what it is instead."""
    if content.startswith(_OLD_OFFICE):
        if _ENCRYPTED in content:
            raise UnreadableFileError(f"{path} is encrypted: open it with its password and save it without one")
        raise UnreadableFileError(f"{path} is a workbook of the old kind (.xls): {_SAVE}")
    if not content.startswith(b"PK"):
        is_binary = b"\x00" in content[:4096] or not content
        csv = Hint("wizframe.read_csv() reads CSV files", "let the name of a CSV file end in .csv")
        advice = _SAVE if is_binary else csv
        raise UnreadableFileError(f"{path} is no Excel workbook: {advice}")


def _check_parts(path: str | os.PathLike[str], archive: zipfile.ZipFile, size: int) -> None:
    """Look at the table of contents: nothing is unpacked yet."""
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        _refuse_other_kind(path, names)
    if len(names) < len(parts) or len(parts) > _MOST_PARTS:
        raise UnreadableFileError(f"{path} is no ordinary workbook: it has {len(parts)} parts, {len(names)} names")
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFileError(f"{path} is encrypted: open it with its password and save it without one")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MOST_UNPACKED or unpacked > max(_MOST_RATIO * size, _SMALL):
        raise UnreadableFileError(f"{path} is not opened: its {size} bytes unpack to {unpacked}, which may be a trap")
    for part in parts:
        if part.file_size > max(_MOST_RATIO * part.compress_size, _SMALL):
            raise UnreadableFileError(
                f"{path} is not opened: {part.filename} unpacks from {part.compress_size} bytes to {part.file_size}, "
                "which may be a trap"
            )
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UnreadableFileError(f"{path} holds macros, which are never opened: {_SAVE}")
    types = archive.read("[Content_Types].xml").decode("utf-8", "replace") if "[Content_Types].xml" in names else ""
    for kind, word in _KINDS.items():
        if kind in types:
            raise UnreadableFileError(f"{path} {word}: {_SAVE}")


def _refuse_other_kind(path: str | os.PathLike[str], names: set[str]) -> None:
    if "xl/workbook.bin" in names:
        raise UnreadableFileError(f"{path} is a binary workbook (.xlsb): {_SAVE}")
    if "content.xml" in names:
        raise UnreadableFileError(f"{path} is an OpenDocument file (.ods): {_SAVE}")
    if any(name.startswith("Index/") for name in names):
        raise UnreadableFileError(f"{path} is a Numbers document: export it as an Excel workbook (.xlsx)")
    raise UnreadableFileError(f"{path} is no Excel workbook: {_SAVE}")


def _check_content(path: str | os.PathLike[str], archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Unpack a part block by block: it must not be longer than it says, and a sheet must not be sparse and vast.

    Any part may be a sheet, whatever its name: the workbook's list of relations says which are.
    """
    area = _Area(is_exact=False)
    size = _look(archive, part, area)
    if size != part.file_size:
        raise UnreadableFileError(f"{path} is not opened: {part.filename} is not as long as it says")
    if not area.is_usual:
        area = _Area(is_exact=True)
        _look(archive, part, area)
    if area.texts > _MOST_TEXTS:
        raise UnreadableFileError(f"{path} is not opened: {part.filename} has {area.texts} texts, which may be a trap")
    if area.rows > _MOST_ROWS or area.rows * area.columns > _MOST_CELLS:
        raise UnreadableFileError(
            f"{path} is not opened: {part.filename} spans {area.rows} rows and {area.columns} columns. Copy what is "
            "needed into a new workbook"
        )


def _look(archive: zipfile.ZipFile, part: zipfile.ZipInfo, area: _Area) -> int:
    """Show a part to an area; return its size, or one more where it is longer than it says."""
    longer = copy.copy(part)
    longer.file_size += 1  # zipfile stops at the size that is claimed, the parser at the end of the stream
    size = 0
    with archive.open(longer) as unpacked:
        while block := unpacked.read(_BLOCK):
            size += len(block)
            area.see(block)
    return size


class _Area:
    """The rectangle of a sheet, as far as it was seen.

    Looking at each cell takes as long as parsing them. Where all are written in the usual way, and none lies beyond
    column Z or row 999,999, the rectangle is small enough, whatever they say.
    """

    def __init__(self, *, is_exact: bool) -> None:
        self.rows, self.columns, self.texts = 0, 26, 0
        self.is_usual = True
        self._is_exact = is_exact
        self._row, self._cells = 0, 0  # of the row that goes on in the next block: its number, its cells so far
        self._rest = b""

    def see(self, block: bytes) -> None:
        """Look at the tags of a block that are whole, and keep the unfinished one for the next."""
        if not self._rest and block.startswith(_WIDE):
            raise ValueError("a part in UTF-16")  # in which these tags could hide
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
        for place, some in enumerate(_ROW_START.split(whole)):  # cells that don't say where they are stand in a row
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
