"""Walk complete lists, although records are created, edited and deleted while their pages are read.

A plain loop over pages misses records. If a record that was already read is deleted, every later record moves up by
one, and the first record of the next page moves onto a page that the loop has passed. Equal totals prove nothing,
because a delete and an insert cancel each other. This walk rests on three facts:

* **Order.** With ``created_at`` ascending, an edit moves nothing, an insert comes last, and a delete moves later
  records towards the front.
* **Window.** Some pages are read together: first the last one, then the others, then the last one again. If the last
  page still begins with the same records, nothing before its end moved in between, so all pages show one moment.
  The others are asked for after the first look at the last page was answered, and the second look is asked for after
  the others were answered.
* **Overlap.** If its first record is known, a window continues the known records without a gap, because all before
  that record is known, too. Therefore each window begins with the last page of the window before it: the second look
  at that page is also the first page of the next window, so it is asked for after the next window was opened.

Windows are opened ahead, so that no connection waits. If a window moved or does not overlap, all windows after it are
forgotten, and it is read again: in smaller parts if it moved, from earlier pages if it does not overlap.

**The end** of a list is the page after the last one that a total counts, or an empty page. Records that existed when
the end was seen can only move towards the front, so a last look that is asked for later finds all of them.

**Several lists** are walked one after the other. A record that moves from an earlier list to a later one is in one of
them: a later list is begun after all windows of the earlier lists were opened. A record that left an earlier list
before its window was opened is in the later list from the start. A record that left it later is found in that window,
or has moved the window. Then the window is read again, and the later lists start over.

**Other services.** If pages repeat each other in the middle of a list, or come in another order, windows prove nothing.
Then pages are read in a row until they bring nothing new, and the walk says that it cannot prove more. The last page
again, behind the end, is that end.

**Not covered:** a record that enters the middle of a list moves later records backwards. Its status changed, or an edit
brought it into a list with ``updated_after``. The walk notices that. But together with a delete, both while one window
is read, it leaves the window's last page in place and can hide a record.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from wizframe.api.listing import Listing
from wizframe.api.traits import Traits
from wizframe.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wizframe.api.listing import Fetch, Window
    from wizframe.api.pages import Page
    from wizframe.api.seen_ids import Names
    from wizframe.threads import Task

__all__ = ["Taken", "walk_lists"]

# A window takes one request more than it has pages: 3 % with 4 connections. Larger windows keep more pages in memory,
# and after a deleted record the walk must read more of them again.
PAGES_PER_WORKER = 8


class Taken(NamedTuple):
    """Pages of one list, in order. A record may appear again, with newer values.

    ``known`` is the number of different records of this list so far; ``total`` is the service's count.
    """

    number: int
    pages: list[Page]
    known: int
    total: int | None


def walk_lists(
    fetches: Sequence[Fetch],
    *,
    page_size: int,
    totals: bool,
    workers: int = 1,
    doubts: list[str],
    traits: Traits | None = None,
    names: Callable[[], Names] = set,
    pool: ThreadPool[Page] | None = None,
) -> Iterator[Taken]:
    """Walk some lists one after the other, and add a reason to ``doubts`` for each part that cannot be proven.

    Each function in ``fetches`` returns a page for its number, in ``created_at`` ascending order; several threads call
    it. ``totals`` is True if responses should have totals; ``names`` makes an empty set for a list's ids. A list in
    another order raises a :class:`ProtocolError` with the code ``"order"``. If ``traits`` show that the service does
    not order lists, pages are read in a row instead, because the order proves nothing.
    """
    traits = traits or Traits()
    # A single connection needs no thread, so that many short lists can be walked in separate threads.
    with pool or ThreadPool(0 if workers == 1 else workers, "wizframe-page") as requests:
        walk = _Walk(requests, workers)
        walk.lists = [
            Listing(walk, fetch, page_size=page_size, has_totals=totals, known=names(), traits=traits)
            for fetch in fetches
        ]
        for number, one in enumerate(walk.lists):
            if not traits.is_ordered:
                one.read_in_a_row("the service does not list records in the order asked for")
            for pages in walk.pages_of(number):
                yield Taken(number, pages, len(one.known), pages[-1].total_records)
            doubts += one.final_doubts()


class _Walk:
    """The requests of a walk, and its open windows that are not taken yet, oldest first."""

    def __init__(self, pool: ThreadPool[Page], workers: int) -> None:
        self.lists: list[Listing] = []
        self.largest = PAGES_PER_WORKER * workers
        self._room = 2 * workers if workers > 1 else 1  # requests in the queue, so no thread waits for the next one
        self._pool = pool
        self._open: deque[Window] = deque()

    def pages_of(self, number: int) -> Iterator[list[Page]]:
        """Yield the pages of one list window by window; open windows of later lists when that is allowed."""
        one = self.lists[number]
        while not (one.is_stuck or one.is_in_a_row):
            if not self._open:
                self._open_next(number)
            if self._open and self._open[0].of is one:
                window = self._open[0]
                pages = self._finish(window, number)
                self._open.popleft()
                taken = one.take(window, pages)
                if taken is None:
                    self._forget(number)
                    taken = one.take_carefully(max(window.last - window.start, 1))
                yield taken
            elif one.goes_on():
                self._forget(number)
            elif not one.is_in_a_row:
                return
        if one.is_in_a_row:
            self._forget(number)
            yield from one.pages_in_a_row(self._room)

    def _open_next(self, number: int) -> bool:
        """Open a window of this list; or of a later list, if all windows of the earlier lists are open."""
        for one in self.lists[number:]:
            before = self._open[-1] if self._open else None
            window = one.open(is_continued=before is not None and before.of is one and not before.is_closed)
            if window is not None:
                self._open.append(window)
                return True
        return False

    def _forget(self, number: int) -> None:
        """Start over after the pages that were taken, because a later list may have been started too early."""
        for task in chain.from_iterable(window.others for window in self._open):
            task.cancel()
        self._open.clear()
        for one in self.lists[number:]:
            one.rewind()

    def _finish(self, window: Window, number: int) -> list[Page]:
        """Wait for the pages of a window, then request its last page again."""
        if window.last == window.start:
            return [window.first_look]
        self._wait_until(lambda: not window.unasked and all(task.is_done for task in window.others), number)
        window.is_closed = True
        second_look = self.ask(window.of.fetch, window.last)
        if len(self._open) > 1 and self._open[1].is_continued:
            self._open[1].others.insert(0, second_look)
            self._open[1].is_continued = False
        self._wait_until(lambda: second_look.is_done, number)
        return [task.result() for task in (*window.others, second_look)]

    def _wait_until(self, is_over: Callable[[], bool], number: int) -> None:
        """Receive pages, and open the next window early, so that no thread waits."""
        while not is_over():
            unasked = sum(window.unasked for window in self._open)
            is_opened = unasked < 2 * self._room and self._open_next(number)
            if not is_opened and not is_over():  # the page may have arrived while the list's end was searched
                self._receive()

    def ask(self, fetch: Fetch, number: int) -> Task[Page]:
        """Start a request for a page."""
        return self._pool.start(partial(fetch, number))

    def read(self, fetch: Fetch, numbers: Iterable[int]) -> list[Page]:
        """Request some pages, and wait for them."""
        tasks = []
        for number in numbers:
            while self._pool.pending >= self._room:
                self._receive()
            tasks.append(self.ask(fetch, number))
        while not all(task.is_done for task in tasks):
            self._receive()
        return [task.result() for task in tasks]

    def _receive(self) -> None:
        """Request more pages of the open windows if there is room, then wait for a page and parse it.

        The threads do not parse pages, because Python runs one thread at a time.
        """
        for window in self._open:
            while window.unasked and self._pool.pending < self._room:
                number = window.start + window.is_continued + len(window.others)
                window.others.append(self.ask(window.of.fetch, number))
        task = self._pool.next_done()
        if task is not None and not task.is_cancelled:
            task.result().look()
