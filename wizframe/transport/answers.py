"""What comes back: a 2xx answer, or the error that an answer or a broken connection means. Sends nothing itself."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3.exceptions

from wizframe.errors import DeadlineError, NotSentError, ProtocolError, RedirectError, TransportError, service_error

if TYPE_CHECKING:
    from wizframe.errors import WizframeError
    from wizframe.transport.secret import Secret

__all__ = ["Answer", "failure", "judge", "read"]

MAX_ANSWER_BYTES = 64 * 1024 * 1024
_EXCERPT_CHARACTERS = 200


@dataclass(frozen=True)
class Answer:
    """A 2xx answer.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        As it arrived, decompressed.
    """

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Parse the body.

        Returns
        -------
        object
            None for an empty body.

        Raises
        ------
        ProtocolError
            The body is no JSON.
        """
        if not self.body:
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            excerpt = _excerpt(self.body)
        raise ProtocolError(f"the service answered {self.status} with something that is no JSON: {excerpt}")


def read(response: requests.Response, deadline: float) -> bytes | None:
    """Read a body piecewise, so that a slow or endless one meets the deadline and the size limit.

    Parameters
    ----------
    response : requests.Response
        Opened with ``stream=True``.
    deadline : float
        On the monotonic clock, in seconds.

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
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
        pieces.append(piece)
    return b"".join(pieces)


def failure(method: str, url: str, error: Exception) -> TransportError:
    """Say what a broken connection means: proven unsent, too late, or unknown.

    Parameters
    ----------
    method, url : str
        For the message.
    error : Exception
        From requests, urllib3 or the socket.

    Returns
    -------
    TransportError
        Not raised.
    """
    reason = getattr(error.args[0], "reason", None) if error.args else None
    what, host = f"{method} {url}", urlsplit(url).netloc
    if _is_untrusted(reason):
        untrusted = NotSentError(f"{what}: {host} showed a certificate that is not trusted ({_words(reason)})")
        untrusted.code = "certificate"
        return untrusted
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, _NEVER_CONNECTED):
        return NotSentError(f"{what}: no connection to {host}; is the address right, is the service up?")
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
        return DeadlineError(f"{what}: no complete answer in time")
    return TransportError(f"{what}: the connection broke before the answer was complete ({_words(error)})")


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


def _words(error: object) -> str:
    """Say in few words what a library's error means."""
    text = str(error).rsplit("Caused by ", 1)[-1]
    return " ".join(text.split())[:_EXCERPT_CHARACTERS] or type(error).__name__


def _error_body(content: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    """Read ``{code, message, details}``; a body that is something else becomes an excerpt."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return "", _excerpt(content), []
    rows = body.get("details")
    details = [
        (str(row.get("field", "")), str(row.get("reason", "")))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ]
    said = "; ".join(f"{name}: {reason}" for name, reason in details)
    message = str(body.get("message", ""))
    return str(body.get("code", "")), f"{message} ({said})" if said else message, details


def _excerpt(content: bytes) -> str:
    text = " ".join(content[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace").split())
    return text[:_EXCERPT_CHARACTERS] + ("…" if len(text) > _EXCERPT_CHARACTERS else "")


def _advice(status: int) -> str:
    return {
        401: ". The API key is missing, wrong or expired: make a new one in WizCommerce and connect() again.",
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
        return Answer(status, content)
    if status < 400:  # noqa: PLR2004
        target = secret.redact(response.headers.get("Location", "nowhere"))
        return RedirectError(
            f"{what}: the service answered {status} and points to {target}. Redirects are never followed: "
            "check the base URL."
        )
    code, message, details = _error_body(content)
    return service_error(
        status,
        secret.redact(f"{what}: {status} {message}{_advice(status)}"),
        code=secret.redact(code),
        details=[(name, secret.redact(reason)) for name, reason in details],
    )
