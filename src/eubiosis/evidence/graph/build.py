"""The knowledge graph: signed edges with their evidence, and paths with their weakest link.

Edges come from the mechanism table, from randomised comparisons (intervention to outcome), from taxa found
higher or lower in people with multiple sclerosis, and from links by definition or by assumption. The
strength of an edge is that of its best record; a path is as strong as its weakest edge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.evidence.graph.tables import Node, nodes_by_name, read_links, read_nodes
from eubiosis.evidence.integrity.claims import why_not_counted
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.store import Evidence, load

Sign = Literal["+", "-", "0", "?"]
# weakest first; "definition" is no finding and cannot be a weakest link
STRENGTHS = ("assumed", "recalled", "in vitro", "mouse", "uncontrolled in people", "observed in people",
             "randomised in people", "definition")  # fmt: skip
CAUSAL = ("acts on", "tested on", "contains", "part of", "activates", "assumed")


@dataclass(frozen=True)
class Support:
    """One record behind an edge."""

    record: str
    study: str
    strength: str
    source: str


@dataclass(frozen=True)
class Edge:
    """A signed edge: "+" raises, "-" lowers, "0" no difference found, "?" both ways or not stated."""

    source: str
    target: str
    relation: str
    sign: Sign
    support: tuple[Support, ...]
    contested: bool = False
    note: str = ""

    @property
    def strength(self) -> str:
        """Return the strength of the best record."""
        return max((s.strength for s in self.support), key=STRENGTHS.index)


@dataclass(frozen=True)
class Path:
    """Edges from one node to another; ``sign`` is the product of theirs ("?" where one has none)."""

    edges: tuple[Edge, ...]

    @property
    def sign(self) -> Sign:
        """Return whether more of the first node means more or less of the last."""
        if any(edge.sign in ("?", "0") for edge in self.edges):
            return "?"
        return "-" if sum(edge.sign == "-" for edge in self.edges) % 2 else "+"

    @property
    def weakest(self) -> Edge:
        """Return the edge whose best record is weakest; a contested one counts as weaker than its equal."""
        return min(self.edges, key=lambda e: (STRENGTHS.index(e.strength), not e.contested))


@dataclass(frozen=True)
class KnowledgeGraph:
    """Nodes by id and all edges; every edge ends at known nodes."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]

    def node(self, name: str) -> Node:
        """Find a node by id, label or any name it stands for; raises ``FindingsError`` with the nearest."""
        folded = name.lower()
        for node in self.nodes.values():
            if folded in (node.id.lower(), node.label.lower(), *node.names.lower().split(";")):
                return node
        labels = [node.label for node in self.nodes.values()]
        raise FindingsError([Finding("graph", "node", unknown_word(name, labels),
                                     next_step="see: eubiosis evidence graph --nodes")])  # fmt: skip


def build_graph(evidence: Evidence | None = None, *, studies: bool = False) -> KnowledgeGraph:
    """Build the graph; with ``studies`` every study is a node that reports on its outcomes too.

    >>> build_graph().node("butyrate").kind
    'metabolite'
    """
    evidence = evidence or load()
    tables = read_nodes(evidence)
    nodes = {node.id: node for node in tables}
    edges = [*_mechanisms(evidence, nodes_by_name(tables)), *_links(evidence, tables)]
    edges += _trials(evidence, nodes)
    edges += _associations(evidence, nodes)
    if studies:
        edges += _study_edges(evidence, nodes)
    return KnowledgeGraph(nodes, tuple(edges))


def paths(
    graph: KnowledgeGraph, start: str, end: str, *, longest: int = 7, assumed: bool = True
) -> list[Path]:
    """Return every simple path of causal edges between two nodes, strongest weakest link first.

    ``longest`` is the largest number of edges; without ``assumed`` only recorded edges and definitions count.
    """
    first, last = graph.node(start).id, graph.node(end).id
    outgoing: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        if edge.relation in CAUSAL and edge.sign != "0" and (assumed or edge.relation != "assumed"):
            outgoing[edge.source].append(edge)
    found = [Path(tuple(edges)) for edges in _walk(outgoing, first, last, longest, [])]
    return sorted(found, key=lambda p: (-STRENGTHS.index(p.weakest.strength), len(p.edges)))


def _walk(
    outgoing: dict[str, list[Edge]], here: str, end: str, left: int, trail: list[Edge]
) -> Iterator[list[Edge]]:
    if here == end:
        yield trail
        return
    if left == 0:
        return
    visited = {edge.source for edge in trail} | {here}
    for edge in outgoing[here]:
        if edge.target not in visited and _follows(trail[-1] if trail else None, edge):
            yield from _walk(outgoing, edge.target, end, left - 1, [*trail, edge])


def reachable(graph: KnowledgeGraph, start: str) -> list[Node]:
    """Return the nodes that recorded edges and definitions reach from a node, in order of distance."""
    first = graph.node(start).id
    frontier: list[tuple[str, Edge | None]] = [(first, None)]
    seen = [first]
    for here, last in frontier:
        for edge in graph.edges:
            recorded = edge.relation in CAUSAL and edge.relation != "assumed" and edge.sign != "0"
            if edge.source == here and recorded and edge.target not in seen and _follows(last, edge):
                seen.append(edge.target)
                frontier.append((edge.target, edge))
    return [graph.nodes[name] for name in seen[1:]]


def _follows(last: Edge | None, edge: Edge) -> bool:
    """Say whether an edge may follow another: what is part of a mixture does not raise its other parts."""
    return not (last is not None and last.relation == "part of" and edge.relation == "contains")


def incoming(graph: KnowledgeGraph, end: str) -> list[Edge]:
    """Return every edge that ends at a node."""
    wanted = graph.node(end).id
    return [edge for edge in graph.edges if edge.target == wanted]


