"""Lost people of a stool table: the right denominator, names up to a number, one count for all commands."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector
from eubiosis.population import generate, guild_contrast, read_profiles
from eubiosis.population.lost import NAMED, LostProfiles, participants
from eubiosis.workflow.files.check_files import check_file
from eubiosis.workflow.profile import ProfileAsk, profile_table

GENERA = ("Bacteroides", "Faecalibacterium", "Roseburia", "Blautia", "Akkermansia", "Prevotella")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Thirty samples; m0 has two reads in six guilds (too shallow), m1 no read of a guild, c0 neither."""
    rows = []
    for k in range(20):
        reads = (500 + 9 * k, 200, 100 + k, 100, 50, 40)
        rows.append((f"m{k}", "MS", *reads, 0))
    rows[0] = ("m0", "MS", 1, 1, 0, 0, 0, 0, 0)
    rows[1] = ("m1", "MS", 0, 0, 0, 0, 0, 0, 900)
    for k in range(10):
        rows.append((f"c{k}", "well", 400 + 9 * k, 300, 120 + k, 90, 60, 50, 0))
    rows[20] = ("c0", "well", 0, 0, 0, 0, 0, 0, 700)
    text = "\n".join("\t".join(map(str, row)) for row in [("id", "group", *GENERA, "Nobodyella"), *rows])
    path = tmp_path_factory.mktemp("lost") / "stool.tsv"
    path.write_text(text + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def stool(file):
    return read_profiles(file, group_column="group")


def test_check_profile_and_cohort_count_the_same_people(file, stool, model):
    """Twenty-seven of thirty by hand: one of two reads, two of reads that are in no guild."""
    words = check_file(file, FindingCollector())
    profile = profile_table(stool, ProfileAsk(worlds=0)).profile
    cohort = generate(model, stool, group="MS")
    assert "30 samples, 27 usable" in words
    assert "27 of them usable" in profile.first_sentence
    assert {group.name: group.usable for group in profile.groups} == {"MS": 18, "well": 9}
    assert (cohort.profiles, len(cohort.participants)) == (18, 20)


def test_the_share_is_of_the_people_who_were_tried(stool):
    contrast = guild_contrast(stool)
    own = participants(contrast, stool.groups, "MS")
    place = {name: k for k, name in enumerate(contrast.subject_ids)}
    tried = [place[f"m{k}"] for k in range(2, 10)]
    found = LostProfiles.of(contrast, own, [(tried, [place["m2"]]), (tried[1:], [place["m9"]])])
    # two unusable and eight tried, of whom two are lost in one world each; ten were never needed
    assert (found.people, found.lost, found.untried, found.share) == (10, 4, 10, 0.4)
    said = found.warning()
    assert "4 of 10 people" in said
    assert "(10 more were not needed)" in said
    assert "m2, m9" in said
    assert "at least one of 2 gut worlds" in said
    assert "m0, m1" in said
    assert "c0" not in said


def test_a_tenth_is_no_warning_and_one_more_is(stool):
    contrast = guild_contrast(stool)
    own = participants(contrast, stool.groups, "MS")
    assert LostProfiles.of(contrast, own).share == 0.1
    assert LostProfiles.of(contrast, own).warning() is None
    assert LostProfiles.of(contrast, own[:-1]).warning().startswith("2 of 19 people")


def test_no_more_than_a_number_of_samples_is_named():
    many = {f"s{k:02d}": "empty" for k in range(NAMED + 3)}
    said = LostProfiles(20, many).warning()
    assert said.count("s0") + said.count("s1") == NAMED
    assert "and 3 more" in said


def test_candidates_know_their_samples(stool, model):
    """A candidate's shares are those of its sample: the same sample gives the same shares, whoever it is."""
    cohort = generate(model, stool, group="MS", seed=3)
    people = cohort.candidates(54)
    assert set(people.samples.tolist()) == set(cohort.members.tolist())
    for sample in np.unique(people.samples):
        own = people.shares[people.samples == sample]
        assert len(own) == 3
        assert np.all(own == own[0])
    assert people.take(np.array([5, 2])).samples.tolist() == people.samples[[5, 2]].tolist()
