"""Fermenter coverage, counted by hand in a made table and by sums of binomial terms."""

import math

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.population.stool.table import read_stool_table
from eubiosis.workflow.fermenters import _classed, fermenter_coverage, fermenters

# made samples: reads of Bifidobacterium among 10,000 mapped ones
BIF = [0, 1, 5, 9, 10, 50, 300]


@pytest.fixture
def table(tmp_path):
    lines = ["sample\tBifidobacterium\tBacteroides\tFaecalibacterium"]
    lines += [f"s{k}\t{reads}\t{6000 - reads}\t4000" for k, reads in enumerate(BIF)]
    path = tmp_path / "stool.tsv"
    path.write_text("\n".join(lines) + "\n")
    findings = FindingCollector()
    read = read_stool_table(path, findings)
    assert findings.findings == []
    return read


def test_fermenters_are_the_guilds_that_take_the_fibre_up_fastest(model):
    assert fermenters(model, "inulin") == fermenters(model, "fos") == ("BIF",)
    rates = {g: model.content.numbers[f"gut_vmax_{g}_RS"].value for g in ("RUM", "ROS", "BAC", "BIF", "BLA")}
    fastest = max(rates.values())
    assert set(fermenters(model, "resistant_starch")) == {g for g, r in rates.items() if r >= fastest / 2}
    with pytest.raises(FindingsError, match='"propionate" is no fibre'):
        fermenters(model, "propionate")


def test_counts_are_those_of_the_table(model, table):
    found = fermenter_coverage(model, table, "inulin", level=0.001, reads=1)
    assert (found.samples, found.median_depth) == (7, 10_000)
    assert [(row.seen, row.carriers) for row in found.rows] == [(6, 3), (6, 3)]
    # a person with just 0.1 % shows no read among 10,000 with probability 0.999^10000
    assert found.rows[0].missed == pytest.approx(0.999**10_000, rel=1e-6)
    five = fermenter_coverage(model, table, "inulin", level=0.001, reads=5)
    assert five.rows[0].seen == 5
    by_hand = sum(math.comb(10_000, k) * 0.001**k * 0.999 ** (10_000 - k) for k in range(5))
    assert five.rows[0].missed == pytest.approx(by_hand, rel=1e-6)


def test_the_interval_of_the_share_is_exact_and_errors_are_chances(model, table):
    found = fermenter_coverage(model, table, "inulin")
    # three of seven: both tails of a binomial at the ends
    tail = sum(math.comb(7, k) * found.high**k * (1 - found.high) ** (7 - k) for k in range(4))
    assert tail == pytest.approx(0.025)
    assert 0.5 < found.above < 1
    assert 0.5 < found.below < 1
    assert 0 < found.changes < 0.5


def test_a_class_is_right_more_often_the_farther_from_the_level_and_the_deeper():
    chances = [_classed(own, 0.001, 0.75, 20_000, 1) for own in (0.0002, 0.0005, 0.001, 0.002, 0.01)]
    assert chances == sorted(chances)
    assert chances[-1] > 0.99
    # with depth alone, no noise: a level of twice the cut is seen almost surely among many reads
    assert _classed(0.002, 0.001, 1e-9, 50_000, 1) > 0.999
    # without depth, noise alone: the normal law
    normal = 0.5 * (1 + math.erf(math.log(2) / 0.75 / math.sqrt(2)))
    assert _classed(0.002, 0.001, 0.75, 5e6, 1) == pytest.approx(normal, abs=0.01)


def test_a_table_without_counts_needs_a_depth(model, tmp_path):
    path = tmp_path / "shares.tsv"
    path.write_text("sample\tBifidobacterium\tBacteroides\na\t0.25\t0.75\nb\t0.5\t0.5\n")
    shares = read_stool_table(path, FindingCollector())
    with pytest.raises(FindingsError, match="do not say how many reads"):
        fermenter_coverage(model, shares, "inulin")
    assert fermenter_coverage(model, shares, "inulin", depth=5000).rows[-1].carriers == 2
    with pytest.raises(FindingsError) as caught:
        fermenter_coverage(model, shares, "inulin", level=2.0, reads=0)
    assert len(caught.value.findings) == 3
    assert np.isfinite(fermenter_coverage(model, shares, "inulin", depth=5000).changes)
