"""Made networks with switches, and a plain reference for them that shares no code with the engine.

A network is a list of *parts*, each a few states with the mathematics of one kind of switch. A part is
written twice from the same numbers: as Antimony text for the engine, and as Python functions for the
reference, which integrates smooth pieces only. Its switching times are known beforehand, or found by a
root finder of its own on a dense output of a different method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass
class Guard:
    """A function of the time and the states whose zero is a switch; ``act`` is what happens there.

    ``act`` takes the time, the states and the direction of the crossing, and may change both the states and
    the mode of the part.
    """

    value: Callable[[float, Floats], float]
    act: Callable[[float, Floats, int], None]
    scale: float = 1.0


@dataclass
class Part:
    """A few states, their rates, what the text says, and what switches."""

    text: list[str]
    start: list[float]
    scale: list[float]
    rate: Callable[[float, Floats], list[float]]
    times: Callable[[float], list[float]] = lambda _: []
    at_time: Callable[[float, Floats], list[float]] | None = None
    guards: list[Guard] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    kind: str = ""
    fastest: float = 1e-9


def _number(value: float) -> str:
    return repr(float(value))


class Maker:
    """Draws parts; every number comes from one generator, so that a seed stands for a network."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.end = float(np.round(10 ** self.random.uniform(0.5, 2.0), 3))
        self.count = 0

    def network(self) -> list[Part]:
        """Return one to four parts."""
        kinds = list(KINDS)
        chosen = self.random.choice(len(kinds), size=int(self.random.integers(1, 5)))
        return [self._part(kinds[k]) for k in chosen]

    def _part(self, kind: str) -> Part:
        self.made: list[str] = []
        part = KINDS[kind](self)
        part.names, part.kind = self.made[: len(part.start)], kind
        return followed(self, part) if self.random.random() < 0.3 else part

    def between(self, low: float, high: float) -> float:
        """Draw a number with five digits."""
        return float(f"{self.random.uniform(low, high):.5g}")

    def scale(self) -> float:
        """Draw the size of a part's states: from tiny to huge."""
        return float(f"{10.0 ** self.random.integers(-12, 7):.1g}")

    def name(self, letter: str) -> str:
        """Return a new name."""
        self.count += 1
        self.made.append(f"{letter}{self.count}")
        return self.made[-1]


# --- windows in time -------------------------------------------------------------------------------------


def periodic_window(make: Maker) -> Part:
    """An infusion during the first part of every period, with elimination."""
    x, size = make.name("x"), make.scale()
    period, share = make.between(0.05, 0.6) * make.end, make.between(0.001, 0.5)
    width, k, a = share * period, make.between(0, 2), make.between(0.5, 5) * size
    strict = make.random.random() < 0.5
    form = int(make.random.integers(2))
    clock = (f"time % {period!r}", f"time - {period!r}*floor(time/{period!r})")[form]
    relation = "<" if strict else "<="
    text = [f"{x} = 0; {x}' = piecewise({a!r}, {clock} {relation} {width!r}, 0) - {k!r}*{x}"]
    mode = {"on": True}

    def times(end: float) -> list[float]:
        starts = np.arange(0, end + period, period)
        return sorted([*starts, *(starts + width)])

    def at_time(time: float, y: Floats) -> list[float]:
        mode["on"] = abs(time / period - round(time / period)) < 1e-9
        return list(y)

    return Part(text, [0.0], [size], lambda _, y: [(a if mode["on"] else 0.0) - k * y[0]], times, at_time)


