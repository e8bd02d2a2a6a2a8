"""list, get and whoami: what a user sees, what a program gets, and that an account's data cannot drive a terminal."""

import csv
import io
import json
import os
import subprocess
import sys
from unittest.mock import ANY

import pytest
from support.cli import environment, run
from support.planning import load, stored

import wizframe
from wizframe.cli.commands import main
from wizframe.server import Fault

#: Clears the screen, sets the window's title, turns the direction of writing, rings, and starts a new line.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\x9b31m\nrm -rf"


def test_without_a_terminal_a_list_shows_all_customers_and_whole_values(wiz):
    done = run(wiz, "list", "customers")
    headers, *rows = done.stdout.splitlines()
    assert headers.split() == ["id", "reference_id", "company_name", "email", "payment_term", "status"]
    assert {row.split()[0] for row in rows} == set(stored(wiz, "customers"))
    assert max(len(row) for row in done.stdout.splitlines()) > 80
    assert "…" not in done.stdout
    assert "30 customers; --columns" in done.stderr


def test_filters_order_limit_and_columns_are_those_of_load_customers(wiz):
    arguments = ["--status", "active", "--sort-by", "company_name", "--sort", "desc", "--limit", "3"]
    expected = load(wiz, status="active", sort_by="company_name", sort="desc", limit=3)
    done = run(wiz, "list", "customers", *arguments, "--columns", "phone, id", "--json")
    assert json.loads(done.stdout) == {
        "format": 1,
        "customers": [
            {"phone": phone, "id": id_}
            for phone, id_ in zip(
                expected["phone"].astype(object).where(expected["phone"].notna(), None), expected["id"], strict=True
            )
        ],
    }
    reference = expected["reference_id"][0]
    done = run(wiz, "list", "customers", "--reference", reference, "--columns", "reference_id")
    assert done.stdout.split() == ["reference_id", reference]
    refused = run(wiz, "list", "customers", "--columns", "id,colour")
    assert (refused.returncode, "unknown column colour (allowed: id, reference_id" in refused.stderr) == (2, True)


def test_csv_is_what_export_writes(wiz, tmp_path):
    run(wiz, "export", "customers", "-o", str(tmp_path / "all.csv"))
    done = run(wiz, "list", "customers", "--csv")
    written = (tmp_path / "all.csv").read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    assert done.stdout.replace("\r\n", "\n") == written
    assert len(list(csv.reader(io.StringIO(done.stdout)))) == 31


def test_contacts_are_those_of_a_customer_or_of_the_chosen_ones(wiz):
    inactive = load(wiz, status="inactive")
    done = json.loads(run(wiz, "list", "contacts", "--status", "inactive", "--json").stdout)
    assert {row["customer_id"] for row in done["contacts"]} == set(inactive["id"])
    done = json.loads(run(wiz, "list", "contacts", "--customer", inactive["id"][0], "--limit", "1", "--json").stdout)
    assert [row["customer_id"] for row in done["contacts"]] == [inactive["id"][0]]
    refused = run(wiz, "list", "contacts", "--customer", inactive["id"][0], "--status", "active")
    assert refused.returncode == 2


def test_one_record_is_shown_with_its_details(wiz):
    customer = load(wiz)["id"][0]
    record = wiz.customer.get(customer)
    done = run(wiz, "get", "customer", customer)
    assert f"id                      {customer}\n" in done.stdout
    assert "assigned_price_list_id" in done.stdout
    assert json.loads(run(wiz, "get", "customer", customer, "--json").stdout) == {"format": 1, "customer": record}
    contact = record["contacts"][0]["id"]
    shown = json.loads(run(wiz, "get", "contact", customer, contact, "--json").stdout)["contact"]
    assert shown == wiz.customer.contact.get(customer, contact)
    assert contact in run(wiz, "get", "contact", customer, contact).stdout
    rows = list(csv.DictReader(io.StringIO(run(wiz, "get", "contact", customer, contact, "--csv").stdout)))
    assert [row["id"] for row in rows] == [contact]
    missing = run(wiz, "get", "customer", "cust_none")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "404" in missing.stderr


