"""The gut half against the printed figures of the specification's prototype, written independently.

The prototype's own numbers are put in: it is the special case without ammonia and with equal bulk.
"""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Set
from eubiosis.model.niche import solve_niche
from eubiosis.model.tolerances import STRICT

FOLDER = Path(__file__).parents[2] / "validation/gut_prototype"
TABLE = FOLDER / "expected.tsv"
LOG = "log10 "
DIETARY = [f"gut_F_{k}" for k in "RS FS FI IN SU PR BA DAI".split()]
WITHIN, BOUND_OF_EXCEPTIONS = 0.05, 0.12

# where the prototype itself was not exact to 5 %; every other row is
EXCEPTIONS = {
    ("healthy_vancomycin", 10.0, "gut_CH4"): "the prototype solved the methanogen factor to 0.5 % only, and "
    "methane, the difference of growth and loss of a guild without competitors, magnifies it",
    (
        "healthy_vancomycin",
        24.0,
        "gut_CH4",
    ): "as on day 10: two weeks later the difference has grown, not healed",
    (
        "healthy_l_casei",
        28.0,
        "log10 gut_stool_PB_LAC",
    ): "14 d after dosing the strain lay below the prototype's absolute tolerance",
    ("healthy_p_histicola", 28.0, "log10 gut_stool_PB_PRV"): "as L. casei: five cells a gram",
}


def rows():
    with TABLE.open() as stream:
        return [
            (r["condition"], float(r["day"]), r["observable"], float(r["value"]), float(r["half_last_digit"]))
            for r in csv.DictReader(stream, delimiter="\t")
        ]


def numbers():
    with (FOLDER / "numbers.tsv").open() as stream:
        return {r["id"]: float(r["value"]) for r in csv.DictReader(stream, delimiter="\t")}


def habitual(own):
    """A prescribed diet that does not name a substrate keeps the prototype's habitual amount."""
    return {n.replace("gut_F_", "gut_diet_"): v for n, v in own.items() if n in DIETARY}


@pytest.fixture(scope="module")
def answers(model):
    gut, own = model.gut_kernel, numbers()
    assert set(own) <= set(gut.parameter_index)
    reference = np.array([model.content.numbers[f"gut_frac_{g}"].value for g in GUILDS])
    scale = model.content.numbers["gut_w_scale"].value
    niche = solve_niche(gut, own, reference / reference.sum(), geometric_mean=scale)
    assert niche.status == "ok"
    person = {**own, **{f"gut_w_{g}": w for g, w in zip(GUILDS, niche.factors, strict=True)}}
    wanted = defaultdict(lambda: (set(), set()))
    for condition, day, observable, _, _ in rows():
        wanted[condition][0].add(day)
        wanted[condition][1].add(observable)
    found = {}
    for condition, (days, observables) in wanted.items():
        grid, names = [0.0, *sorted(days)], tuple(sorted({o.removeprefix(LOG) for o in observables}))
        setting = model.condition(condition)
        solution = gut.solve(
            grid,
            names,
            parameters={**person, **habitual(own), **setting.fixed},
            initial=niche.states,
            inputs=[Set(day, n, v) for day, change in setting.schedule for n, v in change.items()],
            tolerances=STRICT,
        )
        assert solution.status == ("ok",), condition
        for k, day in enumerate(grid):
            for j, name in enumerate(names):
                found[condition, day, name] = solution.values[0, k, j]
    return found


def excess_error(answers, condition, day, observable, value, half):
    """Relative error after allowing the rounding of the printed figure; of the count, where it is a log10."""
    got = answers[condition, day, observable.removeprefix(LOG)]
    if observable.startswith(LOG):
        return 10 ** max(abs(np.log10(got) - value) - half, 0) - 1
    return max(abs(got - value) - half, 0) / max(abs(value), half)


@pytest.mark.parametrize("condition", sorted({r[0] for r in rows()}))
def test_a_condition_agrees_with_the_prototype(answers, condition):
    wrong = []
    for name, day, observable, value, half in rows():
        if name == condition and (name, day, observable) not in EXCEPTIONS:
            error = excess_error(answers, name, day, observable, value, half)
            if error > WITHIN:
                got = answers[name, day, observable.removeprefix(LOG)]
                wrong.append(f"day {day:g} {observable}: {got:.5g} for {value:.5g} +- {half:g} ({error:.1%})")
    assert wrong == []


@pytest.mark.parametrize("key", EXCEPTIONS)
def test_the_known_exceptions_are_bounded(answers, key):
    value, half = next((v, h) for c, d, o, v, h in rows() if (c, d, o) == key)
    assert WITHIN < excess_error(answers, *key, value, half) <= BOUND_OF_EXCEPTIONS


def test_the_table_is_whole():
    """373 figures of 21 runs, none twice; most are not trivially covered by their rounding."""
    table = rows()
    assert len(table) == 373
    assert len({r[:3] for r in table}) == len(table)
    assert not any(c.startswith("ms") for c, *_ in table)
    telling = np.mean([half < WITHIN * abs(value) for *_, value, half in table])
    assert telling > 0.75
