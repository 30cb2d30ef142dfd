"""People for the natural history: personal host parameters and covariates, one draw stream for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.streams import Draws
from eubiosis.engine.kernel import Array, Kernel
from eubiosis.model.content import Content

HOST_INPUTS = ("host_but", "host_pro", "host_ahr", "host_lps_lumen", "host_muc")
_INPUT_SPREAD = {
    "host_but": "host_sd_ln_but",
    "host_pro": "host_sd_ln_pro",
    "host_ahr": "host_sd_ln_ahr",
    "host_lps_lumen": "host_sd_ln_lps",
}
_PERSONAL = ("host_f_rel", "host_e_TJ", "host_gam17S")


@dataclass(frozen=True)
class People:
    """A population of hosts.

    ``parameters`` has shape (kernel parameters, people); ``frailty`` multiplies each one's relapse hazard,
    ``triggers`` is each one's trigger rate (1/yr), ``age`` in years; all shape (people,).
    """

    parameters: Array
    frailty: Array
    triggers: Array
    age: Array

    def __len__(self) -> int:
        return len(self.age)


def draw_people(
    content: Content,
    kernel: Kernel,
    inputs: Mapping[str, float | Array],
    values: Mapping[str, float],
    draws: Draws,
    *,
    vary_inputs: bool = True,
    vary_gains: bool = True,
    age: Array | None = None,
) -> People:
    """Draw people around gut ``inputs`` of the host (keys ``HOST_INPUTS``; a number or one for each person).

    ``values`` overrides parameters for everybody, such as the healthy reference values. ``vary_inputs`` adds
    the variation between people that the host specification assumes for the gut, ``vary_gains`` its variation
    of three gut-to-host gains. ``age`` (years, shape (people,)) is drawn when it is not given.
    """
    number = {name: row.value for name, row in content.numbers.items()}
    spread = {name: row.spread for name, row in content.numbers.items()}

    def normal(name: str) -> Array:
        return draws.normals(f"people/{name}", 1)[:, 0]

    def uniform(name: str) -> Array:
        return draws.uniforms(f"people/{name}", 1)[:, 0]

    def lognormal(name: str, sd: float) -> Array:
        """Mean-one lognormal factors."""
        return np.exp(sd * normal(name) - sd**2 / 2)

    def personal(name: str) -> Array:
        sd = spread[name]
        assert sd is not None, f"{name} has no spread"
        return number[name] * lognormal(name, sd)

    if age is None:
        age = np.clip(
            number["host_age_mean"] + number["host_age_sd"] * normal("age"),
            number["host_age_min"],
            number["host_age_max"],
        )
    base = kernel.default_parameters.copy()
    for name, value in values.items():
        if name in kernel.parameter_index:
            base[kernel.parameter_index[name]] = value
    parameters = np.repeat(base[:, None], len(age), axis=1)
    older = age - number["host_age_mean"]
    carrier = uniform("DRB1*15:01") < number["host_dr15_share"]
    smoker = uniform("smoking") < number["host_smoker_share"]
    vitamin_d = np.clip(
        number["host_vitD_mean"] + number["host_vitD_sd"] * normal("25(OH)D"),
        number["host_vitD_min"],
        number["host_vitD_max"],
    )
    quiescent = uniform("quiescent") < number["host_quiescent_share"]
    drawn: dict[str, float | Array] = {
        "host_a_A": personal("host_a_A")
        * np.where(carrier, number["host_dr15_on"], number["host_dr15_off"])
        * number["host_age_5y"] ** (older / 5 * number["host_age_on_aA"]),
        "host_K_R": personal("host_K_R")
        * (1 + number["host_vitD_on_KR"] * (vitamin_d - number["host_vitD_mean"]))
        * np.where(smoker, number["host_smoke_on"], number["host_smoke_off"]),
        "host_k_in": personal("host_k_in") * np.where(quiescent, number["host_quiescent_factor"], 1.0),
        "host_k_rem": personal("host_k_rem") * np.exp(-number["host_age_on_rem"] * older),
        "host_smold": number["host_smold_ms"]
        * lognormal("host_smold", number["host_sd_ln_smold"])
        * np.maximum(1 + number["host_age_on_smold"] * older, 0),
        **inputs,
    }
    if vary_gains:
        drawn |= {name: personal(name) for name in _PERSONAL}
    if vary_inputs:
        drawn |= {name: inputs[name] * lognormal(name, number[sd]) for name, sd in _INPUT_SPREAD.items()}
    for name, column in drawn.items():
        parameters[kernel.parameter_index[name]] = column
    frailty_sd = spread["host_v_i"]
    assert frailty_sd is not None, "host_v_i has no spread"
    return People(parameters, lognormal("frailty", frailty_sd), personal("host_nu"), age)


@dataclass(frozen=True)
class Drive:
    """The random drive of each person and day.

    ``tone`` multiplies priming and antigen gain, ``shots`` is the day's triggers (load per day); both have
    shape (days, people).
    """

    tone: Array
    shots: Array


def draw_drive(content: Content, people: People, draws: Draws, *, days: int) -> Drive:
    """Draw the slow tone (two Ornstein-Uhlenbeck processes in its logarithm) and the triggers (Poisson)."""
    number = {name: row.value for name, row in content.numbers.items()}
    log_tone = np.zeros((days, len(people)))
    for sd_name, tau_name in (("host_sd_Z", "host_tau_Z"), ("host_sd_Z2", "host_tau_Z2")):
        sd, tau = number[sd_name], number[tau_name]
        noise = draws.normals(f"drive/{sd_name}", days + 1).T
        keep = np.exp(-1.0 / tau)
        z = noise[0]
        for day in range(days):
            log_tone[day] += sd * z - sd**2 / 2
            z = keep * z + np.sqrt(1 - keep**2) * noise[day + 1]
    count = _poisson(people.triggers / _YEAR, draws.uniforms("drive/triggers", days))
    sizes = number["host_shot_mean"] * draws.exponentials("drive/sizes", days * _MOST)
    wanted = np.arange(_MOST) < count[:, :, None]
    shots = np.where(wanted, sizes.reshape(len(people), days, _MOST), 0.0).sum(axis=2)
    return Drive(np.exp(log_tone), np.ascontiguousarray(shots.T))


_YEAR = 365.25
_MOST = 4  # triggers a day that are told apart; more are as good as impossible at a few a year


def _poisson(rate: Array, uniform: Array) -> NDArray[np.int64]:
    """Invert the Poisson distribution of one day; rate (people,), uniform (people, days)."""
    probability = np.exp(-rate)[:, None]
    cumulative = probability.copy()
    count = np.zeros(uniform.shape, dtype=np.int64)
    for k in range(1, _MOST + 1):
        count += uniform > cumulative
        probability = probability * rate[:, None] / k
        cumulative = cumulative + probability
    return count
