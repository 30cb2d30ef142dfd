"""The tiny run that faults are injected into: undisturbed, disturbed, interrupted."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eubiosis.compute.run_folder import CHUNKS, unfinished
from eubiosis.engine.codegen.native import CACHE_VARIABLE, cache_folder, kept_kernels
from eubiosis.workflow.soak.processes import Lost, Patience, chunks, ended, kill, tables, until
from eubiosis.workflow.soak.small_run import small_workflow

WORLDS = 3
KEPT = 2  # finished chunks of the run that is interrupted
WORKFLOW = small_workflow(gut_worlds=WORLDS)
FAILING = small_workflow(participants=48, gut_worlds=2)  # enough for some to be one in a hundred


@dataclass
class Bench:
    """The undisturbed run, and the one that is being disturbed."""

    folder: Path
    whole: dict[str, bytes]
    seconds: float
    dice: random.Random
    end: float
    number: int = 0
    turn: int = 0  # how often the fault that is injected was injected before

    @classmethod
    def made(cls, folder: Path, dice: random.Random, say: Callable[[str], None], end: float) -> Bench:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "workflow.yaml").write_text(WORKFLOW, encoding="utf-8")
        (folder / "failing.yaml").write_text(FAILING, encoding="utf-8")
        kept = cache_folder()  # kernels are damaged in a copy
        (folder / "kernels").mkdir()
        for kernel in () if kept is None else kept_kernels(kept):
            shutil.copy2(kernel, folder / "kernels")
        bench = cls(folder, {}, 0.0, dice, end)
        began = time.monotonic()
        if (code := ended(bench.start(folder / "whole"))) != 0:
            raise Lost(f"the undisturbed run ended with {code}")
        bench.seconds = time.monotonic() - began
        Patience.of(bench.seconds)
        bench.whole = tables(folder / "whole")
        say(f"an undisturbed run of {WORLDS} gut worlds takes {bench.seconds:.0f} s")
        return bench

    @property
    def run(self) -> Path:
        """The run that is being disturbed; another one when it is finished."""
        place = self.folder / f"run-{self.number}"
        if place.exists():
            self.check(place)
            self.number += 1
        return self.folder / f"run-{self.number}"

    def start(
        self, out: Path, *options: str, limit: Callable[[int], object] | None = None, failing: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start ``eubiosis run --resume`` in a session of its own, with what it says in a file.

        With ``failing`` some subjects fail; that reaches one process only.
        """
        program = "eubiosis.workflow.soak.failing" if failing else "eubiosis"
        workflow = self.folder / ("failing.yaml" if failing else "workflow.yaml")
        command = [sys.executable, "-m", program, "run", str(workflow)]
        command += [
            "--out",
            str(out),
            "--resume",
            "-q",
            *(options or ("--processes", "1" if failing else "2")),
        ]
        with (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
                env={**os.environ, CACHE_VARIABLE: str(self.folder / "kernels")},
                preexec_fn=_hear_signals,  # noqa: PLW1509 - no threads here
            )
        if limit is not None:
            limit(process.pid)
        return process

    @property
    def kernels(self) -> list[Path]:
        """The kernels that these runs keep."""
        return kept_kernels(self.folder / "kernels")

    def said(self) -> str:
        """Return what the last run said; raises ``Lost`` for a traceback."""
        text = (self.folder / "said").read_text(encoding="utf-8", errors="replace")
        if "Traceback" in text:
            raise Lost("a traceback: " + text.strip().splitlines()[-1][:200])
        return text

    def check(self, run: Path) -> None:
        """Raise ``Lost`` where a finished run has other bytes than the undisturbed one."""
        if tables(run) != self.whole:
            raise Lost(f"{run.name} has other tables than the undisturbed run")
        if unfinished(run).exists():
            raise Lost(f"{run.name} is finished and its hidden folder is still there")

    def finish(self) -> None:
        """Let a run that was left unfinished end; raises ``Lost`` where it does not, or has other bytes."""
        run = self.run
        if not unfinished(run).exists():
            return
        if ended(self.start(run)) != 0:
            raise Lost(f"the resume failed: {self.said()[:200]}")
        self.said()
        self.check(run)

    def begun(self, most: int) -> tuple[Path, Path]:
        """Return a new interrupted run with at most so many finished chunks, and its hidden folder."""
        self.number += 1
        run = self.folder / f"run-{self.number}"
        kept = self.folder / "interrupted"
        if not kept.exists():
            process = self.start(run)
            until(lambda: len(chunks(run)) >= KEPT or process.poll() is not None)
            kill(process)
            shutil.copytree(unfinished(run), kept)
            shutil.rmtree(unfinished(run))
            if run.exists():
                shutil.rmtree(run)
        shutil.copytree(kept, unfinished(run))
        for name in sorted(chunks(run))[most:]:
            (unfinished(run) / CHUNKS / name).unlink()
        return run, unfinished(run)


def _hear_signals() -> None:
    """Let a process hear what this one may have been told to ignore, as a job in the background is."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
