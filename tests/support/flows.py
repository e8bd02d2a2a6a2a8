"""The drawings of the flows: down the left side to the service or the file, and up the right side with what came back.

The files of a step are those that its page, ``docs/flows/NAME.md``, explains.
"""

from typing import NamedTuple

from support.layers import FILLS

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" width="640" height="{height}" role="img" \
aria-labelledby="title">
  <title id="title">{title}</title>
  <style>
    text {{ font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 13px; \
text-anchor: middle; dominant-baseline: central; fill: #fff }}
    .file {{ font-size: 14px; font-weight: 600 }}
    .chip {{ fill: #dfe3e8 }}
    .note {{ font-size: 14px; fill: #1f2328 }}
    .way {{ fill: none; stroke: #808890; stroke-width: 2.5; marker-end: url(#tip) }}
  </style>
  <defs>
    <marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">
      <path d="M0 0 10 5 0 10z" fill="#808890"/>
    </marker>
  </defs>
"""
_LEFT, _RIGHT, _WIDTH = 4, 336, 300
_BOX, _CHIP, _BETWEEN = 52, 34, 24


class Flow(NamedTuple):
    """What goes in and comes out, and the steps between: each a file and what it does."""

    title: str
    into: str
    down: tuple[tuple[str, str], ...]
    turn: str
    up: tuple[tuple[str, str], ...]  # the last step first, as it stands in the drawing
    out: str


FLOWS = {
    "load": Flow(
        "A load: from load_customers down to the service, and up to a validated frame with its baseline.",
        "load_customers(…)",
        (
            ("loading/loaders.py", "checks every option"),
            ("loading/reader.py", "reads the lists: inactive, active, inactive"),
            ("api/walk.py", "proves that no record is missing"),
            ("api/operations.py", "requests one page"),
            ("http/transport.py", "adds the key, waits, sends, retries"),
        ),
        "the service",
        (
            ("frames/baselines.py", "attaches a copy to find edits later"),
            ("frames/problems.py", "finds the cells that break a rule"),
            ("frames/build.py", "gives each column its dtype"),
            ("loading/frame.py", "turns pages into columns, each record once"),
            ("api/dialects.py", "turns both spellings into one"),
        ),
        "a frame with a baseline",
    ),
    "plan": Flow(
        "A plan: wizframe gives the columns types, finds the record of each row, and turns differences into changes.",
        "an edited frame",
        (
            ("planning/table_choice.py", "finds out which table the frame holds"),
            ("pushing/checks.py", "checks the account"),
            ("planning/typed_frame.py", "gives each column its type"),
            ("planning/match.py", "finds the record of each row"),
        ),
        "the baseline; for rows in no load, the service",
        (
            ("pushing/plan.py", "shows, saves and applies all parts"),
            ("planning/uniqueness.py", "finds taken references and duplicates"),
            ("planning/builder.py", "makes changes, and new references"),
            ("planning/diff.py", "finds edited cells, and checks them"),
        ),
        "a Plan",
    ),
    "push": Flow(
        "A push: the plan is checked, written to the journal, and sent record by record; the outcome is written back.",
        "plan.apply(…)",
        (
            ("pushing/checks.py", "refuses a plan that may not be sent"),
            ("pushing/journal.py", "writes the whole plan to the disk"),
            ("pushing/executor.py", "sends several records at a time"),
            ("pushing/sender.py", "reads, compares, writes, checks"),
        ),
        "the service, through api/operations.py",
        (
            ("pushing/results.py", "shows one row for each change"),
            ("pushing/frame_update.py", "writes new ids and times into the frame"),
            ("pushing/journal.py", "writes the outcome to the disk"),
            ("pushing/outcomes.py", "says done, failed, conflict, unknown …"),
        ),
        "a Result",
    ),
    "excel": Flow(
        "A workbook: written with a hidden copy of the frame, edited by a person; only the edits come back.",
        "to_excel(frame, …)",
        (
            ("excel/baseline_sheet.py", "packs exported and loaded values"),
            ("excel/layout.py", "sets headers, widths and formats"),
            ("excel/guide_sheet.py", "explains how to edit, in ten lines"),
            ("excel/writer.py", "writes all sheets and the hidden one"),
        ),
        "a workbook that a person edits",
        (
            ("excel/reader.py", "combines exported and new values"),
            ("excel/cells.py", "finds out if a cell has a new value"),
            ("excel/sheet_data.py", "finds the field of each header"),
            ("excel/workbook_file.py", "checks that the file is safe"),
        ),
        "read_excel(…): a frame",
    ),
}


def flow_drawing(flow, listed):
    """Draw a flow; ``listed`` are the layers with their modules, which say the colours."""
    rows = max(len(flow.down), len(flow.up))
    bottom = 4 + _CHIP + _BETWEEN + rows * (_BOX + _BETWEEN)
    parts = [_HEAD.format(height=bottom + _CHIP + 4, title=flow.title)]
    parts += [_way(_LEFT, 4 + _CHIP, 4 + _CHIP + _BETWEEN), _way(_RIGHT, 4 + _CHIP + _BETWEEN, 4 + _CHIP)]
    for left, steps in ((_LEFT, flow.down), (_RIGHT, flow.up)):
        for number, (file, words) in enumerate(steps):
            top = 4 + _CHIP + _BETWEEN + number * (_BOX + _BETWEEN)
            ends = top + _BOX, top + _BOX + _BETWEEN
            parts += [_way(left, *(ends if left == _LEFT else ends[::-1])), _box(left, top, file, words, listed)]
    parts += [_chip(_LEFT, 4, _WIDTH, flow.into), _chip(_RIGHT, 4, _WIDTH, flow.out)]
    parts += [_chip(_LEFT, bottom, _RIGHT + _WIDTH - _LEFT, flow.turn), "</svg>\n"]
    return "".join(parts)


def _way(left, start, end):
    return f'  <path class="way" d="M{left + _WIDTH // 2} {start}V{end}"/>\n'


def _box(left, top, file, words, listed):
    fill = next(FILLS[layer] for layer, modules in listed.items() if file.split("/")[0] in modules)
    middle = left + _WIDTH // 2
    return (
        f'  <rect x="{left}" y="{top}" width="{_WIDTH}" height="{_BOX}" rx="8" fill="{fill}"/>\n'
        f'  <text class="file" x="{middle}" y="{top + 17}">{file}</text>'
        f'<text x="{middle}" y="{top + 36}">{words}</text>\n'
    )


def _chip(left, top, width, words):
    return (
        f'  <rect class="chip" x="{left}" y="{top}" width="{width}" height="{_CHIP}" rx="6"/>'
        f'<text class="note" x="{left + width // 2}" y="{top + _CHIP // 2}">{words}</text>\n'
    )
