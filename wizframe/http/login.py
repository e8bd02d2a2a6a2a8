"""The login: e-mail address and password for an API key. The password is sent only there, and shown nowhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from wizframe.errors import AuthenticationError, ProtocolError
from wizframe.http.secret import Secret, masked
from wizframe.http.transport import Transport

__all__ = ["Token", "request_token"]


class Token(NamedTuple):
    """What a login gives: a key that shows itself as ``***``, the tenant's id, the expiry as the service wrote it."""

    key: str
    account: str
    expires_at: str


def request_token(base_url: str, email: str, password: str, *, ca_bundle: str | None = None) -> Token:
    """Exchange an e-mail address and password for an API key: ``POST /auth/token``, outside ``/v1`` [R]."""
    password = masked(password)
    transport = _Anonymous(base_url.rstrip("/").removesuffix("/v1"), password, ca_bundle)
    try:
        response = transport.request("POST", ["auth", "token"], payload={"email": email, "password": password})
    except AuthenticationError as error:
        message = f"{transport.base_url} does not accept this e-mail address with this password"
        raise AuthenticationError(message, status=401, code=error.code) from None
    except BaseException as error:  # noqa: BLE001 - raised again: the frames below hold the password as bytes
        raise error.with_traceback(None) from None
    finally:
        transport.close()
    token = _token(response.body)
    if token is None:  # the body is not quoted: half of it may be a key
        raise ProtocolError(f"{transport.base_url} accepted the login, but its response has no access_token")
    return token


def _token(body: bytes) -> Token | None:
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
    """A connection without a key. Its errors must not show the password."""

    def __init__(self, base_url: str, password: str, ca_bundle: str | None) -> None:
        super().__init__(base_url, "none", workers=1, ca_bundle=ca_bundle)
        self._secret = Secret.of_any(password)

    def _headers(self) -> dict[str, str]:
        return {}
