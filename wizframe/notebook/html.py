"""Cells and sentences as text and as HTML. Everything that comes from the service or the user is escaped here."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wizframe.frames.build import is_blank
from wizframe.planning.changes import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["STYLE", "cell_text", "copyable", "message", "rows_html", "typed_text"]

# Lengths in characters. A cell of the table shows about 36 characters; its tooltip shows the rest.
_MAX_CELL = 120
_MAX_TOOLTIP = 600

STYLE = f"<style>{files('wizframe.notebook').joinpath('looks.css').read_text('utf-8')}</style>"

# Runs in the browser. It copies the text that is shown, so a customer's data never becomes part of a program. A page
# without permission to use the clipboard (such as a frame of another site) selects the text and copies it instead.
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


def typed_text(value: Any) -> str:
    """Write a cell as a user would type it; a blank cell is an empty string."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if is_blank(value) else str(value)


def cell_text(value: Any) -> str:
    """Write a cell for reading: times in UTC to the minute, invisible characters escaped, a blank cell as nothing."""
    if is_blank(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return shown(value if isinstance(value, (str, list)) else str(value), _MAX_TOOLTIP)


def rows_html(rows: Iterable[Sequence[Any]], widths_px: Sequence[int]) -> str:
    """Write the rows of a frame as an HTML table."""
    columns = "".join(f'<col style="width:{width}px">' for width in widths_px)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    style = f"width:{sum(widths_px)}px"
    return f'<table class="wizframe-rows" style="{style}"><colgroup>{columns}</colgroup><tbody>{body}</tbody></table>'


def _cell(value: Any) -> str:
    text = cell_text(value)
    short = text if len(text) <= _MAX_CELL else text[: _MAX_CELL - 1] + "…"
    # <bdi>: a name that is written from right to left must not change the order of the text around it.
    return f'<td title="{escape(text)}"><bdi>{escape(short)}</bdi></td>'


def message(text: str, kind: str = "note") -> str:
    """Write a message that a screen reader reads when it changes; the kind is 'note', 'warned' or 'wrong'."""
    return f'<div class="wizframe-{kind}" role="status">{escape(text)}</div>' if text else ""


def copyable(code: str) -> str:
    """Write code with a button that copies it to the clipboard."""
    button = f'<button type="button" class="wizframe-copy" onclick="{escape(_COPY)}">Copy</button>'
    return f'<div class="wizframe-code"><pre><code>{escape(code)}</code></pre>{button}</div>'
