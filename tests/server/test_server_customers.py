from __future__ import annotations

import pytest
from support.server import Api


@pytest.fixture(params=["rest", "sdk"])
def api(request):
    with Api(request.param, customers=10) as running:
        yield running


def address(reference="A-1", **fields):
    return {"reference_id": reference, "address_line_1": "1 Elm", "city": "Bath", "type": "billing"} | fields


def contact(reference="K-1", **fields):
    return {"reference_id": reference, "first_name": "Ada", "email": "ada@example.com"} | fields


def put_back(api, customer_id):
    """Set an old time of the last write, so that a new one differs by at least a second."""
    api.server.overwrite("customers", customer_id, updated_at="2026-07-01T00:00:00Z")


class TestCreate:
    def test_a_new_customer_is_active_dated_and_found(self, api):
        created = api.create_customer(phone="+14155552671", email="a@example.com", payment_term="net30")
        assert created["status"] == "active"
        assert created["name"] == "Kettle GmbH"
        assert created[api.spell("created_at")] == created[api.spell("updated_at")]
        assert api.one("GET", f"/customers/{created['id']}", 200) == created
        assert api.rows()[0]["id"] == created["id"]

    def test_creation_times_never_decrease(self, api):
        times = [record["created_at"] for record in api.server.records("customers")]
        times.append(api.create_customer()[api.spell("created_at")])
        assert times == sorted(times)
        assert all(len(time) == 20 and time.endswith("Z") for time in times)

    def test_addresses_and_contacts_are_created_with_it(self, api):
        items = {
            "addresses": [api.spelled(**address()), api.spelled(**address("A-2", type="shipping"))],
            "contacts": [api.spelled(**contact(is_default=True)), api.spelled(**contact("K-2"))],
        }
        created = api.create_customer(**items)
        assert [a[api.spell("reference_id")] for a in created["addresses"]] == ["A-1", "A-2"]
        assert [c[api.spell("is_default")] for c in created["contacts"]] == [True, False]
        assert len({item["id"] for key in items for item in created[key]}) == 4
        assert len(api.rows(f"/customers/{created['id']}/contacts")) == 2

    def test_missing_fields_are_named_in_the_servers_spelling(self, api):
        reasons = api.refused("POST", "/customers", 422, {})
        assert reasons == dict.fromkeys(map(api.spell, ("reference_id", "company_name", "display_name")), "is required")

    def test_name_is_only_read_and_company_name_only_written(self, api):
        body = api.spelled(reference_id="R", display_name="D") | {"name": "N"}
        assert set(api.refused("POST", "/customers", 422, body)) == {api.spell("company_name")}
        created = api.create_customer(name="Ignored")
        assert created["name"] == "Kettle GmbH"
        assert api.spell("company_name") not in created

    def test_read_only_fields_are_ignored(self, api):
        created = api.create_customer(id="mine", status="inactive", created_at="2001-01-01T00:00:00Z", colour="red")
        assert created["id"] != "mine"
        assert created["status"] == "active"
        assert created[api.spell("created_at")] > "2026"
        assert "colour" not in created

    def test_a_taken_reference_is_a_409_also_when_its_owner_is_inactive(self, api):
        created = api.create_customer("TAKEN")
        api.server.set_status("customers", created["id"], "inactive")
        body = api.spelled(reference_id="TAKEN", company_name="A", display_name="A")
        assert set(api.refused("POST", "/customers", 409, body)) == {api.spell("reference_id")}

    def test_the_reference_of_a_deleted_customer_is_free_again_but_its_id_is_not(self, api):
        created = api.create_customer("AGAIN")
        api.call("DELETE", f"/customers/{created['id']}")
        assert api.create_customer("AGAIN")["id"] != created["id"]

    def test_a_refused_item_leaves_nothing_behind(self, api):
        counts = [len(api.server.records(table)) for table in ("customers", "contacts")]
        items = [api.spelled(**contact()), api.spelled(**contact())]
        body = api.spelled(reference_id="R", company_name="C", display_name="D", contacts=items)
        assert set(api.refused("POST", "/customers", 409, body)) == {f"contacts[1].{api.spell('reference_id')}"}
        assert [len(api.server.records(table)) for table in ("customers", "contacts")] == counts

    def test_the_price_list_is_spelled_otherwise_in_a_create_than_in_an_update_of_sdk(self):
        with Api("sdk", customers=1) as api:
            wrong = api.create_customer("A", assigned_price_list_id="plist_123456")
            assert "assignedPriceList" not in wrong
            right = api.create_customer("B", assignedPriceListID="plist_123456")
            assert right["assignedPriceList"] == {"id": "plist_123456", "name": "Standard"}
            path = f"/customers/{wrong['id']}"
            assert "assignedPriceList" not in api.one("PATCH", path, 201, assignedPriceListID="plist_123456")
            assert "assignedPriceList" in api.one("PATCH", path, 201, assignedPriceListId="plist_123456")

    def test_a_display_id_is_given_if_none_is_sent_and_sdk_cannot_send_one(self, api):
        assert api.create_customer("A")[api.spell("display_id")] == "C00011"
        sent = api.create_customer("B", display_id="SHOP-7")[api.spell("display_id")]
        assert sent == ("SHOP-7" if api.dialect == "rest" else "C00012")


