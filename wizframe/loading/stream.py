"""Customers and contacts as frames that arrive one after the other, in memory that does not grow with their number."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

from wizframe.api.client import open_client
from wizframe.api.order import identities
from wizframe.api.pages import Page
from wizframe.api.seen_ids import Seen
from wizframe.api.validation import check_parameters
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE
from wizframe.frames.arrow_backed import arrow_backed
from wizframe.frames.baselines import Baseline, attached, let_go
from wizframe.loading.arguments import check_options, each_customer_id, watch_of
from wizframe.loading.failures import Failures
from wizframe.loading.frame import build, warn_incomplete
from wizframe.loading.limit import passes
from wizframe.loading.reader import Reading
from wizframe.loading.rows import Rows
from wizframe.progress import bar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import pandas as pd

    from wizframe.api.client import BaseClient
    from wizframe.api.seen_ids import SeenNames
    from wizframe.api.validation import Moment
    from wizframe.loading.frame import Invalid
    from wizframe.progress import Watch

    Frames = Generator[pd.DataFrame, None, None]

__all__ = ["CHUNK_ROWS", "iter_contacts", "iter_customers"]

CHUNK_ROWS = 10_000


def iter_customers(  # noqa: PLR0913 - one parameter per filter of the contract
    *,
    chunksize: int = CHUNK_ROWS,
    client: BaseClient | None = None,
    status: Literal["active", "inactive"] | None = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    updated_after: Moment | None = None,
    updated_before: Moment | None = None,
    details: bool = False,
    page_size: int = MAX_PAGE_SIZE,
    workers: int | None = None,
    invalid: Invalid = "warn",
    dtype_backend: Literal["pyarrow"] | None = None,
    progress: bool | Watch = True,
) -> Frames:
    """Load customers as frames that arrive one after the other, for what should not be in memory at once.

    Parameters
    ----------
    chunksize : int, default 10,000
        Rows of each frame, at least 1; the last one may have fewer. So may any with ``details`` or
        ``invalid="drop"``.
    client, status, created_after, created_before, updated_after, updated_before, details, page_size, workers
        As for :func:`wizframe.load_customers`.
    invalid, dtype_backend
        As for :func:`wizframe.load_customers`. Each frame is validated by itself: ``"raise"`` ends the stream.
    progress : bool or wizframe.progress.Watch, default True
        As for :func:`wizframe.load_customers`; the bar stays until the stream ends.

    Yields
    ------
    DataFrame
        Columns and dtypes as of :func:`wizframe.load_customers`, RangeIndex from 0 in each. Each frame has its own
        baseline: edit it, plan it, push it. Where no customer comes, neither does a frame.

    Raises
    ------
    InvalidRequestError
        At once, not with the first frame: a filter is unknown or out of range; nothing was sent.
    InvalidDataError, TransportError, ServiceError, LoadStoppedError
        As for :func:`wizframe.load_customers`; frames that came before are good.

    Warns
    -----
    IncompleteLoadWarning
        After the last frame: it could not be proven that nothing is missing.
    InvalidDataWarning
        With a frame whose rows break the schema.

    Notes
    -----
    **Order.** Inactive customers, then active ones, each oldest first; last those that became inactive meanwhile.

    **What holds.** Every customer who was there throughout comes exactly once, though others are created, edited or
    deleted meanwhile, or the end of the stream warns. A customer comes as it was when its page was read, so one that
    is edited later is shown as it was before: pushing finds that, as always. One that is created meanwhile may come or
    not.

    **Memory** is that of a chunk and of the pages on their way. Ids that came before are remembered in a temporary
    file.

    **Stopping.** Leave the loop, and close the stream (or let it go): requests on their way are waited for, no other
    one leaves.

    Sends what :func:`wizframe.load_customers` sends, while frames are asked for. Source: [D], [R].

    Examples
    --------
    >>> [len(frame) for frame in wizframe.iter_customers(chunksize=15)]
    [15, 15, 10]
    """
    filters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    check_parameters(filters | {"page_size": page_size}, CUSTOMER)
    check_options(invalid, dtype_backend, workers=workers, chunksize=chunksize)
    failures, watch = Failures(is_tolerant=True), watch_of(progress)
    reading = Reading(open_client(client), CUSTOMER, filters, page_size, workers, watch, failures=failures)
    frames = _customers(reading, chunksize, details=details, invalid=invalid, progress=progress)
    return _arrow_backed(frames) if dtype_backend else frames


def iter_contacts(  # noqa: PLR0913 - one parameter per filter of the contract
    customers: str | Iterable[Any] | pd.DataFrame | pd.Series[Any],
    *,
    chunksize: int = CHUNK_ROWS,
    client: BaseClient | None = None,
    status: Literal["active", "inactive"] | None = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    updated_after: Moment | None = None,
    updated_before: Moment | None = None,
    workers: int | None = None,
    invalid: Invalid = "warn",
    dtype_backend: Literal["pyarrow"] | None = None,
    progress: bool | Watch = True,
) -> Frames:
    """Load the contacts of many customers as frames that arrive one after the other.

    Parameters
    ----------
    customers : str, iterable of str, Series, DataFrame or iterable of DataFrame
        As for :func:`wizframe.load_contacts`, or a stream of customers: ``iter_contacts(iter_customers())``. It is read
        on as contacts are asked for.
    chunksize, client, status, created_after, created_before, updated_after, updated_before, workers
        As for :func:`iter_customers`.
    invalid, dtype_backend, progress
        As for :func:`iter_customers`.

    Yields
    ------
    DataFrame
        Columns and dtypes as of :func:`wizframe.load_contacts`, RangeIndex from 0 in each, with its own baseline.

    Raises
    ------
    InvalidRequestError
        A filter cannot be sent: at once. An id cannot: when its turn comes.
    InvalidDataError, TransportError, ServiceError, LoadStoppedError
        As for :func:`wizframe.load_contacts`.

    Warns
    -----
    IncompleteLoadWarning
        After the last frame: some customers could not be read.
    InvalidDataWarning
        With a frame whose rows break the schema.

    Notes
    -----
    **Order.** That of the customers; of each, active contacts first, oldest first. A customer that is named twice is
    asked for once. Completeness, memory and stopping are as of :func:`iter_customers`.

    Sends what :func:`wizframe.load_contacts` sends, a little ahead of what was asked for. Source: [D], [R].

    Examples
    --------
    >>> contacts = wizframe.iter_contacts(wizframe.iter_customers(), chunksize=50)
    >>> first = next(contacts)
    >>> contacts.close()
    >>> len(first)
    50
    """
    filters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    check_parameters(filters, CONTACT)
    check_options(invalid, dtype_backend, workers=workers, chunksize=chunksize)
    failures, watch = Failures(is_tolerant=True), watch_of(progress)
    reading = Reading(open_client(client), CONTACT, filters, MAX_PAGE_SIZE, workers, watch, failures=failures)
    frames = _contacts(reading, each_customer_id(customers), chunksize, invalid=invalid, progress=progress)
    return _arrow_backed(frames) if dtype_backend else frames


def _arrow_backed(frames: Frames) -> Frames:
    with closing(frames):
        for frame in frames:
            yield arrow_backed(frame)


def _customers(reading: Reading, chunksize: int, *, details: bool, invalid: Invalid, progress: bool | Watch) -> Frames:
    with Seen() as seen, bar("customers", enabled=progress) as show:
        reading.names = seen.new
        pages = reading.customer_pages(show, () if details else reading.table.columns())
        for chunk in _chunks(_fresh(pages, reading, seen.new()), chunksize):
            if details:
                listed = [record for page in chunk for record in page.records]
                chunk = [Page(reading.details(listed, progress=False))]  # noqa: PLW2901 - the same customers
            yield from _frames(reading, chunk, details=details, invalid=invalid)
    warn_incomplete(reading)


def _contacts(
    reading: Reading, customers: Iterator[str], chunksize: int, *, invalid: Invalid, progress: bool | Watch
) -> Frames:
    with Seen() as seen, bar("contacts of customers", enabled=progress) as show:
        asked = seen.new()
        pages = reading.contact_pages((one for one in customers if asked.added([one])), show)
        for chunk in _chunks(_fresh(pages, reading, seen.new()), chunksize):
            yield from _frames(reading, chunk, details=False, invalid=invalid)
    reading.failures.check()
    warn_incomplete(reading)


def _fresh(pages: Iterable[Page], reading: Reading, known: SeenNames) -> Iterator[Page]:
    """Leave out what came before, and what the filters do not let through."""
    for page in pages:
        numbers = known.added(identities(page))
        if reading.filters:
            columns = {name: page.values(name) for name in ("status", "created_at", "updated_at")}
            records = zip(*(columns[name] for name in columns), strict=True)
            is_in = [passes(dict(zip(columns, values, strict=True)), reading.filters) for values in records]
            numbers = [number for number in numbers if is_in[number]]
        if numbers:
            yield page.chosen(numbers)


def _chunks(pages: Iterable[Page], chunksize: int) -> Iterator[list[Page]]:
    """Cut pages into chunks."""
    chunk: list[Page] = []
    room = chunksize
    for page in pages:
        rest = page
        while len(rest) >= room:
            yield [*chunk, rest.chosen(range(room))]
            rest, chunk, room = rest.chosen(range(room, len(rest))), [], chunksize
        if len(rest):
            chunk.append(rest)
            room -= len(rest)
    if chunk:
        yield chunk


def _frames(reading: Reading, chunk: list[Page], *, details: bool, invalid: Invalid) -> Iterator[pd.DataFrame]:
    """Build the frame of a chunk; where another one is asked for, its baseline lives no longer than it does."""
    rows = Rows(reading.table, details=details)
    while chunk:
        rows.add(chunk.pop(0))
    frame = build(reading, rows, details=details, sort_by=None, sort="asc", invalid=invalid)
    baseline: Baseline | None = attached(frame)
    yield frame
    del frame
    let_go(baseline)
