"""One page of every kind, made as a user would make it, each with a hostile title or file name in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml
from report_input_factory import make_report_input
from responder_factory import make_responders

from eubiosis.cli.main import cli
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.report.trial.page import trial_report

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
    """The model on one page."""
    call("model", "wiring", "--out", folder / "model.html")
    return folder / "model.html"


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
        scoreboard,
        sealed,
    )
}
# kinds whose page shows the hostile title or file name as text
SHOWN = {"report": HOSTILE, "brief": HOSTILE, "analysis": HOSTILE, "profile": FILE}
