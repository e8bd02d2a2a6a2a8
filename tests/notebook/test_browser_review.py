"""A person reviews a plan in JupyterLab: unticks a change, applies the others, corrects what failed, stops a push."""

import pytest
from support.planning import changed, stored
from support.widgets import HOSTILE

import wizframe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra dev has it)").expect
SETUP = """
import warnings, wizframe
warnings.simplefilter("ignore", wizframe.errors.InvalidDataWarning)
wiz = wizframe.connect(wizframe.SANDBOX_API_KEY, base_url={url!r})
wiz.workers = 1
customers = wiz.load_customers(progress=False)
"""
NET77 = {"payment_term": "net77"}


@pytest.fixture
def sandboxed():
    """Start a sandbox in which the first customers have known names; the test says how slow it is."""
    opened = []

    def start(names=("Ann", "Ben", "Cid", *HOSTILE), **options):
        client = wizframe.sandbox(customers=30, **options)
        opened.append(client)
        for record, name in zip(client.server.records("customers"), names, strict=False):
            client.server.overwrite("customers", record["id"], display_name=name)
        return client

    yield start
    for client in opened:
        client.close()


def review(notebook, wiz, *edits, theme="light"):
    """Open a notebook that edits customers and reviews the plan."""
    shown = "\n".join([*edits, "review = customers.wiz.plan().review()", "review"])
    notebook.open(SETUP.format(url=wiz.base_url), shown, theme=theme)
    notebook.run_all()
    return notebook.page.locator(".wizframe-review")


def ids_of(wiz):
    return [record["id"] for record in wiz.server.records("customers")]


def test_one_change_is_unticked_and_the_others_are_applied(notebook, sandboxed):
    wiz = sandboxed()
    before, ids = stored(wiz, "customers"), ids_of(wiz)
    shown = review(notebook, wiz, 'customers.loc[[0, 1, 2], "payment_term"] = "net77"')
    expect(shown.get_by_role("checkbox")).to_have_count(3)
    shown.get_by_role("checkbox", name=f"Send Ben {ids[1]}").uncheck()
    shown.get_by_role("button", name="Apply 2 ticked changes").click()
    expect(shown.get_by_role("alert").filter(has_text="Send 2 changes")).to_contain_text(wiz.base_url)
    assert changed(before, stored(wiz, "customers")) == {}
    shown.get_by_role("button", name="Yes, send 2 changes").click()
    expect(shown.get_by_role("status")).to_have_text("Result: 2 done")
    assert changed(before, stored(wiz, "customers")) == {ids[0]: NET77, ids[2]: NET77}
    assert notebook.run("review.result.counts()['done']") == "2"
    assert notebook.run("customers.wiz.plan().changes['id'].tolist()") == repr([ids[1]])


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.nightly)])
def test_a_problem_and_a_conflict_are_resolved_in_place(notebook, sandboxed, theme):
    notebook.page.set_viewport_size({"width": 1280, "height": 1400})
    wiz = sandboxed()
    ids = ids_of(wiz)
    edits = [
        'customers.loc[[0, 1], "payment_term"] = "net77"',
        'customers.loc[2, ["phone", "shipping_method"]] = ["after 5 pm", "by bike"]',
        'customers.loc[1, "shipping_method"] = "by bike"',
    ]
    shown = review(notebook, wiz, *edits, theme=theme)
    expect(shown.get_by_role("checkbox", name="Send Cid")).to_be_disabled()
    notebook.picture(f"review-problem-{theme}", shown)
    shown.get_by_label("phone").fill("+14155550101")
    shown.get_by_role("button", name="Plan again").click()
    expect(shown.get_by_role("checkbox", name="Send Cid")).to_be_checked()
    wiz.server.overwrite("customers", ids[1], payment_term="theirs")
    shown.get_by_role("button", name="Apply 3 ticked changes").click()
    expect(shown.get_by_role("button", name="Yes, send 3 changes")).to_be_visible()
    notebook.picture(f"review-{theme}", shown)
    shown.get_by_role("button", name="Yes, send 3 changes").click()
    expect(shown.get_by_role("status")).to_have_text("Result: 2 done, 1 conflict")
    expect(shown).to_contain_text("yours net77 · now in WizCommerce theirs")
    shown.get_by_label("payment_term").select_option("send mine")
    shown.get_by_label("sent as").fill("agreed")
    notebook.picture(f"review-result-{theme}", shown)
    shown.get_by_role("button", name="Plan again").click()
    shown.get_by_role("button", name="Apply 1 ticked change ").click()
    shown.get_by_role("button", name="Yes, send 1 change").click()
    expect(shown.get_by_role("status")).to_have_text("Result: 1 done")
    now = stored(wiz, "customers")
    assert (now[ids[1]]["payment_term"], now[ids[2]]["phone"]) == ("agreed", "+14155550101")
    assert notebook.run("len(customers.wiz.plan())") == "0"


