"""What the tests of widgets share: find a widget as a person does, by what it says, and press it."""

from __future__ import annotations

import html
import re

HOSTILE = [
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "{{7*7}}", "a\u202eb", "$\\frac{1}{2}$",
    "'\"><b>x", "&lt;b&gt;",
]  # fmt: skip


def walk(widget):
    """Yield a widget and everything in it that is there to be seen."""
    if getattr(getattr(widget, "layout", None), "display", None) == "none":
        return
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def text_of(widget):
    """Give what a person reads in HTML widgets and on buttons."""
    said = [str(getattr(one, "value", "")) for one in walk(widget) if type(one).__name__ == "HTML"]
    words = [one.description for one in walk(widget) if type(one).__name__ == "Button"]
    plain = re.sub(r"<style>.*?</style>", "", "\n".join(said), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", plain)) + "\n" + "\n".join(words)


def find(widget, kind, words):
    """Find the one widget of a kind whose description, or else its tooltip, begins with some words."""
    found = [
        one
        for one in walk(widget)
        if type(one).__name__ == kind and str(getattr(one, "description", "") or one.tooltip).startswith(words)
    ]
    assert len(found) == 1, f"{len(found)} widgets {words!r}"
    return found[0]


def press(widget, words):
    """Press a button, if it can be pressed."""
    button = find(widget, "Button", words)
    assert not button.disabled, f"{words} is greyed out"
    button.click()
