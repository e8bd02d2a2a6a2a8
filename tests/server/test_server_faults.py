"""Every kind of fault, in the server and in the proxy: it fires, is logged, applies as it says, and is over."""

from __future__ import annotations

import re
import threading

import pytest
import requests
from support.server import Api, eventually

from wizframe.server import Fault, Faults, FiredFault, faults
from wizframe.server.faults import KINDS, WIRE_KINDS
from wizframe.server.routes import OPERATIONS, READS, WRITES

#: Whether an update that each kind hits is stored, and what the client sees: a status or an error.
UPDATES = {
    "answer": (False, 503),
    "answer_after": (True, 503),
    "delay": (True, 201),
    "drop": (False, requests.ConnectionError),
    "drop_after": (True, requests.ConnectionError),
    "reset": (False, requests.ConnectionError),
    "reset_after": (True, requests.ConnectionError),
    "reset_reused": (False, requests.ConnectionError),
    "stall": (False, requests.ReadTimeout),
    "stall_after": (True, requests.ReadTimeout),
    "late": (True, requests.ConnectionError),
    "late_stall": (True, requests.ReadTimeout),
    "truncate": (True, requests.exceptions.ChunkedEncodingError),
    "truncate_chunk": (True, requests.exceptions.ChunkedEncodingError),
    "unended_chunks": (True, requests.exceptions.ChunkedEncodingError),
    "drip": (True, 201),
    "keep": (False, 201),
    "lie": (False, 201),
    "meanwhile": (True, 201),
}
OPTIONS = {
    "answer": {"status": 503},
    "answer_after": {"status": 503},
    "delay": {"delay_s": 0.01},
    "late": {"delay_s": 60},
    "late_stall": {"delay_s": 60},
    "meanwhile": {"action": lambda: None},
}
PAGES = {
    "empty_page": lambda rows, _: rows == [],
    "short_page": lambda rows, true: rows == true[:5],
    "repeated_page": lambda rows, true: len(rows) == len(true) and rows != true,
}


#: Timeouts in seconds: short for the kinds that only a timeout ends.
TIMEOUT_S = {"stall": 0.1, "stall_after": 0.1, "late_stall": 0.1}


def seen_by_client(api, method, path, *, timeout=10, **fields):
    """Send a request, and return the status or the type of the error that the client saw."""
    try:
        return api.call(method, path, body=api.spelled(**fields), timeout=timeout).status_code
    except requests.RequestException as error:
        return type(error)


