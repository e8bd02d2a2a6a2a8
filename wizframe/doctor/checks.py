"""What a bug report needs to know of this machine and of the account, and no secret: neither keys nor customers."""

from __future__ import annotations

import email.utils
import importlib.metadata
import os
import platform
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from wizframe.connections.profiles import config_path, profile_names
from wizframe.doctor.findings import Finding, checked
from wizframe.doctor.probe import probe
from wizframe.doctor.probe_writes import probe_writes
from wizframe.errors import NotFoundError
from wizframe.pushing.history import pushes
from wizframe.pushing.journal_file import journal_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wizframe.connections.client import Client
    from wizframe.doctor.findings import Said

__all__ = ["Finding", "examine_account", "examine_machine", "probe", "probe_writes"]

_PACKAGES = (
    "wizframe", "pandas", "requests", "urllib3", "certifi", "pandera", "ipywidgets", "pyarrow", "orjson",
    "platformdirs", "tqdm", "click", "rich", "keyring", "xlsxwriter", "python-calamine", "anywidget", "jupyterlab",
)  # fmt: skip
_SETTINGS = (
    "WIZCOMMERCE_API_KEY", "WIZCOMMERCE_BASE_URL", "WIZFRAME_STATE_DIR", "WIZFRAME_READ_ONLY", "REQUESTS_CA_BUNDLE",
    "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "NO_COLOR",
)  # fmt: skip
#: Filters and conflicts compare times of this machine with the service's.
_CLOCK_S = 60.0
_LITTLE_MB = 100


def examine_machine() -> Iterator[Finding]:
    """Look at what is installed, set and written here. Sends nothing.

    Yields
    ------
    Finding
    """
    yield Finding("system", "ok", f"Python {platform.python_version()}, {platform.platform()}")
    yield Finding("versions", "ok", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
    yield Finding("settings", "ok", ", ".join(name for name in _SETTINGS if os.environ.get(name)) or "none")
    yield checked("profiles", _profiles)
    yield checked("journal", _journal)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "–"


def _short(path: Path) -> str:
    """Leave the user's name out of a path."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _profiles() -> Said:
    path = config_path()
    if not path.exists():
        return "ok", f"none: there is no {_short(path)}"
    return "ok", f"{', '.join(profile_names()) or 'none'} in {_short(path)}"


def _journal() -> Said:
    path = journal_path()
    folder = next(parent for parent in path.parents if parent.exists())
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if not os.access(folder, os.W_OK):
        return "bad", f"{_short(folder)} cannot be written, so nothing can be pushed: give WIZFRAME_STATE_DIR"
    if not path.exists():
        return "ok", f"none yet; {_short(path)} is made by the first push"
    frame = pushes()
    open_ones = int(frame["ended_at"].isna().sum())
    said = f"{_short(path)}: {len(frame)} pushes, {path.stat().st_size:,} bytes, {free_mb:,} MB free"
    if open_ones:
        return "note", f"{said}; {open_ones} cut off, or running: `wizframe resume` finishes them"
    return ("ok" if free_mb > _LITTLE_MB else "note"), said


def examine_account(client: Client) -> Iterator[Finding]:
    """Look at the connection, the clock, and what the key may do. Sends at most five GET requests.

    Parameters
    ----------
    client : Client

    Yields
    ------
    Finding
    """
    yield checked("connection", lambda: _connection(client))
    yield checked("clock", lambda: _clock(client))
    yield checked("permissions", lambda: _permissions(client))


def _connection(client: Client) -> Said:
    began = time.perf_counter()
    total = client.customer.page(page_size=1).total_records
    took_ms = (time.perf_counter() - began) * 1000
    count = "" if total is None else f", {total:,} active customers"
    limits = ", read-only" if client.transport.read_only else ""
    where = f"{client.environment}: {client.account}, {client.dialect} dialect"
    return "ok", f"{where}{count}, answered in {took_ms:.0f} ms, API key {client.key_source}{limits}"


def _clock(client: Client) -> Said:
    answer = client.transport.request("GET", ["customers"], query={"page": "1", "page_size": "1"})
    try:
        ahead_s = time.time() - email.utils.parsedate_to_datetime(answer.date).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return "note", "the service does not tell its time"
    if abs(ahead_s) <= _CLOCK_S:
        return "ok", "as the service's, to a minute"
    return "bad", f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the service's: set this machine's"


def _permissions(client: Client) -> Said:
    """Read one of each; what may be written shows only when it is: see `probe_writes`."""
    customers = client.customer.list(page_size=1)
    if not customers:
        return "note", "customers can be listed, but there is none to look at"
    try:
        client.customer.get(customers[0]["id"])
        client.customer.contact.list(customers[0]["id"], page_size=1)
    except NotFoundError:
        return "note", "customers can be listed, but the first one is gone"
    return "ok", "customers, their details and their contacts can be read"
