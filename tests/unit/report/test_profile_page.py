"""The page of a profile: hostile names, what it says first, self-contained, and its numbers inside."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from eubiosis.core.record import as_record
from eubiosis.core.stool_profile import (
    SCHEMA,
    ContrastFamily,
    ContrastLine,
    GroupProfile,
    GuildLine,
    HeldSummary,
    MeasureLine,
    NamedTaxonLine,
    PersonLine,
    PositionLine,
    PredictionLine,
    ProfileSection,
    RunawayLine,
    SampleQuantiles,
    SectionTable,
    ShareInterval,
    StoolProfile,
    StormsLine,
    UnmappedShare,
)
from eubiosis.report.profile_page import words
from eubiosis.report.profile_page.page import profile_page
from eubiosis.report.profile_page.text import profile_lines

EVIL = "</script><script>alert(1)</script>\"' onload=x <img src=x onerror=alert(1)> &amp; {{ 7*7 }}"


def _profile(name: str = "cases") -> StoolProfile:
    spread = SampleQuantiles(1.0, 2.0, 3.0, 4.0, 5.0)
    guild = GuildLine(
        "BAC", name, 0.25, ShareInterval(0.24, 0.26), ShareInterval(0.2, 0.3), 0.24, 0.9, 9, 0.26, 0.79
    )
    group = GroupProfile(
        name, 10, 10, shown=True, guilds=(guild,),
        taxa=(NamedTaxonLine("Akkermansia", 4, 0, 1, True, 0.02, 0.01, 0.8),
              NamedTaxonLine("Roseburia", 0, 0, 0, False, None, None, None)),
        measures=(MeasureLine("Shannon", "nats", spread), MeasureLine("Chao1", "taxa", None, name)),
        positions=(PositionLine("from " + name, spread, 0.5, 0.1),),
        predictions=(PredictionLine("butyrate", "stool", "mM", 12.0, 8.0, 16.0, 0.9, 0.8, 1.1),),
    )  # fmt: skip
    line = ContrastLine("Akkermansia", 0.7, 0.1, 1.3, 0.02, 0.04, 0.06)
    return StoolProfile(
        schema=SCHEMA, eubiosis="0", origin="Made.", first_sentence=f"{name} holds 10 samples.", file=name,
        format="text table", scale="counts", orientation="samples_in_rows", platform=name, samples=10,
        status={"ok": 10}, depth=spread, mapped_overall=0.9,
        mapped=SampleQuantiles(0.8, 0.85, 0.9, 0.95, 0.99),
        share_by_rule={"name": 0.9}, unmapped=(UnmappedShare(name, 0.1, name),), centre="controls",
        not_observed=("MET",), warnings=(name,), notes=(name,), smallest_shown=5,
        groups=(group, GroupProfile(name, 2, 2, shown=False)),
        contrasts=(ContrastFamily("Genera", "log ratio", name, name, 10, 10, name, 1,
                                  (line, ContrastLine(name, None, None, None, None, None, None, name))),),
        contrast_notes=(name,), worlds=16, prediction_note=name,
        runaways=(RunawayLine(name, "MET", 0.04, 0.59, 8, 8),),
        held=HeldSummary({"ok": 10}, 1.2, 30.0),
        storms=(StormsLine("Methods", "software", name, "recalled"),
                StormsLine("Methods", "ethics", None, "secondary")),
        sections=(ProfileSection("forecast", name, name, (name,),
                                 (SectionTable(name, (name, "n"), ((name, "1"),), (1,)),),
                                 (("<svg><g id='ours'></g></svg>", name),), data={"name": name}),),
        persons=(PersonLine(name, name, "ok", 1000.0, 0.9, {"BAC": 1.0}, {"BAC": ShareInterval(0.9, 1.0)},
                            {"BAC": 0.0}, 1.0, 0.5, "ok", 0.1, 0.1, 2.0, {"BAC": 0.9}),),
    )  # fmt: skip


class _Reader(HTMLParser):
    """Collect elements, attributes and texts; a raw script is one text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts.append(data)
        elif self.cdata_elem != "style":
            self.text += f" {data}"


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader


