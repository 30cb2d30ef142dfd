"""Aitchison distances: what holds for every composition, and where the reference's own controls lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eubiosis.population.contrast import GuildContrast
from eubiosis.population.genera import genus_of
from eubiosis.population.position import aitchison, position_by_contrast
from eubiosis.population.reference import load_reference

PARTS = arrays(float, (3, 6), elements=st.floats(1e-4, 1e4))


@given(PARTS, st.floats(1e-3, 1e3), st.permutations(range(6)))
def test_scale_and_order_of_parts_do_not_matter(parts, factor, order):
    one = aitchison(parts[:2], parts[2])
    assert aitchison(factor * parts[:2], parts[2] / factor) == pytest.approx(one, abs=1e-9)
    assert aitchison(parts[:2][:, order], parts[2][order]) == pytest.approx(one, abs=1e-9)


@given(PARTS)
def test_it_is_a_distance(parts):
    a, b, c = parts
    assert aitchison(a[None], a)[0] == pytest.approx(0, abs=1e-9)
    assert aitchison(a[None], b)[0] == pytest.approx(aitchison(b[None], a)[0], abs=1e-9)
    assert aitchison(a[None], c)[0] <= aitchison(a[None], b)[0] + aitchison(b[None], c)[0] + 1e-9
    # perturbing both alike changes nothing
    assert aitchison((a * c)[None], b * c)[0] == pytest.approx(aitchison(a[None], b)[0], abs=1e-6)


def test_the_reference_lies_evenly_among_itself():
    """Drawn controls have percentiles that are uniform; MS, drawn around another mean, lie farther out."""
    population = load_reference()
    own = position_by_contrast(population.draw_profiles("Control", 800, seed=5)).percentiles()
    assert own.mean() == pytest.approx(0.5, abs=0.05)
    assert np.quantile(own, [0.1, 0.9]) == pytest.approx([0.1, 0.9], abs=0.05)
    other = position_by_contrast(population.draw_profiles("MS", 800, seed=5)).percentiles()
    assert other.mean() > own.mean()


def test_guilds_that_were_not_observed_do_not_count():
    drawn = load_reference().draw_profiles("Control", 5, seed=1)
    seen = drawn.observed.copy()
    seen[0] = False
    logs = np.where(seen, drawn.log_ratios, 0.0)
    part = position_by_contrast(
        GuildContrast(drawn.subject_ids, logs, seen, drawn.detected_share, drawn.status, "controls")
    )
    away = logs[:, seen] - logs[:, seen].mean(axis=1, keepdims=True)
    assert part.distances == pytest.approx(np.sqrt((away**2).sum(axis=1)))
    assert len(part.guilds) == seen.sum()
    assert np.isnan(part.percentiles(np.array([np.nan]))[0])


@pytest.mark.parametrize(
    ("label", "genus"),
    [
        ("k__Bacteria;p__Firmicutes;f__Ruminococcaceae;g__Faecalibacterium", "faecalibacterium"),
        ("Faecalibacterium_prausnitzii", "faecalibacterium"),
        ("g__Sutterella;s__wadsworthensis", "sutterella"),
        ("Nobodyella", "nobodyella"),
        ("Blautia_A", "blautia"),
        ("f__Lachnospiraceae", ""),
        ("k__Bacteria", ""),
        ("", ""),
    ],
)
def test_a_label_names_a_genus(label, genus):
    assert genus_of(label) == genus
