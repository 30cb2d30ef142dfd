"""Generators: numbers recovered that were put in, and laws of the draws."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.population.example import example_table
from eubiosis.population.stool.table import read_profiles
from eubiosis.population.virtual.correlation import correlation_root, latent_correlation, positive
from eubiosis.population.virtual.fit import POOLED, fit_data, fit_generator
from eubiosis.population.virtual.generator import Generator, GroupModel
from eubiosis.population.virtual.likelihoods import CountLikelihoods, Marginals

CARRIED = np.array([0.95, 0.6, 0.3])
LEVEL = np.log([0.1, 0.01, 0.002])
SPREAD = np.array([0.6, 1.0, 1.2])
DEPTH = 20_000


def counts_of(people, seed=0):
    """Draw counts by the model itself, with its three numbers known and taxa independent."""
    random = np.random.default_rng(seed)
    depths = np.round(DEPTH * np.exp(0.4 * random.standard_normal(people)))
    there = random.random((people, 3)) < CARRIED
    shares = np.exp(LEVEL + SPREAD * random.standard_normal((people, 3))) * there
    return random.poisson(shares * depths[:, None]).astype(float), depths


def test_the_numbers_of_a_taxon_are_recovered():
    counts, depths = counts_of(3_000)
    found = CountLikelihoods.of(counts, depths).fit(np.arange(3_000))
    np.testing.assert_allclose(found.carried, CARRIED, atol=0.03)
    np.testing.assert_allclose(found.level_mean, LEVEL, atol=0.1)
    np.testing.assert_allclose(found.level_sd, SPREAD, atol=0.08)


def test_absence_is_told_from_a_share_too_small_for_the_depth():
    # half of the carriers of this taxon are below one read: the plain share of samples with it is far lower
    random = np.random.default_rng(1)
    depths = np.full(4_000, 1_000.0)
    shares = np.exp(np.log(0.0012) + 0.8 * random.standard_normal(4_000)) * (random.random(4_000) < 0.8)
    counts = random.poisson(shares * depths).astype(float)[:, None]
    assert (counts > 0).mean() < 0.55
    found = CountLikelihoods.of(counts, depths).fit(np.arange(4_000))
    assert found.carried[0] == pytest.approx(0.8, abs=0.07)


def test_likelihoods_are_those_of_the_distribution():
    # one node decides where the spread is as narrow as allowed: a plain Poisson beside the absence
    from scipy.stats import poisson

    counts, depths = np.array([[0.0], [7.0], [20.0]]), np.array([100.0, 100.0, 200.0])
    likelihoods = CountLikelihoods.of(counts, depths)
    node = int(np.argmin(np.abs(likelihoods.nodes[0] - np.log(0.1))))
    level = likelihoods.nodes[0, node]
    narrow = Marginals(np.array([0.7]), np.array([level]), np.array([1e-3]))
    _, logs = likelihoods.scores(narrow, np.arange(3))
    expected = 0.7 * poisson.pmf(counts[:, 0], depths * np.exp(level)) + 0.3 * (counts[:, 0] == 0)
    np.testing.assert_allclose(logs[:, 0], np.log(expected), rtol=1e-5)


@pytest.mark.parametrize("wanted", [-0.5, 0.0, 0.7])
def test_correlation_is_recovered_behind_counts_and_absences(wanted):
    truth = np.array([[1, wanted, 0], [wanted, 1, 0], [0, 0, 1.0]])
    model = GroupModel(1, Marginals(CARRIED, LEVEL, SPREAD), truth, np.log(DEPTH), 0.3)
    rest = Marginals(np.append(CARRIED, 0.999), np.append(LEVEL, np.log(0.8)), np.append(SPREAD, 0.1))
    wide = np.eye(4)
    wide[:3, :3] = model.correlation
    made = Generator(("a", "b", "c", "rest"), {"g": GroupModel(1, rest, wide, np.log(DEPTH), 0.3)}, "").draw(
        1_500
    )
    counts = made.counts.astype(float)
    likelihoods = CountLikelihoods.of(counts, counts.sum(axis=1))
    scores, _ = likelihoods.scores(likelihoods.fit(np.arange(1_500)), np.arange(1_500))
    found = latent_correlation(scores)
    assert found[0, 1] == pytest.approx(wanted, abs=0.12)
    assert abs(found[0, 2]) < 0.1


def test_few_people_leave_correlations_near_zero():
    scores = np.random.default_rng(3).standard_normal((30, 12))
    off = latent_correlation(scores)[~np.eye(12, dtype=bool)]
    assert np.abs(off).max() < 0.2
    assert np.abs(np.corrcoef(scores.T)[~np.eye(12, dtype=bool)]).max() > 0.4


def test_a_matrix_that_is_no_correlation_becomes_one():
    broken = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]])
    mended = positive(broken)
    assert np.linalg.eigvalsh(mended)[0] > 0
    np.testing.assert_allclose(np.diag(mended), 1)
    root = correlation_root(mended)
    np.testing.assert_allclose(root @ root, mended, atol=1e-12)


@pytest.fixture(scope="module")
def stool():
    return read_profiles(example_table())


def test_a_person_depends_on_seed_group_and_number_only(stool):
    generator = fit_generator(stool, most_taxa=8)
    many = generator.draw(12, seed=5)
    few = generator.draw(2, seed=5, groups=["Control"], first=3)
    place = many.samples.index("made_Control_0003")
    np.testing.assert_array_equal(few.counts, many.counts[place : place + 2])
    assert not np.array_equal(generator.draw(12, seed=6).counts, many.counts)


def test_what_is_drawn_is_a_stool_table_labelled_as_made(tmp_path, stool):
    made = fit_generator(stool, most_taxa=8).draw(4)
    for name, data in made.files(seed=1).items():
        (tmp_path / name).write_bytes(data)
    table = read_profiles(
        tmp_path / "stool.tsv", metadata=tmp_path / "people.tsv", id_column="", group_column="group"
    )
    assert table.groups == ("MS",) * 4 + ("Control",) * 4
    assert table.depth.tolist() == made.counts.sum(axis=1).tolist()
    assert all(sample.startswith("made_") for sample in table.sample_ids)
    assert (tmp_path / "people.tsv").read_text().count("\tmade\t") == 8
    assert "Nobody in this table exists" in (tmp_path / "origin.json").read_text()


def test_rare_taxa_are_pooled_and_no_read_is_lost(stool):
    data = fit_data(stool, most_taxa=5)
    assert len(data.taxa) == 6
    assert data.taxa[-1] == POOLED
    assert data.depths.tolist() == stool.depth.tolist()
    seen = (data.counts[:, :-1] > 0).mean(axis=0)
    assert (seen >= 0.1).all()


def test_blur_is_the_same_for_the_same_table_and_another_for_another(stool):
    one, same, plain = (fit_generator(stool, most_taxa=6, blur=b) for b in (2.0, 2.0, 0.0))
    np.testing.assert_array_equal(one.groups["MS"].correlation, same.groups["MS"].correlation)
    moved = one.groups["MS"].marginals.level_sd - plain.groups["MS"].marginals.level_sd
    assert np.abs(moved).max() > 0
    other = fit_generator(stool, groups=["MS"], most_taxa=5, blur=2.0)
    assert not np.array_equal(other.groups["MS"].correlation[:3, :3], one.groups["MS"].correlation[:3, :3])


def test_groups_and_numbers_that_cannot_be_are_findings(stool):
    with pytest.raises(FindingsError, match='the group "Nobody" is not in the table'):
        fit_generator(stool, groups=["Nobody"])
    generator = fit_generator(stool, groups=["MS"], most_taxa=4)
    with pytest.raises(FindingsError, match='"ms" is unknown; nearest "MS"'):
        generator.draw(3, groups=["ms"])
    with pytest.raises(FindingsError, match="0 people"):
        generator.draw(0)
