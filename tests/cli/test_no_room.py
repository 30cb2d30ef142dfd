"""Every command that writes: a machine that refuses is one line, exit status 1, and nothing half-written.

A hook of the interpreter refuses the n-th file that is opened for writing, folder that is made or name that
is changed below the test's folder, for n = 1, 2, ... until the command comes through.
"""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine_models import sbml
from eubiosis.cli.evidence import evidence
from eubiosis.core.content import PACKAGED_CONTENT
from tiny_runs import tiny_workflow
from trial_plans import plan, rows, text_of, write_plan

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FEW = ((1, errno.ENOSPC),)  # of commands that compute for seconds before they write
COMMANDS = {
    "new": "new {out}",
    "brief": "brief {question} --out {out}",
    "evidence pool": "evidence pool --outcome hs-CRP --intervention probiotic --out {out}",
    "evidence audit": "evidence audit --out {out}",
    "evidence graph": "evidence graph --from Faecalibacterium --to fatigue --out {out}",
    "evidence template": "evidence template {out}",
    "evidence import": "evidence import {here}/export.ris --review {out}",
    "profile": "profile {here}/made/stool.tsv --out {out}",
    "population example": "population example {out}",
    "population generate": "population generate --people 12 --out {out}",
    "model export": "model export -o {out}.xml",
    "therapy example": "therapy example inulin --out {out}.yaml",
    "engine run": "engine run {here}/model.xml --times 0,1 --observe x --out {out}.csv",
    "engine run, a picture": "engine run {here}/model.xml --times 0,1 --observe x --plot {out}.svg",
    "trial analyse": "trial analyse {here}/trial.csv --plan {here}/plan.yaml --out {out}",
    "trial power": "trial power --endpoint ARR --ratio 0.7 --dispersion 0.8 --years 2 --control-rate 0.2 "
    "--n 50,90 --figure {out}.svg",
    "certificates": "certificates {out}",
    "run": "run {here}/workflow.yaml --out {out} -q",
    "demo": "demo --out {out} -q",
    "doctor, a bill": "doctor --bom {out}.json",
    "evidence flow": "evidence flow --review {here}/review --out {out}",
    "model page": "model page --out {out}.html",
    "model wiring": "model wiring --out {out}.html",
    "calibration petab": "calibration petab --out {out}",
    "calibration informed": "calibration informed --half history --sets 0 --out {out}.html",
    "score": "score --out {out}",
    "forecast registry score": "forecast registry score --out {out}",
}
SLOW = {"model page", "model wiring", "calibration petab", "calibration informed", "score",
        "forecast registry score", "demo", "run"}  # fmt: skip


QUESTION = PACKAGED_CONTENT / "briefs" / "fibre_add_on.yaml"


class Refusal:
    """Refuse the n-th writing below a folder with an error; a hook cannot be taken away, only calmed."""

    def __init__(self):
        self.below, self.left, self.number = "", 0, errno.ENOSPC
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if not self.below:
            return
        if event == "open":
            path, _, flags = (*arguments, 0)[:3]
            writes = isinstance(flags, int) and flags & WRITES
        else:
            path = arguments[0] if event in ("os.mkdir", "os.rename", "os.link") else None
            writes = path is not None and not (event == "os.mkdir" and Path(os.fsdecode(path)).exists())
        if writes and isinstance(path, str | bytes | Path) and os.fsdecode(path).startswith(self.below):
            self.left -= 1
            if self.left == 0:
                raise OSError(self.number, os.strerror(self.number), os.fsdecode(path))


@pytest.fixture(scope="module")
def refusal():
    return Refusal()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    from eubiosis.population.example import write_example_table

    folder = tmp_path_factory.mktemp("inputs")
    (folder / "made").mkdir()
    write_example_table(folder / "made" / "stool.tsv", people=12)
    (folder / "export.ris").write_text("TY  - JOUR\nTI  - A made-up trial\nPY  - 2020\nER  -\n", "utf-8")
    (folder / "model.xml").write_text(sbml("x = 3; x' = -x"))
    (folder / "trial.csv").write_text(text_of(rows()), encoding="utf-8")
    write_plan(folder, plan())
    (folder / "workflow.yaml").write_text(tiny_workflow(), encoding="utf-8")
    words = ["import", str(folder / "export.ris"), "--review", str(folder / "review")]
    assert CliRunner().invoke(evidence, words).exit_code == 0
    return folder


