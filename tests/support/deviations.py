"""The tables of deviations, from their declaration and from the matrix."""

from __future__ import annotations

from support.known_wrong import KNOWN_WRONG
from support.matrix import AFFECTED

from wizframe.server.deviations import DEVIATIONS, KINDS

#: What wizframe does about each kind.
HANDLED = {
    "updates that change more": (
        "compares the whole record. The row is not *done* and names the fields "
        "that changed; your cells stay in the frame."
    ),
    "deletes that keep the record": (
        "reads the record after the delete. If it is inactive, the row is "
        "*done*, “set to inactive”. If it still exists, the row is *failed* or "
        "*unknown*."
    ),
    "updates that show something else": (
        "reads the record again, at once and after the settle period, before it says that a value was not stored."
    ),
    "values in another form": (
        "the row is *done*, “stored as …”. The frame shows the stored value, and the next plan is empty."
    ),
    "creates that return something else": (
        "a row counts as created only if its reference is found with the "
        "content that was sent. No other record's id gets into the frame."
    ),
    "the status filter": ("if both lists have the same records, the load warns, and the status is blank."),
    "the reference filter": (
        "tests the filter before it relies on it, and otherwise reads all "
        "customers. References that were not found are named."
    ),
    "totals and sizes of pages": (
        "a total is believed only if the rows confirm it. The load reads on to the empty page."
    ),
    "ends of lists": ("after a page with records, each of these responses is the end of the list."),
    "types of values": (
        "reads values as what they mean, and sends whole records back in the "
        "documented form. Rows with a time that cannot be read stay."
    ),
    "ids of contacts": ("identifies a contact by its customer and its id."),
    "the order of lists": ("the load is complete, or warns and returns the rows."),
    "fields that are refused": (
        "leaves out the fields that the service names, and sends the request once more, unless you edited these fields."
    ),
    "errors with status 200": (
        "shows the service's own words, without the key, and suggests to check the key and the base URL."
    ),
    "other status codes": (
        "repeats reads. A write has an unknown outcome until it is looked up. A delete with 410 is *done*."
    ),
    "exact numbers": ("sends the number back unchanged."),
}


def _switches(kind):
    return [switch for switch in DEVIATIONS.values() if switch.kind == kind]


def deviations_table():
    """Write the names of all deviations in Markdown, a table for each kind."""
    parts = []
    for kind in KINDS:
        rows = [f"| `{switch.name}` | {switch.says} |" for switch in _switches(kind)]
        parts.append("\n".join([f"## {kind.capitalize()}", "", "| name | what the service does |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def handled_table():
    """Write what wizframe does about each kind of deviations, and what is known to be wrong, as a table in Markdown."""
    lines = ["| kind | what the service does, for example | what wizframe does | tried with |", "|---|---|---|---|"]
    for kind in KINDS:
        known = [f"`{one.name}`: {KNOWN_WRONG[one.name][1]}" for one in _switches(kind) if one.name in KNOWN_WRONG]
        wrong = f" **Not yet right:** {'; '.join(known)}." if known else ""
        said = " ".join(switch.says for switch in _switches(kind)[:2])
        lines.append(f"| {kind} | {said} | {HANDLED[kind]}{wrong} | {AFFECTED[kind].replace(' ', ', ')} |")
    return "\n".join(lines)
