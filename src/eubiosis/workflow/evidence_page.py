"""Pages and pictures of the evidence: a pool with its plots, the claims audit, the graph, the flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eubiosis.core.output import staged, write_whole
from eubiosis.core.record import as_json
from eubiosis.report.evidence import figures as evidence_figures
from eubiosis.report.evidence.page import audit_page, pool_page

if TYPE_CHECKING:
    from eubiosis.core.evidence_report import AuditedClaim, PoolReport
    from eubiosis.evidence.graph.build import KnowledgeGraph
    from eubiosis.evidence.growing.screening import Flow

_PICTURED = ("acts on", "tested on", "assumed", "contains", "activates")


def write_pool_page(report: PoolReport, folder: Path) -> list[Path]:
    """Write forest.svg/png, funnel.svg/png, pool.json and pool.html to a folder; return the paths.

    All or none of them appear. Raises ``FindingsError`` where the folder cannot be written or holds anything.
    """
    with staged(folder, new=True) as aside:
        forest = evidence_figures.forest(report, aside)
        funnel = evidence_figures.funnel(report, aside)
        data = write_whole(aside / "pool.json", as_json(report))
        page = write_whole(aside / "pool.html", pool_page(report))
    return [folder / path.name for path in (*forest, *funnel, data, page)]


def write_audit_page(claims: Sequence[AuditedClaim], folder: Path) -> Path:
    """Write audit.html to a folder; return its path.

    Raises ``FindingsError`` where the folder cannot be written or holds anything.
    """
    with staged(folder, new=True) as aside:
        write_whole(aside / "audit.html", audit_page(claims))
    return folder / "audit.html"


def write_graph_picture(graph: KnowledgeGraph, folder: Path) -> list[Path]:
    """Draw the graph without studies and associations, which would hide it; return the paths.

    Outcomes that no mechanism reaches are left out of the picture and stay in the exports.
    """
    shown = [e for e in graph.edges if e.relation in _PICTURED and e.sign != "0"]
    mechanistic = {end for e in shown if e.relation != "tested on" for end in (e.source, e.target)}
    shown = [e for e in shown if e.relation != "tested on" or e.target in mechanistic]
    used = {end for e in shown for end in (e.source, e.target)}
    nodes = [n for n in graph.nodes.values() if n.id in used and n.kind != "study"]
    return evidence_figures.knowledge_graph(nodes, shown, folder)


def write_flow_picture(counts: Flow, folder: Path) -> list[Path]:
    """Draw the PRISMA flow, all of it or nothing; return the paths.

    Raises ``FindingsError`` where the folder cannot be written or holds anything.
    """
    with staged(folder, new=True) as aside:
        drawn = evidence_figures.prisma_flow(counts, aside)
    return [folder / path.name for path in drawn]
