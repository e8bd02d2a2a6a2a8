"""Who works on a push: the process that holds its lease, and whether that process still runs."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

__all__ = ["described", "has_ended", "new_owner"]


def new_owner() -> str:
    """Name this process and one journal that it opened: host, process, a name of its own, and where processes count."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}/{_process_space()}"


def has_ended(owner: str) -> bool:
    """Tell whether the process of an owner provably does not run any more.

    A container may share the host's name, but has processes of its own: a number that is unknown here proves nothing
    about it.
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
    """Say which process an owner is."""
    return " in process ".join(owner.split("/")[:2])


def _process_space() -> str:
    """Name the running system and the space in which process numbers are unique; empty if there is only one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except (OSError, ValueError):  # not on Linux: there are no such spaces
        return ""
