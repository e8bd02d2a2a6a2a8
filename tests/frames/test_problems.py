"""The problems that pandera finds in typed frames, as one frame."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.client import page_of

from wizframe.api.dialects import decode_record
from wizframe.fields import CONTACT, CUSTOMER, violation
from wizframe.frames.build import to_frame
from wizframe.frames.problems import REQUIRED, UNIQUE, find_problems, schema

CONTACT_RECORD = {"id": "k1", "reference_id": "K1", "first_name": "Ada", "email": "ada@example.com"}
CUSTOMER_RECORD = {"id": "c1", "reference_id": "C1", "company_name": "Acme", "display_name": "Acme"}


def problems(records, table=CONTACT, **options):
    frame, _ = to_frame(records, table, **options)
    found = find_problems(frame, table)
    assert list(found.columns) == ["row", "column", "value", "rule"]
    return [(row, name) for row, name, *_ in found.itertuples(index=False)], found


class TestFindProblems:
    @pytest.mark.parametrize("details", [True, False])
    @pytest.mark.parametrize(("table", "record"), [(CONTACT, CONTACT_RECORD), (CUSTOMER, CUSTOMER_RECORD)])
    def test_valid_records_and_empty_frames_have_no_problems(self, table, record, details):
        longest = {"first_name": "x" * 50, "last_name": "ü" * 50, "reference_id": "x" * 255}
        assert problems([record, record | longest | {"id": "x2"}], table, details=details)[0] == []
        assert problems([], table, details=details)[0] == []

    def test_the_documented_examples_have_no_problems(self, vendor):
        assert problems(page_of(vendor["customer_list"], CUSTOMER).records, CUSTOMER)[0] == []
        assert problems([decode_record(vendor["customer"], CUSTOMER)], CUSTOMER, details=True)[0] == []
        assert problems(page_of(vendor["contact_list"], CONTACT).records)[0] == []

    @pytest.mark.parametrize(
        ("name", "value", "rule"),
        [
            ("phone", "0170", "E.164"),
            ("email", "unknown", "e-mail"),
            ("first_name", "x" * 51, "longer than 50"),
            ("reference_id", "x" * 256, "longer than 255"),
            ("email", None, REQUIRED),
            ("first_name", "", REQUIRED),
            ("reference_id", None, REQUIRED),
        ],
    )
    def test_one_bad_cell_is_one_problem_with_row_column_value_and_rule(self, name, value, rule):
        others = [CONTACT_RECORD | {"id": f"k{number}"} for number in (2, 3)]
        where, found = problems([others[0], CONTACT_RECORD | {name: value}, others[1]])
        assert where == [(1, name)]
        assert rule in found["rule"][0]
        if rule is not REQUIRED:
            assert found["value"][0] == value

    def test_a_repeated_id_and_a_missing_id_are_problems(self):
        where, found = problems([CONTACT_RECORD, CONTACT_RECORD, CONTACT_RECORD | {"id": None}])
        assert where == [(0, "id"), (1, "id"), (2, "id")]
        assert found["rule"].tolist() == [UNIQUE, UNIQUE, REQUIRED]

    def test_all_problems_are_found_at_once_in_the_order_of_rows(self):
        bad = CONTACT_RECORD | {"phone": "x", "email": "x", "first_name": None}
        where, _ = problems([CONTACT_RECORD, bad | {"id": "k2"}, bad | {"id": "k3"}])
        assert sorted(where) == [(row, name) for row in (1, 2) for name in ("email", "first_name", "phone")]
        assert [row for row, _ in where] == [1, 1, 1, 2, 2, 2]

    def test_rows_are_named_by_the_frame_s_own_labels_also_when_these_repeat(self):
        frame, _ = to_frame([CONTACT_RECORD, CONTACT_RECORD | {"id": "k2", "phone": "x"}], CONTACT)
        for index in (["a", "b"], ["same", "same"], pd.MultiIndex.from_tuples([(1, 2), (3, 4)])):
            found = find_problems(frame.set_axis(index), CONTACT)
            assert found["row"].tolist() == [frame.set_axis(index).index[1]]

    def test_missing_columns_and_own_columns_are_ignored(self):
        frame, _ = to_frame([CONTACT_RECORD], CONTACT)
        own = frame[["id", "phone"]].assign(mine="x", email_x=1)
        assert find_problems(own, CONTACT).empty

    @given(
        name=st.sampled_from([field.name for field in CONTACT.fields if field.kind == "text" and field.name != "id"]),
        texts=st.lists(
            st.text(st.characters(exclude_categories=["Cs"]))
            | st.from_regex(r"\+?[0-9]{5,17}\n?", fullmatch=True)
            | st.emails(),
            max_size=5,
        ),
    )
    def test_frames_and_records_are_validated_by_the_same_rules(self, name, texts):
        """A load reports what a write would refuse."""
        records = [CONTACT_RECORD | {"id": f"k{number}", name: text} for number, text in enumerate(texts)]
        expected = [
            (number, name)
            for number, text in enumerate(texts)
            if (violation(CONTACT[name], text) or (not text and CONTACT[name].required))
        ]
        assert problems(records)[0] == expected


@pytest.mark.parametrize("form", ["{}a@b.co", "a@b{}.co", "a@b.c{}"])
def test_any_unicode_space_makes_an_email_invalid_in_frames_and_records(form):
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
    texts = [form.format(character) for character in [*spaces, "ß", "\u200b", "\x00", "🛍"]]
    expected = [place for place, text in enumerate(texts) if violation(CONTACT["email"], text)]
    assert expected == list(range(len(spaces)))
    records = [CONTACT_RECORD | {"id": f"k{number}", "email": text} for number, text in enumerate(texts)]
    assert problems(records)[0] == [(place, "email") for place in expected]


class TestSchema:
    @pytest.mark.parametrize("table", [CUSTOMER, CONTACT], ids=lambda table: table.name)
    def test_a_schema_has_the_columns_of_every_load_or_the_columns_asked_for(self, table):
        assert list(schema(table).columns) == table.columns()
        assert list(schema(table, ["phone", "mine", "id"]).columns) == ["phone", "id"]
        assert schema(table).name == table.name
