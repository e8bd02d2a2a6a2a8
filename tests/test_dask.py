"""The same table as a Dask DataFrame: every part an ordinary load, the rate divided, and no key in the graph."""

import pickle
import sys
import time
from itertools import pairwise

import pandas as pd
import pytest
from support.loaders import stored

import wizframe
from wizframe.errors import ConfigurationError, InvalidDataError, InvalidRequestError, MissingExtraError, ProtocolError
from wizframe.fields import CUSTOMER
from wizframe.frames.baselines import live

dd = pytest.importorskip("dask.dataframe", reason="dask is not installed")
distributed = pytest.importorskip("distributed", reason="distributed is not installed")
cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")
import dask  # noqa: E402

import wizframe.dask as wizdask  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", wizframe.SANDBOX_API_KEY)
    with dask.config.set(scheduler="threads", num_workers=2):
        yield
    for client in wizdask._clients.values():
        client.close()
    wizdask._clients.clear()


@pytest.fixture
def cluster(monkeypatch):
    """Two processes that find the key in their environment."""
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", wizframe.SANDBOX_API_KEY)
    with (
        dask.config.set({"scheduler": None}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def by_id(frame):
    return frame.set_index("id").sort_index()


@pytest.mark.parametrize("options", [{}, {"status": "active"}, {"details": True}, {"created_after": "2024-06-01"}])
def test_all_parts_together_are_what_a_load_gives(wiz, options):
    promised = wizdask.load_customers(rows=7, **options)
    whole = wiz.load_customers(**options)
    computed = promised.compute()
    assert promised.npartitions > 1 or wiz.dialect == "sdk"
    pd.testing.assert_frame_equal(by_id(computed), by_id(whole))
    assert promised.dtypes.to_dict() == whole.dtypes.to_dict()


def test_parts_go_from_the_oldest_to_the_newest_and_are_as_large_as_was_asked_for():
    with wizframe.sandbox(customers=300) as wiz:
        before = len(wiz.server.requests)
        promised = wizdask.load_customers(rows=50)
        assert len(wiz.server.requests) - before < 12
        parts = dask.compute(*promised.partitions)
    sizes = [len(part) for part in parts]
    assert sum(sizes) == 300
    assert max(sizes) < 75
    ends = [(part["created_at"].min(), part["created_at"].max()) for part in parts if len(part)]
    assert all(earlier[1] < later[0] for earlier, later in pairwise(ends))


def test_records_of_one_second_are_in_one_part():
    with wizframe.sandbox(customers=30) as wiz:
        for record in stored(wiz)[5:25]:
            wiz.server.overwrite("customers", record["id"], created_at="2026-01-01T00:00:00Z")
        computed = wizdask.load_customers(rows=4).compute()
        assert sorted(computed["id"]) == sorted(record["id"] for record in stored(wiz))


def test_a_customer_that_is_edited_or_deactivated_between_the_parts_comes_once():
    with wizframe.sandbox(customers=60) as wiz:
        expected = sorted(record["id"] for record in stored(wiz))
        promised = wizdask.load_customers(rows=10)
        found = []
        for part in promised.partitions:
            found += part.compute()["id"].tolist()
            wiz.server.set_status("customers", found[0], "inactive")
            wiz.server.set_status("customers", stored(wiz, status="active")[-1]["id"], "inactive")
            wiz.customer.update(found[1], {"payment_term": "theirs"})
        assert sorted(found) == expected


@pytest.mark.parametrize("how", ["dask", "frame", "ids"])
def test_contacts_are_those_of_a_load(wiz, how):
    customers = wiz.load_customers().head(9)
    whole = wiz.load_contacts(customers)
    given = {"dask": dd.from_pandas(customers, npartitions=3), "frame": customers, "ids": customers["id"].tolist()}[how]
    promised = wizdask.load_contacts(given)
    computed = promised.compute()
    pd.testing.assert_frame_equal(by_id(computed), by_id(whole))
    assert promised.dtypes.to_dict() == whole.dtypes.to_dict()


def test_no_key_is_in_the_graph(wiz):
    customers = wizdask.load_customers(rows=7)
    contacts = wizdask.load_contacts(customers)
    for promised in (customers, contacts):
        for packed in (cloudpickle.dumps(promised), pickle.dumps(dict(promised.dask))):
            assert wizframe.SANDBOX_API_KEY.encode() not in packed
            assert wiz.base_url.encode() in packed  # so the graph was looked into


@pytest.mark.usefixtures("wiz")
def test_a_process_without_a_key_says_so(monkeypatch):
    promised = wizdask.load_customers()
    monkeypatch.delenv("WIZCOMMERCE_API_KEY")
    with pytest.raises(ConfigurationError, match="no API key"):
        promised.compute()


def test_a_part_that_may_be_incomplete_is_an_error(wiz):
    with pytest.raises(ProtocolError, match="1 customer does not exist"):
        wizdask.load_contacts([stored(wiz)[0]["id"], "cust_gone"]).compute()


def test_each_part_is_validated(wiz):
    bad = stored(wiz)[4]["id"]
    wiz.server.overwrite("customers", bad, email="invalid")
    with pytest.raises(InvalidDataError):
        wizdask.load_customers(invalid="raise").compute()
    assert bad not in wizdask.load_customers(invalid="drop").compute()["id"].tolist()


def test_parts_leave_no_baselines_behind_and_an_edit_can_still_be_planned(wiz):
    frame = wizdask.load_customers(rows=7, invalid="drop").compute()
    assert not live(CUSTOMER, wiz.account, wiz.connection)
    frame = frame.head(4).assign(payment_term="net77")
    assert set(wizframe.plan(frame, client=wiz).apply().changes["state"]) == {"done"}


@pytest.mark.parametrize(
    "wrong", [{"rows": 0}, {"workers": 0}, {"processes": 1.5}, {"invalid": "no"}, {"status": "all"}]
)
def test_an_invalid_option_is_refused_before_any_request(wiz, wrong):
    with pytest.raises(InvalidRequestError, match=next(iter(wrong))):
        wizdask.load_customers(**wrong)
    assert not wiz.server.requests


def rates():
    """Tell in a process of the cluster how many requests a second it may send."""
    return [round(client.transport.rate_limiter.max_rate, 6) for client in wizdask._clients.values()]


def test_a_cluster_of_processes_reads_the_same_table_at_the_rate_of_all_together(cluster):
    with wizframe.sandbox(customers=120) as wiz:
        promised = wizdask.load_customers(rows=15, rate=40.0)
        pd.testing.assert_frame_equal(by_id(promised.compute()), by_id(wiz.load_customers()))
        assert list(cluster.run(rates).values()) == [[20.0], [20.0]]
        before, began = len(wiz.server.requests), time.monotonic()
        promised.compute()
        took, sent = time.monotonic() - began, len(wiz.server.requests) - before
        assert sent > 20
        assert sent / took < 1.25 * 40.0
        assert wizdask.load_contacts(promised).compute()["customer_id"].nunique() == 120


def test_without_dask_a_sentence_says_what_to_install(wiz, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wizframe\[dask\]'"):
        wizdask.load_customers()
    with pytest.raises(MissingExtraError, match=r"pip install 'wizframe\[dask\]'"):
        wizdask.load_contacts(["cust_1"])
    assert not wiz.server.requests
