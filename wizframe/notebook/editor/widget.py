"""What the browser gets of a sheet: the widget, its columns, texts in which nothing is invisible."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from wizframe.errors import MissingExtraError, to_install
from wizframe.notebook.editor.marks import OWNERS, written
from wizframe.notebook.editor.search import suggestions

if TYPE_CHECKING:
    from wizframe.notebook.editor.edits import Sheet

__all__ = ["described", "surface", "visible"]

_NARROWEST, _WIDEST = 8, 34
_SAMPLE = 500


@cache
def surface() -> Any:
    """Make the class of the widget that is the grid in the browser.

    Returns
    -------
    type

    Raises
    ------
    MissingExtraError
        anywidget is not installed.
    """
    try:
        import anywidget  # noqa: PLC0415 - part of the extra notebook
    except ImportError:
        raise MissingExtraError(f"the editing grid needs anywidget: {to_install('notebook')}") from None

    class Surface(anywidget.AnyWidget):
        """Shows rows that it asks for, and sends what was typed."""

        _esm = Path(__file__).with_name("grid.js")
        _css = Path(__file__).with_name("grid.css")
        columns: Any = traitlets.List().tag(sync=True)
        status: Any = traitlets.Dict().tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)

    return Surface


def described(sheet: Sheet) -> list[dict[str, Any]]:
    """Describe the shown columns for the browser.

    Parameters
    ----------
    sheet : Sheet

    Returns
    -------
    list of dict
    """
    return [_described(sheet, name) for name in sheet.columns]


def _described(sheet: Sheet, name: Any) -> dict[str, Any]:
    is_flag = name in sheet.table and sheet.table[name].kind == "flag"
    longest = max((len(written(value)) for value in sheet.frame[name].iloc[:_SAMPLE]), default=0)
    why = sheet.lock(name)
    said = sheet.table[name].doc if name in sheet.table else ""
    return {
        "name": visible(str(name)),
        "doc": f"{said} ({why})" if why else said,
        "why": why,
        "free_in_new": name in OWNERS and bool(why),
        "choices": ["", "True", "False"] if is_flag and not why else None,
        "suggestions": suggestions(sheet, name),
        "width": min(max(longest + 3, len(str(name)) + 4, _NARROWEST), _WIDEST),
    }


def visible(text: str) -> str:
    """Make characters visible that would change how a text reads, such as a right-to-left override.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
