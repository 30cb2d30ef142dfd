"""Courses as tables of other libraries, which are imported only here, and what notebooks show."""

from __future__ import annotations

import importlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from eubiosis.engine.system import Array, System

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import xarray as xr

    ArrowTable: TypeAlias = pa.Table
    DataFrame: TypeAlias = pd.DataFrame
    Dataset: TypeAlias = xr.Dataset

_SHOWN = 8  # rows of a table in a notebook


def library(name: str, purpose: str) -> ModuleType:
    """Import a library that is not among the dependencies.

    Raises ``ModuleNotFoundError`` with the line that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as absent:
        message = f"{purpose} needs {name}, which is not installed; next: python -m pip install {name}"
        raise ModuleNotFoundError(message, name=name) from absent


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


def frame(columns: dict[str, np.ndarray], index: Sequence[str]) -> DataFrame:
    """Return a pandas table of columns, with some of them as its index."""
    pandas = library("pandas", "to_pandas")
    table: DataFrame = pandas.DataFrame(columns).set_index([*index])
    return table


def arrow(columns: dict[str, np.ndarray]) -> ArrowTable:
    """Return an Arrow table of columns."""
    return library("pyarrow", "to_arrow").table(columns)


def csv_bytes(table: ArrowTable) -> bytes:
    """Return a table as CSV."""
    from pyarrow import csv

    sink = io.BytesIO()
    csv.write_csv(table, sink)
    return sink.getvalue()


def write_table(path: Path, table: ArrowTable) -> None:
    """Write a table as parquet or, by the name's ending, as CSV."""
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        pq.write_table(table, path, compression="zstd")
    else:
        path.write_bytes(csv_bytes(table))


def dataset(times: Array, observables: Sequence[str], values: Array, status: Sequence[str]) -> Dataset:
    """Return an xarray data set with the dimensions subject and time, the status along subjects."""
    xarray = library("xarray", "to_xarray")
    variables = {n: (("subject", "time"), values[:, :, k]) for k, n in enumerate(observables) if n != "time"}
    along = {"subject": np.arange(len(values)), "time": times, "status": ("subject", np.array(status))}
    data: Dataset = xarray.Dataset(variables, coords=along)
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


def html_of_model(system: System, caption: str) -> str:
    """Return what a notebook shows of a model: its first states and parameters with their values."""
    rows = [("state", name, f"{system.initial[name]:.6g}") for name in system.states[:_SHOWN]]
    rows += [("parameter", name, f"{system.constants[name]:.6g}") for name in system.parameters[:_SHOWN]]
    return html_table(("kind", "name", "value"), rows, caption)


def html_of_course(times: Array, observables: Sequence[str], values: Array, caption: str) -> str:
    """Return what a notebook shows of courses: the first subject's first observables at a few times."""
    shown = observables[:_SHOWN]
    places = np.unique(np.linspace(0, len(times) - 1, min(_SHOWN, len(times))).astype(int))
    rows = [
        (f"{times[i]:.6g}", *(f"{values[0, i, k]:.6g}" for k in range(len(shown)))) for i in places.tolist()
    ]
    return html_table(("time", *shown), rows if len(values) else [], caption)
