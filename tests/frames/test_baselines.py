"""The load that a frame is compared with: its own, one that it provably comes from, or none."""

import gc
import pickle
import subprocess
import sys
import weakref
from urllib.parse import urlsplit

import pandas as pd
import pytest
from support.planning import cells_of, load, rules, without_attrs
from support.sessions import forget_loads

import wizframe
from wizframe.errors import PlanError, UnknownBaselineError, WrongAccountError
from wizframe.frames import baselines


def _edited_elsewhere(wiz, frame, row=0, **values):
    wiz.server.overwrite("customers", frame["id"].iat[row], **values)


def test_two_loads_with_different_values_are_each_compared_with_their_own(wiz):
    older = load(wiz)
    _edited_elsewhere(wiz, older, payment_term="elsewhere")
    newer = load(wiz)
    for frame in (older, newer):
        frame.loc[0, "display_name"] = "Mine"
        frame.loc[1, "payment_term"] = "net77"
    expected = {("update", older["id"][0], "display_name"): "Mine", ("update", older["id"][1], "payment_term"): "net77"}
    for frame in (older, newer, without_attrs(older), without_attrs(newer)):
        plan = wizframe.plan(frame, client=wiz)
        assert plan.problems.empty, plan
        assert cells_of(plan) == expected


def test_rows_of_two_loads_in_one_frame_keep_their_own_load(wiz):
    older = load(wiz)
    _edited_elsewhere(wiz, older, payment_term="elsewhere")
    newer = load(wiz)
    both = pd.concat([newer.iloc[:5], older.iloc[5:]])
    both.loc[7, "payment_term"] = "net77"
    assert cells_of(both.wiz.plan()) == {("update", older["id"][7], "payment_term"): "net77"}
    plan = pd.concat([older.iloc[:1], newer.iloc[:1]]).wiz.plan()
    assert ("id", "is in several rows that differ: keep one") in rules(plan)
    assert len(plan) == 0


def test_a_frame_that_may_come_from_two_different_loads_is_refused(wiz):
    older = load(wiz)
    _edited_elsewhere(wiz, older, payment_term="elsewhere", updated_at=older["updated_at"][0].strftime("%FT%TZ"))
    newer = load(wiz)
    for frame in (older, newer):
        plain = without_attrs(frame)
        with pytest.raises(UnknownBaselineError, match="load again"):
            wizframe.plan(plain)
        with pytest.raises(UnknownBaselineError, match="load again"):
            wizframe.plan(plain.drop(columns="updated_at"))
        assert len(wizframe.plan(plain.drop(columns=["updated_at", "payment_term"]))) == 0


def test_a_frame_derived_before_a_push_still_plans_its_own_edits_only(wiz):
    frame = load(wiz)
    early, early_plain = frame.copy(), without_attrs(frame)
    frame.loc[0, "payment_term"] = "net77"
    frame.wiz.plan().apply(progress=False)
    for derived in (early, early_plain):
        derived.loc[1, "payment_term"] = "net88"
        plan = wizframe.plan(derived)
        assert cells_of(plan) == {("update", frame["id"][1], "payment_term"): "net88"}
    assert len(frame.wiz.plan()) == 0
    assert len(without_attrs(frame).wiz.plan()) == 0


@pytest.mark.parametrize("connected_again", [False, True])
def test_without_any_load_equal_times_mean_edits_and_older_ones_mean_unknown(wiz, connected_again):
    frame = load(wiz)
    plain = without_attrs(frame)
    _edited_elsewhere(wiz, frame, payment_term="elsewhere")
    if not connected_again:
        forget_loads()
    client = wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=wiz.base_url) if connected_again else wiz
    if connected_again:
        client.account = wiz.account
    plain.loc[[0, 1], "display_name"] = "Mine"
    plan = wizframe.plan(plain, client=client)
    assert cells_of(plan) == {("update", frame["id"][1], "display_name"): "Mine"}
    assert {problem[0] for problem in rules(plan)} == {"display_name", "payment_term"}
    assert all("it is unknown which of the two values is newer" in rule for _, rule in rules(plan))
    trusted = wizframe.plan(plain, client=client, baseline="service")
    assert trusted.problems.empty
    assert len(trusted.cells) == 3
    if connected_again:
        client.close()


