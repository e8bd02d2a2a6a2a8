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

**Not covered:** a record that enters the middle of a list moves later records backwards. Its status changed, or an edit
brought it into a list with ``updated_after``. The walk notices that. But together with a delete, both while one window
is read, it leaves the window's last page in place and can hide a record.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from wizframe.api.values import moment_of
from wizframe.errors import ProtocolError
from wizframe.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wizframe.api.pages import Page
    from wizframe.api.seen_ids import Names
    from wizframe.threads import Task

    Fetch = Callable[[int], Page]

__all__ = ["MAX_ATTEMPTS", "MAX_SETBACKS", "Taken", "walk_lists"]

# Attempts to read one window. Seven of them reduce 128 pages to one page by halving.
MAX_ATTEMPTS = 12
# The number of times that a list may turn out shorter or longer than expected, before the walk stops with a doubt.
MAX_SETBACKS = 50
# A window takes one request more than it has pages: 3 % with 4 connections. Larger windows keep more pages in memory,
# and after a deleted record the walk must read more of them again.
PAGES_PER_WORKER = 8
_ONE_FORM = "0000-00-00T00:00:00Z"
_DIGITS = str.maketrans("123456789", "000000000")


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
    names: Callable[[], Names] = set,
    pool: ThreadPool[Page] | None = None,
) -> Iterator[Taken]:
    """Walk some lists one after the other, and add a reason to ``doubts`` for each part that cannot be proven.

    Each function in ``fetches`` returns a page for its number, in ``created_at`` ascending order; several threads call
    it. ``totals`` is True if responses should have totals; ``names`` makes an empty set for a list's ids. A list in
    another order raises a :class:`ProtocolError` with the code ``"order"``.
    """
    # A single connection needs no thread, so that many short lists can be walked in separate threads.
    with pool or ThreadPool(0 if workers == 1 else workers, "wizframe-page") as requests:
        walk = _Walk(requests, workers)
        walk.lists = [_List(walk, fetch, page_size=page_size, has_totals=totals, known=names()) for fetch in fetches]
        for number, one in enumerate(walk.lists):
            for pages in walk.pages_of(number):
                yield Taken(number, pages, len(one.known), pages[-1].total_records)
            doubts += one.final_doubts()


@dataclass(slots=True, eq=False)
class _Window:
    """The pages ``start`` to ``last`` of a list: the first look at the last page, and requests for the others.

    A window of one page consists of its first look, because one response shows one moment.
    """

    of: _List
    start: int
    last: int
    first_look: Page
    is_continued: bool  # its first page is the second look of the previous window, which is not requested yet
    others: list[Task[Page]] = field(default_factory=list)
    is_closed: bool = field(init=False)  # whether no second look will follow

    def __post_init__(self) -> None:
        self.is_closed = self.last == self.start

    @property
    def unasked(self) -> int:
        """The number of other pages that are not requested yet."""
        return self.last - self.start - len(self.others) - self.is_continued


class _Walk:
    """The requests of a walk, and its open windows that are not taken yet, oldest first."""

    def __init__(self, pool: ThreadPool[Page], workers: int) -> None:
        self.lists: list[_List] = []
        self.largest = PAGES_PER_WORKER * workers
        self._room = 2 * workers if workers > 1 else 1  # requests in the queue, so no thread waits for the next one
        self._pool = pool
        self._open: deque[_Window] = deque()

    def pages_of(self, number: int) -> Iterator[list[Page]]:
        """Yield the pages of one list window by window; open windows of later lists when that is allowed."""
        one = self.lists[number]
        while not one.is_stuck:
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
            else:
                return

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

    def _finish(self, window: _Window, number: int) -> list[Page]:
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
            if not is_opened and not is_over():  # the page may have come while the list's end was searched
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


