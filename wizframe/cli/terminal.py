"""What a person sees of a command: lines in colour where a terminal takes it, and nothing that drives the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["coloured", "complain", "marked", "say", "takes_colour", "visible"]

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
}  # fmt: skip


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


def visible(text: str) -> str:
    r"""Write what a terminal would obey as text: a customer's name may hold anything.

    Parameters
    ----------
    text : str
        Line ends and tabs stay.

    Returns
    -------
    str
        Such as ``\x1b[2J``, and ``\u202e`` for what turns the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text)


def say(text: object) -> None:
    """Write lines on stdout; those of a plan or a result in colour.

    Parameters
    ----------
    text : object
    """
    lines = map(marked, visible(str(text)).split("\n"))
    click.echo("\n".join(lines), color=takes_colour(sys.stdout))


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
    """Write a line on stderr.

    Parameters
    ----------
    text : object
    name : str
        What the colour is for: ``"bad"``, or ``"warn"`` for what ends nothing.
    """
    click.echo(f"{coloured('wizframe:', name)} {visible(str(text))}", err=True, color=takes_colour(sys.stderr))
