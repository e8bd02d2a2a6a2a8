"""Load customers and contacts: all pages, one validated frame, and its baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from wizframe.api.client import open_client
from wizframe.api.pages import Page
from wizframe.api.validation import check_parameters
from wizframe.api.values import plain_scalar
from wizframe.arguments import FLAG, PROGRESS, TEXT, WORKERS, checked, one_of, or_none, whole
from wizframe.errors import IncompleteLoadWarning, InvalidRequestError
from wizframe.fields import CONTACT, CUSTOMER, MAX_PAGE_SIZE, Table
from wizframe.frames.baselines import attached
from wizframe.frames.build import is_blank
from wizframe.loading.failures import Failures
from wizframe.loading.frame import Rows, build
from wizframe.loading.limit import cut, first_records
from wizframe.loading.reader import Reader
from wizframe.text import counted, plural

if TYPE_CHECKING:
    from wizframe.api.client import BaseClient
    from wizframe.api.pages import Record
    from wizframe.api.validation import Moment
    from wizframe.loading.frame import Invalid
    from wizframe.progress import Watch

__all__ = ["LOADING", "checked_reader", "load_contacts", "load_customers", "parent_ids"]

Status = Literal["active", "inactive"]
LOADING = {
    "invalid": one_of("warn", "raise", "drop"),
    "dtype_backend": or_none(one_of("pyarrow")),
    "workers": or_none(WORKERS),
    "progress": PROGRESS,
}
_SHOWN = 5  # references or columns in one message


@checked(**LOADING, details=FLAG, limit=or_none(whole(1)), page_size=whole(1, MAX_PAGE_SIZE))
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
    """Load all customers that match the filters into one validated frame.

    Parameters
    ----------
    client : Client, optional
        By default the only open connection.
    status : {'active', 'inactive'}, optional
        By default both. The service has no status "all", so the load reads the inactive customers, the active ones, and
        the inactive ones again. So it does not miss a customer that changes its status once during the load.
    reference_ids : iterable of str, optional
        Load only customers with these references. A printed line lists the references that were not found.
    created_after, created_before, updated_after, updated_before : str, date or datetime, optional
        Load only customers that were created or changed after or before this time. The time itself is excluded. A time
        without a zone is UTC.
    sort_by : {'created_at', 'updated_at', 'company_name', 'display_name'}, optional
        Order of the finished frame; by default the oldest record comes first.
    sort : {'asc', 'desc'}, default 'asc'
    limit : int, optional
        At most this many rows: the first ones in the chosen order. If you sort by a time, the load stops when it has
        these rows. It is a preview of the account, and does not prove that nothing is missing.
    details : bool, default False
        Also read each customer's details: freight terms, sales reps, price list, addresses, contacts, attributes.
    page_size : int, 1 to 100
        Number of records in each request.
    workers : int, optional
        Number of simultaneous requests; by default the client's number.
    invalid : {'warn', 'raise', 'drop'}
        What to do with rows that do not match the schema. ``'warn'`` keeps them and warns, ``'raise'`` fails, and
        ``'drop'`` leaves them out and warns.
    dtype_backend : {'pyarrow'}, optional
        ``'pyarrow'`` returns columns with Arrow dtypes, as in pandas' own readers. No strings are copied for this.
    progress : bool or wizframe.progress.Watch, default True
        Show a bar if the load takes longer than a second. A ``Watch`` can follow and stop the load from another thread.

    Returns
    -------
    DataFrame
        One row per customer, with a RangeIndex. Columns and dtypes are as in ``fields.CUSTOMER``: strings ``str``,
        times ``datetime64[us, UTC]``, status a category. They are the same without rows, and in both dialects.

    Raises
    ------
    InvalidRequestError
        A parameter is unknown or its value is not allowed; nothing was sent.
    InvalidDataError
        With ``invalid="raise"``: rows do not match the schema. ``failures`` lists row, column, value, rule.
    TransportError, ServiceError
        See :mod:`wizframe.errors`.
    LoadStoppedError
        The watch stopped the load.

    Warns
    -----
    IncompleteLoadWarning
        The load could not prove that no customer is missing, or the details of some customers could not be read. Such
        customers are left out, and ``frame.wiz.unread`` lists them.
    InvalidDataWarning
        Rows do not match the schema. ``frame.wiz.problems`` lists them unless they were left out.

    Notes
    -----
    Sends ``GET /customers`` for each page and status, twice for a few pages to prove that no record moved, and ``GET
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
    options: dict[str, Any] = {"invalid": invalid, "dtype_backend": dtype_backend}
    reader = checked_reader(CUSTOMER, client, filters | order, progress, workers)
    wanted = None if reference_ids is None else texts_of(reference_ids, "reference_ids")
    sort_by = sort_by or "created_at"
    rows = Rows(CUSTOMER, details=details)
    if wanted is not None:
        records = reader.by_reference(wanted)
    elif limit is not None:
        records = first_records(reader, sort_by=sort_by, sort=sort, limit=limit)
    elif details:
        records = reader.records()
    else:
        records = []
        for page in reader.pages(rows.columns):
            rows.add(page)
    _warn_of_missing(wanted or (), records, status, reader)
    if limit is not None:
        records = cut(records, reader.filters, sort_by=sort_by, sort=sort, limit=limit)
    rows.add(Page(reader.details(records) if details else records))
    reader.warn_if_incomplete()
    return build(reader, rows, is_whole=wanted is None and limit is None, sort_by=sort_by, sort=sort, **options)


