"""The single answers of ``eubiosis trial power``: one number of everything, the size per arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from eubiosis.cli.trial_plans import COUNTS, SCORES

if TYPE_CHECKING:
    from eubiosis.analysis.planning.sizes import SampleSize

Answer = dict[str, float | int | str]
Values = Mapping[str, float]


def single_answer(endpoint: str, values: Values, method: Literal[1, 2, 3]) -> Answer:
    """Return the size of a two-arm trial; ``values`` are the options given, by name without dashes."""
    if endpoint in COUNTS:
        return _count(endpoint, values, method)
    return _score(endpoint, values) if endpoint in SCORES else _time(endpoint, values)


def _count(endpoint: str, values: Values, method: Literal[1, 2, 3]) -> Answer:
    from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_size

    follow_up = FollowUp(
        values["years"], values.get("accrual_years", 0.0), values.get("dropout_per_year", 0.0)
    )
    size = negative_binomial_size(
        values["control_rate"],
        values["ratio"],
        values["dispersion"],
        follow_up,
        power=values["power"],
        alpha=values["alpha"],
        allocation=values.get("allocation", 1.0),
        method=method,
    )
    return _answer(endpoint, size)


def _score(endpoint: str, values: Values) -> Answer:
    from eubiosis.analysis.planning.classic import AncovaMethod, ancova_size, t_test_size

    effect, correlation = values["effect_size"], values.get("baseline_correlation")
    power, alpha = values["power"], values["alpha"]
    if correlation is None:
        return _answer(endpoint, t_test_size(effect, power=power, alpha=alpha))
    methods: tuple[AncovaMethod, ...] = ("reduced SD", "Borm", "exact")
    sizes = [ancova_size(effect, correlation, power=power, alpha=alpha, method=method) for method in methods]
    answer = _answer(endpoint, sizes[0])
    answer["n_per_arm_borm"] = sizes[1].n_per_arm
    answer["n_per_arm_exact"] = sizes[2].n_per_arm
    return answer


def _time(endpoint: str, values: Values) -> Answer:
    from eubiosis.analysis.planning.classic import hazard_ratio_size

    size = hazard_ratio_size(
        values["hazard_ratio"],
        values["control_hazard"],
        follow_up_years=values["years"],
        accrual_years=values.get("accrual_years", 0.0),
        dropout_per_year=values.get("dropout_per_year", 0.0),
        power=values["power"],
        alpha=values["alpha"],
        allocation=values.get("allocation", 1.0),
    )
    return _answer(endpoint, size)


def _answer(endpoint: str, size: SampleSize) -> Answer:
    return {
        "endpoint": endpoint,
        "method": size.method,
        "n_per_arm": size.n_per_arm,
        "n_control": size.n_control,
        "n_treated": size.n_treated,
        "n_total": size.n_total,
        "n_control_exact": size.n_control_exact,
        "power": size.power,
        "power_asked": size.target,
        "alpha": size.alpha,
        **size.detail,
    }
