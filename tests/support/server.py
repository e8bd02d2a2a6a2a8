"""Helpers of the sandbox server's tests: raw HTTP, with names spelled as in one of the dialects."""

from __future__ import annotations

import json
import time
from pathlib import Path

import requests

from wizframe.server import FaultProxy, SandboxServer

DATA = Path(__file__).parents[1] / "data"


def example(name):
    """Read one of the documents' own examples."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def keys_of(record):
    """Return the shape of a record: its keys and those of its nested records, without values."""
    if isinstance(record, dict):
        return {key: keys_of(value) for key, value in record.items()}
    if isinstance(record, list):
        return [keys_of(item) for item in record[:1]]
    return None


def without_options(shape):
    """Empty the options of attributes: their number is not part of the shape."""
    for attribute in shape["attributes"]:
        attribute["options"] = []
    return shape


def eventually(condition):
    """Wait until a condition is true, for at most ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Api:
    """A running server, and a client that knows only HTTP, the envelope and the spelling.

    With ``proxied=True`` a proxy stands between the two; ``faults`` are the ones on the way.
    """

    def __init__(self, dialect, *, proxied=False, **options):
        self.dialect = dialect
        self.server = SandboxServer(dialect=dialect, **options).start()
        self.proxy = FaultProxy(self.server.base_url).start() if proxied else None
        self.base_url = (self.proxy or self.server).base_url
        self.faults = (self.proxy or self.server).faults
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-API-Key"] = self.server.api_key

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()
        if self.proxy:
            self.proxy.stop()
        self.server.stop()

    def spell(self, name):
        if self.dialect == "rest":
            return name
        first, *rest = name.split("_")
        return first + "".join(word.title() for word in rest)

    def spelled(self, **fields):
        return {self.spell(name): value for name, value in fields.items()}

    def call(self, method, path, *, body=None, timeout=10, **params):
        """Send a request, and return a redirect like any other response."""
        return self.session.request(
            method, self.base_url + path, json=body, params=params, timeout=timeout, allow_redirects=False
        )

    def rows(self, path="/customers", **params):
        response = self.call("GET", path, **params)
        assert response.status_code == 200, response.text
        return response.json() if self.dialect == "sdk" else response.json()["data"]

    def one(self, method, path, status, /, **fields):
        response = self.call(method, path, body=self.spelled(**fields) if fields else None)
        assert response.status_code == status, response.text
        return response.json() if self.dialect == "sdk" else response.json()["data"]

    def refused(self, method, path, status, body):
        """Return the (field, reason) pairs of a refusal."""
        response = self.call(method, path, body=body)
        assert response.status_code == status, response.text
        return {detail["field"]: detail["reason"] for detail in response.json().get("details", [])}

    def create_customer(self, reference="NEW-1", **fields):
        required = {"reference_id": reference, "company_name": "Kettle GmbH", "display_name": "Kettle"}
        return self.one("POST", "/customers", 201, **(required | fields))

    def create_contact(self, customer_id, reference="K-1", **fields):
        required = {"reference_id": reference, "first_name": "Ada", "email": "ada@example.com"}
        return self.one("POST", f"/customers/{customer_id}/contacts", 201, **(required | fields))

    def stored(self, table, record_id):
        return next(record for record in self.server.records(table) if record["id"] == record_id)
