"""Customers: who is loaded, in which columns, in which order, with how many requests."""

import warnings
from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

import pandas as pd
import pytest
from support.loaders import moment, pages_through, requests_through, stored

import wizframe
from wizframe.errors import IncompleteLoadWarning, InvalidRequestError
from wizframe.fields import CUSTOMER

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

TIME_FILTERS = ["created_after", "created_before", "updated_after", "updated_before"]
FORMS = {
    "naive": lambda text: moment(text).replace(tzinfo=None),
    "elsewhere": lambda text: moment(text).astimezone(timezone(timedelta(hours=-7))),
    "timestamp": pd.Timestamp,
}


def ids(records):
    return [record["id"] for record in records]


def lists(wiz):
    return [request for request in wiz.server.requests if request.path.endswith("/customers")]


class TestFilters:
    @pytest.mark.fault(23, "a list hides records, because it shows only `active` ones", "records of both statuses", "L")
    def test_all_customers_are_loaded_by_default_the_oldest_first(self, wiz):
        assert {record["status"] for record in stored(wiz)} == {"active", "inactive"}
        assert {record["id"] for record in wiz.customer.list(page_size=100)} == set(ids(stored(wiz, status="active")))
        assert wiz.load_customers()["id"].tolist() == ids(stored(wiz))

    @pytest.mark.parametrize("status", ["active", "inactive"])
    def test_one_status_takes_one_walk(self, wiz, status):
        frame = wiz.load_customers(status=status)
        assert frame["id"].tolist() == ids(stored(wiz, status=status))
        asked = [request.params.get("status") for request in lists(wiz)]
        # Rows of the sdk dialect do not say their status, so one look at the other list proves that it is another.
        others = [one for one in asked if one not in (status, None)]
        assert len(others) == (wiz.dialect == "sdk")
        wiz.server.requests.clear()
        wiz.load_customers(status=status)
        assert {request.params.get("status") for request in lists(wiz)} == {status}

    @pytest.mark.parametrize(
        ("name", "form"), [*((name, "text") for name in TIME_FILTERS), *(("created_after", form) for form in FORMS)]
    )
    def test_a_time_is_a_bound_that_is_itself_excluded(self, wiz, name, form):
        column, side = name.rsplit("_", 1)
        bound = sorted(record[f"{column}_at"] for record in stored(wiz))[12]
        frame = wiz.load_customers(**{name: FORMS.get(form, str)(bound)})
        passes = bound.__lt__ if side == "after" else bound.__gt__
        inside = [record for record in stored(wiz) if passes(record[f"{column}_at"])]
        assert 0 < len(inside) < 30
        assert frame["id"].tolist() == ids(inside)
        assert all((name in request.params) == (wiz.dialect == "rest") for request in lists(wiz)[-2:])

    def test_filters_work_together_and_a_service_that_ignores_them_changes_nothing(self, wiz):
        times = sorted(record["created_at"] for record in stored(wiz))
        filters = {"status": "active", "created_after": times[3], "created_before": times[20]}
        asked = wiz.load_customers(**filters)
        ignored = ("created_after", "created_before", "status")
        with requests_through(wiz, lambda query: {name: query[name] for name in query if name not in ignored}):
            filtered_here = wiz.load_customers(**filters)
        pd.testing.assert_frame_equal(asked, filtered_here)
        inside = [record for record in stored(wiz, status="active") if times[3] < record["created_at"] < times[20]]
        assert asked["id"].tolist() == ids(inside)

    def test_a_bound_between_two_seconds_is_kept_exactly(self, wiz):
        second = moment(stored(wiz)[12]["created_at"])
        half = timedelta(microseconds=500_000)
        assert len(wiz.load_customers(created_after=second - half)) == 18
        assert len(wiz.load_customers(created_before=second + half)) == 13
        assert len(wiz.load_customers(created_after=second, created_before=second + half)) == 0


