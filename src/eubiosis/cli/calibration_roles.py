"""``eubiosis calibration roles``: what each figure is for, how it was measured, and what is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from eubiosis.cli.model_loading import JSON
from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.calibration.roles import Row

_KINDS = ["gut", "natural_history", "drug_class", "coupling", "clinical", "eae"]


@click.command("roles")
@click.option("--kind", type=click.Choice(_KINDS), help="Only the figures of one stage.")
@click.option("--role", type=click.Choice(["fit", "check", "holdout"]), help="Only the figures of one role.")
@click.option("--refused", "only_refused", is_flag=True, help="Only comparisons that are refused, and why.")
@click.option("--scoreboard", "only_scored", is_flag=True, help="Only figures on which the model is scored.")
@click.option("--hash", "only_hash", is_flag=True, help="Print the hash of the rows, as they now are.")
@JSON
def roles_command(
    kind: str | None,
    role: str | None,
    only_refused: bool,
    only_scored: bool,
    only_hash: bool,
    as_json: bool,
) -> None:
    """List every figure that calibration may use: role, cohort, control, comparison, interval.

    A fit row may be matched, a check row is compared only, a hold-out is never fitted or tuned to.
    """
    from eubiosis.calibration.roles import join, read_tables, roles, roles_hash, scoreboard

    if only_hash:
        click.echo(roles_hash(join(read_tables())))
        return
    rows = scoreboard() if only_scored else roles()
    kept = [
        row
        for row in rows
        if (kind is None or row.kind == kind)
        and (role is None or row.role == role)
        and (row.refusals or not only_refused)
    ]
    if as_json:
        from eubiosis.cli.printing import print_json

        print_json([_record(row) for row in kept])
        return
    for row in kept:
        click.echo(_line(row))
    counts = ", ".join(f"{sum(r.role == word for r in kept)} {word}" for word in ("fit", "check", "holdout"))
    click.echo(f"{len(kept)} figures: {counts}; {sum(bool(r.refusals) for r in kept)} refused", err=True)


@click.command("leakage")
@JSON
def leakage_command(as_json: bool) -> None:
    """List the cohorts inside each pooled figure, and which figures share one with a hold-out.

    Where the shipped worlds or priors were fitted against the roles, that is a finding and the exit is 1.
    """
    from eubiosis.calibration.leakage import members_of, shared_with_holdouts
    from eubiosis.calibration.leakage_use import check_use
    from eubiosis.calibration.roles import read_tables

    tables = read_tables()
    breaches = check_use(tables)
    if breaches:
        raise FindingsError(breaches)
    members = members_of(tables.roles, tables.leakage, tables.evidence)
    pooled = {name: own for name, own in members.items() if len(own.sure) > 1 or own.likely}
    shared = shared_with_holdouts(tables.roles, members)
    if as_json:
        from eubiosis.cli.printing import print_json

        print_json(
            {
                "pooled": [
                    {"id": name, "cohorts": sorted(own.sure), "likely": sorted(own.likely)}
                    for name, own in pooled.items()
                ],
                "shared_with_holdouts": [pair._asdict() for pair in shared],
            }
        )
        return
    for name, own in pooled.items():
        likely = f"; likely {', '.join(sorted(own.likely))}" if own.likely else ""
        click.echo(f"{name}: {', '.join(sorted(own.sure))}{likely}")
    for pair in shared:
        how = "shares" if pair.certain else "likely shares"
        click.echo(f"{pair.first} {how} {pair.cohort} with the hold-out {pair.second}")


def _line(row: Row) -> str:
    ends = " to ".join("open" if end is None else f"{end:g}" for end in (row.low, row.high))
    how = ", ".join(word for word in (row.control, row.blinding) if word not in ("none", "-"))
    text = f"{row.id}  {row.role}  {row.kind}  {row.quantity}: {ends} ({', '.join(sorted(row.cohorts))}"
    text += f"; {how})" if how else ")"
    if row.is_bound:
        text += "; a bound"
    if row.same_as:
        text += f"; repeats {row.same_as}"
    return text + "".join(f"\n    refused, {difference}" for difference in row.refusals)


def _record(row: Row) -> dict[str, object]:
    from eubiosis.calibration.roles import facts

    bounds = row.bounds()
    return facts(row) | {
        "quantity": row.quantity,
        "source": row.source,
        "licences": dict(row.licences),
        "likely_cohorts": sorted(row.possible),
        "people": list(row.people),
        "ever_fitted": row.fitted,
        "is_bound": bounds.is_bound,
        "bounds": [end if math.isfinite(end) else None for end in bounds[:2]],
        "bias_sd": row.bias_sd,
        "transport_sd": row.transport_sd,
        "refused": list(row.refusals),
        "reason": row.reason,
    }
