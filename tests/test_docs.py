"""The documentation's code runs, prints what the pages show, and its tables say what the code says.

``python tests/test_docs.py`` brings all of it up to date: printed outputs, field tables, help texts, fault tables.
"""

import contextlib
import difflib
import doctest
import importlib
import io
import json
import multiprocessing
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from support.catalogue import faults_table
from support.cli_help import codes_table, help_sections
from support.contract import names_table, parameters_table
from support.deviations import deviations_table, handled_table
from support.flows import FLOWS, flow_drawing
from support.layers import layers_drawing, listed_layers
from support.seeded_bugs import bugs_table
from support.sessions import open_clients
from test_layers import ORDER
from test_security_points import points_table

import wizframe
from wizframe.errors import InvalidDataWarning
from wizframe.fields import ADDRESS, CONTACT, CUSTOMER, describe
from wizframe.pushing.outcomes import STATES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "wizframe"
FOLDERS = [ROOT / "docs", ROOT / "docs" / "howto", ROOT / "docs" / "flows"]
PAGES = [ROOT / "README.md", *(page for folder in FOLDERS for page in sorted(folder.glob("*.md")))]
ARCHITECTURE, PICTURES = ROOT / "docs" / "architecture.md", ROOT / "docs" / "pictures"
LAYERS = PICTURES / "layers.svg"
LINKED = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
_FIELDS_HEAD = """\
A frame of customers, contacts or addresses has these columns, in this order, even without rows.

- **When loaded**: a column with `details=True` is loaded only if you ask for it, with `load_customers(details=True)`. A
  field with *never* is not a column. Only the operations on single records, such as `wiz.customer.update()`, accept it.
- **On create**: the columns that a new row needs are *required*. A new row may also have the *optional* columns.
- **Text**: a blank text is a missing value, never `""`.
- **Times** are UTC, to the microsecond.
- **E.164** is the international form of a phone number: a plus sign and digits only, such as `+14155552671`.
- **JSON**: `addresses`, `contacts`, `attributes`, `assigned_sales_reps` and `assigned_price_list` are JSON as text."""
FIELDS_PAGE = "\n\n".join(
    [
        "# Fields",
        _FIELDS_HEAD,
        *(f"## {table.name.capitalize()}\n\n{describe(table)}" for table in (CUSTOMER, CONTACT, ADDRESS)),
        "<!-- The tables are written by python tests/test_docs.py, from wizframe/fields.py. -->\n",
    ]
)
#: What stands between two marks of a page is made by a function, too.
SECTIONS = [
    (ROOT / "docs" / "reliability.md", "faults", faults_table),
    (ROOT / "docs" / "reliability.md", "seeded bugs", bugs_table),
    (ROOT / "docs" / "reliability.md", "handled deviations", handled_table),
    (ROOT / "docs" / "deviations.md", "deviations", deviations_table),
    (ROOT / "docs" / "security.md", "security", points_table),
    (ROOT / "docs" / "contract.md", "names", names_table),
    (ROOT / "docs" / "contract.md", "parameters", parameters_table),
    (ROOT / "docs" / "cli.md", "codes", codes_table),
    (ROOT / "docs" / "cli.md", "help", help_sections),
]


def with_section(text, name, content):
    """Put the content of a section between its marks."""
    begin, end = f"<!-- {name}: written by python tests/test_docs.py -->", f"<!-- end of {name} -->"
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def name_of(page):
    return page.relative_to(ROOT).as_posix()


#: A block of Python, and the block of text right below it: what the page says that the code prints.
STEP = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)


def steps(page):
    return STEP.findall(page.read_text("utf-8"))


def printed_by(code, page, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, page.name, "exec"), names)  # noqa: S102 - our own pages
    return printed.getvalue()


def lasting(text):
    """Leave out what differs from run to run: ports, times, the ids of plans and pushes, made of these."""
    varying = r":\d{4,5}/|\d{8}-\d{6}-\w{6}|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?|plan [0-9a-f]{12}"
    lines = re.sub(varying, "…", text, flags=re.IGNORECASE).splitlines()
    return [line.rstrip() for line in lines]


@pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if steps(page)], ids=name_of)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code, shown in steps(page):
        printed = printed_by(code, page, names)
        assert not shown or lasting(printed) == lasting(shown), "python tests/test_docs.py updates the page"
    assert open_clients() == [], "a page closes what it opens, as its readers should"


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != ROOT and steps(page)], ids=name_of)
def test_code_fits_into_the_width_of_the_site(page):
    lines = "".join(code + shown for code, shown in steps(page)).splitlines()
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a script for sh")
def test_the_script_of_the_nightly_job_sends_what_it_may_and_tells_a_person_otherwise(tmp_path):
    script = re.search(r"```sh\n(.*?)```", (ROOT / "docs" / "howto" / "nightly.md").read_text("utf-8"), re.DOTALL)[1]
    names = re.search(r"```toml\n(.*?)```", (ROOT / "docs" / "files.md").read_text("utf-8"), re.DOTALL)[1]
    for name, text in {"nightly": script, "erp.toml": names, "key": wizframe.SANDBOX_API_KEY}.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "mail").write_text('#!/bin/sh\necho "$2" >>mails\n', "utf-8")
    (tmp_path / "mail").chmod(0o700)

    def night(rows):
        (tmp_path / "erp.csv").write_text("KUNNR;ZTERM\n" + "".join(f"{row};ZB30\n" for row in rows), "utf-8")
        places = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": places, "WIZCOMMERCE_BASE_URL": wiz.base_url}
        return subprocess.run(["/bin/sh", str(tmp_path / "nightly")], env=environment, check=False).returncode

    with wizframe.sandbox(customers=230) as wiz:
        first, *others = wiz.server.records("customers")
        wiz.server.overwrite("customers", first["id"], payment_term="net60")
        assert night([first["reference_id"]]) == 0
        assert wiz.customer.get(first["id"])["payment_term"] == "net30"
        for customer in others:
            wiz.server.overwrite("customers", customer["id"], payment_term="net60")
        assert night([customer["reference_id"] for customer in others]) == 5
        assert (tmp_path / "mails").read_text("utf-8") == "wizframe: more than 200 changes, nothing was sent\n"
        assert [customer["payment_term"] for customer in wiz.server.records("customers")].count("net60") == len(others)


def test_the_page_of_fields_is_what_the_table_says():
    assert (ROOT / "docs" / "fields.md").read_text("utf-8") == FIELDS_PAGE, "python tests/test_docs.py updates it"


@pytest.mark.parametrize(("page", "name", "table"), SECTIONS, ids=[name for _, name, _ in SECTIONS])
def test_a_section_that_is_made_is_up_to_date(page, name, table):
    text = page.read_text("utf-8")
    assert text == with_section(text, name, table()), "python tests/test_docs.py updates it"


