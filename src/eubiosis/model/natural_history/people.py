"""People for the natural history: personal host parameters and covariates, one draw stream for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import Draws
from eubiosis.engine import Array, Compiled
from eubiosis.model.content import Content

HOST_INPUTS = (
    *("host_but", "host_pro", "host_ahr", "host_lps_lumen", "host_muc", "host_ace", "host_plasma_pro"),
    *("host_bile", "host_pcs", "host_is", "host_fructan", "host_akk", "host_equol"),
)
_INPUT_SPREAD = {
    "host_but": "host_sd_ln_but",
    "host_pro": "host_sd_ln_pro",
    "host_ahr": "host_sd_ln_ahr",
    "host_lps_lumen": "host_sd_ln_lps",
}


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

    def values(self, kernel: Compiled) -> dict[str, float | Array]:
        """Return each parameter of the kernel: a number where everybody has the same, else (people,)."""
        same = np.all(self.parameters == self.parameters[:, :1], axis=1)
        return {
            name: float(row[0]) if same[i] else row
            for i, (name, row) in enumerate(zip(kernel.system.parameters, self.parameters, strict=True))
        }

    def take(self, rows: NDArray[np.intp]) -> People:
        """Return some of the people, in the order of ``rows`` (positions)."""
        return People(self.parameters[:, rows], self.frailty[rows], self.triggers[rows], self.age[rows])


def draw_people(
    content: Content,
    kernel: Compiled,
    inputs: Mapping[str, float | Array],
    values: Mapping[str, float],
    draws: Draws,
    *,
    vary_inputs: bool = True,
    activity: float = 1.0,
    age: Array | None = None,
) -> People:
    """Draw people around gut ``inputs`` of the host (keys ``HOST_INPUTS``; a number or one for each person).

    ``values`` overrides parameters for everybody, such as the healthy reference values. ``vary_inputs`` adds
    the variation between people that the host specification assumes for the gut; gains of the paths from the
    gut do not vary between people, because they are not known and that is another matter. ``activity`` is the
    disease: 1 for people with relapsing MS, 0 for people without. ``age`` (years, shape (people,)) is drawn
    when it is not given.
    """
    number = content.by_name
    between = {name: row.variability for name, row in content.numbers.items()}

    def normal(name: str) -> Array:
        return draws.normals(f"people/{name}", 1)[:, 0]

    def uniform(name: str) -> Array:
        return draws.uniforms(f"people/{name}", 1)[:, 0]

    def lognormal(name: str, sd: float) -> Array:
        """Mean-one lognormal factors."""
        return np.exp(sd * normal(name) - sd**2 / 2)

    def personal(name: str) -> Array:
        sd = between[name]
        assert sd is not None, f"{name} has no variability"
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
        "host_activity": activity,
        "host_smold": activity
        * number["host_smold_ms"]
        * lognormal("host_smold", number["host_sd_ln_smold"])
        * np.maximum(1 + number["host_age_on_smold"] * older, 0),
        **inputs,
    }
    if vary_inputs:
        drawn |= {name: inputs[name] * lognormal(name, number[sd]) for name, sd in _INPUT_SPREAD.items()}
    for name, column in drawn.items():
        parameters[kernel.parameter_index[name]] = column
    frailty_sd = between["host_v_i"]
    assert frailty_sd is not None, "host_v_i has no variability"
    return People(parameters, lognormal("frailty", frailty_sd), personal("host_nu"), age)


@dataclass(frozen=True)
class Drive:
    """The random drive of each person and day.

    ``tone`` multiplies priming and antigen gain, ``shots`` is the day's triggers (load per day), ``hazard``
    multiplies the relapse hazard (mean 1); all have shape (days, people).
    """

    tone: Array
    shots: Array
    hazard: Array

    def first(self, days: int) -> Drive:
        """Return the first days."""
        return Drive(self.tone[:days], self.shots[:days], self.hazard[:days])

    def take(self, rows: NDArray[np.intp]) -> Drive:
        """Return the drive of some of the people, in the order of ``rows`` (positions)."""
        return Drive(self.tone[:, rows], self.shots[:, rows], self.hazard[:, rows])

    def repeated(self, times: int) -> Drive:
        """Return the drive of everybody, ``times`` over, people within repeats."""
        parts = (self.tone, self.shots, self.hazard)
        return Drive(*(np.tile(part, (1, times)) for part in parts))


def draw_drive(content: Content, people: People, draws: Draws, *, days: int) -> Drive:
    """Draw the slow tone (two Ornstein-Uhlenbeck processes in its logarithm), the triggers and the hazard.

    Triggers are Poisson; what multiplies the hazard is one Ornstein-Uhlenbeck process in its logarithm. A
    person's drive does not depend on the others where ``draws`` has a stream for each subject, so that a
    large cohort can be drawn in parts (``People.take``): a thousand subject-years hold some 40 MB.
    """
    number = content.by_name
    log_tone, slower, log_hazard = (_log_tone(*_law(number, draws, each, days)) for each in ("Z", "Z2", "u"))
    log_tone += slower
    who, day, count = _triggers(people.triggers / DAYS_PER_YEAR, draws.uniforms("drive/triggers", days))
    sizes = draws.exponentials("drive/sizes", days * _MOST).reshape(len(people), days, _MOST)[who, day]
    shots = np.zeros((days, len(people)))
    wanted = np.arange(_MOST) < count[:, None]
    shots[day, who] = np.where(wanted, number["host_shot_mean"] * sizes, 0.0).sum(axis=1)
    return Drive(np.exp(log_tone, out=log_tone), shots, np.exp(log_hazard, out=log_hazard))


def draw_hazard(content: Content, draws: Draws, *, days: int, step: int = 1) -> Array:
    """Draw what multiplies the hazard of relapse (mean 1) every ``step`` days, (days / step, people)."""
    log_hazard = _log_tone(*_law(content.by_name, draws, "u", days, step))
    return np.asarray(np.exp(log_hazard, out=log_hazard))


_DECAY, _BLOCK_DAYS = 4.0, 128  # days summed at once: so many times of the process, and at most
_MOST = 4  # triggers a day that are told apart; more are as good as impossible at a few a year


def _law(
    number: Mapping[str, float], draws: Draws, name: str, days: int, step: int = 1
) -> tuple[Array, float, float]:
    """Return noise, SD and time of a process of the drive every ``step`` days, as ``_log_tone`` asks."""
    noise = draws.normals(f"drive/host_sd_{name}", days // step + 1)
    return noise, number[f"host_sd_{name}"], number[f"host_tau_{name}"] / step


def _log_tone(noise: Array, sd: float, tau: float) -> Array:
    """Return stationary Ornstein-Uhlenbeck processes of mean -sd^2/2 that last ``tau`` days, (days, people).

    ``noise`` are standard normals, (people, days + 1). What a day carries over from earlier days of its block
    is a running sum of noise that is scaled up by what its decay will take, by e^4 at most, so that no digit
    is lost: one call does for all days of a block.
    """
    keep = np.exp(-1.0 / tau)
    log_tone = noise.T[:-1].copy()
    block = int(np.clip(_DECAY * tau, 1, _BLOCK_DAYS))
    decay = keep ** np.arange(block)[:, None]
    scale = sd * np.sqrt(1 - keep**2) / decay
    first = sd * log_tone[0]
    for begin in range(0, len(log_tone), block):
        days = log_tone[begin : begin + block]
        days *= scale[: len(days)]
        days[0] = days[0] + keep * log_tone[begin - 1] if begin else first
        np.cumsum(days, axis=0, out=days)
        days *= decay[: len(days)]
    log_tone -= sd**2 / 2
    return log_tone


def _triggers(rate: Array, uniform: Array) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Invert the Poisson distribution of one day; ``rate`` (people,), ``uniform`` (people, days).

    Returns the person, the day and the number of triggers of every person's day that has any.
    """
    probability = np.exp(-rate)
    who, day = np.nonzero(uniform > probability[:, None])
    uniform, rate, probability = uniform[who, day], rate[who], probability[who]
    count = np.ones(len(who), dtype=np.int64)
    cumulative = probability.copy()
    for k in range(1, _MOST):
        probability = probability * rate / k
        cumulative += probability
        count += uniform > cumulative
    return who, day, count
