"""The commands about pushes: what they do and print, and the exit codes for scripts."""

import json
import re

import pytest
from support.cli import run, run_process
from support.planning import load, stored, writes

import wizframe
from wizframe.cli.commands import main
from wizframe.server import Fault


@pytest.fixture
def saved(wiz, tmp_path):
    """A saved plan of three updates, and its file."""
    customers = load(wiz)
    customers.loc[:2, "payment_term"] = "net77"
    plan = customers.wiz.plan()
    plan.save(tmp_path / "plan.json")
    return plan, str(tmp_path / "plan.json")


def test_an_approved_plan_is_applied_exactly(wiz, saved):
    plan, file = saved
    done = run_process(wiz, "push", file, "--expect", plan.id, "--yes", "--note", "asked by Ada")
    assert (done.returncode, done.stderr) == (0, "")
    assert "~ 3 to update" in done.stdout
    assert "3 done" in done.stdout
    way_back = re.search(r"to undo the push: `.*-m wizframe (undo \S+)`", done.stdout)[1]
    assert "3 changes" in run(wiz, *way_back.split(), "--yes", "--max-changes", "2").stderr
    assert [row["payment_term"] for row in stored(wiz, "customers").values()].count("net77") == 3
    assert wizframe.pushes()["note"].tolist() == ["asked by Ada"]
    again = run(wiz, "push", file, "--expect", plan.id, "--yes")  # what is so already is not sent again
    assert again.returncode == 0
    assert writes(wiz) == ["PATCH"] * 3


def test_a_rehearsal_shows_the_plan_and_checks_the_limits_but_sends_nothing(wiz, saved):
    done = run(wiz, "push", saved[1], "--dry-run")
    assert (done.returncode, "~ 3 to update" in done.stdout, writes(wiz)) == (0, True, [])
    assert done.stdout.endswith("Nothing was sent (--dry-run).\n")
    done = run(wiz, "push", saved[1], "--dry-run", "--yes", "--max-changes", "2")
    assert (done.returncode, "3 changes, but --max-changes 2" in done.stderr) == (5, True)
    assert (run(wiz, "push", saved[1], "--dry-run", "--yes").returncode, writes(wiz)) == (6, [])
    plan = wizframe.delete(load(wiz).head(1))
    plan.save(saved[1])
    assert run(wiz, "push", saved[1], "--dry-run").returncode == 0  # a user could confirm a delete
    assert run(wiz, "push", saved[1], "--dry-run", "--yes", "--max-changes", "2").returncode == 5
    assert (len(wizframe.pushes()), writes(wiz)) == (0, [])


