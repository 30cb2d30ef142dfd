"""Find where atoms by states change in a step, on the dense output.

Values of every atom at points of the step give polynomials of degree four through five points each, on a
value that is linear in states and time the dense output itself. Where all its Bernstein coefficients keep
the sign that the mode says, there is no crossing in between; else the step is looked at piece by piece,
halved until each piece has one crossing or none, and the first is located to the last bits of the time. A
value that is not linear is sampled twice as densely, and its polynomial must foretell the samples that it
does not pass through, as closely as they are to zero; else the step is made anew, shorter.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from eubiosis.engine.codegen.dense import interpolate
from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.switches import CELL, SIGN, STATE, Layout
from eubiosis.engine.codegen.vector_math import VectorMath

_SHARP = 4 * 2.0**-52  # how closely a crossing is located, relative to the time
_ON_BORDER = 1e-9  # of the largest value in a piece
_NARROWEST, _NARROWEST_CURVED, _NARROWEST_START = (
    2.0**-30,
    2.0**-9,
    2.0**-40,
)  # pieces of a step that are not halved again
_MOST_LOOKS, _MOST_PIECES = 120, 2_000


def _bernstein() -> tuple[tuple[float, ...], ...]:
    """Return the matrix from five equidistant values to Bernstein coefficients of degree four."""
    x = np.arange(5) / 4
    basis = np.array([[math.comb(4, j) * v**j * (1 - v) ** (4 - j) for j in range(5)] for v in x])
    return tuple(tuple(float(round(w * 36) / 36) for w in row) for row in np.linalg.inv(basis))


def _between() -> tuple[tuple[float, ...], ...]:
    """Return the weights of five equidistant values in those half way between them."""
    x, out = np.arange(5) / 4, []
    for at in (np.arange(4) + 0.5) / 4:
        out.append(tuple(float(np.prod([(at - y) / (v - y) for y in x if y != v])) for v in x))
    return tuple(out)


class Crossings:
    """Emit the search for crossings; rows of the workspace are in the order of the layout."""

    def __init__(self, lanes: Lanes, layout: Layout) -> None:
        self.lanes, self.layout, self.program = lanes, layout, lanes.program
        self.signs, self.cells = layout.rows(SIGN, STATE), layout.rows(CELL, STATE)
        self.own = [*range(*self.signs), *range(*self.cells)]  # rows of the atoms by states
        self.pieces = 8 if layout.curved else 4
        lanes.reserve("level", len(self.own))
        lanes.reserve("sample", (self.pieces + 1) * len(self.own))
        for name in ("suspect", "rough", "crossed", "probe_at", "lowest"):
            lanes.reserve(name)

    def attach(self, driver: Loop, *, looks: bool) -> None:
        """Define the functions of the search."""
        self.driver = driver
        layout, lanes = self.layout, self.lanes
        if looks:
            self._probe = self._define_probe()
        if self.own:
            self.levels = lanes.evaluate("levels", [layout.values[row] for row in self.own])
            self._sample_here = self._define_sample()
            self._find_lowest = self._define_least_level()
            self.hunt = self._hunt()

    # --- values ---------------------------------------------------------------------------------------

    def probe(self, code: Code, x: Value) -> None:
        """Set the probe states of all lanes to the dense output at ``x``, a vector."""
        self.lanes.store(code, x, self.lanes.row(code, "probe_at"))
        code.call(self._probe, code["work"])

    def _define_probe(self) -> Value:
        lanes = self.lanes
        code = Code(lanes.module, "probe", [("work", POINTER)])
        b = code.b
        emit = VectorMath(b, lanes.width)
        total, x = len(self.program.rows), lanes.load(code, lanes.row(code, "probe_at"))
        with code.loop(self.program.size) as i:

            def load(region: str, order: int, i: Value = i) -> Value:
                return lanes.load(code, lanes.row(code, region, b.add(i, INT(order * total))))

            value = interpolate(emit, self.program.options.tableau, x, load)
            lanes.store(code, value, lanes.row(code, "probe", i))
        with code.loop(total, start=self.program.size) as i:
            lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "probe", i))
        return code.finish()

    def look_at(self, code: Code, x: Value) -> None:
        """Set the probe to ``x`` of this lane's step (the other lanes' values are not used)."""
        b, driver = code.b, self.driver
        self.probe(code, self.lanes.splat(code, x))
        time = b.fadd(driver.near(code, "now"), b.fmul(x, driver.near(code, "step")))
        driver.keep(code, time, "probe_time")

    # --- in a step, all lanes -------------------------------------------------------------------------

    def begin_scan(self, code: Code) -> None:
        """Take the values at the start of every lane's step."""
        lanes = self.lanes
        emit = VectorMath(code.b, lanes.width)
        lanes.store(code, emit.constant(0.0), lanes.row(code, "suspect"))
        if self.own:
            evaluate(code, self.driver, self.levels, "states", "now", "level")
            self._store_sample(code, INT(0))

    def sample(self, code: Code, point: Value) -> None:
        """Take the values at the probe, point ``point`` of the step."""
        if self.own:
            evaluate(code, self.driver, self.levels, "probe", "probe_time", "level")
            self._store_sample(code, point)

    def _store_sample(self, code: Code, point: Value) -> None:
        lanes, b = self.lanes, code.b
        first = b.mul(point, INT(len(self.own)))
        with code.loop(len(self.own)) as i:
            value = lanes.load(code, lanes.row(code, "level", i))
            lanes.store(code, value, lanes.row(code, "sample", b.add(i, first)))

    def end_scan(self, code: Code) -> None:
        """Mark the lanes in whose step something may cross."""
        if not self.own:
            return
        lanes, b = self.lanes, code.b
        emit = VectorMath(b, lanes.width)
        flag = code.variable(lanes.vector, emit.constant(0.0))
        rough = code.variable(lanes.vector, emit.constant(0.0))

        def judge(levels: list[Value]) -> None:
            coefficients = self._coefficients(emit, levels)
            least = coefficients[0]
            for value in coefficients[1:]:
                least = emit.apply("min", least, value)
            bad = b.fcmp_ordered("<", least, emit.constant(0.0))
            if self.pieces == 8:
                unforeseen = self._unforeseen(emit, levels, least)
                b.store(b.select(unforeseen, emit.constant(1.0), b.load(rough)), rough)
                bad = b.or_(bad, unforeseen)
            b.store(b.select(bad, emit.constant(1.0), b.load(flag)), flag)

        def load(region: str, index: Value) -> Value:
            return lanes.load(code, lanes.row(code, region, index))

        self._each_surface(code, emit, load, judge)
        lanes.store(code, b.load(flag), lanes.row(code, "suspect"))
        lanes.store(code, b.load(rough), lanes.row(code, "rough"))

    def _each_surface(
        self,
        code: Code,
        emit: VectorMath,
        load: Callable[[str, Value], Value],
        judge: Callable[[list[Value]], object],
    ) -> None:
        """Hand over each atom's values at the points, positive as long as the mode holds."""
        b, total = code.b, len(self.own)
        for (first, end), shift, kind in ((self.signs, 0, SIGN), (self.cells, self._cells_at(), CELL)):
            with code.loop(end - first) as i:
                mode = load("modes", b.add(i, INT(first)))
                values = [
                    load("sample", b.add(i, INT(shift + point * total))) for point in range(self.pieces + 1)
                ]
                if kind == SIGN:
                    judge([self._side(emit, mode, value) for value in values])
                else:
                    low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
                    judge([b.fsub(value, low) for value in values])
                    judge([b.fsub(high, value) for value in values])

    def _cells_at(self) -> int:
        return self.signs[1] - self.signs[0]

    @staticmethod
    def _side(emit: VectorMath, mode: Value, value: Value) -> Value:
        """Return a sign's value, positive as long as the mode holds."""
        b = emit.builder
        at_zero = b.fcmp_ordered("==", mode, emit.constant(0.0))
        return b.select(at_zero, b.fneg(emit.apply("abs", value)), b.fmul(mode, value))

    def _parts(self, levels: list[Value]) -> list[list[Value]]:
        return [levels] if self.pieces == 4 else [levels[:5], levels[4:]]

    def _coefficients(self, emit: VectorMath, levels: list[Value]) -> list[Value]:
        """Return the Bernstein coefficients after the first: that one is where the mode was found to hold."""
        out: list[Value] = []
        for k, part in enumerate(self._parts(levels)):
            for row in _bernstein()[1 if k == 0 else 0 :]:
                total = emit.builder.fmul(part[0], emit.constant(row[0]))
                for value, weight in zip(part[1:], row[1:], strict=True):
                    total = emit.fma(value, emit.constant(weight), total)
                out.append(total)
        return out

    def _unforeseen(self, emit: VectorMath, levels: list[Value], least: Value) -> Value:
        """Whether the polynomial through every other value misses those between by what could hide a zero."""
        b = emit.builder
        worst, size = emit.constant(0.0), emit.constant(0.0)
        for row, value in zip(_between(), levels[1::2], strict=True):
            total = b.fmul(levels[0], emit.constant(row[0]))
            for other, weight in zip(levels[2::2], row[1:], strict=True):
                total = emit.fma(other, emit.constant(weight), total)
            worst = emit.apply("max", worst, emit.apply("abs", b.fsub(total, value)))
            size = emit.apply("max", size, emit.apply("abs", value))
        allowed = emit.fma(size, emit.constant(1e-12), b.fmul(emit.apply("abs", least), emit.constant(0.5)))
        return b.fcmp_ordered(">", worst, allowed)

    # --- in a step, one lane --------------------------------------------------------------------------

    def _hunt(self) -> Value:
        """Define the search for the first crossing in a lane's step; ``crossed`` is its place, or 2."""
        code = self.driver.open("hunt")
        b, driver = code.b, self.driver
        low, width = code.variable(DOUBLE, DOUBLE(0.0)), code.variable(DOUBLE, DOUBLE(1.0))
        pieces = code.variable(INT, INT(0))
        driver.keep(code, DOUBLE(2.0), "crossed")
        with code.repeat() as done:
            code.leave_if(b.fcmp_ordered(">=", b.load(low), DOUBLE(1.0)), done)
            b.store(b.add(b.load(pieces), INT(1)), pieces)
            rest = b.fsub(DOUBLE(1.0), b.load(low))
            short = b.fcmp_ordered("<", b.load(width), rest)
            b.store(b.select(short, b.load(width), rest), width)
            high = b.select(short, b.fadd(b.load(low), b.load(width)), DOUBLE(1.0))
            for point in range(self.pieces + 1):
                x = b.fadd(b.load(low), b.fmul(b.fsub(high, b.load(low)), DOUBLE(point / self.pieces)))
                self._sample_at(code, high if point == self.pieces else x, point)
            unclear, crossings, leaving = self._count(code)
            limit = DOUBLE(_NARROWEST_CURVED if self.layout.curved else _NARROWEST)
            at_start = b.fcmp_ordered("==", b.load(low), DOUBLE(0.0))
            leaving = b.and_(at_start, b.icmp_signed(">", leaving, INT(0)))
            limit = b.select(leaving, DOUBLE(_NARROWEST_START), limit)
            unclear = b.or_(leaving, b.icmp_signed(">", unclear, INT(0)))
            halve = b.and_(unclear, b.fcmp_ordered(">", b.load(width), limit))
            halve = b.and_(halve, b.icmp_signed("<", b.load(pieces), INT(_MOST_PIECES)))
            with b.if_else(halve) as (again, decided):
                with again:
                    b.store(b.fmul(b.load(width), DOUBLE(0.5)), width)
                with decided:
                    outside = b.fcmp_ordered("<", self._least_level(code), DOUBLE(0.0))
                    found = b.or_(b.icmp_signed(">", crossings, INT(0)), outside)
                    found = b.and_(found, outside)
                    with b.if_then(found):
                        self._narrow(code, b.load(low), high)
                    code.leave_if(found, done)
                    b.store(high, low)
                    b.store(b.fmul(b.load(width), DOUBLE(2.0)), width)
        return code.finish()

    def _sample_at(self, code: Code, x: Value, point: int) -> None:
        """Keep this lane's values at ``x`` of its step as those of a point."""
        self.driver.keep(code, x, "lowest")
        code.call(self._sample_here, code["block"], code["lane"], INT(point * len(self.own)))

    def _define_sample(self) -> Value:
        code = self.driver.open("sample_here", more=("place",))
        driver = self.driver
        self.look_at(code, driver.near(code, "lowest"))
        evaluate(code, driver, self.levels, "probe", "probe_time", "level")
        with code.loop(len(self.own)) as i:
            driver.keep(code, driver.near(code, "level", i), "sample", code.b.add(i, code["place"]))
        return code.finish()

    def _count(self, code: Code) -> tuple[Value, Value, Value]:
        """Count this lane's atoms that are unclear in the piece, that cross once, and that leave a border.

        An atom that has just been put beside its border starts from it, and rounding may leave it a little
        on the other side: the piece must be short enough to show which way it goes.
        """
        b = code.b
        emit = VectorMath(b, 1)
        unclear, single = code.variable(INT, INT(0)), code.variable(INT, INT(0))
        leaving = code.variable(INT, INT(0))

        def judge(levels: list[Value]) -> None:
            coefficients = self._coefficients(emit, levels)
            before, changes = None, INT(0)
            least = coefficients[0]
            for value in coefficients:
                negative = b.zext(b.fcmp_ordered("<", value, DOUBLE(0.0)), INT)
                changes = b.add(changes, negative if before is None else b.xor(negative, before))
                before, least = negative, emit.apply("min", least, value)
            many = b.icmp_signed(">", changes, INT(1))
            if self.pieces == 8:
                many = b.or_(many, self._unforeseen(emit, levels, least))
            b.store(b.add(b.load(unclear), b.zext(many, INT)), unclear)
            once = b.icmp_signed("==", changes, INT(1))
            b.store(b.add(b.load(single), b.zext(once, INT)), single)
            size = emit.apply("abs", levels[0])
            on_border = b.fcmp_ordered("<=", size, b.fmul(DOUBLE(_ON_BORDER), self._largest(emit, levels)))
            back = b.or_(*(b.fcmp_ordered("<", v, DOUBLE(0.0)) for v in (coefficients[0], levels[1])))
            b.store(b.add(b.load(leaving), b.zext(b.and_(on_border, back), INT)), leaving)

        self._each_surface(code, emit, lambda region, i: self.driver.near(code, region, i), judge)
        return b.load(unclear), b.load(single), b.load(leaving)

    @staticmethod
    def _largest(emit: VectorMath, levels: list[Value]) -> Value:
        size = emit.constant(0.0)
        for value in levels:
            size = emit.apply("max", size, emit.apply("abs", value))
        return size

    def _least_level(self, code: Code, point: int | None = None) -> Value:
        """Return the least of this lane's values at a point (the last): negative after a crossing."""
        at = (self.pieces if point is None else point) * len(self.own)
        code.call(self._find_lowest, code["block"], code["lane"], INT(at))
        return self.driver.near(code, "lowest")

    def _define_least_level(self) -> Value:
        driver = self.driver
        code = driver.open("least_level", more=("place",))
        b, emit, at = code.b, VectorMath(code.b, 1), code["place"]
        least = code.variable(DOUBLE, DOUBLE(math.inf))

        def take(value: Value) -> None:
            lower = b.fcmp_ordered("<", value, b.load(least))
            b.store(b.select(lower, value, b.load(least)), least)

        for (first, end), shift, kind in ((self.signs, 0, SIGN), (self.cells, self._cells_at(), CELL)):
            with code.loop(end - first) as i:
                mode = driver.near(code, "modes", b.add(i, INT(first)))
                value = driver.near(code, "sample", b.add(i, b.add(at, INT(shift))))
                if kind == SIGN:
                    take(self._side(emit, mode, value))
                else:
                    take(b.fsub(value, emit.apply("floor", mode)))
                    take(b.fsub(emit.apply("ceil", mode), value))
        driver.keep(code, b.load(least), "lowest")
        return code.finish()

    def _narrow(self, code: Code, start: Value, end: Value) -> None:
        """Narrow a piece in which each atom crosses once or not at all down to the first crossing."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        low, high = code.variable(DOUBLE, start), code.variable(DOUBLE, end)
        levels = [self._least_level(code, point) for point in range(self.pieces + 1)]
        at_low, at_high = code.variable(DOUBLE, levels[0]), code.variable(DOUBLE, levels[-1])
        for point in reversed(range(1, self.pieces + 1)):  # the part of the piece in which it is first
            negative = b.fcmp_ordered("<", levels[point], DOUBLE(0.0))
            for place, level, k in ((low, at_low, point - 1), (high, at_high, point)):
                share = b.fmul(b.fsub(end, start), DOUBLE(k / self.pieces))
                x = end if k == self.pieces else b.fadd(start, share)
                b.store(b.select(negative, x, b.load(place)), place)
                b.store(b.select(negative, levels[k], b.load(level)), level)
        positive = b.fcmp_ordered(">", b.load(at_low), DOUBLE(0.0))
        b.store(b.select(positive, b.load(at_low), DOUBLE(0.0)), at_low)
        step = driver.near(code, "step")
        reach = emit.apply("abs", b.fadd(driver.near(code, "now"), b.fmul(end, step)))
        sharp = b.fdiv(b.fmul(reach, DOUBLE(_SHARP)), step)
        looks = code.variable(INT, INT(0))
        with code.repeat() as done:
            gap = b.fsub(b.load(high), b.load(low))
            fine = b.fcmp_unordered("<=", gap, sharp)
            spent = b.icmp_signed(">=", b.load(looks), INT(_MOST_LOOKS))
            code.leave_if(b.or_(fine, spent), done)
            middle = b.fadd(b.load(low), b.fmul(gap, DOUBLE(0.5)))
            code.leave_if(b.fcmp_ordered("==", middle, b.load(low)), done)
            code.leave_if(b.fcmp_ordered("==", middle, b.load(high)), done)
            turn = b.icmp_signed("==", b.srem(b.load(looks), INT(3)), INT(2))
            share = b.fdiv(b.load(at_low), b.fsub(b.load(at_low), b.load(at_high)))
            secant = b.fadd(b.load(low), b.fmul(gap, share))
            margin = b.fmul(sharp, DOUBLE(0.5))
            earliest, latest = b.fadd(b.load(low), margin), b.fsub(b.load(high), margin)
            secant = b.select(b.fcmp_ordered("<", secant, earliest), earliest, secant)
            secant = b.select(b.fcmp_ordered(">", secant, latest), latest, secant)
            inside = b.and_(
                b.fcmp_ordered(">", secant, b.load(low)), b.fcmp_ordered("<", secant, b.load(high))
            )
            x = b.select(b.and_(inside, b.not_(turn)), secant, middle)
            self._sample_at(code, x, self.pieces)
            level = self._least_level(code)
            crossed = b.fcmp_ordered("<", level, DOUBLE(0.0))
            b.store(b.select(crossed, x, b.load(high)), high)
            b.store(b.select(crossed, level, b.load(at_high)), at_high)
            b.store(b.select(crossed, b.load(low), x), low)
            b.store(b.select(crossed, b.load(at_low), level), at_low)
            b.store(b.add(b.load(looks), INT(1)), looks)
        driver.keep(code, b.load(high), "crossed")