READ_ONLY = "is read-only: restore it, or change it in WizCommerce itself"


def _forgotten(frame):
    """Give a frame as a file brings it into another session: no load knows it."""
    plain = without_attrs(frame)
    forget_loads()
    return plain


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_without_any_load_an_edit_of_a_read_only_cell_is_a_problem_as_with_one(wiz, table):
    plain = _forgotten(load(wiz, table))
    assert wizframe.plan(plain, client=wiz, table=table).problems.empty
    plain["status"] = plain["status"].astype(object)
    other = "inactive" if plain["status"][1] == "active" else "active"
    plain.loc[1, "status"] = other
    plain.loc[2, "created_at"] += pd.Timedelta("1D")
    plan = wizframe.plan(plain, client=wiz, table=table)
    assert rules(plan) == [("status", READ_ONLY), ("created_at", READ_ONLY)]
    assert f"row 1, status: '{other}' {READ_ONLY}" in repr(plan)


def test_without_any_load_a_read_only_cell_of_an_older_row_may_be_older_too(wiz):
    plain = _forgotten(load(wiz))
    now = "inactive" if plain["status"][0] == "active" else "active"
    wiz.server.overwrite("customers", plain["id"][0], status=now)
    for frame in (plain, plain.drop(columns="updated_at")):
        [(column, rule)] = rules(wizframe.plan(frame, client=wiz))
        assert (column, rule) == (
            "status",
            f"differs from WizCommerce ('{now}'), and it is unknown which of the two values is newer: load again",
        )
    assert rules(wizframe.plan(plain, client=wiz, baseline="service")) == [("status", READ_ONLY)]


def test_rows_found_by_reference_keep_their_own_times_but_another_status_is_reported(wiz):
    plain = _forgotten(load(wiz)).drop(columns="id")
    plain[["created_at", "updated_at"]] += pd.Timedelta("1D")  # those of the file's own system
    assert not wizframe.plan(plain, client=wiz, match="reference_id")
    plain["status"] = plain["status"].astype(object)
    plain.loc[1, "status"] = "inactive" if plain["status"][1] == "active" else "active"
    assert rules(wizframe.plan(plain, client=wiz, match="reference_id")) == [("status", READ_ONLY)]
    plain["created_at"] = "yesterday"
    assert rules(wizframe.plan(plain, client=wiz, match="reference_id")) == [("status", READ_ONLY)]


@pytest.mark.parametrize("is_known", [True, False])
def test_an_invalid_value_in_a_read_only_cell_is_a_problem(wiz, is_known):
    frame = load(wiz)
    frame = frame if is_known else _forgotten(frame)
    frame["status"] = frame["status"].astype(object)
    frame.loc[1, "status"] = "gone"
    assert rules(wizframe.plan(frame, client=wiz)) == [("status", "is not one of active, inactive")]


def test_a_pickled_frame_does_not_find_the_load_of_another_session(wiz):
    kept = pickle.dumps(load(wiz))
    _edited_elsewhere(wiz, load(wiz), payment_term="elsewhere")
    forget_loads()
    today = load(wiz)
    assert baselines.attached(pickle.loads(kept)) is None  # noqa: S301
    plan = wizframe.plan(pickle.loads(kept))  # noqa: S301 - our own bytes
    assert len(plan) == 0, plan
    assert [column for column, _ in rules(plan)] == ["payment_term"]
    assert len(today.wiz.plan()) == 0


def test_a_frame_of_another_account_is_refused(wiz):
    frame = load(wiz)
    with wizframe.sandbox(customers=5, seed=2, dialect=wiz.server.dialect) as other:
        load(other)
        with pytest.raises(WrongAccountError, match="match='reference_id'"):
            wizframe.plan(frame, client=other)
        with pytest.raises(WrongAccountError):
            wizframe.delete(frame.head(1), client=other)
        plan = wizframe.plan(without_attrs(frame.head(5)), client=other)
        assert len(plan) == 0
        assert len(plan.problems)
        mine = frame.wiz.plan(client=wiz)
        with pytest.raises(WrongAccountError):
            mine.apply(client=other)


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_sandbox_started_again_with_other_data_is_another_account(dialect, table):
    with wizframe.sandbox(customers=5, dialect=dialect) as first:
        frame = load(first, table)
        frame.loc[0, "first_name"] = "Mine"
        plan = frame.wiz.plan()
        port = urlsplit(first.base_url).port
    with wizframe.sandbox(customers=5, seed=2, port=port, dialect=dialect) as second:
        assert second.account == first.account
        for attempt in (frame.wiz.plan, frame.wiz.delete, plan.apply):
            with pytest.raises(WrongAccountError, match="Load again"):
                attempt(client=second)
        try:
            lost = wizframe.plan(without_attrs(frame), client=second)
        except PlanError:
            return
        assert len(lost) == 0, lost
        assert len(lost.problems)


