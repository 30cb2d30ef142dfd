"""Realism: the control arm of simulated trials beside published figures, or beside "no value read"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eubiosis.analysis.realism import FIGURES, Figure, figures
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Read
from eubiosis.core.tables import TableRow, read_table
from eubiosis.model import load
from eubiosis.population.generate import generate
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial.design import Arm, ControlLevel, Design, Eligibility
from eubiosis.trial.simulate import simulate

TABLE = PACKAGED_CONTENT / "trials" / "realism.tsv"
NO_VALUE = "no value read"


class PublishedFigure(TableRow):
    """What was published about one figure: a value, a range, or neither, and how far it was read.

    Rows are those of ``content/trials/realism.tsv``.
    """

    id: str
    description: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    read: Read | None = None
    source: str = ""
    note: str = ""

    @property
    def words(self) -> str:
        """The published figure in words."""
        known = self.low is not None and self.high is not None
        span = f"{self.low:g} to {self.high:g}" if known else ""
        if self.value is None:
            return span or NO_VALUE
        return f"{self.value:g} ({span})" if known and self.low != self.high else f"{self.value:g}"


@dataclass(frozen=True)
class RealismRow:
    """One figure: as simulated, and as published."""

    figure: Figure
    published: PublishedFigure


def published_figures() -> dict[str, PublishedFigure]:
    """Read the published figures by id; raises ``FindingsError``, also where one of ours is not listed.

    >>> published_figures()["icc_mfis"].words, published_figures()["icc_treg"].words
    ('0.863', 'no value read')
    """
    findings = FindingCollector()
    rows = {row.id: row for row in read_table(TABLE, PublishedFigure, findings)}
    for name in sorted(set(FIGURES) ^ set(rows)):
        where = "is not computed" if name in rows else "is not listed"
        findings.add(
            TABLE.name, name, f"the figure {where}", allowed="one row for each figure", next_step="mend it"
        )
    findings.raise_if_any()
    return rows


def placebo_design(participants: int) -> Design:
    """Return the trial that is looked at: 96 weeks, a relapse in the year before entry, placebo levels.

    The levels of relapses and Gd+ lesions are those of published placebo arms, so these two are no test.
    """
    arms = (
        Arm(name="placebo", therapy=placebo(), control=True),
        Arm(name="inulin", therapy=prebiotic("inulin", dose="12 g/day")),
    )
    return Design(
        arms=arms,
        participants=participants,
        visits="every 12 weeks to week 96",
        eligibility=Eligibility(relapses_last_year=1),
        control_level=ControlLevel(relapses_per_year=0.5, gd_lesions_per_scan=1.19),
        primary="mfis",
    )


def realism(
    *,
    participants: int = 240,
    gut_worlds: int = 6,
    replicates: int = 4,
    seed: int = 2026,
    processes: int = 1,
    progress: bool | None = None,
) -> tuple[RealismRow, ...]:
    """Simulate placebo-controlled trials and return every figure of their control arms beside the published.

    >>> rows = realism(participants=40, gut_worlds=1, replicates=1, progress=False)
    >>> len(rows) == len(published_figures())
    True
    """
    known = published_figures()
    model = load()
    trials = simulate(
        placebo_design(participants),
        generate(model, seed=seed),
        model,
        gut_worlds=gut_worlds,
        host_worlds=2,
        replicates=replicates,
        seed=seed,
        processes=processes,
        progress=progress,
    )
    found = figures(trials.observed.stacks, trials.design.control.name)
    return tuple(RealismRow(figure, known[figure.id]) for figure in found)


def realism_markdown(rows: Sequence[RealismRow]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| figure | unit | simulated | published | read | source and remarks |",
        "|---|---|--:|--:|---|---|",
    ]
    for row in rows:
        one, other = row.figure, row.published
        remarks = "; ".join(word for word in (other.source, other.note) if word)
        simulated = f"{one.mean:.3g} ({one.spread:.2g})" if one.trials > 1 else f"{one.mean:.3g}"
        cells = (other.description, other.unit, simulated, other.words, other.read or "", remarks)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
