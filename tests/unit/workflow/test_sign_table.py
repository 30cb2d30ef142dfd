"""The sign table against chance: enumeration by hand, and verdicts whose reason stands in the equations."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.findings import FindingsError
from eubiosis.report.sign_table import format_signs
from eubiosis.workflow.signs import agreement, sign_table

SIGNS = st.sampled_from("+-")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SIGNS, SIGNS), min_size=1, max_size=6))
def test_chance_is_the_mean_over_all_shuffles(signs):
    """Over all shuffles of the model's signs: the mean agreements, and how often as many come out."""
    evidence, model = [e for e, _ in signs], [m for _, m in signs]
    counts = [
        sum(e == m for e, m in zip(evidence, shuffled, strict=True)) for shuffled in permutations(model)
    ]
    found = agreement("all", signs)
    assert found.agree == sum(e == m for e, m in signs)
    assert found.expected == pytest.approx(sum(counts) / len(counts))
    assert found.p == pytest.approx(sum(c >= found.agree for c in counts) / len(counts))


def test_no_links_are_no_agreement():
    assert agreement("none", []) == agreement("none", [])
    assert (agreement("none", []).p, agreement("none", []).expected) == (1.0, 0.0)


@pytest.fixture(scope="module")
def table(model):
    return sign_table(model, draws=4)


def row(table, source, target):
    return next(r for r in table.rows if (r.source, r.target) == (source, target))


@pytest.mark.slow
def test_verdicts_that_the_equations_explain(model, table):
    assert row(table, "Th17 cell", "IL17A").verdict == "agree"  # host_IL17 := host_T17
    assert row(table, "Enterobacteriaceae", "LPS").verdict == "agree"
    assert row(table, "IL6", "Th17 cell").verdict == "absent"  # IL-6 is a read-out
    assert row(table, "S-equol", "EAE severity").verdict == "absent"
    free = row(table, "butyrate", "regulatory T cell")
    assert (free.verdict, free.hand_fit, free.share_up) == ("free", "+", 0.5)  # each draw has its mirror
    people = row(table, "multiple sclerosis", "indole-3-propionate")  # a person with MS beside a healthy one
    higher = model.derived.of("ms")["gut_IPA"] > model.derived.of("healthy")["gut_IPA"]
    assert people.hand_fit == ("+" if higher else "-")
    assert people.verdict == ("agree" if people.hand_fit == people.evidence else "disagree")
    assert row(table, "isoflavone-free (fibre-poor) diet", "mucin degradation by bacteria").match == "proxy"


@pytest.mark.slow
def test_counts_add_up(table):
    assert sum(table.counts.values()) == len(table.rows)
    fixed = table.counts["agree"] + table.counts["disagree"]
    assert table.agreements[0].number == fixed
    assert table.agreements[0].agree == table.counts["agree"]
    assert len(table.rows) < table.mechanisms
    text = format_signs(table)
    assert "no evidence for it" in text
    assert f"{table.mechanisms} mechanisms, {len(table.rows)} between two quantities" in text


def test_rows_that_fit_nothing_are_found_together(model, tmp_path):
    import shutil
    from dataclasses import replace

    shutil.copytree(model.content.folder / "models", tmp_path / "models")
    path = tmp_path / "models/evidence_quantities.tsv"
    lines = path.read_text(encoding="utf-8").replace("butyrate\tgut_C_Bu", "butyrat\tgut_C_But")
    path.write_text(lines.replace("person:ms", "person:mz"), encoding="utf-8")
    other = replace(model, content=replace(model.content, folder=tmp_path))
    with pytest.raises(FindingsError) as caught:
        sign_table(other)
    words = str(caught.value)
    assert 'entity "butyrat" is unknown; nearest "butyrate"' in words
    assert 'quantity "gut_C_But" is unknown; nearest "gut_C_Bu"' in words
    assert 'person "mz" is unknown' in words
