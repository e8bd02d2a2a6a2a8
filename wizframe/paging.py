"""The complete, drift-proof walk over a paged list. Knows records by their id and age only, nothing of frames.

A plain loop over pages misses records: delete one that was already read, and every later record moves up by one,
across a page boundary that the loop has passed. Equal totals prove nothing, since one delete and one insert cancel
out. This walk rests on three facts:

* In ``created_at`` ascending order an edit moves nothing, an insert comes last, and a delete moves later records
  towards the front.
* **Window**: read the last page of some pages, then the others, then the last one again. If it is still the same,
  nothing before its end moved meanwhile, so all of them show one moment.
* **Overlap**: a window whose first record is already known continues the known records without a gap, since
  everything before that record is known too.

So each window begins with the last page of the one before it. A window that moved is read again, smaller; one
that does not attach begins some pages earlier. Where the end is, an earlier answer says (a total, or an empty page):
whatever existed then can only have moved towards the front.

What is not covered: a record that enters the *middle* of a list (its status changed, or an edit brought it into an
``updated_after`` list) moves later ones backwards. Alone that is noticed. Together with a delete, both while one
window is read, it leaves the window's last page in place and can hide a third record.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from wizframe.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.dialects import Page, Record

__all__ = ["Walk", "created", "identity", "walk"]

MAX_ATTEMPTS = 12
MAX_SETBACKS = 50
PAGES_PER_WORKER = 16


@dataclass
class Walk:
    """What a walk found.

    Parameters
    ----------
    records : list of dict
        Plain records, each id once, oldest first.
    doubts : list of str
        Why the walk cannot prove that it is complete; empty when it can.
    """

    records: list[Record] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def walk(
    fetch: Callable[[int], Page],
    *,
    page_size: int,
    totals: bool,
    workers: int = 1,
    progress: Callable[[int, int | None], None] | None = None,
) -> Walk:
    """Read all pages of a list so that no record which was there throughout is missed or doubled.

    Parameters
    ----------
    fetch : callable
        Page number, from 1, to :class:`~wizframe.dialects.Page`, in ``created_at`` ascending order. Called from
        several threads when ``workers`` is above 1.
    page_size : int
        Records asked for in each page; the service may send fewer.
    totals : bool
        Whether answers are expected to say how many pages there are.
    workers : int
        Pages read at a time.
    progress : callable, optional
        Called with the number of records known and the total, or None, after each window.

    Returns
    -------
    Walk

    Raises
    ------
    ProtocolError
        With code ``"order"``, where the pages are not in the order that was asked for.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="wizframe-page") as pool:
        walker = _Walker(fetch, pool, page_size, progress or (lambda _known, _total: None))
        walker.largest_window = PAGES_PER_WORKER * workers
        return walker.run(totals=totals)


