"""df.wiz.overview(): what it counts, as text, and its figure as a user sees it."""

import io
import sys

import pandas as pd
import pytest
from support.display import displayed

from wizframe.errors import InvalidRequestError, MissingExtraError, PlanError
from wizframe.notebook.overview import BLANK, NONE
from wizframe.notebook.overview import overview as overview_of

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "$\\frac{",
    "a\u202egnp.exe",
    "大輔 山﨑",
    "\U0001f600",
    "x" * 300,
    "two\nlines",
]


@pytest.fixture
def drawn():
    """Draw an overview and give back all the words in it; any warning is an error."""
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")

    def draw(overview):
        overview.figure.savefig(io.BytesIO(), format="png")
        texts = [text.get_text() for text in overview.figure.findobj(lambda one: hasattr(one, "get_text"))]
        return [text for text in texts if text]

    return draw


class TestNumbers:
    def test_status_terms_months_and_reps_are_those_of_the_account(self, wiz):
        stored = wiz.server.records("customers")
        overview = wiz.load_customers(details=True).wiz.overview()
        assert overview.title == "30 customers"
        assert overview.where.startswith(f"sandbox at {wiz.base_url}, loaded ")
        assert overview.status.to_dict() == pd.Series([record["status"] for record in stored]).value_counts().to_dict()
        terms = pd.Series([record["payment_term"] or BLANK for record in stored]).value_counts().to_dict()
        assert overview.kinds.to_dict() == terms
        months = pd.Series([record["created_at"][:7] for record in stored]).value_counts().to_dict()
        assert {str(month): count for month, count in overview.months.items() if count} == months
        assert overview.months.sum() == 30
        assert overview.months.index.is_monotonic_increasing
        assert len(overview.months) == (overview.months.index[-1] - overview.months.index[0]).n + 1  # empty ones, too
        nobody = sum(not record["assigned_sales_rep_ids"] for record in stored)
        assert overview.owners[NONE] == nobody
        assert overview.owners.sum() == nobody + sum(len(record["assigned_sales_rep_ids"]) for record in stored)

    def test_sales_reps_are_named_in_both_forms_of_the_documents(self):
        reps = [
            '[{"id": "r1", "name": "Ann"}]',
            '[{"first_name": "Bob", "last_name": "Orr"}, {"id": "r3"}]',
            "[]",
            None,
            "[",
        ]
        frame = pd.DataFrame({"id": list("abcde"), "company_name": "C", "assigned_sales_reps": reps}, dtype="str")
        assert overview_of(frame).owners.to_dict() == {"Ann": 1, "Bob Orr": 1, "r3": 1, NONE: 2, "[": 1}

    def test_ids_of_sales_reps_are_counted_if_their_names_are_not_loaded(self):
        frame = pd.DataFrame({"id": ["a", "b"], "company_name": "C", "assigned_sales_rep_ids": ["r1, r2", None]})
        assert overview_of(frame).owners.to_dict() == {"r1": 1, "r2": 1, NONE: 1}

    def test_what_is_missing_and_invalid_is_counted_as_the_frame_is_now(self, wiz):
        frame = wiz.load_customers()
        frame.loc[:, "phone"] = "+14155552671"
        frame.loc[[1, 2, 3], "phone"] = None
        frame.loc[[4, 5], "phone"] = "555"
        frame.loc[0, "company_name"] = None
        fields = frame.wiz.overview().fields
        assert fields.loc["phone"].tolist() == [3, 2]
        assert fields.loc["company_name"].tolist() == [1, 0]  # required and blank: missing, not invalid
        assert "id" not in fields.index
        worst = (fields["missing"] + fields["invalid"]).tolist()
        assert worst == sorted(worst, reverse=True)

    def test_contacts_by_job_title_and_how_many_a_customer_has(self, wiz):
        contacts = wiz.load_contacts(wiz.load_customers())
        overview = contacts.wiz.overview()
        stored = wiz.server.records("contacts")
        titles = pd.Series([record["designation"] or BLANK for record in stored]).value_counts().to_dict()
        assert overview.kinds.to_dict() == titles
        sizes = contacts.groupby("customer_id").size().value_counts()
        assert overview.owners.to_dict() == {str(size): count for size, count in sizes.items()}
        assert (overview.kind_name, overview.owner_name) == ("Job title", "Contacts per customer")

    def test_text_says_the_same(self, wiz):
        frame = wiz.load_customers()
        said = repr(frame.wiz.overview())
        assert said.startswith(f"30 customers of sandbox at {wiz.base_url}, loaded ")
        counts = frame["status"].value_counts()
        assert f"Status: active {counts['active']}, inactive {counts['inactive']}" in said
        assert "Sales rep" not in said  # not loaded
        assert "missing" in said

    def test_a_frame_made_by_hand_needs_no_load(self):
        frame = pd.DataFrame({"company_name": ["A", "B"], "payment_term": ["net30", None]})
        overview = overview_of(frame)
        assert overview.where == ""
        assert overview.kinds.to_dict() == {"net30": 1, BLANK: 1}
        assert overview.months.empty
        assert overview.owners is None

    def test_what_is_neither_customers_nor_contacts_is_refused(self):
        with pytest.raises(PlanError):
            overview_of(pd.DataFrame({"a": [1]}))
        with pytest.raises(InvalidRequestError, match="theme"):
            overview_of(pd.DataFrame({"company_name": ["A"]}), theme="pink")


