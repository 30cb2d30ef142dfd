"""``eubiosis status | compare | rerun | cache``: runs that exist, and the kernels that are kept."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.cli.printing import json_option, print_json, print_line
from eubiosis.cli.running import processes_option, quiet_option, sayer, terminated_like_interrupted

_RUN = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=_RUN)
@json_option
def status(run: Path, *, as_json: bool) -> None:
    """Say how far RUN is: finished, running (and who writes it), or interrupted."""
    from eubiosis.workflow.runs import run_state

    found = run_state(run)
    if as_json:
        print_json(found)
    else:
        print_line(found.words)


@click.command()
@click.argument("first", type=_RUN)
@click.argument("second", type=_RUN)
@json_option
def compare(first: Path, second: Path, *, as_json: bool) -> None:
    """Name the inputs, numbers and results in which two finished runs differ; exit status 1 if any does."""
    from eubiosis.workflow.runs import compare_runs

    found = compare_runs(first, second)
    if as_json:
        print_json(found)
    elif not found:
        click.echo("the same in everything but the log")
    else:
        for each in found:
            print_line(f"{each.kind} {each.name}: {each.first or 'not there'} | {each.second or 'not there'}")
    sys.exit(1 if found else 0)


@click.command()
@click.argument("run", type=_RUN)
@click.option("--table", type=_RUN, help="The stool table that the run read: a run folder does not hold it.")
@click.option("--metadata", type=_RUN, help="Its metadata.")
@click.option("--taxonomy", type=_RUN, help="The taxonomy of its features.")
@click.option(
    "--content",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The content folder that the run was given, if it was given one.",
)
@processes_option
@quiet_option
@json_option
def rerun(
    run: Path,
    *,
    content: Path | None,
    processes: int | None,
    quiet: bool,
    as_json: bool,
    **files: Path | None,
) -> None:
    """Repeat RUN from its own folder and say whether the bits agree; exit status 1 if they do not."""
    from eubiosis.core.machine import available_cores
    from eubiosis.workflow.runs import rerun as repeat

    with terminated_like_interrupted():
        found = repeat(
            run,
            processes=processes or available_cores(),
            progress=False if quiet else None,
            say=sayer(quiet),
            files={"stool table": files["table"], **files},
            content=content,
        )
    if as_json:
        print_json({"same": not found, "differences": found})
        sys.exit(1 if found else 0)
    for each in found:
        print_line(f"{each.kind} {each.name}: {each.first} | {each.second}")
    click.echo("NOT the same" if found else "the same to the bit: every table, the results and the plan")
    sys.exit(1 if found else 0)


@click.group()
def cache() -> None:
    """Show or clear the compiled kernels that are kept."""


@cache.command("show")
@json_option
def show_cache(*, as_json: bool) -> None:
    """Say where compiled kernels are kept, how many and how large."""
    from eubiosis.engine.codegen.native import cache_folder, kept_kernels

    folder = cache_folder()
    if as_json:
        kernels = [] if folder is None else kept_kernels(folder)
        size = sum(kernel.stat().st_size for kernel in kernels)
        print_json({"folder": folder, "kernels": len(kernels), "bytes": size})
        return
    if folder is None:
        click.echo("compiled kernels are not kept")
        return
    kernels = kept_kernels(folder)
    click.echo(f"{folder}: {len(kernels)} kernels, {sum(k.stat().st_size for k in kernels) / 1e6:.1f} MB")


@cache.command("clear")
@json_option
def clear_cache(*, as_json: bool) -> None:
    """Delete the compiled kernels; they are made anew when they are needed."""
    from eubiosis.engine.codegen.native import cache_folder, kept_kernels

    folder = cache_folder()
    kernels = [] if folder is None else kept_kernels(folder)
    for kernel in kernels:
        kernel.unlink(missing_ok=True)
    if as_json:
        print_json({"deleted": len(kernels)})
    else:
        click.echo(f"{len(kernels)} kernels deleted")


@click.command()
@click.argument("folder", type=OUT_FOLDER)
@json_option
def certificates(folder: Path, *, as_json: bool) -> None:
    """Make the certificates of a Dask cluster in FOLDER and print how scheduler and workers are started."""
    from eubiosis.compute.dask_pool import make_certificates

    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; nothing is overwritten")
    make_certificates(folder)
    tls = f"--tls-ca-file {folder}/ca.pem --tls-cert {folder}/cert.pem --tls-key {folder}/key.pem"
    none = " ".join(f"DASK_DISTRIBUTED__{each}__HTTP__ROUTES='[]'" for each in ("SCHEDULER", "WORKER"))
    lines = {
        "environment": f"export {none}",  # pages of plain HTTP, which --no-dashboard leaves there
        "scheduler": f"dask scheduler --protocol tls --host 127.0.0.1 --no-dashboard {tls}",
        "worker": f"dask worker tls://127.0.0.1:8786 --nthreads 1 --no-dashboard --host 127.0.0.1 {tls}",
        "run": f"eubiosis run WORKFLOW --out RUN --executor dask://127.0.0.1:8786 --certificates {folder}",
    }
    if as_json:
        print_json({"folder": folder, **lines})
        return
    for line in lines.values():
        click.echo(line)