def test_hostile_names_stay_text():
    profile = _profile(EVIL)
    found = _read(profile_page(profile))
    tame = _read(profile_page(_profile("tame")))
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in tame.elements]
    assert [sorted(attrs) for _, attrs in found.elements] == [sorted(attrs) for _, attrs in tame.elements]
    assert EVIL in found.text
    assert "49" not in found.text.replace(EVIL, "")
    (data,) = found.scripts
    assert json.loads(data) == json.loads(json.dumps(as_record(profile)))
    assert json.loads(data)["persons"][0]["sample"] == EVIL


def test_the_page_needs_nothing_beside_itself():
    page = profile_page(_profile())
    assert page == profile_page(_profile())
    for _, attrs in _read(page).elements:
        for name in ("src", "href", "action", "poster"):
            assert not (attrs.get(name) or "#").startswith(("http", "//", "/"))
    assert "url(" not in page
    assert "@import" not in page
    assert page.count('type="application/json"') == 1
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_what_a_section_says_first_stands_before_the_heading():
    profile = _profile()
    section = replace(
        profile.sections[0], first_line="The model has not beaten the others.", title="Forecast"
    )
    page = profile_page(replace(profile, sections=(section,)))
    assert page.index("The model has not beaten the others.") < page.index("<h1>")
    assert "<g id='ours'>" in page
    assert page.index('id="section-1"') < page.index('id="storms"')
    assert next(iter(profile_lines(replace(profile, sections=(section,))))) == section.first_line


def test_a_page_says_what_it_is_and_leaves_persons_out():
    page = profile_page(replace(_profile(), persons=None, sections=(), contrasts=(), contrast_notes=()))
    text = " ".join(_read(page).text.split())
    for part in (
        "no medical device and not for care", "compares or ranks therapies for a person",
        "4.0 % 59.0 %", "not defined: cases", "4 higher, 0 lower, 1 mixed",
        "Not named in this table: Roseburia", "1 of 2 are blanks", "×0.900", "95 % of 16 gut worlds",
    ):  # fmt: skip
        assert part in text
    assert "Single samples" not in text
    assert "Contrasts of the groups" not in text


def test_every_table_cell_has_its_heading_on_a_phone():
    """A card shows the heading of each cell from data-name: no cell may lack it."""
    for part in profile_page(_profile()).split('<table class="cards">')[1:]:
        cells = _read(part.split("</table>")[0]).elements
        assert all("data-name" in attrs for tag, attrs in cells if tag == "td")


@pytest.mark.parametrize(
    ("value", "scale", "written"),
    [
        (0.0123, "share", "+1.23"), (-0.2, "prevalence", "-20.0"), (0.00001, "share", "+0.001"),
        (-0.6931472, "log", "-0.69 (×0.500)"), (1.5, "difference", "+1.5"),
        (-9.81e-06, "difference", "-0.00000981"), (2e-7, "share", "+0.00002"), (0.0, "share", "0"),
        (None, "share", "–"),
    ],
)  # fmt: skip
def test_effects_are_written_on_their_scale(value, scale, written):
    assert words.effect(value, scale) == written


def test_the_text_has_the_numbers_of_the_page():
    lines = "\n".join(profile_lines(_profile()))
    for part in ("cases holds 10 samples.", "25.0 %", "24.0 % to 26.0 %", "raw 4.0 %, asked 59.0 %",
                 "+0.70 (×2.01)", "fewer than 5 usable samples", "# 10 samples (10 ok)"):  # fmt: skip
        assert part in lines


def test_a_spread_has_one_rounding():
    spread = SampleQuantiles(0.98, 0.99996, 0.99998, 1.0, 1.0)
    assert words.spread(spread) == "1.000 (1.000 to 1.000; 90 % in 0.980 to 1.000)"
