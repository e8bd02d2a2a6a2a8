"""The notebook in a real browser: what the fixture itself promises."""

import pytest

import wizframe

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
KEY = wizframe.SANDBOX_API_KEY


def test_cells_run_and_more_cells_can_be_added(notebook):
    notebook.open("import wizframe", "x = 20 + 1; x")
    notebook.run_all()
    assert notebook.cell(1).locator(".jp-OutputArea-output").inner_text() == "21"
    assert notebook.run("print(x * 2)") == "42\n"
    assert notebook.run("x") == "21"


def test_kernels_import_this_checkout_and_reach_the_sandbox(notebook):
    with wizframe.sandbox(customers=7) as wiz:
        notebook.open(f"import wizframe\nwiz = wizframe.connect({KEY!r}, base_url={wiz.base_url!r})")
        notebook.run_all()
        assert notebook.run("wizframe.__file__") == repr(wizframe.__file__)
        assert notebook.run("len(wiz.load_customers(progress=False))") == "7"


def test_the_dark_theme_can_be_asked_for(notebook):
    notebook.open("1", theme="dark")
    assert notebook.page.locator("body").get_attribute("data-jp-theme-light") == "false"
