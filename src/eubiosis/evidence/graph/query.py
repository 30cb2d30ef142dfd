"""Answers of the knowledge graph as plain data and text: paths, neighbours and what is missing."""

from __future__ import annotations

from typing import Any

from eubiosis.evidence.graph.build import Edge, Graph, Path, incoming, paths, reachable
from eubiosis.evidence.graph.export import edge_values


def path_record(graph: Graph, path: Path) -> dict[str, Any]:
    """Return a path with its edges, its sign and its weakest link."""
    weakest = path.weakest
    return {
        "path": [graph.nodes[path.edges[0].source].label, *(graph.nodes[e.target].label for e in path.edges)],
        "sign": path.sign,
        "weakest_link": {
            "from": graph.nodes[weakest.source].label,
            "to": graph.nodes[weakest.target].label,
            "strength": weakest.strength,
            "contested": weakest.contested,
        },
        "edges": [edge_record(graph, edge) for edge in path.edges],
    }


def edge_record(graph: Graph, edge: Edge) -> dict[str, Any]:
    """Return an edge with the labels of its ends."""
    return {"from": graph.nodes[edge.source].label, "to": graph.nodes[edge.target].label, **edge_values(edge)}


def answer(graph: Graph, start: str, end: str, *, longest: int, assumed: bool) -> dict[str, Any]:
    """Return every path between two nodes; where none is recorded, what is reached and what leads there."""
    found = paths(graph, start, end, longest=longest, assumed=assumed)
    recorded = [p for p in found if all(e.relation != "assumed" for e in p.edges)]
    record: dict[str, Any] = {
        "from": graph.node(start).label,
        "to": graph.node(end).label,
        "longest": longest,
        "recorded_paths": len(recorded),
        "paths": [path_record(graph, path) for path in found],
    }
    if not recorded:
        record["reached_by_recorded_edges"] = [node.label for node in reachable(graph, start)]
        record["recorded_edges_into_target"] = [
            edge_record(graph, edge) for edge in incoming(graph, end) if edge.relation != "assumed"
        ]
    return record


def answer_text(record: dict[str, Any]) -> str:
    """Format an answer as text."""
    number, recorded = len(record["paths"]), record["recorded_paths"]
    lines = [
        f"{record['from']} to {record['to']}: {number} paths of at most {record['longest']} edges, "
        f"{recorded} of them without an assumption"
    ]
    for path in record["paths"]:
        weakest = path["weakest_link"]
        steps = path["path"][0]
        for edge in path["edges"]:
            steps += f" -({edge['sign']}{'!' if edge['contested'] == 'true' else ''})-> {edge['to']}"
        lines.append(f"  [{path['sign']}] {steps}")
        lines.append(f"      weakest: {weakest['from']} to {weakest['to']} ({weakest['strength']})")
    if "reached_by_recorded_edges" in record:
        lines.append(
            "  no recorded path; recorded edges reach: " + ", ".join(record["reached_by_recorded_edges"])
        )
        ends = [f"{e['from']} ({e['sign']}, {e['strength']})" for e in record["recorded_edges_into_target"]]
        lines.append(f"  recorded edges into {record['to']}: {', '.join(ends) or 'none'}")
    return "\n".join(lines)
