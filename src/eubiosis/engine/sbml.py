"""Read an SBML file into a flat system of parameters, assignment rules and rate rules.

Understood so far: Level 3 models written in parameters with rate and assignment rules, initial
assignments that are constant, piecewise functions of time, and events whose trigger is ``time >= t``.
Everything else is refused by an error that names the feature and its element.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from eubiosis.engine.expressions import (
    RELATIONS,
    TIME,
    Call,
    Expression,
    Number,
    Symbol,
    evaluate,
    substitute,
    subtrees,
    symbols,
)


class UnsupportedSbmlError(ValueError):
    """A feature of SBML that is not handled; the message names it and the element that uses it."""


@dataclass(frozen=True)
class TimedEvent:
    """Assignments made once, when time reaches ``time`` (a constant expression of parameters)."""

    id: str
    time: Expression
    assignments: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class System:
    """A flat ordinary differential equation system.

    ``states`` have rate rules, ``assigned`` assignment rules in an order in which each needs only
    earlier ones, ``parameters`` neither. ``initial`` gives each state's and ``constants`` each
    parameter's value in the units of the file; time runs in the file's time unit. ``bounds`` are the
    constant expressions that the time is compared with, ``breakpoints`` their values with these constants.
    """

    name: str
    states: tuple[str, ...]
    parameters: tuple[str, ...]
    assigned: tuple[str, ...]
    rates: Mapping[str, Expression]
    rules: Mapping[str, Expression]
    initial: Mapping[str, float]
    constants: Mapping[str, float]
    units: Mapping[str, str]
    events: tuple[TimedEvent, ...] = ()
    breakpoints: tuple[float, ...] = field(default=())
    bounds: tuple[Expression, ...] = field(default=())

    @cached_property
    def explicit_time(self) -> bool:
        """Whether any rule mentions the time itself."""
        expressions = [*self.rules.values(), *self.rates.values()]
        return any(TIME in symbols(expression) for expression in expressions)


def read_sbml(text: str) -> System:
    """Read SBML text into a ``System``.

    Raises ``UnsupportedSbmlError`` for features outside the list in this module's docstring, and
    ``ValueError`` when libSBML cannot read the text.
    """
    import libsbml

    document = libsbml.readSBMLFromString(text)  # kept in a variable: libSBML frees a temporary
    errors = [document.getError(i) for i in range(document.getNumErrors())]
    fatal = [e for e in errors if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
    if fatal or document.getModel() is None:
        lines = "; ".join(f"line {e.getLine()}: {e.getShortMessage()}" for e in fatal[:5])
        message = f"libSBML cannot read the model: {lines or 'no model element'}"
        raise ValueError(message)
    model = document.getModel()
    _refuse_unsupported(model)
    return _build(model)


def _build(model: Any) -> System:
    parameters: dict[str, float] = {}
    units: dict[str, str] = {}
    for parameter in model.getListOfParameters():
        parameters[parameter.getId()] = parameter.getValue()
        units[parameter.getId()] = parameter.getUnits()
    rules: dict[str, Expression] = {}
    rates: dict[str, Expression] = {}
    for rule in model.getListOfRules():
        target = rates if rule.isRate() else rules
        target[rule.getVariable()] = _convert(rule.getMath(), rule.getVariable())
    for assignment in model.getListOfInitialAssignments():
        name = assignment.getSymbol()
        parameters[name] = evaluate(_convert(assignment.getMath(), name), parameters)
    order = _order(rules)
    constants = {n: v for n, v in parameters.items() if n not in rules and n not in rates}
    known = {TIME, *parameters}
    for name, expression in {**rules, **rates}.items():
        for symbol in symbols(expression):
            if symbol not in known:
                message = f"{name}: symbol {symbol} is not declared"
                raise UnsupportedSbmlError(message)
    missing = [n for n, v in parameters.items() if n not in rules and math.isnan(v)]
    if missing:
        message = f"no value for {', '.join(missing)}"
        raise ValueError(message)
    events = tuple(_timed_event(event) for event in model.getListOfEvents())
    bounds = _bounds({**rules, **rates}, constants)
    return System(
        name=model.getId(),
        states=tuple(rates),
        parameters=tuple(constants),
        assigned=tuple(order),
        rates=rates,
        rules={name: rules[name] for name in order},
        initial={name: parameters[name] for name in rates},
        constants=constants,
        units=units,
        events=events,
        breakpoints=tuple(sorted({evaluate(bound, constants) for bound in bounds})),
        bounds=bounds,
    )


def _refuse_unsupported(model: Any) -> None:
    found = [
        ("species", [s.getId() for s in model.getListOfSpecies()]),
        ("reaction", [r.getId() for r in model.getListOfReactions()]),
        ("function definition", [f.getId() for f in model.getListOfFunctionDefinitions()]),
        ("constraint", [str(i) for i in range(model.getNumConstraints())]),
        ("algebraic rule", [str(i) for i, r in enumerate(model.getListOfRules()) if r.isAlgebraic()]),
    ]
    for feature, elements in found:
        if elements:
            message = f"{feature} {elements[0]} is not supported yet ({len(elements)} in the model)"
            raise UnsupportedSbmlError(message)


def _timed_event(event: Any) -> TimedEvent:
    name = event.getId()
    trigger = event.getTrigger()
    condition = _convert(trigger.getMath(), name)
    timed = (
        isinstance(condition, Call)
        and condition.op == ">="
        and condition.arguments[0] == Symbol(TIME)
        and TIME not in symbols(condition.arguments[1])
    )
    if not timed or event.isSetDelay() or event.isSetPriority() or not event.getUseValuesFromTriggerTime():
        message = f"event {name}: only a trigger time >= constant without delay or priority is supported yet"
        raise UnsupportedSbmlError(message)
    assignments = tuple(
        (a.getVariable(), _convert(a.getMath(), name)) for a in event.getListOfEventAssignments()
    )
    return TimedEvent(name, condition.arguments[1], assignments)  # type: ignore[union-attr]


def _bounds(expressions: Mapping[str, Expression], constants: Mapping[str, float]) -> tuple[Expression, ...]:
    """Collect the constant expressions at which a comparison with the time changes its answer."""
    bounds: dict[Expression, None] = {}
    for name, expression in expressions.items():
        for tree in subtrees(expression):
            if not (isinstance(tree, Call) and tree.op in RELATIONS):
                continue
            if TIME not in symbols(tree):
                continue
            left, right = tree.arguments
            bound = right if left == Symbol(TIME) else left if right == Symbol(TIME) else None
            if bound is None or not isinstance(substitute(bound, constants), Number):
                message = f"{name}: a comparison of time with something that varies is not supported yet"
                raise UnsupportedSbmlError(message)
            bounds[bound] = None
    return tuple(bounds)


def _order(rules: Mapping[str, Expression]) -> list[str]:
    """Order assignment rules so that each needs only earlier ones."""
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(name: str, chain: tuple[str, ...]) -> None:
        if state.get(name) == 2:
            return
        if state.get(name) == 1:
            message = f"assignment rules form a circle: {' -> '.join((*chain, name))}"
            raise UnsupportedSbmlError(message)
        state[name] = 1
        for symbol in symbols(rules[name]):
            if symbol in rules:
                visit(symbol, (*chain, name))
        state[name] = 2
        order.append(name)

    for name in rules:
        visit(name, ())
    return order


@cache
def _operators() -> dict[int, str]:
    import libsbml as m

    return {
        m.AST_PLUS: "+",
        m.AST_TIMES: "*",
        m.AST_DIVIDE: "/",
        m.AST_POWER: "^",
        m.AST_FUNCTION_POWER: "^",
        m.AST_FUNCTION_EXP: "exp",
        m.AST_FUNCTION_LN: "ln",
        m.AST_FUNCTION_ABS: "abs",
        m.AST_FUNCTION_SIN: "sin",
        m.AST_FUNCTION_COS: "cos",
        m.AST_FUNCTION_TAN: "tan",
        m.AST_FUNCTION_TANH: "tanh",
        m.AST_FUNCTION_FLOOR: "floor",
        m.AST_FUNCTION_CEILING: "ceil",
        m.AST_FUNCTION_MIN: "min",
        m.AST_FUNCTION_MAX: "max",
        m.AST_RELATIONAL_LT: "<",
        m.AST_RELATIONAL_LEQ: "<=",
        m.AST_RELATIONAL_GT: ">",
        m.AST_RELATIONAL_GEQ: ">=",
        m.AST_RELATIONAL_EQ: "==",
        m.AST_RELATIONAL_NEQ: "!=",
        m.AST_LOGICAL_AND: "and",
        m.AST_LOGICAL_OR: "or",
        m.AST_LOGICAL_XOR: "xor",
        m.AST_LOGICAL_NOT: "not",
    }


def _convert(node: Any, element: str) -> Expression:
    import libsbml as m

    kind = node.getType()
    children = [node.getChild(i) for i in range(node.getNumChildren())]
    constant = {m.AST_CONSTANT_PI: math.pi, m.AST_CONSTANT_E: math.e}
    constant |= {m.AST_CONSTANT_TRUE: 1.0, m.AST_CONSTANT_FALSE: 0.0}
    if node.isNumber():
        return Number(float(node.getValue()))
    if kind in constant:
        return Number(constant[kind])
    if kind == m.AST_NAME_TIME:
        return Symbol(TIME)
    if kind == m.AST_NAME:
        return Symbol(node.getName())
    arguments = tuple(_convert(child, element) for child in children)
    if kind == m.AST_MINUS:
        return Call("neg" if len(arguments) == 1 else "-", arguments)
    if kind == m.AST_FUNCTION_ROOT:
        return _root(arguments)
    if kind == m.AST_FUNCTION_LOG:
        base, value = arguments if len(arguments) == 2 else (Number(10.0), arguments[0])
        if base == Number(10.0):
            return Call("log10", (value,))
        return Call("/", (Call("ln", (value,)), Call("ln", (base,))))
    if kind == m.AST_FUNCTION_PIECEWISE:
        if len(arguments) % 2 == 0:
            message = f"{element}: piecewise without otherwise is not supported"
            raise UnsupportedSbmlError(message)
        return Call("piecewise", arguments)
    if kind in _operators():
        return _operator(_operators()[kind], arguments)
    message = f"{element}: operator {node.getName() or kind} is not supported yet"
    raise UnsupportedSbmlError(message)


def _operator(op: str, arguments: tuple[Expression, ...]) -> Expression:
    empty = {"+": 0.0, "*": 1.0, "and": 1.0, "or": 0.0}
    if not arguments and op in empty:
        return Number(empty[op])
    if len(arguments) == 1 and op in ("+", "*", "and", "or"):
        return arguments[0]
    if op in RELATIONS and len(arguments) > 2:
        pairs = itertools.pairwise(arguments)
        return Call("and", tuple(Call(op, pair) for pair in pairs))
    return Call(op, arguments)


def _root(arguments: tuple[Expression, ...]) -> Expression:
    if len(arguments) == 1 or arguments[0] == Number(2.0):
        return Call("sqrt", (arguments[-1],))
    return Call("^", (arguments[1], Call("/", (Number(1.0), arguments[0]))))
