"""``df.wiz.overview()``: a summary of a frame, as one figure and as text. The numbers are counted with plain pandas.

matplotlib (the extra ``plot``) is imported when the figure is first used.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import orjson
import pandas as pd

from wizframe.arguments import FRAME, TEXT, checked
from wizframe.errors import InvalidRequestError, MissingExtraError, to_install
from wizframe.frames.baselines import attached
from wizframe.frames.build import is_blank, split_ids
from wizframe.planning.changes import shown
from wizframe.planning.table_choice import which_table
from wizframe.planning.typed_frame import type_frame, validate

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from wizframe.fields import Table

    _Place = tuple[float, float]
    _Box = tuple[float, float, float, float]

__all__ = ["BLANK", "NONE", "Overview", "overview"]

Theme = Literal["light", "dark"]
BLANK = "(blank)"
NONE = "(none)"  # customers without a sales rep
#: Columns that divide a table's records into groups, with their titles. The first one that the table has is counted.
_KINDS = {"payment_term": "Payment term", "designation": "Job title", "type": "Type", "status": "Status"}
_NO_FIGURE = f"the figure needs the library matplotlib: {to_install('plot')}"
_DOTS_PER_INCH = 144  # twice the resolution of a notebook, for screens with two dots per pixel
_TEXT_ITEMS = 6  # the number of values in one line of the text


@dataclass(frozen=True, eq=False)
class Overview:
    """A summary of a frame. It shows itself as a figure in a notebook, and as text elsewhere.

    Parameters
    ----------
    table : Table
    where : str
        The account and the time of the load; empty if the frame was not loaded.
    rows : int
    theme : {'light', 'dark'}
        The colours of the figure.
    status : Series
        Rows by status.
    kinds : Series
        Rows by payment term, or by job title for contacts. Blank is ``(blank)``; the most frequent comes first.
    months : Series
        Rows by month of creation (UTC): every month from the first to the last.
    owners : Series or None
        For customers: rows by sales rep. A customer with two reps counts for both; ``(none)`` counts customers without
        a rep. For contacts: the number of customers by their number of contacts. None if the frame lacks these columns.
    fields : DataFrame
        The ``missing`` and ``invalid`` cells of each column, the worst column first. Columns without any are left out.
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
        """The title, such as ``500 customers``."""
        return f"{self.rows:,} {self.table.name if self.rows != 1 else self.table.singular}"

    @property
    def kind_name(self) -> str:
        """The title of the panel ``kinds``."""
        return _KINDS[_kind_column(self.table)]

    @property
    def owner_name(self) -> str:
        """The title of the panel ``owners``."""
        parent = self.table.parent
        return f"{self.table.name.capitalize()} per {parent.singular}" if parent else "Sales rep"

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
            return _draw(self)
        except ImportError:
            raise MissingExtraError(_NO_FIGURE) from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure to a file. The ending of the path sets the format.

        Parameters
        ----------
        path : path-like
            Such as ``overview.png``, ``.svg`` or ``.pdf``.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        self.figure.savefig(path, dpi=_DOTS_PER_INCH)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]] | None:
        if find_spec("matplotlib") is None:  # the text then says how to install it
            return None
        content = io.BytesIO()
        self.figure.savefig(content, format="png", dpi=_DOTS_PER_INCH)
        return content.getvalue(), {"width": round(self.figure.get_figwidth() * _DOTS_PER_INCH / 2)}

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.title}{f' of {self.where}' if self.where else ''}"
        yield from _line("Status", self.status)
        yield from _line(self.kind_name, self.kinds)
        if len(self.months):
            first, most, last = self.months.index[0], self.months.idxmax(), self.months.index[-1]
            yield f"  Created: {first} to {last}, most in {most} ({self.months.max():,})"
        if self.owners is not None:
            yield from _line(self.owner_name, self.owners)
        for name, row in self.fields.head(_TEXT_ITEMS).iterrows():
            invalid = f", {row['invalid']:,} invalid" if row["invalid"] else ""
            yield f"  {name}: {row['missing']:,} missing{invalid}"
        if find_spec("matplotlib") is None:
            yield f"  ({_NO_FIGURE})"


@checked(frame=FRAME, theme=TEXT)
def overview(frame: pd.DataFrame, *, theme: Theme = "light") -> Overview:
    """Return the summary of a frame."""
    if theme not in ("light", "dark"):
        raise InvalidRequestError(f"theme={theme!r} is not a theme (allowed: 'light', 'dark')")
    own = attached(frame)
    table = which_table(frame, None, own)
    typed = type_frame(frame, table).cells
    return Overview(
        table,
        f"{own.account}, loaded {own.loaded_at:%Y-%m-%d %H:%M} UTC" if own else "",
        len(frame),
        theme,
        status=_counts(typed, "status"),
        kinds=_counts(typed, _kind_column(table)),
        months=_months(typed),
        owners=_children_per_parent(typed, table.parent_id) if table.parent else _reps(typed),
        fields=_fields(typed, table, validate(frame)),
    )


