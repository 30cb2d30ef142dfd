"""A graph of operations in which equal things exist once: common subexpressions, simplification, derivatives.

Nodes are small integers. Building a node that exists already returns it, so that whatever is said twice, in
a rule, in a derivative or in the elimination of a matrix, is computed once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from eubiosis.engine.expressions import LOGIC, RELATIONS, Call, Expression, Number, Symbol, evaluate
from eubiosis.engine.sbml.ieee import evaluate_ieee

Node = int
LEAVES = ("number", "state", "parameter", "held", "time", "input", "mode", "withheld", "moment")
MOVING = ("state", "time", "input", "mode", "withheld", "moment")  # leaves that change while parameters stay
SMOOTH = (
    *("exp", "ln", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("asin", "acos", "atan", "asinh", "acosh", "atanh"),
)
STEPPED = ("floor", "ceil", "quotient", "factorial")  # derivative zero wherever it exists
EXACT = ("floor", "ceil", "quotient", "rem", *RELATIONS)  # a division inside is a true one
_MOST_UNROLLED = 64


class Graph:
    """Operations on doubles and conditions, each present once.

    ``operation[n]`` is the name of node ``n`` and ``arguments[n]`` its operands: nodes, or for leaves a
    value or an index.
    """

    def __init__(self) -> None:
        self.operation: list[str] = []
        self.arguments: list[tuple[float | int, ...]] = []
        self._known: dict[tuple[str, tuple[float | int, ...], str], Node] = {}
        self._depends: dict[tuple[str, ...], list[bool]] = {}
        self.zero = self.number(0.0)
        self.one = self.number(1.0)

    def node(self, operation: str, *arguments: float | int) -> Node:
        """Return the node with this operation and operands, made if it is new."""
        # numbers are known by their text: 0.0 and -0.0 differ, and NaN is NaN
        key = (operation, (), repr(arguments)) if operation == "number" else (operation, arguments, "")
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self.operation)
            self.operation.append(operation)
            self.arguments.append(arguments)
        return found

    def number(self, value: float) -> Node:
        """Return the node of a literal."""
        return self.node("number", float(value))

    def value(self, node: Node) -> float | None:
        """Return the value of a literal, or None for anything else."""
        return float(self.arguments[node][0]) if self.operation[node] == "number" else None

    def operands(self, node: Node) -> tuple[Node, ...]:
        """Return the operand nodes; empty for leaves."""
        return () if self.operation[node] in LEAVES else self.arguments[node]  # type: ignore[return-value]

    # --- arithmetic, simplified where the result is exact --------------------------------------------

    def add(self, a: Node, b: Node) -> Node:
        """Return a + b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.number(x + y)
        if x == 0:
            return b
        if y == 0:
            return a
        if self.operation[b] == "neg":
            return self.sub(a, self.operands(b)[0])
        if self.operation[a] == "neg":
            return self.sub(b, self.operands(a)[0])
        return self.node("+", *sorted((a, b)))

    def sub(self, a: Node, b: Node) -> Node:
        """Return a - b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.number(x - y)
        if y == 0:
            return a
        if x == 0:
            return self.neg(b)
        if self.operation[b] == "neg":
            return self.add(a, self.operands(b)[0])
        return self.node("-", a, b)

    def neg(self, a: Node) -> Node:
        """Return -a."""
        x = self.value(a)
        if x is not None:
            return self.number(-x)
        if self.operation[a] == "neg":
            return self.operands(a)[0]
        if self.operation[a] == "-":
            left, right = self.operands(a)
            return self.node("-", right, left)
        return self.node("neg", a)

    def mul(self, a: Node, b: Node) -> Node:
        """Return a b; a literal zero wins over everything, as in a derivative that does not exist."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.number(x * y)
        if x == 0 or y == 0:
            return self.zero
        if x == 1:
            return b
        if y == 1:
            return a
        if x == -1:
            return self.neg(b)
        if y == -1:
            return self.neg(a)
        negative = [self.operation[n] == "neg" for n in (a, b)]
        if any(negative):
            plain = [self.operands(n)[0] if minus else n for n, minus in zip((a, b), negative, strict=True)]
            product = self.mul(*plain)
            return product if all(negative) else self.neg(product)
        return self.node("*", *sorted((a, b)))

    def reciprocal(self, a: Node) -> Node:
        """Return 1 / a."""
        x = self.value(a)
        if x is not None and x != 0:
            return self.number(1.0 / x)
        if self.operation[a] == "neg":
            return self.neg(self.reciprocal(self.operands(a)[0]))
        return self.node("reciprocal", a)

    def div(self, a: Node, b: Node) -> Node:
        """Return a / b, written a (1 / b) so that denominators are shared; exact for literals."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.number(x / y if y != 0 else _over_zero(x, y))
        if x == 0:
            return self.node("*", *sorted((a, self.reciprocal(b))))  # 0 / 0 stays undefined
        if a == self.one:
            return self.reciprocal(b)
        return self.mul(a, self.reciprocal(b))

    def divide(self, a: Node, b: Node) -> Node:
        """Return a / b rounded once, where the last bit decides: inside comparisons and whole numbers."""
        if self.value(a) is not None and self.value(b) is not None:
            return self.div(a, b)
        return a if b == self.one else self.node("divide", a, b)

    def finite(self, a: Node) -> Node:
        """Return a where it is finite and zero elsewhere."""
        return a if self.value(a) is not None else self.node("finite", a)

    def integer_power(self, base: Node, exponent: int) -> Node:
        """Return base^exponent by repeated squaring."""
        if exponent < 0:
            return self.reciprocal(self.integer_power(base, -exponent))
        result, square = self.one, base
        while exponent:
            if exponent & 1:
                result = self.mul(result, square)
            exponent >>= 1
            if exponent:
                square = self.mul(square, square)
        return result

    def power(self, base: Node, exponent: Node) -> Node:
        """Return base^exponent; literal whole and half exponents need no logarithm."""
        x, y = self.value(base), self.value(exponent)
        if x is not None and y is not None:
            return self.number(_power(x, y))
        if y is not None:
            if abs(y) <= _MOST_UNROLLED and y == round(y):
                return self.integer_power(base, int(y))
            if abs(y) == 0.5:
                root = self.call("sqrt", base)
                return root if y > 0 else self.reciprocal(root)
        return self.node("^", base, exponent)

    def call(self, operation: str, *arguments: Node) -> Node:
        """Return any other operation, folded where all operands are literals."""
        values = [self.value(a) for a in arguments]
        if all(v is not None for v in values) and operation not in ("select",):
            literals = tuple(Number(v) for v in values if v is not None)
            try:
                return self.number(evaluate(Call(operation, literals), {}))
            except (ArithmeticError, ValueError):
                pass  # undefined for these literals: the machine will say NaN or infinity
        return self.node(operation, *arguments)

    def select(self, condition: Node, yes: Node, no: Node) -> Node:
        """Return ``yes`` where the condition holds, else ``no``."""
        fixed = self.value(condition)
        if fixed is not None:
            return yes if fixed else no
        return yes if yes == no else self.node("select", condition, yes, no)

    # --- from expression trees ------------------------------------------------------------------------

    def build(
        self, expression: Expression, names: Mapping[str, Node], exact: Mapping[str, Node] | None = None
    ) -> Node:
        """Return the node of an expression tree; ``names`` gives the node of each symbol.

        Where the last bit decides, in comparisons and whole numbers, symbols are taken from ``exact``, and
        divisions are true ones.
        """
        return self._build(expression, names, names if exact is None else exact, strict=False)

    def build_exact(self, expression: Expression, exact: Mapping[str, Node]) -> Node:
        """Return the node of an expression tree with true divisions."""
        return self._build(expression, exact, exact, strict=True)

    def _build(
        self, expression: Expression, names: Mapping[str, Node], exact: Mapping[str, Node], *, strict: bool
    ) -> Node:
        if isinstance(expression, Number):
            return self.number(expression.value)
        if isinstance(expression, Symbol):
            return exact[expression.name] if strict else names[expression.name]
        op = expression.op
        inner = strict or op in EXACT
        arguments = [self._build(a, names, exact, strict=inner) for a in expression.arguments]
        if op == "/" and strict:
            return self.divide(*arguments)
        return self._combine(op, arguments)

    def _combine(self, op: str, arguments: list[Node]) -> Node:
        if op in ("+", "*"):
            total = arguments[0]
            for argument in arguments[1:]:
                total = self.add(total, argument) if op == "+" else self.mul(total, argument)
            return total
        plain: dict[str, Callable[..., Node]] = {
            "-": self.sub,
            "/": self.div,
            "neg": self.neg,
            "^": self.power,
        }
        if op in plain:
            return plain[op](*arguments)
        if op == "piecewise":
            result = arguments[-1]
            pairs = list(zip(arguments[:-1:2], arguments[1:-1:2], strict=True))
            for value, condition in reversed(pairs):
                result = self.select(condition, value, result)
            return result
        if op in ("min", "max", "and", "or", "xor"):
            total = arguments[0]
            for argument in arguments[1:]:
                total = self.call(op, total, argument)
            return total
        return self.call(op, *arguments)

    # --- what a node depends on -----------------------------------------------------------------------

    def needed(self, roots: Iterable[Node], stop: Iterable[Node] = ()) -> list[Node]:
        """Return every node the roots need, operands before users; ``stop`` nodes are not entered."""
        seen, order = set(stop), []
        for root in roots:
            stack = [(root, False)]
            while stack:
                node, ready = stack.pop()
                if ready:
                    order.append(node)
                elif node not in seen:
                    seen.add(node)
                    stack.append((node, True))
                    stack.extend((n, False) for n in reversed(self.operands(node)))
        return order

    def depends(self, kinds: Sequence[str]) -> list[bool]:
        """Tell for every node whether it depends on a leaf of one of these kinds."""
        answer = self._depends.setdefault(tuple(kinds), [])
        for node in range(len(answer), len(self.operation)):
            operation = self.operation[node]
            inner = () if operation in LEAVES else self.arguments[node]
            answer.append(operation in kinds or any(answer[int(n)] for n in inner))
        return answer

    def evaluate(self, root: Node, values: Mapping[Node, float]) -> float:
        """Evaluate a node in plain Python, given the values of leaves, as the machine would."""
        known = dict(values)
        for node in self.needed([root], known):
            op = self.operation[node]
            if op == "number":
                known[node] = float(self.arguments[node][0])
                continue
            literals = tuple(Number(known[n]) for n in self.operands(node))
            if op == "select":
                known[node] = literals[1].value if literals[0].value else literals[2].value
            elif op == "fma":
                known[node] = _fused(*(float(each.value) for each in literals))
            elif op == "divide":
                known[node] = evaluate_ieee(Call("/", literals), {})
            elif op == "finite":
                known[node] = literals[0].value if math.isfinite(literals[0].value) else 0.0
            elif op == "reciprocal":
                known[node] = evaluate_ieee(Call("/", (Number(1.0), *literals)), {})
            else:
                known[node] = evaluate_ieee(Call(op, literals), {})
        return known[root]

    # --- derivatives ----------------------------------------------------------------------------------

    def gradients(self, roots: Sequence[Node], cuts: Sequence[Node], leaves: Mapping[Node, int]) -> Gradients:
        """Return the derivatives of roots and cuts with respect to leaves, each node -> {column: node}.

        ``cuts`` are inner nodes in an order in which each needs only earlier ones, such as assignment rules:
        within a cut derivatives are accumulated backwards, between cuts forwards.
        """
        result: Gradients = {leaf: {column: self.one} for leaf, column in leaves.items()}
        known = set(result)
        active = self._active(set(leaves))

        def derive(node: Node) -> None:
            total: dict[int, Node] = {}
            if node < len(active) and active[node]:
                for inner, factor in self._partials(node, known, active).items():
                    for column, derivative in result[inner].items():
                        term = self.mul(factor, derivative)
                        total[column] = self.add(total[column], term) if column in total else term
            put(node, total)

        def put(node: Node, total: dict[int, Node]) -> None:
            result[node] = {column: d for column, d in total.items() if d != self.zero}
            known.add(node)

        for node in [*cuts, *roots]:
            for inner in self._choices(node, known, active):
                condition, *sides = self.operands(inner)
                for side in sides:
                    if side not in result:
                        derive(side)
                yes, no = (result[side] for side in sides)
                columns = {**yes, **no}
                put(
                    inner,
                    {c: self.select(condition, yes.get(c, self.zero), no.get(c, self.zero)) for c in columns},
                )
            if node not in result:
                derive(node)
        return result

    def _choices(self, node: Node, known: set[Node], active: list[bool]) -> list[Node]:
        """Return the choices inside a node, inner ones first, that depend on a leaf.

        Each side of a choice is derived by itself, so that what the side not taken would be spoils nothing.
        """
        return [n for n in self.needed([node], known) if self.operation[n] == "select" and active[n]]

    def _active(self, leaves: set[Node]) -> list[bool]:
        active: list[bool] = []
        for node in range(len(self.operation)):
            active.append(node in leaves or any(active[n] for n in self.operands(node)))
        return active

    def _partials(self, root: Node, known: set[Node], active: list[bool]) -> dict[Node, Node]:
        """Accumulate backwards from ``root`` to the known nodes it is made of."""
        adjoint: dict[Node, Node] = {root: self.one}
        found: dict[Node, Node] = {}
        for node in reversed(self.needed([root], known)):
            weight = adjoint.pop(node, None)
            if weight is None:
                continue
            for operand, partial in self._local(node):
                if operand >= len(active) or not active[operand] or partial == self.zero:
                    continue
                target = found if operand in known else adjoint
                term = self.mul(weight, partial)
                target[operand] = self.add(target[operand], term) if operand in target else term
        return found

    def _local(self, node: Node) -> list[tuple[Node, Node]]:
        """Return (operand, partial derivative) pairs of one operation."""
        op, operands = self.operation[node], self.operands(node)
        if op in LEAVES or op in RELATIONS or op in LOGIC or op in STEPPED:
            return []
        a = operands[0]
        if op == "+":
            return [(n, self.one) for n in operands]
        if op == "-":
            return [(a, self.one), (operands[1], self.number(-1.0))]
        if op == "neg":
            return [(a, self.number(-1.0))]
        if op == "*":
            return [(a, operands[1]), (operands[1], a)]
        if op == "reciprocal":
            return [(a, self.neg(self.mul(node, node)))]
        if op == "divide":
            inverse = self.reciprocal(operands[1])
            return [(a, inverse), (operands[1], self.neg(self.mul(node, inverse)))]
        if op == "finite":
            return [(a, self.one)]
        if op == "^":
            return self._power_partials(node, *operands)
        if op == "select":
            condition, yes, no = operands
            return [
                (yes, self.select(condition, self.one, self.zero)),
                (no, self.select(condition, self.zero, self.one)),
            ]
        if op in ("min", "max"):
            first = self.call("<=" if op == "min" else ">=", a, operands[1])
            return [
                (a, self.select(first, self.one, self.zero)),
                (operands[1], self.select(first, self.zero, self.one)),
            ]
        if op == "rem":
            return [(a, self.one), (operands[1], self.neg(self.call("quotient", *operands)))]
        return [(a, self._smooth(op, a, node))]

    def _power_partials(self, node: Node, base: Node, exponent: Node) -> list[tuple[Node, Node]]:
        lower = self.power(base, self.sub(exponent, self.one))
        logarithm = self.select(
            self.call(">", base, self.zero), self.mul(node, self.call("ln", base)), self.zero
        )
        return [(base, self.mul(exponent, lower)), (exponent, logarithm)]

    def _smooth(self, op: str, a: Node, node: Node) -> Node:
        """Return the derivative of a function of one variable; ``node`` is its value at ``a``."""
        one = self.one
        square = self.mul(a, a)
        rules: dict[str, Callable[[], Node]] = {
            "exp": lambda: node,
            "ln": lambda: self.reciprocal(a),
            "log10": lambda: self.mul(self.number(1 / math.log(10.0)), self.reciprocal(a)),
            "sqrt": lambda: self.mul(self.number(0.5), self.reciprocal(node)),
            "abs": lambda: self.select(self.call(">=", a, self.zero), one, self.number(-1.0)),
            "sin": lambda: self.call("cos", a),
            "cos": lambda: self.neg(self.call("sin", a)),
            "tan": lambda: self.add(one, self.mul(node, node)),
            "sinh": lambda: self.call("cosh", a),
            "cosh": lambda: self.call("sinh", a),
            "tanh": lambda: self.sub(one, self.mul(node, node)),
            "asin": lambda: self.reciprocal(self.call("sqrt", self.sub(one, square))),
            "acos": lambda: self.neg(self.reciprocal(self.call("sqrt", self.sub(one, square)))),
            "atan": lambda: self.reciprocal(self.add(one, square)),
            "asinh": lambda: self.reciprocal(self.call("sqrt", self.add(square, one))),
            "acosh": lambda: self.reciprocal(
                self.mul(self.call("sqrt", self.sub(a, one)), self.call("sqrt", self.add(a, one)))
            ),
            "atanh": lambda: self.reciprocal(self.sub(one, square)),
        }
        return rules[op]()


Gradients = dict[Node, dict[int, Node]]


def _over_zero(x: float, zero: float) -> float:
    """Return x / 0 as the machine does."""
    return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1.0, zero)


def _power(x: float, y: float) -> float:
    """Return x^y as the machine does."""
    return evaluate_ieee(Call("^", (Number(x), Number(y))), {})


def _fused(factor: float, other: float, summand: float) -> float:
    """Return factor x other + summand with one rounding, as the machine's fused operation."""
    if not all(math.isfinite(each) for each in (factor, other, summand)):
        return factor * other + summand
    exact = Fraction(factor) * Fraction(other) + Fraction(summand)
    return float(exact) if exact else factor * other + summand  # a zero keeps its sign
