"""``df.wiz.overview()``: who is in a frame, as one figure and as text. What it counts is counted with plain pandas.

matplotlib (the extra ``plot``) is imported when the figure is first looked at.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import orjson
import pandas as pd

from wizframe.errors import InvalidRequestError, MissingExtraError, to_install
from wizframe.fields import CUSTOMER
from wizframe.frames.baselines import attached
from wizframe.frames.build import is_blank, split_ids
from wizframe.planning.changes import shown
from wizframe.planning.typed_frame import take_in, validate, which_table

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from wizframe.fields import Table

__all__ = ["Overview", "look_over"]

Theme = Literal["light", "dark"]
BLANK = "(blank)"
NOBODY = "nobody"
_DOTS_PER_INCH = 144  # twice what is shown, for screens that show twice as much
_SHOWN = 6
_NO_FIGURE = f"the figure needs the library matplotlib: {to_install('plot')}"


@dataclass(frozen=True, eq=False)
class Overview:
    """Who is in a frame. It shows itself: a figure in a notebook, text elsewhere.

    Parameters
    ----------
    table : Table
    where : str
        The account, and when it was loaded; empty where nobody knows.
    rows : int
    theme : {'light', 'dark'}
        Of the figure.
    status : Series
        Rows by status.
    kinds : Series
        Rows by payment term; of contacts, by job title. Blank is ``(blank)``; the most frequent first.
    months : Series
        Rows by month of creation (UTC), every month from the first to the last.
    owners : Series or None
        Rows by sales rep (a customer of two counts for both); of contacts, customers by how many contacts they have.
        None where the frame does not tell.
    fields : DataFrame
        Column to how many cells are ``missing`` and how many ``invalid``, the worst first; columns in which all is well
        are left out.
    """

    table: Table
    where: str
    rows: int
    theme: Theme = field(repr=False)
    status: pd.Series[Any]
    kinds: pd.Series[Any]
    months: pd.Series[Any]
    owners: pd.Series[Any] | None
    fields: pd.DataFrame

    @property
    def title(self) -> str:
        """Such as ``500 customers``."""
        return f"{self.rows:,} {self.table.name if self.rows != 1 else self.table.singular}"

    @property
    def kind_name(self) -> str:
        """What ``kinds`` are, for people."""
        return "Payment term" if self.table is CUSTOMER else "Job title"

    @property
    def owner_name(self) -> str:
        """What ``owners`` are, for people."""
        return "Sales rep" if self.table is CUSTOMER else "Contacts of a customer"

    @cached_property
    def figure(self) -> Any:
        """The figure.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        try:
            from wizframe.notebook.overview_figure import draw  # noqa: PLC0415 - imports matplotlib
        except ImportError:
            raise MissingExtraError(_NO_FIGURE) from None
        return draw(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure to a file; its ending says in which format.

        Parameters
        ----------
        path : path-like
            Such as ``overview.png``, ``.svg`` or ``.pdf``.

        Raises
        ------
        MissingExtraError
        """
        self.figure.savefig(path, dpi=_DOTS_PER_INCH)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]] | None:
        if find_spec("matplotlib") is None:  # the text says what is missing
            return None
        content = io.BytesIO()
        self.figure.savefig(content, format="png", dpi=_DOTS_PER_INCH)
        return content.getvalue(), {"width": round(self.figure.get_figwidth() * 72)}

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.title}{f' of {self.where}' if self.where else ''}"
        yield from _line("Status", self.status)
        yield from _line(self.kind_name, self.kinds)
        if len(self.months):
            busiest = self.months.idxmax()
            between = f"{self.months.index[0]} to {self.months.index[-1]}"
            yield f"  Created: {between}, most in {busiest} ({self.months.max():,})"
        if self.owners is not None:
            yield from _line(self.owner_name, self.owners)
        for name, row in self.fields.head(_SHOWN).iterrows():
            invalid = f", {row['invalid']:,} invalid" if row["invalid"] else ""
            yield f"  {name}: {row['missing']:,} missing{invalid}"
        if find_spec("matplotlib") is None:
            yield f"  ({_NO_FIGURE})"


def look_over(frame: pd.DataFrame, *, theme: Theme = "light") -> Overview:
    """Count who is in a frame.

    Parameters
    ----------
    frame : DataFrame
        Customers or contacts.
    theme : {'light', 'dark'}, default 'light'

    Returns
    -------
    Overview

    Raises
    ------
    InvalidRequestError
        There is no such theme.
    PlanError
        Nothing tells whether it holds customers or contacts.
    """
    if theme not in ("light", "dark"):
        raise InvalidRequestError(f"theme={theme!r}: allowed are 'light' and 'dark'")
    own = attached(frame)
    table = which_table(frame, None, own)
    typed = take_in(frame, table).typed
    where = f"{own.account}, loaded {own.loaded_at:%Y-%m-%d %H:%M} UTC" if own else ""
    return Overview(
        table,
        where,
        len(frame),
        theme,
        status=_counts(typed, "status"),
        kinds=_counts(typed, "payment_term" if table is CUSTOMER else "designation"),
        months=_months(typed),
        owners=_owners(typed, table),
        fields=_fields(typed, table, validate(frame)),
    )


def _counts(typed: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in typed:
        return pd.Series(dtype=int)
    counts = Counter(BLANK if is_blank(value) else shown(value) for value in typed[name])
    return pd.Series(dict(counts.most_common()), dtype=int)


def _months(typed: pd.DataFrame) -> pd.Series[Any]:
    times = typed["created_at"].dropna() if "created_at" in typed else pd.Series(dtype="datetime64[us, UTC]")
    if times.empty:
        return pd.Series(dtype=int)
    months = times.dt.tz_localize(None).dt.to_period("M")
    counted = months.value_counts()
    every: pd.Series[Any] = counted.reindex(pd.period_range(months.min(), months.max(), freq="M"), fill_value=0)
    return every


def _owners(typed: pd.DataFrame, table: Table) -> pd.Series[Any] | None:
    if table is not CUSTOMER:
        if "customer_id" not in typed:
            return None
        sizes = typed["customer_id"].value_counts().value_counts().sort_index()
        return sizes.set_axis([str(size) for size in sizes.index])
    named = [name for name in ("assigned_sales_reps", "assigned_sales_rep_ids") if name in typed]
    if not named:
        return None
    read = _rep_names if named[0] == "assigned_sales_reps" else split_ids
    counts = Counter(name for value in typed[named[0]] for name in ((not is_blank(value) and read(value)) or [NOBODY]))
    return pd.Series(dict(counts.most_common()), dtype=int)


def _rep_names(text: str) -> list[str]:
    """Name the sales reps in either document's form."""
    try:
        reps = orjson.loads(text)
        return [_rep_name(rep) for rep in reps]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return [shown(text)]


def _rep_name(rep: Any) -> str:
    parts = [rep.get("name")] if rep.get("name") else [rep.get("first_name"), rep.get("last_name")]
    return shown(" ".join(str(part) for part in parts if part) or str(rep.get("id") or "?"))


def _fields(typed: pd.DataFrame, table: Table, problems: pd.DataFrame) -> pd.DataFrame:
    """Count what is missing and what is invalid, column by column; a blank cell that is required is missing."""
    names = [
        name for name in table.columns(details=True) if name in typed and table[name].kind in ("text", "ids", "flag")
    ]
    missing = typed[names].isna().sum().astype(int)
    pairs = zip(problems["column"], problems["value"], strict=True)
    wrong = Counter(name for name, value in pairs if not is_blank(value))
    found = pd.DataFrame({"missing": missing, "invalid": [wrong[name] for name in names]}, index=names)
    found = found[(found["missing"] > 0) | (found["invalid"] > 0)]
    worst = (found["missing"] + found["invalid"]).sort_values(ascending=False, kind="stable")
    return found.loc[worst.index]


def _line(name: str, counts: pd.Series[Any]) -> Iterator[str]:
    if counts.empty:
        return
    said = ", ".join(f"{label} {count:,}" for label, count in counts.head(_SHOWN).items())
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    yield f"  {name}: {said}{more}"
