"""Open connections to an account or to a sandbox on this machine, log in and log out."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any, Literal

from wizframe.arguments import (
    FLAG,
    LIST,
    NAMES,
    PATH,
    TEXT,
    WORKERS,
    check_arguments,
    checked,
    number,
    one_of,
    or_none,
    whole,
)
from wizframe.connections.client import Client
from wizframe.connections.keys import KEPT, Key, ask, find_key, installed_keyring, keep_in_keyring, key_in_keyring
from wizframe.connections.profiles import Profile, address, read_profile, setting
from wizframe.errors import ConfigurationError, MissingExtraError, to_install
from wizframe.http.login import request_token
from wizframe.http.secret import Secret
from wizframe.http.transport import Transport, is_loopback
from wizframe.progress import tell
from wizframe.text import command, counted, option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.fields import Dialect
    from wizframe.server import Fault

__all__ = ["SANDBOX_API_KEY", "connect", "login", "logout", "sandbox"]

#: The API key that every sandbox accepts. It is not a secret.
SANDBOX_API_KEY = "api_sandbox_4f1c7b20d6e94a3f"


_OPTIONS = {
    "dialect": or_none(one_of("auto", "rest", "sdk")),
    "workers": WORKERS,
    "rate": or_none(number(0, 10**6, above=True)),
    "read_only": or_none(FLAG),
    "settle_s": number(0, 3600),
}
_ADDRESS = {"base_url": or_none(TEXT), "profile": or_none(TEXT), "ca_bundle": or_none(PATH)}
_LOGIN = {"email": or_none(TEXT), "must_keep": FLAG}


def _check_address(base_url: str | None, profile: str | None, ca_bundle: str | None = None) -> None:
    """Check the arguments that say where to; in a function, because a wrapper's variables would hold the key."""
    check_arguments(ConfigurationError, _ADDRESS, {"base_url": base_url, "profile": profile, "ca_bundle": ca_bundle})


def connect(
    api_key: str | None = None,
    *,
    base_url: str | None = None,
    profile: str | None = None,
    dialect: Dialect | Literal["auto"] | None = None,
    workers: int = 4,
    rate: float | None = None,
    read_only: bool | None = None,
    ca_bundle: str | None = None,
    settle_s: float = 5.0,
) -> Client:
    """Connect to a WizCommerce account, and print its name.

    Parameters
    ----------
    api_key : str, optional
        The API key. Default: the first of these that exists: the profile's key in the keyring, ``WIZCOMMERCE_API_KEY``,
        the key of the base URL in the keyring, and a hidden prompt. The keyring needs the package keyring.
    base_url : str, optional
        The address of the API. Default: the profile's, then ``WIZCOMMERCE_BASE_URL``, then production.
    profile : str, optional
        The name of a table ``[profiles.NAME]`` in ``config.toml``, which may set ``base_url``, ``dialect``, ``rate``
        and ``account``. ``wizframe doctor`` prints the path of the file.
    dialect : {'auto', 'rest', 'sdk'}, optional
        The dialect of the service. Default: the profile's, else ``auto``, which detects it.
    workers : int, default 4
        The number of simultaneous requests. The default is low, because they go to a company's production service.
    rate : float, optional
        The most requests per second. Default: the profile's, else unlimited.
    read_only : bool, optional
        Whether to refuse all writes. Default: whether ``WIZFRAME_READ_ONLY`` is ``1``, ``true`` or ``yes``.
    ca_bundle : str, optional
        A file of certificates to trust, in addition to the system's. Default: ``REQUESTS_CA_BUNDLE``.
    settle_s : float, default 5
        After a write without a response, wizframe waits this many seconds before it reads whether the write took
        effect.

    Returns
    -------
    Client
        The connection stays open until ``close()`` or the end of its ``with`` block.

    Raises
    ------
    ConfigurationError
        There is no API key, the base URL is unsafe, or the profile is unknown.
    AuthenticationError
        The service does not accept the API key.

    Notes
    -----
    Sends two ``GET /customers`` of one row: to detect the dialect, and to count the customers.
    """
    given = None if api_key is None or (isinstance(api_key, str) and not api_key) else Secret(api_key)
    del api_key  # a traceback may show local variables
    _check_address(base_url, profile, ca_bundle)
    chosen = read_profile(profile)
    url = address(base_url, chosen)
    key = find_key(given, profile, url)
    return _open(
        url,
        key,
        chosen,
        dialect=dialect,
        workers=workers,
        rate=rate,
        read_only=read_only,
        ca_bundle=ca_bundle,
        settle_s=settle_s,
    )


