"""WizCommerce customers and contacts as validated pandas DataFrames; your edits are sent back as a plan.

>>> customers = wizframe.load_customers()
>>> customers.loc[customers["payment_term"] == "net30", "payment_term"] = "net45"
>>> plan = customers.wiz.plan(only=["payment_term"])

Start with :func:`connect` (an account) or :func:`sandbox` (a server on this machine, no account needed).
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from wizframe.accessor import WizAccessor
    from wizframe.connections.client import Client
    from wizframe.connections.connect import SANDBOX_API_KEY, connect, login, logout, sandbox
    from wizframe.errors import WizframeError
    from wizframe.excel.api import Sheets, read_csv, read_excel, to_csv, to_excel
    from wizframe.http.request_log import trace
    from wizframe.loading.loaders import load_contacts, load_customers
    from wizframe.loading.stream import iter_contacts, iter_customers
    from wizframe.notebook.magics import load_ipython_extension, unload_ipython_extension
    from wizframe.notebook.pickers.pickers import ContactPicker, CustomerPicker
    from wizframe.planning.changes import CLEAR, COMMAND
    from wizframe.pushing.api import apply, delete, load_plan, plan, push, undo
    from wizframe.pushing.history import history, purge, pushes
    from wizframe.pushing.plan import Plan, Result
    from wizframe.pushing.resume import resume
    from wizframe.refreshing.refresh import refresh

__version__ = "0.1.0"

__all__ = [
    "CLEAR",
    "COMMAND",
    "SANDBOX_API_KEY",
    "Client",
    "ContactPicker",
    "CustomerPicker",
    "Plan",
    "Result",
    "Sheets",
    "WizAccessor",
    "WizframeError",
    "apply",
    "connect",
    "delete",
    "history",
    "iter_contacts",
    "iter_customers",
    "load_contacts",
    "load_customers",
    "load_ipython_extension",
    "load_plan",
    "login",
    "logout",
    "plan",
    "purge",
    "push",
    "pushes",
    "read_csv",
    "read_excel",
    "refresh",
    "resume",
    "sandbox",
    "to_csv",
    "to_excel",
    "trace",
    "undo",
    "unload_ipython_extension",
]

#: The module of each public name. A name is imported when it is first used, so that a notebook starts sooner. A test
#: compares this table with the imports for type checkers above.
_MODULES = {
    "accessor": ("WizAccessor",),
    "connections.client": ("Client",),
    "connections.connect": (
        "SANDBOX_API_KEY",
        "connect",
        "login",
        "logout",
        "sandbox",
    ),
    "errors": ("WizframeError",),
    "excel.api": (
        "Sheets",
        "read_csv",
        "read_excel",
        "to_csv",
        "to_excel",
    ),
    "http.request_log": ("trace",),
    "loading.loaders": (
        "load_contacts",
        "load_customers",
    ),
    "loading.stream": (
        "iter_contacts",
        "iter_customers",
    ),
    "notebook.magics": (
        "load_ipython_extension",
        "unload_ipython_extension",
    ),
    "notebook.pickers.pickers": (
        "ContactPicker",
        "CustomerPicker",
    ),
    "planning.changes": (
        "CLEAR",
        "COMMAND",
    ),
    "pushing.api": (
        "apply",
        "delete",
        "load_plan",
        "plan",
        "push",
        "undo",
    ),
    "pushing.history": (
        "history",
        "purge",
        "pushes",
    ),
    "pushing.plan": (
        "Plan",
        "Result",
    ),
    "pushing.resume": ("resume",),
    "refreshing.refresh": ("refresh",),
}
_HOMES = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # type checkers know the names above, and can then report a name that does not exist

    def __getattr__(name: str) -> Any:
        """Import a public name, or a module of the package, when it is first used."""
        if name in _HOMES:
            value = globals()[name] = getattr(import_module(_HOMES[name]), name)
            return value
        if name[:1] != "_" and find_spec(f"{__name__}.{name}"):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=import_module(__name__))

    def __dir__() -> list[str]:
        """List the public names, and the folders that they come from."""
        return sorted({*__all__, *(module.partition(".")[0] for module in _MODULES), "__doc__", "__version__"})


class _Wiz:
    """``df.wiz``, imported when it is first used. ``wizframe.WizAccessor`` describes its methods."""

    def __call__(self, frame: pd.DataFrame) -> "WizAccessor":
        return self._class()(frame)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._class(), name)

    def __dir__(self) -> list[str]:
        return dir(self._class())

    @staticmethod
    def _class() -> "type[WizAccessor]":
        from wizframe.accessor import WizAccessor  # noqa: PLC0415 - that is the point

        return WizAccessor


pd.api.extensions.register_dataframe_accessor("wiz")(_Wiz())  # type: ignore[type-var]
