"""The wiring of the model, read from its equations: what acts on what, and with which sign.

Boxes are states, quantities that cross between modules, and what ``models/labels.tsv`` draws, some families
as one box. An arrow stands for a dependence in the target's own equation, through quantities that have no
box. Its sign is that of the dependence at a person's reference state; it is free where it turns with the
gut-to-host couplings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from eubiosis.core.model_page import EdgeSign, NodeKind, Wiring, WiringEdge, WiringNode
from eubiosis.engine.expressions import TIME, evaluate, symbols
from eubiosis.model.content import MODULES
from eubiosis.model.join import parsed_modules
from eubiosis.model.labels import label_rows
from eubiosis.model.model import Model
from eubiosis.model.worlds import coupling_names

READ_OUTS, INPUTS = "read-outs", "inputs"
_STEP, _NONE = 1e-4, 1e-12
_HUB_SHARE, _HUB_LEAST = 0.4, 12


def wiring(model: Model, person: str) -> Wiring:
    """Return the boxes and arrows of the joined model, with signs at one person's reference state."""
    boxes = _boxes(model)
    box_of = {member: box for box, members in boxes.items() for member in members}
    reach = _Reach(model, person, box_of)
    edges = [edge for target, members in boxes.items() for edge in reach.edges_to(target, members)]
    edges = [edge for edge in edges if edge.source != edge.target]
    kept, hubs = _without_hubs(edges, boxes)
    names = {row.id: row.label for row in label_rows(model.content)}
    used = {edge.source for edge in edges}
    nodes = tuple(
        WiringNode(
            box,
            names.get(box, _bare(box)),
            _group(model, members, box in used),
            _kind(model, members),
            members,
        )
        for box, members in boxes.items()
    )
    return Wiring((INPUTS, *MODULES, READ_OUTS), nodes, tuple(kept), hubs)


def _boxes(model: Model) -> dict[str, tuple[str, ...]]:
    """Return the members of each box, in the order of the model; the longest family name that fits wins."""
    system = model.system
    rows = label_rows(model.content)
    families = sorted((r.id for r in rows if r.drawn and r.id.endswith("*")), key=len, reverse=True)
    single = {r.id for r in rows if r.drawn and not r.id.endswith("*")}
    crossing = {row.target_variable for row in model.content.handover}
    boxes: dict[str, list[str]] = {}
    for name in (*system.parameters, *system.states, *system.assigned):
        family = next((f for f in families if fnmatchcase(name, f)), "")
        if name in model.content.numbers:
            continue
        kin = boxes.get(family, [])
        if kin and _kind(model, kin) != _kind(model, (name,)):
            family = ""  # a family is of one kind: a sum over it stands apart
        if family or name in system.states or name in single or name in crossing:
            boxes.setdefault(family or name, []).append(name)
    return {box: tuple(members) for box, members in boxes.items()}


class _Reach:
    """Follow equations from a box back to the boxes they depend on."""

    def __init__(self, model: Model, person: str, box_of: Mapping[str, str]) -> None:
        self.system = model.system
        self.box_of = box_of
        self.equations = {**self.system.rules, **self.system.rates}
        couplings = coupling_names(model)
        parameters = dict(zip(self.system.parameters, model.parameters(person), strict=True))
        states = dict(zip(self.system.states, model.states(person), strict=True))
        self.bases = []
        for sign in (1.0, -1.0):
            base = {TIME: 0.0, **parameters, **states} | dict.fromkeys(couplings, sign)
            for name, rule in self.system.rules.items():
                base[name] = evaluate(rule, base)
            self.bases.append({name: float(value) for name, value in base.items()})

    def edges_to(self, target: str, members: Iterable[str]) -> Iterable[WiringEdge]:
        """Yield the arrows into one box."""
        sources: dict[str, set[str]] = {}
        through: dict[str, tuple[str, ...]] = {}
        for member in (m for m in members if m in self.equations):
            behind, through[member] = self._sources(member)
            for source in behind:
                sources.setdefault(self.box_of[source], set()).add(source)
        for box, own in sorted(sources.items()):
            found = [self._signs(own, through, base) for base in self.bases]
            sign = _one(found[0])
            yield WiringEdge(box, target, sign, sign in "+-" and _one(found[1]) != sign)

    def _sources(self, name: str) -> tuple[set[str], tuple[str, ...]]:
        """Return the members of boxes behind a quantity's equation, and what lies between, in order."""
        found: set[str] = set()
        stack, seen = [name], {name}
        while stack:
            for mention in symbols(self.equations[stack.pop()]):
                if mention in self.box_of:
                    found.add(mention)
                elif mention in self.system.rules and mention not in seen:
                    seen.add(mention)
                    stack.append(mention)
        return found, tuple(rule for rule in self.system.rules if rule in seen - {name})

    def _signs(
        self, sources: set[str], through: Mapping[str, tuple[str, ...]], base: Mapping[str, float]
    ) -> set[int]:
        """Return the signs with which targets answer a small rise of the sources, all other boxes held."""
        values = dict(base)
        for source in sources:
            values[source] = base[source] * (1 + _STEP) if base[source] else _STEP
        for name in (n for n in self.system.rules if n in {r for rules in through.values() for r in rules}):
            values[name] = evaluate(self.system.rules[name], values)
        signs = set()
        for target in through:
            before, after = evaluate(self.equations[target], base), evaluate(self.equations[target], values)
            size = max(abs(before), abs(base[target]), _NONE)
            signs.add(0 if abs(after - before) <= _NONE * size else (1 if after > before else -1))
        return signs


def _one(signs: set[int]) -> EdgeSign:
    real = signs - {0}
    if not real:
        return "0"
    return "?" if len(real) > 1 else ("+" if real == {1} else "-")


def _without_hubs(
    edges: list[WiringEdge], boxes: Mapping[str, tuple[str, ...]]
) -> tuple[list[WiringEdge], tuple[tuple[str, tuple[str, ...]], ...]]:
    """Take out boxes that act on more than two fifths of the boxes with their own prefix."""
    hubs: dict[str, tuple[str, ...]] = {}
    for box in boxes:
        targets = tuple(edge.target for edge in edges if edge.source == box)
        kin = sum(_prefix(other) == _prefix(box) for other in boxes)
        if len(targets) >= max(_HUB_LEAST, _HUB_SHARE * kin):
            hubs[box] = targets
    return [edge for edge in edges if edge.source not in hubs], tuple(hubs.items())


def _prefix(name: str) -> str:
    return name.split("_", maxsplit=1)[0]


def _bare(name: str) -> str:
    return name.split("_", 1)[1].replace("_", " ") if "_" in name else name


def _kind(model: Model, members: Sequence[str]) -> NodeKind:
    system = model.system
    if members[0] in system.states:
        return "state"
    return "assigned" if members[0] in system.rules else "input"


def _group(model: Model, members: tuple[str, ...], used: bool) -> str:
    kind = _kind(model, members)
    if kind == "input":
        return INPUTS
    parsed = parsed_modules(model.content, MODULES)
    module = next(name for name, each in parsed.items() if members[0] in each.defines)
    return READ_OUTS if module == MODULES[-1] and not used else module
