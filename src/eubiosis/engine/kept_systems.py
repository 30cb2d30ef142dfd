"""Flat systems as JSON and back, kept on disk beside the compiled kernels.

Reading SBML loads libSBML (and, for models in Antimony, that library too): 40 MB and seconds in every
process. A system that was read once is kept, under a digest of its source and of everything that reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

from eubiosis.engine.codegen.native import keep_bytes
from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.engine.system import SbmlEvent, System

Pairs = Sequence[tuple[str, object]]
_TREES = ("rates", "rules", "initial_rules")
_LISTS = ("states", "parameters", "assigned")
_PLAIN = ("name", "initial", "constants", "units")


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
    found: dict[str, object] = {name: getattr(system, name) for name in (*_PLAIN, *_LISTS)}
    found |= {name: {k: _coded(tree) for k, tree in getattr(system, name).items()} for name in _TREES}
    found["bounds"] = [_coded(tree) for tree in system.bounds]
    found["amounts"] = system.amounts
    found["events"] = [_coded_event(event) for event in system.events]
    return json.dumps(found)


def system_from_json(text: str) -> System:
    """Return the system that ``system_to_json`` has written down."""
    found = json.loads(text)
    return System(
        **{name: found[name] for name in _PLAIN},
        **{name: tuple(found[name]) for name in _LISTS},
        **{name: {k: _tree(tree) for k, tree in found[name].items()} for name in _TREES},
        bounds=tuple(_tree(tree) for tree in found["bounds"]),
        amounts={name: (state, size) for name, (state, size) in found["amounts"].items()},
        events=tuple(_event(**each) for each in found["events"]),
    )


def _coded(tree: Expression) -> object:
    """Return a tree as JSON holds it: a number, a name as text, or a list of operator and arguments."""
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Symbol):
        return tree.name
    return [tree.op, *(_coded(argument) for argument in tree.arguments)]


def _tree(coded: object) -> Expression:
    if isinstance(coded, str):
        return Symbol(coded)
    if isinstance(coded, list):
        op, *arguments = coded
        return Call(op, tuple(_tree(argument) for argument in arguments))
    assert isinstance(coded, int | float)
    return Number(coded)


def _coded_event(event: SbmlEvent) -> dict[str, object]:
    found: dict[str, object] = {each.name: getattr(event, each.name) for each in fields(event)}
    for name in ("trigger", "priority", "delay"):
        tree = getattr(event, name)
        found[name] = None if tree is None else _coded(tree)
    for name in ("assignments", "finish"):
        found[name] = [[target, _coded(tree)] for target, tree in getattr(event, name)]
    return found


def _event(
    trigger: object,
    assignments: Pairs,
    finish: Pairs,
    priority: object,
    delay: object,
    **plain: object,
) -> SbmlEvent:
    bare = SbmlEvent("", _tree(trigger), _trees(assignments), finish=_trees(finish))
    late = {"priority": priority, "delay": delay}
    trees = {name: None if tree is None else _tree(tree) for name, tree in late.items()}
    return replace(bare, **trees, **plain)


def _trees(pairs: Pairs) -> tuple[tuple[str, Expression], ...]:
    return tuple((target, _tree(tree)) for target, tree in pairs)
