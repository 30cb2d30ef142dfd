"""Relapses that entrants are expected to have, for a fit without the noise of drawn ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammainc

from eubiosis.core.streams import stream
from eubiosis.model.content import Content
from eubiosis.model.natural_history.clinic import negative_binomial_dispersion
from eubiosis.model.natural_history.cohort import NaturalCohort
from eubiosis.model.natural_history.rates import YEAR, entry_chance, hazard_scale
from eubiosis.model.natural_history.scale import ENTRY


class ExpectedRelapses:
    """Relapses expected by entrants: nobody's are drawn, so that a fit has little noise.

    Everybody's infiltrate, in blocks of days, meets ``COPIES`` draws of what multiplies a person's hazard. A
    person enters with the chance of a relapse in the year before; with gaps after relapses, n of them need an
    exposure shortened by n - 1 gaps.
    """

    BLOCK, COPIES, MOST = 5, 8, 12

    def __init__(self, cohorts: Sequence[NaturalCohort], content: Content) -> None:
        exponent = content.numbers["host_gam_R"].value
        first = ENTRY - YEAR
        paths = [np.concatenate((c.earlier, c.course["host_C"]))[first : ENTRY + 2 * YEAR] for c in cohorts]
        path = np.concatenate(paths, axis=1) ** exponent
        self.exponent, people = exponent, path.shape[1]
        self.path = path.reshape(-1, self.BLOCK, people).mean(axis=1)
        random = stream(cohorts[0].seed, "fit/relapses")
        self.noise = random.standard_normal((self.COPIES, *self.path.shape))
        self.personal = random.standard_normal((self.COPIES, 1, people))

    def figures(self, content: Content) -> dict[str, float]:
        """Return the figures of entrants by the quantity names of the target table."""
        number = {name: row.value for name, row in content.numbers.items()}
        assert number["host_gam_R"] == self.exponent
        keep = np.exp(-self.BLOCK / number["host_tau_u"])
        z = self.noise.copy()
        z[:, 1:] *= np.sqrt(1 - keep**2)
        for block in range(1, z.shape[1]):
            z[:, block] += keep * z[:, block - 1]
        spread = content.numbers["host_v_i"].spread
        assert spread is not None
        logs = number["host_sd_u"] * z + spread * self.personal
        logs -= (number["host_sd_u"] ** 2 + spread**2) / 2
        hazard = (self.path * np.exp(logs)).transpose(1, 0, 2).reshape(z.shape[1], -1)
        year = YEAR // self.BLOCK
        before, first, second = (hazard[k * year : (k + 1) * year] for k in range(3))
        gap, past = number["host_refractory"], self.BLOCK * before.sum(axis=0)
        h0 = hazard_scale(past, first, number["host_scale_ARR"], gap)
        chance = entry_chance(h0 * past)
        weight = chance / chance.sum()
        one, two = (self.counts(h0 * part.mean(axis=0), YEAR, gap) @ weight for part in (first, second))
        both = self.counts(h0 * hazard[year:].mean(axis=0), 2 * YEAR, gap) @ weight
        mean = [float(np.arange(len(law)) @ law) for law in (one, two)]
        return {
            "relapses a year": (mean[0] + mean[1]) / 2,
            "relapses in year 1": mean[0],
            "relapses year 1 over year 2": mean[0] / mean[1],
            "dispersion of relapses, 1 year": negative_binomial_dispersion(as_counts(one)),
            "dispersion of relapses, 2 years": negative_binomial_dispersion(as_counts(both)),
            "relapse-free over 2 years": float(both[0]),
            **{f"{k} relapses in year 1": float(one[k]) for k in range(4)},
            "4 or more relapses in year 1": float(one[4:].sum()),
        }

    def counts(self, hazard: np.ndarray, days: float, gap: float) -> np.ndarray:
        """Return the law of counts of people with a steady ``hazard`` (people,), shape (counts, people)."""
        n = np.arange(1, self.MOST + 1)[:, None]
        at_least = gammainc(n, hazard * np.maximum(days - (n - 1) * gap, 0.0))
        at_least = np.vstack([np.ones(len(hazard)), at_least, np.zeros(len(hazard))])
        return np.asarray(at_least[:-1] - at_least[1:])


def as_counts(law: np.ndarray) -> np.ndarray:
    """Return counts of a hundred thousand people with a law of counts."""
    return np.repeat(np.arange(len(law)), np.round(1e5 * law).astype(int))
