"""The table of a picker: pages, order, search and ticks, without a browser."""

import re

import numpy as np
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

from wizframe.notebook.pickers.pickers import FrameBrowser

NAMES = ["b", "A", None, "c", "Ä", "a b", "B"]


@pytest.fixture
def browser():
    """Give a table of 35 rows, of which each fifth has no name."""
    names = [None if number % 5 == 4 else f"{'abcdefg'[number % 7]} {number}" for number in range(35)]
    return FrameBrowser(
        pd.DataFrame(
            {
                "name": pd.array(names, dtype="str"),
                "flag": pd.array([number % 2 == 0 if number % 3 else None for number in range(35)], "boolean"),
                "time": pd.date_range("2026-01-01", periods=35, freq="h", tz="UTC"),
                "number": np.arange(35)[::-1],
            },
            index=[f"row {number}" for number in range(35)],
        )
    )


def table(browser):
    return browser._panel.table


def cells(browser):
    """Read what is on the page, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", table(browser).rows.value)
    return [re.findall(r"<bdi>(.*?)</bdi>", row) for row in rows]


def press(browser, column):
    button = next(b for b in table(browser).head.children[1:] if b.description.startswith(column))
    button.click()
    return button.description


def test_rows_come_page_by_page(browser):
    assert len(cells(browser)) == 10
    assert "of 4" in table(browser).pages.value
    table(browser).next.click()
    assert cells(browser)[0][3] == "24"
    table(browser).page.value = 4
    assert len(cells(browser)) == 5
    assert table(browser).next.disabled
    table(browser).page_size.value = 50
    assert len(cells(browser)) == 35
    assert table(browser).page.value == 1
    assert table(browser).previous.disabled


def test_cells_are_written_for_people(browser):
    table(browser).page_size.value = 50
    assert cells(browser)[1] == ["b 1", "no", "2026-01-01 01:00", "33"]
    assert cells(browser)[4][0] == ""
    assert cells(browser)[2][1] == "yes"
    assert cells(browser)[0][1] == ""


def test_a_click_on_a_column_sorts_by_it_then_the_other_way_then_not_at_all(browser):
    frame = pd.DataFrame({"name": pd.array(NAMES, dtype="str"), "at": range(7)})
    shown = FrameBrowser(frame)
    assert press(shown, "name") == "name ▲"
    assert [row[0] for row in cells(shown)] == ["A", "a b", "b", "B", "c", "Ä", ""]
    assert press(shown, "name") == "name ▼"
    assert [row[0] for row in cells(shown)] == ["Ä", "c", "b", "B", "a b", "A", ""]
    assert press(shown, "name") == "name"
    assert [row[0] for row in cells(shown)] == [name or "" for name in NAMES]
    table(browser).page.value = 3
    press(browser, "number")
    assert table(browser).page.value == 1
    assert cells(browser)[0][3] == "0"


def test_the_search_finds_rows_with_all_words_and_a_comma_means_or(browser):
    def found(text):
        table(browser).search.value = text
        return [row[0] for row in cells(browser)]

    assert found("B 1") == ["b 1", "b 15"]
    assert found("22, a 21,") == ["a 21", "b 22"]
    assert found("nobody") == []
    assert "no rows" in table(browser).rows.value
    assert table(browser).tick_found.disabled
    assert len(found("")) == 10


def test_a_search_and_an_order_work_together(browser):
    press(browser, "number")
    table(browser).search.value = "c "
    assert [row[3] for row in cells(browser)] == ["4", "11", "18", "32"]


def test_ticks_belong_to_rows_wherever_they_go(browser):
    table(browser).ticks.children[2].value = True
    table(browser).next.click()
    assert not any(box.value for box in table(browser).ticks.children)
    table(browser).ticks.children[0].value = True
    press(browser, "number")
    table(browser).search.value = "c 2"
    assert browser.selected.index.tolist() == ["row 2", "row 10"]
    assert table(browser).ticks.children[[row[0] for row in cells(browser)].index("c 2")].value
    assert "2 ticked" in table(browser).count.value
    table(browser).ticks.children[[row[0] for row in cells(browser)].index("c 2")].value = False
    assert browser.selected.index.tolist() == ["row 10"]


def test_all_that_are_found_are_ticked_also_on_other_pages(browser):
    table(browser).tick([0])
    table(browser).search.value = "b, c"
    count = int(re.search(r"(\d+) of 35 rows", table(browser).count.value)[1])
    table(browser).tick_found.click()
    assert len(browser.selected) == 1 + count
    table(browser).untick.click()
    assert len(browser.selected) == 0
    assert table(browser).untick.disabled


def test_only_as_many_ticks_as_rows_are_shown(browser):
    table(browser).page_size.value = 25
    table(browser).page.value = 2
    assert len(table(browser).ticks.children) == len(cells(browser)) == 10


def test_a_click_while_the_rows_change_ticks_the_row_that_the_user_saw(browser):
    seen = table(browser).ticks.children[3]
    table(browser).search.value = "a 2"
    seen.value = True
    assert browser.selected.index.tolist() == ["row 3"]
    assert not any(box.value for box in table(browser).ticks.children)


def test_boxes_of_earlier_pages_are_closed(browser):
    before = len(_instances)
    for page in (2, 3, 1, 2, 3, 1, 2, 3):
        table(browser).page.value = page
    assert len(_instances) <= before + 10


def test_ticks_are_named_for_screen_readers():
    frame = pd.DataFrame({"reference_id": ["R-1", None], "company_name": ["Acme", None], "n": [1, 2]}).astype(
        {"company_name": "str"}
    )
    names = [box.description for box in table(FrameBrowser(frame)).ticks.children]
    assert names == ["Tick R-1 Acme", "Tick row 2"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"name": pd.array([], dtype="str")}),
        pd.DataFrame([[1, "x"], [2, "y"]], columns=["same", "same"]),
        pd.DataFrame({("two", "levels"): [1], 3: [[1, 2]]}),
        pd.DataFrame({"object": [object(), np.array([1, 2]), {"a": 1}, "x" * 5000]}),
    ],
    ids=["nothing", "no rows", "a column twice", "odd names", "odd values"],
)
def test_any_frame_can_be_looked_through(frame):
    browser = FrameBrowser(frame)
    for button in table(browser).head.children[1:]:
        if "object" not in button.description:
            button.click()
    table(browser).search.value = "x"
    assert len(browser.selected) == 0


def test_the_users_own_edits_do_not_change_what_is_shown(browser):
    browser.frame.iloc[0, 0] = "edited"
    press(browser, "number")
    press(browser, "number")
    assert all("edited" not in row for row in cells(browser))
