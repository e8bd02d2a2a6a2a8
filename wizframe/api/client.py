"""The ten operations of the vendor's SDK documents, on plain records.

Everything is checked before it is sent: parameters, ids, field names, types and limits. Names are the vendor
SDK's own, arguments in snake_case. Nothing here knows frames; the three loading and planning methods hand over to
the module functions of the same name.
"""

from __future__ import annotations

import html
import threading
import uuid
import weakref
from typing import TYPE_CHECKING, Any, Literal, Self

from wizframe.account import Account
from wizframe.api.dialects import detect
from wizframe.api.operations import ContactOperations, CustomerOperations
from wizframe.errors import ConfigurationError
from wizframe.http.transport import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from wizframe.fields import Dialect
    from wizframe.http.transport import Transport

__all__ = ["Client", "ContactOperations", "CustomerOperations", "open_client"]

PRODUCTION_HOST = "api.wizcommerce.com"
STAGING_HOST = "api-staging.sourcerer.tech"
#: White on red, in a light notebook and in a dark one.
_BADGES = {"PRODUCTION": "background: #b3261e; color: #fff; padding: 0 .5em; border-radius: .25em"}


class Client:
    """An open connection to one account. Made by :func:`wizframe.connect` or :func:`wizframe.sandbox`.

    Parameters
    ----------
    transport : Transport
    account : str
        The account's name, where known.
    dialect : {'auto', 'rest', 'sdk'}
        ``auto`` asks the service with the first request that needs it.
    workers : int
        Requests at a time in loads and pushes.
    settle_s : float
        Seconds after which a request whose answer was lost is taken to have had its effect.
    on_close : callable, optional
        Called once by :meth:`close`.

    Raises
    ------
    ConfigurationError
        There is no such dialect.

    Attributes
    ----------
    customer : CustomerOperations
        ``list``, ``get``, ``create``, ``update``, ``delete``, and ``contact`` with the same five.
    connection : str
        Tells this connection from others to the same address.
    key_source : str
        Where the API key came from, in words; empty for a sandbox.
    server : SandboxServer or None
        The server behind :func:`wizframe.sandbox`.

    Examples
    --------
    >>> wiz.customer.list(page_size=1, status="inactive")[0]["status"]
    'inactive'
    """

    def __init__(
        self,
        transport: Transport,
        *,
        account: str = "",
        dialect: Dialect | Literal["auto"] = "auto",
        workers: int = 4,
        settle_s: float = 5.0,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.transport = transport
        self.account = Account(transport.base_url, account)
        self.workers = workers
        self.settle_s = settle_s
        self.connection = uuid.uuid4().hex
        self.key_source = ""
        self.server: Any = None
        self.customer = CustomerOperations(self)
        self._dialect: Dialect | None = None if dialect == "auto" else dialect
        self._query_dialect: Dialect | None = None
        self._on_close = on_close
        self._lock = threading.RLock()
        if dialect not in ("auto", "rest", "sdk"):
            raise ConfigurationError(f"dialect={dialect!r}: allowed are 'auto', 'rest', 'sdk'")
        _open_clients.add(self)

    @property
    def base_url(self) -> str:
        """The service's address."""
        return self.account.base_url

    @property
    def environment(self) -> str:
        """``PRODUCTION``, ``staging``, ``local`` (this machine) or ``other``."""
        host = self.base_url.split("://", 1)[1].split("/", 1)[0].lower()
        if host.split(":")[0] in (PRODUCTION_HOST, STAGING_HOST):
            return "PRODUCTION" if PRODUCTION_HOST in host else "staging"
        return "local" if is_loopback(self.base_url) else "other"

    @property
    def dialect(self) -> Dialect:
        """``rest`` or ``sdk``; the first use may send one list request."""
        with self._lock:
            if self._dialect is None:
                answer = self.transport.request("GET", ["customers"], query={"page": "1", "page_size": "1"})
                self._dialect = detect(answer.json())
            return self._dialect

    @property
    def query_dialect(self) -> Dialect:
        """The spelling of list parameters: the dialect's, unless the service turned out to ignore it."""
        return self._query_dialect or self.dialect

    def respell_queries(self) -> None:
        """Spell list parameters other than records from now on.

        Threads that find out at the same time may all say so: saying it twice does not take it back.
        """
        self._query_dialect = "sdk" if self.dialect == "rest" else "rest"

    def __repr__(self) -> str:
        dialect = f", {self._dialect} dialect" if self._dialect else ""  # not asked for just to show it
        limits = ", read-only" if self.transport.read_only else ""
        return f"<wizframe client of {self.account}, {self.environment}{dialect}{limits}>"

    def _repr_html_(self) -> str:
        words = [str(self.account), f"{self._dialect} dialect" if self._dialect else ""]
        words += ["read-only: nothing can be written"] if self.transport.read_only else []
        said = " · ".join(html.escape(word) for word in words if word)
        return f'<div><b style="{_BADGES.get(self.environment, "")}">{self.environment}</b> {said}</div>'

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def guarded(self, check: Callable[[], None]) -> Client:
        """Give a view of this connection that asks before each request, so that long work can be stopped.

        Parameters
        ----------
        check : callable
            Called without arguments, from any thread; what it raises ends the work.

        Returns
        -------
        Client
            The same account and connection; it need not be closed.
        """
        view = object.__new__(Client)  # not among the open ones: it is none of its own
        view.__dict__ |= self.__dict__ | {"transport": self.transport.guarded(check), "_on_close": None}
        view.customer = CustomerOperations(view)
        return view

    def aside(self) -> Client:
        """Take this connection out of those that are meant where none is named.

        Returns
        -------
        Client
            Itself.
        """
        _open_clients.discard(self)
        return self

    def close(self) -> None:
        """Close the connections; a sandbox stops."""
        _open_clients.discard(self)
        self.transport.close()
        on_close, self._on_close = self._on_close, None
        if on_close:
            on_close()

    def load_customers(self, **options: Any) -> Any:
        """Load customers of this account; see :func:`wizframe.load_customers`."""
        from wizframe.loading.loaders import load_customers  # noqa: PLC0415 - a convenience that points up the layers

        return load_customers(client=self, **options)

    def iter_customers(self, **options: Any) -> Any:
        """Load customers of this account in chunks; see :func:`wizframe.iter_customers`."""
        from wizframe.loading.stream import iter_customers  # noqa: PLC0415 - a convenience that points up the layers

        return iter_customers(client=self, **options)

    def iter_contacts(self, customers: Any, **options: Any) -> Any:
        """Load contacts of customers of this account in chunks; see :func:`wizframe.iter_contacts`."""
        from wizframe.loading.stream import iter_contacts  # noqa: PLC0415 - a convenience that points up the layers

        return iter_contacts(customers, client=self, **options)

    def load_contacts(self, customers: Any, **options: Any) -> Any:
        """Load contacts of customers of this account; see :func:`wizframe.load_contacts`."""
        from wizframe.loading.loaders import load_contacts  # noqa: PLC0415 - a convenience that points up the layers

        return load_contacts(customers, client=self, **options)

    def plan(self, frame: Any, **options: Any) -> Any:
        """Plan a frame's edits against this account; see :func:`wizframe.plan`."""
        from wizframe.pushing.api import plan  # noqa: PLC0415 - a convenience that points up the layers

        return plan(frame, client=self, **options)


_open_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def open_client(client: Client | None = None, *, account: Account | None = None) -> Client:
    """Tell which client is meant.

    Parameters
    ----------
    client : Client, optional
        Taken as it is.
    account : Account, optional
        Where several are open, the one of this account is meant.

    Returns
    -------
    Client
        The one given, or the only one that is open.

    Raises
    ------
    ConfigurationError
        None is open, or several are.
    """
    if isinstance(client, Client):
        return client
    if client is not None:
        raise ConfigurationError(f"client= takes what connect() or sandbox() returned, not {type(client).__name__}")
    clients = list(_open_clients)
    if not clients:
        raise ConfigurationError(
            "no connection is open: call wizframe.connect(), or wizframe.sandbox() to try things without an account"
        )
    if len(clients) > 1:
        clients = [candidate for candidate in clients if candidate.account == account] or clients
    if len(clients) > 1:
        which = "; ".join(sorted(map(repr, clients)))
        raise ConfigurationError(f"{len(clients)} connections are open, say which one with client=: {which}")
    return clients[0]
