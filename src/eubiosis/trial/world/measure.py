"""What instruments make of true courses: raters, questionnaires, blood and stool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import LIMITED
from eubiosis.core.guilds import GUILDS
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.design import Design
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.laboratory import batch_shifts, batches, reported, to_step
from eubiosis.trial.world.layer import trial_values
from eubiosis.trial.world.scales import edss_steps, mfis_on_scale, treg_percent

Ints = NDArray[np.int64]
# one column of noise for each, in this order; what comes later is added at the end
NOISE = ("edss", "mfis", "treg", "stool sample", *MARKERS)  # that of total acids is not used
_ACIDS = tuple(name for name in MARKERS if name.startswith("stool_") and name != "stool_scfa")
_PLASMA = tuple(name for name in MARKERS if name.startswith("plasma_"))
_ASSAYED = [MARKERS.index(name) for name in LIMITED]
_FIRST_SHARE = MARKERS.index(f"share_{GUILDS[0]}")


def placebo_ramp(design: Design) -> Array:
    """Return what being in the trial does to the fatigue of every arm at each visit, points, (visits,)."""
    weeks = trial_values()["trial_placebo_ramp"]
    return design.placebo_response_mfis * np.minimum(np.array(design.visits) / weeks, 1)


def measured(
    courses: WorldCourses,
    design: Design,
    laws: ClinicalLaws,
    draws: TrialDraws,
    arm: Ints,
    true: Mapping[str, Array],
    attended: NDArray[np.bool_],
    some: Sequence[int] | None = None,
    sample: int = 0,
    markers: bool = True,
) -> dict[str, NDArray[np.generic]]:
    """Return what is recorded at the visits, (visits, trials, people) by endpoint; NaN where nothing is.

    Shares are in single precision, acids, Treg and serum NfL as a laboratory prints them, with flags for
    acids under their limit (``laboratory``) and the number of the ``assay_batch``. ``true`` EDSS and MFIS are
    those of each one's own arm, ``ln_treg`` what steroids do to the logarithm of Treg. The noise of a visit
    is keyed by its week, so another visit more leaves it as it is. ``some`` are the positions of the visits
    that are measured (None: all), those of the answer, of ``true`` and of ``attended``; ``sample`` numbers
    the sample that is taken at each, or the rating: the first is 0. Without ``markers`` stool and plasma are
    left out.
    """
    layer = trial_values()
    people = len(courses)
    at = tuple(range(len(design.visits)) if some is None else some)
    more = f"/sample {sample}" if sample else ""
    scores = np.empty((4, *attended.shape))
    blood_and_stool = np.empty((*attended.shape, len(MARKERS) if markers else 0), dtype=np.float32)
    ramp = placebo_ramp(design)
    places, errors = np.arange(people), _log_errors(layer).astype(np.float32)
    dilution = np.float32(np.sqrt(layer["trial_share_stool_dilution"]) * layer["trial_sd_ln_stool_acids"])
    for v, visit in enumerate(at):
        week = design.visits[visit]
        noise = draws.measurement_errors(f"measure/week {week:g}{more}", people, len(NOISE))
        scores[0, v] = true["edss"][v] + laws.number["host_edss_sd"] * noise[..., 0]
        scores[1, v] = true["mfis"][v] + ramp[visit] + laws.number["host_mfis_sem"] * noise[..., 1]
        scores[2, v] = courses.treg[:, visit][arm, places] * np.exp(layer["trial_sd_ln_treg"] * noise[..., 2])
        if "ln_treg" in true:
            scores[2, v] *= np.exp(true["ln_treg"][v])
        error = draws.measurement_errors(f"measure/nfl/week {week:g}{more}", people)[..., 0]
        scores[3, v] = courses.nfl[:, visit][arm, places] * np.exp(layer["trial_sd_ln_nfl"] * error)
        if not markers:
            continue
        logs = blood_and_stool[v]
        np.multiply(noise[..., 4:], errors, out=logs)
        logs += courses.log_markers(visit).astype(np.float32)[arm, places]
        logs[..., : len(_ACIDS) + 1] += dilution * noise[..., 3:4]
        logs[..., _ASSAYED] += batch_shifts(draws, week, people)
        logs[~attended[v]] = np.nan
    scores[:, ~attended] = np.nan
    found: dict[str, NDArray[np.generic]] = {
        "edss": edss_steps(scores[0]),
        "mfis": mfis_on_scale(np.rint(scores[1])),
        "treg": to_step(
            treg_percent(scores[2], laws.number["host_treg_percent"], layer["trial_treg_most"]),
            layer["trial_step_treg"],
        ),
        "nfl": to_step(scores[3], layer["trial_step_nfl"]),
        "assay_batch": np.broadcast_to(batches(people), attended.shape),
    }
    if not markers:
        return found
    np.exp(blood_and_stool, out=blood_and_stool)
    _close(blood_and_stool)
    found |= {name: blood_and_stool[..., k] for k, name in enumerate(MARKERS)}
    return found | reported({name: blood_and_stool[..., MARKERS.index(name)] for name in LIMITED})


def _log_errors(layer: Mapping[str, float]) -> Array:
    """Return the log standard deviation of each marker's own error, less a batch's part, shape (markers,)."""
    batch = layer["trial_sd_ln_assay_batch"] ** 2
    acid = layer["trial_sd_ln_stool_acids"] ** 2 * (1.0 - layer["trial_share_stool_dilution"])
    own = {
        **dict.fromkeys(_ACIDS, np.sqrt(acid - batch)),
        **dict.fromkeys(_PLASMA, np.sqrt(layer["trial_sd_ln_plasma_acids"] ** 2 - batch)),
    }
    return np.array(
        [own.get(name, layer["trial_sd_ln_share"] if name.startswith("share") else 0.0) for name in MARKERS]
    )


def _close(values: NDArray[np.float32]) -> None:
    """Make the shares of a sample sum to one."""
    shares = values[..., _FIRST_SHARE:]
    shares /= shares.sum(axis=-1, keepdims=True)
