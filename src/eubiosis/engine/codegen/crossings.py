"""Find where atoms change: in a step, on the dense output; and in time, before the step is made.

**By states.** Values of every atom at points of the step give polynomials of degree four through five points
each, on a value that is linear in states and time the dense output itself. Where all its Bernstein
coefficients keep the sign that the mode says, there is no crossing in between; else the step is looked at
piece by piece, halved until each piece has one crossing or none, and the first is located to the last bits
of the time. A value that is not linear is sampled twice as densely, and its polynomial must foretell the
samples that it does not pass through, as closely as they are to zero; else the step is made anew, shorter.

**By the time alone.** A linear value is solved for its next change. Any other is enclosed: spans that
provably hold no change are passed over, and what remains is narrowed down to the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from eubiosis.engine.codegen.dense import interpolate
from eubiosis.engine.codegen.enclose import Encloser
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import STAGE_ARGUMENTS, Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.switches import CELL, CURVE, LINE, SIGN, STATE, Layout
from eubiosis.engine.codegen.vector_math import VectorMath

FUZZ = 2.0**-42  # times closer than this, relative, are one: what rounding leaves of a crossing by states
_ROOM = 32 * 2.0**-52  # about a switching time that a formula gives
_LEAST = 2.0**-60  # and closer than this, relative to the time that is left
_SHARP = 4 * 2.0**-52  # how closely a crossing is located, relative to the time
_NARROWEST, _NARROWEST_CURVED = 2.0**-30, 2.0**-9  # pieces of a step that are not halved again
_MOST_LOOKS, _MOST_SPANS, _MOST_PIECES = 120, 20_000, 2_000
_BISECTIONS = 8


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
        self.timed = [row for row, by in enumerate(layout.by) if by != STATE]
        self.curves = [row for row, by in enumerate(layout.by) if by == CURVE]
        lanes.reserve("level", len(self.own))
        lanes.reserve("sample", (self.pieces + 1) * len(self.own))
        lanes.reserve("clocked", 2 * len(self.timed))
        lanes.reserve("enclosed", 2 * len(self.curves))
        for name in ("suspect", "rough", "crossed", "span_from", "span_to", "horizon"):
            lanes.reserve(name)

    def attach(self, driver: Loop) -> None:
        """Define the functions of the search."""
        self.driver = driver
        layout, lanes = self.layout, self.lanes
        if self.own:
            self.levels = lanes.evaluate("levels", [layout.values[row] for row in self.own])
            self.hunt = self._hunt()
        if self.timed:
            nodes = [layout.values[row] for row in self.timed] + [layout.slopes[row] for row in self.timed]
            self.clock = lanes.evaluate("clock", nodes)
            if self.curves:
                self.enclose = self._enclose()
            self.next_time = self._next_time()

    # --- values ---------------------------------------------------------------------------------------

    def evaluate(self, code: Code, function: Value, states: str, time: str, out: str) -> None:
        """Call a vector function on states and times of two regions."""
        lanes = self.lanes
        code.call(
            function,
            code["work"],
            self.driver.slot(code, "shared"),
            lanes.row(code, states),
            lanes.row(code, time),
            lanes.row(code, out),
        )

    def probe(self, code: Code, x: Value) -> None:
        """Set the probe states of all lanes to the dense output at ``x``, a vector."""
        lanes, b = self.lanes, code.b
        emit = VectorMath(b, lanes.width)
        total = len(self.program.rows)
        with code.loop(self.program.size) as i:

            def load(region: str, order: int, i: Value = i) -> Value:
                return lanes.load(code, lanes.row(code, region, b.add(i, INT(order * total))))

            value = interpolate(emit, self.program.options.tableau, x, load)
            lanes.store(code, value, lanes.row(code, "probe", i))
        with code.loop(total, start=self.program.size) as i:
            lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "probe", i))

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
            self.evaluate(code, self.levels, "states", "now", "level")
            self._store_sample(code, 0)

    def sample(self, code: Code, point: int) -> None:
        """Take the values at the probe, point ``point`` of the step."""
        if self.own:
            self.evaluate(code, self.levels, "probe", "probe_time", "level")
            self._store_sample(code, point)

    def _store_sample(self, code: Code, point: int) -> None:
        lanes, b = self.lanes, code.b
        with code.loop(len(self.own)) as i:
            value = lanes.load(code, lanes.row(code, "level", i))
            lanes.store(code, value, lanes.row(code, "sample", b.add(i, INT(point * len(self.own)))))

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
            unclear, crossings = self._count(code)
            limit = _NARROWEST_CURVED if self.layout.curved else _NARROWEST
            halve = b.and_(
                b.icmp_signed(">", unclear, INT(0)), b.fcmp_ordered(">", b.load(width), DOUBLE(limit))
            )
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
        b, driver = code.b, self.driver
        self.look_at(code, x)
        self.evaluate(code, self.levels, "probe", "probe_time", "level")
        with code.loop(len(self.own)) as i:
            place = b.add(i, INT(point * len(self.own)))
            driver.keep(code, driver.near(code, "level", i), "sample", place)

    def _count(self, code: Code) -> tuple[Value, Value]:
        """Count this lane's atoms that are unclear in the piece, and those that cross once."""
        b = code.b
        emit = VectorMath(b, 1)
        unclear, single = code.variable(INT, INT(0)), code.variable(INT, INT(0))

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

        self._each_surface(code, emit, lambda region, i: self.driver.near(code, region, i), judge)
        return b.load(unclear), b.load(single)

    def _least_level(self, code: Code, point: int | None = None) -> Value:
        """Return the least of this lane's values at a point (the last): negative after a crossing."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        at = (self.pieces if point is None else point) * len(self.own)
        least = code.variable(DOUBLE, DOUBLE(math.inf))

        def take(value: Value) -> None:
            lower = b.fcmp_ordered("<", value, b.load(least))
            b.store(b.select(lower, value, b.load(least)), least)

        for (first, end), shift, kind in ((self.signs, 0, SIGN), (self.cells, self._cells_at(), CELL)):
            with code.loop(end - first) as i:
                mode = driver.near(code, "modes", b.add(i, INT(first)))
                value = driver.near(code, "sample", b.add(i, INT(shift + at)))
                if kind == SIGN:
                    take(self._side(emit, mode, value))
                else:
                    take(b.fsub(value, emit.apply("floor", mode)))
                    take(b.fsub(emit.apply("ceil", mode), value))
        return b.load(least)

    def _narrow(self, code: Code, start: Value, end: Value) -> None:
        """Narrow a piece in which each atom crosses once or not at all down to the first crossing."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        low, high = code.variable(DOUBLE, start), code.variable(DOUBLE, end)
        first, last = self._least_level(code, 0), self._least_level(code)
        positive = b.fcmp_ordered(">", first, DOUBLE(0.0))
        at_low = code.variable(DOUBLE, b.select(positive, first, DOUBLE(0.0)))
        at_high = code.variable(DOUBLE, last)
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

    # --- in time --------------------------------------------------------------------------------------

    def _enclose(self) -> Value:
        """Define ``enclose(work, shared, y, time, out)``: bounds of curves in the lanes' spans."""
        lanes = self.lanes
        code = Code(lanes.module, "enclose", STAGE_ARGUMENTS)
        low, high = (lanes.load(code, lanes.row(code, name)) for name in ("span_from", "span_to"))
        fixed = lanes.emitter(code)
        encloser = Encloser(self.program.switches, fixed, low, high)
        for k, row in enumerate(self.curves):
            span = encloser.span(self.layout.values[row])
            lanes.store(code, span.low, code.at(code["out"], 2 * k * lanes.width))
            lanes.store(code, span.high, code.at(code["out"], (2 * k + 1) * lanes.width))
        return code.finish()

    def _next_time(self) -> Value:
        """Define the search for the next change by the time alone; lowers the lane's ``horizon`` to it."""
        code = self.driver.open("next_time")
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        now = driver.near(code, "now")
        fuzz = b.fmul(emit.apply("abs", now), DOUBLE(FUZZ))
        whole = b.fmul(b.fsub(driver.near(code, "horizon"), now), DOUBLE(_LEAST))
        soon = b.fadd(now, b.select(b.fcmp_ordered(">", whole, fuzz), whole, fuzz))
        driver.keep(code, now, "probe_time")
        self.evaluate(code, self.clock, "states", "probe_time", "clocked")
        best, who = code.variable(DOUBLE, DOUBLE(math.inf)), code.variable(INT, INT(-1))
        for k, row in enumerate(self.timed):
            if self.layout.by[row] != LINE:
                continue
            time = self._line_time(code, k, row, now, soon)
            earlier = b.fcmp_ordered("<", time, b.load(best))
            b.store(b.select(earlier, time, b.load(best)), best)
            b.store(b.select(earlier, INT(k), b.load(who)), who)
        with b.if_then(b.fcmp_ordered("<", b.load(best), driver.near(code, "horizon"))):
            found = self._exact_time(code, b.load(best), b.load(who), soon)
            early = b.fcmp_ordered("<", found, driver.near(code, "horizon"))
            with b.if_then(early):
                driver.keep(code, found, "horizon")
        if self.curves:
            self._curve_times(code, soon)
        return code.finish()

    def _line_time(self, code: Code, k: int, row: int, now: Value, soon: Value) -> Value:
        """Return when a value that is linear in the time changes next, or infinity."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        value, slope = (driver.near(code, "clocked", j) for j in (k, k + len(self.timed)))
        mode, endless, zero = driver.near(code, "modes", row), DOUBLE(math.inf), DOUBLE(0.0)
        moves = b.fcmp_ordered("!=", slope, zero)
        if self.layout.atoms[row].kind == SIGN:
            resting = b.fcmp_ordered("==", mode, zero)
            leads = b.fcmp_ordered("<", b.fmul(mode, slope), zero)
            time = b.fadd(now, b.fdiv(b.fneg(value), slope))
        else:
            low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
            resting, leads = b.fcmp_ordered("==", low, high), moves
            border = b.select(b.fcmp_ordered(">", slope, zero), high, low)
            time = b.fadd(now, b.fdiv(b.fsub(border, value), slope))
        time = b.select(b.fcmp_ordered("<", time, soon), soon, time)
        time = b.select(b.or_(leads, resting), time, endless)
        time = b.select(resting, b.select(moves, soon, endless), time)
        return b.select(b.fcmp_unordered("uno", time, time), endless, time)

    def _exact_time(self, code: Code, guess: Value, who: Value, soon: Value) -> Value:
        """Return the first double about a guess at which an atom has changed."""
        b = code.b
        emit = VectorMath(b, 1)
        room = b.fmul(emit.apply("abs", guess), DOUBLE(_ROOM))
        early = b.fsub(guess, room)
        low = code.variable(DOUBLE, b.select(b.fcmp_ordered("<", early, soon), soon, early))
        high = code.variable(DOUBLE, b.fadd(guess, room))
        late = b.fcmp_ordered("<", b.load(high), b.load(low))
        b.store(b.select(late, b.load(low), b.load(high)), high)
        at_once = self._changed(code, b.load(low), who)
        b.store(b.select(at_once, b.load(low), b.load(high)), high)
        with code.loop(_BISECTIONS):
            middle = b.fadd(b.load(low), b.fmul(b.fsub(b.load(high), b.load(low)), DOUBLE(0.5)))
            changed = self._changed(code, middle, who)
            b.store(b.select(changed, middle, b.load(high)), high)
            b.store(b.select(changed, b.load(low), middle), low)
        return b.load(high)

    def _changed(self, code: Code, time: Value, who: Value) -> Value:
        """Whether the atom by time number ``who`` has changed at a time."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        driver.keep(code, time, "probe_time")
        self.evaluate(code, self.clock, "states", "probe_time", "clocked")
        answer = code.variable(INT, INT(0))
        for k, row in enumerate(self.timed):
            with b.if_then(b.icmp_signed("==", who, INT(k))):
                b.store(b.zext(self._left(code, emit, k, row), INT), answer)
        return b.icmp_signed("!=", b.load(answer), INT(0))

    def _left(self, code: Code, emit: VectorMath, k: int, row: int) -> Value:
        """Whether the value just computed of an atom by time is not where its mode says."""
        b, driver = code.b, self.driver
        value, mode = driver.near(code, "clocked", k), driver.near(code, "modes", row)
        if self.layout.atoms[row].kind == SIGN:
            stays = b.fcmp_ordered(">", b.fmul(mode, value), DOUBLE(0.0))
            still = b.fcmp_ordered("==", value, DOUBLE(0.0))
            resting = b.fcmp_ordered("==", mode, DOUBLE(0.0))
            return b.select(resting, b.not_(still), b.not_(stays))
        low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
        inside = b.and_(b.fcmp_ordered(">", value, low), b.fcmp_ordered("<", value, high))
        resting = b.fcmp_ordered("==", low, high)
        return b.select(resting, b.fcmp_unordered("!=", value, low), b.not_(inside))

    def _curve_times(self, code: Code, soon: Value) -> None:
        """Pass over spans in which no curve changes; stop at the first double at which one has changed."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        low = code.variable(DOUBLE, soon)
        width = code.variable(DOUBLE, b.fsub(driver.near(code, "horizon"), soon))
        least = b.fmul(b.load(width), DOUBLE(_LEAST / 4))
        spans = code.variable(INT, INT(0))
        with code.repeat() as done:
            horizon = driver.near(code, "horizon")
            code.leave_if(b.not_(b.fcmp_ordered("<", b.load(low), horizon)), done)
            b.store(b.add(b.load(spans), INT(1)), spans)
            spent = b.icmp_signed(">", b.load(spans), INT(_MOST_SPANS))
            with b.if_then(spent):  # begin again from here: a step may end anywhere
                driver.keep(code, b.load(low), "horizon")
            code.leave_if(spent, done)
            rest = b.fsub(horizon, b.load(low))
            short = b.fcmp_ordered("<", b.load(width), rest)
            b.store(b.select(short, b.load(width), rest), width)
            high = b.select(short, b.fadd(b.load(low), b.load(width)), horizon)
            for name, time in (("span_from", b.load(low)), ("span_to", high), ("probe_time", b.load(low))):
                driver.keep(code, time, name)
            self.evaluate(code, self.enclose, "states", "probe_time", "enclosed")
            clear = self._clear(code, emit)
            sharp = b.fmul(emit.apply("abs", high), DOUBLE(_SHARP))
            sharp = b.select(b.fcmp_ordered(">", sharp, least), sharp, least)
            narrow = b.fcmp_unordered("<=", b.load(width), sharp)
            with b.if_else(b.or_(clear, narrow)) as (onward, halve):
                with onward:
                    with b.if_then(b.not_(clear)):
                        driver.keep(code, high, "probe_time")
                        self.evaluate(code, self.clock, "states", "probe_time", "clocked")
                        with b.if_then(self._any_left(code, emit)):
                            driver.keep(code, high, "horizon")
                    b.store(high, low)
                    b.store(b.fmul(b.load(width), DOUBLE(2.0)), width)
                with halve:
                    b.store(b.fmul(b.load(width), DOUBLE(0.5)), width)

    def _clear(self, code: Code, emit: VectorMath) -> Value:
        b, driver = code.b, self.driver
        clear = b.icmp_signed("==", INT(0), INT(0))
        for k, row in enumerate(self.curves):
            low, high = (driver.near(code, "enclosed", 2 * k + j) for j in (0, 1))
            mode = driver.near(code, "modes", row)
            if self.layout.atoms[row].kind == SIGN:
                above = b.and_(b.fcmp_ordered(">", mode, DOUBLE(0.0)), b.fcmp_ordered(">", low, DOUBLE(0.0)))
                below = b.and_(b.fcmp_ordered("<", mode, DOUBLE(0.0)), b.fcmp_ordered("<", high, DOUBLE(0.0)))
                fine = b.or_(above, below)
            else:
                floor, ceil = emit.apply("floor", mode), emit.apply("ceil", mode)
                fine = b.and_(b.fcmp_ordered(">", low, floor), b.fcmp_ordered("<", high, ceil))
            # a value that is no number stays none: there is nothing to be located
            unknown = b.fcmp_unordered("uno", mode, mode)
            clear = b.and_(clear, b.or_(fine, unknown))
        return clear

    def _any_left(self, code: Code, emit: VectorMath) -> Value:
        b = code.b
        left = b.icmp_signed("!=", INT(0), INT(0))
        for k, row in enumerate(self.timed):
            if row in self.curves:
                left = b.or_(left, self._left(code, emit, k, row))
        return left
