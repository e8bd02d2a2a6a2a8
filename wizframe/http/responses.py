"""Interpret a response or a broken connection: as a 2xx response, or as an error. Sends nothing."""

from __future__ import annotations

import contextlib
import itertools
import json
import ssl
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3.exceptions

from wizframe.errors import (
    DeadlineError,
    Hint,
    NotSentError,
    ProtocolError,
    RedirectError,
    TransportError,
    service_error,
)
from wizframe.http.exact_json import read_exactly
from wizframe.text import printable

if TYPE_CHECKING:
    from wizframe.errors import WizframeError
    from wizframe.http.secret import Secret

__all__ = ["Response", "connection_error", "read_body", "response_or_error"]

# A page of 100 customers has about 50 kB; details with all nested lists have less than a megabyte.
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
# A body of 60 MB of `{},{},…`, 58 kB when compressed, would become 2 GB of objects. A customer with 10,000 contacts has
# 200,000 values.
MAX_VALUES = 1_000_000
# orjson reads 1,024 levels, but writes only 254: deeper records could not be sent back or journaled.
_MAX_DEPTH = 200
# A push keeps the message of each row, and a terminal shows some of them.
_MESSAGE_CHARACTERS, _EXCERPT_CHARACTERS, _DETAILS = 2000, 200, 50
# Partial content. wizframe never requests a part, so a record in such a response may be incomplete.
_PARTIAL = 206
# Far more than is shown, because a key must be complete to be found and masked.
_EXCERPT_BYTES = 64 * 1024
_KEY_IN_BODY = (
    "a body that contains the API key itself, so nothing of it is used: the key would end up in frames and files. "
    "Either a record contains the key, or a proxy repeats what it is sent"
)
_NOT_THE_API = Hint(
    python="Check base_url and the API key: the response may be a login page, or a page from a proxy.",
    cli="Check WIZCOMMERCE_BASE_URL and the API key: the response may be a login page, or a page from a proxy.",
)
_HINTS: dict[int, Hint | str] = {
    401: Hint(
        python="The API key is missing, wrong or expired: create a new one in WizCommerce and connect() again.",
        cli="The API key is missing, wrong or expired: create a new one in WizCommerce, or use `wizframe login`.",
    ),
    403: "The API key has no permission for this.",
}
_UNTRUSTED_HINT = Hint(
    python="If your network replaces certificates, pass its certificates as ca_bundle=.",
    cli="If your network replaces certificates, set REQUESTS_CA_BUNDLE to a file with its certificates.",
)


@dataclass(frozen=True)
class Response:
    """A 2xx response: the decompressed body, and the unchanged Date header. No error about it shows ``secret``."""

    status: int
    body: bytes = field(repr=False)
    secret: Secret = field(repr=False)
    date: str = field(default="", repr=False)

    def json(self, max_values: int = MAX_VALUES, *, is_exact: bool = False) -> Any:
        """Parse the body; raise :class:`ProtocolError` if it is empty, is not JSON, or contains the key.

        A body with more than ``max_values`` values is rejected before it is parsed, because a small body can become
        gigabytes.
        """
        hint: Hint | str | None = None
        try:
            parsed = _parse(self.body, max_values)
            parsed = read_exactly(self.body, parsed) if is_exact else parsed
        except TooManyValuesError as error:
            found = str(error)
        except ValueError:
            found = f"a body that is not JSON: {_excerpt(self.body, self.secret)}" if self.body else "an empty body"
            hint = _NOT_THE_API if self.body else None
        else:
            # Masking the key would change records, and a contact is written back as a whole (contract, the PUT trap).
            if not self.secret.is_in(self.body):
                return parsed
            found = _KEY_IN_BODY
            del parsed
        object.__setattr__(self, "body", b"")  # a traceback may print local variables, and the body contains the key
        raise ProtocolError(f"the service responded {self.status} with {found}", hint=hint)

    @cached_property
    def words(self) -> str:
        """The status and the service's own message (or the beginning of the body), for our messages."""
        _, message, details = _error_body(self.body, self.secret)
        reasons = [f"{name}: {reason}" for name, reason in details if reason not in message]
        return " ".join(filter(None, [str(self.status), message, "; ".join(reasons)]))


class TooManyValuesError(ValueError):
    """A body has more values than a response to this request needs."""


def _parse(content: bytes, max_values: int = MAX_VALUES) -> Any:
    # A body has about one comma or bracket per value. Those in strings count, too, but a true response has far fewer.
    if sum(map(content.count, (b",", b"[", b"{"))) > max_values:
        raise TooManyValuesError(f"a body of more than {max_values:,} values, so it was not read")
    try:
        parsed = orjson.loads(content)
        may_be_deep = content.count(b"[") + content.count(b"{") > _MAX_DEPTH
    except orjson.JSONDecodeError:
        may_be_deep = True
        try:
            # Python's parser accepts half an emoji, so that one such name does not make the whole page unreadable.
            parsed = json.loads(content)
        except RecursionError:
            raise ValueError("nested too deeply") from None
    if may_be_deep and _is_deep(parsed):
        raise ValueError("nested too deeply")
    return parsed


def _is_deep(parsed: Any) -> bool:
    """Whether JSON is nested so deeply that it could be read, but not written again."""
    with contextlib.suppress(TypeError):  # orjson raises it for half an emoji, for example
        orjson.dumps(parsed)
        return False
    level = [parsed]
    for _ in range(_MAX_DEPTH):
        nested = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = list(itertools.chain.from_iterable(nested))
    return bool(level)


