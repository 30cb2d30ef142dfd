"""A small workflow file that is right, and what the simulation would hand back for it."""

from pathlib import Path

import pytest

GOOD = """\
title: Inulin in MS
question: Does inulin change fatigue?
context_of_use: a test
decision: none
arms:
  - name: placebo
    therapy: placebo
  - name: inulin
    therapy: inulin
    dose: 12 g/day
design:
  participants: 40
primary: mfis
"""


@pytest.fixture
def write(tmp_path):
    """Write a workflow: the good one with some of its text replaced and lines added at its end."""

    def write_file(*replacements, add="", name="workflow.yaml"):
        text = GOOD
        for old, new in replacements:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = Path(tmp_path) / name
        path.write_text(text + add, encoding="utf-8")
        return path

    return write_file
