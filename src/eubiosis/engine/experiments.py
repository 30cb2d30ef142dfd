"""Scans, settings and doses written in one line each, as the command line takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from eubiosis.engine.inputs import Add, Infuse, Input
from eubiosis.engine.system import Array

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SPACED = re.compile(rf"({_NUMBER}):({_NUMBER}):(log|lin):(\d+)")
_DOSE = re.compile(
    rf"({_NUMBER})@({_NUMBER})(?:\.\.({_NUMBER}))?(?:\+({_NUMBER})x(\d+))?",
)
MOST_SUBJECTS = 1_000_000
SCAN_FORM = "NAME=LOW:HIGH:log:COUNT, NAME=LOW:HIGH:lin:COUNT or NAME=1,2,5"
SETTING_FORM = "NAME=NUMBER"
DOSE_FORM = "NAME=AMOUNT@TIME, NAME=AMOUNT@START..STOP for an infusion, each with +EVERYxCOUNT to repeat it"
TIMES_FORM = "START:END:POINTS or 0,1,5"


def read_setting(text: str) -> tuple[str, float]:
    """Read one value of a parameter or state.

    >>> read_setting("k=0.3")
    ('k', 0.3)
    """
    name, value = _parted(text, SETTING_FORM)
    if not re.fullmatch(_NUMBER, value):
        raise _unreadable(text, SETTING_FORM)
    return name, float(value)


def read_scan(text: str) -> tuple[str, Array]:
    """Read the values of one parameter or state, spaced evenly, by logarithms, or listed.

    >>> name, values = read_scan("k=0.1:10:log:3")
    >>> name, values.round(12).tolist()
    ('k', [0.1, 1.0, 10.0])
    """
    name, value = _parted(text, SCAN_FORM)
    return name, _series(text, value, SCAN_FORM)


def read_times(text: str) -> Array:
    """Read times, spaced evenly or listed; they must increase.

    >>> read_times("0:48:5").tolist()
    [0.0, 12.0, 24.0, 36.0, 48.0]
    """
    parts = text.split(":")
    if len(parts) == 3 and re.fullmatch(rf"{_NUMBER}:{_NUMBER}:\d+", text) and int(parts[2]) >= 2:
        times = np.linspace(float(parts[0]), float(parts[1]), int(parts[2]))
    else:
        times = _listed(text, text, TIMES_FORM)
    if np.any(np.diff(times) <= 0):
        message = f'"{text}": times must increase; allowed: {TIMES_FORM}'
        raise ValueError(message)
    return times


def read_dose(text: str) -> list[Input]:
    """Read a bolus or an infusion of an amount, repeated or not.

    >>> read_dose("gut=250@0+12x3")[2]
    Add(time=24.0, name='gut', value=250.0)
    """
    name, value = _parted(text, DOSE_FORM)
    found = _DOSE.fullmatch(value)
    if found is None:
        raise _unreadable(text, DOSE_FORM)
    amount, start = float(found[1]), float(found[2])
    every, count = (float(found[4]), int(found[5])) if found[4] else (0.0, 1)
    if count < 1 or count > MOST_SUBJECTS or (count > 1 and every <= 0):
        message = f'"{text}": a dose is repeated 1 to {MOST_SUBJECTS} times, after a time above 0'
        raise ValueError(message)
    shifts = [k * every for k in range(count)]
    if found[3] is None:
        return [Add(start + shift, name, amount) for shift in shifts]
    stop = float(found[3])
    return [Infuse.amount(start + shift, name, amount, stop + shift) for shift in shifts]


def combined(scans: Sequence[tuple[str, Array]]) -> dict[str, Array]:
    """Return every combination of scanned values, the last scan fastest, each (subjects,).

    >>> {k: v.tolist() for k, v in combined([("a", np.array([1, 2])), ("b", np.array([5, 6]))]).items()}
    {'a': [1, 1, 2, 2], 'b': [5, 6, 5, 6]}
    """
    names = [name for name, _ in scans]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"{twice} is scanned twice; allowed: one scan for each name"
        raise ValueError(message)
    size = int(np.prod([len(values) for _, values in scans], dtype=float))
    if size > MOST_SUBJECTS:
        message = f"the scans make {size} combinations; allowed: up to {MOST_SUBJECTS}"
        raise ValueError(message)
    axes = np.meshgrid(*(values for _, values in scans), indexing="ij") if scans else []
    return {name: axis.ravel() for name, axis in zip(names, axes, strict=True)}


def _parted(text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (sign and name.strip() and value.strip()):
        raise _unreadable(text, form)
    return name.strip(), value.strip()


def _series(text: str, value: str, form: str) -> Array:
    found = _SPACED.fullmatch(value)
    if found is None:
        return _listed(text, value, form)
    low, high, kind, count = float(found[1]), float(found[2]), found[3], int(found[4])
    if not 1 <= count <= MOST_SUBJECTS:
        message = f'"{text}": {count} values; allowed: 1 to {MOST_SUBJECTS}'
        raise ValueError(message)
    if kind == "lin":
        return np.linspace(low, high, count)
    if low <= 0 or high <= 0:
        message = f'"{text}": a scan by logarithms needs bounds above 0; next: lin instead of log'
        raise ValueError(message)
    return np.geomspace(low, high, count)


def _listed(text: str, value: str, form: str) -> Array:
    words = [word.strip() for word in value.split(",")]
    if not all(re.fullmatch(_NUMBER, word) for word in words):
        raise _unreadable(text, form)
    return np.array([float(word) for word in words])


def _unreadable(text: str, form: str) -> ValueError:
    return ValueError(f'"{text}" cannot be read; allowed: {form}')
