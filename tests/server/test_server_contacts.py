from __future__ import annotations

import pytest
from support.server import Api


@pytest.fixture(params=["rest", "sdk"])
def api(request):
    with Api(request.param, customers=5) as running:
        yield running


@pytest.fixture
def path(api):
    return f"/customers/{api.create_customer()['id']}/contacts"


def whole(**fields):
    return {"reference_id": "K-1", "first_name": "Ada", "email": "ada@example.com"} | fields


class TestCreate:
    def test_a_new_contact_is_active_and_found(self, api, path):
        created = api.one("POST", path, 201, **whole(last_name="Byron", designation="Buyer"))
        assert created["status"] == "active"
        assert created["attributes"] == []
        assert created[api.spell("is_default")] is False
        assert api.one("GET", f"{path}/{created['id']}", 200) == created
        assert api.rows(path) == [created]

    def test_missing_fields_are_named(self, api, path):
        reasons = api.refused("POST", path, 422, {})
        assert reasons == dict.fromkeys([api.spell("reference_id"), api.spell("first_name"), "email"], "is required")

    def test_a_reference_is_unique_within_its_customer_across_both_statuses(self, api, path):
        created = api.one("POST", path, 201, **whole())
        api.server.set_status("contacts", created["id"], "inactive")
        assert set(api.refused("POST", path, 409, api.spelled(**whole()))) == {api.spell("reference_id")}
        other = f"/customers/{api.create_customer('NEW-2')['id']}/contacts"
        api.one("POST", other, 201, **whole())

    def test_read_only_fields_are_ignored(self, api, path):
        created = api.one("POST", path, 201, **whole(id="mine", status="inactive", colour="red"))
        assert created["id"] != "mine"
        assert created["status"] == "active"
        assert "colour" not in created


class TestRead:
    def test_a_contact_is_only_found_below_its_own_customer(self, api, path):
        created = api.one("POST", path, 201, **whole())
        other = f"/customers/{api.create_customer('NEW-2')['id']}/contacts"
        for method in ("GET", "PUT", "DELETE"):
            assert api.call(method, f"{other}/{created['id']}", body={}).status_code == 404
        assert api.rows(other) == []

    def test_a_list_shows_the_active_ones_unless_asked_otherwise(self, api, path):
        first, second = (api.one("POST", path, 201, **whole(reference_id=name))["id"] for name in "AB")
        api.server.set_status("contacts", first, "inactive")
        assert [row["id"] for row in api.rows(path)] == [second]
        assert [row["id"] for row in api.rows(path, status="inactive")] == [first]

    def test_a_contact_does_not_name_its_customer(self, api, path):
        assert api.spell("customer_id") not in api.one("POST", path, 201, **whole())


