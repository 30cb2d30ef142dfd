"""``eubiosis calibration decide``: which trial is worth running, for stakes that the user states."""

from __future__ import annotations

import click

from eubiosis.cli.printing import print_json


@click.command("decide")
@click.option("--therapy", "therapies", multiple=True, required=True, help="A therapy; may be repeated.")
@click.option("--people", "sizes", multiple=True, type=int, default=(50, 100, 200, 400), show_default=True,
              help="People per arm; may be repeated.")  # fmt: skip
@click.option("--trial-years", type=float, default=2.0, show_default=True, help="Length of the trial.")
@click.option("--relapse", type=float, required=True, help="Worth of a relapse avoided, in your currency.")
@click.option("--participant", type=float, required=True, help="Cost of one participant of the trial.")
@click.option("--treated", type=float, default=0.0, show_default=True, help="Cost of treating one person.")
@click.option("--takers", type=float, required=True, help="People who would take the therapy up.")
@click.option("--rate", type=float, required=True, help="Their relapses a year without it.")
@click.option("--years", type=float, default=5.0, show_default=True, help="How long they would take it.")
@click.option("--dispersion", type=float, default=0.8, show_default=True,
              help="Dispersion of relapse counts between people.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def decide_command(
    therapies: tuple[str, ...], sizes: tuple[int, ...], trial_years: float, relapse: float,
    participant: float, treated: float, takers: float, rate: float, years: float, dispersion: float,
    as_json: bool,
) -> None:  # fmt: skip
    """Value trials under three priors; they are ranked only where all three agree.

    The stakes are yours, the priors are assumptions and published studies: no number here says that a therapy
    works, and none is advice for any person.
    """
    from eubiosis.calibration.decisions import Option, decide
    from eubiosis.core.decisions import Stakes

    stakes = Stakes(relapse, participant, treated, takers, rate, years)
    options = [Option(name, size, trial_years) for name in therapies for size in sizes]
    found = decide(options, stakes, dispersion=dispersion)
    if as_json:
        print_json(found)
        return
    for name, said in found.chances.items():
        for chance in said:
            click.echo(f"{name}: P({chance.statement}) {chance.probability:.3f}, before data "
                       f"{chance.before:.3f} ({chance.word})")  # fmt: skip
        needed = found.tipping[name]
        if needed is None:
            click.echo(f"{name}: 0.8 through acids alone is out of reach: it leaves acids alone")
        else:
            click.echo(f"{name}: 0.8 through acids alone needs a ratio of {needed:.2g} per doubling of acids")
    click.echo(f"{'trial':<34}{'prior':<16}{'worth of the answer':>20}{'cost':>14}{'net':>14}")
    for k, option in enumerate(found.options):
        for prior, worths in found.worths.items():
            one = worths[k]
            label = f"{option.therapy}, {option.people_per_arm} per arm"
            click.echo(f"{label:<34}{prior:<16}{one.value:>20,.0f}{one.cost:>14,.0f}{one.net:>14,.0f}")
    click.echo(found.verdict)
