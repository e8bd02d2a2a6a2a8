"""The public functions for files: write Excel and CSV, and read them back with exactly the user's edits.

This module does not use the service. What a file says about its account is compared, but never used for a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, overload

from wizframe.arguments import FLAG, FRAME, MAPPING, PATH, TEXT, VALUES, Kind, checked, or_none
from wizframe.excel.csv import write_csv
from wizframe.excel.reader import ReadOptions, read_delimited, read_workbook
from wizframe.excel.writer import write_workbook

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import pandas as pd

    from wizframe.excel.reader import Original, ValueMap

__all__ = ["Sheets", "read_csv", "read_excel", "to_csv", "to_excel"]

TableName = Literal["customers", "contacts"]


class Sheets(NamedTuple):
    """The two frames of one workbook: ``customers, contacts = wizframe.read_excel(…)``.

    Parameters
    ----------
    customers, contacts : DataFrame
    """

    customers: pd.DataFrame
    contacts: pd.DataFrame


def _is_original(value: object) -> bool:
    many = value if isinstance(value, (list, tuple)) else [value]
    return bool(many) and (PATH.fits(value) or all(map(FRAME.fits, many)))


_DELIMITER = Kind(
    "one character, such as ',' or ';'",
    lambda value: TEXT.fits(value) and len(value) == 1 and value not in "\"'\r\n",
)
_ORIGINAL = Kind("the path of the file as it was exported, the frame, or a list of both frames", _is_original)
_WRITING = {"table": or_none(TEXT), "frame": FRAME, "path": PATH, "labels": or_none(MAPPING), "progress": FLAG}
_READING = {
    "table": or_none(TEXT),
    "original": or_none(_ORIGINAL),
    "path": PATH,
    "rename": or_none(MAPPING),
    "values": or_none(VALUES),
    "labels": or_none(MAPPING),
    "progress": FLAG,
}


@checked(**_WRITING, contacts=or_none(FRAME), zone=TEXT, protect=FLAG)
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
    """Write a workbook for a colleague to edit; :func:`read_excel` finds exactly the edits.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts, filtered, sorted or edited as you like. The file contains only its rows and columns.
    path : path-like
        Ends in ``.xlsx``. An existing file is replaced as a whole, or not at all.
    contacts : DataFrame, optional
        Contacts to write to a second sheet next to the customers.
    table : {'customers', 'contacts'}, optional
        The table of the rows, if neither the load nor the columns show it.
    labels : mapping, optional
        Column to header, in the language of the colleague: ``{"payment_term": "Zahlungsziel"}``. :func:`read_excel`
        translates the headers back.
        The time zone for times, such as ``'Europe/Berlin'``.
    protect : bool, default False
        Lock the cells that must not be changed. Excel can then filter, but not sort.
    progress : bool, default True
        Whether to show a progress bar if the work takes longer than a second.

    Raises
    ------
    InvalidRequestError
        There are too many rows for a sheet, or a zone or label is unknown.
    MissingExtraError
        xlsxwriter is not installed.

    Notes
    -----
    Read-only columns are grey and reject typing. Columns with a ``*`` are required in new rows. ``DELETE`` in the
    column ``Command`` deletes the record of a row. A hidden sheet contains the exported cells as they were loaded,
    with account, address, filters and time, but never the key. No cell is a formula or a link. A value that is not
    valid for its column, such as a number in a text column, is shown with a remark, and reading it reports a problem
    again. In a file of more than 200,000 rows, Apple Numbers shows the strings as blank cells.

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


