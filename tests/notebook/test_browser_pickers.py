"""Pickers in JupyterLab, in a real browser: what a person does with mouse and keyboard."""

import re
import time

import pytest

import wizframe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra dev has it)").expect
KEY = wizframe.SANDBOX_API_KEY
HOSTILE = ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "{{7*7}} $x^2$", "a\u202egnp.exe"]


@pytest.fixture
def wiz():
    """A sandbox in this process, which sees what the notebook's kernel asks of it."""
    with wizframe.sandbox(customers=300) as client:
        yield client


@pytest.fixture
def opened(notebook, wiz):
    """Open a notebook that shows something, and run it."""

    def open_with(source, **options):
        notebook.open(f"import wizframe\nwiz = wizframe.connect({KEY!r}, base_url={wiz.base_url!r})", source, **options)
        notebook.run_all()
        return notebook.page

    return open_with


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def field(page, label):
    return page.get_by_label(label, exact=True)


def row(page, at):
    return page.locator("table.wizframe-rows tr").nth(at)


def wait_for(condition, page, within_s=20):
    """Wait for something outside the page; time goes on in it meanwhile."""
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert condition()


def test_filters_are_picked_loaded_and_the_rows_selected(notebook, wiz, opened):
    page = opened("picker = wizframe.CustomerPicker()\npicker")
    field(page, "Status").select_option("active")
    field(page, "Created after").fill("2024-01-01")
    field(page, "Order by").select_option("company name")
    button(page, "Load").click()
    whole = wiz.load_customers(
        status="active",
        created_after="2024-01-01",
        sort_by="company_name",
        invalid="drop",
        progress=wizframe.progress.Watch(),
    )
    expect(page.get_by_text(re.compile(r"\d+ customers, 0 ticked"))).to_be_visible()
    assert notebook.run("len(picker.frame) >= len(picker.frame.dropna(subset='id'))") == "True"
    names = notebook.run("print(*picker.frame['company_name'], sep='\\n')").split("\n")[:-1]
    assert set(whole["company_name"]) <= set(names)
    assert row(page, 0).locator("td").nth(3).inner_text() == names[0]

    page.locator(".wizframe-tick input").nth(1).check()
    button(page, "Next ›").click()
    expect(row(page, 0).locator("td").nth(3)).to_have_text(names[10])
    page.locator(".wizframe-tick input").nth(0).check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    ticked = notebook.run("print(*picker.selected['company_name'], sep='\\n')").split("\n")[:-1]
    assert ticked == [names[1], names[10]]
    value = "{'status': 'active', 'created_after': '2024-01-01', 'sort_by': 'company_name'}"
    assert notebook.run("picker.value") == value


def test_the_code_is_copied_and_does_the_same(notebook, wiz, opened):
    first, second = [record["reference_id"] for record in wiz.server.records("customers")[:2]]
    page = opened("picker = wizframe.CustomerPicker()\npicker")
    field(page, "References").fill(f"{first}\n{second}\n")
    field(page, "References").press("Tab")
    expect(page.locator(".wizframe-code code")).to_contain_text(second)
    button(page, "Copy").click()
    expect(button(page, "Copied")).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == f'customers = wizframe.load_customers(reference_ids=["{first}", "{second}"])'
    button(page, "Load").click()
    expect(page.get_by_text("2 customers, 0 ticked")).to_be_visible()
    notebook.run(code)
    assert notebook.run("customers.equals(picker.frame), len(customers)") == "(True, 2)"


@pytest.mark.nightly
def test_a_column_is_sorted_and_words_are_searched(wiz, opened):
    page = opened("picker = wizframe.CustomerPicker()\npicker")
    button(page, "Load").click()
    page.get_by_role("button", name="reference_id").click()
    expect(page.get_by_role("button", name="reference_id ▲")).to_be_visible()
    stored = sorted((record["reference_id"] for record in wiz.server.records("customers")), key=str.casefold)
    expect(row(page, 0).locator("td").nth(1)).to_have_text(stored[0])
    page.get_by_role("button", name="reference_id ▲").click()
    expect(row(page, 0).locator("td").nth(1)).to_have_text(stored[-1])
    field(page, "Search").fill(stored[7])
    expect(page.get_by_text("1 of 300 customers")).to_be_visible()
    expect(page.locator(".wizframe-tick input:visible")).to_have_count(1)


