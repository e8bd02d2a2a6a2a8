"""The owner of a push: the process that holds its lease, and whether this process is still running."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

__all__ = ["described", "has_ended", "new_owner"]


def new_owner() -> str:
    """Return a name for this process and one open journal: host, process, a unique name, and the process space."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}/{_process_space()}"


def has_ended(owner: str) -> bool:
    """Return whether the process of an owner has provably ended.

    A container may have the host's name, but has its own process numbers. So an unknown number proves nothing about
    another process space.
    """
    host, pid, _, space = (owner.split("/") + [""] * 4)[:4]
    if os.name != "posix" or host != socket.gethostname() or space != _process_space() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def described(owner: str) -> str:
    """Describe the process of an owner, for messages."""
    return " in process ".join(owner.split("/")[:2])


def _process_space() -> str:
    """Return a name for the running system and its space of process numbers; empty if there is only one space."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except (OSError, ValueError):  # only Linux has such spaces
        return ""
