"""JSON with numbers that neither a float nor orjson keeps: read as Decimal, and written as they were read."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import uuid4

import orjson

__all__ = ["read_exactly", "write_exactly"]

#: Only a number with so many digits, or with such an exponent, can change when it becomes a float.
_MAY_CHANGE = re.compile(rb"[0-9][0-9.]{14,}|[0-9][eE][+-]?[0-9]{2}")
#: orjson writes integers of 64 bits.
_SMALLEST, _LARGEST, _MOST_DIGITS = -(2**63), 2**64 - 1, 20


def read_exactly(content: bytes, parsed: Any) -> Any:
    """Read JSON that orjson has parsed once more if a number in it may have changed."""
    if not _MAY_CHANGE.search(content):
        return parsed
    return json.loads(content, parse_float=_exact_float, parse_int=_exact_int)


def _exact_float(text: str) -> float | Decimal:
    number = float(text)
    exact = Decimal(text)
    return number if isfinite(number) and Decimal(repr(number)) == exact else exact


def _exact_int(text: str) -> int | Decimal:
    if len(text) > _MOST_DIGITS + 1:  # Python refuses to read integers of thousands of digits
        return Decimal(text)
    number = int(text)
    return number if _SMALLEST <= number <= _LARGEST else Decimal(text)


def write_exactly(value: Any) -> bytes:
    """Write JSON; a Decimal becomes the number that it was read from."""
    numbers: dict[bytes, bytes] = {}
    mark = uuid4().hex

    def hold_place(item: Any) -> str:
        if not isinstance(item, Decimal):
            raise TypeError(f"{type(item).__name__} is not a type of JSON")
        place = f"{mark}-{len(numbers)}"
        numbers[f'"{place}"'.encode()] = str(item).encode()
        return place

    written = orjson.dumps(value, default=hold_place)
    for place, number in numbers.items():
        written = written.replace(place, number)
    return written
