"""Check the model against its targets: every row with what the model gives and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eubiosis.engine import Array
from eubiosis.model.content import TargetRow
from eubiosis.model.model import Model
from eubiosis.model.natural_history.figures import doubled_acids, natural_history, simulate_cohort
from eubiosis.model.natural_history.people import HOST_INPUTS
from eubiosis.model.natural_history.scale import joined_inputs
from eubiosis.model.numbers import shares_read, standings
from eubiosis.model.therapies import compare_therapies
from eubiosis.model.worlds import world_rows

HIT, MISS, UNTESTED = "hit", "miss", "untested prediction"
POPULATION, SEED = 2000, 7


@dataclass(frozen=True)
class Verdict:
    """One target with the model's answer.

    ``error`` is the Monte Carlo standard error of ``model`` where it comes from simulated people, over seeds.
    A discrepancy never enters: a miss stays a miss.
    """

    row: TargetRow
    model: float
    verdict: str
    error: float | None = None

    @property
    def quantity(self) -> str:
        """What the target is of."""
        return self.row.quantity

    @property
    def condition(self) -> str:
        """The condition under which it is asked."""
        return self.row.condition

    @property
    def target(self) -> float | None:
        """The published value."""
        return self.row.target

    @property
    def low(self) -> float | None:
        """The lower end of its interval."""
        return self.row.low

    @property
    def high(self) -> float | None:
        """The upper end of its interval."""
        return self.row.high

    @property
    def role(self) -> str:
        """What the row may be used for."""
        return self.row.role

    @property
    def unit(self) -> str:
        """The unit of target and model."""
        return self.row.unit

    def as_record(self) -> dict[str, Any]:
        """The row as the command line prints it with --json."""
        row = self.row
        return {
            "id": row.id,
            "quantity": row.quantity,
            "condition": row.condition,
            "population": row.population,
            "taxon": row.taxon,
            "contrast": row.contrast,
            "day": row.day,
            "model": self.model,
            "monte_carlo_error": self.error,
            "target": row.target,
            "low": row.low,
            "high": row.high,
            "role": row.role,
            "fitted": row.fitted,
            "verdict": self.verdict,
            "reason": row.reason if self.verdict == MISS else "",
        }


def check_targets(model: Model, *, population: bool = True) -> list[Verdict]:
    """Evaluate every target; ``population=False`` leaves out those that need a simulated population."""
    rows = [t for t in model.content.targets if population or t.statistic not in ("population", "therapy")]
    answers = _Answers(model)
    return [_judge(target, answers.of(target)) for target in rows]


def basis_shares(model: Model) -> dict[str, float]:
    """Return the share of the model's numbers by basis."""
    counts = Counter(row.basis for row in model.content.numbers.values())
    total = sum(counts.values())
    return {basis: counts[basis] / total for basis in ("measured", "fitted", "derived", "assumed")}


def number_lines(model: Model) -> tuple[str, ...]:
    """Say in words how far the sources of the numbers were read, and where assumed numbers are drawn."""
    content = model.content
    shares = shares_read(content.numbers.values())
    counts = standings(content, {row.id for row in world_rows(model)})
    return (
        "numbers by how far they were read: " + ", ".join(f"{word} {n:.0%}" for word, n in shares.items()),
        f"assumed numbers ({sum(counts.values())}): "
        + ", ".join(f"{n} {word}" for word, n in counts.items())
        + "; why they are held: parameters/held.tsv",
    )


def _judge(target: TargetRow, value: float, error: float | None = None) -> Verdict:
    if target.low is None and target.high is None:
        verdict = UNTESTED
    else:
        above = target.low is None or value >= target.low
        below = target.high is None or value <= target.high
        verdict = HIT if above and below else MISS
    return Verdict(target, value, verdict, error)


