"""The API key, kept where nothing shows it. Knows nothing of HTTP."""

from __future__ import annotations

from typing import NoReturn

from wizframe.errors import ConfigurationError

__all__ = ["Secret"]


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

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigurationError("the API key is empty or holds characters that a key cannot have")
        self._value = _Masked(value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key cannot be pickled; connect() again where it is needed")

    def reveal(self) -> str:
        """Return the key as a text whose repr stays masked."""
        return self._value

    def redact(self, text: str) -> str:
        """Replace the key wherever it stands in a text."""
        return text.replace(str.__str__(self._value), "***")


class _Masked(str):
    """A text that shows itself as ``***`` in reprs, and so in tracebacks that print local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"
