"""Every command in a terminal: color, two widths, a user who types, and a user who presses Ctrl-C."""

import os
import re
import sys

import pytest
from support.cli import environment
from support.cli_help import every_command
from support.planning import load, stored, writes
from test_cli_reading import HOSTILE, hostile

import wizframe
from wizframe.server import Fault
from wizframe.server.service import SANDBOX_PASSWORD, TENANT_ID

pexpect = pytest.importorskip("pexpect")
if not hasattr(pexpect, "spawn"):
    pytest.skip("needs a Unix terminal", allow_module_level=True)

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_KEYRING = """
import json, os, pathlib
FILE = pathlib.Path(os.environ["RING"])
def _all(): return json.loads(FILE.read_text()) if FILE.exists() else {}
def get_password(service, name): return _all().get(name)
def set_password(service, name, text): FILE.write_text(json.dumps(_all() | {name: text}))
def delete_password(service, name): FILE.write_text(json.dumps({k: v for k, v in _all().items() if k != name}))
class errors: KeyringError = OSError
"""


@pytest.fixture
def dialect():
    return "rest"  # a terminal sees no difference


def spawn(wiz, *arguments, width=80, **variables):
    """Start a command in a terminal of its own."""
    known = {**os.environ, **environment(wiz), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    known |= dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"))
    child = pexpect.spawn(
        sys.executable,
        ["-m", "wizframe", *arguments],
        env={name: value for name, value in (known | variables).items() if value is not None},
        dimensions=(40, width),
        encoding="utf-8",
        timeout=30,
    )
    child.delaybeforesend = None
    return child


def finished(child):
    """Wait for the end; give the exit code, and what was on the screen since the last expectation."""
    seen = child.read()
    child.close()
    return child.exitstatus, seen.replace("\r\n", "\n")


@pytest.fixture
def things(wiz, tmp_path):
    """Something for each command to work on, in an account with hostile names."""
    customers, customer, contact = hostile(wiz)
    plan = customers.wiz.plan()
    plan.save(tmp_path / "plan.json")
    push = plan.apply(note=HOSTILE, progress=False).push_id
    customers.wiz.plan(clear=["phone"])
    return {"customer": customer, "contact": contact, "push": push, "folder": tmp_path}


#: What each command is called with, whether there is colour in it, and whether its lines fit.
CALLS = {
    "demo": (["--customers", "12"], True, False),
    "logout": ([], False, True),
    "whoami": ([], True, True),
    "list customers": (["--limit", "5"], True, True),
    "list contacts": (["--customer", "{customer}"], True, True),
    "get customer": (["{customer}"], True, False),
    "get contact": (["{customer}", "{contact}"], True, False),
    "export": (["customers", "-o", "{folder}/c.csv"], True, False),
    "plan": (["{folder}/plan.json"], True, False),
    "push": (["{folder}/plan.json", "--dry-run"], True, False),
    "resume": ([], False, True),
    "pushes": ([], False, False),
    "undo": (["{push}", "--dry-run"], True, False),
    "history": (["--id", "{customer}"], False, False),
    "purge": (["--older-than-days", "1"], False, True),
    "doctor": (["--probe"], True, False),
}


def test_every_command_is_called_here():
    words = {words.removeprefix("wizframe ") for words, _ in every_command()} - {"wizframe", "list", "get"}
    assert words == CALLS.keys() | {"sandbox", "login"}  # which have tests of their own


@pytest.mark.parametrize(
    ("width", "variables"),
    [
        pytest.param(80, {}, id="80"),
        pytest.param(120, {"NO_COLOR": "1"}, id="120, NO_COLOR", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.parametrize("command", CALLS)
def test_each_command_works_in_a_terminal(wiz, things, command, width, variables):
    arguments, is_coloured, fits = CALLS[command]
    given = [argument.format(**things) for argument in arguments]
    code, seen = finished(spawn(wiz, *command.split(), *given, width=width, **variables))
    assert code == 0, seen
    assert bool(COLOUR.search(seen)) is (is_coloured and not variables)
    plain = COLOUR.sub("", seen)
    assert plain.strip()
    assert {sign for sign in plain if not sign.isprintable()} <= {"\n", "\r"}  # a bar returns to the line's beginning
    if fits:
        lines = [line for line in plain.splitlines() if not line.startswith(("local: ", "wizframe: "))]
        assert max(map(len, lines), default=0) <= width
    assert wizframe.SANDBOX_API_KEY not in seen or command == "demo"


@pytest.mark.parametrize(("width", "least"), [(80, 70), (120, 80)])
def test_help_fits(wiz, width, least):
    code, seen = finished(spawn(wiz, "push", "--help", width=width))
    assert code == 0
    text = seen.split("Examples:")[0]  # those can be copied: one line each
    assert least < max(map(len, text.splitlines())) <= width


def test_ids_are_whole_in_a_narrow_terminal(wiz):
    _, seen = finished(spawn(wiz, "list", "customers", width=80, NO_COLOR="1"))
    assert [id_ for id_ in stored(wiz, "customers") if id_ not in seen] == []
    assert "…" in seen


def test_the_account_is_printed_on_stderr_only(wiz):
    command = f"{sys.executable} -m wizframe list customers --json 2>/dev/null"
    shell = pexpect.spawn("/bin/sh", ["-c", command], env={**os.environ, **environment(wiz)}, encoding="utf-8")
    code, seen = finished(shell)
    assert code == 0
    assert seen.startswith('{"format": 1, "customers": [')


def test_a_csv_on_a_terminal_shows_control_characters_as_text(wiz):
    hostile(wiz)
    _, seen = finished(spawn(wiz, "list", "customers", "--csv", NO_COLOR="1"))
    assert "\x1b" not in seen
    assert r"\x1b[2J" in seen


@pytest.fixture
def ring(tmp_path):
    """A keyring in a file, that processes find."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "keyring.py").write_text(_KEYRING)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {"RING": str(tmp_path / "ring.json"), "PYTHONPATH": path, "WIZCOMMERCE_API_KEY": None}


def test_a_user_logs_in_and_out_and_the_password_is_not_seen(wiz, ring):
    child = spawn(wiz, "login", **ring)
    child.expect("WizCommerce e-mail: ")
    child.sendline("ada@example.com")
    child.expect("not shown")
    child.expect(": ")
    child.sendline(SANDBOX_PASSWORD)
    code, seen = finished(child)
    assert code == 0, seen
    assert seen.startswith("\nlocal: ")  # nothing of what was typed
    assert f"Logged in to {TENANT_ID}" in seen
    assert "from the keyring" in finished(spawn(wiz, "whoami", **ring))[1]
    assert "removed from the keyring" in finished(spawn(wiz, "logout", **ring))[1]
    child = spawn(wiz, "whoami", **ring)
    child.expect("API key for .*not shown.*: ")  # there is a user to ask
    child.sendline(wizframe.SANDBOX_API_KEY)
    code, seen = finished(child)
    assert (code, "typed" in seen, wizframe.SANDBOX_API_KEY in seen) == (0, True, False)


def test_a_login_is_interrupted_at_the_password(wiz, ring):
    child = spawn(wiz, "login", "ada@example.com", **ring)
    child.expect("not shown")
    child.sendintr()
    code, seen = finished(child)
    assert (code, "interrupted" in seen) == (130, True)
    assert [request.path for request in wiz.server.requests if request.path == "/auth/token"] == []


@pytest.mark.parametrize(("answer", "code", "sent"), [("y", 0, True), ("n", 6, False), ("\x03", 130, False)])
def test_a_push_asks_and_follows_the_reply(wiz, tmp_path, answer, code, sent):
    file = saved_plan(wiz, tmp_path)
    child = spawn(wiz, "push", file)
    child.expect(r"Send this .*\[y/N\] ")
    child.delaybeforesend = 0.3  # Python misses a Ctrl-C that arrives between the prompt and the read
    child.send(answer if answer == "\x03" else f"{answer}\n")
    ended, seen = finished(child)
    assert (ended, bool(writes(wiz))) == (code, sent), seen


def saved_plan(wiz, folder):
    customers = load(wiz)
    customers["payment_term"] = "net77"
    customers.wiz.plan().save(folder / "plan.json")
    return str(folder / "plan.json")


def test_an_interrupted_push_says_what_was_done_and_the_next_command_does_the_rest(wiz, tmp_path):
    file = saved_plan(wiz, tmp_path)
    wiz.server.faults.add(
        Fault("answer", "customers.update", status=429, skip=3, times=3, headers={"Retry-After": "1"})
    )
    child = spawn(wiz, "--trace", "push", file)
    child.expect(r"Send this .*\[y/N\] ")
    child.sendline("y")
    child.expect("again in")
    child.sendintr()
    code, seen = finished(child)
    assert code == 130, seen
    assert "wizframe.resume()" in seen or "wizframe resume" in seen
    assert wiz.server.faults.fired
    child = spawn(wiz, "resume")
    child.expect(r"Send what is left of 1 push .*\[y/N\] ")
    child.sendline("y")
    code, seen = finished(child)
    assert code == 0, seen
    assert {row["payment_term"] for row in stored(wiz, "customers").values()} >= {"net77"}
    assert "nothing to resume" in finished(spawn(wiz, "resume"))[1]


TALKING = [
    "whoami",
    "list contacts",
    "get customer",
    "get contact",
    "export",
    "plan",
    "undo",
    "doctor",
]


@pytest.mark.parametrize(
    "command", ["list customers", *(pytest.param(command, marks=pytest.mark.nightly) for command in TALKING)]
)
def test_ctrl_c_ends_it_in_a_line(wiz, things, command):
    given = [argument.format(**things) for argument in CALLS[command][0]]
    wiz.server.faults.add(Fault("answer", "reads", status=503, times=None))
    child = spawn(wiz, "--trace", *command.split(), *given, NO_COLOR="1")
    child.expect("again in")
    child.sendintr()
    code, seen = finished(child)
    assert code == 130, seen
    assert seen.endswith("wizframe: interrupted\n")
    assert "Traceback" not in seen
    assert not (things["folder"] / "c.csv").exists()


def test_the_demo_is_interrupted_in_a_line(wiz):
    child = spawn(wiz, "demo", "--customers", "3000", NO_COLOR="1")
    child.expect("load_customers")
    child.sendintr()
    code, seen = finished(child)
    assert (code, seen.splitlines()[-1]) == (130, "wizframe: interrupted")


def test_commands_options_and_values_are_completed(wiz):
    def completed(*words):
        line = " ".join(("wizframe", *words))
        variables = {"_WIZFRAME_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
        return re.findall(r"plain,(\S+)", finished(spawn(wiz, **variables))[1])

    assert completed("pu") == ["push", "pushes", "purge"]
    assert "--max-changes" in completed("push", "--max")
    assert completed("push", "x.csv", "--on-conflict", "m") == ["mine"]
