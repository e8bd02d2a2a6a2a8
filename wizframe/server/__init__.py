"""An embedded server that speaks the documented WizCommerce API over real HTTP on loopback.

It answers from generated data in SQLite, so that everything can be tried, taught and tested without an account.
It is a second, independent reading of the vendor's documents: it must import nothing of ours outside this package.

What the documents leave open is decided in the docstrings of the modules that decide it: ``customers`` and
``contacts`` (the operations), ``parameters`` (lists), ``rules`` (what is refused), ``spelling`` (both dialects).
What can be made to go wrong stands in ``faults``; nothing does unless it is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wizframe.server.account import Account
from wizframe.server.faults import Fault, Faults, FiredFault, gzip_bomb
from wizframe.server.faults.faulty_service import FaultyService
from wizframe.server.faults.proxy import FaultProxy
from wizframe.server.handler import SandboxListener
from wizframe.server.seeding import seed_store
from wizframe.server.service import SANDBOX_API_KEY
from wizframe.server.spelling import Spelling
from wizframe.server.store import Store
from wizframe.server.traffic import RateLimit, RequestLog, RequestRecord

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

__all__ = [
    "SANDBOX_API_KEY",
    "Fault",
    "FaultProxy",
    "Faults",
    "FiredFault",
    "RequestLog",
    "RequestRecord",
    "SandboxServer",
    "gzip_bomb",
]


class SandboxServer:
    """Serve customers and contacts on ``127.0.0.1`` until stopped.

    Parameters
    ----------
    customers : int, default 500
        How many customers to generate; 0 gives an empty account. Each has 1 to 5 contacts.
    dialect : {"rest", "sdk"}, default "rest"
        Which of the two documented spellings and envelopes the server speaks.
    seed : int, default 20260
        The same seed gives the same data.
    latency_s : float, default 0.0
        Seconds from the arrival of a request to its answer, at the least. May be changed while running.
    rate_limit : float, optional
        Requests per second above which 429 is answered; None is unlimited. May be changed while running.
    page_size_cap : int, optional
        A page never holds more records than this, whatever was asked for. May be changed while running.
    port : int, default 0
        The port to listen on; 0 lets the system choose.
    database : str or Path, optional
        SQLite file to keep the data in; one that already holds customers is served as it is.
        None keeps them in a private temporary database.
    faults : iterable of Fault, optional
        What is to go wrong, see :mod:`wizframe.server.faults`; by default nothing. More can be added to
        ``server.faults`` while running, and ``server.faults.fired`` tells which of them happened.

    Examples
    --------
    >>> with SandboxServer(customers=3) as server:
    ...     len(server.records("customers"))
    3
    """

    def __init__(
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
    ) -> None:
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
        """The address that a client is given, ending in ``/v1``."""
        if self._listener is None:
            raise RuntimeError("the sandbox server is not running: call start() or use it in a with statement")
        return f"http://127.0.0.1:{self._listener.server_port}/v1"

    def start(self) -> Self:
        """Generate the data, bind the port and serve in background threads.

        Returns
        -------
        SandboxServer
            The server itself, ready to answer; starting a running one does nothing.
        """
        if self._listener is None:
            store = Store(self.database)
            try:
                if not store.count("customers"):
                    seed_store(store, self.customers, self.seed)
                service = FaultyService(Account(store, self._spelling, lambda: self.page_size_cap))
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
        """Close the port, every connection and the database; stopping a stopped one does nothing."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def records(self, table: Literal["customers", "contacts"]) -> list[dict[str, Any]]:
        """Read the stored truth, whatever the API would show of it.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Which records.

        Returns
        -------
        list of dict
            Every record in the order of insertion, both statuses, every column in snake_case. A customer has
            ``company_name`` (read as ``name`` in the API); a contact has its ``customer_id``.
        """
        return self._running().records(table)

    def set_status(
        self,
        table: Literal["customers", "contacts"],
        record_id: str,
        status: Literal["active", "inactive"],
    ) -> None:
        """Change a record's status, which no documented request can do.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Where the record is.
        record_id : str
            Its id.
        status : {"active", "inactive"}
            The new status.

        Raises
        ------
        KeyError
            If there is no such record.
        """
        self.overwrite(table, record_id, status=status)

    def overwrite(self, table: Literal["customers", "contacts"], record_id: str, **columns: Any) -> None:
        """Store values as they are, past every rule, as somebody in the web UI or an old import would.

        Parameters
        ----------
        table : {"customers", "contacts"}
            Where the record is.
        record_id : str
            Its id.
        **columns
            New values by column name, as in `records`. ``updated_at`` moves unless it is given.

        Raises
        ------
        KeyError
            If there is no such record or no such column.
        """
        self._running().overwrite(table, record_id, columns)

    def _running(self) -> Store:
        if self._store is None:
            raise RuntimeError("the sandbox server is not running: call start() or use it in a with statement")
        return self._store