def login(
    email: str | None = None,
    *,
    base_url: str | None = None,
    profile: str | None = None,
    ca_bundle: str | None = None,
    must_keep: bool = False,
    **options: Any,
) -> Client:
    """Log in with e-mail and password, store the API key in the keyring, and connect.

    Parameters
    ----------
    email : str, optional
        The e-mail address. Default: a prompt. There is always a hidden prompt for the password, and no parameter,
        because a notebook would store it in its file.
    base_url, profile, ca_bundle
        As for :func:`connect`.
    must_keep : bool, default False
        Whether to raise an error if the key cannot be stored in the keyring. By default the connection is opened
        anyway, and the printed line says that the key is not stored.
    **options
        As for :func:`connect`: ``dialect``, ``workers``, ``rate``, ``read_only``, ``settle_s``.

    Returns
    -------
    Client
        The name of its account is the tenant's id. :func:`connect` finds the key in the keyring until it expires, after
        a year.

    Raises
    ------
    ConfigurationError
        There is no interactive terminal, the base URL is unsafe, or the profile is unknown. With ``must_keep``: the
        keyring does not store the key.
    MissingExtraError
        With ``must_keep``: the package keyring is not installed. Nothing was sent.
    AuthenticationError
        The e-mail address or the password is wrong.

    Notes
    -----
    Sends ``POST /auth/token``, and the requests of :func:`connect`. Source: [R].
    """
    _check_address(base_url, profile, ca_bundle)
    check_arguments(ConfigurationError, _LOGIN, {"email": email, "must_keep": must_keep})
    check_arguments(ConfigurationError, _OPTIONS, options)
    if must_keep and installed_keyring() is None:
        raise MissingExtraError(
            "a login is stored in the keyring, but the package keyring is not installed",
            hint=f"Install it: {to_install('cli')}. On a server without a keyring, set WIZCOMMERCE_API_KEY instead.",
        )
    chosen = read_profile(profile)
    url = address(base_url, chosen)
    email = email or ask("WizCommerce e-mail: ", input)
    question = f"WizCommerce password of {email} at {url} (not shown): "
    password = Secret.of_password(ask(question, getpass.getpass) or "")
    if not email or not password:
        raise ConfigurationError(f"{command('login')} needs an e-mail address and a password, but one was not typed")
    token = request_token(url, email, password, ca_bundle=ca_bundle or setting("REQUESTS_CA_BUNDLE") or None)
    kept = keep_in_keyring(profile or url, token)
    if must_keep and kept != KEPT:
        raise ConfigurationError(
            f"you are logged in, but the API key was {kept}", hint="Set WIZCOMMERCE_API_KEY instead."
        )
    until = f"valid until {token.expires_at[:10]}, " if token.expires_at else ""
    key = Key(token.key, f"from the login, {until}{kept}", token.account)
    return _open(url, key, chosen, ca_bundle=ca_bundle, **options)


def logout(*, base_url: str | None = None, profile: str | None = None) -> bool:
    """Remove the API key of :func:`login` from the keyring.

    Parameters
    ----------
    base_url, profile
        As for :func:`connect`.

    Returns
    -------
    bool
        Whether there was a key.

    Raises
    ------
    ConfigurationError
        The profile is unknown, or the keyring does not remove the key.

    Notes
    -----
    Sends nothing, because the API has no request to revoke a key. WizCommerce accepts the key until it expires or is
    deleted there. ``WIZCOMMERCE_API_KEY`` and open connections are not changed.
    """
    _check_address(base_url, profile)
    url = address(base_url, read_profile(profile))
    name = profile or url
    keyring = installed_keyring()
    if keyring is None or key_in_keyring(name) is None:
        return False
    try:
        keyring.delete_password("wizframe", name)
    except Exception:  # noqa: BLE001 - a keyring's backend may raise anything, and quote the key
        message = f"the keyring did not remove the API key of {name}"
        raise ConfigurationError(message, hint="Remove it with the program that manages the keyring.") from None
    return True