@checked(**_READING, sheet=or_none(TEXT))
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
    """Read a workbook: one that :func:`to_excel` wrote and a colleague edited, or any other.

    Parameters
    ----------
    path : path-like
    sheet : str, optional
        Read only this sheet.
    table : {'customers', 'contacts'}, optional
        Read only this table. For a workbook of another program: the table of its rows.
    original : path-like, DataFrame or both DataFrames, optional
        The workbook as it was sent, or the exported frame. Needed if the hidden sheet was lost.
    rename : mapping, optional
        Header to column, for files of other programs: ``{"KUNNR": "reference_id"}``.
    values : mapping, optional
        Column to the meaning of its cells. The meaning is a mapping that contains every string of the column, such as
        ``{"payment_term": {"ZB30": "net30"}}``, or a function that is called with each cell.
    labels : mapping, optional
        The labels that were passed to :func:`to_excel`. Needed if the hidden sheet was lost.
    progress : bool, default True
        As for :func:`to_excel`.

    Returns
    -------
    DataFrame, or Sheets
        For a workbook of one table, its frame. For a workbook of customers and contacts, both frames:
        ``customers, contacts = read_excel(…)``. The columns are in the order of the sheet and have the dtypes of their
        fields; a column with an invalid cell has the dtype object. The index labels are the row numbers of the sheet. A
        cell that was not edited has exactly the exported value, even if a program stored it in another form. The frame
        has its baseline, so ``.wiz.plan()`` plans exactly the edits.

    Raises
    ------
    UnreadableFileError
        The file is damaged, encrypted, of another kind, or too large to be safe, or it contains macros.
    AmbiguousTableError
        The file does not show which sheet to read.
    InvalidDataError, InvalidRequestError
        Two headers mean the same column, or the file lacks a given sheet or column.
    MissingExtraError
        python-calamine is not installed.

    Warns
    -----
    InvalidDataWarning
        Some cells are ambiguous. The warning lists them with their places, such as ``Customers!F12``. Planning reports
        them, too.
    LostBaselineWarning
        The hidden sheet was lost.

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


@checked(**_WRITING, delimiter=_DELIMITER)
def to_csv(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    table: TableName | None = None,
    labels: Mapping[str, str] | None = None,
    delimiter: str = ",",
    progress: bool = True,
) -> None:
    """Write a frame as CSV that a spreadsheet does not change; :func:`read_csv` returns the same frame.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts.
    path : path-like
        An existing file is replaced as a whole, or not at all.
    table, labels, progress
        As for :func:`to_excel`.
    delimiter : str, default ','
        Use ``';'`` for Excel in languages with a decimal comma.

    Raises
    ------
    InvalidRequestError
        A label is unknown, or the delimiter is not one character.

    Notes
    -----
    The file is UTF-8 with a byte order mark. Some strings look like a formula, a number, a date or a boolean to a
    spreadsheet in one of many languages. They are written with an apostrophe before them, and :func:`read_csv` removes
    it. Times are in UTC and ISO 8601.

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> wizframe.to_csv(customers, path / "customers.csv", delimiter=";")
    """
    write_csv(frame, path, table=table, labels=labels or {}, delimiter=delimiter, progress=progress)


@checked(**_READING, delimiter=or_none(_DELIMITER), encoding=or_none(TEXT))
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
    """Read a CSV file of any program.

    Parameters
    ----------
    path : path-like
    table, rename, values, labels
        As for :func:`read_excel`.
    original : path-like or DataFrame, optional
        The file as it was sent, or the exported frame, because CSV has no hidden sheet. A cell that differs from this
        original is an edit. Without an original, a row is compared with its values in a load of this session, or with
        the service's record if no load has the row.
    delimiter : str, optional
        By default, the header decides: comma, semicolon, tab or vertical bar.
    encoding : str, optional
        By default UTF-8, or UTF-16 with a byte order mark. Pass the name of any other encoding, such as ``'cp1252'``.
    progress : bool, default True
        As for :func:`to_excel`.

    Returns
    -------
    DataFrame
        The columns are in the order of the file and have the dtypes of their fields. Other columns contain text. The
        index labels are row numbers.

    Raises
    ------
    UnreadableFileError
        The file is in another encoding, or its quotes or delimiters do not match.
    InvalidDataError, InvalidRequestError
        Two headers mean the same column, or the file lacks a given column.

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
