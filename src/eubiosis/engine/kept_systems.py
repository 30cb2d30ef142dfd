"""Flat systems as JSON and back, kept on disk beside the compiled kernels.

Reading SBML loads libSBML (and, for models in Antimony, that library too): 40 MB and seconds in every
process. A system that was read once is kept, under a digest of its source and of everything that reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias, TypedDict

from eubiosis.engine.codegen.native import keep_bytes
from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.engine.system import SbmlEvent, System

Coded: TypeAlias = "float | str | list[Coded]"  # a number, a name, or an operator and its arguments
Pairs: TypeAlias = Sequence[tuple[str, Coded]]
_TREES = ("rates", "rules", "initial_rules")
_LISTS = ("states", "parameters", "assigned")
_PLAIN = ("name", "initial", "constants", "units", "amounts")


def kept_system(source: str, made_by: str, make: Callable[[], System]) -> System:
    """Return the system that ``make()`` makes of ``source``: a kept one, or that, which is then kept.

    ``made_by`` names the versions of what else of the caller's stands between the source and the system;
    those of the reader and libSBML are added here.
    """
    text = "\0".join(("system", made_by, _reader(), source))
    return system_from_json(keep_bytes(text, lambda: system_to_json(make()).encode()).decode())


@cache
def _reader() -> str:
    """Return a digest of what decides how a source is read."""
    digest = hashlib.sha256()
    for file in sorted((Path(__file__).parent / "sbml").glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    digest.update(f"\0libsbml {version('python-libsbml')}".encode())
    return digest.hexdigest()


def system_to_json(system: System) -> str:
    """Return a system as JSON text; ``system_from_json`` gives it back, every bit of every number."""
    found = {name: getattr(system, name) for name in (*_PLAIN, *_LISTS)}
    found |= {name: {k: _coded(tree) for k, tree in getattr(system, name).items()} for name in _TREES}
    found["bounds"] = [_coded(tree) for tree in system.bounds]
    found["events"] = [_coded_event(event) for event in system.events]
    return json.dumps(found)


def system_from_json(text: str) -> System:
    """Return the system that ``system_to_json`` has written down."""
    found = json.loads(text)
    rates, rules, initial_rules = ({k: _tree(tree) for k, tree in found[each].items()} for each in _TREES)
    states, parameters, assigned = (tuple(found[each]) for each in _LISTS)
    return System(
        name=found["name"],
        states=states,
        parameters=parameters,
        assigned=assigned,
        rates=rates,
        rules=rules,
        initial=found["initial"],
        constants=found["constants"],
        units=found["units"],
        events=tuple(_event(each) for each in found["events"]),
        bounds=tuple(_tree(tree) for tree in found["bounds"]),
        initial_rules=initial_rules,
        amounts={name: (state, size) for name, (state, size) in found["amounts"].items()},
    )


def _coded(tree: Expression) -> Coded:
    """Return a tree as JSON holds it: a number, a name as text, or a list of operator and arguments."""
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Symbol):
        return tree.name
    return [tree.op, *(_coded(argument) for argument in tree.arguments)]


def _tree(coded: Coded) -> Expression:
    if isinstance(coded, str):
        return Symbol(coded)
    if isinstance(coded, list):
        op, *arguments = coded
        return Call(str(op), tuple(_tree(argument) for argument in arguments))
    return Number(coded)


class CodedEvent(TypedDict):
    """An event as JSON holds it; see ``SbmlEvent``."""

    id: str
    trigger: Coded
    assignments: Pairs
    initial_value: bool
    persistent: bool
    use_trigger_values: bool
    priority: Coded | None
    delay: Coded | None
    finish: Pairs


def _coded_event(event: SbmlEvent) -> CodedEvent:
    return CodedEvent(
        id=event.id,
        trigger=_coded(event.trigger),
        assignments=[(target, _coded(tree)) for target, tree in event.assignments],
        initial_value=event.initial_value,
        persistent=event.persistent,
        use_trigger_values=event.use_trigger_values,
        priority=None if event.priority is None else _coded(event.priority),
        delay=None if event.delay is None else _coded(event.delay),
        finish=[(target, _coded(tree)) for target, tree in event.finish],
    )


def _event(coded: CodedEvent) -> SbmlEvent:
    return SbmlEvent(
        id=coded["id"],
        trigger=_tree(coded["trigger"]),
        assignments=tuple((target, _tree(tree)) for target, tree in coded["assignments"]),
        initial_value=coded["initial_value"],
        persistent=coded["persistent"],
        use_trigger_values=coded["use_trigger_values"],
        priority=None if coded["priority"] is None else _tree(coded["priority"]),
        delay=None if coded["delay"] is None else _tree(coded["delay"]),
        finish=tuple((target, _tree(tree)) for target, tree in coded["finish"]),
    )