class _Answers:
    """Evaluate targets; a condition or a population is simulated once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._populations: dict[str, dict[str, float]] = {}
        self._therapies: dict[str, dict[str, float]] = {}

    def of(self, target: TargetRow) -> float:
        if target.statistic == "population":
            return self._population(target.condition)[target.quantity]
        if target.statistic == "therapy":
            return self._therapy(target.condition)[target.observable]
        if target.statistic == "bolus":
            return self._bolus()
        return self._course(target)

    def _population(self, condition: str) -> dict[str, float]:
        if condition not in self._populations:
            model = self.model
            healthy = model.derived.of("healthy")
            if condition == "natural_history_host":
                number = {name: row.value for name, row in model.content.numbers.items()}
                inputs = {name: number["host_ms_" + name.removeprefix("host_")] for name in HOST_INPUTS}
            else:
                inputs = joined_inputs(model.kernel, model.derived.of("ms"))
            references = {
                k: v for k, v in healthy.items() if k.startswith("host_") and k.endswith("_healthy")
            }
            cohort = simulate_cohort(
                model.content, model.host_kernel, inputs, references, size=POPULATION, seed=SEED
            )
            self._populations[condition] = {**natural_history(cohort), **doubled_acids(cohort)}
        return self._populations[condition]

    def _therapy(self, condition: str) -> dict[str, float]:
        if not self._therapies:
            targets = self.model.content.targets
            asked = {t.condition: t.condition for t in targets if t.statistic == "therapy"}
            for row in compare_therapies(self.model, asked):
                self._therapies[row.condition] = {
                    "relapses": float(row.relapses[0]),
                    "lesions": float(row.lesions[0]),
                    "share_worse": float(row.share_worse[0]),
                    "treg_14d": float(row.treg_14d[0]),
                }
        return self._therapies[condition]

    def _bolus(self) -> float:
        """Peak serum propionate (mM) after 500 mg of the salt: absorption at its initial rate."""
        number = {name: row.value for name, row in self.model.content.numbers.items()}
        dose = 0.5 / number["handover_salt_molar_mass"] * (1 - number["handover_phi"])
        appearance = (1 - number["handover_E_liver"]) * number["handover_k_si"] * dose
        return (number["handover_Ra_Pr"] + appearance) / number["handover_CL_Pr"]

    def _course(self, target: TargetRow) -> float:
        condition = self.model.condition(target.condition)
        day = target.day if target.day is not None else condition.days
        names = tuple(name.strip() for name in target.observable.split("+"))
        extra = ("gut_scfa", "gut_scfa_production", "gut_stool_scfa", "gut_stool_wet")
        days = sorted({0.0, day, day + 3.0})
        solution = self.model.simulate(target.condition, days, (*names, *extra))
        if solution.status[0] != "ok":
            message = f"condition {target.condition} failed: {solution.status[0]}"
            raise ArithmeticError(message)

        def at(time: float, of: tuple[str, ...] = names) -> float:
            return float(sum(solution[name][0, days.index(time)] for name in of))

        production = ("gut_scfa_production",)
        excreted = (
            at(day, ("gut_stool_scfa",)) * at(day, ("gut_stool_wet",)) / 1000
        )  # g wet per L taken as one
        simple = {
            "value": lambda: at(day),
            "ratio": lambda: at(day) / at(0.0),
            "log10": lambda: float(np.log10(at(day))),
            "log10_fall_3d": lambda: float(np.log10(at(day) / at(day + 3.0))),
            "share_of_acids": lambda: at(day) / at(day, ("gut_scfa",)),
            "excreted": lambda: excreted,
            "absorbed_share": lambda: 1 - excreted / at(day, production),
            "extra_per_g_itf": lambda: (
                (at(day, production) - at(0.0, production)) / self._fructans(condition)
            ),
            "over_healthy": lambda: at(day) / self._healthy(names),
        }
        return simple[target.statistic]()

    def _fructans(self, condition: Any) -> float:
        dose = next(pulse.level for pulse in condition.pulses if pulse.target == "gut_dose_inulin")
        return float(dose * self.model.content.numbers["gut_itf_fraction"].value)

    def _healthy(self, names: tuple[str, ...]) -> float:
        values: Array = self.model.simulate("healthy", [0.0], names).values
        return float(values.sum())


def summary(verdicts: Sequence[Verdict]) -> Mapping[str, int]:
    """Count the verdicts."""
    return Counter(v.verdict for v in verdicts)


@dataclass(frozen=True)
class ShareMissed:
    """How many rows of a group have bounds, and how many of these are missed."""

    group: str
    rows: int
    missed: int

    def __str__(self) -> str:
        share = f" ({self.missed / self.rows:.0%})" if self.rows else ""
        return f"{self.group}: {self.missed} of {self.rows} missed{share}"


def shares_missed(verdicts: Sequence[Verdict]) -> tuple[ShareMissed, ...]:
    """Count misses among the rows of commit 610d205 and among later ones, fitted and never fitted apart."""
    judged = [v for v in verdicts if v.verdict != UNTESTED]

    def count(group: str, rows: Sequence[Verdict]) -> ShareMissed:
        return ShareMissed(group, len(rows), sum(v.verdict == MISS for v in rows))

    old = [v for v in judged if v.row.id.startswith("T")]
    new = [v for v in judged if not v.row.id.startswith("T")]
    return (
        count("fitted", [v for v in judged if v.row.fitted == "yes"]),
        count("never fitted", [v for v in judged if v.row.fitted == "no"]),
        count("targets of 610d205", old),
        count("later targets", new),
    )
