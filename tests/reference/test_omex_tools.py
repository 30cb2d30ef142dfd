"""COMBINE archives in other programs: COPASI opens and runs them, libRoadRunner follows their SED-ML.

Agreement is |a - b| <= 1e-6 of the largest |b| of a quantity's course; ``validation/omex`` has what
tellurium and COPASI differ by.
"""

import json
import warnings
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from eubiosis.engine import Tolerances
from eubiosis.model.derived import content_key
from eubiosis.model.exchange.omex import default_observables, write_omex

pytestmark = pytest.mark.slow

SEDML = "{http://sed-ml.org/sed-ml/level1/version4}"
TIGHT = Tolerances(relative=1e-10, absolute=1e-14)
EXPECTED = Path(__file__).parents[2] / "validation/omex/expected.json"
SHORT = "healthy_inulin_7g"  # 28 days of a dose


def own(model, condition):
    days = np.arange(0.0, model.conditions[condition].days + 1.0)
    solution = model.simulate(condition, days, default_observables(model), tolerances=TIGHT)
    assert solution.status == ("ok",)
    return {name: solution[name][0] for name in default_observables(model)}


def assert_agree(mine, theirs):
    for name, values in mine.items():
        other = np.asarray(theirs[name], dtype=float)
        assert other.shape == values.shape
        assert np.max(np.abs(other - values)) <= 1e-6 * np.max(np.abs(values)), name


@pytest.mark.parametrize("condition", [SHORT, "ms_fmt"])
def test_copasi_runs_the_archive(model, tmp_path, condition):
    """COPASI takes times, tolerances and model from the archive alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that basico imports
        import basico
        import COPASI
    archive = write_omex(model, tmp_path / f"{condition}.omex", [condition])
    other = COPASI.CRootContainer.addDatamodel()
    try:
        assert other.openCombineArchive(str(archive)), COPASI.CCopasiMessage.getAllMessageText()
        settings = basico.get_task_settings("Time-Course", model=other)
        assert settings["problem"]["Duration"] == model.conditions[condition].days
        assert settings["method"]["Relative Tolerance"] == 1e-10
        course = basico.run_time_course(model=other, use_sbml_id=True, update_model=False)
    finally:
        basico.remove_datamodel(other)
    columns = {name.removeprefix("Values[").removesuffix("]"): name for name in course.columns}
    assert_agree(own(model, condition), {name: course[column] for name, column in columns.items()})


def test_libroadrunner_follows_the_experiment(model, tmp_path):
    """A few lines that know SED-ML and nothing of this project: model, times, tolerances, what to report."""
    from quick_roadrunner import load_quickly

    archive = write_omex(model, tmp_path / "one.omex", [SHORT])
    with zipfile.ZipFile(archive) as opened:
        root = ElementTree.fromstring(opened.read("simulation.sedml"))
        (source,) = [m.get("source") for m in root.iter(f"{SEDML}model")]
        sbml = opened.read(source).decode("utf-8")
    (course,) = root.iter(f"{SEDML}uniformTimeCourse")
    settings = {p.get("kisaoID"): p.get("value") for p in root.iter(f"{SEDML}algorithmParameter")}
    targets = [v.get("target").split("'")[1] for v in root.iter(f"{SEDML}variable") if v.get("target")]
    other = load_quickly(sbml)
    other.integrator.relative_tolerance = float(settings["KISAO:0000209"])
    other.integrator.absolute_tolerance = float(settings["KISAO:0000211"])
    other.integrator.maximum_num_steps = int(settings["KISAO:0000415"])
    other.timeCourseSelections = ["time", *targets]
    end, steps = float(course.get("outputEndTime")), int(course.get("numberOfSteps"))
    values = np.asarray(other.simulate(float(course.get("initialTime")), end, steps + 1))
    assert_agree(own(model, SHORT), dict(zip(targets, values[:, 1:].T, strict=True)))


def test_the_pinned_outcome_is_of_this_model(model):
    """The archive's numbers in ``validation/omex`` are still ours, and the peers agreed with them."""
    pinned = json.loads(EXPECTED.read_text(encoding="utf-8"))
    for programs in pinned["differences"].values():
        for found in programs.values():
            assert found["largest_relative_difference"] < 1e-8
    if pinned["model"] != content_key(model.content):
        pytest.skip("the model has changed since; run validation/omex/make.py and peers.py again")
    for condition, values in pinned["values"].items():
        course = own(model, condition)
        days = [d if d != "last" else -1 for d in pinned["days"]]
        for name, expected in values.items():
            scale = np.max(np.abs(course[name]))
            assert course[name][days] == pytest.approx(expected, rel=1e-6, abs=1e-9 * scale), (
                condition,
                name,
            )
