"""One page of every kind, made as a user would make it, each with a hostile title or file name in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import yaml
from report_input_factory import make_report_input
from responder_factory import make_responders

from eubiosis.cli import forecast as forecast_command
from eubiosis.cli.main import cli
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.guilds import GUILD_NAMES, GUILDS
from eubiosis.report.pages import axis_page, axis_panels
from eubiosis.report.trial.page import trial_report
from eubiosis.workflow.signs import sign_table

_OWN = "document.body.dataset.owned='1'"
HOSTILE = f'<img src=x onerror="{_OWN}"><script>{_OWN}</script>&amp;'
FILE = "<img src=x onerror=alert(1)> & 'table'.tsv"


def call(*words: object) -> None:
    """Run a command of ours in this process; what it prints is not looked at."""
    cli([str(word) for word in words], standalone_mode=False)


def report(folder: Path) -> Path:
    """The report of a virtual trial, from made figures."""
    page = folder / "report.html"
    made = replace(make_report_input(), title=HOSTILE, responders=make_responders())
    page.write_text(trial_report(made), encoding="utf-8")
    return page


def brief(folder: Path) -> Path:
    """A brief whose question carries the hostile title."""
    question = yaml.safe_load((PACKAGED_CONTENT / "briefs" / "fibre_add_on.yaml").read_text(encoding="utf-8"))
    (folder / "question.yaml").write_text(yaml.safe_dump(question | {"title": HOSTILE}), encoding="utf-8")
    call("brief", folder / "question.yaml", "--out", folder / "brief")
    return folder / "brief" / "brief.html"


def profile(folder: Path) -> Path:
    """The profile of a stool table whose file has a hostile name."""
    stool = Path(shutil.copy(PACKAGED_CONTENT / "example" / "stool.tsv", folder / FILE))
    call("profile", stool, "--worlds", 0, "--out", folder / "profile")
    return next((folder / "profile").glob("*.html"))


def pool(folder: Path) -> Path:
    """A pool of the evidence."""
    call("evidence", "pool", "--outcome", "hs-CRP", "--intervention", "probiotic", "--out", folder / "pool")
    return next((folder / "pool").glob("*.html"))


def audit(folder: Path) -> Path:
    """The audit of claims."""
    call("evidence", "audit", "--out", folder / "audit")
    return next((folder / "audit").glob("*.html"))


def population(folder: Path) -> Path:
    """Made people beside others."""
    people = (PACKAGED_CONTENT / "example" / "stool.tsv").read_text(encoding="utf-8")
    real = folder / FILE
    real.write_text(people.replace("made_", "person_"), encoding="utf-8")
    virtual = Path(shutil.copy(PACKAGED_CONTENT / "example" / "stool.tsv", folder / "made.tsv"))
    call("population", "describe", virtual, real, "--out", folder / "population")
    return next((folder / "population").glob("*.html"))


def analysis(folder: Path) -> Path:
    """The analysis of a made trial's table by a plan with the hostile title."""
    plan = yaml.safe_load((PACKAGED_CONTENT / "starts" / "analysis.yaml").read_text(encoding="utf-8"))
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan | {"title": HOSTILE}), encoding="utf-8")
    rows = [
        f"P{k},{('Placebo', 'Inulin 12 g/day')[k % 2]},{visit},{30 + k % 7 + shift},{30 + k % 11}"
        for k in range(24)
        for visit, shift in (("Baseline", 0), ("Week 24", (k * 5) % 4))
    ]
    (folder / "trial.csv").write_text("\n".join(["id,arm,visit,mfis,age", *rows]) + "\n", encoding="utf-8")
    call(
        "trial", "analyse", folder / "trial.csv", "--plan", folder / "plan.yaml", "--out", folder / "analysis"
    )
    return folder / "analysis" / "analysis.html"


def informed(folder: Path) -> Path:
    """What the data informed, without worlds that are run."""
    call("calibration", "informed", "--sets", 0, "--out", folder / "informed.html")
    return folder / "informed.html"