def wave_window(make: Maker) -> Part:
    """A rate while a sine is above a level."""
    x, size = make.name("x"), make.scale()
    omega, level = make.between(0.5, 40) / make.end, make.between(-0.99, 0.9995)
    phase, k, a = make.between(0, 6), make.between(0, 2), make.between(0.5, 5) * size
    text = [f"{x} = 0; {x}' = piecewise({a!r}, sin({omega!r}*time + {phase!r}) > {level!r}, 0) - {k!r}*{x}"]
    mode = {"on": math.sin(phase) > level}

    def times(end: float) -> list[float]:
        base = math.asin(level)
        out = []
        for first in (base, math.pi - base):
            for n in range(-3, int(omega * end / (2 * math.pi)) + 4):
                out.append((first + 2 * math.pi * n - phase) / omega)
        return sorted(t for t in out if t > 0)

    def at_time(time: float, y: Floats) -> list[float]:
        mode["on"] = math.cos(omega * time + phase) > 0
        return list(y)

    return Part(text, [0.0], [size], lambda _, y: [(a if mode["on"] else 0.0) - k * y[0]], times, at_time)


def moved_window(make: Maker) -> Part:
    """A window whose bounds an event moves on each time."""
    x, b, size = make.name("x"), make.name("b"), make.scale()
    first, gap = make.between(0.02, 0.3) * make.end, make.between(0.1, 0.4) * make.end
    width, k, a = make.between(0.001, 0.5) * gap, make.between(0, 2), make.between(0.5, 5) * size
    text = [
        f"{x} = 0; {b} = {first!r}",
        f"{x}' = piecewise({a!r}, time >= {b} && time < {b} + {width!r}, 0) - {k!r}*{x}",
        f"at time >= {b} + {width * 1.5!r}: {b} = {b} + {gap!r}",
    ]
    mode = {"on": False}

    def times(end: float) -> list[float]:
        starts, start = [], first
        while start < end + gap:
            starts.append(start)
            start += gap
        return sorted([*starts, *(s + width for s in starts)])

    def at_time(time: float, y: Floats) -> list[float]:
        phase = (time - first) / gap
        mode["on"] = abs(phase - round(phase)) < 1e-9
        return list(y)

    return Part(text, [0.0], [size], lambda _, y: [(a if mode["on"] else 0.0) - k * y[0]], times, at_time)


def periodic_dose(make: Maker) -> Part:
    """A bolus at every whole number of periods, after an equality."""
    x, size = make.name("x"), make.scale()
    period, k, d = make.between(0.03, 0.6) * make.end, make.between(0, 2), make.between(0.5, 5) * size
    form = int(make.random.integers(2))
    trigger = (f"time % {period!r} == 0", f"sin({math.pi!r}*time/{period!r}) == 0")[form]
    text = [f"{x} = {size!r}; {x}' = -{k!r}*{x}", f"at {trigger}: {x} = {x} + {d!r}"]

    def times(end: float) -> list[float]:
        return list(np.arange(1, end / period + 1) * period)

    return Part(text, [size], [size], lambda _, y: [-k * y[0]], times, lambda _, y: [y[0] + d])


# --- by states -------------------------------------------------------------------------------------------


def clock_window(make: Maker) -> Part:
    """A narrow window on a state that is a clock."""
    x, c, size, unit = make.name("x"), make.name("c"), make.scale(), make.scale()
    speed = make.between(0.5, 2) * unit
    at, width = make.between(0.1, 0.8) * make.end * speed, make.between(0.0005, 0.1) * make.end * speed
    k, a = make.between(0, 2), make.between(0.5, 5) * size
    text = [
        f"{x} = 0; {c} = 0; {c}' = {speed!r}",
        f"{x}' = piecewise({a!r}, {c} >= {at!r} && {c} <= {at + width!r}, 0) - {k!r}*{x}",
    ]
    upper = at + width
    mode = {"on": False}

    def enter(_: float, __: Floats, ___: int) -> None:
        mode["on"] = True

    def leave(_: float, __: Floats, ___: int) -> None:
        mode["on"] = False

    guards = [Guard(lambda _, y: y[1] - at, enter, at), Guard(lambda _, y: y[1] - upper, leave, at)]
    return Part(
        text,
        [0.0, 0.0],
        [size, unit],
        lambda _, y: [(a if mode["on"] else 0.0) - k * y[0], speed],
        guards=guards,
    )


