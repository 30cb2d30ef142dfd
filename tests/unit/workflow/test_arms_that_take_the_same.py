"""Arms in which everybody takes the same are named: what lies between them is chance."""

import eubiosis as eb
from eubiosis.trial import Arm
from eubiosis.workflow.trial_summary import _the_same


def test_two_placebos_and_two_of_one_dose_and_nothing_else():
    placebo, inulin = eb.therapy.placebo(), eb.therapy.prebiotic("inulin", dose="12 g/day")
    more = eb.therapy.prebiotic("inulin", dose="16 g/day")
    for first, second, same in (
        (placebo, eb.therapy.placebo(stop="week 12"), True),
        (placebo, inulin, False),
        (inulin, eb.therapy.prebiotic("inulin", dose="12 g/day"), True),
        (inulin, more, False),
    ):
        arms = (Arm(name="one", therapy=first, control=True), Arm(name="two", therapy=second))
        design = eb.trial.Design(arms=arms, participants=20, visits=(0, 12), primary="mfis")
        said = list(_the_same(design))
        assert len(said) == same
        assert all("one and two take the same: their true difference is zero" in text for text in said)
