"""Customers and contacts as Dask DataFrames, for data that does not fit on one machine.

Each part of the Dask DataFrame is loaded like an ordinary frame. A part of customers covers a span of ``created_at``.
That time never changes, so every customer is in exactly one part even if other users edit customers while the parts
are read. Each part is proven complete, as any other load is.

The graph does not contain the API key: each process finds the key in its own environment or keyring, as
:func:`wizframe.connect` does.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from wizframe.api.client import open_client
from wizframe.api.validation import check_parameters, moment
from wizframe.arguments import FLAG, IDS, PATH, TEXT, WORKERS, Kind, checked, number, one_of, or_none, whole
from wizframe.connections.connect import connect
from wizframe.errors import IncompleteLoadWarning, MissingExtraError, ProtocolError, to_install
from wizframe.fields import CONTACT, CUSTOMER, STATUSES
from wizframe.frames.baselines import attached, let_go
from wizframe.frames.build import to_frame
from wizframe.progress import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from wizframe.api.client import BaseClient
    from wizframe.api.validation import Moment
    from wizframe.connections.client import Client

__all__ = ["load_contacts", "load_customers"]

# A frame of 100,000 customers takes 31 MB (measured), so a process can hold several parts.
_ROWS = 100_000
# The contacts of so many customers are one part: at least 2,000 requests, one per customer and status.
_CUSTOMERS = 1_000
# The resolution of datetime64[us], the dtype of created_at.
_TICK = timedelta(microseconds=1)
_lock = threading.Lock()
_clients: dict[_Connection, Client] = {}


@dataclass(frozen=True)
class _Connection:
    """The settings with which a process connects: all except the API key."""

    base_url: str
    profile: str | None
    dialect: Literal["rest", "sdk"]
    workers: int
    rate: float | None
    ca_bundle: str | None

    def client(self) -> Client:
        """Return this process's client for these settings. All parts that it loads share one rate limit."""
        with _lock:
            if self not in _clients:
                _clients[self] = connect(**asdict(self), read_only=True).aside()
            return _clients[self]


_PARENTS = Kind(
    "a frame of pandas or Dask, an id, or a list of ids",
    lambda value: IDS.fits(value) or hasattr(value, "npartitions"),
)
_OPTIONS = {
    "invalid": one_of("warn", "raise", "drop"),
    "profile": or_none(TEXT),
    "rate": or_none(number(0, 10**6, above=True)),
    "workers": WORKERS,
    "processes": or_none(whole(1)),
    "ca_bundle": or_none(PATH),
}


@checked(**_OPTIONS, details=FLAG, rows=whole(1))
def load_customers(  # noqa: PLR0913 - one parameter per filter of the contract
    *,
    client: Client | None = None,
    rows: int = _ROWS,
    status: Literal["active", "inactive"] | None = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    updated_after: Moment | None = None,
    updated_before: Moment | None = None,
    details: bool = False,
    invalid: Literal["warn", "raise", "drop"] = "warn",
    profile: str | None = None,
    rate: float | None = None,
    workers: int = 4,
    processes: int | None = None,
    ca_bundle: str | None = None,
) -> Any:
    """Prepare a Dask DataFrame of all customers that match the filters.

    Parameters
    ----------
    client : Client, optional
        Used to count the customers; by default the only open connection. Its key stays in this process.
    rows : int, default 100,000
        The approximate number of customers in each part.
    status, created_after, created_before, updated_after, updated_before, details, invalid
        As for :func:`wizframe.load_customers`; each part is validated by itself, in the process that reads it.
    profile : str, optional
        The profile with the key and the settings for the processes, as for :func:`wizframe.connect`. Without a profile,
        they use ``WIZCOMMERCE_API_KEY`` in their environment, or the keyring's entry for the address.
    rate : float, optional
        Maximum number of requests per second of all processes together. Each process gets an equal share.
    workers : int, default 4
        Number of simultaneous requests in each process.
    processes : int, optional
        Number of processes that share the rate; by default those of the connected ``distributed`` cluster, else 1.
    ca_bundle : str, optional
        As for :func:`wizframe.connect`: a path that the processes can read.

    Returns
    -------
    dask.dataframe.DataFrame
        Columns and dtypes of :func:`wizframe.load_customers`. The parts are ordered from the oldest to the newest
        ``created_at``. The ``sdk`` dialect cannot list a span of time, so it gives a single part.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    InvalidRequestError
        The value of an option is not valid.
    ProtocolError
        Raised when the DataFrame is computed: a part may be incomplete.

    Notes
    -----
    Sends one ``GET /customers`` for each status and each part to find the spans. All other requests are sent when the
    DataFrame is computed. If there are several parts, customers without ``created_at`` are in none of them. Computed
    rows have no baseline: a plan compares them with the service's records by ``updated_at``. Source: [R].

    Examples
    --------
    >>> import wizframe.dask
    >>> frame = wizframe.dask.load_customers(rows=10)
    >>> frame.npartitions > 1, frame["payment_term"].dtype
    (True, <StringDtype(na_value=nan)>)
    """
    filters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    check_parameters(filters, CUSTOMER)
    meant = open_client(client)
    connection = _connection(meant, profile, rate, workers, processes, ca_bundle)
    given = {name: value for name, value in filters.items() if value is not None}
    options = given | {"details": details, "invalid": invalid}
    meta = to_frame([], CUSTOMER, details=details)[0]
    return _from_map(_customers, _spans(meant, given, rows), meta, connection=connection, options=options)