def _kind_column(table: Table) -> str:
    return next(name for name in _KINDS if name in table)


def _counts(typed: pd.DataFrame, name: str) -> pd.Series[Any]:
    counts = Counter(BLANK if is_blank(value) else shown(value) for value in typed.get(name, ()))
    return pd.Series(dict(counts.most_common()), dtype=int)


def _months(typed: pd.DataFrame) -> pd.Series[Any]:
    times = typed["created_at"].dropna() if "created_at" in typed else pd.Series(dtype="datetime64[us, UTC]")
    if times.empty:
        return pd.Series(dtype=int)
    months = times.dt.tz_localize(None).dt.to_period("M")
    every = pd.period_range(months.min(), months.max(), freq="M")
    counted: pd.Series[Any] = months.value_counts().reindex(every, fill_value=0)
    return counted


def _children_per_parent(typed: pd.DataFrame, parent_id: str) -> pd.Series[Any] | None:
    if parent_id not in typed:
        return None
    sizes = typed[parent_id].value_counts().value_counts().sort_index()
    return sizes.set_axis([str(size) for size in sizes.index])


def _reps(typed: pd.DataFrame) -> pd.Series[Any] | None:
    readers = {"assigned_sales_reps": _rep_names, "assigned_sales_rep_ids": split_ids}
    column = next((name for name in readers if name in typed), None)
    if column is None:
        return None
    reps = ((not is_blank(value) and readers[column](value)) or [NONE] for value in typed[column])
    return pd.Series(dict(Counter(name for names in reps for name in names).most_common()), dtype=int)


def _rep_names(text: str) -> list[str]:
    """Return the names of sales reps; the two vendor documents write them in different forms."""
    try:
        return [_rep_name(rep) for rep in orjson.loads(text)]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return [shown(text)]


def _rep_name(rep: Any) -> str:
    parts = [rep.get("name")] if rep.get("name") else [rep.get("first_name"), rep.get("last_name")]
    return shown(" ".join(str(part) for part in parts if part) or str(rep.get("id") or "?"))


def _fields(typed: pd.DataFrame, table: Table, problems: pd.DataFrame) -> pd.DataFrame:
    """Count the missing and invalid cells of each column. A blank cell counts as missing only in a required field."""
    names = [
        name for name in table.columns(details=True) if name in typed and table[name].kind in ("text", "ids", "flag")
    ]
    missing = typed[names].isna().sum().astype(int)
    cells = zip(problems["column"], problems["value"], strict=True)
    invalid = Counter(name for name, value in cells if not is_blank(value))
    counts = pd.DataFrame({"missing": missing, "invalid": [invalid[name] for name in names]}, index=names)
    total = counts.sum(axis="columns")
    return counts.loc[total[total > 0].sort_values(ascending=False, kind="stable").index]


def _line(name: str, counts: pd.Series[Any]) -> Iterator[str]:
    if counts.empty:
        return
    items = ", ".join(f"{label} {count:,}" for label, count in counts.head(_TEXT_ITEMS).items())
    more = f" and {len(counts) - _TEXT_ITEMS} more" if len(counts) > _TEXT_ITEMS else ""
    yield f"  {name}: {items}{more}"


# The figure has a title, one bar for the status, and four panels. Positions are fractions of its width and height.
_SIZE_IN = (11, 7.2)
_LEFT, _MIDDLE, _UPPER, _LOWER = 0.03, 0.53, 0.405, 0.045
_LABELS, _WIDTH, _HEIGHT = 0.145, 0.44, 0.25
# The most values with a bar of their own; one more bar counts all other values.
_BARS = 8
_MIN_ROWS = 6  # a panel has room for at least this many bars, because two bars that fill it look like blocks
_MAX_MONTHS = 120  # with more months the bars are too thin, so the panel shows years
# The most characters of a label, and its font size in points.
_MAX_LABEL, _LABEL_SIZE = 40, 9.5
_NO_REPS = "not loaded: use details=True to load the sales reps"
#: Font families for scripts that most fonts do not contain. Those that are installed are used.
_FAMILIES = (
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Hiragino Sans", "Yu Gothic",
    "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Hebrew", "Arial Unicode MS",
)  # fmt: skip


class _Palette(NamedTuple):
    paper: str
    ink: str
    quiet: str
    line: str
    bar: str
    blank: str
    wrong: str


_PALETTES = {
    "light": _Palette("#ffffff", "#1c2430", "#5b6675", "#d9dee5", "#3568c9", "#b9c1cc", "#c8372d"),
    "dark": _Palette("#15181d", "#e8ebf0", "#a3adba", "#333a44", "#7aa5ff", "#59626e", "#ff8a80"),
}


