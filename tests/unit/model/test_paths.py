"""Paths from the gut to the host: each by hand, off by default, silent in draws where no size was read."""

import shutil
from math import exp

import numpy as np
import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.model.couplings import CouplingTables, read_paths
from eubiosis.model.lint import lint_content
from eubiosis.model.model import Model
from eubiosis.model.worlds import coupling_names, draw_host_world

SIGNALS = "host_bile host_pcs host_is host_fructan host_akk host_equol host_ace host_plasma_pro".split()
PRIOR_ONLY = {f"host_c_{p}" for p in ("acetate_treg", "acid_rem", "equol_dc", "galt_th17")}
STATE = {
    **{"host_A": 0.4, "host_D": 1.3, "host_T1": 3.0, "host_T17": 2.0, "host_R": 0.9, "host_Re": 0.8},
    **{"host_Ra": 0.3, "host_TJ": 0.8, "host_BB": 1.2, "host_C": 0.7, "host_CR": 0.9, "host_MG": 1.5},
    **{"host_M": 0.9, "host_Ax": 0.95, "host_NfL": 1.4},
}


@pytest.fixture(scope="module")
def rates(model):
    """Return the rates of the host at STATE under given parameters, with every old coupling off."""
    kernel = model.host_kernel
    off = {row.id: 0.0 for row in read_paths(PACKAGED_CONTENT)}

    def of(couplings=None, **given):
        values = kernel.default_parameters.copy()
        for name, value in {**(off if couplings is None else couplings), **given}.items():
            values[kernel.parameter_index[name]] = value
        states = np.array([[STATE[name]] for name in kernel.system.states])
        out = np.empty_like(states)
        kernel.rates(0.0, states, values[:, None], out)
        return dict(zip(kernel.system.states, out[:, 0].tolist(), strict=True))

    return of


def test_new_signals_do_nothing_by_default(rates):
    """Bit by bit: the couplings of new paths are 0, those of the specification 1."""
    reference = rates({})
    rng = np.random.default_rng(4)
    for _ in range(20):
        assert rates({}, **{name: float(rng.lognormal(0, 2)) for name in SIGNALS}) == reference


# a ratio of 3 is 2 (3 - 1) / (3 + 1) = 1 on the bounded logarithm
B3 = {"host_but": 45.0}  # three times the healthy 15 mM
DH = (2.25 + 0.24) / (1 + 2.25 + 0.24) / (0.99 / 1.99) - 1  # s = .02 x 45 / .4 + .02 x 18 / 1.5
EPI = 2.25 * (1 - 2.25) / (1 + 2.25**2) - 0.75 * (1 - 0.75) / (1 + 0.75**2)  # .2 x 45 / 4 and .2 x 15 / 4
TH1 = 0.81 / 1.81 - 0.09 / 1.09  # .9 and .3 mM in the lamina propria, half effect at 1 mM
ACETATE = 3.6 / 3.9 - 1.2 / 1.5  # .02 x 180 and .02 x 60 mM, half effect at .3 mM
PLASMA = 8.7 / 9.7 - 3.7 / 4.7  # uM, half effect at 1 uM
LEAK = 2 * (0.8**-1.5 - 1) / (0.8**-1.5 + 1)


# path -> inputs, {state: (loss or other terms of its rate, factor on the rest)}
BY_HAND = {
    "bile_dc": ({"host_bile": 3.0}, {"host_D": exp(-0.08)}),
    "bile_mg": ({"host_bile": 3.0}, {"host_MG": exp(-0.10)}),
    "fructan_dc": ({"host_fructan": 3.0}, {"host_D": exp(0.08)}),
    "equol_dc": ({"host_equol": 3.0}, {"host_D": exp(-0.08)}),
    "acid_epi": (B3, {"host_TJ": exp(0.2 * EPI)}),
    "acetate_treg": (
        {"host_ace": 180.0},
        {"host_R": exp(0.15 * ACETATE), "host_Re": exp(0.18 * 0.15 * ACETATE)},
    ),
    "acid_rem": (B3, {"host_M": exp(0.2 * DH)}),
    "pcs_axon": ({"host_pcs": 3.0}, {"host_Ax": exp(0.1), "host_NfL": exp(0.1)}),
    "is_axon": ({"host_is": 3.0}, {"host_Ax": exp(0.1), "host_NfL": exp(0.1)}),
}
# what a rate has besides the term that the path multiplies, at STATE
BESIDES = {
    "host_D": -1.3 / 3,
    "host_MG": -0.05 * 1.5,
    "host_TJ": -0.2 * 0.8,
    "host_R": -0.125 * 0.9,
    "host_Re": -0.125 * 0.8,
    "host_M": -2e-4 * 0.7 * 1.5 * 0.9,
    "host_Ax": 0.0,
    "host_NfL": (1 - 1.4) / 35,
}


