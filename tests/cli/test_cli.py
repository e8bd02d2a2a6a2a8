"""The command line, through real processes: what a person sees, what a pipe gets, how it ends."""

import ast
import builtins
import itertools
import os
import re
import signal
import subprocess
import sys

import pytest

import wizframe
from wizframe.cli.commands import main
from wizframe.cli.output import typed_path


def run(*arguments, **environment):
    command = [sys.executable, "-W", "error", "-m", "wizframe", *arguments]
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False, env=variables)


def test_the_demo_does_the_whole_job_and_explains_itself(dialect):
    done = run("demo", "--dialect", dialect)
    assert done.returncode == 0
    assert done.stderr == ""
    for promise in (
        "No account is needed here",
        "customers = wizframe.load_customers()",
        "~ 26 to update",
        "26 done, 1 conflict",
        "it changed in WizCommerce since you loaded it",
        "Head of Purchasing",
        "wizframe is unofficial",
        "What to try next",
    ):
        assert promise in " ".join(done.stdout.split())


def test_the_demo_hides_no_line_that_it_needs():
    """A user who types the same lines gets the same output."""
    output = run("demo", "--customers", "60").stdout
    typed = ast.parse("\n".join(line[4:] for line in output.splitlines() if line.startswith(">>> ")))
    names = [node for node in ast.walk(typed) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assert "theirs" in stored
    assert {node.id for node in names if isinstance(node.ctx, ast.Load)} - stored - {
        "wizframe",
        "pd",
        *dir(builtins),
    } == set()
    assert "result.undo().apply()" in output


def test_the_demo_ends_with_commands_that_can_be_typed_unchanged(tmp_path):
    lines = [line.strip() for line in run("demo", "--customers", "60").stdout.splitlines()]
    assert f"{typed_path(sys.executable)} -m wizframe sandbox" in lines
    assert f"{typed_path(sys.executable)} -m jupyterlab" in lines
    script = tmp_path / "my tools" / "wizframe"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\nfrom wizframe.cli.commands import main\nmain(['demo', '--customers', '12'])\n"
    )
    script.chmod(0o755)
    shown = f'"{script.relative_to(tmp_path)}"'
    for path, called in ((os.environ["PATH"], shown), (str(script.parent), "wizframe")):
        environment = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            encoding="utf-8",
            check=True,
            cwd=tmp_path,
            env=environment,
        )
        assert f"    {called} sandbox\n" in done.stdout


def test_piped_output_has_no_colour_and_fits_a_page():
    output = run("demo", "--customers", "60").stdout
    assert "\033" not in output
    assert max(map(len, output.splitlines())) <= 110


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a Unix terminal")
@pytest.mark.parametrize(("variables", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colour_unless_it_says_no(variables, is_coloured):
    inner, outer = os.openpty()
    environment = {**os.environ, "TERM": "xterm", **variables}
    command = [sys.executable, "-m", "wizframe", "demo", "--customers", "20"]
    with subprocess.Popen(command, stdout=outer, stderr=outer, env=environment) as process:
        os.close(outer)
        output = b""
        while chunk := _read(inner):
            output += chunk
    os.close(inner)
    assert process.returncode == 0
    assert (b"\033[" in output) is is_coloured


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


def test_the_sandbox_command_serves_until_interrupted():
    command = [sys.executable, "-m", "wizframe", "sandbox", "--port", "0", "--customers", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        try:
            url = re.search(r"7 customers at (\S+)", process.stdout.readline())[1]
            said = list(itertools.takewhile(lambda line: "curl" not in line, process.stdout))
            if os.name == "posix":
                lines = said[said.index("In another terminal:\n") + 1 : -1]
                typed = "".join(lines[: lines.index("\n")])
                listed = subprocess.run(["/bin/sh", "-ec", typed], capture_output=True, encoding="utf-8", check=True)
                assert len(listed.stdout.splitlines()) == 6  # a header, five customers
            with wizframe.connect(wizframe.SANDBOX_API_KEY, base_url=url) as client:
                served = len(client.customer.list(status="active")) + len(client.customer.list(status="inactive"))
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert served == 7
    assert (process.returncode, errors) == (0, "")


def test_a_taken_port_is_reported_in_one_line(capsys):
    with wizframe.sandbox(customers=1) as client:
        port = client.base_url.split(":")[2].split("/")[0]
        assert main(["sandbox", "--port", port]) == 1
    said = f"wizframe: port {port} is already in use, perhaps by another sandbox. Use --port 0 for any free port.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("arguments", [[], ["fly"], ["demo", "--customers", "-1"], ["sandbox", "--dialect", "latin"]])
def test_bad_arguments_end_with_code_2_and_usage(arguments, capsys):
    assert main(arguments) == 2
    assert "Usage: wizframe" in capsys.readouterr().err
