"""True effects of a hand-made latent table: twins compared by hand, every world for itself."""

import dataclasses
import math

import numpy as np
import pytest

from eubiosis.analysis.truth import effects_table, true_effects
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRIAL_GUTS, TRIAL_LATENT, TRUE_EFFECTS
from eubiosis.core.trial_tables import Latent

MARKERS = tuple(name for name in ENDPOINTS if name.startswith(("stool_", "plasma_", "share_")))
GUTS = Table({name: [] for name in TRIAL_GUTS.names if name not in MARKERS})


def latent(rows, seed=11):
    """A latent table of rows (gut world, host world, replicate, subject, arm, values by column)."""
    columns = {
        "gut_world": [r[0] for r in rows],
        "host_world": [r[1] for r in rows],
        "replicate": [r[2] for r in rows],
        "subject": [r[3] for r in rows],
        "arm": [r[4] for r in rows],
    }
    plain = {"expected_relapses": 1.0, "expected_new_lesions": 1.0, "edss_last_visit": 2.0,
             "mfis_last_visit": 30.0, "treg_last_visit": 1.0, "nfl_last_visit": 1.0,
             **dict.fromkeys(MARKERS, 1.0)}  # fmt: skip
    columns |= {name: [r[5].get(name, value) for r in rows] for name, value in plain.items()}
    return Latent(Table(columns, schema=TRIAL_LATENT), GUTS, "placebo", seed)


def twins(world=(0, 0), replicate=0, arms=("placebo", "active"), **columns):
    """Rows of one trial: for each column, one list of values over the subjects for each arm, in order."""
    people = len(next(iter(columns.values()))[0])
    return [
        (*world, replicate, subject, arm, {name: values[k][subject] for name, values in columns.items()})
        for k, arm in enumerate(arms)
        for subject in range(people)
    ]


def effects(rows, **options):
    return {(e.world, e.endpoint, e.arm): e for e in true_effects(latent(rows, **options))}


def test_a_count_is_the_logarithm_of_the_ratio_of_expected_events():
    found = effects(twins(expected_relapses=[[0.2, 0.4, 0.6], [0.1, 0.4, 0.1]]))
    one = found["0.0", "relapses", "active"]
    assert one.value == pytest.approx(math.log(0.6 / 1.2))
    assert one.unit_sd == 1.0
    assert one.spread > 0
    # the other counts come from the expected lesions, which are the same in both arms
    for name in ("gd_lesions", "t2_lesions"):
        assert found["0.0", name, "active"].value == 0.0
        assert found["0.0", name, "active"].spread == 0.0
    found = effects(twins(expected_new_lesions=[[2.0, 1.0], [1.0, 0.5]]))
    for name in ("gd_lesions", "t2_lesions"):
        assert found["0.0", name, "active"].value == pytest.approx(-math.log(2))


def test_the_spread_of_a_count_is_that_of_drawing_the_subjects_again():
    rng = np.random.default_rng(1)
    control = rng.gamma(2.0, 0.2, 400)
    treated = control * np.exp(rng.normal(-0.3, 0.4, 400))
    rows = twins(expected_relapses=[control.tolist(), treated.tolist()])
    found = effects(rows)["0.0", "relapses", "active"]
    # delta method for the logarithm of a ratio of means
    share = treated / treated.mean() - control / control.mean()
    assert found.spread == pytest.approx(share.std() / 20, rel=4 / math.sqrt(2 * 100))
    # the same in every subject: whoever is drawn, the ratio is the same
    halved = effects(twins(expected_relapses=[control.tolist(), (control / 2).tolist()]))
    assert halved["0.0", "relapses", "active"].value == pytest.approx(-math.log(2))
    assert halved["0.0", "relapses", "active"].spread == pytest.approx(0.0, abs=1e-12)
    assert effects(rows)["0.0", "relapses", "active"] == found
    assert effects(rows, seed=12)["0.0", "relapses", "active"].spread != found.spread


