"""The text of a workflow that runs in seconds: two arms of four people over four weeks."""

WORKFLOW = """\
title: A very small run
question: Does it end in the same bytes?
context_of_use: A test.
decision: None.
seed: {seed}
arms:
  - {{name: placebo, therapy: placebo}}
  - {{name: inulin, therapy: inulin, dose: 12 g/day}}
design: {{participants: 8, visits: [0, 4]}}
primary: stool_butyrate
simulation: {{gut_worlds: {gut_worlds}, host_worlds: 1, replicates: 2}}
"""


def tiny_workflow(*, seed: int = 11, gut_worlds: int = 1) -> str:
    """Return the workflow with a seed and a number of gut worlds."""
    return WORKFLOW.format(seed=seed, gut_worlds=gut_worlds)
