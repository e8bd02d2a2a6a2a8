"""The rows of a sheet as XML, written into the workbook that xlsxwriter made.

xlsxwriter makes the whole workbook, with one template row on each sheet; this module repeats that row. Its own way of
writing rows either keeps all cells in memory, or (``constant_memory``) writes texts into the cells, which Apple Numbers
and iOS show as blank; and it takes 6 µs a cell, of 100,000 customers 10 seconds. Here a text is written once, into the
table of shared texts, and a cell takes 1.5 µs.
"""

from __future__ import annotations

import re
import zipfile
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wizframe.excel.sheet import Sheet

__all__ = ["fill_in"]

_AT_ONCE = 2_000  # rows
_SHARED = "xl/sharedStrings.xml"
#: From this many on, a new text is written into its cell: what is remembered stays bounded.
_MOST_SHARED = 1_000_000
#: What XML cannot hold, or changes, is written ``_xHHHH_``; so is the beginning of a text that looks like that.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_x")


def fill_in(shell: IO[bytes], target: IO[bytes], sheets: Mapping[str, Sheet], seen: Callable[[int], None]) -> None:
    """Copy a workbook, with rows in place of the template rows.

    Parameters
    ----------
    shell : binary file
        A workbook; on the sheets to fill, row 2 has one blank cell for each column, with its format.
    target : binary file
    sheets : mapping
        The name of a part of the workbook to the sheet that it holds.
    seen : callable
        Is told the number of rows done.
    """
    with zipfile.ZipFile(shell) as made, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as out:
        texts = _Texts(made.read(_SHARED).decode())
        done = 0
        for part in made.infolist():
            if part.filename in sheets:
                with out.open(part.filename, "w", force_zip64=True) as file:
                    for rows, xml in _sheet(made.read(part).decode(), sheets[part.filename], texts):
                        file.write(xml.encode())
                        done += rows
                        seen(done)
            elif part.filename != _SHARED:
                out.writestr(part, made.read(part), zipfile.ZIP_DEFLATED)
        with out.open(_SHARED, "w", force_zip64=True) as file:
            for xml in texts.xml():
                file.write(xml.encode())


def _sheet(template: str, sheet: Sheet, texts: _Texts) -> Iterator[tuple[int, str]]:
    """Write a sheet, some rows at a time, with their number."""
    before, row, after = re.split(r'(<row r="2".*?</row>)', template, maxsplit=1, flags=re.DOTALL)
    styles = re.findall(r'<c r="([A-Z]+)2" s="(\d+)"/>', row)
    last = f"{styles[-1][0]}{max(sheet.height + 1, 2)}"
    yield 0, re.sub(r'<dimension ref="[^"]*"/>', f'<dimension ref="A1:{last}"/>', before, count=1)
    for start in range(0, sheet.height, _AT_ONCE):
        numbers = range(start + 2, min(start + _AT_ONCE, sheet.height) + 2)
        cells = [column.cells(start, start + _AT_ONCE) for column in sheet.columns]
        yield len(numbers), _lines(numbers, styles, cells, texts)
    yield 0, after


def _lines(numbers: range, styles: Sequence[tuple[str, str]], cells: Sequence[list[Any]], texts: _Texts) -> str:
    columns = [
        [_cell(value, f'<c r="{letter}{row}" s="{style}"', texts) for row, value in zip(numbers, some, strict=True)]
        for (letter, style), some in zip(styles, cells, strict=True)
    ]
    return "".join(
        [f'<row r="{number}">{"".join(line)}</row>' for number, *line in zip(numbers, *columns, strict=True)]
    )


def _cell(value: Any, head: str, texts: _Texts) -> str:
    if value is None:
        return ""  # the column's own format shows
    if isinstance(value, str):
        number = texts.number(value)
        if number is None:
            return f'{head} t="inlineStr"><is><t xml:space="preserve">{_escaped(value)}</t></is></c>'
        return f'{head} t="s"><v>{number}</v></c>'
    if isinstance(value, bool):
        return f'{head} t="b"><v>{value:d}</v></c>'
    return f"{head}><v>{value!r}</v></c>"


class _Texts:
    """The table of shared texts: those that xlsxwriter wrote, and those of the rows."""

    def __init__(self, made: str) -> None:
        self._made = made.rpartition("</sst>")[0]
        self._known = self._made.count("<si>")
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int | None:
        """Give a text's place in the table; None where it is full."""
        number = self._numbers.get(text)
        if number is None and len(self._numbers) < _MOST_SHARED:
            number = self._numbers[text] = self._known + len(self._numbers)
        return number

    def xml(self) -> Iterator[str]:
        """Write the table."""
        head = re.sub(r' (?:count|uniqueCount)="\d+"', "", self._made, count=2)
        yield head
        several: list[str] = []
        for text in self._numbers:
            several.append(f'<si><t xml:space="preserve">{_escaped(text)}</t></si>')
            if len(several) == _AT_ONCE:
                yield "".join(several)
                several.clear()
        yield "".join(several) + "</sst>"


def _escaped(text: str) -> str:
    if not _SPECIAL.search(text):
        return text
    return escape(_ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text))
