"""The sign table: does the model answer as the evidence says, and would chance do as well?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import comb
from typing import Literal

import numpy as np

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.model_page import VERDICTS, Agreement, SignRow, SignTable, SignVerdict
from eubiosis.core.tables import TableRow, check_unique, read_table
from eubiosis.engine import Array
from eubiosis.evidence.records.companions import Mechanism
from eubiosis.evidence.records.store import Evidence
from eubiosis.evidence.records.store import load as load_evidence
from eubiosis.model.model import Model
from eubiosis.model.response import DAYS, NO_RESPONSE, Probe, respond
from eubiosis.model.worlds import draw_host_world

TABLE = "models/evidence_quantities.tsv"
PERSON, DRAWS, SEED, JUDGED_DAY = "ms", 16, 2026, 84.0
_PERSON = "person:"


class QuantityRow(TableRow):
    """What of the model an entity of the mechanism table stands for.

    ``quantities`` are joined by " + ", or name a kind of person as "person:ms"; ``sense`` is "-" where the
    model has the opposite (leakiness for integrity); ``match`` says whether it is the same thing or a
    stand-in; ``step`` is how far a source that is zero at the reference is raised, in its unit.
    """

    entity: str
    quantities: str
    sense: Literal["+", "-"]
    match: Literal["same", "proxy"]
    step: float | None = None
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The quantities, none for a kind of person."""
        return () if self.quantities.startswith(_PERSON) else tuple(self.quantities.split(" + "))

    @property
    def probe(self) -> Probe:
        """The entity as a source."""
        person = self.quantities.removeprefix(_PERSON) if self.quantities.startswith(_PERSON) else ""
        return Probe(self.names, self.step, person)


def sign_table(
    model: Model, evidence: Evidence | None = None, *, draws: int = DRAWS, seed: int = SEED
) -> SignTable:
    """Compare the sign of the model's responses with each mechanism of the evidence.

    A response is free where its sign differs between couplings drawn symmetric about zero, and absent where
    there is none at all; draws that could not be solved are counted and left out. Raises ``FindingsError``
    for rows of the table that fit neither the evidence nor the model, ``ArithmeticError`` where the hand fit
    cannot be solved.
    """
    evidence = evidence or load_evidence()
    mechanisms = [row for row in evidence.table(Mechanism) if row.sign in ("+", "-")]
    quantities = read_quantities(model, mechanisms)
    named = [m for m in mechanisms if m.source_entity in quantities and m.target_entity in quantities]
    named = [m for m in named if quantities[m.target_entity].names]
    probes = list(dict.fromkeys(quantities[m.source_entity].probe for m in named))
    targets = list(dict.fromkeys(quantities[m.target_entity].names for m in named))
    settings = [
        {},
        *(draw_host_world(model, n, seed, "symmetric", forms=False, data=False) for n in range(draws)),
    ]
    found = respond(model, probes, targets, settings, person=PERSON)
    failed = np.isnan(found.relative[:, :, 0, 0])
    if np.any(failed[0]):
        message = "the model could not be solved at its hand-fit couplings with a source held higher"
        raise ArithmeticError(message)
    rows = []
    for m in named:
        source, target = quantities[m.source_entity], quantities[m.target_entity]
        sense = 1.0 if source.sense == target.sense else -1.0
        answer = found.relative[:, probes.index(source.probe), :, targets.index(target.names)]
        rows.append(_row(m, source, target, sense * answer))
    missing = {e for m in mechanisms for e in (m.source_entity, m.target_entity) if e not in quantities}
    free = [row for row in rows if row.verdict == "free"]
    return SignTable(
        rows=tuple(rows),
        mechanisms=len(evidence.table(Mechanism)),
        counts={verdict: Counter(row.verdict for row in rows)[verdict] for verdict in VERDICTS},
        agreements=tuple(_agreements(rows)),
        free_agree_at_hand_fit=sum(row.hand_fit == row.evidence for row in free),
        not_in_the_model=tuple(sorted(missing)),
        person=PERSON,
        days=DAYS,
        judged_day=JUDGED_DAY,
        draws=draws,
        failed_runs=int(np.sum(failed)),
    )


