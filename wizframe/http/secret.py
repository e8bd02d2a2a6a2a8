"""The API key, stored so that no output shows it. This module does not know HTTP."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING, NoReturn, Self
from urllib.parse import quote

from wizframe.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Secret"]

# The text that is shown instead of a key.
_MASK = "***"
# A shorter key may be an ordinary word in a response.
_MIN_UNIQUE_CHARACTERS = 12
# One ASCII character in an encoding of JSON, JavaScript, an address or HTML, also escaped twice: \u0061 \x61 %61 &#97;
_ENCODED = re.compile(
    r"(?:\\+(?:u00|x)|%(?:25)*)([2-7][0-9a-f])|(?:\\+u\{|&(?:amp;)*#x)0*([2-7][0-9a-f])[;}]|&(?:amp;)*#0*(\d{2,3});",
    re.IGNORECASE,
)
# A text without these characters has no encoded character. A NUL is between the letters in UTF-16.
_MARKS = re.compile(rb"[\\%&\0]")


class Secret:
    """An API key or a password. It is not a string, because a slice, a join or a copy of a masked string would show it.

    It stores methods of the values instead of the values, because crash reporters show the attributes of objects, and
    the ``repr`` of such a method contains only a type.
    """

    __slots__ = ("_forms", "_replace", "_value")

    def __init__(self, value: object) -> None:
        self._keep(value.strip() if isinstance(value, str) else "")

    @classmethod
    def of_password(cls, text: str) -> Self:
        """Make a secret from a string that is not sent in a header; the spaces around it are kept."""
        secret = cls.__new__(cls)
        secret._keep(str.__str__(text))  # noqa: SLF001 - a secret of this class
        return secret

    @classmethod
    def of(cls, value: object) -> Secret:
        """Return a secret unchanged, and any other value as a secret. Never fails: the caller has the value."""
        return value if isinstance(value, Secret) else cls(value)

    def _keep(self, value: str) -> None:
        # The longest form comes first, because a form that contains another one must be masked as a whole.
        forms = sorted(set(_forms(value)), key=len, reverse=True) if value else []
        self._value = value.__str__
        self._forms = tuple(form.lower().encode("utf-8", "replace") for form in forms).__iter__
        self._replace = re.compile("|".join(map(re.escape, forms)) or "(?!)", re.IGNORECASE | re.ASCII).sub

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __bool__(self) -> bool:
        return bool(self._value())

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key cannot be pickled: connect() again in the other process")

    def checked(self) -> Self:
        """Return this secret if it can be an API key."""
        value = self._value()
        is_key = value and value.isascii() and value.isprintable() and " " not in value  # it must fit into a header
        del value  # a traceback may print local variables
        if not is_key:
            raise ConfigurationError("the API key is not valid: it is empty or has characters that a key cannot have")
        return self

    def reveal(self) -> str:
        """Return the key for a header. Never store the result in a variable."""
        return self._value()

    def redact(self, text: str) -> str:
        """Mask the key everywhere in a string, in all forms in which a service may write it.

        The text must be complete, because a cut key would not be found.
        """
        text = self._replace(_MASK, text)
        return _MASK if self._is_encoded_in(text.encode("utf-8", "replace")) else text

    def is_in(self, content: bytes) -> bool:
        """Whether a body contains the key, in any letter case and encoding. A key as short as a word is never found."""
        return self._is_unique() and (self._stands_in(content) or self._is_encoded_in(content))

    def _is_unique(self) -> bool:
        return len(self._value()) >= _MIN_UNIQUE_CHARACTERS

    def _stands_in(self, content: bytes) -> bool:
        return any(map(content.lower().__contains__, self._forms()))  # lower() of bytes changes only ASCII letters

    def _is_encoded_in(self, content: bytes) -> bool:
        """Whether the key appears after single characters are decoded."""
        if not self._is_unique() or not _MARKS.search(content):
            return False
        text = content.decode(json.detect_encoding(content), "replace")
        decoded = html.unescape(_ENCODED.sub(_character, text)).replace("\0", "")
        return any(self._stands_in(form.encode("utf-8", "replace")) for form in (decoded, decoded.replace("\\", "")))


def _character(match: re.Match[str]) -> str:
    in_hex = match[1] or match[2]
    return chr(int(in_hex, 16) if in_hex else int(match[3]))


def _forms(key: str) -> Iterator[str]:
    """Yield the forms in which a service may send the whole key back."""
    yield key
    if len(key) >= _MIN_UNIQUE_CHARACTERS:
        escaped = json.dumps(key)[1:-1]
        yield from (quote(key, safe="", errors="replace"), escaped, escaped.replace("/", "\\/"), html.escape(key))
        yield key.encode("utf-8", "replace").hex()
        yield from _in_base64(key)


def _in_base64(key: str) -> Iterator[str]:
    """Encode the key after 0 to 2 other bytes, without the characters that depend on the bytes around it."""
    content = key.encode("utf-8", "replace")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + content)
        whole = (before + len(content)) * 8 // 6
        form = encoded[-(-before * 8 // 6) : whole].decode()
        yield from (form, form.replace("+", "-").replace("/", "_"))
