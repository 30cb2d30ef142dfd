"""Foreign models: made networks, and public ones that are read from a folder where somebody has put them.

The public ones are those of the repository Benchmarking-Initiative/Benchmark-Models-PEtab on GitHub, commit
4d2085084b289f6215a95475b1ee639fd7d42283, which are not shipped here. To have them, clone it and name the
folder "Benchmark-Models" in it by ``EUBIOSIS_FOREIGN``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.foreign.made import MADE, made

FOLDER_VARIABLE = "EUBIOSIS_FOREIGN"
POINTS = 101
# the folder and file of a model: (end, the parameter that is scanned, from and to, as multiples of its value)
PUBLIC: dict[str, tuple[float, str]] = {
    "Weber_BMC2015": (1000.0, "s12"),
    "Elowitz_Nature2000": (100.0, "tau_mRNA"),
    "Brannmark_JBC2010": (100.0, "k1c"),
    "Giordano_Nature2020": (100.0, "alpha_4"),
    "Zheng_PNAS2012": (100.0, "k02_12"),
    "Blasi_CellSystems2016": (100.0, "d"),
    "Bachmann_MSB2011": (100.0, "CISRNADelay"),
    "Alkan_SciSignal2018": (100.0, "k_death_delay"),
    "SalazarCavazos_MBoC2020": (100.0, "kphos_f"),
    "Smith_BMCSystBiol2013": (100.0, "kminus11"),
    "Lang_PLOSComputBiol2024": (100.0, "kDpCdh"),
    "Chen_MSB2009": (100.0, "k1"),
}


@dataclass(frozen=True)
class Foreign:
    """A model: SBML text, the end of its course, and the parameter that is scanned from half to twice."""

    name: str
    sbml: str
    end: float
    parameter: str


def made_models() -> Iterator[Foreign]:
    """Yield the made networks, small ones first."""
    for name, (_, end, parameter) in MADE.items():
        yield Foreign(name, made(name), end, parameter)


def public_models() -> Iterator[Foreign]:
    """Yield the public models that are there; none where the variable is not set."""
    folder = os.environ.get(FOLDER_VARIABLE)
    for name, (end, parameter) in PUBLIC.items() if folder else ():
        file = Path(str(folder)) / name / f"model_{name}.xml"
        if file.exists():
            yield Foreign(name, file.read_text(encoding="utf-8"), end, parameter)


def find(name: str) -> Foreign:
    """Return a model by name."""
    if name in MADE:
        return Foreign(name, made(name), *MADE[name][1:])
    return next(model for model in public_models() if model.name == name)
