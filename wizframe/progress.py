"""How far long work is: a bar after a second (a widget in a notebook, else on a terminal), or somebody who watches."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from wizframe.errors import LoadStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

__all__ = ["Watch", "bar", "note", "tell"]

_AFTER_S = 1.0
_log = logging.getLogger("wizframe")
_open: list[Any] = []
_TELLING_S = 0.5


class Watch:
    """Follow a load or a push that runs in another thread, and stop it. Given to it as ``progress``.

    Parameters
    ----------
    changed : callable, optional
        Called from the loading thread, without arguments, whenever the work went on.
    clock : callable
        In seconds; replaced in tests.

    Attributes
    ----------
    what : str
        What is counted: ``"customers"``, ``"details"``, ``"contacts"``.
    done : int
    total : int or None
        How many there will be, where known.
    warnings : list of Warning
        What the load would have warned of; a warning belongs to no cell when it comes from a thread.

    Examples
    --------
    >>> watch = wizframe.progress.Watch()
    >>> customers = wizframe.load_customers(progress=watch)
    >>> watch.what, watch.done
    ('customers', 40)
    """

    def __init__(
        self, changed: Callable[[], None] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.what = ""
        self.done = 0
        self.total: int | None = None
        self.warnings: list[Warning] = []
        self._changed = changed
        self._clock = clock
        self._began = clock()
        self._stopped = threading.Event()

    def show(self, what: str, done: int, total: int | None) -> None:
        """Take note of how far the work is.

        Parameters
        ----------
        what : str
        done : int
        total : int or None
        """
        if what != self.what:
            self._began, self.total = self._clock(), None
        self.what, self.done, self.total = what, done, total or self.total
        if self._changed:
            self._changed()

    @property
    def left_s(self) -> float | None:
        """Seconds until what is counted is done, at the pace so far; None where nothing can be told yet."""
        spent_s = self._clock() - self._began
        if not self.total or not self.done or spent_s < _TELLING_S:
            return None
        return max(self.total - self.done, 0) * spent_s / self.done

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let no further request leave: a load ends with a :class:`~wizframe.errors.LoadStoppedError`.

        A push finishes the changes under way, and gives back its result: the others are unsent.
        """
        self._stopped.set()

    def settle(self, action: Callable[[], None]) -> None:
        """Do what changes the user's frame at the end of a push; a notebook has a better moment for it than at once.

        Parameters
        ----------
        action : callable
        """
        action()

    def check(self) -> None:
        """End the work where it was stopped.

        Raises
        ------
        LoadStoppedError
        """
        if self._stopped.is_set():
            raise LoadStoppedError("the load was stopped before its end, so there is no frame")


@contextmanager
def bar(what: str, *, enabled: bool | Watch, total: int | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """Show how far some work is.

    Parameters
    ----------
    what : str
        What is counted.
    enabled : bool or Watch
        A watch is told instead of a bar. Where stderr is no terminal, nothing is shown.
    total : int, optional
        How many there will be, where known.

    Yields
    ------
    callable
        Takes the number done so far and the total, or None.
    """
    if isinstance(enabled, Watch):
        yield partial(enabled.show, what)
        return
    if not enabled or sys.stderr is None or not _is_seen(sys.stderr):  # pythonw has no stderr at all
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


def tell(line: str) -> None:
    """Say something once: printed where a person looks, logged elsewhere.

    Parameters
    ----------
    line : str
    """
    if sys.stdout is not None and _is_seen(sys.stdout):
        sys.stdout.write(line + "\n")
    else:
        _log.info("%s", line)


def _is_seen(stream: TextIO) -> bool:
    """Tell whether a person looks at a stream: a bar in a file is nothing but a long line."""
    return "ipykernel" in sys.modules or stream.isatty()


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
