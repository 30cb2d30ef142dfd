"""The PEtab problem run by libroadrunner, period by period, gives what our own laboratory gives."""

import csv
import math

import numpy as np
import pytest

from eubiosis.calibration.petab import export
from eubiosis.calibration.roles import roles
from eubiosis.model import load
from eubiosis.model.laboratory import Laboratory

pytest.importorskip("roadrunner", reason="libroadrunner is not installed")
ASKED = ("N011", "T032", "T068", "T046", "T039")  # own change, diet, two conditions, MS over healthy, a level
EQUILIBRIUM = 3000.0  # days that stand for the equilibrium before


def tables(files, name):
    return list(csv.DictReader(files[name].splitlines(), delimiter="\t"))


def value_of(runner, text, numbers):
    """Return a target value: a number, a number to be estimated, or a quantity of the model."""
    try:
        return float(text)
    except ValueError:
        return numbers[text] if text in numbers else runner.getValue(text)


@pytest.fixture(scope="module")
def model():
    return load()


@pytest.fixture(scope="module")
def files(model):
    return export(model, [row for row in roles() if row.id in ASKED]).files


@pytest.fixture(scope="module")
def runner(files):
    from quick_roadrunner import load_quickly

    made = load_quickly(files["model.xml"], changes=True)
    made.integrator.relative_tolerance, made.integrator.absolute_tolerance = 1e-6, 1e-10
    return made


def answer(runner, files, name):
    numbers = {row["parameterId"]: float(row["nominalValue"]) for row in tables(files, "parameters.tsv")}
    observable = next(r for r in tables(files, "observables.tsv") if r["observableId"] == f"obs_{name}")
    measured = next(r for r in tables(files, "measurements.tsv") if r["observableId"] == f"obs_{name}")
    runner.resetToOrigin()
    known = set(runner.model.getGlobalParameterIds())
    for number in numbers.keys() & known:
        runner.setValue(number, numbers[number])
    periods = [r for r in tables(files, "experiments.tsv") if r["experimentId"] == measured["experimentId"]]
    times = list(dict.fromkeys(row["time"] for row in periods))
    ends = [float(time) for time in (*times[1:], measured["time"])]
    for time, end in zip(times, ends, strict=True):
        named = {row["conditionId"] for row in periods if row["time"] == time}
        changes = [row for row in tables(files, "conditions.tsv") if row["conditionId"] in named]
        found = [(row["targetId"], value_of(runner, row["targetValue"], numbers)) for row in changes]
        for target, value in found:
            runner.setValue(target, value)
        begin = -EQUILIBRIUM if time == "-inf" else float(time)
        runner.simulate(begin, end if math.isfinite(end) else begin + EQUILIBRIUM, 2)
    names = {each: runner.getValue(each) for each in known}
    formula = observable["observableFormula"].replace("^", "**")
    return eval(formula, {"log10": math.log10, "__builtins__": {}}, names)  # noqa: S307  # our own text


@pytest.mark.slow
def test_another_simulator_reads_the_same_problem(model, files, runner):
    targets = [row for row in model.content.targets if row.id in ASKED]
    kappa = model.content.numbers["gut_kappa"].value
    ours = Laboratory.of(model, targets, threads=1).answers({"gut_kappa": np.array([kappa])})
    theirs = {name: answer(runner, files, name) for name in ASKED}
    assert theirs == pytest.approx({name: ours[name][0] for name in ASKED}, rel=2e-3)
