"""What comes back: a 2xx answer, or the error that an answer or a broken connection means. Sends nothing itself."""

from __future__ import annotations

import contextlib
import itertools
import json
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import orjson
import requests
import urllib3.exceptions

from wizframe.errors import DeadlineError, NotSentError, ProtocolError, RedirectError, TransportError, service_error
from wizframe.text import printable

if TYPE_CHECKING:
    from wizframe.errors import WizframeError
    from wizframe.http.secret import Secret

__all__ = ["Answer", "failure", "judge", "read"]

MAX_ANSWER_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 200  # orjson reads 1,024 levels, and writes 254
_EXCERPT_CHARACTERS = 200
_MESSAGE_CHARACTERS = 2000  # what a service says is kept for every row that it is said of
_DETAILS = 50
_EXCERPT_BYTES = 64 * 1024  # far more than is shown, so that a key at the cut is whole when it is looked for
_ECHO = (
    "something that holds the API key itself, so nothing of it is used: it would end up in frames and files. "
    "Does a record hold the key, or does something between here and the service repeat what it is sent?"
)


@dataclass(frozen=True)
class Answer:
    """A 2xx answer.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        As it arrived, decompressed.
    secret : Secret
        What no error about the body may show.
    date : str
        When the service says that it answered, as its header has it.
    """

    status: int
    body: bytes = field(repr=False)
    secret: Secret = field(repr=False)
    date: str = field(default="", repr=False)

    def json(self) -> Any:
        """Parse the body.

        Returns
        -------
        object

        Raises
        ------
        ProtocolError
            The body is empty or no JSON, or holds the key.
        """
        try:
            parsed = _parse(self.body)
        except ValueError:
            said = f"something that is no JSON: {_excerpt(self.body, self.secret)}" if self.body else "nothing"
        else:
            # Masking the key would alter records, and a contact is written back whole.
            if not self.secret.is_in(self.body):
                return parsed
            said = _ECHO
            del parsed  # a traceback may print local variables
        raise ProtocolError(f"the service answered {self.status} with {said}")


def _parse(content: bytes) -> Any:
    try:
        parsed = orjson.loads(content)
        may_be_deep = _opens_often(content)
    except orjson.JSONDecodeError:
        may_be_deep = True
        try:
            parsed = json.loads(content)  # lenient: half an emoji in one name must not cost a whole page
        except RecursionError:
            raise ValueError("nested too deeply") from None
    if may_be_deep and _is_deep(parsed):
        raise ValueError("nested too deeply")
    return parsed


def _opens_often(content: bytes) -> bool:
    """Tell whether there are as many brackets that open, [ and {, as something deep needs. They differ in one bit."""
    return int(np.count_nonzero((np.frombuffer(content, np.uint8) | 0x20) == ord("{"))) > _MAX_DEPTH


def _is_deep(parsed: Any) -> bool:
    """Tell whether something is nested so deeply that it could be read, but not written again."""
    with contextlib.suppress(TypeError):  # among others for half an emoji
        orjson.dumps(parsed)
        return False
    level = [parsed]
    for _ in range(_MAX_DEPTH):
        nested = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = list(itertools.chain.from_iterable(nested))
    return bool(level)


def read(response: requests.Response) -> bytes | None:
    """Read a body piecewise, so that an endless one meets the size limit.

    Parameters
    ----------
    response : requests.Response
        Opened with ``stream=True``.

    Returns
    -------
    bytes or None
        None where the body is larger than ``MAX_ANSWER_BYTES``.

    Raises
    ------
    requests.RequestException, urllib3.exceptions.HTTPError
        The body did not arrive whole or in time.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(1 << 20, decode_content=True):
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def failure(method: str, url: str, error: Exception, secret: Secret) -> TransportError:
    """Say what a broken connection means: proven unsent, too late, or unknown.

    Parameters
    ----------
    method, url : str
        For the message.
    error : Exception
        From requests, urllib3 or the socket.
    secret : Secret
        What must not show: the error may quote what a service answered.

    Returns
    -------
    TransportError
        Not raised.
    """
    reason = getattr(error.args[0], "reason", None) if error.args else None
    what, host = f"{method} {url}", urlsplit(url).netloc
    if _is_untrusted(reason):
        words = _words(secret.redact(str(reason)))
        untrusted = NotSentError(f"{what}: {host} showed a certificate that is not trusted ({words})")
        untrusted.code = "certificate"
        return untrusted
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, _NEVER_CONNECTED):
        return NotSentError(f"{what}: no connection to {host}; is the address right, is the service up?")
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return DeadlineError(f"{what}: no complete answer in time")
    words = _words(secret.redact(str(error))) or type(error).__name__
    return TransportError(f"{what}: the connection broke before the answer was complete ({words})")


_NEVER_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)


def _is_untrusted(reason: object) -> bool:
    args = getattr(reason, "args", ())
    return isinstance(reason, urllib3.exceptions.SSLError) and any(
        isinstance(cause, ssl.SSLCertVerificationError) for cause in args
    )


def _words(text: str) -> str:
    """Say in few words what a library's error means."""
    return " ".join(text.rsplit("Caused by ", 1)[-1].split())[:_EXCERPT_CHARACTERS]


def _error_body(content: bytes, secret: Secret) -> tuple[str, str, list[tuple[str, str]]]:
    """Read ``{code, message, details}``, redacted; a body that is something else becomes an excerpt."""
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
    """Quote the beginning of a body. Redacted before it is cut, since half a key would not be found."""
    text = " ".join(secret.redact(content[:_EXCERPT_BYTES].decode("utf-8", "replace")).split())
    return printable(text, _EXCERPT_CHARACTERS)


def _advice(status: int) -> str:
    return {
        401: ". The API key is missing, wrong or expired: make a new one in WizCommerce and connect again.",
        403: ". The API key may not do this.",
    }.get(status, "")


def judge(response: requests.Response, content: bytes, secret: Secret) -> Answer | WizframeError:
    """Turn a complete answer into an :class:`Answer` or the error that its status means, redacted.

    Parameters
    ----------
    response : requests.Response
        For status, method, URL and headers.
    content : bytes
        The body.
    secret : Secret
        What must not show.

    Returns
    -------
    Answer or WizframeError
        Not raised.
    """
    status, what = response.status_code, f"{response.request.method} {response.request.url}"
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own boundaries
        return Answer(status, content, secret, response.headers.get("Date", ""))
    if status < 400:  # noqa: PLR2004
        target = _text(response.headers.get("Location", "nowhere"), secret)
        return RedirectError(
            f"{what}: the service answered {status} and points to {target}. Redirects are never followed: "
            "check the base URL."
        )
    code, message, details = _error_body(content, secret)
    said = "; ".join(f"{name}: {reason}" for name, reason in details)
    message = f"{message} ({said})" if said else message
    return service_error(status, f"{what}: {status} {message}{_advice(status)}", code=code, details=details)