def read_body(response: requests.Response) -> bytes | None:
    """Read a body in pieces; return None if it exceeds the size limit, so an endless body does not fill the memory."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    inflate = None if encoding in ("", "identity") else _Inflate(encoding)
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(1 << 20, decode_content=False):
        piece = inflate(piece, MAX_RESPONSE_BYTES + 1 - size) if inflate else piece
        size += len(piece)
        if size > MAX_RESPONSE_BYTES:
            return None
        pieces.append(piece)
    if inflate and pieces and not inflate.is_whole:
        raise urllib3.exceptions.ProtocolError("the compressed body is cut off")
    return b"".join(pieces)


class _Inflate:
    """Decompress gzip or deflate. Unlike urllib3, it notices a body that was cut off."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise urllib3.exceptions.DecodeError(f"the service compressed its response as {encoding!r}")
        self._stream = zlib.decompressobj(_ANY_HEADER)
        self._is_first = True

    @property
    def is_whole(self) -> bool:
        return self._stream.eof

    def __call__(self, piece: bytes, max_bytes: int) -> bytes:
        try:
            plain = self._stream.decompress(piece, max_bytes)
        except zlib.error as error:
            if not self._is_first:
                raise urllib3.exceptions.DecodeError(f"the compressed body is damaged ({error})") from None
            self._stream, self._is_first = zlib.decompressobj(-zlib.MAX_WBITS), False  # deflate without a header
            return self(piece, max_bytes)
        self._is_first = False
        rest = self._stream.unused_data
        if rest.startswith(_GZIP) and len(plain) < max_bytes:  # gzip may consist of several parts
            self._stream = zlib.decompressobj(_ANY_HEADER)
            plain += self(rest, max_bytes - len(plain))
        return plain


# The first bytes of gzip (RFC 1952).
_GZIP = b"\x1f\x8b"
#: Detects gzip or zlib by the first bytes.
_ANY_HEADER = 32 + zlib.MAX_WBITS


def connection_error(request: str, url: str, error: Exception, secret: Secret) -> TransportError:
    """Return the error for a broken connection: proven unsent, too late, or unknown.

    ``error`` comes from requests, urllib3 or the socket, and may quote a part of the response.
    """
    request = secret.redact(request)
    reason = getattr(error.args[0], "reason", None) if error.args else None
    host = urlsplit(url).netloc
    causes = reason.args if isinstance(reason, urllib3.exceptions.SSLError) else ()
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        why = f"{host} showed a certificate that is not trusted ({_shortened(reason, secret)})"
        untrusted = NotSentError(f"nothing was sent: {why} ({request})", hint=_UNTRUSTED_HINT)
        untrusted.code = "certificate"
        return untrusted
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, _NEVER_CONNECTED):
        hint = "Check the base URL, your network, and whether the service is up."
        return NotSentError(f"nothing was sent: no connection to {host} ({request})", hint=hint)
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return DeadlineError(f"no complete response in time ({request})")
    why = _shortened(error, secret) or type(error).__name__
    return TransportError(f"the connection broke before the response was complete: {why} ({request})")


# With these errors, no connection was made, so no part of a request was sent.
_NEVER_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)


def _shortened(error: object, secret: Secret) -> str:
    """Return the innermost reason in a library's nested message."""
    return " ".join(secret.redact(str(error)).rsplit("Caused by ", 1)[-1].split())[:_EXCERPT_CHARACTERS]


def response_or_error(
    request: str, response: requests.Response, content: bytes | None, secret: Secret
) -> Response | WizframeError:
    """Convert a complete response to a :class:`Response`, or to the error for its status (which is not raised)."""
    status = response.status_code
    if status == _PARTIAL:
        return ProtocolError(f"the service responded 206 with a part of what was requested ({secret.redact(request)})")
    if 200 <= status < 300 and content is not None:  # noqa: PLR2004 - HTTP's own boundaries
        return Response(status, content, secret, secret.redact(response.headers.get("Date", "")))
    request = secret.redact(request)
    if content is None:
        return ProtocolError(f"the response is too large: more than {MAX_RESPONSE_BYTES // 2**20} MB ({request})")
    if status < 400:  # noqa: PLR2004
        target = _text(response.headers.get("Location", "nowhere"), secret)
        message = f"{status}: the service redirects to {target}, and redirects are never followed ({request})"
        return RedirectError(message, hint="Check the base URL.")
    code, message, details = _error_body(content, secret)
    message = f"{status} {message}".rstrip()
    return service_error(status, message, code=code, details=details, request=request, hint=_HINTS.get(status))


def _error_body(content: bytes, secret: Secret) -> tuple[str, str, list[tuple[str, str]]]:
    """Read ``{code, message, details}`` (contract, Transport), redacted. Of any other body, return an excerpt."""
    try:
        body = _parse(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return "", _excerpt(content, secret), []
    rows = body.get("details")
    details = [
        (_text(row.get("field"), secret, _EXCERPT_CHARACTERS), _text(row.get("reason"), secret, _EXCERPT_CHARACTERS))
        for row in (rows[:_DETAILS] if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]
    message = _text(body.get("message"), secret) or _excerpt(content, secret)
    return _text(body.get("code"), secret, _EXCERPT_CHARACTERS), message, details


def _text(value: Any, secret: Secret, longest: int = _MESSAGE_CHARACTERS) -> str:
    return "" if value is None else printable(secret.redact(str(value)), longest)


def _excerpt(content: bytes, secret: Secret) -> str:
    """Quote the beginning of a body. It is redacted before it is cut, because a cut key would not be found."""
    begin = content[:_EXCERPT_BYTES]
    text = " ".join(secret.redact(begin.decode(json.detect_encoding(begin), "replace")).split())
    return printable(text, _EXCERPT_CHARACTERS)
