"""The public client: the operations on records, and loading and planning on the same connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from wizframe.api.client import BaseClient
from wizframe.arguments import checked
from wizframe.fields import MAX_PAGE_SIZE
from wizframe.loading.loaders import load_contacts, load_customers
from wizframe.loading.stream import CHUNK_ROWS, iter_contacts, iter_customers

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable

    import pandas as pd

    from wizframe.api.validation import Moment
    from wizframe.loading.frame import Invalid
    from wizframe.progress import Watch
    from wizframe.pushing.plan import Plan

__all__ = ["Client"]


class Client(BaseClient):
    """An open connection to one account. :func:`wizframe.connect` or :func:`wizframe.sandbox` creates it.

    Parameters
    ----------
    transport : Transport
    account : str
        The account's name, if known.
    dialect : {'auto', 'rest', 'sdk'}
        With ``auto``, the dialect is detected with the first request that needs it.
    workers : int
        Number of simultaneous requests in loads and pushes.
    settle_s : float
        After a write without a response, wizframe waits this many seconds before it reads whether the write took
        effect.
    on_close : callable, optional
        Called once by :meth:`close`.

    Raises
    ------
    ConfigurationError
        The dialect is unknown.

    Attributes
    ----------
    customer : CustomerOperations
        ``list``, ``get``, ``create``, ``update``, ``delete``, and ``contact`` with the same five.
    connection : str
        An id that distinguishes this connection from others to the same address.
    key_source : str
        The origin of the API key, in words; empty for a sandbox.
    server : SandboxServer or None
        The server behind :func:`wizframe.sandbox`.

    Examples
    --------
    >>> wiz.customer.list(page_size=1, status="inactive")[0]["status"]
    'inactive'
    """

    # The signatures below are those of the module functions without `client=`, because editors complete them. A test
    # compares them.

    @checked()
    def load_customers(  # noqa: PLR0913 - one parameter per filter of the contract
        self,
        *,
        status: Literal["active", "inactive"] | None = None,
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
        """Load customers of this account; see :func:`wizframe.load_customers`."""
        return load_customers(
            client=self,
            status=status,
            reference_ids=reference_ids,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            sort_by=sort_by,
            sort=sort,
            limit=limit,
            details=details,
            page_size=page_size,
            workers=workers,
            invalid=invalid,
            dtype_backend=dtype_backend,
            progress=progress,
        )

    @checked()
    def load_contacts(  # noqa: PLR0913 - the same
        self,
        customers: str | Iterable[str] | pd.DataFrame | pd.Series[Any],
        *,
        status: Literal["active", "inactive"] | None = None,
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
        """Load contacts of customers of this account; see :func:`wizframe.load_contacts`."""
        return load_contacts(
            customers,
            client=self,
            status=status,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            sort_by=sort_by,
            sort=sort,
            workers=workers,
            invalid=invalid,
            dtype_backend=dtype_backend,
            progress=progress,
        )

    @checked()
    def iter_customers(  # noqa: PLR0913 - the same
        self,
        *,
        chunksize: int = CHUNK_ROWS,
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
    ) -> Generator[pd.DataFrame, None, None]:
        """Load customers of this account in chunks; see :func:`wizframe.iter_customers`."""
        return iter_customers(
            client=self,
            chunksize=chunksize,
            status=status,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            details=details,
            page_size=page_size,
            workers=workers,
            invalid=invalid,
            dtype_backend=dtype_backend,
            progress=progress,
        )

    @checked()
    def iter_contacts(  # noqa: PLR0913 - the same
        self,
        customers: str | Iterable[Any] | pd.DataFrame | pd.Series[Any],
        *,
        chunksize: int = CHUNK_ROWS,
        status: Literal["active", "inactive"] | None = None,
        created_after: Moment | None = None,
        created_before: Moment | None = None,
        updated_after: Moment | None = None,
        updated_before: Moment | None = None,
        workers: int | None = None,
        invalid: Invalid = "warn",
        dtype_backend: Literal["pyarrow"] | None = None,
        progress: bool | Watch = True,
    ) -> Generator[pd.DataFrame, None, None]:
        """Load contacts of customers of this account in chunks; see :func:`wizframe.iter_contacts`."""
        return iter_contacts(
            customers,
            client=self,
            chunksize=chunksize,
            status=status,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            workers=workers,
            invalid=invalid,
            dtype_backend=dtype_backend,
            progress=progress,
        )

    @checked()
    def plan(
        self,
        frame: pd.DataFrame,
        *,
        contacts: pd.DataFrame | None = None,
        table: Literal["customers", "contacts"] | None = None,
        match: Literal["id", "reference_id"] = "id",
        new: Literal["report", "create"] = "report",
        only: Collection[str] | None = None,
        clear: Collection[str] = (),
        baseline: Literal["loaded", "service"] = "loaded",
        duplicates: Literal["report", "create"] = "report",
    ) -> Plan:
        """Plan a frame's edits against this account; see :func:`wizframe.plan`."""
        from wizframe.pushing.api import plan  # noqa: PLC0415 - to connect and load, nothing of a push is needed

        return plan(
            frame,
            contacts=contacts,
            client=self,
            table=table,
            match=match,
            new=new,
            only=only,
            clear=clear,
            baseline=baseline,
            duplicates=duplicates,
        )
