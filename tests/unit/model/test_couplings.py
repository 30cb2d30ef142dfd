"""Totals of metabolite classes: tables and prior, how they are divided, and what the model makes of them."""

import math
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.class_priors import ALL, PriorRow
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.model.class_totals import PathAnswer, divide, draw_totals
from eubiosis.model.content import load_content
from eubiosis.model.couplings import CouplingRow, CouplingTables, read_couplings
from eubiosis.model.doubling import DoublingCohort, gain_ratios, measure
from eubiosis.model.model import Model
from eubiosis.model.sensitivity import answers, load_sensitivities
from eubiosis.model.worlds import draw_host_world, world_rows

SEED = 41
PLAIN = {"forms": False, "data": False}  # every path, and the prior alone
PRIOR = PriorRow(
    metabolite_class="acids", inputs="host_but", spike=0.5, slab_sd=0.1, largest=4.0, basis="assumed",
    note="made",
)  # fmt: skip


def line(slope, end=4.0):
    """A path whose answer is a straight line."""
    at = np.array([-end, -1.0, 0.0, 1.0, end])
    return PathAnswer(at, slope * at)


def path(name, metabolite_class, prior_only="no"):
    return CouplingRow(
        id=name, metabolite_class=metabolite_class, target="x", prior_only=prior_only, note="made"
    )


def numbers(names, weights=None, minor=None):
    """Draws of paths: weights, and the couplings they have when they are minor."""
    weights = weights or [1.0] * len(names)
    minor = minor or [0.0] * len(names)
    return dict(zip(names, zip(weights, minor, strict=True), strict=True))


def edited(tmp_path, table, old, new):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    file = folder / table
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_content(folder)


