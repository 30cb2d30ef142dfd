#!/usr/bin/env python3
"""Remake every table of docs/reference/operating_characteristics.md that comes from the simulator.

    python validation/trials/all_tables.py [--processes 2] [--sample]

Null worlds (10,000 trials a size), coverage of counts at other ratios, positive controls, one after the
other, each written into the page. ``--sample`` runs a small part of each and prints it instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SAMPLE = {
    "operating.py": ("--trials", "40", "--sizes", "30", "--worlds", "1", "--processes", "1"),
    "coverage.py": ("--gut-worlds", "1", "--people", "240"),
    "controls.py": ("--gut-worlds", "1", "--people", "60", "--replicates", "2"),
}


def main() -> int:
    """Run the three commands; the exit status is that of the first that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sample", action="store_true")
    chosen = parser.parse_args()
    for script, few in SAMPLE.items():
        whole = ("--write", *(("--processes", str(chosen.processes)) if script == "operating.py" else ()))
        options = few if chosen.sample else whole
        done = subprocess.run([sys.executable, str(HERE / script), *options], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
