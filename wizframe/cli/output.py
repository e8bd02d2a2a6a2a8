"""What a person sees of a command: lines in colour where a terminal takes it, and nothing that drives the terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from wizframe.cli.wording import in_cli_words
from wizframe.frames.build import is_blank
from wizframe.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

__all__ = [
    "called",
    "coloured",
    "complain",
    "marked",
    "say",
    "say_json",
    "say_pairs",
    "say_table",
    "short",
    "takes_colour",
]

#: Of what is printed as JSON.
_FORMAT = 1
#: Columns of what is no terminal: a program wants whole values.
_ENDLESS = 1_000_000
#: What a column of a narrow terminal keeps at least, so that it can be told which it is.
_NARROW = 6
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
#: How the lines of a plan, a result or a report begin.
_SIGNS = {
    "  + ": "add", "  ~ ": "change", "  - ": "bad", "  · ": "quiet", "  ! ": "warn", "  conflict": "warn",
    "  failed": "bad", "  unknown": "bad",
    "ok    ": "add", "note  ": "warn", "bad   ": "bad",
}  # fmt: skip

#: How lines begin that say what to do.
_REMARKS = ("· ", "! ", "→ ", "… ")


def called() -> str:
    """Say how this command was called, as one could type it.

    Returns
    -------
    str
    """
    script = sys.argv[0]
    if Path(script).stem != "wizframe":
        return f"{short(sys.executable)} -m wizframe"
    return "wizframe" if shutil.which("wizframe") == script else short(script)


def short(path: str) -> str:
    """Name a program as one could type it: from the folder that one is in, where it is below that.

    Parameters
    ----------
    path : str

    Returns
    -------
    str
    """
    below = Path(path).is_relative_to(Path.cwd())
    shown = str(Path(path).relative_to(Path.cwd())) if below else path
    return f'"{shown}"' if " " in shown else shown


def takes_colour(stream: TextIO) -> bool:
    """Tell whether somebody who likes colours looks at a stream.

    Parameters
    ----------
    stream : text file

    Returns
    -------
    bool
        False where it is no terminal, a dumb one, or ``NO_COLOR`` is set.
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str, name: str) -> str:
    """Give a text a colour, line by line.

    Parameters
    ----------
    text : str
    name : str
        What the colour is for.

    Returns
    -------
    str
    """
    return "\n".join(click.style(line, **_STYLES[name]) for line in text.split("\n"))


def say(text: object, *, is_data: bool = False) -> None:
    """Write lines on stdout; those of a plan or a result in colour, their remarks in the words of the command line.

    Parameters
    ----------
    text : object
    is_data : bool
        Leave every character as it is where no terminal would obey it.
    """
    if is_data and not sys.stdout.isatty():
        sys.stdout.write(f"{text}\n")
        return
    lines = (marked(printable(_worded(line))) for line in str(text).split("\n"))
    click.echo("\n".join(lines), color=takes_colour(sys.stdout))


def _worded(line: str) -> str:
    """Say a remark as the command line does; a line with somebody's data stays as it is."""
    return in_cli_words(line) if line.lstrip().startswith(_REMARKS) else line


def marked(line: str) -> str:
    """Give a line of a plan or a result the colour of its sign.

    Parameters
    ----------
    line : str
        It may be folded.

    Returns
    -------
    str
    """
    return next((coloured(line, name) for sign, name in _SIGNS.items() if line.startswith(sign)), line)


def complain(text: object, name: str = "bad") -> None:
    """Write a line on stderr, in the words of the command line.

    Parameters
    ----------
    text : object
    name : str
        What the colour is for: ``"bad"``, or ``"warn"`` for what ends nothing.
    """
    click.echo(
        f"{coloured('wizframe:', name)} {printable(in_cli_words(str(text)))}", err=True, color=takes_colour(sys.stderr)
    )


def say_json(what: str, value: pd.DataFrame | Mapping[str, Any]) -> None:
    """Write JSON for programs, with the version of its form.

    Parameters
    ----------
    what : str
        The name under which the value stands.
    value : DataFrame or mapping
        A frame becomes a list of objects; times as ISO 8601.
    """
    if isinstance(value, pd.DataFrame):
        text = value.to_json(orient="records", date_format="iso", date_unit="us")
    else:
        text = json.dumps(value)  # in ASCII: no character of it drives a terminal
    say(f'{{"format": {_FORMAT}, "{what}": {text}}}')


def say_table(frame: pd.DataFrame) -> None:
    """Write a frame as a table that fits the terminal; whole where it is none.

    Parameters
    ----------
    frame : DataFrame
    """
    _say_columns([str(name) for name in frame.columns], frame.itertuples(index=False), is_cut=True)


def say_pairs(values: Mapping[str, Any]) -> None:
    """Write names and values, one below the other; long values are folded.

    Parameters
    ----------
    values : mapping
    """
    _say_columns(["", ""], values.items(), is_cut=False)


def _say_columns(headers: list[str], rows: Any, *, is_cut: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 - most commands need no table
    from rich.table import Table  # noqa: PLC0415

    is_seen = sys.stdout.isatty()
    colours: Any = "auto" if takes_colour(sys.stdout) else None
    console = Console(width=None if is_seen else _ENDLESS, color_system=colours, markup=False, highlight=False)
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
    """Narrow the widest columns until all fit; ids stay whole, since half of one helps nobody."""
    wanted = [max([len(header), *(row[number].cell_len for row in cells)]) for number, header in enumerate(headers)]
    least = [
        width if header == "id" or header.endswith("_id") else min(width, _NARROW)
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
