"""Each deviation changes what the service does, and a service without deviations follows the documents."""

import datetime as dt
import json
import time

import pytest
from support.server import Api

import wizframe
from wizframe.errors import ConfigurationError
from wizframe.server import SandboxServer
from wizframe.server.deviations import DEVIATIONS, KINDS

#: Only lists of the rest dialect have totals, and only its records show the values of attributes.
REST_ONLY = [name for name in DEVIATIONS if name.startswith("total_") or name.endswith("_in_attributes")]
SHOP = "  Cafe\u0301  & Bar of the Long Names "


def transcript(api):
    """Send requests of every kind, and return all responses and all that is stored then."""
    said = []

    def send(method, path, body=None, **params):
        response = api.call(method, path, body=body, **params)
        said.append([method, path, params, response.status_code, response.text])
        return response

    for page in (1, 2, 3, 9):
        send("GET", "/customers", page=page, page_size=40)
    send("GET", "/customers", page_size=100, **{api.spell("sort_by"): "created_at", "sort": "asc"})
    send("GET", "/customers", status="inactive")
    first, *others = api.server.records("customers")
    inactive = next(record for record in others if record["status"] == "inactive")
    names = [first["reference_id"], others[0]["reference_id"], inactive["reference_id"]]
    lower = next(record["reference_id"].lower() for record in others if not record["reference_id"].isdecimal())
    for wanted in (names, lower, names[0][:-1]):
        for status in ("active", "inactive"):
            text = wanted if isinstance(wanted, str) else ",".join(wanted)
            send("GET", "/customers", status=status, **{api.spell("reference_ids"): text})
    of_first = [record for record in api.server.records("contacts") if record["customer_id"] == others[0]["id"]]
    customer, contact = f"/customers/{first['id']}", f"/customers/{others[0]['id']}/contacts/{of_first[-1]['id']}"
    for path in (customer, f"{customer}/contacts", contact, "/customers/nobody"):
        send("GET", path)
    values = {"email": "Ada.B@Example.COM", "phone": "+14155550123", "display_id": "4711"}
    send("PATCH", customer, api.spelled(display_name=SHOP, **values))
    values.pop("display_id")
    whole = {"reference_id": "k-1", "first_name": "Ada", "designation": "Head of many things", **values}
    own = {"last_name": None, "department": "Sales", "tenant_id": "tenant_1"}
    send("PUT", contact, api.spelled(**whole, **own))
    named = {"company_name": SHOP, "display_name": "New"}
    taken = others[1]
    for fields in ({"reference_id": "new-1"}, {"reference_id": taken["reference_id"]}, {"email": taken["email"]}):
        send("POST", "/customers", api.spelled(**{"reference_id": "new-2"} | named | fields))
    for path in ("/customers", customer, contact):
        send("GET", path)
    for path in (contact, customer):
        send("DELETE", path)
        send("GET", path)
    return said, [api.server.records(table) for table in ("customers", "contacts")]


def without_times_of_today(found):
    return json.dumps(found).replace(dt.datetime.now(dt.UTC).strftime("%Y-%m-%d"), "today")[:-1]


def played(dialect, *deviations):
    with Api(dialect, customers=70, deviations=deviations) as api:
        text = without_times_of_today(transcript(api))
    return [part.partition("Z")[2] if part.startswith("T") else part for part in text.split("today")]


@pytest.fixture(scope="module")
def documented():
    return {dialect: played(dialect) for dialect in ("rest", "sdk")}


def test_without_deviations_two_servers_respond_alike(documented, dialect):
    assert played(dialect) == documented[dialect]


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_deviation_changes_something(documented, name, dialect):
    if dialect == "sdk" and name in REST_ONLY:
        assert played(dialect, name) == documented[dialect]
    else:
        assert played(dialect, name) != documented[dialect]


