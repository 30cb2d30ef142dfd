"""Write the knowledge graph as GraphML, JSON-LD and two comma-separated tables."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, fields
from pathlib import Path
from xml.etree import ElementTree

from eubiosis.core.record import Plain
from eubiosis.evidence.graph.build import Edge, KnowledgeGraph

NOTICE = "Edges repeat what published reports say, with their defects; none is evidence that a therapy works."

_NODE_KEYS = ("label", "kind", "ontology_id", "harm")
_EDGE_KEYS = ("relation", "sign", "strength", "contested", "records", "studies", "sources", "note")
_PREFIXES = {
    "NCBITaxon": "http://purl.obolibrary.org/obo/NCBITaxon_",
    "CHEBI": "http://purl.obolibrary.org/obo/CHEBI_",
    "CL": "http://purl.obolibrary.org/obo/CL_",
    "UBERON": "http://purl.obolibrary.org/obo/UBERON_",
    "MONDO": "http://purl.obolibrary.org/obo/MONDO_",
    "GO": "http://purl.obolibrary.org/obo/GO_",
    "NCIT": "http://purl.obolibrary.org/obo/NCIT_",
    "EFO": "http://www.ebi.ac.uk/efo/EFO_",
    "MESH": "http://id.nlm.nih.gov/mesh/",
    "NCBIGene": "https://identifiers.org/ncbigene:",
}


@dataclass(frozen=True)
class EdgeValues:
    """The attributes of an edge; lists are joined by semicolons."""

    relation: str
    sign: str
    strength: str
    contested: bool
    records: str
    studies: str
    sources: str
    note: str

    @property
    def texts(self) -> dict[str, str]:
        """Return the attributes as text, in order."""
        return {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in ((one.name, getattr(self, one.name)) for one in fields(self))
        }


def edge_values(edge: Edge) -> EdgeValues:
    """Return the attributes of an edge."""
    return EdgeValues(
        relation=edge.relation,
        sign=edge.sign,
        strength=edge.strength,
        contested=edge.contested,
        records=";".join(s.record for s in edge.support),
        studies=";".join(dict.fromkeys(s.study for s in edge.support if s.study)),
        sources=";".join(dict.fromkeys(s.source for s in edge.support)),
        note=edge.note,
    )


def write_graphml(graph: KnowledgeGraph, path: Path) -> Path:
    """Write GraphML 1.0 with all attributes as strings."""
    root = ElementTree.Element("graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
    for domain, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for key in keys:
            attributes = {"id": f"{domain}_{key}", "for": domain, "attr.name": key, "attr.type": "string"}
            ElementTree.SubElement(root, "key", attributes)
    ElementTree.SubElement(root, "desc").text = NOTICE
    body = ElementTree.SubElement(root, "graph", id="evidence", edgedefault="directed")
    for node in graph.nodes.values():
        element = ElementTree.SubElement(body, "node", id=node.id)
        for key in _NODE_KEYS:
            ElementTree.SubElement(element, "data", key=f"node_{key}").text = str(getattr(node, key))
    for number, edge in enumerate(graph.edges):
        element = ElementTree.SubElement(
            body, "edge", id=f"e{number}", source=edge.source, target=edge.target
        )
        for key, value in edge_values(edge).texts.items():
            ElementTree.SubElement(element, "data", key=f"edge_{key}").text = value
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def write_jsonld(graph: KnowledgeGraph, path: Path) -> Path:
    """Write JSON-LD: nodes with their ontology terms, edges as statements with sign, strength and sources.

    An id that nobody has verified (ending in "~") is given as text and not as a term.
    """
    context: dict[str, Plain] = {
        **_PREFIXES,
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "ev": "urn:eubiosis:evidence:",
        "label": "rdfs:label",
        "exactMatch": {"@id": "skos:exactMatch", "@type": "@id"},
        "subject": {"@id": "rdf:subject", "@type": "@id"},
        "object": {"@id": "rdf:object", "@type": "@id"},
        **{key: f"ev:{key}" for key in ("kind", "unverified_id", *_EDGE_KEYS)},
    }
    records: list[Plain] = []
    for node in graph.nodes.values():
        record: dict[str, Plain] = {"@id": _iri(node.id), "label": node.label, "kind": node.kind}
        if node.ontology_id.endswith("~"):
            record["unverified_id"] = node.ontology_id.rstrip("~")
        elif node.ontology_id.partition(":")[0] in _PREFIXES:
            record["exactMatch"] = node.ontology_id
        records.append(record)
    for number, edge in enumerate(graph.edges):
        records.append(
            {
                "@id": f"ev:edge/{number}",
                "@type": "rdf:Statement",
                "subject": _iri(edge.source),
                "object": _iri(edge.target),
                **edge_values(edge).texts,
            }
        )
    path.write_text(
        json.dumps(
            {"@context": context, "rdfs:comment": NOTICE, "@graph": records}, indent=1, ensure_ascii=False
        ),
        "utf-8",
    )
    return path


def write_csv(graph: KnowledgeGraph, folder: Path) -> tuple[Path, Path]:
    """Write nodes.csv and edges.csv."""
    nodes, edges = folder / "nodes.csv", folder / "edges.csv"
    with nodes.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", *_NODE_KEYS))
        writer.writerows(
            (node.id, *(getattr(node, key) for key in _NODE_KEYS)) for node in graph.nodes.values()
        )
    with edges.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("source", "target", *_EDGE_KEYS))
        writer.writerows(
            (edge.source, edge.target, *edge_values(edge).texts.values()) for edge in graph.edges
        )
    return nodes, edges


def _iri(name: str) -> str:
    return "ev:node/" + "".join(c if c.isalnum() or c in "_-." else "_" for c in name)
