"""What a notebook shows of the main objects holds their text as text, and no element of its own."""

from html.parser import HTMLParser

import pytest

from eubiosis import analysis, population, therapy, trial
from eubiosis.core.findings import FindingCollector
from eubiosis.core.frame import Table
from eubiosis.population.stool.table import read_stool_table

HOSTILE = "<img src=x onerror=alert(1)><b>&amp;"


class Elements(HTMLParser):
    """Collects the elements, attributes and text of a fragment."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))

    def handle_data(self, data):
        self.text += data


def shown(thing):
    parser = Elements()
    parser.feed(thing._repr_html_())
    parser.close()
    return parser


def hostile_table():
    return Table({HOSTILE: [HOSTILE, "b"], "n": [1.0, 2.0]}, name=HOSTILE)


def hostile_stool(tmp_path):
    path = tmp_path / "stool.tsv"
    rows = "\n".join(f"{HOSTILE}{k}\t{10 + k}\t{20}" for k in range(6))
    path.write_text(f"sample\tBifidobacterium\t{HOSTILE}\n{rows}\n")
    findings = FindingCollector()
    table = read_stool_table(path, findings)
    assert table is not None, findings.findings
    return table


def hostile_design():
    arms = {"placebo": therapy.placebo(), HOSTILE: therapy.prebiotic("inulin", dose="12 g/day")}
    return trial.Design(arms=arms, participants=20, visits=[0, 12], primary="mfis")


@pytest.mark.parametrize(
    "make", [hostile_table, hostile_stool, hostile_design], ids=lambda make: make.__name__
)
def test_hostile_text_stays_text(make, tmp_path):
    thing = make(tmp_path) if make is hostile_stool else make()
    found = shown(thing)
    assert {"script", "img"}.isdisjoint(tag for tag, _ in found.seen)
    assert [name for _, attributes in found.seen for name, _ in attributes if name.startswith("on")] == []


def test_the_main_objects_show_themselves():
    for kind in (
        analysis.Estimates,
        analysis.OperatingCharacteristics,
        population.Cohort,
        trial.Design,
        trial.Trials,
        Table,
    ):
        assert callable(getattr(kind, "_repr_html_", None)), kind
    assert HOSTILE in shown(hostile_design()).text
