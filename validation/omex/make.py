"""Write one archive for each condition, and what this project's engine gives for it, into a folder.

    python validation/omex/make.py FOLDER

``peers.py`` then runs the archives in other programs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from eubiosis import model
from eubiosis.engine import Tolerances
from eubiosis.model.derived import content_key
from eubiosis.model.exchange.omex import default_observables, write_omex

CONDITIONS = ("healthy_vancomycin", "healthy_propionate", "ms_inulin_20g", "ms_fmt", "healthy_vsl3")
TIGHT = Tolerances(relative=1e-10, absolute=1e-14)


def own_course(axis: model.Model, condition: str) -> dict[str, list[float]]:
    """Return the default observables of a condition, once a day."""
    names = default_observables(axis)
    days = np.arange(0.0, axis.conditions[condition].days + 1.0)
    solution = axis.simulate(condition, days, names, tolerances=TIGHT)
    if solution.status != ("ok",):
        raise ArithmeticError(f"{condition}: {solution.status[0]}")
    return {name: solution[name][0].tolist() for name in names}


def main(folder: Path) -> None:
    """Write FOLDER/CONDITION.omex and FOLDER/own.json."""
    folder.mkdir(parents=True, exist_ok=True)
    axis = model.load()
    for condition in CONDITIONS:
        write_omex(axis, folder / f"{condition}.omex", [condition])
    own = {"model": content_key(axis.content), "courses": {c: own_course(axis, c) for c in CONDITIONS}}
    (folder / "own.json").write_text(json.dumps(own), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
