"""The names of the ten operations, as faults use them, and how a request's verb and path tell which one is meant."""

from __future__ import annotations

from urllib.parse import unquote

__all__ = ["LOGIN", "OPERATIONS", "READS", "WRITES", "ids_of", "operation_of", "shape_of"]

_BY_SHAPE = {
    "customers": {"GET": "customers.list", "POST": "customers.create"},
    "customers/*": {"GET": "customers.get", "PATCH": "customers.update", "DELETE": "customers.delete"},
    "customers/*/contacts": {"GET": "contacts.list", "POST": "contacts.create"},
    "customers/*/contacts/*": {"GET": "contacts.get", "PUT": "contacts.update", "DELETE": "contacts.delete"},
}
OPERATIONS = tuple(name for verbs in _BY_SHAPE.values() for name in verbs.values())
READS = tuple(name for name in OPERATIONS if name.endswith((".list", ".get")))
WRITES = tuple(name for name in OPERATIONS if name not in READS)
LOGIN = "login"


def shape_of(path: str) -> str:
    """Describe a path below ``/v1``.

    Parameters
    ----------
    path : str
        Percent-encoded, without the query.

    Returns
    -------
    str
        Such as ``customers/*/contacts``: names stand at even places, ids at odd ones.
    """
    return "/".join("*" if place % 2 else segment for place, segment in enumerate(path.split("/")[2:]))


def ids_of(path: str) -> list[str]:
    """Take the ids from a path below ``/v1``.

    Parameters
    ----------
    path : str
        Percent-encoded, without the query.

    Returns
    -------
    list of str
        Decoded only after the path was split, so that an id may contain a slash.
    """
    return [unquote(segment) for segment in path.split("/")[2:][1::2]]


def operation_of(method: str, path: str) -> str:
    """Name the operation that a request asks for.

    Parameters
    ----------
    method : str
        The HTTP verb.
    path : str
        Percent-encoded, without the query.

    Returns
    -------
    str
        One of `OPERATIONS`, `LOGIN`, or "" where there is none.
    """
    if path == "/auth/token" and method == "POST":
        return LOGIN
    if not path.startswith("/v1/"):
        return ""
    return _BY_SHAPE.get(shape_of(path), {}).get(method, "")
