"""Show the progress of long work: as a bar on a terminal or in a notebook, or through the caller's ``Watch``."""

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

_AFTER_S = 1.0  # work that takes less time needs no bar
_FIRST_ESTIMATE_S = 0.5  # in the first half second, the speed so far does not predict the rest
_log = logging.getLogger("wizframe")
_open: list[Any] = []  # the bars on the screen


class Watch:
    """Follow a load or a push that runs in another thread, and stop it. Pass it as ``progress``.

    Parameters
    ----------
    changed : callable, optional
        Called without arguments from the loading thread after each step.
    clock : callable
        A function that returns the time in seconds; tests replace it.

    Attributes
    ----------
    what : str
        What is counted, such as ``"customers"``, ``"details"`` or ``"contacts"``.
    done : int
    total : int or None
        The expected number, if known.
    warnings : list of Warning
        The warnings of the load. They are stored here because a notebook would not show them in the right cell.

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
        """Store the progress of the work. The load or the push calls this."""
        if what != self.what:
            self._began, self.total = self._clock(), None
        self.what, self.done, self.total = what, done, total or self.total
        if self._changed:
            self._changed()

    @property
    def left_s(self) -> float | None:
        """Estimated seconds until the work is done, at the speed so far; None while it is too early for an estimate."""
        spent_s = self._clock() - self._began
        if not self.total or not self.done or spent_s < _FIRST_ESTIMATE_S:
            return None
        return max(self.total - self.done, 0) * spent_s / self.done

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Send no further requests: a load ends with a :class:`~wizframe.errors.LoadStoppedError`.

        A push finishes the changes that are being sent and returns its result. The other changes are ``unsent``.
        """
        self._stopped.set()

    def settle(self, action: Callable[[], None]) -> None:
        """Run an action that changes the user's frame after a push; in a notebook, wait for the running cell first."""
        action()

    def check(self) -> None:
        """Raise an error if the work was stopped."""
        if self._stopped.is_set():
            raise LoadStoppedError("the load was stopped before its end, so there is no frame")


@contextmanager
def bar(what: str, *, enabled: bool | Watch, total: int | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar, or update a ``Watch``. Yields a function of the number done so far and the total (or None)."""
    if isinstance(enabled, Watch):
        yield partial(enabled.show, what)
        return
    if not enabled or sys.stderr is None or not _is_seen(sys.stderr):  # pythonw has no stderr
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
    """Print a line on a terminal or in a notebook, or log it elsewhere."""
    if sys.stdout is not None and _is_seen(sys.stdout):
        sys.stdout.write(line + "\n")
    else:
        _log.info("%s", line)


def _is_seen(stream: TextIO) -> bool:
    """Return whether a person reads the stream: in a file, a bar would be one long line."""
    return "ipykernel" in sys.modules or stream.isatty()


def note(text: str) -> bool:
    """Show next to the bars why the work waits (empty: nothing). Returns whether a bar is open. Thread-safe."""
    bars = list(_open)
    for shown in bars:
        shown.set_postfix_str(text)
        shown.delay = 0  # tqdm removes only bars that it considers shown
    return bool(bars)
