"""How the forecast has done against simple competitors on measured studies: the packaged scores.

``validation/cohorts/run.py`` writes the table. A row is a study, a therapy and a class of quantities; scores
are means over people and quantities, smaller is better. ``gain`` is the best competitor's score minus the
model's, with an interval from resampled people: the model has beaten all where the interval lies above zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Literal

from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, read_table
from eubiosis.model.content import Content
from eubiosis.model.derived import content_key
from eubiosis.model.shipped import FOLDER, GUT
from eubiosis.population.reference import POPULATION_FOLDER
from eubiosis.therapy.phrase import TherapyPhrase

TABLE = POPULATION_FOLDER / "forecast_skill.tsv"
CLASSES = {"guilds": ("guild",), "stool acids": ("stool",), "plasma acids": ("plasma",)}
NOT_TESTED = "not tested"
_KNOWN = {"yes": ", a study it was fitted to", "seen": ", seen before: no fresh test", "no": ""}


class SkillRow(TableRow):
    """The scores of one study in one class of quantities; blank where a competitor does not exist.

    ``product`` is one of the catalogue, or the condition that stood for it; ``fitted`` says whether numbers
    of the model were set with the study in sight ("yes"), or it was scored before with another stand-in for
    its therapy, so that its score is no fresh test ("seen"). ``score`` is "mae" (of log ratios) or "crps".
    ``model`` is the sampled worlds, ``model_tables`` the tables' own numbers. ``others`` is the mean change
    of the other people of the same study: no competitor, since it has seen the study, but what a perfect
    mean gets.
    """

    study: str
    product: str
    dose: str
    days: int
    quantities: Literal["guilds", "stool acids", "plasma acids"]
    people: int
    fitted: Literal["yes", "seen", "no"]
    score: Literal["mae", "crps"]
    model: float
    model_low: float
    model_high: float
    model_tables: float
    no_change: float
    regression: float | None = None
    published: float | None = None
    others: float | None = None
    best_competitor: str
    gain: float
    gain_low: float
    gain_high: float
    unit: str
    basis: Basis
    read: Read
    source: str
    licence: str
    note: str = ""
    model_hash: str

    @property
    def beaten(self) -> bool:
        """Whether the model's score is better than that of every competitor, beyond resampling."""
        return self.gain_low > 0


def model_hash(content: Content) -> str:
    """Return the short hash of what scores belong to: tables, modules, discrepancies and shipped worlds."""
    digest = hashlib.sha256(content_key(content).encode())
    for name in ("discrepancies.tsv", f"{FOLDER}/{GUT}"):
        digest.update((content.folder / name).read_bytes())
    return digest.hexdigest()[:12]


@cache
def load_skill() -> tuple[SkillRow, ...]:
    """Read the packaged scores; none where there is no table. Raises ``FindingsError`` for a damaged one."""
    if not TABLE.is_file():
        return ()
    findings = FindingCollector()
    rows = read_table(TABLE, SkillRow, findings)
    findings.raise_if_any()
    return tuple(rows)


def first_line(content: Content, phrase: TherapyPhrase, rows: Sequence[SkillRow] | None = None) -> str:
    """Say in one line where the model has and has not beaten simple competitors on data, CRPS by class."""
    scored = [row for row in (load_skill() if rows is None else rows) if row.score == "crps"]
    if not scored:
        return f"Skill on measured studies: {NOT_TESTED}."
    products = set(phrase.products)
    own = [row for row in scored if row.product in products]
    told = [_told(name, [row for row in own if row.quantities == name]) for name in CLASSES]
    said = "; ".join(told) if own else f"this therapy {NOT_TESTED}; {_any(scored)}"
    stale = "" if all(row.model_hash == model_hash(content) for row in scored) else (
        " The scores are of an earlier state of the model's numbers."
    )  # fmt: skip
    return f"Skill on measured studies (CRPS, own baselines): {said}.{stale}"


def _told(name: str, rows: Sequence[SkillRow]) -> str:
    if not rows:
        return f"{name} {NOT_TESTED}"
    return f"{name} " + ", ".join(_verdict(row) for row in rows)


def _verdict(row: SkillRow) -> str:
    where = f"{row.study}, {row.people} people{_KNOWN[row.fitted]}"
    if row.gain == row.gain_low == row.gain_high == 0:
        return f"the same as {row.best_competitor.replace('_', ' ')} ({where})"
    if row.beaten:
        return f"better than every simple competitor ({where})"
    return f"NOT better than {row.best_competitor.replace('_', ' ')} ({where})"


def _any(rows: Sequence[SkillRow]) -> str:
    fair = [row for row in rows if row.fitted == "no"]
    beaten = sum(row.beaten for row in fair)
    return (
        f"of {len(fair)} other therapies and classes that were neither fitted nor seen before it has beaten "
        f"every simple competitor in {beaten}"
    )
