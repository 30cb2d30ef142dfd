"""The figures of a trial report as plain data: every block says where it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass

from eubiosis.core.applicability import ApplicabilityRow
from eubiosis.core.json_data import Json, JsonRecord
from eubiosis.core.over_time import ClockCurve, CourseLine, WeekChange
from eubiosis.core.power_surface import PowerSurface
from eubiosis.core.report_input import (
    ArmInfo,
    AssumptionRow,
    BurdenLine,
    ClinicalPriorRow,
    CourseBand,
    EffectRow,
    FlowRow,
    FormEffect,
    HarmLine,
    IntercurrentLine,
    MarkerChange,
    SimulationSize,
    TransplantFactLine,
    TrialReportInput,
    VarianceRow,
)
from eubiosis.core.responders import ResponderFigures
from eubiosis.core.scoreboard import BoardGroup
from eubiosis.core.trial_answer import TrialAnswer
from eubiosis.core.version import __version__
from eubiosis.core.world_sensitivity import WorldSensitivity
from eubiosis.report.trial.words import PRIOR_ONLY, control_name, origin_text

Row = (
    ApplicabilityRow
    | ArmInfo
    | AssumptionRow
    | BoardGroup
    | BurdenLine
    | ClockCurve
    | CourseLine
    | IntercurrentLine
    | ClinicalPriorRow
    | CourseBand
    | EffectRow
    | FlowRow
    | FormEffect
    | HarmLine
    | MarkerChange
    | SimulationSize
    | TransplantFactLine
    | VarianceRow
    | WeekChange
    | WorldSensitivity
)
SCHEMA = "eubiosis.trial_results/1"
SCORE_ORIGIN = "forecasts of finished studies, sealed before they were compared; not of this trial"
PRIOR_ORIGIN = f"published studies, arithmetic and assumptions, not simulated; {PRIOR_ONLY}"


def results_json(report_input: TrialReportInput) -> JsonRecord:
    """Return everything a trial report shows as data ready for JSON.

    ``schema`` names the layout and its version. Every block is {"origin": ..., "rows": [...]}, and every
    row of an effect, course, change or share of variance carries ``origin`` as text once more, so that no
    number can be lifted without it. Quantiles are lists of 2.5, 50 and 97.5 %, those of courses are at
    their ``levels``. What is not estimable (not finite) is null.
    """
    origin = _origin(report_input)
    said = origin_text(report_input)

    def block(rows: Iterable[Row], *, each: bool = True, text: str = said) -> JsonRecord:
        made = [_record(row) for row in rows]
        return {"origin": origin, "rows": [{"origin": text} | row if each else row for row in made]}

    return {
        "schema": SCHEMA,
        "origin": origin,
        "title": report_input.title,
        "question": report_input.question,
        "context_of_use": report_input.context_of_use,
        "decision": report_input.decision,
        "control": control_name(report_input),
        "design": [list(pair) for pair in report_input.design],
        "facts": [list(pair) for pair in report_input.facts],
        "warnings": list(report_input.warnings),
        "arms": [_record(arm) for arm in report_input.arms],
        "flow": block(report_input.flow),
        "effects": block(report_input.effects),
        "courses": block(report_input.courses),
        "course_lines": block(report_input.course_lines),
        "clocks": block(report_input.clocks),
        "week_changes": block(report_input.week_changes),
        "changes": block(report_input.changes),
        "variance": block(report_input.variance),
        "forms": block(report_input.forms),
        "clinical_priors": block(report_input.priors, text=PRIOR_ORIGIN),
        "assumptions": block(report_input.assumptions, each=False),
        "harms": block(report_input.harms),
        "burden": block(report_input.burden, each=False),
        "transplants": block(report_input.transplants, each=False),
        "intercurrent": block(report_input.intercurrent),
        "ethics": list(report_input.ethics),
        "justification": report_input.justification,
        "answer": None if report_input.answer is None else {"origin": said} | _nested(report_input.answer),
        "power_surface": _surface(report_input.surface, origin, said),
        "applicability": _distances(report_input),
        "responders": None
        if report_input.responders is None
        else {"origin": said} | _nested(report_input.responders),
        "sensitivity": block(report_input.sensitivity),
        "scoreboard": block(report_input.scoreboard, text=SCORE_ORIGIN),
        "basis_shares": {"origin": origin, "rows": [_plain(report_input.basis_shares)]},
    }


def results_text(report_input: TrialReportInput, *, indent: int | None = 1) -> str:
    """Return the results as JSON text, free of NaN and infinities."""
    return json.dumps(results_json(report_input), allow_nan=False, ensure_ascii=False, indent=indent)


def script_text(report_input: TrialReportInput) -> str:
    """Return the results as JSON that may stand inside a script element: nothing in it can close one."""
    text = results_text(report_input, indent=None)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _origin(report_input: TrialReportInput) -> JsonRecord:
    return {
        "simulated": True,
        "statement": f"simulated, not patient data; {PRIOR_ONLY}",
        "software": f"eubiosis {__version__}",
        **_record(report_input.size),
    }


def _surface(surface: PowerSurface | None, origin: JsonRecord, text: str) -> JsonRecord | None:
    """Return the surface of power and assurance, every point with its origin; None where there is none."""
    if surface is None:
        return None
    record: JsonRecord = surface.model_dump(mode="json")
    points = [{"origin": text} | point.model_dump(mode="json") for point in surface.points]
    return record | {"origin": origin, "points": points}


def _distances(report_input: TrialReportInput) -> Json:
    """Return how far the question lies from what was checked; null where nobody asked."""
    own = report_input.applicability
    if own is None:
        return None
    rows = [_record(row) for row in own.rows]
    return {"summary": own.summary, "worst": own.worst, "compared": own.compared, "rows": rows}


def _record(row: Row) -> JsonRecord:
    nested = any(is_dataclass(one) for one in _parts(row))
    return _nested(row) if nested else {name: _plain(getattr(row, name)) for name in _names(row)}


def _names(row: Row) -> tuple[str, ...]:
    return tuple(one.name for one in fields(row))


def _parts(row: Row) -> list[object]:
    """Return the values of a row, those inside tuples too."""
    own = [getattr(row, name) for name in _names(row)]
    return [part for value in own for part in (value if isinstance(value, tuple) else (value,))]


def _nested(value: TrialAnswer | ResponderFigures | Row) -> JsonRecord:
    """Return a record with everything in it, deep down, as JSON holds it."""
    made = _plain(asdict(value))
    assert isinstance(made, dict)
    return made


def _plain(value: Json) -> Json:
    """Return a value as JSON holds it: a number that is not finite is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    number = float(value)
    return number if math.isfinite(number) else None
