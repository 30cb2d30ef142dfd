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
_LONGEST = 8_000  # fused multiply-adds of an elimination that is written out


class Elimination:
    """Define ``factor(work, shared)`` and ``substitute(work, out)``.

    ``factor`` writes the rates at (states, time), their time derivatives, and the factors of shift - J there;
    ``substitute`` solves with them in place. ``explicit_time`` tells whether the time enters. Of the factors
    the lower one has its sign turned and the pivots are reciprocals.
    """

    def __init__(self, lanes: Lanes, jacobian: dict[tuple[int, int], Node], in_time: dict[int, Node]) -> None:
        program, graph = lanes.program, lanes.program.graph
        self.lanes = lanes
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
        written = written or (not program.options.quick and self.filled.operations <= _LONGEST)
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

    def _table(self, name: str, values: Sequence[int]) -> Value:
        return self.lanes.module.table(name, _INDEX, values or [0])

    def _entry(self, code: Code, table: Value, index: Value) -> Value:
        """Return an entry of a table as a 64-bit number."""
        return code.b.sext(code.b.load(code.b.gep(table, [index]), align=4), INT)

    def _looped(self, matrix: dict[tuple[int, int], Node], outputs: Sequence[tuple[Node, Place]]) -> Value:
        """Fill in the matrix by straight-line code, then eliminate in place, row by row."""
        lanes, filled, places = self.lanes, self.filled, self.places
        row_of = {row: k for k, row in enumerate(filled.order)}
        own = {(row_of[i], row_of[j]): node for (i, j), node in matrix.items()}
        entries: list[tuple[Node, Place]] = [
            (own[entry], ("factors", place)) for entry, place in places.items() if entry in own
        ]
        evaluate = lanes.straight("matrix", [*outputs, *entries], STAGE_ARGUMENTS[:2])
        filled_in = self._table("filled_in", [place for entry, place in places.items() if entry not in own])
        count = len(places) - len(own)
        # for each row: entries of the lower factor; for each of these: its place, its pivot, the row of the
        # upper factor; and where in this row each entry of that one goes
        pivot_of = self._table("pivot_of", lanes.pivots)
        ends, lower, pivots, uppers, lengths, targets = [], [], [], [], [], []
        for row, columns in enumerate(filled.lower):
            for j in columns:
                lower.append(places[row, j])
                pivots.append(places[j, j])
                uppers.append(places[j, filled.upper[j][0]] if filled.upper[j] else 0)
                lengths.append(len(filled.upper[j]))
                targets += [places[row, column] for column in filled.upper[j]]
            ends.append(len(lower))
        tables = {
            name: self._table(name, values)
            for name, values in (
                *(("ends", ends), ("lower", lower), ("lower_pivot", pivots)),
                *(("upper", uppers), ("upper_count", lengths), ("target", targets)),
            )
        }
        code = Code(lanes.module, "factor", STAGE_ARGUMENTS[:2])
        b, math = code.b, VectorMath(code.b, lanes.width)
        code.call(evaluate, code["work"], code["shared"])
        zero, least = math.constant(0.0), code.variable(lanes.vector, math.constant(1.0))

        def place(index: Value) -> Value:
            return lanes.row(code, "factors", index)

        with code.loop(count) as i:
            lanes.store(code, math.constant(0.0), place(self._entry(code, filled_in, i)))
        entry, target = code.variable(INT, INT(0)), code.variable(INT, INT(0))
        with code.loop(len(filled.order)) as k:
            end = self._entry(code, tables["ends"], k)
            with code.repeat() as done:
                e = b.load(entry)
                code.leave_if(b.icmp_signed(">=", e, end), done)
                here = place(self._entry(code, tables["lower"], e))
                minus = b.fneg(lanes.load(code, place(self._entry(code, tables["lower_pivot"], e))))
                factor = b.fmul(lanes.load(code, here), minus)
                lanes.store(code, factor, here)
                first, targets_at = self._entry(code, tables["upper"], e), b.load(target)
                length = self._entry(code, tables["upper_count"], e)
                with code.loop(length) as i:
                    there = place(self._entry(code, tables["target"], b.add(targets_at, i)))
                    upper = lanes.load(code, place(b.add(first, i)))
                    lanes.store(code, math.fma(factor, upper, lanes.load(code, there)), there)
                b.store(b.add(targets_at, length), target)
                b.store(b.add(e, INT(1)), entry)
            pivot = place(self._entry(code, pivot_of, k))
            inverse = math.reciprocal(lanes.load(code, pivot))
            lanes.store(code, inverse, pivot)
            size = b.select(b.fcmp_ordered("==", inverse, zero), zero, b.load(least, align=8 * lanes.width))
            b.store(size, least, align=8 * lanes.width)
        lanes.store(code, b.load(least, align=8 * lanes.width), lanes.row(code, "least_pivot"))
        code.function.optimized = True
        return code.finish()

    def _looped_substitute(self) -> Value:
        lanes, filled, places = self.lanes, self.filled, self.places
        code = Code(lanes.module, "substitute", (("work", POINTER), ("out", POINTER)))
        b, math, size = code.b, VectorMath(code.b, lanes.width), len(filled.order)
        row = self._table("solved_row", filled.order)
        pivot_of = self._table("solved_pivot", lanes.pivots)

        def place(index: Value) -> Value:
            return code.at(code["out"], b.mul(index, INT(lanes.width)))

        def sweep(name: str, rows: Sequence[Sequence[int]], order: Sequence[int], *, turned: bool) -> None:
            """Go through rows; of each add what its entries bring, and divide on the way back."""
            columns = self._table(f"{name}_column", [filled.order[j] for k in order for j in rows[k]])
            entries = self._table(f"{name}_entry", [places[k, j] for k in order for j in rows[k]])
            count = self._table(f"{name}_count", [len(rows[k]) for k in order])
            position = code.variable(INT, INT(0))
            total = code.variable(lanes.vector)
            with code.loop(size) as i:
                k = b.sub(INT(size - 1), i) if turned else i
                own = place(self._entry(code, row, k))
                b.store(lanes.load(code, own), total, align=8 * lanes.width)
                first, length = b.load(position), self._entry(code, count, i)
                with code.loop(length) as j:
                    at = b.add(first, j)
                    value = lanes.load(code, place(self._entry(code, columns, at)))
                    value = b.fneg(value) if turned else value
                    factor = lanes.load(code, lanes.row(code, "factors", self._entry(code, entries, at)))
                    term = math.fma(factor, value, b.load(total, align=8 * lanes.width))
                    b.store(term, total, align=8 * lanes.width)
                b.store(b.add(first, length), position)
                final = b.load(total, align=8 * lanes.width)
                if turned:
                    pivot = lanes.row(code, "factors", self._entry(code, pivot_of, k))
                    final = b.fmul(final, lanes.load(code, pivot))
                lanes.store(code, final, own)

        sweep("forward", filled.lower, range(size), turned=False)
        sweep("backward", filled.upper, range(size - 1, -1, -1), turned=True)
        code.function.optimized = True
        return code.finish()
