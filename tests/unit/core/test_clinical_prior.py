"""The one prior of a clinical effect: exactly null without its parts, and blind to how paths are cut."""

import math
import shutil

import numpy as np
import pytest

from eubiosis.core.clinical_prior import Mixture, clinical_part, mechanism_part, read_clinical
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.findings import FindingsError
from eubiosis.core.outside import outside_of

TABLES = read_clinical(PACKAGED_CONTENT)


def as_prior(found):
    parts = (tuple(x.tolist()) for x in (found.weights, found.means, found.sds))
    return EffectPrior("o", "i", "log rate ratio", "", "lower", *parts, (), (), "assumed", ())


def copied(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT / "calibration", folder / "calibration")
    for name in ("couplings.tsv", "coupling_priors.tsv"):
        shutil.copy(PACKAGED_CONTENT / name, folder / name)
    return folder


def replace(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_without_exposure_and_without_delta_the_effect_is_exactly_none():
    found = clinical_part(TABLES, "no such therapy", "prebiotic", delta=False)
    assert (found.weights.tolist(), found.means.tolist(), found.sds.tolist()) == ([1.0], [0.0], [0.0])
    assert found.variance == 0.0


def test_components_put_together_keep_the_quantiles_of_the_whole():
    """Against draws of every part by itself: forms, spikes, slabs, tau."""
    rng, size = np.random.default_rng(3), 400_000
    x = {row.metabolite_class: row.size for row in TABLES.exposures["inulin"]}
    form = rng.choice(len(TABLES.forms.rows), size, p=[f.weight for f in TABLES.forms.rows])
    total = np.zeros(size)
    for name, exposure in x.items():
        spike, slab = TABLES.after[name]
        held = np.array([name in TABLES.carried[f.id] for f in TABLES.forms.rows])[form]
        total += held * (rng.random(size) >= spike) * slab * exposure * rng.standard_normal(size)
    outside = outside_of(TABLES.outside)
    total += outside.taus[rng.choice(len(outside.taus), size, p=outside.weights)] * rng.standard_normal(size)
    found = as_prior(clinical_part(TABLES, "inulin", "prebiotic"))
    assert found.sd == pytest.approx(total.std(), rel=0.01)
    for p in (0.025, 0.1, 0.3, 0.9):
        assert found.quantile(p) == pytest.approx(np.quantile(total, p), abs=0.012)
    for ratio in (0.8, 1.1):
        assert found.chance_below(ratio) == pytest.approx(np.mean(total < math.log(ratio)), abs=0.005)


def test_the_mechanism_scales_with_exposure_and_the_part_outside_does_not():
    inulin, propionate = (mechanism_part(TABLES, name).variance for name in ("inulin", "propionate"))
    assert inulin > 1000 * propionate
    outside = float(outside_of(TABLES.outside).weights @ outside_of(TABLES.outside).taus ** 2)
    for name, effect_class in (("inulin", "prebiotic"), ("propionate", "scfa")):
        whole = clinical_part(TABLES, name, effect_class).variance
        assert whole - mechanism_part(TABLES, name).variance == pytest.approx(outside, rel=1e-9)


def test_adding_or_splitting_a_path_leaves_the_prior_as_it_is(tmp_path):
    folder = copied(tmp_path)
    row = next(
        line
        for line in (folder / "couplings.tsv").read_text(encoding="utf-8").splitlines()
        if line.startswith("host_c_acid_treg")
    )
    for new in ("host_c_acid_treg2", "host_c_acid_other"):  # one path split in two, and one more
        replace(folder / "couplings.tsv", row, f"{row}\n{row.replace('host_c_acid_treg', new, 1)}")
    replace(
        folder / "calibration/forms.tsv",
        "host_c_acid_treg ",
        "host_c_acid_treg host_c_acid_treg2 host_c_acid_other ",
    )
    more = read_clinical(folder)
    for name in ("inulin", "ketogenic_diet"):
        one, other = (clinical_part(t, name, "x") for t in (TABLES, more))
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.sds, other.sds)


