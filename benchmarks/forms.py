"""How the peers like their file best: every form of it, doses given in every way, one process."""

from __future__ import annotations

import itertools
import time

import numpy as np

from benchmarks.cases import Case, full_step, full_weekly
from benchmarks.copasi_peer import Copasi
from benchmarks.curves import progress
from benchmarks.errors import error
from benchmarks.exports import FORMS
from benchmarks.people import load_people
from benchmarks.reference import Reference, reference
from benchmarks.roadrunner_peer import DOSES, RoadRunner
from benchmarks.workers import Peer, attempt
from eubiosis.model import load

_TOLERANCES = (1e-4, 1e-6, 1e-8)


def peer_forms(threads: int, *, quick: bool) -> dict[str, object]:
    """Measure both peers in each form, alternately; medians of three rounds, subjects a processor second."""
    model = load()
    people = load_people(model, 200)
    step, weekly = full_step(model, people), full_weekly(model, people)
    rows = _forms(step, reference(step, 16, threads), 8 if quick else 16, quick=quick)
    rows += _forms(weekly, reference(weekly, 4, threads), 2 if quick else 4, quick=quick)
    best = max((r for r in rows if r["case"] == "full_step" and r["relative"] == 1e-6), key=_speed)
    return {"threads": 1, "best": f"{best['peer']} {best['form']} {best['doses']}", "forms": rows}


def _speed(row: dict[str, object]) -> float:
    speed = row["per_cpu_s"]
    assert isinstance(speed, float)
    return speed


def _forms(case: Case, truth: Reference, size: int, *, quick: bool) -> list[dict[str, object]]:
    peers: dict[tuple[str, str, str], Peer] = {}
    forms = ("as_is", "products") if quick else FORMS
    for form, doses in itertools.product(forms, DOSES):
        peers["roadrunner", form, doses] = RoadRunner(case, form, doses)
    # one COPASI model at a time: of two in a process, the first loses its output
    peers["copasi", "products", "events"] = Copasi(case)
    seconds: dict[tuple[str, str, str, float], list[float]] = {}
    errors = {}
    tolerances = (1e-6,) if quick else _TOLERANCES
    for _ in range(1 if quick else 3):
        for relative, (name, peer) in itertools.product(tolerances, peers.items()):
            peer.set_tolerance(truth.tolerance(relative))
            attempt(peer, 0, case)
            begin = time.process_time()
            values = np.array([attempt(peer, row, case) for row in range(size)])
            seconds.setdefault((*name, relative), []).append(time.process_time() - begin)
            errors[*name, relative] = error(values, truth.values[:size])
            progress(f"{case.name}  {' '.join(name)}  rtol {relative:g}")
    return [
        {
            "case": case.name,
            "peer": peer,
            "form": form,
            "doses": doses,
            "relative": relative,
            "per_cpu_s": size / float(np.median(spent)),
            "error": errors[peer, form, doses, relative].median,
            "error_max": errors[peer, form, doses, relative].maximum,
            "failed": errors[peer, form, doses, relative].failed,
            "load_s": peers[peer, form, doses].load_seconds,
        }
        for (peer, form, doses, relative), spent in seconds.items()
    ]
