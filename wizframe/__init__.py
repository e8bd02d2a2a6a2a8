"""WizCommerce customers and contacts as validated pandas DataFrames, and the edits back.

>>> customers = wizframe.load_customers()
>>> customers.loc[customers["payment_term"] == "net30", "payment_term"] = "net45"
>>> plan = customers.wiz.plan(only=["payment_term"])

Start with :func:`connect` (an account) or :func:`sandbox` (a server on this machine, no account needed).
"""

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
