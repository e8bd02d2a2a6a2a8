"""Load customers and contacts as a stream of frames. The memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from wizframe.api.pages import Page
from wizframe.api.seen_ids import Seen
from wizframe.arguments import FLAG, checked, whole
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE
from wizframe.frames.baselines import attached, let_go
from wizframe.loading.frame import Rows, build, passes
from wizframe.loading.loaders import LOADING, checked_reader, parent_ids

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from wizframe.api.client import BaseClient
    from wizframe.api.seen_ids import SeenNames
    from wizframe.api.validation import Moment
    from wizframe.fields import Table
    from wizframe.frames.baselines import Baseline
    from wizframe.loading.frame import Invalid
    from wizframe.loading.reader import Reader
    from wizframe.progress import Watch

    Frames = Generator[pd.DataFrame, None, None]

__all__ = ["CHUNK_ROWS", "iter_contacts", "iter_customers"]

#: The default number of rows in each frame: about 3 MB of customers (100,000 take 31 MB).
CHUNK_ROWS = 10_000


@checked(**LOADING, chunksize=whole(1), details=FLAG, page_size=whole(1, MAX_PAGE_SIZE))
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
    """Load customers as a stream of frames, if one frame with all of them would not fit into memory.

    Parameters
    ----------
    chunksize : int, default 10,000
        Number of rows in each frame, at least 1. The last frame may have fewer; with ``details`` or ``invalid="drop"``
        any frame may have fewer.
    client, status, created_after, created_before, updated_after, updated_before, details, page_size, workers
        As for :func:`wizframe.load_customers`.
    invalid, dtype_backend
        As for :func:`wizframe.load_customers`. Each frame is validated separately: ``"raise"`` ends the stream.
    progress : bool or wizframe.progress.Watch, default True
        As for :func:`wizframe.load_customers`. The bar stays until the stream ends.

    Yields
    ------
    DataFrame
        Columns and dtypes as for :func:`wizframe.load_customers`, with a RangeIndex from 0 in each frame. Each frame
        has a separate baseline, so you can edit, plan and push it. Without customers there is no frame.

    Raises
    ------
    InvalidRequestError
        A parameter is unknown or its value is not allowed. Raised at once, before the first frame; nothing was sent.
    InvalidDataError, TransportError, ServiceError, LoadStoppedError
        As for :func:`wizframe.load_customers`. The frames before the error are valid.

    Warns
    -----
    IncompleteLoadWarning
        After the last frame, as for :func:`wizframe.load_customers`.
    InvalidDataWarning
        A frame has rows that do not match the schema.

    Notes
    -----
    **Order.** Inactive customers come first, then active ones, each from the oldest to the newest. Customers that
    became inactive during the load come last.

    **Completeness.** Every customer that exists during the whole load appears exactly once, even if other users create,
    edit or delete customers. If this cannot be proven, the stream warns at its end. A customer has the values that it
    had when its page was read. If another user edits it later, pushing it is a conflict. A customer that was created
    during the load may be missing.

    **Memory** holds one chunk and the pages that are being read. The ids of earlier chunks are in a temporary file.

    **Stopping.** Leave the loop, or close the stream. It waits for the running requests and sends no others.

    Sends the requests of :func:`wizframe.load_customers` while the caller uses the frames. Source: [D], [R].

    Examples
    --------
    >>> [len(frame) for frame in wizframe.iter_customers(chunksize=15)]
    [15, 15, 10]
    """
    parameters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before, "page_size": page_size,
    }  # fmt: skip
    options: dict[str, Any] = {"invalid": invalid, "dtype_backend": dtype_backend}
    reader = checked_reader(CUSTOMER, client, parameters, progress, workers)
    return _roots(reader, chunksize, details=details, **options)


@checked(**LOADING, chunksize=whole(1))
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
    """Load the contacts of many customers as a stream of frames.

    Parameters
    ----------
    customers : str, iterable of str, Series, DataFrame or iterable of DataFrame
        As for :func:`wizframe.load_contacts`, or a stream of customers: ``iter_contacts(iter_customers())``. The stream
        is read only as far as its contacts are needed.
    chunksize, client, status, created_after, created_before, updated_after, updated_before, workers
        As for :func:`iter_customers`.
    invalid, dtype_backend, progress
        As for :func:`iter_customers`.

    Yields
    ------
    DataFrame
        Columns and dtypes as for :func:`wizframe.load_contacts`, with a RangeIndex from 0 and a baseline in each frame.

    Raises
    ------
    InvalidRequestError
        A filter (raised at once) or an id (raised when the stream reaches it) is not valid.
    NotFoundError
        None of the customers exists. Raised at the end of the stream.
    InvalidDataError, TransportError, ServiceError, LoadStoppedError
        As for :func:`wizframe.load_contacts`.

    Warns
    -----
    IncompleteLoadWarning
        After the last frame: some customers do not exist or could not be read.
    InvalidDataWarning
        A frame has rows that do not match the schema.

    Notes
    -----
    **Order.** The order of the customers; each customer's active contacts come first, oldest first. If a customer is
    given twice, it is read once. Completeness, memory and stopping are as for :func:`iter_customers`.

    Sends the requests of :func:`wizframe.load_contacts`, a little ahead of the caller. Source: [D], [R].

    Examples
    --------
    >>> contacts = wizframe.iter_contacts(wizframe.iter_customers(), chunksize=50)
    >>> first = next(contacts)
    >>> contacts.close()
    >>> len(first)
    50
    """
    parameters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    options: dict[str, Any] = {"invalid": invalid, "dtype_backend": dtype_backend}
    reader = checked_reader(CONTACT, client, parameters, progress, workers)
    return _children(reader, customers, chunksize, **options)


def _roots(reader: Reader, chunksize: int, *, details: bool, **options: Any) -> Frames:
    with Seen() as seen:
        reader.names, reader.is_stream = seen.new, True
        pages = reader.pages(() if details else reader.table.columns())
        for chunk in _chunks(_new_rows(pages, reader, seen.new()), chunksize):
            if details:
                listed = [record for page in chunk for record in page.records]
                chunk = [Page(reader.details(listed, is_shown=False))]  # noqa: PLW2901 - the same customers
            yield from _frames(reader, chunk, details=details, **options)
    reader.warn_if_incomplete()


def _children(reader: Reader, parents: Any, chunksize: int, **options: Any) -> Frames:
    with Seen() as seen:
        named = seen.new()
        fresh = (one for one in _each_parent_id(parents, reader.table) if named.added([one]))
        pages = reader.child_pages(fresh)
        for chunk in _chunks(_new_rows(pages, reader, seen.new()), chunksize):
            yield from _frames(reader, chunk, **options)
    reader.failures.check_found(reader.table.parent or reader.table)
    reader.warn_if_incomplete()


def _each_parent_id(parents: str | Iterable[Any], table: Table) -> Iterator[str]:
    """Yield the ids of parents, reading no further than needed. An id may appear more than once."""
    if isinstance(parents, (str, pd.DataFrame, Mapping)) or not isinstance(parents, Iterable):
        yield from parent_ids(parents, table)
        return
    for one in parents:
        yield from parent_ids(one if isinstance(one, pd.DataFrame) else [one], table)


def _new_rows(pages: Iterable[Page], reader: Reader, known: SeenNames) -> Iterator[Page]:
    """Leave out rows that appeared before, and rows that do not match the filters."""
    for page in pages:
        names = page.identities()
        if reader.table.parent is not None:  # an id may be unique within its parent only
            parents = page.values(reader.table.parent_id)
            names = [f"{parent}\0{name}" for parent, name in zip(parents, names, strict=True)]
        numbers = known.added(names)
        if reader.filters:
            columns = {name: page.values(name) for name in ("status", "created_at", "updated_at")}
            rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
            numbers = [number for number in numbers if passes(rows[number], reader.filters)]
        if numbers:
            yield page.chosen(numbers)


def _chunks(pages: Iterable[Page], chunksize: int) -> Iterator[list[Page]]:
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


def _frames(reader: Reader, chunk: list[Page], *, details: bool = False, **options: Any) -> Frames:
    """Build the frame of a chunk. After the caller takes the next one, its baseline lives only as long as the frame."""
    rows = Rows(reader.table, details=details)
    while chunk:
        rows.add(chunk.pop(0))
    frame = build(reader, rows, **options)
    baseline: Baseline | None = attached(frame)
    yield frame
    del frame
    let_go(baseline)
