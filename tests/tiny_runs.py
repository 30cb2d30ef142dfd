"""A workflow that runs in seconds: two arms of four people over four weeks; and a run of more of them."""

from eubiosis.workflow.trial_run import run_trial

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


def run_of_forty(folder):
    """Return the folder of a finished run: 40 people over a year, so that some relapse and leave."""
    text = tiny_workflow().replace("participants: 8, visits: [0, 4]", "participants: 40, visits: [0, 24, 48]")
    (folder / "workflow.yaml").write_text(text)
    run_trial(folder / "workflow.yaml", folder / "run", progress=False, say=[].append)
    return folder / "run"
