"""Findings: every problem at once, grouped by file, with the nearest valid word."""

import pytest

from eubiosis.core.findings import (
    Finding,
    FindingCollector,
    FindingsError,
    format_findings,
    nearest,
    unknown_word,
)


def test_findings_are_grouped_by_file_in_order_of_first_appearance():
    text = format_findings(
        [
            Finding("b.tsv", "line 2", "wrong"),
            Finding("a.tsv", "", "missing"),
            Finding("b.tsv", "line 9", "also wrong", "1 to 3", "mend it"),
        ]
    )
    assert text.splitlines() == [
        "b.tsv: 2 findings",
        "  line 2: wrong",
        "  line 9: also wrong; allowed: 1 to 3; next: mend it",
        "a.tsv: 1 finding",
        "  missing",
    ]


def test_a_collector_raises_everything_at_once_and_nothing_when_empty():
    collector = FindingCollector()
    collector.raise_if_any()
    collector.add("a", "x", "one")
    collector.extend([Finding("a", "y", "two")])
    with pytest.raises(FindingsError) as caught:
        collector.raise_if_any()
    assert [f.problem for f in caught.value.findings] == ["one", "two"]
    assert str(caught.value) == "a: 2 findings\n  x: one\n  y: two"


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("inulim", ["propionate", "inulin", "inositol"], "inulin"),
        ("gut_B_BAK", ["gut_B_BAC", "host_B"], "gut_B_BAC"),
        ("zzz", ["inulin"], ""),
        ("anything", [], ""),
    ],
)
def test_nearest_word(word, known, expected):
    assert nearest(word, known) == expected


def test_an_unknown_word_without_a_near_one_says_only_that():
    assert unknown_word("zzz", ["inulin"]) == '"zzz" is unknown'
    assert unknown_word("inulim", ["inulin"]) == '"inulim" is unknown; nearest "inulin"'


def test_a_finding_is_frozen():
    with pytest.raises(AttributeError):
        Finding("a", "b", "c").problem = "d"
