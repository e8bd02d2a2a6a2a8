"""The tables of docs/contract.md: how each dialect spells fields and parameters, from the table of fields."""

from wizframe.fields import ADDRESS, CONTACT, CUSTOMER, LIST_PARAMETERS, MAX_PAGE_SIZE


def names_table():
    fields = {field.name: field for table in (CUSTOMER, CONTACT, ADDRESS) for field in table.fields}
    rows = [(name, _spelt(field, "rest"), _spelt(field, "sdk")) for name, field in fields.items()]
    plain = [f"`{name}`" for name, rest, sdk in rows if rest == sdk == f"`{name}`"]
    lines = ["| in wizframe | `rest` | `sdk` |", "|---|---|---|"]
    lines += [f"| `{name}` | {rest} | {sdk} |" for name, rest, sdk in rows if f"`{name}`" not in plain]
    return "\n".join([*lines, "", f"The same in both dialects: {', '.join(plain)}."])


def _spelt(field, dialect):
    reads = field.read_names()
    read = reads[0] if dialect == "rest" else reads[-1]
    written = {operation: field.write_name(dialect, operation) for operation in ("create", "update")}
    if not (field.create or field.update) or set(written.values()) == {read}:
        return f"`{read}`"
    if written["create"] == written["update"]:
        return f"read `{read}`, written `{written['update']}`"
    return f"created `{written['create']}`, updated `{written['update']}`"


def parameters_table():
    lines = ["| in wizframe, and `rest` | `sdk` | customers | contacts |", "|---|---|---|---|"]
    for parameter in LIST_PARAMETERS.values():
        sdk = f"`{parameter.sdk_name}`" if parameter.sdk_name else "– (applied after reading)"
        allowed = [_allowed(parameter, table) for table in ("customers", "contacts")]
        lines.append(f"| `{parameter.name}` | {sdk} | {' | '.join(allowed)} |")
    return "\n".join(lines)


def _allowed(parameter, table):
    if table not in parameter.values:
        return "–"
    if parameter.name == "page_size":
        return f"1 to {MAX_PAGE_SIZE}"
    words = {
        "count": "from 1",
        "references": "references, joined by commas",
        "time": "UTC time, such as `2026-01-31T09:00:00Z`",
    }
    return ", ".join(f"`{value}`" for value in parameter.values[table]) or words[parameter.kind]
