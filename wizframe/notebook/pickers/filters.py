"""The filters of a load as widgets, and back as the arguments of that load."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from wizframe.api.validation import check_parameters, moment
from wizframe.errors import InvalidRequestError
from wizframe.fields import CUSTOMER, LIST_PARAMETERS, MAX_PAGE_SIZE, STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from wizframe.fields import Table

__all__ = ["Filters"]

_WORDS = {
    "created_at": "created",
    "updated_at": "last changed",
    "company_name": "company name",
    "display_name": "display name",
    "asc": "oldest, or A, first",
    "desc": "newest, or Z, first",
}
_TIMES = [name for name, parameter in LIST_PARAMETERS.items() if parameter.kind == "time"]
_LABEL = {"description_width": "108px"}


class Filters:
    """What is to be loaded.

    Parameters
    ----------
    table : Table
        Customers have references, details and limits; contacts have none of them.
    changed : callable
        Called without arguments when something was chosen.

    Attributes
    ----------
    root : ipywidgets.Box
    """

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
        """The arguments of the load that are not its defaults: texts, numbers and lists."""
        return {name: field.value for name, field in self._fields.items() if field.value is not None}

    @value.setter
    def value(self, value: Mapping[str, Any]) -> None:
        self._check(value)
        for name, field in self._fields.items():
            field.value = value.get(name)

    def _check(self, value: Mapping[str, Any]) -> None:
        """Refuse what the load would refuse, before any widget is changed."""
        unknown = sorted(value.keys() - self._fields.keys())
        if unknown:
            known = ", ".join(self._fields)
            raise InvalidRequestError(f"a picker of {self._table.name} has no {', '.join(unknown)}; it has {known}")
        listed = {name: value[name] for name in value.keys() & LIST_PARAMETERS.keys() - {"reference_ids"}}
        check_parameters(listed, self._table)
        for name in value.keys() - LIST_PARAMETERS.keys() | value.keys() & {"reference_ids"}:
            self._fields[name].check(value[name])


def _fields(table: Table) -> dict[str, Any]:
    """Make a field for each parameter that the load of a table has, in pairs that belong together."""
    is_customers = table is CUSTOMER
    fields: dict[str, Any] = {"status": _Choice("Status", "active and inactive", STATUSES)}
    if is_customers:
        fields["details"] = _Flag(
            "Details too", "Addresses, sales reps, price list: one more request for each customer"
        )
    fields |= {name: _Day(name) for name in _TIMES}
    orders = LIST_PARAMETERS["sort_by"].values[table.name]
    if is_customers:
        fields["sort_by"] = _Choice("Order by", _WORDS[orders[0]], orders[1:])
    else:
        fields["sort_by"] = _Choice("Order by", "as the customers are", orders)
    fields["sort"] = _Choice("Direction", _WORDS["asc"], ["desc"])
    if is_customers:
        fields["limit"] = _Count("Row limit", 0, 10_000_000, "0: no limit")
        fields["page_size"] = _Count("Page size", MAX_PAGE_SIZE, MAX_PAGE_SIZE, "Records in one request, 1 to 100")
        fields["reference_ids"] = _References()
    return fields


class _Choice:
    """One of some values, the load's default first."""

    def __init__(self, label: str, default: str, values: Iterable[str]) -> None:
        self._values = tuple(values)
        # The default is an empty text: with None as its value, ipywidgets shows that nothing is chosen.
        options = [(default, ""), *((_WORDS.get(value, value), value) for value in self._values)]
        self.widget = widgets.Dropdown(options=options, description=label, style=_LABEL)

    @property
    def value(self) -> str | None:
        return self.widget.value or None

    @value.setter
    def value(self, value: str | None) -> None:
        self.widget.value = value if value in self._values else ""  # the default may be given by its own name


class _Day:
    """A day, from or to which a time is meant; one that was given more exactly stays so until another is chosen."""

    def __init__(self, name: str) -> None:
        self._label = name.replace("_", " ").capitalize()
        self._exact: tuple[date, str] | None = None
        tooltip = "Both ends are excluded; a day begins at 00:00 UTC"
        self.widget = widgets.DatePicker(description=self._label, tooltip=tooltip, style=_LABEL)
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
        self.widget.tooltip = f"Exactly {self._exact[1]}" if is_exact and self._exact else "A day begins at 00:00 UTC"


class _Count:
    """A whole number; its first value is the load's default."""

    def __init__(self, label: str, default: int, largest: int, tooltip: str) -> None:
        self._default, self._label = default, label
        self.widget = widgets.BoundedIntText(
            default, min=min(default, 1), max=largest, description=label, tooltip=tooltip, style=_LABEL
        )

    def check(self, value: Any) -> None:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise InvalidRequestError(f"{self._label.lower()} is {value!r}, but must be a whole number from 1")

    @property
    def value(self) -> int | None:
        return None if self.widget.value == self._default else self.widget.value

    @value.setter
    def value(self, value: int | None) -> None:
        self.widget.value = self._default if value is None else value


class _Flag:
    """Yes or no."""

    def __init__(self, label: str, tooltip: str) -> None:
        self.widget = widgets.Checkbox(description=label, tooltip=tooltip, style=_LABEL)

    def check(self, value: Any) -> None:
        if value not in (None, True, False):
            raise InvalidRequestError(f"details is {value!r}, but must be True or False")

    @property
    def value(self) -> bool | None:
        return self.widget.value or None

    @value.setter
    def value(self, value: bool | None) -> None:
        self.widget.value = bool(value)


class _References:
    """References, one in each line, as a column of a spreadsheet is pasted; a single line may hold several."""

    def __init__(self) -> None:
        self._given: tuple[str, list[str]] = ("", [])
        self.widget = widgets.Textarea(
            description="References", placeholder="paste a column: one in each line", rows=3, style=_LABEL
        )

    def check(self, value: Any) -> None:
        texts = [value] if isinstance(value, str) else value
        if value is not None and not (
            isinstance(texts, (list, tuple)) and all(isinstance(t, str) and t for t in texts)
        ):
            raise InvalidRequestError(f"reference_ids is {value!r}, but must be a list of texts")

    @property
    def value(self) -> list[str] | None:
        text, given = self._given
        if self.widget.value == text:  # as they were given, whatever a line cannot show
            return list(given) or None
        lines = self.widget.value.split("\n")
        if len(lines) == 1:
            lines = re.split(r"[,;\t]", lines[0])
        return list(dict.fromkeys(filter(None, map(str.strip, lines)))) or None

    @value.setter
    def value(self, value: str | Sequence[str] | None) -> None:
        texts = [value] if isinstance(value, str) else list(value or ())
        self._given = ("".join(f"{text}\n" for text in texts), texts)  # in lines: a reference may hold a comma
        self.widget.value = self._given[0]
