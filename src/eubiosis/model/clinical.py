"""Clinical scores of one person along the courses of the host: EDSS and fatigue, without measurement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import stream
from eubiosis.engine import Array


class ClinicalLaws:
    """The clinical numbers of the model, ready to use."""

    def __init__(self, number: Mapping[str, float], healthy_microglia: float) -> None:
        self.number = number
        self.healthy_microglia = healthy_microglia

    @cached_property
    def cumulated(self) -> Mapping[str, Array]:
        """The cumulated laws of EDSS points by kind: at the peak of a relapse, after mild and severe ones."""
        return {kind: self._law(kind) for kind in ("peak", "mild", "severe")}

    def _law(self, kind: str) -> Array:
        prefix = f"host_edss_{kind}_"
        weights = np.array([self.number[name] for name in sorted(self.number) if name.startswith(prefix)])
        return np.asarray(np.cumsum(weights / weights.sum()))

    def _points(self, kind: str, uniforms: Array) -> Array:
        """Return EDSS points of a law at uniforms, shape (subjects,)."""
        law = self.cumulated[kind]
        return np.minimum(np.searchsorted(law, uniforms), len(law) - 1) / 2

    def edss(
        self, baseline: float, relapses: Array, microglia: Array, age: float, draws: tuple[int, str, int]
    ) -> Array:
        """Return one person's true EDSS on each day, shape (days,).

        ``relapses`` are days of onset, ``microglia`` the activation relative to health, ``draws`` (seed,
        decision, subject). See ``edss_on``.
        """
        uniforms = stream(*draws).random((1, len(relapses), 2))
        rows = (np.array([baseline]), relapses[None], microglia[:, None], np.array([age]), uniforms)
        return np.asarray(self.edss_on(np.arange(len(microglia)), *rows)[0])

    def edss_on(
        self,
        days: NDArray[np.int64],
        baseline: Array,
        relapses: Array,
        microglia: Array,
        age: Array,
        uniforms: Array,
    ) -> Array:
        """Return true EDSS on the given days, shape (subjects, days).

        ``relapses`` (subjects, most) are days of onset, padded with infinity; ``microglia`` (all days,
        subjects) is the activation relative to health; ``uniforms`` (subjects, most, 2) draw severities.
        Each relapse adds a peak that recovers to a residual; microglial activation adds a drift. The k-th
        relapse of a subject has the same severity in every arm.
        """
        n = self.number
        drift = (
            n["host_pira"] / DAYS_PER_YEAR * np.cumsum(np.maximum(microglia - n["host_pira_MG"], 0), axis=0)
        )
        ageing = np.exp(n["host_age_on_smold"] * (age - n["host_age_mean"]))
        path = baseline[:, None] + np.ascontiguousarray((drift[days] * ageing).T)
        for k in range(relapses.shape[1]):
            rows = np.flatnonzero(np.isfinite(relapses[:, k]))
            since = days - relapses[rows, k, None]
            path[rows] += self.relapse_edss(since, uniforms[rows, k, :1], uniforms[rows, k, 1:])
        return np.asarray(np.clip(path, 0, 10))

    def relapse_edss(self, since: Array, peaks: Array, residuals: Array) -> Array:
        """Return what relapses add to EDSS ``since`` days after their onset; nothing before it.

        ``peaks`` and ``residuals`` are uniforms that draw the severities; all three go together as arrays do.
        """
        n = self.number
        peak = self._points("peak", peaks)
        left = np.where(peak <= 0.5, self._points("mild", residuals), self._points("severe", residuals))
        rise = np.clip((since + 1) / n["host_edss_ramp"], 0, 1)
        fall = np.exp(-np.maximum(since - n["host_edss_ramp"], 0) / n["host_edss_tau"])
        above = (np.maximum(peak, left) - left) * rise * fall
        return np.asarray(np.where(since >= 0, left + above, 0.0))

    def mfis_change(self, tone: Array, microglia: Array, edss: Array) -> Array:
        """Return MFIS above the personal level from inflammatory tone, microglia and EDSS, any shape."""
        n = self.number
        return np.asarray(
            n["host_mfis_IL"] * np.log(tone)
            + n["host_mfis_MG"] * np.log(microglia)
            + n["host_mfis_edss"] * (edss - n["host_mfis_edss0"])
        )

    def tone(self, course: Mapping[str, Array]) -> Array:
        """Return the inflammatory tone of dendritic and T cells, shape of the courses."""
        n = self.number
        return np.asarray(
            n["host_mfis_wD"] * course["host_D"]
            + n["host_mfis_wT1"] * course["host_T1"]
            + n["host_mfis_wT17"] * course["host_T17"]
        )
