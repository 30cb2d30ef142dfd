#!/usr/bin/env python3
"""Coverage of the intervals of event counts at rate ratios other than 1, and of others that were considered.

    python validation/trials/coverage.py [--gut-worlds 8] [--people 9000] [--write]

In a null world both arms have the same rates of relapses and lesions; those of the second arm are multiplied
by the ratio, for everybody alike. So many participants in all are simulated at each size, ratio and gut
world, in trials whose people are drawn by lot from a pool of 300. The truth of an endpoint is its ratio over
all trials of all worlds. ``--write`` puts the table into docs/reference/operating_characteristics.md.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.batched.counts import Events, rate_ratios
from eubiosis.analysis.batched.profiles import profile_intervals
from eubiosis.analysis.estimates import estimate
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import StackedObserved, TrialStack
from eubiosis.model import load
from eubiosis.population.generate import generate
from eubiosis.therapy import Adherence, placebo, prebiotic
from eubiosis.trial import estimands
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.redraw import Pool
from eubiosis.trial.simulate import gut_world_trials, tasks
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.world.clocks import Clocks
from eubiosis.trial.world.interruptions import NOTHING

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "operating_characteristics.md"
BEGIN, END = "<!-- coverage at ratios: begin -->", "<!-- coverage at ratios: end -->"
RATIOS, SIZES, POOL, SEED = (0.5, 0.7, 1.0, 1.4), (30, 60, 120, 300), 300, 2026
COUNTS = tuple(name for name, each in ENDPOINTS.items() if each.counted)
METHODS = ("randomisation", "profile", "Wald")
Floats = NDArray[np.float64]
Ends = dict[tuple[str, int, float], list[Floats]]  # endpoint, size, ratio -> (trials, methods, 2)


def null_design() -> Design:
    """Return two arms that are the placebo both."""
    not_taken = prebiotic("inulin", dose="12 g/day").changed(adherence=Adherence(mean=0.0, sd=0.0))
    arms = (
        Arm(name="placebo", therapy=placebo(), control=True),
        Arm(name="other", therapy=not_taken),
    )
    return Design(arms=arms, participants=POOL, primary="relapses", block=1)


def pools(gut_worlds: int) -> Iterator[Pool]:
    """Yield a pool of people in each gut world, without couplings."""
    model, design = load(), null_design()
    runs = Simulation(gut_worlds=gut_worlds, host_worlds=1, replicates=1, couplings="zero")
    for task in tasks(design, generate(model, seed=SEED), runs, model, SEED):
        for pair in gut_world_trials(task).pairs:
            if pair.pool is not None:
                yield pair.pool


def with_ratio(pool: Pool, ratio: float) -> Pool:
    """Return the pool with the rates of the second arm multiplied by a ratio."""
    courses = pool.world.by_kept[NOTHING]
    second = courses.arms.index("other")

    def scaled(clocks: tuple[Clocks, ...]) -> tuple[Clocks, ...]:
        return tuple(clock.scaled(ratio) if k == second else clock for k, clock in enumerate(clocks))

    relapses, lesions = scaled(courses.relapses), scaled(courses.lesions)
    other = replace(
        courses,
        relapses=relapses,
        lesions=lesions,
        expected_relapses=np.stack([clock.expected for clock in relapses]),
        expected_lesions=np.stack([clock.expected for clock in lesions]),
    )
    return replace(pool, world=replace(pool.world, by_kept={**pool.world.by_kept, NOTHING: other}))


def ends_of(stack: TrialStack, name: str) -> Floats:
    """Return the log ends of the intervals of one endpoint, (trials, methods, 2); NaN without numbers."""
    wanted = [one for one in estimands(null_design()) if one.endpoint == name]
    found = np.full((len(stack), len(METHODS), 2), np.nan)
    for k, row in enumerate(estimate(StackedObserved([stack], "placebo"), wanted, seed=SEED)):
        if row.estimate.usable:
            found[k, 0] = np.log([row.estimate.ci_low, row.estimate.ci_high])
    each = ENDPOINTS[name]
    data = Events.of(
        stack.column(each.events),
        stack.column(each.exposure),
        stack.arm,
        np.stack([stack.arm == 0, stack.arm == 1]),
    )
    fits = rate_ratios(data)
    found[:, 1] = profile_intervals(data, fits)[:, :, 0].T
    reach = 1.959963984540054 * fits.error[:, 0]
    found[:, 2] = np.stack([fits.log_ratio[:, 0] - reach, fits.log_ratio[:, 0] + reach], axis=1)
    found[~fits.regular] = np.nan
    return found


def covered(
    gut_worlds: int, people: int, sizes: Sequence[int], ratios: Sequence[float]
) -> dict[tuple[str, int, float], tuple[int, tuple[float, ...]]]:
    """Return by endpoint, size and ratio: trials with numbers, and the share that covers by method."""
    ends: Ends = defaultdict(list)
    sums: dict[tuple[str, float], Floats] = defaultdict(lambda: np.zeros((2, 2)))
    for pool in pools(gut_worlds):
        for ratio in ratios:
            short = with_ratio(pool, ratio).until(pool.design.visits[-1])
            for size in sizes:
                for stack, _ in short.trials(size, range(max(8, people // size))):
                    for name in COUNTS:
                        ends[name, size, ratio].append(ends_of(stack, name))
                        for arm in (0, 1):
                            own = stack.arm == arm
                            for k, column in enumerate((ENDPOINTS[name].events, ENDPOINTS[name].exposure)):
                                sums[name, ratio][arm, k] += stack.column(column)[own].sum()
    found = {}
    for (name, size, ratio), parts in ends.items():
        rates = sums[name, ratio][:, 0] / sums[name, ratio][:, 1]
        truth = float(np.log(rates[1] / rates[0])) if ratio != 1.0 else 0.0
        every = np.concatenate(parts)
        usable = np.isfinite(every[:, 0, 0])
        held = (every[usable, :, 0] <= truth) & (truth <= every[usable, :, 1])
        found[name, size, ratio] = (int(usable.sum()), tuple(held.mean(axis=0).tolist()))
    return found


def markdown(found: dict[tuple[str, int, float], tuple[int, tuple[float, ...]]], gut_worlds: int) -> str:
    """Return the table: a row an endpoint and size, a column a ratio, each with the three methods."""
    ratios = sorted({key[2] for key in found})
    lines = [
        f"{gut_worlds} gut worlds; coverage in % of the interval by {', '.join(METHODS)}, over trials with "
        "numbers.",
        "",
        f"| endpoint | n | {' | '.join(f'ratio {ratio:g}' for ratio in ratios)} | trials |",
        f"|---|--:|{'---|' * len(ratios)}--:|",
    ]
    outside = []
    for name in COUNTS:
        for size in sorted({key[1] for key in found}):
            cells = [found[name, size, ratio] for ratio in ratios]
            text = ["/".join(f"{100 * one:.1f}" for one in shares) for _, shares in cells]
            least = min(count for count, _ in cells)
            lines.append(f"| {ENDPOINTS[name].label} | {size} | {' | '.join(text)} | {least} |")
            for ratio, (count, shares) in zip(ratios, cells, strict=True):
                error = np.sqrt(0.95 * 0.05 / count)
                if not 0.935 - 2 * error <= shares[0] <= 0.965 + 2 * error:
                    outside.append(f"{name} at n = {size}, ratio {ratio:g}: {100 * shares[0]:.1f} %")
    said = "; ".join(outside) or "none"
    lines += ["", f"By randomisation outside 93.5 to 96.5 % by more than two binomial errors: {said}."]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Simulate, and print or write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gut-worlds", type=int, default=8)
    parser.add_argument("--people", type=int, default=9_000)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    text = markdown(covered(chosen.gut_worlds, chosen.people, SIZES, RATIOS), chosen.gut_worlds)
    if chosen.write:
        from marked_page import put_between  # beside this script

        put_between(PAGE, BEGIN, END, text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