def test_a_score_is_the_mean_difference_between_twins_over_subjects_and_replicates():
    first = twins(mfis_last_visit=[[30.0, 40.0, 50.0], [28.0, 40.0, 44.0]])
    second = twins(replicate=1, mfis_last_visit=[[30.0, 42.0, 52.0], [30.0, 36.0, 48.0]])
    one = effects(first + second)["0.0", "mfis", "active"]
    # differences -2, 0, -6 and 0, -6, -4: subjects -1, -3, -5
    assert one.value == pytest.approx(-3.0)
    assert one.spread == pytest.approx(math.sqrt(8 / 3) / math.sqrt(3))
    assert one.unit_sd == pytest.approx(math.sqrt(200 / 3))  # of the control arm in the first trial
    edss = effects(twins(edss_last_visit=[[2.0, 4.0], [2.5, 3.5]]))["0.0", "edss", "active"]
    assert (edss.value, edss.unit_sd) == (0.0, 1.0)
    assert edss.spread == pytest.approx(0.5 / math.sqrt(2))


@pytest.mark.parametrize(
    ("endpoint", "column"),
    [("treg", "treg_last_visit"), ("nfl", "nfl_last_visit"), *((m, m) for m in MARKERS)],
)
def test_a_biomarker_is_the_mean_logarithm_of_the_ratio_between_twins(endpoint, column):
    one = effects(twins(**{column: [[1.0, math.e], [2.0, 2 * math.e**3]]}))["0.0", endpoint, "active"]
    # logarithms of the ratios: log 2 and log 2 + 2
    assert one.value == pytest.approx(math.log(2) + 1)
    assert one.spread == pytest.approx(1 / math.sqrt(2))
    assert one.unit_sd == pytest.approx(0.5)


def test_every_world_arm_and_endpoint_has_its_own_effect_in_order():
    arms = ("placebo", "low", "high")
    rows = []
    for gut, host in ((0, 0), (0, 1), (1, 0)):
        for replicate in (0, 1):
            shift = 10 * gut + host
            scores = [[30.0, 40.0], [30.0 - shift, 40.0 - shift], [30.0 - 2 * shift, 40.0 - 2 * shift]]
            rows += twins((gut, host), replicate, arms, mfis_last_visit=scores)
    found = true_effects(latent(rows))
    expected = [(w, e, a) for w in ("0.0", "0.1", "1.0") for a in ("low", "high") for e in ENDPOINTS]
    assert [(e.world, e.endpoint, e.arm) for e in found] == expected
    mfis = {(e.gut_world, e.host_world, e.arm): e.value for e in found if e.endpoint == "mfis"}
    assert mfis == {
        (0, 0, "low"): 0, (0, 0, "high"): 0, (0, 1, "low"): -1, (0, 1, "high"): -2, (1, 0, "low"): -10,
        (1, 0, "high"): -20,
    }  # fmt: skip


def test_the_control_is_the_arm_that_the_table_names_wherever_it_stands():
    rows = twins(arms=("active", "placebo"), mfis_last_visit=[[20.0, 30.0], [24.0, 34.0]])
    assert effects(rows)["0.0", "mfis", "active"].value == -4.0


def test_two_arms_that_change_places_change_the_sign():
    one = twins(mfis_last_visit=[[30.0, 40.0], [28.0, 35.0]], treg_last_visit=[[1.0, 2.0], [1.5, 2.5]],
                expected_relapses=[[1.0, 2.0], [1.5, 0.5]])  # fmt: skip
    swapped = [(*row[:4], {"placebo": "active", "active": "placebo"}[row[4]], row[5]) for row in one]
    here, there = effects(one), effects(swapped)
    for name in ("mfis", "treg", "relapses"):
        assert there["0.0", name, "active"].value == pytest.approx(-here["0.0", name, "active"].value)


def test_the_table_of_effects_has_one_line_each():
    found = true_effects(latent(twins(mfis_last_visit=[[30.0, 40.0], [28.0, 35.0]])))
    table = effects_table(found)
    assert table.schema == TRUE_EFFECTS
    assert len(table) == len(found) == len(ENDPOINTS)
    line = {name: values[[*ENDPOINTS].index("mfis")] for name, values in table.to_pydict().items()}
    one = next(e for e in found if e.endpoint == "mfis")
    assert line == {"world": "0.0", **dataclasses.asdict(one)}