def anchors(page):
    """Give what `#…` may say of a page: its headings, as GitHub and the site spell them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def prose(page):
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_between_pages_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", prose(page)):
        place = page.parent / target if target else page
        assert place.exists(), target
        assert page.name != "CHANGELOG.md" or target.startswith("docs/"), f"{target} is not in the site"
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


def title(page):
    if page.suffix == ".ipynb":
        return json.loads(page.read_text("utf-8"))["cells"][0]["source"][0].strip("# \n")
    if page == ROOT / "docs" / "changelog.md":  # includes the page
        page = ROOT / "CHANGELOG.md"
    return re.search(r"^# (.+)$", page.read_text("utf-8"), re.MULTILINE)[1]


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_a_page_has_one_name_its_title_wherever_it_is_linked(page):
    links = re.findall(r"(?<!!)\[([^\][]*)\]\((?!https?:)([^)#]*\.(?:md|ipynb))\)", prose(page))
    for text, target in links:
        assert " ".join(text.split()) in (title(page.parent / target), target), target


def test_the_layers_are_listed_in_their_order_and_drawn_as_they_are_listed():
    listed = listed_layers(ARCHITECTURE.read_text("utf-8"))
    assert [module for modules in listed.values() for module in modules] == [*ORDER, "server"]
    assert LAYERS.read_text("utf-8") == layers_drawing(listed), "python tests/test_docs.py draws it"


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_is_drawn_with_the_files_that_its_page_explains(name):
    drawing = (PICTURES / f"flow-{name}.svg").read_text("utf-8")
    listed = listed_layers(ARCHITECTURE.read_text("utf-8"))
    assert drawing == flow_drawing(FLOWS[name], listed), "python tests/test_docs.py draws it"
    page = (ROOT / "docs" / "flows" / f"{name}.md").read_text("utf-8")
    assert [file for file, _ in (*FLOWS[name].down, *FLOWS[name].up) if f"| `{file}` |" not in page] == []


#: A file or a folder as pages name it: api/walk.py, `wizframe/fields.py`, `text.py`, `planning/`.
PLACE = re.compile(r"(?<![\w./~-])(?:[\w-]+/)+[\w-]+\.py\b|(?<=`)(?:(?:[\w-]+/)+|\w+\.py)(?=`)")
#: Files of the reader, not of the project.
OTHERS = {"try.py"}


@pytest.mark.parametrize("page", [*LINKED, *sorted(PICTURES.glob("flow-*.svg"))], ids=name_of)
def test_a_file_that_a_page_names_exists(page):
    named = set(PLACE.findall(page.read_text("utf-8"))) - OTHERS
    assert [name for name in sorted(named) if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []


@pytest.mark.parametrize(
    "text", ["`wizframe/gone.py`", "see api/gone.py.", "`gone/`", "`api/gone/`", "python tests/gone.py", "`gone.py`"]
)
def test_a_file_that_is_gone_is_found(text):
    assert [name for name in PLACE.findall(text) if "gone" in name]


def test_every_state_of_a_change_is_drawn():
    drawing = ET.parse(PICTURES / "push.svg")  # noqa: S314 - our own
    drawn = {text.text for text in drawing.iterfind(".//{*}text[@class='state']")}
    assert {*drawn, "unsent"} == {*STATES, "planned", "sent"}  # unsent is what stays planned


def modules():
    names = [module.name for module in pkgutil.walk_packages(wizframe.__path__, "wizframe.")]
    return ["wizframe", *(name for name in names if name != "wizframe.__main__")]


@pytest.mark.parametrize("name", modules())
def test_the_examples_in_docstrings_hold(name, tmp_path):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    module = importlib.import_module(name)
    tests = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    for test in tests:
        with wizframe.sandbox(customers=40) as wiz, warnings.catch_warnings():
            warnings.simplefilter("ignore", InvalidDataWarning)
            test.globs |= {"wizframe": wizframe, "wiz": wiz, "pd": pd, "path": tmp_path}
            report = doctest.DocTestRunner(optionflags=flags).run(test)
        assert report.failed == 0, test.name


def updated_output(shown, printed):
    """Keep the lines that differ only in ports, times and ids, so that a page changes only if a text changed."""
    old, new = shown.splitlines(), printed.splitlines()
    matcher = difflib.SequenceMatcher(None, lasting(shown), lasting(printed), autojunk=False)
    lines = []
    for tag, old_start, old_end, start, end in matcher.get_opcodes():
        lines += old[old_start:old_end] if tag == "equal" else new[start:end]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def with_outputs(page):
    """Run the page's code in a folder of its own; return the page's text with what the code prints now."""
    for name in [name for name in os.environ if name.startswith(("WIZCOMMERCE_", "WIZFRAME_"))]:
        del os.environ[name]
    names = {}

    def updated(step):
        code, shown = step.groups()
        printed = printed_by(code, page, names)
        return step[0].replace(f"```text\n{shown}", f"```text\n{updated_output(shown, printed)}") if shown else step[0]

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), warnings.catch_warnings():
        os.environ["WIZFRAME_STATE_DIR"] = f"{folder}/state"
        warnings.simplefilter("ignore", InvalidDataWarning)
        return STEP.sub(updated, page.read_text("utf-8"))


def write_outputs():
    pages = [page for page in PAGES if any(shown for _, shown in steps(page))]
    # One process per page: a load of an earlier page could otherwise serve as the baseline of a later one.
    with multiprocessing.Pool(1, maxtasksperchild=1) as pool:
        for page, text in zip(pages, pool.imap(with_outputs, pages), strict=True):
            page.write_text(text, "utf-8")


if __name__ == "__main__":
    write_outputs()
    (ROOT / "docs" / "fields.md").write_text(FIELDS_PAGE, "utf-8")
    layers = listed_layers(ARCHITECTURE.read_text("utf-8"))
    LAYERS.write_text(layers_drawing(layers), "utf-8")
    for name, flow in FLOWS.items():
        (PICTURES / f"flow-{name}.svg").write_text(flow_drawing(flow, layers), "utf-8")
    for path, name, table in SECTIONS:
        path.write_text(with_section(path.read_text("utf-8"), name, table()), "utf-8")