class TestRules:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("display_name", 7),
            ("display_name", "  "),
            ("display_name", None),
            ("reference_id", ""),
            ("reference_id", "x" * 256),
            ("first_name", "x" * 51),
            ("last_name", "x" * 51),
            ("phone", "555-0100"),
            ("phone", "+0123456789"),
            ("phone", "+1234567890123456"),
            ("phone", "+14155552671\n"),
            ("email", "nobody"),
            ("email", "a b@example.com"),
            ("email", "a@b@example.com"),
            ("email", "a@example..com"),
            ("payment_term", ["net30"]),
            ("assigned_sales_rep_ids", "rep_123456"),
            ("assigned_sales_rep_ids", [1]),
            ("assigned_price_list_id", "plist_nowhere"),
            ("addresses", {}),
            ("addresses", ["1 Elm"]),
            ("contacts", "Ada"),
            ("attributes", [{"name": "Industry"}, 1]),
            ("primary_contact_id", "cont_nobody"),
            ("default_shipping_address_id", "addr_nowhere"),
            ("default_billing_address_id", ""),
        ],
    )
    def test_an_impossible_value_is_refused_named_and_not_stored(self, api, field, value):
        before = api.server.records("customers")[0]
        reasons = api.refused("PATCH", f"/customers/{before['id']}", 422, {api.spell(field): value})
        assert set(reasons) == {api.spell(field)}
        assert api.server.records("customers")[0] == before

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("reference_id", "x" * 255),
            ("first_name", "é" * 50),
            ("phone", "+14155552671"),
            ("phone", "+1234567"),
            ("email", "a.b+c@example.co.uk"),
            ("display_name", "  spaces kept  "),
            ("display_name", 'quote " backslash \\ tab \t newline \n nul \x00 emoji 🪑'),
            ("payment_term", "anything at all"),
        ],
    )
    def test_a_possible_value_comes_back_unchanged_in_details_and_list(self, api, field, value):
        customer = api.create_customer()["id"]
        updated = api.one("PATCH", f"/customers/{customer}", 201, **{field: value})
        assert updated[api.spell(field)] == value
        assert api.rows()[0][api.spell(field)] == value

    def test_problems_inside_lists_are_named_with_their_position(self, api):
        customer = api.server.records("customers")[0]["id"]
        body = {
            "addresses": [api.spelled(**address()), api.spelled(**address(type="home", city="x" * 51, id=7))],
            "contacts": [api.spelled(**contact(email="", is_default="yes")), {}],
            "attributes": [{"value": 1}],
            api.spell("assigned_sales_rep_ids"): ["rep_123456", "rep_nobody"],
        }
        reasons = api.refused("PATCH", f"/customers/{customer}", 422, body)
        assert set(reasons) == {
            "addresses[1].type",
            "addresses[1].city",
            "addresses[1].id",
            "contacts[0].email",
            f"contacts[0].{api.spell('is_default')}",
            f"contacts[1].{api.spell('reference_id')}",
            f"contacts[1].{api.spell('first_name')}",
            "contacts[1].email",
            "attributes[0].name",
        }
        reps = api.spell("assigned_sales_rep_ids")
        assert set(api.refused("PATCH", f"/customers/{customer}", 422, {reps: body[reps]})) == {f"{reps}[1]"}

    def test_a_country_need_not_be_a_code(self, api):
        created = api.create_customer(addresses=[api.spelled(**address(country="USA"))])
        assert created["addresses"][0]["country"] == "USA"

    def test_only_what_was_sent_is_checked(self, api):
        customer = api.create_customer()["id"]
        api.server.overwrite("customers", customer, phone="555-0100", email="nobody")
        updated = api.one("PATCH", f"/customers/{customer}", 201, display_name="Fine")
        assert (updated["phone"], updated["email"]) == ("555-0100", "nobody")


