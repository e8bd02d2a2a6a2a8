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
            ("loading/reader.py", "names the lists: inactive, active, inactive"),
            ("api/walk.py", "proves that no record is missing"),
            ("api/operations.py", "requests one page"),
            ("http/transport.py", "key, rate limit, timeouts, retries"),
        ),
        "the service",
        (
            ("frames/baselines.py", "a copy to compare edits with"),
            ("frames/problems.py", "finds the cells that break a rule"),
            ("frames/build.py", "one dtype for each column"),
            ("loading/frame.py", "pages to columns, each record once"),
            ("api/dialects.py", "one spelling, whatever came"),
        ),
        "a frame with a baseline",
    ),
    "plan": Flow(
        "A plan: a frame becomes typed columns, rows meet their records, and differences become changes.",
        "an edited frame",
        (
            ("planning/table_choice.py", "which table is it?"),
            ("pushing/checks.py", "the same account? what to look up"),
            ("planning/typed_frame.py", "typed columns, whatever the cells were"),
            ("planning/match.py", "which record is each row?"),
        ),
        "the baseline; for rows in no load, the service",
        (
            ("pushing/plan.py", "shows, saves and applies all parts"),
            ("planning/uniqueness.py", "taken references, likely duplicates"),
            ("planning/builder.py", "changes, and references of new rows"),
            ("planning/diff.py", "which cells differ, and may they?"),
        ),
        "a Plan",
    ),
    "push": Flow(
        "A push: checked, written to the journal, sent record by record, and its outcome written back.",
        "plan.apply(…)",
        (
            ("pushing/checks.py", "nothing is sent if one of them fails"),
            ("pushing/journal.py", "the whole plan is on the disk"),
            ("pushing/executor.py", "several records at a time"),
            ("pushing/sender.py", "read, compare, write, check"),
        ),
        "the service, through api/operations.py",
        (
            ("pushing/results.py", "one row for each change, with a next step"),
            ("pushing/frame_update.py", "new ids and times, a new baseline"),
            ("pushing/journal.py", "the outcome is on the disk"),
            ("pushing/outcomes.py", "done, failed, conflict, unknown …"),
        ),
        "a Result",
    ),
    "excel": Flow(
        "A workbook: written with a hidden copy of the frame, edited by a person, read back with exactly the edits.",
        "to_excel(frame, …)",
        (
            ("excel/baseline_sheet.py", "what is exported, and how it was loaded"),
            ("excel/layout.py", "headers, widths, which cells may change"),
            ("excel/guide_sheet.py", "how to edit, in ten lines"),
            ("excel/writer.py", "all sheets, the hidden one included"),
        ),
        "a workbook that a person edits",
        (
            ("excel/reader.py", "exported values, new values, the baseline"),
            ("excel/cells.py", "does the cell still show its value?"),
            ("excel/sheet_data.py", "which column is which?"),
            ("excel/workbook_file.py", "is it safe to open?"),
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
