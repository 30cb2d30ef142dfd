"""Cases of the SBML semantic test suite 3.3.0: expected results by others, solved by two ways of ours.

The files are no part of the repository; they are read from ../shared/sbml_cases.
"""

import json
from pathlib import Path

import pytest

import plain_solver
from eubiosis.engine.conformance import find_cases, run_cases, solve_compiled

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "sbml_cases"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CASES.is_dir(), reason="the cases are not at ../shared/sbml_cases; they are not in the repository"
    ),
]


@pytest.mark.parametrize("solver", [solve_compiled, plain_solver.solve], ids=["compiled", "plain"])
def test_every_case_in_scope_passes_and_the_rest_is_refused_by_name(solver):
    scope = {name: row["in_scope"] for name, row in json.loads((CASES / "index.json").read_text()).items()}
    outcomes = {outcome.case: outcome for outcome in run_cases(find_cases(CASES), solver)}
    assert outcomes.keys() == scope.keys()
    assert [each for each in outcomes.values() if each.verdict == "wrong"] == []
    refused = [name for name, each in outcomes.items() if each.verdict == "refused"]
    assert [name for name in refused if scope[name] != "other"] == []
    assert {outcomes[name].feature for name in refused} == {
        "the delay function",
        "an algebraic rule",
        "a fast reaction",
    }
    assert len(refused) <= 85
    for name in refused:
        assert outcomes[name].reason.split(":")[0].split()[0] != "the", "an element is named"
