"""Intercurrent events of a design: defaults with sources, strategies that can be kept, findings with a
place."""

import pytest

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import FindingsError
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial import Design, estimands
from eubiosis.trial.intercurrent import Intercurrent, intercurrent_numbers, strategy_rules
from eubiosis.trial.world.interruptions import NOTHING, kept_by, variants

ARMS = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
THREE = {**ARMS, "pectin": prebiotic("pectin", dose="10 g/day")}


def design(*events, arms=ARMS):
    return Design(arms=arms, participants=40, primary="mfis", intercurrent=list(events))


def test_what_is_left_out_is_that_of_the_table_and_every_number_has_a_basis():
    numbers = intercurrent_numbers()
    assert Intercurrent(event="antibiotics").per_year == numbers["antibiotics_per_year"].value
    assert Intercurrent(event="rescue_steroids").after_relapse == 0.8  # 4,671 of 5,809 relapses
    assert pytest.approx(0.8, abs=0.01) == 4671 / 5809
    assert numbers["antibiotics_per_year"].value == pytest.approx(
        8762 * (1 - 0.276 - 0.163) / (3 * 5179), abs=0.01
    )
    assert numbers["drug_switch_ratio_high"].value == pytest.approx(0.21 / 0.34, abs=0.01)
    switch = Intercurrent(event="drug_switch", after_relapse=0.5)
    assert (switch.per_year, switch.after_relapse, switch.to) == (None, 0.5, "high")


def test_an_endpoint_keeps_the_events_whose_strategy_is_not_hypothetical():
    events = (
        {"event": "antibiotics", "strategies": {"stool_butyrate": "hypothetical"}},
        {"event": "drug_switch", "strategy": "hypothetical", "strategies": {"mfis": "treatment policy"}},
        {"event": "discontinuation"},
    )
    made = design(*events)
    kept = kept_by(made)
    assert kept["mfis"] == {"antibiotics", "drug_switch", "discontinuation"}
    assert kept["stool_butyrate"] == {"discontinuation"}
    assert kept["relapses"] == {"antibiotics", "discontinuation"}
    # a switch belongs to one trial, so two courses are needed beside that without any event
    assert variants(made) == ({"antibiotics", "discontinuation"}, {"discontinuation"})
    assert variants(design()) == ()
    assert variants(design(events[1])) == ()
    assert set(kept_by(design()).values()) == {NOTHING}


def test_the_estimands_print_the_strategies_that_are_applied():
    made = design(
        {"event": "rescue_steroids", "strategies": {"mfis": "hypothetical"}},
        {"event": "drug_switch", "strategies": {"edss": "composite"}, "failure": {"edss": 10}},
    )
    by_endpoint = {
        each.endpoint: {e.event: e.strategy for e in each.intercurrent_events} for each in estimands(made)
    }
    steroids, switch = "high-dose steroids after a relapse", "a switch of the disease-modifying drug"
    assert "30 days is set missing" in by_endpoint["mfis"][steroids]
    assert by_endpoint["edss"][switch] == "composite: it counts as 10"
    assert by_endpoint["relapses"][switch].startswith("treatment policy")
    plain = {each.endpoint: each for each in estimands(design())}
    assert all(steroids not in {e.event: 0 for e in each.intercurrent_events} for each in plain.values())
    assert len(strategy_rules(made.intercurrent)) == 2 * len(ENDPOINTS)


