"""wizframe in JupyterLab, in a real browser: prompts, magics, what shows itself, and a kernel that is busy."""

import json
import re

import pytest

import wizframe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (the extra dev has it)").expect
KEY = wizframe.SANDBOX_API_KEY
IMPORT = "import warnings, wizframe\nwarnings.simplefilter('ignore')"


@pytest.fixture
def wiz():
    """A sandbox in this process, which sees what the notebook's kernel asks of it."""
    with wizframe.sandbox(customers=60) as client:
        yield client


@pytest.fixture
def connect(wiz):
    """Give the code that connects a notebook to it."""
    return f"{IMPORT}\nwiz = wizframe.connect({KEY!r}, base_url={wiz.base_url!r})"


def choose(page, *offered):
    """Have something completed, and choose the last one of what is offered."""
    page.keyboard.press("Tab")
    for word in offered:
        expect(page.locator(".jp-Completer .jp-Completer-match", has_text=re.compile(f"^{word}$"))).to_be_visible()
    for key in ["ArrowDown"] * (len(offered) - 1) + ["Enter"]:
        page.keyboard.press(key)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


@pytest.mark.nightly
def test_a_login_hides_the_password_and_leaves_no_trace_in_the_file(notebook, wiz):
    notebook.open(IMPORT)
    notebook.run_all()
    at = notebook.start(f"wiz = wizframe.login('ada@example.com', base_url={wiz.base_url!r})")
    prompt = notebook.page.locator(".jp-Stdin-input")
    expect(prompt).to_have_attribute("type", "password")
    expect(notebook.page.get_by_text("password of ada@example.com")).to_be_visible()
    prompt.fill("sandbox")
    prompt.press("Enter")
    said = notebook.finish(at)
    assert "tenant_sandbox" in said
    assert "valid until" in said
    assert notebook.run("len(wiz.customer.list()) > 0, wiz.account.name") == "(True, 'tenant_sandbox')"
    saved = notebook.save()
    assert "tenant_sandbox" in saved
    assert "api_sandbox" not in saved
    cell = json.loads(saved)["cells"][at]
    typed = re.search(r"not shown\): ?(.*)", "".join("".join(output.get("text", "")) for output in cell["outputs"]))
    assert "sandbox" not in typed[1]


def test_a_connection_asks_for_the_key_that_it_lacks(notebook, wiz):
    notebook.open(IMPORT)
    notebook.run_all()
    at = notebook.start(f"wiz = wizframe.connect(base_url={wiz.base_url!r})")
    prompt = notebook.page.locator(".jp-Stdin-input")
    expect(prompt).to_have_attribute("type", "password")
    prompt.fill(KEY)
    prompt.press("Enter")
    assert "API key typed" in notebook.finish(at)
    assert KEY not in notebook.save()


@pytest.mark.nightly
def test_magics_complete_and_do_what_the_calls_do(notebook, connect):
    notebook.open(f"{connect}\n%load_ext wizframe", "%wiz c")
    page = notebook.page
    notebook.run_all_but_last()
    editor = notebook.cell(1).locator(".cm-content")
    editor.click()
    page.keyboard.press("End")
    choose(page, "contacts", "customers")
    expect(editor).to_have_text("%wiz customers")
    page.keyboard.type(" --status ")
    choose(page, "active", "inactive")
    expect(editor).to_have_text("%wiz customers --status inactive")
    page.keyboard.type(" -o frame")
    page.keyboard.press("Shift+Enter")
    count = notebook.run("print(len(frame), frame['status'].unique().tolist())").split()[0]
    expect(notebook.cell(1).locator(".jp-OutputArea-output")).to_have_text(f"frame: {count} rows × 15 columns")


@pytest.mark.nightly
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_client_plan_result_and_overview_show_themselves(notebook, connect, theme):
    edit = (
        "customers = wizframe.load_customers(details=True)\n"
        "customers.loc[customers['payment_term'] == 'net30', 'payment_term'] = 'net45'\n"
        "customers.loc[3, 'phone'] = '+14155552671'\n"
        "customers.loc[4, 'email'] = 'nobody'\n"
        "plan = customers.wiz.plan()\nplan"
    )
    notebook.open(
        connect, "wiz", edit, "plan.apply(invalid='skip')", f"customers.wiz.overview(theme={theme!r})", theme=theme
    )
    page = notebook.page
    page.set_viewport_size({"width": 1280, "height": 2600})
    notebook.run_all()
    for at, words in [(1, "local"), (2, "to update"), (3, "done")]:
        shown = notebook.cell(at).locator(".jp-RenderedHTMLCommon").last
        expect(shown).to_contain_text(words)
        for place in shown.locator("b, td, small, div, s").all():
            assert notebook.contrast(place) >= 4.5, (at, place.inner_text())
    picture = notebook.cell(4).locator("img")
    expect(picture).to_be_visible()
    assert 600 < picture.bounding_box()["width"] < 1000
    notebook.picture(f"plan-{theme}", notebook.cell(2).locator(".jp-OutputArea").first)
    notebook.picture(f"overview-{theme}", picture)