@checked(**_OPTIONS, customers=_PARENTS)
def load_contacts(  # noqa: PLR0913 - one parameter per filter of the contract
    customers: Any,
    *,
    client: Client | None = None,
    status: Literal["active", "inactive"] | None = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    updated_after: Moment | None = None,
    updated_before: Moment | None = None,
    invalid: Literal["warn", "raise", "drop"] = "warn",
    profile: str | None = None,
    rate: float | None = None,
    workers: int = 4,
    processes: int | None = None,
    ca_bundle: str | None = None,
) -> Any:
    """Prepare a Dask DataFrame of the contacts of many customers.

    Parameters
    ----------
    customers : dask.dataframe.DataFrame, DataFrame, Series or iterable of str
        The return value of :func:`load_customers`, a frame of customers, or ids.
    client, status, created_after, created_before, updated_after, updated_before, invalid
        As for :func:`load_customers`.
    profile, rate, workers, processes, ca_bundle
        As for :func:`load_customers`.

    Returns
    -------
    dask.dataframe.DataFrame
        Columns and dtypes of :func:`wizframe.load_contacts`; one part for each part of the customers, or for each 1,000
        customers.

    Raises
    ------
    MissingExtraError, InvalidRequestError
        As for :func:`load_customers`.
    ProtocolError
        Raised when the DataFrame is computed: some customers do not exist or could not be read.

    Notes
    -----
    Sends the requests of :func:`wizframe.load_contacts` when the DataFrame is computed. Source: [D], [R].

    Examples
    --------
    >>> import wizframe.dask
    >>> contacts = wizframe.dask.load_contacts(wizframe.dask.load_customers())
    >>> "customer_id" in contacts.columns
    True
    """
    filters = {
        "status": status, "created_after": created_after, "created_before": created_before,
        "updated_after": updated_after, "updated_before": updated_before,
    }  # fmt: skip
    check_parameters(filters, CONTACT)
    connection = _connection(open_client(client), profile, rate, workers, processes, ca_bundle)
    options = {name: value for name, value in filters.items() if value is not None} | {"invalid": invalid}
    kept: dict[str, Any] = {"connection": connection, "options": options}
    meta = to_frame([], CONTACT)[0]
    if isinstance(customers, _frames().DataFrame):
        with _own_texts():
            return customers.map_partitions(_contacts, **kept, meta=meta)
    ids = customers["id"] if isinstance(customers, pd.DataFrame) else customers
    listed = list(dict.fromkeys([ids] if isinstance(ids, str) else ids))
    parts = [listed[start : start + _CUSTOMERS] for start in range(0, len(listed), _CUSTOMERS)] or [[]]
    return _from_map(_contacts, parts, meta, **kept)


