"""What ``run`` and ``demo`` share: options, messages, and a clean end on Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from eubiosis.cli.printing import print_written
from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.compute.executors import Executor
    from eubiosis.trial.simulation import TablesKept

processes_option = click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Processes to use (default: all cores that may be used); the tables are the same with any number.",
)
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No messages and no progress bar.")


def run_workflow(
    workflow: Path,
    out: Path,
    processes: int | None,
    quiet: bool,
    *,
    replace: bool = False,
    resume: bool = False,
    large: bool = False,
    executor: Executor | None = None,
    content: Path | None = None,
    tables: TablesKept | None = None,
    as_json: bool = False,
) -> None:
    """Run a workflow and print the path of its report."""
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.core.frame import spare_pandas
    from eubiosis.core.machine import available_cores
    from eubiosis.workflow.trial_run import run_trial

    spare_pandas()
    with terminated_like_interrupted(), _remembered(out):
        report = run_trial(
            workflow,
            out,
            processes=processes or available_cores(),
            progress=False if quiet else None,
            say=sayer(quiet),
            replace=replace,
            resume=resume,
            large=large,
            executor=executor,
            content=content or PACKAGED_CONTENT,
            tables=tables,
        )
    print_written([report], as_json=as_json, run=out)


@contextmanager
def _remembered(out: Path) -> Iterator[None]:
    """Say how a run goes on that ends in between with finished gut worlds, or blocks of them."""
    try:
        yield
    except (KeyboardInterrupt, MemoryError, OSError, FindingsError):
        from eubiosis.compute.run_folder import BLOCK, CHUNKS, unfinished

        kept = [path.name for path in (unfinished(out) / CHUNKS).glob("*.chunk")]
        if kept:
            what = "blocks of gut worlds" if any(BLOCK in name for name in kept) else "gut worlds"
            say = sayer(quiet=False)
            say(f"finished {what} that stay: {len(kept)}; next: the same command with --resume")
        raise


def sayer(quiet: bool) -> Callable[[str], None]:
    """Return what prints messages on standard error, or nothing at all.

    Once standard error takes none, because its reader has gone or its disk is full, nothing more is written
    there: no message is worth a run.
    """

    def say(message: str) -> None:
        if quiet:
            return
        try:
            click.echo(message, err=True)
        except OSError:
            with suppress(OSError):  # what waits in its buffer would end Python with status 120
                sys.stderr.close()
            sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # to the end of Python

    return say


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the block as Ctrl-C does: what is half-written is removed.

    A signal that is ignored already stays ignored: that is how nohup keeps a command running.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
