"""The wiring read from the equations: links known by eye, and laws that hold for every arrow."""

import pytest

from eubiosis.engine.expressions import symbols
from eubiosis.model.labels import label_rows
from eubiosis.model.wiring import READ_OUTS, wiring


@pytest.fixture(scope="module")
def drawn(model):
    return wiring(model, "ms")


def arrows(drawn):
    return {(e.source, e.target): (e.sign, e.free) for e in drawn.edges}


@pytest.mark.parametrize(
    ("source", "target", "sign", "free"),
    [
        ("gut_DAI", "gut_EQ", "+", False),  # equol is made from daidzein
        ("gut_C_Bu", "gut_pH", "-", False),
        ("gut_P_*", "gut_C_Bu", "+", False),
        ("gut_Vanc", "gut_Qabx", "-", False),
        ("host_muc", "host_TJ", "+", True),  # host_muc^host_c_mucus_tj
        ("host_H", "host_R", "+", True),
        ("host_perm", "host_LPS", "+", False),
        ("host_T17", "host_TJ", "-", False),  # through the effector excess, which has no box
        ("handover_gut_propionate", "host_si_pro", "+", False),
    ],
)
def test_links_known_by_eye(drawn, source, target, sign, free):
    assert arrows(drawn)[source, target] == (sign, free)


def test_links_that_are_not_there(drawn):
    found = arrows(drawn)
    assert ("gut_EQ", "gut_DAI") not in found
    assert not [s for s, t in found if t == "host_shot"]
    assert not [t for s, t in found if s == "host_relapse_rate"]


def test_every_state_has_one_box_and_every_arrow_two(model, drawn):
    members = [m for node in drawn.nodes for m in node.members]
    assert len(members) == len(set(members))
    assert set(model.system.states) <= set(members)
    boxes = {node.id for node in drawn.nodes}
    assert all(e.source in boxes and e.target in boxes and e.source != e.target for e in drawn.edges)
    assert {node.group for node in drawn.nodes} <= set(drawn.groups)
    assert 40 <= len(drawn.nodes) <= 130  # few enough to be read


def test_an_arrow_is_a_dependence_in_the_equations(model, drawn):
    """Walk each target's equation back through all rules, boxes or not: the source must be met."""
    system = model.system
    own = {**system.rules, **system.rates}
    members = {node.id: set(node.members) for node in drawn.nodes}

    def behind(name, seen):
        for mention in set(symbols(own[name])) - seen:
            seen.add(mention)
            if mention in system.rules:
                behind(mention, seen)
        return seen

    for edge in drawn.edges:
        met = set().union(*(behind(m, set()) for m in members[edge.target] if m in own))
        assert met & members[edge.source], edge


def test_hubs_act_on_many_and_are_not_drawn(drawn):
    sources = {e.source for e in drawn.edges}
    assert "gut_out" in dict(drawn.hubs)
    for box, targets in drawn.hubs:
        assert box not in sources
        assert len(targets) >= 12


def test_read_outs_feed_nothing(drawn):
    sources = {e.source for e in drawn.edges}
    assert not [n.id for n in drawn.nodes if n.group == READ_OUTS and n.id in sources]


def test_labels_name_quantities_that_exist(model):
    system = model.system
    known = (*system.states, *system.assigned, *system.parameters)
    rows = label_rows(model.content)
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.id in known or any(name.startswith(row.id.removesuffix("*")) for name in known), row.id
