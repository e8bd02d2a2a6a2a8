"""One walk: which page to ask for next, and whether what came shows one moment. The argument stands in the package."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING

from wizframe.api.order import check_order, identities

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wizframe.api.fetcher import Asked, Fetch, Fetching
    from wizframe.api.pages import Page
    from wizframe.api.seen_ids import Names

__all__ = ["Walker"]

MAX_ATTEMPTS = 12
MAX_SETBACKS = 50
PAGES_PER_WORKER = 8


@dataclass(slots=True, eq=False)
class _Window:
    """Pages on their way, from ``start`` to ``last``.

    Parameters
    ----------
    start, last : int
    first_look : Page or None
        The last page before the others; None for a window of one page, since one answer is one moment.
    is_continued : bool
        Whether its first page is the second look of the window before it, which is asked for later.
    others : list of Asked
        In order, but for that second look, which comes when it comes.
    second_look : Asked or None
        The last page after the others.
    answered : int
        So many of the others, in their order, are known to be there: nobody asks for them again at each answer.
    """

    start: int
    last: int
    first_look: Page | None = None
    is_continued: bool = False
    others: list[Asked] = field(default_factory=list)
    second_look: Asked | None = None
    answered: int = 0
    next_page: int = field(init=False)

    def __post_init__(self) -> None:
        self.next_page = self.start + self.is_continued

    @property
    def is_due(self) -> bool:
        """Whether all the others are there, so that the last page may be looked at again."""
        while self.answered < len(self.others) and self.others[self.answered].is_answered:
            self.answered += 1
        return self.answered == self.last - self.start


class Walker:
    """One walk over one list. Pages up to the edge are known; the end is a page that nothing is on or behind.

    Parameters
    ----------
    fetch : callable
        Page number to page.
    fetching : Fetching
    page_size : int
        Records asked for in each page.
    workers : int
    totals : bool
        Whether answers are expected to say how many pages there are.
    known : Names
        An empty set.

    Attributes
    ----------
    known : Names
        The identities of the records that were taken.
    doubts : list of str
    """

    def __init__(
        self, fetch: Fetch, fetching: Fetching, *, page_size: int, workers: int, totals: bool, known: Names
    ) -> None:
        self.known = known
        self.doubts: list[str] = []
        self._fetch = fetch
        self._fetching = fetching
        self._page_size = page_size
        self._largest = PAGES_PER_WORKER * workers
        self._has_totals = totals
        self._edge = 0
        self._total: int | None = None
        self._last_page: Page | None = None
        self._full_page = 0
        self._looked_from = (0, 0)
        self._setbacks = 0
        self._is_stuck = False
        self._looks: deque[Asked] = deque()
        self._windows: deque[_Window] = deque()
        self._opening: Asked | None = None
        self.start_over()

    def start_over(self) -> None:
        """Begin again, where nothing was taken yet."""
        self.forget()
        self._is_opened = not self._has_totals
        self._end: int | None = None
        self._is_end_seen = self._is_open_ended = False
        self._furthest = 0
        self._size = 1

    # ------------------------------------------------------------------ what to ask for

    @property
    def sees_its_end(self) -> bool:
        """Whether all first looks were answered: no window will begin any more, unless one moves."""
        at_end = self._end is not None and self._reached >= self._end - 1
        return self._is_opened and not self._looks and at_end

    @property
    def _reached(self) -> int:
        return self._windows[-1].last if self._windows else max(self._edge, 1)

    def ask_look(self) -> bool:
        """Ask for a page on which others wait: a second look that is due, or a first look further on.

        Returns
        -------
        bool
            False where there is none to ask for now.
        """
        self._note_looks()
        for window, following in zip_longest(self._windows, islice(self._windows, 1, None)):
            if window.second_look is None:
                if not window.is_due or not (following or self.sees_its_end):
                    break
                window.second_look = self._ask(window.last)
                if following:
                    following.others.append(window.second_look)
                return True
        if not self._is_opened:
            if self._opening is not None:
                return False
            self._opening = self._ask(1)
            return True
        number = self._next_look()
        if number is not None:
            self._looks.append(self._ask(number))
        return number is not None

    def ask_page(self) -> bool:
        """Ask for a page of a window.

        Returns
        -------
        bool
            False where there is none to ask for now.
        """
        for window in self._windows:
            if window.next_page < window.last:
                window.others.append(self._ask(window.next_page))
                window.next_page += 1
                return True
        return False

    def _ask(self, number: int) -> Asked:
        return self._fetching.ask(self._fetch, number)

    def _next_look(self) -> int | None:
        """Choose where the next window ends; None where enough is known, or where an answer has to come first."""
        reached = self._looks[-1].number if self._looks else self._reached
        unread = next((one.next_page for one in self._windows if one.next_page < one.last), self._reached)
        if self.sees_its_end or reached - unread >= self._largest:
            return None
        if self._is_end_seen:  # between a page that is there and one that is empty
            return None if self._looks else (reached + (self._end or 0)) // 2
        if self._end is None:
            is_first = self._edge == 0 and not self._windows
            number = None if is_first and self._looks else reached + self._size  # many lists have a single page
        else:
            number = min(reached + self._size, self._end - 1) if reached < self._end - 1 else None
        if number is not None:
            self._size = min(self._largest, 4 * self._size)
        return number

    def _note_looks(self) -> None:
        """Turn first looks that were answered into windows, or into knowledge of where the end is."""
        if self._opening is not None and self._opening.page is not None:
            self._open(self._opening, self._opening.page)
        while self._looks and self._looks[0].page is not None:
            look, page = self._looks[0], self._looks[0].page
            if len(page):
                self._looks.popleft()
                is_continued = bool(self._windows) and self._windows[-1].second_look is None
                self._furthest = max(self._furthest, look.number)
                self._windows.append(_Window(self._reached, look.number, page, is_continued))
            else:
                self._forget_looks()
                self._see_end(look.number)
        if self._is_open_ended and self.sees_its_end:
            # What was there when the end was seen, may have moved in front of pages that were read before.
            self._is_open_ended = False
            if not self._windows or self._windows[-1].second_look is not None:
                self._windows.append(_Window(self._reached, self._reached))

    def _open(self, opening: Asked, page: Page) -> None:
        """Learn from page 1 how many there are. It is taken, too: a list of one page needs nothing more."""
        self._is_opened, self._opening = True, None
        if page.total_pages is not None:
            self._end = max(page.total_pages, 1) + 1
            self._size = self._largest
            self._windows.append(_Window(1, 1, second_look=opening))

    def _see_end(self, number: int) -> None:
        self._end, self._is_end_seen, self._is_open_ended = number, True, True

    # ------------------------------------------------------------------ what came

    @property
    def is_answered(self) -> bool:
        """Whether the next window can be judged."""
        return bool(self._windows) and (look := self._windows[0].second_look) is not None and look.is_answered

    @property
    def is_through(self) -> bool:
        """Whether nothing is on its way and nothing is left; or it came to no end."""
        return self._is_stuck or (self.sees_its_end and not self._windows)

    def take(self) -> list[Page] | None:
        """Take the pages of the next window.

        Returns
        -------
        list of Page or None
            Those that were not taken before. None where they moved meanwhile, or do not continue what is known.
        """
        window = self._windows.popleft()
        others = sorted(window.others, key=attrgetter("number"))
        pages = [asked.page for asked in (*others, window.second_look) if asked and asked.page is not None]
        names = [identities(page) for page in pages]
        stands = window.first_look is None or _stands_still(names, window.first_look)
        if not stands or not self._attaches(names[0], window.start):
            self._size = max(window.last - window.start, 1)
            return None
        check_order(pages)
        taken = self._take(pages, names, edge=window.last)
        return taken[1:] if window.is_continued else taken

    def _attaches(self, first: Sequence[str], start: int) -> bool:
        """Tell whether a window continues what is known without a gap."""
        return start == 1 or (len(first) > 0 and first[0] in self.known)

    def _take(self, pages: list[Page], names: Iterable[Sequence[str]], *, edge: int) -> list[Page]:
        self.known.update(chain.from_iterable(names))
        self._edge = edge
        self._last_page = pages[-1]
        for page in pages[:-1]:  # pages with another one behind them are full
            self._check_size(len(page))
        self._note_total(pages[-1])
        return pages

    def _note_total(self, page: Page) -> None:
        """Note the least of all totals: a record that came meanwhile need not be found, one that was there must be."""
        self._total = min((n for n in (self._total, page.total_records) if n is not None), default=None)

    def _check_size(self, size: int) -> None:
        """Doubt pages that are shorter than others; where pages are cut anew, the end is elsewhere too."""
        if self._full_page not in (0, size):
            self.doubts.append(f"some pages hold {self._full_page} records, others before the last one {size}")
            self._end, self._is_end_seen = None, False
        self._full_page = size

    # ------------------------------------------------------------------ where pages move

    def take_carefully(self) -> list[Page]:
        """Forget what is on its way and add one window, in as many attempts as it takes.

        Returns
        -------
        list of Page
        """
        self.forget()
        start, size, step = max(self._edge, 1), self._size, 1
        for _ in range(MAX_ATTEMPTS):
            last, first_look = self._look_ahead(start, size)
            pages = self._get([*range(start, last)])
            pages += self._get([last])
            names = [identities(page) for page in pages]
            stands = first_look is None or _stands_still(names, first_look)
            if stands and self._attaches(names[0], start):
                if last < self._edge:
                    self._set_back()
                self._size, self._is_open_ended = min(self._largest, 4 * size), False
                check_order(pages)
                return self._take(pages, names, edge=last)
            if stands:
                start, step = max(1, start - step), 2 * step
            else:
                size = max(1, size // 2)
        return self._give_up()

    def forget(self) -> None:
        """Wait for nothing any more."""
        asked = [asked for window in self._windows for asked in (*window.others, window.second_look) if asked]
        for one in (*asked, *([self._opening] if self._opening else [])):
            one.is_wanted = False
        self._opening = None
        self._windows.clear()
        self._forget_looks()

    def _forget_looks(self) -> None:
        for look in self._looks:
            look.is_wanted = False
        self._looks.clear()

    def _look_ahead(self, start: int, size: int) -> tuple[int, Page | None]:
        """Find the last page of the next window, and read it. None: ``start`` is the last page that there is."""
        last = start + size if self._end is None else min(start + size, self._end - 1)
        while last > start:
            [page] = self._get([last])
            if len(page):
                self._furthest = max(self._furthest, last)
                return last, page
            self._see_end(last)
            last = (start + last) // 2
        return start, None

    def _get(self, numbers: Iterable[int]) -> list[Page]:
        """Read some pages, in any order."""
        asked = []
        for number in numbers:
            while not self._fetching.has_room:
                self._fetching.receive()
            asked.append(self._ask(number))
        while not all(one.is_answered for one in asked):
            self._fetching.receive()
        return [one.page for one in asked if one.page is not None]

    def _give_up(self) -> list[Page]:
        """Take the next pages as they are, as they never came to rest, and say so. Stop if they bring nothing new."""
        known, first = len(self.known), max(self._edge, 1)
        self.doubts.append(f"pages {first} and {first + 1} did not fit together in {MAX_ATTEMPTS} attempts")
        pages = self._get([first]) + self._get([first + 1])
        self._take(pages, map(identities, pages), edge=first + 1)
        self._size, self._is_open_ended = 1, False
        self._is_stuck = len(self.known) == known
        self._set_back()
        return pages

    def _set_back(self) -> None:
        """Stop in the end where pages always change, or grow as fast as they are read."""
        self._setbacks += 1
        if self._setbacks == MAX_SETBACKS:
            self.doubts.append(f"the pages changed all the time, reading stopped near page {self._edge}")
            self._is_stuck = True

    # ------------------------------------------------------------------ the end

    def goes_on(self) -> bool:
        """Look behind the last page where totals may be wrong, or where something was pushed over its end.

        Returns
        -------
        bool
            Whether the list is longer than it seemed.
        """
        here = (self._edge, len(self.known))
        if self._is_stuck or not self._may_go_on() or here == self._looked_from:
            return False
        self._looked_from = here
        beyond = max(self._furthest, self._edge + 2)
        if self._is_empty(self._edge + 1):
            if self._is_empty(beyond):
                return False
            if self._is_empty(self._edge + 1):  # a list that grew between the two looks is no gap in it
                self.doubts.append(f"page {self._edge + 1} is empty, but page {beyond} is not")
                return False
        self._end, self._is_end_seen = None, False
        self._size = 1
        self._set_back()
        return True

    def _is_empty(self, number: int) -> bool:
        [page] = self._get([number])
        self._note_total(page)
        return len(page) == 0

    def _may_go_on(self) -> bool:
        """Tell whether the last page is full, or something lay behind it, or the service counts more records."""
        full = self._page_size if self._edge == 1 else self._full_page
        held = len(self._last_page) if self._last_page else 0
        return held >= full or self._furthest > self._edge or (self._total or 0) > len(self.known)

    def last_doubts(self) -> list[str]:
        """Say what is in doubt, at the end.

        Returns
        -------
        list of str
        """
        if self._total is not None and self._total > len(self.known):
            counted = f"the service counts {self._total} records, its pages hold {len(self.known)}"
            return [*self.doubts, counted]
        return self.doubts


def _stands_still(names: Sequence[Sequence[str]], first_look: Page) -> bool:
    """Tell whether pages show one moment, from before they were read, when the last of them was looked at first."""
    before = identities(first_look)
    sizes = {len(page) for page in names[:-1]}
    if names[-1][: len(before)] != before or len(sizes) > 1 or 0 in sizes:
        return False
    keys = list(chain.from_iterable(names))
    return len(set(keys)) == len(keys)
