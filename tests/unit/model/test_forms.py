"""Forms of disease from one structure: progressive MS, the mouse and EAE."""

import shutil

import numpy as np
import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.model.conditions import read_conditions
from eubiosis.model.content import load_content
from eubiosis.model.forms import caption
from eubiosis.model.lint import lint_content


@pytest.fixture(scope="module")
def mice(model):
    """Course of the EAE score and of T cells, 40 days, of the immunised and the other mouse."""
    days = np.arange(0.0, 41.0)
    names = ("readout_eae_score", "host_T1", "host_C", "host_BB", "host_A")
    return {name: model.simulate(name, days, names) for name in ("eae_mog", "mouse")}


def test_only_the_immunised_mouse_falls_ill(mice):
    assert all(m.status == ("ok",) for m in mice.values())
    assert mice["mouse"]["readout_eae_score"].max() < 0.01
    assert mice["mouse"]["host_C"].max() < 0.01
    assert mice["eae_mog"]["readout_eae_score"].max() > 2


def test_eae_has_the_course_of_the_specification_and_the_score_that_was_read(mice):
    """No disease in the first days, a peak between days 13 and 22, part recovery by day 30.

    The score of control arms in C57BL/6, 172 arms: median 2.8, quartiles 2.2 and 3.5 (HERMES-MS extraction).
    """
    score = mice["eae_mog"]["readout_eae_score"][0]
    assert score[:6].max() < 0.2
    assert 13 <= score.argmax() <= 22
    assert 2.2 < score.max() < 3.5
    assert 0.3 * score.max() < score[30] < 0.8 * score.max()


def test_the_score_by_hand(model):
    """5 x^2.2 / (1 + x^2.2), x = C / 3.9 + (1 - M) / .60 + (1 - Ax) / .15."""
    names = ("host_C", "host_M", "host_Ax", "readout_eae_score")
    got = model.simulate("eae_mog", [0.0, 17.0], names)
    c, m, ax, score = got.values[0, 1]
    x = (c / 3.9 + (1 - m) / 0.60 + (1 - ax) / 0.15) ** 2.2
    assert score == pytest.approx(5 * x / (1 + x), rel=1e-12)


def test_immunisation_sets_the_start_and_pertussis_toxin_opens_the_brain(model, mice):
    setting = model.condition("eae_mog")
    assert setting.start == {"host_A": 3.0, "host_T1": 0.008, "host_T17": 0.008}
    assert mice["eae_mog"]["host_A"][0, 0] == 3.0
    # 0.10 exp(-t/3) a day over eight days opens by .3 (1 - exp(-8/3)) in all, while a quarter a day heals
    held = [p.level for p in setting.pulses if p.target == "host_ptx"]
    assert sum(held) == pytest.approx(0.3 * (1 - np.exp(-8 / 3)), rel=1e-5)
    # the naive mouse of either run has the same barrier; only the toxin can move it by day 2
    opened = mice["eae_mog"]["host_BB"][0, 2] - mice["mouse"]["host_BB"][0, 2]
    assert 0.05 < opened < 0.2


def test_every_form_comes_from_the_same_equations(model):
    for person in ("healthy", "ms", "spms", "ppms", "mouse"):
        solution = model.simulate(person, [0.0, 20.0])
        assert solution.status == ("ok",), person
    assert model.derived.persons == tuple(form.person for form in model.content.forms)


def test_progressive_forms_share_the_gut_of_ms_and_differ_in_the_host(model):
    """Fewer cells enter the CNS, and more of the microglia's activation needs none: that is what is set.

    By hand, microglia settle at (1 + smouldering + m C / (K + C)) times what the gut makes of them, which is
    the same for the same gut. How active they are in all is no setting: fewer cells pull it down.
    """
    ms, number = model.derived.of("ms"), model.content.numbers
    m, k = number["host_m_C"].value, number["host_K_MC"].value

    def driven(own, smoulders):
        return 1 + smoulders + m * own["host_C"] / (k + own["host_C"])

    of_the_gut = ms["host_MG"] / driven(ms, ms["host_smold"])
    for form in ("spms", "ppms"):
        own = model.derived.of(form)
        assert own["gut_B_AKK"] == pytest.approx(ms["gut_B_AKK"], rel=1e-9)
        assert own["host_C"] < ms["host_C"]
        assert own["host_smold"] > ms["host_smold"]
        assert own["host_MG"] == pytest.approx(driven(own, own["host_smold"]) * of_the_gut, rel=1e-3)
        # with the infiltrate of relapsing MS they would be more active, and without one as well
        assert driven(ms, own["host_smold"]) * of_the_gut > ms["host_MG"]
        assert own["host_MG"] / own["host_C"] > 2 * ms["host_MG"] / ms["host_C"]