def test_every_coupling_of_the_host_has_a_row_and_every_drawn_one_answers(model):
    described = {
        n.id for n in model.content.numbers.values() if n.description.startswith("gut-to-host coupling")
    }
    assert set(model.couplings.names) == described
    assert set(model.sensitivities) == {row.id for row in model.couplings.drawn}


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_one_doubling_has_the_same_budget_however_many_classes_share_it(model, count):
    # the law of the sum by hand: j of the classes are not zero, with the binomial probability of j
    priors = [p for name, p in model.couplings.priors.items() if name != ALL]
    assert len({(p.spike, p.slab_sd) for p in priors}) == 1
    spike, slab = priors[0].spike, priors[0].slab_sd / math.sqrt(count)  # exposures of one doubling in all
    assert count * (1 - spike) * slab**2 <= model.couplings.priors[ALL].slab_sd ** 2

    def beyond(x):
        chances = [math.comb(count, j) * (1 - spike) ** j * spike ** (count - j) for j in range(count + 1)]
        tails = [0.0, *(math.erfc(x / (slab * math.sqrt(2 * j))) / 2 for j in range(1, count + 1))]
        return sum(c * t for c, t in zip(chances, tails, strict=True))

    ends = np.linspace(0.3, 0.7, 4001)
    half = ends[np.argmin([abs(beyond(x) - 0.025) for x in ends])]
    assert 0.61 < math.exp(-half) < 0.68
    assert 1.48 < math.exp(half) < 1.63


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        ("coupling_priors.tsv", "host_plasma_pro\t0.5", "host_plasma_pro\t1.5", "a probability, 0 to 1"),
        ("coupling_priors.tsv", "pro\t0.5\t0.29", "pro\t0.5\t0.6", "spends a variance"),
        ("coupling_priors.tsv", "pro\t0.5\t0.29", "pro\t0.5\t-1", "slab_sd -1"),
        ("coupling_priors.tsv", "host_but host_pro", "host_butt host_pro", 'nearest "host_but"'),
        ("coupling_priors.tsv", "pro\t0.5\t0.29\t8", "pro\t0.5\t0.29\t0", "largest 0"),
        ("coupling_priors.tsv", "all\t", "every\t", 'the row "all" is missing'),
        ("couplings.tsv", "host_c_acid_dc\tacids", "host_c_acid_dc\tacid", 'nearest "acids"'),
        ("couplings.tsv", "host_c_acid_dc\t", "host_c_acid_dd\t", 'nearest "host_c_acid_dc"'),
        ("couplings.tsv", "host_c_acid_dc\t", "host_c_acid_treg\t", "occurs twice"),
        ("couplings.tsv", "dendritic cells\tno", "dendritic cells\tperhaps", '"perhaps" is unknown'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_tables_is_a_finding(tmp_path, table, old, new, words):
    with pytest.raises(FindingsError) as found:
        read_couplings(edited(tmp_path, table, old, new))
    assert words in str(found.value)
    assert table in str(found.value)


def test_answers_older_than_their_tables_are_not_used(tmp_path):
    content = edited(tmp_path, "coupling_priors.tsv", "host_plasma_pro\t0.5", "host_plasma_pro\t0.6")
    with pytest.raises(FindingsError, match="eubiosis model derive"):
        load_sensitivities(content)


def test_a_total_is_zero_as_often_as_its_spike_says_and_else_normal(model):
    totals = np.array([draw_totals(model.couplings, 2 * k, SEED)["acids"] for k in range(4000)])
    prior = model.couplings.priors["acids"]
    zero = totals == 0
    assert abs(zero.mean() - prior.spike) < 4 * math.sqrt(prior.spike * (1 - prior.spike) / 4000)
    slab = totals[~zero]
    assert abs(slab.mean()) < 4 * prior.slab_sd / math.sqrt(len(slab))
    assert abs(slab.std() / prior.slab_sd - 1) < 4 / math.sqrt(2 * len(slab))


def test_paths_never_change_a_total(model):
    own = model.couplings
    more = CouplingTables(
        (*own.rows, path("host_c_new", "acids"), path("host_c_guess", "lps", "yes")), own.priors
    )
    fewer = CouplingTables(tuple(r for r in own.rows if r.metabolite_class != "acids")[1:], own.priors)
    for number in range(50):
        assert (
            draw_totals(more, number, SEED)
            == draw_totals(own, number, SEED)
            == draw_totals(fewer, number, SEED)
        )


def test_odd_worlds_mirror_the_totals_of_the_even_world_before(model):
    for even in (0, 2, 8):
        one, other = (draw_totals(model.couplings, even + k, SEED) for k in (0, 1))
        assert one == {name: -total for name, total in other.items()}


def test_a_total_is_divided_by_weight_through_the_sensitivities():
    paths = {"a": line(-0.2), "b": line(0.1)}
    found = divide(0.12, PRIOR, paths, {"a": 1.0, "b": 2.0}, numbers("ab", [1.0, 2.0]))
    assert found["a"] == pytest.approx(0.04 / -0.2)  # a third of the total
    assert found["b"] == pytest.approx(
        0.08 / 0.1 / 2.0
    )  # two thirds; a unit does twice as much in this world


def test_what_one_path_cannot_carry_goes_to_the_others_and_no_further():
    paths = {"a": line(0.02), "b": line(0.1)}  # at most 0.08 and 0.4
    ones = dict.fromkeys(paths, 1.0)
    found = divide(0.3, PRIOR, paths, ones, numbers("ab"))
    assert found == pytest.approx({"a": 4.0, "b": 2.2})
    assert divide(5.0, PRIOR, paths, ones, numbers("ab")) == pytest.approx({"a": 4.0, "b": 4.0})
    assert divide(-5.0, PRIOR, paths, ones, numbers("ab")) == pytest.approx({"a": -4.0, "b": -4.0})


def test_a_path_that_carries_nothing_stays_at_zero_and_a_minor_one_is_taken_off_the_total():
    paths = {"dead": line(0.0), "minor": line(0.005), "main": line(0.1)}
    found = divide(0.1, PRIOR, paths, dict.fromkeys(paths, 1.0), numbers(paths, minor=[9.0, -1.5, 9.0]))
    assert found == pytest.approx({"dead": 0.0, "minor": -1.5, "main": (0.1 + 0.0075) / 0.1})


def test_a_total_of_zero_leaves_every_path_at_zero():
    paths = {"minor": line(0.005), "main": line(0.1)}
    assert divide(0.0, PRIOR, paths, dict.fromkeys(paths, 1.0), numbers(paths, minor=[3.0, 3.0])) == {
        "minor": 0.0, "main": 0.0,
    }  # fmt: skip


def test_an_answer_that_turns_is_used_up_to_its_turn():
    bent = PathAnswer(np.array([-4.0, -2.0, 0.0, 2.0, 4.0]), np.array([-0.1, -0.2, 0.0, 0.2, 0.3]))
    assert bent.slope == pytest.approx(0.1)
    assert bent.reach(1.0, 4.0) == pytest.approx((4.0, 0.3))
    assert bent.reach(-1.0, 4.0) == pytest.approx((-2.0, 0.2))
    assert bent.reach(1.0, 3.0) == pytest.approx((3.0, 0.25))
    assert bent.coupling(0.25, 4.0) == pytest.approx(3.0)
    assert bent.coupling(-0.9, 4.0) == pytest.approx(-2.0)
    assert bent.coupling(-0.1, 4.0) == pytest.approx(-1.0)


@settings(deadline=None)
@given(
    slopes=st.lists(st.floats(0.03, 1).flatmap(lambda s: st.sampled_from([s, -s])), min_size=1, max_size=6),
    weights=st.lists(st.floats(1e-3, 10), min_size=6, max_size=6),
    share=st.floats(-1, 1),
)
def test_shares_add_up_to_the_total_whatever_the_paths_and_mirror_with_it(slopes, weights, share):
    paths = {str(k): line(slope) for k, slope in enumerate(slopes)}
    total = share * sum(4 * abs(s) for s in slopes)
    ones, draws = dict.fromkeys(paths, 1.0), numbers(paths, weights[: len(paths)])
    found = divide(total, PRIOR, paths, ones, draws)
    assert sum(paths[name].at(value) for name, value in found.items()) == pytest.approx(total, abs=1e-9)
    assert all(abs(value) <= 4 * (1 + 1e-12) for value in found.values())
    assert all(paths[name].at(value) * total >= 0 for name, value in found.items())
    mirrored = divide(-total, PRIOR, paths, ones, draws)
    assert mirrored == pytest.approx({name: -value for name, value in found.items()}, abs=1e-9)


def test_prior_only_paths_stay_at_zero_and_change_nothing(model):
    rows = list(model.couplings.rows)
    k = next(i for i, row in enumerate(rows) if row.id == "host_c_acid_mg")
    rows[k] = rows[k].model_copy(update={"prior_only": "yes"})
    other = Model(model.content, model.derived)
    other.__dict__["couplings"] = CouplingTables(tuple(rows), model.couplings.priors)
    for number in range(6):
        assert draw_totals(other.couplings, number, SEED) == draw_totals(model.couplings, number, SEED)
        drawn = draw_host_world(other, number, SEED, "symmetric", **PLAIN)
        assert "host_c_acid_mg" not in drawn  # the table's value stays, which must be 0
        lps = [name for name in drawn if name.startswith(("host_c_lps", "host_c_ahr"))]
        own = draw_host_world(model, number, SEED, "symmetric", **PLAIN)
        assert {n: drawn[n] for n in lps} == {n: own[n] for n in lps}


def test_taking_a_path_out_removes_its_share_and_leaves_the_others(model):
    number = next(k for k in range(0, 40, 2) if draw_totals(model.couplings, k, SEED)["acids"])
    whole = draw_host_world(model, number, SEED, "symmetric", **PLAIN)
    for words in (("host_c_acid_treg",), ("acids",), ("Treg",)):
        out = {
            row.id for row in model.couplings.drawn if words[0] in (row.id, row.metabolite_class, row.target)
        }
        assert out
        knocked = draw_host_world(model, number, SEED, "symmetric", **PLAIN, without=words)
        assert knocked == whole | dict.fromkeys(out, 0.0)
    with pytest.raises(FindingsError, match='nearest "host_c_acid_treg"'):
        draw_host_world(model, number, SEED, "symmetric", **PLAIN, without=["host_c_acid_tregs"])


def test_a_world_tells_how_much_a_unit_of_a_coupling_does(model):
    # by the equations: the Th17 path is linear in gam17S, the AHR path on relevant Treg in f_rel
    value = {name: model.content.numbers[name].value for name in ("host_gam17S", "host_f_rel")}
    ratios = gain_ratios(
        model, model.couplings, {"host_gam17S": 2 * value["host_gam17S"], "host_f_rel": 0.05}
    )
    assert ratios["host_c_acid_th17"] == pytest.approx(2.0, rel=1e-3)
    assert ratios["host_c_ahr_treg"] == pytest.approx(0.05 / value["host_f_rel"], rel=5e-3)
    for name in ("host_c_acid_dc", "host_c_ahr_dc", "host_c_lps_dc", "host_c_lps_th17", "host_c_ahr_mg"):
        assert ratios[name] == pytest.approx(1.0, rel=1e-3)
    assert set(gain_ratios(model, model.couplings, {}).values()) == {1.0}


@pytest.mark.slow
def test_the_model_realises_the_totals_whatever_else_a_world_draws(model):
    """In other people than those the answers were measured in; 12 worlds, three classes each."""
    cohort = DoublingCohort(model, model.couplings, size=200, seed=SEED)
    rows = []
    for number in range(12):
        world = draw_host_world(model, number, SEED, "symmetric", **PLAIN)
        for name, total in draw_totals(model.couplings, number, SEED).items():
            if name in ("acids", "aromatics", "lps"):
                rows.append((total, *cohort.log_ratio(world, model.couplings.inputs(name))))
    total, realised, error = np.array(rows).T
    assert np.all(realised[total == 0] == 0.0)  # bitwise: the arms are the same numbers
    drawn = total != 0
    assert drawn.sum() > 8
    # to first order: a quarter off at most where a total is within one slab, where answers hardly bend
    small = drawn & (np.abs(total) < 0.29)
    assert small.sum() > 5
    assert np.all(np.abs(realised - total)[small] < 0.25 * np.abs(total[small]) + 0.005 + 3 * error[small])
    assert total[small] @ realised[small] / (total[small] @ total[small]) == pytest.approx(1.0, abs=0.12)


@pytest.mark.slow
def test_splitting_a_path_leaves_the_total_of_the_model(model, tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    _double_a_line(folder / "parameters/host.tsv", "host_c_acid_dc\t")
    _double_a_line(folder / "couplings.tsv", "host_c_acid_dc\t")
    text = (folder / "models/host.ant").read_text()
    assert text.count("host_c_acid_dc ") == 1
    both = "(host_c_acid_dc + host_c_acid_dc2) "
    (folder / "models/host.ant").write_text(text.replace("host_c_acid_dc ", both))
    content = load_content(folder)
    split = Model(content, model.derived)
    acids = CouplingTables(
        tuple(row for row in read_couplings(content).rows if row.metabolite_class == "acids"),
        model.couplings.priors,
    )
    found = answers(measure(split, acids, size=60))
    assert np.array_equal(found["host_c_acid_dc2"].log_ratios, found["host_c_acid_dc"].log_ratios)
    prior, ones = model.couplings.priors["acids"], dict.fromkeys(found, 1.0)
    total = 0.15
    draws = numbers(found, [0.3, 1.0, 0.4, 0.2, 2.0, 1.0, 0.7, 0.5, 1.5, 0.1])
    cohort = DoublingCohort(split, acids, size=60)
    for paths in (found, {name: a for name, a in found.items() if name != "host_c_acid_dc2"}):
        values = divide(total, prior, paths, ones, draws)
        realised, _ = cohort.log_ratio(values, acids.inputs("acids"))
        assert realised == pytest.approx(total, rel=0.1)


def _double_a_line(file, start):
    lines = file.read_text().splitlines()
    k = next(i for i, text in enumerate(lines) if text.startswith(start))
    lines.insert(k + 1, lines[k].replace("host_c_acid_dc", "host_c_acid_dc2", 1))
    file.write_text("\n".join(lines) + "\n")


def test_gains_that_nobody_knows_are_drawn_between_worlds(model):
    host = {row.id for row in world_rows(model) if row.part == "host"}
    assert {"host_f_rel", "host_e_TJ", "host_gam17S"} <= host
    drawn = [draw_host_world(model, 2 * k, SEED, "symmetric", **PLAIN) for k in range(3)]
    for name in host:
        assert len({world[name] for world in drawn}) == 3
