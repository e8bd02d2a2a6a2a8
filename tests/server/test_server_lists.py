from __future__ import annotations

import datetime as dt
import itertools

import pytest
from support.server import Api


@pytest.fixture(params=["rest", "sdk"])
def api(request):
    with Api(request.param, customers=60) as running:
        yield running


@pytest.fixture
def rest():
    with Api("rest", customers=60) as running:
        yield running


def expected(api, *, status="active", sort_by="updated_at", descending=True):
    """Order the stored truth as the documents say: by the column, equal ones as inserted, or all of it reversed."""
    records = [record for record in api.server.records("customers") if record["status"] == status]
    ordered = sorted(records, key=lambda record: record[sort_by])
    return [record["id"] for record in (reversed(ordered) if descending else ordered)]


def ids(rows):
    return [row["id"] for row in rows]


def moment(text):
    return dt.datetime.fromisoformat(text)


class TestDefaults:
    def test_a_list_shows_the_first_20_active_ones_latest_update_first(self, api):
        assert ids(api.rows()) == expected(api)[:20]

    def test_the_inactive_ones_are_a_list_of_their_own(self, api):
        for number in range(3):
            api.server.set_status("customers", api.server.records("customers")[number]["id"], "inactive")
        assert ids(api.rows(status="inactive", page_size=100)) == expected(api, status="inactive")

    def test_a_changed_status_moves_a_record_from_one_list_to_the_other(self, api):
        orders = [{api.spell("sort_by"): column, "page_size": 100} for column in ("updated_at", "created_at")]
        before = [api.rows(status=status, **order) for order in orders for status in ("active", "inactive")]
        moved = before[0][5]["id"]
        api.server.set_status("customers", moved, "inactive")
        for order in orders:
            assert moved not in ids(api.rows(**order))
            assert moved in ids(api.rows(status="inactive", **order))


