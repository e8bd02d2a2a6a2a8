"""The filters of a load as widgets. Their values are the arguments of the load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from wizframe.api.validation import check_parameters, moment
from wizframe.errors import InvalidRequestError
from wizframe.fields import LIST_PARAMETERS, MAX_PAGE_SIZE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from wizframe.fields import Table

__all__ = ["Filters"]

_LABELS = {
    "created_at": "created",
    "updated_at": "last changed",
    "company_name": "company name",
    "display_name": "display name",
    "asc": "ascending (oldest or A first)",
    "desc": "descending (newest or Z first)",
}
_TIMES = [name for name, parameter in LIST_PARAMETERS.items() if parameter.kind == "time"]
_STYLE = {"description_width": "108px"}  # fits the longest label, "Updated before"
_DAY_STARTS = "A day starts at 00:00 UTC."
_MAX_ROWS = 10_000_000  # more rows do not fit into memory, and the widget needs a limit


class Filters:
    """The widgets for a load's filters; ``changed`` is called without arguments when one of them changes."""

    def __init__(self, table: Table, changed: Callable[[], None]) -> None:
        self._table = table
        self._fields = _fields(table)
        for field in self._fields.values():
            field.widget.observe(lambda _change: changed(), "value")
        self.root = widgets.HBox(
            [field.widget for field in self._fields.values()], layout={"overflow": "visible"}
        ).add_class("wizframe-filters")

    @property
    def value(self) -> dict[str, Any]:
        """The arguments of the load that differ from its defaults, as strings, numbers and lists."""
        return {name: field.value for name, field in self._fields.items() if field.value is not None}

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        self._check(value)
        for name, field in self._fields.items():
            field.value = value.get(name)

    def _check(self, value: Mapping[str, Any]) -> None:
        """Raise an error for arguments that the load would reject, before any widget is changed."""
        unknown = sorted(value.keys() - self._fields.keys())
        if unknown:
            raise InvalidRequestError(
                f"a picker of {self._table.name} does not have the filter {', '.join(unknown)}"
                f" (allowed: {', '.join(self._fields)})"
            )
        listed = {name: value[name] for name in value.keys() & LIST_PARAMETERS.keys() - {"reference_ids"}}
        check_parameters(listed, self._table)
        for name in value.keys() - LIST_PARAMETERS.keys() | value.keys() & {"reference_ids"}:
            self._fields[name].check(value[name])


def _fields(table: Table) -> dict[str, Any]:
    """Make a widget for each parameter of a table's load. Those that belong together are next to each other."""
    fields: dict[str, Any] = {"status": _Choice("Status", "active and inactive", STATUSES)}
    if table.has_details:
        fields["details"] = _Flag(
            "Details too", f"Load addresses, sales reps and price list, too: one more request for each {table.singular}"
        )
    fields |= {name: _Day(name) for name in _TIMES}
    orders = LIST_PARAMETERS["sort_by"].values[table.name]
    if table.parent:  # such records are loaded parent by parent, and sorted afterwards on request
        fields["sort_by"] = _Choice("Order by", f"same order as the {table.parent.name}", orders)
    else:
        fields["sort_by"] = _Choice("Order by", _LABELS[orders[0]], orders[1:])
    fields["sort"] = _Choice("Direction", _LABELS["asc"], ["desc"])
    if not table.parent:
        fields["limit"] = _Count("limit", "Row limit", 0, _MAX_ROWS, "0 means no limit")
        fields["page_size"] = _Count("page_size", "Page size", MAX_PAGE_SIZE, MAX_PAGE_SIZE, "Records in one request")
    if table.name in LIST_PARAMETERS["reference_ids"].values:
        fields["reference_ids"] = _References()
    return fields


class _Choice:
    """A choice between values; the first one is the load's default."""

    def __init__(self, label: str, default: str, values: Iterable[str]) -> None:
        self._values = tuple(values)
        # The value for the default is an empty string, because ipywidgets shows an empty field for None.
        options = [(default, ""), *((_LABELS.get(value, value), value) for value in self._values)]
        self.widget = widgets.Dropdown(options=options, description=label, style=_STYLE)

    @property
    def value(self) -> str | None:
        return self.widget.value or None

    @value.setter
    def value(self, value: str | None) -> None:
        self.widget.value = value if value in self._values else ""  # the default may also be given by its name


