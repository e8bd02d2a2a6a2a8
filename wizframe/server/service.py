"""Who may ask, and which operation a path and verb mean. An answer is always JSON, also for a fault of our own."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from typing import TYPE_CHECKING, Any

import orjson

from wizframe.server.contacts import Contacts
from wizframe.server.customers import Customers
from wizframe.server.messages import ApiError, Request, Response
from wizframe.server.routes import ids_of, route_of
from wizframe.server.rules import EMAIL

if TYPE_CHECKING:
    from collections.abc import Callable

    from wizframe.server.account import Account

__all__ = ["SANDBOX_API_KEY", "SANDBOX_PASSWORD", "TENANT_ID", "Service"]

SANDBOX_API_KEY = "api_sandbox_4f1c7b20d6e94a3f"
"""The key that every sandbox server accepts. It opens nothing else, so it is no secret."""

SANDBOX_PASSWORD = "sandbox"  # noqa: S105 - documented, opens the sandbox alone
TENANT_ID = "tenant_sandbox"


class Service:
    """Turn a request into a response.

    Parameters
    ----------
    account : Account
        The data and the dialect.
    """

    def __init__(self, account: Account) -> None:
        contacts = Contacts(account)
        customers = Customers(account, contacts)
        self._keys = {SANDBOX_API_KEY}
        self._routes: dict[str, dict[str, Callable[..., Response]]] = {
            "customers": {"GET": customers.listing, "POST": customers.create},
            "customers/*": {"GET": customers.get, "PATCH": customers.update, "DELETE": customers.delete},
            "customers/*/contacts": {"GET": contacts.listing, "POST": contacts.create},
            "customers/*/contacts/*": {
                "GET": contacts.get,
                "PUT": contacts.update,
                "DELETE": contacts.delete,
            },
        }

    def answer(self, request: Request) -> Response:
        """Answer a request, whatever it is.

        Parameters
        ----------
        request : Request
            The request.

        Returns
        -------
        Response
            The answer, possibly an error.
        """
        try:
            return self._operate(request)
        except ApiError as error:
            return error.response()
        except Exception as error:  # noqa: BLE001 - a server answers 500 and lives on
            return ApiError(500, "internal_error", f"{type(error).__name__}: {error}").response()

    def _operate(self, request: Request) -> Response:
        if request.path == "/auth/token":
            return _matching({"POST": self._token}, request.method)(request)
        if not request.path.startswith("/v1/"):
            raise ApiError(404, "not_found", "there is nothing at this address")
        if request.key not in self._keys:
            raise ApiError(401, "unauthorized", "the X-API-Key header is missing or not valid")
        verbs = self._routes.get(route_of(request.path))
        if verbs is None:
            raise ApiError(404, "not_found", "there is nothing at this address")
        return _matching(verbs, request.method)(request, *ids_of(request.path))

    def _token(self, request: Request) -> Response:
        """Answer ``POST /auth/token``: any well-formed e-mail address with the well-known password."""
        body = request.json_object()
        email, password = body.get("email"), body.get("password")
        if not isinstance(email, str) or not EMAIL.fullmatch(email) or password != SANDBOX_PASSWORD:
            raise ApiError(401, "unauthorized", "the e-mail address or the password is wrong")
        token = f"api_sandbox_{secrets.token_hex(8)}"
        self._keys.add(token)
        return Response(200, orjson.dumps(_token_body(email, token)))


def _matching(verbs: dict[str, Callable[..., Response]], method: str) -> Callable[..., Response]:
    operation = verbs.get(method)
    if operation is None:
        allowed = ", ".join(sorted(verbs))
        message = f"{method} is not possible here, only {allowed}"
        raise ApiError(405, "method_not_allowed", message, headers={"Allow": allowed})
    return operation


def _token_body(email: str, token: str) -> dict[str, Any]:
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)
    return {
        "token_id": f"tok_{uuid.uuid4().hex[:12]}",
        "token_type": "api_key",
        "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "user": {
            "id": f"user_{uuid.uuid5(uuid.NAMESPACE_URL, email).hex[:12]}",
            "email": email,
            "first_name": email.partition("@")[0].capitalize(),
            "last_name": "Sandbox",
            "tenant_id": TENANT_ID,
        },
        "access_token": token,
    }
