"""The cells of a sheet or a CSV file with their places, and which column each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizframe.errors import InvalidDataError
from wizframe.excel.cells import is_empty
from wizframe.excel.layout import plain_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Grid", "Names", "find_header", "letters"]

_HEADER_WITHIN = 20  # rows: people put a title above


@dataclass(frozen=True)
class Grid:
    """The data of one sheet.

    Parameters
    ----------
    sheet : str
    headers : list
        One for each column.
    columns : list of sequence
        The cells as they were read, without rows that are blank.
    rows : list of int
        Their row numbers in the sheet.
    """

    sheet: str
    headers: list[Any]
    columns: list[Sequence[Any]]
    rows: list[int]

    @classmethod
    def of(cls, sheet: str, rows: Sequence[Sequence[Any]], header: int) -> Grid:
        """Take the rows below a header.

        Parameters
        ----------
        sheet : str
        rows : sequence of sequence
            All of them, each as long as the others.
        header : int
            Which of them is the header, counted from 0.

        Returns
        -------
        Grid
        """
        kept = [number for number in range(header + 1, len(rows)) if not _is_blank(rows[number])]
        columns: list[Sequence[Any]] = list(zip(*[rows[number] for number in kept], strict=True))
        columns = columns or [() for _ in rows[header]]
        return cls(sheet, list(rows[header]), columns, [number + 1 for number in kept])


def _is_blank(row: Sequence[Any]) -> bool:
    return not any(cell != "" and not is_empty(cell) for cell in row)


def letters(place: int) -> str:
    """Name a column as spreadsheets do.

    Parameters
    ----------
    place : int
        Counted from 0.

    Returns
    -------
    str
        ``A`` to ``Z``, ``AA`` …
    """
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


class Names:
    """What headers mean: first exactly, then whatever their case, spaces and marks.

    Parameters
    ----------
    exact : mapping
        Header to column, the user's own columns included.
    known : iterable of str
        The columns of the table, or of both.
    rename : mapping
        Header to column, as the caller says; it comes first.
    """

    def __init__(self, exact: Mapping[str, str], known: Iterable[str], rename: Mapping[str, str]) -> None:
        self._rename = dict(rename)
        self._exact = dict(exact)
        self._plain = {plain_header(name): name for name in known}
        self._plain |= {plain_header(header): name for header, name in exact.items()}
        self._plain |= {plain_header(header): name for header, name in rename.items()}

    def columns(self, headers: Sequence[Any]) -> list[str | None]:
        """Tell which column each header means.

        Parameters
        ----------
        headers : sequence
            As they were read.

        Returns
        -------
        list of str or None
            None where a header is no known column.
        """
        texts = [str(header).strip() for header in headers]
        found = [self._rename.get(text) or self._exact.get(text) for text in texts]
        taken = {name for name in found if name}
        for place, text in enumerate(texts):
            name = self._plain.get(plain_header(text))
            if found[place] is None and text and name not in taken:
                found[place] = name
        return found

    def check(self, grid: Grid) -> None:
        """Refuse columns that stand twice.

        Parameters
        ----------
        grid : Grid

        Raises
        ------
        InvalidDataError
        """
        places: dict[str, int] = {}
        for place, name in enumerate(self.columns(grid.headers)):
            if name is None:
                continue
            other = places.setdefault(name, place)
            if other != place:
                raise InvalidDataError(
                    f"{grid.sheet}!{letters(other)} and {grid.sheet}!{letters(place)} are both the column {name!r}: "
                    "rename or remove one of them"
                )


def find_header(rows: Sequence[Sequence[Any]], names: Names) -> tuple[int, int]:
    """Find the row of headers: that with the most known ones among the first.

    Parameters
    ----------
    rows : sequence of sequence
    names : Names

    Returns
    -------
    int
        The row, counted from 0; the first that is not blank where no header is known.
    int
        How many headers are known.
    """
    first = [number for number in range(min(len(rows), _HEADER_WITHIN)) if not _is_blank(rows[number])]
    scores = {number: sum(name is not None for name in set(names.columns(rows[number]))) for number in first}
    best = max(scores.values(), default=0)
    return next((number for number in first if scores[number] == best), 0), best
