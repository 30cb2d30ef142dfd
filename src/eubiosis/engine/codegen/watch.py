"""What is watched along a step: triggers of SBML events, and the least and largest values of quantities.

Triggers are evaluated at four points of every step on the dense output; a rise is located by bisection to
the last bits of the time, the step is cut there, and events are executed by priority as SBML Level 3 Version
2, section 4.11.6, says. Events of equal priority are executed in a random order; the generator starts alike
for every subject, so that a subject's numbers can be had again.
"""

from __future__ import annotations

import math
from typing import Any

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.vector_math import VectorMath

POINTS = (0.25, 0.5, 0.75, 1.0)
_BISECTIONS = 60
_MOST_EXECUTIONS = 10_000  # events at one moment, before the cascade counts as endless
_NOT_CUT = 2.0
_RESOLUTION = 8 * 2.0**-52  # of an event's time, relative
_MULTIPLIER, _MODULUS, _FIRST_LUCK = 48271.0, 2147483647.0, 20260.0


class Watch:
    """Emit the parts of the loop that look inside a step; with nothing to watch they are empty."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes, self.program, self.width = lanes, lanes.program, lanes.width
        self.events = self.program.system.events
        self.extrema = self.program.options.extrema
        names, graph = self.program.names, self.program.graph
        build = self.program.build
        self.triggers = [build(event.trigger) for event in self.events]
        self.values = [build(value) for event in self.events for _, value in event.assignments]
        lowest = graph.number(-math.inf)
        self.priorities = [build(e.priority) if e.priority is not None else lowest for e in self.events]
        self.observed = [names[name] for name in self.extrema]
        self.roots = [*self.triggers, *self.values, *self.priorities, *self.observed]
        if not self.roots:
            return
        lanes.reserve("watched", len(self.roots))
        for name in ("was", "before", "pending"):
            lanes.reserve(name, len(self.events))
        lanes.reserve("held", len(self.values))
        lanes.reserve("least", len(self.extrema))
        lanes.reserve("largest", len(self.extrema))
        for name in ("probe_time", "crossed", "crossed_after", "luck"):
            lanes.reserve(name)
        lanes.reserve("probe", len(self.program.rows))

    def attach(self, driver: Any) -> None:
        """Take the driver whose functions these become part of, and define the evaluation."""
        self.driver = driver
        if self.roots:
            self.evaluate = self.lanes.evaluate("watch", self.roots)

    # --- vector parts ---------------------------------------------------------------------------------

    def _look(self, code: Code, states: str, time: str) -> None:
        """Evaluate everything watched, for all lanes, at the states and times of two regions."""
        lanes = self.lanes
        code.call(
            self.evaluate,
            code["work"],
            self.driver.slot(code, "shared"),
            lanes.row(code, states),
            lanes.row(code, time),
            lanes.row(code, "watched"),
        )

    def _probe(self, code: Code, x: Value) -> None:
        """Set the probe states of all lanes to the dense output at ``x``, a vector."""
        lanes, b = self.lanes, code.b
        emit = VectorMath(b, self.width)
        total = len(self.program.rows)
        with code.loop(self.program.size) as i:

            def load(region: str, order: int, i: Value = i) -> Value:
                return lanes.load(code, lanes.row(code, region, b.add(i, INT(order * total))))

            value = self.driver.interpolate(code, emit, x, load)
            lanes.store(code, value, lanes.row(code, "probe", i))
        with code.loop(total, start=self.program.size) as i:
            lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "probe", i))

    def scan(self, code: Code, wanted: Value) -> None:
        """Look at the points of every lane's step; note the first between which a trigger rises."""
        if not self.roots:
            return
        b, lanes = code.b, self.lanes
        b.store(INT(0), wanted)  # all rows are computed here
        self.driver.dense_rows(code, None, INT(len(self.program.rows)))
        emit = VectorMath(b, self.width)
        lanes.store(code, emit.constant(_NOT_CUT), lanes.row(code, "crossed"))
        for e in range(len(self.events)):
            lanes.store(code, lanes.load(code, lanes.row(code, "was", e)), lanes.row(code, "before", e))
        earlier = 0.0
        now, step = (lanes.load(code, lanes.row(code, n)) for n in ("now", "step"))
        for x in POINTS:
            self._probe(code, emit.constant(x))
            time = emit.fma(step, emit.constant(x), now)
            lanes.store(code, time, lanes.row(code, "probe_time"))
            if x == 1.0:
                with code.loop(self.width) as lane:
                    code.arguments["lane"] = lane
                    with b.if_then(b.icmp_signed("!=", self.driver.count(code, "last"), INT(0))):
                        self.driver.keep(code, self.driver.near(code, "segment_end"), "probe_time")
            self._look(code, "probe", "probe_time")
            self._note_rises(code, emit, earlier, x)
            if self.extrema and x == 1.0:  # what drops at the end is seen before it drops
                ends = (lanes.load(code, lanes.row(code, n)) for n in ("probe_time", "last_time"))
                lanes.store(code, emit.apply("min", *ends), lanes.row(code, "probe_time"))
                self._look(code, "probe", "probe_time")
            self._note_extremes(code, emit, x)
            earlier = x

    def _note_rises(self, code: Code, emit: VectorMath, earlier: float, x: float) -> None:
        b, lanes = code.b, self.lanes
        for e in range(len(self.events)):
            new = lanes.load(code, lanes.row(code, "watched", e))
            old = lanes.load(code, lanes.row(code, "before", e))
            crossed = lanes.load(code, lanes.row(code, "crossed"))
            first = b.and_(b.fcmp_ordered(">", new, old), b.fcmp_ordered(">", crossed, emit.constant(1.0)))
            lanes.store(code, b.select(first, emit.constant(x), crossed), lanes.row(code, "crossed"))
            after = lanes.load(code, lanes.row(code, "crossed_after"))
            after = b.select(first, emit.constant(earlier), after)
            lanes.store(code, after, lanes.row(code, "crossed_after"))
            lanes.store(code, new, lanes.row(code, "before", e))

    def _note_extremes(self, code: Code, emit: VectorMath, x: float) -> None:
        """Take values at a point of the step into the extremes of lanes whose step stands up to there."""
        b, lanes = code.b, self.lanes
        first = len(self.roots) - len(self.extrema)
        good = b.fcmp_ordered("<=", lanes.load(code, lanes.row(code, "error")), emit.constant(1.0))
        crossed = lanes.load(code, lanes.row(code, "crossed"))
        good = b.and_(good, b.fcmp_ordered(">", crossed, emit.constant(x)))
        for k in range(len(self.extrema)):
            value = lanes.load(code, lanes.row(code, "watched", first + k))
            for region, op in (("least", "min"), ("largest", "max")):
                old = lanes.load(code, lanes.row(code, region, k))
                new = b.select(good, emit.apply(op, old, value), old)
                lanes.store(code, new, lanes.row(code, region, k))

    # --- parts for one lane ---------------------------------------------------------------------------

    def start(self, code: Code) -> None:
        """Set a new subject's triggers and extremes to what they are before the start."""
        if self.events:
            self.driver.keep(code, DOUBLE(_FIRST_LUCK), "luck")
        for e, event in enumerate(self.events):
            self.driver.keep(code, DOUBLE(float(event.initial_value)), "was", e)
            self.driver.keep(code, DOUBLE(0.0), "pending", e)
        for k in range(len(self.extrema)):
            self.driver.keep(code, DOUBLE(math.inf), "least", k)
            self.driver.keep(code, DOUBLE(-math.inf), "largest", k)

    def note(self, code: Code) -> None:
        """Take the present values of a lane into its extremes, after a change."""
        if not self.extrema:
            return
        b, driver = code.b, self.driver
        self._look(code, "states", "now")
        first = len(self.roots) - len(self.extrema)
        for k in range(len(self.extrema)):
            value = driver.near(code, "watched", first + k)
            for region, relation in (("least", "<"), ("largest", ">")):
                old = driver.near(code, region, k)
                better = b.fcmp_ordered(relation, value, old)
                driver.keep(code, b.select(better, value, old), region, k)

    def finish(self, code: Code, fine: Value) -> None:
        """Write a subject's extremes: least and largest of each quantity."""
        if not self.extrema:
            return
        b, driver = code.b, self.driver
        size = 2 * len(self.extrema)
        first = code.at(driver.slot(code, "extremes"), b.mul(driver.count(code, "subject"), INT(size)))
        for k in range(len(self.extrema)):
            for place, region in enumerate(("least", "largest")):
                value = b.select(fine, driver.near(code, region, k), DOUBLE(math.nan))
                code.put(value, first, 2 * k + place)

    def locate(self, code: Code) -> Value:
        """Find where in the step the first trigger rises; returns whether the step must be cut short.

        Lowers the lane's ``reach`` to the moment, and leaves the place in the step in ``crossed``.
        """
        if not self.events:
            return code.b.icmp_signed("!=", INT(0), INT(0))
        b, driver = code.b, self.driver
        cut = code.variable(INT, INT(0))
        crossed = driver.near(code, "crossed")
        with b.if_else(b.fcmp_ordered("<=", crossed, DOUBLE(1.0))) as (rise, none):
            with rise:
                self._bisect(code)
                place = driver.near(code, "crossed")
                with b.if_then(b.fcmp_ordered("<", place, DOUBLE(1.0))):
                    b.store(INT(1), cut)
                    driver.set_count(code, 0, "last")
                    moment = b.fadd(driver.near(code, "now"), b.fmul(place, driver.near(code, "step")))
                    driver.keep(code, moment, "reach")
            with none:
                for e in range(len(self.events)):
                    driver.keep(code, driver.near(code, "before", e), "was", e)
        # a rise at the very end of a step is executed there, like one inside it
        at_end = b.fcmp_ordered("==", driver.near(code, "crossed"), DOUBLE(1.0))
        return b.or_(b.icmp_signed("!=", b.load(cut), INT(0)), at_end)

    def _bisect(self, code: Code) -> None:
        b, driver = code.b, self.driver
        low = code.variable(DOUBLE, driver.near(code, "crossed_after"))
        high = code.variable(DOUBLE, driver.near(code, "crossed"))
        self._look_at(code, b.load(low))
        with b.if_then(b.fcmp_ordered(">", b.load(low), DOUBLE(0.0))):
            for e in range(len(self.events)):
                driver.keep(code, driver.near(code, "watched", e), "was", e)
        end = b.fadd(driver.near(code, "now"), driver.near(code, "step"))
        resolution = b.fmul(VectorMath(b, 1).apply("abs", end), DOUBLE(_RESOLUTION))
        with code.loop(_BISECTIONS), b.if_then(self._wide(code, low, high, resolution)):
            middle = b.fmul(b.fadd(b.load(low), b.load(high)), DOUBLE(0.5))
            self._look_at(code, middle)
            rises = code.variable(INT, INT(0))
            for e in range(len(self.events)):
                risen = b.fcmp_ordered(">", driver.near(code, "watched", e), driver.near(code, "was", e))
                b.store(b.or_(b.load(rises), b.zext(risen, INT)), rises)
            risen = b.icmp_signed("!=", b.load(rises), INT(0))
            b.store(b.select(risen, middle, b.load(high)), high)
            b.store(b.select(risen, b.load(low), middle), low)
        driver.keep(code, b.load(high), "crossed")

    def _wide(self, code: Code, low: Value, high: Value, resolution: Value) -> Value:
        """Return whether a bracket is still wider than the resolution of the time.

        Without it, events that set one another off faster and faster would never let the time pass.
        """
        b = code.b
        width = b.fmul(b.fsub(b.load(high), b.load(low)), self.driver.near(code, "step"))
        return b.fcmp_ordered(">", width, resolution)

    def _look_at(self, code: Code, x: Value) -> None:
        """Evaluate what is watched at ``x`` of this lane's step (the other lanes' values are not used)."""
        b, driver = code.b, self.driver
        self._probe(code, self.lanes.splat(code, x))
        time = b.fadd(driver.near(code, "now"), b.fmul(x, driver.near(code, "step")))
        driver.keep(code, time, "probe_time")
        self._look(code, "probe", "probe_time")

    def shorten(self, code: Code, cut: Value) -> None:
        """Replace the next states by those at the cut."""
        if not self.events:
            return
        b, driver = code.b, self.driver
        inside = b.and_(cut, b.fcmp_ordered("<", driver.near(code, "crossed"), DOUBLE(1.0)))
        with b.if_then(inside):
            self._probe(code, self.lanes.splat(code, driver.near(code, "crossed")))
            with code.loop(self.program.size) as i:
                driver.keep(code, driver.near(code, "probe", i), "next", i)

    def process(self, code: Code, changed: Value) -> None:
        """Execute the events whose triggers have risen by now, and those that they set off."""
        if not self.events:
            return
        b, driver = code.b, self.driver
        self._look(code, "states", "now")
        self._enqueue(code)
        executed = code.variable(INT, INT(0))
        with code.repeat() as done:
            chosen = self._choose(code)
            code.leave_if(b.icmp_signed("<", chosen, INT(0)), done)
            count = b.add(b.load(executed), INT(1))
            b.store(count, executed)
            with b.if_then(b.icmp_signed(">", count, INT(_MOST_EXECUTIONS))):
                driver.set_count(code, 1, "failed")
            code.leave_if(b.icmp_signed(">", count, INT(_MOST_EXECUTIONS)), done)
            b.store(INT(1), changed)
            self._execute(code, chosen)
            self._look(code, "states", "now")
            self._enqueue(code)

    def _enqueue(self, code: Code) -> None:
        """Compare triggers with what they were: a rise makes an event pending, a fall may drop it."""
        b, driver = code.b, self.driver
        value = len(self.events)
        for e, event in enumerate(self.events):
            new, old = driver.near(code, "watched", e), driver.near(code, "was", e)
            with b.if_then(b.fcmp_ordered(">", new, old)):
                driver.keep(code, DOUBLE(1.0), "pending", e)
                for k in range(len(event.assignments)):
                    held = driver.near(code, "watched", value + k)
                    driver.keep(code, held, "held", value - len(self.events) + k)
            if not event.persistent:
                with b.if_then(b.fcmp_ordered("<", new, old)):
                    driver.keep(code, DOUBLE(0.0), "pending", e)
            driver.keep(code, new, "was", e)
            value += len(event.assignments)

    def _choose(self, code: Code) -> Value:
        """Return the pending event of the highest priority, any one of equals, or -1."""
        b, driver = code.b, self.driver
        best, chosen = code.variable(DOUBLE, DOUBLE(-math.inf)), code.variable(INT, INT(-1))
        equals = code.variable(DOUBLE, DOUBLE(0.0))
        first = len(self.events) + len(self.values)
        for e in range(len(self.events)):
            priority = driver.near(code, "watched", first + e)
            waiting = b.fcmp_ordered(">", driver.near(code, "pending", e), DOUBLE(0.0))
            none = b.icmp_signed("<", b.load(chosen), INT(0))
            higher = b.or_(none, b.fcmp_ordered(">", priority, b.load(best)))
            equal = b.and_(b.not_(higher), b.fcmp_ordered("==", priority, b.load(best)))
            count = b.select(higher, DOUBLE(1.0), b.fadd(b.load(equals), DOUBLE(1.0)))
            with b.if_then(b.and_(waiting, b.or_(higher, equal))):
                b.store(count, equals)
                # the k-th of equals replaces the one chosen so far with probability 1 / k
                lucky = b.fcmp_ordered("<", b.fmul(self._draw(code), count), DOUBLE(1.0))
                with b.if_then(b.or_(higher, lucky)):
                    b.store(priority, best)
                    b.store(INT(e), chosen)
        return b.load(chosen)

    def _draw(self, code: Code) -> Value:
        """Return this lane's next random number in [0, 1).

        The multiplicative generator of Park and Miller (1988, Communications of the ACM 31:1192): whole
        numbers below 2^31 - 1, exact in a double.
        """
        b, driver = code.b, self.driver
        product = b.fmul(driver.near(code, "luck"), DOUBLE(_MULTIPLIER))
        following = b.frem(product, DOUBLE(_MODULUS))
        driver.keep(code, following, "luck")
        return b.fdiv(following, DOUBLE(_MODULUS))

    def _execute(self, code: Code, chosen: Value) -> None:
        b, driver = code.b, self.driver
        value = 0
        for e, event in enumerate(self.events):
            with b.if_then(b.icmp_signed("==", chosen, INT(e))):
                driver.keep(code, DOUBLE(0.0), "pending", e)
                region, offset = ("held", 0) if event.use_trigger_values else ("watched", len(self.events))
                for k, (name, _) in enumerate(event.assignments):
                    new = driver.near(code, region, offset + value + k)
                    driver.keep(code, new, "states", self.program.place[name])
            value += len(event.assignments)