def _draw(overview: Overview) -> Any:
    chart = _Chart(_PALETTES[overview.theme], "not in this frame" if overview.rows else "no rows")
    chart.write(_LEFT, 0.94, overview.title, size=19, weight="bold")
    chart.write(_LEFT, 0.902, overview.where, colour=chart.colours.quiet, size=10)
    chart.draw_status((_LEFT, 0.775, 0.97 - _LEFT, 0.045), overview.status, overview.rows)
    owners, parent = overview.owners, overview.table.parent
    total = overview.rows if owners is None or not parent else int(owners.sum())
    chart.draw_bars((_LEFT, _UPPER), overview.kind_name, overview.kinds, overview.rows)
    chart.draw_months((_MIDDLE, _UPPER), overview.months)
    chart.draw_bars((_LEFT, _LOWER), overview.owner_name, owners, total, "" if parent else _NO_REPS)
    chart.draw_fields((_MIDDLE, _LOWER), overview.fields, overview.rows)
    return chart.figure


class _Chart:
    """Draws the parts of the figure in the colours of one theme. A part without numbers shows the text ``empty``."""

    def __init__(self, colours: _Palette, empty: str) -> None:
        from matplotlib import font_manager  # noqa: PLC0415 - optional
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - optional
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional

        self.figure = Figure(figsize=_SIZE_IN, facecolor=colours.paper, layout=None)
        self.colours = colours
        self._empty = empty
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()  # type: ignore[no-untyped-call]
        installed = set(font_manager.get_font_names())
        self._fonts = [family for family in _FAMILIES if family in installed] or ["sans-serif"]
        paths = map(font_manager.findfont, self._fonts)
        self._characters = frozenset[int]().union(*(font_manager.get_font(path).get_charmap() for path in paths))

    def write(self, x: float, y: float, text: str, *, on: Any = None, colour: str = "", **options: Any) -> None:
        """Write a string literally: a dollar sign does not start a formula."""
        (on or self.figure).text(
            x,
            y,
            self._drawable(text),
            color=colour or self.colours.ink,
            family=self._fonts,
            parse_math=False,
            **options,
        )

    def draw_status(self, box: _Box, counts: pd.Series[Any], rows: int) -> None:
        """Draw one bar that is divided by status, with a legend below it."""
        axes = self._axes(box, "Status", box[0], box[1] + box[3] + 0.012)
        colours = {"active": self.colours.bar, "inactive": self.colours.blank}
        start = 0
        for number, (label, count) in enumerate(counts.items()):
            colour = colours.get(str(label), self.colours.wrong)
            axes.barh(0, count, left=start, height=0.8, color=colour)
            words = f"{label}  {count:,}  ({_percent(count, rows)})"
            self.write(0.25 * number + 0.014, -0.3, words, on=axes, size=10, transform=axes.transAxes, va="top")
            axes.plot(0.25 * number + 0.005, -0.57, "s", color=colour, transform=axes.transAxes, clip_on=False, ms=7)
            start += count
        axes.set_xlim(0, max(rows, 1))
        axes.set_axis_off()
        if counts.empty:
            self.write(box[0], box[1] + 0.02, self._empty, colour=self.colours.quiet, size=10)

    def draw_bars(
        self, place: _Place, title: str, counts: pd.Series[Any] | None, total: int, unknown: str = ""
    ) -> None:
        """Draw a bar for each of the most frequent values, and one for all others."""
        axes = self._panel(place, title)
        if counts is None or counts.empty:
            self._say(place, axes, unknown if counts is None and unknown else self._empty)
            return
        shown = counts if len(counts) <= _BARS + 1 else counts.head(_BARS)  # a single other value has its own bar
        others = f"{len(counts) - len(shown):,} others"
        if len(shown) < len(counts):
            shown = pd.concat([shown, pd.Series({others: counts.iloc[_BARS:].sum()})])
        blank = {BLANK, NONE, others}
        colours = [self.colours.blank if label in blank else self.colours.bar for label in shown.index]
        axes.barh(range(len(shown)), shown.to_numpy(), height=0.68, color=colours)
        self._label_rows(axes, list(map(str, shown.index)))
        for at, count in enumerate(shown):
            self._write_after(axes, at, count, f"{count:,}  {_percent(count, total)}")
        axes.set_xlim(0, shown.max() * 1.35)

    def draw_months(self, place: _Place, counts: pd.Series[Any]) -> None:
        """Draw a bar for each month, or for each year if there are too many months."""
        is_by_month = len(counts) <= _MAX_MONTHS
        axes = self._panel(place, "Created, by month" if is_by_month else "Created, by year", labels=0.04)
        if counts.empty:
            self._say(place, axes, self._empty)
            return
        if not is_by_month:
            counts = counts.groupby(counts.index.astype(str).str[:4]).sum()
        axes.bar(range(len(counts)), counts.to_numpy(), width=0.82, color=self.colours.bar)
        years = [str(label)[:4] for label in counts.index]
        firsts = [at for at, year in enumerate(years) if at == 0 or years[at - 1] != year]
        step = -(-len(firsts) // 8)  # eight labels of years fit below the panel
        axes.set_xticks(firsts[::step], [years[at] for at in firsts[::step]], color=self.colours.quiet, size=9)
        axes.locator_params(axis="y", nbins=4, integer=True)
        axes.tick_params(axis="y", colors=self.colours.quiet, labelsize=9, length=0)
        axes.grid(axis="y", color=self.colours.line, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_ylim(0, max(counts.max() * 1.2, 1))
        most = int(counts.to_numpy().argmax())
        words = f"{counts.index[most]}: {counts.iloc[most]:,}"
        side = "left" if most < len(counts) / 2 else "right"
        self.write(most, counts.iloc[most] + counts.max() * 0.04, words, on=axes, size=9, ha=side)

    def draw_fields(self, place: _Place, fields: pd.DataFrame, rows: int) -> None:
        """Draw how many cells of each column are missing or invalid."""
        axes = self._panel(place, "Missing and invalid fields")
        if fields.empty:
            self._say(place, axes, "No field is missing or invalid." if rows else self._empty)
            return
        shown = fields.head(_BARS)
        missing, invalid = shown["missing"].to_numpy(), shown["invalid"].to_numpy()
        axes.barh(range(len(shown)), missing, height=0.68, color=self.colours.blank)
        axes.barh(range(len(shown)), invalid, left=missing, height=0.68, color=self.colours.wrong)
        self._label_rows(axes, list(shown.index))
        for at, (absent, wrong) in enumerate(zip(missing, invalid, strict=True)):
            words = [f"{absent:,} missing ({_percent(absent, rows)})"] if absent else []
            words += [f"{wrong:,} invalid"] if wrong else []
            self._write_after(axes, at, absent + wrong, ", ".join(words))
        axes.set_xlim(0, (missing + invalid).max() * 2.3)

    def _panel(self, place: _Place, title: str, labels: float = _LABELS) -> Any:
        """Add a quarter of the figure: a title, and below it the row labels and the axes."""
        left, bottom = place
        return self._axes((left + labels, bottom, _WIDTH - labels, _HEIGHT), title, left, bottom + _HEIGHT + 0.018)

    def _axes(self, box: _Box, title: str, x: float, y: float) -> Any:
        axes = self.figure.add_axes(box, facecolor="none")
        for side in axes.spines.values():
            side.set_visible(False)
        self.write(x, y, title, size=11, weight="bold")
        return axes

    def _label_rows(self, axes: Any, labels: Sequence[str]) -> None:
        axes.set_yticks(range(len(labels)))
        axes.set_yticklabels(
            list(map(self._fitting, labels)),
            family=self._fonts, color=self.colours.ink, size=_LABEL_SIZE, parse_math=False,
        )  # fmt: skip
        axes.tick_params(axis="both", length=0)
        axes.set_xticks([])
        axes.set_ylim(max(len(labels), _MIN_ROWS) - 0.4, -0.6)

    def _fitting(self, text: str) -> str:
        """Cut a label to the width of the panel's labels. Only drawing shows how wide its letters are."""
        words = self._drawable(text[:_MAX_LABEL])
        probe = self.figure.text(0, 0, words, family=self._fonts, size=_LABEL_SIZE, parse_math=False)
        room = _LABELS * self.figure.bbox.width - 6
        while len(words) > 1 and probe.get_window_extent(self._renderer).width > room:
            words = words[:-1]
            probe.set_text(f"{words}…")
        fitting: str = probe.get_text()
        probe.remove()
        return fitting

    def _write_after(self, axes: Any, at: int, end: float, words: str) -> None:
        axes.annotate(
            words, (end, at), xytext=(5, 0), textcoords="offset points", va="center", color=self.colours.quiet,
            size=9, family=self._fonts,
        )  # fmt: skip

    def _say(self, place: _Place, axes: Any, words: str) -> None:
        axes.set_axis_off()
        self.write(place[0], place[1] + _HEIGHT - 0.02, words, colour=self.colours.quiet, size=10)

    def _drawable(self, text: str) -> str:
        """Replace characters that no font contains, because matplotlib would warn about each of them."""
        return "".join(character if ord(character) in self._characters else "▯" for character in text)


def _percent(count: float, total: int) -> str:
    share = 100 * count / total if total else 0
    return f"{share:.0f} %" if share >= 1 or not count else "<1 %"
