# Every number that is compared with a chance is a share of the data. A name for each number would say less.
# ruff: noqa: PLR2004
"""The generated data: a plausible wholesale account, with the few percent of errors that real accounts have.

The same seed generates the same records on every day, because the history always ends at `_UNTIL`.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from wizframe.server.countries import COUNTRIES
from wizframe.server.lookup_data import ATTRIBUTES, PRICE_LISTS, SALES_REPS
from wizframe.server.resources import ADDRESSES, CONTACTS, CUSTOMERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wizframe.server.countries import Country
    from wizframe.server.resources import Record
    from wizframe.server.store import Store

__all__ = ["Generator", "seed_store"]

# The end of the history. It is fixed, so that the same seed generates the same records on every day.
_UNTIL = dt.datetime(2026, 6, 30, 17, 0, tzinfo=dt.UTC)
# Three years.
_SPAN_S = 3 * 365 * 86_400
_START_S = int(_UNTIL.timestamp()) - _SPAN_S
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# Some groups of twelve customers were created in the same second, as by an import: loads must handle equal times.
_IMPORT_SIZE = 12

# Contacts are kept in memory until their customers are stored; 5,000 customers have about 11,000 contacts.
_CHUNK = 5_000

# A value is repeated according to its weight: a choice by index costs a tenth of a weighted choice, and there are
# millions of choices.
_TERMS = ["net30"] * 9 + ["net15"] * 3 + ["net45"] * 3 + ["net60"] * 4 + ["prepaid"] * 3 + ["due_on_receipt", "Net 30"]
_MODES = ["credit"] * 6 + ["card"] * 6 + ["ach"] * 3 + ["wire"] * 2 + ["check"] * 2
_SHIPPING = ["standard"] * 8 + ["ups_ground"] * 4 + ["fedex_ground"] * 3 + ["ltl_freight"] * 3 + ["express", "pickup"]
_FREIGHT = ["prepaid"] * 6 + ["collect"] * 3 + ["third_party"] * 2 + ["prepaid_and_add"] * 2
_TITLES = ["Owner"] * 2 + ["Buyer"] * 2
_TITLES += ["Head Buyer", "Purchasing Manager", "Store Manager", "Accounts Payable"]
_TITLES += ["Visual Merchandiser", "Creative Director", "Warehouse Supervisor", "Office Manager"]
_DEPARTMENTS = ["Purchasing"] * 4 + ["Accounting"] * 2 + ["Store"] * 2 + ["Logistics", "Visual", "", None]
_STORE_TYPES = ATTRIBUTES["Store type", "customer"]["options"]
_SHOWS = ["Maison d'Été 2025", "Harbor Home Show 2024", "Gift & Living Fall 2025", "Nordic Rooms 2026"]
_TLDS = ["com"] * 6 + ["net", "org"]
_CONTACT_COUNTS = [1] * 8 + [2] * 6 + [3] * 3 + [4] * 2 + [5]
# Real accounts contain values that a write would refuse, so a client must be able to load such values.
_BAD_PHONES = ["555-0100", "(415) 555-0123", "n/a", "+1 415 555 0199", "0049 30 555 01"]
_BAD_EMAILS = ["info@", "see notes", "buyer.example.com", "orders@example,com"]
_SHARED_EMAILS = ["office@holding.example.com", "purchasing@group.example.org"]
_MAILBOXES = ["hello"] * 4 + ["info"] * 3 + ["orders"] * 3 + ["office", "buying", "shop"]
_SECOND_LINES = ["Suite 200", "2nd floor", "c/o Warehouse 4", "Dock B", "Attn: Receiving"]
_SHIPPING_COUNTS = [0] * 7 + [1] * 11 + [2, 2]
_NEWSLETTER = '[{"name":"Newsletter","value":true}]'
# Canadian postal codes do not have D, F, I, O, Q and U.
_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"
_DIGITS = "0123456789"
_REP_IDS = list(SALES_REPS)
_PRICE_LIST_IDS = ["plist_123456"] * 6 + list(PRICE_LISTS)

_T = TypeVar("_T")


def seed_store(store: Store, customers: int, seed: int) -> None:
    """Fill an empty store with customers and their contacts."""
    generator = Generator(customers, seed)
    with store.writing():
        for first in range(1, customers + 1, _CHUNK):
            numbers = range(first, min(first + _CHUNK, customers + 1))
            contacts: list[tuple[Any, ...]] = []
            store.load("customers", generator.customers(numbers, contacts))
            store.load("contacts", contacts)
    store.loaded()


class Generator:
    """Generate customers and contacts one after the other. `total` customers cover the whole history."""

    def __init__(self, total: int, seed: int) -> None:
        self._chance = random.Random(seed).random  # noqa: S311 - nothing here is secret
        self._total = total
        self._contacts = 0
        self._created_s = _START_S
        self._countries = [country for country in COUNTRIES for _ in range(country.weight)]

    def customers(self, numbers: range, contacts: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of some customers, and add the rows of their contacts to the list."""
        for number in numbers:
            customer = self._customer(number)
            people = self._people(customer)
            contacts += [tuple(person[column] for column in CONTACTS.columns) for person in people]
            customer |= {name: people[0][name] for name in ("first_name", "last_name")}
            yield tuple(customer[column] for column in CUSTOMERS.columns)

    def _pick(self, choices: Sequence[_T]) -> _T:
        return choices[int(self._chance() * len(choices))]

    # ------------------------------------------------------------------ a customer

    def _customer(self, number: int) -> Record:
        country = self._pick(self._countries)
        shop, latin_shop = self._pick(country.shops)
        city = self._pick(country.cities)
        created, updated = self._times(number)
        domain = f"{latin_shop or f'shop{number}-{city[3]}'}.example.{self._pick(_TLDS)}"
        return {
            "id": CUSTOMERS.record_id(number),
            "reference_id": self._reference(number, country),
            "display_id": f"C{number:05d}",
            "company_name": self._company_name(shop, country),
            "display_name": shop if self._chance() < 0.993 else f"{shop} ",
            "phone": self._phone(country),
            "email": self._mailbox(domain),
            "status": "active" if self._chance() < 0.92 else "inactive",
            "freight_term": self._pick(_FREIGHT) if self._chance() < 0.9 else self._blank(),
            "shipping_method": self._pick(_SHIPPING) if self._chance() < 0.95 else self._blank(),
            "payment_mode": self._pick(_MODES) if self._chance() < 0.97 else self._blank(),
            "payment_term": self._pick(_TERMS) if self._chance() < 0.97 else self._blank(),
            "assigned_sales_rep_ids": _json(self._sales_rep_ids(country)),
            "assigned_price_list_id": self._pick(_PRICE_LIST_IDS) if self._chance() < 0.75 else self._blank(),
            "created_at": created,
            "updated_at": updated,
            "addresses": _json(self._addresses(number, country, city, created)),
            "attributes": _json(self._attributes()),
            "country": country,
            "domain": domain,
        }

    def _times(self, number: int) -> tuple[str, str]:
        """Return when a customer was created and updated; creation times never decrease, and some are equal."""
        is_imported = number // _IMPORT_SIZE % 9 == 4
        position = number - number % _IMPORT_SIZE if is_imported else number + self._chance()
        created_s = _START_S + int(_SPAN_S * (position - 1) / (self._total + 1))
        self._created_s = created_s = max(self._created_s, created_s)
        later_s = int((_START_S + _SPAN_S - created_s) * self._chance()) if self._chance() < 0.7 else 0
        return _time(created_s), _time(created_s + later_s)

    def _reference(self, number: int, country: Country) -> str:
        kind = self._chance()
        if kind < 0.68:
            return f"CUST{number:05d}"
        if kind < 0.97:
            return f"{1_000_000 + number:010d}"
        # These contain characters that need care in a path, in a parameter, and in the comma-separated `reference_ids`.
        return self._pick((f"{country.code}/{number:05d}", f"CUST {number:05d}", f"CUST{number:05d},B"))

    def _company_name(self, shop: str, country: Country) -> str:
        name = self._pick(country.companies).replace("~", shop)
        return name if self._chance() < 0.99 else name.replace(" ", "  ", 1)

    def _phone(self, country: Country) -> str | None:
        kind = self._chance()
        if kind < 0.90:
            return f"{self._pick(country.dialing)}{int(self._chance() * 10_000):04d}"
        return self._pick(_BAD_PHONES) if kind < 0.915 else self._blank()

    def _mailbox(self, domain: str) -> str | None:
        kind = self._chance()
        if kind < 0.94:
            return f"{self._pick(_MAILBOXES)}@{domain}"
        if kind < 0.965:
            return self._pick(_SHARED_EMAILS) if kind < 0.955 else self._pick(_BAD_EMAILS)
        return self._blank()

    def _blank(self) -> str | None:
        # There are two kinds of blank: a value that was never set, and a value that was cleared.
        return "" if self._chance() < 0.5 else None

    def _sales_rep_ids(self, country: Country) -> list[str]:
        # Most customers of a country have the same rep.
        reps = [_REP_IDS[(ord(country.code[0]) + ord(country.code[1])) % len(_REP_IDS)]]
        if self._chance() < 0.15:
            reps = sorted({*reps, self._pick(_REP_IDS)})
        return reps if self._chance() < 0.85 else []

    def _attributes(self) -> list[Record]:
        found: Record = {}
        if self._chance() < 0.6:
            found["Store type"] = self._pick(_STORE_TYPES)
        if self._chance() < 0.3:
            found["Stores"] = 1 + int(self._chance() ** 3 * 30)
        if self._chance() < 0.1:
            found["Industry"] = "Retail"
        if self._chance() < 0.08:
            found["Tax exempt"] = True
        if self._chance() < 0.05:
            found["Trade show"] = self._pick(_SHOWS)
        return [{"name": name, "value": value} for name, value in found.items()]

    # ------------------------------------------------------------------ addresses

    def _addresses(self, number: int, country: Country, city: list[str], created: str) -> list[Record]:
        types = ["billing"] + ["shipping"] * self._pick(_SHIPPING_COUNTS)
        return [
            # Eight row numbers per customer, so that no two customers share an id.
            self._address(number * 8 + index, type_, country, city if index < 2 else self._pick(country.cities))
            | {"is_default": index < 2, "created_at": created, "updated_at": created}
            for index, type_ in enumerate(types)
        ]

    def _address(self, row: int, type_: str, country: Country, city: list[str]) -> Record:
        return {
            "id": ADDRESSES.record_id(row),
            "reference_id": f"ADDR{row % 8 + 1:03d}",
            "first_name": "",
            "last_name": "",
            "phone": "",
            "email": "",
            "address_line_1": self._pick(country.streets).replace("#", str(1 + int(self._chance() * 240))),
            "address_line_2": self._pick(_SECOND_LINES) if self._chance() < 0.1 else "",
            "city": city[0],
            "state": city[1],
            "country": country.code if self._chance() < 0.97 else "",
            "zip_code": self._zip_code(city[2]),
            "type": type_,
            "status": "active",
            "attributes": [],
        }

    def _zip_code(self, pattern: str) -> str:
        for _ in range(pattern.count("#")):
            pattern = pattern.replace("#", _DIGITS[int(self._chance() * 10)], 1)
        for _ in range(pattern.count("@")):
            pattern = pattern.replace("@", self._pick(_LETTERS), 1)
        return pattern

    # ------------------------------------------------------------------ contacts

    def _people(self, customer: Record) -> list[Record]:
        count = self._pick(_CONTACT_COUNTS)
        people = [self._person(customer, position) for position in range(1, count + 1)]
        oddity = self._chance()
        people[0]["is_default"] = oddity < 0.97
        if oddity < 0.02 and count > 1:
            people[1]["is_default"] = True
        return people

    def _person(self, customer: Record, position: int) -> Record:
        country: Country = customer["country"]
        self._contacts += 1
        first, first_slug = self._pick(country.given_names)
        last, last_slug = self._pick(country.family_names)
        # References of contacts are unique only within a customer, and many companies begin with 1 for each customer.
        reference = f"CONT{position:03d}" if self._chance() < 0.4 else f"CONT-{self._contacts:06d}"
        return {
            "id": CONTACTS.record_id(self._contacts),
            "customer_id": customer["id"],
            "reference_id": reference,
            "first_name": first,
            "last_name": last if self._chance() < 0.97 else self._blank(),
            "email": self._personal_email(f"{first_slug}.{last_slug}".strip("."), position, customer["domain"]),
            "phone": self._phone(country),
            "designation": self._pick(_TITLES) if self._chance() < 0.92 else self._blank(),
            "department": self._pick(_DEPARTMENTS),
            "is_default": False,
            "status": "active" if position == 1 or self._chance() < 0.9 else "inactive",
            "attributes": "[]" if self._chance() < 0.96 else _NEWSLETTER,
            "created_at": customer["created_at"],
            "updated_at": customer["updated_at"] if self._chance() < 0.5 else customer["created_at"],
        }

    def _personal_email(self, person: str, position: int, domain: str) -> str | None:
        kind = self._chance()
        if kind < 0.975:
            return f"{person}@{domain}" if position < 3 else f"{person}{position}@{domain}"
        if kind < 0.99:
            return self._pick(_SHARED_EMAILS) if kind < 0.985 else self._pick(_BAD_EMAILS)
        return self._blank()


def _time(seconds: int) -> str:
    return f"{(_EPOCH + dt.timedelta(seconds=seconds)).isoformat()[:19]}Z"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
