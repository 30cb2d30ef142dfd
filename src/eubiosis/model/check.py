"""Check the model against its targets: every row with what the model gives and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from eubiosis.model.content import TargetRow
from eubiosis.model.model import Model
from eubiosis.model.natural_history.answers import Answer, answers
from eubiosis.model.natural_history.drugs import drug_answers
from eubiosis.model.numbers import shares_read, standings
from eubiosis.model.therapies import compare_therapies
from eubiosis.model.worlds import world_rows

HIT, MISS, UNTESTED = "hit", "miss", "untested prediction"
_PRODUCTION, _EXCRETED = ("gut_scfa_production",), ("gut_stool_scfa", "gut_stool_wet")


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
    rows = [
        t for t in model.content.targets if population or t.statistic not in ("population", "therapy", "drug")
    ]
    given = _Answers(model)
    return [_judge(target, *given.of(target)) for target in rows]


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


class _At(Protocol):
    """What a course gives on a day: the sum of the asked quantities, or of others."""

    def __call__(self, time: float, of: tuple[str, ...] = ...) -> float: ...


class _Answers:
    """Evaluate targets; a condition or a population is simulated once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._populations: dict[str, dict[str, dict[str, Answer]]] = {}
        self._drugs: dict[str, dict[str, Answer]] = {}
        self._therapies: dict[str, dict[str, float]] = {}

    def of(self, target: TargetRow) -> tuple[float, float | None]:
        """Return the model's answer, and its Monte Carlo standard error where people are drawn."""
        if target.statistic == "population":
            return self._population(target)
        if target.statistic == "drug":
            self._drugs = self._drugs or drug_answers(self.model)
            return self._drugs[target.condition][target.observable]
        if target.statistic == "therapy":
            return self._therapy(target.condition)[target.observable], None
        if target.statistic == "bolus":
            return self._bolus(), None
        return self._course(target), None

    def _population(self, target: TargetRow) -> Answer:
        """Return a figure of the people whom the target names; all conditions are simulated at once."""
        if not self._populations:
            rows = (t for t in self.model.content.targets if t.statistic == "population")
            self._populations = answers(self.model, tuple(dict.fromkeys(t.condition for t in rows)))
        return self._populations[target.condition][target.population][target.quantity]

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
        number = self.model.content.by_name
        dose = 0.5 / number["handover_salt_molar_mass"] * (1 - number["handover_phi"])
        appearance = (1 - number["handover_E_liver"]) * number["handover_k_si"] * dose
        return (number["handover_Ra_Pr"] + appearance) / number["handover_CL_Pr"]

    def _course(self, target: TargetRow) -> float:
        condition = self.model.condition(target.condition)
        day = target.day if target.day is not None else condition.days
        names = tuple(name.strip() for name in target.observable.split("+"))
        at = self._at(target.condition, day, names)
        simple = {
            "value": lambda: at(day),
            "ratio": lambda: at(day) / self._before(condition.person, names),
            "ratio_to": lambda: at(day) / self._at(str(target.other_condition), day, names)(day),
            "log10": lambda: float(np.log10(at(day))),
            "log10_fall_3d": lambda: float(np.log10(at(day) / at(day + 3.0))),
            "share_of_acids": lambda: at(day) / at(day, ("gut_scfa",)),
            "excreted": lambda: _excreted(at, day),
            "absorbed_share": lambda: 1 - _excreted(at, day) / at(day, _PRODUCTION),
            "extra_per_g_itf": lambda: (
                (at(day, _PRODUCTION) - self._before(condition.person, _PRODUCTION))
                / self._fructans(condition)
            ),
            "over_healthy": lambda: at(day) / self._before("healthy", names),
        }
        return simple[target.statistic]()

    def _at(self, condition: str, day: float, names: tuple[str, ...]) -> _At:
        """Run a condition; return what sums quantities on day 0, ``day`` or three days later."""
        days = sorted({0.0, day, day + 3.0})
        asked = dict.fromkeys((*names, "gut_scfa", *_PRODUCTION, *_EXCRETED))
        solution = self.model.simulate(condition, days, tuple(asked))
        if solution.status[0] != "ok":
            message = f"condition {condition} failed: {solution.status[0]}"
            raise ArithmeticError(message)

        def at(time: float, of: tuple[str, ...] = names) -> float:
            return float(sum(solution[name][0, days.index(time)] for name in of))

        return at

    def _before(self, person: str, names: tuple[str, ...]) -> float:
        """Return what a person has before anything is taken or transplanted."""
        model, kernel = self.model, self.model.kernel
        own = {k: v for k, v in model.derived.of(person).items() if k in kernel.parameter_index}
        still = kernel.solve([0.0], names, parameters=own, initial=model.states(person))
        return float(still.values.sum())

    def _fructans(self, condition: Any) -> float:
        dose = next(pulse.level for pulse in condition.pulses if pulse.target == "gut_dose_inulin")
        return float(dose * self.model.content.numbers["gut_itf_fraction"].value)


def _excreted(at: _At, day: float) -> float:
    """Acids excreted (mmol/d); a gram of wet stool is taken as a millilitre."""
    stool, wet = _EXCRETED
    return at(day, (stool,)) * at(day, (wet,)) / 1000


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