class _Day:
    """A day as the limit of a time. An exact time is kept until the user chooses another day."""

    def __init__(self, name: str) -> None:
        self._label = name.replace("_", " ").capitalize()
        self._exact: tuple[date, str] | None = None
        tooltip = f"Records of exactly this time are left out. {_DAY_STARTS}"
        self.widget = widgets.DatePicker(description=self._label, tooltip=tooltip, style=_STYLE)
        self.widget.observe(lambda _change: self._show_exactness(), "value")

    @property
    def value(self) -> str | None:
        day = self.widget.value
        if day is None:
            return None
        return self._exact[1] if self._exact and self._exact[0] == day else day.isoformat()

    @value.setter
    def value(self, value: Any) -> None:
        instant = None if value is None else moment(value)
        self._exact = None
        if instant is not None and instant.time() != instant.min.time():
            self._exact = instant.date(), instant.isoformat().replace("+00:00", "Z")
        self.widget.value = None if instant is None else instant.date()
        self._show_exactness()

    def _show_exactness(self) -> None:
        is_exact = self._exact and self._exact[0] == self.widget.value
        self.widget.description = f"{self._label} …" if is_exact else self._label
        self.widget.tooltip = f"Exactly {self._exact[1]}" if is_exact and self._exact else _DAY_STARTS


class _Count:
    """A whole number; the first value of the widget is the load's default."""

    def __init__(self, name: str, label: str, default: int, largest: int, tooltip: str) -> None:
        self._name, self._default = name, default
        self.widget = widgets.BoundedIntText(
            default, min=min(default, 1), max=largest, description=label, tooltip=tooltip, style=_STYLE
        )

    def check(self, value: Any) -> None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidRequestError(f"{self._name}={value!r} is not a whole number of at least 1")

    @property
    def value(self) -> int | None:
        return None if self.widget.value == self._default else self.widget.value

    @value.setter
    def value(self, value: int | None) -> None:
        self.widget.value = self._default if value is None else value


class _Flag:
    """A box to tick: True or False."""

    def __init__(self, label: str, tooltip: str) -> None:
        self.widget = widgets.Checkbox(description=label, tooltip=tooltip, style=_STYLE)

    def check(self, value: Any) -> None:
        if value not in (None, True, False):
            raise InvalidRequestError(f"details={value!r} is not valid (allowed: True, False)")

    @property
    def value(self) -> bool | None:
        return self.widget.value or None

    @value.setter
    def value(self, value: bool | None) -> None:
        self.widget.value = bool(value)


class _References:
    """References, one per line, so that the user can paste a column of a spreadsheet. One line may hold several."""

    def __init__(self) -> None:
        self._given: tuple[str, list[str]] = ("", [])
        self.widget = widgets.Textarea(
            description="References", placeholder="one per line; you can paste a column", rows=3, style=_STYLE
        )

    def check(self, value: Any) -> None:
        texts = [value] if isinstance(value, str) else value
        if value is not None and not (
            isinstance(texts, (list, tuple)) and all(isinstance(t, str) and t for t in texts)
        ):
            raise InvalidRequestError(f"reference_ids={value!r} is not a list of strings")

    @property
    def value(self) -> list[str] | None:
        text, given = self._given
        if self.widget.value == text:  # unchanged; a given reference may contain characters that a line cannot show
            return list(given) or None
        lines = self.widget.value.split("\n")
        if len(lines) == 1:
            lines = re.split(r"[,;\t]", lines[0])
        return list(dict.fromkeys(filter(None, map(str.strip, lines)))) or None

    @value.setter
    def value(self, value: str | Sequence[str] | None) -> None:
        texts = [value] if isinstance(value, str) else list(value or ())
        # Every reference ends with a line break, even a single one, because a reference may contain a comma.
        self._given = ("".join(f"{text}\n" for text in texts), texts)
        self.widget.value = self._given[0]
