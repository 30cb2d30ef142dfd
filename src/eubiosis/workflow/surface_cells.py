"""The cells of a power surface from the people of one pair of worlds."""

from __future__ import annotations

from collections.abc import Iterator

from eubiosis.analysis.estimates import TrialEstimate, estimate
from eubiosis.analysis.surface.cells import SurfaceCell, surface_cells
from eubiosis.analysis.truth.effects import TrueEffect, Twins, effects_of_world
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_stacks import LatentStack, StackedObserved
from eubiosis.trial.estimands import estimands
from eubiosis.trial.redraw import SHARING, Pool
from eubiosis.trial.surface_grid import SurfaceGrid


def cells_of_pool(pool: Pool, grid: SurfaceGrid, seed: int) -> Iterator[SurfaceCell]:
    """Yield the cells of one pair of worlds; ``grid`` is filled for the pool's design.

    The truth at each last visit is that of the people of the largest trial.
    """
    control = pool.design.control.name
    numbers = range(grid.replicates)
    markers = any(ENDPOINTS[name].place in ("stool", "plasma", "guild") for name in grid.endpoints)
    scans = any(ENDPOINTS[name].place == "scan" for name in grid.endpoints)
    counts = tuple(name for name in grid.endpoints if ENDPOINTS[name].counted)
    known = {one.endpoint: one for one in estimands(pool.design)}
    for week in grid.weeks:
        short = pool.until(week)
        truths: list[TrueEffect] = []
        for size in sorted(grid.participants, reverse=True):
            for samples in grid.samples_per_visit:
                names = grid.endpoints if samples == 1 else [n for n in grid.endpoints if n not in counts]
                wanted = [known[name] for name in names]
                rows: list[TrialEstimate] = []
                latents: list[LatentStack] = []
                if not wanted:
                    continue
                for seen, truth in short.trials(size, numbers, samples=samples, markers=markers, scans=scans):
                    rows += estimate(StackedObserved([seen], control), wanted, seed=seed).rows
                    if not truths and sum(len(each.replicates) for each in latents) < SHARING:
                        latents.append(truth)
                if latents:  # of the trials that share the first people drawn
                    truths = effects_of_world(Twins.of(latents), control, seed)
                yield from surface_cells(rows, truths, week=week, participants=size, samples=samples)
