"""Factors of (1 / (gamma h)) I - J, and the solution with them: straight-line code, or loops over tables.

Both do the same operations in the same order, so that their bits are the same. Straight-line code runs faster
while it is short; tables need no compilation.
"""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.graph import Node
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import INT, POINTER, Code
from eubiosis.engine.codegen.lanes import STAGE_ARGUMENTS, Lanes, Place
from eubiosis.engine.codegen.sparse import factorise
from eubiosis.engine.codegen.vector_math import VectorMath

_INDEX = ir.IntType(32)
_LONGEST = 30_000  # fused multiply-adds of an elimination that is written out
_SHORT = 400  # the same where code is to be compiled quickly
_MOST_TARGETS = 100_000  # of one whose table says where each goes


class Elimination:
    """Define ``factor(work, shared)`` and ``substitute(work, out)``.

    ``factor`` writes the rates at (states, time), their time derivatives, and the factors of shift - J there;
    ``substitute`` solves with them in place. ``explicit_time`` tells whether the time enters. Of the factors
    the lower one has its sign turned and the pivots are reciprocals.
    """

    def __init__(self, lanes: Lanes, jacobian: dict[tuple[int, int], Node], in_time: dict[int, Node]) -> None:
        program, graph = lanes.program, lanes.program.graph
        self.lanes = lanes
        self.tables: dict[str, Value] = {}
        moves = graph.depends(("time",))  # a switch in time has no slope, but the stages must see the time
        self.explicit_time = any(moves[rate] for rate in program.rates)
        matrix, self.filled = program.matrix(jacobian)
        self.places = self.filled.places()
        lanes.reserve("factors", len(self.places))
        lanes.reserve("least_pivot")  # zero where the reciprocal of a pivot is
        lanes.pivots = tuple(self.places[k, k] for k in range(program.size))
        outputs: list[tuple[Node, Place]] = [(node, ("rates", i)) for i, node in enumerate(program.rates)]
        if self.explicit_time:
            outputs += [(in_time.get(i, graph.zero), ("in_time", i)) for i in range(program.size)]
        # the derivatives of the states by parameters share the factors of the states' own matrix
        written = bool(program.options.sensitivities)
        written = written or self.filled.operations <= (_SHORT if program.options.quick else _LONGEST)
        self.factor = self._written_out(matrix, outputs) if written else self._looped(matrix, outputs)
        self.substitute = self._substitute() if written else self._looped_substitute()

    # --- written out ----------------------------------------------------------------------------------

    def _written_out(
        self, matrix: dict[tuple[int, int], Node], outputs: Sequence[tuple[Node, Place]]
    ) -> Value:
        factors = factorise(self.lanes.program.graph, matrix, self.filled)
        entries: list[tuple[Node, Place]] = [
            (factors[entry], ("factors", place)) for entry, place in self.places.items()
        ]
        graph = self.lanes.program.graph
        least = graph.one
        for k in range(len(self.filled.order)):
            held = graph.call("==", factors[k, k], graph.zero)
            least = graph.select(held, graph.zero, least)
        pivots: list[tuple[Node, Place]] = [(least, ("least_pivot", 0))]
        return self.lanes.straight("factor", [*outputs, *entries, *pivots], STAGE_ARGUMENTS[:2])

    def _substitute(self) -> Value:
        lanes, filled = self.lanes, self.filled
        code = Code(lanes.module, "substitute", (("work", POINTER), ("out", POINTER)))
        math, order = VectorMath(code.b, lanes.width), filled.order
        values: dict[int, Value] = {}

        def factor(k: int, j: int) -> Value:
            return lanes.load(code, lanes.row(code, "factors", self.places[k, j]))

        def place(k: int) -> Value:
            return code.at(code["out"], order[k] * lanes.width)

        for k in range(len(order)):
            values[k] = lanes.load(code, place(k))
            for j in filled.lower[k]:
                values[k] = math.fma(factor(k, j), values[j], values[k])
        for k in reversed(range(len(order))):
            for j in filled.upper[k]:
                values[k] = math.fma(factor(k, j), values[j], values[k])
            final = code.b.fmul(values[k], factor(k, k))
            lanes.store(code, final, place(k))
            values[k] = code.b.fneg(final)
        return code.finish()

    # --- in loops -------------------------------------------------------------------------------------

    def _tables(self) -> dict[str, Value]:
        """Define tables of the pattern: of each row its first entry and how many are of the lower factor.

        The entries of a row lie side by side: those of the lower factor, of the upper factor, the pivot.
        """
        filled, table = self.filled, self.lanes.module.table
        starts, columns = [0], []
        for k, (lower, upper) in enumerate(zip(filled.lower, filled.upper, strict=True)):
            columns += [*lower, *upper, k]
            starts.append(len(columns))
        return {
            "start": table("row_start", _INDEX, starts),
            "lower": table("row_lower", _INDEX, [len(row) for row in filled.lower]),
            "column": table("entry_column", _INDEX, columns),
            "solved": table("entry_solved", _INDEX, [filled.order[column] for column in columns]),
            "order": table("row_order", _INDEX, filled.order),
        }

    def _entry(self, code: Code, name: str, index: Value) -> Value:
        """Return an entry of a table as a 64-bit number."""
        return code.b.sext(code.b.load(code.b.gep(self.tables[name], [index]), align=4), INT)

    def _row(self, code: Code, k: Value) -> tuple[Value, Value, Value]:
        """Return where a row's entries begin, where those of its upper factor do, and where its pivot is."""
        b = code.b
        start, following = self._entry(code, "start", k), self._entry(code, "start", b.add(k, INT(1)))
        return start, b.add(start, self._entry(code, "lower", k)), b.sub(following, INT(1))

    def _factor(self, code: Code, place: Value) -> Value:
        return self.lanes.row(code, "factors", place)

    def _looped(self, matrix: dict[tuple[int, int], Node], outputs: Sequence[tuple[Node, Place]]) -> Value:
        """Fill in the matrix by straight-line code, then eliminate row by row.

        Where a table of it is not too long, each multiply-add knows its place among the factors; else the row
        at work is spread over room for all columns.
        """
        lanes, filled, places = self.lanes, self.filled, self.places
        row_of = {row: k for k, row in enumerate(filled.order)}
        own = {(row_of[i], row_of[j]): node for (i, j), node in matrix.items()}
        entries: list[tuple[Node, Place]] = [
            (own[entry], ("factors", place)) for entry, place in places.items() if entry in own
        ]
        evaluate = lanes.straight("matrix", [*outputs, *entries], STAGE_ARGUMENTS[:2])
        empty = [place for entry, place in places.items() if entry not in own]
        spread = filled.operations > _MOST_TARGETS
        self.tables = self._tables() | self._targets(spread=spread)
        self.tables["empty"] = lanes.module.table("empty", _INDEX, empty or [0])
        lanes.reserve("spread", len(filled.order) if spread else 0)
        code = Code(lanes.module, "factor", STAGE_ARGUMENTS[:2])
        b, math = code.b, VectorMath(code.b, lanes.width)
        code.call(evaluate, code["work"], code["shared"])
        with code.loop(len(empty)) as i:
            lanes.store(code, math.constant(0.0), self._factor(code, self._entry(code, "empty", i)))
        zero, least = math.constant(0.0), code.variable(lanes.vector, math.constant(1.0))
        entry, target = code.variable(INT, INT(0)), code.variable(INT, INT(0))
        with code.loop(len(filled.order)) as k:
            start, upper, pivot = self._row(code, k)
            if spread:
                self._move(code, start, b.add(pivot, INT(1)), out=True)
            with code.loop(b.sub(upper, start)) as i:
                self._eliminate(code, b.add(start, i), entry, target, spread=spread)
            if spread:
                self._move(code, upper, b.add(pivot, INT(1)), out=False)
            inverse = math.reciprocal(lanes.load(code, self._factor(code, pivot)))
            lanes.store(code, inverse, self._factor(code, pivot))
            size = b.select(b.fcmp_ordered("==", inverse, zero), zero, b.load(least, align=8 * lanes.width))
            b.store(size, least, align=8 * lanes.width)
        lanes.store(code, b.load(least, align=8 * lanes.width), lanes.row(code, "least_pivot"))
        code.function.optimized = True
        return code.finish()

    def _targets(self, *, spread: bool) -> dict[str, Value]:
        """Define tables of the lower factor's entries: which row of the upper factor each takes away."""
        filled, places, table = self.filled, self.places, self.lanes.module.table
        lower = [(k, j) for k, columns in enumerate(filled.lower) for j in columns]
        columns = {
            "pivot": [places[j, j] for _, j in lower],
            "upper": [places[j, j] - len(filled.upper[j]) for _, j in lower],
            "length": [len(filled.upper[j]) for _, j in lower],
            "target": [] if spread else [places[k, c] for k, j in lower for c in filled.upper[j]],
        }
        return {name: table(f"lower_{name}", _INDEX, values or [0]) for name, values in columns.items()}

    def _spread(self, code: Code, place: Value) -> Value:
        return self.lanes.row(code, "spread", self._entry(code, "column", place))

    def _move(self, code: Code, first: Value, end: Value, *, out: bool) -> None:
        """Copy entries of a row to the room for all columns, or back."""
        b, lanes = code.b, self.lanes
        with code.loop(b.sub(end, first)) as i:
            place = b.add(first, i)
            here, there = self._factor(code, place), self._spread(code, place)
            source, goal = (here, there) if out else (there, here)
            lanes.store(code, lanes.load(code, source), goal)

    def _eliminate(self, code: Code, place: Value, entry: Value, target: Value, *, spread: bool) -> None:
        """Eliminate one entry; ``entry`` counts these, and ``target`` the multiply-adds."""
        b, lanes, math = code.b, self.lanes, VectorMath(code.b, self.lanes.width)
        e, first_target = b.load(entry), b.load(target)
        minus = b.fneg(lanes.load(code, self._factor(code, self._entry(code, "pivot", e))))
        here = self._factor(code, place)
        factor = b.fmul(lanes.load(code, self._spread(code, place) if spread else here), minus)
        lanes.store(code, factor, here)
        first, length = self._entry(code, "upper", e), self._entry(code, "length", e)
        with code.loop(length) as j:
            other = b.add(first, j)
            if spread:
                there = self._spread(code, other)
            else:
                there = self._factor(code, self._entry(code, "target", b.add(first_target, j)))
            term = math.fma(factor, lanes.load(code, self._factor(code, other)), lanes.load(code, there))
            lanes.store(code, term, there)
        b.store(b.add(first_target, length), target)
        b.store(b.add(e, INT(1)), entry)

    def _looped_substitute(self) -> Value:
        lanes, size = self.lanes, len(self.filled.order)
        code = Code(lanes.module, "substitute", (("work", POINTER), ("out", POINTER)))
        b, math = code.b, VectorMath(code.b, lanes.width)

        def place(index: Value) -> Value:
            return code.at(code["out"], b.mul(index, INT(lanes.width)))

        for backward in (False, True):
            total = code.variable(lanes.vector)
            with code.loop(size) as i:
                k = b.sub(INT(size - 1), i) if backward else i
                start, upper, pivot = self._row(code, k)
                first, end = (upper, pivot) if backward else (start, upper)
                own = place(self._entry(code, "order", k))
                b.store(lanes.load(code, own), total, align=8 * lanes.width)
                with code.loop(b.sub(end, first)) as j:
                    at = b.add(first, j)
                    value = lanes.load(code, place(self._entry(code, "solved", at)))
                    value = b.fneg(value) if backward else value
                    term = math.fma(
                        lanes.load(code, self._factor(code, at)), value, b.load(total, align=8 * lanes.width)
                    )
                    b.store(term, total, align=8 * lanes.width)
                final = b.load(total, align=8 * lanes.width)
                if backward:
                    final = b.fmul(final, lanes.load(code, self._factor(code, pivot)))
                lanes.store(code, final, own)
        code.function.optimized = True
        return code.finish()
