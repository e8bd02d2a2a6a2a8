"""The API key, kept where nothing shows it. Knows nothing of HTTP."""

from __future__ import annotations

from typing import NoReturn

from wizframe.errors import ConfigurationError

__all__ = ["Secret"]

_MASK = "***"


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
        """
        return text.replace(self._value, _MASK)


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


def _refuse_pickle() -> NoReturn:
    raise TypeError("an API key cannot be pickled; connect() again where it is needed")
