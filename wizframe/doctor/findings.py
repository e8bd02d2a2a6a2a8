"""Findings about this machine and the connection, for a bug report: no API key and no data of customers."""

from __future__ import annotations

import email.utils
import importlib.metadata
import os
import platform
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from wizframe.connections.profiles import config_path, profile_names
from wizframe.errors import NotFoundError, WizframeError
from wizframe.pushing.history import pushes
from wizframe.pushing.journal_file import journal_path
from wizframe.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wizframe.connections.client import Client

__all__ = ["Finding", "Report", "checked", "examine_account", "examine_machine"]

State = Literal["ok", "note", "bad"]
Report = tuple[State, str]

#: The installed versions, in lines that fit a bug report.
_PACKAGES = {
    "data libraries": ("pandas", "pyarrow", "pandera", "orjson"),
    "network libraries": ("requests", "urllib3", "certifi"),
    "notebook libraries": ("jupyterlab", "ipywidgets", "anywidget", "tqdm"),
    "file libraries": ("xlsxwriter", "python-calamine"),
    "command libraries": ("click", "rich", "platformdirs", "keyring"),
}
_SETTINGS = (
    "WIZCOMMERCE_API_KEY", "WIZCOMMERCE_BASE_URL", "WIZFRAME_STATE_DIR", "WIZFRAME_READ_ONLY", "REQUESTS_CA_BUNDLE",
    "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "NO_COLOR",
)  # fmt: skip
#: In seconds. Filters by time and the order of conflicts compare this machine's clock with the service's clock. A
#: difference of a minute is harmless.
_CLOCK_S = 60.0
#: In megabytes. The journal of a large push takes some tens of megabytes.
_LITTLE_SPACE_MB = 100


class Finding(NamedTuple):
    """The result of one check: ``ok`` (as expected), ``note`` (unusual, but harmless) or ``bad`` (a problem)."""

    name: str
    state: State
    said: str


def checked(name: str, check: Callable[[], Report]) -> Finding:
    """Run a check, and convert an error to a finding."""
    try:
        return Finding(name, *check())
    except (WizframeError, OSError) as error:
        return Finding(name, "bad", str(error))
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # its message may contain a customer's data
        return Finding(name, "bad", f"the response has an unexpected form ({type(error).__name__})")


def examine_machine() -> Iterator[Finding]:
    """Check what is installed, set and stored on this machine. Sends nothing."""
    system = f"wizframe {_version('wizframe')}, Python {platform.python_version()}, {platform.platform()}"
    yield Finding("system", "ok", system)
    for name, packages in _PACKAGES.items():
        yield Finding(name, "ok", ", ".join(f"{package} {_version(package)}" for package in packages))
    yield Finding("settings", "ok", ", ".join(name for name in _SETTINGS if os.environ.get(name)) or "none")
    yield checked("profiles", _profiles)
    yield checked("journal", _journal)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _short(path: Path) -> str:
    """Return a path without the user's name."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _profiles() -> Report:
    path = config_path()
    if not path.exists():
        return "ok", f"none, because {_short(path)} does not exist"
    return "ok", f"{', '.join(profile_names()) or 'none'} in {_short(path)}"


def _journal() -> Report:
    path = journal_path()
    folder = next(parent for parent in path.parents if parent.exists())
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if not os.access(folder, os.W_OK):
        return "bad", f"{_short(folder)} is not writable, so no push is possible. Set WIZFRAME_STATE_DIR to a folder"
    if not path.exists():
        return "ok", f"none yet. The first push creates {_short(path)}"
    frame = pushes()
    size = f"{path.stat().st_size:,} bytes, {free_mb:,} MB free"
    said = f"{_short(path)}: {counted(len(frame), 'push')}, {size}"
    if cut_off := int(frame["ended_at"].isna().sum()):
        return "note", f"{said}; {cut_off} cut off, or still running. To finish: `wizframe resume`"
    return ("ok" if free_mb > _LITTLE_SPACE_MB else "note"), said


def examine_account(client: Client) -> Iterator[Finding]:
    """Check the connection, the clock, and what the API key may read. Sends at most five GET requests."""
    yield checked("connection", lambda: _connection(client))
    yield checked("clock", lambda: _clock(client))
    yield checked("permissions", lambda: _permissions(client))


def _connection(client: Client) -> Report:
    began = time.perf_counter()
    total = client.customer.page(page_size=1).total_records
    took_ms = (time.perf_counter() - began) * 1000
    count = "" if total is None else f", {counted(total, 'active customer')}"
    limits = ", read-only" if client.transport.read_only else ""
    where = f"{client.environment}: {client.account}, {client.dialect} dialect"
    return "ok", f"{where}{count}, response in {took_ms:.0f} ms, API key {client.key_source}{limits}"


def _clock(client: Client) -> Report:
    response = client.transport.request("GET", ["customers"], query={"page": "1", "page_size": "1"})
    try:
        ahead_s = time.time() - email.utils.parsedate_to_datetime(response.date).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return "note", "the service does not send its time"
    if abs(ahead_s) <= _CLOCK_S:
        return "ok", "this machine and the service agree within a minute"
    order = "ahead of" if ahead_s > 0 else "behind"
    return "bad", f"this machine is {abs(ahead_s):.0f} s {order} the service. Correct the clock of this machine"


def _permissions(client: Client) -> Report:
    customers = client.customer.list(page_size=1)
    if not customers:
        return "note", "customers can be listed, but the account has none to read"
    try:
        client.customer.get(customers[0]["id"])
        client.customer.contact.list(customers[0]["id"], page_size=1)
    except NotFoundError:
        return "note", "customers can be listed, but the first customer was deleted before it was read"
    return "ok", "customers, their details and their contacts can be read"
