"""The ten operations of the vendor's SDK documents, on plain records.

Everything is checked before it is sent: parameters, ids, field names, types and limits. The methods have the names of
the vendor's SDK, with arguments in snake_case. This module does not know frames: the public ``wizframe.Client``, in the
connections stage, adds loading and planning.
"""

from __future__ import annotations

import html
import threading
import uuid
import weakref
from typing import TYPE_CHECKING, Any, Literal, Self

from wizframe.account import Account
from wizframe.api.dialects import detect
from wizframe.api.operations import CustomerOperations
from wizframe.api.traits import Traits
from wizframe.errors import ConfigurationError
from wizframe.http.transport import is_loopback
from wizframe.processes import renew_in_child

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from wizframe.api.operations import Operations
    from wizframe.fields import Dialect, Table
    from wizframe.http.transport import Transport

__all__ = ["BaseClient", "open_client"]

# The hosts of the base URLs in [R]. They decide which environment a client shows.
PRODUCTION_HOST = "api.wizcommerce.com"
STAGING_HOST = "api-staging.sourcerer.tech"
#: White on red, in a light notebook and in a dark one.
_BADGES = {"PRODUCTION": "background: #b3261e; color: #fff; padding: 0 .5em; border-radius: .25em"}


class BaseClient:
    """An open connection to one account: the operations on its records. The public ``Client`` says more."""

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
        self.is_closed = False
        self.customer = CustomerOperations(self)
        self._dialect: Dialect | None = None if dialect == "auto" else dialect
        self.traits = Traits()
        self._on_close = on_close
        self._lock = threading.RLock()
        if dialect not in ("auto", "rest", "sdk"):
            raise ConfigurationError(f"dialect={dialect!r} is not valid: use 'auto', 'rest' or 'sdk'")
        _open_clients.add(self)
        renew_in_child(self)

    def renew(self) -> None:
        """Take a new lock in a forked process, because a thread of the parent may hold the old one."""
        self._lock = threading.RLock()
        self._on_close = None

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

    def operations(self, table: Table) -> Operations:
        """Return the operations on a table's records."""
        every: tuple[Operations, ...] = (self.customer, self.customer.contact)
        return next(one for one in every if one.table is table)

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
        return self.traits.query_dialect or self.dialect

    def respell_queries(self) -> None:
        """Switch the spelling of list parameters to the other dialect's.

        Several threads may find out at the same time and call this: a second call does not switch back.
        """
        self.traits.query_dialect = "sdk" if self.dialect == "rest" else "rest"

    def __repr__(self) -> str:
        dialect = f", {self._dialect} dialect" if self._dialect else ""  # not detected just to show it
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

    def guarded(self, check: Callable[[], None]) -> Self:
        """Return a view of this connection that calls ``check`` before each request; its error stops the work."""
        view = object.__new__(type(self))  # not registered as open, because it shares this connection
        view.__dict__ |= self.__dict__ | {"transport": self.transport.guarded(check), "_on_close": None}
        view.customer = CustomerOperations(view)
        return view

    def aside(self) -> Self:
        """Exclude this connection from those that functions use by default."""
        _open_clients.discard(self)
        return self

    def close(self) -> None:
        """Close the connections. A sandbox also stops its server."""
        self.is_closed = True
        _open_clients.discard(self)
        self.transport.close()
        on_close, self._on_close = self._on_close, None
        if on_close:
            on_close()


_open_clients: weakref.WeakSet[BaseClient] = weakref.WeakSet()


def open_client(client: BaseClient | None = None, *, account: Account | None = None) -> BaseClient:
    """Return the given client, or else the only open one; with ``account``, the only open one of this account."""
    if isinstance(client, BaseClient):
        return client
    if client is not None:
        raise ConfigurationError(f"client= must be a client of connect() or sandbox(), not {type(client).__name__}")
    clients = list(_open_clients)
    if not clients:
        raise ConfigurationError(
            "no connection is open: call wizframe.connect(), or wizframe.sandbox() to try wizframe without an account"
        )
    if len(clients) > 1:
        clients = [candidate for candidate in clients if candidate.account == account] or clients
    if len(clients) > 1:
        which = "; ".join(sorted(map(repr, clients)))
        raise ConfigurationError(f"{len(clients)} connections are open, so choose one with client=: {which}")
    return clients[0]
