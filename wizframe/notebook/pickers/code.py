"""The code that does what a picker does, to be copied into a cell."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from wizframe.api.client import open_client
from wizframe.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wizframe.connections.client import Client

__all__ = ["call"]

_LONGEST_LINE = 100


def call(name: str, function: str, arguments: Mapping[str, Any], *, first: str = "", client: Client | None) -> str:
    """Write a call whose result gets a name.

    Parameters
    ----------
    name : str
    function : str
        Of wizframe.
    arguments : mapping
        By keyword.
    first : str
        A first argument, as code.
    client : Client, optional
        Named only where it is not the one open connection.

    Returns
    -------
    str
        One line, or one for each argument where that would be long.
    """
    parts = [first] if first else []
    parts += [f"{keyword}={literal(value)}" for keyword, value in arguments.items()]
    if client is not None and not _is_the_only_one(client):
        parts.append(f"client={_name_of(client)}")
    line = f"{name} = wizframe.{function}({', '.join(parts)})"
    if len(line) <= _LONGEST_LINE:
        return line
    return f"{name} = wizframe.{function}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def literal(value: Any) -> str:
    """Write a value as Python code.

    Parameters
    ----------
    value : str, int, bool or list of str

    Returns
    -------
    str
        Texts in double quotes where that needs no escape; what cannot be seen is escaped.
    """
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    code = repr(value)
    if isinstance(value, str) and code[0] == "'" and '"' not in code:
        return f'"{code[1:-1]}"'
    return code


def _is_the_only_one(client: Client) -> bool:
    try:
        return open_client() is client
    except ConfigurationError:
        return False


def _name_of(client: Client) -> str:
    """Find what the user calls a connection."""
    names = vars(sys.modules["__main__"]).items()
    return next((name for name, value in names if value is client and not name.startswith("_")), "wiz")