def test_with_the_coupling_data_removed_the_posterior_is_the_prior(tmp_path):
    folder = copied(tmp_path)
    file = folder / "calibration/prior_totals.tsv"
    header = file.read_text(encoding="utf-8").splitlines()[0]
    file.write_text(header + "\n", encoding="utf-8")
    bare = read_clinical(folder)
    assert bare.after == bare.before == TABLES.before
    assert TABLES.after != TABLES.before
    one, other = clinical_part(bare, "inulin", "x"), clinical_part(TABLES, "inulin", "x", before=True)
    np.testing.assert_array_equal(one.sds, other.sds)
    np.testing.assert_array_equal(one.weights, other.weights)


def test_only_the_data_on_couplings_narrow_a_class_and_none_touches_akkermansia():
    assert TABLES.after["akkermansia"] == TABLES.before["akkermansia"]
    spike, slab = TABLES.before["acids"]
    assert TABLES.after["acids"][0] > spike
    assert TABLES.after["acids"][1] < slab


def test_a_spike_of_nothing_and_an_unknown_path_are_refused(tmp_path):
    folder = copied(tmp_path)
    replace(folder / "calibration/forms.tsv", "host_c_lps_dc", "host_c_lps_dcs")
    with pytest.raises(FindingsError) as caught:
        read_clinical(folder)
    words = str(caught.value)
    assert 'nearest "host_c_lps_dc"' in words
    assert "host_c_lps_dc is in no form" in words
    second = copied(tmp_path / "b")
    replace(second / "coupling_priors.tsv", "lps\thost_lps_lumen\t0.5\t0.29", "lps\thost_lps_lumen\t0\t0.2")
    with pytest.raises(FindingsError, match="lps: a prior without support at zero"):
        read_clinical(second)


def test_a_prior_far_from_zero_is_refused_by_name():
    away = EffectPrior("o", "i", "log rate ratio", "", "", (1.0,), (-0.5,), (0.1,), (), (), "assumed", ())
    with pytest.raises(FindingsError, match="mine: a prior without support at zero"):
        away.demand_support_at_zero("mine")
    spiked = EffectPrior(
        "o", "i", "log RR", "", "", (0.1, 0.9), (0.0, -0.9), (0.0, 0.1), (), (), "assumed", ()
    )
    spiked.demand_support_at_zero("spiked")
    assert spiked.cdf(0.0) - spiked.cdf(-1e-9) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="no density"):
        spiked.log_density(0.0)


def test_a_mixture_knows_its_variance():
    found = Mixture(np.array([0.25, 0.75]), np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    assert found.variance == pytest.approx(0.75 * (4 + 1) - 0.75**2)


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("prior_totals.tsv", "spike", "0", "without support at zero"),
        ("prior_totals.tsv", "spike", "nan", "without support at zero"),
        ("prior_totals.tsv", "slab_sd", "inf", "slab_sd inf"),
        ("prior_totals.tsv", "metabolite_class", "acid", "is no class"),
        ("prior_totals.tsv", "metabolite_class", "acids", "occurs twice"),
        ("prior_exposures.tsv", "mean", "nan", "mean nan"),
        ("prior_exposures.tsv", "size", "-1", "size -1"),
        ("prior_exposures.tsv", "metabolite_class", "acid", "is no class"),
        ("prior_exposures.tsv", "metabolite_class", "aromatics", "occurs twice"),
        ("prior_therapies.tsv", "therapy", "bread", "inulin: has exposures and no row here"),
        ("prior_therapies.tsv", "therapy", "", "inulin: has exposures and no row here"),
        ("prior_exposures.tsv", "therapy", "bread", "bread: has exposures and no row here"),
        ("form_taxa.tsv", "slab_sd", "inf", "slab_sd inf"),
        ("form_taxa.tsv", "guild", "LAC", "occurs twice"),
    ],
)
def test_a_damaged_derived_table_is_refused_by_name(tmp_path, table, column, value, said):
    folder = copied(tmp_path)
    file = folder / "calibration" / table
    head, first, *rest = file.read_text(encoding="utf-8").splitlines()
    cells = first.split("\t")
    cells[head.split("\t").index(column)] = value
    file.write_text("\n".join([head, "\t".join(cells), *rest]) + "\n", encoding="utf-8")
    with pytest.raises(FindingsError) as refused:
        read_clinical(folder)
    assert said in str(refused.value)
