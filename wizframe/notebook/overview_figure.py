"""The figure of an overview. It draws what was counted, and counts nothing itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wizframe.fields import CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wizframe.notebook.overview import Overview

    _Box = tuple[float, float, float, float]

__all__ = ["draw"]

_BARS = 8
_FEWEST = 6  # rows for which there is room, so that two bars are no blocks
_LEFT, _MIDDLE, _UPPER, _LOWER = 0.03, 0.53, 0.405, 0.045
_LABELS, _WIDTH, _HEIGHT = 0.145, 0.44, 0.25
_MONTHS = 120  # more bars could not be told apart
_NO_REPS = "not loaded: details=True brings the sales reps"
_LONGEST, _LABEL_SIZE = 40, 9.5
#: Families that write what most fonts do not, where they are installed.
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


def draw(overview: Overview) -> Figure:
    """Draw an overview.

    Parameters
    ----------
    overview : Overview

    Returns
    -------
    matplotlib.figure.Figure
    """
    colours = _PALETTES[overview.theme]
    figure = Figure(figsize=(11, 7.2), facecolor=colours.paper, layout=None)
    pen = _Pen(figure, colours, "not in this frame" if overview.rows else "no rows")
    pen.write(_LEFT, 0.94, overview.title, size=19, weight="bold")
    pen.write(_LEFT, 0.902, overview.where, colour=colours.quiet, size=10)
    pen.share((_LEFT, 0.775, 0.97 - _LEFT, 0.045), overview.status, overview.rows)
    owners, is_customers = overview.owners, overview.table is CUSTOMER
    total = overview.rows if is_customers or owners is None else int(owners.sum())
    pen.bars((_LEFT, _UPPER), overview.kind_name, overview.kinds, overview.rows)
    pen.months((_MIDDLE, _UPPER), overview.months)
    pen.bars((_LEFT, _LOWER), overview.owner_name, owners, total, _NO_REPS if is_customers else "")
    pen.fields((_MIDDLE, _LOWER), overview.fields, overview.rows)
    return figure


class _Pen:
    """Draws the parts of a figure in one set of colours."""

    def __init__(self, figure: Figure, colours: _Palette, nothing: str) -> None:
        self._figure = figure
        self._colours = colours
        self._nothing = nothing
        self._renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
        self._fonts = [family for family in _FAMILIES if family in set(font_manager.get_font_names())] or ["sans-serif"]

    def write(self, x: float, y: float, text: str, *, on: Any = None, colour: str = "", **options: Any) -> None:
        """Write a text as it is: a dollar sign begins no formula, and what no font has is a box."""
        (on or self._figure).text(
            x,
            y,
            self._drawable(text),
            color=colour or self._colours.ink,
            family=self._fonts,
            parse_math=False,
            **options,
        )

    def share(self, place: _Box, counts: pd.Series[Any], rows: int) -> None:
        """Draw one bar that is divided, with words under it."""
        axes = self._axes(place, "Status", place[0], place[1] + place[3] + 0.012)
        colours = {"active": self._colours.bar, "inactive": self._colours.blank}
        start = 0
        for number, (label, count) in enumerate(counts.items()):
            axes.barh(0, count, left=start, height=0.8, color=colours.get(str(label), self._colours.wrong))
            words = f"{label}  {count:,}  ({_percent(count, rows)})"
            self.write(0.25 * number + 0.014, -0.3, words, on=axes, size=10, transform=axes.transAxes, va="top")
            colour = colours.get(str(label), self._colours.wrong)
            axes.plot(0.25 * number + 0.005, -0.57, "s", color=colour, transform=axes.transAxes, clip_on=False, ms=7)
            start += count
        axes.set_xlim(0, max(rows, 1))
        axes.set_axis_off()
        if counts.empty:
            self.write(place[0], place[1] + 0.02, self._nothing, colour=self._colours.quiet, size=10)

    def bars(
        self, place: tuple[float, float], title: str, counts: pd.Series[Any] | None, total: int, unknown: str = ""
    ) -> None:
        """Draw a bar for each of the most frequent, and one for all others."""
        axes = self._panel(place, title)
        if counts is None or counts.empty:
            self._say(place, axes, unknown if counts is None and unknown else self._nothing)
            return
        shown = counts if len(counts) <= _BARS + 1 else counts.head(_BARS)  # a single other one is named
        others = f"{len(counts) - len(shown):,} others"
        if len(shown) < len(counts):
            shown = pd.concat([shown, pd.Series({others: counts.iloc[_BARS:].sum()})])
        blank = {"(blank)", "nobody", others}
        colours = [self._colours.blank if label in blank else self._colours.bar for label in shown.index]
        axes.barh(range(len(shown)), shown.to_numpy(), height=0.68, color=colours)
        self._label_rows(axes, list(map(str, shown.index)))
        for at, count in enumerate(shown):
            self._beside(axes, at, count, f"{count:,}  {_percent(count, total)}")
        axes.set_xlim(0, shown.max() * 1.35)

    def months(self, place: tuple[float, float], counts: pd.Series[Any]) -> None:
        """Draw how many were created in each month; in each year, where that would be too many bars."""
        axes = self._panel(place, "Created, by month" if len(counts) <= _MONTHS else "Created, by year", labels=0.04)
        if counts.empty:
            self._say(place, axes, self._nothing)
            return
        if len(counts) > _MONTHS:
            counts = counts.groupby(counts.index.astype(str).str[:4]).sum()
        axes.bar(range(len(counts)), counts.to_numpy(), width=0.82, color=self._colours.bar)
        years = [str(label)[:4] for label in counts.index]
        firsts = [at for at, year in enumerate(years) if at == 0 or years[at - 1] != year]
        step = -(-len(firsts) // 8)
        axes.set_xticks(firsts[::step], [years[at] for at in firsts[::step]], color=self._colours.quiet, size=9)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.tick_params(axis="y", colors=self._colours.quiet, labelsize=9, length=0)
        axes.grid(axis="y", color=self._colours.line, linewidth=0.7)
        axes.set_axisbelow(True)
        most = int(counts.to_numpy().argmax())
        words = f"{counts.index[most]}: {counts.iloc[most]:,}"
        axes.set_ylim(0, max(counts.max() * 1.2, 1))
        side = "left" if most < len(counts) / 2 else "right"
        self.write(most, counts.iloc[most] + counts.max() * 0.04, words, on=axes, size=9, ha=side)

    def fields(self, place: tuple[float, float], fields: pd.DataFrame, rows: int) -> None:
        """Draw which cells are missing or invalid."""
        axes = self._panel(place, "Missing and invalid fields")
        if fields.empty:
            self._say(place, axes, "none: every field is there, and none is invalid" if rows else self._nothing)
            return
        shown = fields.head(_BARS)
        missing, invalid = shown["missing"].to_numpy(), shown["invalid"].to_numpy()
        axes.barh(range(len(shown)), missing, height=0.68, color=self._colours.blank)
        axes.barh(range(len(shown)), invalid, left=missing, height=0.68, color=self._colours.wrong)
        self._label_rows(axes, list(shown.index))
        for at, (absent, wrong) in enumerate(zip(missing, invalid, strict=True)):
            words = [f"{absent:,} missing ({_percent(absent, rows)})"] if absent else []
            words += [f"{wrong:,} invalid"] if wrong else []
            self._beside(axes, at, absent + wrong, ", ".join(words))
        axes.set_xlim(0, (missing + invalid).max() * 2.3)

    def _panel(self, place: tuple[float, float], title: str, labels: float = _LABELS) -> Any:
        """Make a quarter of the figure; what names its rows stands left of its axes, under the title."""
        left, bottom = place
        inner = (left + labels, bottom, _WIDTH - labels, _HEIGHT)
        return self._axes(inner, title, left, bottom + _HEIGHT + 0.018)

    def _axes(self, place: _Box, title: str, x: float, y: float) -> Any:
        axes = self._figure.add_axes(place, facecolor="none")
        for side in axes.spines.values():
            side.set_visible(False)
        self.write(x, y, title, size=11, weight="bold")
        return axes

    def _label_rows(self, axes: Any, labels: Sequence[str]) -> None:
        axes.set_yticks(range(len(labels)))
        axes.set_yticklabels(
            list(map(self._fitting, labels)),
            family=self._fonts, color=self._colours.ink, size=_LABEL_SIZE, parse_math=False,
        )  # fmt: skip
        axes.tick_params(axis="both", length=0)
        axes.set_xticks([])
        axes.set_ylim(max(len(labels), _FEWEST) - 0.4, -0.6)

    def _fitting(self, text: str) -> str:
        """Cut a name that would begin left of its panel; how wide letters are, only drawing tells."""
        words = self._drawable(text[:_LONGEST])
        probe = self._figure.text(0, 0, words, family=self._fonts, size=_LABEL_SIZE, parse_math=False)
        room = _LABELS * self._figure.bbox.width - 6
        while len(words) > 1 and probe.get_window_extent(self._renderer).width > room:
            words = words[:-1]
            probe.set_text(f"{words}…")
        fitting: str = probe.get_text()
        probe.remove()
        return fitting

    def _beside(self, axes: Any, at: int, end: float, words: str) -> None:
        axes.annotate(
            words, (end, at), xytext=(5, 0), textcoords="offset points", va="center", color=self._colours.quiet,
            size=9, family=self._fonts,
        )  # fmt: skip

    def _say(self, place: tuple[float, float], axes: Any, words: str) -> None:
        axes.set_axis_off()
        self.write(place[0], place[1] + _HEIGHT - 0.02, words, colour=self._colours.quiet, size=10)

    def _drawable(self, text: str) -> str:
        """Replace what no font here has: drawn by matplotlib it would be a box and a warning for each."""
        known = _characters(tuple(self._fonts))
        return "".join(character if ord(character) in known else "▯" for character in text)


@cache
def _characters(families: tuple[str, ...]) -> frozenset[int]:
    paths = [font_manager.findfont(family) for family in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))


def _percent(count: float, total: int) -> str:
    share = 100 * count / total if total else 0
    return f"{share:.0f} %" if share >= 1 or not count else "<1 %"