def _open(
    url: str,
    key: Key,
    chosen: Profile,
    *,
    dialect: Dialect | Literal["auto"] | None = None,
    workers: int = 4,
    rate: float | None = None,
    read_only: bool | None = None,
    ca_bundle: str | None = None,
    settle_s: float = 5.0,
) -> Client:
    given = {"dialect": dialect, "workers": workers, "rate": rate, "read_only": read_only, "settle_s": settle_s}
    check_arguments(ConfigurationError, _OPTIONS, given)
    if read_only is None:
        read_only = setting("WIZFRAME_READ_ONLY").strip().lower() in ("1", "true", "yes")
    transport = Transport(
        url,
        key.value,
        rate=rate or chosen.rate,
        workers=workers,
        read_only=read_only,
        ca_bundle=ca_bundle or setting("REQUESTS_CA_BUNDLE"),
    )
    is_sandbox = key.value.reveal() == SANDBOX_API_KEY
    if is_sandbox and not is_loopback(url):
        raise ConfigurationError(
            f"the API key is the key of sandboxes, but {url} is not a sandbox: nothing was sent",
            hint="Set WIZCOMMERCE_BASE_URL to the address of the sandbox, or WIZCOMMERCE_API_KEY to the account's key.",
        )
    account = chosen.account or key.account or ("sandbox" if is_sandbox else "")
    client = Client(transport, account=account, dialect=dialect or chosen.dialect, workers=workers, settle_s=settle_s)
    client.key_source = key.source
    try:
        total = client.customer.page(page_size=1).total_records
    except BaseException:
        client.close()
        raise
    _announce(client, total, key.source)
    return client


@checked(
    ConfigurationError,
    customers=whole(0, 1_000_000),
    dialect=one_of("rest", "sdk"),
    seed=whole(0, 2**63 - 1),
    latency_s=number(0, 3600),
    rate_limit=or_none(number(0, 10**6, above=True)),
    page_size_cap=or_none(whole(1, 100)),
    port=whole(0, 65535),
    faults=LIST,
    deviations=NAMES,
    workers=WORKERS,
)
def sandbox(  # noqa: PLR0913 - options with defaults, all by name
    customers: int = 500,
    *,
    dialect: Dialect = "rest",
    seed: int = 20260,
    latency_s: float = 0.0,
    rate_limit: float | None = None,
    page_size_cap: int | None = None,
    faults: Iterable[Fault] = (),
    deviations: Iterable[str] = (),
    port: int = 0,
    workers: int = 4,
) -> Client:
    """Start a server on this machine with the documented API, and connect to it. You need no account.

    Parameters
    ----------
    customers : int, default 500
        The number of customers to generate, each with 1 to 5 contacts.
    dialect : {'rest', 'sdk'}, default 'rest'
        The dialect of the server. The client detects it.
    seed : int
        The same seed generates the same data.
    latency_s : float, default 0
        The delay of each response, in seconds.
    rate_limit : float, optional
        If there are more requests per second than this, the server refuses them with status 429.
    page_size_cap : int, optional
        The most records in a page, even if a request asks for more.
    faults : iterable of wizframe.server.Fault
        Faults to inject. ``client.server.faults.fired`` lists the faults that were injected.
    deviations : iterable of str
        Names of ways in which the server differs from the documents, as a real service may. The page about
        deviations lists them.
    port : int, default 0
        The port on 127.0.0.1. With 0, the system chooses a free port.
    workers : int, default 4
        The number of simultaneous requests of the client.

    Returns
    -------
    Client
        ``close()`` or the end of its ``with`` block stops the server. ``base_url`` is the server's address, ``server``
        is the server.

    Raises
    ------
    ConfigurationError
        A parameter is not valid.
    OSError
        The port is already in use.

    Examples
    --------
    >>> with wizframe.sandbox(customers=3) as tiny:
    ...     len(tiny.load_customers(progress=False))
    3
    """
    from wizframe.server import SandboxServer  # noqa: PLC0415 - a connection to an account needs no server

    if isinstance(customers, bool) or not isinstance(customers, int) or customers < 0:
        raise ConfigurationError(f"{option('customers', customers)} is not a whole number from 0")
    if dialect not in ("rest", "sdk"):
        raise ConfigurationError(f"{option('dialect', dialect)} is not valid: use 'rest' or 'sdk'")
    try:
        server = SandboxServer(
            customers=customers,
            dialect=dialect,
            seed=seed,
            latency_s=latency_s,
            rate_limit=rate_limit,
            page_size_cap=page_size_cap,
            faults=faults,
            deviations=deviations,
            port=port,
        )
    except ValueError as error:  # an unknown deviation
        raise ConfigurationError(str(error)) from None
    server.start()
    transport = Transport(server.base_url, server.api_key, workers=workers)
    client = Client(transport, account="sandbox", workers=workers, settle_s=0.5, on_close=server.stop)
    client.server = server
    return client


def _announce(client: Client, total: int | None, source: str) -> None:
    """Print the account, or log it if there is no terminal and no notebook."""
    count = "" if total is None else f", {counted(total, 'active customer')}"
    line = f"{client.environment}: {client.account}, {client.dialect} dialect{count}, API key {source}"
    if client.transport.read_only:
        line += ", read-only"
    tell(line)
