"""Virtual beside real people: figures by hand, people held against themselves, and files of generators."""

import dataclasses
import json

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.record import as_json
from eubiosis.population import write_example_table
from eubiosis.population.example import example_table
from eubiosis.population.stool.table import read_profiles
from eubiosis.population.virtual.describe import describe
from eubiosis.population.virtual.fit import fit_generator
from eubiosis.population.virtual.reference import reference_people
from eubiosis.population.virtual.stored import generator_text, read_generator
from eubiosis.report.population_page import population_page


def table(path, made):
    path.write_text(made.table_text())
    return read_profiles(path)


def test_people_held_against_themselves_differ_in_nothing():
    stool = read_profiles(example_table())
    for group in describe(stool, stool).groups:
        assert group.largest_difference == 0
        assert group.correlations.rms == 0
        assert group.copies == group.people.real == 20
        assert group.zeros.virtual == group.zeros.real


def test_the_page_does_not_call_copies_of_real_people_made(tmp_path):
    stool = read_profiles(example_table())
    page = population_page(describe(stool, stool))
    assert "Nobody of them exists" not in page
    assert "Not all made." in page
    assert "20 virtual people equal a real one" in page
    assert "lie nearer to real ones than to each other" in page
    others = read_profiles(write_example_table(tmp_path / "others.tsv", seed=1))
    page = population_page(describe(others, stool))
    assert "Nobody of them exists" in page
    assert "Not all made." not in page


def test_figures_are_those_counted_by_hand(tmp_path):
    # taxon by taxon: ten people each; the virtual half of them carry Dorea
    rows = {"v": [(60, 30, 10 * (k % 2), 10) for k in range(10)], "r": [(100, 80, 20, 0) for _ in range(10)]}
    for name, cells in rows.items():
        lines = ["id\tBlautia\tRoseburia\tDorea\tSutterella"]
        lines += [f"{name}{k}\t" + "\t".join(map(str, row)) for k, row in enumerate(cells)]
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (group,) = describe(read_profiles(tmp_path / "v.tsv"), read_profiles(tmp_path / "r.tsv")).groups
    taxa = {t.name: t for t in group.taxa}
    assert (taxa["dorea"].carried.virtual, taxa["dorea"].carried.real) == (0.5, 1.0)
    assert taxa["blautia"].share.real == pytest.approx(0.5)
    assert taxa["blautia"].share.virtual == pytest.approx(np.mean([60 / 100, 60 / 110]))
    assert (group.depth.virtual, group.depth.real) == (105, 200)
    assert group.told_apart == 1.0
    assert group.presence.rms is None


def test_an_exchange_of_the_tables_turns_the_differences_round(tmp_path):
    one, other = (table(tmp_path / f"{seed}.tsv", reference_people(30, seed=seed)) for seed in (1, 2))
    for there, back in zip(describe(one, other).groups, describe(other, one).groups, strict=True):
        ours = {t.name: t.difference for t in there.taxa}
        theirs = {t.name: t.difference for t in back.taxa}
        assert all(theirs[name] == pytest.approx(-value) for name, value in ours.items())
        assert there.told_apart == pytest.approx(back.told_apart)


def test_people_of_one_population_cannot_be_told_apart_and_people_without_correlations_can(tmp_path):
    real = table(tmp_path / "real.tsv", reference_people({"MS": 300}, seed=1))
    same = table(tmp_path / "same.tsv", reference_people({"MS": 300}, seed=2))
    (close,) = describe(same, real).groups
    assert abs(close.told_apart - 0.5) < 0.06
    assert close.correlations.rms == pytest.approx(close.correlations.rms_by_chance, rel=0.25)
    generator = fit_generator(real, most_taxa=45)
    (fitted,) = describe(table(tmp_path / "fitted.tsv", generator.draw(300)), real).groups
    independent = dataclasses.replace(
        generator,
        groups={
            name: dataclasses.replace(model, correlation=np.eye(len(generator.taxa)))
            for name, model in generator.groups.items()
        },
    )
    (loose,) = describe(table(tmp_path / "loose.tsv", independent.draw(300)), real).groups
    assert fitted.correlations.rms < loose.correlations.rms
    assert fitted.within_quarter > 0.9
    assert abs(fitted.zeros.virtual - fitted.zeros.real) < 0.02


def test_too_few_people_or_taxa_in_common_are_findings(tmp_path):
    real = read_profiles(example_table())
    few = table(tmp_path / "few.tsv", reference_people(4, seed=1))
    with pytest.raises(FindingsError, match="too few people in every group"):
        describe(few, real)
    (tmp_path / "other.tsv").write_text("id\tDorea\tHafnia\n" + "".join(f"s{k}\t1\t2\n" for k in range(12)))
    with pytest.raises(FindingsError, match="1 taxa in common"):
        describe(read_profiles(tmp_path / "other.tsv"), real)


def test_a_description_is_json_without_gaps(tmp_path):
    stool = read_profiles(example_table())
    json.loads(as_json(describe(stool, stool)), parse_constant=pytest.fail)


def test_a_generator_comes_back_from_its_file(tmp_path):
    generator = fit_generator(read_profiles(example_table()), most_taxa=6, blur=1.0, basis="made people")
    path = tmp_path / "generator.json"
    path.write_text(generator_text(generator, ()))
    back = read_generator(path)
    assert (back.taxa, back.basis, back.blur, back.fitted_to) == (
        generator.taxa, "made people", 1.0, "stool.tsv",
    )  # fmt: skip
    drawn, again = (one.draw(200, groups=["MS"]).counts for one in (generator, back))
    shares = [counts.sum(axis=0) / counts.sum() for counts in (drawn, again)]
    np.testing.assert_allclose(*shares, atol=2e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.pop("taxa"), "taxa"),
        (lambda r: r["groups"]["MS"]["carried"].append(0.5), "another length"),
        (lambda r: r["groups"]["MS"].update(level_sd=[-1.0] * 7), "out of range"),
        (lambda r: r.update(more=1), "more"),
        (lambda r: r["groups"]["MS"].update(log_depth_mean=1e9), "out of range"),
    ],
)
def test_a_broken_file_of_a_generator_is_a_finding(tmp_path, change, said):
    path = tmp_path / "generator.json"
    path.write_text(generator_text(fit_generator(read_profiles(example_table()), most_taxa=6), ()))
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises(FindingsError, match=said):
        read_generator(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00", "[" * 100_000])
def test_what_is_no_file_of_a_generator_is_a_finding(tmp_path, text):
    (tmp_path / "g.json").write_text(text)
    with pytest.raises(FindingsError):
        read_generator(tmp_path / "g.json")
    with pytest.raises(FindingsError):
        read_generator(tmp_path / "absent.json")
