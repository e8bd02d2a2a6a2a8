"""doctor: a report that is complete and has no secret, and checks of an account against the documents."""

import json
import re
from collections import Counter

import pytest
from support.cli import run
from support.client import Reply, Stub, client_of, transport_to
from support.planning import load, stored, writes

import wizframe
from wizframe.connections.client import Client
from wizframe.doctor.findings import examine_account, examine_machine
from wizframe.doctor.probe import probe
from wizframe.doctor.probe_writes import probe_writes
from wizframe.errors import ConfigurationError
from wizframe.server import Fault


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_a_report_is_complete_and_has_no_secret(wiz, dialect):
    customers = load(wiz)
    customers.loc[0, "payment_term"] = "net77"
    customers.wiz.plan().apply(progress=False)
    done = run(wiz, "doctor", "--probe")
    assert done.returncode == 0
    names = [line[6:].split("  ")[0] for line in done.stdout.splitlines()]
    assert names == [
        "system", "data libraries", "network libraries", "notebook libraries", "file libraries", "command libraries",
        "settings", "profiles", "journal", "connection", "clock", "permissions", "dialect",
        "pages", "totals", "end of a list", "order", "status filter", "reference filter", "time filters", "ids",
        "values", "times", "exact numbers", "missing record", "fields",
    ]  # fmt: skip
    for known in (
        f"wizframe {wizframe.__version__}",
        "pandas 3",
        f"{dialect} dialect",
        "1 push,",
        "WIZCOMMERCE_API_KEY",
    ):
        assert known in done.stdout
    private = set(customers[["company_name", "email", "phone", "id"]].stack().dropna())
    assert {text for text in private if text in done.stdout} == set()
    assert len(writes(wiz)) == 1
    found = json.loads(run(wiz, "doctor", "--json").stdout)
    assert found["format"] == 1
    assert {finding["state"] for finding in found["doctor"]["findings"]} == {"ok"}


def test_without_a_connection_the_report_has_the_rest(wiz):
    done = run(wiz, "doctor", "--probe", "--base-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 7
    assert "\nbad   connection " in done.stdout
    assert "libraries" in done.stdout
    assert "no connection to 127.0.0.1:9" in done.stdout


def test_a_key_that_may_not_read_is_found(wiz):
    wiz.server.faults.add(Fault("answer", "customers.get", status=403))
    done = run(wiz, "doctor")
    assert done.returncode == 1
    assert "bad   permissions" in done.stdout
    assert "has no permission for this" in done.stdout
    assert wiz.server.faults.fired


def test_a_clock_that_is_wrong_is_found():
    late = Reply.json([], Date="Mon, 01 Jan 2024 00:00:00 GMT")
    with Stub(*[late] * 9) as stub:
        found = by_name(examine_account(client_of(stub.base_url)))
    assert (found["clock"].state, "ahead of the service" in found["clock"].said) == ("bad", True)
    assert found["permissions"].state == "note"


def test_an_unusable_journal_and_a_push_that_was_cut_off_are_found(wiz, monkeypatch, tmp_path):
    assert by_name(examine_machine())["journal"].said.startswith("none yet")
    customers = load(wiz)
    customers.loc[:2, "payment_term"] = "net77"
    wiz.server.faults.add(Fault("answer", "customers.update", status=401))
    customers.wiz.plan().apply(progress=False)
    assert "1 cut off" in by_name(examine_machine())["journal"].said
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "journal.sqlite3").write_text("no database, however one looks at it")
    monkeypatch.setenv("WIZFRAME_STATE_DIR", str(tmp_path / "broken"))
    found = by_name(examine_machine())["journal"]
    assert (found.state, "is damaged" in found.said) == ("bad", True)


