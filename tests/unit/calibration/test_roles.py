"""Roles: what may be fitted, what is refused and why, and that nothing is used twice."""

import math
import shutil
from dataclasses import replace

import pytest
from pydantic import ValidationError

from eubiosis.calibration.leakage import members_of
from eubiosis.calibration.roles import (
    calibrated_in,
    check_claims,
    compare,
    join,
    read_tables,
    refused,
    responses,
    roles,
    roles_hash,
    rows_for,
    scoreboard,
)
from eubiosis.calibration.roles_checks import check_roles
from eubiosis.calibration.roles_compare import Comparand, differences
from eubiosis.calibration.roles_tables import AllowanceRow, LeakageRow, LogRow
from eubiosis.calibration.waves_terms import WITHIN_ARM_BIAS
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.model.content import load_content


@pytest.fixture(scope="module")
def tables():
    return read_tables()


@pytest.fixture(scope="module")
def by_id():
    return {row.id: row for row in roles()}


def with_role(tables, name, **changes):
    rows = [row.model_copy(update=changes) if row.id == name else row for row in tables.roles]
    return replace(tables, roles=tuple(rows))


def with_target(tables, name, **changes):
    targets = [row.model_copy(update=changes) if row.id == name else row for row in tables.content.targets]
    return replace(tables, content=replace(tables.content, targets=tuple(targets)))


def problems(tables, place):
    return [str(finding) for finding in check_roles(tables, hashed=False) if finding.place == place]


def test_the_packaged_tables_are_in_order_and_hashed(tables):
    assert check_roles(tables) == []
    assert len({row.id for row in tables.roles}) == len(tables.roles)
    assert {row.id for row in tables.content.targets} <= {row.id for row in tables.roles}


@pytest.mark.parametrize(
    ("figure", "changes"),
    [("N001", {"role": "check"}), ("T068", {"day": 6.0}), ("N021", {"contrast": "untreated"})],
)
def test_a_changed_row_without_a_new_hash_is_a_finding(tables, figure, changes):
    found = [str(finding) for finding in check_roles(with_role(tables, figure, **changes))]
    assert any("the rows have the hash" in text and "roles_log.tsv" in text for text in found)


def test_a_changed_interval_changes_the_hash_and_a_changed_remark_does_not(tables):
    before = roles_hash(join(tables))
    assert roles_hash(join(with_target(tables, "N001", high=1.5))) != before
    assert roles_hash(join(with_target(tables, "N001", note="another remark"))) == before


@pytest.mark.parametrize(
    ("figure", "role", "target", "words"),
    [
        ("N001", {}, {"low": None, "high": None}, "a fit row without an interval"),
        ("N001", {}, {"population": ""}, "a fit row without a population"),
        ("T011", {"role": "fit"}, {}, "a fit row whose source nobody has read"),
        ("T073", {"role": "fit", "same_as": ""}, {}, "a fit row that is also a hold-out"),
        ("N021", {"role": "fit"}, {}, "fitted, where its own table says check"),
        ("T026", {"role": "fit"}, {}, "a fit row whose comparison is refused, day: 1, asked of 21"),
        ("T079", {"role": "fit"}, {}, "a fit row that repeats T111"),
        ("C10", {"kind": "coupling"}, {}, "a mouse_EAE row of kind coupling"),
        ("C6", {"role": "fit"}, {}, '"rahimlou(65)" counted twice (first: C4)'),
        ("N001", {"cohort": "baxter2018"}, {}, 'nearest "baxter2019"'),
    ],
)
def test_a_row_that_may_not_be_fitted_is_refused_by_name(tables, figure, role, target, words):
    changed = with_role(tables, figure, **role)
    if target:
        changed = with_target(changed, figure, **target)
    found = problems(changed, figure)
    assert any(words in text for text in found), found


def test_a_cohort_counted_twice_names_both_rows(tables):
    twice = with_role(tables, "T024", role="fit", same_as="")
    assert any('"baxter2019" counted twice (first: T024)' in text for text in problems(twice, "N011"))


def test_a_hold_out_inside_a_fitted_pool_is_refused_though_only_likely(tables):
    line = LeakageRow(pooled="C8", cohort="chen2023", certainty="likely", note="planted")
    leaky = replace(tables, leakage=(*tables.leakage, line))
    found = problems(leaky, "C8")
    assert any('"chen2023" likely enters this fit row and the hold-out H3' in text for text in found)


