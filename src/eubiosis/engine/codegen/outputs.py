"""Outputs of a lane: the recorded states at the times asked for, on the dense output or as they stand."""

from __future__ import annotations

from collections.abc import Callable

from eubiosis.engine.codegen.dense import interpolate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.tableaus import Tableau
from eubiosis.engine.codegen.times import FUZZ
from eubiosis.engine.codegen.vector_math import VectorMath
from eubiosis.engine.codegen.watch import Watch

Rows = Callable[[Callable[[Value], Value]], None]  # writes, for each recorded row, the value of it


class Outputs(Loop):
    """Emit what writes outputs."""

    watch: Watch
    tableau: Tableau

    def _record_now(self) -> Value:
        """Write outputs that fall on the present time or before it, from the present states."""
        code = self.open("record_now")
        with code.b.if_then(code.b.icmp_signed("==", self.count(code, "failed"), INT(0))):
            until = self.near(code, "now")
            if self.watch.switching:
                until = code.b.fadd(until, self._fuzz(code, until))
            states = self._row_reader(code, "states")
            self._write_outputs(code, lambda _, rows: rows(states), until, "<=")
        return code.finish()

    def _fuzz(self, code: Code, time: Value) -> Value:
        """Return how far from a time at which something happens another time counts as the same."""
        return code.b.fmul(VectorMath(code.b, 1).apply("abs", time), DOUBLE(FUZZ))

    def _row_reader(self, code: Code, region: str) -> Callable[[Value], Value]:
        return lambda row: self.near(code, region, row)

    def _write_outputs(
        self, code: Code, fill: Callable[[Value, Rows], None], limit: Value, relation: str
    ) -> None:
        """Write the recorded states, (subject, row, time), for each output time up to ``limit``.

        ``fill`` is given a time and what writes the value of each row.
        """
        b = code.b
        number, width = self.slot(code, "times_count"), self.slot(code, "record_count")
        with code.repeat() as done:
            output = self.count(code, "output")
            code.leave_if(b.icmp_signed(">=", output, number), done)
            time = code.get(self.slot(code, "times"), output)
            code.leave_if(b.not_(b.fcmp_ordered(relation, time, limit)), done)
            line = b.mul(b.mul(self.count(code, "subject"), width), number)
            first = code.at(self.slot(code, "out"), b.add(line, output))

            def rows(value: Callable[[Value], Value], first: Value = first) -> None:
                with code.loop(width) as i:
                    row = code.get(self.slot(code, "record"), i)
                    code.put(value(row), first, b.mul(i, number))

            fill(time, rows)
            self.set_count(code, b.add(output, INT(1)), "output")

    def _record_dense(self) -> Value:
        """Write outputs inside the step just made, up to (not at) a segment's end."""
        code = self.open("record_dense")
        b = code.b
        emit = VectorMath(b, 1)
        now, step = self.near(code, "now"), self.near(code, "step")
        shown_time, answer = self.near(code, "shown_time"), code.variable(DOUBLE)
        total = len(self.program.rows)

        def value(row: Value, x: Value) -> Value:
            def load(region: str, order: int) -> Value:
                return self.near(code, region, b.add(row, INT(order * total)))

            b.store(load("states", 0), answer)
            with b.if_then(b.icmp_signed("<", row, INT(self.program.size))):
                b.store(interpolate(emit, self.tableau, x, load), answer)
            return b.load(answer)

        def fill(time: Value, rows: Rows) -> None:
            with b.if_else(b.fcmp_ordered("==", time, shown_time)) as (first, later):
                with first:  # it was computed for all lanes at once
                    rows(self._row_reader(code, "shown"))
                with later:
                    x = b.fdiv(b.fsub(time, now), step)
                    rows(lambda row: value(row, x))

        until = self.near(code, "reach")
        if self.watch.switching:  # what falls on a moment is recorded when it has been worked off
            until = b.fsub(until, b.fmul(self._fuzz(code, until), self.near(code, "begins")))
        self._write_outputs(code, fill, until, "<")
        return code.finish()

    def _any_output(self, code: Code, flag: Value, lane: Value, turn: Value | None) -> None:
        """Raise the flag if a lane's step passes an output time; only lanes whose ``turn`` it is count."""
        b = code.b
        code.arguments["lane"] = lane
        mine = self.real(code) if turn is None else turn
        output, number = self.count(code, "output"), self.slot(code, "times_count")
        self.keep(code, self.near(code, "now"), "shown_time")
        with b.if_then(b.and_(mine, b.icmp_signed("<", output, number))):
            time = code.get(self.slot(code, "times"), output)
            end = b.fadd(self.near(code, "now"), self.near(code, "step"))
            with b.if_then(b.fcmp_ordered("<", time, end)):
                self.keep(code, time, "shown_time")
                b.store(INT(1), flag)