@pytest.mark.nightly
def test_the_keyboard_is_enough(notebook, opened):
    page = opened("picker = wizframe.CustomerPicker(value={'limit': 5})\npicker")
    field(page, "Status").focus()
    for key in ("Space", "ArrowDown", "Enter"):  # JupyterLab keeps the arrows for itself until the list is open
        page.keyboard.press(key)
    button(page, "Load").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("5 customers, 0 ticked")).to_be_visible()
    name = notebook.run("print(picker.frame['reference_id'][2], picker.frame['company_name'][2])").strip()
    page.get_by_role("checkbox", name=f"Tick {name}").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("5 customers, 1 ticked")).to_be_visible()
    assert notebook.run("picker.selected.index.tolist(), picker.value['status']") == "([2], 'active')"


@pytest.mark.nightly
def test_names_from_the_service_are_text(wiz, opened):
    for record, name in zip(wiz.server.records("customers"), HOSTILE, strict=False):
        wiz.server.overwrite("customers", record["id"], company_name=name, reference_id=name)
    page = opened("picker = wizframe.CustomerPicker(value={'limit': 4})\npicker")
    button(page, "Load").click()
    expect(page.get_by_text("4 customers, 0 ticked")).to_be_visible()
    for at, name in enumerate(HOSTILE):
        shown = name.replace("\u202e", "\\u202e")
        expect(row(page, at).locator("td").nth(3)).to_have_text(shown)
        expect(page.get_by_role("checkbox").nth(at + 1)).to_have_accessible_name(re.compile(r"^Tick "))
    assert page.locator(".wizframe img, .wizframe script").count() == 0
    field(page, "References").fill("\n".join([*HOSTILE, ""]))
    field(page, "References").press("Tab")
    expect(page.locator(".wizframe-code code")).to_contain_text("onerror=alert(1)>")
    assert (
        page.locator(".wizframe img, .wizframe script").count() == 0
    )  # and the fixture says: nothing asked, nothing failed


def test_a_long_load_is_cancelled(notebook, wiz, opened):
    page = opened("picker = wizframe.CustomerPicker(value={'limit': 3})\npicker")
    button(page, "Load").click()
    expect(page.get_by_text("3 customers, 0 ticked")).to_be_visible()
    field(page, "Row limit").fill("0")
    field(page, "Page size").fill("1")
    field(page, "Page size").press("Tab")
    wiz.server.latency_s = 0.2
    button(page, "Load").click()
    expect(page.get_by_text(re.compile(r"\d+ of \d+ customers, about \d+ s left"))).to_be_visible()
    expect(page.locator(".progress-bar")).to_be_visible()
    button(page, "Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing was changed.")).to_be_visible()
    page.wait_for_timeout(300)  # what is on its way arrives
    asked = len(wiz.server.requests)
    page.wait_for_timeout(1000)
    assert len(wiz.server.requests) == asked
    assert notebook.run("len(picker.frame)") == "3"
    wiz.server.latency_s = 0.0
    field(page, "Page size").fill("100")
    field(page, "Page size").press("Tab")
    button(page, "Load").click()
    expect(page.get_by_text("300 customers, 0 ticked")).to_be_visible()


