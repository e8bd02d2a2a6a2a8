"""The routes: the operation of each verb and path."""

from __future__ import annotations

from urllib.parse import unquote

__all__ = ["LISTS", "LOGIN", "OPERATIONS", "READS", "ROUTES", "WRITES", "ids_of", "operation_of", "route_of"]

# Contract, "The ten operations": a customer is updated by PATCH, a contact by PUT.
ROUTES = {
    "customers": {"GET": "customers.list", "POST": "customers.create"},
    "customers/*": {"GET": "customers.get", "PATCH": "customers.update", "DELETE": "customers.delete"},
    "customers/*/contacts": {"GET": "contacts.list", "POST": "contacts.create"},
    "customers/*/contacts/*": {"GET": "contacts.get", "PUT": "contacts.update", "DELETE": "contacts.delete"},
}
# The names of the operations, such as customers.create. Faults are chosen by these names.
OPERATIONS = tuple(name for verbs in ROUTES.values() for name in verbs.values())
LISTS = tuple(name for name in OPERATIONS if name.endswith(".list"))
READS = tuple(name for name in OPERATIONS if name.endswith((".list", ".get")))
WRITES = tuple(name for name in OPERATIONS if name not in READS)
LOGIN = "login"


def route_of(path: str) -> str:
    """Return a path below ``/v1`` with each id replaced by ``*``: names are at even places, ids at odd ones."""
    return "/".join("*" if place % 2 else segment for place, segment in enumerate(path.split("/")[2:]))


def ids_of(path: str) -> list[str]:
    """Return the ids in a path below ``/v1``, decoded after the split: an id may contain a slash."""
    return [unquote(segment) for segment in path.split("/")[2:][1::2]]


def operation_of(method: str, path: str) -> str:
    """Return the operation of a request: one of `OPERATIONS`, `LOGIN`, or "" if there is none."""
    if path == "/auth/token" and method == "POST":
        return LOGIN
    if not path.startswith("/v1/"):
        return ""
    return ROUTES.get(route_of(path), {}).get(method, "")
