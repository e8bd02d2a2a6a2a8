"""A person edits customers in the grid in JupyterLab: types, pastes, undoes, adds, deletes, reviews."""

import pytest
from support.planning import changed, stored
from support.widgets import HOSTILE

import wizframe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra dev has it)").expect
SETUP = """
import time, warnings, wizframe
warnings.simplefilter("ignore", wizframe.errors.InvalidDataWarning)
wiz = wizframe.connect(wizframe.SANDBOX_API_KEY, base_url={url!r})
customers = wiz.load_customers(progress=False)
"""
E164 = "phone: is not an E.164 phone number like +14155552671"


@pytest.fixture
def sandboxed():
    """Start a sandbox in which the first customers have names and a phone; the test says how many."""
    opened = []

    def start(count=30, names=("Ann", "Ben", "Cid")):
        client = wizframe.sandbox(customers=count)
        opened.append(client)
        for record, name in zip(client.server.records("customers"), names, strict=False):
            known = {"display_name": name, "company_name": f"{name} Ltd", "phone": "+14155550100"}
            client.server.overwrite("customers", record["id"], **known)
        return client

    yield start
    for client in opened:
        client.close()


class Grid:
    """The grid on a page."""

    def __init__(self, notebook, wiz, *before, theme="light", columns=None):
        self.notebook = notebook
        shown = "\n".join([*before, f"grid = customers.wiz.edit(columns={columns})", "grid"])
        notebook.open(SETUP.format(url=wiz.base_url), shown, theme=theme)
        notebook.run_all()
        self.page = notebook.page
        self.root = notebook.page.locator(".wizframe-editor")
        self.table = self.root.get_by_role("grid")
        self.why = self.root.locator(".wiz-why")
        self.counts = self.root.locator(".wiz-counts")
        expect(self.table.locator("td[data-row]").first).not_to_have_text("…")

    def cell(self, row, name):
        return self.table.locator(f'td[data-row="{row}"][data-col="{name}"]')

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, row, name, text):
        self.cell(row, name).click()
        self.page.keyboard.type(text)
        self.press("Enter")

    def frame(self, code):
        """Ask Python about the grid's frame."""
        return self.notebook.run(f"frame = grid.frame\n{code}")


def test_cells_are_edited_marked_and_undone(notebook, sandboxed):
    wiz = sandboxed()
    grid = Grid(notebook, wiz)
    grid.type(0, "payment_term", "net77")
    expect(grid.cell(0, "payment_term")).to_contain_class("wiz-changed")
    grid.type(1, "phone", "after 5 pm")
    expect(grid.cell(1, "phone")).to_have_attribute("aria-invalid", "true")
    expect(grid.counts).to_have_text("30 rows · 2 cells edited · 1 wrong")
    grid.press("ArrowUp")
    expect(grid.why).to_have_text(E164)
    assert grid.frame("frame.loc[[0, 1], ['payment_term', 'phone']].values.tolist()").startswith("[['net77', ")
    grid.cell(2, "id").click()
    grid.press("x")
    expect(grid.why).to_have_text("id is read-only: the service sets it")
    grid.press("Control+z")
    expect(grid.cell(1, "phone")).to_have_text("+14155550100")
    grid.press("Control+z")
    expect(grid.counts).to_have_text("30 rows")
    grid.press("Control+y")
    expect(grid.cell(0, "payment_term")).to_have_text("net77")
    assert grid.frame("len(frame.wiz.plan())") == "1"


