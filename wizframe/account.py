"""The account to which a frame, a plan and a push belong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Account"]


@dataclass(frozen=True)
class Account:
    """The service's base URL and the account's name.

    Parameters
    ----------
    base_url : str
        Empty if it is unknown. For example, a CSV file does not contain the address that its rows come from.
    name : str
        The tenant's id or the account's name in the profile; empty if it is unknown. Never the API key or its hash.
    """

    base_url: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.base_url}" if self.name else self.base_url or "an unknown account"