@checked(**LOADING)
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
    """Load the contacts of one or many customers into one validated frame.

    Parameters
    ----------
    customers : str, iterable of str, Series or DataFrame
        One id, several ids, or a frame of customers with ``id`` as a column or the index.
    client, status, created_after, created_before, updated_after, updated_before, workers
        As for :func:`load_customers`.
    invalid, dtype_backend, progress
        As for :func:`load_customers`.
    sort_by : {'created_at', 'updated_at'}, optional
        Order of the finished frame; by default the order of the customers.
    sort : {'asc', 'desc'}, default 'asc'
        Without ``sort_by``, ``'desc'`` returns the newest record first.

    Returns
    -------
    DataFrame
        One row per contact, with ``customer_id``; columns and dtypes as in ``fields.CONTACT``.

    Raises
    ------
    InvalidRequestError
        An id or a filter is not valid; nothing was sent.
    NotFoundError
        None of the customers exists.
    InvalidDataError, TransportError, ServiceError, LoadStoppedError
        As for :func:`load_customers`. Also raised if no customer can be read, or if ten in a row cannot be read.

    Warns
    -----
    IncompleteLoadWarning
        Some customers do not exist or could not be read. The contacts of the others are in the frame, and
        ``frame.wiz.unread`` lists the customers that were left out.
    InvalidDataWarning
        As for :func:`load_customers`.

    Notes
    -----
    Sends at least one ``GET /customers/{customer_id}/contacts`` for each customer and status. The bar counts these
    lists. The load can miss a contact that changes its status between its customer's two lists. Source: [D], [R].

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
    options: dict[str, Any] = {"invalid": invalid, "dtype_backend": dtype_backend}
    order = {"sort_by": sort_by, "sort": sort}
    reader = checked_reader(CONTACT, client, filters | order, progress, workers)
    parents = parent_ids(customers, CONTACT)
    rows = Rows(CONTACT)
    for page in reader.child_pages(parents):
        rows.add(page)
    reader.failures.check_found(CUSTOMER)
    reader.warn_if_incomplete()
    sort_by = sort_by or ("created_at" if sort == "desc" else None)
    return build(reader, rows, parents=tuple(parents), sort_by=sort_by, sort=sort, **options)


def checked_reader(
    table: Table,
    client: BaseClient | None,
    parameters: dict[str, Any],
    progress: bool | Watch,  # noqa: FBT001 - passed on as the user gave it
    workers: int | None,
) -> Reader:
    """Check all options of a load before any request, and return its reader."""
    parameters = {name: plain_scalar(value) for name, value in parameters.items()}
    check_parameters(parameters, table)
    return Reader(
        open_client(client),
        table,
        {name: value for name, value in parameters.items() if name not in ("sort_by", "sort", "page_size")},
        page_size=parameters.get("page_size", MAX_PAGE_SIZE),
        asked_workers=workers,
        progress=progress,
        failures=Failures(is_tolerant=True),
    )


def texts_of(values: Iterable[str], name: str) -> list[str]:
    """Return the strings of a parameter; raise an error for all other values."""
    allowed = "(allowed: one string, or a list or Series of strings)"
    if isinstance(values, (Mapping, pd.DataFrame)) or not isinstance(values, Iterable):
        raise InvalidRequestError(f"invalid {name}, nothing was sent: it is of type {type(values).__name__} {allowed}")
    texts = [values] if isinstance(values, str) else list(values)
    for text in texts:
        if not TEXT.fits(text) or not text:
            raise InvalidRequestError(f"invalid {name}, nothing was sent: it contains {text!r} {allowed}")
    return texts


def parent_ids(parents: str | Iterable[str] | pd.DataFrame | pd.Series[Any], table: Table) -> list[str]:
    """Return the ids of the given parents, each once."""
    parent = table.parent or table
    if isinstance(parents, pd.DataFrame):
        own = attached(parents)
        if own is not None and own.table is not parent:
            message = f"a frame of {own.table.name} does not show which {parent.name} to load for"
            raise InvalidRequestError(message, hint=f"Pass their ids, such as frame[{table.parent_id!r}].unique().")
        if "id" not in parents and "id" not in parents.index.names:
            columns = ", ".join(map(str, parents.columns[:_SHOWN])) + (", …" if len(parents.columns) > _SHOWN else "")
            raise InvalidRequestError(f"the frame of {parent.name} has no column or index level 'id', only {columns}")
        given = parents["id"] if "id" in parents else parents.index.get_level_values("id")
        parents = [identifier for identifier in given if not is_blank(identifier)]
    return list(dict.fromkeys(texts_of(parents, parent.name)))


def _warn_of_missing(wanted: Iterable[str], records: Iterable[Record], status: str | None, reader: Reader) -> None:
    found = {record["reference_id"] for record in records if isinstance(record.get("reference_id"), str)}
    missing = [reference for reference in dict.fromkeys(wanted) if reference not in found]
    if missing:
        some = ", ".join(map(repr, missing[:_SHOWN])) + (", …" if missing[_SHOWN:] else "")
        where = f" among the {status} customers" if status else ""
        verb = plural(len(missing), "was", "were")
        reader.warn(IncompleteLoadWarning(f"{counted(len(missing), 'reference')} {verb} not found{where}: {some}"))
