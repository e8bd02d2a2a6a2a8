"""Load customers and contacts: every page, one validated frame, and its baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from wizframe.api.client import open_client
from wizframe.api.pages import Page
from wizframe.api.validation import Moment, check_parameters
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE
from wizframe.frames.arrow_backed import arrow_backed
from wizframe.loading.arguments import check_options, customer_ids, texts_of, watch_of
from wizframe.loading.failures import Failures
from wizframe.loading.frame import Invalid, build, warn_incomplete
from wizframe.loading.limit import cut, first_customers
from wizframe.loading.lookups import ServiceLookups
from wizframe.loading.reader import Reading
from wizframe.loading.rows import Rows
from wizframe.loading.stream import iter_contacts, iter_customers
from wizframe.progress import Watch, bar

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from wizframe.api.client import BaseClient

__all__ = ["ServiceLookups", "iter_contacts", "iter_customers", "load_contacts", "load_customers"]

Status = Literal["active", "inactive"]


def load_customers(  # noqa: PLR0913 - one parameter per filter of the contract
    *,
    client: BaseClient | None = None,
    status: Status | None = None,
    reference_ids: Iterable[str] | None = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    updated_after: Moment | None = None,
    updated_before: Moment | None = None,
    sort_by: str | None = None,
    sort: Literal["asc", "desc"] = "asc",
    limit: int | None = None,
    details: bool = False,
    page_size: int = MAX_PAGE_SIZE,
    workers: int | None = None,
    invalid: Invalid = "warn",
    dtype_backend: Literal["pyarrow"] | None = None,
    progress: bool | Watch = True,
) -> pd.DataFrame:
    """Load every customer that the filters let through, in one validated frame.

    Parameters
    ----------
    client : Client, optional
        The one open connection by default.
    status : {'active', 'inactive'}, optional
        Everybody by default. The service has no "all", so the inactive ones are walked, the active ones, and the
        inactive ones again: nobody is missed whose status changes once meanwhile.
    reference_ids : iterable of str, optional
        Only these references.
    created_after, created_before, updated_after, updated_before : str, date or datetime, optional
        Both ends excluded; naive means UTC.
    sort_by : {'created_at', 'updated_at', 'company_name', 'display_name'}, optional
        Order of the finished frame; by default the oldest record first.
    sort : {'asc', 'desc'}, default 'asc'
    limit : int, optional
        At most so many rows, the first ones in that order. In an order of time the others are not read: such a load is
        a look at the account, and does not prove that nothing is missing.
    details : bool, default False
        Read each customer's details too: terms of freight, sales reps, price list, addresses, contacts, attributes.
    page_size : int, 1 to 100
        Records asked for in each request.
    workers : int, optional
        Requests at a time; by default the client's.
    invalid : {'warn', 'raise', 'drop'}
        What becomes of rows that break the schema: kept with one warning, an error, or left out with one warning.
    dtype_backend : {'pyarrow'}, optional
        As in pandas' own readers: columns in Arrow's dtypes. Texts are in Arrow either way, so it costs no conversion.
    progress : bool or wizframe.progress.Watch, default True
        Show a bar when it takes longer than a second; a watch follows the load from another thread, and can stop it.

    Returns
    -------
    DataFrame
        One row per customer, RangeIndex; columns and dtypes as in ``fields.CUSTOMER``: texts ``str``, times
        ``datetime64[us, UTC]``, status a category; the same without rows and in both dialects.

    Raises
    ------
    InvalidRequestError
        A filter is unknown or out of range; nothing was sent.
    InvalidDataError
        With ``invalid="raise"``; ``failures`` lists row, column, value, rule.
    TransportError, ServiceError
        See :mod:`wizframe.errors`.
    LoadStoppedError
        The watch stopped it.

    Warns
    -----
    IncompleteLoadWarning
        It could not be proven that nothing is missing; or details could not be read of some customers, which are left
        out: ``frame.wiz.unread`` lists them.
    InvalidDataWarning
        Rows break the schema; ``frame.wiz.problems`` lists them unless they were left out.

    Notes
    -----
    Sends ``GET /customers`` for each page and status, a few of them twice to prove that nothing moved, and ``GET
    /customers/{id}`` for each customer with ``details``. Filters that the service ignores or does not have are
    applied to the loaded rows. Source: [D], [R].

    Examples
    --------
    >>> frame = wizframe.load_customers(status="inactive")
    >>> frame["status"].unique().tolist()
    ['inactive']
    """
    filters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    order = {"sort_by": sort_by, "sort": sort, "page_size": page_size}
    check_parameters(filters | order, CUSTOMER)
    check_options(invalid, dtype_backend, workers=workers, limit=limit)
    wanted = None if reference_ids is None else texts_of(reference_ids)
    reading = Reading(
        open_client(client),
        CUSTOMER,
        filters,
        page_size,
        workers,
        watch_of(progress),
        failures=Failures(is_tolerant=True),
    )
    sort_by = sort_by or "created_at"
    rows = Rows(CUSTOMER, details=details)
    with bar("customers", enabled=progress) as show:
        if wanted is not None:
            records = reading.customers_by_reference(wanted, show)
        elif limit is not None:
            records = first_customers(reading, sort_by=sort_by, sort=sort, limit=limit, show=show)
        elif details:
            records = reading.customers(show)
        else:
            records = []
            for page in reading.customer_pages(show, rows.columns):
                rows.add(page)
    if limit is not None:
        records = cut(records, reading.filters, sort_by=sort_by, sort=sort, limit=limit)
    rows.add(Page(reading.details(records, progress=progress) if details else records))
    is_whole = wanted is None and limit is None
    warn_incomplete(reading)
    frame = build(reading, rows, is_whole=is_whole, details=details, sort_by=sort_by, sort=sort, invalid=invalid)
    return arrow_backed(frame) if dtype_backend else frame


def load_contacts(  # noqa: PLR0913 - one parameter per filter of the contract
    customers: str | Iterable[str] | pd.DataFrame | pd.Series[Any],
    *,
    client: BaseClient | None = None,
    status: Status | None = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    updated_after: Moment | None = None,
    updated_before: Moment | None = None,
    sort_by: str | None = None,
    sort: Literal["asc", "desc"] = "asc",
    workers: int | None = None,
    invalid: Invalid = "warn",
    dtype_backend: Literal["pyarrow"] | None = None,
    progress: bool | Watch = True,
) -> pd.DataFrame:
    """Load the contacts of one or many customers, in one validated frame.

    Parameters
    ----------
    customers : str, iterable of str, Series or DataFrame
        One id, several, or a frame of customers with ``id`` as a column or the index.
    client, status, created_after, created_before, updated_after, updated_before, workers
        As for :func:`load_customers`.
    invalid, dtype_backend, progress
        As for :func:`load_customers`.
    sort_by : {'created_at', 'updated_at'}, optional
        Order of the finished frame; by default in the order of the customers.
    sort : {'asc', 'desc'}, default 'asc'
        ``desc`` alone means the newest record first.

    Returns
    -------
    DataFrame
        One row per contact, with ``customer_id``; columns and dtypes as in ``fields.CONTACT``.

    Raises
    ------
    InvalidRequestError
        An id or a filter cannot be sent.
    InvalidDataError, TransportError, ServiceError
        As for :func:`load_customers`.

    Warns
    -----
    IncompleteLoadWarning
        Some customers could not be read (deleted meanwhile, say, or refused, or broken after all attempts); the others'
        contacts are there, and ``frame.wiz.unread`` lists who is not. Where nobody can be read, or ten in a row cannot,
        that is an error.

    Notes
    -----
    Sends at least one ``GET /customers/{customer_id}/contacts`` for each customer and status; the bar counts these
    lists. A contact whose status changes between its customer's two lists can be missed. Source: [D], [R].

    Examples
    --------
    >>> customers = wizframe.load_customers().head(3)
    >>> contacts = wizframe.load_contacts(customers)
    >>> set(contacts["customer_id"]) == set(customers["id"])
    True
    """
    filters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    check_parameters(filters | {"sort_by": sort_by, "sort": sort}, CONTACT)
    check_options(invalid, dtype_backend, workers=workers)
    wanted = customer_ids(customers)
    failures = Failures(is_tolerant=True)
    watch = watch_of(progress)
    reading = Reading(open_client(client), CONTACT, filters, MAX_PAGE_SIZE, workers, watch, failures=failures)
    rows = Rows(CONTACT, details=False)
    rows.add(Page(reading.contacts(wanted, progress=progress)))
    sort_by = sort_by or ("created_at" if sort == "desc" else None)
    asked = tuple(wanted)
    warn_incomplete(reading)
    frame = build(reading, rows, customers=asked, details=False, sort_by=sort_by, sort=sort, invalid=invalid)
    return arrow_backed(frame) if dtype_backend else frame
