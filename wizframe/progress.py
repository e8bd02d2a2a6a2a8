"""A progress bar for work that takes longer than a second; a widget in a notebook, on stderr elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["bar"]

_AFTER_S = 1.0


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

    try:
        yield show
    finally:
        shown.close()