def test_any_other_plan_is_refused(wiz, saved):
    for short in (saved[0].id[:12], saved[0].id[:-1], "0123456789ab", ""):
        done = run(wiz, "push", saved[1], "--expect", short, "--yes")
        assert (done.returncode, writes(wiz)) == (6, [])
        assert "is not the whole id of a plan, which has 64 characters" in done.stderr
        assert saved[0].id not in done.stderr
    assert f"  id {saved[0].id}\n" in run(wiz, "plan", saved[1]).stdout
    done = run(wiz, "push", saved[1], "--expect", "0" * 64, "--yes")
    assert done.returncode == 6
    assert f"has the id {saved[0].id}, not the expected {'0' * 64}" in done.stderr
    assert writes(wiz) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 6, "there is no interactive terminal: nothing was sent. Pass --yes with --max-changes N"),
        (["--yes"], 6, "Add --max-changes N or --expect ID"),
        (["--yes", "--max-changes", "-1"], 2, "'--max-changes': -1"),
        (["--yes", "--max-changes", "2"], 5, "3 changes, but --max-changes 2"),
        (["--yes", "--max-changes", "3", "--base-url", "http://127.0.0.1:9/v1"], 7, "no connection"),
    ],
)
def test_without_a_confirmation_or_a_limit_nothing_is_sent(wiz, saved, arguments, code, said):
    done = run(wiz, "push", saved[1], *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert writes(wiz) == []


@pytest.mark.parametrize(
    ("command", "limits"), [("push", "--max-changes N or --expect ID"), ("undo", "--max-changes N")]
)
def test_yes_without_a_limit_is_refused_before_any_request(wiz, saved, command, limits):
    wiz.server.requests.clear()
    done = run(wiz, command, saved[1], "--yes")
    assert (done.returncode, done.stderr.endswith(f"Add {limits}.\n")) == (6, True)
    assert len(wiz.server.requests) == 0


def test_a_file_that_is_not_a_plan_is_bad_input(wiz, tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    assert run(wiz, "push", str(tmp_path / "plan.json"), "--yes", "--max-changes", "9").returncode == 6


def test_failures_and_conflicts_have_codes_of_their_own(wiz, saved):
    wiz.server.overwrite("customers", saved[0].changes["id"][0], payment_term="elsewhere")
    done = run(wiz, "push", saved[1], "--yes", "--max-changes", "9")
    assert (done.returncode, "1 conflict" in done.stdout) == (4, True)
    wiz.server.faults.add(Fault("answer", "customers.get", status=403))
    done = run(wiz, "push", saved[1], "--yes", "--max-changes", "9")
    assert (done.returncode, "1 failed" in done.stdout) == (3, True)


def test_what_was_cut_off_is_listed_finished_and_undone(wiz):
    before = stored(wiz, "customers")
    customers = load(wiz)
    customers.loc[:2, "payment_term"] = "net77"
    customers.loc[len(customers)] = {"company_name": "New", "display_name": "New"}
    wiz.server.faults.add(Fault("answer", "customers.update", status=401))
    result = customers.wiz.plan().apply(progress=False)
    push_id = result.push_id
    left = result.changes.loc[result.changes["state"] == "unsent", "action"]  # the others may have been sent meanwhile
    updates = int(left.eq("update").sum())
    assert updates > 0
    assert "cut off" in run(wiz, "pushes").stdout
    refused = run(wiz, "resume")
    assert (refused.returncode, f"~ {updates} to update" in refused.stdout) == (6, True)
    assert "no interactive terminal: nothing was sent. Pass --yes with --max-changes N" in refused.stderr
    assert "--yes needs a limit" in run(wiz, "resume", "--yes").stderr
    assert run(wiz, "resume", "--yes", "--max-changes", "0").returncode == 5
    assert f"{len(left)} done" in run(wiz, "resume", "--yes", "--max-changes", str(len(left))).stdout
    assert run(wiz, "resume").stdout == "There is nothing to resume.\n"
    assert "4 done" in run(wiz, "pushes").stdout
    refused = run(wiz, "undo", push_id, "--yes", "--max-changes", "9")
    assert (refused.returncode, "1 delete," in refused.stderr) == (5, True)
    done = run(wiz, "undo", push_id, "--yes", "--max-changes", "9", "--max-deletes", "1")
    assert (done.returncode, "4 done" in done.stdout) == (0, True)
    assert {i: row["payment_term"] for i, row in stored(wiz, "customers").items()} == {
        i: row["payment_term"] for i, row in before.items()
    }
    assert run(wiz, "undo", "yesterday", "--yes", "--max-changes", "9").returncode == 6
    assert run(wiz, "resume", "yesterday").returncode == 6


def test_history_is_read_by_people_and_by_programs(wiz):
    customers = load(wiz)
    identifier = customers["id"][0]
    customers.loc[0, "payment_term"] = "net77"
    customers.wiz.plan().apply(note="asked by Ada", progress=False)
    line = run(wiz, "history", "--id", identifier, "--field", "payment_term").stdout
    assert "→ net77  (done)  “asked by Ada”" in line
    assert f"{identifier} of {wiz.account}  payment_term: " in line  # a machine may push to several
    (row,) = json.loads(run(wiz, "history", "--json", "--since", "2020-01-01").stdout)["history"]
    assert (row["account"], row["base_url"]) == (wiz.account.name, wiz.base_url)
    assert (row["id"], row["column"], row["new"]) == (identifier, "payment_term", "net77")
    (row,) = json.loads(run(wiz, "pushes", "--json").stdout)["pushes"]
    assert (row["note"], row["done"]) == ("asked by Ada", 1)
    wrong = run(wiz, "history", "--since", "yesterday")
    assert (wrong.returncode, "--since yesterday: allowed: times such as 2026-01-31" in wrong.stderr) == (2, True)
    for days in ("-1", "nan", "inf", "1e9"):
        wrong = run(wiz, "purge", "--older-than-days", days)
        assert (wrong.returncode, "(allowed: a number of days from 0 to 36,500)" in wrong.stderr) == (2, True)
    assert "no matching push" in run(wiz, "history", "--id", "cust_none").stdout
    assert run(wiz, "purge", "--older-than-days", "0").stdout == "1 push removed\n"
    assert wizframe.pushes().empty


def test_help_lists_the_exit_codes(capsys):
    assert main(["--help"]) == 0
    assert "5    more changes or deletes than allowed" in capsys.readouterr().out
