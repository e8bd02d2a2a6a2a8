"""Threads that fetch pages. What they bring is read by the one who waits for it: Python runs one thread at a time."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from wizframe.api.pages import Page

    Fetch = Callable[[int], Page]

__all__ = ["Asked", "Fetching"]


@dataclass(slots=True, eq=False)
class Asked:
    """A page that was asked for.

    Parameters
    ----------
    fetch : callable
        Page number to page.
    number : int
    page : Page or None
        There when the answer was received.
    is_wanted : bool
        False where nobody waits for it any more.
    """

    fetch: Fetch
    number: int
    page: Page | None = None
    is_wanted: bool = True
    outcome: Page | BaseException | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the page is there; it may be empty."""
        return self.page is not None

    def run(self) -> None:
        """Fetch the page."""
        try:
            self.outcome = self.fetch(self.number)
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits, Ctrl-C too
            self.outcome = error


class Fetching:
    """Some requests at a time, and twice as many asked for, so that no thread waits for the next one.

    Parameters
    ----------
    workers : int
        With one, pages are fetched by the caller's own thread, at once.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._answered: SimpleQueue[Asked] = SimpleQueue()
        self._waiting = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wait for the requests that have left; the others never will."""
        self._is_closed = True
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join()

    @property
    def has_room(self) -> bool:
        """Whether more should be asked for."""
        return self._waiting < (2 * self._workers if self._workers > 1 else 1)

    def ask(self, fetch: Fetch, number: int) -> Asked:
        """Ask for a page.

        Parameters
        ----------
        fetch : callable
        number : int

        Returns
        -------
        Asked
            Its ``page`` comes with one of the next calls of :meth:`receive`.
        """
        asked = Asked(fetch, number)
        self._waiting += 1
        if self._workers == 1:
            asked.run()
            self._answered.put(asked)
            return asked
        self._asked.put(asked)
        if len(self._threads) < min(self._workers, self._waiting):
            # Not waited for when Python ends: a generator that nobody finished must not keep it alive.
            thread = threading.Thread(target=self._work, name=f"wizframe-page-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return asked

    def receive(self) -> None:
        """Wait for the next answer and read it.

        Raises
        ------
        BaseException
            What asking for it raised, where somebody still waits for it.
        """
        if not self._waiting:
            raise RuntimeError("no page was asked for, so none will come")
        asked = self._answered.get()
        self._waiting -= 1
        if not asked.is_wanted:
            return
        if isinstance(asked.outcome, BaseException):
            raise asked.outcome
        asked.page = asked.outcome
        if asked.page is not None:
            asked.page.look()

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            if asked.is_wanted and not self._is_closed:
                asked.run()
            self._answered.put(asked)
