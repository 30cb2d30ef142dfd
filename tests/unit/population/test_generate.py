"""Cohorts: who the subjects are made from, the same person in any company, and groups that are missing."""

import dataclasses

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.core.table_schemas import COHORT
from eubiosis.model.worlds import reference_shares
from eubiosis.population import PopulationSource, generate, guild_contrast, read_profiles
from eubiosis.population.generate import cohort_of
from eubiosis.population.subjects import subjects_from_contrast, subjects_from_reference

# genera of nine guilds; sample "empty" has no reads of a guild, "odd" is in no group that is asked for
GENERA = ("Bacteroides", "Faecalibacterium", "Roseburia", "Blautia", "Akkermansia", "Sutterella")
SAMPLES = {
    "a": ("MS", (50, 20, 10, 10, 5, 5)),
    "b": ("MS", (10, 40, 20, 10, 15, 5)),
    "c": ("MS", (30, 30, 10, 20, 5, 5)),
    "d": ("Control", (20, 40, 20, 10, 5, 5)),
    "e": ("Control", (40, 20, 10, 20, 5, 5)),
    "odd": ("Other", (25, 25, 20, 20, 5, 5)),
    "empty": ("MS", (0, 0, 0, 0, 0, 100)),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A made stool table and its metadata, as files."""
    folder = tmp_path_factory.mktemp("stool")
    lines = ["id\t" + "\t".join(GENERA)]
    lines += [f"{name}\t" + "\t".join(str(10 * n) for n in reads) for name, (_, reads) in SAMPLES.items()]
    (folder / "stool.tsv").write_text("\n".join(lines) + "\n")
    people = [f"{name}\t{group}" for name, (group, _) in SAMPLES.items()]
    (folder / "people.tsv").write_text("\n".join(["who\tarm", *people]) + "\n")
    return folder


@pytest.fixture(scope="module")
def stool(files):
    """The table with the groups of its samples."""
    return read_profiles(
        files / "stool.tsv", metadata=files / "people.tsv", id_column="who", group_column="arm"
    )


def shares(model):
    return dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))


def same(one, other):
    assert one.numbers == other.numbers
    assert one.profile_status == other.profile_status
    for name in ("shares", "age", "female", "edss", "relapsing"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def refused(*arguments, **options):
    with pytest.raises(FindingsError) as caught:
        generate(*arguments, **options)
    (found,) = caught.value.findings
    assert found.allowed
    return found


def test_without_profiles_people_come_from_the_reference_population(model):
    cohort = generate(model, seed=7, group="Control")
    assert (cohort.profiles, cohort.size) == (None, None)
    same(
        cohort.candidates(5, first=3),
        subjects_from_reference(shares(model), group="Control", size=5, seed=7, first=3),
    )


def test_with_profiles_people_are_made_of_the_usable_samples_of_their_group(model, stool):
    cohort = generate(model, stool, seed=7, group="MS", control="Control")
    assert cohort.profiles == 3  # the empty sample of the group cannot be used
    expected = guild_contrast(stool.by_id(), "Control")
    assert [expected.subject_ids[i] for i in cohort.members] == ["a", "b", "c"]
    np.testing.assert_array_equal(cohort.contrast.log_ratios, expected.log_ratios)
    same(
        cohort.candidates(6),
        subjects_from_contrast(expected, shares(model), members=cohort.members, size=6, seed=7),
    )
    # every profile is used once before any is used again
    people = cohort.candidates(6).shares
    assert len(np.unique(people[:3], axis=0)) == len(np.unique(people, axis=0)) == 3


def test_without_a_control_the_contrast_is_to_the_median_of_the_table(model, stool):
    cohort = generate(model, stool, seed=7)
    assert cohort.contrast.centre == "median"
    np.testing.assert_array_equal(cohort.contrast.log_ratios, guild_contrast(stool.by_id()).log_ratios)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_rows_of_a_table_changes_no_bit(model, stool, seed):
    order = np.random.default_rng(seed).permutation(len(stool.sample_ids))
    mixed = dataclasses.replace(
        stool,
        **{
            name: tuple(getattr(stool, name)[k] for k in order) for name in ("sample_ids", "groups", "status")
        },
        **{
            name: getattr(stool, name)[order]
            for name in ("guild_sums", "depth", "detection_limit", "mapped_share")
        },
    )
    assert mixed.sample_ids != stool.sample_ids
    one, other = (generate(model, table, seed=7, control="Control") for table in (stool, mixed))
    same(one.candidates(9), other.candidates(9))


def test_a_table_without_groups_has_participants_only(model, files):
    cohort = generate(model, read_profiles(files / "stool.tsv"), group="whoever", seed=7)
    assert cohort.profiles == 6


def test_a_subject_is_the_same_person_however_many_are_made(model, stool):
    for profiles in (None, stool):
        cohort = generate(model, profiles, seed=7)
        many = cohort.candidates(12)
        same(cohort.candidates(4, first=5), many.take(np.arange(5, 9)))
        other = generate(model, profiles, seed=8).candidates(12)
        assert not np.array_equal(many.age, other.age)


def test_the_table_of_a_cohort_is_its_candidates(model):
    cohort = generate(model, size=9, seed=7)
    table, people = cohort.to_table(), cohort.candidates(9)
    assert table.schema == COHORT
    assert table["subject"].tolist() == list(range(9))
    np.testing.assert_array_equal(table["age"], people.age)
    np.testing.assert_array_equal(
        np.column_stack([table[f"share_{guild}"] for guild in GUILDS]), people.shares
    )
    assert table["female"].tolist() == people.female.tolist()
    assert len(generate(model, seed=7).to_table()) == 100


def test_a_cohort_says_what_it_is(model, stool):
    assert repr(generate(model, size=9, seed=7)) == (
        "Cohort of 9 subjects from the reference population, group MS; seed 7"
    )
    words = "Cohort of any number of subjects from 3 stool profiles; seed 2"
    assert repr(generate(model, stool, seed=2)) == words
    assert generate(model, size=2)._repr_html_().startswith("<div")


def test_a_group_of_the_reference_that_is_not_there_is_named_with_the_nearest(model):
    found = refused(model, group="Ms")
    assert (found.place, found.problem) == ("group", 'the group "Ms" is unknown; nearest "MS"')
    assert "MS" in found.allowed.split(", ")
    assert "Control" in found.allowed.split(", ")
    assert found.next_step


def test_a_group_of_the_table_without_a_usable_sample_is_refused(model, stool):
    found = refused(model, stool, group="RRMS")
    assert (found.place, found.problem) == ("group", 'the group "RRMS" has no usable sample')
    assert found.allowed == "Control, MS, Other"
    assert found.next_step


def test_a_table_without_a_usable_sample_is_refused(model, tmp_path):
    (tmp_path / "t.tsv").write_text("id\tSutterella\tBlautia\na\t5\t0\nb\t7\t0\n")
    stool = read_profiles(tmp_path / "t.tsv")
    assert "no usable sample" in refused(model, stool).problem


def test_a_control_that_is_not_there_is_refused(model, stool):
    found = refused(model, stool, control="Controls")
    assert '"Controls" is unknown; nearest "Control"' in found.problem
    assert found.allowed == "Control, MS, Other"


@pytest.mark.parametrize("size", [0, -3])
def test_a_cohort_of_nobody_is_refused(model, size):
    assert refused(model, size=size).problem == f"{size} is out of range"


def test_participants_that_are_their_own_controls_are_refused(model, stool):
    assert "participants and controls at once" in refused(model, stool, group="MS", control="MS").problem


def test_a_control_of_the_reference_population_is_refused(model):
    assert refused(model, control="Control").place == "control"


def test_a_population_section_makes_the_cohort_that_python_makes(model, files, stool):
    source = PopulationSource(
        source="stool", table="stool.tsv", metadata="people.tsv", id_column="who", group_column="arm",
        control="Control", folder=str(files),
    )  # fmt: skip
    made, direct = cohort_of(source, model, 7), generate(model, stool, seed=7, control="Control")
    same(made.candidates(8), direct.candidates(8))
    assert made.profiles == direct.profiles == 3
    reference = cohort_of(PopulationSource(group="Control"), model, 7)
    same(reference.candidates(3), generate(model, seed=7, group="Control").candidates(3))