class TestFigure:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_it_shows_all_five_parts(self, wiz, drawn, theme):
        words = drawn(wiz.load_customers(details=True).wiz.overview(theme=theme))
        parts = [
            "30 customers",
            "Status",
            "Payment term",
            "Created, by month",
            "Sales rep",
            "Missing and invalid fields",
        ]
        assert [part for part in parts if part not in words] == []

    def test_columns_that_were_not_loaded_are_named(self, wiz, drawn):
        assert any("details=True" in word for word in drawn(wiz.load_customers().wiz.overview()))

    @pytest.mark.parametrize("text", HOSTILE)
    def test_names_are_drawn_as_they_are_whatever_they_contain(self, drawn, text):
        frame = pd.DataFrame({"id": ["a", "b"], "company_name": "C", "payment_term": [text, "net30"]}, dtype="str")
        frame["assigned_sales_reps"] = f'[{{"name": "{text[:9]}"}}]' if text.isascii() and text.isalpha() else "[]"
        words = drawn(overview_of(frame))
        assert not any("\u202e" in word or "\n" in word for word in words)
        if text.isascii() and text.isprintable() and len(text) < 24:
            assert text in words

    @pytest.mark.parametrize("count", [8, 9, 10, 60])
    def test_the_most_frequent_are_named_and_the_others_counted(self, drawn, count):
        terms = [f"t{number:02}" for number in range(count) for _ in range(count - number)]
        frame = pd.DataFrame({"id": map(str, range(len(terms))), "company_name": "C", "payment_term": terms})
        words = drawn(overview_of(frame))
        assert "t00" in words
        assert (f"{count - 8} others" in words) == (count > 9)
        assert "1 others" not in words

    def test_many_years_are_drawn_by_year(self, drawn):
        times = pd.date_range("1990-01-15", periods=400, freq="MS", tz="UTC")
        frame = pd.DataFrame({"id": map(str, range(400)), "company_name": "C", "created_at": times})
        words = drawn(overview_of(frame))
        assert "Created, by year" in words
        assert "1990" in words

    @pytest.mark.parametrize("rows", [0, 1])
    def test_one_row_or_none_is_drawn_too(self, wiz, drawn, rows):
        words = drawn(wiz.load_customers(details=True).head(rows).wiz.overview())
        assert f"{rows} customer{'s'[: rows != 1]}" in words
        assert ("no rows" in words) == (rows == 0)

    def test_all_texts_stay_inside_the_figure(self, wiz, drawn):
        """Also with long names and large numbers."""
        terms = ["a very long payment term indeed, of many words", "b" * 60, *"cdefghijkl"] * 200
        frame = pd.DataFrame(
            {"id": map(str, range(len(terms))), "company_name": "C", "payment_term": terms, "phone": "5"}
        )
        overview = overview_of(frame)
        drawn(overview)
        width, height = overview.figure.get_size_inches() * overview.figure.dpi
        boxes = [
            one.get_window_extent()
            for one in overview.figure.findobj(lambda one: hasattr(one, "get_text"))
            if one.get_text()
        ]
        assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
        assert len(wiz.load_customers()) == 30

    def test_it_is_shown_in_a_notebook_and_saved_to_a_file(self, wiz, drawn, tmp_path):
        overview = wiz.load_customers().wiz.overview()
        drawn(overview)
        content, sizes = displayed(overview)
        assert content["image/png"].startswith(b"\x89PNG")
        assert 600 < sizes["image/png"]["width"] < 1000
        overview.save(tmp_path / "overview.svg")
        assert "<svg" in (tmp_path / "overview.svg").read_text("utf-8")

    def test_no_window_is_opened_and_no_setting_of_the_users_is_touched(self, wiz, drawn):
        matplotlib = pytest.importorskip("matplotlib")
        before = dict(matplotlib.rcParams)
        drawn(wiz.load_customers().wiz.overview())
        assert dict(matplotlib.rcParams) == before
        assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_without_matplotlib_a_sentence_says_what_to_install(wiz, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    overview = wiz.load_customers().wiz.overview()
    assert repr(overview).startswith("30 customers")
    assert "pip install 'wizframe[plot]'" in repr(overview)
    assert "image/png" not in displayed(overview)[0]
    with pytest.raises(MissingExtraError, match=r"pip install 'wizframe\[plot\]'"):
        _ = overview.figure
    with pytest.raises(MissingExtraError):
        overview.save("overview.png")


def test_the_accessor_is_the_function(wiz):
    frame = wiz.load_customers()
    assert repr(frame.wiz.overview()) == repr(overview_of(frame))
