"""Every list parameter of the documents through the client, in both dialects, against the stored truth."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pandas as pd
import pytest

import wizframe
from wizframe.api.validation import check_parameters
from wizframe.errors import InvalidRequestError
from wizframe.fields import LIST_PARAMETERS, TABLES

TIMES = [name for name, parameter in LIST_PARAMETERS.items() if parameter.kind == "time"]


@pytest.fixture(scope="module", params=["rest", "sdk"])
def account(request):
    """A client of a sandbox to which no other test writes: 30 customers, and one of them with 12 contacts."""
    with wizframe.sandbox(customers=30, dialect=request.param) as client:
        owner = client.server.records("customers")[3]["id"]
        for number in range(8):
            record = {"reference_id": f"X{number}", "first_name": f"N{number}", "email": f"n{number}@example.com"}
            client.customer.contact.create(owner, record)
        mine = [contact for contact in client.server.records("contacts") if contact["customer_id"] == owner]
        for number, contact in enumerate(mine):
            day = f"2026-03-{number + 1:02}T08:00:00Z"
            status = "inactive" if number % 4 == 0 else "active"
            client.server.overwrite(
                "contacts", contact["id"], created_at=day, updated_at=day.replace("-03-", "-07-"), status=status
            )
        client.owner = owner
        yield client


@pytest.fixture(params=["customers", "contacts"])
def table(request):
    return request.param


@pytest.fixture
def stored(account, table):
    records = account.server.records(table)
    return [record for record in records if table == "customers" or record["customer_id"] == account.owner]


@pytest.fixture
def ask(account, table):
    """List customers, or the contacts of one."""
    if table == "customers":
        return account.customer.list
    return lambda **parameters: account.customer.contact.list(account.owner, **parameters)


def ids(records):
    return [record["id"] for record in records]


def spelled(account, name):
    return name if account.dialect == "rest" else LIST_PARAMETERS[name].sdk_name


class TestDefaults:
    def test_without_parameters_it_is_20_active_ones_last_edited_first(self, account, ask, stored):
        active = [record for record in stored if record["status"] == "active"]
        found = ask()
        edited = [record["updated_at"] for record in found]
        assert edited == sorted((record["updated_at"] for record in active), reverse=True)[:20]
        assert set(ids(found)) <= set(ids(active))
        assert account.server.requests[-1].query == ""


class TestPages:
    def test_pages_partition_the_list(self, ask, stored):
        active = [record["id"] for record in stored if record["status"] == "active"]
        order = {"sort_by": "created_at", "sort": "asc"}
        pages = [ask(page=number, page_size=4, **order) for number in range(1, 12)]
        assert [record for page in pages for record in ids(page)] == ids(ask(page_size=100, **order))
        assert sorted(record for page in pages for record in ids(page)) == sorted(active)
        assert pages[-1] == []

    @pytest.mark.parametrize("size", [1, 100])
    def test_a_page_holds_from_1_to_100(self, account, ask, size, stored):
        active = [record for record in stored if record["status"] == "active"]
        assert len(ask(page_size=size)) == min(size, len(active))
        assert account.server.requests[-1].params == {"page_size": str(size)}

    def test_totals_are_given_if_the_dialect_has_them(self, account, table, stored):
        active = [record for record in stored if record["status"] == "active"]
        owner = () if table == "customers" else (account.owner,)
        resource = account.customer if table == "customers" else account.customer.contact
        page = resource.page(*owner, page_size=4)
        pages = -(-len(active) // 4)
        told = (len(active), pages) if account.dialect == "rest" else (None, None)
        assert (page.total_records, page.total_pages) == told


class TestOrder:
    @pytest.mark.parametrize("sort", ["asc", "desc"])
    def test_it_is_the_order_that_was_asked_for(self, account, ask, table, sort):
        orders = ["created_at", "updated_at"] + ["company_name", "display_name"] * (table == "customers")
        for order in orders:
            keys = [record[order] for record in ask(sort_by=order, sort=sort, page_size=100)]
            pairs = pairwise(keys if sort == "asc" else keys[::-1])
            assert all(earlier <= later for earlier, later in pairs)
            assert len(set(keys)) > 3
            expected = {spelled(account, "sort_by"): order, "sort": sort, "page_size": "100"}
            assert account.server.requests[-1].params == expected

    def test_contacts_have_fewer_orders_than_customers(self, account):
        with pytest.raises(InvalidRequestError, match="allowed: 'created_at', 'updated_at'"):
            account.customer.contact.list(account.owner, sort_by="company_name")


class TestFilters:
    @pytest.mark.parametrize("status", ["active", "inactive"])
    def test_status(self, ask, stored, status):
        expected = {record["id"] for record in stored if record["status"] == status}
        assert expected
        assert set(ids(ask(status=status, page_size=100))) == expected

    @pytest.mark.parametrize("form", [list, tuple, pd.Series, iter])
    def test_references(self, account, form):
        wanted = [record for record in account.server.records("customers") if record["status"] == "active"][5:8]
        references = [record["reference_id"] for record in wanted]
        found = account.customer.list(reference_ids=form([*references, "nobody's"]))
        assert sorted(ids(found)) == sorted(ids(wanted))
        assert account.server.requests[-1].params == {
            spelled(account, "reference_ids"): ",".join([*references, "nobody's"])
        }

    def test_one_reference_may_be_given_as_a_text(self, account):
        known = next(r for r in account.server.records("customers") if r["status"] == "active")
        assert ids(account.customer.list(reference_ids=known["reference_id"])) == [known["id"]]

    @pytest.mark.parametrize("name", TIMES)
    def test_times_where_the_dialect_has_them(self, account, ask, stored, name):
        column, side = name.rsplit("_", 1)
        active = sorted((r for r in stored if r["status"] == "active"), key=lambda r: r[f"{column}_at"])
        bound = active[len(active) // 2][f"{column}_at"]
        if account.dialect == "sdk":
            before = len(account.server.requests)
            with pytest.raises(InvalidRequestError, match="sdk dialect"):
                ask(**{name: bound})
            assert len(account.server.requests) == before
            return
        expected = {r["id"] for r in active if (r[f"{column}_at"] > bound) == (side == "after")}
        expected -= {r["id"] for r in active if r[f"{column}_at"] == bound}
        assert 0 < len(expected) < len(active)
        moment = dt.datetime.fromisoformat(bound)
        for form in (bound, moment, pd.Timestamp(bound), moment.astimezone(dt.timezone(dt.timedelta(hours=5)))):
            assert set(ids(ask(**{name: form}, page_size=100))) == expected
            assert account.server.requests[-1].params[name] == bound

    @pytest.mark.parametrize(
        ("given", "after", "before"),
        [
            ("2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
            (dt.date(2026, 1, 31), "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
            ("2026-01-31T08:00:00.25+02:00", "2026-01-31T06:00:00Z", "2026-01-31T06:00:01Z"),
            (dt.datetime(2026, 1, 31, 8), "2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),  # noqa: DTZ001 - naive is UTC
            ("0987-01-01", "0987-01-01T00:00:00Z", "0987-01-01T00:00:00Z"),
        ],
    )
    def test_a_time_is_written_to_the_second_and_never_cuts_anything_off(self, table, given, after, before):
        parameters = check_parameters({"created_after": given, "updated_before": given}, TABLES[table])
        assert parameters == {"created_after": after, "updated_before": before}


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("page", 0), ("page", -1), ("page", "1"), ("page", True), ("page", 1.0),
            ("page_size", 0), ("page_size", 101), ("sort_by", "phone"), ("sort_by", ""), ("sort", "up"),
            ("sort", ["asc"]), ("status", "all"), ("created_after", "yesterday"), ("created_before", 20260131),
            ("updated_after", pd.NaT), ("updated_before", dt.datetime.max.replace(tzinfo=dt.timezone.min)),
            ("sortBy", "created_at"), ("pagesize", 10), ("limit", 10),
        ],
    )  # fmt: skip
    def test_an_invalid_parameter_is_refused(self, account, ask, name, value):
        before = len(account.server.requests)
        with pytest.raises(InvalidRequestError) as caught:
            ask(**{name: value}, page_size=2) if name != "page_size" else ask(page_size=value)
        assert [field for field, _ in caught.value.details] == [name]
        assert name in str(caught.value)
        assert len(account.server.requests) == before

    @pytest.mark.parametrize("value", [[], "", ["a,b"], "a,b", [""], [7], 7, [None]])
    def test_references_that_would_find_all_or_none_are_refused(self, account, value):
        before = len(account.server.requests)
        with pytest.raises(InvalidRequestError, match="reference_ids"):
            account.customer.list(reference_ids=value)
        assert len(account.server.requests) == before

    def test_contacts_cannot_be_listed_by_reference(self, account):
        with pytest.raises(InvalidRequestError, match=r"for contacts, nothing was sent: reference_ids=.* \(unknown"):
            account.customer.contact.list(account.owner, reference_ids=["A"])

    def test_all_invalid_parameters_are_reported_at_once_with_suggestions(self, account):
        with pytest.raises(InvalidRequestError, match="did you mean page_size") as caught:
            account.customer.list(pageSize=2, sort="up", page=0)
        assert {name for name, _ in caught.value.details} == {"pageSize", "sort", "page"}

    def test_none_means_not_given(self, account):
        account.customer.list(**dict.fromkeys(LIST_PARAMETERS))
        assert account.server.requests[-1].query == ""