def _mechanisms(evidence: Evidence, names: dict[str, Node]) -> Iterator[Edge]:
    grouped: dict[tuple[str, str], dict[str, list[companions.Mechanism]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in evidence.table(companions.Mechanism):
        ends = names[row.source_entity].id, names[row.target_entity].id
        grouped[ends][row.sign].append(row)
    for (source, target), by_sign in grouped.items():
        for sign, rows in by_sign.items():
            support = tuple(Support(r.id, r.study, _strength(r), r.doi or r.study) for r in rows)
            doses = "; ".join(r.dose_response for r in rows if r.dose_response)
            read_sign: Sign = "+" if sign == "+" else "-" if sign == "-" else "?"
            yield Edge(source, target, "acts on", read_sign, support, contested=len(by_sign) > 1, note=doses)


def _strength(row: companions.Mechanism) -> str:
    if row.read == "recalled":
        return "recalled"
    return "observed in people" if row.evidence_type == "human" else row.evidence_type


def _links(evidence: Evidence, nodes: list[Node]) -> Iterator[Edge]:
    for link in read_links(evidence, nodes):
        strength = "assumed" if link.relation == "assumed" else "definition"
        support = (Support("links.tsv", "", strength, link.note),)
        yield Edge(link.source, link.target, link.relation, link.sign, support, note=link.note)


def _trials(evidence: Evidence, nodes: dict[str, Node]) -> Iterator[Edge]:
    """Draw intervention to outcome from comparisons in people; what found no difference has sign "0"."""
    grouped: dict[tuple[str, str, Sign], list[Support]] = defaultdict(list)
    for estimate in evidence.estimates:
        study = evidence.studies[estimate.study_id]
        if study.species != "human" or study.integrity_status in ("retracted", "notice"):
            continue
        counted = not why_not_counted(study, estimate)
        strength = "recalled" if estimate.read == "recalled" else (
            "randomised in people" if counted else "uncontrolled in people")  # fmt: skip
        sign: Sign = "0"
        if estimate.verdict != "no_difference":
            helped = estimate.verdict != "favours_control"
            sign = "+" if helped == (estimate.direction_better == "higher") else "-"
        start = _term_node(evidence, nodes, "intervention", study.subclass or study.intervention)
        end = _term_node(evidence, nodes, "outcome", estimate.outcome)
        grouped[start, end, sign].append(Support(estimate.id, study.id, strength, estimate.source))
    signs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for start, end, sign in grouped:
        signs[start, end].add(sign)
    for (start, end, sign), support in grouped.items():
        flagged = sorted({x.study for x in support if evidence.studies[x.study].integrity_status != "none"})
        note = f"a check failed in {', '.join(flagged)}" if flagged else ""
        contested = len(signs[start, end]) > 1
        yield Edge(start, end, "tested on", sign, tuple(support), contested=contested, note=note)


def _term_node(
    evidence: Evidence, nodes: dict[str, Node], kind: Literal["intervention", "outcome"], term: str
) -> str:
    """Return the node of a term, adding one where no node of the table stands for it."""
    name = f"{kind}:{term}"
    for node in nodes.values():
        if name in node.names.split(";"):
            return node.id
    terms = evidence.interventions if kind == "intervention" else evidence.outcomes
    label = terms[term].label
    ontology = evidence.outcomes[term].ontology_id if kind == "outcome" else ""
    nodes[name] = Node(id=name, label=label, kind=kind, ontology_id=ontology, names=name)
    return name


def _associations(evidence: Evidence, nodes: dict[str, Node]) -> Iterator[Edge]:
    """Draw the taxa found higher or lower in people with multiple sclerosis; an association, not a cause."""
    grouped: dict[tuple[str, str], list[Support]] = defaultdict(list)
    by_taxid = {node.ontology_id: node.id for node in nodes.values() if node.kind == "taxon"}
    for row in evidence.table(companions.TaxonDirection):
        if row.ncbi_taxid is None or row.rank not in ("genus", "species") or row.read == "recalled":
            continue
        key = f"NCBITaxon:{row.ncbi_taxid}"
        if key not in by_taxid:
            nodes[key] = Node(id=key, label=row.taxon, kind="taxon", ontology_id=key, names=row.taxon)
            by_taxid[key] = key
        one = Support(f"taxa:{row.study_id}", row.study_id, "observed in people", row.doi or row.source)
        if one not in grouped[by_taxid[key], row.direction]:
            grouped[by_taxid[key], row.direction].append(one)
    both = {
        taxon for taxon, direction in grouped if (taxon, "down" if direction == "up" else "up") in grouped
    }
    for (taxon, direction), support in grouped.items():
        sign: Sign = "+" if direction == "up" else "-"
        yield Edge("ms", taxon, "associated with", sign, tuple(support), contested=taxon in both)


def _study_edges(evidence: Evidence, nodes: dict[str, Node]) -> Iterator[Edge]:
    for study in evidence.studies.values():
        name = f"study:{study.id}"
        nodes[name] = Node(id=name, label=f"{study.first_author} {study.year}", kind="study", names=study.id)
        start = _term_node(evidence, nodes, "intervention", study.subclass or study.intervention)
        flag = (
            f"{study.integrity_status}: {study.integrity_reason}" if study.integrity_status != "none" else ""
        )
        support = (Support(study.id, study.id, "definition", study.doi or study.registry_id or study.id),)
        yield Edge(name, start, "studies", "?", support, note=flag)
        for outcome in dict.fromkeys(e.outcome for e in evidence.estimates if e.study_id == study.id):
            end = _term_node(evidence, nodes, "outcome", outcome)
            yield Edge(name, end, "reports on", "?", support, note=flag)
