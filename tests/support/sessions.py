"""Let a test begin as a new Python process does, without starting one."""

from __future__ import annotations

from wizframe.api import client
from wizframe.frames import baselines


def forget_loads():
    """Forget all loads. A frame that is still there is then like one of another session."""
    baselines._live.clear()
    baselines._recent.clear()


def forget_clients():
    """Forget all open connections, such as one that an earlier test dropped and that is not collected yet."""
    client._open_clients.clear()


def open_clients():
    """List the open connections."""
    return list(client._open_clients)