def test_what_nobody_calibrated_is_called_so(model):
    captions = {form.person: caption(form) for form in model.content.forms}
    assert {p for p, text in captions.items() if text.endswith(", uncalibrated")} == {"spms", "ppms", "mouse"}
    for condition in model.conditions.values():
        if condition.person in ("spms", "ppms") or condition.name == "eae_mog":
            assert "(uncalibrated)" in condition.description


def test_astrocytes_and_glial_protein_of_a_healthy_person_rest(model):
    got = model.simulate("healthy", [0.0, 100.0], ("readout_AS", "readout_GFAP", "host_MG"))
    assert got["readout_GFAP"][0] == pytest.approx([1.0, 1.0], rel=1e-6)
    assert got["readout_AS"][0] == pytest.approx(got["host_MG"][0], rel=1e-6)


def test_the_albumin_quotient_and_the_proteins_by_hand(model):
    names = ("host_BB", "host_TJ", "host_IL6")
    read = ("readout_QAlb", "readout_claudin5", "readout_occludin", "readout_BDI")
    got = dict(zip((*names, *read), model.simulate("ms", [0.0], (*names, *read)).values[0, 0], strict=True))
    assert got["readout_QAlb"] == pytest.approx(0.0039 * got["host_BB"], rel=1e-12)
    assert got["readout_claudin5"] == pytest.approx(1 / got["host_BB"], rel=1e-12)
    assert got["readout_occludin"] == got["host_TJ"]
    assert got["readout_BDI"] == pytest.approx(12 + 2 * np.log(got["host_IL6"]), rel=1e-12)


WRONG = (
    ("forms.tsv", "\thuman\tms\tno", "\thuman\tmss\tno", ['"mss" is unknown', "based_on"]),
    ("persons.tsv", "ppms\thost_k_in\t", "pms\thost_k_in\t", ['person "pms" is unknown']),
    ("conditions/changes.tsv", "eae_mog\thost_A\t", "eae_mog\thost_bile\t", ["not a state"]),
)


def test_what_does_not_fit_is_named_all_at_once(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    for name, old, new, _ in WRONG:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    found = [str(f) for f in lint_content(folder)]
    for *_, words in WRONG:
        for word in words:
            assert any(word in f for f in found), found


def test_a_start_is_no_input(model):
    """The start of a state lies in ``start`` alone: nothing is dosed, nothing held."""
    conditions = read_conditions(load_content())
    eae = conditions["eae_mog"]
    assert set(eae.start).isdisjoint(eae.fixed)
    assert {p.target for p in eae.pulses} == {"host_ptx"}
    assert all(c.start == {} for name, c in conditions.items() if name != "eae_mog")


def test_a_healthy_person_rests(model):
    """Nothing moves over a hundred days, but for myelin and axons, which are slow and only fall."""
    slow = ("host_M", "host_Ax", "host_NfL", "host_A")  # NfL and debris follow them
    names = tuple(s for s in model.system.states if s not in slow)
    got = model.simulate("healthy", [0.0, 100.0], names)
    start, end = got.values[0]
    np.testing.assert_allclose(end, start, rtol=1e-4, atol=1e-9)


def test_the_exported_eae_runs_as_the_condition_does(model, mice):
    """The SBML of the condition holds the immunisation and the toxin: run alone, it gives the same course."""
    from eubiosis import engine

    days = [0.0, 10.0, 18.0, 30.0]
    alone = engine.compile(model.sbml("eae_mog")).solve(days, ("readout_eae_score", "host_A"))
    assert alone.status == ("ok",)
    for name in ("readout_eae_score", "host_A"):
        expected = mice["eae_mog"][name][0, [0, 10, 18, 30]]
        np.testing.assert_allclose(alone[name][0], expected, rtol=1e-3, atol=1e-6)