def test_profiles_are_named_but_not_shown(monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_config_dir", lambda *_args, **_options: str(tmp_path))
    (tmp_path / "config.toml").write_text('[profiles.staging]\napi_key = "canary"\n')
    said = by_name(examine_machine())["profiles"].said
    assert said.startswith("staging in ")
    assert "canary" not in said
    (tmp_path / "config.toml").write_text("[profiles\n")
    assert by_name(examine_machine())["profiles"].state == "bad"


def test_an_account_that_follows_the_documents_is_ok(wiz):
    before = len(wiz.server.requests)
    states = Counter(finding.state for finding in probe(wiz))
    # In the rest dialect, the sandbox's contacts have a field that no document names.
    assert states == ({"ok": 13, "note": 1} if wiz.server.dialect == "rest" else {"ok": 14})
    assert len(wiz.server.requests) - before <= 30
    assert writes(wiz) == []


def test_ignored_parameters_are_found(wiz):
    wiz.respell_queries()
    found = by_name(probe(wiz))
    assert found["order"].state == "bad"
    assert found["reference filter"].state == "bad"


def test_a_silent_cap_and_an_empty_account_are_found(dialect):
    with wizframe.sandbox(customers=30, dialect=dialect, page_size_cap=7) as capped:
        found = by_name(probe(capped))["pages"]
        assert (found.state, "at most 7 records" in found.said) == ("note", True)
    with wizframe.sandbox(customers=0, dialect=dialect) as empty:
        assert {finding.state for finding in probe(empty)} <= {"ok", "note"}
        assert by_name(examine_account(empty))["permissions"].state == "note"


def test_a_response_of_another_form_is_a_finding_and_not_quoted():
    odd = Reply.json({"data": [{"id": "c", "name": "Secret Ltd", "created_at": "yesterday", "reference_id": 7}]})
    with Stub(*[odd] * 60) as stub:
        found = list(probe(client_of(stub.base_url)))
    assert {finding.state for finding in found} & {"bad"}
    assert "Secret" not in repr(found)


def test_writing_is_tested_on_a_customer_that_is_deleted_afterwards(wiz):
    before = stored(wiz, "customers")
    done = run(wiz, "doctor", "--probe-writes")
    assert done.returncode == 0, done.stdout
    tried = [line for line in done.stdout.splitlines() if line.startswith("ok")][-12:]
    assert [line[6:].split("  ")[0] for line in tried] == [
        "create", "uniqueness", "same e-mail", "PATCH", "response to PATCH", "rewriting", "clearing", "PATCH of lists",
        "PUT", "whole PUT", "default contact", "delete",
    ]  # fmt: skip
    assert "erases the fields that are left out" in done.stdout
    assert stored(wiz, "customers") == before


def test_a_difference_from_the_documents_is_found(wiz):
    wiz.server.faults.add(Fault("keep", "customers.update", column="phone", times=None))
    found = by_name(probe_writes(wiz))
    assert (found["PATCH"].state, found["clearing"].state) == ("ok", "bad")
    assert found["delete"].state == "ok"
    assert wiz.server.faults.fired


def test_a_customer_that_could_not_be_deleted_is_named(wiz):
    wiz.server.faults.add(Fault("answer", "customers.delete", status=403, times=9))
    found = by_name(probe_writes(wiz))
    assert found["delete"].state == "bad"
    left = re.findall(r"wizframe-probe-[\w-]+", found["left behind"].said)
    assert len(left) == 2
    assert set(left) <= {row["reference_id"] for row in stored(wiz, "customers").values()}


def test_a_check_that_is_stopped_leaves_nothing_behind(wiz):
    before = stored(wiz, "customers")
    findings = probe_writes(wiz)
    assert next(findings).name == "create"
    assert stored(wiz, "customers") != before
    findings.close()
    assert stored(wiz, "customers") == before


@pytest.mark.parametrize("url", ["https://api.wizcommerce.com/v1", "https://crm.example.com/v1"])
def test_it_does_not_write_to_what_may_be_production(url):
    with pytest.raises(ConfigurationError, match="refused"):
        next(probe_writes(Client(transport_to(url))))


def test_it_does_not_write_on_a_read_only_connection(wiz, monkeypatch):
    monkeypatch.setenv("WIZFRAME_READ_ONLY", "1")
    done = run(wiz, "doctor", "--probe-writes")
    assert (done.returncode, writes(wiz)) == (6, [])