class TestUpdate:
    def test_only_what_was_sent_changes(self, api):
        created = api.create_customer(phone="+14155552671", first_name="Ada", payment_term="net30")
        updated = api.one("PATCH", f"/customers/{created['id']}", 201, first_name="Eve")
        assert updated == created | {
            api.spell("first_name"): "Eve",
            api.spell("updated_at"): updated[api.spell("updated_at")],
        }

    def test_updated_at_moves_only_if_something_changed_and_created_at_never(self, api):
        created = api.create_customer(payment_term="net30")
        put_back(api, created["id"])
        path = f"/customers/{created['id']}"
        api.one("PATCH", path, 201, payment_term="net30")
        assert api.stored("customers", created["id"])["updated_at"] == "2026-07-01T00:00:00Z"
        api.one("PATCH", path, 201, payment_term="net45")
        stored = api.stored("customers", created["id"])
        assert stored["updated_at"] > "2026-07-01T00:00:00Z"
        assert stored["created_at"] == created[api.spell("created_at")]

    def test_one_kind_of_blank_for_another_is_not_a_change(self, api):
        created = api.create_customer()
        put_back(api, created["id"])
        api.one("PATCH", f"/customers/{created['id']}", 201, phone="", email=None)
        assert api.stored("customers", created["id"])["updated_at"] == "2026-07-01T00:00:00Z"

    def test_a_text_is_cleared_by_an_empty_one_or_by_null(self, api):
        created = api.create_customer(payment_term="net30", payment_mode="card")
        updated = api.one("PATCH", f"/customers/{created['id']}", 201, payment_term="", payment_mode=None)
        assert (updated[api.spell("payment_term")], updated[api.spell("payment_mode")]) == ("", "")

    def test_reps_and_price_list_are_assigned_and_cleared(self, api):
        created = api.create_customer()
        path = f"/customers/{created['id']}"
        updated = api.one(
            "PATCH", path, 201, assigned_sales_rep_ids=["rep_204417"], assigned_price_list_id="plist_140233"
        )
        assert [rep["id"] for rep in updated[api.spell("assigned_sales_reps")]] == ["rep_204417"]
        assert updated[api.spell("assigned_price_list")]["name"] == "Boutique"
        updated = api.one("PATCH", path, 201, assigned_sales_rep_ids=[], assigned_price_list_id="")
        assert updated[api.spell("assigned_sales_reps")] == []
        assert api.spell("assigned_price_list") not in updated

    def test_a_taken_reference_is_a_409_and_the_own_one_is_not(self, api):
        first, second = api.server.records("customers")[:2]
        path = f"/customers/{first['id']}"
        body = api.spelled(reference_id=second["reference_id"])
        assert set(api.refused("PATCH", path, 409, body)) == {api.spell("reference_id")}
        api.one("PATCH", path, 201, reference_id=first["reference_id"])

    def test_attributes_are_replaced_whole(self, api):
        created = api.create_customer(attributes=[{"name": "Industry", "value": "Retail"}])
        path = f"/customers/{created['id']}"
        updated = api.one("PATCH", path, 201, attributes=[{"name": "Stores", "value": 7}])
        assert api.stored("customers", created["id"])["attributes"] == [{"name": "Stores", "value": 7}]
        (found,) = updated["attributes"]
        assert {"id", "name", "entity", "data_type", "options", "created_at", "updated_at"} <= set(found)
        assert found.get("value") == (7 if api.dialect == "rest" else None)
        assert api.one("PATCH", path, 201, attributes=[])["attributes"] == []

    @pytest.mark.parametrize("value", ["", None, []])
    def test_an_attribute_is_named_by_its_id_too_and_removed_by_a_blank_value(self, api, value):
        created = api.create_customer(attributes=[{"name": "attr_123456", "value": "Retail"}])
        assert api.stored("customers", created["id"])["attributes"] == [{"name": "Industry", "value": "Retail"}]
        blank = [{"name": "Industry", "value": value}]
        assert api.one("PATCH", f"/customers/{created['id']}", 201, attributes=blank)["attributes"] == []

    @pytest.mark.parametrize(
        ("name", "value", "field"),
        [
            ("Industry", "Farming", "value"),
            ("Stores", "7", "value"),
            ("Stores", True, "value"),
            ("Tax exempt", "yes", "value"),
            ("Trade show", 7, "value"),
            ("Newsletter", True, "name"),
            ("Aisle", "x", "name"),
        ],
    )
    def test_an_attribute_must_fit_its_definition(self, api, name, value, field):
        path = f"/customers/{api.create_customer()['id']}"
        body = {"attributes": [{"name": name, "value": value}]}
        assert set(api.refused("PATCH", path, 422, body)) == {f"attributes[0].{field}"}

    def test_attributes_written_back_as_they_are_read_in_sdk_lose_their_values(self):
        with Api("sdk", customers=1) as api:
            created = api.create_customer(attributes=[{"name": "Industry", "value": "Retail"}])
            api.one("PATCH", f"/customers/{created['id']}", 201, attributes=created["attributes"])
            assert api.stored("customers", created["id"])["attributes"] == []

    def test_a_broken_body_is_refused_before_the_customer_is_looked_up(self, api):
        url = api.server.base_url + "/customers/nobody"
        assert api.session.patch(url, data=b"{", timeout=10).status_code == 400