def test_a_row_without_licence_is_refused_with_its_users(tables):
    bare = tables.cohorts["baxter2019"].model_copy(update={"licence": ""})
    found = problems(replace(tables, cohorts={**tables.cohorts, "baxter2019": bare}), "baxter2019")
    assert any("no licence (used by" in text and "N012" in text for text in found)


def test_a_figure_without_role_and_a_role_without_figure_are_findings(tables):
    fewer = replace(tables, roles=tuple(row for row in tables.roles if row.id != "N050"))
    assert any("no role" in text for text in problems(fewer, "N050"))
    more = with_role(tables, "N050", id="N05O")
    assert any('figure "N05O" is unknown' in text for text in problems(more, "N05O"))


def test_the_pools_of_the_evidence_hold_the_cohorts_of_their_studies(tables):
    members = members_of(tables.roles, tables.leakage, tables.evidence)
    assert members["C4"].sure == {"rahimlou(65)", "asghari(40)"}
    assert members["C8"].likely == {"katzsand2019"}
    assert members["H5"].sure == {"sorensen2016_recycline"}


ASKED = Comparand("guild", "stool", "inulin 20 g/d", 14.0, "untreated")


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"taxon": "genus"}, "definition: a genus"),
        ({"specimen": "plasma"}, "definition: measured in plasma"),
        ({"dose": "inulin 10 g/d"}, "dose: inulin 10 g/d"),
        ({"dose": "inulin 10-19 g/d"}, "dose"),
        ({"dose": "inulin 20 mg/d"}, "dose"),
        ({"dose": "AXOS 20 g/d"}, "dose"),
        ({"dose": "inulin not read"}, "dose"),
        ({"dose": "inulin 20 g/d for 7 d"}, "dose"),
        ({"day": 28.0}, "day: 28, asked of 14"),
        ({"day": None}, "day: not read"),
        ({"contrast": "condition:healthy_fibre_10g"}, "contrast"),
    ],
)
def test_a_comparison_is_refused_for_each_thing_that_differs(changes, begins):
    found = differences(ASKED, replace(ASKED, **changes))
    assert len(found) == 1
    assert found[0].startswith(begins)


def test_a_range_that_holds_the_dose_and_a_figure_per_gram_may_be_compared():
    assert differences(ASKED, replace(ASKED, dose="inulin 15-25 g/d")) == ()
    assert differences(replace(ASKED, per_gram=True), replace(ASKED, dose="inulin 5 g/d")) == ()


def test_compare_names_the_row_and_every_difference(by_id):
    compare(ASKED, by_id["N001"])
    with pytest.raises(FindingsError) as found:
        compare(replace(ASKED, day=28.0, dose="inulin 10 g/d"), by_id["N001"])
    assert "N001" in str(found.value)
    assert str(found.value).count("refused") == 2


def test_rows_for_gives_no_refused_row_no_repeat_and_no_row_left_out(by_id):
    fitted = rows_for("gut")
    assert {"N011", "T068"} <= {row.id for row in fitted}
    assert not {row.id for row in fitted} & {row.id for row in refused()}
    assert all(row.role == "fit" and not row.same_as for row in fitted)
    left = rows_for("gut", leave_out=["baxter2019"])
    gone = {row.id for row in fitted} - {row.id for row in left}
    assert gone == {row.id for row in fitted if "baxter2019" in by_id[row.id].cohorts}
    assert len(gone) == 13
    with pytest.raises(FindingsError, match="nearest"):
        rows_for("gut", leave_out=["baxter2018"])


def test_leaving_out_a_cohort_removes_the_pool_that_likely_holds_it():
    assert "N319" in {row.id for row in rows_for("drug_class")}
    assert not {"N319", "N301"} & {row.id for row in rows_for("drug_class", leave_out=["affirm"])}


def test_a_row_that_is_fitted_later_leaves_the_scoreboard_and_stays_away(tables):
    rows = join(tables)
    assert "N021" in {row.id for row in scoreboard(rows, ())}
    fit = LogRow(id="N021", date="2027-01-01", from_role="check", to_role="fit", reason="planted")
    back = LogRow(id="N021", date="2027-02-01", from_role="fit", to_role="check", reason="planted")
    later = replace(with_role(tables, "N021", role="fit"), log=(fit,))
    assert problems(later, "N021") == []
    assert "N021" not in {row.id for row in scoreboard(join(later), later.log)}
    assert "N021" not in {row.id for row in scoreboard(rows, (fit, back))}
    assert any("the log ends with fit" in text for text in problems(replace(tables, log=(fit,)), "N021"))


