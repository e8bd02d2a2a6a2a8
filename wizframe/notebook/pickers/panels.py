"""What the pickers are made of: filters, a load, a table of what came, and the code that does the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from wizframe.errors import InvalidRequestError
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.loading.loaders import load_contacts, load_customers
from wizframe.notebook.html import STYLE, copyable, said
from wizframe.notebook.pickers.code import call, literal
from wizframe.notebook.pickers.filters import Filters
from wizframe.notebook.pickers.load_button import Loading
from wizframe.notebook.table import FrameTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wizframe.connections.client import Client
    from wizframe.progress import Watch

__all__ = ["ContactPanel", "CustomerPanel", "TablePanel"]

_CHOOSING_BY = ("reference_id", "company_name", "display_name", "status", "id")


class CustomerPanel:
    """Filters of customers, their load, and the customers.

    Parameters
    ----------
    value : mapping
        The filters to begin with.
    client : Client, optional
    """

    noun = "customers"

    def __init__(self, value: Mapping[str, Any], client: Client | None) -> None:
        self.frame: pd.DataFrame | None = None
        self._client = client
        self._code = widgets.HTML()
        self.table = FrameTable(self.noun)
        self.filters = Filters(CUSTOMER, self._write_code)
        self.filters.value = value
        self.loading = Loading("Load", self._load, self._loaded)
        self.table.root.layout.display = "none"
        self.root = _stack(self.filters.root, self.loading.root, self.table.root, self._code)
        self._write_code()

    @property
    def value(self) -> dict[str, Any]:
        """The filters."""
        return self.filters.value

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        self.filters.value = value

    @property
    def code(self) -> str:
        """The load, as code."""
        return call("customers", "load_customers", self.value, client=self._client)

    def _write_code(self) -> None:
        if hasattr(self, "filters"):  # not while they are made
            self._code.value = copyable(self.code)

    def _load(self, watch: Watch) -> pd.DataFrame:
        return load_customers(client=self._client, progress=watch, **self.value)

    def _loaded(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.table.show(frame)
        self.table.root.layout.display = None


class ContactPanel:
    """Customers to choose, filters of contacts, their load, and the contacts.

    Parameters
    ----------
    customers : DataFrame, iterable of str, or None
        Those to choose among, or those that are chosen.
    value : mapping
        The chosen customers and the filters to begin with.
    client : Client, optional
    """

    noun = "contacts"

    def __init__(
        self, customers: pd.DataFrame | Iterable[str] | None, value: Mapping[str, Any], client: Client | None
    ) -> None:
        self.frame: pd.DataFrame | None = None
        self._client = client
        self._ids: list[str] = []
        self._others: list[str] = []  # chosen, but not among the customers that are shown
        self._code, self._chosen = widgets.HTML(), widgets.HTML()
        self.choice = FrameTable("customers", self._write)
        self.customers_loading = Loading("Load the customers to choose from", self._load_customers, self._offer)
        self.filters = Filters(CONTACT, self._write)
        self.loading = Loading("Load their contacts", self._load, self._loaded)
        self.table = FrameTable(self.noun)
        self.choice.root.layout.display = self.table.root.layout.display = "none"
        is_offered = isinstance(customers, pd.DataFrame)
        first = [] if is_offered else [self.customers_loading.root]
        self.root = _stack(
            *first, self.choice.root, self._chosen, self.filters.root, self.loading.root, self.table.root, self._code
        )
        if isinstance(customers, pd.DataFrame):
            self._offer(customers)
        chosen = {} if is_offered or customers is None else {"customers": customers}
        self.value = chosen | dict(value)

    @property
    def value(self) -> dict[str, Any]:
        """The chosen customers' ids, and the filters."""
        return {"customers": self.chosen} | self.filters.value

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        chosen = _texts(value.get("customers"))
        self.filters.value = {name: value[name] for name in value if name != "customers"}
        self._choose(chosen)

    @property
    def chosen(self) -> list[str]:
        """Ids of the chosen customers: those that are shown, in their order, and then others."""
        return [self._ids[position] for position in self.choice.ticked] + self._others

    @property
    def code(self) -> str:
        """The load, as code."""
        return call("contacts", "load_contacts", self.filters.value, first=literal(self.chosen), client=self._client)

    def _choose(self, ids: list[str]) -> None:
        places = {identifier: position for position, identifier in enumerate(self._ids)}
        self._others = [identifier for identifier in dict.fromkeys(ids) if identifier not in places]
        self.choice.tick(range(len(self._ids)), ticked=False)
        self.choice.tick(places[identifier] for identifier in ids if identifier in places)

    def _write(self) -> None:
        if hasattr(self, "loading"):  # not while they are made
            count = len(self.chosen)
            self._chosen.value = said(f"{count:,} customer{'s'[: count != 1]} chosen")
            self._code.value = copyable(self.code)

    def _load_customers(self, watch: Watch) -> pd.DataFrame:
        return load_customers(client=self._client, progress=watch)

    def _offer(self, customers: pd.DataFrame) -> None:
        chosen = self.chosen
        shown = _choosable(customers)
        self._ids = shown["id"].tolist()
        self.choice.show(shown)
        self.choice.root.layout.display = None
        self._choose(chosen)

    def _load(self, watch: Watch) -> pd.DataFrame:
        if not self.chosen:
            raise InvalidRequestError("no customer is chosen yet: tick one above")
        return load_contacts(self.chosen, client=self._client, progress=watch, **self.filters.value)

    def _loaded(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.table.show(self._with_companies(frame))
        self.table.root.layout.display = None

    def _with_companies(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Say whose contacts they are, where the customers are known: people read names."""
        if "company_name" not in self.choice.frame:
            return frame
        names = self.choice.frame.set_index("id")["company_name"]
        shown = frame.copy(deep=False)
        shown.insert(0, "company_name", frame["customer_id"].map(names).astype("str"))
        return shown


class TablePanel:
    """A frame to look through.

    Parameters
    ----------
    frame : DataFrame
    noun : str
        What a row is, in the plural.
    """

    def __init__(self, frame: pd.DataFrame, noun: str) -> None:
        self.frame = frame
        self.noun = noun
        self.table = FrameTable(noun)
        self.table.show(frame)
        self.root = _stack(self.table.root)


def _stack(*parts: Any) -> Any:
    return widgets.VBox([widgets.HTML(STYLE, layout={"display": "none"}), *parts]).add_class("wizframe")


def _texts(ids: Any) -> list[str]:
    texts = [ids] if isinstance(ids, str) else [] if ids is None else list(ids)
    wrong = [text for text in texts if not isinstance(text, str) or not text]
    if wrong:
        raise InvalidRequestError(f"customers are named by their ids, but {wrong[0]!r} is among them")
    return texts


def _choosable(customers: pd.DataFrame) -> pd.DataFrame:
    """Pick the columns by which people know customers."""
    flat = customers if "id" in customers else customers.reset_index()
    if "id" not in flat or "customer_id" in flat:
        raise InvalidRequestError("a frame of customers is needed, with their ids in a column or the index")
    flat = flat[flat["id"].notna()].drop_duplicates("id")
    return flat[[name for name in _CHOOSING_BY if name in flat]].reset_index(drop=True)
