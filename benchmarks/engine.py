"""Benchmarks of the engine: ``python benchmarks/engine.py [--workload NAME] [--quick] [--json]``.

Ends with one JSON object for each workload when ``--json`` is given, and with a table otherwise; progress
goes to the standard error stream. See README.md beside this file for what is measured and how.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.command import main

    sys.exit(main())
