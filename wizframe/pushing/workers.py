"""Threads that do the work of a push, and a person who may interrupt it. Knows nothing of changes."""

from __future__ import annotations

import queue
import signal
import threading
from itertools import islice
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Task = Callable[[], int]

__all__ = ["Crew", "Interrupts"]

_LOOK_S = 0.1


class Interrupts:
    """Ctrl-C while a push is under way: counted, not raised.

    Raised wherever Python happens to be, it could leave a frame half written back, a push leased to nobody, or the
    result of what was sent to nobody. Somebody else's handler of the signal is left alone.

    Attributes
    ----------
    count : int
        How often it was pressed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._is_ours = False

    def __enter__(self) -> Self:
        is_possible = threading.current_thread() is threading.main_thread()  # no other thread may, or is interrupted
        if is_possible and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._is_ours = True
            signal.signal(signal.SIGINT, self.press)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def press(self, *_signal: object) -> None:
        """Take note of one."""
        self.count += 1

    def check(self) -> None:
        """Raise what was held back, where nothing has begun yet.

        Raises
        ------
        KeyboardInterrupt
        """
        if self.count:
            raise KeyboardInterrupt


class Crew:
    """Some threads that do tasks. Python does not wait for them when it ends: a request may take minutes.

    Parameters
    ----------
    workers : int
    interrupts : Interrupts
    """

    def __init__(self, workers: int, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._ahead = 2 * workers
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[int, BaseException | None]] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"wizframe-push-{number}", daemon=True)
            for number in range(workers)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        for _ in self._threads:
            self._tasks.put(None)

    def do(self, tasks: Iterable[Task]) -> Iterator[int]:
        """Do tasks, several at a time.

        Parameters
        ----------
        tasks : iterable of callable
            Taken as their turn comes: a push may have millions.

        Yields
        ------
        int
            What each of them returns, as it ends; 0 while none does, so that a person's patience is looked at.

        Raises
        ------
        BaseException
            The first that a task raised, after all have ended.
        """
        coming, under_way, first = iter(tasks), 0, None
        while True:
            for task in islice(coming, self._ahead - under_way):
                self._tasks.put(task)
                under_way += 1
            if not under_way:
                break
            try:
                value, error = self._ended.get(timeout=_LOOK_S)
            except queue.Empty:
                yield 0
                continue
            except KeyboardInterrupt:  # of somebody else's handler
                self._interrupts.press()
                yield 0
                continue
            under_way, first = under_way - 1, first or error
            yield value
        if first is not None:
            raise first

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                self._ended.put((task(), None))
            except BaseException as error:  # noqa: BLE001 - raised again where the push is
                self._ended.put((0, error))
