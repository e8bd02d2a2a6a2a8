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
that does not attach begins a page earlier. Where the end is, an earlier answer says (a total, or an empty page):
whatever existed then can only have moved towards the front.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import orjson

from wizframe.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.dialects import Page, Record

__all__ = ["Walk", "walk"]

MAX_ATTEMPTS = 12
PAGES_PER_WORKER = 16


@dataclass
class Walk:
    """What a walk found.

    Parameters
    ----------
    records : list of dict
        Plain records, each id once, oldest first.
    requests : int
        Pages asked for.
    reread : int
        Windows that were read again because something moved.
    doubts : list of str
        Why the walk cannot prove that it is complete; empty when it can.
    """

    records: list[Record] = field(default_factory=list)
    requests: int = 0
    reread: int = 0
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
        self._fetch = fetch
        self._pool = pool
        self._page_size = page_size
        self._progress = progress
        self._found = Walk()
        self._known: dict[str, Record] = {}
        self._edge = 0
        self._end: int | None = None
        self._window_size = 1
        self._last_page: Page | None = None
        self._full_page = 0
        self._is_stuck = False

    def run(self, *, totals: bool) -> Walk:
        if totals:
            self._begin()
        while not self._is_stuck and (self._is_unfinished() or self._goes_on()):
            self._advance()
        total = self._last_page.total_records if self._last_page else None
        if total is not None and total > len(self._known):
            self._found.doubts.append(f"the service counts {total} records, its pages hold {len(self._known)}")
        self._found.records = list(self._known.values())
        return self._found

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
        """Look behind a last page that is full: the total may be wrong, or something was pushed over its end."""
        full = self._page_size if self._edge == 1 else self._full_page
        if self._last_page is None or not full or len(self._last_page.records) < full:
            return False
        if not self._get(self._edge + 1).records:
            return False
        self._end = None
        self._window_size = 1
        return True

    def _advance(self) -> None:
        """Add the next window, in as many attempts as it takes."""
        start, size = max(self._edge, 1), self._window_size
        for _ in range(MAX_ATTEMPTS):
            last, sentinel = self._look_ahead(start, size)
            pages = self._window(start, last, sentinel)
            if pages and self._attaches(pages[0], start):
                self._take(pages, edge=last)
                self._window_size = min(self.largest_window, 4 * size)
                return
            self._found.reread += 1
            size = max(1, size // 2)
            if pages:
                start = max(1, start - 1)
        self._give_up(start, last)

    def _look_ahead(self, start: int, size: int) -> tuple[int, Page | None]:
        """Find the last page of the next window, and read it. None: ``start`` is the last page that there is."""
        last = start + size if self._end is None else min(start + size, self._end - 1)
        while last > start:
            page = self._get(last)
            if page.records:
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
        if now[: len(before)] != before or len({len(page.records) for page in pages[:-1]}) > 1:
            return None
        keys = list(chain.from_iterable(map(_keys, pages)))
        return pages if len(set(keys)) == len(keys) else None

    def _attaches(self, first: Page, start: int) -> bool:
        """Tell whether a window continues what is known without a gap."""
        return start == 1 or (bool(first.records) and _keys(first)[0] in self._known)

    def _give_up(self, start: int, last: int) -> None:
        """Take pages that never came to rest as they are, and say so. Stop where they bring nothing new."""
        known = len(self._known)
        pages = [self._get(number) for number in range(start, last + 1)]
        self._found.doubts.append(f"pages {start} to {last} differed each of the {MAX_ATTEMPTS} times they were read")
        self._take(pages, edge=max(last, self._edge + 1), ordered=False)
        self._is_stuck = len(self._known) == known

    def _take(self, pages: list[Page], *, edge: int, ordered: bool = True) -> None:
        if ordered:
            _check_order(pages)
        for page in pages:
            self._known.update(zip(_keys(page), page.records, strict=True))
        self._edge = edge
        self._last_page = pages[-1]
        self._full_page = max(self._full_page, *(len(page.records) for page in pages))
        self._progress(len(self._known), self._last_page.total_records)

    def _get(self, number: int) -> Page:
        self._found.requests += 1
        return self._fetch(number)


def _keys(page: Page) -> list[str]:
    """Name each record: by its id, or by all of it where it has none."""
    return [record.get("id") or orjson.dumps(record).decode() for record in page.records]


def _check_order(pages: list[Page]) -> None:
    ages = [_age(record) for page in pages for record in page.records]
    known = [age for age in ages if age is not None]
    if any(later < earlier for earlier, later in pairwise(known)):
        error = ProtocolError("the service did not list records by created_at, oldest first, as it was asked to")
        error.code = "order"
        raise error


def _age(record: Record) -> datetime | None:
    try:
        return datetime.fromisoformat(record["created_at"])
    except (KeyError, TypeError, ValueError):
        return None