class TestAddresses:
    def test_the_list_is_replaced_whole_and_an_id_keeps_its_place(self, api):
        items = [api.spelled(**address("A-1")), api.spelled(**address("A-2"))]
        created = api.create_customer(addresses=items)
        kept = created["addresses"][1]
        changed = api.spelled(**address("A-2", city="York")) | {"id": kept["id"]}
        updated = api.one(
            "PATCH", f"/customers/{created['id']}", 201, addresses=[changed, api.spelled(**address("A-3"))]
        )
        first, second = updated["addresses"]
        assert (first["id"], first["city"]) == (kept["id"], "York")
        assert second["id"] not in {a["id"] for a in created["addresses"]}
        assert len(updated["addresses"]) == 2

    def test_a_field_that_is_missing_in_an_item_is_erased(self, api):
        created = api.create_customer(addresses=[api.spelled(**address(zip_code="BA1"))])
        item = api.spelled(**address()) | {"id": created["addresses"][0]["id"]}
        updated = api.one("PATCH", f"/customers/{created['id']}", 201, addresses=[item])
        assert updated["addresses"][0][api.spell("zip_code")] is None

    def test_ids_sent_on_create_are_ignored(self, api):
        other = api.create_customer("O", addresses=[api.spelled(**address())], contacts=[api.spelled(**contact())])
        items = {"addresses": [api.spelled(**address())], "contacts": [api.spelled(**contact())]}
        for key, (item,) in items.items():
            item["id"] = other[key][0]["id"]
        created = api.create_customer("M", **items)
        assert not {item["id"] for key in items for item in created[key]} & {other[key][0]["id"] for key in items}

    def test_the_address_of_another_customer_is_refused(self, api):
        mine = api.create_customer("M")
        other = api.create_customer("O", addresses=[api.spelled(**address())])["addresses"][0]["id"]
        body = {"addresses": [api.spelled(**address()) | {"id": other}]}
        assert set(api.refused("PATCH", f"/customers/{mine['id']}", 422, body)) == {"addresses[0].id"}
        body = api.spelled(default_billing_address_id=other)
        assert set(api.refused("PATCH", f"/customers/{mine['id']}", 422, body)) == set(body)

    def test_a_default_address_of_the_other_type_is_refused(self, api):
        created = api.create_customer(addresses=[api.spelled(**address())])
        body = {"default_shipping_address_id": created["addresses"][0]["id"]}
        assert set(api.refused("PATCH", f"/customers/{created['id']}", 422, api.spelled(**body))) == set(
            api.spelled(**body)
        )

    def test_there_is_one_default_for_each_type(self, api):
        items = [
            api.spelled(**address("B-1", is_default=True)),
            api.spelled(**address("B-2", is_default=True)),
            api.spelled(**address("S-1", type="shipping", is_default=True)),
            api.spelled(**address("S-2", type="shipping")),
        ]
        created = api.create_customer(addresses=items)
        assert [a[api.spell("is_default")] for a in created["addresses"]] == [False, True, True, False]
        chosen = {
            "default_billing_address_id": created["addresses"][0]["id"],
            "default_shipping_address_id": created["addresses"][3]["id"],
        }
        updated = api.one("PATCH", f"/customers/{created['id']}", 201, **chosen)
        assert [a[api.spell("is_default")] for a in updated["addresses"]] == [True, False, False, True]


