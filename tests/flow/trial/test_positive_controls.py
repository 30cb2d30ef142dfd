"""A sample of the positive controls and of the coverage of counts: the tables hold what they say."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector
from eubiosis.workflow.files.workflow_yaml import check_workflow

FOLDER = Path(__file__).parents[3] / "validation" / "trials"
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "operating_characteristics.md"


def script(name):
    spec = importlib.util.spec_from_file_location(f"validation_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pydantic looks the types of a row up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def controls():
    return script("controls")


@pytest.mark.parametrize("name", ["natalizumab", "interferon"])
def test_the_designs_are_workflows(name):
    findings = FindingCollector()
    spec = check_workflow(FOLDER / "controls" / f"{name}.yaml", findings)
    assert not findings.findings
    assert spec.design.primary == "relapses"


def test_a_drug_acts_in_its_arm_alone_and_ends_when_it_stops(controls):
    found = controls.simulated("natalizumab", 40, 1, 2, host_worlds=1)
    middle = {key: float(np.nanmedian(values)) for key, values in found.items()}
    assert middle["t2_ratio", "natalizumab"] < 0.4
    assert middle["no_t2", "natalizumab"] > middle["no_t2", "placebo"]
    assert middle["relapse_ratio", "natalizumab"] < 1.0
    # four months after the last dose the arm that stopped is no longer like the one that goes on
    assert middle["after_stop_ratio", "stopped"] > middle["t2_ratio", "natalizumab"]


def test_a_miss_is_called_a_miss_and_a_knob_no_test(controls):
    rows = {(row.trial, row.figure, row.arm): row for row in controls.published()}
    row = rows["natalizumab", "relapse_ratio", "natalizumab"]
    values = np.linspace(0.5, 0.7, 101)
    assert controls.verdict(row, values) == "**missed**"
    assert controls.verdict(row, values - 0.14) == "intervals overlap"
    assert controls.verdict(row, values - 0.25) == "inside"
    assert rows["natalizumab", "t2_ratio", "natalizumab"].role == "knob"
    assert rows["interferon", "relapse_ratio", "interferon"].role in ("knob", "check")
    assert controls.verdict(rows["interferon", "gd_ratio", "interferon"], values) == "no value read"


def test_the_page_has_a_row_for_every_row_that_was_read(controls):
    text = PAGE.read_text(encoding="utf-8").split(controls.BEGIN)[1].split(controls.END)[0]
    assert text.count("\n| natalizumab,") + text.count("\n| interferon,") == len(controls.published())


def test_scaled_rates_bring_about_the_ratio_and_the_test_covers_it():
    coverage = script("coverage")
    found = coverage.covered(1, 1200, (60,), (0.5,))
    assert set(found) == {(name, 60, 0.5) for name in coverage.COUNTS}
    for name in coverage.COUNTS:
        trials, shares = found[name, 60, 0.5]
        assert trials >= 19
        # 20 trials of 60 people: 95 % less four binomial errors
        assert shares[0] > 0.95 - 4 * np.sqrt(0.95 * 0.05 / trials)
