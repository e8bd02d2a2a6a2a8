"""What stands around the package: CI's workflow, the templates, the policies, and the examples for contributors."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

import wizframe

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def parsed(path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    return yaml.load((ROOT / ".github" / path).read_text("utf-8"), yaml.BaseLoader)


def test_the_workflow_runs_existing_files_and_may_only_read():
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
def test_files_that_the_pages_of_github_name_exist(page):
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


def edits(page):
    """Take a page's blocks of edits: the file, the lines that stand there, and the lines that should."""
    for block in re.findall(r"^```diff\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\+\+\+ ", block, flags=re.MULTILINE)[1:]:
            file, *lines = part.splitlines()
            old, new = (("".join(f"{line[1:]}\n" for line in lines if line[:1] != sign)) for sign in "+-")
            yield file, old, new


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A copy of the package with the edits of CONTRIBUTING.md, and the tests that stand there."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(Path(wizframe.__file__).parent, folder / "wizframe", ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in edits(page):
        text = (folder / file).read_text("utf-8")
        assert text.count(old) == 1, f"CONTRIBUTING.md edits what stands {text.count(old)} times in {file}: {old}"
        (folder / file).write_text(text.replace(old, new), "utf-8")
    tests = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    for number, test in enumerate(tests):
        (folder / f"test_example_{number}.py").write_text(test, "utf-8")
    return folder


def test_the_examples_for_contributors_work_on_a_copy_of_the_package(example):
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "--override-ini=addopts=",
        f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={example}", str(example),
    ]  # fmt: skip
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    path = os.pathsep.join([str(example), str(ROOT / "tests")])
    environment = ours | {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(command, cwd=example, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 passed" in ran.stdout  # a field and an operation, in both dialects
