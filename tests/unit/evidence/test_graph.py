"""The knowledge graph: its edges, its paths, and exports that other programs can read."""

import csv
import json
from xml.etree import ElementTree

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.evidence.graph import export as graph_export
from eubiosis.evidence.graph.build import Edge, KnowledgeGraph, Path, Support, build_graph, paths, reachable
from eubiosis.evidence.graph.query import answer
from eubiosis.evidence.graph.tables import Node
from eubiosis.evidence.records.companions import Mechanism
from eubiosis.evidence.records.store import load


@pytest.fixture(scope="module")
def graph():
    return build_graph(load())


def edge(source, target, sign="+", strength="mouse", *, relation="acts on", contested=False):
    return Edge(source, target, relation, sign, (Support("r", "s", strength, "x"),), contested)


def small(*edges):
    names = {end for e in edges for end in (e.source, e.target)}
    return KnowledgeGraph({n: Node(id=n, label=n.upper(), kind="cell") for n in sorted(names)}, tuple(edges))


def test_paths_by_hand():
    g = small(
        edge("a", "b", "-"), edge("b", "c", "-", "in vitro"), edge("a", "c", "+", "recalled"), edge("c", "a")
    )
    found = paths(g, "a", "c")
    assert [[e.target for e in p.edges] for p in found] == [["b", "c"], ["c"]]
    assert [p.sign for p in found] == ["+", "+"]  # two minus signs make a plus
    assert found[0].weakest.target == "c"
    assert found[0].weakest.strength == "in vitro"
    assert len(paths(g, "a", "c", longest=1)) == 1


def test_a_contested_edge_is_weaker_than_its_equal():
    path = Path((edge("a", "b"), edge("b", "c", contested=True)))
    assert path.weakest.target == "c"
    assert Path((edge("a", "b", "?"),)).sign == "?"


def test_part_of_a_mixture_does_not_raise_its_other_parts():
    g = small(edge("a", "m", relation="part of"), edge("m", "b", relation="contains"))
    assert paths(g, "a", "b") == []
    assert [n.id for n in reachable(g, "a")] == ["m"]


def test_no_edge_where_no_difference_was_found():
    assert paths(small(edge("a", "b", "0", relation="tested on")), "a", "b") == []


def test_faecalibacterium_reaches_fatigue_only_by_assumption(graph):
    record = answer(graph, "Faecalibacterium", "fatigue", longest=7, assumed=True)
    assert record.paths
    assert record.recorded_paths == 0
    assert all(path.weakest_link.strength == "assumed" for path in record.paths)
    assert "Butyrate" in record.reached_by_recorded_edges
    assert answer(graph, "Faecalibacterium", "fatigue", longest=7, assumed=False).paths == ()


def test_opposing_effects_are_both_edges_and_contested(graph):
    found = [e for e in graph.edges if (e.source, e.target) == ("butyrate", "gut_barrier")]
    assert {e.sign for e in found} == {"+", "-"}
    assert all(e.contested for e in found)


def test_every_mechanism_is_carried_once(graph):
    carried = [s.record for e in graph.edges for s in e.support if e.relation == "acts on"]
    assert sorted(carried) == sorted(m.id for m in load().table(Mechanism))


def test_a_retracted_trial_supports_no_edge(graph):
    assert all(s.study != "tamtaji2017" for e in graph.edges for s in e.support if e.relation == "tested on")


def test_every_edge_ends_at_a_node_and_has_support(graph):
    for e in build_graph(load(), studies=True).edges:
        assert e.support
        assert e.relation
    for e in graph.edges:
        assert e.source in graph.nodes
        assert e.target in graph.nodes


def test_unknown_node_names_the_nearest(graph):
    with pytest.raises(FindingsError, match="Butyrate"):
        graph.node("Butyrat")


def test_exports_hold_all_nodes_and_edges(graph, tmp_path):
    graphml = ElementTree.parse(graph_export.write_graphml(graph, tmp_path / "g.graphml")).getroot()
    space = "{http://graphml.graphdrawing.org/xmlns}"
    ids = {node.get("id") for node in graphml.iter(f"{space}node")}
    assert ids == set(graph.nodes)
    edges = list(graphml.iter(f"{space}edge"))
    assert len(edges) == len(graph.edges)
    assert all(e.get("source") in ids and e.get("target") in ids for e in edges)
    assert "none is evidence" in "".join(graphml.itertext())
    document = json.loads(graph_export.write_jsonld(graph, tmp_path / "g.jsonld").read_text("utf-8"))
    records = {record["@id"]: record for record in document["@graph"]}
    statements = [r for r in records.values() if r.get("@type") == "rdf:Statement"]
    assert len(statements) == len(graph.edges)
    assert len(records) == len(graph.edges) + len(graph.nodes)
    assert all(s["subject"] in records and s["object"] in records for s in statements)
    assert all("~" not in r.get("exactMatch", "") for r in records.values())
    nodes_csv, edges_csv = graph_export.write_csv(graph, tmp_path)
    with nodes_csv.open(newline="") as stream:
        assert sum(1 for _ in csv.DictReader(stream)) == len(graph.nodes)
    with edges_csv.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(graph.edges)
    assert {row["sign"] for row in rows} <= {"+", "-", "0", "?"}
