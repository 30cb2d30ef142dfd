"""True effects: what every active arm does to the enrolled subjects of a world, twin against twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRUE_EFFECTS
from eubiosis.core.trial_tables import Latent, TrialKey, parts

Array = NDArray[np.float64]
_BOOTSTRAPS = 100
_COLUMN = {
    "relapses": "expected_relapses",
    "gd_lesions": "expected_new_lesions",
    "t2_lesions": "expected_new_lesions",
    "edss": "edss_last_visit",
    "mfis": "mfis_last_visit",
    "treg": "treg_last_visit",
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
    for rows, (gut_world, host_world) in parts(latent.subjects, ("gut_world", "host_world")):
        columns = {name: latent.subjects[name][rows] for name in latent.subjects.columns}
        trials = _by_trial_and_arm(columns)
        key = TrialKey(gut_world, host_world, 0)
        found += _of_world(key, trials, latent.control, latent.seed)
    return tuple(found)


def effects_table(effects: Sequence[TrueEffect]) -> Table:
    """Return true effects as a table, one row each."""
    columns = {"world": np.array([each.world for each in effects])}
    records = [asdict(each) for each in effects]
    names = ("gut_world", "host_world", "endpoint", "arm", "value", "spread", "unit_sd")
    return Table(
        {**columns, **{name: np.array([record[name] for record in records]) for name in names}},
        schema=TRUE_EFFECTS,
    )


ByArm = Mapping[str, Mapping[str, NDArray[np.generic]]]


def _by_trial_and_arm(columns: Mapping[str, NDArray[np.generic]]) -> list[ByArm]:
    """Return, for each replicate of a world, the columns of every arm; arms in their order."""
    replicates: list[dict[str, dict[str, NDArray[np.generic]]]] = []
    numbers, arms = columns["replicate"], columns["arm"]
    for number in np.unique(numbers):
        of_one = numbers == number
        names = list(dict.fromkeys(arms[of_one].tolist()))
        replicates.append(
            {
                name: {column: values[of_one & (arms == name)] for column, values in columns.items()}
                for name in names
            }
        )
    return list(replicates)


def _of_world(key: TrialKey, trials: Sequence[ByArm], control: str, seed: int) -> list[TrueEffect]:
    found = []
    numbers = trials[0][control]["subject"]
    if any(not np.array_equal(one["subject"], numbers) for trial in trials for one in trial.values()):
        message = f"world {key.world}: the arms do not hold the same subjects in the same order"
        raise ValueError(message)
    size = len(numbers)
    generator = np.random.default_rng([seed, *key.world.encode()])
    draws = generator.multinomial(size, np.full(size, 1 / size), _BOOTSTRAPS)
    for arm in (name for name in trials[0] if name != control):
        for endpoint in ENDPOINTS.values():
            if endpoint.counted:
                name = _COLUMN[endpoint.id]
                treated, other = (np.asarray(trials[0][a][name], dtype=float) for a in (arm, control))
                value = float(np.log(treated.sum() / other.sum()))
                spread = float(np.std(np.log((draws @ treated) / (draws @ other))))
                unit_sd = 1.0
            else:
                effect, unit_sd = _twin_effect(trials, endpoint, arm, control)
                value, spread = float(effect.mean()), float(effect.std() / np.sqrt(size))
            found.append(TrueEffect(key.gut_world, key.host_world, endpoint.id, arm, value, spread, unit_sd))
    return found


def _twin_effect(trials: Sequence[ByArm], endpoint: Endpoint, arm: str, control: str) -> tuple[Array, float]:
    """Return each subject's own effect at the last visit and the spread between subjects under control."""
    name = _COLUMN.get(endpoint.id, endpoint.id)

    def last(trial: ByArm, of_arm: str) -> Array:
        return np.asarray(trial[of_arm][name], dtype=float)

    if endpoint.score:
        effects = [last(trial, arm) - last(trial, control) for trial in trials]
        return np.mean(effects, axis=0), float(np.std(last(trials[0], control)))
    treated, other = (np.log(last(trials[0], a)) for a in (arm, control))
    return treated - other, float(np.std(other))
