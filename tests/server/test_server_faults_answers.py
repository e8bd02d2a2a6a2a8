"""Faults in the content of responses: any status, header and body, writes that are not stored, and other writers."""

from __future__ import annotations

import gzip
import http.client
import json

import pytest
import requests
from support.server import Api

from wizframe.server import Fault, gzip_bomb

DATE, LATER = "Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:02 GMT"


@pytest.fixture(params=["rest", "sdk"])
def api(request):
    with Api(request.param, customers=3) as running:
        yield running


def body_of(reference="NEW-1"):
    return {"reference_id": reference, "company_name": "Kettle", "display_name": "Kettle"}


def references(api):
    return [record["reference_id"] for record in api.server.records("customers")]


class TestChosenResponses:
    @pytest.mark.parametrize("kind", ["answer", "answer_after"])
    @pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 502, 503, 504])
    def test_a_status_comes_as_an_error_before_or_after_the_create(self, api, kind, status):
        api.faults.add(Fault(kind, operation="customers.create", status=status))
        response = api.call("POST", "/customers", body=api.spelled(**body_of()))
        assert (response.status_code, set(response.json())) == (status, {"code", "message"})
        assert ("NEW-1" in references(api)) == (kind == "answer_after")
        assert api.server.requests[-1].status == status

    @pytest.mark.parametrize(
        ("body", "content", "media"),
        [
            ("<html>Bad gateway</html>", b"<html>Bad gateway</html>", "text/html; charset=utf-8"),
            ("", b"", "text/html; charset=utf-8"),
            (b'{"id": "cust', b'{"id": "cust', "application/json"),
            ([1, 2], b"[1,2]", "application/json"),
            ({"unheard": {"of": None}}, b'{"unheard":{"of":null}}', "application/json"),
        ],
    )
    @pytest.mark.parametrize("status", [200, 502])
    def test_a_body_is_sent_as_it_is_given(self, api, status, body, content, media):
        api.faults.add(Fault("answer", status=status, body=body))
        response = api.call("GET", "/customers")
        assert (response.status_code, response.content) == (status, content)
        assert response.headers["Content-Type"] == media
        assert api.rows()

    def test_details_name_the_field_and_the_reason(self, api):
        details = [{"field": "email", "reason": "is not accepted"}]
        api.faults.add(Fault("answer", status=422, body={"code": "invalid", "message": "no", "details": details}))
        assert api.refused("POST", "/customers", 422, {}) == {"email": "is not accepted"}

    @pytest.mark.parametrize("wait", ["2", "0", "-1", "86400000", "soon", LATER])
    def test_a_wait_and_a_clock_of_another_time_are_sent(self, api, wait):
        api.faults.add(Fault("answer", status=429, headers={"Retry-After": wait, "Date": DATE}))
        response = api.call("GET", "/customers")
        assert (response.headers["Retry-After"], response.headers["Date"]) == (wait, DATE)
        assert "Retry-After" not in api.call("GET", "/customers").headers

    def test_a_header_can_be_left_out(self, api):
        api.faults.add(Fault("answer_after", headers={"Date": None, "Content-Type": None}))
        response = api.call("GET", "/customers")
        assert {"Date", "Content-Type"} & set(response.headers) == set()
        assert response.status_code == 200

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_write_is_redirected_wherever_the_test_wants(self, api, status):
        api.faults.add(Fault("answer", "writes", status=status, headers={"Location": "http://127.0.0.2:9/v1"}))
        response = api.call("POST", "/customers", body=api.spelled(**body_of()))
        assert (response.status_code, response.headers["Location"]) == (status, "http://127.0.0.2:9/v1")
        assert len(references(api)) == 3

    @pytest.mark.parametrize("body", ["<p>{key}</p>", {"code": "forbidden", "message": "{key} may not"}, b"{key}"])
    def test_the_key_is_echoed_in_body_and_header(self, api, body):
        api.faults.add(Fault("answer", status=403, body=body, headers={"X-Debug": "key={key}"}))
        response = api.call("GET", "/customers")
        assert api.server.api_key in response.text
        assert response.headers["X-Debug"] == f"key={api.server.api_key}"

    def test_a_function_alters_the_true_body(self, api):
        api.faults.add(Fault("answer_after", "customers.list", body=lambda body: body[:-1]))
        response = api.call("GET", "/customers")
        assert response.status_code == 200
        assert json.loads(response.content + (b"]" if api.dialect == "sdk" else b"}"))

    def test_a_delete_gets_an_error_after_it_was_applied(self, api):
        customer = api.server.records("customers")[0]["id"]
        api.faults.add(Fault("answer_after", "customers.delete", status=504))
        assert api.call("DELETE", f"/customers/{customer}").status_code == 504
        assert len(references(api)) == 2

    def test_the_login_can_fail_too(self, api):
        api.faults.add(Fault("answer", status=500), Fault("answer", "login", status=503))
        url = api.base_url.removesuffix("/v1") + "/auth/token"
        login = {"email": "me@example.com", "password": "sandbox"}
        assert [requests.post(url, json=login, timeout=10).status_code for _ in range(2)] == [503, 200]

    def test_a_request_over_the_rate_limit_meets_no_fault(self, api):
        api.server.rate_limit = 0.5
        api.call("GET", "/customers")
        api.faults.add(Fault("answer", status=502))
        assert api.call("GET", "/customers").status_code == 429
        assert api.faults.fired == []

    def test_a_bomb_is_small_until_it_is_unpacked(self, api):
        api.faults.add(Fault("answer", status=200, body=gzip_bomb(3), headers={"Content-Encoding": "gzip"}))
        connection = http.client.HTTPConnection(*api.base_url.split("/")[2].split(":"))
        connection.request("GET", "/v1/customers")
        packed = connection.getresponse().read()
        connection.close()
        assert len(packed) < 20_000
        assert gzip.decompress(packed) == b" " * 3_000_000