def band_event(make: Maker) -> Part:
    """An oscillator whose state passes thresholds; each passage upwards counts, with or without delay."""
    x, v, n, size = make.name("x"), make.name("v"), make.name("n"), make.scale()
    omega, level = make.between(2, 30) / make.end, make.between(-0.9, 0.9995)
    delay = make.between(0.01, 1.5) * 2 * math.pi / omega if make.random.random() < 0.5 else 0.0
    wait = f"{delay!r} after " if delay else ""
    text = [
        f"{x} = 0; {v} = {size * omega!r}; {n} = 0; {x}' = {v}; {v}' = -{omega * omega!r}*{x}",
        f"at {wait}({x} > {level * size!r}), fromTrigger=false: {n} = {n} + {size!r}",
    ]

    def times(end: float) -> list[float]:
        base = math.asin(level)
        crossings = [(base + 2 * math.pi * m) / omega for m in range(int(omega * end / (2 * math.pi)) + 2)]
        return sorted(t + delay for t in crossings if t > 0)

    return Part(
        text,
        [0.0, size * omega, 0.0],
        [size, size * omega, size],
        lambda _, y: [y[1], -omega * omega * y[0], 0.0],
        times,
        lambda _, y: [y[0], y[1], y[2] + size],
    )


def threshold_rate(make: Maker) -> Part:
    """Growth that changes its speed at a threshold, and is cut down at another one."""
    x, size = make.name("x"), make.scale()
    low, high = make.between(0.3, 0.6) * size, make.between(0.8, 1.5) * size
    a, b = make.between(1, 6) / make.end * size, make.between(1, 6) / make.end * size
    rest = make.between(0, 0.25) * size
    text = [f"{x} = 0; {x}' = piecewise({a!r}, {x} < {low!r}, {b!r})", f"at {x} >= {high!r}: {x} = {rest!r}"]
    mode = {"low": True}

    def change(_: float, __: Floats, direction: int) -> None:
        mode["low"] = direction < 0

    def cut(_: float, y: Floats, __: int) -> None:
        y[0], mode["low"] = rest, True

    guards = [Guard(lambda _, y: y[0] - low, change, size), Guard(lambda _, y: y[0] - high, cut, size)]
    return Part(text, [0.0], [size], lambda *_: [a if mode["low"] else b], guards=guards)


def relay(make: Maker) -> Part:
    """A tank that is filled and drained between two levels (a relay with hysteresis)."""
    x, on, size = make.name("x"), make.name("s"), make.scale()
    low, high = make.between(0.2, 0.5) * size, make.between(0.6, 0.9) * size
    k = make.between(3, 12) / make.end
    text = [
        f"{x} = 0; {on} = 1; {x}' = {k!r}*({size!r}*{on} - {x})",
        f"at {x} > {high!r}: {on} = 0",
        f"at {x} < {low!r}, t0=true: {on} = 1",
    ]

    def stop(_: float, y: Floats, direction: int) -> None:
        if direction > 0:
            y[1] = 0.0

    def begin(_: float, y: Floats, direction: int) -> None:
        if direction < 0:
            y[1] = 1.0

    guards = [Guard(lambda _, y: y[0] - high, stop, size), Guard(lambda _, y: y[0] - low, begin, size)]
    return Part(text, [0.0, 1.0], [size, 1.0], lambda _, y: [k * (size * y[1] - y[0]), 0.0], guards=guards)


