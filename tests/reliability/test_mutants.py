"""Seeded bugs: each one, written into a copy of the package, makes the named test fail, and by an assertion."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.mutants import MUTANTS

import wizframe

PACKAGE = Path(wizframe.__file__).parent
TESTS = Path(__file__).parents[1]
#: How pytest tells that an expectation was not met; whatever else is raised is no proof.
UNMET = ("assert ", "AssertionError", "Failed: DID NOT RAISE")


def path_of(file):
    """Find a test file in the folder of its stage."""
    return next(TESTS.rglob(file))


def edited(mutant):
    """Give the text of the mutant's file with the bug in it."""
    text = (PACKAGE / mutant.file).read_text("utf-8")
    for old, new in mutant.edits:
        assert text.count(old) == 1, f"{mutant.file} has changed: this text stands there {text.count(old)} times: {old}"
        text = text.replace(old, new)
    return text


def run_test(test, folder):
    """Run a test on the package that is in the folder, in a process of its own; return its report."""
    file, _, name = test.partition("::")
    report = folder / "report.xml"
    command = [
        sys.executable, "-m", "pytest", f"{path_of(file)}::{name}", "-q", f"--rootdir={TESTS.parent}",
        f"--config-file={TESTS.parent / 'pyproject.toml'}", "--override-ini=addopts=", f"--junitxml={report}",
        "--tb=short", "-p", "no:cacheprovider",
    ]  # fmt: skip
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    environment = ours | {"PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode in (0, 1), f"no test ran: {ran.stdout}{ran.stderr}"
    return ET.parse(report).getroot()  # noqa: S314 - written by pytest a moment ago


@pytest.mark.nightly
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_seeded_bug_is_noticed_by_the_named_test(mutant, tmp_path):
    copy = tmp_path / "wizframe"
    shutil.copytree(PACKAGE, copy)
    (copy / mutant.file).write_text(edited(mutant), "utf-8")
    report = run_test(mutant.test, tmp_path)
    assert report.findall(".//error") == []
    failures = [failure.get("message") for failure in report.iter("failure")]
    assert failures, "nothing noticed it"
    assert [message for message in failures if not message.startswith(UNMET)] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_seeded_bug_can_still_be_written_into_the_package(mutant):
    """It stands in its place, is Python, and its test is there: otherwise it would prove nothing any more."""
    ast.parse(edited(mutant))
    file, *_, name = mutant.test.partition("[")[0].split("::")
    tests = {node.name for node in ast.walk(ast.parse(path_of(file).read_text("utf-8"))) if hasattr(node, "name")}
    assert name in tests


def test_without_a_bug_a_named_test_passes_on_a_copy(tmp_path):
    """The suite shows that all of them pass on the package itself; this shows that a copy is no reason to fail."""
    shutil.copytree(PACKAGE, tmp_path / "wizframe")
    report = run_test("test_layers.py::test_nobody_has_a_drawer_for_everything", tmp_path)
    assert [suite.get("failures") for suite in report.iter("testsuite")] == ["0"]
    assert [case.get("name") for case in report.iter("testcase")] == ["test_nobody_has_a_drawer_for_everything"]
