"""Read the records of one load through the client, and note what could not be read."""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from wizframe.api.listing import SayOnce
from wizframe.api.pages import Page, created
from wizframe.api.seen_ids import SeenHashes
from wizframe.api.walk import walk_lists
from wizframe.errors import (
    Hint,
    IncompleteLoadWarning,
    NotFoundError,
    ProtocolError,
    RejectedError,
    ServiceError,
    TransportError,
    caller_level,
)
from wizframe.fields import MAX_PAGE_SIZE, STATUSES
from wizframe.loading.failures import SHOWN, Failures, some
from wizframe.loading.references import NO_REFERENCE, groups, having, plain_references
from wizframe.progress import Watch, bar
from wizframe.text import counted, plural
from wizframe.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wizframe.api.client import BaseClient
    from wizframe.api.pages import Record
    from wizframe.api.seen_ids import Names
    from wizframe.api.walk import Taken
    from wizframe.fields import Table

    T = TypeVar("T")

__all__ = ["Reader"]

# The statuses of services for a page after the end of a list, and their words for a page size that is too large.
_BEHIND_THE_END = (400, 404, 410, 416, 422)
_SIZE_WORDS = re.compile(r"page.?size|per.?page|limit", re.IGNORECASE)
_PAGE_SIZE = "page_size"
# The number of ids of each list that are compared to find out whether two lists are the same.
_SAMPLE = 1000
# The results per worker that wait for their turn, so that one slow customer does not stop the other threads.
_AHEAD = 8
# If the Date header differs more from the records' times, it comes from another machine and is not used.
_LARGEST_DIFFERENCE = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
# Errors that may affect only one record. A wrong key, a rate limit or an unreachable server affect all records.
_CONCERNS_ONE = (ServiceError, TransportError)