class TestReferences:
    def test_the_references_asked_for_come_of_both_statuses_and_unknown_ones_do_not(self, wiz):
        chosen = [*stored(wiz, status="active")[:2], *stored(wiz, status="inactive")[:1]]
        wanted = [record["reference_id"] for record in chosen]
        with pytest.warns(IncompleteLoadWarning, match="1 reference was not found"):
            frame = wiz.load_customers(reference_ids=pd.Series([*wanted, *wanted, "unknown's"]))
        assert sorted(frame["reference_id"]) == sorted(wanted)

    def test_references_that_were_not_found_are_named(self, wiz):
        known = stored(wiz, status="active")[0]["reference_id"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", IncompleteLoadWarning)
            wiz.load_customers(reference_ids=[known, "A,B", "unknown's"])
            wiz.load_customers(reference_ids=known, status="inactive")
            wiz.load_customers(reference_ids=known)
        assert [str(one.message) for one in caught] == [
            "2 references were not found: 'A,B', \"unknown's\"",
            f"1 reference was not found among the inactive customers: {known!r}",
        ]
        assert {one.filename for one in caught} == {__file__}

    def test_a_reference_with_a_comma_is_found_and_its_parts_are_not(self, wiz):
        first, second, third = stored(wiz)[:3]
        wiz.server.overwrite("customers", first["id"], reference_id="A,B")
        wiz.server.overwrite("customers", second["id"], reference_id="A")
        frame = wiz.load_customers(reference_ids=["A,B", third["reference_id"]])
        assert frame["id"].tolist() == [first["id"], third["id"]]

    def test_a_service_that_ignores_the_parameter_or_the_case_changes_nothing(self, wiz):
        reference = stored(wiz)[0]["reference_id"]
        with requests_through(wiz, lambda query: {k: v for k, v in query.items() if not k.startswith("reference")}):
            assert wiz.load_customers(reference_ids=reference)["reference_id"].tolist() == [reference]

    def test_200_references_are_asked_for_in_groups_that_fit_in_an_address(self, wiz):
        for number, record in enumerate(stored(wiz)):
            wiz.server.overwrite("customers", record["id"], reference_id=f"{number:04}-" + "é" * 100)
        known = [record["reference_id"] for record in stored(wiz)]
        with pytest.warns(IncompleteLoadWarning, match="170 references were not found"):
            frame = wiz.load_customers(reference_ids=known + [f"short {number}" for number in range(170)])
        assert sorted(frame["reference_id"]) == sorted(known)
        assert max(len(request.query) for request in lists(wiz)) < 5000
        assert max(request.query.count("short") for request in lists(wiz)) == 40

    def test_no_references_give_no_customers_and_send_no_requests(self, wiz):
        assert wiz.load_customers(reference_ids=[]).empty
        assert not lists(wiz)


class TestFrame:
    def test_columns_and_dtypes_are_the_same_with_rows_and_without_in_both_dialects(self):
        for details in (False, True):
            shapes = []
            for dialect, customers in [("rest", 3), ("sdk", 3), ("rest", 0), ("sdk", 0)]:
                with wizframe.sandbox(customers=customers, dialect=dialect) as wiz:
                    frame = wiz.load_customers(details=details)
                    assert isinstance(frame.index, pd.RangeIndex)
                    assert len(frame) == customers
                    shapes.append(frame.dtypes.to_dict())
            assert shapes == shapes[:1] * 4
            assert tuple(shapes[0]) == tuple(CUSTOMER.columns(details=details))

    def test_values_are_those_of_the_service(self, wiz):
        frame = wiz.load_customers(details=True)
        for row, record in zip(frame.to_dict("records"), stored(wiz), strict=True):
            for name in ("reference_id", "company_name", "phone", "status", "freight_term", "payment_term"):
                assert row[name] == record[name] or (pd.isna(row[name]) and not record[name]), name
            assert row["created_at"] == moment(record["created_at"])

    @pytest.mark.parametrize("sort_by", ["created_at", "updated_at", "company_name", "display_name"])
    def test_the_order_asked_for_is_that_of_the_finished_frame(self, wiz, sort_by):
        ascending = wiz.load_customers(sort_by=sort_by)
        assert ascending[sort_by].is_monotonic_increasing
        assert wiz.load_customers(sort_by=sort_by, sort="desc")[sort_by].is_monotonic_decreasing
        if sort_by == "created_at":
            pd.testing.assert_frame_equal(ascending, wiz.load_customers())

    def test_desc_alone_is_newest_first(self, wiz):
        assert wiz.load_customers(sort="desc")["id"].tolist() == ids(stored(wiz))[::-1]

    def test_a_customer_that_is_deleted_before_its_details_are_read_is_left_out_and_reported(self, wiz):
        gone = stored(wiz)[4]["id"]
        get = wiz.customer.get

        def get_after_delete(identifier):
            if identifier == gone:
                wiz.customer.delete(gone)
            return get(identifier)

        with (
            mock.patch.object(wiz.customer, "get", get_after_delete),
            pytest.warns(IncompleteLoadWarning, match=f"1 customer was deleted during the load: {gone}") as caught,
        ):
            frame = wiz.load_customers(details=True)
        assert len(frame) == 29
        assert caught[0].filename == __file__

    def test_a_row_without_a_status_has_that_of_its_list(self, wiz):
        def without_status(page):
            for record in page.records:
                record.pop("status", None)
            return page

        with pages_through(wiz.customer, without_status):
            frame = wiz.load_customers()
        assert frame["status"].tolist() == [record["status"] for record in stored(wiz)]


class TestRequests:
    @pytest.mark.parametrize(
        ("dialect", "customers", "expected"),
        [
            ("rest", 0, 3),  # inactive, active, inactive: one each
            ("rest", 1, 3),
            ("rest", 30, 3),
            ("rest", 500, 9),  # five pages of active ones: the first, the last, and all of them
            ("sdk", 0, 6),  # the same with a look behind the last page
            ("sdk", 1, 6),
            ("sdk", 30, 6),
            ("sdk", 500, 13),
        ],
    )
    def test_a_quiet_account_takes_few_requests(self, dialect, customers, expected):
        with wizframe.sandbox(customers=customers, dialect=dialect) as wiz:
            assert wiz.dialect == dialect
            wiz.server.requests.clear()
            assert len(wiz.load_customers()) == customers
            assert len(wiz.server.requests) == expected

    @pytest.mark.parametrize("cap", [1, 7])
    @pytest.mark.parametrize("workers", [1, 5])
    def test_a_silent_cap_on_pages_costs_no_record(self, wiz, cap, workers):
        wiz.server.page_size_cap = cap
        assert wiz.load_customers(workers=workers)["id"].tolist() == ids(stored(wiz))
        assert len(wiz.server.requests) < 6 * 30 + 30


class TestArguments:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"status": "all"}, {"sort_by": "phone"}, {"sort": "up"}, {"page_size": 0}, {"page_size": 101},
            {"page_size": True}, {"workers": 0}, {"workers": -1}, {"workers": "4"}, {"invalid": "ignore"},
            {"created_after": "yesterday"}, {"updated_before": 7}, {"reference_ids": ["A", ""]},
            {"reference_ids": [7]}, {"reference_ids": 7}, {"reference_ids": {"A": 1}}, {"reference_ids": [None]},
            {"reference_ids": pd.DataFrame({"reference_id": ["A"]})},
        ],
        ids=repr,
    )  # fmt: skip
    def test_an_invalid_option_is_refused_before_any_request(self, wiz, wrong):
        with pytest.raises(InvalidRequestError, match=next(iter(wrong))) as caught:
            wiz.load_customers(**wrong)
        assert "nothing was sent" in str(caught.value)
        assert not wiz.server.requests

    def test_all_invalid_options_are_named_at_once_with_what_is_allowed(self, wiz):
        with pytest.raises(
            InvalidRequestError,
            match=r"invalid='no' is not valid \(allowed: 'warn', .*workers=0 is not valid \(allowed: whole num",
        ):
            wiz.load_customers(invalid="no", workers=0)

    def test_a_parameter_that_does_not_exist_is_refused_with_the_closest_one(self, wiz):
        calls = [
            (
                wizframe.load_customers,
                {"stauts": "active"},
                r"nothing was sent: stauts\. Did you mean status",
            ),
            (wizframe.load_contacts, {"customers": [], "sortby": "created_at"}, "Did you mean sort_by"),
            (wizframe.iter_customers, {"chunk_size": 5}, "Did you mean chunksize"),
            (wizframe.iter_contacts, {"customers": [], "worker": 5}, "Did you mean workers"),
            (wizframe.refresh, {"frame": wiz.load_customers(), "deletion": True}, "Did you mean deletions"),
            (wizframe.load_customers, {"colour": "red"}, "colour. Its parameters are client, status, "),
            (wiz.load_customers, {"stauts": "active"}, "Did you mean status"),
            (wiz.plan, {"frame": pd.DataFrame(), "clera": ["phone"]}, "Did you mean clear"),
        ]
        wiz.server.requests.clear()
        for function, options, message in calls:
            with pytest.raises(InvalidRequestError, match=message):
                function(**options)
        assert not wiz.server.requests

    def test_a_date_means_its_first_moment_in_utc(self, wiz):
        day = datetime(2024, 6, 1, tzinfo=UTC)
        by_date, by_time = (wiz.load_customers(created_after=bound) for bound in (day.date(), day))
        assert 0 < len(by_date) < 30
        pd.testing.assert_frame_equal(by_date, by_time)
