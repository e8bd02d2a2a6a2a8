"""The messages of the command line: they speak of commands and options, never of Python."""

import ast
import re
from pathlib import Path

import openpyxl
import pytest
from support.cli import run
from support.cli_help import every_command
from support.planning import load

import wizframe
from wizframe.cli.output import sentence
from wizframe.server import Fault

PACKAGE = Path(wizframe.__file__).parent
#: What only users of Python meet.
FACES = {"server", "cli", "notebook", "dask.py", "pages.py", "accessor.py", "testing.py"}
PYTHON = re.compile(
    r"\w\((?:\)|\w+=|…)|\b[a-z_]+=(?:['\[…\d]|[A-Z])"  # a call, an option
    r"|\b(?:plan|result|error|frame|df|wizframe|client)\.\w|(?:^|\s)\.[a-z]+ (?:lists|says)"  # an attribute
)
#: Messages that no command can show, by a part of their text.
NEVER_IN_A_COMMAND = (
    "client= must be a client", "no connection is open", "connections are open", "dialect=",
    "rate=", "workers=", "sandbox(", "choose() needs", "a connection cannot be pickled",
    "an API key cannot be pickled", "= must be a frame of", "a pandas DataFrame is needed",
    "a plan with deletes cannot be made again", "Pass rows of result", "Call frame.wiz.delete",
    "push() of a finished plan", "Call frame.wiz.plan()",
    "with details=True",
    ", read_only=True", "df.wiz.addresses", "Convert it with frame.",
    "load_customers() and load_contacts() filter", "Pass their ids, such as", "encoding='7'",
    "sort_by=created_at", "status=",
)  # fmt: skip


def _text(node):
    """Return the text of a string, with something in place of the values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part if isinstance(part, ast.Constant) else part.conversion for part in node.values)
        return "".join(
            part.value if isinstance(part, ast.Constant) else "'7'" if part == ord("r") else "7" for part in parts
        )
    return None


def _hints(tree):
    """Yield (text for Python, text for the command line) of each hint."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Hint":
            named = {word.arg: word.value for word in node.keywords}
            texts = dict(zip(("python", "cli"), node.args, strict=False)) | named
            yield texts["python"], texts["cli"]


