"""The complete, drift-proof walk over a paged list. Knows records by their id and age only, nothing of frames.

A plain loop over pages misses records: delete one that was already read, and every later record moves up by one,
across a page boundary that the loop has passed. Equal totals prove nothing, since one delete and one insert cancel
out. This walk rests on three facts:

* In ``created_at`` ascending order an edit moves nothing, an insert comes last, and a delete moves later records
  towards the front.
* **Window**: look at the last page of some pages, read the others, then look at the last one again. If it is still
  the same, nothing before its end moved meanwhile, so all of them show one moment.
* **Overlap**: a window whose first record is already known continues the known records without a gap, since
  everything before that record is known too.

Windows do not wait for each other. The first look of the next window is asked for before the others of this one, and
once it was answered, the second look of this window is the first page of the next: it lies within both, so what one
shows continues what the other shows. The order that this needs, and that is kept: *the others of a window, its first
page among them, are asked for after its first look was answered; its second look is asked for after they were.* Where
a window moved, or does not attach, all that was asked for behind it is forgotten, and its pages are read again by
themselves: in smaller windows where they moved, from some pages earlier where they do not attach.

The end is where an earlier answer says (a total, or an empty page): whatever existed then can only have moved towards
the front. So the last window's second look comes after that answer; an end that is seen later asks for one more.

Lists are walked **one after the other**, so that a record which goes from an earlier list to a later one is in one of
them. A later walk begins once all first looks of the earlier ones were answered: a record that left an earlier list
before its window there began is in the later list from the start; one that left it later is found in that window, or
has moved it. Where an earlier walk has to begin another window after all, the later ones start over.

What is not covered: a record that enters the *middle* of a list (its status changed, or an edit brought it into an
``updated_after`` list) moves later ones backwards. Alone that is noticed. Together with a delete, both while one
window is read, it leaves the window's last page in place and can hide a record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from wizframe.api.fetcher import Fetching
from wizframe.api.order import created, identities, identity
from wizframe.api.seen_ids import Names, Seen, SeenHashes, SeenNames
from wizframe.api.walk import MAX_ATTEMPTS, MAX_SETBACKS, Walker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wizframe.api.pages import Page, Record

__all__ = [
    "MAX_ATTEMPTS",
    "MAX_SETBACKS",
    "Names",
    "Seen",
    "SeenHashes",
    "SeenNames",
    "Taken",
    "Walk",
    "created",
    "identities",
    "identity",
    "walk",
    "walk_lists",
]


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
        Page number, from 1, to :class:`~wizframe.api.pages.Page`, in ``created_at`` ascending order. Called from
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
    records: dict[str, Record] = {}
    doubts: list[str] = []
    for taken in walk_lists([fetch], page_size=page_size, totals=totals, workers=workers, doubts=doubts):
        for page in taken.pages:
            records.update(zip(identities(page), page.records, strict=True))
        if progress:
            progress(taken.known, taken.total)
    return Walk(list(records.values()), doubts)


class Taken(NamedTuple):
    """Pages that were added to a walk.

    Parameters
    ----------
    number : int
        Of the list, from 0.
    pages : list of Page
        In order. A record may come again: then as it is now.
    known : int
        Records of this list so far.
    total : int or None
        As the service counts them.
    """

    number: int
    pages: list[Page]
    known: int
    total: int | None


def walk_lists(
    fetches: Sequence[Callable[[int], Page]],
    *,
    page_size: int,
    totals: bool,
    workers: int = 1,
    doubts: list[str],
    names: Callable[[], Names] = set,
) -> Iterator[Taken]:
    """Walk some lists, one after the other.

    Parameters
    ----------
    fetches : sequence of callable
        For each list what :func:`walk` takes.
    page_size, totals, workers
        As for :func:`walk`.
    doubts : list of str
        What cannot be proven is added to it.
    names : callable
        Gives each walk an empty set for the names of its records.

    Yields
    ------
    Taken
        Pages as they come.

    Raises
    ------
    ProtocolError
        As for :func:`walk`.
    """
    with Fetching(workers) as fetching:
        walkers = [
            Walker(fetch, fetching, page_size=page_size, workers=workers, totals=totals, known=names())
            for fetch in fetches
        ]
        for number, walker in enumerate(walkers):
            for pages in _windows(walker, walkers[number + 1 :], fetching):
                yield Taken(number, pages, len(walker.known), pages[-1].total_records)
            doubts += walker.last_doubts()


def _windows(walker: Walker, later: Sequence[Walker], fetching: Fetching) -> Iterator[list[Page]]:
    """Take the windows of one walk, while the later ones begin as soon as they may."""
    while True:
        _ask([walker, *later], fetching)
        if walker.is_answered:
            pages = walker.take()
            if pages is None or not walker.sees_its_end:  # there will be windows that begin later than later walks did
                _start_over(later)
            yield pages or walker.take_carefully()
        elif not walker.is_through:
            fetching.receive()
        elif walker.goes_on():
            _start_over(later)
        else:
            return


def _start_over(walkers: Sequence[Walker]) -> None:
    for walker in walkers:
        walker.start_over()


def _ask(walkers: Sequence[Walker], fetching: Fetching) -> None:
    """Ask for as much as there is room for, first for what others wait for."""
    while fetching.has_room:
        begun = [walker for number, walker in enumerate(walkers) if all(w.sees_its_end for w in walkers[:number])]
        if not any(walker.ask_look() for walker in begun) and not any(walker.ask_page() for walker in begun):
            return
