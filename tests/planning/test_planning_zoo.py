"""A frame's shape says nothing: the same edits in any shape give the same plan, or an error that says why not."""

import copy
import io
import pickle

import pandas as pd
import pytest
from support.planning import cells_of, load, make_contacts_valid, rules, stored, without_attrs

import wizframe
from wizframe import CLEAR
from wizframe.errors import PlanError

EDITS = {
    "customers": [
        (0, "display_name", "Ünïcödé =1+1"), (3, "phone", CLEAR), (5, "payment_term", "00123"), (5, "email", "n@x.org"),
    ],
    "contacts": [(0, "designation", "Head"), (3, "phone", CLEAR), (5, "is_default", True), (5, "last_name", "O'Neill")],
}  # fmt: skip


def _merged(frame):
    return frame.merge(pd.DataFrame({"id": frame["id"], "region": "EU"}), on="id")


def _csv(frame):
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)), dtype=str)


def _multi_index(frame):
    return frame.assign(region="EU").set_index(["region", "id"])


def _naive_times(frame):
    return frame.assign(updated_at=frame["updated_at"].dt.tz_localize(None))


def _other_zone(frame):
    return frame.assign(updated_at=frame["updated_at"].dt.tz_convert("Asia/Tokyo").dt.as_unit("ns"))


def _categories(frame):
    return frame.astype(dict.fromkeys(frame.select_dtypes("str").columns.drop("id"), "category"))


#: Name to what becomes of a frame. Each must plan exactly the edits.
SAME = {
    "as it is": lambda frame: frame,
    "filtered": lambda frame: frame[frame["id"].notna()],
    "sorted": lambda frame: frame.sort_values("id", ascending=False),
    "shuffled": lambda frame: frame.sample(frac=1, random_state=1),
    "index reset": lambda frame: frame.sample(frac=1, random_state=1).reset_index(),
    "id as the index": lambda frame: frame.set_index("id"),
    "id in a MultiIndex": _multi_index,
    "duplicate labels": lambda frame: frame.set_axis([7] * len(frame)),
    "copied": lambda frame: frame.copy(),
    "deep-copied": copy.deepcopy,
    "pickled": lambda frame: pickle.loads(pickle.dumps(frame)),  # noqa: S301 - our own bytes
    "through a dict": without_attrs,
    "through records": lambda frame: pd.DataFrame.from_records(frame.to_dict("records")),
    "through CSV as text": _csv,
    "objects": lambda frame: frame.astype(object),
    "attrs lost": lambda frame: frame.copy().pipe(lambda plain: plain.attrs.clear() or plain),
    "pyarrow dtypes": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "nullable dtypes": lambda frame: frame.convert_dtypes(),
    "categories": _categories,
    "naive times": _naive_times,
    "times of another zone": _other_zone,
    "merged with own columns": _merged,
    "own columns": lambda frame: frame.assign(score=1.5, note="mine", **{"": 0}),
    "concatenated halves": lambda frame: pd.concat([frame.iloc[5:], frame.iloc[:5]]),
    "concatenated halves, attrs lost": lambda frame: pd.concat([without_attrs(frame.iloc[5:]), frame.iloc[:5]]),
    "every row twice": lambda frame: pd.concat([frame, frame]),
    "duplicates dropped": lambda frame: pd.concat([frame, frame]).drop_duplicates(),
    "columns reordered": lambda frame: frame[sorted(frame.columns)],
    "without updated_at": lambda frame: frame.drop(columns="updated_at"),
    "only the edited columns": lambda frame: frame[["id", *{column for _, column, _ in EDITS[_table(frame)]}]],
}


def _table(frame):
    return "contacts" if "designation" in frame else "customers"


#: Name to a shape that loses what a plan needs, and a word of the error or of the problems.
REFUSED = {
    "without id": (lambda frame: frame.drop(columns="id"), "match='reference_id'"),
    "merged with another load": (lambda frame: frame.merge(frame, on="id"), "looks like a merge"),
    "beside itself": (lambda frame: pd.concat([frame, frame], axis=1), "two columns"),
    "id twice": (lambda frame: frame.set_index("id", drop=False), "two columns"),
    "columns of two levels": (lambda frame: pd.concat({"a": frame}, axis=1), "several levels"),
    "one record in rows that differ": (
        lambda frame: pd.concat([frame, frame.iloc[[0]].assign(first_name="Other")]),
        "is in several rows that differ",
    ),
    "ids as numbers": (lambda frame: frame.assign(id=range(len(frame))), "is a number"),
    "values through CSV as numbers": (
        lambda frame: _csv(frame).assign(reference_id=lambda csv: csv["reference_id"].str[-2:].astype("int64")),
        "is a number",
    ),
    "updated_at edited": (lambda frame: frame.assign(updated_at=frame["updated_at"] + pd.Timedelta("1D")), "read-only"),
    "id cleared": (lambda frame: frame.assign(id=CLEAR), "cannot be cleared"),
}


@pytest.fixture(scope="module", params=["rest-customers", "sdk-contacts"])
def edited(request):
    """A client, its loaded and edited frame, and the plan of the frame as it is."""
    dialect, table = request.param.split("-")
    with wizframe.sandbox(customers=8, dialect=dialect) as wiz:
        make_contacts_valid(wiz)
        given = {"phone": "+14155550000"} | ({} if table == "customers" else {"is_default": False})
        for record in wiz.server.records(table):
            wiz.server.overwrite(table, record["id"], updated_at=record["updated_at"], **given)
        frame = load(wiz, table)
        for row, column, value in EDITS[table]:
            frame.loc[row, column] = value
        yield wiz, table, frame, _expected(frame, table)


def _expected(frame, table):
    return {
        ("update", frame["id"].iat[row], column): "" if value == CLEAR else value for row, column, value in EDITS[table]
    }


@pytest.mark.parametrize("shape", SAME)
def test_any_shape_gives_the_same_plan(edited, shape):
    wiz, table, frame, expected = edited
    before = frame.copy()
    plan = wizframe.plan(SAME[shape](frame), client=wiz, table=table)
    assert plan.problems.empty, plan
    assert cells_of(plan) == expected
    assert frame.equals(before)


@pytest.mark.parametrize("shape", REFUSED)
def test_a_shape_that_says_too_little_is_an_error_that_says_why(edited, shape):
    wiz, table, frame, _ = edited
    change, words = REFUSED[shape]
    try:
        plan = wizframe.plan(change(frame), client=wiz, table=table)
    except PlanError as error:
        assert words in str(error)  # noqa: PT017 - either way is right
    else:
        assert any(words in rule for _, rule in rules(plan)), plan


def test_the_same_edits_have_the_same_id_in_any_shape(edited):
    """Unless the plan says that they were compared with something else: the id covers that, too."""
    wiz, table, frame, _ = edited
    shapes = ("as it is", "sorted", "pickled")
    plan, *others = (wizframe.plan(SAME[shape](frame), client=wiz, table=table) for shape in shapes)
    for other in others:
        assert {(one.id, one.cells) for one in other.changes_list} == {(one.id, one.cells) for one in plan.changes_list}
        assert (other.id == plan.id) == (other.compared_with == plan.compared_with)
    assert others[0].id == plan.id


def test_planning_sends_nothing_but_reads(edited):
    wiz, table, frame, _ = edited
    before = stored(wiz, table)
    wizframe.plan(frame, client=wiz)
    assert stored(wiz, table) == before
    assert {request.method for request in wiz.server.requests} == {"GET"}
