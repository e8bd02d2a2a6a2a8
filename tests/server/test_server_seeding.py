from __future__ import annotations

import re
from collections import Counter

import pytest

from wizframe.server import SandboxServer
from wizframe.server.lookup_data import PRICE_LISTS, SALES_REPS
from wizframe.server.resources import E164, EMAIL

CUSTOMERS = 2000


@pytest.fixture(scope="module")
def truth():
    with SandboxServer(customers=CUSTOMERS) as server:
        return {table: server.records(table) for table in ("customers", "contacts")}


def seeded(**options):
    with SandboxServer(customers=30, **options) as server:
        return server.records("customers") + server.records("contacts")


def share(records, predicate):
    return sum(map(predicate, records)) / len(records)


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data():
    assert seeded(seed=7) == seeded(seed=7, dialect="sdk")
    assert seeded(seed=7) != seeded(seed=8)


def test_ids_and_references_are_unique(truth):
    for table in truth.values():
        assert len({record["id"] for record in table}) == len(table)
    assert len({record["reference_id"] for record in truth["customers"]}) == CUSTOMERS
    pairs = Counter((record["customer_id"], record["reference_id"]) for record in truth["contacts"])
    assert set(pairs.values()) == {1}
    addresses = [address["id"] for record in truth["customers"] for address in record["addresses"]]
    assert len(set(addresses)) == len(addresses)


def test_creation_times_never_decrease_and_some_are_equal(truth):
    times = [record["created_at"] for record in truth["customers"]]
    assert times == sorted(times)
    assert 10 < max(Counter(times).values()) < 50
    assert all(record["created_at"] <= record["updated_at"] for table in truth.values() for record in table)
    assert times[0][:4] == "2023"


def test_most_customers_are_active_and_all_have_one_to_five_contacts(truth):
    assert 0.05 < share(truth["customers"], lambda record: record["status"] == "inactive") < 0.11
    counts = Counter(record["customer_id"] for record in truth["contacts"])
    assert set(counts) == {record["id"] for record in truth["customers"]}
    assert set(counts.values()) == {1, 2, 3, 4, 5}


def test_nearly_every_customer_has_exactly_one_default_contact(truth):
    defaults = Counter(record["customer_id"] for record in truth["contacts"] if record["is_default"])
    numbers = Counter(defaults[record["id"]] for record in truth["customers"])
    assert set(numbers) == {0, 1, 2}
    assert numbers[1] > 0.95 * CUSTOMERS


@pytest.mark.parametrize(("column", "pattern"), [("phone", E164.pattern), ("email", EMAIL.pattern)])
def test_a_few_percent_are_blank_in_each_form_and_fewer_are_invalid(truth, column, pattern):
    values = [record[column] for record in truth["customers"]]
    assert 0.005 < share(values, lambda value: value is None) < 0.07
    assert 0.005 < share(values, lambda value: value == "") < 0.07
    assert 0.001 < share(values, lambda value: bool(value) and not pattern.fullmatch(value)) < 0.03


def test_some_mailboxes_are_shared_and_all_are_under_example_domains(truth):
    emails = [record["email"] for table in truth.values() for record in table if record["email"]]
    assert 3 < Counter(emails)["office@holding.example.com"] < 0.03 * len(emails)
    valid = [email for email in emails if EMAIL.pattern.fullmatch(email)]
    assert all(re.search(r"[@.]example\.(com|org|net)$|^buyer\.", email) for email in valid)


def test_references_look_like_several_systems(truth):
    references = [record["reference_id"] for record in truth["customers"]]
    assert share(references, lambda reference: bool(re.fullmatch(r"CUST\d{5}", reference))) > 0.6
    assert share(references, lambda reference: bool(re.fullmatch(r"000\d{7}", reference))) > 0.2
    for character in ",/ ":
        assert any(character in reference for reference in references)


def test_names_come_in_many_scripts(truth):
    text = "".join(record["company_name"] for record in truth["customers"])
    for letter in "éüßåłñかΑбي":
        assert any(abs(ord(letter) - ord(character)) < 40 for character in text), letter
    assert any("  " in record["company_name"] for record in truth["customers"])


def test_assignments_exist_in_the_account(truth):
    for record in truth["customers"]:
        assert set(record["assigned_sales_rep_ids"]) <= set(SALES_REPS)
        assert (record["assigned_price_list_id"] or "plist_123456") in PRICE_LISTS


def test_every_address_fits_the_rules(truth):
    addresses = [address for record in truth["customers"] for address in record["addresses"]]
    assert all(address["city"] and len(address["city"]) <= 50 and len(address["state"]) <= 50 for address in addresses)
    assert {address["type"] for address in addresses} == {"billing", "shipping"}
    assert not any(set(address["zip_code"]) & set("#@") for address in addresses)
