"""Text for people: numbers with nouns, options and commands as users type them, and escaped control characters."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from wizframe.errors import Hint

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["command", "counted", "option", "plural", "printable"]

#: Nouns with these endings have a plural in -es: addresses, boxes, matches, pushes.
_HISSING = ("s", "x", "z", "ch", "sh")


def counted(count: int, noun: str) -> str:
    """Write a number with its noun in the right form, such as "1 row" or "1,200 addresses"."""
    return f"{count:,} {plural(count, noun)}"


def plural(count: int, one: str, many: str = "") -> str:
    """Choose the singular or plural of a word for a number; verbs and irregular nouns need ``many``."""
    if count == 1:
        return one
    return many or (f"{one}es" if one.endswith(_HISSING) else f"{one}s")


def printable(text: str, longest: int | None = None) -> str:
    r"""Escape control characters and invisible characters, such as ``\x1b[2J`` and ``\u202e``.

    Names, references and the service's messages may contain any character, and a terminal executes some of them.
    ``longest`` cuts the text to this number of characters first.
    """
    if longest is not None and len(text) > longest:
        text = text[:longest] + "…"
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def option(name: str, value: object) -> str:
    """Write an option with its value: ``match='id'`` in Python, ``--match id`` on the command line."""
    values: Iterable[object] = value if isinstance(value, (list, tuple)) else [value]
    flag = f"--{name.replace('_', '-')}"
    return str(Hint(python=f"{name}={value!r}", cli=" ".join(f"{flag} {shlex.quote(str(item))}" for item in values)))


def command(name: str) -> str:
    """Write how to call a function that is also a command: ``wizframe.undo()``, or `wizframe undo`."""
    return str(Hint(python=f"wizframe.{name}()", cli=f"`wizframe {name}`"))
