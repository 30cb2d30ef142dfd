"""A few people of the first trial, as lines beside the bands of all."""

from __future__ import annotations

import numpy as np

from eubiosis.core.over_time import CourseLine
from eubiosis.trial.design import Design
from eubiosis.workflow.trial_chunk import ExampleTrial

LINES = ("mfis", "nfl")  # a questionnaire and a marker in blood
_PEOPLE = 4  # of an arm: the first that entered, whatever they did


def course_lines(design: Design, example: ExampleTrial | None) -> tuple[CourseLine, ...]:
    """Return the observed courses of the first people of each arm in the first trial, by endpoint and arm.

    None are returned where no trial was kept. They are virtual subjects, chosen by their order of entry.
    """
    if example is None:
        return ()
    subjects, arms = example.subjects["subject"], example.subjects.texts("arm")
    rows = []
    for endpoint in LINES:
        values = example.visits.numbers(endpoint)
        for arm in design.arms:
            own = subjects[np.asarray(arms) == arm.name][:_PEOPLE].tolist()
            for subject in own:
                seen = (example.visits["subject"] == subject) & np.isfinite(values)
                weeks = example.visits.numbers("week")[seen]
                rows.append(
                    CourseLine(endpoint, arm.name, int(subject), tuple(weeks.tolist()),
                               tuple(values[seen].tolist()))
                )  # fmt: skip
    return tuple(rows)
