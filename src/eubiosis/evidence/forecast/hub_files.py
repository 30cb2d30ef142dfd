"""The configuration of the hub that sealed forecasts form, after the hubverse schemas v6.0.0.

Read for it: the schemas of ``tasks.json`` and ``admin.json`` in version v6.0.0, and the example hub of the
hubverse for names of files and columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from eubiosis.core.json_data import JsonRecord
from eubiosis.core.sealed import FORECAST, LEVELS, MODELS, TEAM, SealedRegistry, SealedTarget

VERSION = "v6.0.0"
_SCHEMA = f"https://raw.githubusercontent.com/hubverse-org/schemas/main/{VERSION}"
_METHODS = {
    FORECAST: "what the software says of the trial: regression of published control arms, or the prior of "
    "an effect from published trials, with the sampling error of the coming trial",
    "reference": "no model: the ten latest arms of the same comparator without a trend, or no effect with "
    "the spread of other studies",
}


def hub_files(registry: SealedRegistry, dates: Sequence[str]) -> Mapping[str, str]:
    """Return the texts of the hub's configuration and model metadata, by path inside the hub."""
    return {
        "hub-config/admin.json": _json(_admin()),
        "hub-config/tasks.json": _json(_tasks(registry, dates)),
        "hub-config/model-metadata-schema.json": _json(_metadata_schema()),
        **{f"model-metadata/{TEAM}-{model}.yml": _metadata(model) for model in MODELS},
    }


def _admin() -> JsonRecord:
    return {
        "schema_version": f"{_SCHEMA}/admin-schema.json",
        "name": "Eubiosis sealed forecasts",
        "maintainer": "The Eubiosis developers",
        "contact": {"name": "The Eubiosis developers"},
        "repository": {"host": "github", "owner": "eubiosis", "name": "eubiosis"},
        "file_format": ["csv"],
        "timezone": "Europe/London",
        "additional_metadata": {
            "note": "the schema asks for a GitHub repository; the words above name the project, and are "
            "no address. Times are dates in UTC."
        },
    }


def _tasks(registry: SealedRegistry, dates: Sequence[str]) -> JsonRecord:
    return {
        "schema_version": f"{_SCHEMA}/tasks-schema.json",
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "origin_date",
                "model_tasks": [_group(registry, target, dates) for target in registry.targets.values()],
                "submissions_due": {"relative_to": "origin_date", "start": 0, "end": 0},
            }
        ],
        "output_type_id_datatype": "double",
    }


def _group(registry: SealedRegistry, target: SealedTarget, dates: Sequence[str]) -> JsonRecord:
    value: JsonRecord = {"type": "double"}
    value |= {} if target.least is None else {"minimum": target.least}
    value |= {} if target.most is None else {"maximum": target.most}
    return {
        "task_ids": {
            "origin_date": {"required": None, "optional": list(dates)},
            "target": {"required": [target.target], "optional": None},
            "trial": {
                "required": None,
                "optional": [task.trial for task in registry.tasks if task.target == target.target],
            },
        },
        "output_type": {
            "quantile": {
                "output_type_id": {"required": list(LEVELS)}, "is_required": True, "value": value,
            }
        },
        "target_metadata": [
            {
                "target_id": target.target,
                "target_name": target.label,
                "target_units": target.unit,
                "target_keys": {"target": target.target},
                "description": target.definition,
                "target_type": "continuous",
                "is_step_ahead": False,
            }
        ],
    }  # fmt: skip


def _metadata_schema() -> JsonRecord:
    word: JsonRecord = {"type": "string", "pattern": "^[a-zA-Z0-9_]+$", "maxLength": 16}
    text: JsonRecord = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Model metadata of the sealed forecasts",
        "type": "object",
        "properties": {
            "team_name": text, "team_abbr": word, "model_name": text, "model_abbr": word, "methods": text,
            "license": text, "designated_model": {"type": "boolean"},
        },
        "required": ["team_name", "team_abbr", "model_name", "model_abbr", "methods", "designated_model"],
        "additionalProperties": False,
    }  # fmt: skip


def _metadata(model: str) -> str:
    lines = {
        "team_name": "Eubiosis",
        "team_abbr": TEAM,
        "model_name": "Forecast of the software" if model == FORECAST else "Simple reference",
        "model_abbr": model,
        "methods": _METHODS[model],
        "license": "BSD-3-Clause",
    }
    designated = "true" if model == FORECAST else "false"
    return "".join(f"{key}: {json.dumps(text)}\n" for key, text in lines.items()) + (
        f"designated_model: {designated}\n"
    )


def _json(record: JsonRecord) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
