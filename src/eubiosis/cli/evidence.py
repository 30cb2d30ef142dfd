"""The ``evidence`` commands: list, show, pool, check, audit, prior, graph, add, import and the flow."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.out_paths import NEW_FOLDER
from eubiosis.cli.printing import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eubiosis.evidence.integrity.published import ComparisonLine
    from eubiosis.evidence.records.listing import InterventionLine, OutcomeLine, StudyLine
    from eubiosis.evidence.records.store import Evidence
    from eubiosis.evidence.synthesis.heterogeneity import Tau2Method
    from eubiosis.evidence.synthesis.pooling import CiMethod

LISTS = ["studies", "outcomes", "interventions", "published"]
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
@click.option("--tables", type=FOLDER, help="Another folder of evidence tables (default: the packaged ones).")
@click.pass_context
def evidence(ctx: click.Context, tables: Path | None) -> None:
    """Published studies: records, pooled estimates, checks, claims, priors and the knowledge graph.

    Nothing printed here is evidence that a therapy works, nor advice for any person.
    """
    ctx.obj = tables


def load_tables(ctx: click.Context) -> Evidence:
    """Load the folder that the group was given, or the packaged tables."""
    from eubiosis.evidence.records.store import load

    return load(ctx.obj)


def names(text: str | None) -> tuple[str, ...]:
    """Split "A,B" into names; a list that is given and holds none is a wrong command line."""
    found = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    if text is not None and not found:
        raise click.UsageError(f'"{text}" names no study; write names parted by commas, or leave it out')
    return found


def left_out(tables: Evidence, text: str | None, *, without_holdouts: bool) -> tuple[str, ...]:
    """Return the studies to leave out: those named and, where asked for, those held out for forecasts."""
    from eubiosis.evidence.forecast.priors import holdout_studies

    return tuple(dict.fromkeys((*names(text), *(holdout_studies(tables) if without_holdouts else ()))))


@evidence.command("list")
@click.argument("what", type=click.Choice(LISTS), default="studies")
@click.option("--outcome", help="Only studies with this outcome.")
@click.option("--intervention", help="Only studies of this intervention.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_command(
    ctx: click.Context, what: str, outcome: str | None, intervention: str | None, as_json: bool
) -> None:
    """List studies (the default), outcomes, interventions, or published pools against ours."""
    from eubiosis.evidence.records.listing import list_interventions, list_outcomes, list_studies

    tables = load_tables(ctx)
    rows: Sequence[StudyLine | OutcomeLine | InterventionLine | ComparisonLine]
    if what == "outcomes":
        rows = list_outcomes(tables)
    elif what == "interventions":
        rows = list_interventions(tables)
    elif what == "published":
        from eubiosis.evidence.integrity.published import compare_published, comparison_line

        rows = [comparison_line(comparison) for comparison in compare_published(tables)]
    else:
        rows = list_studies(tables, outcome, intervention)
    if as_json:
        print_json(rows)
        return
    names_of = [one.name for one in fields(rows[0])] if rows else []
    click.echo("\t".join(names_of))
    for row in rows:
        click.echo("\t".join(str(getattr(row, name)) for name in names_of))


@evidence.command()
@click.argument("study")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def show(ctx: click.Context, study: str, as_json: bool) -> None:
    """Show one study with its estimates, checks and sources."""
    from eubiosis.core.record import as_record
    from eubiosis.evidence.records.listing import show_study

    record = show_study(load_tables(ctx), study)
    if as_json:
        print_json(record)
        return
    plain = as_record(record)
    assert isinstance(plain, dict)
    for key, value in plain.items():
        if not isinstance(value, list):
            click.echo(f"{key}: {value}")
    for key, value in plain.items():
        if isinstance(value, list):
            click.echo(f"\n{key}")
            for row in value:
                assert isinstance(row, dict)
                click.echo("  " + "; ".join(f"{k} {v}" for k, v in row.items() if v not in ("", None)))


@evidence.command()
@click.option("--outcome", required=True, help="Outcome by any of its names, e.g. hs-CRP.")
@click.option("--intervention", required=True, help="Intervention class or narrower term, e.g. probiotic.")
@click.option("--studies", help="Only these studies, separated by commas.")
@click.option("--leave-out", help="Leave out the cohorts of these studies, separated by commas.")
@click.option(
    "--without-holdouts", is_flag=True, help="Leave out every study that is held out for forecasts."
)
@click.option(
    "--metric", default="auto", show_default=True, help="MD, SMD, RR, OR, HR, RD, rate-ratio or auto."
)
@click.option(
    "--tau2",
    type=click.Choice(["FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"]),
    default="REML",
    show_default=True,
    help="Estimator of the variance between studies (FE: none).",
)
@click.option(
    "--ci",
    type=click.Choice(["auto", "wald", "knapp-hartung", "bayes"]),
    default="auto",
    show_default=True,
    help="Interval of the headline; auto is Bayesian below five cohorts.",
)
@click.option(
    "--tau-scale", type=float, help="Scale of the half-normal prior on tau, in the unit of the effect."
)
@click.option("--by", help="Divide the pool too, e.g. by blinding or integrity_status.")
@click.option("--out", type=NEW_FOLDER, help="Write a page and figures here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def pool(
    ctx: click.Context, outcome: str, intervention: str, studies: str | None, leave_out: str | None,
    without_holdouts: bool, metric: str, tau2: Tau2Method, ci: CiMethod, tau_scale: float | None,
    by: str | None, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Pool the trials of an outcome under an intervention, with every choice shown."""
    from eubiosis.evidence.synthesis.certainty import grade
    from eubiosis.evidence.synthesis.diagnostics import divide
    from eubiosis.evidence.synthesis.pool_record import pool_report
    from eubiosis.evidence.synthesis.pooling import pool as pool_trials

    if tau_scale is not None and tau_scale <= 0:
        raise click.BadParameter("must be positive", param_hint="--tau-scale")
    tables = load_tables(ctx)
    pooled = pool_trials(
        outcome, intervention, studies=names(studies), metric=metric, tau2=tau2,
        leave_out=left_out(tables, leave_out, without_holdouts=without_holdouts),
        ci=ci, tau_scale=tau_scale, evidence=tables,
    )  # fmt: skip
    report = pool_report(pooled, grade(pooled, tables))
    if by is not None:
        report = replace(report, subgroups=divide(pooled, by))
    if out is not None:
        from eubiosis.workflow.evidence_page import write_pool_page

        for path in write_pool_page(report, out):
            click.echo(f"wrote {path}", err=True)
    if as_json:
        print_json(report)
    else:
        from eubiosis.evidence.records.listing import pool_text

        click.echo(pool_text(report))


