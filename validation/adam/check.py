"""Ask pointblank what it finds in exported ADaM-shaped tables: python check.py FOLDER > expected.json.

It wants an environment of its own: pip install pointblank==1.1.1 pandas pyreadstat. FOLDER is what
``eubiosis export RUN --to FOLDER`` wrote.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pointblank
import pyreadstat

STRUCTURES = {"ADSL": "ADSL", "ADTTE": "ADTTE", "ADAE": "ADAE"}  # all others are tables of parameters


def main(folder: Path) -> None:
    """Print the findings of a folder as JSON."""
    found: dict[str, object] = {name: version(name) for name in ("pointblank", "pyreadstat")}
    for path in sorted(folder.glob("*.xpt")):
        frame, said = pyreadstat.read_xport(str(path))
        structure = STRUCTURES.get(said.table_name, "BDS")
        shape = pointblank.validate_adam_structure(frame, structure, strict=True)
        steps = pointblank.validate_adam(frame, structure).interrogate()
        found[said.table_name] = {
            "structure": structure,
            "required and missing": shape["missing_required"],
            "conditional and missing": shape["missing_conditional"],
            "not in its list": sorted(shape["unknown_variables"]),
            "checks of values": len(steps.validation_info),
            "of these passed": sum(bool(step.all_passed) for step in steps.validation_info),
        }
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
