"""The ``evidence`` commands that grow it: template, add, import, search, screen and flow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.out_paths import NEW_FOLDER, OUT_FOLDER
from eubiosis.cli.printing import json_option, print_json
from eubiosis.core.kinds import how_many

if TYPE_CHECKING:
    from eubiosis.evidence.growing.references import Reference
    from eubiosis.evidence.growing.screening import Inclusion, Stage

FOLDER = click.Path(file_okay=False, path_type=Path)
REVIEW = click.option("--review", required=True, type=FOLDER, help="The folder of the review.")


@click.command()
@click.argument("folder", type=OUT_FOLDER)
@json_option
def template(folder: Path, *, as_json: bool) -> None:
    """Write two empty tables to fill in, one for studies and one for estimates."""
    from eubiosis.evidence.growing.adding import write_template

    paths = write_template(folder)
    for path in paths:
        click.echo(f"wrote {path}", err=True)
    if as_json:
        print_json({"wrote": paths})


@click.command()
@click.argument("filled", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=OUT_FOLDER, help="Write the grown evidence here.")
@json_option
@click.pass_context
def add(ctx: click.Context, filled: Path, out: Path, *, as_json: bool) -> None:
    """Check a filled template and, when nothing is wrong, write the grown evidence to a folder."""
    from eubiosis.evidence.growing.adding import add as add_records
    from eubiosis.evidence.records.store import load

    before = load(ctx.obj)
    after = add_records(filled, out, before)
    studies = len(after.studies) - len(before.studies)
    estimates = len(after.estimates) - len(before.estimates)
    grown = (
        ("1 study" if studies == 1 else f"{studies} studies"),
        ("1 estimate" if estimates == 1 else f"{estimates} estimates"),
    )
    click.echo(f"added {' and '.join(grown)}; use them with --tables {out}", err=True)
    if as_json:
        print_json({"studies": studies, "estimates": estimates, "tables": out})


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@REVIEW
@click.option("--source", default="", help="The database, where the file does not say it (RIS, BibTeX).")
@json_option
def import_command(files: tuple[Path, ...], review: Path, source: str, *, as_json: bool) -> None:
    """Import RIS, NBIB, BibTeX or CSV exports into a review and mark duplicates."""
    from eubiosis.core.findings import FindingCollector
    from eubiosis.core.output import check_place
    from eubiosis.evidence.growing.importers import read_file

    check_place(review, folder=True)
    findings = FindingCollector()
    found = [reference for file in files for reference in read_file(file, findings, source=source)]
    findings.raise_if_any()
    _keep(review, found, as_json=as_json)


@click.command()
@click.argument("query")
@REVIEW
@click.option(
    "--service", type=click.Choice(["europepmc", "clinicaltrials"]), default="europepmc", show_default=True
)
@click.option("--base-url", help="Another address of the service.")
@json_option
def search(query: str, review: Path, service: str, base_url: str | None, *, as_json: bool) -> None:
    """Search Europe PMC or ClinicalTrials.gov over the network and import what is found."""
    from eubiosis.core.output import check_place
    from eubiosis.evidence.growing import clients

    check_place(review, folder=True)  # before anything is asked over the network
    if service == "europepmc":
        found = clients.search_europe_pmc(query, base_url=base_url or clients.EUROPE_PMC)
    else:
        found = clients.search_clinical_trials(query, base_url=base_url or clients.CLINICAL_TRIALS)
    _keep(review, found, as_json=as_json)


@click.command()
@click.argument("reference")
@REVIEW
@click.option("--stage", required=True, type=click.Choice(["screening", "retrieval", "eligibility"]))
@click.option("--decision", required=True, type=click.Choice(["include", "exclude"]))
@click.option("--reason", default="", help="Why; needed for an exclusion at eligibility.")
@click.option("--study", default="", help="The study that the report belongs to; needed for an inclusion.")
@click.option("--by", required=True, help="The role of who decides, e.g. reviewer 1.")
@click.option("--date", required=True, help="The day of the decision, as 2026-11-22.")
@json_option
def screen(
    reference: str,
    review: Path,
    stage: Stage,
    decision: Inclusion,
    reason: str,
    study: str,
    by: str,
    date: str,
    as_json: bool,
) -> None:
    """Record a screening decision on one reference."""
    from pydantic import ValidationError

    from eubiosis.evidence.growing.screening import ScreeningDecision, record

    try:
        made = ScreeningDecision(
            reference_id=reference,
            stage=stage,
            decision=decision,
            reason=reason,
            study_id=study,
            by=by,
            date=date,
        )
    except ValidationError as error:
        raise click.UsageError("; ".join(str(issue["msg"]) for issue in error.errors())) from error
    path = record(review, made)
    click.echo(f"wrote {path}", err=True)
    if as_json:
        print_json({"wrote": [path]})


@click.command()
@REVIEW
@click.option("--out", type=NEW_FOLDER, help="Draw the PRISMA 2020 diagram here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def flow(review: Path, out: Path | None, as_json: bool) -> None:
    """Count the PRISMA 2020 flow of a review from its records."""
    from eubiosis.evidence.growing.screening import flow as count

    counted = count(review)
    if out is not None:
        from eubiosis.workflow.evidence_page import write_flow_picture

        for path in write_flow_picture(counted, out):
            click.echo(f"wrote {path}", err=True)
    if as_json:
        from eubiosis.cli.printing import print_json

        print_json(counted)
        return
    for name, value in counted.model_dump().items():
        click.echo(f"{name.replace('_', ' ')}: {value}")


def _keep(review: Path, found: list[Reference], *, as_json: bool) -> None:
    from eubiosis.evidence.growing.references import merge, read_references, write_references

    known = read_references(review)
    merged = merge(known, found)
    write_references(review, merged)
    new = merged[len(known) :]
    duplicates = sum(bool(r.duplicate_of) for r in new)
    possible = sum(bool(r.possible_duplicate_of) for r in new)
    click.echo(
        f"{how_many(len(new), 'reference')} imported, {how_many(duplicates, 'duplicate')} among them, "
        f"{possible} possibly so",
        err=True,
    )
    if as_json:
        print_json({"imported": len(new), "duplicates": duplicates, "possible_duplicates": possible})


COMMANDS = (template, add, import_command, search, screen, flow)
