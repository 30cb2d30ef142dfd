"""Every command takes --json and prints one JSON value on standard output, and nothing else there."""

import json
import shutil
from pathlib import Path

import click
import pytest
from json_commands import NOT_RUN, QUICK

from eubiosis.cli.main import cli
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.engine.codegen.native import CACHE_VARIABLE
from eubiosis.evidence.forecast.sealed_forecasts import FOLDER as REGISTRY
from eubiosis.evidence.growing.adding import write_template
from eubiosis.evidence.growing.references import read_references
from eubiosis.model.exchange.standalone import module_antimony
from eubiosis.workflow.trial_run import run_trial
from sbml_text import document, parameter, rate
from tiny_runs import tiny_workflow

SBML = document(parameter("x", 1), rate("x", "2"))
SETTINGS = (
    "start: 0\nduration: 1\nsteps: 1\nvariables: x\nabsolute: 1e-6\nrelative: 1e-6\namount:\nconcentration:\n"
)
RIS = "TY  - JOUR\nTI  - Fibre in people\nPY  - 2020\nDO  - 10.1000/none\nDB  - made\nER  - \n"
TABLE = "id,arm,visit,mfis,age\n" + "".join(
    f"P{k},{('Placebo', 'Inulin 12 g/day')[k % 2]},{visit},{30 + k % 7 + shift - 2 * (k % 2)},{30 + k % 11}\n"
    for k in range(24)
    for visit, shift in (("Baseline", 0), ("Week 24", (k * 5) % 4))
)


STUDY = {
    "id": "made2031", "first_author": "Made", "year": "2031", "species": "human", "population": "RRMS",
    "blinding": "double-blind", "intervention": "probiotic", "agent": "a made strain",
    "comparator": "placebo or usual care",
    "cohort_id": "made2031", "author_group": "made2031", "integrity_status": "none",
    "registry_id": "NCT99999998",
}  # fmt: skip
ESTIMATE = {
    "id": "made2031/1", "study_id": "made2031", "report_year": "2031", "design": "parallel RCT",
    "design_class": "randomised", "n_treatment": "50", "n_control": "50", "n_basis": "printed",
    "outcome": "hs_CRP", "outcome_scale": "hs-CRP ug/mL change", "scale": "hs-CRP ug/mL",
    "direction_better": "lower", "measure": "MD", "treatment_mean": "-0.1", "treatment_sd": "2.0",
    "control_mean": "0.0", "control_sd": "2.0", "effect": "-0.1", "ci_low": "-0.884", "ci_high": "0.684",
    "p_value": "0.8", "verdict": "no_difference", "dispersion_type": "SD", "effect_metric": "mean_difference",
    "effect_origin": "computed", "source": "made for a test", "read": "full_text",
}  # fmt: skip


def leaves(command=cli, path=()):
    """Yield the name of every command that is no group, with the command."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    else:
        yield " ".join(path), command


LEAVES = dict(leaves())


def test_every_command_takes_json_and_has_a_row():
    assert [
        name
        for name, command in LEAVES.items()
        if "--json" not in {o for p in command.params for o in p.opts}
    ] == []
    assert set(QUICK) | set(NOT_RUN) == set(LEAVES), "a new command needs a row in json_commands.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory, model):
    """What the commands are given: a run, tables, a review, modules."""
    folder = tmp_path_factory.mktemp("given")
    files = {
        "workflow.yaml": tiny_workflow(),
        "tiny.xml": SBML,
        "found.ris": RIS,
        "trial.csv": TABLE,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    run_trial(folder / "workflow.yaml", folder / "run", progress=False, say=[].append)
    stool = shutil.copy(PACKAGED_CONTENT / "example" / "stool.tsv", folder / "stool.tsv")
    real = (folder / "stool.tsv").read_text().replace("made_", "person_").splitlines()
    (folder / "real.tsv").write_text("\n".join([real[0], *reversed(real[1:])]) + "\n")
    rows = (folder / "stool.tsv").read_text(encoding="utf-8").splitlines()
    (folder / "few.tsv").write_text("\n".join(rows[:6]) + "\n", encoding="utf-8")
    registry = shutil.copytree(
        REGISTRY,
        folder / "registry",
        ignore=lambda place, names: names if Path(place).name == "seals" else [],
    )
    for sealed in (registry / "model-output").rglob("*.csv"):
        sealed.unlink()
    (folder / "host.ant").write_text(module_antimony(model, "host"))
    case = folder / "cases" / "00001"
    case.mkdir(parents=True)
    for name, text in (
        ("model.xml", SBML),
        ("settings.txt", SETTINGS),
        ("results.csv", "time,x\n0,1\n1,3\n"),
    ):
        (case / name).write_text(text)
    write_template(folder / "filled")
    for name, row in (("studies.tsv", STUDY), ("estimates.tsv", ESTIMATE)):
        header = (folder / "filled" / name).read_text(encoding="utf-8").strip().split("\t")
        lines = ("\t".join(cells) for cells in (header, [row.get(column, "") for column in header]))
        (folder / "filled" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {
        "workflow": folder / "workflow.yaml",
        "question": PACKAGED_CONTENT / "briefs" / "probiotic_hs_crp.yaml",
        "plan": PACKAGED_CONTENT / "starts" / "analysis.yaml",
        "run": folder / "run",
        "stool": stool,
        "sbml": folder / "tiny.xml",
        "ris": folder / "found.ris",
        "table": folder / "trial.csv",
        "review": folder / "review",
        "module": folder / "host.ant",
        "real": folder / "real.tsv",
        "few": folder / "few.tsv",
        "registry": registry,
        "filled": folder / "filled",
        "cases": folder / "cases",
        "condition": next(iter(model.conditions)),
        "study": "kouchaki2017",
        "reference": "",
    }


@pytest.mark.parametrize("name", [n for n in QUICK if n not in NOT_RUN])
def test_it_prints_one_json_value(name, eubiosis, made, tmp_path, monkeypatch):
    if name == "cache clear":  # not the one that every other test, and who calls the tests, makes use of
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "kernels"))
    if name == "evidence screen":
        made["reference"] = read_references(made["review"])[0].id
    words = [word.format(**made, new=tmp_path / "new") for word in QUICK[name].split()]
    status, out, err = eubiosis(*name.split(), *words, "--json")
    assert status in (0, 1), err
    value = json.loads(out)
    assert value is not None
