"""The made example: one table in four formats, drawn anew from its seed."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.population.example import (
    EXAMPLE_FOLDER,
    FILES,
    PEOPLE_FILE,
    example_people,
    example_table,
    write_example_table,
)
from eubiosis.population.stool.table import read_profiles
from eubiosis.population.virtual.reference import reference_people

NEEDS = {"biom": ("biom", "h5py"), "excel": ("openpyxl",)}
ROUNDING = {"text": 0.0, "biom": 0.0, "excel": 0.0, "metaphlan": 2e-6}


def example(form):
    for library in NEEDS.get(form, ()):
        pytest.importorskip(library)
    people = EXAMPLE_FOLDER / PEOPLE_FILE
    return read_profiles(example_table(form), metadata=people, id_column="sample", group_column="group")


def test_the_packaged_files_are_what_the_seed_gives(tmp_path):
    made = example_people()
    assert write_example_table(tmp_path / "stool.tsv").read_bytes() == example_table().read_bytes()
    assert made.metadata_text() == (EXAMPLE_FOLDER / PEOPLE_FILE).read_text(encoding="utf-8")
    assert made.origin_text() == (EXAMPLE_FOLDER / "origin.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", FILES)
def test_every_format_holds_the_same_forty_people(form):
    table, made = example(form), example_people()
    assert table.sample_ids == made.samples
    assert table.groups == ("MS",) * 20 + ("Control",) * 20
    wanted = read_profiles(example_table()).fractions
    np.testing.assert_allclose(table.fractions, wanted, rtol=0, atol=ROUNDING[form])


def test_the_table_is_small_and_says_that_it_is_made():
    assert sum(path.stat().st_size for path in EXAMPLE_FOLDER.iterdir()) < 150_000
    assert all(sample.startswith("made_") for sample in read_profiles(example_table()).sample_ids)


def test_guilds_follow_the_reference_population():
    # 400 people: mean log-ratios of MS against controls are those of the summaries, within sampling error
    from eubiosis.core.guilds import GUILDS
    from eubiosis.population.reference import load_reference

    made, reference = reference_people(400, seed=11), load_reference()
    taxa = {taxon: j for j, taxon in enumerate(made.taxa)}
    rows = np.array(made.groups) == "MS"
    faecalibacteria = sum(
        made.counts[:, taxa[t]] for t in ("Faecalibacterium", "Gemmiger", "Subdoligranulum")
    )
    bacteroides = sum(made.counts[:, taxa[t]] for t in ("Bacteroides", "Phocaeicola", "Alistipes"))
    ratio = np.log((faecalibacteria + 0.5) / (bacteroides + 0.5))
    wanted = reference.contrasts["MS"][GUILDS.index("FAE")] - reference.contrasts["MS"][GUILDS.index("BAC")]
    found = ratio[rows].mean() - ratio[~rows].mean()
    error = np.sqrt(ratio[rows].var() / rows.sum() + ratio[~rows].var() / (~rows).sum())
    assert abs(found - wanted) < 3 * error


def test_a_person_is_the_same_however_many_are_drawn():
    many, few = reference_people(6, seed=4), reference_people({"Control": 2}, seed=4, first=3)
    place = many.samples.index("made_Control_0003")
    np.testing.assert_array_equal(few.counts, many.counts[place : place + 2])
    assert few.columns["age"] == many.columns["age"][place : place + 2]


def test_what_cannot_be_drawn_is_a_finding(tmp_path):
    with pytest.raises(FindingsError, match='group "Nobody" is unknown'):
        reference_people({"Nobody": 3})
    with pytest.raises(FindingsError, match="no people"):
        reference_people(0)
    with pytest.raises(FindingsError, match="1 people"):
        write_example_table(tmp_path / "t.tsv", people=1)
    with pytest.raises(FindingsError, match='form "biome" is unknown; nearest "biom"'):
        example_table("biome")
