"""The ids that the server gives. They look random, as in the real service, and are the same in every run."""

from __future__ import annotations

__all__ = ["record_id"]

_PREFIX = {"customers": "cust_", "contacts": "cont_", "addresses": "addr_"}
_BITS = 40
_STRIDE = 0x9E3779B97F | 1
"""Odd, hence a bijection modulo a power of two: different rows never share an id."""


def record_id(table: str, row: int) -> str:
    """Make the id of a record from its row number.

    Parameters
    ----------
    table : {"customers", "contacts", "addresses"}
        What kind of record.
    row : int
        Its number, counted from 1.

    Returns
    -------
    str
        Such as ``cust_9e3779b97f``.
    """
    return f"{_PREFIX[table]}{row * _STRIDE % (1 << _BITS):010x}"