def messages():
    """Yield (path, text) of all that a command may show: each string with a space in it, without docstrings."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in FACES:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        nodes = list(ast.walk(tree))
        skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        skipped |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        skipped |= {id(part) for python, _ in _hints(tree) for part in ast.walk(python)}
        for node in nodes:
            text = None if id(node) in skipped else _text(node)
            if text and " " in text and not text.startswith("<"):  # HTML is for notebooks
                yield path.relative_to(PACKAGE).as_posix(), text


def test_no_message_speaks_python_in_a_command():
    said = [(path, text) for path, text in messages() if not any(words in text for words in NEVER_IN_A_COMMAND)]
    assert len(said) > 300
    assert [(path, text) for path, text in said if PYTHON.search(text)] == []


def test_every_exception_is_still_a_message():
    said = [text for _, text in messages()]
    assert [words for words in NEVER_IN_A_COMMAND if not any(words in text for text in said)] == []


def test_flags_in_messages_exist():
    flags = {flag for _, context in every_command() for option in context.command.params for flag in option.opts}
    trees = [ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")]
    texts = [_text(cli) or "" for tree in trees for _, cli in _hints(tree)]
    said = {flag for text in texts for flag in re.findall(r"(?<!\S)--[a-z-]+", text)}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "option":
                name = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
                said |= {f"--{name.replace('_', '-')}"} if name else set()
    assert len(said) > 10
    assert said - flags == set()


@pytest.fixture
def dialect():
    return "rest"  # messages are the same in both


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, so that commands can be written with short names of files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _edit_csv(wiz, **columns):
    run(wiz, "export", "customers", "-o", "c.csv")
    wizframe.to_csv(wizframe.read_csv("c.csv").assign(**columns), "c.csv")


def _workbook(**sheets):
    def write(_wiz):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            page = book.create_sheet(name)
            for row in rows:
                page.append(row)
        book.save("c.xlsx")

    return write


def _file(name, content, encoding="utf-8"):
    return lambda _wiz: Path(name).write_bytes(content.encode(encoding))


def _save_plan(wiz):
    customers = load(wiz)
    customers["payment_term"] = [f"net{number}" for number in range(len(customers))]
    plan = customers.wiz.plan()
    plan.save("plan.json")
    return plan


def _conflict(wiz):
    for identifier in _save_plan(wiz).changes["id"]:
        wiz.server.overwrite("customers", identifier, payment_term="elsewhere")


def _fail(wiz, status, operation="customers.update", times=None):
    _save_plan(wiz)
    wiz.server.faults.add(Fault("answer", operation, status=status, times=times))


def _new_rows(wiz, **values):
    customers = load(wiz, invalid="drop")
    row = customers[customers["email"].notna()].head(1).assign(id=None, reference_id="N1", **values)
    row[["id", "reference_id", "company_name", "display_name", "email"]].to_csv("c.csv", index=False)


def _pushed(wiz):
    _save_plan(wiz)
    run(wiz, "push", "plan.json", "--yes", "--max-changes", "99")
    return wizframe.pushes()["push_id"][0]


_PUSH = "push plan.json --yes --max-changes 99"
_ROWS = [["id", "company_name"], ["c1", "A"]]
#: What happens before (a function of the client), the command, and a part of what it says.
CASES = {
    "unknown profile": (None, "whoami --profile nope", "--profile nope"),
    "no service": (None, "whoami --base-url http://127.0.0.1:9/v1", "no connection to 127.0.0.1:9"),
    "no journal": (None, "undo nope --yes --max-changes 1", "`wizframe pushes`"),
    "no push to resume": (_pushed, "resume nope", "`wizframe pushes`"),
    "unknown column": (None, "list customers --columns colour", "unknown column colour"),
    "unknown customer": (None, "get customer CUST00002", "`wizframe list customers --reference CUST00002`"),
    "contacts of an unknown customer": (None, "list contacts --customer nope", "--reference nope"),
    "unknown contact": (None, "get contact cust_1 nope", "404"),
    "bad time": (None, "list customers --created-after yesterday", "yesterday"),
    "bad zone": (None, "export customers -o c.xlsx --zone Nowhere", "--zone Nowhere is not a time zone"),
    "bad folder": (None, "export customers -o no/c.csv", "the folder no does not exist"),
    "no file": (None, "plan c.xlsx", "c.xlsx"),
    "map without TOML": (_file("m.toml", "["), "plan c.csv --map m.toml", "--map m.toml"),
    "CSV in Latin-1": (_file("c.csv", "id;ü\n", "latin-1"), "plan c.csv", "Save it as 'CSV UTF-8'"),
    "CSV in UTF-16": (_file("c.csv", "id;a\n1;2\n", "utf-16-le"), "plan c.csv", "Save it as"),
    "CSV with long rows": (_file("c.csv", "id,email\n1,2,3\n"), "plan c.csv", "Quote"),
    "CSV of no table": (_file("c.csv", "id,a\n1,2\n"), "plan c.csv", "--table customers"),
    "CSV without ids": (
        _file("c.csv", "company_name\nA\n"),
        "plan c.csv --table customers",
        "--match reference_id",
    ),
    "CSV without references": (
        _file("c.csv", "company_name\nA\n"),
        "plan c.csv --table customers --match reference_id",
        "needs a column reference_id",
    ),
    "unknown reference": (
        _file("c.csv", "reference_id,company_name\nnope,A\n"),
        "plan c.csv --table customers --match reference_id",
        "--new create",
    ),
    "workbook with the name of a CSV file": (
        lambda wiz: run(wiz, "export", "customers", "-o", "c.xlsx") and Path("c.xlsx").rename("c.csv"),
        "plan c.csv",
        ".xlsx",
    ),
    "CSV file with the name of a workbook": (_file("c.xlsx", "id\n1\n"), "plan c.xlsx", ".csv"),
    "two sheets alike": (_workbook(Old=_ROWS, New=_ROWS), "plan c.xlsx", "'Old', 'New'"),
    "workbook that lost its baseline": (
        _workbook(Customers=[["id", "company_name", "updated_at"], ["c1", "A", "2026-01-31"]]),
        "plan c.xlsx",
        "--original FILE",
    ),
    "bad original": (
        _workbook(Customers=_ROWS),
        "plan c.xlsx --original c.xlsx",
        "--original c.xlsx",
    ),
    "edit in another column": (lambda wiz: _edit_csv(wiz, phone="+14155550000"), "plan c.csv --only email", "--only"),
    "only of no column": (_edit_csv, "plan c.csv --only colour", "--only: 'colour'"),
    "blank cells": (lambda wiz: _edit_csv(wiz, phone=None), "plan c.csv", "--clear phone"),
    "cleared id": (lambda wiz: _edit_csv(wiz, id=wizframe.CLEAR), "plan c.csv", "DELETE"),
    "many problems": (
        lambda wiz: _edit_csv(wiz, phone=[f"no {number}" for number in range(30)]),
        "plan c.csv",
        "`wizframe plan FILE -o PLAN.xlsx`",
    ),
    "push with problems": (
        lambda wiz: _edit_csv(wiz, phone="nonsense"),
        "push c.csv --yes --max-changes 99",
        "--skip-invalid",
    ),
    "likely duplicate": (_new_rows, "plan c.csv", "--duplicates create"),
    "no terminal to confirm": (_save_plan, "push plan.json", "--yes with --max-changes N"),
    "yes without a limit": (_save_plan, "push plan.json --yes", "--max-changes N or --expect ID"),
    "too many changes": (_save_plan, "push plan.json --yes --max-changes 2", "--max-changes 2"),
    "too many deletes": (
        lambda wiz: wizframe.delete(load(wiz).head(2)).save("plan.json"),
        "push plan.json --yes --max-changes 9",
        "--max-deletes 2",
    ),
    "many changes": (_save_plan, "plan plan.json", "`wizframe plan FILE -o PLAN.xlsx`"),
    "conflicts": (_conflict, _PUSH, "--on-conflict mine"),
    "many conflicts": (_conflict, _PUSH, "`wizframe push FILE --results FILE.xlsx`"),
    "refused rows": (lambda wiz: _fail(wiz, 422), _PUSH, "push again"),
    "refused key": (lambda wiz: _fail(wiz, 401, times=1), _PUSH, "`wizframe resume`"),
    "unknown outcome": (lambda wiz: _fail(wiz, 502), _PUSH, "push again"),
    "incomplete load": (
        lambda wiz: wiz.server.faults.add(Fault("answer", "contacts.list", status=403)),
        "list contacts",
        "may be incomplete",
    ),
    "invalid rows": (None, "list customers", "break the schema"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("case", CASES)
def test_a_command_says_what_to_do_in_commands_and_options(wiz, case):
    before, command, part = CASES[case]
    made = before(wiz) if before else None
    words = [made if word == "PUSH" else word for word in command.split()]
    done = run(wiz, *words)
    text = re.sub(r"^local: .*\n|https?://\S+", "", done.stdout + done.stderr)  # the account, and queries of requests
    assert part in text
    assert [line for line in text.splitlines() if PYTHON.search(line)] == []
    assert "Traceback" not in text


@pytest.mark.usefixtures("folder")
def test_a_workbook_of_results_does_not_speak_python(wiz):
    _conflict(wiz)
    run(wiz, *_PUSH.split(), "--results", "results.xlsx")
    told = wizframe.read_excel("results.xlsx")
    assert set(told["state"]) == {"conflict"}
    assert told["next_step"].str.contains("--on-conflict mine").all()
    assert not told["next_step"].str.contains(PYTHON).any()


@pytest.mark.usefixtures("folder")
def test_an_undo_speaks_of_commands(wiz):
    done = run(wiz, "undo", _pushed(wiz), "--dry-run")
    assert "load again afterwards\n" in done.stdout
    assert not PYTHON.search(done.stdout)


def test_the_same_message_speaks_python_in_python(wiz):
    with pytest.raises(wizframe.errors.PlanError, match=r"wizframe\.pushes\(\)"):
        wizframe.undo("nope", client=wiz)
    assert "`wizframe pushes`" in run(wiz, "undo", "nope", "--yes", "--max-changes", "1").stderr
    with pytest.raises(wizframe.errors.PlanError, match=r"wizframe\.pushes\(\)"):
        wizframe.undo("nope", client=wiz)


def test_an_error_of_the_operating_system_is_a_sentence(tmp_path):
    def said(act):
        with pytest.raises((FileNotFoundError, IsADirectoryError, PermissionError)) as caught:
            act()
        return sentence(caught.value)

    here = tmp_path / "nothere.csv"
    assert said(here.read_bytes) == f"the file {here} does not exist"
    assert said((tmp_path / "no" / "x.csv").read_bytes) == f"the folder {tmp_path / 'no'} does not exist"
    assert said(tmp_path.read_bytes).startswith(f"{tmp_path}: ")
    assert "Errno" not in said(tmp_path.read_bytes)
    assert sentence(ValueError("a sentence")) == "a sentence"
