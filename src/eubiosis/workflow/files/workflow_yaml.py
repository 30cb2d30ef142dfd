"""workflow.yaml: how its flat keys build a ``Workflow``, with the lines of the file, and how one is written.

The rules lie in the domain objects; the file decides only where its keys stand.
``docs/reference/workflow_yaml.md`` describes every key and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.from_yaml import findings_at, in_order
from eubiosis.core.kinds import plain, shown
from eubiosis.core.place import Place
from eubiosis.core.spec import Json, JsonSchema, Problem, Spec
from eubiosis.core.yaml_lines import Document, read_yaml
from eubiosis.population.source import PopulationSource
from eubiosis.therapy import Adherence, Component, Therapy, Transplant, products
from eubiosis.trial.design import Arm, ControlLevel, Design, Eligibility
from eubiosis.trial.intercurrent import Intercurrent
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.workflow.workflow import RELEVANT_BOUNDS, Workflow

_WORDS = ("title", "question", "context_of_use", "decision", "seed", "justification")
# keys of their own in the file
_OF_DESIGN = ("eligibility", "control_level", "arms", "intercurrent", "primary")
_DESIGNED = tuple((name,) for name in ("design", *_OF_DESIGN, "background"))
_OLD_NAMES = {"background": "control_level"}  # still read, and written by its new name
_KEYS = (
    *_WORDS, "population", "eligibility", "control_level", "arms", "design", "intercurrent", "primary",
    "relevant", "simulation", "surface",
)  # fmt: skip
_DESIGN_KEYS = tuple(name for name in Design.model_fields if name not in _OF_DESIGN)
_THERAPY_KEYS = ("dose", "start", "stop", "ramp", "above_ceiling", "transplant", "adherence")
_ARM_KEYS = ("name", "therapy", *_THERAPY_KEYS, "with", "control")
_WITH_KEYS = ("therapy", *_THERAPY_KEYS)
_POPULATION_KEYS = tuple(name for name in PopulationSource.model_fields if name != "folder")


def read_workflow(path: Path) -> Workflow:
    """Read a workflow file; raises ``FindingsError`` with everything that is wrong, in order of lines.

    >>> from eubiosis.core.content import PACKAGED_CONTENT
    >>> demo = read_workflow(PACKAGED_CONTENT / "trials" / "demo.yaml")
    >>> demo.design.participants, demo.design.primary
    (120, 'mfis')
    """
    findings = FindingCollector()
    workflow = check_workflow(path, findings)
    if workflow is None:
        raise FindingsError(findings.findings)
    return workflow


def check_workflow(path: Path, findings: FindingCollector) -> Workflow | None:
    """Read a workflow file and report all that is wrong to ``findings``; None where anything is."""
    own = FindingCollector()
    document = read_yaml(path, own)
    made: Workflow | None = None
    if document is not None:
        content, problems = _nested(document.content, path.parent)
        if content is not None:
            found = [replace(p, place=_in_file(p.place, document)) for p in Workflow.problems(content)]
            if any(each.place[:1] in _DESIGNED and len(each.place) > 1 for each in problems):
                # a design that is wrong itself is not judged, as in Python
                found = [each for each in found if each.severity != "ethics"]
            problems += [each for each in found if not _said(each.place, problems)]
        own.extend(findings_at(document, problems))
        if not own.findings:
            made = Workflow.model_validate(content)
    findings.extend(in_order(own.findings))
    return None if own.findings else made


def located(findings: Iterable[Finding], path: Path) -> list[Finding]:
    """Return findings about the keys of a workflow with its file, and the lines where they stand in it."""
    document = read_yaml(path, FindingCollector())
    if document is None:
        return list(findings)
    found = []
    for each in findings:
        place = _in_file(tuple(each.place.split(".")), document)
        found.append(
            replace(each, file=document.file, place=document.place(place), line=document.line(place))
        )
    return in_order(found)


def population_of(path: Path) -> PopulationSource | None:
    """Return the population of a workflow whose other sections may be wrong; None where it is itself."""
    document = read_yaml(path, FindingCollector())
    if document is None or not isinstance(document.content, Mapping):
        return None
    section = document.content.get("population") or {}
    if not isinstance(section, Mapping) or set(section) - set(_POPULATION_KEYS):
        return None
    content = {**section, "folder": str(path.parent)}
    return None if PopulationSource.problems(content) else PopulationSource.model_validate(content)


def resolved_yaml(workflow: Workflow) -> str:
    """Return the workflow with every default written out; reading it gives the same workflow again.

    >>> from eubiosis.core.content import PACKAGED_CONTENT
    >>> demo = read_workflow(PACKAGED_CONTENT / "trials" / "demo.yaml")
    >>> resolved_yaml(demo).splitlines()[0][:9]
    '# Resolve'
    """
    header = (
        "# Resolved: every default written out. Paths are relative to the folder of the original workflow.\n"
    )
    body: str = yaml.safe_dump(
        _flat(workflow), sort_keys=False, allow_unicode=True, width=100, default_flow_style=False
    )
    return header + body


def workflow_schema() -> JsonSchema:
    """Return the JSON Schema of the file, bounds included."""
    top, design = Workflow.json_schema(), _section(Design)
    given: dict[str, Json] = {
        **_pick(_section(Therapy), _THERAPY_KEYS),
        "therapy": {"type": "string", "enum": [n for n, p in products().items() if p.not_in_trials is None]},
        "adherence": _object(_section(Adherence)),
        "transplant": _object(_section(Transplant)),
    }
    arm: dict[str, Json] = {
        **_pick(_section(Arm), ("name", "control")),
        **given,
        "with": {"type": "array", "items": _object(given, ["therapy"])},
    }
    sections: dict[str, Json] = {
        "population": _object(_pick(_section(PopulationSource), _POPULATION_KEYS)),
        "eligibility": _object(_section(Eligibility)),
        "control_level": _object(_section(ControlLevel)),
        "arms": {
            "type": "array", "minItems": 2, "maxItems": 3,
            "items": _object(arm, ["name", "therapy"]),
        },
        "design": _object(_pick(design, _DESIGN_KEYS), ["participants"]),
        "intercurrent": {"type": "array", "items": _object(_section(Intercurrent), ["event"])},
        "primary": _pick(design, ("primary",))["primary"],
        "relevant": _relevant_schema(),
        "simulation": _object(_section(Simulation)),
        "surface": {"anyOf": [_object(_section(SurfaceGrid)), {"type": "null"}]},
    }  # fmt: skip
    properties = top["properties"]
    assert isinstance(properties, Mapping)
    required = [*(w for w in _WORDS if w not in ("seed", "justification")), "arms", "design", "primary"]
    schema = _object({**_pick(properties, _WORDS), **sections}, required)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "workflow.yaml", **schema}


def _relevant_schema() -> JsonSchema:
    """Return the schema of the relevant effects: a number for each endpoint that is named."""
    least = min(low for low, _ in RELEVANT_BOUNDS.values())
    most = max(high for _, high in RELEVANT_BOUNDS.values())
    return {
        "type": "object",
        "propertyNames": {"enum": list(ENDPOINTS)},
        "additionalProperties": {"type": "number", "minimum": least, "maximum": most},
    }


# --- from the file's keys to the domain's, and back ---------------------------------------------------------


def _nested(content: object, folder: Path) -> tuple[dict[str, object] | None, list[Problem]]:
    """Return the content as ``Workflow`` takes it, and the keys that no place of the file has."""
    if not isinstance(content, Mapping):
        problem = f"{shown(content)} where keys belong"
        return None, [Problem((), problem, ", ".join(_KEYS), "start from: eubiosis new NAME")]
    found = list(_unknown(content, (*_KEYS, *_OLD_NAMES), ()))
    found += [
        Problem((old,), f'"{old}" and "{new}" are the same section', "one of them", "remove one")
        for old, new in _OLD_NAMES.items()
        if old in content and new in content
    ]
    flat: dict[str, object] = {_OLD_NAMES.get(key, str(key)): value for key, value in content.items()}
    top = {key: flat[key] for key in (*_WORDS, "simulation", "surface") if key in flat}
    if flat.get("relevant") is not None:
        top["relevant"] = _numbers(flat["relevant"])
    top["population"] = _population(flat.get("population"), folder, found)
    top["design"] = _design(flat, found)
    return top, found


def _numbers(section: object) -> object:
    """Return whole numbers of a mapping as numbers, as the file may write them."""
    if not isinstance(section, Mapping):
        return section
    return {
        key: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for key, value in section.items()
    }


def _population(section: object, folder: Path, found: list[Problem]) -> object:
    section = {} if section is None else section
    if not isinstance(section, Mapping):
        return section
    found += _unknown(section, _POPULATION_KEYS, ("population",))
    known = {key: value for key, value in section.items() if key in _POPULATION_KEYS}
    return {**known, "folder": str(folder)}


def _design(flat: Mapping[str, object], found: list[Problem]) -> dict[str, object]:
    section = flat.get("design")
    section = {} if section is None else section
    design: dict[str, object] = {}
    if isinstance(section, Mapping):
        found += _unknown(section, _DESIGN_KEYS, ("design",))
        design = {key: value for key, value in section.items() if key in _DESIGN_KEYS}
    else:
        problem = f"{shown(section)} where keys belong"
        found.append(Problem(("design",), problem, ", ".join(_DESIGN_KEYS), "write key: value, one a line"))
    design |= {
        key: flat[key] for key in ("eligibility", "control_level", "intercurrent", "primary") if key in flat
    }
    arms = flat.get("arms")
    if isinstance(arms, list):
        design["arms"] = [_arm(arm, k, found) for k, arm in enumerate(arms)]
    elif "arms" in flat:
        design["arms"] = arms if not isinstance(arms, Mapping) else shown(arms)
    return design


def _arm(arm: object, k: int, found: list[Problem]) -> object:
    if not isinstance(arm, Mapping):
        return arm
    found += _unknown(arm, _ARM_KEYS, ("arms", k))
    therapy = _therapy(arm)
    added = arm.get("with")
    if isinstance(added, list):
        therapy["added"] = [_therapy(each) if isinstance(each, Mapping) else each for each in added]
        for i, each in enumerate(added):
            if isinstance(each, Mapping):
                found += _unknown(each, _WITH_KEYS, ("arms", k, "with", i))
    elif added is not None:
        therapy["added"] = added
    return {**{key: arm[key] for key in ("name", "control") if key in arm}, "therapy": therapy}


def _therapy(section: Mapping[str, object]) -> dict[str, object]:
    """Return the keys of a therapy as ``Therapy`` takes them."""
    therapy = {key: section[key] for key in _THERAPY_KEYS if key in section}
    if "therapy" in section:
        therapy["product"] = section["therapy"]
    return therapy


def _unknown(section: Mapping[str, object], known: Sequence[str], where: Place) -> Iterator[Problem]:
    for key in section:
        if key not in known:
            yield Problem(
                (*where, key),
                f"the key {unknown_word(key, known)}",
                ", ".join(name for name in known if name not in _OLD_NAMES),
                "rename or remove the key",
            )


def _in_file(place: Place, document: Document) -> Place:
    """Return where a place of the domain object stands in the file."""
    if place[:1] == ("design",) and len(place) > 1 and place[1] in _OF_DESIGN:
        place = place[1:]
    if place[:1] == ("arms",) and place[2:3] == ("therapy",):
        place = (*place[:2], *place[3:])
        if place[2:3] == ("added",):
            place = (*place[:2], "with", *place[3:])
        place = tuple("therapy" if step == "product" else step for step in place)
    for old, new in _OLD_NAMES.items():
        if place[:1] == (new,) and (old,) in document.lines:
            place = (old, *place[1:])
    return place


def _said(place: Place, problems: Iterable[Problem]) -> bool:
    """Tell whether a section that holds the place has been refused as a whole."""
    return any(each.place and place[: len(each.place)] == each.place for each in problems)


def _flat(workflow: Workflow) -> dict[str, Json]:
    design = workflow.design
    flat: dict[str, Json] = {name: getattr(workflow, name) for name in _WORDS}
    flat["population"] = {name: getattr(workflow.population, name) for name in _POPULATION_KEYS}
    flat["eligibility"] = _lists(design.eligibility)
    flat["control_level"] = _lists(design.control_level)
    flat["arms"] = [_flat_arm(arm) for arm in design.arms]
    flat["design"] = {name: _plain(getattr(design, name)) for name in _DESIGN_KEYS}
    if design.intercurrent:
        flat["intercurrent"] = [_lists(event) for event in design.intercurrent]
    flat["primary"] = design.primary
    flat["relevant"] = dict(workflow.relevant)
    flat["simulation"] = _lists(workflow.simulation)
    flat["surface"] = None if workflow.surface is None else _lists(workflow.surface)
    return flat


def _flat_arm(arm: Arm) -> Json:
    added: Json = [_flat_therapy(each) for each in arm.therapy.added]
    more: dict[str, Json] = {"with": added} if arm.therapy.added else {}
    return {"name": arm.name, **_flat_therapy(arm.therapy), **more, "control": arm.control}


def _flat_therapy(part: Component) -> dict[str, Json]:
    assert part.stop is not None
    flat: dict[str, Json] = {
        "therapy": part.product,
        "dose": None if part.dose is None else part.dose.text,
        "start": f"week {plain(part.start)}",
        "stop": f"week {plain(part.stop)}",
    }
    if part.ramp is not None:
        flat["ramp"] = part.ramp
    if part.above_ceiling is not None:
        flat["above_ceiling"] = part.above_ceiling
    if part.transplant is not None:
        flat["transplant"] = part.transplant.model_dump()
    return {**flat, "adherence": _lists(part.adherence)}


def _lists(spec: Spec) -> dict[str, Json]:
    return {name: _plain(getattr(spec, name)) for name in type(spec).model_fields}


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    assert value is None or isinstance(value, str | float | int | bool)
    return value


def _section(kind: type[Spec]) -> JsonSchema:
    properties = kind.json_schema().get("properties", {})
    assert isinstance(properties, Mapping)
    return properties


def _pick(properties: JsonSchema, names: Iterable[str]) -> dict[str, Json]:
    return {name: properties[name] for name in names}


def _object(properties: JsonSchema, required: Sequence[str] = ()) -> JsonSchema:
    schema: JsonSchema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": [*required]} if required else schema
