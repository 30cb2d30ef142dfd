"""Tables of many trials: the stretches of rows of each trial, in order, and one trial at a time."""

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.frame import Table
from eubiosis.core.trial_tables import KEYS, Observed, TrialKey, made_trial, parts


def keyed(*rows, **columns):
    """A table with the given keys in each row."""
    keys = dict(zip(KEYS, np.array(rows, dtype=np.int64).reshape(-1, 3).T, strict=True))
    return Table({**keys, **columns})


def test_rows_that_share_their_keys_are_one_part_each_in_order():
    table = keyed((0, 0, 0), (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 0), (0, 1, 0), (1, 0, 0))
    assert list(parts(table)) == [
        (slice(0, 2), (0, 0, 0)),
        (slice(2, 3), (0, 0, 1)),
        (slice(3, 6), (0, 1, 0)),
        (slice(6, 7), (1, 0, 0)),
    ]


def test_parts_by_fewer_keys_are_longer():
    table = keyed((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 1, 0))
    assert list(parts(table, ("gut_world",))) == [(slice(0, 3), (0,)), (slice(3, 4), (1,))]
    assert list(parts(table, ("gut_world", "host_world"))) == [
        (slice(0, 2), (0, 0)),
        (slice(2, 3), (0, 1)),
        (slice(3, 4), (1, 1)),
    ]


def test_a_table_without_rows_has_no_part():
    assert list(parts(keyed())) == []


def test_keys_that_change_together_end_one_part_only():
    # from (0, 1, 1) to (1, 0, 0) all three keys change
    assert [rows for rows, _ in parts(keyed((0, 1, 1), (1, 0, 0)))] == [slice(0, 1), slice(1, 2)]


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), max_size=40))
def test_parts_cover_every_row_once_or_refuse_keys_that_lie_apart(rows):
    table = keyed(*rows)
    if len(list(groupby(rows))) > len(set(rows)):
        with pytest.raises(ValueError, match="lie apart"):
            list(parts(table))
        return
    found = list(parts(table))
    assert [i for part, _ in found for i in range(part.start, part.stop)] == list(range(len(rows)))
    for part, key in found:
        assert {rows[i] for i in range(part.start, part.stop)} == {key}
    assert all(one != other for (_, one), (_, other) in pairwise(found))


def two_trials():
    subjects = keyed((0, 0, 0), (0, 0, 0), (2, 1, 3), subject=[5, 6, 5], arm=["a", "b", "a"])
    visits = keyed(
        (0, 0, 0), (0, 0, 0), (0, 0, 0), (2, 1, 3), subject=[5, 6, 6, 5], week=[0.0, 0.0, 4.0, 0.0]
    )
    return Observed(subjects, visits, "a")


def test_observed_tables_are_read_one_trial_at_a_time_without_their_keys():
    observed = two_trials()
    assert observed.count == 2
    first, second = observed.trials()
    assert first.key == TrialKey(0, 0, 0)
    assert second.key == TrialKey(2, 1, 3)
    assert set(first.subjects) == {"subject", "arm"}
    assert first.subjects["subject"].tolist() == [5, 6]
    assert first.visits["week"].tolist() == [0.0, 0.0, 4.0]
    assert second.subjects["arm"].tolist() == ["a"]
    assert second.visits["subject"].tolist() == [5]
    assert repr(observed) == "Observed: 2 trials, 3 subjects, 4 visits"


def test_a_key_names_the_pair_of_worlds():
    assert TrialKey(2, 11, 3).world == "2.11"


def test_rows_of_a_trial_that_lie_apart_are_not_lost():
    subjects = keyed((0, 0, 0), (0, 0, 1), subject=[1, 1])
    visits = keyed((0, 0, 0), (0, 0, 1), (0, 0, 0), subject=[1, 1, 1], week=[0.0, 0.0, 4.0])
    observed = Observed(subjects, visits, "a")
    try:
        seen = sum(len(trial.visits["week"]) for trial in observed.trials())
    except ValueError:  # to refuse is right too
        return
    assert seen == 3


def test_visits_of_a_trial_without_subjects_are_not_passed_over():
    observed = Observed(
        keyed((0, 0, 0), subject=[1]), keyed((0, 0, 0), (0, 0, 1), subject=[1, 1], week=[0.0, 0.0]), "a"
    )
    refused = False
    try:
        list(observed.trials())
    except ValueError:
        refused = True
    assert refused


def test_a_made_trial_has_the_effect_that_it_was_made_with():
    observed = made_trial(np.random.default_rng(3), people=4000, difference=-5.0)
    (trial,) = observed.trials()
    assert observed.control == "control"
    assert [int(np.sum(trial.subjects["arm"] == arm)) for arm in ("control", "active")] == [2000, 2000]
    last = trial.visits["week"] == 48.0
    change = trial.visits["mfis"][last] - trial.visits["mfis"][~last]
    active = trial.visits["arm"][last] == "active"
    difference = change[active].mean() - change[~active].mean()
    assert abs(difference + 5.0) < 4 * 6.0 * np.sqrt(2 / 2000)