def test_a_block_is_pasted_and_copied(notebook, sandboxed):
    grid = Grid(notebook, sandboxed())
    block = "Ada\\tLovelace\\tno phone\\r\\nÉmilie\\tdu Châtelet\\t+33155550101\\r\\n"
    grid.page.evaluate(f"() => navigator.clipboard.writeText('{block}')")
    grid.cell(0, "first_name").click()
    grid.press("Control+v")
    expect(grid.cell(1, "last_name")).to_have_text("du Châtelet")
    expect(grid.cell(0, "phone")).to_contain_class("wiz-wrong")
    expect(grid.counts).to_have_text("30 rows · 6 cells edited · 1 wrong")
    grid.press("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "Control+c")
    copied = grid.page.evaluate("() => navigator.clipboard.readText()")
    assert copied.splitlines() == ["Ada\tLovelace\tno phone", "Émilie\tdu Châtelet\t+33155550101"]
    types = grid.page.evaluate("async () => (await navigator.clipboard.read())[0].types")
    assert "text/html" in types
    grid.press("Control+z")
    expect(grid.counts).to_have_text("30 rows")
    grid.cell(5, "payment_term").click()
    grid.cell(8, "payment_term").click(modifiers=["Shift"])
    grid.page.evaluate("() => navigator.clipboard.writeText('net77')")
    grid.press("Control+v")
    expect(grid.counts).to_have_text("30 rows · 4 cells edited")
    assert grid.frame("frame.loc[5:8, 'payment_term'].tolist()") == repr(["net77"] * 4)


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.nightly)])
def test_edits_are_reviewed_and_applied_from_the_grid(notebook, sandboxed, theme):
    notebook.page.set_viewport_size({"width": 1440, "height": 1300})
    wiz = sandboxed(names=[f"Customer {number}" for number in range(1, 31)])
    before = stored(wiz, "customers")
    ids = list(before)
    columns = ["display_name", "payment_term", "phone", "shipping_method", "status", "company_name", "id"]
    grid = Grid(notebook, wiz, theme=theme, columns=columns)
    grid.type(0, "payment_term", "net77")
    grid.type(1, "payment_term", "net77")
    grid.cell(3, "payment_term").click()
    grid.root.get_by_role("button", name="Delete rows").click()
    expect(grid.root.locator("tr.wiz-to-delete")).to_have_count(1)
    grid.root.get_by_role("button", name="Add row").click()
    expect(grid.cell(30, "display_name")).to_have_attribute("aria-invalid", "true")
    grid.type(30, "company_name", "Newcomer Ltd")
    grid.type(30, "display_name", "Newcomer")
    grid.press("Control+Home")
    grid.type(2, "phone", "after 5 pm")
    grid.press("ArrowUp")
    expect(grid.cell(2, "phone")).to_contain_class("wiz-wrong")
    expect(grid.counts).to_contain_text("5 cells edited · 1 wrong · 1 new · 1 to delete")
    notebook.picture(f"grid-{theme}", grid.root)
    grid.press("Control+z")
    grid.root.get_by_role("button", name="Review changes").click()
    review = grid.page.locator(".wizframe-review")
    review.get_by_role("checkbox", name=f"Send Customer 2 {ids[1]}").uncheck()
    review.get_by_role("button", name="Apply 3 ticked changes").click()
    review.get_by_role("button", name="Yes, send 3 changes").click()
    expect(review.get_by_role("status")).to_have_text("Result: 3 done")
    found = changed(before, stored(wiz, "customers"))
    assert found.pop(ids[0]) == {"payment_term": "net77"}
    assert found.pop(ids[3]) is None
    created = stored(wiz, "customers")[found.popitem()[0]]
    assert (created["company_name"], found) == ("Newcomer Ltd", {})
    expect(grid.counts).to_contain_text("1 cell edited")
    grid.table.focus()
    grid.press("Control+End")
    expect(grid.cell(30, "id")).to_have_text(created["id"])


@pytest.mark.nightly
def test_everything_can_be_done_by_keyboard_without_the_notebooks_shortcuts(notebook, sandboxed):
    grid = Grid(notebook, sandboxed())
    cells = notebook.page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(2)
    grid.table.focus()
    grid.press("Control+Home", *["ArrowRight"] * 5)
    first_name = grid.cell(0, "first_name")
    expect(first_name).to_have_attribute("aria-selected", "true")
    assert grid.table.get_attribute("aria-activedescendant") == first_name.get_attribute("id")
    for letters in ("dd", "a", "b", "x", "m", "zz", "00", "c", "v"):  # shortcuts of the notebook
        grid.page.keyboard.type(letters)
        grid.press("Escape")
    grid.press("Enter")
    field = grid.root.get_by_label("first_name, row 0")
    expect(field).to_be_focused()
    field.fill("Zoë")
    grid.press("Tab")
    expect(grid.cell(0, "first_name")).to_have_text("Zoë")
    grid.page.keyboard.type("Quill")
    grid.press("Shift+Enter", "Delete")
    grid.press("ArrowUp", "ArrowUp", "Enter")  # the header: sorts
    expect(grid.root.get_by_role("columnheader", name="last_name")).to_have_attribute("aria-sort", "ascending")
    grid.press("Control+End")
    expect(grid.root.locator("td.wiz-active")).to_be_visible()
    grid.press("Tab")  # leaves the grid
    expect(grid.table).not_to_be_focused()
    expect(cells).to_have_count(2)
    assert grid.frame("frame.loc[0, 'first_name']") == "'Zoë'"


