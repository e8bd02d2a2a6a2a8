"""``df.wiz``: wizframe's functions as methods of a frame.

``import wizframe`` registers the name ``wiz`` with pandas. This module is imported when ``df.wiz`` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from wizframe.api.client import open_client
from wizframe.excel.api import to_csv, to_excel
from wizframe.frames.baselines import attached
from wizframe.frames.build import unfold_addresses
from wizframe.frames.problems import problems_frame
from wizframe.loading.failures import UNREAD_COLUMNS
from wizframe.loading.loaders import load_contacts
from wizframe.notebook.overview import overview
from wizframe.notebook.pickers.pickers import FrameBrowser
from wizframe.planning.typed_frame import validate
from wizframe.pushing.api import delete, plan, push
from wizframe.refreshing.merge import collisions_of
from wizframe.refreshing.refresh import refresh

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pandas as pd

    from wizframe.api.validation import Moment
    from wizframe.connections.client import Client
    from wizframe.loading.frame import Invalid
    from wizframe.loading.loaders import Status
    from wizframe.notebook.overview import Overview
    from wizframe.progress import Watch
    from wizframe.pushing.plan import Plan, Result
    from wizframe.pushing.sender import OnConflict

__all__ = ["WizAccessor"]


class WizAccessor:
    """Customers and contacts in a DataFrame: plan, push, delete, refresh, to_excel, contacts, addresses and more.

    Parameters
    ----------
    frame : DataFrame

    Examples
    --------
    >>> customers = wizframe.load_customers(progress=False)
    >>> customers.loc[0, "payment_term"] = "net45"
    >>> len(customers.wiz.plan())
    1
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def plan(
        self,
        *,
        contacts: pd.DataFrame | None = None,
        client: Client | None = None,
        table: Literal["customers", "contacts"] | None = None,
        match: Literal["id", "reference_id"] = "id",
        new: Literal["report", "create"] = "report",
        only: Collection[str] | None = None,
        clear: Collection[str] = (),
        baseline: Literal["loaded", "service"] = "loaded",
        duplicates: Literal["report", "create"] = "report",
    ) -> Plan:
        """Plan the frame's edits, cell by cell; see :func:`wizframe.plan`.

        Parameters
        ----------
        contacts, client, table, match, new, only, clear, baseline, duplicates
            As for :func:`wizframe.plan`.

        Returns
        -------
        Plan
            Nothing is sent until you call its method ``apply()``.
        """
        return plan(
            self._frame,
            contacts=contacts,
            client=client,
            table=table,
            match=match,
            new=new,
            only=only,
            clear=clear,
            baseline=baseline,
            duplicates=duplicates,
        )

    def push(
        self,
        *,
        yes: bool = False,
        client: Client | None = None,
        expect: str | None = None,
        max_changes: int | None = None,
        max_deletes: int | None = None,
        on_conflict: OnConflict = "skip",
        invalid: Literal["raise", "skip"] = "raise",
        note: str = "",
        show: Callable[[Plan], None] | None = None,
        **options: Any,
    ) -> Result:
        """Plan the frame, show the plan, ask for a confirmation and apply it; see :func:`wizframe.push`.

        Parameters
        ----------
        yes, client, expect, max_changes, max_deletes, on_conflict, invalid, note, show
            As for :func:`wizframe.push`.
        **options
            As for :meth:`plan`.

        Returns
        -------
        Result
            One row per change.
        """
        return push(
            self._frame,
            yes=yes,
            client=client,
            expect=expect,
            max_changes=max_changes,
            max_deletes=max_deletes,
            on_conflict=on_conflict,
            invalid=invalid,
            note=note,
            show=show,
            **options,
        )

    def delete(self, *, client: Client | None = None, table: Literal["customers", "contacts"] | None = None) -> Plan:
        """Plan to delete the records of all rows; see :func:`wizframe.delete`.

        Parameters
        ----------
        client, table
            As for :func:`wizframe.delete`.

        Returns
        -------
        Plan
            To send it, call its method ``apply(max_deletes=…)``.
        """
        return delete(self._frame, client=client, table=table)

    def contacts(  # noqa: PLR0913 - the parameters of load_contacts
        self,
        *,
        client: Client | None = None,
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
        """Load the contacts of the frame's customers; see :func:`wizframe.load_contacts`.

        Parameters
        ----------
        client : Client, optional
            By default the open connection of the account that the frame was loaded from.
        status, created_after, created_before, updated_after, updated_before, sort_by, sort
            As for :func:`wizframe.load_contacts`.
        workers, invalid, dtype_backend, progress
            As for :func:`wizframe.load_contacts`.

        Returns
        -------
        DataFrame
            One row per contact, with ``customer_id``.
        """
        own = attached(self._frame)
        return load_contacts(
            self._frame,
            client=open_client(client, account=own.account if own else None),
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

    def refresh(
        self, *, deletions: bool = False, client: Client | None = None, progress: bool | Watch = True
    ) -> pd.DataFrame:
        """Fetch what changed in WizCommerce, and keep the frame's edits; see :func:`wizframe.refresh`.

        Parameters
        ----------
        deletions, client, progress
            As for :func:`wizframe.refresh`.

        Returns
        -------
        DataFrame
            The updated frame, with a new baseline. The frame on which you call this method is not changed.
        """
        return refresh(self._frame, deletions=deletions, client=client, progress=progress)

    def to_excel(
        self,
        path: str | os.PathLike[str],
        *,
        contacts: pd.DataFrame | None = None,
        table: Literal["customers", "contacts"] | None = None,
        labels: Mapping[str, str] | None = None,
        zone: str = "UTC",
        protect: bool = False,
        progress: bool = True,
    ) -> None:
        """Write a workbook for a colleague to edit; see :func:`wizframe.to_excel` and :func:`wizframe.read_excel`.

        Parameters
        ----------
        path, contacts, table, labels, zone, protect, progress
            As for :func:`wizframe.to_excel`.
        """
        to_excel(
            self._frame,
            path,
            contacts=contacts,
            table=table,
            labels=labels,
            zone=zone,
            protect=protect,
            progress=progress,
        )

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        table: Literal["customers", "contacts"] | None = None,
        labels: Mapping[str, str] | None = None,
        delimiter: str = ",",
        progress: bool = True,
    ) -> None:
        """Write a CSV file that spreadsheets read exactly; see :func:`wizframe.to_csv` and :func:`wizframe.read_csv`.

        Parameters
        ----------
        path, table, labels, delimiter, progress
            As for :func:`wizframe.to_csv`.
        """
        to_csv(self._frame, path, table=table, labels=labels, delimiter=delimiter, progress=progress)

    def addresses(self) -> pd.DataFrame:
        """Make a frame of the addresses of customers that were loaded with ``details=True``.

        Returns
        -------
        DataFrame
            One row per address, with ``customer_id``; columns and dtypes as in ``fields.ADDRESS``.

        Raises
        ------
        PlanError
            The frame has no addresses.
        """
        return unfold_addresses(self._frame)

    def edit(
        self,
        *,
        client: Client | None = None,
        table: Literal["customers", "contacts"] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Any:
        """Edit a copy of the frame in a grid in a notebook. Nothing is sent before you confirm the review.

        Parameters
        ----------
        client, table
            As for :func:`wizframe.plan`.
        columns : list of str, optional
            The columns to show; by default all.

        Returns
        -------
        wizframe.notebook.editor.editor.Editor
            Its attribute ``frame`` is the edited copy. The methods ``plan()`` and ``review()`` plan and send the edits.

        Raises
        ------
        MissingExtraError
            anywidget is not installed.
        """
        from wizframe.notebook.editor.editor import Editor  # noqa: PLC0415 - imports ipywidgets

        return Editor(self._frame, client=client, table=table, columns=columns)

    def browse(self) -> FrameBrowser:
        """Browse the frame in a notebook: turn pages, sort by a click on a column, search, and tick rows. Read-only.

        Returns
        -------
        FrameBrowser
            Its attribute ``selected`` has the ticked rows.

        Examples
        --------
        >>> wizframe.load_customers().wiz.browse()
        <wizframe.FrameBrowser: 40 customers, 0 ticked>
        """
        own = attached(self._frame)
        return FrameBrowser(self._frame, own.table.name if own else "rows")

    def overview(self, *, theme: Literal["light", "dark"] = "light") -> Overview:
        """Count the rows by status, payment term, month and sales rep, and count the missing and invalid cells.

        Parameters
        ----------
        theme : {'light', 'dark'}, default 'light'
            The colours of the figure.

        Returns
        -------
        Overview
            Shown as a figure in a notebook (this needs matplotlib, the extra ``plot``), and as text elsewhere.
            ``figure`` is the figure, and ``save(path)`` writes it to a file.

        Examples
        --------
        >>> overview = wizframe.load_customers().wiz.overview()
        >>> overview.title, overview.kinds.index[0]
        ('40 customers', 'net30')
        """
        return overview(self._frame, theme=theme)

    def validate(self) -> pd.DataFrame:
        """Check the frame as it is now, edits included, against the schema.

        Returns
        -------
        DataFrame
            One row per problem: row (label), column, value, rule. Empty if there are no problems.
        """
        return validate(self._frame)

    @property
    def problems(self) -> pd.DataFrame:
        """The problems that validation found when the frame was loaded.

        Returns
        -------
        DataFrame
            One row per problem: row (number in the loaded frame; None if it is about the whole column), column, value,
            rule.
        """
        own = attached(self._frame)
        return self.validate() if own is None else own.problems.copy()

    @property
    def collisions(self) -> pd.DataFrame:
        """Edited cells that another user changed, too, as :meth:`refresh` found them.

        Returns
        -------
        DataFrame
            Columns table, index, id, column, when_loaded, yours, now, what_happened. The last one is ``changed`` for a
            changed cell, or ``deleted`` or ``left the load's filters`` for a whole record. Empty if there are none.
        """
        return collisions_of(attached(self._frame))

    @property
    def unread(self) -> pd.DataFrame:
        """Customers that are not in the frame because their contacts or details could not be read.

        Returns
        -------
        DataFrame
            Columns customer_id, what (``contacts`` or ``details``), code (the service's), what_happened. Empty if all
            are read. To try again: ``wizframe.load_contacts(frame.wiz.unread["customer_id"])``.
        """
        own = attached(self._frame)
        known = own.unread if own is not None else None
        return problems_frame((), UNREAD_COLUMNS) if known is None else known.copy()