def clipped(make: Maker) -> Part:
    """A rate that is cut off below and above by min and max of an oscillator."""
    p, q, x, size = make.name("p"), make.name("q"), make.name("x"), make.scale()
    omega = make.between(3, 40) / make.end
    low, high = make.between(-0.9, 0.2), make.between(0.3, 0.9995)
    a, k = make.between(0.5, 5) * size, make.between(0, 2)
    text = [
        f"{p} = 0; {q} = 1; {p}' = {omega!r}*{q}; {q}' = -{omega!r}*{p}",
        f"{x} = 0; {x}' = {a!r}*(max({p} - {high!r}, 0) + abs({p} - {low!r})) - {k!r}*{x}",
    ]
    mode = {"high": False, "low": low > 0}

    def over(_: float, __: Floats, direction: int) -> None:
        mode["high"] = direction > 0

    def under(_: float, __: Floats, direction: int) -> None:
        mode["low"] = direction < 0

    def rate(_: float, y: Floats) -> list[float]:
        bent = (low - y[0]) if mode["low"] else (y[0] - low)
        top = (y[0] - high) if mode["high"] else 0.0
        return [omega * y[1], -omega * y[0], a * (top + bent) - k * y[2]]

    guards = [Guard(lambda _, y: y[0] - high, over), Guard(lambda _, y: y[0] - low, under)]
    return Part(text, [0.0, 1.0, 0.0], [1.0, 1.0, size], rate, guards=guards)


def product_window(make: Maker) -> Part:
    """A rate while a product of two states, which is not linear in them, is above a level."""
    p, q, x, size = make.name("p"), make.name("q"), make.name("x"), make.scale()
    omega, level = make.between(2, 20) / make.end, make.between(-0.45, 0.4999)
    a, k = make.between(0.5, 5) * size, make.between(0, 2)
    text = [
        f"{p} = 0; {q} = 1; {p}' = {omega!r}*{q}; {q}' = -{omega!r}*{p}",
        f"{x} = 0; {x}' = piecewise({a!r}, {p}*{q} > {level!r}, 0) - {k!r}*{x}",
    ]
    mode = {"on": level < 0}

    def change(_: float, __: Floats, direction: int) -> None:
        mode["on"] = direction > 0

    def rate(_: float, y: Floats) -> list[float]:
        return [omega * y[1], -omega * y[0], (a if mode["on"] else 0.0) - k * y[2]]

    guards = [Guard(lambda _, y: y[0] * y[1] - level, change)]
    return Part(text, [0.0, 1.0, 0.0], [1.0, 1.0, size], rate, guards=guards)


def staircase(make: Maker) -> Part:
    """A rate by whole numbers of the time, and one by whole numbers of a state."""
    x, z, size = make.name("x"), make.name("z"), make.scale()
    period, speed = make.between(0.02, 0.6) * make.end, make.between(0.5, 9) / make.end
    a, k = make.between(-2, 5) * size, make.between(0, 2)
    step = make.between(0.1, 0.9) * size
    top = ("floor", "ceil")[int(make.random.integers(2))]
    text = [
        f"{x} = 0; {z} = 0; {z}' = {speed * size!r}",
        f"{x}' = {a!r}*floor(time/{period!r}) + {size!r}*{top}({z}/{step!r}) - {k!r}*{x}",
    ]
    mode = {"n": 0, "level": int(top == "ceil")}

    def rate(_: float, y: Floats) -> list[float]:
        return [a * mode["n"] + size * mode["level"] - k * y[0], speed * size]

    def times(end: float) -> list[float]:
        own = np.arange(1, end / period + 1) * period
        others = np.arange(1, speed * size * end / step + 1) * step / (speed * size)
        return sorted([*own, *others])

    def at_time(time: float, y: Floats) -> list[float]:
        mode["n"] = math.floor(time / period + 1e-9)
        mode["level"] = math.floor(time * speed * size / step + 1e-9) + int(top == "ceil")
        return list(y)

    return Part(text, [0.0, 0.0], [size, size], rate, times, at_time)