def wiring(folder: Path) -> Path:
    """The model on one page, with the signs of fewer draws."""
    with mock.patch("eubiosis.workflow.model_page.sign_table", partial(sign_table, draws=4)):
        call("model", "wiring", "--out", folder / "model.html")
    return folder / "model.html"


@dataclass(frozen=True)
class MadeVerdict:
    """A row of the target table, made."""

    quantity: str
    condition: str = "ms_inulin"
    model: float = 1.2
    target: float | None = 1.0
    low: float | None = 0.8
    high: float | None = 1.4
    role: str = "check"
    verdict: str = "hit"
    unit: str = "mM"


def axis(folder: Path) -> Path:
    """The page of the axis, from made courses: its real ones take a minute."""
    times = np.arange(0.0, 366.0)
    people = {"healthy": 1.0, "MS": 0.8, "MS, inulin 20 g/d": 1.3}
    courses = {
        who: {name: level * (2 - np.exp(-times / 20)) for name in axis_panels()}
        for who, level in people.items()
    }
    shares = {
        who: {GUILD_NAMES[guild]: level * (k + 1) / 200 for k, guild in enumerate(GUILDS)}
        for who, level in people.items()
    }
    untested = MadeVerdict("plasma butyrate", target=None, low=None, high=None, verdict="untested")
    rows = [MadeVerdict(HOSTILE), untested]
    page = axis_page(times, courses, shares, rows, {"measured": 0.3, "assumed": 0.7}, numbers=600)
    (folder / "axis.html").write_text(page, encoding="utf-8")
    return folder / "axis.html"


def forecast(folder: Path) -> Path:
    """The profile of a stool table with the forecast of a fibre, in three worlds."""
    stool = Path(shutil.copy(PACKAGED_CONTENT / "example" / "stool.tsv", folder / FILE))
    rows = stool.read_text(encoding="utf-8").splitlines()
    stool.write_text("\n".join(rows[:9]) + "\n", encoding="utf-8")
    with mock.patch.object(forecast_command, "WORLDS", 3):
        call(
            "profile", stool, "--worlds", 0, "--under", "inulin 20 g/day for 2 weeks",
            "--out", folder / "forecast",
        )  # fmt: skip
    return next((folder / "forecast").glob("*.html"))


def scoreboard(folder: Path) -> Path:
    """The shipped scoreboard."""
    call("score", "--out", folder / "board")
    return folder / "board" / "scoreboard.html"


def sealed(folder: Path) -> Path:
    """The sealed forecasts, with a read-out whose source has the hostile name."""
    table = folder / "read_outs.tsv"
    table.write_text(
        "trial\ttarget\tvalue\tlow\thigh\tpeople\tprinted\tsource\tread\tnote\n"
        f"REMODEL-1\tcontrol ARR\t0.2\t0.15\t0.26\t390\tmade\t{FILE}\ttable\t\n",
        encoding="utf-8",
    )
    call("forecast", "registry", "score", table, "--out", folder / "sealed")
    return folder / "sealed" / "sealed_forecasts.html"


PAGES: dict[str, Callable[[Path], Path]] = {
    make.__name__: make
    for make in (
        report,
        brief,
        profile,
        pool,
        audit,
        population,
        analysis,
        informed,
        wiring,
        axis,
        forecast,
        scoreboard,
        sealed,
    )
}
# kinds whose page shows the hostile title or file name as text
SHOWN = {
    "report": HOSTILE, "brief": HOSTILE, "analysis": HOSTILE, "axis": HOSTILE, "profile": FILE,
    "forecast": FILE, "population": FILE, "sealed": FILE,
}  # fmt: skip
# the most pages of A4 that a kind may take
MOST_SHEETS = {
    "report": 20, "brief": 12, "profile": 20, "forecast": 24, "pool": 6, "audit": 14, "population": 8,
    "analysis": 6, "informed": 24, "wiring": 40, "axis": 6, "scoreboard": 24, "sealed": 8,
}  # fmt: skip