class _List:
    """One list: the pages that were taken, and what is known about its end.

    ``_edge`` is the last page that was taken, ``_opened`` the last page of an open window, and ``_end`` the first page
    that does not exist.
    """

    def __init__(self, walk: _Walk, fetch: Fetch, *, page_size: int, has_totals: bool, known: Names) -> None:
        self.fetch = fetch
        self.known = known
        self.is_stuck = False  # whether the walk stopped before the end
        self._walk = walk
        self._page_size = page_size
        self._has_totals = has_totals
        self._doubts: list[str] = []
        self._edge = self._opened = 0
        self._end: int | None = None
        self._is_end_seen = False  # whether the end was an empty page instead of a total
        self._furthest = 0
        self._size = 1
        self._total: int | None = None
        self._last_page: Page | None = None
        self._full_page = 0
        self._checked = (0, 0)
        self._setbacks = 0

    def rewind(self) -> None:
        """Open the next window after the pages that were taken."""
        self._opened = self._edge
        if not self._edge:
            self._end, self._is_end_seen, self._furthest, self._size = None, False, 0, 1

    def open(self, *, is_continued: bool) -> _Window | None:
        """Open the next window; None at the end of the list."""
        if self._end is not None and self._opened >= self._end - 1:
            return None
        # Page 1 alone has the number of pages, and many lists have no second page.
        is_first = self._opened == 0 and self._has_totals
        start = max(self._opened, 1)
        last, look = self._look_ahead(start, 0 if is_first else self._size)
        if look is None and is_continued:  # the second look of the previous window is not requested yet: it is enough
            return None
        window = self._window(start, last, look, is_continued=is_continued)
        if is_first and window.first_look.total_pages is not None:
            self._end = max(window.first_look.total_pages, 1) + 1
            self._size = self._walk.largest
        self._size = min(self._walk.largest, 4 * self._size)
        self._opened = last
        return window

    def _look_ahead(self, start: int, size: int) -> tuple[int, Page | None]:
        """Find the last page of the next window, closer if pages are empty; without a look at it if it is ``start``."""
        last = start + size
        while True:
            if self._end is not None:
                last = min(last, (start + self._end) // 2 if self._is_end_seen else self._end - 1)
            if last <= start:
                return start, None
            [look] = self._read([last])
            if len(look):
                self._furthest = max(self._furthest, last)
                return last, look
            self._end, self._is_end_seen = last, True

    def _window(self, start: int, last: int, look: Page | None, *, is_continued: bool = False) -> _Window:
        if look is None:
            [look] = self._read([last])
        return _Window(self, start, last, look, is_continued)

    def _read(self, numbers: Iterable[int]) -> list[Page]:
        return self._walk.read(self.fetch, numbers)

    # ------------------------------------------------------------------ take a window

    def take(self, window: _Window, pages: list[Page]) -> list[Page] | None:
        """Take a window's pages; None if records moved in the meantime, or if no page overlaps known records."""
        names = [page.identities() for page in pages]
        if not _is_one_moment(window, names) or not self._overlaps(window, names):
            return None
        _check_order(pages)
        return self._take(pages, names, edge=window.last)

    def _overlaps(self, window: _Window, names: Sequence[Sequence[str]]) -> bool:
        return window.start == 1 or (len(names[0]) > 0 and names[0][0] in self.known)

    def _take(self, pages: list[Page], names: Sequence[Sequence[str]], *, edge: int) -> list[Page]:
        self.known.update(chain.from_iterable(names))
        self._edge = edge
        self._last_page = pages[-1]
        for page in pages[:-1]:  # pages that are followed by another page are full
            self._check_size(len(page))
        self._note_total(pages[-1])
        return pages

    def _note_total(self, page: Page) -> None:
        """Keep the lowest total: a record that was added later need not be found, but one that existed must be."""
        self._total = min((n for n in (self._total, page.total_records) if n is not None), default=None)

    def _check_size(self, size: int) -> None:
        """Add a doubt if pages are shorter than others. If the page size changed, the end is elsewhere, too."""
        if self._full_page not in (0, size):
            self._doubts.append(f"some pages have {self._full_page} records, others before the last page have {size}")
            self._end, self._is_end_seen = None, False
        self._full_page = size

    def take_carefully(self, size: int) -> list[Page]:
        """Read one window alone, in as many attempts as it needs."""
        start, step = max(self._edge, 1), 1
        for _ in range(MAX_ATTEMPTS):
            last, look = self._look_ahead(start, size)
            window = self._window(start, last, look)
            pages = [window.first_look]
            if last > start:
                pages = self._read(range(start, last)) + self._read([last])
            names = [page.identities() for page in pages]
            if not _is_one_moment(window, names):
                size = max(1, size // 2)
            elif not self._overlaps(window, names):
                start, step = max(1, start - step), 2 * step
            else:
                if window.last < self._edge:
                    self._set_back()
                self._size = min(self._walk.largest, 4 * size)
                self._opened = window.last
                _check_order(pages)
                return self._take(pages, names, edge=window.last)
        return self._give_up()

    def _give_up(self) -> list[Page]:
        """Use the next pages although they kept changing. Stop if they have no new records."""
        known, first = len(self.known), max(self._edge, 1)
        self._doubts.append(f"pages {first} and {first + 1} did not fit together in {MAX_ATTEMPTS} attempts")
        pages = self._read([first]) + self._read([first + 1])
        taken = self._take(pages, [page.identities() for page in pages], edge=first + 1)
        self._size, self._opened = 1, self._edge
        self.is_stuck = len(self.known) == known
        self._set_back()
        return taken

    def _set_back(self) -> None:
        """Stop a walk if pages always change, or if the list grows as fast as it is read."""
        self._setbacks += 1
        if self._setbacks == MAX_SETBACKS:
            self._doubts.append(f"the pages changed all the time, so reading stopped near page {self._edge}")
            self.is_stuck = True

    # ------------------------------------------------------------------ the end

    def goes_on(self) -> bool:
        """Check the page after the last one, if totals may be wrong or if records may have moved over the end."""
        state = (self._edge, len(self.known))
        full = self._page_size if self._edge == 1 else self._full_page
        is_last_full = (len(self._last_page) if self._last_page else 0) >= full
        is_end_doubtful = is_last_full or self._furthest > self._edge or (self._total or 0) > len(self.known)
        if not is_end_doubtful or state == self._checked:
            return False
        self._checked = state
        beyond = max(self._furthest, self._edge + 2)
        if self._is_empty(self._edge + 1):
            if self._is_empty(beyond):
                return False
            if self._is_empty(self._edge + 1):  # a list that grew between the two looks has no gap
                self._doubts.append(f"page {self._edge + 1} is empty, but page {beyond} is not")
                return False
        self._end, self._is_end_seen = None, False
        self._size = 1
        self._set_back()
        return True

    def _is_empty(self, number: int) -> bool:
        [page] = self._read([number])
        self._note_total(page)
        return len(page) == 0

    def final_doubts(self) -> list[str]:
        """Return all doubts, after the last page."""
        if self._total is not None and self._total > len(self.known):
            return [*self._doubts, f"the service counts {self._total} records, its pages have {len(self.known)}"]
        return self._doubts


def _is_one_moment(window: _Window, names: Sequence[Sequence[str]]) -> bool:
    """Whether the pages show one moment: the last page has not changed, and the others are full and distinct."""
    if window.last == window.start:
        return True
    before = window.first_look.identities()
    sizes = {len(page) for page in names[:-1]}
    if names[-1][: len(before)] != before or len(sizes) > 1 or 0 in sizes:
        return False
    keys = list(chain.from_iterable(names))
    return len(set(keys)) == len(keys)


def _check_order(pages: Iterable[Page]) -> None:
    """Raise an error if a record is older than the one before it, because then the proof is not valid."""
    times = list(chain.from_iterable(page.values("created_at") for page in pages))
    # Strings of the same form sort like the times that they represent.
    has_one_form = set(map(type, times)) <= {str} and "".join(times).translate(_DIGITS) == _ONE_FORM * len(times)
    if has_one_form and times == sorted(times):
        return
    known = [moment for time in times if (moment := moment_of(time)) is not None]
    if any(later < earlier for earlier, later in pairwise(known)):
        error = ProtocolError("the service did not list records by created_at, oldest first, as requested")
        error.code = "order"
        raise error
