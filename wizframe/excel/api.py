"""The public functions for files: to Excel and CSV, and back with exactly the edits.

Nothing here knows the service: what a file says about an account is compared, never used.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import pandas as pd

from wizframe.excel.csv import write_csv
from wizframe.excel.reader import ReadOptions, read_delimited, read_workbook
from wizframe.excel.writer import write_workbook
from wizframe.frames.baselines import ATTRIBUTE

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from wizframe.excel.reader import Original, ValueMap

__all__ = ["Sheets", "read_csv", "read_excel", "to_csv", "to_excel"]

TableName = Literal["customers", "contacts"]


def _wrap_plain_exports() -> None:
    """Let pandas' own ``frame.to_excel()`` write loaded frames: it refuses times with a zone, so they become UTC."""
    original = pd.DataFrame.to_excel

    @functools.wraps(original)
    def to_excel(self: pd.DataFrame, *arguments: Any, **options: Any) -> None:
        if ATTRIBUTE in self.attrs:
            zoned = self.select_dtypes("datetimetz").columns
            self = self.assign(**{name: self[name].dt.tz_convert("UTC").dt.tz_localize(None) for name in zoned})
        original(self, *arguments, **options)

    pd.DataFrame.to_excel = to_excel  # type: ignore[misc, method-assign, assignment]


_wrap_plain_exports()


class Sheets(NamedTuple):
    """The two frames of one workbook: ``customers, contacts = wizframe.read_excel(…)``.

    Parameters
    ----------
    customers, contacts : DataFrame
    """

    customers: pd.DataFrame
    contacts: pd.DataFrame


def to_excel(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    contacts: pd.DataFrame | None = None,
    table: TableName | None = None,
    labels: Mapping[str, str] | None = None,
    zone: str = "UTC",
    protect: bool = False,
    progress: bool = True,
) -> None:
    """Write a workbook for somebody to edit; :func:`read_excel` finds exactly the edits.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts, filtered, sorted or edited as you like. Only its rows and columns get into the file.
    path : path-like
        Ends in ``.xlsx``. Replaced as a whole, or not at all.
    contacts : DataFrame, optional
        Contacts, as a second sheet beside customers.
    table : {'customers', 'contacts'}, optional
        Where neither the load nor the columns tell.
    labels : mapping, optional
        Column to header, in the language of who edits: ``{"payment_term": "Zahlungsziel"}``. Reading reverses it.
    zone : str, default 'UTC'
        Times are shown as local times of this zone, such as ``'Europe/Berlin'``.
    protect : bool, default False
        Lock what is not to be changed. Excel can then filter, but not sort.
    progress : bool, default True
        Show a bar when it takes longer than a second.

    Raises
    ------
    InvalidRequestError
        Too many rows for a sheet, an unknown zone or label.
    MissingExtraError
        xlsxwriter is not installed.

    Notes
    -----
    Read-only columns are grey and refuse typing; columns with a ``*`` must be filled in new rows; a column ``Command``
    takes ``DELETE``. A hidden sheet remembers the exported cells as they were loaded, with account, address, filters
    and time, never the key. No cell is a formula or a link, whatever it says. A value that its column cannot hold, such
    as a number where a text belongs, is shown with a remark, and is a problem again when it is read.

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> wizframe.to_excel(customers, path / "customers.xlsx", labels={"payment_term": "Zahlungsziel"})
    """
    frames: list[tuple[pd.DataFrame, str | None]] = [(frame, table)]
    frames += [] if contacts is None else [(contacts, "contacts")]
    write_workbook(frames, path, labels=labels or {}, zone=zone, protect=protect, progress=progress)


@overload
def read_excel(
    path: str | os.PathLike[str],
    *,
    sheet: str,
    table: TableName | None = None,
    original: Original | None = None,
    rename: Mapping[str, str] | None = None,
    values: Mapping[str, ValueMap] | None = None,
    labels: Mapping[str, str] | None = None,
    progress: bool = True,
) -> pd.DataFrame: ...


@overload
def read_excel(
    path: str | os.PathLike[str],
    *,
    sheet: None = None,
    table: TableName | None = None,
    original: Original | None = None,
    rename: Mapping[str, str] | None = None,
    values: Mapping[str, ValueMap] | None = None,
    labels: Mapping[str, str] | None = None,
    progress: bool = True,
) -> pd.DataFrame | Sheets: ...


