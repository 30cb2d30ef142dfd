"""Every command that writes: a machine that refuses is one line, exit status 1, and nothing half-written.

A hook of the interpreter refuses the n-th file that is opened for writing, folder that is made or name that
is changed below the test's folder, for n = 1, 2, ... until the command comes through.
"""

import errno
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from engine_models import sbml
from eubiosis.calibration.petab import Export
from eubiosis.calibration.sampling import Sample
from eubiosis.calibration.worlds import Half
from eubiosis.cli.evidence import evidence
from eubiosis.cli.main import in_one_line
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.frame import Table
from eubiosis.core.output import Page, check_place
from eubiosis.evidence.forecast.sealed_forecasts import FOLDER
from eubiosis.model import load
from eubiosis.model.discrepancy import TABLE
from eubiosis.model.exchange import use_module  # noqa: F401 - before a test puts something in place of a part
from eubiosis.model.exchange.standalone import module_antimony
from eubiosis.workflow.exports.adam_schemas import ADAM_TABLES
from tiny_runs import tiny_workflow
from trial_plans import plan, rows, text_of, write_plan

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
COMMANDS = {
    "new": "new {out}",
    "brief": "brief {question} --out {out}",
    "evidence pool": "evidence pool --outcome hs-CRP --intervention probiotic --out {out}",
    "evidence audit": "evidence audit --out {out}",
    "evidence graph": "evidence graph --from Faecalibacterium --to fatigue --out {out}",
    "evidence template": "evidence template {out}",
    "evidence import": "evidence import {here}/export.ris --review {out}",
    "profile": "profile {here}/made/stool.tsv --worlds 0 --out {out}",
    "population example": "population example {out}",
    "population generate": "population generate --people 12 --out {out}",
    "model export": "model export --module fmt -o {out}.xml",
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
    "forecast registry seal": "forecast registry seal {there}/hub",
    "model export, an archive": "model export --omex {out}.omex",
    "model use": "model use fmt={here}/fmt.ant --out {out}",
    "population describe": "population describe {here}/made/stool.tsv {here}/real.tsv --out {out}",
    "calibration worlds": "calibration worlds --half history --reduced --out {out}",
    "calibration discrepancy": "calibration discrepancy {here} --write --content {there}/content",
    "export": "export {here} --to {out} --format csv --format parquet",
    "report": "report {here} --out {out}.html",
}
INTO = {"evidence import", "forecast registry seal", "calibration discrepancy"}  # what is there already
# what a command computes before it writes: done once for all turns, and not at all where the place is refused
WORK = {
    "brief": ("workflow.brief.brief", "report.brief.page.brief_html"),
    "evidence pool": ("evidence.synthesis.pool_record.pool_report", "workflow.evidence_page.pool_page"),
    "profile": ("workflow.profile.profile_table", "report.profile_page.page.profile_page"),
    "model export": ("model.load", "model.exchange.standalone.module_sbml"),
    "model export, an archive": ("model.load",),
    "model use": ("model.exchange.use_module.lint_content", "model.exchange.use_module._equations",
                  "model.exchange.use_module.derive"),
    "population describe": ("workflow.virtual_people.describe", "report.population_page.population_page"),
    "calibration worlds": ("model.load",),
    "calibration petab": ("model.load",),
    "calibration informed": ("model.load", "workflow.informed_page.informed_page"),
    "score": ("workflow.score.board.compare", "report.score_page.score_page"),
    "run": ("workflow.trial_run.check_run", "workflow.trial_run._demand_feasible"),
    "demo": ("workflow.trial_run.check_run", "workflow.trial_run._demand_feasible"),
    "doctor, a bill": ("workflow.bill.bill_of_materials",),
}  # fmt: skip


def _two_files(_, folder, name):
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    for path in paths:
        path.write_bytes(b"a picture")
    return paths


def _matched(*_):
    sample = Sample(np.zeros((2, 1)), np.zeros(2), np.full(2, 0.5), ())
    return Half(sample, {"a_number": np.array([1.0, 2.0])}, (), 2, 1.0, 0.0)


def _folder_alone(folder):
    content = SimpleNamespace(folder=folder, file=lambda name: f"content/{name}")
    return SimpleNamespace(content=content)


