"""One list of a walk: the pages that were taken, its end, and the doubts about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Protocol

from wizframe.api.values import moment_of
from wizframe.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wizframe.api.pages import Page
    from wizframe.api.seen_ids import Names
    from wizframe.api.traits import Traits
    from wizframe.threads import Task

    Fetch = Callable[[int], Page]

__all__ = ["MAX_ATTEMPTS", "MAX_SETBACKS", "Listing", "SayOnce", "Window"]

# Attempts to read one window. Seven of them reduce 128 pages to one page by halving.
MAX_ATTEMPTS = 12
# The number of times that a list may turn out shorter or longer than expected, before the walk stops with a doubt.
MAX_SETBACKS = 50
# The most pages to read in a row, without proof: ten million records. Reading must end even if pages never do.
_MOST_IN_A_ROW = 100_000
# Common limits on the size of a page. A page with exactly so many records may not be the last one.
_USUAL_CAPS = (10, 20, 25, 30, 50)
# A total that is a multiple of this number may be the estimate of a database.
_ROUND = 50
_ONE_FORM = "0000-00-00T00:00:00Z"
_DIGITS = str.maketrans("123456789", "000000000")


class SayOnce(str):
    """A doubt about the service in general, not about this walk: one warning per connection is enough."""

    __slots__ = ()


class Requests(Protocol):
    """The requests that a list needs from its walk."""

    largest: int  # the most pages of a window

    def read(self, fetch: Fetch, numbers: Iterable[int]) -> list[Page]:
        """Request some pages, and wait for them."""


@dataclass(slots=True, eq=False)
class Window:
    """The pages ``start`` to ``last`` of a list: the first look at the last page, and requests for the others.

    A window of one page consists of its first look, because one response shows one moment.
    """

    of: Listing
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


class Listing:
    """One list: the pages that were taken, and what is known about its end.

    ``_edge`` is the last page that was taken, ``_opened`` the last page of an open window, and ``_end`` the first page
    that does not exist.
    """

    def __init__(
        self, walk: Requests, fetch: Fetch, *, page_size: int, has_totals: bool, known: Names, traits: Traits
    ) -> None:
        self.fetch = fetch
        self.known = known
        self.is_stuck = False  # whether the walk stopped before the end
        self.is_in_a_row = False  # whether pages are read in a row, because windows prove nothing
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
        self._traits = traits
        self._why_in_a_row = ""
        self._has_gaps = False

    def rewind(self) -> None:
        """Open the next window after the pages that were taken."""
        self._opened = self._edge
        if not self._edge and not self._traits.has_repeats:
            self._end, self._is_end_seen, self._furthest, self._size = None, False, 0, 1

    def open(self, *, is_continued: bool) -> Window | None:
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
            if not self._is_behind_the_end(last, look):
                self._furthest = max(self._furthest, last)
                return last, look
            self._end, self._is_end_seen = last, True

    def _window(self, start: int, last: int, look: Page | None, *, is_continued: bool = False) -> Window:
        if look is None:
            [look] = self._read([last])
        return Window(self, start, last, look, is_continued)

    def _read(self, numbers: Iterable[int]) -> list[Page]:
        return self._walk.read(self.fetch, numbers)

    # ------------------------------------------------------------------ take a window

    def take(self, window: Window, pages: list[Page]) -> list[Page] | None:
        """Take a window's pages; None if records moved in the meantime, or if no page overlaps known records."""
        names = [page.identities() for page in pages]
        if self._repeats_at_end(window, names) or not (_is_one_moment(window, names) and self._overlaps(window, names)):
            return None
        _check_order(pages)
        return self._take(pages, names, edge=window.last)

    def _overlaps(self, window: Window, names: Sequence[Sequence[str]]) -> bool:
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
            if self._repeats_at_end(window, names) or not _is_one_moment(window, names):
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
        if len(self.known) == known:
            self.read_in_a_row("its pages do not fit together")
        self._set_back()
        return taken

    def _set_back(self) -> None:
        """Stop a walk if pages always change, or if the list grows as fast as it is read."""
        self._setbacks += 1
        if self._setbacks == MAX_SETBACKS:
            self._doubts.append(f"the pages changed all the time, so reading stopped near page {self._edge}")
            self.is_stuck = True

    def _repeats_at_end(self, window: Window, names: Sequence[Sequence[str]]) -> bool:
        """Note the end of a list if the service repeats the last page after it. Return whether it does."""
        first = len(names) - 1
        while first and names[first - 1] == names[-1]:
            first -= 1
        if first == len(names) - 1 or not names[-1] or not self._is_repeat(window.last, names[-1]):
            return False
        self._end, self._is_end_seen = window.start + first + 1, True
        return True

    def _is_repeat(self, number: int, names: Sequence[str]) -> bool:
        """Return whether a page repeats the page before it, although no records moved between the two."""
        if not self._traits.has_repeats:
            looks = [page.identities() for one in (number - 1, number) * 2 for page in self._read([one])]
            self._traits.has_repeats = all(look == names for look in looks)
        if self._traits.has_repeats and len(names) >= (self._full_page or self._page_size):
            self._doubts.append(
                SayOnce("the service gives a full page again as the next one: it may not have shown what is behind it")
            )
        return self._traits.has_repeats

    def read_in_a_row(self, why: str) -> None:
        """Read pages in a row from now on, beginning with the first one."""
        self.is_in_a_row = True
        self._why_in_a_row = why

    def pages_in_a_row(self, room: int) -> Iterator[list[Page]]:
        """Yield page after page, without proof, until pages have no new records."""
        start, count, filled = 1, 2, 0
        seen: set[int] = set()
        while start < _MOST_IN_A_ROW:
            pages, before = self._read(range(start, start + count)), len(seen)
            for page in pages:
                self.known.update(page.identities())
                seen.update(map(hash, page.identities()))
                self._note_total(page)
                filled += len(page) > 0
            yield pages
            if len(seen) == before or not (len(pages[-1]) or self._has_gaps):
                break
            start, count = start + count, min(2 * count, max(room, 4))
        else:
            self._doubts.append(f"reading stopped at page {start}")
        if filled > 1:  # a single page shows one moment
            moved = "a record that moves to another page while pages are read can be missed"
            self._doubts.append(f"{self._why_in_a_row}, so {moved}")

    # ------------------------------------------------------------------ the end

    def _is_behind_the_end(self, number: int, page: Page) -> bool:
        """Return whether a page is empty, or repeats the last page."""
        if not len(page):
            return True
        names = page.identities()
        return self._last_page is not None and names == self._last_page.identities() and self._is_repeat(number, names)

    def goes_on(self) -> bool:
        """Check the page after the last one, if totals may be wrong or if records may have moved over the end."""
        state = (self._edge, len(self.known))
        if state == self._checked or not self._is_end_doubtful():
            return False
        self._checked = state
        beyond = max(self._furthest, self._edge + 2)
        if self._is_empty(self._edge + 1):
            if self._is_empty(beyond):
                return False
            if self._is_empty(self._edge + 1):  # a list that grew between the two looks has no gap
                self._has_gaps = True
                self.read_in_a_row(f"page {self._edge + 1} is empty or a repetition, but page {beyond} is not")
                return False
        self._end, self._is_end_seen = None, False
        self._size = 1
        self._set_back()
        return True

    def _is_end_doubtful(self) -> bool:
        last = self._last_page
        if last is None:
            return False
        size, known = len(last), len(self.known)
        full = min(self._page_size, last.page_size or self._page_size) if self._edge == 1 else self._full_page
        is_capped = self._has_totals and self._edge == 1 and last.page_size is None and size in _USUAL_CAPS
        is_full = size >= full or is_capped
        is_total_wrong = last.total_records is not None and last.total_records < known
        points_on = last.next_page is not None and last.next_page > self._edge
        is_more_expected = self._furthest > self._edge or (self._total or 0) > known
        return is_full or is_total_wrong or points_on or is_more_expected

    def _is_empty(self, number: int) -> bool:
        [page] = self._read([number])
        self._note_total(page)
        return self._is_behind_the_end(number, page)

    def final_doubts(self) -> list[str]:
        """Return all doubts, after the last page."""
        known, last = len(self.known), self._last_page
        if self._total is None or self._total <= known:
            return self._doubts
        said = f"the service counts {self._total} records, its pages have {known}"
        # The place of the last page gives the number of records. A round total that differs from it is a guess.
        by_place = (self._edge - 1) * self._full_page + len(last) if last is not None else 0
        is_guess = known and not self._doubts and self._total % _ROUND == 0 and self._total != by_place
        return [*self._doubts, SayOnce(said) if is_guess else said]


def _is_one_moment(window: Window, names: Sequence[Sequence[str]]) -> bool:
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
