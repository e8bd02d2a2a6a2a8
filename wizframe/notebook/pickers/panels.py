"""The widgets of the pickers: filters, a load button, a table of the loaded rows, and code for the same load."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from wizframe.api.client import open_client
from wizframe.errors import ConfigurationError, InvalidRequestError, LoadStoppedError, WizframeError
from wizframe.fields import CONTACT, CUSTOMER
from wizframe.frames.arrow import TEXTS
from wizframe.loading.loaders import load_contacts, load_customers
from wizframe.notebook.html import STYLE, copyable, message
from wizframe.notebook.pickers.filters import Filters
from wizframe.notebook.table import FrameTable
from wizframe.progress import Watch
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wizframe.connections.client import Client

__all__ = ["ContactPanel", "CustomerPanel", "TablePanel"]

#: The columns by which people choose customers.
_CHOICE_COLUMNS = ("reference_id", "company_name", "display_name", "status", "id")
_MAX_LINE = 100  # the most characters in a line of code; a longer call has one argument per line
# Each change of a widget sends a message to the browser, and five changes a second look smooth.
_REDRAWN_EVERY_S = 0.2
# From a minute on, the remaining time is shown in minutes.
_MINUTE_S = 60


class LoadButton:
    """A button that loads a frame in a thread. ``loaded`` receives the frame there, unless the load was cancelled."""

    def __init__(
        self, label: str, load: Callable[[Watch], pd.DataFrame], loaded: Callable[[pd.DataFrame], None]
    ) -> None:
        self.error: Exception | None = None  # why the last load failed
        self._load = load
        self._loaded = loaded
        self._lock = threading.RLock()
        self._watch: Watch | None = None
        self._thread: threading.Thread | None = None
        self._drawn_at = 0.0
        self.button = widgets.Button(description=label, button_style="primary", layout={"width": "auto"})
        self.cancel_button = widgets.Button(description="Cancel", disabled=True, layout={"width": "90px"})
        self.bar = widgets.FloatProgress(0, max=1, layout={"width": "200px", "display": "none"})
        self.status = widgets.HTML()
        self.warnings = widgets.HTML()
        self.button.on_click(lambda _button: self.start())
        self.cancel_button.on_click(lambda _button: self.cancel())
        line = {"flex_flow": "row wrap", "align_items": "center"}
        buttons = widgets.HBox([self.button, self.cancel_button, self.bar, self.status], layout=line)
        self.root = widgets.VBox([buttons, self.warnings])

    def start(self) -> None:
        """Start a load if none is running."""
        with self._lock:
            if self._watch is not None:
                return
            self.error = None
            self._watch = watch = Watch(lambda: self._show_progress(watch))
            self._thread = threading.Thread(target=self._run, args=(watch,), name="wizframe-picker", daemon=True)
            self._show(0.0, "Loading …")
            self.warnings.value = ""
            self._thread.start()

    def cancel(self) -> None:
        """Cancel the running load: no more requests are sent, and the frame is not changed."""
        with self._lock:
            if self._watch is not None:
                self._watch.stop()
                self._finish("Cancelled. Nothing was changed.")

    def wait(self) -> None:
        """Wait until no load is running."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self, watch: Watch) -> None:
        try:
            frame = self._load(watch)
            with self._lock:
                if self._watch is watch:
                    self._loaded(frame)
                    self._finish("", warnings="\n".join(map(str, watch.warnings)))
        except LoadStoppedError:
            return
        except Exception as error:  # noqa: BLE001 - shown to the user, because no cell is running that could raise it
            self._fail(watch, error)

    def _fail(self, watch: Watch, error: Exception) -> None:
        with self._lock:
            if self._watch is watch:
                self.error = error
                kind = "" if isinstance(error, WizframeError) else f"{type(error).__name__}: "
                self._finish("")
                self.warnings.value = message(f"{kind}{error}", "wrong")

    def _show_progress(self, watch: Watch) -> None:
        now = time.monotonic()
        if now - self._drawn_at < _REDRAWN_EVERY_S:
            return
        with self._lock:
            if self._watch is watch:
                self._drawn_at = now
                self._show(watch.done / watch.total if watch.total else 0.0, _progress_text(watch))

    def _show(self, share: float, text: str) -> None:
        self.button.disabled, self.cancel_button.disabled = True, False
        self.bar.layout.display = None
        self.bar.value = min(share, 1.0)
        self.status.value = message(text)

    def _finish(self, text: str, *, warnings: str = "") -> None:
        self._watch = None
        self.button.disabled, self.cancel_button.disabled = False, True
        self.bar.layout.display = "none"
        self.status.value = message(text)
        self.warnings.value = message(warnings, "warned")


