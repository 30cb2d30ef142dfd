"""Direct terms: what a therapy does to the host past the gut, as factors on numbers of the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis.core.streams import SubjectDraws, stream
from eubiosis.engine import Array
from eubiosis.model.model import Model
from eubiosis.model.worlds import Couplings
from eubiosis.therapy import Product
from eubiosis.trial.design import Design
from eubiosis.trial.world.adherence import planned, taken
from eubiosis.trial.world.interruptions import Intake

LogFactors = Mapping[str, Mapping[str, float]]  # product -> number of the host -> log factor


def direct_terms(model: Model, design: Design, number: int, seed: int, couplings: Couplings) -> LogFactors:
    """Return the log factors of every product of a design in host world ``number``.

    Those of a drug are its row's. Factors whose size and sign are not known are drawn about zero, and odd
    worlds mirror the even world before them. In a null world ("zero") there are none; with the hand-fit
    couplings what is not known is left out.
    """
    found: dict[str, dict[str, float]] = {}
    if couplings == "zero":
        return found
    for record in _records(design):
        for term in record.direct:
            own = found.setdefault(record.id, {})
            if term.drug is not None:
                rows = [row for row in model.content.drugs if row.drug == term.drug]
                if not rows:
                    message = f"{record.id}: drug_classes.tsv has no drug {term.drug}"
                    raise KeyError(message)
                own |= {row.target: float(np.log(row.factor)) for row in rows}
            elif couplings == "symmetric":
                assert term.target is not None
                assert term.sd is not None
                pair, mirrored = divmod(number, 2)
                drawn = float(stream(seed, f"direct/{record.id}/{term.target}", pair).standard_normal())
                own[term.target] = term.sd * (-drawn if mirrored else drawn)
    return found


def host_factors(
    intakes: Sequence[Intake], terms: LogFactors, draws: SubjectDraws, days: int
) -> dict[str, Array]:
    """Return what multiplies numbers of the host on each day, (days, people), as far as each takes it."""
    logs: dict[str, Array] = {}
    for intake in intakes:
        for component in intake.therapy.components:
            own = {name: value for name, value in terms.get(component.product, {}).items() if value}
            if not own:
                continue
            share = (taken(component.adherence, draws, days) * planned(component, days) * intake.share).T
            for name, value in own.items():
                logs[name] = logs.get(name, 0.0) + value * share
    return {name: np.exp(value) for name, value in logs.items()}


def _records(design: Design) -> list[Product]:
    every = [each.record for arm in design.arms for each in arm.therapy.components]
    return list({record.id: record for record in every}.values())
