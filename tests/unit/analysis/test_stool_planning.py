"""Stool plans and their variances: moments by hand, simulation with known truth, the packaged table."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis.planning import (
    DistancePlan,
    EngraftmentPlan,
    LogRatioPlan,
    ScorePlan,
    load_one_visit,
    load_stool_variances,
    power,
    size,
    size_table,
    spread_of,
)
from eubiosis.analysis.planning.stool import axis_shares
from eubiosis.analysis.planning.stool_variance import Spread, cohorts, find, markers, one_visit
from eubiosis.core.findings import FindingsError

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "validation" / "stool_variances"
COHORTS = ROOT.parent / "shared" / "cohorts"


@pytest.fixture(scope="module")
def components():
    """Load the estimators of the validation script."""
    spec = importlib.util.spec_from_file_location("components", FOLDER / "components.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["components"] = module
    spec.loader.exec_module(module)
    return module


def test_variances_by_hand():
    """b 4, p 1, s 2 with 2 and 1 samples: before 6, after 7; ANCOVA 7 - 16/6, change 6 + 7 - 8."""
    shared = {"log_ratio": 1.0, "between": 4.0, "period": 1.0, "sample": 2.0, "baseline_samples": 2}
    for analysis, left in (("ancova", 7 - 16 / 6), ("change", 5.0), ("follow-up", 7.0)):
        plan = LogRatioPlan(**shared, analysis=analysis)
        found = plan.variances(plan.numbers())
        assert (float(found["before"]), float(found["after"])) == (6.0, 7.0)
        assert float(found["left"]) == pytest.approx(left)


def test_a_log_ratio_without_baseline_is_a_t_test():
    plan = LogRatioPlan(
        log_ratio=0.8, between=1.0, period=0.5, sample=1.0, followup_samples=2, analysis="follow-up"
    )
    assert power(plan, 40) == pytest.approx(power(ScorePlan(effect=0.8, sd=2**0.5), 40), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    between=st.floats(0.05, 5.0), period=st.floats(0.0, 2.0), sample=st.floats(0.05, 3.0), m=st.integers(1, 6)
)
def test_more_samples_help_up_to_the_variance_between_periods(between, period, sample, m):
    def people(count):
        return size(
            LogRatioPlan(
                log_ratio=0.7, between=between, period=period, sample=sample, baseline_samples=count,
                followup_samples=count,
            )
        ).exact  # fmt: skip

    endless = people(10**6)
    assert people(m) >= people(m + 1) - 1e-9 >= endless - 1e-6
    if period == 0 and m == 1:
        assert endless <= people(1)


def test_ancova_beats_change_and_follow_up():
    sizes = [
        size(LogRatioPlan(log_ratio=0.7, between=2.0, period=0.3, sample=0.9, analysis=analysis)).exact
        for analysis in ("ancova", "change", "follow-up")
    ]
    assert sizes[0] < sizes[1] + 1.5
    assert sizes[0] < sizes[2]


def test_tests_divide_alpha():
    ten = LogRatioPlan(log_ratio=0.7, between=2.0, period=0.3, sample=0.9, tests=10)
    one = LogRatioPlan(log_ratio=0.7, between=2.0, period=0.3, sample=0.9, alpha=0.005)
    assert power(ten, 50) == pytest.approx(power(one, 50), abs=1e-12)


def test_engraftment_with_one_sample_is_a_comparison_of_shares():
    """p (1 - p) does not depend on the correlation with one sample; with m all of it counts."""
    one = [
        power(EngraftmentPlan(control_share=0.1, treated_share=0.4, correlation=r), 30)
        for r in (0.0, 0.5, 1.0)
    ]
    assert one[0] == pytest.approx(one[1]) == pytest.approx(one[2])
    many = [
        power(EngraftmentPlan(control_share=0.1, treated_share=0.4, correlation=r, samples=4), 30)
        for r in (0.0, 0.5, 1.0)
    ]
    assert many[0] > many[1] > many[2] == pytest.approx(one[0])


def test_r_squared_of_a_permanova_by_hand():
    """Ten and ten, distance 1 apart, trace 2: between 5 + 2, within 36."""
    plan = DistancePlan(shift=1.0, between=2.0, period=0.0, sample=0.0, dimension=4.0, analysis="follow-up")
    assert plan.explained(10) == pytest.approx(7 / (7 + 36))


@given(dimension=st.floats(1.0, 40.0))
def test_axis_shares_have_the_dimension_asked_for(dimension):
    shares = axis_shares(dimension)
    assert shares.sum() == pytest.approx(1.0)
    assert 1 / (shares**2).sum() == pytest.approx(dimension, rel=1e-3)


def test_the_table_is_whole_and_its_ranges_hold_its_values():
    rows = load_stool_variances()
    assert len(rows) > 200
    assert len({row.id for row in rows}) == len(rows)
    assert {row.read for row in rows} == {"data_file"}
    assert all(row.low is not None and row.high is not None for row in rows)
    assert all(row.people >= 2 and row.samples >= row.people for row in rows)
    assert set(markers("guild")) >= {"BIF", "FAE", "ROS", "ANA"}
    assert "baxter_control" in cohorts("guild", "BIF")
    assert spread_of("guild", "BIF", "baxter_control").separable
    assert not spread_of("guild", "BIF", "tap_before").separable


def test_what_inulin_did_agrees_with_the_reliability_table():
    """Bifidobacterium about doubles and Roseburia falls; shares between people agree with reliability.tsv."""
    shift = find("guild", "BIF", "baxter_inulin", ("shift_inulin",))["shift_inulin"]
    assert 1.5 < np.exp(shift.value) < 3.5
    assert find("guild", "ROS", "baxter_inulin", ("shift_inulin",))["shift_inulin"].value < 0
    spread = spread_of("guild", "BIF", "baxter_control")
    reliability = (spread.between + spread.period) / (spread.between + spread.period + spread.sample)
    table = (
        (ROOT / "src/eubiosis/content/population/reliability.tsv").read_text(encoding="utf-8").splitlines()
    )
    published = {line.split("\t")[0]: float(line.split("\t")[1]) for line in table[1:]}
    assert reliability == pytest.approx(published["BIF"], abs=0.08)


@pytest.mark.parametrize(
    ("kind", "marker", "cohort", "part"),
    [
        ("guild", "BIFF", "baxter_control", 'nearest "BIF"'),
        ("guild", "BIF", "baxter", "baxter_control"),
        ("engraftment", "AMUC", "wbf011_product", "no variance within people"),
    ],
)
def test_unknown_markers_and_cohorts(kind, marker, cohort, part):
    with pytest.raises(FindingsError, match=part):
        spread_of(kind, marker, cohort)


def test_the_mean_of_three_samples_by_hand():
    """Between 2, period 0.5, sample 1.5: the mean of three has variance 2 + 0.5 + 0.5, 2 of it people."""
    spread = Spread(between=2.0, period=0.5, sample=1.5, separable=True, rows=())
    assert spread.reliability() == pytest.approx(2 / 4)
    assert spread.reliability(3) == pytest.approx(2 / 3)
    # 2 / (2.5 + 1.5 / m) >= 0.7 asks for 1.5 / m <= 0.357, m >= 4.2
    assert spread.samples_for(0.7) == 5
    assert spread.samples_for(2 / 3) == 3
    # without any variance between samples 2 / 2.5 is left: no number of samples passes 0.8
    assert spread.samples_for(0.8) is None
    # an ANCOVA of the means leaves 3 - 4 / 3 of the variance
    plan = LogRatioPlan(
        log_ratio=1.0, between=2.0, period=0.5, sample=1.5, baseline_samples=3, followup_samples=3
    )
    assert plan.variances(plan.numbers())["left"] == pytest.approx(3 - 4 / 3)


@given(
    st.floats(0.01, 5), st.floats(0, 5), st.floats(0, 5), st.integers(1, 30), st.floats(0.01, 0.99)
)  # fmt: skip
def test_more_samples_are_never_less_reliable(between, period, sample, count, target):
    spread = Spread(between, period, sample, True, ())
    assert spread.reliability(count) <= spread.reliability(count + 1) <= between / (between + period)
    needed = spread.samples_for(target)
    if needed is None:
        assert spread.reliability(10**9) <= target + 1e-6
    else:
        assert spread.reliability(needed) >= target - 1e-6
        assert needed == 1 or spread.reliability(needed - 1) < target + 1e-6


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0])
def test_a_reliability_is_a_share(target):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        Spread(1.0, 0.0, 1.0, False, ()).samples_for(target)


def test_the_pooled_table_agrees_with_the_cohorts_it_joins():
    rows = load_one_visit()
    assert len({row.id for row in rows}) == len(rows) > 100
    for marker in markers("guild"):
        pooled = one_visit("guild", marker)
        shares = [row for row in rows if row.marker == marker and row.component == "reliability"]
        parts = [row for row in shares if row.cohort != "pooled"]
        assert pooled["reliability"].people == sum(row.people for row in parts)
        total = pooled["between"].value + pooled["within"].value
        assert pooled["reliability"].value == pytest.approx(pooled["between"].value / total, abs=1e-3)
        assert min(r.value for r in parts) <= pooled["reliability"].value <= max(r.value for r in parts)
        # the cohort's own rows in the planner's table give the same share
        spread = spread_of("guild", marker, "baxter_control")
        assert one_visit("guild", marker, "baxter_control")["reliability"].value == pytest.approx(
            spread.reliability(), abs=1e-3
        )
    assert spread_of("guild", "BIF", "pooled").rows == tuple(one_visit("guild", "BIF").values())
    assert cohorts("distance", "aitchison") == ("baxter_control", "baxter_inulin")


def test_people_against_samples():
    """Doubling samples never helps as much as doubling people."""
    spread = spread_of("guild", "BIF", "baxter_control")
    plan = LogRatioPlan(
        log_ratio=np.log(2), between=spread.between, period=spread.period, sample=spread.sample
    )
    table = size_table(plan, {"followup_samples": [1, 2], "baseline_samples": [1, 2]})
    one, two = table.columns["exact"][0], table.columns["exact"][-1]
    assert one / 2 < two < one


def test_the_estimators_find_known_variances(components):
    """400 people, two periods, three samples: b 2, p 0.5, s 1, on one axis and as a distance on ten."""
    draw = np.random.default_rng(8)
    people, axes = 400, 10
    person = draw.normal(size=(people, axes)) * np.sqrt(2.0)
    rows, names, periods = [], [], []
    for i in range(people):
        for t in range(2):
            period = person[i] + draw.normal(size=axes) * np.sqrt(0.5) + 3.0 * t
            for _ in range(3):
                rows.append(period + draw.normal(size=axes))
                names.append(f"p{i}")
                periods.append(str(t))
    points = np.array(rows)
    components.RESAMPLES = 200
    repeated = components.Repeated(names, periods)
    one = repeated.two_periods(components.of_numbers(points[:, 0]), repeated=True)
    for name, truth in (("between", 2.0), ("period", 0.5), ("sample", 1.0)):
        assert one[name].value == pytest.approx(truth, rel=0.25)
        assert one[name].low < truth < one[name].high
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    inner = components.gower(apart)
    many = repeated.two_periods(inner, repeated=True)
    for name, truth in (("between", 20.0), ("period", 5.0), ("sample", 10.0)):
        assert many[name].value == pytest.approx(truth, rel=0.1)
    change = repeated.dimension(inner, change=True)
    assert change.value == pytest.approx(10.0, rel=0.1)


def test_one_sample_a_visit_gives_the_sum_of_both(components):
    draw = np.random.default_rng(9)
    person = np.repeat(draw.normal(size=600) * 1.5, 2)
    values = person + draw.normal(size=1200) + np.tile([0.0, 5.0], 600)
    names = [f"p{i // 2}" for i in range(1200)]
    components.RESAMPLES = 50
    repeated = components.Repeated(names, [str(i % 2) for i in range(1200)])
    found = repeated.two_periods(components.of_numbers(values), repeated=False)
    assert found["between"].value == pytest.approx(2.25, rel=0.15)
    assert found["visit"].value == pytest.approx(1.0, rel=0.15)


@pytest.mark.slow
def test_the_packaged_table_is_what_the_script_makes(components, monkeypatch):
    if not COHORTS.is_dir():
        pytest.skip("the cohorts are absent: ../shared/cohorts")
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("estimate", FOLDER / "estimate.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "argv", ["estimate.py", str(COHORTS)])
    spec.loader.exec_module(module)
    made = {row["id"]: float(row["value"]) for row in module._tap() + module._wbf011_strains()}
    packaged = {row.id: row.value for row in load_stool_variances()}
    assert made
    for name, value in made.items():
        assert packaged[name] == pytest.approx(value, rel=1e-3, abs=1e-6)
    acid = module.VISITS["acid", "stool_butyrate"]["tap_before"].reliability()
    (row,) = (row for row in load_one_visit() if row.id == "acid.stool_butyrate.tap_before.reliability")
    assert row.value == pytest.approx(acid.value, rel=1e-3)
