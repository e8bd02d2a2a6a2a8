"""The arguments of public functions: their allowed values, and one error for all invalid values."""

from __future__ import annotations

import difflib
import inspect
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from wizframe.errors import InvalidRequestError
from wizframe.text import option, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.errors import WizframeError

__all__ = [
    "CALLABLE", "FLAG", "FRAME", "IDS", "LIST", "MAPPING", "NAMES", "PATH", "PROGRESS", "RECORD", "TEXT", "VALUES",
    "WORKERS", "Kind", "check_arguments", "checked", "number", "one_of", "or_none", "shown", "violations", "whole",
    "without_key",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

# The most characters of a value in an error, because the value may be a frame or a file.
_SHOWN_CHARACTERS = 80
# An API key in the place of another argument must not be shown. Profiles and dialects are shorter words.
_KEY = re.compile(r"api_\w{8}|^[\w.+/=-]{24,}$")


@dataclass(frozen=True)
class Kind:
    """The allowed values of an argument: in words, and as a function."""

    allowed: str
    fits: Callable[[Any], bool]


def or_none(kind: Kind) -> Kind:
    """Allow None, too."""
    return Kind(f"{kind.allowed}, or None", lambda value: value is None or kind.fits(value))


def whole(least: int, most: int | None = None) -> Kind:
    """Allow whole numbers, also numpy's."""
    until = "" if most is None else f" to {most:,}"

    def fits(value: Any) -> bool:
        is_whole = isinstance(value, Integral) and not isinstance(value, bool)
        return is_whole and least <= value and (most is None or value <= most)

    return Kind(f"whole numbers from {least}{until}", fits)


def number(least: float, most: float, *, above: bool = False) -> Kind:
    """Allow finite numbers, also numpy's."""

    def fits(value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            return False
        found = float(value)
        return (least < found if above else least <= found) and found <= most

    return Kind(f"numbers {f'above {least:g}' if above else f'from {least:g}'} to {most:,.0f}", fits)


def one_of(*values: str) -> Kind:
    """Allow some strings."""
    return Kind(", ".join(map(repr, values)), lambda value: isinstance(value, str) and value in values)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _is_writable(value)


def _is_writable(text: str) -> bool:
    try:
        return "\0" not in text and bool(text.encode() or True)
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _is_path(value: Any) -> bool:
    try:
        path = os.fspath(value)
    except TypeError:
        return False
    return isinstance(path, str) and bool(path) and _is_writable(path)


def _are_names(value: Any) -> bool:
    is_collection = isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping))
    return is_collection and hasattr(value, "__len__") and all(isinstance(name, str) for name in value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value)) and all(map(_is_text, value.values()))


def _are_values(value: Any) -> bool:
    is_mapping = isinstance(value, Mapping) and all(map(_is_text, value))
    return is_mapping and all(isinstance(one, Mapping) or callable(one) for one in value.values())


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_frame(value: Any) -> bool:
    return isinstance(value, pd.DataFrame)


def _are_ids(value: Any) -> bool:
    is_unread = LIST.fits(value) and not hasattr(value, "__len__")  # an iterator is read only once
    return is_unread or _is_frame(value) or _are_names(value)


TEXT = Kind("strings", _is_text)
FLAG = Kind("True and False", _is_flag)
PATH = Kind("paths of files, as a string or a Path", _is_path)
NAMES = Kind("a string, or a list of strings", _are_names)
MAPPING = Kind("a dict of strings", _is_mapping)
VALUES = Kind("a dict of dicts or functions, one for each column", _are_values)
RECORD = Kind("a dict of fields", lambda value: isinstance(value, Mapping))
LIST = Kind("a list", lambda value: isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)))
# The most threads: other programs use the service, too.
WORKERS = whole(1, 256)
CALLABLE = Kind("functions", callable)
FRAME = Kind("a pandas DataFrame; a frame of another library must be converted", _is_frame)
IDS = Kind("a frame, an id, or a list of ids", _are_ids)
PROGRESS = Kind("True, False, or a Watch", lambda value: _is_flag(value) or callable(getattr(value, "show", None)))


def check_arguments(
    error: type[WizframeError], kinds: Mapping[str, Kind], given: Mapping[str, Any], begin: str = ""
) -> None:
    """Raise an error that names every argument that is not valid, its value, and what is allowed."""
    wrong = violations(kinds, given)
    del given  # a traceback may print local variables, and an API key may be in the wrong argument
    if wrong:
        raise error(f"{begin}{wrong}")


def violations(kinds: Mapping[str, Kind], given: Mapping[str, Any]) -> str:
    """Describe the values that are not valid; empty if all are valid."""
    return "; ".join(
        f"{shown(name, given[name])} is not valid (allowed: {kind.allowed}{_closest(given[name], kind)})"
        for name, kind in kinds.items()
        if name in given and not kind.fits(given[name])
    )


def shown(name: str, value: Any) -> str:
    """Write an argument with its value, unless the value may contain an API key."""
    text = repr(value) if isinstance(value, (list, tuple, dict)) else value
    if isinstance(text, str) and _KEY.search(text):
        return f"{name} ({without_key(text)})"
    return printable(option(name, value), _SHOWN_CHARACTERS)


def without_key(text: str) -> str:
    """Write a string that may be an API key in the wrong place."""
    return f"a string of {len(text)} characters" if _KEY.search(text) else printable(text, _SHOWN_CHARACTERS)


def _closest(value: Any, kind: Kind) -> str:
    words = re.findall(r"'(\w+)'", kind.allowed)
    close = difflib.get_close_matches(value, words, n=1) if isinstance(value, str) else []
    return f"; did you mean {close[0]!r}?" if close else ""


def checked(
    error: type[WizframeError] = InvalidRequestError, /, **kinds: Kind
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a public function check its arguments, and suggest the closest name for an unknown one."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters.values()
        known = [one.name for one in parameters if one.name != "self" and one.kind is not one.VAR_KEYWORD]
        name = function.__qualname__.split(".")[-2 if function.__name__ == "__init__" else -1]
        begin = "nothing was sent: " if "client" in known else ""
        takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
        call: Callable[..., R] = function
        in_order = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]

        @wraps(function)
        def called(*args: P.args, **options: P.kwargs) -> R:
            if not takes_any:
                _refuse_unknown(name, [one for one in options if one not in known], known)
            check_arguments(error, kinds, dict(zip(in_order, args, strict=False)) | options, begin)
            return call(*map(_plain, args), **{name: _plain(value) for name, value in options.items()})

        return called

    return decorate


def _plain(value: Any) -> Any:
    """Convert numpy's numbers, flags and strings to Python's own types."""
    is_scalar = isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64)
    return value.item() if is_scalar else value


def _refuse_unknown(function: str, unknown: list[str], known: list[str]) -> None:
    if unknown:
        close = [one for name in unknown for one in difflib.get_close_matches(name, known, n=1)]
        hint = f"Did you mean {', '.join(close)}?" if close else f"Its parameters are {', '.join(known)}."
        message = f"unknown parameter of {function}, nothing was sent: {', '.join(unknown)}"
        raise InvalidRequestError(message, [(name, "is unknown") for name in unknown], hint=hint)
