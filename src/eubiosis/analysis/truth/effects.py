"""True effects: what every active arm does to the enrolled subjects of a world, twin against twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRUE_EFFECTS
from eubiosis.core.trial_stacks import LatentStack, StackedLatent
from eubiosis.core.trial_tables import KEYS, Latent, TrialKey, parts

Array = NDArray[np.float64]
ByArm = Mapping[str, Mapping[str, NDArray[np.generic]]]
_BOOTSTRAPS = 100
_SCORES = ("edss_last_visit", "mfis_last_visit")
COLUMN_OF = {
    "relapses": "expected_relapses",
    "gd_lesions": "expected_new_lesions",
    "t2_lesions": "expected_new_lesions",
    "edss": "edss_last_visit",
    "mfis": "mfis_last_visit",
    "treg": "treg_last_visit",
    "nfl": "nfl_last_visit",
}


@dataclass(frozen=True)
class TrueEffect:
    """True effect of one arm in one pair of worlds: its value on the analysis scale (log for ratios).

    ``spread`` is the standard error that comes from which subjects were drawn; ``unit_sd`` the standard
    deviation between subjects in the control arm (of the logarithm for ratios), 1 for counts.
    """

    gut_world: int
    host_world: int
    endpoint: str
    arm: str
    value: float
    spread: float
    unit_sd: float

    @property
    def world(self) -> str:
        """The pair of worlds in words."""
        return TrialKey(self.gut_world, self.host_world, 0).world


def true_effects(latent: Latent) -> tuple[TrueEffect, ...]:
    """Compare twins: every active arm against the control in every pair of worlds, without dropout.

    Order: worlds, active arms, endpoints. Source of the idea: counterfactual twins under common random
    numbers.

    >>> from eubiosis.analysis.truth import true_effects  # the only room that accepts a latent table
    """
    found: list[TrueEffect] = []
    if isinstance(latent, StackedLatent):
        for _, stacks in groupby(latent.stacks, lambda stack: (stack.gut_world, stack.host_world)):
            found += effects_of_world(Twins.of(stacks), latent.control, latent.seed)
        return tuple(found)
    for rows, (gut_world, host_world) in parts(latent.subjects, ("gut_world", "host_world")):
        columns = {name: latent.subjects[name][rows] for name in latent.subjects.columns}
        twins = _of_table(TrialKey(gut_world, host_world, 0), columns)
        found += effects_of_world(twins, latent.control, latent.seed)
    return tuple(found)


@dataclass(frozen=True)
class Twins:
    """The twins of one pair of worlds: ``first`` are the columns of its first trial, by arm and then name.

    ``means`` are those of the scores over all its trials, which differ from trial to trial. ``targets``, by
    arm and then endpoint, are value and weight of each estimand's variable, summed over all trials, (2, n);
    they are there where a design has intercurrent events.
    """

    key: TrialKey
    subjects: NDArray[np.int64]
    first: ByArm
    means: ByArm
    targets: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, stacks: Iterable[LatentStack]) -> Twins:
        """Put the trials of one pair of worlds together, looking at each stack once."""
        rows = iter(stacks)
        one = next(rows)
        first = {
            arm: {
                **{name: values[k] for name, values in one.of_world.items()},
                **{name: values[k, 0] for name, values in one.of_trials.items()},
            }
            for k, arm in enumerate(one.arms)
        }
        sums = {name: values.sum(axis=1) for name, values in one.of_trials.items()}
        trials = len(one.replicates)
        asked = {name: _summed(values) for name, values in one.targets.items()}
        for more in rows:
            trials += len(more.replicates)
            sums = {name: total + more.of_trials[name].sum(axis=1) for name, total in sums.items()}
            asked = {name: total + _summed(more.targets[name]) for name, total in asked.items()}
        means = {
            arm: {name: total[k] / trials for name, total in sums.items()} for k, arm in enumerate(one.arms)
        }
        targets = {
            arm: {name: values[:, k] for name, values in asked.items()} for k, arm in enumerate(one.arms)
        }
        return cls(TrialKey(one.gut_world, one.host_world, 0), one.numbers, first, means, targets)


def _summed(values: Array) -> Array:
    """Sum value times weight, and weight, over trials: (2, arms, trials, n) -> (2, arms, n)."""
    return np.asarray(values.sum(axis=2))


def effects_table(effects: Sequence[TrueEffect]) -> Table:
    """Return true effects as a table, one row each."""
    columns = {"world": np.array([each.world for each in effects])}
    records = [asdict(each) for each in effects]
    names = ("gut_world", "host_world", "endpoint", "arm", "value", "spread", "unit_sd")
    return Table(
        {**columns, **{name: np.array([record[name] for record in records]) for name in names}},
        schema=TRUE_EFFECTS,
    )


def _of_table(key: TrialKey, columns: Mapping[str, NDArray[np.generic]]) -> Twins:
    """Sort the rows of one pair of worlds by trial and arm; raises ``ValueError`` where twins are lacking."""
    numbers, arms, subject = columns["replicate"], columns["arm"], columns["subject"]
    names = list(dict.fromkeys(arms.tolist()))
    values = {name: v for name, v in columns.items() if name not in (*KEYS, "subject", "arm")}
    sums: dict[str, dict[str, Array]] = {}
    first: dict[str, dict[str, NDArray[np.generic]]] = {}
    everybody = np.asarray(subject[(numbers == numbers[0]) & (arms == names[0])])
    trials = np.unique(numbers)
    for number in trials:
        for arm in names:
            rows = np.flatnonzero((numbers == number) & (arms == arm))
            if not np.array_equal(subject[rows], everybody):
                message = f"world {key.world}: the arms do not hold the same subjects in the same order"
                raise ValueError(message)
            own = {name: column[rows] for name, column in values.items()}
            first.setdefault(arm, own)
            total = sums.setdefault(arm, dict.fromkeys(_SCORES, np.zeros(len(rows))))
            for name in _SCORES:
                total[name] = total[name] + np.asarray(own[name], dtype=float)
    means = {arm: {name: total / len(trials) for name, total in by.items()} for arm, by in sums.items()}
    return Twins(key, everybody, first, means)


def effects_of_world(twins: Twins, control: str, seed: int) -> list[TrueEffect]:
    """Return the true effects in one pair of worlds: active arms, then endpoints."""
    found = []
    key, size = twins.key, len(twins.subjects)
    generator = np.random.default_rng([seed, *key.world.encode()])
    draws = generator.multinomial(size, np.full(size, 1 / size), _BOOTSTRAPS)
    for arm in (name for name in twins.first if name != control):
        for endpoint in ENDPOINTS.values():
            if twins.targets.get(arm):
                value, spread = _asked(twins, endpoint, arm, control, draws)
                unit_sd = 1.0 if endpoint.counted else _twin_effect(twins, endpoint, arm, control)[1]
            elif endpoint.counted:
                name = COLUMN_OF[endpoint.id]
                treated, other = (np.asarray(twins.first[a][name], dtype=float) for a in (arm, control))
                value = float(np.log(treated.sum() / other.sum()))
                spread = float(np.std(np.log((draws @ treated) / (draws @ other))))
                unit_sd = 1.0
            else:
                effect, unit_sd = _twin_effect(twins, endpoint, arm, control)
                value, spread = float(effect.mean()), float(effect.std() / np.sqrt(size))
            found.append(TrueEffect(key.gut_world, key.host_world, endpoint.id, arm, value, spread, unit_sd))
    return found


def _asked(
    twins: Twins, endpoint: Endpoint, arm: str, control: str, draws: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the true effect under the strategies of the estimand, and its standard error over people.

    ``draws`` (resamples, people) says how often each is drawn.
    """
    # a resample, or in a small world everybody, may lie outside the stratum: that ratio is not a number
    with np.errstate(divide="ignore", invalid="ignore"):
        return _compared(twins, endpoint, arm, control, draws)


