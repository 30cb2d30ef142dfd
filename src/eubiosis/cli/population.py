"""``eubiosis population``: made people from a table or the reference, and how they compare with real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.out_paths import NEW_FOLDER
from eubiosis.cli.printing import json_option, print_written
from eubiosis.cli.stool_options import read_table, reading, reading_options
from eubiosis.core.findings import FindingCollector

if TYPE_CHECKING:
    from eubiosis.core.population_description import GroupComparison
    from eubiosis.population.virtual.privacy import GroupPrivacy

_TAXA, _BLUR = 20, 4.0


@click.group()
def population() -> None:
    """Made people: the example, people of the reference or of a generator, and how they compare.

    Everything that is written is labelled as made. Nobody in it exists.
    """


@population.command()
@click.option("--from", "table", type=click.Path(path_type=Path), metavar="TABLE",
              help="Fit to this stool table, one sample a person (else: the reference).")  # fmt: skip
@click.option("--generator", "saved", type=click.Path(path_type=Path), metavar="FILE",
              help="Draw from a generator that was saved before.")  # fmt: skip
@click.option("--people", type=click.IntRange(1, 100_000), required=True, help="People of each group.")
@click.option("--seed", type=click.IntRange(0), default=2026, show_default=True)
@click.option("--out", type=NEW_FOLDER, required=True, metavar="FOLDER", help="A new folder.")
@click.option("--group", "only", multiple=True, metavar="NAME", help="Groups to draw (repeatable; else all).")
@click.option("--groups", metavar="FILE:COLUMN", help="Group of each sample of TABLE, or a column of it.")
@click.option("--consent-basis", "basis", default="", metavar="TEXT",
              help="With --from: what allows these people's data to be used for this, in words.")  # fmt: skip
@click.option("--taxa", type=click.IntRange(3, 500), default=_TAXA, show_default=True,
              help="The largest taxa that are kept; the others are added up.")  # fmt: skip
@click.option("--blur", type=click.FloatRange(0, 20), default=_BLUR, show_default=True,
              help="Noise on every fitted number, in standard errors.")  # fmt: skip
@click.option("--save-generator", is_flag=True, help="Write the fitted generator too (group summaries).")
@json_option
@reading_options
def generate(
    table: Path | None,
    saved: Path | None,
    people: int,
    seed: int,
    out: Path,
    only: tuple[str, ...],
    groups: str | None,
    basis: str,
    taxa: int,
    blur: float,
    save_generator: bool,
    as_json: bool,
    **given: object,
) -> None:
    """Draw made people into a new folder: stool.tsv, people.tsv, origin.json.

    With --from a generator is fitted to TABLE: presence, level and co-occurrence of its taxa in each group,
    and depth. It is refused, with every reason, below 100 people in a group, above an area of 0.55 of an
    attack that guesses who was in the table, or without --consent-basis.
    """
    from eubiosis.workflow.virtual_people import from_generator, from_reference, from_table

    if table is not None and saved is not None:
        raise click.UsageError("give --from TABLE or --generator FILE, not both")
    if table is None and (groups or save_generator or basis):
        raise click.UsageError("--groups, --consent-basis and --save-generator need --from TABLE")
    privacy: Sequence[GroupPrivacy] = ()
    if saved is not None:
        files = from_generator(out, saved, people=people, groups=only, seed=seed)
    elif table is None:
        files = from_reference(out, people=people, groups=only, seed=seed)
    else:
        findings = FindingCollector()
        stool = read_table(table, groups, reading(given), findings)
        findings.raise_if_any()
        assert stool is not None
        files, privacy = from_table(
            out, stool, people=people, basis=basis, groups=only, seed=seed, most_taxa=taxa, blur=blur,
            save_generator=save_generator,
        )  # fmt: skip
        for one in privacy:
            click.echo(_privacy_line(one), err=as_json)
    more = {"privacy": privacy} if privacy else {}
    print_written(files, as_json=as_json, **more)


@population.command("describe")
@click.argument("virtual", type=click.Path(path_type=Path))
@click.argument("real", type=click.Path(path_type=Path))
@click.option("--groups", metavar="FILE:COLUMN", help="Group of each real sample, or a column of REAL.")
@click.option("--virtual-groups", metavar="FILE:COLUMN", help="The same of VIRTUAL.")
@click.option("--out", type=NEW_FOLDER, metavar="FOLDER", help="Write a page and its JSON.")
@click.option("--json", "as_json_", is_flag=True, help="Print JSON.")
@reading_options
def describe_command(
    virtual: Path,
    real: Path,
    groups: str | None,
    virtual_groups: str | None,
    out: Path | None,
    as_json_: bool,
    **given: object,
) -> None:
    """Hold the people of VIRTUAL against those of REAL: shares, presence, correlations, zeros, distances.

    Only figures of groups with ten people of each kind are shown. The reading options are those of REAL.
    """
    from eubiosis.core.record import as_json
    from eubiosis.workflow.virtual_people import described, write_description

    findings = FindingCollector()
    plain = reading({**dict.fromkeys(("orientation", "scale", "taxonomy", "form", "rank")),
                     "blanks": "refuse", "ignore": (), "platform": ""})  # fmt: skip
    made = read_table(virtual, virtual_groups, plain, findings)
    stool = read_table(real, groups, reading(given), findings)
    findings.raise_if_any()
    assert made is not None
    assert stool is not None
    found = described(made, stool)
    if as_json_:
        click.echo(as_json(found))
    else:
        for group in found.groups:
            click.echo("\n".join(_lines(group)))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    if out is not None:
        click.echo(f"wrote {', '.join(map(str, write_description(out, found)))}", err=True)


@population.command()
@click.argument("folder", type=NEW_FOLDER)
@json_option
def example(folder: Path, *, as_json: bool) -> None:
    """Copy the made example (40 people; text, BIOM, MetaPhlAn, Excel) into a new FOLDER."""
    from eubiosis.workflow.virtual_people import copy_example

    print_written(copy_example(folder), as_json=as_json)


def _privacy_line(one: GroupPrivacy) -> str:
    return (
        f"{one.group}: {one.people} people; area of the attack {one.auc:.3f} (error {one.error:.3f}); "
        f"{one.nearer_to_members:.1%} of virtual people nearer to those fitted to than to others "
        f"(error {one.nearer_error:.1%}; 50 % gives nothing away)"
    )


def _lines(group: GroupComparison) -> list[str]:
    zeros, mean, sd = group.zeros, group.shannon, group.shannon_sd
    rows = [
        f"group {group.group}: {group.people.virtual:.0f} virtual, {group.people.real:.0f} real people",
        f"  told apart by nearest neighbours     {group.told_apart:.1%} (50 % is not at all)",
        f"  taxa within 0.1 / 0.25 sd            {group.within_tenth:.0%} / {group.within_quarter:.0%} of "
        f"{len(group.taxa)}; largest {group.largest_difference:.2f}, by chance {group.largest_by_chance:.2f}",
        f"  cells without a read                 {zeros.virtual:.1%} virtual, {zeros.real:.1%} real",
        f"  Shannon diversity                    {mean.virtual:.2f} (sd {sd.virtual:.2f}) virtual, "
        f"{mean.real:.2f} ({sd.real:.2f}) real",
    ]
    for what, pairs in (("rank correlations", group.correlations), ("co-occurrence", group.presence)):
        if pairs.rms is not None and pairs.rms_by_chance is not None:
            rows.append(
                f"  {what:<36} differ by {pairs.rms:.3f} (root mean square of {pairs.pairs:,} pairs), "
                f"by chance {pairs.rms_by_chance:.3f}"
            )
    rows.append(
        f"  nearer to a real person than 95 % of real people are to each other: "
        f"{group.closer_than_real:.1%}; equal to one: {group.copies}"
    )
    return rows
