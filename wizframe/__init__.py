"""WizCommerce customers and contacts as validated pandas DataFrames, and the edits back.

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
    from wizframe.client import Client
    from wizframe.connections import SANDBOX_API_KEY, connect, login, logout, sandbox
    from wizframe.errors import WizframeError
    from wizframe.loaders import iter_contacts, iter_customers, load_contacts, load_customers
    from wizframe.magics import load_ipython_extension, unload_ipython_extension
    from wizframe.pickers import ContactPicker, CustomerPicker
    from wizframe.planning import CLEAR, COMMAND, Plan, load_plan
    from wizframe.pushing import Result, apply, delete, history, plan, purge, push, pushes, resume, undo
    from wizframe.refreshing import refresh
    from wizframe.transport.tracing import trace
    from wizframe.workbook import Sheets, read_csv, read_excel, to_csv, to_excel

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

#: Where each public name is imported from when it is first used, so that a notebook starts sooner. What type checkers
#: and editors are told above says the same, by test.
_MODULES = {
    "accessor": ("WizAccessor",),
    "client": ("Client",),
    "connections": ("SANDBOX_API_KEY", "connect", "login", "logout", "sandbox"),
    "errors": ("WizframeError",),
    "loaders": ("iter_contacts", "iter_customers", "load_contacts", "load_customers"),
    "magics": ("load_ipython_extension", "unload_ipython_extension"),
    "pickers": ("ContactPicker", "CustomerPicker"),
    "planning": ("CLEAR", "COMMAND", "Plan", "load_plan"),
    "pushing": ("Result", "apply", "delete", "history", "plan", "purge", "push", "pushes", "resume", "undo"),
    "refreshing": ("refresh",),
    "transport.tracing": ("trace",),
    "workbook": ("Sheets", "read_csv", "read_excel", "to_csv", "to_excel"),
}
_HOMES = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # type checkers know the names, and should tell of one that is not there

    def __getattr__(name: str) -> Any:
        """Import what is used for the first time: a public name, or a module of the package."""
        if name in _HOMES:
            value = globals()[name] = getattr(import_module(_HOMES[name]), name)
            return value
        if name[:1] != "_" and find_spec(f"{__name__}.{name}"):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=import_module(__name__))

    def __dir__() -> list[str]:
        """List what is public, and the modules it is in."""
        return sorted({*__all__, *(module.partition(".")[0] for module in _MODULES), "__doc__", "__version__"})


class _Wiz:
    """``df.wiz``, imported when first used: see ``wizframe.WizAccessor`` for what it offers."""

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