def queue(make: Maker) -> Part:
    """Three events at once, in the order of their priorities; one of them delayed, one dropped by another."""
    x, n, size = make.name("x"), make.name("n"), make.scale()
    at, delay = make.between(0.1, 0.5) * make.end, make.between(0.05, 0.4) * make.end
    ranks = [int(r) for r in make.random.permutation(3)]
    f, g = make.between(0.2, 0.9), make.between(1.1, 2.5)
    text = [
        f"{x} = 0; {n} = {size!r}; {x}' = 1",
        f"at {x} >= {at!r}, priority={ranks[0]}, fromTrigger=false: {n} = {n} + {size!r}",
        f"at {x} >= {at!r}, priority={ranks[1]}, fromTrigger=false: {n} = {n}*{f!r}",
        f"at {delay!r} after ({x} >= {at!r}), priority={ranks[2]}, fromTrigger=false: {n} = {n}*{g!r}",
        f"at time >= {at + delay!r}, priority={ranks[2] + 0.5}, fromTrigger=false: {n} = {n} - {size!r}",
    ]
    first = ranks[0] > ranks[1]

    def at_time(time: float, y: Floats) -> list[float]:
        if time < at + 0.5 * delay:
            return [y[0], (y[1] + size) * f if first else y[1] * f + size]
        return [y[0], (y[1] - size) * g]

    return Part(
        text, [0.0, size], [make.end, size], lambda *_: [1.0, 0.0], lambda _: [at, at + delay], at_time
    )


# --- roots at zero ---------------------------------------------------------------------------------------


def root_at_zero(make: Maker) -> Part:
    """A root of a state that begins at zero, or that a dose sets to zero."""
    x, size = make.name("x"), make.scale()
    a, b = make.between(0.5, 3) / make.end * size * 5, make.between(0.5, 3) / make.end * size * 5
    power = [0.5, 0.5, make.between(0.3, 0.9)][int(make.random.integers(3))]
    root = f"sqrt({x}/{size!r})" if power == 0.5 else f"({x}/{size!r})^{power!r}"
    at = make.between(0.2, 0.8) * make.end
    text = [f"{x} = 0; {x}' = {a!r} - {b!r}*{root}"]
    reset = make.random.random() < 0.5
    if reset:
        text.append(f"at time >= {at!r}: {x} = 0")

    def rate(_: float, y: Floats) -> list[float]:
        return [a - b * max(y[0] / size, 0.0) ** power]

    return Part(text, [0.0], [size], rate, lambda _: [at] if reset else [], lambda *_: [0.0])


def hill_at_zero(make: Maker) -> Part:
    """A Hill term, and a root, of a state that grows from zero, drive another one."""
    x, y_, size = make.name("x"), make.name("y"), make.scale()
    n, K = make.between(0.4, 4), make.between(0.1, 2) * size
    a, k = make.between(0.5, 3) / make.end * size, make.between(0.1, 3)
    text = [
        f"{x} = 0; {y_} = 0; {x}' = {a!r} - {0.3 / make.end!r}*{x}",
        f"{y_}' = {x}^{n!r}/({K!r}^{n!r} + {x}^{n!r}) - {k!r}*{y_}",
    ]

    def rate(_: float, y: Floats) -> list[float]:
        s = max(y[0], 0.0) / K
        return [a - 0.3 / make.end * y[0], s**n / (1 + s**n) - k * y[1]]

    return Part(text, [0.0, 0.0], [size, 1.0], rate)


def followed(make: Maker, part: Part) -> Part:
    """Let a faster state follow the first one of a part."""
    z, k = make.name("z"), float(f"{10 ** make.random.uniform(0, 3) / make.end:.4g}")
    inner, at_time, count = part.rate, part.at_time, len(part.start)

    def rate(time: float, y: Floats) -> list[float]:
        return [*inner(time, y[:count]), k * (y[0] - y[count])]

    def jump(time: float, y: Floats) -> list[float]:
        assert at_time is not None
        return [*at_time(time, y[:count]), y[count]]

    part.text.insert(0, f"{z} = {part.start[0]!r}; {z}' = {k!r}*({part.names[0]} - {z})")
    part.names, part.start = [*part.names, z], [*part.start, part.start[0]]
    part.scale, part.rate = [*part.scale, part.scale[0]], rate
    part.fastest = k
    part.at_time = jump if at_time is not None else None
    return part


KINDS: dict[str, Callable[[Maker], Part]] = {
    each.__name__: each
    for each in (
        *(periodic_window, wave_window, moved_window, periodic_dose, clock_window, band_event),
        *(threshold_rate, relay, clipped, product_window, staircase, queue, root_at_zero, hill_at_zero),
    )
}
