"""The workflow that runs are made of which are killed, damaged, resumed and timed: two arms, small."""

from __future__ import annotations

_TEXT = """\
title: A small run
question: Is anything lost, and what does a resume cost?
context_of_use: A check of the installation.
decision: None.
seed: 11
arms:
  - {{name: placebo, therapy: placebo}}
  - {{name: inulin, therapy: inulin, dose: 12 g/day}}
design: {{participants: {participants}, visits: {visits}}}
primary: stool_butyrate
{surface}simulation: {{gut_worlds: {gut_worlds}, host_worlds: {host_worlds}, replicates: {replicates}}}
"""


def small_workflow(
    *,
    participants: int = 8,
    visits: str = "[0, 4]",
    gut_worlds: int,
    host_worlds: int = 1,
    replicates: int = 2,
    surface: bool = False,
) -> str:
    """Return the text of a workflow, seed 11; each gut world is a chunk.

    ``visits`` are weeks as a workflow writes them; without ``surface`` no other sizes are looked at, which
    takes most of the time of so small a run.

    >>> small_workflow(gut_worlds=3).splitlines()[-3:-1]
    ['primary: stool_butyrate', 'surface: null']
    """
    return _TEXT.format(
        participants=participants,
        visits=visits,
        gut_worlds=gut_worlds,
        host_worlds=host_worlds,
        replicates=replicates,
        surface="" if surface else "surface: null\n",
    )
