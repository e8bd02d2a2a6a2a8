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
# Servers refuse addresses above 8 kB, and a reference may need three characters for each of its own.
_REFERENCES_PER_REQUEST = 40
_CHARACTERS_PER_REQUEST = 4000
# Results that wait for their turn, for each worker: one slow customer must not stop the other threads.
_AHEAD = 8
# A clock that differs more from the records' times than this is another machine's: its time says nothing.
_LARGEST_DIFFERENCE = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
# Reading one record may end so. A wrong key, a rate limit or a server that cannot be reached concern all records.
_CONCERNS_ONE = (ServiceError, TransportError)
_CONCERNS_ALL = (AuthenticationError, RateLimitError, NotSentError)
_MOST_IN_A_ROW = 10  # so many records that fail one after the other mean that the service fails
# One would do to know that anything was read, but another list of the same record may still fail.
_REMEMBERED = 100
_SHOWN = 5  # ids or reasons in one message


@dataclass
class Failures:
    """What went wrong with single records. Threads share it."""

    is_tolerant: bool = False  # whether records that may exist are left out, too; a plan must not guess
    rows: dict[tuple[str, str], WizframeError] = field(default_factory=dict)  # by id, and what was read of it
    _in_a_row: int = 0
    _read: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, identifier: str, what: str, error: WizframeError) -> None:
        """Note a failure; raise it if it concerns more than this record."""
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
        """Note that a record, or a part of what is read of it, could be read."""
        with self._lock:
            self._in_a_row = 0
            if len(self._read) < _REMEMBERED and (identifier, what) not in self.rows:
                self._read.add(identifier)

    def check(self) -> None:
        """Raise the first failure if nothing could be read at all; records that do not exist do not count."""
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
        """Records that do not exist."""
        return sorted({one for (one, _), error in self.rows.items() if isinstance(error, NotFoundError)})

    @property
    def broken(self) -> dict[str, WizframeError]:
        """Records that may exist, and why they were not read."""
        return {one: error for (one, _), error in self.rows.items() if not isinstance(error, NotFoundError)}

    def frame(self) -> pd.DataFrame:
        """List what could not be read, in the columns of ``UNREAD_COLUMNS``."""
        rows = ((one, what, error.code, str(error)) for (one, what), error in sorted(self.rows.items()))
        return problems_frame(rows, UNREAD_COLUMNS)


