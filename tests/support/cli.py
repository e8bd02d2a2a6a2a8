"""Run commands as the tests of several folders do: in this process, or as a script does."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest

import wizframe
from wizframe.cli.commands import main


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def environment(wiz):
    return {"WIZCOMMERCE_API_KEY": wizframe.SANDBOX_API_KEY, "WIZCOMMERCE_BASE_URL": wiz.base_url}


def run(wiz, *arguments):
    """Run a command in this process, with no terminal."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment(wiz).items():
            patch.setenv(name, value)
        patch.setattr("sys.stdin", io.StringIO())
        code = main(arguments)
    done = Done(code, out.getvalue(), err.getvalue())
    assert wizframe.SANDBOX_API_KEY not in done.stdout + done.stderr
    return done


def run_process(wiz, *arguments):
    """Run a command as a script does."""
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment(wiz)}
    command = [sys.executable, "-W", "error", "-m", "wizframe", *arguments]
    return subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, encoding="utf-8", timeout=60, check=False, env=variables
    )
