"""The numbers to be estimated with their priors, and the composition that fixes the niche factors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eubiosis.calibration.petab_rows import (
    EQUILIBRIUM,
    MS,
    REFERENCES,
    REST,
    STEADY,
    Experiment,
    Period,
    Said,
)
from eubiosis.core.guilds import GUILDS
from eubiosis.core.laws import Z975
from eubiosis.core.provenance import SourcedNumber
from eubiosis.model.draws import quantile_of
from eubiosis.model.model import Model
from eubiosis.model.worlds import world_rows

NICHE_RANGE = 30.0  # niche factors are sought within this factor of those of the tables
_EXACT = 0.01  # sd of a log share that stands for "exactly": niche factors are solved for, not measured
_OTHERWISE = 0.2  # sd of the log share of a guild whose fold in MS has no range
_FIRST, _LAST = 0.0005, 0.9995


@dataclass(frozen=True)
class Estimated:
    """A number to be estimated: bounds, the table's value, and its prior in the words of PEtab."""

    name: str
    label: str
    nominal: float
    low: float
    high: float
    prior: str
    prior_parameters: tuple[float, float]


def estimated(model: Model) -> tuple[list[Estimated], list[tuple[str, str]]]:
    """Return the numbers to be estimated, and what of their priors is said otherwise than it is meant."""
    known = model.upstream_kernel.parameter_index
    in_ms = {text for text in given_in_ms(model).values() if text in model.content.numbers}
    found: list[Estimated] = []
    notes: list[tuple[str, str]] = []
    held: list[str] = []
    for line in world_rows(model):
        row = model.content.numbers[line.id]
        if line.part != "gut" or (row.id not in known and row.id not in in_ms):
            held += [row.id] if line.part == "gut" else []
            continue
        prior, parameters, remark = _prior(row)
        low, high = (float(quantile_of(row, q)) for q in (_FIRST, _LAST))
        found.append(Estimated(row.id, row.description, row.value, low, high, prior, parameters))
        notes += [(row.id, remark)] if remark else []
        if row.together:
            notes.append((row.id, f"drawn together with others ({row.together}), said as independent"))
    notes.append((", ".join(held), "held: no parameter of this model (folds are data of the MS composition)"))
    for person, begin in (("healthy", "gut_w_rest_"), ("ms", "gut_w_ms_")):
        for guild in GUILDS:
            value = model.derived.of(person)[f"gut_w_{guild}"]
            ends = (value / NICHE_RANGE, value * NICHE_RANGE)
            label = f"niche factor of {guild}, {person}"
            found.append(Estimated(f"{begin}{guild}", label, value, *ends, "log-uniform", ends))
    notes.append(
        (
            "gut_w_rest_*, gut_w_ms_*",
            "solved for in every set of numbers, said as estimated with the shares as data",
        )
    )
    return found, notes


def given_in_ms(model: Model) -> dict[str, str]:
    """Return what differs in a person with MS: target -> its value, a number or the name of one."""
    known = model.upstream_kernel.parameter_index
    own = {row.target: row.value for row in model.content.persons if row.person == MS}
    niches = {f"gut_w_{guild}": f"gut_w_ms_{guild}" for guild in GUILDS}
    return {name: value for name, value in own.items() if name in known and "share" not in name} | niches


def composition(model: Model) -> list[Said]:
    """Return the shares of the guilds, in health and in MS, and the scale of the niche factors, as data."""
    numbers = model.content.numbers
    shares = {guild: model.derived.of("healthy")[f"gut_B_{guild}"] for guild in GUILDS}
    total = sum(shares.values())
    ms = {guild: model.derived.of(MS)[f"gut_B_{guild}"] for guild in GUILDS}
    rest = Experiment("healthy", (Period(EQUILIBRIUM, (REST,)), Period("0", (REFERENCES,))))
    with_ms = Experiment(MS, (Period(EQUILIBRIUM, (REST,)), Period("0", (REFERENCES, MS))))
    found = []
    for guild in GUILDS:
        share = f"gut_share_{guild}"
        own = f"share of {guild}"
        found.append(
            Said(f"share_{guild}", f"{own}, healthy", share, STEADY, shares[guild] / total, _EXACT,
                 "log-normal", rest)
        )  # fmt: skip
        fold = numbers.get(f"gut_fold_{guild}")
        found.append(
            Said(f"share_ms_{guild}", f"{own}, MS", share, STEADY, ms[guild] / sum(ms.values()),
                 _spread(fold), "log-normal", with_ms)
        )  # fmt: skip
    scale = " * ".join(f"gut_w_{guild}" for guild in GUILDS)
    middle = numbers["gut_w_scale"].value
    formula = f"({scale}) ^ (1 / {len(GUILDS)})"
    label = "geometric mean of the niche factors"
    found.append(Said("scale", label, formula, STEADY, middle, _EXACT, "log-normal", rest))
    found.append(Said("scale_ms", label, formula, STEADY, middle, _EXACT, "log-normal", with_ms))
    return found


def _spread(fold: SourcedNumber | None) -> float:
    if fold is None or fold.low is None or fold.high is None or fold.low <= 0:
        return _OTHERWISE
    return max(math.log(fold.high / fold.low) / (2 * Z975), _EXACT)


def _prior(row: SourcedNumber) -> tuple[str, tuple[float, float], str]:
    """Return a law in the words of PEtab, its two numbers, and what is lost by that."""
    low, high = float(row.low or 0.0), float(row.high or 0.0)
    if row.uncertainty in ("uniform", "loguniform"):
        return {"uniform": "uniform", "loguniform": "log-uniform"}[row.uncertainty], (low, high), ""
    if row.uncertainty == "lognormal":
        below, above = math.log(row.value / low), math.log(high / row.value)
        remark = "" if math.isclose(below, above, rel_tol=0.05) else "two half-normals, said as one"
        return "log-normal", (math.log(row.value), (below + above) / (2 * Z975)), remark
    spread = (high - low) / (2 * Z975)
    remark = "cut off at its 95 % range" if row.uncertainty == "normal" else f"a {row.uncertainty} law"
    return "normal", (row.value, spread), f"{remark}, said as normal within the bounds"