@pytest.mark.parametrize("path", BY_HAND)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_path_multiplies_one_term_and_nothing_else(rates, path, sign):
    given, factors = BY_HAND[path]
    before, after = rates(**given), rates(**given, **{f"host_c_{path}": sign})
    for state, rate in before.items():
        if state not in factors:
            assert after[state] == rate, state
            continue
        term = rate - BESIDES[state]
        expected = BESIDES[state] + term * factors[state] ** sign
        assert after[state] == pytest.approx(expected, rel=1e-9, abs=1e-15), state
        assert after[state] != rate


@pytest.mark.parametrize(
    ("path", "given", "size"),
    [("akk_th1", {"host_akk": 3.0}, 0.1), ("acid_th1", B3, 0.1 * TH1)],
)
def test_paths_to_th1_act_on_its_priming(rates, path, given, size):
    """Priming of Th1 at STATE: half of 4 x .054 x D x suppression, with suppression 1 / (1 + 1.1^1.2)."""
    before, after = rates(**given), rates(**given, **{f"host_c_{path}": 1.0})
    priming = 0.5 * 4 * 0.054 * 1.3 / (1 + 1.1**1.2)
    assert after["host_T1"] - before["host_T1"] == pytest.approx(priming * (exp(size) - 1), rel=1e-9)
    assert {s: r for s, r in after.items() if s != "host_T1"} == {
        s: r for s, r in before.items() if s != "host_T1"
    }


def test_plasma_propionate_on_the_brain_barrier_by_hand(rates):
    """Opening z = (.1 + .06 x 2 + .15 C / (1 + C / 10)) x factor, BB' = (1 + 4 z / (4 + z) - BB) / 4."""
    given = {"host_plasma_pro": 0.0087}
    opening = 0.1 + 0.12 + 0.15 * 0.7 / 1.07
    for coupling in (0.0, 1.0):
        z = opening * exp(-coupling * 0.06 * PLASMA)
        got = rates(**given, host_c_plasma_bbb=coupling)["host_BB"]
        assert got == pytest.approx(0.25 * (1 + 4 * z / (4 + z) - 1.2), rel=1e-9)


def test_gut_primed_th17_follow_permeability(rates):
    """The share at priming is a logistic of .15 times the bounded logarithm of permeability, .8^-1.5."""
    share = 1 / (1 + exp(-2 * 0.15 * LEAK))
    priming = 4 * 0.054 * 1.3 / (1 + 1.1**1.2)
    growth = 1.4 * 1.3**2 / (9 + 1.3**2) / (1 + 1.1**1.2)
    before, after = rates(), rates(host_c_galt_th17=1.0)
    moved = (share - 0.5) * (priming + growth * 2.0)
    assert after["host_T17"] - before["host_T17"] == pytest.approx(moved, rel=1e-9)


def test_butyrate_helps_the_epithelium_when_little_and_harms_it_when_much(rates):
    """Tight junctions against butyrate at coupling 1, all else off: up, then down, with the turn inside."""
    dose = np.array([1.0, 4.0, 8.0, 20.0, 60.0, 200.0])
    repair = np.array([rates(host_but=b, host_c_acid_epi=1.0)["host_TJ"] for b in dose])
    change = np.diff(repair)
    assert change[0] > 0
    assert change[-1] < 0
    assert np.count_nonzero(np.diff(np.sign(change))) == 1