def read_excel(
    path: str | os.PathLike[str],
    *,
    sheet: str | None = None,
    table: TableName | None = None,
    original: Original | None = None,
    rename: Mapping[str, str] | None = None,
    values: Mapping[str, ValueMap] | None = None,
    labels: Mapping[str, str] | None = None,
    progress: bool = True,
) -> pd.DataFrame | Sheets:
    """Read a workbook: one that :func:`to_excel` wrote and somebody edited, or any other.

    Parameters
    ----------
    path : path-like
    sheet : str, optional
        Read only this sheet.
    table : {'customers', 'contacts'}, optional
        Read only this table; of another program's workbook, what its rows are.
    original : path-like, DataFrame or both DataFrames, optional
        The workbook as it was sent, or the frame it was made of, where the hidden sheet got lost.
    rename : mapping, optional
        Header to column, for other programs' files: ``{"KUNNR": "reference_id"}``.
    values : mapping, optional
        Column to how its cells are translated: a mapping of texts, ``{"payment_term": {"ZB30": "net30"}}``, in which
        every text must occur, or a function of the cell.
    labels : mapping, optional
        As it was given to :func:`to_excel`, where the hidden sheet got lost.
    progress : bool, default True
        As for :func:`to_excel`.

    Returns
    -------
    DataFrame, or Sheets
        A workbook of customers and contacts gives both, ``customers, contacts = read_excel(…)``; one of a single table
        gives its frame. Columns in the order of the sheet, in their fields' dtypes; a column with a cell that does not
        fit holds objects. Labels are the sheet's row numbers. What nobody touched is the exported value, whatever the
        program made of it; the baseline is attached, so that ``.wiz.plan()`` plans exactly the edits.

    Raises
    ------
    UnreadableFileError
        It is damaged, encrypted, holds macros, is of another kind, or too large to be safe.
    AmbiguousTableError
        Nothing tells which sheet is meant.
    InvalidDataError, InvalidRequestError
        A column stands twice; a name is not there.
    MissingExtraError
        python-calamine is not installed.

    Warns
    -----
    InvalidDataWarning
        Cells that may mean several things, each by its place, such as ``Customers!F12``. Planning reports them.
    LostBaselineWarning
        The hidden sheet got lost.

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> wizframe.to_excel(customers, path / "customers.xlsx")
    >>> len(wizframe.read_excel(path / "customers.xlsx").wiz.plan())
    0
    """
    options = ReadOptions(table, rename or {}, labels or {}, values or {}, progress)
    frames = list(read_workbook(path, sheet=sheet, original=original, options=options).values())
    return frames[0] if len(frames) == 1 else Sheets(*frames)


def to_csv(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    table: TableName | None = None,
    labels: Mapping[str, str] | None = None,
    delimiter: str = ",",
    progress: bool = True,
) -> None:
    """Write a frame as CSV that a spreadsheet leaves as it is; :func:`read_csv` gives the same frame back.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts.
    path : path-like
        Replaced as a whole, or not at all.
    table, labels, progress
        As for :func:`to_excel`.
    delimiter : str, default ','
        ``';'`` for Excel in languages with a decimal comma.

    Raises
    ------
    InvalidRequestError
        As for :func:`to_excel`.

    Notes
    -----
    UTF-8 with a byte order mark. A text that a spreadsheet would take for a formula, a number, a date or a truth value,
    in any of many languages, begins with an apostrophe, which :func:`read_csv` takes away. Times are UTC in ISO 8601.

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> wizframe.to_csv(customers, path / "customers.csv", delimiter=";")
    """
    write_csv(frame, path, table=table, labels=labels or {}, delimiter=delimiter, progress=progress)


def read_csv(
    path: str | os.PathLike[str],
    *,
    table: TableName | None = None,
    original: Original | None = None,
    rename: Mapping[str, str] | None = None,
    values: Mapping[str, ValueMap] | None = None,
    labels: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Read a CSV file, whatever wrote it.

    Parameters
    ----------
    path : path-like
    table, rename, values, labels
        As for :func:`read_excel`.
    original : path-like or DataFrame, optional
        The file as it was sent, or the frame it was made of: CSV has no hidden sheet. What differs from it is an edit.
        Without it, rows are compared with the load that shows them, where this session has it, else with the service's
        records.
    delimiter : str, optional
        By default found out from the header: comma, semicolon, tab or bar.
    encoding : str, optional
        By default UTF-8, or UTF-16 with a byte order mark; others must be named, such as ``'cp1252'``.
    progress : bool, default True
        As for :func:`to_excel`.

    Returns
    -------
    DataFrame
        Columns in the order of the file, in their fields' dtypes; others as text. Labels are row numbers.

    Raises
    ------
    UnreadableFileError
        It is in another encoding, or its quotes or delimiters do not match.
    InvalidDataError, InvalidRequestError
        A column stands twice; a name is not there.

    Warns
    -----
    InvalidDataWarning
        As for :func:`read_excel`.

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> wizframe.to_csv(customers, path / "customers.csv")
    >>> wizframe.read_csv(path / "customers.csv").reset_index(drop=True).equals(customers)
    True
    """
    options = ReadOptions(table, rename or {}, labels or {}, values or {}, progress)
    return read_delimited(path, original=original, options=options, delimiter=delimiter, encoding=encoding)
