"""Times at the ends of the calendar: loaded as they are, and no end of a load, a file or a plan."""

import warnings
from datetime import datetime

import pandas as pd
import pytest
from support.planning import load, without_attrs

import wizframe

warnings.simplefilter("default")
FAR = {
    "Go's zero time": ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
    "before the first year": ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00"),
    "for ever": ("9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59.999999"),
    "the last second": ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
}


@pytest.fixture(params=FAR.values(), ids=FAR)
def far(request, wiz):
    sent, meant = request.param
    for table in ("customers", "contacts"):
        for record in wiz.server.records(table):
            wiz.server.overwrite(table, record["id"], updated_at=sent, created_at=sent)
    return datetime.fromisoformat(f"{meant}+00:00")


@pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
def test_far_times_are_loaded_as_they_are(wiz, far):
    customers = load(wiz)
    for frame in (customers, load(wiz, "contacts"), pd.concat(wiz.iter_customers(chunksize=7, progress=False))):
        assert len(frame)
        assert set(frame["updated_at"]) == set(frame["created_at"]) == {pd.Timestamp(far)}
    assert len(customers) == 30
    assert len(wiz.load_customers(details=True, progress=False, limit=3)) == 3


@pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
def test_records_with_far_times_go_the_whole_way(wiz, far, tmp_path):
    del far
    frame = load(wiz)
    frame.wiz.to_excel(tmp_path / "c.xlsx")
    frame.wiz.to_csv(tmp_path / "c.csv")
    sent = [wizframe.read_excel(tmp_path / "c.xlsx"), wizframe.read_csv(tmp_path / "c.csv", original=frame)]
    for one in (frame, *sent, without_attrs(frame)):
        assert len(one.wiz.plan()) == 0
    frame.loc[0, "payment_term"] = "net61"
    assert frame.wiz.plan().apply().counts()["done"] == 1
    fresh = frame.wiz.refresh(progress=False)
    assert len(fresh) == 30
    assert fresh.loc[0, "payment_term"] == "net61"
