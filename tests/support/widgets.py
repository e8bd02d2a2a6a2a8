"""What the tests of widgets share: find a widget as a person does, by what it says, and press it."""

from __future__ import annotations

import html
import re
import time

from ipywidgets.widgets.widget import _instances
from support.display import displayed

HOSTILE = [
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "{{7*7}}", "a\u202eb", "$\\frac{1}{2}$",
    "'\"><b>x", "&lt;b&gt;",
]  # fmt: skip


def widget_of(value):
    """Give the widget that a notebook shows for a value."""
    return _instances[displayed(value)[0]["application/vnd.jupyter.widget-view+json"]["model_id"]]


def wait_for(condition, within_s=20.0):
    """Wait until something in another thread has happened."""
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def walk(widget, *, hidden=False):
    """Yield a widget and everything in it that can be seen, or also what is hidden."""
    if not hidden and getattr(getattr(widget, "layout", None), "display", None) == "none":
        return
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child, hidden=hidden)


def all_of(widget, kind, words="", *, hidden=False):
    """List the widgets of a kind with a description, or else a tooltip, that begins with some words."""
    return [
        one
        for one in walk(widget, hidden=hidden)
        if type(one).__name__ == kind and str(getattr(one, "description", "") or one.tooltip).startswith(words)
    ]


def html_in(widget):
    """Give what HTML widgets contain."""
    return "\n".join(one.value for one in all_of(widget, "HTML"))


def text_of(widget):
    """Give what a person reads in HTML widgets and on buttons."""
    said = [str(getattr(one, "value", "")) for one in walk(widget) if type(one).__name__ == "HTML"]
    words = [one.description for one in walk(widget) if type(one).__name__ == "Button"]
    plain = re.sub(r"<style>.*?</style>", "", "\n".join(said), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", plain)) + "\n" + "\n".join(words)


def find(widget, kind, words):
    """Find the one widget of a kind with a description, or else a tooltip, that begins with some words."""
    found = all_of(widget, kind, words)
    assert len(found) == 1, f"{len(found)} widgets {words!r}"
    return found[0]


def press(widget, words):
    """Press a button, if it can be pressed."""
    button = find(widget, "Button", words)
    assert not button.disabled, f"{words} is greyed out"
    button.click()
