"""The login: e-mail and password for an API key. The password goes nowhere else, and shows nowhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from wizframe.errors import AuthenticationError, ProtocolError
from wizframe.http.secret import Secret, masked
from wizframe.http.transport import Transport

__all__ = ["Token", "request_token"]


class Token(NamedTuple):
    """What a login gives.

    Parameters
    ----------
    key : str
        The API key; it shows itself as ``***``.
    account : str
        The tenant's id: the account's name.
    expires_at : str
        As the service wrote it; empty where it did not say.
    """

    key: str
    account: str
    expires_at: str


def request_token(base_url: str, email: str, password: str, *, ca_bundle: str | None = None) -> Token:
    """Log in.

    Parameters
    ----------
    base_url : str
        Of the API. The login stands beside its ``/v1``, not in it.
    email, password : str
    ca_bundle : str, optional
        As for :class:`~wizframe.http.transport.Transport`.

    Returns
    -------
    Token

    Raises
    ------
    ConfigurationError
        An unsafe address.
    AuthenticationError
        The service knows no such e-mail address with this password.
    TransportError, ServiceError
        See :mod:`wizframe.errors`.

    Notes
    -----
    Sends ``POST /auth/token``. Source: [R].
    """
    password = masked(password)
    transport = _Anonymous(base_url.rstrip("/").removesuffix("/v1"), password, ca_bundle)
    try:
        answer = transport.request("POST", ["auth", "token"], payload={"email": email, "password": password})
    except AuthenticationError as error:
        refusal = AuthenticationError(
            f"the e-mail address or the password is not accepted by {transport.base_url}", status=401
        )
        refusal.code = error.code
        raise refusal from None
    except BaseException as error:  # noqa: BLE001 - raised again: the frames below hold the password as bytes
        raise error.with_traceback(None) from None
    finally:
        transport.close()
    token = _read(answer.body)
    if token is None:  # not quoted: half of it may be a key
        raise ProtocolError(f"{transport.base_url} answered the login with something that holds no access_token")
    return token


def _read(body: bytes) -> Token | None:
    try:
        found: Any = orjson.loads(body)
        key, user = found["access_token"], found.get("user") or {}
        tenant, expires_at = user.get("tenant_id"), found.get("expires_at")
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return None
    if not isinstance(key, str) or not key:
        return None
    return Token(masked(key), str(tenant or ""), str(expires_at or ""))


class _Anonymous(Transport):
    """A connection that sends no key. What its errors must not show is the password."""

    def __init__(self, base_url: str, password: str, ca_bundle: str | None) -> None:
        super().__init__(base_url, "none", workers=1, ca_bundle=ca_bundle)
        self._secret = Secret.of_any(password)

    def _headers(self) -> dict[str, str]:
        return {}