class TestContactsOfACustomer:
    def test_the_list_is_replaced_whole_and_an_id_keeps_its_contact(self, api):
        created = api.create_customer(contacts=[api.spelled(**contact("K-1")), api.spelled(**contact("K-2"))])
        kept = created["contacts"][1]["id"]
        api.server.set_status("contacts", kept, "inactive")
        item = api.spelled(**contact("K-2", first_name="Eve")) | {"id": kept}
        updated = api.one("PATCH", f"/customers/{created['id']}", 201, contacts=[item, api.spelled(**contact("K-1"))])
        assert [c["id"] == kept for c in updated["contacts"]] == [True, False]
        assert api.stored("contacts", kept)["status"] == "inactive"
        assert api.stored("contacts", kept)["first_name"] == "Eve"
        assert created["contacts"][0]["id"] not in {c["id"] for c in api.server.records("contacts")}

    def test_the_primary_contact_is_the_default_one(self, api):
        items = [api.spelled(**contact("K-1", is_default=True)), api.spelled(**contact("K-2"))]
        created = api.create_customer(contacts=items)
        put_back(api, created["id"])
        path = f"/customers/{created['id']}"
        updated = api.one("PATCH", path, 201, primary_contact_id=created["contacts"][1]["id"])
        assert [c[api.spell("is_default")] for c in updated["contacts"]] == [False, True]
        assert updated[api.spell("updated_at")] > "2026-07-01T00:00:00Z"

    def test_the_contact_of_another_customer_is_refused(self, api):
        customer, other = api.create_customer("M")["id"], api.create_customer("O")["id"]
        foreign = api.create_contact(other)["id"]
        body = {"contacts": [api.spelled(**contact()) | {"id": foreign}]}
        assert set(api.refused("PATCH", f"/customers/{customer}", 422, body)) == {"contacts[0].id"}
        body = api.spelled(primary_contact_id=foreign)
        assert set(api.refused("PATCH", f"/customers/{customer}", 422, body)) == set(body)

    def test_the_details_hold_the_inactive_contacts_too(self, api):
        created = api.create_customer(contacts=[api.spelled(**contact())])
        api.server.set_status("contacts", created["contacts"][0]["id"], "inactive")
        assert len(api.one("GET", f"/customers/{created['id']}", 200)["contacts"]) == 1


class TestDelete:
    def test_the_response_is_empty_and_the_contacts_go_with_it(self, api):
        created = api.create_customer(contacts=[api.spelled(**contact())])
        others = len(api.server.records("contacts")) - 1
        response = api.call("DELETE", f"/customers/{created['id']}")
        assert (response.status_code, response.content) == (204, b"")
        assert api.call("GET", f"/customers/{created['id']}").status_code == 404
        assert api.call("DELETE", f"/customers/{created['id']}").status_code == 404
        assert len(api.server.records("contacts")) == others


class TestBlanks:
    def test_a_field_never_given_is_null_in_lists_and_absent_from_details(self, api):
        created = api.create_customer()
        assert "phone" not in created
        assert api.rows()[0]["phone"] is None
        for phone in ("+14155552671", ""):
            api.one("PATCH", f"/customers/{created['id']}", 201, phone=phone)
        assert api.one("GET", f"/customers/{created['id']}", 200)["phone"] == ""
        assert api.rows()[0]["phone"] == ""
