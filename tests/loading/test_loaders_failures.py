"""Single customers that cannot be read are left out and reported; a failure that concerns all of them is an error."""

import pandas as pd
import pytest
from support.loaders import requests_of, requests_through, stored

import wizframe
from wizframe.errors import (
    AuthenticationError,
    ForbiddenError,
    IncompleteLoadWarning,
    PlanError,
    UnavailableError,
    WizframeError,
)
from wizframe.progress import Watch
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture
def broken(wiz):
    """Break what the service says of some customers, whatever is asked of them; gives the customers and a switch."""
    send = wiz.transport.request
    chosen = {}

    def request(method, segments, **options):
        if len(segments) > 1 and segments[1] in chosen:
            raise chosen[segments[1]]
        return send(method, segments, **options)

    wiz.transport.request = request
    return chosen


def refused(status=500, kind=UnavailableError):
    return kind("it cannot be read", status=status)


@pytest.mark.parametrize("error", [refused(), refused(403, ForbiddenError)], ids=["500", "403"])
def test_contacts_of_the_others_are_loaded_and_the_rest_is_listed(wiz, broken, error):
    customers = wiz.load_customers()
    whole = wiz.load_contacts(customers)
    for row in (3, 20):
        broken[customers["id"][row]] = error
    with pytest.warns(IncompleteLoadWarning, match=r"2 customers could not be read, frame\.wiz\.unread") as caught:
        frame = wiz.load_contacts(customers)
    assert caught[0].filename == __file__
    expected = whole[~whole["customer_id"].isin(broken)].reset_index(drop=True)
    pd.testing.assert_frame_equal(frame, expected)
    unread = frame.wiz.unread
    assert sorted(unread["customer_id"]) == sorted(broken)
    assert set(unread["what"]) == {"contacts"}
    assert set(unread["code"]) == {error.code}
    broken.clear()
    again = wiz.load_contacts(unread["customer_id"])
    assert len(frame) + len(again) == len(whole)
    assert again.wiz.unread.empty


def test_details_of_the_others_are_loaded_and_the_rest_is_listed(wiz, broken):
    broken[stored(wiz)[4]["id"]] = refused()
    with pytest.warns(IncompleteLoadWarning, match=r"1 customer could not be read, frame\.wiz\.unread"):
        frame = wiz.load_customers(details=True)
    assert set(stored_id(wiz)) - set(frame["id"]) == set(broken)
    assert frame.wiz.unread["what"].tolist() == ["details"]


def stored_id(wiz):
    return [record["id"] for record in stored(wiz)]


def test_a_stream_goes_on_and_says_so_at_its_end(wiz, broken):
    broken[stored(wiz)[4]["id"]] = refused()
    stream = wiz.iter_contacts(stored_id(wiz), chunksize=1000)
    frame = next(stream)
    assert frame["customer_id"].nunique() == 29
    with pytest.warns(IncompleteLoadWarning, match="1 customer could not be read"):
        assert list(stream) == []


def test_a_list_that_breaks_half_way_leaves_no_half_of_a_customer(wiz):
    one = stored(wiz, "contacts", status="inactive")[0]["customer_id"]
    customers = [one, *(name for name in stored_id(wiz)[:3] if name != one)]

    def broken_list(query):
        if query.get("status") == "inactive" and wiz.server.requests[-1].path.endswith(f"{one}/contacts"):
            raise refused()
        return query

    with requests_through(wiz, broken_list), pytest.warns(IncompleteLoadWarning):
        frame = wiz.load_contacts(customers, workers=1)
    assert one in frame.wiz.unread["customer_id"].tolist()
    assert one not in frame["customer_id"].tolist()


class TestAllCustomers:
    def test_a_load_that_can_read_no_customer_is_an_error(self, wiz, broken):
        one = stored(wiz)[0]["id"]
        broken[one] = refused(403, ForbiddenError)
        with pytest.raises(ForbiddenError):
            wiz.load_contacts(one)

    def test_a_service_that_fails_for_all_customers_gets_no_more_requests(self, wiz, broken):
        customers = wiz.load_customers()
        broken.update(dict.fromkeys(customers["id"][5:], refused()))
        with pytest.raises(UnavailableError):
            wiz.load_contacts(customers, workers=2)

    def test_a_wrong_key_ends_the_load_at_once(self, dialect):
        fault = Fault("answer", operation="contacts.list", status=401, times=None, skip=3)
        with wizframe.sandbox(customers=200, dialect=dialect, faults=[fault]) as wiz:
            customers = wiz.load_customers()

            def load():
                with pytest.raises(AuthenticationError):
                    wiz.load_contacts(customers)

            _, count = requests_of(wiz, load)
            assert wiz.server.faults.fired
            assert count < 60  # what was under way; all of them take ten times as many

    def test_a_plan_does_not_guess_what_could_not_be_read(self, wiz, broken):
        customers = wiz.load_customers()
        one, other = customers["id"][0], customers["id"][1]
        broken[one] = refused()
        rows = pd.DataFrame(
            {"id": [None, None], "customer_id": [one, other], "first_name": "A", "email": "a@example.com"}
        )
        with pytest.raises((UnavailableError, PlanError)) as raised:
            wizframe.plan(rows, table="contacts")
        assert isinstance(raised.value, WizframeError)


def test_a_refresh_of_contacts_keeps_those_of_customers_that_cannot_be_read(wiz, broken):
    frame = wiz.load_contacts(stored_id(wiz)[:6])
    broken[frame["customer_id"][0]] = refused()
    with pytest.warns(IncompleteLoadWarning):
        fresh = frame.wiz.refresh()
    assert fresh["id"].tolist() == frame["id"].tolist()


def test_progress_counts_all_customers_including_failed_ones(wiz, broken):
    broken[stored(wiz)[4]["id"]] = refused()
    watch = Watch()
    wiz.load_contacts(stored_id(wiz), progress=watch)
    assert (watch.what, watch.done, watch.total) == ("contacts", 60, 60)
    assert any(isinstance(warning, IncompleteLoadWarning) for warning in watch.warnings)
