"""The output of a command: text, tables, JSON, and messages on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from wizframe.errors import (
    WizframeError,
)
from wizframe.frames.build import is_blank
from wizframe.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

__all__ = [
    "colored",
    "colored_by_sign",
    "complain",
    "print_json",
    "print_pairs",
    "print_rows",
    "print_table",
    "print_text",
    "program_name",
    "sentence",
    "takes_color",
    "typed_path",
]

#: The version of the JSON format, for programs that read it.
_FORMAT = 1
#: The width of an output that is not a terminal, so that no value is cut: programs need whole values.
_UNLIMITED_WIDTH = 1_000_000
#: The least width of a column in a narrow terminal, so that its header and values can still be recognized.
_LEAST_WIDTH = 6
# The spaces between two columns of a table.
_GAP = 2

_STYLES: dict[str, dict[str, Any]] = {
    "title": {"fg": "cyan", "bold": True},
    "code": {"fg": "green"},
    "quiet": {"dim": True},
    "add": {"fg": "green"},
    "change": {"fg": "cyan", "bold": True},
    "warn": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
}
#: The first characters of the lines of a plan, a result or the doctor's report, and their styles.
_SIGNS = {
    "  + ": "add", "  ~ ": "change", "  - ": "bad", "  · ": "quiet", "  ! ": "warn", "  conflict": "warn",
    "  failed": "bad", "  unknown": "bad",
    "ok    ": "add", "note  ": "warn", "bad   ": "bad",
}  # fmt: skip


def program_name() -> str:
    """Return how the user called this program."""
    script = sys.argv[0]
    if Path(script).stem != "wizframe":
        return f"{typed_path(sys.executable)} -m wizframe"
    return "wizframe" if shutil.which("wizframe") == script else typed_path(script)


def typed_path(path: str) -> str:
    """Return a path as the user would type it: relative if it is below the current folder."""
    is_below = Path(path).is_relative_to(Path.cwd())
    shown = str(Path(path).relative_to(Path.cwd())) if is_below else path
    return f'"{shown}"' if " " in shown else shown


def takes_color(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that shows color, and the user has not set ``NO_COLOR``."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def colored(text: str, style: str) -> str:
    """Return a string with each line in the color of a style."""
    return "\n".join(click.style(line, **_STYLES[style]) for line in text.split("\n"))


def colored_by_sign(line: str) -> str:
    """Return a line of a plan or a result in the color of its sign."""
    return next((colored(line, style) for sign, style in _SIGNS.items() if line.startswith(sign)), line)


def print_text(text: object) -> None:
    """Print text, such as a plan, in color if a terminal shows it."""
    lines = (colored_by_sign(printable(line)) for line in str(text).split("\n"))
    click.echo("\n".join(lines), color=takes_color(sys.stdout))


def print_rows(text: str) -> None:
    """Print data for a program unchanged; on a terminal, escape control characters."""
    if sys.stdout.isatty():
        print_text(text)
    else:
        sys.stdout.write(f"{text}\n")


def print_json(name: str, value: pd.DataFrame | Mapping[str, Any]) -> None:
    """Print JSON with the version of its format. A frame becomes a list of objects, and times become ISO 8601."""
    if isinstance(value, pd.DataFrame):
        text = value.to_json(orient="records", date_format="iso", date_unit="us")
    else:
        text = json.dumps(value)  # in ASCII, so that no character can control a terminal
    print_text(f'{{"format": {_FORMAT}, "{name}": {text}}}')


def complain(text: object, style: str = "bad") -> None:
    """Print a line on stderr."""
    line = f"{colored('wizframe:', style)} {printable(str(text))}"
    click.echo(line, err=True, color=takes_color(sys.stderr))


def sentence(error: BaseException) -> str:
    """Return an error's message; the operating system's errors about files lose their number."""
    if not isinstance(error, OSError) or isinstance(error, WizframeError):
        return str(error)
    if not isinstance(error.filename, str):
        return error.strerror or str(error)
    path = Path(error.filename)
    if not isinstance(error, FileNotFoundError):
        return f"{path}: {(error.strerror or type(error).__name__).lower()}"
    return f"the file {path} does not exist" if path.parent.is_dir() else f"the folder {path.parent} does not exist"


def print_table(frame: pd.DataFrame) -> None:
    """Print a frame as a table that fits the terminal; without a terminal, print whole values."""
    _print_columns([str(name) for name in frame.columns], frame.itertuples(index=False), is_cut=True)


def print_pairs(values: Mapping[str, Any]) -> None:
    """Print names and values below each other; long values are wrapped."""
    _print_columns(["", ""], values.items(), is_cut=False)


def _print_columns(headers: list[str], rows: Any, *, is_cut: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - most commands print no table
    from rich.table import Table  # noqa: PLC0415

    console = Console(
        width=None if sys.stdout.isatty() else _UNLIMITED_WIDTH,
        color_system="auto" if takes_color(sys.stdout) else None,
        markup=False,  # a customer's name may look like markup
        highlight=False,
    )
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=any(headers), header_style="bold cyan")
    cells = [[_cell(value) for value in row] for row in rows]
    widths = _widths(headers, cells, console.width) if is_cut else [None] * len(headers)
    for number, (header, width) in enumerate(zip(headers, widths, strict=True)):
        style = "" if header or number else "cyan"
        how: Any = {"no_wrap": True, "overflow": "ellipsis"} if is_cut or style else {"overflow": "fold"}
        table.add_column(header, style=style, width=width, **how)
    for row in cells:
        table.add_row(*row)
    with console.capture() as written:
        console.print(table)
    lines = (line.rstrip(" ") for line in written.get().splitlines())
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _widths(headers: list[str], cells: list[list[Any]], room: int) -> list[int | None]:
    """Narrow the widest columns until all fit. Ids are never cut, because half an id is useless."""
    wanted = [max([len(header), *(row[number].cell_len for row in cells)]) for number, header in enumerate(headers)]
    least = [
        width if header == "id" or header.endswith("_id") else min(width, _LEAST_WIDTH)
        for header, width in zip(headers, wanted, strict=True)
    ]
    room -= _GAP * (len(headers) - 1)
    while sum(wanted) > room and wanted != least:
        widest = max(range(len(wanted)), key=lambda number: (wanted[number] > least[number], wanted[number]))
        wanted[widest] -= 1
    return [*wanted]


def _cell(value: Any) -> Any:
    from rich.text import Text  # noqa: PLC0415

    if is_blank(value):
        return Text("")
    if isinstance(value, pd.Timestamp):
        return Text(f"{value:%Y-%m-%d %H:%M:%S}")
    text = ("no", "yes")[bool(value)] if isinstance(value, bool) else str(value)
    return Text(printable(text))
