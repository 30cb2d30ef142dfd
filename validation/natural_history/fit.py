"""Fit the natural history again: python validation/natural_history/fit.py [--quick] [--write].

In stages, each with the others' numbers held: lesions (spread of CNS entry, share of quiescent people,
duration of enhancement, share of lesions counted on T2), drugs (a factor each, and the exponent of the
hazard), relapses (level of entrants, and the part of the hazard that comes and goes), then serum NfL and
EDSS. The first three are gone through twice, because entrants are chosen by relapses. README.md has the
objective and the result.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from expected import ExpectedRelapses
from scipy.optimize import brentq, minimize

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.streams import CohortDraws
from eubiosis.core.tables import write_table
from eubiosis.model import Model, load
from eubiosis.model.content import Content, DrugRow, TargetRow
from eubiosis.model.natural_history.answers import ALONE, references
from eubiosis.model.natural_history.cohort import History, NaturalCohort, live, simulate_cohort
from eubiosis.model.natural_history.drugs import compared, drugs_of, treated
from eubiosis.model.natural_history.figures import (
    ENTRANTS,
    Disability,
    Figures,
    doubled_acids,
    natural_history,
)
from eubiosis.model.natural_history.people import HOST_INPUTS, Drive, draw_hazard, draw_people
from eubiosis.model.natural_history.scale import DAYS, scales

SEEDS, QUICK_SEEDS = (101, 102), (101,)
SIZE, QUICK_SIZE, DRUG_PEOPLE = 1600, 1000, 500


@dataclass(frozen=True)
class Free:
    """A number to be fitted: its ``value`` or its ``spread``, between bounds."""

    id: str
    field: str
    low: float
    high: float

    def of(self, content: Content) -> float:
        """Return its present value."""
        return float(getattr(content.numbers[self.id], self.field))

    def unbounded(self, value: float) -> float:
        """Map it onto the whole line."""
        share = np.clip((value - self.low) / (self.high - self.low), 1e-3, 1 - 1e-3)
        return float(np.log(share / (1 - share)))

    def bounded(self, x: float) -> float:
        """Map the line back."""
        return self.low + (self.high - self.low) / (1 + np.exp(-x))


LESIONS = (
    Free("host_k_in", "spread", 0.4, 1.2),
    Free("host_quiescent_share", "value", 0.0, 0.4),
    Free("host_tau_Gd", "value", 12.0, 30.0),
    Free("host_p_T2", "value", 0.1, 0.6),
)
SLOPE = (Free("host_gam_R", "value", 0.1, 1.0),)
RELAPSES = (
    Free("host_scale_ARR", "value", 0.5, 0.8),
    Free("host_sd_u", "value", 0.3, 1.8),
    Free("host_tau_u", "value", 60.0, 600.0),
)
NERVE = (Free("host_k_ax", "value", 1e-8, 1.2e-5),)
EDSS = (
    Free("host_edss_mild_0", "value", 0.5, 0.98),
    Free("host_edss_severe_0", "value", 0.3, 0.9),
    Free("host_edss_tau", "value", 49.0, 98.0),
    Free("host_edss_sd", "value", 0.2, 0.5),
    Free("host_pira", "value", 0.0, 0.1),
)
STAGES = ("lesions", "drugs", "relapses", "nerve", "edss")
ROWS = {
    "lesions": ("T090", "T091", "T093", "T095", "T096"),
    "relapses": ("T078", "T079", "T080", "T081", "T083", "T084", "T085", "T086", "T087"),
    "nerve": ("T101",),
    "edss": ("T097", "T098", "T099", "N201", "N203", "N204"),
}


def with_numbers(content: Content, free: Sequence[Free], values: Sequence[float]) -> Content:
    """Return a content with other values; the laws of residuals keep their shape beside the share of none."""
    numbers = dict(content.numbers)
    for each, value in zip(free, values, strict=True):
        numbers[each.id] = numbers[each.id].model_copy(update={each.field: float(value)})
        if each.id.startswith("host_edss_") and each.id.endswith("_0"):
            stem = each.id.removesuffix("_0")
            rest = [n for n in numbers if n.startswith(f"{stem}_") and n != each.id]
            total = sum(content.numbers[n].value for n in rest)
            for name in rest:
                share = content.numbers[name].value / total * (1 - value)
                numbers[name] = numbers[name].model_copy(update={"value": share})
    return replace(content, numbers=numbers)


class Fit:
    """Simulated people of some seeds, and the targets."""

    def __init__(self, model: Model, seeds: Sequence[int], size: int) -> None:
        self.model, self.seeds, self.size = model, seeds, size
        self.content = model.content
        self.targets = {row.id: row for row in model.content.targets}
        self.healthy = references(model)
        self.cohorts: list[NaturalCohort] = []
        self.histories: list[History] = []
        self.expected: ExpectedRelapses | None = None

    def run(self, content: Content) -> list[NaturalCohort]:
        """Run everybody with the numbers of ``content``."""
        number = {name: row.value for name, row in content.numbers.items()}
        inputs = {name: number["host_ms_" + name.removeprefix("host_")] for name in HOST_INPUTS}
        values = {**self.healthy, **{f.id: f.of(content) for f in NERVE}}
        found = []
        for k, seed in enumerate(self.seeds):
            drive: Drive | None = None
            if self.cohorts:  # tone and triggers stay, what multiplies the hazard has other numbers
                hazard = draw_hazard(content, CohortDraws(seed, self.size), days=DAYS)
                drive = replace(self.cohorts[k].drive, hazard=hazard)
            kernel = self.model.host_kernel
            found.append(
                simulate_cohort(content, kernel, inputs, values, size=self.size, seed=seed, drive=drive)
            )
        return found

    def again(self, content: Content) -> list[NaturalCohort]:
        """Return the cohorts with other numbers of event rates and clinic, the infiltrate as it is."""
        changed = []
        for cohort in self.cohorts:
            draws = CohortDraws(cohort.seed, self.size)
            inputs = dict.fromkeys(HOST_INPUTS, 1.0)
            frailty = draw_people(content, self.model.host_kernel, inputs, {}, draws).frailty
            hazard = draw_hazard(content, draws, days=DAYS)
            changed.append(
                replace(
                    cohort,
                    content=content,
                    people=replace(cohort.people, frailty=frailty),
                    drive=replace(cohort.drive, hazard=hazard),
                )
            )
        return changed

    def of_everything(self, cohorts: Sequence[NaturalCohort], *, acids: bool = False) -> Figures:
        """Return the mean figures at scales common to all cohorts."""
        found = []
        for cohort, history in self.lived(cohorts):
            figures = natural_history(cohort, history)
            extra = doubled_acids(cohort, history) if acids else {key: {} for key in figures}
            found.append({group: {**figures[group], **extra[group]} for group in figures})
        return mean(found)

    def lived(self, cohorts: Sequence[NaturalCohort]) -> list[tuple[NaturalCohort, History]]:
        """Let relapses and lesions happen, at scales common to all cohorts."""
        scale = scales(cohorts[0].content, [cohort.relative() for cohort in cohorts])
        return [(cohort, live(cohort, scale)) for cohort in cohorts]

    def of_lesions(self, content: Content) -> Figures:
        """Return the figures after a run with new numbers of the infiltrate."""
        return self.of_everything(self.run(content))

    def of_relapses(self, content: Content) -> Figures:
        """Return the figures of relapses that are expected with the infiltrate as it is."""
        self.expected = self.expected or ExpectedRelapses(self.cohorts, self.content)
        return {ENTRANTS: self.expected.figures(content)}

    def drugs(self) -> None:
        """Fit the factor of each drug to its row, and the exponent of the hazard to the slope over drugs.

        Infiltrates do not depend on the exponent, so they are run once for each factor tried.
        """
        cohort = self.cohorts[0].take(np.arange(min(self.size, DRUG_PEOPLE)))
        infiltrates: dict[str, np.ndarray] = {}
        for _ in range(2):  # a factor fitted to relapses depends on the exponent
            h0 = scales(self.content, [cohort.relative()])["host_h0"]
            for name, rows in drugs_of(self.content.drugs).items():
                self._factor(replace(cohort, content=self.content), name, rows, infiltrates, h0)
            self._exponent(cohort, infiltrates)
            cohort = replace(cohort, content=self.content)

    def _factor(
        self, cohort: NaturalCohort, name: str, rows: Sequence[DrugRow], infiltrates: dict[str, np.ndarray],
        h0: float,
    ) -> None:  # fmt: skip
        drugs = drugs_of(self.content.drugs)
        wanted = next(t for t in self.targets.values() if t.condition == f"drug_{name}" and t.fitted == "yes")
        assert wanted.target is not None

        def miss(log_factor: float) -> float:
            changed = tuple(r.model_copy(update={"factor": float(np.exp(log_factor))}) for r in rows)
            infiltrates[name] = treated(cohort, changed)
            known = {n: drugs[n] for n in infiltrates}
            ratio = compared(cohort, known, infiltrates, h0)[f"drug_{name} {wanted.observable}"]
            return float(np.log(ratio / wanted.target))

        rising = rows[0].target == "host_d_x"  # more of it is less disease
        low, high = (0.0, np.log(3.0)) if rising else (np.log(0.01), 0.0)
        ends = miss(low), miss(high)
        if ends[0] * ends[1] < 0:
            found = float(brentq(miss, low, high, xtol=0.01))
        else:
            found = low if abs(ends[0]) < abs(ends[1]) else high
        print(f"drug {name}: factor {np.exp(found):.4g}, log ratio off by {miss(found):.3f}", flush=True)
        factor = float(f"{np.exp(found):.4g}")
        self.content = replace(
            self.content,
            drugs=tuple(
                r.model_copy(update={"factor": factor}) if r.drug == name else r for r in self.content.drugs
            ),
        )

    def _exponent(self, cohort: NaturalCohort, infiltrates: Mapping[str, np.ndarray]) -> None:
        wanted = self.targets["N319"]
        assert wanted.target is not None
        drugs = drugs_of(self.content.drugs)

        def miss(exponent: float) -> float:
            content = with_numbers(self.content, SLOPE, [exponent])
            changed = replace(cohort, content=content)
            h0 = scales(content, [changed.relative()])["host_h0"]
            return (
                compared(changed, drugs, infiltrates, h0)[f"drug_classes {wanted.quantity}"] - wanted.target
            )

        found = float(brentq(miss, SLOPE[0].low, SLOPE[0].high, xtol=0.002))
        self.content = with_numbers(self.content, SLOPE, [found])
        print(f"slope over drugs: {SLOPE[0].id} {found:.4g}", flush=True)

    def of_disability(self, content: Content) -> Figures:
        """Return the figures of disability with relapses as they are."""
        if not self.histories:
            self.histories = [history for _, history in self.lived(self.cohorts)]
        found = []
        for cohort, history in zip(self.cohorts, self.histories, strict=True):
            edss = Disability(replace(cohort, content=content), history.onsets)
            everybody = np.ones(self.size, dtype=bool)
            found.append({"everybody": edss.figures(everybody), ENTRANTS: edss.figures(history.entered)})
        return mean(found)

    def distance(self, row: TargetRow, value: float) -> float:
        """Return how far a figure is from its target, in standard errors of the target's 95 % interval."""
        assert row.low is not None
        assert row.high is not None
        middle = row.target if row.target is not None else (row.low + row.high) / 2
        return (value - middle) / ((row.high - row.low) / 3.92)

    def loss(self, figures: Mapping[str, Mapping[str, float]], rows: Sequence[str]) -> float:
        """Return the sum of squared distances."""
        return float(
            sum(
                self.distance(row, figures[row.population][row.quantity]) ** 2
                for row in (self.targets[name] for name in rows)
            )
        )

    def stage(
        self, name: str, free: Sequence[Free], rows: Sequence[str],
        measured: Callable[[Content], Figures], evaluations: int,
    ) -> None:  # fmt: skip
        """Fit some numbers to some rows and keep them."""
        began = time.perf_counter()

        def objective(x: np.ndarray) -> float:
            values = [f.bounded(v) for f, v in zip(free, x, strict=True)]
            content = with_numbers(self.content, free, values)
            loss = self.loss(measured(content), rows)
            return loss if np.isfinite(loss) else 1e6

        start = np.array([f.unbounded(f.of(self.content)) for f in free])
        simplex = np.vstack([start, start + 0.4 * np.eye(len(free))])
        options = {"maxfev": evaluations, "initial_simplex": simplex, "xatol": 0.02, "fatol": 0.05}
        found = minimize(objective, start, method="Nelder-Mead", options=options)
        values = [f.bounded(v) for f, v in zip(free, found.x, strict=True)]
        self.content = with_numbers(self.content, free, values)
        said = ", ".join(f"{f.id} {f.field} {v:.4g}" for f, v in zip(free, values, strict=True))
        print(f"{name}: loss {found.fun:.2f} over {len(rows)} rows, {found.nfev} runs, "
              f"{time.perf_counter() - began:.0f} s: {said}", flush=True)  # fmt: skip


