"""Least and largest values of quantities over a course, located on the dense output of every step.

A quantity is evaluated at five points of the step. The polynomial through them says where it may go beyond
what has been met so far; there the quantity itself is evaluated, so that nothing is reported that the course
does not reach.
"""

from __future__ import annotations

import itertools
import math

from eubiosis.engine.codegen.crossings import Crossings
from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.vector_math import VectorMath

_POINTS = 4  # parts of a step
_FINE = 32  # points at which the polynomial is looked at
_SIDES = (("least", -1.0), ("largest", 1.0))


class Extremes:
    """Emit what follows least and largest values; without any to follow its parts are empty."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes, self.program, self.width = lanes, lanes.program, lanes.width
        self.wanted = self.program.options.extrema
        self.count = len(self.wanted)
        self.observed = [self.program.names[name] for name in self.wanted]
        if not self.wanted:
            return
        for name in ("observed", "least", "largest"):
            lanes.reserve(name, self.count)
        lanes.reserve("sampled", self.count * (_POINTS + 1))
        for name in ("open", "span", "peak"):
            lanes.reserve(name)

    def attach(self, driver: Loop, crossings: Crossings) -> None:
        """Take the driver whose functions these become part of, and define what they call."""
        self.driver, self.crossings = driver, crossings
        if self.wanted:
            self.observe = self.lanes.evaluate("observe", self.observed)
            self._follow = self._define_follow()

    # --- in a step ------------------------------------------------------------------------------------

    def follow_all(self, code: Code) -> None:
        """Follow the quantities through the steps of the lanes whose whole step stands."""
        if not self.wanted:
            return
        b, lanes, emit = code.b, self.lanes, VectorMath(code.b, self.width)
        good = b.fcmp_ordered("<=", lanes.load(code, lanes.row(code, "error")), emit.constant(1.0))
        suspect = lanes.load(code, lanes.row(code, "suspect"))
        good = b.and_(good, b.fcmp_ordered("==", suspect, emit.constant(0.0)))
        if "active" in lanes.rows:
            active = lanes.load(code, lanes.row(code, "active"))
            good = b.and_(good, b.fcmp_ordered("!=", active, emit.constant(0.0)))
        chosen = b.select(good, emit.constant(1.0), emit.constant(0.0))
        lanes.store(code, chosen, lanes.row(code, "open"))
        lanes.store(code, emit.constant(1.0), lanes.row(code, "span"))
        code.call(self._follow, code["block"])

    def follow(self, code: Code, end: Value) -> None:
        """Follow the quantities through this lane's step up to a part of it."""
        if not self.wanted:
            return
        lanes, emit = self.lanes, VectorMath(code.b, self.width)
        lanes.store(code, emit.constant(0.0), lanes.row(code, "open"))
        lanes.store(code, emit.constant(1.0), lanes.row(code, "span"))
        self.driver.keep(code, DOUBLE(1.0), "open")
        self.driver.keep(code, end, "span")
        code.call(self._follow, code["block"])

    def _define_follow(self) -> Value:
        code = self.driver.open("follow", lane=False)
        emit, lanes = VectorMath(code.b, self.width), self.lanes
        span = lanes.load(code, lanes.row(code, "span"))
        for point in range(_POINTS + 1):
            self._look(code, emit, code.b.fmul(span, emit.constant(point / _POINTS)))
            for k in range(self.count):
                value = lanes.load(code, lanes.row(code, "observed", k))
                lanes.store(code, value, lanes.row(code, "sampled", point * self.count + k))
                self._note(code, emit, k)
        for k in range(self.count):
            for region, sign in _SIDES:
                self._refine(code, emit, k, region, sign)
        return code.finish()

    def _look(self, code: Code, emit: VectorMath, x: Value) -> None:
        """Evaluate the quantities at ``x`` of every lane's step."""
        lanes = self.lanes
        now, step = (lanes.load(code, lanes.row(code, name)) for name in ("now", "step"))
        self.crossings.probe(code, x)
        lanes.store(code, emit.fma(step, x, now), lanes.row(code, "probe_time"))
        evaluate(code, self.driver, self.observe, "probe", "probe_time", "observed")

    def _note(self, code: Code, emit: VectorMath, k: int) -> None:
        """Take a value into the extremes of the open lanes."""
        b, lanes = code.b, self.lanes
        chosen = b.fcmp_ordered(">", lanes.load(code, lanes.row(code, "open")), emit.constant(0.0))
        value = lanes.load(code, lanes.row(code, "observed", k))
        for region, op in (("least", "min"), ("largest", "max")):
            old = lanes.load(code, lanes.row(code, region, k))
            new = b.select(chosen, emit.apply(op, old, value), old)
            lanes.store(code, new, lanes.row(code, region, k))

    def _refine(self, code: Code, emit: VectorMath, k: int, region: str, sign: float) -> None:
        """Evaluate the quantity where the polynomial through the samples goes beyond the extreme so far."""
        b, lanes = code.b, self.lanes
        differences = self._differences(code, k)
        best = code.variable(lanes.vector, emit.constant(-math.inf))
        place = code.variable(lanes.vector, emit.constant(0.0))
        with code.loop(_FINE, start=1) as i:
            at = lanes.splat(code, b.fmul(b.sitofp(i, DOUBLE(0).type), DOUBLE(_POINTS / _FINE)))
            value = b.fmul(self._polynomial(emit, differences, at), emit.constant(sign))
            better = b.fcmp_ordered(">", value, b.load(best))
            b.store(b.select(better, value, b.load(best)), best)
            b.store(b.select(better, at, b.load(place)), place)
        at = b.load(place)
        width = emit.constant(_POINTS / _FINE)
        sides = [self._polynomial(emit, differences, move(at, width)) for move in (b.fsub, b.fadd)]
        middle = self._polynomial(emit, differences, at)
        bend = b.fsub(b.fadd(*sides), b.fadd(middle, middle))
        shift = b.fdiv(b.fmul(b.fsub(*sides), b.fmul(width, emit.constant(0.5))), bend)
        near = b.fcmp_ordered("<=", emit.apply("abs", shift), width)
        at = b.select(near, b.fadd(at, shift), at)
        foreseen = b.fmul(self._polynomial(emit, differences, at), emit.constant(sign))
        old = b.fmul(lanes.load(code, lanes.row(code, region, k)), emit.constant(sign))
        chosen = b.fcmp_ordered(">", lanes.load(code, lanes.row(code, "open")), emit.constant(0.0))
        beyond = b.and_(chosen, b.fcmp_ordered(">", foreseen, old))
        span = lanes.load(code, lanes.row(code, "span"))
        peak = b.fmul(b.fmul(at, emit.constant(1.0 / _POINTS)), span)
        lanes.store(code, b.select(beyond, peak, emit.constant(0.0)), lanes.row(code, "peak"))
        number = code.variable(INT, INT(0))
        with code.loop(self.width) as lane:
            there = b.fcmp_ordered(">", code.get(lanes.row(code, "peak"), lane), DOUBLE(0.0))
            b.store(b.add(b.load(number), b.zext(there, INT)), number)
        with b.if_then(b.icmp_signed(">", b.load(number), INT(0))):
            self._look(code, emit, lanes.load(code, lanes.row(code, "peak")))
            self._note(code, emit, k)

    def _differences(self, code: Code, k: int) -> list[Value]:
        """Return the forward differences of a quantity's samples."""
        b, lanes = code.b, self.lanes
        rows = [
            lanes.load(code, lanes.row(code, "sampled", point * self.count + k))
            for point in range(_POINTS + 1)
        ]
        out = [rows[0]]
        while len(rows) > 1:
            rows = [b.fsub(later, earlier) for earlier, later in itertools.pairwise(rows)]
            out.append(rows[0])
        return out

    @staticmethod
    def _polynomial(emit: VectorMath, differences: list[Value], at: Value) -> Value:
        """Return Newton's polynomial through samples at 0, 1, 2, ... at a place."""
        b, total = emit.builder, differences[-1]
        for order in reversed(range(len(differences) - 1)):
            factor = b.fmul(b.fsub(at, emit.constant(float(order))), emit.constant(1.0 / (order + 1)))
            total = emit.fma(factor, total, differences[order])
        return total

    # --- at a moment ----------------------------------------------------------------------------------

    def start(self, code: Code) -> None:
        """Forget the subject before."""
        for k in range(self.count):
            self.driver.keep(code, DOUBLE(math.inf), "least", k)
            self.driver.keep(code, DOUBLE(-math.inf), "largest", k)

    def note(self, code: Code) -> None:
        """Take the present values of a lane into its extremes, after a change."""
        if not self.wanted:
            return
        evaluate(code, self.driver, self.observe, "states", "now", "observed")
        b, driver = code.b, self.driver
        for k in range(self.count):
            value = driver.near(code, "observed", k)
            for region, relation in (("least", "<"), ("largest", ">")):
                old = driver.near(code, region, k)
                better = b.fcmp_ordered(relation, value, old)
                driver.keep(code, b.select(better, value, old), region, k)

    def finish(self, code: Code, fine: Value) -> None:
        """Write a subject's extremes: least and largest of each quantity."""
        if not self.wanted:
            return
        b, driver = code.b, self.driver
        size = 2 * self.count
        first = code.at(driver.slot(code, "extremes"), b.mul(driver.count(code, "subject"), INT(size)))
        for k in range(self.count):
            for place, region in enumerate(("least", "largest")):
                value = b.select(fine, driver.near(code, region, k), DOUBLE(math.nan))
                code.put(value, first, 2 * k + place)
