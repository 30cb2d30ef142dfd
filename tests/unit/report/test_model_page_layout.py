"""The layered drawing: laws that hold for every graph."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.report.model_page.layout import BOX_HEIGHT, BOX_WIDTH, layered

SIZES = st.lists(st.integers(0, 12), min_size=1, max_size=3)


@st.composite
def graphs(draw):
    groups, count = [], 0
    for number, size in enumerate(draw(SIZES.filter(sum))):
        groups.append((f"g{number}", [f"b{count + i}" for i in range(size)]))
        count += size
    boxes = [box for _, own in groups for box in own]
    pairs = draw(st.lists(st.tuples(st.sampled_from(boxes), st.sampled_from(boxes)), max_size=30))
    return groups, {(a, b): draw(st.sampled_from("+-")) for a, b in pairs if a != b}


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_boxes_stay_apart_and_inside_their_group(graph):
    groups, edges = graph
    layout = layered(groups, edges)
    boxes = [box for _, own in groups for box in own]
    assert set(layout.centres) == set(boxes)
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            (x1, y1), (x2, y2) = layout.centres[one], layout.centres[other]
            assert abs(x1 - x2) >= BOX_WIDTH or abs(y1 - y2) >= BOX_HEIGHT, (one, other)
    for name, own in groups:
        for box in own:
            x, y = layout.centres[box]
            top, bottom = layout.spans[name]
            assert top <= y - BOX_HEIGHT / 2
            assert y + BOX_HEIGHT / 2 <= bottom
            assert BOX_WIDTH / 2 <= x <= layout.width - BOX_WIDTH / 2
    spans = [layout.spans[name] for name, own in groups if own]
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_arrows_bend_once_in_every_row_they_pass(graph):
    groups, edges = graph
    layout = layered(groups, edges)
    rows = sorted({y for _, y in layout.centres.values()})
    for (source, target), bends in layout.bends.items():
        first, last = rows.index(layout.centres[source][1]), rows.index(layout.centres[target][1])
        step = 1 if last >= first else -1
        assert [y for _, y in bends] == [rows[i] for i in range(first + step, last, step)]


def test_a_chain_runs_straight_down():
    layout = layered(
        [("g", list("abcd"))], {("a", "b"): "+", ("b", "c"): "+", ("c", "d"): "+", ("d", "a"): "-"}
    )
    heights = [layout.centres[box][1] for box in "abcd"]
    assert heights == sorted(heights)


def test_two_crossing_arrows_are_uncrossed():
    groups = [("up", ["a", "b"]), ("down", ["c", "d"])]
    layout = layered(groups, {("a", "d"): "+", ("b", "c"): "+"})
    assert (layout.centres["a"][0] < layout.centres["b"][0]) == (
        layout.centres["d"][0] < layout.centres["c"][0]
    )
