"""The simulation experiments of an archive as SED-ML Level 1 Version 4.

Written with the standard library: libSEDML's Python package takes over types of libSBML's when both are
loaded in one process, and SBML written afterwards has lost the units of its literals
(``findings/libsedml_beside_libsbml.sh``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from eubiosis.core.version import __version__

RELATIVE, ABSOLUTE, MOST_STEPS = 1e-10, 1e-14, 1_000_000
_SEDML = "http://sed-ml.org/sed-ml/level1/version4"
_SBML = "http://www.sbml.org/sbml/level3/version2/core"
_MATHML = "http://www.w3.org/1998/Math/MathML"
_LANGUAGE = "urn:sedml:language:sbml.level-3.version-2"
_TIME = "urn:sedml:symbol:time"
# KiSAO: CVODE, and its relative tolerance, absolute tolerance and largest number of steps
_CVODE = "KISAO:0000019"
_SETTINGS = {
    "KISAO:0000209": f"{RELATIVE:g}",
    "KISAO:0000211": f"{ABSOLUTE:g}",
    "KISAO:0000415": f"{MOST_STEPS}",
}
_LISTS = ("listOfModels", "listOfSimulations", "listOfTasks", "listOfDataGenerators", "listOfOutputs")


@dataclass(frozen=True)
class TimeCourse:
    """One condition: the model file in the archive, and a value each day from day 0 to ``days``."""

    condition: str
    source: str
    days: int
    description: str


def sedml_text(courses: Sequence[TimeCourse], observables: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return the SED-ML of some time courses: a model, a simulation, a task and a report for each.

    ``observables`` are parameters of the SBML files, by id; ``labels`` names them for display.
    """
    ElementTree.register_namespace("", _SEDML)
    ElementTree.register_namespace("math", _MATHML)
    attributes = {"level": "1", "version": "4", "xmlns:sbml": _SBML}
    attributes["name"] = f"Eubiosis {__version__}: named conditions of the gut-immune-brain model"
    root = ElementTree.Element(f"{{{_SEDML}}}sedML", attributes)
    lists = {name: ElementTree.SubElement(root, f"{{{_SEDML}}}{name}") for name in _LISTS}
    for course in courses:
        _add_course(lists, course, ("time", *observables), labels)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_course(
    lists: Mapping[str, ElementTree.Element],
    course: TimeCourse,
    observables: Sequence[str],
    labels: Mapping[str, str],
) -> None:
    name = course.condition
    _add(lists["listOfModels"], "model", id=f"model_{name}", name=course.description,
         language=_LANGUAGE, source=course.source)  # fmt: skip
    days = f"{course.days}"
    simulation = _add(lists["listOfSimulations"], "uniformTimeCourse", id=f"simulation_{name}",
    initialTime="0",
                      outputStartTime="0", outputEndTime=days, numberOfSteps=days)  # fmt: skip
    algorithm = _add(simulation, "algorithm", kisaoID=_CVODE)
    settings = _add(algorithm, "listOfAlgorithmParameters")
    for kisao, value in _SETTINGS.items():
        _add(settings, "algorithmParameter", kisaoID=kisao, value=value)
    task = f"task_{name}"
    _add(lists["listOfTasks"], "task", id=task, modelReference=f"model_{name}",
         simulationReference=f"simulation_{name}")  # fmt: skip
    report = _add(lists["listOfOutputs"], "report", id=f"report_{name}", name=course.description)
    data = _add(report, "listOfDataSets")
    for observable in observables:
        generator = f"{name}_{observable}"
        _add_generator(lists["listOfDataGenerators"], generator, observable, task, labels)
        _add(data, "dataSet", id=f"data_{generator}", label=observable, dataReference=generator)


def _add_generator(
    parent: ElementTree.Element, name: str, observable: str, task: str, labels: Mapping[str, str]
) -> None:
    generator = _add(parent, "dataGenerator", id=name, name=labels.get(observable, observable))
    path = f"/sbml:sbml/sbml:model/sbml:listOfParameters/sbml:parameter[@id='{observable}']"
    of = {"symbol": _TIME} if observable == "time" else {"target": path}
    _add(_add(generator, "listOfVariables"), "variable", id=f"of_{name}", taskReference=task, **of)
    math = ElementTree.SubElement(generator, f"{{{_MATHML}}}math")
    ElementTree.SubElement(math, f"{{{_MATHML}}}ci").text = f"of_{name}"


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{_SEDML}}}{tag}", attributes)
