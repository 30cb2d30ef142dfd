"""Where numbers are drawn: every assumed one is drawn, a definition, or held for a reason."""

import shutil

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedNumber
from eubiosis.model.content import load_content
from eubiosis.model.numbers import HELD, WORLDS, check_draws, is_read, shares_read, standing, standings


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(PACKAGED_CONTENT, tmp_path / "content")


def found(folder):
    collector = FindingCollector()
    check_draws(load_content(folder), collector)
    return [f"{f.file}: {f.place}: {f.problem}" for f in collector.findings]


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_assumed_number_that_is_held_in_silence_is_found(folder):
    lines = (folder / HELD).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("gut_surv_*")]
    assert len(kept) == len(lines) - 1
    (folder / HELD).write_text("".join(kept), encoding="utf-8")
    messages = found(folder)
    assert len(messages) == 3  # BIF, BUT, PRV: the other strains' survival is derived from studies
    assert all("the same in every world without a reason" in m for m in messages)
    # drawing one of them answers for it
    with (folder / WORLDS).open("a", encoding="utf-8") as stream:
        stream.write("gut_surv_BIF\tgut\tno source found\n")
    assert len(found(folder)) == 2


def test_a_reason_that_holds_nothing_is_found(folder):
    with (folder / HELD).open("a", encoding="utf-8") as stream:
        stream.write("gut_dragon_*\tno such thing\n")
    assert found(folder) == [f"content/{HELD}: gut_dragon_*: holds no number"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("host_k_D\thost\tx", "host_k_D: a number without uncertainty cannot be drawn"),
        ("host_k_dragon\thost\tx", "host_k_dragon: unknown number"),
        ("gut_ind_BAC\tgut\tx", "whole:indole: drawn together, but without gut_ind_ENT, gut_ind_CLO"),
    ],
)
def test_worlds_cannot_draw_what_has_no_law_or_half_a_group(folder, row, problem):
    with (folder / WORLDS).open("a", encoding="utf-8") as stream:
        stream.write(row + "\n")
    assert any(problem in message for message in found(folder))


def test_a_number_listed_twice_is_found(folder):
    with (folder / WORLDS).open("a", encoding="utf-8") as stream:
        stream.write("gut_Btot_ref\tgut\tsaid before\n")
    assert any("gut_Btot_ref" in m and "twice" in m for m in found(folder))


def test_a_number_alone_in_a_group_is_found(folder):
    """What moves along a line with nobody is a slip: acetate and hydrogen of Blautia, parted."""
    edit(folder / "parameters/gut_processes.tsv", "\tline:BLA-\t", "\tline:BLAUTIA-\t")
    alone = [m for m in found(folder) if "alone in line:" in m]
    assert [m.split(": ")[1] for m in alone] == ["gut_hex_BLA_Ac", "gut_hex_BLA_H2"]


def test_a_correlation_outside_its_group_is_found(folder):
    with (folder / "parameters/correlations.tsv").open("a", encoding="utf-8") as stream:
        stream.write("rank:volume\tgut_eta_V\tgut_K_RS\t1.5\tassumed\t\t\tmade up\n")
    messages = found(folder)
    assert any("gut_K_RS: no member of rank:volume" in m for m in messages)
    assert any("correlation outside" in m for m in messages)


def test_a_whole_of_two_kinds_of_law_is_found(folder):
    edit(folder / "parameters/gut.tsv", "dirichlet\t\tworld\twhole:bai", "lognormal\t\tworld\twhole:bai")
    assert any("whole:bai: some members are dirichlet" in message for message in found(folder))


def number(**change):
    row = {
        "id": "k", "description": "x", "value": 1.0, "unit": "-", "low": 0.5, "high": 2.0,
        "uncertainty": "lognormal", "level": "world", "basis": "measured", "read": "abstract", "source": "A",
    }  # fmt: skip
    return SourcedNumber(**(row | change))


def test_an_assumed_number_is_never_read_whatever_its_source():
    assert is_read(number())
    assert not is_read(number(read="secondary"))
    assumed = number(basis="assumed", note="the order was read, the number is assumed")
    assert not is_read(assumed)
    shares = shares_read([number(), number(), assumed, number(read=None)])
    assert shares["abstract"] == 0.5
    assert shares["not read"] == 0.5
    assert sum(shares.values()) == 1


def test_where_a_number_is_drawn():
    fixed = {"low": None, "high": None, "uncertainty": "none"}
    assert standing(number(), {"k"}) == "drawn in worlds"
    assert standing(number(), ()) == "held between worlds"
    assert standing(number(level="person", variability=0.2), ()) == "drawn per person"
    assert standing(number(level="definition", **fixed), {"k"}) == "definition"


def test_the_standings_of_the_tables_add_up_to_the_assumed_numbers(model):
    assumed = [row for row in model.content.numbers.values() if row.basis == "assumed"]
    counts = standings(model.content, {"gut_K_ox"})
    assert sum(counts.values()) == len(assumed)
    assert counts["drawn in worlds"] == 1
    assert counts["definition"] > 10
