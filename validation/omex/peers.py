"""Run the archives that ``make.py`` wrote in tellurium and in COPASI, and compare.

    python validation/omex/peers.py FOLDER > validation/omex/expected.json

runs in an environment of its own with tellurium, six and copasi-basico; nothing of this project is imported.
The difference of a quantity is the largest |a - b| of its course over the largest |b|.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

warnings.simplefilter("ignore")
SHOWN_DAYS = (0, 1, 7, 28)


def in_tellurium(path: Path) -> dict[str, list[float]]:
    """Execute the SED-ML of an archive with tellurium (libRoadRunner)."""
    import roadrunner
    from tellurium.sedml import tesedml

    for option in dir(roadrunner.Config):
        if "OPTIM" in option:  # compiling with optimisation takes four times as long
            roadrunner.Config.setValue(getattr(roadrunner.Config, option), False)
    (result,) = tesedml.executeCombineArchive(str(path), createOutputs=False).values()
    prefix = f"{path.stem}_"
    return {
        name.removeprefix(prefix): values.ravel().tolist()
        for name, values in result["dataGenerators"].items()
    }


def in_copasi(path: Path) -> dict[str, list[float]]:
    """Open an archive with COPASI and run the time course that it read from the SED-ML."""
    import basico
    import COPASI

    model = COPASI.CRootContainer.addDatamodel()
    if not model.openCombineArchive(str(path)):
        raise OSError(COPASI.CCopasiMessage.getAllMessageText())
    course = basico.run_time_course(model=model, use_sbml_id=True, update_model=False)
    columns = {name.removeprefix("Values[").removesuffix("]"): name for name in course.columns}
    return {name: course[column].tolist() for name, column in columns.items()}


def difference(own: Mapping[str, list[float]], other: Mapping[str, list[float]]) -> tuple[float, str]:
    """Return the largest difference of any quantity and its name."""
    worst = (0.0, "")
    for name, b in own.items():
        a = other[name]
        if len(a) != len(b):
            raise ValueError(f"{name}: {len(a)} values, {len(b)} expected")
        size = max(map(abs, b))
        apart = max(abs(x - y) for x, y in zip(a, b, strict=True))
        worst = max(worst, (apart / size if size else apart, name))
    return worst


def main(folder: Path) -> None:
    """Print the comparison as JSON."""
    made = json.loads((folder / "own.json").read_text(encoding="utf-8"))
    own = made["courses"]
    programs = {"tellurium": in_tellurium, "COPASI": in_copasi}
    record: dict[str, object] = {
        "model": made["model"],
        "versions": {p: version(p) for p in ("tellurium", "libroadrunner", "python-copasi", "copasi-basico")},
    }
    apart: dict[str, dict[str, object]] = {}
    for condition, course in own.items():
        apart[condition] = {}
        for program, run in programs.items():
            size, name = difference(course, run(folder / f"{condition}.omex"))
            apart[condition][program] = {"largest_relative_difference": float(f"{size:.2g}"), "of": name}
            print(condition, program, f"{size:.2g}", name, file=sys.stderr)
    record["differences"] = apart
    record["values"] = {
        condition: {
            name: [values[day] for day in (*SHOWN_DAYS[: len(values)], -1)] for name, values in course.items()
        }
        for condition, course in own.items()
    }
    record["days"] = [*SHOWN_DAYS, "last"]
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
