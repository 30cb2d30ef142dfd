"""The model as the peers get it: with doses as SBML events or switches, and in leaner equivalent forms.

The leaner forms let a peer be as fast as its file can make it: rules that no rate needs dropped, rules
written into the rates, numbers that never change written as literals, small powers written as products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.cases import Case

FORMS = ("as_is", "needed_rules", "inlined", "literals", "literals_inlined", "products")


def export(sbml: str, form: str, keep: Iterable[str]) -> str:
    """Return an equivalent file in one of ``FORMS``; ``keep`` names parameters that must stay settable."""
    document = _read(sbml)
    model = document.getModel()
    if form != "as_is":
        _drop_unneeded(model)
    if form.startswith(("literals", "products")):
        _fold_constants(model, set(keep))
    if form.endswith("inlined"):
        _inline(model)
    if form == "products":
        _write_out_powers(model)
    if form != "as_is":
        _strip_units(model)
    return _write(document)


def with_switches(sbml: str, case: Case) -> str:
    """Return the file with the changes of parameters as piecewise functions of time."""
    document = _read(sbml)
    model = document.getModel()
    for name in dict.fromkeys(change.parameter for change in case.switches):
        rest = _literal(model.getParameter(name).getValue())
        pieces: list[str] = []
        changes = [change for change in case.switches if change.parameter == name]
        for k, change in enumerate(changes):
            until = f", lt(time, {changes[k + 1].time!r})" if k + 1 < len(changes) else ""
            pieces.append(f"{change.value!r}, and(geq(time, {change.time!r}){until})")
        rule = model.createAssignmentRule()
        rule.setVariable(name)
        _set_math(rule, f"piecewise({', '.join(pieces)}, {rest})")
    return _write(document)


def with_events(sbml: str, case: Case, *, switches: bool = True) -> str:
    """Return the file with boluses (and switches) as events.

    Boluses at equal intervals share one event that moves its own next time on, which is the cheapest way to
    write them: a solver that seeks roots then watches one condition and not a hundred.
    """
    document = _read(sbml)
    model = document.getModel()
    for k, change in enumerate(case.switches if switches else ()):
        assignments = [(change.parameter, repr(change.value))]
        _event(model, f"bench_switch_{k}", f"geq(time, {change.time!r})", assignments)
    if case.boluses is not None:
        boluses = case.boluses
        for name, value in (("bench_next", boluses.first), ("bench_left", float(boluses.count))):
            parameter = model.createParameter()
            parameter.setId(name)
            parameter.setConstant(False)
            parameter.setValue(value)
            parameter.setUnits("dimensionless")
        _event(
            model,
            "bench_bolus",
            "and(geq(time, bench_next), gt(bench_left, 0))",
            [
                (boluses.state, f"{boluses.state} + {boluses.amount!r}"),
                ("bench_next", f"bench_next + {boluses.every!r}"),
                ("bench_left", "bench_left - 1"),
            ],
        )
    return _write(document)


def event_parameters(case: Case) -> dict[str, float]:
    """Return what ``reset`` does not put back: the parameters that events have changed, and their values."""
    model = _read(case.sbml).getModel()
    switched = {change.parameter for change in case.switches}
    values = {name: float(model.getParameter(name).getValue()) for name in switched}
    if case.boluses is not None:
        values |= {"bench_next": case.boluses.first, "bench_left": float(case.boluses.count)}
    return values


def _read(sbml: str) -> Any:
    import libsbml

    return libsbml.readSBMLFromString(sbml)


def _write(document: Any) -> str:
    import libsbml

    return str(libsbml.writeSBMLToString(document))


def _set_math(holder: Any, text: str) -> None:
    import libsbml

    math = libsbml.parseL3Formula(text)
    if math is None:
        raise ValueError(str(libsbml.getLastParseL3Error()))
    holder.setMath(math)


def _event(model: Any, name: str, trigger: str, assignments: Sequence[tuple[str, str]]) -> None:
    event = model.createEvent()
    event.setId(name)
    event.setUseValuesFromTriggerTime(True)
    condition = event.createTrigger()
    condition.setInitialValue(False)
    condition.setPersistent(True)
    _set_math(condition, trigger)
    for variable, text in assignments:
        model.getParameter(variable).setConstant(False)
        assignment = event.createEventAssignment()
        assignment.setVariable(variable)
        _set_math(assignment, text)


def _names(node: Any) -> set[str]:
    names = {node.getName()} if node.isName() else set()
    for i in range(node.getNumChildren()):
        names |= _names(node.getChild(i))
    return names


def _rules(model: Any) -> dict[str, Any]:
    return {rule.getVariable(): rule for rule in model.getListOfRules() if rule.isAssignment()}


def _mathematics(model: Any) -> list[Any]:
    """Return every holder of mathematics but assignment rules."""
    holders = [rule for rule in model.getListOfRules() if not rule.isAssignment()]
    for event in model.getListOfEvents():
        holders += [event.getTrigger(), *event.getListOfEventAssignments()]
    return holders


def _drop_unneeded(model: Any) -> None:
    rules = _rules(model)
    wanted = [name for holder in _mathematics(model) for name in _names(holder.getMath())]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in rules and name not in needed:
            needed.add(name)
            wanted += _names(rules[name].getMath())
    for name in set(rules) - needed:
        model.removeRuleByVariable(name)
        model.removeParameter(name)


def _fold_constants(model: Any, keep: set[str]) -> None:
    """Write parameters that nothing changes into the mathematics as literals."""
    import libsbml

    moving = {rule.getVariable() for rule in model.getListOfRules()} | keep
    for event in model.getListOfEvents():
        moving |= {assignment.getVariable() for assignment in event.getListOfEventAssignments()}
    folded = [p.getId() for p in model.getListOfParameters() if p.getId() not in moving]
    for holder in [*_mathematics(model), *_rules(model).values()]:
        math = holder.getMath().deepCopy()
        for name in _names(math) & set(folded):
            math.replaceArgument(name, libsbml.parseL3Formula(_literal(model.getParameter(name).getValue())))
        holder.setMath(math)
    for name in folded:
        model.removeParameter(name)


def _inline(model: Any) -> None:
    """Write every assignment rule into what uses it."""
    rules = _rules(model)
    done: dict[str, Any] = {}

    def full(name: str) -> Any:
        if name not in done:
            done[name] = substituted(rules[name].getMath())
        return done[name]

    def substituted(math: Any) -> Any:
        copy = math.deepCopy()
        if copy.isName() and copy.getName() in rules:
            return full(copy.getName()).deepCopy()
        for name in _names(copy) & set(rules):
            copy.replaceArgument(name, full(name))
        return copy

    for holder in _mathematics(model):
        holder.setMath(substituted(holder.getMath()))
    for name in rules:
        model.removeRuleByVariable(name)
        model.removeParameter(name)


def _write_out_powers(model: Any) -> None:
    """Write small whole powers as products and powers of ten as exponentials: ``pow`` is slow."""
    for holder in [*_mathematics(model), *_rules(model).values()]:
        holder.setMath(_without_powers(holder.getMath()))


def _without_powers(node: Any) -> Any:
    import libsbml

    copy = node.deepCopy()
    for i in range(copy.getNumChildren()):
        copy.replaceChild(i, _without_powers(copy.getChild(i)))
    if copy.getType() not in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
        return copy
    base, exponent = copy.getChild(0), copy.getChild(1)
    if base.isNumber() and base.getValue() == 10.0:
        text = f"exp({math.log(10)!r} * ({libsbml.formulaToL3String(exponent)}))"
        return libsbml.parseL3Formula(text)
    if not (exponent.isNumber() and exponent.getValue() in (1.0, 2.0, 3.0, 4.0)):
        return copy
    factor = f"({libsbml.formulaToL3String(base)})"
    return libsbml.parseL3Formula(" * ".join([factor] * int(exponent.getValue())))


def _strip_units(model: Any) -> None:
    """Leave units out: they cost reading time and say nothing to a solver."""
    for parameter in model.getListOfParameters():
        parameter.unsetUnits()


def _literal(value: float) -> str:
    return repr(float(value)) if value >= 0 else f"({float(value)!r})"
