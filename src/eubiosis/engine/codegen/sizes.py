"""Sizes of states, which the absolute tolerances follow where the caller gives none.

The size of a state is the largest that it has been so far. For one that has been zero all the time, what a
linearly implicit Euler step over a part of the rest of the run predicts stands in, or where that is nothing
too, what the step before tried; such predictions fade from step to step. Sizes, and so the tolerances, are
proportional to the states: units make no difference, and amounts, concentrations and volumes of any size are
treated alike.

Where rates cancel, rounding errors are left that no shorter step can undercut. After a few refusals in a row
they are measured, by what small changes of all states do to the rates, and are tolerated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.vector_math import VectorMath

SHARE = 1e-8  # of the relative tolerance: the absolute one, in units of the state's size
_TINY = 1e-300  # keeps the scale of a state that never leaves zero from being zero
_ROUNDS = 3
_AHEAD = 0.3  # of the rest of the run
_FADE = 0.97
_PATIENCE = 3  # refusals in a row before rounding errors are measured
_SHIFT = 2.0**-20  # of the states, relative
_ROUNDING = 256 * 2.0**-52 / _SHIFT


class Sizes:
    """Emit what keeps the sizes of every lane's states; without ``Options.scaled`` it is only a table.

    The table of tolerances holds the relative one, then for each row an absolute one and then a floor. With
    ``scaled`` the row of a state's derivative has instead the factor that turns the state's size into the
    derivative's, and the floors are in units of the absolute tolerance.
    """

    def __init__(self, lanes: Lanes) -> None:
        self.lanes, self.program, self.width = lanes, lanes.program, lanes.width
        self.scaled = self.program.options.scaled
        self.moving, self.judged = len(self.program.moving), len(self.program.judged)
        if self.scaled:
            for name in ("sizes", "predicted", "known", "noise"):
                lanes.reserve(name, self.judged)
            lanes.reserve("guess", self.program.size)
            lanes.reserve("kept", self.moving)

    # --- for all lanes at once ------------------------------------------------------------------------

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield runs of rows under error control that are treated alike: states, then their derivatives."""
        if not self.scaled:
            yield 0, self.judged
            return
        for first in range(0, self.judged, max(self.moving, 1)):
            yield first, first + self.moving

    def limits(
        self, code: Code, emit: VectorMath, tolerances: Value, i: Value, first: int, old: Value
    ) -> tuple[Value, Value]:
        """Return the absolute tolerance and the floor of a row of a span, and take in its present value."""
        b, lanes = code.b, self.lanes
        entry = lanes.splat(code, code.get(tolerances, b.add(i, INT(1))))
        floor = lanes.splat(code, code.get(tolerances, b.add(i, INT(1 + self.program.size))))
        if not self.scaled:
            return entry, floor
        size = lanes.load(code, lanes.row(code, "sizes", i))
        size = emit.apply("max", size, emit.apply("abs", old))
        if first:  # a derivative is at least as large as its state, in units of the parameter
            own = lanes.load(code, lanes.row(code, "sizes", b.sub(i, INT(first))))
            size = emit.apply("max", size, b.fmul(own, entry))
        lanes.store(code, size, lanes.row(code, "sizes", i))
        predicted = lanes.load(code, lanes.row(code, "predicted", i))
        size = emit.apply("max", size, predicted)
        faded = b.fmul(predicted, emit.constant(_FADE))
        if "active" in lanes.rows:  # a step of the other method does not count for this lane
            active = lanes.load(code, lanes.row(code, "active"))
            faded = b.select(b.fcmp_ordered("!=", active, emit.constant(0.0)), faded, predicted)
        lanes.store(code, faded, lanes.row(code, "predicted", i))
        noise = lanes.load(code, lanes.row(code, "noise", i))
        share = lanes.splat(code, self._share(code, tolerances))
        absolute = emit.fma(share, size, b.fadd(noise, emit.constant(_TINY)))
        return absolute, b.fmul(floor, absolute)

    def _share(self, code: Code, tolerances: Value) -> Value:
        return code.b.fmul(code.get(tolerances, 0), DOUBLE(SHARE))

    # --- for one lane ---------------------------------------------------------------------------------

    def attach(self, loop: Loop, rates: Value, factor: Value, substitute: Value) -> None:
        """Take the loop whose functions these become part of, and the vector functions they call."""
        self.loop, self.rates, self.factor, self.substitute = loop, rates, factor, substitute
        if self.scaled:
            self._estimate = self._define_estimate()
            self._measure = self._define_measure()

    def absolute(self, code: Code, i: Value) -> Value:
        """Return the absolute tolerance of a row of this lane as it stands."""
        tolerances = self.loop.slot(code, "tolerances")
        if not self.scaled:
            return code.get(tolerances, code.b.add(i, INT(1)))
        size = VectorMath(code.b, 1).apply(
            "max", self.loop.near(code, "sizes", i), self.loop.near(code, "predicted", i)
        )
        size = code.b.fmul(self._share(code, tolerances), size)
        return code.b.fadd(size, DOUBLE(_TINY))

    def start(self, code: Code) -> None:
        """Forget the subject before."""
        if not self.scaled:
            return
        with code.loop(self.judged) as i:
            for region in ("sizes", "predicted", "known", "noise"):
                self.loop.keep(code, DOUBLE(0.0), region, i)

    def changed(self, code: Code) -> None:
        """Take in states that were set, and estimate the size of those that have had none yet."""
        if not self.scaled:
            return
        b, loop = code.b, self.loop
        scalar = VectorMath(b, 1)
        with code.loop(self.judged) as i:
            state = scalar.apply("abs", loop.near(code, "states", i))
            size, known = loop.near(code, "sizes", i), loop.near(code, "known", i)
            larger = b.fcmp_ordered(">", state, size)
            loop.keep(code, b.select(larger, DOUBLE(1.0), known), "known", i)
            loop.keep(code, b.select(larger, state, size), "sizes", i)
        code.call(self._estimate, code["block"], code["lane"])

    def refused(self, code: Code, in_a_row: Value) -> None:
        """Learn from a refused step: what it tried, and rounding errors when they may be the cause."""
        if not self.scaled:
            return
        b, loop = code.b, self.loop
        scalar = VectorMath(b, 1)
        code.call(self._estimate, code["block"], code["lane"])
        with code.loop(self.judged) as i:
            tried, size = scalar.apply("abs", loop.near(code, "next", i)), loop.near(code, "sizes", i)
            take = b.and_(
                b.fcmp_ordered("<", tried, DOUBLE(math.inf)), b.fcmp_ordered("==", size, DOUBLE(0.0))
            )
            take = b.and_(take, b.fcmp_ordered("==", loop.near(code, "known", i), DOUBLE(0.0)))
            loop.keep(code, b.select(take, tried, loop.near(code, "predicted", i)), "predicted", i)
        with b.if_then(b.icmp_signed(">=", in_a_row, INT(_PATIENCE))):
            code.call(self._measure, code["block"], code["lane"])

    def _define_estimate(self) -> Value:
        """Define the function that sets sizes of states that were zero until now."""
        loop = self.loop
        code = loop.open("estimate")
        b, scalar = code.b, VectorMath(code.b, 1)
        times = loop.slot(code, "times")
        final = code.get(times, b.sub(loop.slot(code, "times_count"), INT(1)))
        ahead = b.fmul(b.fsub(final, loop.near(code, "now")), DOUBLE(_AHEAD))
        missing, filled = code.variable(INT, INT(0)), code.variable(INT, INT(1))
        self._count_missing(code, missing)
        b.store(b.select(b.fcmp_ordered(">", ahead, DOUBLE(0.0)), b.load(missing), INT(0)), missing)
        rounds = code.variable(INT, INT(0))
        with code.repeat() as done:
            useful = b.and_(
                b.icmp_signed(">", b.load(missing), INT(0)), b.icmp_signed(">", b.load(filled), INT(0))
            )
            useful = b.and_(useful, b.icmp_signed("<", b.load(rounds), INT(_ROUNDS)))
            code.leave_if(b.not_(useful), done)
            self._predict(code, scalar, ahead)
            b.store(b.load(missing), filled)
            self._count_missing(code, missing)
            b.store(b.sub(b.load(filled), b.load(missing)), filled)
            b.store(b.add(b.load(rounds), INT(1)), rounds)
        return code.finish()

    def _count_missing(self, code: Code, missing: Value) -> None:
        b = code.b
        b.store(INT(0), missing)
        with code.loop(self.moving) as i:
            none = b.fcmp_ordered("==", self.loop.near(code, "known", i), DOUBLE(0.0))
            b.store(b.add(b.load(missing), b.zext(none, INT)), missing)

    def _predict(self, code: Code, scalar: VectorMath, ahead: Value) -> None:
        """Solve (1 / ahead - J) change = rates, where those at zero have the size predicted before."""
        b, loop, lanes = code.b, self.loop, self.lanes
        with code.loop(self.moving) as i:
            state, predicted = loop.near(code, "states", i), loop.near(code, "predicted", i)
            loop.keep(code, state, "kept", i)
            still = b.fcmp_ordered("==", state, DOUBLE(0.0))
            loop.keep(code, b.select(still, predicted, state), "states", i)
        kept = {name: loop.near(code, name) for name in ("shift", "time")}
        loop.keep(code, b.fdiv(DOUBLE(1.0), ahead), "shift")
        loop.keep(code, loop.near(code, "now"), "time")
        code.call(self.factor, code["work"], loop.slot(code, "shared"))
        with code.loop(self.program.size) as i:
            loop.keep(code, loop.near(code, "rates", i), "guess", i)
        code.call(self.substitute, code["work"], lanes.row(code, "guess"))
        for name, value in kept.items():
            loop.keep(code, value, name)
        with code.loop(self.moving) as i:
            loop.keep(code, loop.near(code, "kept", i), "states", i)
            guess, known = scalar.apply("abs", loop.near(code, "guess", i)), loop.near(code, "known", i)
            take = b.and_(
                b.fcmp_ordered(">", guess, DOUBLE(0.0)), b.fcmp_ordered("<", guess, DOUBLE(math.inf))
            )
            take = b.and_(take, b.fcmp_ordered("==", known, DOUBLE(0.0)))
            loop.keep(code, b.select(take, guess, loop.near(code, "predicted", i)), "predicted", i)
            loop.keep(code, b.select(take, DOUBLE(1.0), known), "known", i)

    def _define_measure(self) -> Value:
        """Define the function that measures what rounding errors of the rates do to a step's states."""
        loop, lanes = self.loop, self.lanes
        code = loop.open("measure")
        b, scalar = code.b, VectorMath(code.b, 1)
        with code.loop(len(self.program.rows)) as i:
            weight = b.uitofp(b.urem(i, INT(7)), DOUBLE(0).type)
            weight = b.fmul(b.fsub(weight, DOUBLE(2.7)), DOUBLE(_SHIFT / 3.0))
            inner = b.icmp_signed("<", i, INT(self.moving))
            weight = b.select(inner, weight, DOUBLE(0.0))
            state = loop.near(code, "states", i)
            loop.keep(code, scalar.fma(weight, state, state), "next", i)
        work, shared, time = code["work"], loop.slot(code, "shared"), lanes.row(code, "time")
        for states, out in (("next", "guess"), ("states", "rates")):
            code.call(self.rates, work, shared, lanes.row(code, states), time, lanes.row(code, out))
        with code.loop(self.program.size) as i:
            change = b.fsub(loop.near(code, "guess", i), loop.near(code, "rates", i))
            loop.keep(code, change, "guess", i)
        code.call(self.substitute, work, lanes.row(code, "guess"))
        with code.loop(self.judged) as i:
            noise = b.fmul(scalar.apply("abs", loop.near(code, "guess", i)), DOUBLE(_ROUNDING))
            finite = b.fcmp_ordered("<", noise, DOUBLE(math.inf))
            loop.keep(code, b.select(finite, noise, DOUBLE(0.0)), "noise", i)
        return code.finish()