INSTEAD = {  # of what takes long, or asks for a whole run
    "workflow.axis.check_targets": lambda _: (),
    "workflow.axis.axis_page": lambda *_, **__: "a page",
    "workflow.axis.PEOPLE": {},
    "workflow.model_page.sign_table": lambda _: None,
    "workflow.model_page.page_content": lambda *_: None,
    "workflow.model_page.model_page": lambda _: "a page",
    "model.lint.lint_content": lambda _: [],
    "report.evidence.figures.save": _two_files,
    "model.model.Model.sbml": lambda *_: "<sbml/>",
    "model.exchange.omex.consistency_errors": lambda _: [],
    "calibration.petab.export": lambda *_: Export({"problem.yaml": "a", "README.md": "b"}, (), ()),
    "evidence.forecast.sealed_forecasts.make_forecasts": lambda *_: (),
    "calibration.worlds.history_half": _matched,
    "calibration.discrepancy_table.read_left_out": lambda *_: (),
    "calibration.discrepancy_table.read_discrepancies": lambda *_: (),
    "workflow.exports.write.read_manifest": lambda _: {},
    "workflow.exports.write.demand_whole": lambda *_: None,
    "workflow.exports.write.observed_people": lambda _: [()],
    "workflow.exports.write.adam_tables": lambda *_: {
        name: Table({"AGE": [40.0]}, name=name) for name in ADAM_TABLES
    },
    "workflow.rerender.results_of_run": lambda _: None,
    "report.trial.page.trial_report": lambda _: "a page",
}

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
    write_example_table(folder / "made" / "stool.tsv", people=24)
    (folder / "export.ris").write_text("TY  - JOUR\nTI  - A made-up trial\nPY  - 2020\nER  -\n", "utf-8")
    write_example_table(folder / "real.tsv", people=26)
    (folder / "model.xml").write_text(sbml("x = 3; x' = -x"))
    (folder / "trial.csv").write_text(text_of(rows()), encoding="utf-8")
    write_plan(folder, plan())
    (folder / "workflow.yaml").write_text(tiny_workflow(), encoding="utf-8")
    words = ["import", str(folder / "export.ris"), "--review", str(folder / "review")]
    assert CliRunner().invoke(evidence, words).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def results():
    return {}


@pytest.fixture
def work(monkeypatch, results, request):
    """Do the work of the command once for all turns; return the names of what was done."""
    for name, value in INSTEAD.items():
        monkeypatch.setattr(f"eubiosis.{name}", value)
    done = []

    def remembered(name):
        module, _, last = f"eubiosis.{name}".rpartition(".")
        function = getattr(pkgutil.resolve_name(module), last)

        def do(*given, **named):
            done.append(name)
            if name not in results:
                results[name] = function(*given, **named)
            return results[name]

        return do

    command = request.node.callspec.params["command"]
    if command == "calibration discrepancy":  # of a content folder that holds its table alone
        monkeypatch.setattr("eubiosis.cli.calibration.load_model", _folder_alone)
    if command == "model use":
        model = results.get("model.load") or results.setdefault("model.load", load())
        results["model.exchange.use_module.derive"] = model.derived
        results["model.exchange.use_module._equations"] = ((), (), ())
        text = module_antimony(model, "fmt")
        (request.getfixturevalue("here") / "fmt.ant").write_text(text, encoding="utf-8")
    for name in WORK.get(command, ()):
        monkeypatch.setattr(f"eubiosis.{name}", remembered(name))
    return done


@pytest.fixture
def there(tmp_path):
    """The folder that is written to, with what two commands write into."""
    folder = tmp_path / "there"
    shutil.copytree(FOLDER, folder / "hub", ignore=shutil.ignore_patterns("seals", "model-output"))
    (folder / "content" / TABLE).parent.mkdir(parents=True)
    shutil.copyfile(PACKAGED_CONTENT / TABLE, folder / "content" / TABLE)
    return folder


def everything(folder):
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def words_of(command, out, here, there):
    places = {"out": out, "here": here, "there": there, "question": QUESTION}
    return [word.format(**places) for word in COMMANDS[command].split()]