@pytest.mark.nightly
def test_other_cells_run_while_fifty_thousand_customers_are_loaded(notebook):
    with wizframe.sandbox(customers=50_000, latency_s=0.1) as wiz:
        notebook.open(
            f"import wizframe\nwizframe.connect({KEY!r}, base_url={wiz.base_url!r})", "p = wizframe.CustomerPicker()\np"
        )
        notebook.run_all()
        page = notebook.page
        button(page, "Load").click()
        expect(page.get_by_text(re.compile("of .* customers"))).to_be_visible()
        answers = []
        for number in range(5):
            before = time.monotonic()
            assert notebook.run(f"sum(range(1000)) + {number}") == str(499_500 + number)
            answers.append(time.monotonic() - before)
        assert button(page, "Load").is_disabled()  # it still loads
        assert notebook.run("print(repr(p))") == "<wizframe.CustomerPicker: nothing loaded yet>\n"
        assert max(answers) < 3, answers
        expect(page.get_by_text("50,000 customers, 0 ticked")).to_be_visible(timeout=90_000)
        assert notebook.run("len(p.frame), p.frame['id'].nunique()") == "(50000, 50000)"


@pytest.mark.nightly
def test_contacts_of_customers_found_by_name(notebook, wiz, opened):
    one, two = wiz.server.records("customers")[10], wiz.server.records("customers")[20]
    page = opened("picker = wizframe.ContactPicker()\npicker")
    button(page, "Load the customers to choose from").click()
    for record in (one, two):
        field(page, "Search").first.fill(f"{record['reference_id']} {record['company_name']}")
        page.get_by_role("checkbox", name=f"Tick {record['reference_id']} {record['company_name']}").check()
    expect(page.get_by_text("2 customers chosen")).to_be_visible()
    button(page, "Load their contacts").click()
    stored = [row for row in wiz.server.records("contacts") if row["customer_id"] in (one["id"], two["id"])]
    expect(page.get_by_text(f"{len(stored)} contacts, 0 ticked")).to_be_visible()
    assert notebook.run("len(picker.frame)") == str(len(stored))
    assert notebook.run("picker.value") == str({"customers": [one["id"], two["id"]]})


@pytest.mark.nightly
def test_a_picker_restores_its_state(opened):
    page = opened(
        "wizframe.CustomerPicker(value={'status': 'inactive', 'updated_before': '2026-01-31', 'sort': 'desc',"
        " 'reference_ids': ['A', 'B'], 'details': True, 'limit': 5})"
    )
    expect(field(page, "Status")).to_have_value("inactive")
    expect(field(page, "Updated before")).to_have_value("2026-01-31")
    expect(field(page, "References")).to_have_value("A\nB\n")
    expect(field(page, "Details too")).to_be_checked()
    expect(field(page, "Row limit")).to_have_value("5")


@pytest.mark.nightly
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 1280])
def test_texts_have_enough_contrast(notebook, opened, theme, width):
    """In either theme, and where there is little room; the pictures of the documentation are made here."""
    page = opened(
        "picker = wizframe.CustomerPicker(value={'status': 'active', 'created_after': '2024-01-01'})\npicker",
        theme=theme,
    )
    page.set_viewport_size({"width": width, "height": 1400})
    button(page, "Load").click()
    expect(page.get_by_text("0 ticked")).to_be_visible()
    page.locator(".wizframe-tick input").nth(1).check()
    page.locator(".wizframe-tick input").nth(4).check()
    page.get_by_role("button", name="company_name").click()
    expect(page.get_by_role("button", name="company_name ▲")).to_be_visible()
    page.mouse.move(5, 5)
    for place in (".wizframe-rows td", ".wizframe-head button", ".wizframe-code code", ".wizframe-note"):
        assert notebook.contrast(page.locator(place).first) >= 4.5, place
    for place in (".wizframe-filters", ".wizframe-grid", ".wizframe-code"):
        assert page.locator(place).evaluate(
            "place => place.scrollWidth <= place.clientWidth + 1 || place.matches('.wizframe-grid')"
        )
        assert page.locator(place).evaluate("place => place.getBoundingClientRect().right <= innerWidth")
    notebook.picture(f"customer-picker-{theme}{'-narrow' if width < 1000 else ''}", page.locator(".wizframe").first)