def test_a_frame_can_be_planned_over_a_new_connection_to_its_account(wiz):
    frame = load(wiz)
    frame.loc[0, "display_name"] = "Mine"
    with wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=wiz.base_url) as again:
        again.account = wiz.account
        wiz.server.overwrite("customers", frame["id"][1], reference_id="renamed")
        assert len(frame.wiz.plan(client=again)) == 1


def test_the_plan_names_the_load_that_it_was_compared_with(wiz):
    frame = load(wiz)
    assert f"compared 30 rows × 14 columns with {baselines.attached(frame)}" in repr(frame.wiz.plan())


def test_a_load_is_forgotten_with_its_frames(wiz, monkeypatch):
    monkeypatch.setattr(baselines, "_KEPT_ROWS", 0)
    frame = load(wiz)
    derived = frame.head(3)
    gone = weakref.ref(baselines.attached(frame))
    del frame
    gc.collect()
    assert gone() is baselines.attached(derived)
    del derived
    load(wiz)
    gc.collect()
    assert gone() is None


def test_rows_with_updated_at_are_not_matched_with_a_load_without_it(wiz):
    frame = load(wiz)
    some = without_attrs(frame[["id", "company_name", "payment_term"]])
    some["payment_term"] = "net77"
    some.wiz.plan().apply(progress=False)
    lost = without_attrs(frame)
    lost["phone"] = "+14155550100"
    assert {column for _, _, column in cells_of(lost.wiz.plan())} == {"phone"}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a", "b", None], "str"),
        (["a", "b"], "str"),
        ([True, False, None], "boolean"),
        ([pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-01-02", tz="UTC"), None], "datetime64[us, UTC]"),
        (["active", "inactive", None], pd.CategoricalDtype(["active", "inactive"])),
        (["a", 1, None], "object"),
    ],
)
def test_cells_with_other_values_differ_and_all_blanks_are_equal(values, dtype):
    pairs = [(left, right) for left in values for right in values]
    left, right = (pd.Series(list(side), dtype=dtype) for side in zip(*pairs, strict=True))
    expected = [one is not other for one, other in pairs]
    assert baselines.differs(left, right).tolist() == expected
    halves = pd.concat([left.iloc[:3], left.iloc[3:]])  # Arrow holds it in two pieces
    assert baselines.differs(halves, right).tolist() == expected
    assert not baselines.differs(left, pd.Series(left.tolist(), dtype=dtype)).any()


def test_rows_are_found_by_id_in_any_order_and_a_blank_id_is_not_found(wiz):
    frame = load(wiz)
    own = baselines.attached(frame)
    ids = pd.concat([frame["id"].iloc[[5, 0]], pd.Series([None, "cust_nobody"], dtype="str")], ignore_index=True)
    assert own.find(ids).tolist() == [5, 0, -1, -1]
    assert own.find(frame["id"]).tolist() == list(range(len(frame)))
    assert own.is_unique
    assert not own.again(frame=pd.concat([frame, frame.iloc[:1]])).is_unique


@pytest.mark.parametrize("write", ["frame.to_excel(path)", "frame.head(1).to_excel(path, index=False)"])
def test_pandas_own_export_works_in_a_process_that_imports_nothing_else(write, tmp_path):
    program = f"""
import sys, wizframe
path = sys.argv[1]
with wizframe.sandbox(customers=2) as wiz:
    frame = wiz.load_customers(progress=False)
{write}
"""
    subprocess.run([sys.executable, "-c", program, tmp_path / "a.xlsx"], check=True, timeout=120)
    assert (tmp_path / "a.xlsx").stat().st_size > 0
