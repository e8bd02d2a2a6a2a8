"""The API key, kept where nothing shows it. Knows nothing of HTTP."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, NoReturn, Self
from urllib.parse import quote

from wizframe.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Secret", "masked"]

_MASK = "***"
# A shorter key may be an ordinary word of a response.
_MIN_UNIQUE_CHARACTERS = 12
# Unlike str.lower(), it never changes the length, so positions in the result are those in the text.
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class Secret:
    """An API key that no repr, format, pickle or traceback shows."""

    __slots__ = ("_forms", "_value")

    def __init__(self, value: str) -> None:
        value = masked(masked(value).strip())
        if not value or not value.isascii() or not value.isprintable() or " " in value:  # it must fit into a header
            raise ConfigurationError("the API key is not valid: it is empty or has characters that a key cannot have")
        self._keep(value)

    def _keep(self, value: str) -> None:
        self._value = value
        # The longest first: a form that contains another one must not be left in pieces.
        self._forms = tuple(masked(form) for form in sorted(set(_forms(value)), key=len, reverse=True))

    @classmethod
    def of_any(cls, text: str) -> Self:
        """Make a secret of any string that goes into no header, such as a password."""
        secret = cls.__new__(cls)
        secret._keep(masked(text))  # noqa: SLF001 - a secret of this class
        return secret

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __reduce__(self) -> NoReturn:
        _refuse_pickle()

    def reveal(self) -> str:
        """Return the key for a header. Its ``repr``, ``str`` and ``format`` still show ``***``."""
        return self._value

    def redact(self, text: str) -> str:
        """Mask the key wherever it stands in a string, however a service may write it.

        The text must be complete, because half a key would not be found.
        """
        for form in self._forms:
            text = _without(text, form)
        return text

    def is_in(self, content: bytes) -> bool:
        """Whether a body contains the key in a form that :meth:`redact` knows; never for a key as short as a word."""
        small = content.lower()  # of bytes, only ASCII letters
        return len(self._value) >= _MIN_UNIQUE_CHARACTERS and any(form.encode() in small for form in self._forms)


class _Masked(str):
    """A string that shows itself as ``***``, also in tracebacks with local variables. ``encode`` gives the key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{_MASK}'"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        _refuse_pickle()


def masked(value: object) -> str:
    """Make a string show itself as ``***``; anything but a string becomes one that cannot be a key."""
    if isinstance(value, _Masked):
        return value
    return _Masked(value if isinstance(value, str) else "\0")


def _forms(key: str) -> Iterator[str]:
    """Yield, in lower case, the forms in which a service may send the key back."""
    yield key.translate(_LOWER)
    if len(key) < _MIN_UNIQUE_CHARACTERS:
        return
    escaped = json.dumps(key)[1:-1]
    written = [quote(key, safe=""), escaped, escaped.replace("/", "\\/"), html.escape(key), *_in_base64(key)]
    yield from (form.translate(_LOWER) for form in written)


def _in_base64(key: str) -> Iterator[str]:
    """Encode the key after 0 to 2 other bytes, without the characters that depend on its neighbours."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + key.encode())
        whole = (before + len(key)) * 8 // 6
        form = encoded[-(-before * 8 // 6) : whole].decode()
        yield from (form, form.replace("+", "-").replace("/", "_"))


def _without(text: str, form: str) -> str:
    """Mask a form in any letter case."""
    small = text.translate(_LOWER)
    pieces = []
    start = 0
    while (found := small.find(form, start)) >= 0:
        pieces.append(text[start:found])
        start = found + len(form)
    return _MASK.join([*pieces, text[start:]])


def _refuse_pickle() -> NoReturn:
    raise TypeError("an API key cannot be pickled: connect() again in the other process")
