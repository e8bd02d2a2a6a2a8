"""The service: it checks the key, finds the operation of a request, and responds; every error is JSON."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from typing import TYPE_CHECKING

import orjson

from wizframe.server.contacts import Contacts
from wizframe.server.customers import Customers
from wizframe.server.http_messages import ApiError, Request, Response
from wizframe.server.resources import EMAIL
from wizframe.server.routes import ROUTES, ids_of, route_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wizframe.server.deviations.points import Deviation
    from wizframe.server.spelling import Spelling
    from wizframe.server.store import Store

__all__ = ["SANDBOX_API_KEY", "SANDBOX_PASSWORD", "TENANT_ID", "Service"]

# Not secrets: both are documented, and they give access only to a sandbox.
SANDBOX_API_KEY = "api_sandbox_4f1c7b20d6e94a3f"
SANDBOX_PASSWORD = "sandbox"  # noqa: S105
TENANT_ID = "tenant_sandbox"


class Service:
    """The API of one account in one dialect; `page_size_cap` returns the current cap, or None."""

    def __init__(
        self,
        store: Store,
        spelling: Spelling,
        page_size_cap: Callable[[], int | None],
        deviations: Sequence[Deviation] = (),
    ) -> None:
        self._store = store
        self._keys = {SANDBOX_API_KEY}
        customers = Customers(store, spelling, page_size_cap, deviations)
        contacts = Contacts(store, spelling, page_size_cap, deviations)
        self._operations: dict[str, Callable[..., Response]] = {
            "customers.list": customers.list_page,
            "customers.get": customers.get,
            "customers.create": customers.create,
            "customers.update": customers.update,
            "customers.delete": customers.delete,
            "contacts.list": contacts.list_page,
            "contacts.get": contacts.get,
            "contacts.create": contacts.create,
            "contacts.update": contacts.update,
            "contacts.delete": contacts.delete,
        }

    def respond(self, request: Request) -> Response:
        """Apply a request and return the response, which may be an error."""
        try:
            return self._applied(request)
        except ApiError as error:
            return error.response()
        except Exception as error:  # noqa: BLE001 - a server responds with 500 and continues
            return ApiError(500, "internal_error", f"{type(error).__name__}: {error}").response()

    def _applied(self, request: Request) -> Response:
        if request.path == "/auth/token":
            _require_verb(request, ["POST"])
            return self._login(request)
        if not request.path.startswith("/v1/"):
            raise ApiError(404, "not_found", "this path does not exist")
        if request.key not in self._keys:
            raise ApiError(401, "unauthorized", "the X-API-Key header is missing or invalid")
        verbs = ROUTES.get(route_of(request.path))
        if verbs is None:
            raise ApiError(404, "not_found", "this path does not exist")
        _require_verb(request, verbs)
        return self._operations[verbs[request.method]](request, *ids_of(request.path))

    def _login(self, request: Request) -> Response:
        """Return a new key for any valid e-mail address with the documented password."""
        body = request.json_object()
        email, password = body.get("email"), body.get("password")
        if not isinstance(email, str) or not EMAIL.pattern.fullmatch(email) or password != SANDBOX_PASSWORD:
            raise ApiError(401, "unauthorized", "the e-mail address or the password is wrong")
        key = f"api_sandbox_{secrets.token_hex(8)}"
        self._keys.add(key)
        expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(days=365)  # contract, "Transport": after one year
        user = {
            # The same e-mail address has the same user id at every login.
            "id": f"user_{uuid.uuid5(uuid.NAMESPACE_URL, email).hex[:12]}",
            "email": email,
            "first_name": email.partition("@")[0].capitalize(),
            "last_name": "Sandbox",
            "tenant_id": TENANT_ID,
        }
        token = {
            "token_id": f"tok_{uuid.uuid4().hex[:12]}",
            "token_type": "api_key",
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "user": user,
            "access_token": key,
        }
        return Response(200, orjson.dumps(token))


def _require_verb(request: Request, verbs: Iterable[str]) -> None:
    if request.method not in verbs:
        allowed = ", ".join(sorted(verbs))
        message = f"{request.method} is not allowed at this path, only {allowed}"
        raise ApiError(405, "method_not_allowed", message, headers={"Allow": allowed})