def test_the_scoreboard_holds_nothing_fitted_repeated_refused_or_without_a_cohort(by_id):
    for row in scoreboard():
        assert row.role != "fit"
        assert not row.fitted
        assert not row.same_as
        assert not row.refusals
        assert "none" not in row.people


def test_an_own_change_is_a_bound_widened_by_the_drift_of_an_untreated_arm(by_id):
    bounds = by_id["N001"].bounds()  # 0.96 (0.91 to 1.02), bias sd 0.1 on the log scale
    half = math.hypot(math.log(1.02 / 0.91) / 2, 1.959963984540054 * 0.1)
    assert bounds.is_bound
    assert math.log(bounds.high / bounds.low) == pytest.approx(2 * half)
    assert math.sqrt(bounds.low * bounds.high) == pytest.approx(math.sqrt(0.91 * 1.02))
    assert by_id["N011"].bounds() == (0.48, 0.9, False)


def test_the_drift_is_that_of_the_control_arm_of_the_same_trial_here_and_in_the_matching(tables, by_id):
    roseburia = math.log(by_id["T024"].target / by_id["N011"].target)
    anaerostipes = math.log(by_id["T025"].target / by_id["N012"].target)
    (drift,) = (row.sd for row in tables.allowances if row.id == "drift_of_stool")
    assert drift == pytest.approx(math.sqrt((roseburia**2 + anaerostipes**2) / 2), abs=0.01)
    assert drift == WITHIN_ARM_BIAS


def test_the_uncontrolled_treg_gain_bounds_from_above_and_nulls_stand_beside_it(by_id):
    assert by_id["T075"].bounds().low < 1 < by_id["T075"].bounds().high
    assert by_id["T075"].is_bound
    nulls = [row for row in rows_for("coupling", "check") if row.control == "crossover"]
    assert {"anchor:de Groot 2020#1", "anchor:Chambers 2019#1"} == {row.id for row in nulls}


def test_an_allowance_in_another_unit_widens_nothing(by_id):
    percentage_points = by_id["C7"]  # an own change, not a ratio: opened to no effect, not widened
    assert percentage_points.bounds() == (-7.11, 0.0, True)


def test_mice_inform_mice_and_people_without_ms_carry_a_transport(by_id):
    assert {row.id for row in roles() if row.species == "mouse_EAE"} == {"C10", "C11"}
    assert all(row.kind == "eae" for row in roles() if row.species == "mouse_EAE")
    assert by_id["N001"].transport_sd > 0
    assert by_id["T027"].transport_sd > 0
    assert by_id["T001"].transport_sd == 0  # a level is no response
    assert by_id["T075"].transport_sd == 0  # measured in people with MS


def test_no_response_of_the_gut_is_calibrated_in_ms():
    fitted = responses(rows_for("gut"))
    assert calibrated_in(fitted) == "calibrated in healthy people and people with other conditions"
    texts = {"page": "The gut is calibrated in MS. It is not calibrated in MS."}
    (finding,) = check_claims(texts, fitted)
    assert "The gut is calibrated in MS." in str(finding)
    assert check_claims(texts, rows_for("drug_class")) == []


def test_no_shipped_text_claims_a_response_calibrated_in_ms():
    folder = PACKAGED_CONTENT.parent
    files = [f for ext in ("tsv", "yaml", "html", "py") for f in folder.rglob(f"*.{ext}")]
    own = [f for f in files if f.parent.name != "calibration" or f.suffix != ".py"]
    texts = {str(f.relative_to(folder)): f.read_text(encoding="utf-8") for f in own}
    assert len(texts) > 100
    assert check_claims(texts, responses(rows_for("gut"))) == []


@pytest.mark.parametrize("size", ["inf", "nan", "0"])
def test_an_allowance_without_a_finite_size_is_refused(size):
    with pytest.raises(ValidationError, match="sd"):
        AllowanceRow(
            id="a", kind="gut", applies_to="within_arm", sd=float(size), unit="log ratio", opens="no",
            basis="assumed", note="made up",
        )  # fmt: skip


def test_a_row_that_stands_twice_in_any_table_of_the_roles_is_found(tmp_path):
    shutil.copytree(PACKAGED_CONTENT, tmp_path / "content")
    for name in ("licences", "leakage", "allowances"):
        path = tmp_path / "content" / "calibration" / f"{name}.tsv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    with pytest.raises(FindingsError) as caught:
        read_tables(load_content(tmp_path / "content"))
    twice = {finding.file.rpartition("/")[2] for finding in caught.value.findings}
    assert twice == {"licences.tsv", "leakage.tsv", "allowances.tsv"}
    assert all("occurs twice" in finding.problem for finding in caught.value.findings)