@pytest.mark.nightly
def test_a_thousand_rows_stay_smooth(notebook, sandboxed):
    grid = Grid(notebook, sandboxed(count=1000))
    expect(grid.table).to_have_attribute("aria-rowcount", "1001")
    drawn = grid.root.locator("tbody tr[aria-rowindex]")
    assert drawn.count() < 60
    touched = grid.page.evaluate("""async () => {
      const scroll = document.querySelector('.wizframe-editor .wiz-scroll'), touched = [];
      const observer = new MutationObserver((records) => {
        touched[touched.length - 1] += records.reduce((sum, { addedNodes }) => sum + addedNodes.length, 0);
      });
      observer.observe(scroll, { childList: true, subtree: true });
      for (let step = 0; step < 40; step++) {
        touched.push(0);
        scroll.scrollTop += 700;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      }
      observer.disconnect();
      return touched;
    }""")
    assert 0 < max(touched) < 200  # rows drawn in a step: those that are seen, and again as their cells come
    assert drawn.count() < 60
    grid.cell(grid.table.locator("td[data-row]").first.get_attribute("data-row"), "id").click()
    grid.press("Control+End")
    expect(grid.cell(999, "updated_at")).to_be_visible()
    grid.press("Home")
    grid.type(999, "payment_term", "net77")
    expect(grid.counts).to_have_text("1,000 rows · 1 cell edited")
    grid.root.get_by_label("Find rows").fill("net77")
    expect(grid.counts).to_have_text("1 of 1,000 rows · 1 cell edited")
    assert grid.frame("frame.loc[999, 'payment_term']") == "'net77'"


@pytest.mark.nightly
def test_what_is_typed_while_python_is_busy_is_kept_in_its_order(notebook, sandboxed, tmp_path):
    grid = Grid(notebook, sandboxed())
    busy = f"import pathlib\nwhile not pathlib.Path({str(tmp_path / 'go on')!r}).exists():\n    time.sleep(0.05)"
    notebook.start(busy)
    grid.type(0, "payment_term", "first")
    grid.type(0, "payment_term", "second")
    grid.type(1, "phone", "wrong")
    expect(grid.cell(1, "phone")).to_contain_class("wiz-pending")
    expect(grid.why).to_contain_text("Python is busy")
    (tmp_path / "go on").touch()
    expect(grid.cell(1, "phone")).to_contain_class("wiz-wrong")
    expect(grid.cell(0, "payment_term")).to_have_text("second")
    grid.press("Control+z", "Control+z")
    expect(grid.cell(0, "payment_term")).to_have_text("first")


@pytest.mark.nightly
def test_choices_suggestions_and_line_ends(notebook, sandboxed):
    wiz = sandboxed()
    grid = Grid(notebook, wiz, "customers = wiz.load_contacts(customers.head(5), progress=False)")
    grid.cell(0, "is_default").dblclick()
    choice = grid.root.get_by_label("is_default, row 0")
    is_default = choice.input_value()
    choice.select_option("False" if is_default == "True" else "True")
    grid.press("Enter")
    expect(grid.cell(0, "is_default")).to_contain_class("wiz-changed")
    grid.cell(1, "designation").dblclick()
    grid.root.get_by_label("designation, row 1").fill("Head")
    grid.press("Alt+Enter")
    grid.page.keyboard.type("of rugs")
    grid.press("Enter")
    expect(grid.cell(1, "designation")).to_have_text("Head\\nof rugs")
    assert grid.frame("frame.loc[1, 'designation']") == repr("Head\nof rugs")
    grid.press("ArrowUp", "Enter", "Escape")  # looked at, and not touched
    expect(grid.counts).to_contain_text("2 cells edited")


@pytest.mark.nightly
def test_hostile_names_show_as_text(notebook, sandboxed):
    grid = Grid(notebook, sandboxed(names=HOSTILE))
    for row, name in enumerate(HOSTILE):
        expect(grid.cell(row, "display_name")).to_have_text(name.replace("\u202e", "\\u202e"))
    grid.page.evaluate("name => navigator.clipboard.writeText(name)", HOSTILE[0])
    grid.cell(0, "payment_term").click()
    grid.press("Control+v")
    expect(grid.cell(0, "payment_term")).to_have_text(HOSTILE[0])
    grid.press("Enter", "Escape", "Control+c")
    assert grid.root.locator("img, script, b, mjx-container").count() == 0


@pytest.mark.nightly
def test_the_grid_fits_a_narrow_page(notebook, sandboxed):
    notebook.page.set_viewport_size({"width": 620, "height": 800})
    grid = Grid(notebook, sandboxed())
    assert grid.root.evaluate("element => element.scrollWidth <= element.clientWidth")
    grid.type(0, "payment_term", "net77")
    expect(grid.cell(0, "payment_term")).to_contain_class("wiz-changed")
    notebook.picture("grid-narrow", grid.root)
