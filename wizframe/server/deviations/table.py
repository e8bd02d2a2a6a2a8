"""The deviations of the sandbox, each with its name, its kind, and a sentence about what the service does."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from wizframe.server.deviations import creates, deletes, lists, records, refusals, updates, values
from wizframe.server.http_messages import Response
from wizframe.server.resources import CONTACTS, CUSTOMERS
from wizframe.server.routes import READS, WRITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wizframe.server.deviations.points import Deviation

__all__ = ["DEVIATIONS", "KINDS", "Switch", "chosen"]


@dataclass(frozen=True)
class Switch:
    """A named deviation.

    Parameters
    ----------
    name : str
        The name to pass to ``sandbox(deviations=[…])``.
    kind : str
        The subject of the deviation, one of ``KINDS``.
    says : str
        What the service does.
    make : callable
        A function that returns the deviation for one server.
    """

    name: str
    kind: str
    says: str
    make: Callable[[], Deviation] = field(repr=False, compare=False)


def _of(kind: str, *switches: tuple[str, str, Callable[[], Deviation]]) -> tuple[Switch, ...]:
    return tuple(Switch(name, kind, says, make) for name, says, make in switches)


_TIMES = ("created_at", "updated_at")
_SUCCESS_FALSE = {"success": False, "message": "the record has open orders and cannot be deleted"}

_SWITCHES = (
    *_of(
        "updates that change more",
        (
            "patch_replaces",
            "A PATCH of a customer clears all fields that the request does not contain.",
            partial(updates.PatchChangesMore, updates.replaced),
        ),
        (
            "patch_clears_lists",
            "A PATCH of a customer clears addresses, sales reps and attributes if the request does not contain them.",
            partial(updates.PatchChangesMore, updates.lists_cleared),
        ),
        (
            "patch_applies_defaults",
            "A PATCH of a customer sets payment mode and freight term to a default if they are not in the request.",
            partial(updates.PatchChangesMore, updates.defaults),
        ),
        (
            "patch_ignores_body_spelling",
            "A PATCH of a customer ignores fields with names of several words, but responds as if it stored them.",
            partial(updates.SpelledOtherwise, CUSTOMERS),
        ),
        (
            "put_ignores_body_spelling",
            "A PUT of a contact ignores fields with names of several words, and so clears them.",
            partial(updates.SpelledOtherwise, CONTACTS),
        ),
        (
            "put_clears_siblings",
            "A PUT of a contact clears the default flag of the customer's other contacts.",
            updates.SiblingsLoseDefault,
        ),
    ),
    *_of(
        "deletes that keep the record",
        (
            "delete_sets_inactive",
            "A delete sets the record to inactive, and responds with 204.",
            deletes.DeleteSetsInactive,
        ),
        ("delete_does_nothing", "A delete responds with 204 and does nothing.", partial(deletes.DeleteKeeps, 204)),
        (
            "delete_accepted_only",
            "A delete responds with 202 and does nothing.",
            partial(deletes.DeleteKeeps, 202, {"status": "accepted"}),
        ),
        (
            "delete_says_success_false",
            "A delete responds with 200, success: false and the reason, and does nothing.",
            partial(deletes.DeleteKeeps, 200, _SUCCESS_FALSE),
        ),
        (
            "delete_late",
            "A delete responds with 202 and takes effect 0.2 seconds later.",
            partial(updates.LateWrite, ".delete"),
        ),
    ),
    *_of(
        "updates that show something else",
        (
            "update_returns_old_record",
            "An update responds with the record as it was before.",
            partial(updates.UpdateAnswers, lambda before, response, _: Response(response.status, before.body)),
        ),
        (
            "update_returns_sent_fields",
            "An update responds with only the fields that the request contains.",
            partial(updates.UpdateAnswers, updates.sent_fields),
        ),
        (
            "update_answers_202",
            "An update takes effect, and responds with 202 without the record.",
            partial(updates.UpdateAnswers, lambda *_: Response(202, b'{"status":"accepted"}')),
        ),
        (
            "update_answers_204",
            "An update takes effect, and responds with 204.",
            partial(updates.UpdateAnswers, lambda *_: Response(204)),
        ),
        (
            "update_answers_empty_object",
            "An update takes effect, and responds with {}.",
            partial(updates.UpdateAnswers, lambda *_: Response(200, b"{}")),
        ),
        (
            "update_late",
            "An update responds with 202 and takes effect 0.2 seconds later.",
            partial(updates.LateWrite, ".update"),
        ),
        (
            "reads_lag",
            "Records and lists show a write after 0.2 seconds.",
            partial(updates.LaggingReads, "get", "list"),
        ),
        ("lists_lag", "Lists show a write after 0.2 seconds.", partial(updates.LaggingReads, "list")),
    ),
    *_of(
        "values in another form",
        (
            "trims_text",
            "The service removes spaces at the start and end of texts.",
            partial(values.Rewritten, values.trimmed),
        ),
        (
            "collapses_spaces",
            "The service replaces several spaces in a text by one space.",
            partial(values.Rewritten, values.collapsed),
        ),
        (
            "composes_unicode",
            "The service stores each letter and its accent as one character (Unicode NFC).",
            partial(values.Rewritten, values.composed),
        ),
        (
            "lowercases_email",
            "E-mail addresses are stored in lower case.",
            partial(values.Rewritten, values.lowercased, "email"),
        ),
        ("formats_phone", "Phone numbers are stored with spaces and brackets.", values.FormattedPhones),
        (
            "uppercases_reference",
            "References are stored in upper case.",
            partial(values.Rewritten, values.uppercased, "reference_id"),
        ),
        (
            "escapes_html",
            "The service stores `&amp;` instead of `&`, and other characters of HTML in the same way.",
            partial(values.Rewritten, values.escaped),
        ),
        (
            "truncates_names",
            "The service cuts off names and job titles after 12 characters.",
            partial(values.Rewritten, values.truncated, "company_name", "display_name", "last_name", "designation"),
        ),
    ),
    *_of(
        "creates that return something else",
        (
            "create_returns_existing_by_email",
            "If a record has the same e-mail address, a create creates nothing and responds with that record.",
            partial(creates.CreateFindsExisting, "email", updates=False),
        ),
        (
            "create_updates_existing_by_email",
            "If a record has the same e-mail address, a create updates that record.",
            partial(creates.CreateFindsExisting, "email", updates=True),
        ),
        (
            "create_updates_existing",
            "If a record has the same reference, a create updates that record instead of responding with 409.",
            partial(creates.CreateFindsExisting, "reference_id", updates=True),
        ),
        (
            "create_other_reference",
            "A create stores another reference than the one in the request.",
            creates.OtherReference,
        ),
        ("create_other_id", "A create responds with an id that no record has.", creates.OtherId),
        (
            "create_answers_202",
            "A create takes effect, and responds with 202 without the record.",
            partial(creates.CreateAnswers, 202, {"status": "accepted"}),
        ),
        (
            "create_answers_empty_object",
            "A create takes effect, and responds with {}.",
            partial(creates.CreateAnswers, 201, {}),
        ),
        (
            "create_late",
            "A create responds with 202 and takes effect 0.2 seconds later.",
            partial(updates.LateWrite, ".create"),
        ),
    ),
    *_of(
        "the status filter",
        (
            "ignores_status_filter",
            "Lists ignore the status, and show active and inactive records.",
            partial(lists.OtherSelection, lists.all_statuses),
        ),
        (
            "lists_active_only",
            "Lists show only active records, and ignore the requested status.",
            partial(lists.OtherSelection, lists.always_active),
        ),
    ),
    *_of(
        "the reference filter",
        (
            "ignores_reference_filter",
            "Lists ignore the references.",
            partial(lists.OtherSelection, lists.any_reference),
        ),
        (
            "reference_filter_one_text",
            "Lists read several references as one reference that contains commas.",
            partial(lists.OtherSelection, lists.one_text),
        ),
        (
            "reference_filter_active_only",
            "Lists find references among active records only.",
            partial(lists.OtherSelection, lists.only_active_references),
        ),
        (
            "reference_filter_ignores_case",
            "Lists also find references that differ in upper and lower case.",
            partial(lists.OtherSelection, lists.any_case),
        ),
        (
            "reference_filter_finds_parts",
            "Lists also find references that contain one of the requested references.",
            partial(lists.OtherSelection, lists.parts_of_references),
        ),
    ),
    *_of(
        "totals and sizes of pages",
        ("total_zero", "The total of a list is 0.", partial(lists.Totals, lambda *_: 0)),
        (
            "total_stale",
            "The total of a list is a tenth too small.",
            partial(lists.Totals, lambda total, _: total * 9 // 10),
        ),
        (
            "total_estimated",
            "The total of a list is rounded up to hundreds.",
            partial(lists.Totals, lambda total, _: -(-total // 100) * 100),
        ),
        (
            "total_of_page",
            "The total of a list is the number of records on the page.",
            partial(lists.Totals, lambda _, rows: rows),
        ),
        (
            "total_text",
            "The total of a list is a text, not a number.",
            partial(lists.Totals, lambda total, _: total, is_text=True),
        ),
        ("total_missing", "A list has no total.", partial(lists.Totals, lambda *_: None)),
        ("page_size_cap_50", "Pages have at most 50 records.", partial(lists.PageSizeCap, 50)),
        (
            "page_size_422_above_50",
            "A request for a page of more than 50 records is refused with 422.",
            partial(lists.PageSizeLimit, 50),
        ),
    ),
    *_of(
        "ends of lists",
        *(
            (
                f"end_{status}",
                f"A request for a page after the last page gets {status}.",
                partial(lists.EndOfList, status),
            )
            for status in (404, 422, 400, 204)
        ),
        (
            "end_last_page_again",
            "A request for a page after the last page gets the last page again.",
            partial(lists.EndOfList, 200),
        ),
    ),
    *_of(
        "types of values",
        ("ids_integer", "Ids are integers.", records.IntegerIds),
        (
            "ids_big_integer",
            "Ids are integers above 2^53.",
            partial(records.IntegerIds, offset=1 << 60),
        ),
        ("numbers_for_text", "A text that consists of digits is sent as a number.", records.NumbersForTexts),
        ("flags_0_1", "Flags are sent as 0 and 1.", partial(records.Shown, int, "is_default")),
        (
            "flags_text",
            'Flags are sent as "true" and "false".',
            partial(records.Shown, lambda flag: str(flag).lower(), "is_default"),
        ),
        (
            "status_uppercase",
            "The status is sent as ACTIVE or INACTIVE.",
            partial(records.Shown, str.upper, "status"),
        ),
        ("times_epoch_s", "Times are sent as seconds since 1970.", partial(records.Shown, records.epoch_s, *_TIMES)),
        (
            "times_epoch_ms",
            "Times are sent as milliseconds since 1970.",
            partial(records.Shown, records.epoch_ms, *_TIMES),
        ),
        (
            "times_go_zero",
            "All times are 0001-01-01T00:00:00Z, Go's zero time.",
            partial(records.Shown, lambda _: "0001-01-01T00:00:00Z", *_TIMES),
        ),
        (
            "times_9999",
            "All times are 9999-12-31T23:59:59-05:00, which is the year 10000 in UTC.",
            partial(records.Shown, lambda _: "9999-12-31T23:59:59-05:00", *_TIMES),
        ),
        (
            "times_without_zone",
            "Times are sent as 2025-01-31 12:00:00, without a zone.",
            partial(records.Shown, lambda time: time.replace("T", " ").rstrip("Z"), *_TIMES),
        ),
        (
            "times_unreadable",
            "Times are sent as words.",
            partial(records.Shown, lambda _: "a while ago", *_TIMES),
        ),
    ),
    *_of(
        "ids of contacts",
        (
            "contact_ids_per_customer",
            "Contacts are numbered within their customer, so that many contacts have the id 1.",
            records.ContactIdsPerCustomer,
        ),
    ),
    *_of(
        "the order of lists",
        (
            "ignores_order",
            "Lists are ordered by id, and ignore the requested order.",
            partial(lists.IgnoredOrder, "id"),
        ),
        (
            "ignores_order_column",
            "Lists are ordered by the time of the last change, and ignore the requested column.",
            partial(lists.IgnoredOrder, "updated_at", has_direction=True),
        ),
        ("repeats_pages", "Lists send each page twice.", lists.PagesTwice),
        (
            "one_creation_time",
            "All records have the same creation time.",
            records.OneCreationTime,
        ),
    ),
    *_of(
        "fields that are refused",
        (
            "put_refuses_own_fields",
            "Contacts have a field that the service refuses in a PUT.",
            refusals.OwnFieldRefused,
        ),
        (
            "put_refuses_null",
            "The service refuses null in a write, although its records contain null.",
            refusals.NullsRefused,
        ),
        (
            "refuses_unknown_fields",
            "The service refuses a write with a field that the documents do not name.",
            refusals.UnknownFieldsRefused,
        ),
    ),
    *_of(
        "errors with status 200",
        ("errors_with_200", "Errors have the status 200 and their usual body.", refusals.ErrorsAsSuccess),
        (
            "errors_say_success_false",
            "Errors have the status 200 and a body with success: false.",
            partial(refusals.ErrorsAsSuccess, has_flag=True),
        ),
        (
            "login_page_with_200",
            "Every request gets a login page and the status 200.",
            partial(refusals.LoginPage, for_reads=True),
        ),
        (
            "login_page_for_writes",
            "Every write gets a login page and the status 200, and has no effect.",
            partial(refusals.LoginPage, for_reads=False),
        ),
    ),
    *_of(
        "other status codes",
        (
            "read_408",
            "Each read gets 408 once.",
            partial(refusals.OncePerRequest, 408, READS),
        ),
        (
            "read_425",
            "Each read gets 425 once.",
            partial(refusals.OncePerRequest, 425, READS),
        ),
        (
            "write_408",
            "Each write gets 408 once, and has no effect then.",
            partial(refusals.OncePerRequest, 408, WRITES),
        ),
        (
            "write_499",
            "Each write gets 499 once, but takes effect.",
            partial(refusals.OncePerRequest, 499, WRITES, is_applied=True),
        ),
        ("delete_410", "A delete takes effect, and responds with 410.", deletes.DeleteAnswers),
        ("gone_410", "A record that does not exist gets 410.", deletes.Gone),
    ),
    *_of(
        "exact numbers",
        (
            "big_integers_in_attributes",
            "An attribute of each record is an integer above 2^64.",
            partial(records.ExactNumbers, "98765432109876543210987"),
        ),
        (
            "exact_decimals_in_attributes",
            "An attribute of each record is a decimal number that no float can hold.",
            partial(records.ExactNumbers, "12345678901234567.25"),
        ),
    ),
)

#: Every deviation by its name, in the order in which they are applied: the last one alters a response last.
DEVIATIONS = {switch.name: switch for switch in _SWITCHES}
KINDS = tuple(dict.fromkeys(switch.kind for switch in _SWITCHES))


def chosen(names: Iterable[str]) -> tuple[Switch, ...]:
    """Return the named deviations in the order of the table; raise ValueError with similar names for unknown ones."""
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in DEVIATIONS:
            close = difflib.get_close_matches(str(name), DEVIATIONS, n=3, cutoff=0.4)
            meant = f": did you mean {' or '.join(close)}?" if close else ""
            raise ValueError(f"unknown deviation {name!r}{meant}")
    return tuple(switch for name, switch in DEVIATIONS.items() if name in wanted)
