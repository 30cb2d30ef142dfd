"""The door of the analyses: columns checked together, missing values counted, text coded."""

import numpy as np
import pytest

from eubiosis.analysis.columns import build_design, missing_values
from eubiosis.core.findings import FindingsError


def test_every_wrong_column_is_named_at_once():
    with pytest.raises(FindingsError) as caught:
        build_design(
            ["a", "b", ""],
            "c",
            required={"outcome": [1.0, 2.0]},
            covariates={"age": [1.0, 3.0]},
        )
    places = [finding.place for finding in caught.value.findings]
    assert places == ["arm", "arm", "outcome", "age"]


def test_an_infinite_value_is_named_and_forbids_every_number():
    design = build_design(
        ["a", "b", "a", "b"], "a", required={"outcome": [1.0, 2.0, 3.0, 4.0]},
        covariates={"age": [1.0, np.inf, 3.0, 4.0]},
    )  # fmt: skip
    assert design.soundness.status == "not_finite"
    assert design.soundness.reason.startswith("column age, row 2")
    assert design.kept.tolist() == [True, False, True, True]


@pytest.mark.parametrize("other", ["placebo", " Placebo", "PLACEBO"])
def test_two_spellings_of_an_arm_are_one_too_many(other):
    design = build_design(["Placebo", other, "inulin"], "Placebo", required={"outcome": [1.0, 2.0, 3.0]})
    assert design.soundness.status == "contradictory"
    assert "Placebo" in design.soundness.reason


def test_one_arm_is_not_a_trial():
    with pytest.raises(FindingsError, match="two or more arms"):
        build_design(["a", "a"], "a", required={"outcome": [1.0, 2.0]})


def test_the_matrix_by_hand():
    design = build_design(
        ["b", "a", "c", "a"],
        "a",
        required={"outcome": [1.0, 2.0, np.nan, 4.0]},
        covariates={"site": ["south", "north", "south", "east"], "age": [30, 40, 50, 60]},
    )
    assert design.names == ("intercept", "arm[b]", "arm[c]", "site[north]", "site[south]", "age")
    assert design.matrix.tolist() == [[1, 1, 0, 0, 1, 30], [1, 0, 0, 1, 0, 40], [1, 0, 0, 0, 0, 60]]
    assert design.missing == {"a": 0, "b": 0, "c": 1}
    assert design.with_arm("c")[:, 1:3].tolist() == [[0, 1]] * 3
    assert design.with_arm("a")[:, 1:3].tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    "column",
    [
        np.array([1.0, np.nan]),
        np.array(["x", ""]),
        np.array(["x", None], dtype=object),
        np.array(["x", "nan"]),
    ],
)
def test_what_counts_as_missing(column):
    assert missing_values(column).tolist() == [False, True]
