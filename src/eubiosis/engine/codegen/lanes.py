"""Vector functions of a program: rates, factors, substitution and one Rosenbrock step for all lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.emit import VectorEmitter
from eubiosis.engine.codegen.graph import Node
from eubiosis.engine.codegen.ir import Module, Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, POINTER, Code
from eubiosis.engine.codegen.program import Program
from eubiosis.engine.codegen.sparse import Factors
from eubiosis.engine.codegen.vector_math import VectorMath

STAGE_ARGUMENTS = (
    ("work", POINTER),
    ("shared", POINTER),
    ("y", POINTER),
    ("time", POINTER),
    ("out", POINTER),
)


class Lanes:
    """The workspace of ``width`` lanes and the vector functions on it.

    Rows, each ``width`` doubles: states, next states, rates, time derivatives of the rates, stage vectors,
    factors, varying parameters, prepared values, and single rows for time, step and so on.
    """

    def __init__(self, program: Program, module: Module, width: int) -> None:
        self.program, self.module, self.width = program, module, width
        self.rows: dict[str, int] = {}
        self.count = 0
        self.vector = ir.VectorType(DOUBLE, width)
        self._prepared: dict[Node, tuple[str, int]] = {}
        self.pivots: tuple[int, ...] = ()  # rows of the factors that hold reciprocal pivots

    def reserve(self, name: str, rows: int = 1) -> None:
        """Give a region of the workspace a name."""
        self.rows[name] = self.count
        self.count += rows

    # --- addresses ------------------------------------------------------------------------------------

    def row(self, code: Code, name: str, index: Value | int = 0) -> Value:
        """Return the address of a row of a region, as a pointer to its first double."""
        first = self.rows[name]
        if isinstance(index, int):
            return code.at(code["work"], (first + index) * self.width)
        return code.at(code["work"], code.b.mul(code.b.add(index, INT(first)), INT(self.width)))

    def load(self, code: Code, address: Value) -> Value:
        """Load a whole row."""
        return code.b.load(code.b.bitcast(address, self.vector.as_pointer()), align=8 * self.width)

    def store(self, code: Code, value: Value, address: Value) -> None:
        """Store a whole row."""
        code.b.store(value, code.b.bitcast(address, self.vector.as_pointer()), align=8 * self.width)

    def splat(self, code: Code, scalar: Value) -> Value:
        """Return a vector with one scalar in every lane."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = code.b.insert_element(undefined, scalar, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return code.b.shuffle_vector(single, undefined, mask)

    # --- straight-line functions ----------------------------------------------------------------------

    def emitter(self, code: Code, y: Value | None, time: Value | None) -> VectorEmitter:
        """Return an emitter that reads states from rows at ``y`` and the time from the row at ``time``."""
        program = self.program
        names = program.system.parameters

        def load(kind: str, index: int) -> Value:
            if kind == "state":
                assert y is not None
                return self.load(code, code.at(y, index * self.width))
            if kind == "time":
                assert time is not None
                return self.load(code, time)
            if kind == "held" or (kind == "input" and index):
                return self.load(code, self.row(code, "driven", index - 1))
            if kind == "input":
                return self.load(code, self.row(code, "shift"))
            own = program.varying.get(names[index])
            if own is not None:
                return self.load(code, self.row(code, "parameters", own))
            return self.splat(code, code.get(code["shared"], index))

        def prepared_load(region: str, row: int) -> Callable[[], Value]:
            return lambda: self.load(code, self.row(code, region, row))

        kept = {node: prepared_load(*place) for node, place in self._prepared.items()}
        return VectorEmitter(program.graph, code.b, self.width, load, kept)

    def prepare(self, roots: Sequence[Node], *, held: bool = False) -> Value:
        """Define the function that computes what is fixed while parameters are; returns it.

        With ``held`` it computes what is fixed while held parameters are, and is named ``prepare_held``;
        what needs none of them must have been prepared before.
        """
        depends = self.program.graph.depends(("held",))
        nodes = [node for node in self.program.preparable(roots) if depends[node] == held]
        name, region = ("prepare_held", "prepared_held") if held else ("prepare", "prepared")
        self.reserve(region, len(nodes))
        code = Code(self.module, name, STAGE_ARGUMENTS[:2])
        emitter = self.emitter(code, None, None)
        for row, node in enumerate(nodes):
            self.store(code, emitter.value(node), self.row(code, region, row))
        self._prepared |= {node: (region, row) for row, node in enumerate(nodes)}
        return code.finish()

    def evaluate(self, name: str, roots: Sequence[Node]) -> Value:
        """Define ``name(work, shared, y, time, out)``, which writes one row for each root."""
        code = Code(self.module, name, STAGE_ARGUMENTS)
        emitter = self.emitter(code, code["y"], code["time"])
        for row, root in enumerate(roots):
            self.store(code, emitter.value(root), code.at(code["out"], row * self.width))
        return code.finish()

    def factor(
        self, jacobian: dict[tuple[int, int], Node], in_time: dict[int, Node]
    ) -> tuple[Value, Value, bool]:
        """Define ``factor(work, shared)`` and ``substitute(work, out)``; returns both and if time enters.

        ``factor`` writes the rates at (states, time), their time derivatives, and the factors of
        shift - J there; ``substitute`` solves with them in place.
        """
        program, graph = self.program, self.program.graph
        moves = graph.depends(("time",))  # a switch in time has no slope, but the stages must see the time
        explicit_time = any(moves[rate] for rate in program.rates)
        factors = program.factors(jacobian)
        self.reserve("factors", factors.entries)
        places: dict[tuple[int, int], int] = {}
        for k in range(program.size):
            for j, _ in (*factors.lower[k], *factors.upper[k]):
                places[k, j] = len(places)
            places[k, k] = len(places)
        self.pivots = tuple(places[k, k] for k in range(program.size))
        code = Code(self.module, "factor", STAGE_ARGUMENTS[:2])
        emitter = self.emitter(code, self.row(code, "states"), self.row(code, "time"))
        outputs: list[tuple[Node, Value]] = [
            (node, self.row(code, "rates", i)) for i, node in enumerate(program.rates)
        ]
        if explicit_time:
            outputs += [
                (in_time.get(i, graph.zero), self.row(code, "in_time", i)) for i in range(program.size)
            ]
        for k in range(program.size):
            entries = [*factors.lower[k], *factors.upper[k], (k, factors.pivot[k])]
            outputs += [(node, self.row(code, "factors", places[k, j])) for j, node in entries]
        for node, address in outputs:
            self.store(code, emitter.value(node), address)
        return code.finish(), self._substitute(factors.order, factors, places), explicit_time

    def _substitute(
        self, order: Sequence[int], factors: Factors, places: dict[tuple[int, int], int]
    ) -> Value:
        code = Code(self.module, "substitute", (("work", POINTER), ("out", POINTER)))
        math = VectorMath(code.b, self.width)
        values = [self.load(code, code.at(code["out"], row * self.width)) for row in order]

        def factor(k: int, j: int) -> Value:
            return self.load(code, self.row(code, "factors", places[k, j]))

        for k in range(len(order)):
            for j, _ in factors.lower[k]:
                values[k] = math.fma(code.b.fneg(factor(k, j)), values[j], values[k])
        for k in reversed(range(len(order))):
            for j, _ in factors.upper[k]:
                values[k] = math.fma(code.b.fneg(factor(k, j)), values[j], values[k])
            values[k] = code.b.fmul(values[k], factor(k, k))
            self.store(code, values[k], code.at(code["out"], order[k] * self.width))
        return code.finish()
