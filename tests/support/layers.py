"""The drawing of the layers, made from the table of docs/architecture.md."""

import re

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" width="640" height="{height}" role="img" \
aria-labelledby="title">
  <title id="title">The layers of wizframe: a module imports from the layers below its own, and from the modules \
before it in its own.</title>
  <style>
    text {{ font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 15px; \
text-anchor: middle; dominant-baseline: central; fill: #fff }}
    .layer {{ font-weight: 600 }}
    .chip {{ fill: #dfe3e8 }}
    .note {{ fill: #1f2328 }}
  </style>
"""
FILLS = {
    "faces": "#74509b",
    "changes": "#1d6b86",
    "frames": "#2b7450",
    "wire": "#3b6698",
    "ground": "#59626e",
    "apart": "#8a5629",
}
_COLUMNS, _BOX, _ROW, _BETWEEN_LAYERS = 5, 36, 42, 10


def listed_layers(page):
    """Read the layers and their modules, the lowest first, from the table of a page."""
    listed = {}
    for layer, module in re.findall(r"^\| (\w*) ?\| `(\w+)` \|", page, re.MULTILINE):
        listed.setdefault(layer or list(listed)[-1], []).append(module)
    return listed


def layers_drawing(listed):
    """Draw each layer as a row of boxes, the highest first, and the server below all of them."""
    y, parts = 4, []
    for layer in [*(layer for layer in reversed(listed) if layer != "apart"), "apart"]:
        parts.append(f'  <g fill="{FILLS[layer]}">\n{_layer(layer, listed[layer], y)}  </g>\n')
        y += _ROW * -(-len(listed[layer]) // _COLUMNS) + _BETWEEN_LAYERS
    middle = y - _ROW - _BETWEEN_LAYERS + _BOX // 2
    note = (
        f'  <rect class="chip" x="216" y="{middle - _BOX // 2}" width="416" height="{_BOX}" rx="6"/>\n'
        f'  <text class="note" x="424" y="{middle}">imports none of these; only HTTP connects them</text>\n'
    )
    return f"{_HEAD.format(height=y - _BETWEEN_LAYERS - 2)}{''.join(parts)}{note}</svg>\n"


def _layer(layer, modules, y):
    height = _ROW * -(-len(modules) // _COLUMNS) - _ROW + _BOX
    lines = [f'    <rect x="2" y="{y}" width="80" height="{height}" rx="6"/>\n']
    lines += [f'    <text class="layer" x="42" y="{y + height // 2}">{layer}</text>\n']
    for number, module in enumerate(modules):
        left, top = 92 + 110 * (number % _COLUMNS), y + _ROW * (number // _COLUMNS)
        lines.append(
            f'    <rect x="{left}" y="{top}" width="104" height="{_BOX}" rx="6"/>'
            f'<text class="module" x="{left + 52}" y="{top + _BOX // 2}">{module}</text>\n'
        )
    return "".join(lines)
