"""The JSON Schema of ``results.json``, and the report's input back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import cast, get_type_hints

from pydantic import ValidationError

from eubiosis.core.json_data import Json, JsonRecord
from eubiosis.core.power_surface import PowerSurface
from eubiosis.core.report_input import SimulationSize, TrialReportInput
from eubiosis.core.responders import ResponderFigures
from eubiosis.core.trial_answer import TrialAnswer
from eubiosis.core.typed_json import NotSo, read_as, schema_of
from eubiosis.report.trial.results_json import SCHEMA

# what stands under another key in the file than in the report's input
_KEYS: Mapping[str, str] = {"priors": "clinical_priors", "size": "origin", "surface": "power_surface"}
_LATE = {
    "PowerSurface": PowerSurface,
    "ResponderFigures": ResponderFigures,
    "TrialAnswer": TrialAnswer,
}  # names that the input imports for types only
_URL = "https://json-schema.org/draft/2020-12/schema"
_UNLABELLED = frozenset(
    {"assumptions", "burden", "transplants"}
)  # blocks whose rows carry no origin of their own


def _keys() -> dict[str, tuple[str, object]]:
    """Return for each field of the report's input the key in the file and its type."""
    hints = get_type_hints(TrialReportInput, localns=_LATE)
    return {one.name: (_KEYS.get(one.name, one.name), hints[one.name]) for one in fields(TrialReportInput)}


def results_schema() -> JsonRecord:
    """Return the JSON Schema (2020-12) of ``results.json`` of a run; made from the types of the report.

    A number that could not be estimated is null. Blocks are ``{"origin": ..., "rows": [...]}``; every row
    of a simulated block carries its origin as text.

    >>> results_schema()["properties"]["schema"]
    {'const': 'eubiosis.trial_results/1'}
    """
    properties: JsonRecord = {"schema": {"const": SCHEMA}, "control": {"type": "string"}}
    blocks = _block_names()
    for name, (place, hint) in _keys().items():
        if name in ("size", "answer", "surface", "responders"):
            continue
        properties[place] = _block(name, hint) if name in blocks else schema_of(hint)
    properties["origin"] = {"$ref": "#/$defs/origin"}
    properties["answer"] = _or_null(_with_origin(schema_of(TrialAnswer)))
    properties["responders"] = _or_null(_with_origin(schema_of(ResponderFigures)))
    surface, parts = _surface_schema()
    properties["power_surface"] = _or_null(surface)
    return {
        "$schema": _URL,
        "title": "results.json of a virtual trial",
        "description": "Everything that the report of a simulated trial shows, as data. Nothing in it is of "
        "a patient, and no number in it is evidence that a therapy works.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": {"origin": _origin_schema(), **parts},
    }


def _or_null(schema: JsonRecord) -> JsonRecord:
    return {"anyOf": [schema, {"type": "null"}]}


def _with_origin(schema: JsonRecord, origin: JsonRecord | None = None) -> JsonRecord:
    """Return the schema of an object that carries its origin, as text unless another is given."""
    known = cast("Mapping[str, Json]", schema["properties"])
    needed = cast("list[str]", schema.get("required", []))
    return {
        **schema,
        "properties": {"origin": origin or {"type": "string"}, **known},
        "required": ["origin", *needed],
    }


def _surface_schema() -> tuple[JsonRecord, JsonRecord]:
    """Return the schema of the surface of power, and of its parts by name."""
    whole = cast("JsonRecord", PowerSurface.model_json_schema(mode="serialization"))
    parts = cast("JsonRecord", whole.pop("$defs"))
    parts["SurfacePoint"] = _with_origin(cast("JsonRecord", parts["SurfacePoint"]))
    return _with_origin(whole, {"$ref": "#/$defs/origin"}), parts


def _read_surface(value: Json) -> PowerSurface:
    if not isinstance(value, Mapping) or not isinstance(value.get("points"), list):
        raise NotSo("power_surface: no surface with points")
    points = [dict(cast("Mapping[str, Json]", point)) for point in cast("list[Json]", value["points"])]
    for point in points:
        point.pop("origin", None)
    whole = {key: item for key, item in value.items() if key != "origin"} | {"points": points}
    try:
        return PowerSurface.model_validate(whole)
    except ValidationError as error:
        raise NotSo(f"power_surface: {error.errors()[0]['msg']}") from error


def _origin_schema() -> JsonRecord:
    size = schema_of(SimulationSize)
    of_size = cast("JsonRecord", size["properties"])
    own: JsonRecord = {
        "simulated": {"const": True},
        "statement": {"type": "string"},
        "software": {"type": "string"},
        **of_size,
    }
    return {"type": "object", "properties": own, "required": list(own), "additionalProperties": False}


def _block_names() -> frozenset[str]:
    """Name the fields that are written as a block with an origin: tuples of records, and the shares."""
    names = set()
    for name, (_, hint) in _keys().items():
        if name == "surface":
            continue
        schema = schema_of(hint)
        items = schema.get("items")
        if (
            isinstance(items, Mapping)
            and items.get("type") == "object"
            and name not in ("arms", "answer", "surface")
        ):
            names.add(name)
    return frozenset({*names, "basis_shares"})


def _block(name: str, hint: object) -> JsonRecord:
    schema = schema_of(hint)
    row = dict(cast("Mapping[str, Json]", schema.get("items", schema)))
    if name not in _UNLABELLED and name != "basis_shares":
        known = cast("Mapping[str, Json]", row["properties"])
        row["properties"] = {"origin": {"type": "string"}, **known}
        row["required"] = ["origin", *cast("list[str]", row["required"])]
    return {
        "type": "object",
        "properties": {"origin": {"$ref": "#/$defs/origin"}, "rows": {"type": "array", "items": row}},
        "required": ["origin", "rows"],
        "additionalProperties": False,
    }


def read_results(record: Mapping[str, Json]) -> TrialReportInput:
    """Return the report's input as ``results.json`` holds it; infinite numbers come back as NaN.

    Raises ``NotSo`` where the record is of another layout, with the place that does not fit.
    """
    if record.get("schema") != SCHEMA:
        raise NotSo(f'schema: "{record.get("schema")}"; allowed: {SCHEMA}')
    found: dict[str, object] = {}
    blocks = _block_names()
    defaults = {one.name: one for one in fields(TrialReportInput)}
    for name, (place, hint) in _keys().items():
        one = defaults[name]
        if place not in record and not (one.default is MISSING and one.default_factory is MISSING):
            continue
        value = record.get(place)
        if name in blocks:
            if not isinstance(value, Mapping) or not isinstance(value.get("rows"), list):
                raise NotSo(f"{place}: no block with rows")
            rows = cast("list[Json]", value["rows"])
            value = rows[0] if name == "basis_shares" and rows else rows
        if name == "surface":
            found[name] = None if value is None else _read_surface(value)
            continue
        if name in ("answer", "responders") and isinstance(value, Mapping):
            value = {key: item for key, item in value.items() if key != "origin"}
        found[name] = read_as(hint, value, place)
    return TrialReportInput(**found)  # type: ignore[arg-type]  # read_as gave each field its own type
