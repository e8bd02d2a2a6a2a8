"""%wiz: the same calls as lines of a notebook, with completion and help."""

import inspect

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import wizframe
from wizframe.notebook.magics import _options

pytestmark = pytest.mark.filterwarnings("ignore::wizframe.errors.InvalidDataWarning")
FUNCTIONS = {
    "customers": [wizframe.load_customers],
    "contacts": [wizframe.load_contacts],
    "plan": [wizframe.plan],
    "push": [wizframe.push, wizframe.plan],
    "login": [wizframe.connect],
}


@pytest.fixture
def ipython(monkeypatch, tmp_path):
    """Give a shell of IPython with the extension loaded."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "wizframe")
    yield shell
    shell.run_line_magic("unload_ext", "wizframe")
    InteractiveShell.clear_instance()


def run(ipython, line):
    """Run a cell; an error in it is the test's."""
    result = ipython.run_cell(line)
    result.raise_error()
    return result.result


def test_customers_are_those_of_the_call_and_get_a_variable(ipython, wiz, capsys):
    run(ipython, "%wiz customers --status active --updated-after 2020-01-01 -o frame")
    frame = ipython.user_ns["frame"]
    pd.testing.assert_frame_equal(frame, wiz.load_customers(status="active", updated_after="2020-01-01"))
    assert f"frame: {len(frame)} rows × 15 columns" in capsys.readouterr().out
    shown = run(ipython, "%wiz customers --reference-ids CUST00003,CUST00004 --sort desc --details --limit 5")
    expected = wiz.load_customers(reference_ids=["CUST00003", "CUST00004"], sort="desc", details=True, limit=5)
    pd.testing.assert_frame_equal(shown, expected)


def test_a_list_of_references_may_be_a_variable(ipython, wiz):
    wanted = wiz.load_customers()["reference_id"].head(3)
    ipython.user_ns |= {"wanted": wanted, "listed": wanted.tolist()}
    for name in ("wanted", "listed"):
        assert run(ipython, f"%wiz customers --reference-ids @{name}")["reference_id"].tolist() == wanted.tolist()


def test_contacts_of_a_frame_or_of_ids(ipython, wiz):
    customers = wiz.load_customers().head(4)
    ipython.user_ns |= {"customers": customers}
    run(ipython, "%wiz contacts customers --status active -o people")
    pd.testing.assert_frame_equal(ipython.user_ns["people"], wiz.load_contacts(customers, status="active"))
    one = run(ipython, f"%wiz contacts {customers['id'][0]},{customers['id'][1]}")
    assert set(one["customer_id"]) <= set(customers["id"][:2])


def test_plan_and_push_are_the_functions(ipython, wiz):
    run(ipython, "%wiz customers -o frame")
    ipython.user_ns["frame"].loc[[0, 1], "payment_term"] = "net77"
    plan = run(ipython, "%wiz plan frame --only payment_term,phone -o plan")
    assert plan.id == ipython.user_ns["plan"].id == wizframe.plan(ipython.user_ns["frame"]).id
    result = run(ipython, '%wiz push frame --yes --max-changes 2 --note "asked by Ada"')
    assert result.counts()["done"] == 2
    assert wizframe.history()["note"].unique().tolist() == ["asked by Ada"]
    ipython.user_ns["frame"].loc[0, "payment_term"] = "net78"
    run(ipython, "%wiz plan frame -o plan")
    assert run(ipython, "%wiz push plan --yes").counts()["done"] == 1
    assert wiz.customer.get(ipython.user_ns["frame"]["id"][0])["payment_term"] == "net78"


def test_push_asks_and_sends_nothing_without_a_terminal(ipython, wiz):
    run(ipython, "%wiz customers -o frame")
    ipython.user_ns["frame"].loc[0, "payment_term"] = "net77"
    with pytest.raises(wizframe.errors.PlanError, match="no interactive terminal"):
        run(ipython, "%wiz push frame")
    assert {request.method for request in wiz.server.requests} == {"GET"}


