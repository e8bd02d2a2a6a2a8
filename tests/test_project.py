"""What stands around the package: the workflow of CI, the templates, and what the policies say of this machine."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def parsed(path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.load((ROOT / ".github" / path).read_text("utf-8"), yaml.BaseLoader)


def test_the_workflow_runs_what_is_there_and_may_only_read():
    workflow = parsed("workflows/ci.yml")
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    called = {script for step in steps for script in re.findall(r"\.ci/\w+", step.get("run", ""))}
    assert called == {".ci/run", ".ci/nightly"}
    assert all((ROOT / script).is_file() for script in called)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert set(workflow["on"]) == {"push", "pull_request", "schedule", "workflow_dispatch"}


def test_ci_begins_with_the_oldest_python_that_is_allowed():
    matrix = parsed("workflows/ci.yml")["jobs"]["change"]["strategy"]["matrix"]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    assert [system.partition("-")[0] for system in matrix["system"]] == ["ubuntu", "macos", "windows"]


def test_a_bug_report_asks_for_the_doctor():
    for form in ("bug", "feature"):
        questions = parsed(f"ISSUE_TEMPLATE/{form}.yml")["body"]
        asked = {question["id"]: question for question in questions if question["type"] != "markdown"}
        assert all(question["attributes"]["label"] for question in asked.values())
    doctor = next(question for question in parsed("ISSUE_TEMPLATE/bug.yml")["body"] if question.get("id") == "doctor")
    assert "`wizframe doctor`" in doctor["attributes"]["label"]
    assert doctor["validations"] == {"required": "true"}


@pytest.mark.parametrize("page", [".github/SECURITY.md", ".github/PULL_REQUEST_TEMPLATE.md"])
def test_what_the_pages_of_github_name_is_there(page):
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target
    for script in re.findall(r"\.ci/\w+", text):
        assert (ROOT / script).is_file(), script


@pytest.mark.skipif(sys.platform == "win32", reason="asks what other systems would use")
@pytest.mark.parametrize(("system", "folders"), [("Linux", Unix), ("macOS", MacOS)])
def test_the_policies_name_the_folders_that_are_used(system, folders, monkeypatch, tmp_path):
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = folders("wizframe", appauthor=False)
    state = Path(found.user_state_dir).relative_to(tmp_path).as_posix()
    config = Path(found.user_config_dir).relative_to(tmp_path).as_posix()
    assert f"| {system} | `~/{state}` | `~/{config}/config.toml` |" in (ROOT / "docs/policies.md").read_text("utf-8")