def test_a_closed_pipe_ends_a_list_quietly(wiz):
    command = [sys.executable, "-m", "wizframe", "list", "customers"]
    variables = {**os.environ, **environment(wiz)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141  # as of a program that ends by SIGPIPE
    assert [
        line for line in errors.splitlines() if b"break the schema" not in line and b"30 customers" not in line
    ] == []


def test_a_customer_that_does_not_exist_is_an_error_and_its_reference_is_offered(wiz):
    for arguments in (["get", "customer", "CUST 2"], ["list", "contacts", "--customer", "CUST 2"]):
        done = run(wiz, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "find the id with `wizframe list customers --reference 'CUST 2'`" in done.stderr
        done = run(wiz, *arguments[:-1], "CUST-2")
        assert (done.returncode, done.stdout) == (1, "")
        assert "find the id with `wizframe list customers --reference CUST-2`" in done.stderr
        assert "incomplete" not in done.stderr


def test_whoami_shows_where_the_commands_go(wiz, dialect):
    done = run(wiz, "whoami")
    assert f"base_url          {wiz.base_url}\n" in done.stdout
    assert "api_key           from WIZCOMMERCE_API_KEY\n" in done.stdout
    assert json.loads(run(wiz, "whoami", "--json").stdout)["account"] == {
        "account": "sandbox",
        "base_url": wiz.base_url,
        "environment": "local",
        "dialect": dialect,
        "active_customers": ANY if dialect == "rest" else None,
        "api_key": "from WIZCOMMERCE_API_KEY",
        "read_only": False,
    }


@pytest.mark.parametrize("what", ["customers", "contacts"])
def test_a_list_that_may_lack_something_says_so_in_its_exit_code(wiz, what):
    # A single 404 may mean the end of a list: then the contacts are complete.
    times = 4 if what == "contacts" else 1
    wiz.server.faults.add(Fault("answer", f"{what}.list", status=404, times=times))
    done = run(wiz, "list", what, "--status", "active")
    assert done.returncode in ((8,) if what == "contacts" else (1,))
    assert wiz.server.faults.fired


def hostile(wiz):
    """Write hostile names and references into an account; return its customers, and a customer and its contact."""
    customers = load(wiz, invalid="drop")
    customer = customers["id"][0]
    wiz.server.overwrite("customers", customer, company_name=HOSTILE, payment_term=HOSTILE, reference_id=f"r{HOSTILE}")
    contact = wiz.customer.get(customer)["contacts"][0]["id"]
    wiz.server.overwrite("contacts", contact, first_name=HOSTILE, designation=HOSTILE, reference_id=f"c{HOSTILE}")
    customers = load(wiz, invalid="drop")
    customers.loc[customers["id"] == customer, "payment_term"] = HOSTILE + "2"
    customers.loc[1, "payment_term"] = HOSTILE
    customers.loc[len(customers)] = {"reference_id": f"n{HOSTILE}", "company_name": HOSTILE, "display_name": HOSTILE}
    return customers, customer, contact


def commands(customers, customer, contact, tmp_path):
    """Every command that shows what an account, a file or the journal holds."""
    plan = customers.wiz.plan()
    plan.save(tmp_path / "plan.json")
    push = plan.apply(note=HOSTILE, progress=False).push_id
    yield from (["list", "customers"], ["list", "customers", "--json"], ["list", "customers", "--details"])
    yield from (["list", "contacts"], ["get", "customer", customer], ["get", "contact", customer, contact])
    yield from (["get", "customer", customer, "--json"], ["whoami"], ["pushes"], ["history"])
    yield from (["pushes", "--json"], ["history", "--json"], ["plan", str(tmp_path / "plan.json")])
    yield from (["push", str(tmp_path / "plan.json"), "--dry-run"], ["undo", push, "--dry-run"])
    yield ["push", str(tmp_path / "plan.json"), "--yes", "--max-changes", "9"]
    yield ["get", "customer", HOSTILE]
    yield ["plan", f"{HOSTILE}.xlsx"]
    yield ["list", "customers", "--columns", HOSTILE]


def test_no_name_of_an_account_controls_a_terminal(wiz, tmp_path):
    customers, customer, contact = hostile(wiz)
    shown = ""
    for arguments in commands(customers, customer, contact, tmp_path):
        done = run(wiz, *arguments)
        driving = {sign for sign in done.stdout + done.stderr if not sign.isprintable()} - {"\n"}
        assert driving == set(), arguments
        shown += done.stdout
    assert r"\x1b[2J" in shown  # it was there, as text
    assert r"\nrm" in shown


def test_nor_does_one_that_a_plan_or_a_result_prints(wiz):
    customers, customer, _ = hostile(wiz)
    bad = customers.assign(phone=HOSTILE, **{HOSTILE: 1})
    plan = customers.wiz.plan()
    wiz.server.overwrite("customers", customer, payment_term=HOSTILE + "3")
    result = plan.apply(progress=False)
    for shown in (bad.wiz.plan(), plan, result):
        assert {sign for sign in repr(shown) if not sign.isprintable()} == {"\n"}
    assert r"n\x1b[2J" in repr(plan)
    assert "1 conflict" in repr(result)
    with pytest.raises(wizframe.errors.PlanProblemsError) as refused:
        bad.wiz.plan().apply()
    assert str(refused.value).isprintable()


def test_nothing_of_an_account_is_taken_for_markup(wiz, capsys, monkeypatch):
    customer = load(wiz)["id"][0]
    wiz.server.overwrite("customers", customer, company_name="[bold red]Big[/] :smile: [link=file:///etc]")
    done = run(wiz, "get", "customer", customer)
    assert "[bold red]Big[/] :smile: [link=file:///etc]" in done.stdout
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", wizframe.SANDBOX_API_KEY)
    assert main(["list", "customers", "--base-url", wiz.base_url]) == 0
    assert "[bold red]Big[/] :smile:" in capsys.readouterr().out