TURNS = ((1, errno.ENOSPC), (2, errno.EROFS), (3, errno.EACCES), (4, errno.ENOSPC), (6, errno.ENOSPC))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_machine_that_refuses_is_one_line_and_leaves_nothing(
    tmp_path, eubiosis, refusal, here, there, work, command
):
    out = there / "out"
    arguments = words_of(command, out, here, there)
    before = everything(tmp_path)
    turns = TURNS
    if command in ("run", "demo"):  # whose lock takes another way where a link is not permitted
        turns = tuple((turn, errno.ENOSPC) for turn, _ in TURNS)
    if command == "model use":  # a hundred files: the last ones too
        refusal.below, refusal.left = str(tmp_path), 10**6
        status, _, said = eubiosis(*arguments)
        assert status == 0, said
        last = 10**6 - refusal.left
        turns = (*TURNS, (last - 2, errno.ENOSPC), (last, errno.EDQUOT), (last + 1, errno.ENOSPC))
        shutil.rmtree(out)
        work.clear()
    for turn, number in turns:
        refusal.below, refusal.left, refusal.number = str(tmp_path), turn, number
        try:
            status, _, said = eubiosis(*arguments)
        finally:
            refusal.below = ""
        if refusal.left > 0:
            assert status == 0, said
            assert set(work) == set(WORK.get(command, ()))
            break  # it came through
        assert status == 1, said
        assert "Traceback" not in said
        problem = said.strip().splitlines()[-1]  # before it may stand the file, and what was found out
        assert os.strerror(number) in problem
        assert "next:" in problem
        assert everything(tmp_path) == before, said
        assert not (turn == 1 and work), f"{command} worked before it looked at the place: {work}"
    assert turn > 1, "the command wrote nothing beside its first look at the place"


PLACES = {  # what stands where the output goes -> what the refusal says
    "a folder": ("a folder stands there", lambda out: (out.mkdir(), (out / "mine.txt").write_text("keep"))),
    "a file": ("a file stands there", lambda out: out.write_text("keep")),
    "a file above": ("is a file and no folder", lambda out: out.parent.write_text("keep")),
    "a link to nothing": ("a link that leads nowhere", lambda out: out.symlink_to(out.parent / "nothing")),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path, eubiosis, here, there, work, command
):
    """Every command, every kind of place; none of them may get as far as its work."""
    if command in INTO:
        return  # which writes into what is there already
    out = there / "out"
    words = words_of(command, out, here, there)
    target = Path(next(word for word in words if word.startswith(str(out))))
    is_file = bool(target.suffix)
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
        assert work == []


PAGES = {  # an earlier page of the kind is made again
    "model page": Page.AXIS,
    "model wiring": Page.MODEL,
    "calibration informed": Page.INFORMED,
    "report": Page.TRIAL,
}
NAMES = {  # that would be replaced in a folder that may hold other files
    "calibration worlds": ("worlds_gut.tsv",),
    "evidence template": ("studies.tsv",),
}
HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src">\n'
)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_stands_where_a_command_writes_is_not_lost(tmp_path, eubiosis, here, there, work, command):
    """A file, or a folder with files of the names that the command writes: refused before the work."""
    if command in INTO:
        return
    out = there / "out"
    words = words_of(command, out, here, there)
    target = Path(next(word for word in words if word.startswith(str(out))))
    if target.suffix:
        target.write_text(f"{HEAD}<title>mine</title>", "utf-8")
    else:
        target.mkdir()
        for name in ("mine.txt", *NAMES.get(command, ())):
            (target / name).write_text("keep", "utf-8")
    before = everything(tmp_path)
    status, _, said = eubiosis(*words)
    assert status in (1, 2), said
    assert "Traceback" not in said
    assert str(target) in said
    assert everything(tmp_path) == before
    assert work == [] or command in ("run", "demo")  # which look at their input first
    if command in PAGES:
        target.write_text(f"{HEAD}<title>A title{PAGES[command]}</title>", "utf-8")
        status, _, said = eubiosis(*words)
        assert status == 0, said
        assert "A title" not in target.read_text("utf-8")


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


@pytest.mark.parametrize("script", ["make_site", "make_notebooks", "make_gallery"])
def test_a_script_of_the_docs_is_refused_in_one_line_too(tmp_path, capsys, refusal, script):
    source = Path(__file__).parents[2] / "docs" / f"{script}.py"
    assert "in_one_line(" in source.read_text(encoding="utf-8").splitlines()[-1]
    refusal.below, refusal.left, refusal.number = str(tmp_path), 1, errno.ENOSPC
    try:
        status = in_one_line(lambda: check_place(tmp_path / "site", folder=True) or 0)
    finally:
        refusal.below = ""
    assert status == 1
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
    assert in_one_line(lambda: (tmp_path / "gone").stat().st_size) == 1
    assert capsys.readouterr().err.count("\n") == 1