def _progress_text(watch: Watch) -> str:
    done = f"{watch.done:,}" if watch.total is None else f"{watch.done:,} of {watch.total:,}"
    left_s: Any = watch.left_s
    if left_s is None:
        return f"{done} {watch.what}"
    left = f"{left_s:.0f} s" if left_s < _MINUTE_S else f"{left_s / _MINUTE_S:.0f} min"
    return f"{done} {watch.what}, about {left} left"


class _LoadPanel:
    """The common parts of both pickers: a load, a table of its frame, and code for the same load."""

    noun: str

    def __init__(self, client: Client | None) -> None:
        self.frame: pd.DataFrame | None = None
        self._client = client
        self._code = widgets.HTML()
        self.table = FrameTable(self.noun)
        self.table.root.layout.display = "none"

    def _loaded(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.table.show(self._shown(frame))
        self.table.root.layout.display = None

    def _shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame


class CustomerPanel(_LoadPanel):
    """Filters for customers, a button that loads them, and a table of them."""

    noun = "customers"

    def __init__(self, value: Mapping[str, Any], client: Client | None) -> None:
        super().__init__(client)
        self.filters = Filters(CUSTOMER, self._write_code)
        self.filters.value = value
        self.loading = LoadButton("Load", self._load, self._loaded)
        self.root = _stack(self.filters.root, self.loading.root, self.table.root, self._code)
        self._write_code()

    @property
    def value(self) -> dict[str, Any]:
        """The filters that differ from the defaults."""
        return self.filters.value

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        self.filters.value = value

    @property
    def code(self) -> str:
        """Code for the same load."""
        return _call("customers", "load_customers", self.value, client=self._client)

    def _write_code(self) -> None:
        if hasattr(self, "filters"):  # the filters also report changes while they are created
            self._code.value = copyable(self.code)

    def _load(self, watch: Watch) -> pd.DataFrame:
        return load_customers(client=self._client, progress=watch, **self.value)


class ContactPanel(_LoadPanel):
    """A table of customers to choose from, filters for contacts, a button that loads them, and a table of them."""

    noun = "contacts"

    def __init__(
        self, customers: pd.DataFrame | Iterable[str] | None, value: Mapping[str, Any], client: Client | None
    ) -> None:
        super().__init__(client)
        self._ids: list[str] = []
        self._others: list[str] = []  # the chosen ids that are not in the table of customers
        self._chosen = widgets.HTML()
        self.choice = FrameTable("customers", self._write)
        self.customers_loading = LoadButton("Load the customers to choose from", self._load_customers, self._offer)
        self.filters = Filters(CONTACT, self._write)
        self.loading = LoadButton("Load their contacts", self._load, self._loaded)
        self.choice.root.layout.display = "none"
        chosen: dict[str, Any] = {}
        first = [self.customers_loading.root]
        if isinstance(customers, pd.DataFrame):
            first = []
            self._offer(customers)
        elif customers is not None:
            chosen = {"customers": customers}
        self.root = _stack(
            *first, self.choice.root, self._chosen, self.filters.root, self.loading.root, self.table.root, self._code
        )
        self.value = chosen | dict(value)

    @property
    def value(self) -> dict[str, Any]:
        """The ids of the chosen customers, and the filters that differ from the defaults."""
        return {"customers": self.chosen} | self.filters.value

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        chosen = _ids(value.get("customers"))
        self.filters.value = {name: value[name] for name in value if name != "customers"}
        self._choose(chosen)

    @property
    def chosen(self) -> list[str]:
        """The ids of the chosen customers: those in the table in its order, then the others."""
        return [self._ids[position] for position in self.choice.ticked] + self._others

    @property
    def code(self) -> str:
        """Code for the same load."""
        return _call("contacts", "load_contacts", self.filters.value, first=_literal(self.chosen), client=self._client)

    def _choose(self, ids: list[str]) -> None:
        places = {identifier: position for position, identifier in enumerate(self._ids)}
        self._others = [identifier for identifier in dict.fromkeys(ids) if identifier not in places]
        self.choice.tick(slice(None), is_ticked=False)
        self.choice.tick([places[identifier] for identifier in ids if identifier in places])

    def _write(self) -> None:
        if hasattr(self, "loading"):  # the filters also report changes while they are created
            self._chosen.value = message(f"{counted(len(self.chosen), 'customer')} chosen")
            self._code.value = copyable(self.code)

    def _load_customers(self, watch: Watch) -> pd.DataFrame:
        return load_customers(client=self._client, progress=watch)

    def _offer(self, customers: pd.DataFrame) -> None:
        chosen = self.chosen
        shown = _choice(customers)
        self._ids = shown["id"].tolist()
        self.choice.show(shown)
        self.choice.root.layout.display = None
        self._choose(chosen)

    def _load(self, watch: Watch) -> pd.DataFrame:
        if not self.chosen:
            raise InvalidRequestError("no customer is chosen", hint="Tick at least one customer in the table above.")
        return load_contacts(self.chosen, client=self._client, progress=watch, **self.filters.value)

    def _shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add the company of each contact, if its customer is known."""
        if "company_name" not in self.choice.frame:
            return frame
        names = self.choice.frame.set_index("id")["company_name"]
        shown = frame.copy(deep=False)
        shown.insert(0, "company_name", frame["customer_id"].map(names).astype(TEXTS))
        return shown


class TablePanel:
    """A table of a frame, without a load."""

    def __init__(self, frame: pd.DataFrame, noun: str) -> None:
        self.frame = frame
        self.noun = noun
        self.table = FrameTable(noun)
        self.table.show(frame)
        self.root = _stack(self.table.root)


def _stack(*parts: Any) -> Any:
    return widgets.VBox([widgets.HTML(STYLE, layout={"display": "none"}), *parts]).add_class("wizframe")


def _ids(ids: Any) -> list[str]:
    texts = [ids] if isinstance(ids, str) else [] if ids is None else list(ids)
    wrong = [text for text in texts if not isinstance(text, str) or not text]
    if wrong:
        raise InvalidRequestError(f"customers={wrong[0]!r} is not a valid customer id", hint="Pass ids as strings.")
    return texts


def _choice(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the columns by which people choose customers."""
    flat = customers if "id" in customers else customers.reset_index()
    if "id" not in flat or CONTACT.parent_id in flat:
        raise InvalidRequestError(
            "the frame does not hold customers",
            hint="Pass a frame of customers with their ids in the column or index level 'id'.",
        )
    flat = flat[flat["id"].notna()].drop_duplicates("id")
    return flat[[name for name in _CHOICE_COLUMNS if name in flat]].reset_index(drop=True)


def _call(name: str, function: str, arguments: Mapping[str, Any], *, first: str = "", client: Client | None) -> str:
    """Write code that assigns the result of a wizframe function; ``first`` is the code of its first argument."""
    parts = [first] if first else []
    parts += [f"{keyword}={_literal(value)}" for keyword, value in arguments.items()]
    if client is not None and not _is_the_only_one(client):
        variables = vars(sys.modules["__main__"]).items()
        own_name = (name for name, value in variables if value is client and not name.startswith("_"))
        parts.append(f"client={next(own_name, 'wiz')}")
    line = f"{name} = wizframe.{function}({', '.join(parts)})"
    if len(line) <= _MAX_LINE:
        return line
    return f"{name} = wizframe.{function}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _literal(value: Any) -> str:
    """Write a value as Python code, with double quotes if possible. Invisible characters are escaped."""
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    code = repr(value)
    if isinstance(value, str) and code[0] == "'" and '"' not in code:
        return f'"{code[1:-1]}"'
    return code


def _is_the_only_one(client: Client) -> bool:
    try:
        return open_client() is client
    except ConfigurationError:
        return False
