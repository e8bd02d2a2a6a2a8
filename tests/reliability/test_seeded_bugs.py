"""Seeded bugs: each one, planted in the package, makes the named test fail, because an expectation is not met."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.seeded_bugs import BUGS

TESTS = Path(__file__).parents[1]
#: How pytest reports an expectation that was not met. Any other error proves nothing.
UNMET = ("assert ", "AssertionError", "Failed: DID NOT RAISE")


def path_of(file):
    """Find a test file in the folder of its stage."""
    return next(TESTS.rglob(file))


def report_of(tests, folder, *options):
    """Run tests in a process of its own, without the plugins of this one, and return pytest's report."""
    report = folder / "report.xml"
    named = [f"{path_of(file)}::{name}" for file, _, name in (test.partition("::") for test in tests)]
    command = [
        sys.executable, "-m", "pytest", *named, "-p", "support.seeded_bugs", *options, f"--rootdir={TESTS.parent}",
        f"--config-file={TESTS.parent / 'pyproject.toml'}", "--override-ini=addopts=", f"--junitxml={report}",
        "-q", "--tb=short", "-p", "no:cacheprovider",
    ]  # fmt: skip
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    paths = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    environment = ours | {"PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode in (0, 1), f"no test ran: {ran.stdout}{ran.stderr}"
    return ET.parse(report).getroot()  # noqa: S314 - written by pytest a moment ago


@pytest.mark.nightly
@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_noticed_by_the_named_test(name, tmp_path):
    report = report_of([BUGS[name].test], tmp_path, "--bug", name)
    assert report.findall(".//error") == []
    failures = [failure.get("message") for failure in report.iter("failure")]
    assert failures, "no test noticed it"
    assert [message for message in failures if not message.startswith(UNMET)] == []


@pytest.mark.nightly
def test_without_a_bug_the_named_tests_pass(tmp_path):
    report = report_of(sorted({bug.test for bug in BUGS.values()}), tmp_path)
    cases = [(case.get("name"), *(one.get("message") for one in case)) for case in report.iter("testcase")]
    assert [case for case in cases if len(case) > 1] == []


def test_the_named_tests_exist():
    """The documentation lists them, too."""
    for bug in BUGS.values():
        file, *_, name = bug.test.partition("[")[0].split("::")
        tests = {node.name for node in ast.walk(ast.parse(path_of(file).read_text("utf-8"))) if hasattr(node, "name")}
        assert name in tests, bug.test