def test_login_asks_for_the_password_and_opens_a_connection(ipython, monkeypatch):
    server = wizframe.server.SandboxServer(customers=2)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _question: "sandbox")
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with server:
        run(ipython, f"%wiz login ada@example.com --base-url {server.base_url} --read-only -o mine")
        with ipython.user_ns["mine"] as client:
            assert client.transport.read_only
            assert client.account.name == "tenant_sandbox"


def test_one_of_two_connections_is_named(ipython, wiz):
    with wizframe.sandbox(customers=3) as other:
        ipython.user_ns |= {"other": other}
        assert len(run(ipython, "%wiz customers --client other")) == 3
    assert len(wiz.load_customers()) == 30


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("%wiz upload frame", "invalid choice: 'upload'"),
        ("%wiz customers --status gone", "invalid choice: 'gone'"),
        ("%wiz customers --limit many", "invalid int value"),
        ("%wiz plan nobody", "'nobody' is not a variable with a DataFrame (variables: frame)"),
        ("%wiz push number", "'number' is not a variable with a DataFrame or Plan"),
        ("%wiz customers -o class", "'class' is not a valid variable name"),
        ("%wiz customers --reference-ids @nobody", "'nobody' is not a variable"),
        ("%wiz customers 'half", "No closing quotation"),
        ("%wiz plan", "the following arguments are required: FRAME"),
    ],
)
def test_a_wrong_line_is_a_sentence_and_not_a_traceback(ipython, wiz, line, reason, capsys):
    ipython.user_ns |= {"frame": pd.DataFrame(), "number": 3}
    assert not ipython.run_cell(line).success
    said = capsys.readouterr()
    assert reason in said.out + said.err
    assert "Traceback" not in said.out + said.err
    assert len(wiz.server.requests) == 0


@pytest.mark.parametrize("command", FUNCTIONS)
def test_every_option_is_a_parameter_of_the_call_and_explained(ipython, command, capsys):
    known = {name for function in FUNCTIONS[command] for name in inspect.signature(function).parameters}
    options = set(_options(command))
    assert options - known == set()
    left_out = known - options - {"frame", "customers", "progress", "show", "options"}
    if command != "login":  # connect()'s others are for programs
        assert left_out == set()
    run(ipython, f"%wiz {command} -h")
    text = " ".join(capsys.readouterr().out.split())
    unexplained = [option for option in options if f"--{option.replace('_', '-')} " not in text]
    assert unexplained == []
    assert "By default" in text or "by default" in text
    assert "``" not in text
    assert ":func:" not in text


def test_help_lists_the_commands(ipython, capsys):
    run(ipython, "%wiz")
    told = capsys.readouterr().out
    assert [name for name in FUNCTIONS if f"%wiz {name}" not in told] == []
    assert "load the contacts" in inspect.getdoc(ipython.find_line_magic("wiz"))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%wiz ", {"customers", "contacts", "plan", "push", "login"}),
        ("%wiz cu", {"customers"}),
        ("wiz pl", {"plan"}),
        ("%wiz customers --sta", {"--status"}),
        ("%wiz customers --status ", {"active", "inactive"}),
        ("%wiz customers --status ina", {"inactive"}),
        ("%wiz customers --sort-by company", {"company_name"}),
        ("%wiz contacts --sort-by ", {"created_at", "updated_at"}),
        ("%wiz plan fr", {"frame"}),
        ("%wiz push pla", {"planned"}),
        ("%wiz plan frame --contacts ", {"frame"}),
        ("%wiz plan frame --only ", {"a", "b"}),
        ("%wiz plan frame --client ", {"mine"}),
        ("%wiz plan frame --mat", {"--match"}),
    ],
)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of the method that gives names alone
def test_tab_offers_what_may_come_next(ipython, wiz, typed, offered):
    frame = pd.DataFrame({"a": [1], "b": [2]})
    ipython.user_ns |= {
        "frame": frame,
        "_hidden": frame,
        "number": 1,
        "mine": wiz,
        "planned": wiz.load_customers().wiz.plan(),
    }
    assert set(ipython.complete("", typed, len(typed))[1]) == offered


def test_after_unloading_there_is_no_magic(ipython):
    run(ipython, "%unload_ext wizframe")
    assert ipython.find_line_magic("wiz") is None
    run(ipython, "%load_ext wizframe")
    assert ipython.find_line_magic("wiz") is not None