class TestEveryKind:
    @pytest.mark.parametrize(
        ("kind", "place"), [*((kind, "server") for kind in UPDATES), *((kind, "proxy") for kind in WIRE_KINDS)]
    )
    def test_an_update_is_hit_once_and_the_next_one_passes(self, kind, place):
        applied, outcome = UPDATES[kind]
        with Api("rest", customers=1, proxied=place == "proxy") as api:
            customer = api.server.records("customers")[0]["id"]
            path = f"/customers/{customer}"
            api.call("GET", path)
            api.faults.add(Fault(kind, operation="customers.update", **OPTIONS.get(kind, {})))
            assert seen_by_client(api, "PATCH", path, timeout=TIMEOUT_S.get(kind, 10), display_name="First") == outcome
            eventually(lambda: api.faults.fired)
            api.faults.apply_late()
            assert (api.stored("customers", customer)["display_name"] == "First") == applied
            assert api.faults.fired == [FiredFault(kind, "customers.update", "PATCH", f"/v1{path}")]
            assert seen_by_client(api, "PATCH", path, display_name="Second") == 201
            assert api.stored("customers", customer)["display_name"] == "Second"
            assert len(api.faults.fired) == 1

    @pytest.mark.parametrize("dialect", ["rest", "sdk"])
    @pytest.mark.parametrize("kind", PAGES)
    def test_a_page_is_altered_once(self, kind, dialect):
        with Api(dialect, customers=40) as api:
            asked = {"page": 2, "page_size": 10}
            true = api.rows(**asked)
            api.faults.add(Fault(kind, operation="customers.list"))
            assert PAGES[kind](api.rows(**asked), true)
            assert api.faults.fired == [FiredFault(kind, "customers.list", "GET", "/v1/customers")]
            assert api.rows(**asked) == true

    @pytest.mark.parametrize(("kind", "wrong"), [("total_too_small", lambda n: n // 2), ("total_too_large", None)])
    def test_totals_are_wrong_once(self, kind, wrong):
        with Api("rest", customers=40) as api:
            true = api.call("GET", "/customers", page_size=10).json()
            api.faults.add(Fault(kind, operation="customers.list"))
            response = api.call("GET", "/customers", page_size=10).json()
            total = true["pagination"]["total_records"]
            assert response["data"] == true["data"]
            expected = wrong(total) if wrong else 2 * total + 1
            assert response["pagination"]["total_records"] == expected
            assert response["pagination"]["total_pages"] == -(-expected // 10)
            assert [fired.kind for fired in api.faults.fired] == [kind]
            assert api.call("GET", "/customers", page_size=10).json() == true

    def test_there_is_no_other_kind(self):
        assert set(KINDS) == {*UPDATES, *PAGES, "total_too_small", "total_too_large"}

    def test_the_table_in_the_docstring_is_true(self):
        rows = re.findall(r"^``(\w+)`` +(P)? +(yes|no|late|partly)\b", faults.__doc__, re.MULTILINE)
        assert [name for name, _, _ in rows] == list(KINDS)
        assert tuple(name for name, wire, _ in rows if wire) == WIRE_KINDS
        for name, _, applied in rows:
            assert KINDS[name].applied in {applied, "altered"}


class TestSchedule:
    """Which request a fault hits."""

    def hit(self, schedule, requests_sent):
        faults_ = Faults(schedule)
        kinds = []
        for method, path in requests_sent:
            fault = faults_.due(method, path, reused=False)
            kinds.append(fault and fault.kind)
        return kinds

    @pytest.mark.parametrize(
        ("options", "hits"),
        [
            ({}, [0]),
            ({"skip": 2}, [2]),
            ({"times": 2, "skip": 1}, [1, 2]),
            ({"times": None, "skip": 3}, [3, 4]),
        ],
    )
    def test_requests_of_the_operation_are_counted(self, options, hits):
        sent = [("POST", "/v1/customers"), ("GET", "/v1/customers")] * 5
        kinds = self.hit([Fault("drop", "customers.create", **options)], sent)
        assert [index // 2 for index, kind in enumerate(kinds) if kind] == hits
        assert not any(kinds[1::2])

    @pytest.mark.parametrize(
        ("operation", "names"), [("*", OPERATIONS), ("reads", READS), ("writes", WRITES), ("login", ("login",))]
    )
    def test_a_group_means_all_its_operations(self, operation, names):
        sent = {
            "login": ("POST", "/auth/token"),
            "customers.list": ("GET", "/v1/customers"),
            "customers.get": ("GET", "/v1/customers/a"),
            "customers.create": ("POST", "/v1/customers"),
            "customers.update": ("PATCH", "/v1/customers/a"),
            "customers.delete": ("DELETE", "/v1/customers/a"),
            "contacts.list": ("GET", "/v1/customers/a/contacts"),
            "contacts.get": ("GET", "/v1/customers/a/contacts/b"),
            "contacts.create": ("POST", "/v1/customers/a/contacts"),
            "contacts.update": ("PUT", "/v1/customers/a/contacts/b"),
            "contacts.delete": ("DELETE", "/v1/customers/a/contacts/b"),
            "none": ("GET", "/v1/orders"),
            "outside": ("GET", "/customers"),
        }
        assert set(sent) == {*OPERATIONS, "login", "none", "outside"}
        found = self.hit([Fault("drop", operation, times=None)], sent.values())
        assert [name for name, kind in zip(sent, found, strict=True) if kind] == [n for n in sent if n in names]

    def test_of_two_that_are_due_the_first_hits_and_the_other_waits(self):
        schedule = [Fault("drop", "customers.create"), Fault("reset", "writes"), Fault("stall", "*", skip=3)]
        assert self.hit(schedule, [("POST", "/v1/customers")] * 5) == ["drop", "reset", None, "stall", None]

    def test_one_that_finds_nothing_to_alter_waits_for_the_next_request(self):
        with Api("rest", customers=30) as api:
            api.faults.add(Fault("repeated_page"), Fault("keep"))
            first = api.rows(page_size=5)
            missing = api.call("PATCH", "/customers/nobody", body={"display_name": "x"})
            assert (missing.status_code, api.faults.fired) == (404, [])
            assert api.rows(page=2, page_size=5) == first
            api.call("PATCH", f"/customers/{first[0]['id']}", body={"display_name": "x"})
            assert [fired.kind for fired in api.faults.fired] == ["repeated_page", "keep"]

    def test_a_bare_list_has_no_total_that_could_be_wrong(self):
        with Api("sdk", customers=3, faults=[Fault("total_too_large")]) as api:
            assert len(api.rows()) > 0
            assert api.faults.fired == []

    def test_a_fresh_connection_is_not_reset_as_a_stale_one(self):
        with Api("rest", customers=1, faults=[Fault("reset_reused")]) as api:
            assert api.call("GET", "/customers").status_code == 200
            with pytest.raises(requests.ConnectionError):
                api.call("GET", "/customers")

    def test_cleared_faults_are_over_and_their_log_stays(self):
        with Api("rest", customers=1, faults=[Fault("answer", status=500, times=None)]) as api:
            assert api.call("GET", "/customers").status_code == 500
            assert "answer" in repr(api.faults)
            api.faults.clear()
            assert api.call("GET", "/customers").status_code == 200
            assert (list(api.faults), len(api.faults.fired)) == ([], 1)

    def test_many_threads_are_hit_exactly_as_often_as_asked(self):
        shared = Faults([Fault("drop", "customers.list", times=50, skip=20)])
        hits = []

        def work():
            hits.extend(shared.due("GET", "/v1/customers", reused=False) for _ in range(200))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(hit is not None for hit in hits) == 50

    def test_without_faults_no_request_takes_the_lock(self):
        """A server without faults does not pay for them: not even with a lock that all connections would share."""
        idle = Faults()
        with idle._lock:
            assert idle.due("GET", "/v1/customers", reused=True) is None


class TestChance:
    def test_a_seed_is_a_schedule_that_its_repr_repeats(self):
        schedule = Faults.random(seed=7, count=50)
        assert schedule == Faults.random(seed=7, count=50) != Faults.random(seed=8, count=50)
        assert eval(repr(schedule), {"Fault": Fault}) == schedule  # noqa: S307 - as a failing test prints it

    def test_kinds_operations_statuses_and_places_are_as_asked(self):
        wanted = {"kinds": ("answer", "empty_page"), "operations": ("contacts.list", "customers.create")}
        schedule = Faults.random(1, 80, **wanted, statuses=(502,), within=3)
        assert {(fault.kind, fault.operation) for fault in schedule} == {
            ("answer", "contacts.list"),
            ("empty_page", "contacts.list"),
            ("answer", "customers.create"),
        }
        assert {fault.status for fault in schedule if fault.kind == "answer"} == {502}
        assert {fault.skip for fault in schedule} == {0, 1, 2}

    def test_by_default_all_happen_except_those_that_only_a_timeout_ends_or_nothing_reveals(self):
        kinds = {fault.kind for fault in Faults.random(3, 2000)}
        assert kinds == set(KINDS) - {"stall", "stall_after", "late_stall", "lie", "meanwhile"}

    def test_no_create_and_no_delete_is_left_out_without_a_trace(self):
        kept = [fault for fault in Faults.random(3, 4000) if fault.kind == "keep"]
        assert {fault.column for fault in kept if fault.operation.endswith(".create")} == {"email"}
        assert {fault.operation.rpartition(".")[2] for fault in kept} == {"create", "update"}

    def test_the_same_requests_are_hit_by_the_same_faults(self):
        def fired():
            with Api("rest", customers=5, faults=Faults.random(11, 8, operations=("customers.list",))) as api:
                for _ in range(15):
                    seen_by_client(api, "GET", "/customers")
                return api.faults.fired

        assert fired() == fired() != []


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"kind": "explode"}, "unknown fault 'explode'"),
            ({"kind": "drop", "operation": "customers.destroy"}, "unknown operation"),
            ({"kind": "keep", "operation": "reads"}, "cannot happen in 'reads'"),
            ({"kind": "empty_page", "operation": "customers.get"}, "cannot happen"),
            ({"kind": "answer"}, "needs a status"),
            ({"kind": "answer", "status": 200, "body": bytes.upper}, "no true body"),
            ({"kind": "meanwhile"}, "needs an action"),
            ({"kind": "drop", "action": print}, "cannot have an action"),
            ({"kind": "drop", "times": 0}, "times"),
            ({"kind": "drop", "skip": -1}, "negative"),
            ({"kind": "drop", "delay_s": -0.1}, "negative"),
        ],
    )
    def test_an_invalid_fault_is_refused(self, options, why):
        with pytest.raises(ValueError, match=why):
            Fault(**options)