class TestOrder:
    @pytest.mark.parametrize("sort", ["asc", "desc"])
    @pytest.mark.parametrize("column", ["created_at", "updated_at", "company_name", "display_name"])
    def test_every_documented_order_is_kept_over_all_pages(self, api, column, sort):
        parameters = {api.spell("sort_by"): column, "sort": sort, "page_size": 17}
        pages = [api.rows(page=page, **parameters) for page in range(1, 6)]
        found = ids(itertools.chain.from_iterable(pages))
        assert found == expected(api, sort_by=column, descending=sort == "desc")

    def test_equal_times_are_ordered_by_insertion(self, api):
        for record in api.server.records("customers"):
            api.server.overwrite("customers", record["id"], updated_at="2026-01-01T00:00:00Z")
        assert ids(api.rows(sort="asc", page_size=100)) == expected(api, descending=False)
        assert ids(api.rows(page_size=100)) == ids(api.rows(sort="asc", page_size=100))[::-1]

    def test_every_page_size_cuts_the_same_list(self, api):
        whole = expected(api)
        for size in (1, 7, len(whole) - 1, len(whole), len(whole) + 1, 100):
            pages = [api.rows(page=page, page_size=size) for page in range(1, len(whole) // size + 3)]
            assert ids(itertools.chain.from_iterable(pages)) == whole
            assert pages[-1] == []

    def test_an_edit_moves_a_record_to_the_front_of_the_default_order(self, api):
        last = expected(api)[-1]
        api.one("PATCH", f"/customers/{last}", 201, display_name="Edited")
        assert ids(api.rows())[0] == last

    def test_a_new_record_appears_and_a_deleted_one_disappears(self, api):
        before = ids(api.rows(page_size=100))
        created = api.create_customer()["id"]
        assert ids(api.rows(page_size=100)) == [created, *before]
        api.call("DELETE", f"/customers/{before[3]}")
        assert ids(api.rows(page_size=100)) == [created, *before[:3], *before[4:]]

    def test_a_walk_by_creation_is_not_disturbed_by_edits_and_sees_renamed_ones(self, api):
        parameters = {api.spell("sort_by"): "created_at", "sort": "asc", "page_size": 10}
        before = [ids(api.rows(page=page, **parameters)) for page in (1, 2)]
        api.one("PATCH", f"/customers/{before[0][0]}", 201, display_name="Renamed")
        after = [api.rows(page=page, **parameters) for page in (1, 2)]
        assert [ids(page) for page in after] == before
        assert after[0][0][api.spell("display_name")] == "Renamed"

    def test_a_refused_write_leaves_lists_as_they_are(self, api):
        before = api.rows(page_size=100)
        taken = api.server.records("customers")[0]["reference_id"]
        body = api.spelled(reference_id=taken, company_name="A", display_name="A")
        assert api.call("POST", "/customers", body=body).status_code == 409
        assert api.rows(page_size=100) == before


class TestSpelling:
    def test_a_parameter_in_the_other_dialects_spelling_is_ignored(self, api):
        other = "sortBy" if api.dialect == "rest" else "sort_by"
        assert ids(api.rows(**{other: "company_name"})) == ids(api.rows())
        reference = api.server.records("customers")[0]["reference_id"]
        other = "referenceIds" if api.dialect == "rest" else "reference_ids"
        assert ids(api.rows(**{other: reference})) == ids(api.rows())

    def test_a_parameter_given_twice_counts_the_first_time(self, api):
        assert ids(api.rows(page_size=[3, 5])) == ids(api.rows())[:3]

    def test_an_unknown_parameter_is_ignored(self, api):
        assert ids(api.rows(colour="red")) == ids(api.rows())

    def test_the_time_ranges_do_not_exist_in_sdk(self):
        with Api("sdk", customers=30) as api:
            parameters = {"created_after": "2026-01-01T00:00:00Z", "createdAfter": "2026-01-01T00:00:00Z"}
            assert ids(api.rows(**parameters)) == ids(api.rows())


class TestReferences:
    def test_only_the_references_asked_for_are_listed(self, api):
        wanted = [record for record in api.server.records("customers") if record["status"] == "active"][:3]
        references = ",".join(record["reference_id"] for record in wanted)
        found = api.rows(**{api.spell("reference_ids"): references})
        assert sorted(ids(found)) == sorted(record["id"] for record in wanted)

    def test_a_reference_with_a_comma_cannot_be_looked_up(self, api):
        created = api.create_customer("A,B")
        assert api.rows(**{api.spell("reference_ids"): "A,B"}) == []
        assert created["id"] in ids(api.rows())

    def test_an_inactive_one_is_not_found_under_the_default_status(self, api):
        created = api.create_customer()
        api.server.set_status("customers", created["id"], "inactive")
        assert api.rows(**{api.spell("reference_ids"): "NEW-1"}) == []
        assert ids(api.rows(status="inactive", **{api.spell("reference_ids"): "NEW-1"})) == [created["id"]]

    def test_a_changed_reference_is_found_under_its_new_name_alone(self, api):
        created = api.create_customer()
        by_creation = {api.spell("sort_by"): "created_at"}
        assert ids(api.rows(**{api.spell("reference_ids"): "NEW-1"}, **by_creation)) == [created["id"]]
        api.one("PATCH", f"/customers/{created['id']}", 201, reference_id="NEW-2")
        assert api.rows(**{api.spell("reference_ids"): "NEW-1"}, **by_creation) == []
        assert ids(api.rows(**{api.spell("reference_ids"): "NEW-2"}, **by_creation)) == [created["id"]]


class TestTimes:
    @pytest.mark.parametrize("column", ["created_at", "updated_at"])
    def test_ranges_are_exclusive_at_both_ends(self, rest, column):
        times = sorted(r[column] for r in rest.server.records("customers") if r["status"] == "active")
        prefix = column.removesuffix("_at")
        after, before = times[10], times[40]
        found = rest.rows(page_size=100, **{f"{prefix}_after": after, f"{prefix}_before": before})
        truth = [
            record["id"]
            for record in rest.server.records("customers")
            if record["status"] == "active" and after < record[column] < before
        ]
        assert sorted(ids(found)) == sorted(truth)
        assert truth

    def test_a_time_with_an_offset_means_the_same_moment(self, rest):
        record = rest.rows(sort_by="created_at", page=2)[0]
        shifted = moment(record["created_at"]).astimezone(dt.timezone(-dt.timedelta(hours=5))).isoformat()
        found = ids(rest.rows(created_after=shifted, page_size=100))
        assert found == ids(rest.rows(created_after=record["created_at"], page_size=100))
        assert record["id"] not in found

    def test_contacts_have_time_ranges_too(self, rest):
        customer = rest.create_customer()["id"]
        rest.create_contact(customer)
        path = f"/customers/{customer}/contacts"
        assert len(rest.rows(path, created_after="2020-01-01T00:00:00Z")) == 1
        assert rest.rows(path, created_before="2020-01-01T00:00:00Z") == []


class TestPagination:
    def test_the_pages_are_counted(self, rest):
        total = len(expected(rest))
        pages = -(-total // 25)
        assert rest.call("GET", "/customers", page=2, page_size=25).json()["pagination"] == {
            "total_records": total,
            "total_pages": pages,
            "current_page": 2,
            "next_page": 3 if pages > 2 else None,
            "prev_page": 1,
            "page_size": 25,
        }
        assert rest.call("GET", "/customers", page=pages, page_size=25).json()["pagination"]["next_page"] is None

    def test_sdk_lists_are_bare_and_end_with_an_empty_page(self):
        with Api("sdk", customers=30) as api:
            assert isinstance(api.call("GET", "/customers").json(), list)
            assert api.call("GET", "/customers", page=999999999999999999).json() == []

    def test_contacts_are_paged_in_the_same_way(self, api):
        customer = api.create_customer()["id"]
        made = [api.create_contact(customer, f"K-{number}")["id"] for number in range(5)]
        path = f"/customers/{customer}/contacts"
        by_creation = {api.spell("sort_by"): "created_at"}
        assert ids(api.rows(path, sort="asc", **by_creation)) == made
        assert ids(api.rows(path, page=2, page_size=2, **by_creation)) == [made[2], made[1]]
        assert api.rows(path, page=4, page_size=2) == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("page", "0"),
            ("page", "-1"),
            ("page", "one"),
            ("page", "1.5"),
            ("page", ""),
            ("page", "9" * 5000),
            ("page_size", "0"),
            ("page_size", "101"),
            ("sort", "up"),
            ("sort_by", "phone"),
            ("status", "all"),
            ("status", ""),
        ],
    )
    def test_an_invalid_value_is_refused_with_422_and_named(self, api, name, value):
        spelled = {"sort_by": api.spell("sort_by")}.get(name, name)
        for path in ("/customers", f"/customers/{api.server.records('customers')[0]['id']}/contacts"):
            response = api.call("GET", path, **{spelled: value})
            assert response.status_code == 422
            assert [detail["field"] for detail in response.json()["details"]] == [spelled]

    @pytest.mark.parametrize("value", ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", ""])
    def test_an_invalid_time_or_one_without_a_zone_is_refused(self, rest, value):
        response = rest.call("GET", "/customers", updated_after=value)
        assert response.status_code == 422

    def test_contacts_cannot_be_sorted_by_name(self, api):
        customer = api.server.records("customers")[0]["id"]
        response = api.call("GET", f"/customers/{customer}/contacts", **{api.spell("sort_by"): "company_name"})
        assert response.status_code == 422
