"""Answers of the knowledge graph: paths, neighbours and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field

from eubiosis.core.record import FLAT, OPTIONAL, key
from eubiosis.evidence.graph.build import Edge, KnowledgeGraph, Path, Sign, incoming, paths, reachable
from eubiosis.evidence.graph.export import EdgeValues, edge_values


@dataclass(frozen=True)
class WeakestLink:
    """The edge of a path whose best record is weakest."""

    source: str = field(metadata=key("from"))
    target: str = field(metadata=key("to"))
    strength: str
    contested: bool


@dataclass(frozen=True)
class NamedEdge:
    """An edge with the labels of its ends."""

    source: str = field(metadata=key("from"))
    target: str = field(metadata=key("to"))
    values: EdgeValues = field(metadata=FLAT)


@dataclass(frozen=True)
class NamedPath:
    """A path with its labels, its sign and its weakest link."""

    path: tuple[str, ...]
    sign: Sign
    weakest_link: WeakestLink
    edges: tuple[NamedEdge, ...]


@dataclass(frozen=True)
class Answer:
    """Every path between two nodes; where none is recorded, what is reached and what leads there."""

    source: str = field(metadata=key("from"))
    target: str = field(metadata=key("to"))
    longest: int
    recorded_paths: int
    paths: tuple[NamedPath, ...]
    reached_by_recorded_edges: tuple[str, ...] | None = field(default=None, metadata=OPTIONAL)
    recorded_edges_into_target: tuple[NamedEdge, ...] | None = field(default=None, metadata=OPTIONAL)


def answer(graph: KnowledgeGraph, start: str, end: str, *, longest: int = 7, assumed: bool = True) -> Answer:
    """Return every path between two nodes; where none is recorded, what is reached and what leads there.

    ``longest`` is the largest number of edges; without ``assumed`` only recorded edges count. Raises
    ``FindingsError`` for a name that no node goes by.

    >>> from eubiosis.evidence import build_graph
    >>> answer(build_graph(), "Faecalibacterium", "fatigue").recorded_paths
    0
    """
    found = paths(graph, start, end, longest=longest, assumed=assumed)
    recorded = [p for p in found if all(e.relation != "assumed" for e in p.edges)]
    reached, into = None, None
    if not recorded:
        reached = tuple(node.label for node in reachable(graph, start))
        into = tuple(_named(graph, edge) for edge in incoming(graph, end) if edge.relation != "assumed")
    return Answer(
        graph.node(start).label, graph.node(end).label, longest, len(recorded),
        tuple(_named_path(graph, path) for path in found), reached, into,
    )  # fmt: skip


def _named_path(graph: KnowledgeGraph, path: Path) -> NamedPath:
    weakest, nodes = path.weakest, graph.nodes
    return NamedPath(
        (nodes[path.edges[0].source].label, *(nodes[e.target].label for e in path.edges)),
        path.sign,
        WeakestLink(
            nodes[weakest.source].label, nodes[weakest.target].label, weakest.strength, weakest.contested
        ),
        tuple(_named(graph, edge) for edge in path.edges),
    )


def _named(graph: KnowledgeGraph, edge: Edge) -> NamedEdge:
    return NamedEdge(graph.nodes[edge.source].label, graph.nodes[edge.target].label, edge_values(edge))


def answer_text(found: Answer) -> str:
    """Format an answer as text."""
    lines = [
        f"{found.source} to {found.target}: {len(found.paths)} paths of at most {found.longest} edges, "
        f"{found.recorded_paths} of them without an assumption"
    ]
    for path in found.paths:
        weakest = path.weakest_link
        steps = path.path[0]
        for edge in path.edges:
            steps += f" -({edge.values.sign}{'!' if edge.values.contested else ''})-> {edge.target}"
        lines.append(f"  [{path.sign}] {steps}")
        lines.append(f"      weakest: {weakest.source} to {weakest.target} ({weakest.strength})")
    if found.reached_by_recorded_edges is not None and found.recorded_edges_into_target is not None:
        lines.append(
            "  no recorded path; recorded edges reach: " + ", ".join(found.reached_by_recorded_edges)
        )
        ends = [
            f"{e.source} ({e.values.sign}, {e.values.strength})" for e in found.recorded_edges_into_target
        ]
        lines.append(f"  recorded edges into {found.target}: {', '.join(ends) or 'none'}")
    return "\n".join(lines)
