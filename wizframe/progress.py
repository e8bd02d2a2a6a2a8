"""A progress bar for work that takes longer than a second; a widget in a notebook, on stderr elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["bar", "note"]

_AFTER_S = 1.0
_open: list[Any] = []


@contextmanager
def bar(what: str, *, enabled: bool, total: int | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far some work is.

    Parameters
    ----------
    what : str
        What is counted.
    enabled : bool
    total : int, optional
        How many there will be, where known.

    Yields
    ------
    callable
        Takes the number done so far and the total, or None.
    """
    if not enabled or sys.stderr is None:  # pythonw has nowhere to show it
        yield lambda _done, _total: None
        return
    from tqdm.auto import tqdm  # noqa: PLC0415 - imports ipywidgets in a notebook

    shown = tqdm(desc=what, total=total, unit="", delay=_AFTER_S, leave=False)

    def show(known: int, total: int | None) -> None:
        shown.total = total or shown.total
        shown.update(known - shown.n)

    _open.append(shown)
    try:
        yield show
    finally:
        _open.remove(shown)
        shown.close()


def note(text: str) -> bool:
    """Say beside the bars what the work is waiting for. Any thread may.

    Parameters
    ----------
    text : str
        In place of what was said before; empty where the waiting is over.

    Returns
    -------
    bool
        Whether there is any bar beside which it can be seen.
    """
    bars = list(_open)
    for shown in bars:
        shown.set_postfix_str(text)
        shown.delay = 0  # tqdm wipes only what it takes to be shown
    return bool(bars)
