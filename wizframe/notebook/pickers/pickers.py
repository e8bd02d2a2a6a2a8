"""Pickers for customers and contacts: filters as widgets, a frame, and the code for the same load.

They run in JupyterLab and everywhere else where ipywidgets run. They load in a thread, with
:func:`wizframe.load_customers` and :func:`wizframe.load_contacts`. The first picker imports ipywidgets.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from wizframe.arguments import FRAME, IDS, RECORD, TEXT, checked, or_none
from wizframe.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from wizframe.connections.client import Client
    from wizframe.notebook.pickers.panels import ContactPanel, CustomerPanel, TablePanel

__all__ = ["ContactPicker", "CustomerPicker", "FrameBrowser"]


class _View:
    """A table that shows itself as widgets; where there are no widgets, as text."""

    _panel: CustomerPanel | ContactPanel | TablePanel

    @property
    def frame(self) -> pd.DataFrame:
        """The loaded frame.

        Returns
        -------
        DataFrame
            As :func:`wizframe.load_customers` or :func:`wizframe.load_contacts` returned it. You can edit and plan it.

        Raises
        ------
        InvalidRequestError
            Nothing is loaded yet.
        """
        if self._panel.frame is None:
            raise InvalidRequestError("nothing is loaded yet", hint="Press the button or call load().")
        return self._panel.frame

    @property
    def selected(self) -> pd.DataFrame:
        """The ticked rows of :attr:`frame`.

        Returns
        -------
        DataFrame
            With the baseline of the load, so that edits can be planned.
        """
        return self.frame.iloc[self._panel.table.ticked]

    def __repr__(self) -> str:
        return f"<wizframe.{type(self).__name__}: {self._state()}>"

    def _state(self) -> str:
        if self._panel.frame is None:
            return "nothing loaded yet"
        return f"{len(self._panel.frame):,} {self._panel.noun}, {len(self._panel.table.ticked):,} ticked"

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self))}</div>"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        shown: dict[str, Any] = self._panel.root._repr_mimebundle_(**options)
        return shown | {"text/plain": repr(self), "text/html": self._repr_html_()}


class _Picker(_View):
    """A table with filters and a load."""

    _panel: CustomerPanel | ContactPanel

    @property
    def value(self) -> dict[str, Any]:
        """The arguments of the load that differ from its defaults.

        Returns
        -------
        dict
            Strings, numbers and lists, so the value can be stored as JSON. To make the same choice again, assign it to
            this attribute or pass it to another picker.
        """
        return self._panel.value

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        self._panel.value = value

    @property
    def code(self) -> str:
        """The code for the same load without a picker."""
        return self._panel.code

    def load(self) -> pd.DataFrame:
        """Load as the button does, and wait until the load has finished.

        Returns
        -------
        DataFrame
            The new :attr:`frame`.

        Raises
        ------
        InvalidRequestError
            The load was cancelled, and no earlier load succeeded.
        WizframeError
            As for :func:`wizframe.load_customers` and :func:`wizframe.load_contacts`.
        """
        self._panel.loading.start()
        self._panel.loading.wait()
        if self._panel.loading.error:
            raise self._panel.loading.error
        return self.frame

    def cancel(self) -> None:
        """Cancel the running load: no more requests are sent, and :attr:`frame` is not changed."""
        self._panel.loading.cancel()

    def _repr_html_(self) -> str:
        return f"<div>{escape(repr(self))}</div><pre><code>{escape(self.code)}</code></pre>"


class CustomerPicker(_Picker):
    """Choose filters for :func:`wizframe.load_customers`, and tick rows in a table of the loaded customers.

    Parameters
    ----------
    value : mapping, optional
        The initial filters, such as another picker's :attr:`value`.
    client : Client, optional
        By default the only connection that is open when the load starts.

    Raises
    ------
    InvalidRequestError
        A filter does not exist, or its value is not valid.

    Examples
    --------
    >>> picker = wizframe.CustomerPicker(value={"status": "inactive", "sort": "desc"})
    >>> print(picker.code)
    customers = wizframe.load_customers(status="inactive", sort="desc")
    >>> len(picker.load()) == len(wizframe.load_customers(status="inactive"))
    True
    >>> len(picker.selected)
    0
    """

    @checked(value=or_none(RECORD))
    def __init__(self, value: Mapping[str, Any] | None = None, *, client: Client | None = None) -> None:
        from wizframe.notebook.pickers.panels import CustomerPanel  # noqa: PLC0415 - imports ipywidgets

        self._panel: CustomerPanel = CustomerPanel(value or {}, client)


class ContactPicker(_Picker):
    """Choose customers by name or reference, and load their contacts.

    Parameters
    ----------
    customers : DataFrame, str or iterable of str, optional
        A frame of customers to choose from, or the ids of customers that are already chosen. Without it, a button
        loads all customers to choose from.
    value : mapping, optional
        The initial values: ``customers`` (a list of ids) and the filters of :func:`wizframe.load_contacts`.
    client : Client, optional
        By default the only connection that is open when the load starts.

    Raises
    ------
    InvalidRequestError
        The frame does not hold customers, or a filter does not exist.

    Examples
    --------
    >>> customers = wizframe.load_customers()
    >>> picker = wizframe.ContactPicker(customers, value={"customers": customers["id"][:2].tolist()})
    >>> set(picker.load()["customer_id"]) == set(customers["id"][:2])
    True
    """

    @checked(customers=or_none(IDS), value=or_none(RECORD))
    def __init__(
        self,
        customers: pd.DataFrame | str | Iterable[str] | None = None,
        *,
        value: Mapping[str, Any] | None = None,
        client: Client | None = None,
    ) -> None:
        from wizframe.notebook.pickers.panels import ContactPanel  # noqa: PLC0415 - imports ipywidgets

        self._panel: ContactPanel = ContactPanel(customers, value or {}, client)


class FrameBrowser(_View):
    """Browse a frame: turn pages, sort by a click on a column, search, and tick rows. Read-only.

    Parameters
    ----------
    frame : DataFrame
    noun : str, default 'rows'
        The name of the rows, in the plural.
    """

    @checked(frame=FRAME, noun=TEXT)
    def __init__(self, frame: pd.DataFrame, noun: str = "rows") -> None:
        from wizframe.notebook.pickers.panels import TablePanel  # noqa: PLC0415 - imports ipywidgets

        self._panel: TablePanel = TablePanel(frame, noun)
