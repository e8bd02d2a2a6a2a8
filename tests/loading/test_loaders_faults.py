"""A service that is spelled otherwise, ignores the order or the status, or is interrupted."""

import signal
import threading
import time

import pytest
from support.loaders import pages_through, requests_through, stored

from wizframe.api.dialects import Page
from wizframe.errors import IncompleteLoadWarning

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

SPELLINGS = [("sort_by", "sortBy"), ("reference_ids", "referenceIds")]
SWAPPED = dict(SPELLINGS) | {camel: snake for snake, camel in SPELLINGS}


def swapped(query):
    """Spell as the other dialect does: what the client writes, the service does not know."""
    return {SWAPPED.get(name, name): value for name, value in query.items()}


@pytest.fixture
def shuffled(wiz):
    """An account with a default order, by last update, that is not that of creation."""
    for table in ("customers", "contacts"):
        for record in stored(wiz, table)[::2]:
            wiz.server.overwrite(table, record["id"], updated_at="2026-11-01T00:00:00Z")
    return wiz


class TestAServiceThatIsSpelledTheOtherWay:
    def test_is_asked_again_in_the_other_spelling(self, shuffled):
        oldest = stored(shuffled)[0]
        with requests_through(shuffled, swapped):
            frame = shuffled.load_customers(created_after=oldest["created_at"])
            chosen = shuffled.load_customers(reference_ids=[oldest["reference_id"]])
        assert frame["id"].tolist() == [record["id"] for record in stored(shuffled)[1:]]
        assert chosen["id"].tolist() == [oldest["id"]]

    def test_also_where_many_requests_find_out_at_the_same_time(self, shuffled):
        ids = [record["id"] for record in stored(shuffled)]
        with requests_through(shuffled, swapped):
            frame = shuffled.load_contacts(ids, workers=8)
        assert len(frame) == len(stored(shuffled, "contacts"))


def test_a_service_that_ignores_the_order_is_read_in_a_row_and_the_load_says_so(shuffled):
    with requests_through(shuffled, lambda query: {k: v for k, v in query.items() if k not in SWAPPED}):
        for _ in range(2):
            with pytest.warns(IncompleteLoadWarning, match="does not list records in the order asked for"):
                frame = shuffled.load_customers(page_size=7)
            assert sorted(frame["id"]) == sorted(record["id"] for record in stored(shuffled))


def test_a_service_that_ignores_the_status_is_noticed(wiz):
    with requests_through(wiz, lambda query: {k: v for k, v in query.items() if k != "status"}):
        if wiz.dialect == "sdk":  # its rows have no status
            with pytest.warns(IncompleteLoadWarning, match="same customers as active and as inactive"):
                frame = wiz.load_customers()
            assert len(frame) == len(stored(wiz, status="active"))
            assert frame["status"].isna().all()
        else:
            with pytest.warns(IncompleteLoadWarning, match="asked for inactive customers"):
                wiz.load_customers()


def test_a_page_that_is_lost_each_time_makes_the_load_say_so(wiz):
    second = [record["id"] for record in stored(wiz, status="active")][5:10]

    def change(page):
        lost = [record["id"] for record in page.records] == second
        return Page([], page.total_records, page.total_pages) if lost else page

    with (
        pages_through(wiz.customer, change),
        pytest.warns(IncompleteLoadWarning, match="may be incomplete.*Load again") as caught,
    ):
        wiz.load_customers(page_size=5)
    assert caught[0].filename == __file__
    assert len(wiz.server.requests) < 400


def threads_left():
    """Name the loaders' threads that do not end by themselves, once they have nothing more to do."""
    own = [thread for thread in threading.enumerate() if thread.name.startswith("wizframe-")]
    for thread in own:
        thread.join(5)
    return [thread.name for thread in own if thread.is_alive()]


@pytest.mark.parametrize(
    "load",
    [
        lambda wiz: wiz.load_customers(page_size=2, workers=3),
        lambda wiz: wiz.load_customers(details=True, workers=3),
        lambda wiz: wiz.load_contacts([record["id"] for record in stored(wiz)], workers=3),
    ],
    ids=["customers", "details", "contacts"],
)
@pytest.mark.parametrize("at", [2, 9])
def test_ctrl_c_ends_a_load_at_once_and_leaves_no_threads(wiz, load, at):
    before = len(load(wiz))
    requests = len(wiz.server.requests)
    left = iter(range(at))
    pressed = threading.Event()

    def press(query):
        if pressed.is_set():
            time.sleep(0.05)  # Python tells its main thread when that has its turn: until then requests go on
        elif next(left, None) is None:
            pressed.set()
            signal.raise_signal(signal.SIGINT)
        return query

    with requests_through(wiz, press), pytest.raises(KeyboardInterrupt):
        load(wiz)
    assert not threads_left()
    assert len(wiz.server.requests) < requests + at + 10
    assert len(load(wiz)) == before
