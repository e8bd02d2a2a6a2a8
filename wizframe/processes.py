"""What a forked process must not share with its parent: connections, and locks that another thread may hold."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Renewable", "renew_in_child"]


class Renewable(Protocol):
    """An object with parts that only one process may use."""

    def renew(self) -> None:
        """Replace those parts. Called in a forked process before anything else runs, with no other thread."""


_members: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_child(member: Renewable) -> None:
    """Have an object renewed in each process that is forked from this one, as long as it exists."""
    _members.add(member)


def _renew_all() -> None:
    for member in list(_members):
        member.renew()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew_all)