def _frames() -> Any:
    try:
        import dask.dataframe as dd  # noqa: PLC0415 - half a second, and an extra
    except ImportError:
        raise MissingExtraError(f"Dask is not installed: {to_install('dask')}") from None
    return dd


def _own_texts() -> Any:
    """Return the setting that keeps the dtypes of a load: Dask would convert strings to its own string dtype."""
    import dask  # noqa: PLC0415 - as above

    return dask.config.set({"dataframe.convert-string": False})


def _from_map(read: Any, parts: list[Any], meta: pd.DataFrame, **kept: Any) -> Any:
    with _own_texts():
        return _frames().from_map(read, parts, meta=meta, enforce_metadata=True, **kept)


def _connection(
    client: BaseClient,
    profile: str | None,
    rate: float | None,
    workers: int,
    processes: int | None,
    ca_bundle: str | None,
) -> _Connection:
    _frames()
    share = None if rate is None else rate / (processes or _processes())
    return _Connection(client.base_url, profile, client.dialect, workers, share, ca_bundle)


def _processes() -> int:
    """Count the processes of the connected cluster; 1 if no cluster is connected."""
    try:
        import distributed  # noqa: PLC0415 - as above

        cluster: Any = distributed.default_client()  # type: ignore[no-untyped-call]
        return max(len(cluster.scheduler_info(n_workers=-1)["workers"]), 1)
    except (ImportError, ValueError):  # no cluster: the parts are read in this process
        return 1


def _spans(client: BaseClient, filters: dict[str, Any], rows: int) -> list[tuple[datetime | None, datetime | None]]:
    """Divide all customers into spans of ``created_at`` that hold about ``rows`` customers each.

    The boundaries are the times at which single customers of the more frequent status were created.
    """
    if client.query_dialect != "rest":
        return [(None, None)]
    statuses = (filters["status"],) if "status" in filters else STATUSES
    counted = {status: _nth(client, filters, status, 1)[1] for status in statuses}
    most = max(counted, key=lambda status: counted[status])
    step = max(rows * counted[most] // max(sum(counted.values()), 1), 1)
    found = [_nth(client, filters, most, number)[0] for number in range(step + 1, counted[most] + 1, step)]
    cuts: list[datetime | None] = [*sorted({one.replace(microsecond=0) for one in found if one is not None})]
    return list(zip([None, *cuts], [*cuts, None], strict=True))


def _nth(client: BaseClient, filters: dict[str, Any], status: str, number: int) -> tuple[datetime | None, int]:
    """Return when the customer with this number was created, and how many customers of the status exist."""
    asked = filters | {"status": status, "sort_by": "created_at", "sort": "asc", "page": number, "page_size": 1}
    page = client.customer.page(**asked)
    created = page.values("created_at")
    return (moment(created[0]) if created and created[0] else None), page.total_records or 0


def _customers(
    span: tuple[datetime | None, datetime | None], *, connection: _Connection, options: dict[str, Any]
) -> pd.DataFrame:
    """Load the customers that were created at the beginning of a span or later, and before its end."""
    after, before = span
    asked = dict(options)
    if after is not None:  # the service excludes the given time itself
        begin = after - _TICK
        asked["created_after"] = max(begin, moment(options.get("created_after", begin)))
    if before is not None:
        asked["created_before"] = min(before, moment(options.get("created_before", before)))
    return _part(connection.client().load_customers, **asked)


def _contacts(customers: Any, *, connection: _Connection, options: dict[str, Any]) -> pd.DataFrame:
    ids: Iterable[str] = customers["id"].dropna() if isinstance(customers, pd.DataFrame) else customers
    return _part(connection.client().load_contacts, list(ids), **options)


def _part(load: Callable[..., pd.DataFrame], *args: Any, **options: Any) -> pd.DataFrame:
    """Load a part without its baseline, which would stay in this process; raise an error if it may be incomplete."""
    watch = Watch()
    frame = load(*args, **options, progress=watch)
    for warning in watch.warnings:  # a user does not see the warnings of a cluster's process
        if isinstance(warning, IncompleteLoadWarning):
            raise ProtocolError(str(warning))
    let_go(attached(frame))
    frame.attrs.clear()
    return frame
