"""Read the records of a load through the client: walks, look-ups by reference, details, contacts."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from wizframe.api.lists import walk_lists
from wizframe.api.order import created, identities
from wizframe.api.pages import Page
from wizframe.api.seen_ids import SeenHashes
from wizframe.errors import ProtocolError
from wizframe.fields import STATUSES
from wizframe.loading.failures import OF_ONE, Failures
from wizframe.progress import Watch, bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.lists import Taken
    from wizframe.api.pages import Record
    from wizframe.api.seen_ids import Names
    from wizframe.fields import Table

    Show = Callable[[int, int | None], None]

__all__ = ["Reading"]

_REFERENCES_PER_REQUEST = 40
_AHEAD = 8  # results that wait for their turn, for each worker
_LARGEST_DIFFERENCE = timedelta(days=1)  # between the clocks of one service
_CHARACTERS_PER_REQUEST = 4000  # servers refuse addresses above 8 kB


@dataclass
class Reading:
    """One load under way: which records, and what could not be read.

    Parameters
    ----------
    client : Client
    table : Table
    filters : dict
        ``status`` and the four times; None means not given.
    page_size : int
    asked_workers : int, optional
        Requests at a time; the client's own number by default.
    watch : Watch, optional
        Who may stop it, and hears its warnings.
    names : callable
        Gives a walk an empty set for the names of its records.

    Attributes
    ----------
    doubts : list of str
        Why the load may be incomplete.
    failures : Failures
        Customers that are not there (any more), or could not be read.
    """

    client: BaseClient
    table: Table
    filters: dict[str, Any]
    page_size: int
    asked_workers: int | None = None
    watch: Watch | None = None
    names: Callable[[], Names] = SeenHashes
    doubts: list[str] = field(default_factory=list)
    failures: Failures = field(default_factory=Failures)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self.filters = {name: value for name, value in self.filters.items() if value is not None}
        if self.watch:
            self.client = self.client.guarded(self.watch.check)

    def seen_at(self, latest: datetime | None) -> datetime | None:
        """Tell since when changes may not have been seen.

        Parameters
        ----------
        latest : datetime or None
            The newest ``updated_at`` that was read. It is later than the beginning at the most by how long the reading
            took, and it is told by the clock that matters: that of an answer's Date may be another machine's.

        Returns
        -------
        datetime or None
            By the service's clock. None where nothing told it.
        """
        took = timedelta(seconds=time.monotonic() - self._began)
        now = self.client.transport.clock.now()
        if now is None:
            return None if latest is None else latest - took
        began = now - took
        return began if latest is None else max(min(began, latest - took), began - _LARGEST_DIFFERENCE)

    @property
    def workers(self) -> int:
        """Requests at a time."""
        return self.asked_workers or self.client.workers

    @property
    def statuses(self) -> tuple[str, ...]:
        """Each needs a walk of its own."""
        return (self.filters["status"],) if "status" in self.filters else STATUSES

    @property
    def _walks(self) -> tuple[str, ...]:
        """Walk inactive customers before and after the active ones.

        A record whose status changes once meanwhile is in one of the three lists for as long as it is walked; two
        walks would miss one that goes from the list that is still to be read to the one that was read.
        """
        if "status" in self.filters:
            return self.statuses
        active, inactive = STATUSES
        return inactive, active, inactive

    def customer_pages(self, show: Show, columns: Sequence[str] = ()) -> Iterator[Page]:
        """Walk all pages of all statuses.

        Parameters
        ----------
        show : callable
            Takes the number of records known and the total, or None.
        columns : sequence of str
            Fields that will be columns of a frame: they come packed.

        Yields
        ------
        Page
            Its records say their status. One may come again: then as it is now.
        """
        known = [0] * len(self._walks)
        fetches = [partial(self._packed_page, columns, {"status": status}) for status in self._walks]
        for taken in self._walk_lists(fetches, workers=self.workers):
            for page in taken.pages:
                self._say_status(page, self._walks[taken.number])
                yield page
            before, known[taken.number] = sum(known[: taken.number]), taken.known
            if taken.number < len(STATUSES):
                show(before + taken.known, None if taken.total is None else before + taken.total)

    def customers(self, show: Show) -> list[Record]:
        """Walk all pages of all statuses, for their records.

        Parameters
        ----------
        show : callable

        Returns
        -------
        list of dict
        """
        records: dict[str, Record] = {}
        for page in self.customer_pages(show):
            records.update(zip(identities(page), page.records, strict=True))
        return list(records.values())

    def customers_by_reference(self, references: Sequence[str], show: Show) -> list[Record]:
        """Ask for references, some at a time; one with a comma can only be found among all customers.

        Parameters
        ----------
        references : sequence of str
        show : callable

        Returns
        -------
        list of dict
            Only those whose reference is exactly one of them.
        """
        wanted = dict.fromkeys(references)
        if any("," in reference for reference in wanted):
            found = self.customers(show)
        else:
            records: dict[str, Record] = {}
            for chosen in _groups(wanted):
                for status in self.statuses:
                    fetch = partial(self._customer_page, {"status": status, "reference_ids": chosen})
                    self._merge(records, Page(self._walk(fetch)), status)
                show(len(records), None)
            found = list(records.values())
        named = (record for record in found if isinstance(record.get("reference_id"), str))
        return [record for record in named if record["reference_id"] in wanted]

    def newest_customers(self, since: datetime) -> list[Record]:
        """Read customers from the newest on, until one is older; works where no filter by time is documented.

        Parameters
        ----------
        since : datetime
            By the service's clock.

        Returns
        -------
        list of dict
            Those created then or later, and a few that are older.
        """
        records: dict[str, Record] = {}
        for status in self.statuses:
            for number in count(1):
                known = len(records)
                page = self._customer_page({"status": status, "sort": "desc"}, number)
                self._merge(records, page, status)
                ages = [age for record in page.records if (age := created(record)) is not None]
                if len(records) == known or any(age < since for age in ages):
                    break
        return list(records.values())

    def customers_in_order(self, sort_by: str, sort: str, is_enough: Callable[[list[Record]], bool]) -> list[Record]:
        """Read the customers of each status in the service's own order, until there are enough of that status.

        Parameters
        ----------
        sort_by, sort : str
        is_enough : callable
            Takes those of one status that are known, in the order in which they came.

        Returns
        -------
        list of dict
        """
        records: dict[str, Record] = {}
        for status in self.statuses:
            listed: dict[str, Record] = {}
            for number in count(1):
                known = len(listed)
                page = self._customer_page({"status": status, "sort_by": sort_by, "sort": sort}, number)
                self._merge(listed, page, status)
                if len(listed) == known or is_enough(list(listed.values())):
                    break
            records |= listed
        return list(records.values())

    def _customer_page(self, parameters: dict[str, Any], page: int) -> Page:
        return self.client.customer.page(**self._parameters() | parameters, page=page)

    def _packed_page(self, columns: Sequence[str], parameters: dict[str, Any], page: int) -> Page:
        found = self._customer_page(parameters, page)
        return found.packed(columns, also=("id", "created_at", "status")) if columns else found

    def _contact_page(self, customer_id: str, parameters: dict[str, Any], page: int) -> Page:
        return self.client.customer.contact.page(customer_id, **self._parameters(), **parameters, page=page)

    def contacts(self, customer_ids: Sequence[str], *, progress: bool | Watch) -> list[Record]:
        """Walk the contacts of many customers at a time.

        Parameters
        ----------
        customer_ids : sequence of str
        progress : bool or Watch

        Returns
        -------
        list of dict
            In the order of the customers; customers that are unknown or cannot be read go to ``failures``.
        """
        work = [(identifier, status) for identifier in customer_ids for status in self.statuses]
        listed = self._each(work, self._contacts_of, "contacts", progress=progress)
        records: dict[str, Record] = {}
        for (_, status), found in zip(work, listed, strict=True):
            self._merge(records, Page(found or []), status)
        self.failures.check()
        unread = {customer for customer, _ in self.failures.rows}  # some of their contacts would look like all
        return [record for record in records.values() if not unread or record["customer_id"] not in unread]

    def contact_pages(self, customer_ids: Iterable[str], show: Show) -> Iterator[Page]:
        """Walk the contacts of customers, some at a time, as far as somebody takes them.

        Parameters
        ----------
        customer_ids : iterable of str
            Asked for its next ones as the work goes on.
        show : callable
            Takes the number of customers that are done.

        Yields
        ------
        Page
            Of one customer each, in order.
        """
        for done, records in enumerate(self._in_order(customer_ids, self._all_contacts_of), 1):
            show(done, None)
            yield Page(records)

    def _all_contacts_of(self, customer_id: str) -> list[Record]:
        records: dict[str, Record] = {}
        for status in self.statuses:
            found = self._contacts_of(customer_id, status)
            if found is None:
                return []  # all of a customer's contacts, or none: the rest would look like all
            self._merge(records, Page(found), status)
        return list(records.values())

    def _in_order(self, work: Iterable[Any], read: Callable[[Any], Any]) -> Iterator[Any]:
        """Do work in threads, not much further than its results are taken."""
        ahead: deque[Future[Any]] = deque()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="wizframe-stream")
        try:
            for item in work:
                ahead.append(pool.submit(read, item))
                if len(ahead) > _AHEAD * self.workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:  # also where nobody wants the rest
            pool.shutdown(wait=True, cancel_futures=True)

    def _contacts_of(self, customer_id: str, status: str) -> list[Record] | None:
        try:
            found = self._walk(partial(self._contact_page, customer_id, {"status": status}))
        except OF_ONE as error:
            self.failures.note(customer_id, "contacts", error)
            return None
        self.failures.succeed(customer_id, "contacts")
        return found

    def details(self, records: Sequence[Record], *, progress: bool | Watch) -> list[Record]:
        """Read the details of each record.

        Parameters
        ----------
        records : sequence of dict
            One without an ``id`` cannot be asked for and stays as it is.
        progress : bool or Watch

        Returns
        -------
        list of dict
            Those that are gone meanwhile, or cannot be read, are left out and go to ``failures``.
        """
        work = [(record,) for record in records]
        found = [one for one in self._each(work, self._details_of, "details", progress=progress) if one]
        self.failures.check()
        return found

    def _details_of(self, listed: Record) -> Record | None:
        customer_id = listed.get("id")
        if not customer_id or not isinstance(customer_id, str):
            return listed
        try:
            found = self.client.customer.get(customer_id)
        except OF_ONE as error:
            self.failures.note(customer_id, "details", error)
            return None
        self.failures.succeed(customer_id, "details")
        return listed | found

    def _each(self, work: Sequence[Any], read: Callable[..., Any], what: str, *, progress: bool | Watch) -> list[Any]:
        with (
            bar(what, enabled=progress, total=len(work)) as show,
            ThreadPoolExecutor(self.workers, thread_name_prefix=f"wizframe-{what}") as pool,
        ):
            futures = [pool.submit(read, *item) for item in work]
            try:
                results = []
                for done, future in enumerate(futures, 1):
                    results.append(future.result())
                    show(done, len(work))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return results

    def _parameters(self) -> dict[str, Any]:
        """Ask as the service is spelled *now*: a walk may find out that it is spelled the other way."""
        order = {"page_size": self.page_size, "sort_by": "created_at", "sort": "asc"}
        server_side = self.client.query_dialect == "rest"  # [D] has no filters by time: the frame is filtered
        times = {name: value for name, value in self.filters.items() if name != "status" and server_side}
        return order | times

    def _merge(self, records: dict[str, Record], page: Page, status: str) -> None:
        """Collect records, each once."""
        self._say_status(page, status)
        records.update(zip(identities(page), page.records, strict=True))

    def _say_status(self, page: Page, status: str) -> None:
        """Let a row that does not say its status have the one that was asked for."""
        said = page.values("status")
        if said.count(status) == len(said):
            return
        statuses = [value or status for value in said]
        if statuses.count(status) < len(statuses):
            self.doubts.append(f"asked for {status} {self.table.name}, the service sent others too")
        page.put("status", statuses)

    def _walk(self, fetch: Callable[[int], Page]) -> list[Record]:
        """Walk one short list, one request at a time."""
        records: dict[str, Record] = {}
        for taken in self._walk_lists([fetch], workers=1):
            for page in taken.pages:
                records.update(zip(identities(page), page.records, strict=True))
        return list(records.values())

    def _walk_lists(self, fetches: Sequence[Callable[[int], Page]], *, workers: int) -> Iterator[Taken]:
        """Walk lists; where the order asked for is not the order received, spell the parameters the other way."""
        doubts: list[str] = []
        options: Any = {"page_size": self.page_size, "workers": workers, "totals": self.client.dialect == "rest"}
        options["names"] = self.names
        try:
            yield from walk_lists(fetches, doubts=doubts, **options)
        except ProtocolError as error:
            if error.code != "order":
                raise
            doubts.clear()
            self.client.respell_queries()
            yield from walk_lists(fetches, doubts=doubts, **options)
        self.doubts += doubts


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
