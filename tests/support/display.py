"""What a notebook shows for a value, as IPython asks the value for it."""

from __future__ import annotations

from IPython.core.formatters import DisplayFormatter


def displayed(value):
    """Give what a notebook can show for a value, and its sizes, both by kinds such as ``text/html``."""
    return DisplayFormatter().format(value)


def html_of(value):
    """Give the HTML that a notebook shows for a value."""
    return displayed(value)[0]["text/html"]