def _compared(
    twins: Twins, endpoint: Endpoint, arm: str, control: str, draws: NDArray[np.int64]
) -> tuple[float, float]:
    (mine, weight), (other, others) = (twins.targets[name][endpoint.id] for name in (arm, control))
    if endpoint.counted:
        value = np.log(mine.sum() / weight.sum()) - np.log(other.sum() / others.sum())
        drawn = [np.log((draws @ top) / (draws @ low)) for top, low in ((mine, weight), (other, others))]
        difference = drawn[0] - drawn[1]
        return float(value), float(np.std(difference[np.isfinite(difference)]))
    mean = float(np.divide((mine - other).sum(), weight.sum()))
    left = (mine - other) - mean * weight
    return mean, float(np.divide(np.sqrt(np.sum(left**2)), weight.sum()))


def _twin_effect(twins: Twins, endpoint: Endpoint, arm: str, control: str) -> tuple[Array, float]:
    """Return each subject's own effect at the last visit and the spread between subjects under control."""
    name = COLUMN_OF.get(endpoint.id, endpoint.id)
    treated, other = (np.asarray(twins.first[a][name], dtype=float) for a in (arm, control))
    if endpoint.score:
        own, others = (np.asarray(twins.means[a][name], dtype=np.float64) for a in (arm, control))
        return own - others, float(np.std(other))
    treated, other = np.log(treated), np.log(other)
    return treated - other, float(np.std(other))
