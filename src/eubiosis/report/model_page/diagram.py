"""The wiring diagram as SVG: boxes link to their equations, arrows say what raises and what lowers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from eubiosis.core.model_page import Wiring, WiringEdge, WiringNode
from eubiosis.report.model_page.layout import BOX_HEIGHT, BOX_WIDTH, LayeredDrawing, layered

# classes of the style sheet: blue and orange, told apart by every kind of colour vision; the ends differ too
_CLASSES = {"+": "up", "-": "down", "?": "both", "0": "idle"}
_WORDS = {
    "+": "raises",
    "-": "lowers",
    "?": "raises some, lowers some of",
    "0": "does nothing at the reference to",
}
_MARKS = {"+": "up", "-": "down", "?": "both", "0": "none"}
Point = tuple[float, float]


def diagram(wiring: Wiring) -> str:
    """Return the SVG text; ids start with "w-", boxes link to "#q-" and the id of a quantity."""
    drawn = [edge for edge in wiring.edges if edge.source != edge.target]
    by_group = [(g, [n.id for n in wiring.nodes if n.group == g]) for g in wiring.groups]
    layout = layered(by_group, {(e.source, e.target): f"{e.sign}{e.free}" for e in drawn})
    number = {node.id: i for i, node in enumerate(wiring.nodes)}
    parts = [_open(layout), "<style>" + _hover(len(number)) + "</style>", _markers()]
    parts += [_panel(name, layout) for name in layout.spans]
    ends = _ends(drawn, layout)
    parts += [_arrow(edge, layout, ends, number) for edge in drawn]
    parts += [_box(node, layout, number[node.id]) for node in wiring.nodes]
    return "\n".join([*parts, "</svg>"])


def _open(layout: LayeredDrawing) -> str:
    label = "Wiring diagram of the model: boxes are quantities, arrows what acts on what"
    return (
        f'<svg id="wiring" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {layout.width:.0f} {layout.height:.0f}" '
        f'role="group" aria-label="{label}" font-family="system-ui, sans-serif" font-size="11">'
    )


def _hover(nodes: int) -> str:
    """Return rules that fade the arrows that do not touch the box under the pointer, without a script."""
    rules = []
    for i in range(nodes):
        others = f".e:not(.from{i}):not(.to{i})"
        rules.append(f"#wiring:has(#w-{i}:hover) {others},#wiring:has(#w-{i}:focus) {others}{{opacity:.05}}")
    return "".join(rules)


def _markers() -> str:
    marks = []
    for sign, name in _CLASSES.items():
        shape = (
            f'<path class="{name}" d="M1,0 L1,8" stroke-width="2"/>'
            if sign == "-"
            else f'<path class="{name} head" d="M0,0 L8,4 L0,8 z"/>'
        )
        at = "2" if sign == "-" else "8"
        marks.append(
            f'<marker id="m-{_MARKS[sign]}" viewBox="0 0 8 8" refX="{at}" refY="4" markerWidth="7" '
            f'markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">{shape}</marker>'
        )
    return "<defs>" + "".join(marks) + "</defs>"


def _panel(name: str, layout: LayeredDrawing) -> str:
    top, bottom = layout.spans[name]
    height = bottom - top + 22
    return (
        f'<rect x="3" y="{top - 18:.1f}" width="{layout.width - 6:.1f}" height="{height:.1f}" rx="7" '
        'class="group"/>'
        f'<text x="12" y="{top - 3:.1f}" font-weight="600">{escape(name)}</text>'
    )


def _box(node: WiringNode, layout: LayeredDrawing, number: int) -> str:
    x, y = layout.centres[node.id]
    many = f" ({len(node.members)})" if len(node.members) > 1 else ""
    shape = (
        f'<rect x="{x - BOX_WIDTH / 2:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{BOX_WIDTH:.0f}" '
        f'height="{BOX_HEIGHT:.0f}" rx="{3 if node.kind == "state" else 12}" class="box {node.kind}"/>'
    )
    text = node.label + many
    squeezed = f' textLength="{BOX_WIDTH - 10:.0f}" lengthAdjust="spacingAndGlyphs"' if len(text) > 19 else ""
    title = escape(", ".join(node.members))
    return (
        f'<a href="#q-{escape(node.members[0])}" id="w-{number}"><title>{title}</title>{shape}'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle"{squeezed}>{escape(text)}'
        "</text></a>"
    )


def _ends(edges: Sequence[WiringEdge], layout: LayeredDrawing) -> dict[tuple[str, str, str], float]:
    """Spread the ends of arrows along the sides of their boxes, in the order of their other ends."""
    sides: dict[tuple[str, str], list[tuple[float, str, str, str]]] = {}
    for edge in edges:
        (sx, sy), (tx, ty) = layout.centres[edge.source], layout.centres[edge.target]
        bends = layout.bends[edge.source, edge.target]
        down = ty >= sy
        first, last = (bends[0][0], bends[-1][0]) if bends else (tx, sx)
        out_side, in_side = ("bottom", "top") if down else ("top", "bottom")
        if ty == sy:
            in_side = "bottom"
        sides.setdefault((edge.source, out_side), []).append((first, edge.source, edge.target, "from"))
        sides.setdefault((edge.target, in_side), []).append((last, edge.source, edge.target, "to"))
    places = {}
    for (box, _), ends in sides.items():
        ends.sort()
        # arrows that leave on one way leave from one point
        slots = [(x, "" if which == "from" else source) for x, source, _, which in ends]
        order = {slot: i for i, slot in enumerate(dict.fromkeys(slots))}
        step = min(12.0, (BOX_WIDTH - 18) / max(1, len(order) - 1))
        left = layout.centres[box][0] - step * (len(order) - 1) / 2
        for slot, (_, source, target, which) in zip(slots, ends, strict=True):
            places[source, target, which] = left + order[slot] * step
    return places


def _arrow(
    edge: WiringEdge, layout: LayeredDrawing, ends: dict[tuple[str, str, str], float], number: dict[str, int]
) -> str:
    y0, y1 = layout.centres[edge.source][1], layout.centres[edge.target][1]
    x0, x1 = ends[edge.source, edge.target, "from"], ends[edge.source, edge.target, "to"]
    half = BOX_HEIGHT / 2
    if y0 == y1:
        low = y0 + half + 22
        path = (
            f"M{x0:.1f},{y0 + half:.1f} C{x0:.1f},{low:.1f} {x1:.1f},{low:.1f} {x1:.1f},{y1 + half + 1:.1f}"
        )
    else:
        way = 1.0 if y1 > y0 else -1.0
        points = [(x0, y0 + way * half), *layout.bends[edge.source, edge.target], (x1, y1 - way * (half + 1))]
        path = f"M{x0:.1f},{points[0][1]:.1f}" + "".join(_curve(a, b) for a, b in pairwise(points))
    dashes = ' stroke-dasharray="5 3"' if edge.free else ""
    words = f"{edge.source} {_WORDS[edge.sign]} {edge.target}" + (" (the sign is free)" if edge.free else "")
    return (
        f'<path class="e {_CLASSES[edge.sign]} from{number[edge.source]} to{number[edge.target]}" '
        f'd="{path}" fill="none" stroke-width="1.1" stroke-opacity="0.7"{dashes} '
        f'marker-end="url(#m-{_MARKS[edge.sign]})"><title>{escape(words)}</title></path>'
    )


def _curve(a: Point, b: Point) -> str:
    middle = (a[1] + b[1]) / 2
    return f" C{a[0]:.1f},{middle:.1f} {b[0]:.1f},{middle:.1f} {b[0]:.1f},{b[1]:.1f}"
