"""Laws that hold for every stool table: closure, order, orientation, depth, and no contrast to itself."""

import csv
import io

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eubiosis.population.contrast import centred_log_ratios, guild_contrast
from eubiosis.population.stool.table import read_profiles
from eubiosis.population.taxa import GUILDS

TAXA = (
    "Bacteroides",
    "Prevotella",
    "Akkermansia",
    "Blautia",
    "[Ruminococcus]",
    "Roseburia",
    "g__Faecalibacterium",
    "unclassified_Lachnospiraceae",
    "Sutterella",
    "Nobodyella",
)
REFERENCE = {guild: (k + 1) / 105 for k, guild in enumerate(GUILDS)}
counts = st.integers(0, 5000)
tables = st.integers(2, 6).flatmap(
    lambda n: st.lists(
        # the first taxon is never zero, so no sample is empty
        st.lists(counts, min_size=len(TAXA), max_size=len(TAXA)).map(lambda row: [row[0] + 100, *row[1:]]),
        min_size=n,
        max_size=n,
    )
)
laws = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(folder, rows, taxa=TAXA, names=None, across=False):
    names = names or [f"s{k}" for k in range(len(rows))]
    cells = [["id", *taxa], *([name, *row] for name, row in zip(names, rows, strict=True))]
    if across:
        cells = [list(column) for column in zip(*cells, strict=True)]
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(cells)
    path = folder / "t.tsv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return read_profiles(path)


@laws
@given(rows=tables)
def test_fractions_and_targets_sum_to_one(tmp_path, rows):
    table = read(tmp_path, rows)
    np.testing.assert_allclose(table.fractions.sum(axis=1), 1, rtol=1e-12)
    target = guild_contrast(table).target_fractions(REFERENCE)
    np.testing.assert_allclose(target.sum(axis=1), 1, rtol=1e-12)
    assert (target > 0).all()
    assert ((table.mapped_share > 0) & (table.mapped_share <= 1)).all()


@laws
@given(rows=tables, data=st.data())
def test_the_order_of_samples_and_taxa_does_not_matter(tmp_path, rows, data):
    samples = data.draw(st.permutations(range(len(rows))))
    taxa = data.draw(st.permutations(range(len(TAXA))))
    base = read(tmp_path, rows)
    shuffled = read(
        tmp_path,
        [[rows[k][j] for j in taxa] for k in samples],
        taxa=[TAXA[j] for j in taxa],
        names=[f"s{k}" for k in samples],
    )
    np.testing.assert_array_equal(shuffled.guild_sums, base.guild_sums[list(samples)])
    np.testing.assert_array_equal(
        guild_contrast(shuffled).log_ratios, guild_contrast(base).log_ratios[list(samples)]
    )


@laws
@given(rows=tables)
def test_orientation_does_not_matter(tmp_path, rows):
    upright, across = read(tmp_path, rows), read(tmp_path, rows, across=True)
    assert (upright.orientation, across.orientation) == ("samples_in_rows", "samples_in_columns")
    assert upright.sample_ids == across.sample_ids
    np.testing.assert_array_equal(upright.guild_sums, across.guild_sums)


@laws
@given(rows=tables, factor=st.integers(2, 50))
def test_depth_does_not_change_fractions(tmp_path, rows, factor):
    base = read(tmp_path, rows)
    deep = read(tmp_path, [[value * factor for value in row] for row in rows])
    np.testing.assert_allclose(deep.fractions, base.fractions, rtol=1e-12)
    np.testing.assert_allclose(deep.mapped_share, base.mapped_share, rtol=1e-12)


@laws
@given(row=st.lists(counts, min_size=len(TAXA), max_size=len(TAXA)), n=st.integers(1, 4))
def test_a_contrast_to_itself_is_zero(tmp_path, row, n):
    row = [row[0] + 100, *row[1:]]
    contrast = guild_contrast(read(tmp_path, [row] * n))
    np.testing.assert_allclose(contrast.log_ratios, 0, atol=1e-12)
    np.testing.assert_allclose(
        contrast.target_fractions(REFERENCE), [list(REFERENCE.values())] * n, rtol=1e-9
    )


@laws
@given(rows=tables)
def test_the_target_differs_from_the_reference_by_the_contrast(tmp_path, rows):
    contrast = guild_contrast(read(tmp_path, rows))
    seen = contrast.observed
    reference = np.array([[REFERENCE[guild] for guild in GUILDS]])[:, seen]
    moved = centred_log_ratios(contrast.target_fractions(REFERENCE)[:, seen]) - centred_log_ratios(reference)
    np.testing.assert_allclose(moved, contrast.log_ratios[:, seen], atol=1e-9)
