"""Operating characteristics: the measures by hand, failures counted, the same seed the same table."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from eubiosis.analysis.result import Counts, failed, wald
from eubiosis.analysis.truth.operating import Scenario, as_markdown, as_records, run_scenario, summarise
from eubiosis.analysis.truth.scenarios import scenarios
from eubiosis.cli.main import cli
from eubiosis.core.soundness import Soundness

WHO = {"endpoint": "x", "method": "m", "arms": ("t", "c"), "counts": Counts(5, 5)}


def _unused(_draw):
    raise AssertionError


def _estimates(values, error=1.0):
    return [wald(value, error, scale="mean difference", **WHO) for value in values]


def test_measures_by_hand():
    """Estimates 0, 1, 2, 3 with error 1, truth 1: bias 0.5; only 3 is significant and only 3 misses."""
    scenario = Scenario("by hand", "m", 1.0, False, _unused, planned_power=0.3)
    results = [
        *_estimates([0.0, 1.0, 2.0, 3.0]),
        failed(Soundness("not_converged"), scale="mean difference", **WHO),
    ]
    found = summarise(scenario, results)
    assert (found.trials, found.failed) == (5, 1)
    assert found.rejected.value == pytest.approx(2 / 5)  # 2 and 3; the failed trial is no rejection
    assert found.rejected.error == pytest.approx(math.sqrt(0.4 * 0.6 / 5))
    assert found.coverage.value == pytest.approx(3 / 4)
    assert found.bias.value == pytest.approx(0.5)
    assert found.empirical_error.value == pytest.approx(np.std([0, 1, 2, 3], ddof=1))
    assert found.bias.error == pytest.approx(np.std([0, 1, 2, 3], ddof=1) / 2)
    assert found.error_ratio == pytest.approx(1 / np.std([0, 1, 2, 3], ddof=1))
    assert "| by hand | m | 5 | 1 | 0 | 40.0 (21.9) | 30.0 |" in as_markdown([found])


def test_ratios_are_judged_on_the_log_scale():
    scenario = Scenario("ratio", "m", 0.5, False, _unused)
    results = [wald(math.log(value), 0.1, scale="rate ratio", **WHO) for value in (0.25, 1.0)]
    assert summarise(scenario, results).bias.value == pytest.approx(0.0, abs=1e-12)


def test_a_scenario_that_always_fails_is_reported():
    def never(_draw):
        return failed(Soundness("singular"), scale="mean difference", **WHO)

    scenario = Scenario("none", "m", 0.0, True, never)
    found = run_scenario(scenario, 4, seed=1)
    assert (found.failed, found.rejected.value) == (4, 0.0)
    assert math.isnan(found.coverage.value)


def test_names_are_unique_and_the_seed_decides():
    every = scenarios()
    assert len({(one.name, one.method) for one in every}) == len(every)
    for one in every[::7]:
        first, again, other = (run_scenario(one, 4, seed) for seed in (1, 1, 2))
        assert first.bias == again.bias
        assert first.bias != other.bias


@pytest.mark.parametrize("only", ["relapses, 313 per arm", "fatigue, 132 per arm", "risks 0.5"])
def test_simulated_power_meets_the_closed_form(only):
    (one,) = (scenario for scenario in scenarios() if only in scenario.name)
    found = run_scenario(one, 400, seed=3)
    assert found.rejected.value == pytest.approx(one.planned_power, abs=4 * found.rejected.error)
    assert found.coverage.value == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 400))


def test_the_command_prints_a_table_or_json():
    run = CliRunner().invoke(cli, ["trial", "validate", "--trials", "5", "--only", "NfL"])
    assert run.exit_code == 0
    assert run.stdout.count("\n") == 3
    assert "| NfL, 60 per arm" in run.stdout
    run = CliRunner().invoke(cli, ["trial", "validate", "--trials", "5", "--only", "NfL", "--json"])
    (record,) = json.loads(run.stdout)
    assert record["trials"] == 5
    assert record == as_records([run_scenario(s, 5, 2026) for s in scenarios() if "NfL" in s.name])[0]
    wrong = CliRunner().invoke(cli, ["trial", "validate", "--only", "nothing like it"])
    assert wrong.exit_code == 2
    assert "no scenario contains" in wrong.output