@evidence.command()
@click.option("--intervention", required=True, help="Intervention class or narrower term.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def summary(ctx: click.Context, intervention: str, as_json: bool) -> None:
    """Print the summary of findings of an intervention: every outcome with its certainty and the reasons."""
    from eubiosis.evidence.synthesis.pool_record import NOTICE
    from eubiosis.evidence.synthesis.summary import summary_of_findings, summary_text

    rows = summary_of_findings(load_tables(ctx), intervention)
    if as_json:
        print_json({"intervention": intervention, "outcomes": rows, "notice": NOTICE})
    else:
        click.echo(f"{summary_text(rows)}\n\n{NOTICE}")


@evidence.command()
@click.option("--write", is_flag=True, help="Store the outcome of every check in the evidence folder.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, write: bool, as_json: bool) -> None:
    """Find every inconsistency; exit 1 when one is not acknowledged with its reason."""
    from collections import Counter

    from eubiosis.core.findings import FindingsError
    from eubiosis.evidence.integrity import checking

    tables = load_tables(ctx)
    report = checking.check(tables)
    if write:
        click.echo(f"wrote {checking.store(tables, report.results).name}", err=True)
        report = checking.check(tables)
    counts = Counter[str](result.outcome for result in report.results)
    if as_json:
        print_json(
            {
                "checks": dict(counts.items()),
                "acknowledged": [
                    {"check": d.check, "place": d.place, "problem": d.problem, "reason": reason}
                    for d, reason in report.acknowledged
                ],
                "open": [{"file": f.file, "place": f.place, "problem": f.problem} for f in report.open],
            }
        )
    else:
        totals = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
        click.echo(f"{len(tables.studies)} studies, {len(tables.estimates)} estimates, checks: {totals}")
        click.echo(f"{len(report.acknowledged)} known defects, each acknowledged with its reason:")
        for defect, reason in report.acknowledged:
            click.echo(f"  {defect.place}: {defect.check}: {defect.problem}\n    because: {reason}")
    if report.open:
        raise FindingsError(report.open)
    click.echo("no open finding", err=True)


@evidence.command()
@click.argument("claim", required=False)
@click.option("--out", type=NEW_FOLDER, help="Write the audit page here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def audit(ctx: click.Context, claim: str | None, out: Path | None, as_json: bool) -> None:
    """Hold claims in circulation against the records (all of them, or one by its id)."""
    from eubiosis.core.findings import Finding, FindingsError, unknown_word
    from eubiosis.evidence.integrity import claims

    audited = claims.audit(load_tables(ctx))
    if claim is not None:
        known = [item.claim for item in audited]
        if claim not in known:
            raise FindingsError([Finding("claims.tsv", "claim", unknown_word(claim, known))])
        audited = [item for item in audited if item.claim == claim]
    if out is not None:
        from eubiosis.workflow.evidence_page import write_audit_page

        click.echo(f"wrote {write_audit_page(audited, out)}", err=True)
    if as_json:
        print_json(audited)
        return
    for item in audited:
        click.echo(f"{item.verdict:<13} {item.claim}: {item.statement}\n{'':<13} {item.reason}")
        if claim is not None:
            for line in item.records:
                click.echo(f"  {line.stance:<15} {line.record}: {line.text} [{line.source}]")


@evidence.command()
@click.option("--outcome", required=True, help="Outcome by any of its names.")
@click.option("--intervention", required=True, help="Intervention class or narrower term.")
@click.option("--metric", default="auto", show_default=True, help="As in pool.")
@click.option("--leave-out", help="Hold back the cohorts of these studies, separated by commas.")
@click.option(
    "--without-holdouts", is_flag=True, help="Hold back every study that is held out for forecasts."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def prior(
    ctx: click.Context, outcome: str, intervention: str, metric: str, leave_out: str | None,
    without_holdouts: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print the discounted prior of a new trial's true effect, centred on zero where no trial exists."""
    from eubiosis.evidence.forecast.priors import prior as find_prior
    from eubiosis.evidence.forecast.priors import prior_report

    tables = load_tables(ctx)
    held = left_out(tables, leave_out, without_holdouts=without_holdouts)
    found = find_prior(outcome, intervention, metric=metric, leave_out=held, evidence=tables)
    if as_json:
        print_json(prior_report(found))
        return
    click.echo(
        f"{found.outcome} under {found.intervention}: {found.scale} {found.unit} ({found.basis})".strip()
    )
    click.echo(f"  mean {found.mean:.3f}, SD {found.sd:.3f}")
    click.echo(f"  2.5 % {found.quantile(0.025):.3f}, median {found.quantile(0.5):.3f}, "
               f"97.5 % {found.quantile(0.975):.3f}")  # fmt: skip
    click.echo(
        f"  cohorts: {', '.join(found.cohorts) or 'none'}; left out: {', '.join(found.left_out) or 'none'}"
    )
    for note in found.notes:
        click.echo(f"  {note}")


@evidence.command()
@click.option("--from", "start", help="First node of the paths, by any of its names.")
@click.option("--to", "end", help="Last node of the paths.")
@click.option(
    "--longest", default=6, show_default=True, type=click.IntRange(1, 10), help="Most edges of a path."
)
@click.option("--recorded-only", is_flag=True, help="Leave out what the simulator assumes.")
@click.option("--nodes", is_flag=True, help="List the nodes.")
@click.option("--studies", is_flag=True, help="Make every study a node too.")
@click.option("--out", type=NEW_FOLDER, help="Write all formats and a picture.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def graph(
    ctx: click.Context, start: str | None, end: str | None, longest: int, recorded_only: bool, nodes: bool,
    studies: bool, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Ask the knowledge graph for paths, list its nodes, or write it to files."""
    from eubiosis.evidence.graph import export as graph_export
    from eubiosis.evidence.graph import query as graph_query
    from eubiosis.evidence.graph.build import build_graph

    if (start is None) != (end is None):
        raise click.UsageError("give both --from and --to")
    found = build_graph(load_tables(ctx), studies=studies)
    if out is not None:
        from eubiosis.core.output import staged
        from eubiosis.workflow.evidence_page import write_graph_picture

        with staged(out, new=True) as aside:
            written = [
                graph_export.write_graphml(found, aside / "graph.graphml"),
                graph_export.write_jsonld(found, aside / "graph.jsonld"),
                *graph_export.write_csv(found, aside),
                *write_graph_picture(found, aside),
            ]
        for path in written:
            click.echo(f"wrote {out / path.name}", err=True)
    if start is not None and end is not None:
        answer = graph_query.answer(found, start, end, longest=longest, assumed=not recorded_only)
        if as_json:
            print_json(answer)
        else:
            click.echo(graph_query.answer_text(answer))
    elif as_json:
        kinds = ("id", "kind", "label", "ontology_id")
        listed = [{kind: getattr(node, kind) for kind in kinds} for node in found.nodes.values()]
        counts = {"nodes": len(found.nodes), "edges": len(found.edges)}
        print_json({**counts, "listed": listed} if nodes else counts)
    elif nodes:
        for node in found.nodes.values():
            click.echo(f"{node.id}\t{node.kind}\t{node.label}\t{node.ontology_id}")
    elif out is None:
        click.echo(f"{len(found.nodes)} nodes, {len(found.edges)} edges; ask with --from and --to")


def _attach() -> None:
    """Add the commands that grow the evidence; they live in their own file."""
    from eubiosis.cli import evidence_growing

    for command in evidence_growing.COMMANDS:
        evidence.add_command(command)


_attach()