class TestWritesThatAreNotStored:
    """The response is a success. Only its body (``keep``) or only the stored record (``lie``) shows the fault."""

    @pytest.mark.parametrize(("kind", "shown"), [("keep", False), ("lie", True)])
    @pytest.mark.parametrize("column", [None, "email"])
    @pytest.mark.parametrize("table", ["customers", "contacts"])
    def test_an_update_leaves_the_old_value(self, api, table, column, kind, shown):
        before = api.server.records(table)[0]
        path, verb, status = f"/customers/{before['id']}", "PATCH", 201
        if table == "contacts":
            path, verb, status = f"/customers/{before['customer_id']}/contacts/{before['id']}", "PUT", 200
        api.faults.add(Fault(kind, f"{table}.update", column=column))
        new = {"email": "new@example.com", "first_name": "Newt", "reference_id": before["reference_id"]}
        response = api.one(verb, path, status, **new)
        after = api.stored(table, before["id"])
        assert after["email"] == before["email"]
        assert after["first_name"] == (before["first_name"] if column is None else "Newt")
        assert (response.get("email") == "new@example.com") == shown
        if column is None:
            assert after == before
        assert len(api.faults.fired) == 1

    @pytest.mark.parametrize("kind", ["keep", "lie"])
    def test_a_create_succeeds_and_nothing_is_stored(self, api, kind):
        before = api.server.records("customers")
        api.faults.add(Fault(kind, "customers.create"))
        phantom = api.create_customer("NEW-1")
        assert api.server.records("customers") == before
        assert api.call("GET", f"/customers/{phantom['id']}").status_code == 404
        assert api.create_customer("NEW-1")["id"] != phantom["id"]

    def test_a_create_loses_one_field(self, api):
        api.faults.add(Fault("keep", "contacts.create", column="designation"))
        customer = api.server.records("customers")[0]["id"]
        made = api.create_contact(customer, designation="Buyer", last_name="L")
        assert (made["designation"], made[api.spell("last_name")]) == (None, "L")
        assert api.stored("contacts", made["id"])["designation"] is None

    @pytest.mark.parametrize("kind", ["keep", "lie"])
    def test_a_delete_succeeds_and_the_record_still_exists(self, api, kind):
        before = api.server.records("customers"), api.server.records("contacts")
        api.faults.add(Fault(kind, "customers.delete"))
        path = f"/customers/{before[0][0]['id']}"
        assert api.call("DELETE", path).status_code == 204
        assert (api.server.records("customers"), api.server.records("contacts")) == before
        assert api.call("DELETE", path).status_code == 204
        assert len(api.server.records("customers")) == 2

    def test_lists_show_what_is_stored(self, api):
        customer = api.rows()[0]
        api.faults.add(Fault("lie", "customers.update"))
        api.call("PATCH", f"/customers/{customer['id']}", body=api.spelled(display_name="Lie"))
        assert api.rows()[0] == customer

    def test_an_empty_account_forgets_a_create_too(self):
        with Api("rest", customers=0, faults=[Fault("lie", "customers.create")]) as api:
            phantom = api.create_customer()
            assert api.server.records("customers") == []
            assert api.create_customer()["id"] != phantom["id"]


class TestMeanwhile:
    def test_another_user_writes_just_before_the_request_is_applied(self, api):
        customer = api.server.records("customers")[0]["id"]

        def colleague():
            api.server.overwrite("customers", customer, payment_term="theirs", display_name="theirs")

        api.faults.add(Fault("meanwhile", "customers.update", action=colleague))
        api.one("PATCH", f"/customers/{customer}", 201, display_name="mine")
        stored = api.stored("customers", customer)
        assert (stored["payment_term"], stored["display_name"]) == ("theirs", "mine")

    def test_an_action_that_fails_is_a_500_with_its_error(self, api):
        def failing():
            raise RuntimeError("a mistake in the test")

        api.faults.add(Fault("meanwhile", action=failing))
        response = api.call("GET", "/customers")
        assert (response.status_code, response.json()["message"]) == (500, "RuntimeError: a mistake in the test")
