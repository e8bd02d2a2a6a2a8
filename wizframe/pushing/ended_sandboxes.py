"""Detect sandboxes that have ended: their records no longer exist, so nothing can be sent to them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wizframe.http.transport import is_loopback

if TYPE_CHECKING:
    from wizframe.account import Account

__all__ = ["is_ended_sandbox"]

#: In seconds. A closed port on this machine refuses at once, and a busy server accepts in a few milliseconds.
_CONNECT_S = 0.5


def is_ended_sandbox(account: Account) -> bool:
    """Return whether an account belongs to an ended sandbox: nothing listens at its address. Sends no request."""
    try:
        if account.name != "sandbox" or not is_loopback(account.base_url):
            return False
        address = urlsplit(account.base_url)
        host, port = address.hostname or "", address.port or 80
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):  # the server may be busy, and a damaged address proves nothing
        return False
    return False
