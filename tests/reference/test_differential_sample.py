"""A pinned sample of the random data sets of ``validation/differential`` with R's numbers; needs no R."""

import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "differential"
SAMPLE = json.loads((FOLDER / "expected" / "sample.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def harness():
    """Return the modules of the comparison, which lie outside the package."""
    sys.path.insert(0, str(FOLDER))
    try:
        import compare
        import methods
    finally:
        sys.path.remove(str(FOLDER))
    return compare, methods


def test_every_method_is_in_the_sample(harness):
    _, methods = harness
    assert set(SAMPLE["methods"]) == set(methods.METHODS)
    assert all(len(cases) >= 5 for cases in SAMPLE["methods"].values())


@pytest.mark.parametrize("name", list(SAMPLE["methods"]))
def test_the_pinned_cases_come_out_as_when_they_were_compared(harness, name):
    """Agreement stays agreement, a refusal stays one, and a known difference from R stays where it was."""
    compare, methods = harness
    agreed = 0
    for case in SAMPLE["methods"][name]:
        ours = methods.our_numbers(name, case["data"])
        kind, worst, where = compare.judge(ours, case["R"], methods.METHODS[name].rtol)
        assert kind == case["kind"], (name, ours, case["R"], worst, where)
        agreed += kind == "agree"
    assert agreed >= 3


def test_a_wrong_number_is_a_difference(harness):
    """The judge can fail: one number moved by a thousandth, or refused by us alone, is no agreement."""
    compare, _ = harness
    assert compare.judge({"a": 1.001, "status": "ok"}, {"a": 1.0}, 1e-4)[0] == "differ"
    assert compare.judge({"a": 1.00001, "status": "ok"}, {"a": 1.0}, 1e-4)[0] == "agree"
    assert compare.judge({"status": "separated"}, {"a": 1.0}, 1e-4)[0] == "only ours refuses"
    assert compare.judge({"a": 1.0}, {"failed": "no"}, 1e-4)[0] == "only R refuses"
    assert compare.judge({"a": None, "b": 2.0}, {"a": 1.0, "b": 2.0}, 1e-4)[0] == "differ"
