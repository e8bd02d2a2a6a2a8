"""Whose records they are. A frame, a plan and a push belong to one account; this module knows nothing else."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Account"]


@dataclass(frozen=True)
class Account:
    """The service's base URL and, where it is known, the account's name.

    Parameters
    ----------
    base_url : str
        Empty where nothing names it: a CSV file says nothing of where it comes from.
    name : str
        Tenant id or the profile's account name; empty where unknown. Never the key or a hash of it.
    """

    base_url: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.base_url}" if self.name else self.base_url or "an account that nothing names"
