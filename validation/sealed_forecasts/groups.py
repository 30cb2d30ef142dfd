#!/usr/bin/env python3
"""Score the packaged forecasts and write the groups that reports of trials show.

python validation/sealed_forecasts/groups.py            say whether the file is as it has to be
python validation/sealed_forecasts/groups.py --write    write content/scoreboard/groups.json
"""

from __future__ import annotations

import argparse
import sys

from eubiosis.workflow.score.board import compare
from eubiosis.workflow.score.shown import GROUPS, groups_text


def main() -> int:
    """Write or compare the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the file")
    text = groups_text(compare().groups)
    if parser.parse_args().write:
        GROUPS.write_text(text, encoding="utf-8")
        return 0
    same = GROUPS.is_file() and GROUPS.read_text(encoding="utf-8") == text
    sys.stdout.write("as it has to be\n" if same else "differs: write it anew with --write\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
