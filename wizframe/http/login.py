"""The login: e-mail address and password for an API key. The password is sent only there, and never shown."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from wizframe.errors import AuthenticationError, ProtocolError
from wizframe.http.secret import Secret
from wizframe.http.transport import Transport

__all__ = ["Token", "request_token"]


class Token(NamedTuple):
    """The result of a login: a key, the tenant's id, and the expiry in the service's format."""

    key: Secret
    account: str
    expires_at: str


def request_token(base_url: str, email: str, password: Secret, *, ca_bundle: str | None = None) -> Token:
    """Exchange an e-mail address and password for an API key: ``POST /auth/token``, outside ``/v1`` [R]."""
    transport = _Anonymous(base_url.rstrip("/").removesuffix("/v1"), password, ca_bundle)
    failed: BaseException | None = None
    try:
        payload = {"email": email, "password": password.reveal()}
        response = transport.request("POST", ["auth", "token"], payload=payload)
    except AuthenticationError as error:
        message = f"{transport.base_url} does not accept this e-mail address with this password"
        failed = AuthenticationError(message, status=401, code=error.code)
    except BaseException as error:  # noqa: BLE001 - raised below
        failed = error.with_traceback(None)
        failed.__cause__ = failed.__context__ = None
    finally:
        payload = {}
        transport.close()
    if failed is not None:  # raised here, because the frames and the context of the request contain the password
        raise failed
    token = _token(response.body)
    del response
    if token is None:  # the body is not quoted, because a part of it may be a key
        raise ProtocolError(f"{transport.base_url} accepted the login, but its response has no access_token")
    return token


def _token(body: bytes) -> Token | None:
    try:
        found: Any = orjson.loads(body)
        user = found.get("user") or {}
        tenant, expires_at = user.get("tenant_id"), found.get("expires_at")
        if not isinstance(found["access_token"], str) or not found["access_token"]:
            return None
        return Token(Secret(found["access_token"]), str(tenant or ""), str(expires_at or ""))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return None


class _Anonymous(Transport):
    """A connection without a key. Its errors must not show the password."""

    def __init__(self, base_url: str, password: Secret, ca_bundle: str | None) -> None:
        super().__init__(base_url, "none", workers=1, ca_bundle=ca_bundle)
        self._secret = password

    def _headers(self) -> dict[str, str]:
        return {}
