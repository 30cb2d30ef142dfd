"""Why people leave: the shares of the table, nobody without a reason, and none for who stayed."""

import numpy as np

from eubiosis.core.table_schemas import COMPLETED
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.trial.world.leaving import reasons, why_left


def test_reasons_have_their_shares_whatever_day_people_leave():
    completed = np.zeros((50, 400), dtype=bool)
    completed[:, ::4] = True
    found = why_left(completed, TrialDraws(3, "0.0", tuple(range(50))))
    assert np.array_equal(found == COMPLETED, completed)
    left = found[~completed]
    for row in reasons():
        share = np.mean(left == row.id)
        assert abs(share - row.value) < 4 * np.sqrt(row.value * (1 - row.value) / len(left)), row.id


def test_another_day_of_leaving_is_no_other_reason():
    draws = TrialDraws(3, "0.0", (0, 1))
    early, late = np.zeros((2, 60), dtype=bool), np.zeros((2, 60), dtype=bool)
    late[:, :30] = True
    one, other = why_left(early, draws), why_left(late, draws)
    assert np.array_equal(one[~late], other[~late])
    alone = why_left(early[1:], TrialDraws(3, "0.0", (1,)))
    assert np.array_equal(alone[0], one[1])


def test_every_share_says_what_it_rests_on():
    assert sum(row.value for row in reasons()) == 1.0
    assert all(row.note for row in reasons() if row.basis == "assumed")