def test_indoxyl_sulfate_acts_both_ways(model):
    """Four times the indole: the ligand of AHR calms microglia, and the toxin's own path harms axons."""
    names = ("host_MG", "host_ax_loss", "host_Ax", "host_is", "host_l_is")
    changes = {
        "gut_k_ind": model.content.numbers["gut_k_ind"].value * np.array([1.0, 4.0, 4.0]),
        "host_c_is_axon": np.array([0.0, 0.0, 1.0]),
    }
    got = model.simulate("ms", [0.0, 200.0], names, changes=changes)
    assert got["host_is"][1, 1] > 1.3 * got["host_is"][0, 1]
    assert got["host_MG"][1, 1] < got["host_MG"][0, 1]
    assert got["host_MG"][2, 1] == pytest.approx(got["host_MG"][1, 1], rel=1e-3)
    loss = got["host_ax_loss"][:, 1] / got["host_Ax"][:, 1]
    assert loss[2] / loss[1] == pytest.approx(exp(0.1 * got["host_l_is"][2, 1]), rel=1e-3)
    assert loss[2] > loss[1]


def test_signals_of_any_size_leave_the_host_positive_and_bounded(model):
    """Hundredfold and vanishing signals, couplings of -3 and 3: positive by form, no overflow."""
    kernel = model.host_kernel
    n = 40
    rng = np.random.default_rng(8)
    drawn = {row.id: rng.choice([-3.0, 3.0], n) for row in read_paths(PACKAGED_CONTENT)}
    drawn |= {name: 10 ** rng.uniform(-4, 2, n) for name in SIGNALS}
    got = kernel.solve(np.arange(0, 200.0, 5), kernel.system.states, parameters=drawn)
    assert got.status == ("ok",) * n
    assert np.all(np.isfinite(got.values))
    assert got.values.min() >= -1e-9


def test_paths_known_by_their_prior_only_are_off_and_never_drawn(model):
    assert model.couplings.prior_only == PRIOR_ONLY
    drawn = set(coupling_names(model))
    assert drawn.isdisjoint(PRIOR_ONLY)
    assert drawn | PRIOR_ONLY == {row.id for row in read_paths(PACKAGED_CONTENT)}
    for name in PRIOR_ONLY:
        assert model.content.numbers[name].value == 0
        assert name not in draw_host_world(model, 3, 5, "symmetric")


def test_a_prior_only_path_neither_narrows_nor_shifts_what_is_drawn(model):
    """Take such paths out of the tables: every world stays what it was, number by number."""
    kept = tuple(row for row in model.couplings.rows if row.id not in PRIOR_ONLY)
    assert len(kept) == len(model.couplings.rows) - len(PRIOR_ONLY)
    without = Model(model.content, model.derived)
    without.__dict__["couplings"] = CouplingTables(kept, model.couplings.priors)
    for number in range(6):
        assert draw_host_world(without, number, 9, "symmetric") == draw_host_world(
            model, number, 9, "symmetric"
        )


def test_the_relapse_ratio_does_not_see_the_size_of_a_prior_only_path(model):
    from eubiosis.model.therapies import compare_therapies

    therapy = {"ketogenic diet": "ms_ketogenic"}  # it moves S-equol and acetate
    base, other, acting = (
        compare_therapies(model, therapy, size=12, couplings=couplings)[0].relapses[0]
        for couplings in ({}, {"host_i_E": 0.8, "host_r_A": 1.5}, {"host_c_equol_dc": 1.0})
    )
    assert other == base
    assert acting != base


def test_a_prior_only_path_that_is_on_is_a_finding(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    file = folder / "parameters" / "host.tsv"
    text = file.read_text(encoding="utf-8")
    old = "acetate on Treg through FFAR2\t0\t"
    assert old in text
    file.write_text(text.replace(old, old.replace("\t0\t", "\t1\t")), encoding="utf-8")
    found = [str(f) for f in lint_content(folder)]
    assert len(found) == 1
    assert "host_c_acetate_treg" in found[0]
    assert "known by its prior only" in found[0]


def test_a_table_of_paths_with_a_wrong_word_is_refused(tmp_path):
    text = (PACKAGED_CONTENT / "couplings.tsv").read_text(encoding="utf-8")
    (tmp_path / "couplings.tsv").write_text(text.replace("\tyes\t", "\tperhaps\t", 1), encoding="utf-8")
    with pytest.raises(FindingsError, match="perhaps"):
        read_paths(tmp_path)