def test_deviations_have_plain_names_a_kind_and_a_sentence():
    assert all(name == name.lower() and name.isidentifier() for name in DEVIATIONS)
    assert {switch.kind for switch in DEVIATIONS.values()} == set(KINDS)
    assert [switch.name for switch in DEVIATIONS.values() if not switch.says.endswith(".")] == []


@pytest.mark.parametrize(
    ("names", "close"),
    [(["total_zer"], "total_zero"), (["trim_text"], "trims_text"), ("delete_inactive", "delete_sets_inactive")],
)
def test_an_unknown_name_is_refused_with_the_closest_ones(names, close):
    with pytest.raises(ConfigurationError, match=f"unknown deviation .* did you mean .*{close}"):
        wizframe.sandbox(customers=1, deviations=names)
    with pytest.raises(ValueError, match="unknown deviation 7"):
        SandboxServer(deviations=[7])


@pytest.mark.parametrize("wizframe_deviations", [("trims_text", "total_zero")])
def test_the_fixture_starts_a_sandbox_with_deviations(wizframe_sandbox):
    assert wizframe_sandbox.server.deviations == ("trims_text", "total_zero")


def test_several_deviations_work_together():
    with Api("rest", customers=1, deviations=["uppercases_reference", "update_answers_204", "trims_text"]) as api:
        path = f"/customers/{api.rows()[0]['id']}"
        assert api.call("PATCH", path, body={"reference_id": " a-1 "}).status_code == 204
        assert api.rows()[0]["reference_id"] == "A-1"
        assert api.server.deviations == ("update_answers_204", "trims_text", "uppercases_reference")


@pytest.mark.parametrize("name", ["update_late", "reads_lag"])
def test_a_late_write_takes_effect_and_a_lagging_read_shows_it_after_a_moment(name, dialect):
    with Api(dialect, customers=2, deviations=[name]) as api:
        customer = api.server.records("customers")[0]["id"]
        api.call("PATCH", f"/customers/{customer}", body=api.spelled(payment_term="net77"))

        def shown():
            return api.one("GET", f"/customers/{customer}", 200)[api.spell("payment_term")]

        assert (api.stored("customers", customer)["payment_term"] == "net77") == (name == "reads_lag")
        assert shown() != "net77"
        time.sleep(0.3)
        assert shown() == api.stored("customers", customer)["payment_term"] == "net77"


def test_a_lagging_read_hides_creates_and_shows_deleted_records(dialect):
    with Api(dialect, customers=3, deviations=["reads_lag"]) as api:
        before = api.rows()
        created = api.create_customer("NEW")
        assert api.call("DELETE", f"/customers/{before[1]['id']}").status_code == 204
        assert api.rows() == before
        assert api.call("GET", f"/customers/{created['id']}").status_code == 404
        time.sleep(0.3)
        assert {row["id"] for row in api.rows()} == {before[0]["id"], before[2]["id"], created["id"]} - {
            row["id"] for row in before if row.get("status") == "inactive"
        }


@pytest.mark.parametrize("number", ["98765432109876543210987", "12345678901234567.25"])
def test_an_exact_number_comes_back_as_it_was_sent(number):
    name = "big_integers_in_attributes" if number.isdecimal() else "exact_decimals_in_attributes"
    with Api("rest", customers=1, deviations=[name]) as api:
        path = f"/customers/{api.server.records('customers')[0]['id']}"
        text = api.call("GET", path).text
        assert f'"value":{number}' in text
        sent = json.dumps({"attributes": [{"name": "Ledger number", "value": 0}, {"name": "Stores", "value": 1.5}]})
        headers = {"Content-Type": "application/json"}
        for written, is_same in ((number, True), (str(float(number)), False)):
            body = sent.replace('"value": 0', f'"value": {written}')
            shown = api.session.request("PATCH", api.base_url + path, data=body, headers=headers).text
            (customer,) = api.server.records("customers")
            assert (customer["attributes"][0]["value"] == f"exact:{number}") == is_same
            assert '"value":1.5' in shown
