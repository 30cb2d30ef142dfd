"""How the members of the groups rank:* depend on each other once the healthy gut is asked to be as it is.

    python validation/sensitivity/correlations.py > src/eubiosis/content/parameters/correlations.tsv

The members are drawn from their own laws, independently, with all else as the tables have it. A set is kept
when its healthy gut misses at most one more of the targets of the condition "healthy" than the tables do.
Printed are rank correlations among the sets kept, where they differ from 0 by three standard errors.
"""

from __future__ import annotations

import sys

import numpy as np
from figures import _course, _hold
from scipy.stats import spearmanr

from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model import Model, load
from eubiosis.model.draws import CorrelationRow, quantile_of, whole_groups

SETS, SEED, SPARE = 6000, 1, 1
SIMPLE = ("value", "share_of_acids")


def misses(model: Model, sets: dict[str, Array]) -> Array:
    """Count the targets that the healthy gut of each set misses, (sets,); infinite without a steady state."""
    kernel = model.upstream_kernel
    targets = [
        t
        for t in model.content.targets
        if t.condition == "healthy" and t.statistic in SIMPLE and _known(kernel, t.observable)
    ]
    names = tuple({n.strip() for t in targets for n in t.observable.split("+")} | {"gut_scfa"})
    count = len(next(iter(sets.values())))
    parameters, states = _hold(model, sets, count, None)
    seen = _course(kernel, parameters, states, {}, 0.0, names)
    missed = np.zeros(count)
    for target in targets:
        value = sum(seen[n.strip()] for n in target.observable.split("+"))
        if target.statistic == "share_of_acids":
            value = value / seen["gut_scfa"]
        low = -np.inf if target.low is None else target.low
        high = np.inf if target.high is None else target.high
        missed += (value < low) | (value > high)
    missed[~np.all(np.isfinite(states), axis=1)] = np.inf
    return missed


def _known(kernel: object, observable: str) -> bool:
    return all(
        n.strip() in kernel.state_index or n.strip() in kernel.assigned_index  # type: ignore[attr-defined]
        for n in observable.split("+")
    )


def main() -> None:
    """Print the table."""
    model = load()
    numbers = model.content.numbers
    columns = tuple(CorrelationRow.model_fields)
    print("\t".join(columns))
    table = misses(model, {"gut_V_lumen": np.full(2, numbers["gut_V_lumen"].value)})[0]
    for group, members in whole_groups(numbers).items():
        if not group.startswith("rank:"):
            continue
        draws = {n: stream(SEED, f"correlations/{n}").uniform(1e-6, 1 - 1e-6, SETS) for n in members}
        found = misses(model, {n: quantile_of(numbers[n], q) for n, q in draws.items()})
        kept = found <= table + SPARE
        print(f"{group}: the tables miss {table:.0f}; {kept.sum()} of {SETS} sets kept", file=sys.stderr)
        rank = spearmanr(np.stack([draws[n][kept] for n in members]), axis=1).statistic
        rank = np.atleast_2d(rank) if np.ndim(rank) == 2 else np.array([[1.0, rank], [rank, 1.0]])
        for i, first in enumerate(members):
            for j in range(i + 1, len(members)):
                if abs(rank[i, j]) > 3 / np.sqrt(kept.sum()):
                    source = (
                        f"{kept.sum()} of {SETS} draws kept by the healthy targets; "
                        "validation/sensitivity/correlations.py"
                    )
                    row = (group, first, members[j], f"{rank[i, j]:.2f}", "derived", "", source, "")
                    print("\t".join(row))


if __name__ == "__main__":
    main()
