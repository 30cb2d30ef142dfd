"""A layered drawing of a directed graph (Sugiyama, Tagawa and Toda 1981), the groups one below the other.

Written here because no library we may ship does it: networkx has no layered layout that looks at crossings,
Graphviz is a program that users would have to install, and igraph is under a licence that this project does
not use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BOX_WIDTH, BOX_HEIGHT, GAP, LANE, ROW = 108.0, 26.0, 12.0, 9.0, 84.0
_MOST_IN_A_ROW, _SWEEPS = 8, 24


@dataclass(frozen=True)
class LayeredDrawing:
    """Centres of boxes, bends of each edge from source to target, group spans (top, bottom), the size."""

    centres: Mapping[str, tuple[float, float]]
    bends: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    spans: Mapping[str, tuple[float, float]]
    width: float
    height: float


def layered(
    groups: Sequence[tuple[str, Sequence[str]]], edges: Mapping[tuple[str, str], str]
) -> LayeredDrawing:
    """Place boxes in rows, group after group, so that few arrows cross.

    ``groups`` are (name, boxes), ``edges`` (source, target) with a style. Arrows that pass rows bend there;
    those of one box and style share their way.
    """
    rows: list[list[str]] = []
    span_rows: dict[str, tuple[int, int]] = {}
    for name, boxes in groups:
        own = _rows_of_group(boxes, [e for e in edges if e[0] in boxes and e[1] in boxes])
        if own:
            span_rows[name] = (len(rows), len(rows) + len(own) - 1)
            rows += own
    row_of = {box: i for i, row in enumerate(rows) for box in row}
    full = [list(row) for row in rows]
    ways: dict[tuple[str, str], list[str]] = {}
    links: list[set[tuple[str, str]]] = [set() for _ in rows]  # between row i and i + 1
    for (source, target), style in edges.items():
        ways[source, target] = _way(source, target, style, row_of, full, links)
    _sort(full, links)
    places = _places(full, row_of)
    tops = _tops(len(rows), span_rows)
    centres = {box: (places[box], tops[row_of[box]]) for box in row_of}
    bends = {
        edge: tuple((places[lane], tops[int(lane.rsplit("|", 1)[1])]) for lane in way)
        for edge, way in ways.items()
    }
    spans = {name: (tops[a] - BOX_HEIGHT, tops[b] + BOX_HEIGHT) for name, (a, b) in span_rows.items()}
    width = max(places.values()) + BOX_WIDTH / 2 + GAP
    return LayeredDrawing(centres, bends, spans, width, tops[-1] + BOX_HEIGHT + GAP)


def _rows_of_group(boxes: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return the boxes of a group in rows by the longest way from a box that nothing in the group feeds."""
    order = {box: i for i, box in enumerate(_feedback_order(boxes, edges))}
    level = dict.fromkeys(boxes, 0)
    for box in order:
        for source, target in edges:
            if source == box and order[source] < order[target]:
                level[target] = max(level[target], level[source] + 1)
    rows: list[list[str]] = []
    for number in sorted(set(level.values())):
        row = [box for box in boxes if level[box] == number]
        parts = -(-len(row) // _MOST_IN_A_ROW)
        size = -(-len(row) // parts)
        rows += [row[i : i + size] for i in range(0, len(row), size)]
    return _merged(rows)


def _merged(rows: list[list[str]]) -> list[list[str]]:
    """Join neighbouring short rows, so that the picture does not grow long."""
    merged: list[list[str]] = []
    for row in rows:
        if merged and len(merged[-1]) + len(row) <= _MOST_IN_A_ROW // 2 + 1:
            merged[-1] = [*merged[-1], *row]
        else:
            merged.append(list(row))
    return merged


def _feedback_order(boxes: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[str]:
    """Return an order with few arrows against it (Eades, Lin and Smyth 1993)."""
    left: list[str] = []
    right: list[str] = []
    rest = list(boxes)
    while rest:
        inside = [(s, t) for s, t in edges if s in rest and t in rest]
        out, into = _degrees(rest, (s for s, _ in inside)), _degrees(rest, (t for _, t in inside))
        sinks = [box for box in rest if out[box] == 0]
        if sinks:
            right = [*sinks, *right]
            rest = [box for box in rest if box not in sinks]
            continue
        best = max(rest, key=lambda box: (into[box] == 0, out[box] - into[box]))
        left.append(best)
        rest.remove(best)
    return [*left, *right]


def _degrees(boxes: Iterable[str], ends: Iterable[str]) -> dict[str, int]:
    counts = dict.fromkeys(boxes, 0)
    for end in ends:
        counts[end] += 1
    return counts


def _way(
    source: str,
    target: str,
    style: str,
    row_of: Mapping[str, int],
    full: list[list[str]],
    links: list[set[tuple[str, str]]],
) -> list[str]:
    """Return the lanes that an arrow passes, adding those that its source has not opened yet."""
    first, last = row_of[source], row_of[target]
    step = 1 if last > first else -1
    way, here = [], source
    for row in range(first + step, last, step):
        lane = f"{source}|{style}|{step}|{row}"
        if lane not in full[row]:
            full[row].append(lane)
        links[min(row, row - step)].add((here, lane) if step == 1 else (lane, here))
        way.append(lane)
        here = lane
    if last != first:
        links[min(last, last - step)].add((here, target) if step == 1 else (target, here))
    return way


def _sort(full: list[list[str]], links: list[set[tuple[str, str]]]) -> None:
    """Order each row by the mean place of its neighbours, up and down; keep the fewest crossings."""
    best, least = [list(row) for row in full], _crossings(full, links)
    for sweep in range(_SWEEPS):
        rows = range(1, len(full)) if sweep % 2 == 0 else range(len(full) - 2, -1, -1)
        for row in rows:
            _sort_row(full, links, row, above=sweep % 2 == 0)
        crossings = _crossings(full, links)
        if crossings < least:
            best, least = [list(row) for row in full], crossings
    full[:] = best


def _sort_row(full: list[list[str]], links: list[set[tuple[str, str]]], row: int, *, above: bool) -> None:
    fixed = full[row - 1] if above else full[row + 1]
    place = {item: i / max(1, len(fixed) - 1) for i, item in enumerate(fixed)}
    pairs = links[row - 1] if above else links[row]
    near: dict[str, list[float]] = {}
    for upper, lower in pairs:
        mine, other = (lower, upper) if above else (upper, lower)
        near.setdefault(mine, []).append(place[other])
    own = {item: i / max(1, len(full[row]) - 1) for i, item in enumerate(full[row])}
    full[row].sort(key=lambda item: sum(near[item]) / len(near[item]) if item in near else own[item])


def _crossings(full: list[list[str]], links: list[set[tuple[str, str]]]) -> int:
    total = 0
    for row in range(len(full) - 1):
        upper = {item: i for i, item in enumerate(full[row])}
        lower = {item: i for i, item in enumerate(full[row + 1])}
        ends = [b for _, b in sorted((upper[a], lower[b]) for a, b in links[row])]
        total += sum(one > other for i, one in enumerate(ends) for other in ends[i + 1 :])
    return total


def _places(full: list[list[str]], row_of: Mapping[str, int]) -> dict[str, float]:
    """Return the horizontal centre of every box and lane; each row is centred."""
    widths = [[(item, BOX_WIDTH + GAP if item in row_of else LANE) for item in row] for row in full]
    broadest = max(sum(width for _, width in row) for row in widths)
    places = {}
    for row in widths:
        spare = broadest - sum(width for _, width in row)
        between = spare / (len(row) + 1)
        x = GAP + between
        for item, width in row:
            places[item] = x + width / 2
            x += width + between
    return places


def _tops(rows: int, spans: Mapping[str, tuple[int, int]]) -> list[float]:
    """Return the vertical centre of each row, with more room where a group begins."""
    starts = {first for first, _ in spans.values()}
    tops, y = [], 0.0
    for row in range(rows):
        y += ROW + (34.0 if row in starts and row else 0.0) if row else BOX_HEIGHT + 30.0
        tops.append(y)
    return tops
