"""Run work in threads. The caller starts tasks, and receives their results in its own thread."""

from __future__ import annotations

import os
import threading
from collections import deque
from itertools import islice
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

from wizframe.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Task", "ThreadPool"]

T = TypeVar("T")

# Windows does not deliver Ctrl-C to a thread that waits for a lock, so no wait is longer than this.
_WAIT_S = 0.1


class Task(Generic[T]):
    """One piece of work. ``is_done`` changes only in the caller's thread, when the pool returns the task."""

    __slots__ = ("_error", "_result", "_work", "is_cancelled", "is_done")

    def __init__(self, work: Callable[[], T]) -> None:
        self.is_cancelled = False
        self.is_done = False
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None

    def cancel(self) -> None:
        """Skip the work if it has not begun yet."""
        self.is_cancelled = True

    def run(self) -> None:
        """Do the work, and store what it returns or raises."""
        if self.is_cancelled:
            return
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread, Ctrl-C included
            self._error = error

    def result(self) -> T:
        """Return what the work returned, or raise what it raised. Call it only after the task is done."""
        if self._error is not None:
            raise self._error
        return cast("T", self._result)


class ThreadPool(Generic[T]):
    """A pool of up to ``size`` threads. With size 0, each task runs at once in the caller's thread.

    ``concurrent.futures`` is not used, because Python waits for its threads at exit, and a request may take minutes.
    These threads are daemons, so they do not keep Python alive after a second Ctrl-C or an abandoned generator.
    """

    def __init__(self, size: int, name: str) -> None:
        self.pending = 0
        self._size = size
        self._name = name
        self._threads: list[threading.Thread] = []
        self._started: SimpleQueue[Task[T] | None] = SimpleQueue()
        self._ended: SimpleQueue[Task[T]] = SimpleQueue()
        self._is_closed = False
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self, *, wait: bool = True) -> None:
        """Skip the tasks that have not begun; with ``wait``, wait for the others, so no thread outlives the work."""
        self._is_closed = True
        if self._process != os.getpid():  # the threads belong to the parent, which may also hold locks of the queues
            return
        for _ in self._threads:
            self._started.put(None)
        for thread in self._threads if wait else ():
            while thread.is_alive():
                thread.join(_WAIT_S)

    def start(self, work: Callable[[], T]) -> Task[T]:
        """Queue some work. This never blocks, so the caller limits the number of ``pending`` tasks."""
        self._check_process()
        task = Task(work)
        self.pending += 1
        if not self._size:
            task.run()
            self._ended.put(task)
            return task
        self._started.put(task)
        if len(self._threads) < min(self._size, self.pending):
            name = f"{self._name}-{len(self._threads)}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
        return task

    def next_done(self, timeout_s: float | None = None) -> Task[T] | None:
        """Wait for the next task to end, in any order; return None if no task ends in time."""
        if not self.pending:
            raise RuntimeError("no task was started, so there is nothing to wait for")
        self._check_process()
        deadline = None if timeout_s is None else monotonic() + timeout_s
        while True:
            left_s = _WAIT_S if deadline is None else min(_WAIT_S, deadline - monotonic())
            try:
                task = self._ended.get(timeout=max(left_s, 0))
            except Empty:
                if deadline is not None and monotonic() >= deadline:
                    return None
            else:
                self.pending -= 1
                task.is_done = True
                return task

    def in_order(self, work: Iterable[Callable[[], T]], *, ahead: int | None = None) -> Iterator[T]:
        """Yield the results in the order of the work, with at most ``ahead`` tasks started before their turn.

        A failed task raises its error when its turn comes. Nothing else may use the pool during this time.
        """
        coming, waiting = iter(work), deque[Task[T]]()
        while True:
            room = None if ahead is None else ahead - len(waiting)
            waiting.extend(self.start(one) for one in islice(coming, room))
            if not waiting:
                return
            while not waiting[0].is_done:
                self.next_done()
            yield waiting.popleft().result()

    def _check_process(self) -> None:
        """Raise an error in a forked process: it has no threads, and must not repeat the parent's work."""
        if self._process != os.getpid():
            raise ConfigurationError(
                "the process was forked during a load or a push, and only the parent process can continue it",
                hint="In the child process, start a new load.",
            )

    def _work(self) -> None:
        while (task := self._started.get()) is not None:
            if not self._is_closed:
                task.run()
            self._ended.put(task)
