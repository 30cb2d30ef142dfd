"""Generated stiff networks of any size, to see how the cost grows with the number of states.

A ring of species; each is made under Hill control of the species before it (activation, every fifth one
repression), degraded in the first order, and exchanged with its neighbour. Rates of degradation are spread
log-uniformly over six decades, 1e-3 to 1e3 a day, in an order that puts fast beside slow. A pulse in the
first synthesis rate keeps the ring moving. Subjects differ in five numbers.
"""

from __future__ import annotations

import numpy as np

from benchmarks.cases import Case, Switch
from benchmarks.people import People
from eubiosis.model.join import antimony_to_sbml

SIZES = (10, 20, 40, 80, 160)
_SLOWEST, _FASTEST = 1e-3, 1e3
_DAYS = 365.0
_PERSONAL = ("scale", "half", "leak", "exchange", "push")
_SPREAD = 0.3


def ring(states: int, subjects: int, seed: int = 7) -> Case:
    """Return the case of one ring: ``push`` doubles from day 28 to day 196, output every week."""
    draws = np.random.default_rng([seed, states])
    rates = np.geomspace(_SLOWEST, _FASTEST, states)[_scattered(states)]
    lines = ["model ring()", "  scale = 1", "  half = 1", "  leak = 0.05", "  exchange = 0.02", "  push = 1"]
    lines += ["  var pulse = 1"]
    for i in range(states):
        before, after = (i - 1) % states, (i + 1) % states
        strength = float(np.exp(0.2 * draws.standard_normal()))
        hill = f"x{before}^2 / (half^2 + x{before}^2)"
        if i % 5 == 4:
            hill = f"half^2 / (half^2 + x{before}^2)"
        made = f"{strength!r} * scale * (leak + {hill})"
        if i == 0:
            made += " * push * pulse"
        rate = float(rates[i])
        lines.append(f"  made{i} := {made}")
        lines.append(f"  x{i} = {0.2 + 0.6 * float(draws.random())!r}")
        lines.append(f"  x{i}' = {rate!r} * (2 * made{i} - x{i} + exchange * (x{after} - x{i}))")
    lines += ["end", ""]
    values = np.array([1.0, 1.0, 0.05, 0.02, 1.0])
    personal = values * np.exp(_SPREAD * draws.standard_normal((subjects, len(values))))
    names = tuple(f"x{i}" for i in range(states))
    initial = np.exp(0.2 * draws.standard_normal((subjects, states))) * 0.5
    people = People(_PERSONAL, names, personal, initial)
    switches = (Switch(28.0, "pulse", 2.0), Switch(196.0, "pulse", 1.0))
    times = np.append(np.arange(0.0, _DAYS, 7.0), _DAYS)
    return Case(f"ring_{states}", antimony_to_sbml("\n".join(lines), "ring"), people, times, switches)


def _scattered(count: int) -> list[int]:
    """Return 0 ... count - 1 in an order in which neighbours are far apart."""
    step = next(s for s in range(round(0.38 * count) or 1, count + 1) if np.gcd(s, count) == 1)
    return [(k * step) % count for k in range(count)]


def exponent(sizes: list[float], costs: list[float]) -> float:
    """Return the slope of log(cost) against log(size) by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