def read_quantities(model: Model, mechanisms: Sequence[Mechanism]) -> dict[str, QuantityRow]:
    """Read what each entity stands for; raises ``FindingsError`` with every row that fits nothing."""
    findings = FindingCollector()
    content, system = model.content, model.system
    rows = read_table(content.folder / TABLE, QuantityRow, findings)
    entities = {e for m in mechanisms for e in (m.source_entity, m.target_entity)}
    known = (*system.states, *system.assigned, *system.parameters)
    check_unique([(r.entity, r.entity) for r in rows], content.file(TABLE), "the entity", findings)
    for row in rows:
        if row.entity not in entities:
            findings.add(content.file(TABLE), row.entity, f"entity {unknown_word(row.entity, entities)}",
                         next_step="see: eubiosis evidence graph --nodes")  # fmt: skip
        for name in row.names:
            if name not in known:
                findings.add(content.file(TABLE), row.entity, f"quantity {unknown_word(name, known)}",
                             next_step="see: eubiosis model show NAME")  # fmt: skip
        if row.probe.person and row.probe.person not in model.derived.persons:
            findings.add(content.file(TABLE), row.entity,
                         f"person {unknown_word(row.probe.person, model.derived.persons)}")  # fmt: skip
    findings.raise_if_any()
    return {row.entity: row for row in rows}


def _row(mechanism: Mechanism, source: QuantityRow, target: QuantityRow, answer: Array) -> SignRow:
    """Judge one mechanism; ``answer`` has shape (hand fit and draws, days)."""
    day = DAYS.index(JUDGED_DAY)
    signs = np.where(np.abs(answer) <= NO_RESPONSE, 0.0, np.sign(answer))[:, day]
    draws = signs[1:][np.isfinite(signs[1:])]
    first = answer[0]
    word = {1.0: "+", -1.0: "-", 0.0: "0"}[float(signs[0])]
    by_day = {float(np.sign(x)) for x in first if abs(x) > NO_RESPONSE}
    verdict: SignVerdict
    if not signs[0] and not np.any(draws):
        verdict = "absent"
    elif signs[0] and np.all(draws == signs[0]):
        verdict = "agree" if word == mechanism.sign else "disagree"
    else:
        verdict = "free"
    return SignRow(
        mechanism=mechanism.id,
        source=mechanism.source_entity,
        target=mechanism.target_entity,
        evidence=mechanism.sign,
        evidence_type=mechanism.evidence_type,
        read=mechanism.read,
        study=mechanism.study,
        doi=mechanism.doi,
        source_quantities=source.quantities,
        target_quantities=target.quantities,
        match="same" if source.match == target.match == "same" else "proxy",
        changes=tuple(float(x) for x in first),
        share_up=float(np.mean(draws == 1.0)) if verdict != "absent" and len(draws) else None,
        hand_fit=word,
        verdict=verdict,
        steady=len(by_day) <= 1,
    )


def _agreements(rows: Sequence[SignRow]) -> list[Agreement]:
    fixed = [row for row in rows if row.verdict in ("agree", "disagree")]
    same = [row for row in fixed if row.match == "same"]
    records = [("records", fixed), ("records without stand-ins", same)]
    found = [agreement(of, [(r.evidence, r.hand_fit) for r in own]) for of, own in records]
    pairs: dict[tuple[str, str], list[SignRow]] = defaultdict(list)
    for row in fixed:
        pairs[row.source_quantities, row.target_quantities].append(row)
    clear = [own for own in pairs.values() if len({r.evidence for r in own}) == 1]
    found.append(
        agreement("distinct pairs of quantities", [(own[0].evidence, own[0].hand_fit) for own in clear])
    )
    return found


def agreement(of: str, signs: Sequence[tuple[str, str]]) -> Agreement:
    """Count agreements of (evidence, model) signs, with what independence gives at the same margins.

    >>> agreement("four links", [("+", "+"), ("+", "+"), ("-", "-"), ("-", "-")]).p
    0.16666666666666666
    """
    number = len(signs)
    plus, model_plus = sum(e == "+" for e, _ in signs), sum(m == "+" for _, m in signs)
    both = sum(e == m == "+" for e, m in signs)
    agree = number - plus - model_plus + 2 * both
    if not number:
        return Agreement(of, 0, 0, 0, 0, 0.0, 1.0)
    expected = Fraction(plus * model_plus + (number - plus) * (number - model_plus), number)
    ways = range(both, min(plus, model_plus) + 1)
    tail = sum(
        comb(plus, k) * comb(number - plus, model_plus - k) for k in ways if model_plus - k <= number - plus
    )
    p = Fraction(tail, comb(number, model_plus))
    return Agreement(of, number, agree, plus, model_plus, float(expected), float(p))