REFUSED = [
    ({"event": "antibiotica"}, "[0].event", 'nearest "antibiotics"'),
    ({"event": "antibiotics", "per_year": -1}, "[0].per_year", "out of range"),
    ({"event": "rescue_steroids", "after_relapse": 1.2}, "[0].after_relapse", "out of range"),
    ({"event": "contamination", "dose_share": 2}, "[0].dose_share", "out of range"),
    ({"event": "rescue_steroids", "per_year": 1.0}, "[0].per_year", "does not come by time"),
    ({"event": "antibiotics", "after_relapse": 0.5}, "[0].after_relapse", "follows no relapse"),
    ({"event": "antibiotics", "to": "high"}, "[0].to", "antibiotics has no to"),
    ({"event": "drug_switch", "to": "low"}, "[0].to", "high, moderate"),
    ({"event": "antibiotics", "rate": 1}, "[0].rate", "is unknown"),
    ({"event": "antibiotics", "arms": ["inuline"]}, "[0].arms[0]", 'nearest "inulin"'),
    ({"event": "antibiotics", "arms": []}, "[0].arms", "no arm at all"),
    ({"event": "contamination", "arms": ["inulin"]}, "[0].arms", "contamination of an active arm"),
    ({"event": "contamination", "product_of": "placebo"}, "[0].product_of", "inulin"),
    ({"event": "antibiotics", "strategy": "ignore"}, "[0].strategy", "treatment policy"),
    ({"event": "antibiotics", "strategies": {"mfsi": "hypothetical"}}, "[0].strategies", 'nearest "mfis"'),
    (
        {"event": "antibiotics", "strategies": {"mfis": "hypothetic"}},
        "[0].strategies",
        'nearest "hypothetical"',
    ),
    ({"event": "antibiotics", "strategies": "hypothetical"}, "[0].strategies", "where endpoints belong"),
    (
        {"event": "drug_switch", "strategies": {"stool_butyrate": "composite"}},
        "[0].strategies",
        "without a value that counts as failure",
    ),
    ({"event": "drug_switch", "failure": {"edss": 10}}, "[0].failure", "whose strategy is treatment policy"),
    (
        {"event": "drug_switch", "strategies": {"relapses": "composite"}, "failure": {"relapses": 3}},
        "[0].failure",
        "counts as one more",
    ),
    (
        {"event": "drug_switch", "strategies": {"treg": "composite"}, "failure": {"treg": 0}},
        "[0].failure",
        "a number above 0",
    ),
    (
        {"event": "drug_switch", "strategies": {"edss": "composite"}, "failure": {"edss": 400}},
        "[0].failure",
        "allowed: a number from 0 to 10",
    ),
    (
        {"event": "drug_switch", "strategies": {"share_BIF": "composite"}, "failure": {"share_BIF": 3}},
        "[0].failure",
        "allowed: a number above 0 to 1",
    ),
    (
        {"event": "drug_switch", "strategies": {"edss": "composite"}, "failure": {"edss": "x"}},
        "[0].failure",
        "finite",
    ),
    ({"event": "antibiotics", "strategy": "while on treatment"}, "[0].strategy", "a course that ends"),
    ({"event": "drug_switch", "strategy": "principal stratum"}, "[0].strategy", "cannot be seen"),
    ({"event": "contamination", "strategy": "principal stratum"}, "[0].strategy", "nobody sees"),
    (
        {"event": "discontinuation", "arms": ["inulin"], "strategy": "principal stratum"},
        "[0].strategy",
        "meets some arms only",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "place", "words"), REFUSED)
def test_what_cannot_be_kept_is_a_finding_with_its_place_and_a_remedy(event, place, words):
    with pytest.raises(FindingsError) as error:
        design(event)
    (finding, *others) = error.value.findings
    assert not others, error.value
    assert f"intercurrent{place}:" in str(error.value)
    assert words in str(error.value)
    assert finding.next_step
    assert finding.allowed


def test_all_that_is_wrong_between_events_and_arms_is_said_at_once():
    with pytest.raises(FindingsError) as error:
        design(
            {"event": "antibiotics"},
            {"event": "antibiotics", "per_year": 9.0},
            {"event": "contamination"},
            arms=THREE,
        )
    assert len(error.value.findings) == 2
    assert "antibiotics is that of intercurrent[0] too" in str(error.value)
    assert "intercurrent[2].product_of: which product the controls take is not said" in str(error.value)
    active = {"vitamin D": prebiotic("pectin", dose="10 g/day"), "inulin": ARMS["inulin"]}
    with pytest.raises(FindingsError, match="takes a placebo"):
        Design(
            arms=[{"name": n, "therapy": t, "control": n != "inulin"} for n, t in active.items()],
            participants=40, primary="mfis", intercurrent=[{"event": "contamination"}],
        )  # fmt: skip


def test_an_endpoint_counts_as_one_value_whichever_event_is_the_failure():
    def events(other):
        composite = {"strategies": {"edss": "composite"}}
        return (
            {"event": "drug_switch", **composite, "failure": {"edss": 10}},
            {"event": "discontinuation", **composite, "failure": {"edss": other}},
        )

    assert len(design(*events(10.0)).intercurrent) == 2
    with pytest.raises(FindingsError) as error:
        design(*events(6))
    (finding,) = error.value.findings
    assert "intercurrent[1].failure" in str(error.value)
    assert "counts as 6 here and as 10 in intercurrent[0]" in finding.problem


def test_a_principal_stratum_is_kept_where_the_event_meets_all_arms_alike():
    made = design({"event": "discontinuation", "strategies": {"mfis": "principal stratum"}})
    assert made.intercurrent[0].strategy_of("mfis") == "principal stratum"
    only = design({"event": "drug_switch", "per_year": 0.1, "strategies": {"relapses": "principal stratum"}})
    assert only.intercurrent[0].after_relapse is None
