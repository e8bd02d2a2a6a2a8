"""Frames in Arrow's dtypes are planned, pushed and refreshed like others, and go to Parquet and DuckDB."""

import pandas as pd
import pyarrow as pa
import pytest
from support.loaders import stored

from wizframe.errors import InvalidRequestError
from wizframe.frames.baselines import attached

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")

TEXT, TIME, FLAG = (pd.ArrowDtype(kind) for kind in (pa.large_string(), pa.timestamp("us", "UTC"), pa.bool_()))


@pytest.fixture(params=["customers", "details", "contacts", "stream"])
def both(request, wiz):
    """The same records in pandas' dtypes and in Arrow's."""

    def load(**options):
        if request.param == "contacts":
            return wiz.load_contacts(wiz.load_customers().head(6), **options)
        if request.param == "stream":
            return next(wiz.iter_customers(chunksize=20, **options))
        return wiz.load_customers(details=request.param == "details", **options)

    return load(), load(dtype_backend="pyarrow")


def test_rows_are_the_same_in_arrows_dtypes(both):
    usual, arrow = both
    assert set(arrow.dtypes) <= {TEXT, TIME, FLAG}
    assert {TEXT, TIME} <= set(arrow.dtypes)
    pd.testing.assert_frame_equal(arrow.astype(usual.dtypes), usual)
    assert len(arrow.wiz.validate()) == len(usual.wiz.validate())


def test_texts_are_not_copied(wiz):
    frame = wiz.load_customers(dtype_backend="pyarrow")
    mine = pa.array(frame["company_name"].array)
    loaded = pa.array(attached(frame).frame["company_name"].array)
    addresses = [array.chunk(0).buffers()[2].address for array in map(as_chunked, (mine, loaded))]
    assert addresses[0] == addresses[1]


def as_chunked(array):
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def test_nothing_to_plan_until_something_is_edited(both):
    _, arrow = both
    plan = arrow.wiz.plan()
    assert not len(plan)
    assert not len(plan.problems)


def test_an_edit_is_pushed_and_written_back(wiz):
    frame = wiz.load_customers(dtype_backend="pyarrow", invalid="drop")
    dtypes = frame.dtypes.to_dict()
    frame.loc[frame.index < 3, "payment_term"] = "net77"
    frame.loc[3, "phone"] = None
    assert set(frame.wiz.push(yes=True).changes["state"]) == {"done"}
    assert sum(record["payment_term"] == "net77" for record in stored(wiz)) == 3
    assert frame.dtypes.to_dict() == dtypes
    assert not len(frame.wiz.plan())
    assert frame["updated_at"].max() > pd.Timestamp.now("UTC") - pd.Timedelta(minutes=10)


def test_a_refresh_keeps_the_dtypes(wiz):
    frame = wiz.load_customers(dtype_backend="pyarrow")
    wiz.customer.create({"reference_id": "NEW", "company_name": "New", "display_name": "New"})
    wiz.server.overwrite("customers", frame["id"][0], payment_term="theirs")
    wiz.server.set_status("customers", frame["id"][1], "inactive")
    fresh = frame.wiz.refresh()
    assert fresh.dtypes.to_dict() == frame.dtypes.to_dict()
    expected = wiz.load_customers(dtype_backend="pyarrow").set_index("id").loc[fresh["id"]]
    pd.testing.assert_frame_equal(fresh.set_index("id"), expected)


@pytest.mark.parametrize("backend", [None, "pyarrow"])
def test_parquet_there_and_back(wiz, tmp_path, backend):
    frame = wiz.load_customers(dtype_backend=backend)
    frame.to_parquet(tmp_path / "customers.parquet")
    back = pd.read_parquet(tmp_path / "customers.parquet", dtype_backend=backend or "numpy_nullable")
    assert back["id"].tolist() == frame["id"].tolist()
    back = back.astype(frame.dtypes)
    back.loc[0, "payment_term"] = "net77"
    plan = back.wiz.plan()
    assert plan.cells["new"].tolist() == ["net77"]


@pytest.mark.parametrize("backend", [None, "pyarrow"])
def test_duckdb_queries_a_frame(wiz, backend):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    customers = wiz.load_customers(dtype_backend=backend)
    counts = duckdb.sql("SELECT status, count(*) AS n FROM customers GROUP BY status").df()
    expected = customers["status"].value_counts()
    assert dict(zip(counts["status"], counts["n"], strict=True)) == expected.to_dict()


def test_another_backend_is_refused_before_any_request(wiz):
    for load in (wiz.load_customers, wiz.iter_customers):
        with pytest.raises(InvalidRequestError, match="dtype_backend"):
            load(dtype_backend="numpy_nullable")
    assert not wiz.server.requests
