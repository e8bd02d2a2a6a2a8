"""The connections to one host: certificates, the proxy, and their number. A forked process opens new connections."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import certifi
import requests
import requests.adapters

from wizframe.arguments import shown
from wizframe.errors import ConfigurationError
from wizframe.http.deadlines import pool_classes
from wizframe.http.secret import Secret
from wizframe.processes import renew_in_child

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["Adapter"]

# The kinds of proxies that urllib3 can use.
_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class Adapter(requests.adapters.HTTPAdapter):
    """An adapter for one host. Without a session, nothing follows redirects, stores cookies or reads .netrc.

    ``slots`` is a semaphore with one place for each of the ``workers``. ``proxies`` is the argument for ``send``.
    """

    def __init__(self, workers: int, base_url: str, ca_bundle: str | None, *, uses_proxy: bool) -> None:
        # One TLS context for all connections: parsing the certificates costs 13 ms each time, and without a shared
        # context a load of 10,000 rows takes 1.6 to 2.5 times as long.
        self._context = _tls_context(ca_bundle) if base_url.startswith("https") else None
        self._proxy, self.proxies = _proxy(base_url) if uses_proxy else (Secret(""), {})
        self._workers = workers
        self.slots = threading.Semaphore(workers)
        super().__init__(pool_connections=1, pool_maxsize=workers, max_retries=0)
        renew_in_child(self)

    def renew(self) -> None:
        """Open new connections, because two processes on one connection would read each other's responses."""
        self.slots = threading.Semaphore(self._workers)
        self.proxy_manager = {}
        self.init_poolmanager(1, self._workers)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the pool of connections to the host."""
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = pool_classes()

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """Return the pool of connections to the proxy."""
        manager = super().proxy_manager_for(*args, ssl_context=self._context, **options)
        manager.pool_classes_by_scheme = pool_classes()
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002 - it has no password
        """Return the login for the proxy."""
        headers: dict[str, str] = super().proxy_headers(self._proxy.reveal())
        return headers

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the shared context verifies the certificates and the host name."""


def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_bundle:
        try:
            has_any = sum(_is_added(file, context) for file in _files(Path(ca_bundle)))  # any() would stop early
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            why = error.strerror if isinstance(error, OSError) else error
            raise ConfigurationError(f"{shown('ca_bundle', ca_bundle)} cannot be read: {why}") from None
        if not has_any:
            raise ConfigurationError(f"{shown('ca_bundle', ca_bundle)} contains no certificate in the format PEM")
    return context


def _files(path: Path) -> list[Path]:
    # OpenSSL reads a folder only if c_rehash has named its files, and most folders with certificates are not prepared.
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def _is_added(file: Path, context: ssl.SSLContext) -> bool:
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:  # such as a README next to the certificates
        return False
    return True


def _proxy(base_url: str) -> tuple[Secret, dict[str, str]]:
    """Return the proxy for an address from the environment, and the mapping for ``send`` without a password."""
    proxies = requests.utils.get_environ_proxies(base_url)
    proxy = Secret(requests.utils.select_proxy(base_url, proxies))
    del proxies  # a traceback may print local variables
    if not proxy:
        return proxy, {}
    if not _is_address(proxy):
        raise ConfigurationError(
            "the address of the proxy in the environment is not valid (it is not shown: it may contain a password)",
            hint="Set HTTPS_PROXY to an address such as http://proxy.example.com:8080, or remove it. wizframe also "
            "reads https_proxy and ALL_PROXY.",
        )
    parts = _parts(proxy)
    # SOCKS has no headers, so its login stays in the address.
    address = proxy.reveal() if parts.scheme.startswith("socks") else f"{parts.scheme}://{parts.netloc.split('@')[-1]}"
    return proxy, {urlsplit(base_url).scheme: address}


def _parts(proxy: Secret) -> SplitResult:
    return urlsplit(proxy.reveal() if "://" in proxy.reveal() else f"http://{proxy.reveal()}")


def _is_address(proxy: Secret) -> bool:
    try:
        parts = _parts(proxy)
        return bool(parts.hostname) and parts.port != 0 and parts.scheme in _PROXY_SCHEMES  # port raises for a word
    except ValueError:
        return False
