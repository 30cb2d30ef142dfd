"""The headline figures of the model for many sets of its numbers at once.

A set replaces numbers of the tables. Each set has its own healthy gut, references, person with MS, two
therapies and a small population of hosts under one random drive. A set without a steady state, or with a run
that failed, is NaN in every figure that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

import numpy as np

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import CohortDraws, stream
from eubiosis.engine import Array, Compiled, Tolerances
from eubiosis.model.derived import GUT_REFERENCES
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, Drive, People, draw_drive, draw_people
from eubiosis.model.natural_history.scale import joined_inputs
from eubiosis.model.niche import OK, fold_shares, solve_niches
from eubiosis.model.worlds import coupling_names

FIGURES = {
    "stool_butyrate_inulin": "stool butyrate of a person with MS on 16 g of inulin, ratio on day 84",
    "roseburia_inulin": "share of the Roseburia guild on 16 g of inulin, ratio on day 84",
    "plasma_propionate_oral": "plasma propionate on 500 mg of sodium propionate twice a day, ratio on day 28",
    "lps_ms": "luminal endotoxin of a person with MS for the host, healthy = 1",
    "lps_inulin": "luminal endotoxin for the host on inulin, ratio",
    "ahr_ms": "AHR tone of a person with MS, healthy = 1",
    "ahr_inulin": "AHR tone on inulin, ratio",
    "relapses_hand_fit": "relapse hazard on inulin over none, couplings of the hand fit",
    "lesions_hand_fit": "rate of lesions on inulin over none, couplings of the hand fit",
    "relapses_spread": "log SD of the relapse hazard ratio over couplings symmetric about zero",
    "lesions_spread": "log SD of the lesion ratio over couplings symmetric about zero",
    "nfl_ms": "serum NfL in MS, healthy = 1",
    "edss_drift": "EDSS drift a year without relapses",
}
PLAIN = ("edss_drift", "relapses_spread", "lesions_spread")  # not analysed as logarithms
DOSE, DAYS, SALT, SALT_DAYS = 16.0, 84.0, 1.0, 28.0
PEOPLE, SPREAD_PEOPLE, WORLDS = 4, 2, 4
BURN_IN, YEAR = 365, 365
_TOLERANCES = Tolerances(relative=1e-6, absolute=1e-10, negative=1e4)
_REFERENCES = ("host_C_healthy", "host_MG_healthy", "host_NfL_healthy")
_RATES = ("host_relapse_rate", "host_lesion_rate")
Sets = Mapping[str, Array]


def headline_figures(model: Model, sets: Sets, seed: int) -> dict[str, Array]:
    """Return every figure for every set, shape (sets,); ``sets`` maps ids of numbers to values (sets,)."""
    count = len(next(iter(sets.values())))
    own = dict(sets)
    _follow(model, own, count)
    upstream = model.upstream_kernel
    healthy, held = _hold(model, own, count, None)
    references = _handed(upstream, healthy, held, tuple(GUT_REFERENCES.values()))
    shared = {name: references[variable] for name, variable in GUT_REFERENCES.items()}
    person, states = _hold(model, {**own, **shared}, count, "ms")
    seen = (*HOST_INPUTS, "host_si_pro")
    before = _course(
        upstream, person, states, {}, 0.0, (*seen, "gut_stool_Bu", "gut_share_ROS", "handover_plasma_Pr")
    )
    inulin = _course(
        upstream, person, states, {"gut_dose_inulin": DOSE}, DAYS, (*seen, "gut_stool_Bu", "gut_share_ROS")
    )
    salt = _course(
        upstream, person, states, {"handover_dose_propionate_salt": SALT}, SALT_DAYS, ("handover_plasma_Pr",)
    )
    found = {
        "stool_butyrate_inulin": inulin["gut_stool_Bu"] / before["gut_stool_Bu"],
        "roseburia_inulin": inulin["gut_share_ROS"] / before["gut_share_ROS"],
        "plasma_propionate_oral": salt["handover_plasma_Pr"] / before["handover_plasma_Pr"],
        "lps_ms": before["host_lps_lumen"],
        "lps_inulin": inulin["host_lps_lumen"] / before["host_lps_lumen"],
        "ahr_ms": before["host_ahr"],
        "ahr_inulin": inulin["host_ahr"] / before["host_ahr"],
    }
    return found | _host_figures(model, own, before, inulin, count, seed)


def has_steady_states(model: Model, sets: Sets) -> np.ndarray:
    """Say for each set whether the healthy gut and that of a person with MS have a steady state, (sets,)."""
    count = len(next(iter(sets.values())))
    own = dict(sets)
    _follow(model, own, count)
    fine = np.isfinite(own["host_p0"])
    for person in (None, "ms"):
        fine &= np.all(np.isfinite(_hold(model, own, count, person)[1]), axis=1)
    return fine


def _follow(model: Model, own: dict[str, Array], count: int) -> None:
    """Set what follows from other numbers of the host: priming, so that the healthy state stays 1."""

    def of(name: str) -> Array:
        return own.get(name, np.full(count, model.content.numbers[name].value))

    growth = of("host_g") / (1 + of("host_K_g") ** 2)
    priming = of("host_d_x") + 2 * of("host_k_comp") - growth / 2 * (of("host_c_grow") + of("host_phi17"))
    own["host_p0"] = np.where(priming > 0, priming, np.nan)


def _hold(model: Model, own: Sets, count: int, person: str | None) -> tuple[dict[str, Array], Array]:
    """Hold the composition of the healthy or of another person in every set.

    Returns the parameters of the gut with hand-over, and its states, shape (sets, states).
    """
    gut, upstream, content = model.gut_kernel, model.upstream_kernel, model.content

    def of(name: str) -> Array:
        return own.get(name, np.full(count, content.numbers[name].value))

    shares = np.stack([of(f"gut_frac_{g}") for g in GUILDS], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    settings: dict[str, Array] = {}
    if person is not None:
        rows = {row.target: row.value for row in content.persons if row.person == person}
        values = {
            target: of(text) if text in content.numbers else np.full(count, float(text))
            for target, text in rows.items()
        }
        folds = np.stack([values.pop(f"gut_share_{g}", np.ones(count)) for g in GUILDS], axis=1)
        shares = np.array([fold_shares(one, fold) for one, fold in zip(shares, folds, strict=True)])
        settings = {name: column for name, column in values.items() if name in upstream.parameter_index}
    given = {n: v for n, v in {**own, **settings}.items() if n in gut.parameter_index}
    niches = solve_niches(
        gut,
        given,
        shares,
        geometric_mean=content.numbers["gut_w_scale"].value,
        start=model.states("healthy", gut),
    )
    failed = np.array([word != OK for word in niches.status])
    states = np.repeat(model.states("healthy", upstream)[None], count, axis=0)
    states[:, [upstream.state_index[name] for name in gut.system.states]] = niches.states
    states[failed] = np.nan
    values = {name: np.full(count, v) for name, v in model.derived.of(person or "healthy").items()}
    values |= {**own, **settings}
    values |= {f"gut_w_{g}": niches.factors[:, k] for k, g in enumerate(GUILDS)}
    return {n: v for n, v in values.items() if n in upstream.parameter_index}, states


def _handed(kernel: Compiled, parameters: Sets, states: Array, names: tuple[str, ...]) -> dict[str, Array]:
    return _course(kernel, parameters, states, {}, 0.0, names)


def _course(
    kernel: Compiled,
    parameters: Sets,
    states: Array,
    dose: Mapping[str, float],
    day: float,
    names: tuple[str, ...],
) -> dict[str, Array]:
    """Return quantities on a day under a constant dose, NaN where a set fails."""
    fine = np.flatnonzero(np.all(np.isfinite(states), axis=1))
    out = {name: np.full(len(states), np.nan) for name in names}
    if len(fine):
        solution = kernel.solve(
            [0.0, day] if day else [0.0],
            names,
            parameters={**{n: v[fine] for n, v in parameters.items()}, **dose},
            initial=states[fine],
            tolerances=_TOLERANCES,
        )
        good = np.array([word == OK for word in solution.status])
        for name in names:
            out[name][fine] = np.where(good, solution[name][:, -1], np.nan)
    return out


def _host_figures(
    model: Model, own: Sets, before: Sets, inulin: Sets, count: int, seed: int
) -> dict[str, Array]:
    """Run a small population of hosts in every set, without therapy and with inulin's inputs of day 84."""
    kernel, numbers = model.host_kernel, model.content.numbers
    used = {n: v for n, v in own.items() if n in kernel.parameter_index}
    healthy = _healthy_hosts(kernel, used, count)
    base = joined_inputs(model.kernel, model.derived.of("ms"))
    draws = CohortDraws(seed, PEOPLE)
    people = draw_people(model.content, kernel, base, {}, draws)
    drive = draw_drive(model.content, people, draws, days=BURN_IN + YEAR)
    ratios = {name: _ratio(before[name], np.full(count, base[name])) for name in HOST_INPUTS}
    gains = {name: _ratio(inulin[name], before[name]) for name in HOST_INPUTS}

    def run(group: People, which: slice, couplings: Mapping[str, float]) -> tuple[Array, ...]:
        lanes = _lanes(model, group, used, {**healthy, **couplings}, ratios, count)
        treated = _scaled(lanes, kernel, gains, len(group))
        part = _each(drive, lambda path: np.tile(path[:, which], count))
        return _year(kernel, lanes, part, count), _year(kernel, treated, part, count)

    untreated, treated = run(people, slice(None), {})
    rates = [treated[k] / untreated[k] for k in (0, 1)]
    few = people.take(np.arange(SPREAD_PEOPLE))
    spread: list[list[Array]] = [[], []]
    for draw in range(WORLDS // 2):
        plus = {
            n: float(stream(seed, f"sensitivity/{n}", draw).standard_normal()) for n in coupling_names(model)
        }
        for sign in (1.0, -1.0):
            pair = run(few, slice(0, SPREAD_PEOPLE), {n: sign * v for n, v in plus.items()})
            for k in (0, 1):
                spread[k].append(np.log(pair[1][k] / pair[0][k]))
    microglia = untreated[2] / healthy["host_MG_healthy"]

    def of(name: str) -> Array:
        return own.get(name, np.full(count, numbers[name].value))

    return {
        "relapses_hand_fit": rates[0],
        "lesions_hand_fit": rates[1],
        "relapses_spread": np.sqrt(np.mean(np.square(spread[0]), axis=0)),
        "lesions_spread": np.sqrt(np.mean(np.square(spread[1]), axis=0)),
        "nfl_ms": untreated[3] / healthy["host_NfL_healthy"],
        "edss_drift": of("host_pira") * np.maximum(microglia - of("host_pira_MG"), 0),
    }


def _ratio(value: Array, base: Array) -> Array:
    """Return value over base; 1 where both are zero, as for what nobody takes."""
    nothing = (base == 0) & (value == 0)
    return np.where(nothing, 1.0, value / np.where(nothing, 1.0, base))


def _each(drive: Drive, change: Callable[[Array], Array]) -> Drive:
    """Apply a change to every path of a drive."""
    return replace(drive, **{f.name: change(getattr(drive, f.name)) for f in fields(drive)})


def _healthy_hosts(kernel: Compiled, used: Sets, count: int) -> dict[str, Array]:
    """Return the healthy host's references after the run-in, in every set."""
    names = tuple(name.removesuffix("_healthy") for name in _REFERENCES)
    states = np.repeat(kernel.default_states[None], count, axis=0)
    states[~np.all([np.isfinite(v) for v in used.values()], axis=0)] = np.nan
    found = _course(kernel, used, states, {}, 5 * DAYS_PER_YEAR, names)
    return {f"{name}_healthy": found[name] for name in names}


def _lanes(
    model: Model, people: People, used: Sets, settings: Mapping[str, Array | float], ratios: Sets, count: int
) -> People:
    """Repeat the people in every set; what differs between people keeps its factors around the set."""
    kernel, numbers = model.host_kernel, model.content.numbers
    size = len(people)
    parameters = np.tile(people.parameters, (1, count))
    for name, column in used.items():
        value = numbers[name].value if name in numbers else 0.0
        row = kernel.parameter_index[name]
        each = np.repeat(column, size)
        varies = np.ptp(people.parameters[row]) > 0
        parameters[row] = parameters[row] * each / value if varies and value else each
    smoulder = used.get("host_smold_ms")
    if smoulder is not None:
        parameters[kernel.parameter_index["host_smold"]] *= np.repeat(
            smoulder / numbers["host_smold_ms"].value, size
        )
    for name, setting in settings.items():
        parameters[kernel.parameter_index[name]] = np.repeat(np.broadcast_to(setting, count), size)
    lanes = replace(
        people,
        parameters=parameters,
        frailty=np.tile(people.frailty, count),
        triggers=np.tile(people.triggers, count),
        age=np.tile(people.age, count),
    )
    return _scaled(lanes, kernel, ratios, size)


def _scaled(people: People, kernel: Compiled, factors: Sets, size: int) -> People:
    parameters = people.parameters.copy()
    for name, factor in factors.items():
        parameters[kernel.parameter_index[name]] *= np.repeat(factor, size)
    return replace(people, parameters=parameters)


def _year(kernel: Compiled, people: People, drive: Drive, count: int) -> tuple[Array, ...]:
    """Return mean relapse and lesion rates, microglia and NfL of the year after the burn-in, each (sets,)."""
    fine = np.all(np.isfinite(people.parameters), axis=0)
    if not fine.any():
        return tuple(np.full(count, np.nan) for _ in range(4))
    safe = replace(people, parameters=np.where(fine, people.parameters, people.parameters[:, fine][:, :1]))
    first = _each(drive, lambda path: path[:BURN_IN])
    _, entry = run_hosts(kernel, safe, first, ())
    record, _ = run_hosts(kernel, safe, drive, (*_RATES, "host_MG", "host_NfL"), start=entry, day0=BURN_IN)
    means = []
    for name in (*_RATES, "host_MG", "host_NfL"):
        mean = np.where(fine, record[name].mean(axis=0), np.nan)
        means.append(mean.reshape(count, -1).mean(axis=1))
    return tuple(means)
