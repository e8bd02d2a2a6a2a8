"""Open connections: to an account, or to a sandbox that is started here."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Any, Literal

from wizframe.connections.client import Client
from wizframe.connections.keys import KEPT, Key, ask, find_key, installed_keyring, keep_in_keyring, key_in_keyring
from wizframe.connections.profiles import Profile, address, read_profile, setting
from wizframe.errors import ConfigurationError, MissingExtraError, to_install
from wizframe.http.login import request_token
from wizframe.http.secret import masked
from wizframe.http.transport import Transport, is_loopback
from wizframe.progress import tell
from wizframe.text import command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizframe.fields import Dialect
    from wizframe.server import Fault

__all__ = ["SANDBOX_API_KEY", "connect", "login", "logout", "sandbox"]

#: The key that every sandbox accepts. No secret.
SANDBOX_API_KEY = "api_sandbox_4f1c7b20d6e94a3f"


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
    """Connect to a WizCommerce account, and say to which.

    Parameters
    ----------
    api_key : str, optional
        By default ``WIZCOMMERCE_API_KEY``, else the keyring (where the package keyring is installed), else a
        hidden prompt. A profile's own key in the keyring goes before ``WIZCOMMERCE_API_KEY``.
    base_url : str, optional
        By default the profile's, else ``WIZCOMMERCE_BASE_URL``, else production.
    profile : str, optional
        A ``[profiles.NAME]`` of ``config.toml`` in the user's configuration folder: ``base_url``, ``dialect``,
        ``rate``, ``account``.
    dialect : {'auto', 'rest', 'sdk'}, optional
        ``auto``, the default, finds out.
    workers : int, default 4
        Requests at a time. Polite by default: a company's production service is at the other end.
    rate : float, optional
        Requests per second at the most.
    read_only : bool, optional
        Refuse every write; by default what ``WIZFRAME_READ_ONLY`` says (``1`` or ``true``).
    ca_bundle : str, optional
        File of certificates to trust besides the system's; by default ``REQUESTS_CA_BUNDLE``.
    settle_s : float, default 5
        Seconds after which a request whose answer was lost is taken to have had its effect.

    Returns
    -------
    Client
        Open until ``close()``, or the end of its ``with`` block.

    Raises
    ------
    ConfigurationError
        No key, an unsafe address, an unknown profile.
    AuthenticationError
        The service does not accept the key.

    Notes
    -----
    Sends two ``GET /customers`` of one row: which dialect is spoken, and how many customers there are.
    """
    api_key = masked(api_key) if api_key else None  # whatever raises from here on shows local variables without it
    chosen = read_profile(profile)
    url = address(base_url, chosen)
    key = find_key(api_key, profile, url)
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
    """Log in with e-mail and password, keep the API key that they give, and connect.

    Parameters
    ----------
    email : str, optional
        Asked for where it is not given. The password is always asked for, and not shown: in a notebook it would be kept
        in the file.
    base_url, profile, ca_bundle
        As for :func:`connect`.
    must_keep : bool, default False
        Raise where the key cannot be kept, instead of saying so: for a program that ends with the login.
    **options
        As for :func:`connect`: ``dialect``, ``workers``, ``rate``, ``read_only``, ``settle_s``.

    Returns
    -------
    Client
        Its account bears the tenant's id as its name. Where the package keyring is installed, the key is kept in the
        keyring, and :func:`connect` finds it there until it expires, after a year.

    Raises
    ------
    ConfigurationError
        Nobody is there to type, an unsafe address, an unknown profile; with ``must_keep`` a keyring that does not take
        the key.
    MissingExtraError
        With ``must_keep``: the package keyring is not installed. Nothing was asked for, and nothing sent.
    AuthenticationError
        The e-mail address or the password is wrong.

    Notes
    -----
    Sends ``POST /auth/token``, and what :func:`connect` sends. Source: [R].
    """
    if must_keep and installed_keyring() is None:
        raise MissingExtraError(
            f"a login is kept in the keyring, and the package keyring is not installed: {to_install('cli')}. "
            "Where there is no keyring, on a server say, set WIZCOMMERCE_API_KEY instead"
        )
    chosen = read_profile(profile)
    url = address(base_url, chosen)
    email = email or ask("WizCommerce e-mail: ", input)
    password = masked(ask(f"WizCommerce password of {email} at {url} (not shown): ", getpass.getpass) or "")
    if not email or not password:
        raise ConfigurationError(f"{command('login')} asks for e-mail and password, and at least one was not typed")
    token = request_token(url, email, password, ca_bundle=ca_bundle or setting("REQUESTS_CA_BUNDLE") or None)
    kept = keep_in_keyring(profile or url, token)
    if must_keep and kept != KEPT:
        raise ConfigurationError(f"you are logged in, but the key was {kept}: set WIZCOMMERCE_API_KEY instead")
    until = f"valid until {token.expires_at[:10]}, " if token.expires_at else ""
    key = Key(token.key, f"from the login, {until}{kept}", token.account)
    return _open(url, key, chosen, ca_bundle=ca_bundle, **options)


def logout(*, base_url: str | None = None, profile: str | None = None) -> bool:
    """Forget the API key that :func:`login` left in the keyring.

    Parameters
    ----------
    base_url, profile
        As for :func:`connect`.

    Returns
    -------
    bool
        Whether there was one.

    Raises
    ------
    ConfigurationError
        An unknown profile, or a keyring that does not give the key up.

    Notes
    -----
    Sends nothing: no documented request takes a key back. It is valid until it expires, or until it is removed in
    WizCommerce. ``WIZCOMMERCE_API_KEY`` and connections that are open stay as they are.
    """
    url = address(base_url, read_profile(profile))
    name = profile or url
    keyring = installed_keyring()
    if keyring is None or key_in_keyring(name) is None:
        return False
    try:
        keyring.delete_password("wizframe", name)
    except Exception:  # noqa: BLE001 - whatever a keyring's own program raises
        raise ConfigurationError(f"the keyring does not give up the key of {name}: remove it there") from None
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
    if key.value == SANDBOX_API_KEY and not is_loopback(url):
        raise ConfigurationError(
            f"the key is the sandbox's, but {url} is no sandbox: nothing was sent. Set WIZCOMMERCE_BASE_URL to the "
            "address that the sandbox shows, or WIZCOMMERCE_API_KEY to a key of your own"
        )
    account = chosen.account or key.account or ("sandbox" if key.value == SANDBOX_API_KEY else "")
    client = Client(transport, account=account, dialect=dialect or chosen.dialect, workers=workers, settle_s=settle_s)
    client.key_source = key.source
    try:
        total = client.customer.page(page_size=1).total_records
    except BaseException:
        client.close()
        raise
    _announce(client, total, key.source)
    return client


def sandbox(
    customers: int = 500,
    *,
    dialect: Dialect = "rest",
    seed: int = 20260,
    latency_s: float = 0.0,
    rate_limit: float | None = None,
    page_size_cap: int | None = None,
    faults: Iterable[Fault] = (),
    port: int = 0,
    workers: int = 4,
) -> Client:
    """Start a server on this machine that speaks the documented API, and connect to it. No account is needed.

    Parameters
    ----------
    customers : int, default 500
        How many customers it makes up, each with 1 to 5 contacts.
    dialect : {'rest', 'sdk'}, default 'rest'
        Which of the documented dialects it speaks; the client finds out by itself.
    seed : int
        The same seed makes the same data.
    latency_s : float, default 0
        Seconds before each answer.
    rate_limit : float, optional
        Requests per second, above which it answers 429.
    page_size_cap : int, optional
        Records in a page at the most, whatever is asked for.
    faults : iterable of wizframe.server.Fault
        What goes wrong, and at which request; ``client.server.faults.fired`` tells what did.
    port : int, default 0
        0 takes a free one.
    workers : int, default 4
        Requests at a time of the client.

    Raises
    ------
    ConfigurationError
        A number or a dialect that there is not.
    OSError
        The port is taken.

    Returns
    -------
    Client
        Its ``close()``, or the end of its ``with`` block, stops the server. ``base_url`` is the server's address,
        ``server`` the server itself.

    Examples
    --------
    >>> with wizframe.sandbox(customers=3) as tiny:
    ...     len(tiny.load_customers(progress=False))
    3
    """
    from wizframe.server import SandboxServer  # noqa: PLC0415 - a session on a real account needs no server

    if isinstance(customers, bool) or not isinstance(customers, int) or customers < 0:
        raise ConfigurationError(f"sandbox(customers={customers!r}): a whole number from 0 is needed")
    if dialect not in ("rest", "sdk"):
        raise ConfigurationError(f"sandbox(dialect={dialect!r}): 'rest' and 'sdk' are spoken")
    server = SandboxServer(
        customers=customers,
        dialect=dialect,
        seed=seed,
        latency_s=latency_s,
        rate_limit=rate_limit,
        page_size_cap=page_size_cap,
        faults=faults,
        port=port,
    )
    server.start()
    transport = Transport(server.base_url, server.api_key, workers=workers)
    client = Client(transport, account="sandbox", workers=workers, settle_s=0.5, on_close=server.stop)
    client.server = server
    return client


def _announce(client: Client, total: int | None, source: str) -> None:
    """Say which account it is: printed where a person looks, logged elsewhere."""
    count = "" if total is None else f", {total:,} active customers"
    line = f"{client.environment}: {client.account}, {client.dialect} dialect{count}, API key {source}"
    if client.transport.read_only:
        line += ", read-only"
    tell(line)
