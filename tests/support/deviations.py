"""The tables of deviations, from their declaration."""

from __future__ import annotations

from wizframe.server.deviations import DEVIATIONS, KINDS


def deviations_table():
    """Write the names of all deviations in Markdown, a table for each kind."""
    parts = []
    for kind in KINDS:
        rows = [f"| `{switch.name}` | {switch.says} |" for switch in DEVIATIONS.values() if switch.kind == kind]
        parts.append("\n".join([f"## {kind.capitalize()}", "", "| name | what the service does |", "|---|---|", *rows]))
    return "\n\n".join(parts)
