"""What a generator gives away: areas by hand, leaks that are there, and every reason against an export."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.population.stool.table import read_profiles
from eubiosis.population.virtual import privacy
from eubiosis.population.virtual.fit import FitData, fit_generator
from eubiosis.population.virtual.nearest import nearest_distances, roots_of_shares
from eubiosis.population.virtual.reference import reference_people


def test_the_area_is_the_share_of_pairs_in_order_with_ties_counted_half():
    assert privacy._area(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_distances_are_hellingers_by_hand():
    roots = roots_of_shares(np.array([[1.0, 0.0], [0.0, 5.0], [2.0, 0.0]]))
    assert nearest_distances(roots[:1], roots[1:2])[0] == pytest.approx(1.0)
    assert nearest_distances(roots[:1], roots[2:])[0] == 0.0
    assert nearest_distances(roots, roots, rank=2)[1] == pytest.approx(1.0)


def data(people, taxa, seed=0, groups=1):
    """Independent lognormal taxa: nothing but chance to be remembered."""
    random = np.random.default_rng(seed)
    shares = np.exp(random.standard_normal((people * groups, taxa)))
    counts = random.poisson(5_000 * shares / shares.sum(axis=1, keepdims=True)).astype(float)
    names = tuple(f"g{k % groups}" for k in range(people * groups))
    return FitData(tuple(f"t{j}" for j in range(taxa)), counts, counts.sum(axis=1), names, "made.tsv", "")


def test_many_numbers_of_few_people_give_them_away_and_blur_hides_them():
    (open_,) = privacy.attack(data(60, 12))
    (hidden,) = privacy.attack(data(60, 12), blur=6.0)
    assert open_.auc > 0.65
    assert hidden.auc < open_.auc - 0.08


def test_few_numbers_of_many_people_give_nobody_away():
    (found,) = privacy.attack(data(800, 3))
    assert found.auc < 0.55
    assert abs(found.nearer_to_members - 0.5) < 0.05
    assert found.copies == 0


def test_a_group_too_small_to_halve_has_no_area():
    (found,) = privacy.attack(data(15, 4))
    assert np.isnan(found.auc_alone)
    assert found.splits == 0


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    path = tmp_path_factory.mktemp("people") / "stool.tsv"
    path.write_text(reference_people(120, seed=3).table_text())
    return read_profiles(path)


def test_an_export_needs_consent_and_a_small_area(people):
    generator = fit_generator(people, most_taxa=5, blur=5.0)
    with pytest.raises(FindingsError, match="no basis of consent") as refused:
        privacy.check_export(generator, people)
    assert len(refused.value.findings) == 1
    fine = fit_generator(people, most_taxa=5, blur=5.0, basis="made people")
    assert {one.group for one in privacy.check_export(fine, people)} == {"MS", "Control"}
    with pytest.raises(FindingsError, match="an attack tells members from others"):
        privacy.check_export(fit_generator(people, groups=["MS"], most_taxa=16, basis="made"), people)


def test_groups_below_a_hundred_are_refused_before_they_are_attacked(monkeypatch, tmp_path):
    (tmp_path / "t.tsv").write_text(reference_people({"MS": 99, "Control": 100}, seed=3).table_text())
    stool = read_profiles(tmp_path / "t.tsv")
    monkeypatch.setattr(privacy, "attack", lambda *_, **__: pytest.fail("attacked"))
    with pytest.raises(FindingsError, match="group MS: 99 people; allowed: 100 people or more"):
        privacy.check_export(fit_generator(stool, most_taxa=4, basis="made people"), stool)


def test_a_copy_is_refused(monkeypatch, people):
    real = privacy.attack

    def with_a_copy(found, **options):
        return tuple(privacy.GroupPrivacy(**{**vars(one), "copies": 1}) for one in real(found, **options))

    monkeypatch.setattr(privacy, "attack", with_a_copy)
    with pytest.raises(FindingsError, match="1 virtual people equal a real one"):
        privacy.check_export(
            fit_generator(people, groups=["MS"], most_taxa=4, blur=5.0, basis="made"), people
        )
