"""HTTP to one service: pooled connections, time-outs, retry of what is safe, pacing, redaction.

Knows methods, paths and JSON, but neither customers nor contacts. Nothing here follows a redirect, and nothing
here can show the API key.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import ssl
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import certifi
import orjson
import requests
import requests.adapters
import urllib3.exceptions

from wizframe.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotSentError,
    ProtocolError,
    RateLimitError,
    ReadOnlyError,
    RedirectError,
    TransportError,
    UnavailableError,
)
from wizframe.http.deadlines import pool_classes
from wizframe.http.rate_limit import Pacer, ServiceClock, pause_s, retry_after_s
from wizframe.http.request_log import log
from wizframe.http.responses import Answer, failure, judge, read
from wizframe.http.secret import Secret, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wizframe.errors import WizframeError

__all__ = ["Answer", "Pacer", "Secret", "Transport", "check_base_url", "is_loopback", "masked"]

_HEADERS = {
    "User-Agent": "wizframe",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
}
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
MAX_ATTEMPTS = 5
MAX_REFUSALS = 20
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_ID = re.compile(r"[A-Za-z0-9._~:@=+-]*[A-Za-z0-9][A-Za-z0-9._~:@=+-]*")


class Transport:
    """Send requests to one service.

    Parameters
    ----------
    base_url : str
        Such as ``https://api.wizcommerce.com/v1``. HTTPS, except to this machine itself.
    api_key : str
        Goes to this URL's scheme, host and port alone.
    rate : float, optional
        Requests per second at the most.
    workers : int, default 4
        Requests at a time at the most, each over a connection that is kept open; at least 1.
    read_only : bool
        Refuse everything but GET.
    ca_bundle : str, optional
        File of certificates to trust besides the system's.

    Raises
    ------
    ConfigurationError
        The URL, the key, the rate, the number of workers or the certificates cannot be used.
    """

    base_url = ""  # until it is known: a traceback that prints local variables shows a transport that is half made
    read_only = False

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        rate: float | None = None,
        workers: int = 4,
        read_only: bool = False,
        ca_bundle: str | None = None,
    ) -> None:
        api_key = masked(api_key)  # whatever raises from here on shows local variables without it
        if workers < 1:
            raise ConfigurationError(f"workers={workers!r}, but must be at least 1")
        self.base_url = check_base_url(base_url)
        self.read_only = read_only
        self.pacer = Pacer(rate)
        self.clock = ServiceClock()
        self._secret = Secret(api_key)
        self._adapter = _adapter(workers, self.base_url, ca_bundle)
        self._turns: SimpleQueue[None] = SimpleQueue()  # one entry for each request that may be under way
        for _ in range(workers):
            self._turns.put(None)
        self._check: Callable[[], None] | None = None
        self._example: requests.PreparedRequest | None = None
        self._proxies = {} if is_loopback(self.base_url) else requests.utils.get_environ_proxies(self.base_url)

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r}{', read_only=True' if self.read_only else ''})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a connection cannot be pickled; connect() again where it is needed")

    def guarded(self, check: Callable[[], None]) -> Transport:
        """Give a view of this connection that asks before each request.

        Parameters
        ----------
        check : callable
            Called without arguments right before a request leaves, also when it is repeated, from any thread; what it
            raises comes out instead of an answer.

        Returns
        -------
        Transport
            The same connections, pace and key.
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
    ) -> Answer:
        """Send a request and return its 2xx answer.

        A GET is repeated after any failure that may pass; everything else only where the service provably
        did not act on it (never connected, or refused with 429).

        Parameters
        ----------
        method : str
            GET, POST, PATCH, PUT or DELETE.
        segments : sequence of str
            Of the path below the base URL; ids among them are checked and quoted.
        query : mapping of str, optional
        payload : object, optional
            Sent as JSON.

        Returns
        -------
        Answer

        Raises
        ------
        InvalidRequestError
            An id that would alter the path, or a value that cannot be sent as JSON.
        ReadOnlyError
            A write on a read-only connection.
        TransportError, ServiceError
            See :mod:`wizframe.errors`.
        """
        if self.read_only and method != "GET":
            raise ReadOnlyError(f"this connection to {self.base_url} is read-only: {method} was not sent")
        path = _path(segments)
        try:
            url = self.base_url + path + (f"?{urlencode(query)}" if query else "")
            body = None if payload is None else orjson.dumps(payload)
        except (TypeError, UnicodeEncodeError) as error:  # half a surrogate pair, an object inside a list
            raise InvalidRequestError(f"nothing was sent, a value cannot be written as JSON: {error}") from None
        return self._persist(method, url, body)

    def _persist(self, method: str, url: str, body: bytes | None) -> Answer:
        """Repeat one request as long as that is safe and promises something."""
        failures = refusals = 0
        while True:
            self._turns.get()
            try:
                sent_at = self.pacer.wait()
                if self._check:
                    self._check()
                outcome, asked_s = self._traced(method, url, body)
            finally:
                self._turns.put(None)
            if isinstance(outcome, Answer):
                self.pacer.speed_up()
                return outcome
            is_refused = isinstance(outcome, RateLimitError)
            if isinstance(outcome, RateLimitError):
                outcome.retry_after_s = asked_s
            refusals, failures = refusals + is_refused, failures + (not is_refused)
            wait_s = pause_s(asked_s, refusals if is_refused else failures)
            is_everybodys = _is_too_much(outcome, asked_s)
            if is_everybodys:
                self.pacer.slow_down(sent_at, wait_s)
            if failures == MAX_ATTEMPTS or refusals == MAX_REFUSALS or not _may_repeat(method, outcome):
                raise outcome
            log.debug("%s again in %.1f s", method, wait_s)
            if not is_everybodys:
                self.pacer.sleep(wait_s)

    def _traced(self, method: str, url: str, body: bytes | None) -> tuple[Answer | WizframeError, float | None]:
        """Send once, and tell the log, where somebody listens."""
        if not log.isEnabledFor(logging.DEBUG):
            return self._attempt(method, url, body)
        began = time.perf_counter()
        outcome, asked_s = self._attempt(method, url, body)
        took_ms = (time.perf_counter() - began) * 1000
        if isinstance(outcome, Answer):
            shown = self._secret.redact(url)
            log.debug("%s %s: %d, %d bytes, %.0f ms", method, shown, outcome.status, len(outcome.body), took_ms)
        else:  # its words begin with method and address
            log.debug("%s, %.0f ms", self._secret.redact(str(outcome)), took_ms)
        return outcome, asked_s

    def _attempt(self, method: str, url: str, body: bytes | None) -> tuple[Answer | WizframeError, float | None]:
        """Send once. An error is returned, not raised: raised here it would drag the header along in its context."""
        try:
            response = self._adapter.send(
                self._prepared(method, url, body),
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                proxies=self._proxies,
            )
            with response:
                content = read(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return failure(method, url, error, self._secret), None
        except BaseException as error:  # noqa: BLE001 - raised again: Ctrl-C in frames that hold the header as bytes
            raise error.with_traceback(None) from None
        self.clock.hear(response.headers)
        if content is None:
            return ProtocolError(f"{method} {url}: the answer is too large"), None
        return judge(response, content, self._secret), retry_after_s(response.headers)

    def _headers(self) -> dict[str, str]:
        return {"X-API-Key": self._secret.reveal()}

    def _prepared(self, method: str, url: str, body: bytes | None) -> requests.PreparedRequest:
        """Copy the one request that was prepared: preparing each costs half of what a whole request does."""
        if self._example is None:
            self._example = requests.Request("GET", self.base_url, headers=_HEADERS | self._headers()).prepare()
            # A plain dict: each request copies it twice, and it takes a twentieth of the time.
            self._example.headers = dict(self._example.headers)  # type: ignore[assignment]
        request = requests.PreparedRequest()
        request.method = method
        request.url = (self._example.url or "").rstrip("/") + url.removeprefix(self.base_url)
        request.headers = self._example.headers.copy()
        request.prepare_body(body, None)
        return request


def check_base_url(base_url: str) -> str:
    """Bring a base URL into its one form, or say why it is refused.

    Parameters
    ----------
    base_url : str

    Returns
    -------
    str
        Scheme and host in small letters, no slash at the end: accounts are told apart by it.

    Raises
    ------
    ConfigurationError
        No absolute http(s) URL, plain http to another machine, or a user, query or fragment in it.
    """
    parts = _split(base_url)
    if parts is None or parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        shown = f" {base_url!r}" if "://" in base_url else ""  # it may be the key, given in the wrong place
        raise ConfigurationError(f"base_url{shown} is no absolute URL such as https://api.wizcommerce.com/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError("base_url must hold no user, password, query or fragment")
    if parts.scheme == "http" and not is_loopback(base_url):
        raise ConfigurationError(f"base_url {base_url!r} would send the API key unencrypted: use https")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine itself.

    Parameters
    ----------
    url : str
        Absolute.

    Returns
    -------
    bool
        True for ``localhost`` and loopback addresses; other names are not looked up.
    """
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _path(segments: Sequence[str]) -> str:
    for segment in segments:
        # quote() leaves ".." as it is, and servers resolve it: such an id is refused, not escaped.
        if not isinstance(segment, str) or not _ID.fullmatch(segment):
            raise InvalidRequestError(
                f"{segment!r} is no id that the service can have given: letters, digits and ._~:@=+- are allowed",
                [("id", "is no id")],
            )
    return "".join("/" + quote(segment, safe="") for segment in segments)


class _Adapter(requests.adapters.HTTPAdapter):
    """An adapter for one host, whose connections share one TLS context (parsing the certificates costs 13 ms each).

    Without a session around it there is nobody who follows a redirect, keeps a cookie or reads a ``.netrc``.
    """

    def __init__(self, context: ssl.SSLContext | None, **options: Any) -> None:
        self._context = context
        self._pool: Any = None
        super().__init__(**options)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Look the pool up once: host, proxy and context are always the same."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **options)
        return self._pool

    def close(self) -> None:
        """Close all connections."""
        self._pool = None
        super().close()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = pool_classes()

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = pool_classes()
        return manager

    def request_url(self, request: requests.PreparedRequest, *_proxies: Any) -> str:
        """Give the path: a proxy, too, is asked for a tunnel."""
        return request.path_url

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the certificates to the shared context, which verifies them and the host name."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Take what is looked at."""
        response = requests.Response()
        response.request, response.raw = req, resp
        response.status_code, response.headers = resp.status, resp.headers
        return response


def _adapter(workers: int, base_url: str, ca_bundle: str | None) -> _Adapter:
    context = _tls_context(ca_bundle) if base_url.startswith("https") else None
    return _Adapter(context, pool_connections=1, pool_maxsize=workers, max_retries=0)


def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_bundle:
        try:
            context.load_verify_locations(ca_bundle)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"ca_bundle {ca_bundle!r} cannot be read as certificates: {error}") from None
    return context


def _is_too_much(error: WizframeError, asked_s: float | None) -> bool:
    """Tell whether the service cannot keep up, so that all workers have to slow down."""
    status = getattr(error, "status", 0)
    return status in (429, 503) or (status >= 500 and asked_s is not None)  # noqa: PLR2004 - HTTP's own boundary


def _may_repeat(method: str, error: WizframeError) -> bool:
    """Tell whether asking again is safe and may help."""
    if isinstance(error, RateLimitError):
        return True
    if isinstance(error, NotSentError):
        return error.code != "certificate"
    # An answer, a redirect or a wrong shape will not change by asking again.
    lasting = isinstance(error, (RedirectError, ProtocolError))
    return method == "GET" and isinstance(error, (TransportError, UnavailableError)) and not lasting
