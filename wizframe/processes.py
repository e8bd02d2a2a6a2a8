"""Renew objects in a forked process that must not share connections or locks with its parent."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Renewable", "renew_in_child"]


class Renewable(Protocol):
    """An object with parts that processes must not share."""

    def renew(self) -> None:
        """Replace these parts. This is called in a forked process before any other code runs there."""


_members: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_child(member: Renewable) -> None:
    """Renew an object in each process that is forked from this one, while the object exists."""
    _members.add(member)


def _renew_all() -> None:
    for member in list(_members):
        member.renew()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_renew_all)