class _Walker:
    """One walk. Pages up to ``edge`` are known; ``end`` is a page before which everything was, once found."""

    def __init__(
        self,
        fetch: Callable[[int], Page],
        pool: ThreadPoolExecutor,
        page_size: int,
        progress: Callable[[int, int | None], None],
    ) -> None:
        self.largest_window = PAGES_PER_WORKER
        self._get = fetch
        self._pool = pool
        self._page_size = page_size
        self._progress = progress
        self._known: dict[str, Record] = {}
        self._doubts: list[str] = []
        self._edge = 0
        self._end: int | None = None
        self._furthest = 0
        self._total: int | None = None
        self._window_size = 1
        self._last_page: Page | None = None
        self._full_page = 0
        self._looked_from = (0, 0)
        self._setbacks = 0
        self._is_stuck = False

    def run(self, *, totals: bool) -> Walk:
        if totals:
            self._begin()
        while not self._is_stuck and (self._is_unfinished() or self._goes_on()):
            self._advance()
        if self._total is not None and self._total > len(self._known):
            self._doubts.append(f"the service counts {self._total} records, its pages hold {len(self._known)}")
        return Walk(list(self._known.values()), self._doubts)

    def _begin(self) -> None:
        """Read page 1, which tells how many there are. A single answer is one moment: it is a window in itself."""
        first = self._get(1)
        if first.total_pages is not None:
            self._end = max(first.total_pages, 1) + 1
            self._window_size = self.largest_window
            self._take([first], edge=1)

    def _is_unfinished(self) -> bool:
        return self._end is None or self._edge < self._end - 1

    def _goes_on(self) -> bool:
        """Look behind the last page where totals may be wrong, or where something was pushed over its end."""
        here = (self._edge, len(self._known))
        if not self._may_go_on() or here == self._looked_from:
            return False
        self._looked_from = here
        beyond = max(self._furthest, self._edge + 2)
        if not self._get(self._edge + 1).records:
            if not self._get(beyond).records:
                return False
            if not self._get(self._edge + 1).records:  # a list that grew between the two looks is no gap in it
                self._doubts.append(f"page {self._edge + 1} is empty, but page {beyond} is not")
                return False
        self._end = None
        self._window_size = 1
        self._set_back()
        return True

    def _may_go_on(self) -> bool:
        """Tell whether the last page is full, or something lay behind it, or the service counts more records."""
        full = self._page_size if self._edge == 1 else self._full_page
        held = len(self._last_page.records) if self._last_page else 0
        return held >= full or self._furthest > self._edge or (self._total or 0) > len(self._known)

    def _advance(self) -> None:
        """Add the next window, in as many attempts as it takes."""
        start, size, step = max(self._edge, 1), self._window_size, 1
        for _ in range(MAX_ATTEMPTS):
            last, sentinel = self._look_ahead(start, size)
            pages = self._window(start, last, sentinel)
            if pages and self._attaches(pages[0], start):
                if last < self._edge:
                    self._set_back()
                self._take(pages, edge=last)
                self._window_size = min(self.largest_window, 4 * size)
                return
            if pages:
                start, step = max(1, start - step), 2 * step
            else:
                size = max(1, size // 2)
        self._give_up()

    def _look_ahead(self, start: int, size: int) -> tuple[int, Page | None]:
        """Find the last page of the next window, and read it. None: ``start`` is the last page that there is."""
        last = start + size if self._end is None else min(start + size, self._end - 1)
        while last > start:
            page = self._get(last)
            if page.records:
                self._furthest = max(self._furthest, last)
                return last, page
            self._end = last
            last = (start + last) // 2
        return start, None

    def _window(self, start: int, last: int, sentinel: Page | None) -> list[Page] | None:
        """Read pages that show one moment, or None where they moved meanwhile."""
        if sentinel is None:
            return [self._get(start)]
        pages = list(self._pool.map(self._get, range(start, last)))
        pages.append(self._get(last))
        before, now = _keys(sentinel), _keys(pages[-1])
        sizes = {len(page.records) for page in pages[:-1]}
        if now[: len(before)] != before or len(sizes) > 1 or 0 in sizes:
            return None
        keys = list(chain.from_iterable(map(_keys, pages)))
        return pages if len(set(keys)) == len(keys) else None

    def _attaches(self, first: Page, start: int) -> bool:
        """Tell whether a window continues what is known without a gap."""
        return start == 1 or (bool(first.records) and identity(first.records[0]) in self._known)

    def _give_up(self) -> None:
        """Take the next pages as they are, as they never came to rest, and say so. Stop if they bring nothing new."""
        known, first = len(self._known), max(self._edge, 1)
        self._doubts.append(f"pages {first} and {first + 1} did not fit together in {MAX_ATTEMPTS} attempts")
        self._take([self._get(first), self._get(first + 1)], edge=first + 1, fits=False)
        self._window_size = 1
        self._is_stuck = len(self._known) == known
        self._set_back()

    def _set_back(self) -> None:
        """Stop in the end where pages always change, or grow as fast as they are read."""
        self._setbacks += 1
        if self._setbacks == MAX_SETBACKS:
            self._doubts.append(f"the pages changed all the time, reading stopped near page {self._edge}")
            self._is_stuck = True

    def _take(self, pages: list[Page], *, edge: int, fits: bool = True) -> None:
        if fits:
            _check_order(pages)
        for page in pages:
            self._known.update(zip(_keys(page), page.records, strict=True))
        self._edge = edge
        self._last_page = pages[-1]
        for page in pages[:-1]:  # pages with another one behind them are full
            self._check_size(len(page.records))
        # The least of them counts: a record that came meanwhile need not be found, one that was there must be.
        self._total = min((n for n in (self._total, pages[-1].total_records) if n is not None), default=None)
        self._progress(len(self._known), pages[-1].total_records)

    def _check_size(self, size: int) -> None:
        """Doubt pages that are shorter than others; where pages are cut anew, the end is elsewhere too."""
        if self._full_page not in (0, size):
            self._doubts.append(f"some pages hold {self._full_page} records, others before the last one {size}")
            self._end = None
        self._full_page = size


def identity(record: Record) -> str:
    """Name a record: by its id, or by all of it where it has none.

    Parameters
    ----------
    record : dict

    Returns
    -------
    str
    """
    identifier = record.get("id")
    return identifier if identifier and isinstance(identifier, str) else json.dumps(record)


def _keys(page: Page) -> list[str]:
    return [identity(record) for record in page.records]


def _check_order(pages: list[Page]) -> None:
    ages = [created(record) for page in pages for record in page.records]
    known = [age for age in ages if age is not None]
    if any(later < earlier for earlier, later in pairwise(known)):
        error = ProtocolError("the service did not list records by created_at, oldest first, as it was asked to")
        error.code = "order"
        raise error


def created(record: Record) -> datetime | None:
    """Tell when a record was created.

    Parameters
    ----------
    record : dict

    Returns
    -------
    datetime or None
        In its own zone, naive taken for UTC; None where it does not say.
    """
    try:
        moment = datetime.fromisoformat(record["created_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
