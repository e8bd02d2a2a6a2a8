"""A second client that edits, inserts and deletes between two requests of a load, over real HTTP."""

import os
import threading
from collections import defaultdict

from hypothesis import strategies as st

import wizframe
from wizframe.connections.client import Client
from wizframe.http.transport import Transport

WALKS = int(os.environ.get("WIZFRAME_WALKS", "300"))


def scripts(*kinds):
    """Draw what happens when: up to three things at a time, before or after a request of the load."""
    moment = st.tuples(st.integers(0, 14), st.sampled_from(["before", "after"]))
    event = st.tuples(moment, st.sampled_from(kinds), st.integers(0, 1_000_000), st.integers(1, 3))
    return st.lists(event, min_size=4, max_size=10)


class Meddler:
    """A second client, which acts between the requests of the first; naive loops read on at the same time."""

    def __init__(self, wiz, script):
        self.wiz = wiz
        self.client = Client(Transport(wiz.base_url, wizframe.SANDBOX_API_KEY), dialect=wiz.dialect)
        self.ids = [record["id"] for record in wiz.server.records("customers")]
        self.flipped = set()
        self.loops = []
        self._script = defaultdict(list)
        for moment, *event in script:
            self._script[moment].append(event)
        self._lock = threading.Lock()
        self._count = 0

    def __enter__(self):
        send = self.wiz.transport.request

        def request(*args, **options):
            with self._lock:
                number, self._count = self._count, self._count + 1
                self.act(number, "before")
                for loop in self.loops:
                    next(loop, None)
            answer = send(*args, **options)
            with self._lock:
                self.act(number, "after")
            return answer

        self.wiz.transport.request = request
        return self

    def __exit__(self, *_):
        del self.wiz.transport.request
        self.client.close()

    def act(self, number, when):
        for kind, target, times in self._script.pop((number, when), []):
            for step in range(times):
                getattr(self, kind)(target + step)

    def edit(self, target):
        if self.ids:
            self.client.customer.update(self.ids[target % len(self.ids)], {"payment_term": f"term {target}"})

    def insert(self, _target):
        number = len(self.wiz.server.requests)
        required = {"reference_id": f"NEW-{number}", "company_name": "Late GmbH", "display_name": "Late"}
        self.ids.append(self.client.customer.create(required)["id"])

    def delete(self, target):
        if self.ids:
            self.client.customer.delete(self.ids.pop(target % len(self.ids)))

    def activate(self, target):
        self._flip(target, "active")

    def deactivate(self, target):
        self._flip(target, "inactive")

    def _flip(self, target, status):
        statuses = {record["id"]: record["status"] for record in self.wiz.server.records("customers")}
        others = [identifier for identifier in self.ids if statuses[identifier] != status]
        if others:
            self.wiz.server.set_status("customers", others[target % len(others)], status)
