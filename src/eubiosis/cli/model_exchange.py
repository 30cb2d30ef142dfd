"""``eubiosis model export`` and ``use``: the model to other tools, and edited modules back in."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.model_loading import CONTENT, JSON, load_model
from eubiosis.cli.out_paths import OUT_FILE, OUT_FOLDER
from eubiosis.cli.printing import print_json
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import write_whole

if TYPE_CHECKING:
    from eubiosis.model.exchange.use_module import Use


@click.command("export")
@click.option("--format", "form", type=click.Choice(["sbml", "antimony"]), default="sbml", show_default=True)
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    help="A named condition with its doses in it; with --omex repeat for more (default there: all).",
)
@click.option("--module", help="One module alone, to edit and put back with: eubiosis model use.")
@click.option(
    "--omex",
    type=OUT_FILE,
    help="Write a COMBINE archive: SBML, SED-ML and metadata.",
)
@click.option("--observable", "-y", multiple=True, help="With --omex: a quantity to report; repeat for more.")
@click.option("-o", "--output", type=OUT_FILE, help="A file instead of stdout.")
@CONTENT
@JSON
def export_command(
    form: str,
    conditions: tuple[str, ...],
    module: str | None,
    omex: Path | None,
    observable: tuple[str, ...],
    output: Path | None,
    content: Path | None,
    as_json: bool,
) -> None:
    """Print the joined model, one named condition or one module, for any SBML tool."""
    if omex is not None:
        if module or output:
            raise click.UsageError("--omex goes with neither --module nor --output")
        from eubiosis.model.exchange.omex import write_omex

        written = write_omex(load_model(content), omex, conditions, observable)
        click.echo(f"wrote {written}", err=True)
        if as_json:
            print_json({"wrote": [written]})
        return
    if observable:
        raise click.UsageError("--observable goes with --omex")
    if len(conditions) > 1 or (conditions and module):
        raise click.UsageError("one condition or one module at a time; --omex takes several conditions")
    loaded = load_model(content)
    if module:
        from eubiosis.model.exchange.standalone import module_antimony, module_sbml

        text = (module_sbml if form == "sbml" else module_antimony)(loaded, module)
    else:
        condition = conditions[0] if conditions else None
        text = loaded.sbml(condition) if form == "sbml" else loaded.antimony(condition)
    _give(text, output, form, as_json=as_json)


def _give(text: str, output: Path | None, form: str, *, as_json: bool) -> None:
    if output is None:
        if as_json:
            print_json({"format": form, "text": text})
            return
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        if not output.absolute().parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(output.parent))
        write_whole(output, text)
    except OSError as error:
        next_step = "name a file in a folder that exists and is writable"
        problem = f"cannot be written: {error.strerror}"
        raise FindingsError([Finding(str(output), "", problem, next_step=next_step)]) from error
    click.echo(f"wrote {output}", err=True)
    if as_json:
        print_json({"wrote": [output]})


@click.command("use")
@click.argument("modules", nargs=-1, required=True, metavar="MODULE=FILE...")
@click.option(
    "--out",
    type=OUT_FOLDER,
    required=True,
    help="The content folder to write; it must not exist.",
)
@CONTENT
@JSON
def use_command(modules: tuple[str, ...], out: Path, content: Path | None, as_json: bool) -> None:
    """Put edited modules (Antimony or SBML) in the place of ours, in a content folder of their own.

    MODULE is gut, handover, host or fmt. Every finding is reported at once and nothing is written then.
    """
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.model.exchange.use_module import use_modules

    files: dict[str, Path] = {}
    for each in modules:
        name, equals, file = each.partition("=")
        if not (name and equals and file) or name in files:
            raise click.BadParameter(
                f'"{each}" is not MODULE=FILE, each module once', param_hint="MODULE=FILE"
            )
        files[name] = Path(file)
    use = use_modules(files, out, content or PACKAGED_CONTENT)
    if as_json:
        click.echo(json.dumps(asdict(use) | {"folder": str(use.folder)}, indent=1))
    else:
        click.echo("\n".join(_lines(use)))


def _lines(use: Use) -> list[str]:
    lines = [f"{name} from {file}" for name, file in use.files.items()]
    for what, rows in (("number", use.numbers), ("initial value", use.starts)):
        lines += [f"{what} {r.id}: {r.old:g} -> {r.new:g} {r.unit} (assumed)" for r in rows]
    for what, new in (("number", use.new_numbers), ("state", use.new_starts)):
        lines += [f"new {what} {r.id} = {r.value:g} {r.unit} (assumed)" for r in new]
    for what, names in (
        ("changed equations", use.changed_equations),
        ("new equations", use.new_equations),
        ("equations gone", use.gone_equations),
        ("numbers no longer used, left out", use.unused),
    ):
        lines += [f"{what}: {', '.join(names)}"] if names else []
    if use.ignored:
        lines.append(f"{len(use.ignored)} values of inputs, persons and other modules were not taken over")
    return [
        *lines,
        f"wrote {use.folder}; use it with: eubiosis model ... --content {use.folder}",
        f"before a trial, once (minutes): eubiosis model derive --content {use.folder}",
    ]
