"""``eubiosis trial surface``: power and assurance over size, duration, endpoint and samples per visit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.numbers import Numbers, as_option, usage_error
from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.core.power_surface import PowerSurface, SurfacePoint
    from eubiosis.trial.surface_grid import SurfaceGrid
    from eubiosis.workflow.workflow import Workflow

_WIDTHS = (7, 7, 7, 8, 15, 8, 8, 11, 7)
_NAMES = {
    "participants": "--participants", "weeks": "--weeks", "samples_per_visit": "--samples",
    "endpoints": "--endpoint", "replicates": "--replicates",
}  # fmt: skip


@click.command("surface")
@click.argument("workflow", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--participants", type=Numbers(), help="Sizes of whole trials.  [default: half, whole, twice]")
@click.option("--weeks", type=Numbers(), help="Last visits.  [default: the middle and the last]")
@click.option("--samples", type=Numbers(), help="Samples averaged at each visit.  [default: 1]")
@click.option("--endpoint", "endpoints", multiple=True, help="May be given several times.")
@click.option("--replicates", type=click.IntRange(2, 10_000), help="Trials of each kind in a pair of worlds.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def surface_command(
    workflow: Path,
    participants: tuple[float, ...] | None,
    weeks: tuple[float, ...] | None,
    samples: tuple[float, ...] | None,
    endpoints: tuple[str, ...],
    replicates: int | None,
    processes: int,
    as_json: bool,
) -> None:
    """Print how often trials of other sizes, lengths and samples per visit of a WORKFLOW would succeed.

    The people of the workflow are simulated once; trials are drawn from them anew. Beside the simulated power
    stand the closed form, assurance under two priors, and the share of successes with the wrong sign. What is
    not given is that of the key surface: of the workflow, or follows from its design.
    """
    from eubiosis.compute.executors import Executor
    from eubiosis.model import load
    from eubiosis.population.generate import cohort_of
    from eubiosis.workflow.trial_run import check_run
    from eubiosis.workflow.trial_surface import surface

    spec = check_run(workflow)
    grid = _grid(spec, participants, weeks, samples, endpoints, replicates)
    model = load()
    found = surface(
        spec.design,
        cohort_of(spec.population, model, spec.seed),
        model,
        grid,
        simulation=spec.simulation,
        seed=spec.seed,
        executor=Executor(workers=processes),
    )
    click.echo(json.dumps(found.model_dump(mode="json"), indent=1) if as_json else surface_text(found))


def _grid(
    spec: Workflow,
    participants: tuple[float, ...] | None,
    weeks: tuple[float, ...] | None,
    samples: tuple[float, ...] | None,
    endpoints: tuple[str, ...],
    replicates: int | None,
) -> SurfaceGrid:
    """Return the grid that is asked for; all findings at once, as those of options."""
    from eubiosis.trial.surface_grid import SurfaceGrid

    asked: dict[str, object] = {
        "participants": _whole(participants),
        "weeks": weeks,
        "samples_per_visit": _whole(samples),
        "endpoints": endpoints or None,
        "replicates": replicates,
    }
    try:
        grid = (spec.surface or SurfaceGrid()).changed(**{k: v for k, v in asked.items() if v is not None})
        problems = tuple(grid.filled_for(spec.design).problems_with(spec.design))
        if problems:
            raise FindingsError(each.finding("surface") for each in problems)
    except FindingsError as error:
        raise usage_error("trial surface", [as_option(one, _NAMES) for one in error.findings]) from error
    return grid


def _whole(values: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Return whole numbers as such; others stay, so that the grid names them."""
    return None if values is None else tuple(int(one) if one.is_integer() else one for one in values)


def surface_text(found: PowerSurface) -> str:
    """Lay a surface out as lines: a table a curve, the sizes that it needs, and what a reader must know.

    >>> from eubiosis.core.power_surface import example_surface
    >>> surface_text(example_surface()).splitlines()[0]
    'Relapses (clinical), inulin against placebo, last visit in week 24'
    """
    lines: list[str] = []
    for key in dict.fromkeys(point.curve for point in found.points):
        endpoint, arm, week, samples = key
        points = found.line(endpoint, arm, week, samples)
        more = f", {samples} samples a visit" if samples > 1 else ""
        first = points[0]
        lines += [
            f"{first.label} ({first.kind}), {arm} against {first.control}, last visit in week {week:g}{more}",
            _row("people", "power", "error", "formula", "band", "common", "sceptic", "wrong sign", "trials"),
            *(_point(one) for one in points),
            *(f"  {one.participants} people: {one.disagreement}" for one in points if one.disagreement),
        ]
        needed = [one for one in found.sizes_needed if one.curve == key]
        lines += [f"  {one.target:.0%} {one.basis}: {one.participants or one.why_none}" for one in needed]
        lines.append("")
    lines += [f"Prior of {name}: {words}" for name, words in found.priors.items()]
    lines += [
        f"Control rate of {one.endpoint}: {one.rate:.3g} ({one.low:.3g} to {one.high:.3g}), {one.source}"
        for one in found.control_rates
    ]
    lines += [*found.notes, f"{found.pool} people in each world; seed {found.seed}; everything is simulated"]
    return "\n".join(lines)


def _point(one: SurfacePoint) -> str:
    low, high = one.closed_form_low, one.closed_form_high
    band = "-" if low is None or high is None else f"{low:.1%} to {high:.1%}"
    chances = (one.closed_form, one.assurance_common, one.assurance_sceptical, one.wrong_sign)
    formula, common, sceptic, wrong = map(_chance, chances)
    power, error = f"{one.power:.1%}", f"{one.power_error:.1%}"
    if one.without_numbers:
        power, error = "none", "-"
    return _row(f"{one.participants}", power, error, formula, band, common, sceptic, wrong, f"{one.trials}")


def _row(*cells: str) -> str:
    return "  " + " ".join(cell.rjust(width) for cell, width in zip(cells, _WIDTHS, strict=True))


def _chance(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
