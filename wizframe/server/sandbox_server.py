"""The sandbox server for its users: options, data, faults, start and stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wizframe.server.deviations.table import chosen
from wizframe.server.faults.faulty_service import FaultyService
from wizframe.server.faults.schedule import Faults
from wizframe.server.handler import SandboxListener
from wizframe.server.sample_data import seed_store
from wizframe.server.service import SANDBOX_API_KEY
from wizframe.server.spelling import Spelling
from wizframe.server.store import Store
from wizframe.server.traffic import RateLimit, RequestLog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from wizframe.server.faults.schedule import Fault

__all__ = ["SandboxServer"]

_NOT_RUNNING = "the sandbox server is not running: call start() or use it in a with statement"


class SandboxServer:
    """Serve customers and contacts on ``127.0.0.1`` until stopped.

    Parameters
    ----------
    customers : int, default 500
        Number of customers to generate, each with 1 to 5 contacts. With 0, the account is empty.
    dialect : {"rest", "sdk"}, default "rest"
        The dialect of the server. ``"rest"``: names in snake_case, with an envelope. ``"sdk"``: camelCase, without one.
    seed : int, default 20260
        Seed of the random numbers. The same seed gives the same data.
    latency_s : float, default 0.0
        Shortest time in seconds from a request to its response. May be changed while running.
    rate_limit : float, optional
        Requests per second before the server responds with 429. None means no limit. May be changed while running.
    page_size_cap : int, optional
        The most records on a page, whatever the request says. None means no cap. May be changed while running.
    port : int, default 0
        Port to listen on. With 0, the system chooses a free port.
    database : str or Path, optional
        SQLite file for the data. If it already has customers, they are served and none are generated. With None, the
        data are in a private temporary database.
    faults : iterable of Fault, optional
        The faults to inject, see :mod:`wizframe.server.faults`; by default none. Call ``server.faults.add()`` to add
        more while the server runs. ``server.faults.fired`` lists those that happened.
    deviations : iterable of str, optional
        Names of deviations from the documents, see :mod:`wizframe.server.deviations`; by default none.

    Raises
    ------
    ValueError
        The dialect or a deviation is unknown.

    Examples
    --------
    >>> with SandboxServer(customers=3) as server:
    ...     len(server.records("customers"))
    3
    """

    def __init__(  # noqa: PLR0913 - options with defaults, all by name
        self,
        *,
        customers: int = 500,
        dialect: Literal["rest", "sdk"] = "rest",
        seed: int = 20260,
        latency_s: float = 0.0,
        rate_limit: float | None = None,
        page_size_cap: int | None = None,
        port: int = 0,
        database: str | Path | None = None,
        faults: Iterable[Fault] = (),
        deviations: Iterable[str] = (),
    ) -> None:
        self.deviations = tuple(switch.name for switch in chosen(deviations))
        self.customers = customers
        self.dialect = dialect
        self.seed = seed
        self.latency_s = latency_s
        self.rate_limit = rate_limit
        self.page_size_cap = page_size_cap
        self.port = port
        self.database = None if database is None else Path(database)
        self.api_key = SANDBOX_API_KEY
        self.requests = RequestLog()
        self.faults = Faults(faults)
        self._store: Store | None = None
        self._listener: SandboxListener | None = None
        self._spelling = Spelling(dialect)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.base_url if self._listener else "stopped"
        return f"<SandboxServer {state} dialect={self.dialect}>"

    @property
    def base_url(self) -> str:
        """The base URL for a client, ending in ``/v1``."""
        if self._listener is None:
            raise RuntimeError(_NOT_RUNNING)
        return f"http://127.0.0.1:{self._listener.server_port}/v1"

    def start(self) -> Self:
        """Generate the data, open the port, and serve in background threads.

        Returns
        -------
        SandboxServer
            The server itself, ready for requests. Starting a running server does nothing.

        Raises
        ------
        OSError
            The port is already in use.
        """
        if self._listener is None:
            store = Store(self.database)
            try:
                if not store.count("customers"):
                    seed_store(store, self.customers, self.seed)
                deviations = tuple(switch.make() for switch in chosen(self.deviations))
                service = FaultyService(store, self._spelling, lambda: self.page_size_cap, deviations)
                limit = RateLimit(lambda: self.rate_limit)
                self._listener = SandboxListener(
                    self.port, service, self.requests, limit, self.faults, latency_s=lambda: self.latency_s
                )
            except BaseException:
                store.close()
                raise
            self._store = store
            self._listener.start()
        return self

    def stop(self) -> None:
        """Close the port, all connections and the database. Stopping a stopped server does nothing."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def records(self, table: Literal["customers", "contacts"]) -> list[dict[str, Any]]:
        """Return the stored records, with the fields that the API does not show.

        Parameters
        ----------
        table : {"customers", "contacts"}
            The table of the records.

        Returns
        -------
        list of dict
            All records in the order of insertion, active and inactive, with every column in snake_case. A customer
            has ``company_name`` (``name`` in the API), a contact has its ``customer_id``.

        Raises
        ------
        KeyError
            The table does not exist.
        """
        return self._running_store().records(table)

    def set_status(
        self,
        table: Literal["customers", "contacts"],
        record_id: str,
        status: Literal["active", "inactive"],
    ) -> None:
        """Change the status of a record, which no documented request can do.

        Parameters
        ----------
        table : {"customers", "contacts"}
            The table of the record.
        record_id : str
            The record's id.
        status : {"active", "inactive"}
            The new status.

        Raises
        ------
        KeyError
            The record does not exist.
        """
        self.overwrite(table, record_id, status=status)

    def overwrite(self, table: Literal["customers", "contacts"], record_id: str, **columns: Any) -> None:
        """Store values without any check, as another user or an old import may do.

        Parameters
        ----------
        table : {"customers", "contacts"}
            The table of the record.
        record_id : str
            The record's id.
        **columns
            New values by column, named as in `records`. ``updated_at`` is set to the current time unless you pass it.

        Raises
        ------
        KeyError
            The table, the record or a column does not exist.
        """
        self._running_store().overwrite(table, record_id, columns)

    def _running_store(self) -> Store:
        if self._store is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._store