@dataclass
class Reader:
    """One load under way."""

    client: BaseClient
    table: Table
    filters: dict[str, Any] = field(default_factory=dict)  # `status` and the four times; None means not given
    page_size: int = MAX_PAGE_SIZE
    asked_workers: int | None = None  # requests at a time; by default the client's number
    progress: bool | Watch = True  # whether bars are shown, or the watch that follows the load
    failures: Failures = field(default_factory=Failures)
    names: Callable[[], Names] = SeenHashes  # makes the empty set in which a walk remembers its records
    doubts: list[str] = field(default_factory=list)  # why the load may be incomplete

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self.filters = {name: value for name, value in self.filters.items() if value is not None}
        if isinstance(self.progress, Watch):
            self.client = self.client.guarded(self.progress.check)

    @property
    def workers(self) -> int:
        """Requests at a time."""
        return self.asked_workers or self.client.workers

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses asked for; each needs a list of its own."""
        return (self.filters["status"],) if "status" in self.filters else STATUSES

    def seen_at(self, latest: datetime | None) -> datetime | None:
        """Tell since when changes may not have been seen, by the service's clock; ``latest`` is the newest change read.

        A change that was read is at most as much later than the beginning as the reading took. The response's own time
        may be that of another machine, such as a proxy.
        """
        took = timedelta(seconds=time.monotonic() - self._began)
        now = self.client.transport.clock.now()
        if latest is not None and latest - _FIRST < took:  # a zero time, 0001-01-01
            latest = _FIRST + took
        if now is None:
            return None if latest is None else latest - took
        began = now - took
        return began if latest is None else max(min(began, latest - took), began - _LARGEST_DIFFERENCE)

    # ------------------------------------------------------------------ whole lists

    def pages(self, columns: Sequence[str] = ()) -> Iterator[Page]:
        """Walk all pages of all statuses; a record may come again, then as it is now.

        With ``columns``, the pages come packed: their strings are in Arrow, for a frame of these columns.
        """
        # A record that changes its status once during the load is in one of the three lists while that one is read. Two
        # lists would miss a record that moves from the list still to be read to the one that was read.
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
                if taken.number < len(STATUSES):  # the third list holds records that were counted in the first
                    show(before + taken.known, None if taken.total is None else before + taken.total)

    def records(self) -> list[Record]:
        """Walk all pages of all statuses, and give each record once."""
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
        """Read from the newest record on, until one is older than ``since``; works without a filter by time."""
        records: dict[str, Record] = {}
        for status in self.statuses:
            for page in self.pages_until_known(status, sort_by="created_at", sort="desc"):
                records |= page
                if any(age < since for record in page.values() if (age := created(record)) is not None):
                    break
        return list(records.values())

    def pages_until_known(self, status: str, **order: str) -> Iterator[dict[str, Record]]:
        """Read page by page, in the service's own order, until a page holds nothing new."""
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
        """Read the details of listed records; those that cannot be read are left out and noted as failures."""
        found = []
        with bar("details", enabled=is_shown and self.progress, total=len(records)) as show:
            for done, record in enumerate(self._in_order(partial(self._details_of, record) for record in records), 1):
                found += [record] if record else []
                show(done, len(records))
        self.failures.check()
        return found

    def _details_of(self, listed: Record) -> Record | None:
        identifier = listed.get("id")
        if not identifier or not isinstance(identifier, str):  # it cannot be asked for, so it stays as it is
            return listed
        try:
            found = self.client.operations(self.table).read_one(None, identifier)
        except _CONCERNS_ONE as error:
            self.failures.note(identifier, "details", error)
            return None
        self.failures.succeed(identifier, "details")
        return listed | found

    def child_pages(self, parents: Iterable[str]) -> Iterator[Page]:
        """Read the records of each parent, as far ahead as the caller takes them; one page for each, in their order.

        A parent that cannot be read is noted as a failure, and its page is empty: some of its records would look like
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
        """Do work in threads, a little ahead of what the caller takes."""
        with ThreadPool[Any](self.workers, f"wizframe-{self.table.name}") as pool:
            yield from pool.in_order(work, ahead=_AHEAD * self.workers)

    # ------------------------------------------------------------------ one list, one page

    def _list(self, status: str, *path: str, **parameters: Any) -> dict[str, Record]:
        """Walk one short list, one request at a time, and name its records."""
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
        """Read once more with the other spelling of parameters if the order received is not the order asked for."""
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
        # [D] has no filters by time: the rows are filtered here. Looked up for each page, since a walk may find out
        # that the service spells parameters the other way.
        has_times = self.client.query_dialect == "rest"
        times = {name: value for name, value in self.filters.items() if name != "status" and has_times}
        operations: Any = self.client.operations(self.table)  # the path of a child's list names its parent
        page: Page = operations.page(*path, **order | times | parameters, page=number)
        return page

    def _say_status(self, page: Page, status: str) -> None:
        """Give the rows that do not say their status the one that was asked for."""
        said = page.values("status")
        if said.count(status) == len(said):
            return
        statuses = [value or status for value in said]
        if statuses.count(status) < len(statuses):
            self.doubts.append(f"asked for {status} {self.table.name}, the service sent others too")
        page.put("status", statuses)

    # ------------------------------------------------------------------ what to tell the user

    def warn_if_incomplete(self) -> None:
        """Warn once, with every reason why the load may be incomplete, and every record that was left out."""
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
            if self.table.parent is None:  # its list showed them a moment ago
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
        """Warn at the user's own line; a watch collects warnings, since in a thread Python cannot tell that line."""
        if isinstance(self.progress, Watch):
            self.progress.warnings.append(warning)
        else:
            warnings.warn(warning, stacklevel=caller_level())


def _named(page: Page) -> dict[str, Record]:
    return dict(zip(page.identities(), page.records, strict=True))


def _together(found: Iterable[dict[str, Record] | None]) -> list[Record]:
    """Give the records of one parent, each once; none of them if one of its lists could not be read."""
    records: dict[str, Record] = {}
    for listed in found:
        if listed is None:
            return []
        records |= listed
    return list(records.values())


def _some(ids: Collection[str]) -> str:
    return ", ".join([*list(ids)[:_SHOWN], *(["…"] if len(ids) > _SHOWN else [])])


def _groups(references: Iterable[str]) -> Iterator[list[str]]:
    """Divide references into as many as one request can hold."""
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
