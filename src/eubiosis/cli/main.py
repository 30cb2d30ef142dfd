"""The ``eubiosis`` command: groups are loaded only when they are called."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TextIO

import click

from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import FindingsError, spelled_out, unknown_word
from eubiosis.core.machine import keep_little_memory, use_one_algebra_thread
from eubiosis.core.version import __version__

# command -> (module that holds it, one line for the overview)
COMMANDS: dict[str, tuple[str, str]] = {
    "doctor": ("eubiosis.cli.doctor", "Show versions and cores, and solve two systems with a known answer."),
    "new": (
        "eubiosis.cli.new",
        "Make a folder with a commented workflow, question or plan; --list names them.",
    ),
    "check": (
        "eubiosis.cli.check",
        "Report every finding in workflows, questions, plans and stool tables; no simulation.",
    ),
    "run": ("eubiosis.cli.run", "The main job: run a workflow and write its tables and report."),
    "report": ("eubiosis.cli.report", "Render the report of a finished run once more, from its folder."),
    "export": ("eubiosis.cli.export", "Write a run's tables as ADaM-shaped data: Parquet, CSV and XPT."),
    "status": ("eubiosis.cli.runs", "Say how far a run is: finished, running or interrupted."),
    "rerun": ("eubiosis.cli.runs", "Repeat a run from its folder; say whether the bits agree."),
    "compare": ("eubiosis.cli.runs", "Name the inputs, numbers and results in which two runs differ."),
    "cache": ("eubiosis.cli.runs", "Show or clear the compiled kernels that are kept."),
    "certificates": ("eubiosis.cli.runs", "Make the certificates of a Dask cluster."),
    "demo": ("eubiosis.cli.demo", "Run the packaged trial: placebo, inulin and propionate for 48 weeks."),
    "profile": ("eubiosis.cli.profile", "Sum the taxa of a stool table into the guilds of the model."),
    "population": (
        "eubiosis.cli.population",
        "Made people: an example, people of the reference or of a table, beside real ones.",
    ),
    "evidence": (
        "eubiosis.cli.evidence",
        "Published studies: records, pools, checks, claims, priors, graph.",
    ),
    "model": ("eubiosis.cli.model", "List, show, simulate, check and export the mechanistic model."),
    "calibration": (
        "eubiosis.cli.calibration",
        "Worlds that published figures have not ruled out: remake, show.",
    ),
    "engine": ("eubiosis.cli.engine", "Solve SBML models of one's own; run the SBML semantic test suite."),
    "forecast": ("eubiosis.cli.forecast_registry", "Sealed forecasts of coming trials: list, verify, score."),
    "brief": ("eubiosis.cli.brief", "Answer a question.yaml from the evidence alone, in one page."),
    "completion": ("eubiosis.cli.completion", "Print what makes bash, zsh or fish complete commands."),
    "schema": (
        "eubiosis.cli.schema",
        "JSON Schema of the files, data dictionary of the tables.",
    ),
    "therapy": ("eubiosis.cli.therapy", "List and show what can be given: one file each in the content."),
    "trial": (
        "eubiosis.cli.trial",
        "Plan a trial: sample size, power, control arm; analyse a real trial's table.",
    ),
    "score": (
        "eubiosis.cli.score",
        "Forecasts of finished studies, sealed before they were compared; your own study.",
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on first use, so that --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when the one asked for does not exist."""
        name = args[0] if args else ""
        if name and name not in COMMANDS:
            ctx.fail(f"command {unknown_word(name, COMMANDS)}; see: eubiosis --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print the overview without importing any command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="eubiosis")
def cli() -> None:
    """Virtual trials of microbiome-targeted therapy in multiple sclerosis.

    Everything printed is simulated; nothing here is evidence of efficacy or medical advice.
    """


def _speak_any_text(stream: TextIO) -> None:
    """Keep a stream that knows few characters from stopping the command: a file is written in UTF-8.

    Windows gives files and pipes the code page of the country, which lacks the signs of our tables; on a
    terminal what cannot be shown is spelled out.
    """
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
        if stream.isatty():
            stream.reconfigure(errors="backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8")


def _machine_says(error: OSError) -> str:
    """Put what the machine refused into one line: a full disk, a file that is gone, no right to read."""
    where = next((str(name) for name in (error.filename, error.filename2) if name), "a file or a connection")
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    step = "make room" if full else "look at the path, its folder and your rights"
    if error.errno == errno.EBADF:
        step = "leave it open, or send it to a file"
    return f"{spelled_out(where)}: {error.strerror or error}; next: {step}, then run the command again"


def in_one_line(work: Callable[[], int]) -> int:
    """Do what a script does and return its status: 1, after one line, where a file or the machine refuses."""
    try:
        return work()
    except FindingsError as error:
        click.echo(str(error), err=True)
    except OSError as error:
        click.echo(_machine_says(error), err=True)
    return 1


_STREAMS = 2  # the largest number of a standard stream


class _Closed(io.TextIOBase):
    """Stand in for a standard output that was closed before the start: printing to it is an error."""

    def writable(self) -> bool:
        """Say that text may be written, so that the refusal is raised."""
        return True

    def write(self, text: str) -> int:
        """Refuse any text; raises ``OSError``."""
        if text:
            raise OSError(errno.EBADF, "it is closed, and there is something to print", "standard output")
        return 0


def _open_what_is_closed() -> None:
    """Give every standard stream that was closed before the start a place of its own.

    Else the first file that is opened would take its number, and get what others print there.
    """
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STREAMS:
        pass
    os.close(number)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = io.StringIO()


def _was_interrupted(error: BaseException) -> bool:
    """Say whether an error came of an interrupt: what is imported late may wrap one in its own error."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, KeyboardInterrupt):
            return True
        if one is not None and not any(one is each for each in seen):
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    return False


def main() -> None:
    """Run the command line.

    Exit 0 done, 1 findings in a file, 2 a wrong command line, 3 more numerical failures than allowed.
    """
    use_one_algebra_thread()
    keep_little_memory()
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        _speak_any_text(stream)
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):  # the latter where click itself was interrupted
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        said = io.StringIO()
        error.show(file=said)
        click.echo(spelled_out(said.getvalue()), err=True, nl=False)
        sys.exit(2)
    except FindingsError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except NumericalFailuresError as error:
        click.echo(str(error), err=True)
        sys.exit(3)
    except MemoryError as error:
        step = "ask for fewer participants or replicates, or fewer processes"
        click.echo(f"the memory does not suffice: {error or 'none is left'}; next: {step}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        click.echo(_machine_says(error), err=True)
        sys.exit(1)
    except Exception as error:
        if not _was_interrupted(error):
            raise
        click.echo("stopped", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
