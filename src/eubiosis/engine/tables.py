"""Courses as tables, and what notebooks show; xarray is imported only here and only when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.engine.system import Array, System

if TYPE_CHECKING:
    import xarray as xr

_SHOWN = 8  # rows of a table in a notebook


def course_columns(
    times: Array, observables: Sequence[str], values: Array, status: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return columns of one row for each subject and time: both, the status and each observable.

    An observable with the name of one of the first three has an underscore behind it; the time itself is not
    repeated.
    """
    subjects, points = values.shape[:2]
    columns = {
        "subject": np.repeat(np.arange(subjects), points),
        "time": np.tile(times, subjects),
        "status": np.repeat(np.array(status, dtype=object), points),
    }
    own = set(columns)
    for k, name in enumerate(observables):
        values_of = values[:, :, k].ravel()
        if name != "time" or not np.array_equal(values_of, columns["time"]):
            columns[f"{name}_" if name in own else name] = values_of
    return columns


def dataset(times: Array, observables: Sequence[str], values: Array, status: Sequence[str]) -> xr.Dataset:
    """Return an xarray data set with the dimensions subject and time, the status along subjects.

    Raises ``ModuleNotFoundError`` with the line that installs xarray where it is absent.
    """
    try:
        import xarray
    except ModuleNotFoundError as absent:
        message = "to_xarray needs xarray, which is not installed; next: python -m pip install xarray"
        raise ModuleNotFoundError(message, name="xarray") from absent
    variables = {n: (("subject", "time"), values[:, :, k]) for k, n in enumerate(observables) if n != "time"}
    along = {"subject": np.arange(len(values)), "time": times, "status": ("subject", np.array(status))}
    data: xr.Dataset = xarray.Dataset(variables, coords=along)
    return data


def tally(status: Iterable[str]) -> str:
    """Count the words of a status: "ok 48, step_limit 2"."""
    return ", ".join(f"{word} {number}" for word, number in Counter(status).most_common())


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Return a small table of escaped texts."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    top = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
    return f"<table>{top}<tbody>{body}</tbody></table>"


def line_of_model(system: System) -> str:
    """Return a model's name and how much is in it."""
    counts = [
        _counted(len(system.states), "state"),
        _counted(len(system.parameters), "parameter"),
        f"{len(system.assigned)} assigned",
    ]
    if system.events:
        counts.append(_counted(len(system.events), "event"))
    return f"{system.name or 'model'}: {', '.join(counts)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def html_of_model(system: System) -> str:
    """Return what a notebook shows of a model: its first states and parameters with their values."""
    rows = [("state", name, f"{system.initial[name]:.6g}") for name in system.states[:_SHOWN]]
    rows += [("parameter", name, f"{system.constants[name]:.6g}") for name in system.parameters[:_SHOWN]]
    return html_table(("kind", "name", "value"), rows, line_of_model(system))


def html_of_course(times: Array, observables: Sequence[str], values: Array, caption: str) -> str:
    """Return what a notebook shows of courses: the first subject's first observables at a few times."""
    shown = observables[:_SHOWN]
    places = np.unique(np.linspace(0, len(times) - 1, min(_SHOWN, len(times))).astype(int))
    rows = [
        (f"{times[i]:.6g}", *(f"{values[0, i, k]:.6g}" for k in range(len(shown)))) for i in places.tolist()
    ]
    return html_table(("time", *shown), rows if len(values) else [], caption)