class TestReplace:
    def test_missing_fields_are_erased_and_the_fields_of_the_server_stay(self, api, path):
        created = api.one(
            "POST", path, 201, **whole(last_name="Byron", phone="+14155552671", designation="Buyer", is_default=True)
        )
        updated = api.one("PUT", f"{path}/{created['id']}", 200, designation="Head Buyer")
        expected = created | api.spelled(
            reference_id=None, first_name=None, last_name=None, email=None, phone=None, is_default=False
        )
        expected |= {"designation": "Head Buyer", api.spell("updated_at"): updated[api.spell("updated_at")]}
        if api.dialect == "rest":
            expected["department"] = None
        assert updated == expected

    def test_a_contact_that_is_sent_whole_keeps_everything(self, api, path):
        created = api.one(
            "POST", path, 201, **whole(last_name="Byron", attributes=[{"name": "Language", "value": "it"}])
        )
        stored = api.stored("contacts", created["id"])
        sent = {name: stored[name] for name in ("last_name", "phone", "designation", "is_default", "attributes")}
        api.one("PUT", f"{path}/{created['id']}", 200, **whole(**sent))
        assert api.stored("contacts", created["id"]) == stored

    def test_a_rest_contact_has_a_field_that_no_document_names_and_put_erases_it(self):
        with Api("rest", customers=1) as api:
            path = f"/customers/{api.server.records('customers')[0]['id']}/contacts"
            created = api.one("POST", path, 201, **whole(department="Purchasing"))
            assert created["department"] == "Purchasing"
            assert api.rows(path)[0]["department"] == "Purchasing"
            kept = api.one("PUT", f"{path}/{created['id']}", 200, **whole(department="Purchasing", first_name="Eve"))
            assert (kept["department"], kept["first_name"]) == ("Purchasing", "Eve")
            assert api.one("PUT", f"{path}/{created['id']}", 200, **whole())["department"] is None

    def test_the_undocumented_field_does_not_exist_in_sdk(self):
        with Api("sdk", customers=1) as api:
            path = f"/customers/{api.server.records('customers')[0]['id']}/contacts"
            created = api.one("POST", path, 201, **whole(department="Purchasing"))
            assert api.stored("contacts", created["id"])["department"] is None
            assert all("department" not in row for row in api.rows(path))

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("reference_id", "x" * 256),
            ("reference_id", ""),
            ("first_name", ""),
            ("first_name", "x" * 51),
            ("last_name", 5),
            ("email", "nobody"),
            ("email", None),
            ("phone", "555-0100"),
            ("is_default", 1),
            ("attributes", "none"),
        ],
    )
    def test_a_given_value_must_be_valid(self, api, path, field, value):
        created = api.one("POST", path, 201, **whole())
        body = api.spelled(**(whole() | {field: value}))
        assert set(api.refused("PUT", f"{path}/{created['id']}", 422, body)) == {api.spell(field)}
        assert api.one("GET", f"{path}/{created['id']}", 200) == created

    def test_a_taken_reference_is_a_409(self, api, path):
        api.one("POST", path, 201, **whole())
        second = api.one("POST", path, 201, **whole(reference_id="K-2"))
        api.refused("PUT", f"{path}/{second['id']}", 409, api.spelled(**whole()))

    def test_several_contacts_may_have_had_their_reference_erased(self, api, path):
        for name in "AB":
            created = api.one("POST", path, 201, **whole(reference_id=name))
            api.one("PUT", f"{path}/{created['id']}", 200, designation="Buyer")

    def test_updated_at_moves_only_if_something_changed_and_never_the_customers(self, api, path):
        created = api.one("POST", path, 201, **whole())
        customer = path.split("/")[2]
        api.server.overwrite("customers", customer, updated_at="2026-07-01T00:00:00Z")
        api.server.overwrite("contacts", created["id"], updated_at="2026-07-01T00:00:00Z")
        api.one("PUT", f"{path}/{created['id']}", 200, **whole())
        assert api.stored("contacts", created["id"])["updated_at"] == "2026-07-01T00:00:00Z"
        api.one("PUT", f"{path}/{created['id']}", 200, **whole(designation="Buyer"))
        stored = api.stored("contacts", created["id"])
        assert stored["updated_at"] > "2026-07-01T00:00:00Z"
        assert stored["created_at"] == created[api.spell("created_at")]
        assert api.stored("customers", customer)["updated_at"] == "2026-07-01T00:00:00Z"


class TestDefault:
    def test_a_new_default_clears_the_flag_of_the_others(self, api, path):
        flags = api.spell("is_default")
        first = api.one("POST", path, 201, **whole(reference_id="A", is_default=True))
        second = api.one("POST", path, 201, **whole(reference_id="B", is_default=True))
        assert {row["id"]: row[flags] for row in api.rows(path)} == {first["id"]: False, second["id"]: True}
        api.one("PUT", f"{path}/{first['id']}", 200, **whole(reference_id="A", is_default=True))
        assert {row["id"]: row[flags] for row in api.rows(path)} == {first["id"]: True, second["id"]: False}

    def test_the_default_of_another_customer_is_left_alone(self, api, path):
        other = f"/customers/{api.create_customer('NEW-2')['id']}/contacts"
        left = api.one("POST", other, 201, **whole(is_default=True))
        api.one("POST", path, 201, **whole(is_default=True))
        assert api.one("GET", f"{other}/{left['id']}", 200) == left


class TestDelete:
    def test_the_response_is_empty_and_only_this_contact_is_gone(self, api, path):
        first, second = (api.one("POST", path, 201, **whole(reference_id=name))["id"] for name in "AB")
        response = api.call("DELETE", f"{path}/{first}")
        assert (response.status_code, response.content) == (204, b"")
        assert api.call("GET", f"{path}/{first}").status_code == 404
        assert [row["id"] for row in api.rows(path)] == [second]