def mean(found: Sequence[Figures]) -> Figures:
    """Return the mean of each figure over cohorts."""
    return {
        group: {name: float(np.mean([each[group][name] for each in found])) for name in found[0][group]}
        for group in found[0]
    }


def main() -> None:
    """Fit, print the numbers and what they give, and write them into the tables when asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="one seed of 1,000 people, one round")
    options.add_argument("--write", action="store_true", help="write the numbers into the packaged tables")
    options.add_argument("--stages", default=",".join(STAGES), help="stages to go through, by comma")
    chosen = options.parse_args()
    wanted = chosen.stages.split(",")
    seeds, size = (QUICK_SEEDS, QUICK_SIZE) if chosen.quick else (SEEDS, SIZE)
    fit = Fit(load(), seeds, size)
    quick = chosen.quick
    fit.cohorts = fit.run(fit.content)
    for last in (False, True):
        if "lesions" in wanted:
            runs = 8 if quick else 12 if last else 24
            fit.stage("lesions", LESIONS, ROWS["lesions"], fit.of_lesions, runs)
        fit.cohorts, fit.expected = fit.run(fit.content), None
        if "drugs" in wanted:
            fit.drugs()
        if "relapses" in wanted:
            fit.stage("relapses", RELAPSES, ROWS["relapses"], fit.of_relapses, 80 if quick else 160)
    if "nerve" in wanted:
        fit.stage("nerve", NERVE, ROWS["nerve"], fit.of_lesions, 8 if quick else 12)
    fit.cohorts = fit.run(fit.content)
    if "edss" in wanted:
        fit.stage("edss", EDSS, ROWS["edss"], fit.of_disability, 60 if quick else 120)
    report(fit)
    if chosen.write:
        write(fit.content)


def report(fit: Fit) -> None:
    """Print every row of the host alone beside its target."""
    figures = fit.of_everything(fit.run(fit.content), acids=True)
    for row in fit.targets.values():
        if row.condition == ALONE and row.quantity in figures["everybody"]:
            value = figures[row.population][row.quantity]
            print(f"{row.id} {row.quantity}, {row.population}: {value:.3f} ({row.low} to {row.high})")


def write(content: Content) -> None:
    """Write the fitted numbers into the packaged tables, and nothing else."""
    wanted = {(f.id, f.field) for f in (*LESIONS, *SLOPE, *RELAPSES, *NERVE, *EDSS)}
    laws = [n for n in content.numbers if n.startswith(("host_edss_mild_", "host_edss_severe_"))]
    wanted |= {(name, "value") for name in laws}
    for table in sorted({content.table_of[name] for name, _ in wanted}):
        path = PACKAGED_CONTENT / table
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        columns = head.split("\t")
        for k, line in enumerate(lines):
            cells = line.split("\t")
            for field in ("value", "spread"):
                if (cells[0], field) in wanted:
                    cells[columns.index(field)] = f"{getattr(content.numbers[cells[0]], field):.4g}"
            lines[k] = "\t".join(cells)
        path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8", newline="\n")
        print(f"written: {table}")
    write_table(PACKAGED_CONTENT / "drug_classes.tsv", content.drugs, tuple(DrugRow.model_fields))


if __name__ == "__main__":
    main()
