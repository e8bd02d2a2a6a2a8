"""The cells of a sheet or a CSV file with their places, and the columns that their headers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizframe.errors import InvalidDataError
from wizframe.excel.cells import is_empty
from wizframe.excel.layout import plain_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["HeaderNames", "SheetData", "find_header", "letters"]

_HEADER_WITHIN = 20  # rows, because people may write a title above the header


@dataclass(frozen=True)
class SheetData:
    """The data of one sheet, without blank rows."""

    sheet: str
    headers: list[Any]  # one for each column
    columns: list[Sequence[Any]]  # the cells as they were read
    rows: list[int]  # their row numbers in the sheet

    @classmethod
    def below(cls, sheet: str, rows: Sequence[Sequence[Any]], header: int) -> SheetData:
        """Use the rows below a header, which is counted from 0. All rows have the same length."""
        kept = [number for number in range(header + 1, len(rows)) if not _is_blank(rows[number])]
        columns: list[Sequence[Any]] = list(zip(*[rows[number] for number in kept], strict=True))
        columns = columns or [() for _ in rows[header]]
        return cls(sheet, list(rows[header]), columns, [number + 1 for number in kept])

    def check(self, columns: Sequence[str | None]) -> None:
        """Reject two headers that mean the same column."""
        places: dict[str, int] = {}
        for place, name in enumerate(columns):
            if name is None:
                continue
            other = places.setdefault(name, place)
            if other != place:
                raise InvalidDataError(
                    f"{self.sheet}!{letters(other)} and {self.sheet}!{letters(place)} both mean the column {name!r}",
                    hint="Rename or remove one of them.",
                )


def _is_blank(row: Sequence[Any]) -> bool:
    return not any(cell != "" and not is_empty(cell) for cell in row)


def letters(place: int) -> str:
    """Return the name of a column, counted from 0, as spreadsheets do: ``A`` to ``Z``, then ``AA``."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


class HeaderNames:
    """The columns that headers mean. A header matches exactly, or apart from case, spaces and marks.

    ``exact`` maps headers to columns, with the columns that users added. ``known`` are the table's columns. ``rename``
    is the caller's mapping from headers to columns, and takes precedence.
    """

    def __init__(self, exact: Mapping[str, str], known: Iterable[str], rename: Mapping[str, str]) -> None:
        self._exact = {**exact, **rename}
        self._plain = {plain_header(name): name for name in known}
        self._plain |= {plain_header(header): name for header, name in exact.items()}
        self._plain |= {plain_header(header): name for header, name in rename.items()}

    def columns(self, headers: Sequence[Any]) -> list[str | None]:
        """Return the column that each header means; None for an unknown header."""
        texts = [str(header).strip() for header in headers]
        found = [self._exact.get(text) for text in texts]
        taken = {name for name in found if name}
        for place, text in enumerate(texts):
            name = self._plain.get(plain_header(text))
            if found[place] is None and text and name not in taken:
                found[place] = name
        return found


def find_header(rows: Sequence[Sequence[Any]], names: HeaderNames) -> tuple[int, int]:
    """Return the row with the most known headers, counted from 0, and how many it has.

    If no header is known, this is the first row that is not blank.
    """
    first = [number for number in range(min(len(rows), _HEADER_WITHIN)) if not _is_blank(rows[number])]
    scores = {number: sum(name is not None for name in set(names.columns(rows[number]))) for number in first}
    best = max(scores.values(), default=0)
    return next((number for number in first if scores[number] == best), 0), best
