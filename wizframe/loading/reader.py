"""Read the records of one load through the client, and note what could not be read."""

from __future__ import annotations

import threading
import time
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from wizframe.api.pages import Page, created
from wizframe.api.seen_ids import SeenHashes
from wizframe.api.walk import walk_lists
from wizframe.errors import (
    AuthenticationError,
    Hint,
    IncompleteLoadWarning,
    NotFoundError,
    NotSentError,
    ProtocolError,
    RateLimitError,
    ServiceError,
    TransportError,
    caller_level,
)
from wizframe.fields import MAX_PAGE_SIZE, STATUSES
from wizframe.frames.problems import problems_frame
from wizframe.progress import Watch, bar
from wizframe.text import counted, plural
from wizframe.threads import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.api.pages import Record
    from wizframe.api.seen_ids import Names
    from wizframe.api.walk import Taken
    from wizframe.errors import WizframeError
    from wizframe.fields import Table

    T = TypeVar("T")

__all__ = ["UNREAD_COLUMNS", "Failures", "Reader"]

UNREAD_COLUMNS = ["customer_id", "what", "code", "what_happened"]
# Servers may reject URLs above 8 kB, and a character of a reference may take three characters in the URL.
_REFERENCES_PER_REQUEST = 40
_CHARACTERS_PER_REQUEST = 4000
# The results per worker that wait for their turn, so that one slow customer does not stop the other threads.
_AHEAD = 8
# If the Date header differs more from the records' times, it comes from another machine and is not used.
_LARGEST_DIFFERENCE = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
# Errors that may affect only one record. A wrong key, a rate limit or an unreachable server affect all records.
_CONCERNS_ONE = (ServiceError, TransportError)
_CONCERNS_ALL = (AuthenticationError, RateLimitError, NotSentError)
# If so many records fail one after the other, the service itself fails.
_MOST_IN_A_ROW = 10
# One would be enough to know that something was read, but another list of the same record may still fail.
_REMEMBERED = 100
_SHOWN = 5  # the most ids or reasons in one message


