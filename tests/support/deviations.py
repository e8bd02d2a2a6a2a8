"""The tables of deviations, from their declaration and from the matrix."""

from __future__ import annotations

from support.known_wrong import KNOWN_WRONG
from support.matrix import AFFECTED

from wizframe.server.deviations import DEVIATIONS, KINDS

#: What wizframe does about each kind.
HANDLED = {
    "updates that change more": (
        "wizframe compares the whole record. The row is not *done*, and names the fields that changed. Your cells "
        "stay in the frame."
    ),
    "deletes that keep the record": (
        "wizframe reads the record after the delete. If it is inactive, the row is *done*, “set to inactive”. If "
        "it still exists, the row is *failed* or *unknown*."
    ),
    "updates that show something else": (
        "wizframe reads the record again, at once and after the settle period, before it says that a value was "
        "not stored."
    ),
    "values in another form": (
        "The row is *done*, “stored as …”. The frame shows the stored value, and the next plan is empty."
    ),
    "creates that return something else": (
        "A row counts as created only if its reference is found with the content that was sent. No other record's "
        "id gets into the frame."
    ),
    "the status filter": "If both lists have the same records, the load gives a warning, and the status is blank.",
    "the reference filter": (
        "wizframe tests the filter before it relies on it. If the filter does not work, it reads all customers. "
        "It names the references that were not found."
    ),
    "totals and sizes of pages": (
        "wizframe believes a total only if the rows confirm it. The load reads on to the first empty page."
    ),
    "ends of lists": "After a page with records, wizframe reads each of these responses as the end of the list.",
    "types of values": (
        "wizframe converts values to the type of their field, and sends whole records back in the documented "
        "form. Rows with a time that cannot be read stay in the frame."
    ),
    "ids of contacts": "wizframe identifies a contact by its customer's id and its own id.",
    "the order of lists": "The load is complete, or it gives a warning and returns the rows.",
    "fields that are refused": (
        "wizframe leaves out the fields that the service names, and sends the request once more, unless you "
        "edited these fields."
    ),
    "errors with status 200": (
        "wizframe shows the service's own message, without the key, and suggests to check the key and the base URL."
    ),
    "other status codes": (
        "wizframe repeats reads. The outcome of a write is unknown until wizframe looks it up. A delete with "
        "status 410 is *done*."
    ),
    "exact numbers": "wizframe sends the number back unchanged.",
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
    lines = [
        "| kind | what the service does, for example | what wizframe does | tested operations |",
        "|---|---|---|---|",
    ]
    for kind in KINDS:
        known = [f"`{one.name}`: {KNOWN_WRONG[one.name][1]}" for one in _switches(kind) if one.name in KNOWN_WRONG]
        wrong = f" **Not yet right:** {'; '.join(known)}." if known else ""
        said = " ".join(switch.says for switch in _switches(kind)[:2])
        lines.append(f"| {kind} | {said} | {HANDLED[kind]}{wrong} | {AFFECTED[kind].replace(' ', ', ')} |")
    return "\n".join(lines)
