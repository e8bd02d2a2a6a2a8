"""The judge of the matrix finds each kind of untrue claim, and accepts true ones."""

import re

import pandas as pd
import pytest
from support.claims import Claim, Stored, wrong_claims, wrong_rows

BEFORE = {
    "c1": {"reference_id": "R1", "payment_term": "net30", "email": "a@x.com", "status": "active"},
    "c2": {"reference_id": "R2", "payment_term": "net30", "email": "b@x.com", "status": "active"},
}
NEW = {"reference_id": "N", "payment_term": "net7", "email": None, "status": "active"}


class Server:
    """Stored customers, as a sandbox lists them."""

    dialect = "rest"

    def __init__(self, customers):
        self._customers = customers

    def records(self, table):
        return [{"id": key, **record} for key, record in self._customers.items()] if table == "customers" else []


def stored(customers):
    return Stored(Server(customers), lambda _, identifier: identifier)


def with_changes(**changed):
    """Give what is stored after some changes; a record that is None is gone."""
    merged = BEFORE | {key: BEFORE.get(key, {}) | (values or {}) for key, values in changed.items()}
    return {key: record for key, record in merged.items() if changed.get(key, record) is not None}


def claim(action, state, said="", **cells):
    identifier, reference = (None, "N") if action == "create" else ("c1", "R1")
    return Claim("customers", action, identifier, None, reference, cells, state, said, identifier or "c9")


UPDATE = {"payment_term": "net60"}
TRUE = [
    (claim("update", "done", **UPDATE), with_changes(c1=UPDATE)),
    (claim("update", "done", said="stored as NET60", **UPDATE), with_changes(c1={"payment_term": "NET60"})),
    (claim("update", "failed", **UPDATE), with_changes()),
    (claim("update", "unknown", **UPDATE), with_changes(c1=UPDATE)),
    (claim("update", "done", said="email also changed", **UPDATE), with_changes(c1=UPDATE | {"email": "n@x.com"})),
    (claim("delete", "done"), with_changes(c1=None)),
    (claim("delete", "done", said="set to inactive"), with_changes(c1={"status": "inactive"})),
    (claim("create", "done", **NEW), with_changes(c9=NEW)),
    (claim("create", "conflict", said="stored as c9", **NEW), with_changes(c9=NEW)),
]
FALSE = [
    (claim("update", "done", **UPDATE), with_changes(), "it has"),
    (claim("update", "done", **UPDATE), with_changes(c1=UPDATE | {"email": None}), "'email'. changed, too"),
    (claim("update", "failed", **UPDATE), with_changes(c1=UPDATE), "undo does not offer it"),
    (claim("update", "done", **UPDATE), with_changes(c1=UPDATE, c2={"email": None}), "no row says so"),
    (claim("update", "done", **UPDATE), with_changes(c1=UPDATE, c2=None), "was deleted, and no row"),
    (claim("update", "done", **UPDATE), with_changes(c1=UPDATE, c9=NEW), "was created, and no row"),
    (claim("delete", "done"), with_changes(), "it exists"),
    (claim("delete", "done"), with_changes(c1={"status": "inactive"}), "it exists"),
    (claim("delete", "failed"), with_changes(c1=None), "it is gone"),
    (claim("create", "done", **NEW), with_changes(), "no new record"),
    (claim("create", "done", **NEW), with_changes(c9=NEW | {"payment_term": "x"}), "it has"),
    (claim("create", "done", **NEW), with_changes(c8=NEW), "its id is c8"),
    (claim("create", "failed", **NEW), with_changes(c9=NEW), "does not name it"),
    (claim("create", "done", **NEW), with_changes(c9=NEW, c8=NEW), "2 records"),
]


@pytest.mark.parametrize(("said", "after"), TRUE)
def test_a_true_claim_is_accepted(said, after):
    assert wrong_claims(stored(BEFORE), stored(after), [said]) == []


@pytest.mark.parametrize(("said", "after", "found"), FALSE)
def test_an_untrue_claim_is_found(said, after, found):
    assert [line for line in wrong_claims(stored(BEFORE), stored(after), [said]) if re.search(found, line)] != []


def test_what_undo_offers_may_be_called_failed():
    assert (
        wrong_claims(stored(BEFORE), stored(with_changes(c1=UPDATE)), [claim("update", "failed", **UPDATE)], {"c1"})
        == []
    )


def test_rows_that_are_missing_doubled_foreign_or_different_are_found():
    frame = pd.DataFrame([{"id": key, **record} for key, record in BEFORE.items()])
    assert wrong_rows(stored(BEFORE), frame, "customers", warned=[]) == []
    doubled = pd.concat([frame, frame.head(1)])
    different = frame.assign(email="c@x.com")
    for wrong in (frame.head(1), doubled, frame.assign(id=["c1", "c3"]), different):
        assert wrong_rows(stored(BEFORE), wrong, "customers", warned=[]) != []
    assert wrong_rows(stored(BEFORE), frame.head(1), "customers", warned=["it may be incomplete"]) == []