@dataclass
class Failures:
    """The failures of single records. Threads share this object."""

    is_tolerant: bool = False  # whether unreadable records may be left out; for a plan they may not
    rows: dict[tuple[str, str], WizframeError] = field(default_factory=dict)  # (id, the part that was read) to error
    _in_a_row: int = 0
    _read: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, identifier: str, what: str, error: WizframeError) -> None:
        """Note a failure; raise it if it affects more than this record."""
        is_gone = isinstance(error, NotFoundError)
        with self._lock:
            self._in_a_row += not is_gone and (identifier, what) not in self.rows
            self._read.discard(identifier)
            is_too_much = self._in_a_row >= _MOST_IN_A_ROW
            if is_gone or (self.is_tolerant and not isinstance(error, _CONCERNS_ALL) and not is_too_much):
                self.rows[identifier, what] = error
                return
        raise error

    def succeed(self, identifier: str, what: str) -> None:
        """Note that a record, or a part of it, could be read."""
        with self._lock:
            self._in_a_row = 0
            if len(self._read) < _REMEMBERED and (identifier, what) not in self.rows:
                self._read.add(identifier)

    def check(self) -> None:
        """Raise the first failure if nothing could be read at all. Records that do not exist do not count."""
        if self.broken and not self._read:
            raise next(iter(self.broken.values()))

    def check_found(self, table: Table) -> None:
        """Raise an error if none of the records exists."""
        gone = self.gone
        if gone and not self._read:
            one, many = f"the {table.singular} does not exist", f"none of the {len(gone)} {table.name} exists"
            hint = "Ids are in the column id. A reference is not an id."
            raise NotFoundError(f"{plural(len(gone), one, many)}: {_some(gone)}", status=404, hint=hint)

    @property
    def gone(self) -> list[str]:
        """The records that do not exist."""
        return sorted({one for (one, _), error in self.rows.items() if isinstance(error, NotFoundError)})

    @property
    def broken(self) -> dict[str, WizframeError]:
        """The records that may exist but were not read, with the reasons."""
        return {one: error for (one, _), error in self.rows.items() if not isinstance(error, NotFoundError)}

    def frame(self) -> pd.DataFrame:
        """List what could not be read, with the columns of ``UNREAD_COLUMNS``."""
        rows = ((one, what, error.code, str(error)) for (one, what), error in sorted(self.rows.items()))
        return problems_frame(rows, UNREAD_COLUMNS)


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
                for page in taken.pages:
                    self._say_status(page, lists[taken.number])
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
        records: dict[str, Record] = {}
        if any("," in reference for reference in wanted):  # the service splits the parameter at commas
            found = self.records()
        else:
            with bar(self.table.name, enabled=self.progress) as show:
                for chosen in _groups(wanted):
                    for status in self.statuses:
                        records |= self._list(status, reference_ids=chosen)
                    show(len(records), None)
            found = list(records.values())
        return [record for record in found if isinstance(own := record.get("reference_id"), str) and own in wanted]

    def newest(self, since: datetime) -> list[Record]:
        """Read from the newest record on, until a record is older than ``since``. This needs no filter by time."""
        records: dict[str, Record] = {}
        for status in self.statuses:
            for page in self.pages_until_known(status, sort_by="created_at", sort="desc"):
                records |= page
                if any(age < since for record in page.values() if (age := created(record)) is not None):
                    break
        return list(records.values())

    def pages_until_known(self, status: str, **order: str) -> Iterator[dict[str, Record]]:
        """Read pages in the service's own order, until a page has no new records."""
        known: set[str] = set()
        for number in count(1):
            page = self._page((), order | {"status": status}, number)
            self._say_status(page, status)
            records = _named(page)
            yield records
            if records.keys() <= known:
                return
            known |= records.keys()

    # ------------------------------------------------------------------ one request for each record

    def details(self, records: Sequence[Record], *, is_shown: bool = True) -> list[Record]:
        """Read the details of listed records. Unreadable ones are left out and noted as failures."""
        found = []
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
                self._say_status(page, status)
                records.update(_named(page))
        return records

    def _walk(self, fetches: Sequence[Callable[[int], Page]], *, workers: int) -> Iterator[Taken]:
        has_totals = self.client.dialect == "rest"

        def read() -> Iterator[Taken]:
            doubts: list[str] = []
            options: dict[str, Any] = {"page_size": self.page_size, "workers": workers, "totals": has_totals}
            yield from walk_lists(fetches, doubts=doubts, names=self.names, **options)
            self.doubts += doubts

        yield from self.in_either_spelling(read)

    def in_either_spelling(self, read: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Read again with the other spelling of parameters if the received order is not the requested order."""
        try:
            yield from read()
        except ProtocolError as error:
            if error.code != "order":
                raise
            self.client.respell_queries()
            yield from read()

    def _packed_page(self, columns: Sequence[str], status: str, number: int) -> Page:
        page = self._page((), {"status": status}, number)
        return page.packed(columns, also=("id", "created_at", "status")) if columns else page

    def _page(self, path: tuple[str, ...], parameters: dict[str, Any], number: int) -> Page:
        order = {"page_size": self.page_size, "sort_by": "created_at", "sort": "asc"}
        # [D] has no filters by time, so the rows are filtered here. The dialect is read again for each page, because a
        # walk may find out that the service uses the other spelling of parameters.
        has_times = self.client.query_dialect == "rest"
        times = {name: value for name, value in self.filters.items() if name != "status" and has_times}
        operations: Any = self.client.operations(self.table)  # for a list of children, the path has the parent's id
        page: Page = operations.page(*path, **order | times | parameters, page=number)
        return page

    def _say_status(self, page: Page, status: str) -> None:
        """Set the requested status in rows that have no status."""
        said = page.values("status")
        if said.count(status) == len(said):
            return
        statuses = [value or status for value in said]
        if statuses.count(status) < len(statuses):
            self.doubts.append(f"the service was asked for {status} {self.table.name}, but sent others, too")
        page.put("status", statuses)

    # ------------------------------------------------------------------ what to tell the user

    def warn_if_incomplete(self) -> None:
        """Warn once, with all reasons why the load may be incomplete, and all records that were left out."""
        root = (self.table.parent or self.table).singular
        doubts = list(dict.fromkeys(self.doubts))
        gone, broken = self.failures.gone, self.failures.broken
        sentences = []
        if broken:
            first = next(iter(broken.values()))
            which = f"{_some(sorted(broken))} (first reason: {first})"
            listed = Hint(", frame.wiz.unread lists them", "")
            doubts.append(f"{counted(len(broken), root)} could not be read{listed}: {which}")
        if gone:
            if self.table.parent is None:  # the list still had them a moment ago
                what = plural(len(gone), "was deleted during the load", "were deleted during the load")
            else:
                what = plural(len(gone), "does not exist", "do not exist")
            sentences.append(f"{counted(len(gone), root)} {what}: {_some(gone)}")
        if doubts:
            more = [f"{counted(len(doubts) - _SHOWN, 'more reason')}"] if doubts[_SHOWN:] else []
            reasons = "; ".join([*doubts[:_SHOWN], *more])
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


def _some(ids: Collection[str]) -> str:
    return ", ".join([*list(ids)[:_SHOWN], *(["…"] if len(ids) > _SHOWN else [])])


def _groups(references: Iterable[str]) -> Iterator[list[str]]:
    """Divide references into groups that fit into one request."""
    group: list[str] = []
    characters = 0
    for reference in references:
        characters += len(quote(reference))
        if group and (len(group) == _REFERENCES_PER_REQUEST or characters > _CHARACTERS_PER_REQUEST):
            yield group
            group, characters = [], len(quote(reference))
        group.append(reference)
    if group:
        yield group
