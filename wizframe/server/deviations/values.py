"""Values that deviate: the service stores them in another form."""

from __future__ import annotations

import dataclasses
import html
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.deviations.points import Deviation, Proceed
from wizframe.server.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.http_messages import Request, Response
    from wizframe.server.resources import Record, Resource

__all__ = [
    "FormattedPhones",
    "Rewritten",
    "collapsed",
    "composed",
    "escaped",
    "lowercased",
    "trimmed",
    "truncated",
    "uppercased",
]

_IDS = {"id", "assigned_price_list_id", "primary_contact_id", "default_shipping_address_id"}
_IDS |= {"default_billing_address_id"}
#: Shorter than some of the generated names.
_MOST_CHARACTERS = 12


class Rewritten(Deviation):
    """Text values of the given fields, or of all fields except ids, that are stored in another form."""

    def __init__(self, rewrite: Callable[[str], str], *names: str) -> None:
        self._rewrite = rewrite
        self._names = names

    def stored(self, values: Record, _resource: Resource, _current: Record | None) -> Record:
        """Rewrite the values, including those of records inside a record."""
        return {name: self._rewritten(name, value) for name, value in values.items()}

    def _rewritten(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and value:
            is_meant = name in self._names if self._names else name not in _IDS
            return self._rewrite(value) if is_meant else value
        if isinstance(value, list) and name in RESOURCES:
            return [{key: self._rewritten(key, item[key]) for key in item} for item in value]
        return value


trimmed = str.strip


def collapsed(text: str) -> str:
    """Replace each run of spaces by one space."""
    return re.sub(r"\s+", " ", text).strip()


def composed(text: str) -> str:
    """Compose letters and accents (NFC)."""
    return unicodedata.normalize("NFC", text)


def escaped(text: str) -> str:
    """Escape the text for HTML."""
    return html.escape(text, quote=False)


def truncated(text: str) -> str:
    """Cut the text after some characters."""
    return text[:_MOST_CHARACTERS]


lowercased = str.lower
uppercased = str.upper


def _formatted(phone: str) -> str:
    return f"{phone[:-10]} ({phone[-10:-7]}) {phone[-7:-4]}-{phone[-4:]}".strip()


class FormattedPhones(Rewritten):
    """Phone numbers that are stored, sent and accepted with spaces and brackets; E.164 is accepted, too."""

    def __init__(self) -> None:
        super().__init__(_formatted, "phone")

    def respond(self, request: Request, proceed: Proceed) -> Response:
        """Accept the formatted numbers."""
        body = orjson.loads(request.body) if request.body.startswith(b"{") else {}
        phone = body.get("phone")
        if not isinstance(phone, str) or not re.fullmatch(r"\+[\d ()-]+", phone):
            return proceed(request)
        plain = re.sub(r"[ ()-]", "", phone)
        return proceed(dataclasses.replace(request, body=orjson.dumps(body | {"phone": plain})))
