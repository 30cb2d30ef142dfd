"""The verdict: hand cases, and what no number may do to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.trial_answer import TrialVerdict
from eubiosis.core.verdict import ADHERENCE, EffectWords, Reach, overall, verdict

MFIS = EffectWords("Fatigue (MFIS)", "difference", "points", falls=True)
RELAPSES = EffectWords("Relapses", "ratio", "1/year", falls=True)
TREG = EffectWords("Regulatory T cells", "ratio", "%", falls=False, role="biological")
BIF = EffectWords("Share of Bifidobacterium", "ratio", "fraction", falls=False, role="exposure marker")
INF, NAN = math.inf, math.nan
sizes = st.floats(0.01, 5.0)


@pytest.mark.parametrize(
    ("reach", "words", "kind", "text"),
    [
        (
            Reach((3.0, 3.11, 3.21), 4.0), MFIS, "large enough",
            "Large enough if the true effect is at least 3.3 points (relevant: 4 points).",
        ),
        (
            Reach((4.0, 4.04, 4.05), 4.0), MFIS, "not with this design",
            "Not with this design: it sees only a true effect of 4.1 points or more (relevant: 4 points).",
        ),
        (
            # at the stated rate ln 1.25 is seen, where the rate is low only ln 2
            Reach((0.1, 0.2, math.log(2)), math.log(1 / 0.8), rated=True), RELAPSES, "not with this design",
            "Not with this design: it sees only a true effect of a ratio of 0.81 or lower at the stated "
            "control rate and "
            "only a true effect of a ratio of 0.50 or lower where the rate is low (relevant: a ratio of "
            "0.8).",
        ),
        (
            Reach((INF, INF, INF), math.log(1 / 0.8), rated=True), RELAPSES, "not with this design",
            "Not with this design: it sees no effect, however large (relevant: a ratio of 0.8).",
        ),
        (
            Reach((0.2, 0.2, math.log(1.3)), math.log(1.1)), TREG, "not with this design",
            "Not with this design: it sees only a true effect of a ratio of 1.30 or higher (relevant: a "
            "ratio of 1.1).",
        ),
        (
            Reach((0.05, 0.05, 0.05), math.log(1.1)), TREG, "large enough",
            "Large enough if the true effect is at least as strong as a ratio of 1.06 (relevant: a ratio of "
            "1.1).",
        ),
        (
            Reach((0.3, 0.3, 0.3), math.log(2)), BIF, "large enough",
            "As a sign of adherence, large enough if the true effect is at least as strong as a ratio of "
            "1.35 (relevant: a ratio of 2).",
        ),
    ],
)  # fmt: skip
def test_by_hand(reach, words, kind, text):
    assert verdict(reach, words) == TrialVerdict(kind, text)


def test_without_a_relevant_difference_it_cannot_be_given():
    found = verdict(Reach((3.0, 3.1, 3.2), None), MFIS)
    assert found.kind == "no relevant difference"
    assert found.text.startswith("No verdict: the design names no relevant difference for Fatigue (MFIS)")
    assert "it sees 3.2 points or more" in found.text
    assert "relevant:" in found.text


def test_without_a_finite_estimate_it_cannot_be_given():
    found = verdict(Reach((NAN, NAN, NAN), 4.0), MFIS)
    assert found.kind == "not estimable"
    assert found.text.startswith("No verdict: no simulated trial gave a finite estimate of Fatigue (MFIS)")


@given(
    st.lists(sizes, min_size=3, max_size=3),
    sizes,
    st.sampled_from([MFIS, RELAPSES, TREG, BIF]),
    st.booleans(),
)
def test_it_is_large_enough_only_where_the_worst_level_sees_what_matters(ends, relevant, words, rated):
    best, stated, worst = sorted(ends)
    found = verdict(Reach((best, stated, worst), relevant, rated=rated), words)
    assert (found.kind == "large enough") == (worst <= relevant)
    start = "Large enough if the true effect is at least " if worst <= relevant else "Not with this design: "
    if words is BIF:  # the lead is part of the sentence, so that no capital follows it
        start = f"{ADHERENCE}{start[0].lower()}{start[1:]}"
    assert found.text.startswith(start)


@given(st.lists(sizes, min_size=3, max_size=3), sizes, st.floats(1.0, 3.0))
def test_a_design_that_sees_less_is_never_judged_better(ends, relevant, factor):
    ends = sorted(ends)
    good = verdict(Reach(tuple(ends), relevant), MFIS)
    worse = verdict(Reach(tuple(factor * end for end in ends), relevant), MFIS)
    assert not (good.kind == "not with this design" and worse.kind == "large enough")


@given(sizes)
def test_what_it_sees_is_never_said_to_be_less_than_it_is(size):
    number = float(MFIS.of(size).split()[0].replace(",", ""))
    assert size <= number * (1 + 1e-9) <= size * 1.11
    ratio = float(RELAPSES.of(size).split()[-1])
    assert ratio <= max(math.exp(-size), 0.01) + 1e-9
    assert float(TREG.of(size).split()[-1].replace(",", "")) >= math.exp(size) - 1e-9


def test_the_least_favourable_comparison_decides():
    kinds = ("large enough", "not with this design", "no relevant difference", "not estimable")
    rows = [(kind, TrialVerdict(kind, kind), 1.0) for kind in kinds]
    for k in range(1, len(rows) + 1):
        assert overall(rows[:k])[0] == kinds[k - 1]
    two = [("few", rows[1][1], 300.0), ("many", rows[1][1], 600.0)]
    assert overall(two)[0] == "many"


@pytest.mark.parametrize("nothing", [0.0, -0.1])
@pytest.mark.parametrize("words", [MFIS, RELAPSES])
def test_estimates_that_do_not_scatter_make_no_design_large_enough(nothing, words):
    found = verdict(Reach((nothing, nothing, nothing), 4.0), words)
    assert found.kind == "not estimable"
    assert "do not scatter" in found.text
    assert MFIS.of(nothing) == "0 points"
