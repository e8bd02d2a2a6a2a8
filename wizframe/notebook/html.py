"""How pickers look: cells as escaped text, styles that follow the notebook's theme, light or dark."""

from __future__ import annotations

import html
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.frames.build import is_blank
from wizframe.planning.changes import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["STYLE", "cell_text", "copyable", "page_html", "said"]

_LONGEST = 120
_LONGEST_TITLE = 600

STYLE = f"<style>{files('wizframe.notebook').joinpath('looks.css').read_text('utf-8')}</style>"

# Runs in the page. It takes the text that is shown, so nothing of a customer is ever part of a program; where a page
# may not use the clipboard (a frame without the permission), the text is selected and copied the old way.
_COPY = """
const code = this.parentElement.querySelector('code');
const done = () => { this.textContent = 'Copied'; setTimeout(() => { this.textContent = 'Copy'; }, 2000); };
const select = () => {
  const range = document.createRange();
  range.selectNodeContents(code);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  if (document.execCommand('copy')) done();
};
navigator.clipboard ? navigator.clipboard.writeText(code.textContent).then(done, select) : select();
"""


def cell_text(value: Any) -> str:
    """Write a cell for people.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        Blank is empty; times to the minute, in UTC; control characters, and those that turn the reading direction, made
        visible.
    """
    if is_blank(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return shown(value if isinstance(value, (str, list)) else str(value), _LONGEST_TITLE)


def page_html(rows: Iterable[Sequence[Any]], widths: Sequence[int]) -> str:
    """Write a page of a table.

    Parameters
    ----------
    rows : iterable of sequence
    widths : sequence of int
        Of the columns, in pixels.

    Returns
    -------
    str
        HTML in which everything that came in is text.
    """
    columns = "".join(f'<col style="width:{width}px">' for width in widths)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    style = f"width:{sum(widths)}px"
    return f'<table class="wizframe-rows" style="{style}"><colgroup>{columns}</colgroup><tbody>{body}</tbody></table>'


def _cell(value: Any) -> str:
    text = cell_text(value)
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    # <bdi>: a name written from right to left must not reorder its neighbours.
    return f'<td title="{html.escape(text)}"><bdi>{html.escape(short)}</bdi></td>'


def said(text: str, kind: str = "note") -> str:
    """Write a sentence that a screen reader speaks when it changes.

    Parameters
    ----------
    text : str
    kind : {'note', 'warned', 'wrong'}

    Returns
    -------
    str
        HTML; nothing for nothing.
    """
    return f'<div class="wizframe-{kind}" role="status">{html.escape(text)}</div>' if text else ""


def copyable(code: str) -> str:
    """Write code with a button that copies it.

    Parameters
    ----------
    code : str

    Returns
    -------
    str
        HTML.
    """
    button = f'<button type="button" class="wizframe-copy" onclick="{html.escape(_COPY)}">Copy</button>'
    return f'<div class="wizframe-code"><pre><code>{html.escape(code)}</code></pre>{button}</div>'
