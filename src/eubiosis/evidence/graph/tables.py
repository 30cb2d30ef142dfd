"""The tables of the knowledge graph: nodes with the names they go by, and links that are not findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, read_table
from eubiosis.evidence.records import companions
from eubiosis.evidence.records.store import Evidence

Kind = Literal[
    "taxon",
    "metabolite",
    "receptor",
    "mediator",
    "cell",
    "barrier",
    "outcome",
    "intervention",
    "study",
    "exposure",
]


class Node(TableRow):
    """A node; ``harm`` is 1 where more of it is worse for a patient, -1 where better, 0 where neither.

    ``names`` are the entities of the mechanism table that it stands for, and "outcome:..." or
    "intervention:..." for terms of those tables. An id ending in "~" is unverified.
    """

    id: str
    label: str
    kind: Kind
    ontology_id: str = ""
    harm: int = Field(default=0, ge=-1, le=1)
    names: str = ""


class Link(TableRow):
    """A relation by definition or by assumption, with a note; it carries no evidence."""

    source: str
    target: str
    relation: Literal["contains", "part of", "activates", "assumed"]
    sign: Literal["+", "-"]
    note: str


def read_nodes(evidence: Evidence) -> list[Node]:
    """Read the nodes; raises ``FindingsError`` for invalid rows and for entities without a node."""
    findings = FindingCollector()
    nodes = read_table(evidence.folder / "nodes.tsv", Node, findings)
    known = nodes_by_name(nodes)
    for row in evidence.table(companions.Mechanism):
        for entity in (row.source_entity, row.target_entity):
            if entity not in known:
                findings.add(
                    "nodes.tsv", row.id, f'no node for "{entity}"', next_step="add it to a row's names"
                )
    findings.raise_if_any()
    return nodes


def read_links(evidence: Evidence, nodes: Iterable[Node]) -> list[Link]:
    """Read the links; raises ``FindingsError`` where one refers to no node."""
    findings = FindingCollector()
    links = read_table(evidence.folder / "links.tsv", Link, findings)
    ids = {node.id for node in nodes}
    for link in links:
        for end in (link.source, link.target):
            if end not in ids:
                findings.add("links.tsv", f"{link.source} to {link.target}", f'no node "{end}"')
    findings.raise_if_any()
    return links


def nodes_by_name(nodes: Iterable[Node]) -> dict[str, Node]:
    """Index nodes by every name they stand for."""
    return {name: node for node in nodes for name in node.names.split(";") if name}
