"""``eubiosis brief``: what is known before anything is simulated."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import OUT_FOLDER


@click.command()
@click.argument("question", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=OUT_FOLDER,
    help="Write brief.html, .md, .json and protocol_fields.json here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the data of the brief as JSON.")
def brief(question: Path, out: Path | None, as_json: bool) -> None:
    """Answer a question.yaml from the evidence alone: control arm, pools, sizes, assurance, protocol.

    Without --json the brief is printed as Markdown. Nothing is simulated by the mechanistic model.
    """
    from eubiosis.core.output import check_free
    from eubiosis.workflow.brief import FILES
    from eubiosis.workflow.brief import brief as answer

    if out is not None:
        check_free(out, new=False, own=FILES)
    found = answer(question)
    if out is not None:
        for path in found.write(out):
            click.echo(f"wrote {path}", err=True)
    if as_json:
        click.echo(found.to_json())
    elif out is None:
        click.echo(found.to_markdown(), nl=False)