@dataclass
class Reader:
    """One load in progress."""

    client: BaseClient
    table: Table
    filters: dict[str, Any] = field(default_factory=dict)  # `status` and the four times; None if not given
    page_size: int = MAX_PAGE_SIZE
    asked_workers: int | None = None  # simultaneous requests; by default the client's number
    progress: bool | Watch = True  # whether to show bars, or the watch that follows the load
    failures: Failures = field(default_factory=Failures)
    names: Callable[[], Names] = SeenHashes  # makes the empty set in which a walk stores the ids that it has seen
    doubts: list[str] = field(default_factory=list)  # reasons why the load may be incomplete
    is_stream: bool = False  # whether frames are made before the last page is read
    is_lookup: bool = False  # whether it is for a plan or a push, without warnings about the service in general
    #: The first ids in each list of rows without a status: these rows got the requested status.
    _labelled: list[tuple[str, set[str]]] = field(default_factory=list)
    #: Requested status to the numbers of rows with this status, and with another status.
    _said: dict[str, list[int]] = field(default_factory=dict)
    _has_unlabelled: bool = False  # whether rows have no status, because the service ignores the filter by status

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self.filters = {name: value for name, value in self.filters.items() if value is not None}
        if isinstance(self.progress, Watch):
            self.client = self.client.guarded(self.progress.check)

    @property
    def workers(self) -> int:
        """The number of simultaneous requests."""
        return self.asked_workers or self.client.workers

    @property
    def statuses(self) -> tuple[str, ...]:
        """The requested statuses. Each needs a separate list."""
        return (self.filters["status"],) if "status" in self.filters else STATUSES

    def seen_at(self, latest: datetime | None) -> datetime | None:
        """Return the service's time up to which all changes were read; ``latest`` is the newest change that was read.

        A change that was read happened at most as long after the beginning as the reading took. The time in a response
        may come from another machine, such as a proxy.
        """
        took = timedelta(seconds=time.monotonic() - self._began)
        now = self.client.transport.clock.now()
        if latest is not None and latest - _FIRST < took:  # a zero time, such as 0001-01-01
            latest = _FIRST + took
        if now is None:
            return None if latest is None else latest - took
        began = now - took
        return began if latest is None else max(min(began, latest - took), began - _LARGEST_DIFFERENCE)

    # ------------------------------------------------------------------ whole lists

    def pages(self, columns: Sequence[str] = ()) -> Iterator[Page]:
        """Read all pages of all statuses. A record may appear again, with newer values.

        With ``columns``, the pages are packed: their strings are in Arrow, for a frame with these columns.
        """
        # A record that changes its status once during the load is in one of the three lists when that list is read. Two
        # lists would miss a record that moves from the list that is still to be read to the list that was already read.
        active, inactive = STATUSES
        lists = self.statuses if "status" in self.filters else (inactive, active, inactive)
        known = [0] * len(lists)
        fetches = [partial(self._packed_page, columns, status) for status in lists]
        with bar(self.table.name, enabled=self.progress) as show:
            for taken in self._walk(fetches, workers=self.workers):
                self.client.traits.shown_references[lists[taken.number]] = plain_references(taken.pages[0])
                for page in taken.pages:
                    self._say_status(page, lists[taken.number], taken.number)
                    yield page
                before, known[taken.number] = sum(known[: taken.number]), taken.known
                if taken.number < len(STATUSES):  # the third list has records that the first one already counted
                    show(before + taken.known, None if taken.total is None else before + taken.total)

    def records(self) -> list[Record]:
        """Read all pages of all statuses, and return each record once."""
        records: dict[str, Record] = {}
        for page in self.pages():
            records.update(_named(page))
        return list(records.values())

    # ------------------------------------------------------------------ some records

    def by_reference(self, references: Sequence[str]) -> list[Record]:
        """Find the records that have exactly these references."""
        wanted = dict.fromkeys(references)
        # The service splits the parameter at commas, and may trim what is between them.
        is_odd = any("," in reference or reference != reference.strip() for reference in wanted)
        if is_odd or self.client.traits.finds_references is False:
            return having(wanted, self.records())
        records: dict[str, Record] = {}
        with bar(self.table.name, enabled=self.progress) as show:
            for chosen in groups(wanted):
                for status in self.statuses:
                    records |= self._list(status, reference_ids=chosen)
                show(len(records), None)
        found = having(wanted, records.values())
        if {record["reference_id"] for record in found} >= wanted.keys() or self._finds_references():
            return found
        return having(wanted, self.records())

    def _finds_references(self) -> bool:
        """Check once per connection that the filter by reference finds records of a list.

        A service may ignore the filter, read several references as one, or search only active records.
        """
        traits = self.client.traits
        if traits.finds_references is None:
            traits.finds_references = all(map(self._finds_shown_references, self.statuses))
        return traits.finds_references

    def _finds_shown_references(self, status: str) -> bool:
        if (shown := self.client.traits.shown_references.get(status)) and self._finds(status, shown):
            return True
        # The records may have been deleted or changed since.
        shown = plain_references(self._page((), {"status": status, "page_size": SHOWN}, 1))
        return not shown or self._finds(status, shown)

    def _finds(self, status: str, references: list[str]) -> bool:
        parameters = {"status": status, "reference_ids": [*references, NO_REFERENCE]}
        return set(references) <= set(self._page((), parameters, 1).values("reference_id"))

    def newest(self, since: datetime) -> list[Record]:
        """Read from the newest record on, until a record is older than ``since``. This needs no filter by time."""
        if not self.client.traits.is_ordered:
            return self.records()
        records: dict[str, Record] = {}
        for status in self.statuses:
            for page in self.pages_until_known(status, sort_by="created_at", sort="desc"):
                records |= page
                ages = [age for record in page.values() if (age := created(record)) is not None]
                if any(later > earlier for earlier, later in pairwise(ages)):  # not in the requested order
                    return self.records()
                if any(age < since for age in ages):
                    break
        return list(records.values())

    def pages_until_known(self, status: str, **order: str) -> Iterator[dict[str, Record]]:
        """Read pages in the service's own order, until a page has no new records."""
        known: set[str] = set()
        for number in count(1):
            page = self._page((), order | {"status": status}, number)
            self._say_status(page, status, STATUSES.index(status))
            records = _named(page)
            yield records
            if records.keys() <= known:
                return
            known |= records.keys()

    # ------------------------------------------------------------------ one request for each record

    def details(self, records: Sequence[Record], *, is_shown: bool = True) -> list[Record]:
        """Read the details of listed records. Unreadable ones are left out and noted as failures."""
        found = []
        if self.has_unknown_status():  # the details may have it
            records = [{name: value for name, value in record.items() if name != "status"} for record in records]
        with bar("details", enabled=is_shown and self.progress, total=len(records)) as show:
            for done, record in enumerate(self._in_order(partial(self._details_of, record) for record in records), 1):
                found += [record] if record else []
                show(done, len(records))
        self.failures.check()
        return found

    def _details_of(self, listed: Record) -> Record | None:
        identifier = listed.get("id")
        if not identifier or not isinstance(identifier, str):  # no request is possible, so the listed record is used
            return listed
        try:
            found = self.client.operations(self.table).read_one(None, identifier)
        except _CONCERNS_ONE as error:
            self.failures.note(identifier, "details", error)
            return None
        self.failures.succeed(identifier, "details")
        return listed | found

    def child_pages(self, parents: Iterable[str]) -> Iterator[Page]:
        """Read the children of each parent, ahead of the caller; yields one page per parent, in order.

        A parent that cannot be read is noted as a failure, and its page is empty: a part of its records would look like
        all of them.
        """
        lists = (partial(self._children_of, parent, status) for parent in parents for status in self.statuses)
        total = len(parents) * len(self.statuses) if isinstance(parents, list) else None
        with bar(self.table.name, enabled=self.progress, total=total) as show:
            found: list[dict[str, Record] | None] = []
            for done, listed in enumerate(self._in_order(lists), 1):
                show(done, total)
                found.append(listed)
                if len(found) == len(self.statuses):
                    yield Page(_together(found))
                    found = []
        self.failures.check()

    def _children_of(self, parent: str, status: str) -> dict[str, Record] | None:
        try:
            found = self._list(status, parent)
        except _CONCERNS_ONE as error:
            self.failures.note(parent, self.table.name, error)
            return None
        self.failures.succeed(parent, self.table.name)
        return found

    def _in_order(self, work: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Do work in threads, a little ahead of the caller."""
        with ThreadPool[Any](self.workers, f"wizframe-{self.table.name}") as pool:
            yield from pool.in_order(work, ahead=_AHEAD * self.workers)

    # ------------------------------------------------------------------ one list, one page

    def _list(self, status: str, *path: str, **parameters: Any) -> dict[str, Record]:
        """Read one short list, one request at a time. Returns its records keyed by id."""
        records: dict[str, Record] = {}
        fetch = partial(self._page, path, parameters | {"status": status})
        for taken in self._walk([fetch], workers=1):
            for page in taken.pages:
                self._say_status(page, status, STATUSES.index(status))
                records.update(_named(page))
        return records

    def _walk(self, fetches: Sequence[Callable[[int], Page]], *, workers: int) -> Iterator[Taken]:
        has_totals = self.client.dialect == "rest"

        def read() -> Iterator[Taken]:
            doubts: list[str] = []
            options: dict[str, Any] = {"workers": workers, "totals": has_totals, "names": self.names}
            options |= {"page_size": self._size, "traits": self.client.traits}
            yield from walk_lists(fetches, doubts=doubts, **options)
            self.doubts += filter(self._is_news, doubts)

        yield from self.adapting(read)

    def _is_news(self, doubt: str) -> bool:
        """Return whether to warn about a doubt. A doubt about the service in general appears once per connection."""
        kind = "".join(character for character in doubt if not character.isdigit())
        if not isinstance(doubt, SayOnce):
            return True
        if self.is_lookup or kind in self.client.traits.told:
            return False
        self.client.traits.told.add(kind)
        return True

    def adapting(self, read: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Read again with other parameters if the service does not behave as expected.

        If the received order is not the requested order, the other spelling of parameters is used. If neither spelling
        gives the requested order, the load does not rely on the order. If a page size is refused, it becomes smaller.
        """
        traits = self.client.traits
        while True:
            spelling, was_ordered = traits.query_dialect, traits.is_ordered
            try:
                yield from read()
            except ProtocolError as error:
                if error.code == "order" and was_ordered:
                    # Another thread may have changed the parameters already.
                    if (traits.query_dialect, traits.is_ordered) == (spelling, was_ordered):
                        self._respell(spelling)
                elif error.code != _PAGE_SIZE:
                    raise
            else:
                return

    def _respell(self, spelling: str | None) -> None:
        traits = self.client.traits
        if spelling is None:
            self.client.respell_queries()
        else:
            traits.query_dialect, traits.is_ordered = None, False

    def _packed_page(self, columns: Sequence[str], status: str, number: int) -> Page:
        page = self._page((), {"status": status}, number)
        return page.packed(columns, also=("id", "created_at", "status")) if columns else page

    def _page(self, path: tuple[str, ...], parameters: dict[str, Any], number: int) -> Page:
        order = {"page_size": self._size, "sort_by": "created_at", "sort": "asc"}
        # [D] has no filters by time, so the rows are filtered here. The dialect is read again for each page, because a
        # walk may find out that the service uses the other spelling of parameters.
        has_times = self.client.query_dialect == "rest"
        times = {name: value for name, value in self.filters.items() if name != "status" and has_times}
        operations: Any = self.client.operations(self.table)  # for a list of children, the path has the parent's id
        try:
            page: Page = operations.page(*path, **order | times | parameters, page=number)
        except (NotFoundError, RejectedError) as error:
            self._obey_limit(error)
            # Some services refuse a page after the end. Directly after a page that was read, a refusal is the end.
            if number == 1 or error.status not in _BEHIND_THE_END:
                raise
            return Page([])
        return page

    @property
    def _size(self) -> int:
        return min(self.page_size, self.client.traits.page_size)

    def _obey_limit(self, error: ServiceError) -> None:
        """If a refusal is about the page size, request smaller pages from now on, and begin to read again."""
        said = " ".join([str(error.args[0]), *(f"{name} {reason}" for name, reason in error.details)])
        size = self._size
        if not _SIZE_WORDS.search(said) or size == 1:
            return
        allowed = [int(number) for number in re.findall(r"\d{1,3}", said) if 1 <= int(number) < size and number != "0"]
        self.client.traits.page_size = max(allowed, default=size // 2)
        again = ProtocolError(f"pages of {size} {self.table.name} are refused: {error}")
        again.code = _PAGE_SIZE
        raise again

    def _say_status(self, page: Page, status: str, number: int) -> None:
        """Set the requested status in rows that have no status; ``number`` is the number of the list."""
        said = page.values("status")
        own, other = self._said.setdefault(status, [0, 0]), len(said) - said.count(status)
        own[0] += len(said) - other
        if not other:
            return
        own[1] += other - sum(not value for value in said)
        if not all(said) and self._is_filter_ignored(status, page):
            self._has_unlabelled = True
            return
        statuses = [value or status for value in said]
        while len(self._labelled) <= number:
            self._labelled.append(("", set()))
        sample = self._labelled[number][1]
        self._labelled[number] = status, sample
        if len(sample) < _SAMPLE:
            sample.update(one for one, value in zip(page.identities(), said, strict=True) if not value)
        page.put("status", statuses)

    def _is_filter_ignored(self, status: str, page: Page) -> bool:
        """Return whether the service ignores the filter by status, as far as this is known or needed now.

        A load of both statuses finds out at its end. Other loads request one page of the other status.
        """
        traits = self.client.traits
        is_needed = self.table.parent is None and (self.is_stream or "status" in self.filters)
        if traits.keeps_status is None and is_needed:
            other = next(one for one in STATUSES if one != status)
            mine, theirs = set(page.identities()), set(self._page((), {"status": other}, 1).identities())
            traits.keeps_status = 2 * len(mine & theirs) <= min(len(mine), len(theirs))
        return traits.keeps_status is False

    def has_unknown_status(self) -> bool:
        """Return whether the lists of both statuses have the same rows, so that the status of a row is unknown.

        A row that changed its status during the load is also in two lists, but then most other rows are not.
        """
        if self._has_unlabelled:
            return True
        samples = [sample for _, sample in self._labelled if sample]
        if len({status for status, sample in self._labelled if sample}) < len(STATUSES):
            return False
        is_unknown = 2 * len(set.intersection(*samples)) > min(map(len, samples))
        if is_unknown and self.table.parent is None:
            self.client.traits.keeps_status = False
        return is_unknown

    def _status_doubts(self) -> Iterator[str]:
        name = self.table.name
        for status, (own, other) in self._said.items():
            if other:
                doubt = f"the service was asked for {status} {name}, but sent others, too"
                yield SayOnce(doubt) if own else doubt  # if both appear, the filter is ignored, and nothing is missing
        if self.has_unknown_status():
            yield f"the service lists the same {name} as active and as inactive, so their status is unknown and blank"

    # ------------------------------------------------------------------ what to tell the user

    def warn_if_incomplete(self) -> None:
        """Warn once, with all reasons why the load may be incomplete, and all records that were left out."""
        root = (self.table.parent or self.table).singular
        self.doubts += filter(self._is_news, self._status_doubts())
        doubts = list(dict.fromkeys(self.doubts))
        gone, broken = self.failures.gone, self.failures.broken
        sentences = []
        if broken:
            first = next(iter(broken.values()))
            which = f"{some(sorted(broken))} (first reason: {first})"
            listed = Hint(", frame.wiz.unread lists them", "")
            doubts.append(f"{counted(len(broken), root)} could not be read{listed}: {which}")
        if gone:
            if self.table.parent is None:  # the list still had them a moment ago
                what = plural(len(gone), "was deleted during the load", "were deleted during the load")
            else:
                what = plural(len(gone), "does not exist", "do not exist")
            sentences.append(f"{counted(len(gone), root)} {what}: {some(gone)}")
        if doubts:
            more = [f"{counted(len(doubts) - SHOWN, 'more reason')}"] if doubts[SHOWN:] else []
            reasons = "; ".join([*doubts[:SHOWN], *more])
            sentences.append(f"the load of {self.table.name} may be incomplete: {reasons}. Load again to be sure.")
        if sentences:
            self.warn(IncompleteLoadWarning(". ".join(sentences)))

    def warn(self, warning: Warning) -> None:
        """Warn at the user's own line. A watch collects warnings, because in a thread that line is unknown."""
        if isinstance(self.progress, Watch):
            self.progress.warnings.append(warning)
        else:
            warnings.warn(warning, stacklevel=caller_level())


def _named(page: Page) -> dict[str, Record]:
    return dict(zip(page.identities(), page.records, strict=True))


def _together(found: Iterable[dict[str, Record] | None]) -> list[Record]:
    """Return the records of one parent, each once; none of them if one of its lists could not be read."""
    records: dict[str, Record] = {}
    for listed in found:
        if listed is None:
            return []
        records |= listed
    return list(records.values())
