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
#: A shorter key cannot be told from an ordinary word of an answer.
_TELLING_CHARACTERS = 12
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # unlike lower(), it never changes the length


class Secret:
    """An API key that no repr, format, pickle or traceback shows.

    Parameters
    ----------
    value : str
        Printable ASCII without spaces, as a header needs.

    Raises
    ------
    ConfigurationError
        The text cannot be a key.
    """

    __slots__ = ("_forms", "_value")

    def __init__(self, value: str) -> None:
        value = masked(masked(value).strip())
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigurationError("the API key is empty or holds characters that a key cannot have")
        self._keep(value)

    def _keep(self, value: str) -> None:
        self._value = value
        # The longest first: a form that holds another one must not be left in pieces.
        self._forms = tuple(masked(form) for form in sorted(set(_forms(value)), key=len, reverse=True))

    @classmethod
    def of_any(cls, text: str) -> Self:
        """Make a secret of any text, such as a password, that goes into no header.

        Parameters
        ----------
        text : str
            Not empty.

        Returns
        -------
        Secret
        """
        secret = cls.__new__(cls)
        secret._keep(masked(text))  # noqa: SLF001 - a secret of its own
        return secret

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __reduce__(self) -> NoReturn:
        _refuse_pickle()

    def reveal(self) -> str:
        """Return the key for a header: a text that still shows itself masked.

        Returns
        -------
        str
            Its characters are the key; ``repr``, ``str`` and ``format`` of it are not.
        """
        return self._value

    def redact(self, text: str) -> str:
        """Replace the key wherever it stands in a text.

        Parameters
        ----------
        text : str
            Whole, not cut: half a key would not be found.

        Returns
        -------
        str
            Also without the key in other letter case, percent-encoded, escaped for JSON or HTML, or in base64.
        """
        for form in self._forms:
            text = _without(text, form)
        return text

    def is_in(self, content: bytes) -> bool:
        """Tell whether the key stands in an answer, in one of the forms that :meth:`redact` knows.

        Parameters
        ----------
        content : bytes

        Returns
        -------
        bool
            Never for a key as short as an ordinary word.
        """
        small = content.lower()  # of bytes: ASCII letters alone
        return len(self._value) >= _TELLING_CHARACTERS and any(form.encode() in small for form in self._forms)


class _Masked(str):
    """A text that shows itself as ``***``, also in tracebacks that print local variables. ``encode`` gives the key."""

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
    """Make a text show itself as ``***``, so that no traceback that prints local variables shows it.

    Parameters
    ----------
    value : object
        Whatever was given as a key.

    Returns
    -------
    str
        Its characters are those of the text; what is no text becomes one that cannot be a key.
    """
    if isinstance(value, _Masked):
        return value
    return _Masked(value if isinstance(value, str) else "\0")


def _forms(key: str) -> Iterator[str]:
    """List how a service may write the key when it throws it back, in small letters."""
    yield key.translate(_LOWER)
    if len(key) < _TELLING_CHARACTERS:
        return
    escaped = json.dumps(key)[1:-1]
    written = [quote(key, safe=""), escaped, escaped.replace("/", "\\/"), html.escape(key), *_in_base64(key)]
    yield from (form.translate(_LOWER) for form in written)


def _in_base64(key: str) -> Iterator[str]:
    """Encode the key with 0 to 2 bytes before it, without the characters that depend on what stands around it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + key.encode())
        whole = (before + len(key)) * 8 // 6
        form = encoded[-(-before * 8 // 6) : whole].decode()
        yield from (form, form.replace("+", "-").replace("/", "_"))


def _without(text: str, form: str) -> str:
    """Replace a form in any letter case."""
    small = text.translate(_LOWER)
    pieces = []
    start = 0
    while (found := small.find(form, start)) >= 0:
        pieces.append(text[start:found])
        start = found + len(form)
    return _MASK.join([*pieces, text[start:]])


def _refuse_pickle() -> NoReturn:
    raise TypeError("an API key cannot be pickled; connect() again where it is needed")
