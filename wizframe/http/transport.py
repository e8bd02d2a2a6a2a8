"""HTTP to one service: pooled connections, timeouts, safe retries, the rate limit, redaction.

This module knows methods, paths and JSON, but no customers or contacts. It never follows a redirect and never shows the
API key.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import requests
import urllib3.exceptions

from wizframe.arguments import without_key
from wizframe.errors import (
    ConfigurationError,
    Hint,
    InvalidRequestError,
    NotSentError,
    ProtocolError,
    RateLimitError,
    ReadOnlyError,
    RedirectError,
    TransportError,
    UnavailableError,
)
from wizframe.fields import NOT_AN_ID, is_id
from wizframe.http.adapter import Adapter
from wizframe.http.deadlines import left_s
from wizframe.http.exact_json import write_exactly
from wizframe.http.rate_limit import RateLimiter, ServiceClock, pause_s, retry_after_s
from wizframe.http.request_log import log
from wizframe.http.responses import Response, connection_error, read_body, response_or_error
from wizframe.http.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wizframe.errors import WizframeError

__all__ = ["Transport", "check_base_url", "is_loopback"]

_HEADERS = {
    "User-Agent": "wizframe",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
}
# A running service accepts a connection at once. 30 s are for a slow response, and limit only the silence:
# http/deadlines.py limits the whole response.
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 30.0
# With the pauses of pause_s(), five attempts cover an outage of about ten seconds.
MAX_ATTEMPTS = 5
# A 429 is not a failure: the service did not act on the request, and asks the client to wait.
MAX_REFUSALS = 20
# A host name, an IPv4 address or an IPv6 address.
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


class Transport:
    """Send requests to one service, at most ``workers`` at the same time and ``rate`` per second.

    The API key goes only to the scheme, host and port of ``base_url``. ``ca_bundle`` is a file of certificates to trust
    in addition to the system's. Invalid options raise a :class:`ConfigurationError`.
    """

    # Class attributes, because a traceback that prints local variables may show a transport that is only half made.
    base_url = ""
    read_only = False

    def __init__(
        self,
        base_url: str,
        api_key: Secret | str,
        *,
        rate: float | None = None,
        workers: int = 4,
        read_only: bool = False,
        ca_bundle: str | None = None,
    ) -> None:
        api_key = Secret.of(api_key)  # a traceback may print local variables
        if workers < 1:
            raise ConfigurationError(f"workers={workers!r} is not valid: it must be at least 1")
        self.base_url = check_base_url(base_url)
        self._quoted_url = requests.utils.requote_uri(self.base_url)
        self.read_only = read_only
        self.rate_limiter = RateLimiter(rate)
        self.clock = ServiceClock()
        self._secret = api_key.checked()
        self._adapter = Adapter(workers, self.base_url, ca_bundle, uses_proxy=not is_loopback(self.base_url))
        self._check: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r}{', read_only=True' if self.read_only else ''})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a connection cannot be pickled: connect() again in the other process")

    def guarded(self, check: Callable[[], None]) -> Transport:
        """Return a view of this connection that calls ``check`` right before each request, including retries.

        ``check`` may be called from any thread. If it raises an error, :meth:`request` raises it, and nothing is sent.
        """
        view = object.__new__(Transport)
        view.__dict__ |= self.__dict__ | {"_check": check}
        return view

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()

    def request(
        self,
        method: str,
        segments: Sequence[str],
        *,
        query: Mapping[str, str] | None = None,
        payload: Any = None,
    ) -> Response:
        """Send a request and return its 2xx response, or raise :class:`TransportError` or :class:`ServiceError`.

        ``segments`` are the parts of the path below the base URL; ids among them are checked and quoted. A GET is
        repeated after a failure that may be temporary. A write is repeated only if the service provably did not act on
        it: no connection was made, or the service refused it with 429.
        """
        if self.read_only and method != "GET":
            message = f"nothing was sent: the connection to {self.base_url} is read-only, so {method} is not allowed"
            raise ReadOnlyError(message, hint=_READ_ONLY_HINT)
        path = _path(segments)
        try:
            url = self._quoted_url + path + (f"?{urlencode(query)}" if query else "")
            body = None if payload is None else write_exactly(payload)
        except (TypeError, UnicodeEncodeError) as error:  # half a surrogate pair, or an object inside a list
            raise InvalidRequestError(f"nothing was sent: a value cannot be written as JSON: {error}") from None
        return self._repeated(method, url, body)

    def _repeated(self, method: str, url: str, body: bytes | None) -> Response:
        """Send a request, and repeat it while that is safe and may help."""
        failures = refusals = 0
        while True:
            with self._adapter.slots:
                sent_at = self.rate_limiter.wait(left_s())
                if self._check:
                    self._check()
                outcome, asked_s = self._attempt(method, url, body)
            if isinstance(outcome, Response):
                self.rate_limiter.speed_up()
                return outcome
            if isinstance(outcome, RateLimitError):
                outcome.retry_after_s = asked_s
                refusals += 1
                wait_s = pause_s(asked_s, refusals)
            else:
                failures += 1
                wait_s = pause_s(asked_s, failures)
            # If the service cannot keep up, all threads must slow down. Other failures affect only one request.
            status = getattr(outcome, "status", 0)
            is_overload = status in (429, 503) or (status >= 500 and asked_s is not None)  # noqa: PLR2004
            if is_overload:
                self.rate_limiter.slow_down(sent_at, wait_s)
            if failures == MAX_ATTEMPTS or refusals == MAX_REFUSALS or not _may_repeat(method, outcome):
                raise outcome
            log.debug("%s again in %.1f s", method, wait_s)
            if not is_overload:
                self.rate_limiter.sleep(wait_s)

    def _attempt(self, method: str, url: str, body: bytes | None) -> tuple[Response | WizframeError, float | None]:
        """Send once and log it; return the response or error, and the seconds that the service asks the client to wait.

        The error is returned, not raised, because a raised error would keep the frames that contain the header.
        """
        request, asked_s, began = f"{method} {url}", None, time.perf_counter()
        try:
            with self._send(method, url, body) as sent:
                content = read_body(sent)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            outcome: Response | WizframeError = connection_error(request, url, error, self._secret)
        except BaseException as error:  # noqa: BLE001 - raised again: Ctrl-C in frames that hold the header as bytes
            error.__context__ = None
            raise error.with_traceback(None) from None
        else:
            self.clock.update(sent.headers)
            asked_s = retry_after_s(sent.headers)
            outcome = response_or_error(request, sent, content, self._secret)
        if log.isEnabledFor(logging.DEBUG):
            self._log(request, outcome, took_ms=(time.perf_counter() - began) * 1000)
        return outcome, asked_s

    def _prepared(self, method: str, url: str, body: bytes | None) -> requests.PreparedRequest:
        """Build a request from parts that are ready to be sent: a quoted URL, and a JSON body."""
        # Request.prepare() would parse and quote the URL again, which is a tenth of the work of a load (1.47 s instead
        # of 1.32 s of CPU time for 100,000 customers).
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = method, url, body
        prepared.headers = requests.structures.CaseInsensitiveDict(_HEADERS | self._headers())
        prepared.prepare_content_length(body)
        return prepared

    def _send(self, method: str, url: str, body: bytes | None) -> requests.Response:
        timeout_s = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        request = self._prepared(method, url, body)
        sent = self._adapter.send(request, timeout=timeout_s, proxies=self._adapter.proxies)
        del sent.request  # its headers contain the key
        return sent

    def _log(self, request: str, outcome: Response | WizframeError, *, took_ms: float) -> None:
        request = self._secret.redact(request)
        if isinstance(outcome, Response):
            log.debug("%s: %d, %d bytes, %.0f ms", request, outcome.status, len(outcome.body), took_ms)
        else:
            message = self._secret.redact(str(outcome.args[0])).removesuffix(f" ({request})")
            log.debug("%s: %s, %.0f ms", request, message, took_ms)

    def _headers(self) -> dict[str, str]:
        return {"X-API-Key": self._secret.reveal()}


_READ_ONLY_HINT = Hint(
    python="To write, connect with read_only=False, and without WIZFRAME_READ_ONLY.",
    cli="To write, unset WIZFRAME_READ_ONLY.",
)


def _may_repeat(method: str, error: WizframeError) -> bool:
    """Whether sending the request again is safe and may help."""
    if isinstance(error, RateLimitError):
        return True
    if isinstance(error, NotSentError):
        return error.code != "certificate"
    # A redirect or a response of another form does not change when the request is repeated.
    lasting = isinstance(error, (RedirectError, ProtocolError))
    return method == "GET" and isinstance(error, (TransportError, UnavailableError)) and not lasting


def check_base_url(base_url: str) -> str:
    """Return the canonical form of a base URL, by which accounts are compared: lower-case host, no final slash."""
    try:
        parts = urlsplit(base_url.strip())
        is_url = parts.scheme in ("http", "https") and parts.port != 0  # port raises an error if it is not a number
        # urlsplit() leaves out line breaks, so that the rest of a text would become a part of the address.
        is_url = is_url and base_url.strip().isprintable() and " " not in base_url.strip()
    except ValueError:
        is_url = False
    if not is_url or not _HOST.fullmatch(parts.hostname or ""):
        # The value is not shown, because it may be the key by mistake.
        shown = f" {base_url!r}" if "://" in base_url and without_key(base_url) == base_url else ""
        raise ConfigurationError(
            f"base_url{shown} is not a valid address: it must be an absolute URL such as https://api.wizcommerce.com/v1"
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError("base_url is not a valid address: it must not contain a user, password, query or #")
    if parts.scheme == "http" and not is_loopback(base_url):
        raise ConfigurationError(f"base_url {base_url!r} would send the API key unencrypted: use https")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def is_loopback(url: str) -> bool:
    """Whether an absolute URL leads to this machine: ``localhost`` or a loopback address. Names are not resolved."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(segments: Sequence[str]) -> str:
    for segment in segments:
        # quote() does not change "..", and servers resolve it. So such an id is rejected (reliability, 40).
        if not isinstance(segment, str) or not is_id(segment):
            raise InvalidRequestError(f"nothing was sent: {segment!r} {NOT_AN_ID}", [("id", "is not a valid id")])
    return "".join("/" + quote(segment, safe="") for segment in segments)
