"""Foreign models in one run: cold start, one warm run and a scan of a thousand values, errors beside them."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.child import measured
from benchmarks.curves import progress
from benchmarks.errors import speed_at
from benchmarks.foreign.models import Foreign, find, made_models, public_models
from benchmarks.foreign.peers import Bngsim, Copasi, Ours, RoadRunner
from eubiosis.engine.codegen.native import CACHE_VARIABLE

Array = NDArray[np.float64]
PEERS = ("libRoadRunner", "libRoadRunner LLJIT", "COPASI", "bngsim")
_TOLERANCE = 1e-8
_SHARE = 1e-4  # absolute tolerance, of the relative one: 1e-12 for 1e-8
_CURVE = (1e-8, 1e-7, 1e-6, 1e-5)
_SCANNED = 1_000
_MODULES = {
    "ours": ("libsbml", "llvmlite.binding", "eubiosis.engine.compiled", "eubiosis.engine.sbml"),
    "libRoadRunner": ("roadrunner",),
    "COPASI": ("COPASI", "libsbml"),
    "bngsim": ("bngsim",),
}
_COMPARED, _COMPARED_LARGE, _LARGE = 8, 2, 300  # values that peers run, for models of so many states
_ABSENT = 1e-12  # states that stay below the absolute tolerance are noise
_LONG = 3.0  # seconds of one run, above which it is done once


def engine_of(name: str, model: Foreign) -> Ours | RoadRunner | Copasi | Bngsim:
    """Return an engine by name."""
    if name == "ours":
        return Ours(model)
    if name.startswith("libRoadRunner"):
        return RoadRunner(model, "LLJIT" if name.endswith("LLJIT") else "MCJIT")
    return Copasi(model) if name == "COPASI" else Bngsim(model)


def cold(engine: str, model: str) -> float:
    """Return the processor time from text to the first array; called in a fresh process, without imports."""
    os.environ[CACHE_VARIABLE] = ""
    for module in _MODULES[engine.split(maxsplit=1)[0]]:
        importlib.import_module(module)
    own = engine_of(engine, find(model))
    begin = time.process_time()
    own.load()
    if isinstance(own, RoadRunner):
        own.runner.simulate(0.0, own.model.end, 101)
    elif isinstance(own, Copasi):
        own.choose(())
        own.run(1e-6, 1e-12)
    else:
        own.run(_TOLERANCE, _TOLERANCE * _SHARE)
    return time.process_time() - begin


def used(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the least processor time of some rounds; one that takes long is done once."""
    times: list[float] = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
        if times[-1] > _LONG:
            break
    return min(times)


@dataclass(frozen=True)
class Judge:
    """A reference (values, times, states) and the error of a solution for some of its values."""

    reference: Array

    def error(self, values: Array, states: list[int] | None = None) -> float:
        """Return the largest |y - reference| / (|reference| + size / 1000), median over values."""
        wanted = self.reference if states is None else self.reference[:, :, states]
        size = np.max(np.abs(wanted), axis=(0, 1))
        kept = size > _ABSENT
        difference = np.abs(values - wanted)[:, :, kept]
        each = np.max(difference / (np.abs(wanted)[:, :, kept] + 1e-3 * size[kept]), axis=(1, 2))
        return float(np.median(each))


