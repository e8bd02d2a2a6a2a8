"""The whole job in one notebook: a person loads, looks, edits, reviews and sends. The README's recording is made of it.

WIZFRAME_PICTURES=docs/pictures pytest -m nightly -n 0 tests/notebook/test_browser_story.py
"""

import io

import pytest
from support.browser import PICTURES

pytestmark = [pytest.mark.nightly, pytest.mark.xdist_group("browser")]
expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra dev has it)").expect
LOAD = """\
import wizframe

wiz = wizframe.sandbox(customers=200)
customers = wizframe.load_customers(created_after="2026-01-01", sort_by="company_name")
customers.wiz.overview()"""
EDIT = 'customers.wiz.edit(columns=["company_name", "payment_term", "phone", "shipping_method"])'
STORED = """\
now = wizframe.load_customers(invalid="drop", progress=False)
print((now["payment_term"] == "net77").sum())"""
SECONDS = (4, 4, 4, 5)


def test_a_person_loads_looks_edits_reviews_and_sends(notebook):
    page = notebook.page
    page.set_viewport_size({"width": 960, "height": 600})
    notebook.open(LOAD, EDIT, name="payment_terms")
    notebook.command("application:toggle-left-area")
    notebook.run_all()
    recording = Recording(page)
    recording.keep(notebook.cell(0))

    grid = notebook.cell(1).locator(".wizframe-editor")
    for row in (1, 2, 4):
        type_into(grid, row, "payment_term", "net77")
    type_into(grid, 5, "phone", "after 5 pm")
    page.keyboard.press("ArrowUp")
    expect(grid.locator(".wiz-counts")).to_contain_text("4 cells edited · 1 wrong")
    recording.keep(notebook.cell(1))
    page.keyboard.press("Control+z")
    grid.get_by_role("button", name="Review changes").click()

    review = page.locator(".wizframe-review")
    review.get_by_role("button", name="Apply 3 ticked changes").click()
    send = review.get_by_role("button", name="Yes, send 3 changes")
    expect(send).to_be_visible()
    recording.keep(review)
    send.click()
    expect(review.get_by_role("status")).to_have_text("Result: 3 done")
    recording.keep(review, block="end")
    recording.save("recording")
    assert notebook.run(STORED) == "3\n"


def type_into(grid, row, name, text):
    grid.locator(f'td[data-row="{row}"][data-col="{name}"]').click()
    grid.page.keyboard.type(text)
    grid.page.keyboard.press("Enter")


class Recording:
    """Pictures of the page, one after the other, in one file that moves; none unless pictures are asked for."""

    def __init__(self, page):
        self._page = page
        self._pictures = []

    def keep(self, part, block="start"):
        """Scroll to the start or the end of a part of the page, and keep what a person then sees."""
        if PICTURES:
            part.evaluate("(part, block) => part.scrollIntoView({block})", block)
            self._page.wait_for_timeout(300)
            self._pictures.append(self._page.screenshot(animations="disabled", caret="hide"))

    def save(self, name):
        if not self._pictures:
            return
        from PIL import Image  # noqa: PLC0415 - comes with the extra plot; only where pictures are made

        first, *others = (
            Image.open(io.BytesIO(picture)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
            for picture in self._pictures
        )
        durations_ms = [1000 * seconds for seconds in SECONDS]
        first.save(f"{PICTURES}/{name}.gif", save_all=True, append_images=others, duration=durations_ms, loop=0)
