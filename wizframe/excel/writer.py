"""Write frames as a workbook: beside its name, then renamed, so that there is never half a file."""

from __future__ import annotations

import codecs
import dataclasses
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from wizframe.errors import InvalidRequestError
from wizframe.excel.baseline_sheet import pack, prepare
from wizframe.excel.csv import escape, write_rows
from wizframe.excel.dates import find_zone
from wizframe.excel.layout import COMMAND_HEADER, csv_columns, sheet_columns
from wizframe.excel.rows import fill_in
from wizframe.excel.sheet import Sheet, make_shell
from wizframe.planning.changes import COMMAND
from wizframe.progress import bar

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

__all__ = ["check_name", "replacing", "write_csv", "write_workbook"]

_MOST_ROWS = 1_048_575  # a sheet's, without the header


def write_workbook(
    frames: Sequence[tuple[pd.DataFrame, str | None]],
    path: str | os.PathLike[str],
    *,
    labels: Mapping[str, str],
    zone: str,
    protect: bool,
    progress: bool,
) -> None:
    """Write frames as the sheets of one workbook; see :func:`wizframe.to_excel`.

    Parameters
    ----------
    frames : sequence of (DataFrame, str or None)
        Each with its table, where the caller says.
    path, labels, zone, protect, progress
        As in :func:`wizframe.to_excel`.
    """
    sheets = [_sheet(frame, table, labels, zone) for frame, table in frames]
    _check(sheets, path, labels)
    shell, parts = make_shell(sheets, pack([sheet.sent for sheet in sheets]), protect=protect)
    total = sum(sheet.height for sheet in sheets)
    with bar("rows", enabled=progress, total=total) as show, replacing(path) as target:
        fill_in(shell, target, dict(zip(parts, sheets, strict=True)), lambda done: show(done, None))


def _sheet(frame: pd.DataFrame, table: str | None, labels: Mapping[str, str], zone: str) -> Sheet:
    sent = prepare(frame, table)
    columns = sheet_columns(frame, sent, labels, find_zone(zone))
    headers = {column.name: column.header for column in columns}
    return Sheet(dataclasses.replace(sent, sheet=sent.table.name.capitalize(), zone=zone, headers=headers), columns)


def _check(sheets: Sequence[Sheet], path: str | os.PathLike[str], labels: Mapping[str, str]) -> None:
    check_name(path)
    if len({sheet.name for sheet in sheets}) < len(sheets):
        raise InvalidRequestError(f"both frames hold {sheets[0].sent.table.name}: give customers, and contacts=")
    for sheet in sheets:
        if sheet.height > _MOST_ROWS:
            raise InvalidRequestError(
                f"{sheet.height} rows do not fit into a sheet, which has {_MOST_ROWS}: write parts of the rows, or CSV"
            )
    _check_labels(labels, [column.name for sheet in sheets for column in sheet.columns])


def check_name(path: str | os.PathLike[str]) -> None:
    """Refuse a name that programs would not take for that of a workbook.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    InvalidRequestError
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise InvalidRequestError(f"{path}: the name of a workbook ends in .xlsx")


def _check_labels(labels: Mapping[str, str], names: Iterable[str]) -> None:
    if unknown := set(labels) - set(names):
        raise InvalidRequestError(f"labels: there is no column {min(unknown)!r}")
    if len(set(labels.values())) < len(labels):
        raise InvalidRequestError("labels: two columns would have the same header")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Write a file beside its name, and rename it when it is whole.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    binary file
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    try:
        with beside.open("wb") as file:
            yield file
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def write_csv(
    frame: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    table: str | None,
    labels: Mapping[str, str],
    delimiter: str,
    progress: bool,
) -> None:
    """Write a frame as CSV; see :func:`wizframe.to_csv`.

    Parameters
    ----------
    frame, path, table, labels, delimiter, progress
        As in :func:`wizframe.to_csv`.
    """
    if len(delimiter) != 1 or delimiter in "\"'\r\n":
        raise InvalidRequestError(f"delimiter={delimiter!r}: must be one character, such as ',' or ';'")
    sent = prepare(frame, table)
    columns = csv_columns(frame, sent)
    _check_labels(labels, columns)
    names = {name: COMMAND_HEADER if name == COMMAND else name for name in columns}
    # A spreadsheet would run a header that looks like a formula, too.
    headers = [escape(labels.get(name, shown)) for name, shown in names.items()]
    with bar("rows", enabled=progress, total=len(frame)) as show, replacing(path) as target:
        target.write(codecs.BOM_UTF8)  # without it Excel takes the file for Windows-1252
        for done, lines in write_rows(headers, [*columns.values()], delimiter):
            target.write(lines.encode())
            show(done, None)