def compare(model: Foreign, *, quick: bool) -> dict[str, object]:
    """Measure everything on one model."""
    factors = np.geomspace(0.5, 2.0, 200 if quick else _SCANNED)
    ours = Ours(model)
    ours.load()
    compared = _COMPARED if len(ours.names) < _LARGE else _COMPARED_LARGE
    few = factors[:: len(factors) // compared][:compared]
    row: dict[str, object] = {"model": model.name, "states": len(ours.names)}
    rounds = 1 if quick else 3
    for name in ("ours", *PEERS):
        runs = [measured(_cold_or_none, name, model.name) for _ in range(rounds)]
        times = [run.result for run in runs if run.result is not None]
        row[f"cold {name}"] = median(times) if times else None
        if name == "ours":
            row["memory_mb"] = max(run.peak_mb for run in runs)
    runner = RoadRunner(model)
    runner.load()
    runner.choose(ours.names)
    reference = np.stack([runner.run(1e-12, 1e-18, f) for f in few])
    judge = Judge(reference)
    own = ours.scan(1e-11, 1e-17, few)
    row["reference_agreement"] = judge.error(own)
    row["events"] = len(ours.compiled.system.events)
    theirs = np.stack([runner.run(_TOLERANCE, _TOLERANCE * _SHARE, f) for f in few])
    row["error libRoadRunner"] = wanted = judge.error(theirs)
    single = used(lambda: [runner.run(_TOLERANCE, _TOLERANCE * _SHARE, f) for f in few], rounds) / len(few)
    row["one libRoadRunner"] = single
    errors, ones, scans = [], [], []
    for tolerance in _CURVE:
        absolute = tolerance * _SHARE
        errors.append(judge.error(ours.scan(tolerance, absolute, few)))
        ours.run(tolerance, absolute)
        one = used(lambda t=tolerance, a=absolute: [ours.run(t, a, f) for f in few], rounds)
        ones.append(len(few) / one)
        ours.scan(tolerance, absolute, factors[:64])
        scan = used(lambda t=tolerance, a=absolute: ours.scan(t, a, factors), rounds)
        scans.append(len(factors) / scan)
        again = used(lambda: [runner.run(_TOLERANCE, _TOLERANCE * _SHARE, f) for f in few], 1) / len(few)
        single = min(single, again)  # taken in turns
    row |= {"error ours": errors[0], "one ours": 1 / ones[0], "scan ours": _SCANNED / scans[0]}
    row["scan libRoadRunner"] = single * _SCANNED
    row["scan ratio at 1e-8"] = single * scans[0]
    equal = min(max(wanted, min(errors)), max(errors))
    row["scan ratio at equal error"] = single * speed_at(errors, scans, equal)
    row["one ratio at 1e-8"] = single * ones[0]
    row["one ratio at equal error"] = single * speed_at(errors, ones, equal)
    for name, peer in (("COPASI", Copasi(model)), ("bngsim", Bngsim(model))):
        row |= _other(name, peer, ours.names, judge, few)
    return row


def _cold_or_none(engine: str, model: str) -> float | None:
    try:
        return cold(engine, model)
    except Exception as problem:  # noqa: BLE001  (a peer that cannot read a model has no time)
        progress(f"{engine}: {problem}")
        return None


def _other(
    name: str, peer: Copasi | Bngsim, names: tuple[str, ...], judge: Judge, few: Array
) -> dict[str, object]:
    try:
        peer.load()
        peer.choose(names)
        begin = time.process_time()
        first = peer.run(_TOLERANCE, _TOLERANCE * _SHARE, few[0])
        one = time.process_time() - begin
        some = few if one < _LONG else few[:1]
        values = np.stack([first, *(peer.run(_TOLERANCE, _TOLERANCE * _SHARE, f) for f in some[1:])])
        if len(some) > 1:
            one = used(lambda: [peer.run(_TOLERANCE, _TOLERANCE * _SHARE, f) for f in some], 2) / len(some)
        states = [names.index(n) for n in peer.names]
        error = Judge(judge.reference[: len(some)]).error(values, states) if states else None
    except Exception as problem:  # noqa: BLE001  (it is said, and has no numbers)
        progress(f"{name}: {problem}")
        return {f"one {name}": None, f"error {name}": None}
    return {f"one {name}": one, f"error {name}": error}


def foreign(threads: int, *, quick: bool) -> dict[str, object]:
    """Compare all engines on made and, where they are, public models; everything on one thread."""
    del threads
    rows = []
    for model in (*made_models(), *public_models()):
        progress(model.name)
        rows.append(compare(model, quick=quick))
        texts = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[-1].items())
        progress(", ".join(texts))
    ratios = [float(str(row["scan ratio at equal error"])) for row in rows]
    return {"threads": 1, "median_scan_ratio": median(ratios), "models": rows}