@pytest.fixture(autouse=True)
def _what_two_pages_take_a_minute_for_is_left_out(monkeypatch):
    monkeypatch.setattr("eubiosis.workflow.axis.check_targets", lambda _: ())
    monkeypatch.setattr("eubiosis.workflow.axis.axis_page", lambda *_, **__: "a page")
    monkeypatch.setattr("eubiosis.workflow.axis.PEOPLE", {})
    monkeypatch.setattr("eubiosis.workflow.model_page.sign_table", lambda _: None)
    monkeypatch.setattr("eubiosis.workflow.model_page.page_content", lambda *_: None)
    monkeypatch.setattr("eubiosis.workflow.model_page.model_page", lambda _: "a page")


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


TURNS = ((1, errno.ENOSPC), (2, errno.EROFS), (3, errno.EACCES), (4, errno.ENOSPC), (6, errno.ENOSPC))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_machine_that_refuses_is_one_line_and_leaves_nothing(tmp_path, eubiosis, refusal, here, command):
    out = tmp_path / "there" / "out"
    out.parent.mkdir()
    arguments = [word.format(out=out, here=here, question=QUESTION) for word in COMMANDS[command].split()]
    refused = 0
    for turn, number in FEW if command in SLOW else TURNS:
        refusal.below, refusal.left, refusal.number = str(tmp_path), turn, number
        try:
            status, _, said = eubiosis(*arguments)
        finally:
            refusal.below = ""
        if refusal.left > 0:
            assert status == 0, said
            break  # it came through
        refused += 1
        assert status == 1, said
        assert "Traceback" not in said
        problem = said.strip().splitlines()[-1]  # before it may stand the file, and what was found out
        assert os.strerror(number) in problem
        assert "next:" in problem
        assert everything(tmp_path) == {"there": None}, said
    assert refused, "the command wrote nothing"


PLACES = {  # what stands where the output goes -> what the refusal says
    "a folder": ("a folder stands there", lambda out: (out.mkdir(), (out / "mine.txt").write_text("keep"))),
    "a file": ("a file stands there", lambda out: out.write_text("keep")),
    "a file above": ("is a file and no folder", lambda out: out.parent.write_text("keep")),
    "a link to nothing": ("a link that leads nowhere", lambda out: out.symlink_to(out.parent / "nothing")),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path, eubiosis, here, command, monkeypatch
):
    """Every command, every kind of place; none of them may get as far as its work."""
    out = tmp_path / "there" / "out"
    words = [word.format(out=out, here=here, question=QUESTION) for word in COMMANDS[command].split()]
    target = Path(next(word for word in words if word.startswith(str(out))))
    is_file = bool(target.suffix)
    if command == "evidence import":  # which adds to a review
        return
    for name, (said_of_it, put) in PLACES.items():
        if name == ("a file" if is_file else "a folder"):
            continue  # a file may be replaced; what a folder may hold differs
        place = tmp_path / name.replace(" ", "-")
        target = place / "there" / ("out" + target.suffix)
        (place if name == "a file above" else target.parent).mkdir(parents=True)
        put(target)
        before = everything(place)
        own = [str(target) if word.startswith(str(out)) else word for word in words]
        status, _, said = eubiosis(*own)
        assert status == 1, said
        assert said_of_it in said
        assert "next:" in said.strip().splitlines()[-1]
        assert everything(place) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root mounts a small disk")
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_real_disk_without_room_or_that_is_read_only(tmp_path, eubiosis, here, how):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k" if how == "full" else "ro", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine mounts no small disk")
    try:
        for name in ("new", "evidence audit", "doctor, a bill", "evidence template", "population example"):
            own = COMMANDS[name].format(out=disk / "out", here=here, question=QUESTION).split()
            status, _, said = eubiosis(*own)
            assert status == 1, (name, said)
            assert "Traceback" not in said
            assert "next:" in said.strip().splitlines()[-1]
            assert everything(disk) == {}, name
    finally:
        subprocess.run(["umount", str(disk)], check=True, capture_output=True)