@pytest.mark.nightly
def test_other_cells_run_during_a_push_and_the_push_can_be_stopped(notebook, sandboxed):
    wiz = sandboxed(latency_s=0.2)
    before = stored(wiz, "customers")
    shown = review(notebook, wiz, 'customers["payment_term"] = "net77"')
    shown.get_by_role("button", name="Apply 30 ticked changes").click()
    shown.get_by_role("button", name="Yes, send 30 changes").click()
    expect(shown.locator(".wizframe-review, .widget-hprogress").first).to_be_visible()
    assert notebook.run("review.result is None, 6 * 7") == "(True, 42)"  # 30 records take 12 s at least
    shown.get_by_role("button", name="Stop").click()
    expect(shown.get_by_role("status")).to_contain_text("unsent")
    done = int(notebook.run("review.result.counts()['done']"))
    assert 0 < done < 30
    assert len(changed(before, stored(wiz, "customers"))) == done


@pytest.mark.nightly
def test_everything_can_be_done_by_keyboard(notebook, sandboxed):
    wiz = sandboxed()
    before, ids = stored(wiz, "customers"), ids_of(wiz)
    shown = review(notebook, wiz, 'customers.loc[[0, 1], "payment_term"] = "net77"')
    keyboard = notebook.page.keyboard
    shown.get_by_role("checkbox", name="Send Ben").focus()
    keyboard.press("Space")
    expect(shown.get_by_role("button", name="Apply 1 ticked change ")).to_be_visible()
    keyboard.press("Tab")
    keyboard.type("by keyboard")
    keyboard.press("Tab")
    expect(shown.get_by_role("button", name="Apply 1 ticked change ")).to_be_focused()
    keyboard.press("Enter")
    expect(shown.get_by_role("button", name="Yes, send 1 change")).to_be_visible()
    for _ in range(2):  # past "Plan again"
        keyboard.press("Tab")
    expect(shown.get_by_role("button", name="Yes, send 1 change")).to_be_focused()
    keyboard.press("Enter")
    expect(shown.get_by_role("status")).to_have_text("Result: 1 done")
    assert changed(before, stored(wiz, "customers")) == {ids[0]: NET77}
    assert notebook.run("wizframe.pushes()['note'][0]") == "'by keyboard'"


@pytest.mark.nightly
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_show_as_text(notebook, sandboxed, theme):
    wiz = sandboxed()
    edits = [
        'customers.loc[:9, "payment_term"] = customers["display_name"]',
        'customers.loc[2, "phone"] = "after 5 pm"',
    ]
    shown = review(notebook, wiz, *edits, 'customers.loc[1, "shipping_method"] = "by bike"', theme=theme)
    for name in HOSTILE:
        expect(shown.get_by_text(name.replace("\u202e", "\\u202e"), exact=True)).to_have_count(2)
    assert shown.locator("img, script, mjx-container").count() == 0
    shown.get_by_role("button", name="Apply").click()
    expect(shown.get_by_role("button", name="Yes")).to_be_visible()
    wiz.server.overwrite("customers", ids_of(wiz)[4], payment_term=HOSTILE[0])
    shown.get_by_role("button", name="Yes").click()
    expect(shown.get_by_role("status")).to_contain_text("done")
    assert shown.locator("img, script, mjx-container").count() == 0


@pytest.mark.nightly
def test_the_review_fits_a_narrow_page(notebook, sandboxed):
    notebook.page.set_viewport_size({"width": 560, "height": 900})
    shown = review(notebook, sandboxed(names=()), 'customers.loc[:2, "payment_term"] = "net77"')
    expect(shown.get_by_role("button", name="Apply 3 ticked changes")).to_be_visible()
    assert shown.evaluate("element => element.scrollWidth <= element.clientWidth")
    notebook.picture("review-narrow", shown)
