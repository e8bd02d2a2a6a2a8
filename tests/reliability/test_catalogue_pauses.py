"""The fault catalogue, a service that asks for a pause: all workers take it, for as long as is meant and no longer."""

import re
import time
from email.utils import formatdate

import pytest
from support.catalogue import edited, fired, said
from support.client import Clock
from support.planning import states, stored, writes

import wizframe
from wizframe.errors import RateLimitError
from wizframe.http.rate_limit import MAX_PAUSE_S, RateLimiter
from wizframe.http.transport import MAX_REFUSALS
from wizframe.server import Fault

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

ROWS = 20
HOUR_S = 3600


@pytest.fixture
def dialect():
    """A refusal knows nothing of dialects."""
    return "rest"


class Departures(list):
    """When requests leave: seconds from the first one. ``before`` is how many had left when the pause began."""

    before = 0


@pytest.fixture
def departures(wiz):
    """Let pauses take no time, on a clock that jumps, and tell when requests leave."""

    class Noting(RateLimiter):
        def wait(self, *limits):
            start = super().wait(*limits)
            departures.append(start - clock.began)
            return start

        def slow_down(self, *refused):
            super().slow_down(*refused)
            departures.before = departures.before or len(departures)

    clock, departures = Clock(), Departures()
    clock.began = clock.now
    wiz.transport.rate_limiter = Noting(clock=clock, sleep=clock.sleep)
    return departures


def refusal(operation, headers, **options):
    return Fault("answer", operation, status=429, headers=headers, **options)


def check_pause(departures, least_s, most_s):
    """Check that a pause begins with the first request, and that the next one is sent soon after it."""
    later = departures[departures.before :]
    assert len(later) > 8
    assert len([start for start in later if start < least_s]) < 4  # the other workers may just have been let go
    assert min(start for start in later if start >= least_s) <= most_s + 1


@pytest.mark.fault(
    13,
    "status 429 with a pause in seconds",
    "a countdown next to the progress bar; then the load or push continues",
    "L",
)
@pytest.mark.parametrize("operation", ["customers.get", "customers.update"])
def test_all_workers_of_a_push_pause_for_as_long_as_the_service_asks(wiz, departures, operation):
    frame = edited(wiz, "customers", ROWS)
    plan = frame.wiz.plan()
    wiz.server.faults.add(refusal(operation, {"Retry-After": "30"}, skip=5))
    assert set(departures) == {0.0}
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("answer", operation)]
    check_pause(departures, 30, 30)
    assert said(result) == [("done", "changed")] * ROWS
    assert len(writes(wiz)) == ROWS + (operation == "customers.update")
    assert [record["first_name"] for record in stored(wiz, "customers").values()].count("mine") == ROWS


@pytest.mark.fault(13)
@pytest.mark.parametrize("workers", [1, 4])
def test_all_workers_of_a_load_pause_for_as_long_as_the_service_asks(wiz, departures, workers):
    whole = wiz.load_customers(page_size=3)
    wiz.server.faults.add(refusal("customers.list", {"Retry-After": "30"}, skip=3))
    assert wiz.load_customers(page_size=3, workers=workers).equals(whole)
    assert fired(wiz.server.faults) == [("answer", "customers.list")]
    check_pause(departures, 30, 30)


@pytest.mark.fault(
    14,
    "status 429 with a pause until a date, and clocks that differ by an hour",
    "the same as fault 13; the pause is measured from the `Date` of the response",
    "L",
)
@pytest.mark.parametrize("apart_s", [-HOUR_S, 0, HOUR_S])
def test_a_date_is_measured_by_the_service_s_own_clock(wiz, departures, apart_s):
    theirs = time.time() + apart_s
    headers = {"Date": formatdate(theirs, usegmt=True), "Retry-After": formatdate(theirs + 30, usegmt=True)}
    plan = edited(wiz, "customers", ROWS).wiz.plan()
    wiz.server.faults.add(refusal("customers.update", headers, skip=5))
    assert states(plan.apply(progress=False)) == {"done": ROWS}
    assert fired(wiz.server.faults) == [("answer", "customers.update")]
    check_pause(departures, 30, 30)


SENSELESS = {
    "absent": (None, 0.25, 0.5),
    "negative": ("-5", 0.25, 0.5),
    "huge": ("999999999", MAX_PAUSE_S, MAX_PAUSE_S),
    "longer than any number": ("9" * 400, 0.25, 0.5),
    "garbage": ("soon", 0.25, 0.5),
    "no such date": ("Mon, 99 Foo 9999 99:99:99 GMT", 0.25, 0.5),
}


@pytest.mark.fault(
    15,
    "status 429 with a `Retry-After` that is missing, negative, huge or invalid",
    "pauses that grow to at most two minutes; after twenty refusals the push stops, and rows are *unsent*: 429",
    "L E",
)
@pytest.mark.parametrize("header", SENSELESS)
def test_an_invalid_retry_after_is_replaced_by_a_backoff(wiz, departures, header):
    text, least_s, most_s = SENSELESS[header]
    plan = edited(wiz, "customers", ROWS).wiz.plan()
    wiz.server.faults.add(refusal("customers.update", {"Retry-After": text}, skip=5))
    assert states(plan.apply(progress=False)) == {"done": ROWS}
    assert fired(wiz.server.faults) == [("answer", "customers.update")]
    check_pause(departures, least_s, most_s)


@pytest.mark.fault(15)
@pytest.mark.parametrize("header", ["absent", "huge", "garbage"])
def test_repeated_refusals_stop_the_push_and_resume_finishes_it(wiz, departures, header):
    wiz.workers = 1
    plan = edited(wiz, "customers", ROWS).wiz.plan()
    wiz.server.faults.add(refusal("customers.update", {"Retry-After": SENSELESS[header][0]}, times=None, skip=5))
    result = plan.apply(progress=False)
    assert fired(wiz.server.faults) == [("answer", "customers.update")] * MAX_REFUSALS
    assert states(result) == {"done": 5, "unsent": ROWS - 5}
    assert re.match(r"the push stopped: 429 .*\(PATCH ", said(result)[5][1])
    assert ": 429 this fault was injected" in said(result)[5][1]
    assert departures[-1] <= MAX_REFUSALS * (MAX_PAUSE_S + 10)
    wiz.server.faults.clear()
    (finished,) = wizframe.resume(yes=True, max_deletes=9, progress=False)
    assert states(finished) == {"done": ROWS - 5}
    assert [record["first_name"] for record in stored(wiz, "customers").values()].count("mine") == ROWS


@pytest.mark.fault(15)
@pytest.mark.usefixtures("departures")
def test_repeated_refusals_end_a_load_with_an_error_and_no_frame(wiz):
    wiz.server.faults.add(refusal("customers.list", {}, times=None, skip=2))
    with pytest.raises(RateLimitError, match="429 this fault was injected"):
        wiz.load_customers(page_size=3, workers=1)
    assert fired(wiz.server.faults) == [("answer", "customers.list")] * MAX_REFUSALS
