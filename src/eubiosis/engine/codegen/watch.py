"""What is watched along a step: atoms that may cross, events, and least and largest values of quantities."""

from __future__ import annotations

from eubiosis.engine.codegen.crossings import Crossings
from eubiosis.engine.codegen.dense import dense_rows
from eubiosis.engine.codegen.extremes import Extremes
from eubiosis.engine.codegen.happenings import Happenings
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.modes import Modes
from eubiosis.engine.codegen.tableaus import Explicit, Tableau
from eubiosis.engine.codegen.times import Times
from eubiosis.engine.codegen.vector_math import VectorMath

_NOT_CUT = 2.0
_SHORTEST = 2.0**-24  # of the time that is left: steps that are not made anew for a crossing


class Watch:
    """Emit the parts of the loop that look inside a step; with nothing to watch they are empty."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes, self.program, self.width = lanes, lanes.program, lanes.width
        self.extremes = Extremes(lanes)
        self.happenings = Happenings(lanes)
        self.layout = self.program.layout()
        lanes.mode_place = self.layout.place
        self.crossings, self.modes = Crossings(lanes, self.layout), Modes(lanes, self.layout)
        self.times = Times(lanes, self.layout)
        self.happenings.reserve()
        self.events = self.happenings.events
        self.switching = bool(self.layout.atoms or self.events)
        self.looks = bool(self.extremes.wanted or self.crossings.own)  # inside a step
        self.roots = [
            *self.modes.nodes,
            *self.happenings.roots,
            *self.happenings.finishes,
            *self.extremes.observed,
        ]
        if self.looks or self.switching:
            lanes.reserve("probe_time")
            lanes.reserve("probe", len(self.program.rows))

    def attach(self, driver: Loop, rates: Value) -> None:
        """Take the driver whose functions these become part of, and define what they call."""
        self.driver = driver
        self.crossings.attach(driver, looks=self.looks)
        self.times.attach(driver)
        self.extremes.attach(driver, self.crossings)
        self.modes.attach(driver, rates, self.times.curves)
        self.happenings.attach(driver, self.modes)

    # --- in a step ------------------------------------------------------------------------------------

    def scan(self, code: Code, wanted: Value, method: Tableau | Explicit) -> None:
        """Look at points of every lane's step: mark lanes in which something may cross, take extremes."""
        if not self.looks:
            return
        b, lanes, crossings = code.b, self.lanes, self.crossings
        b.store(INT(0), wanted)  # all rows are computed here
        dense_rows(code, lanes, None, INT(len(self.program.rows)), shown=True, method=method)
        emit = VectorMath(b, self.width)
        crossings.begin_scan(code)
        with code.loop(1 + crossings.pieces if crossings.own else 0, start=1) as point:
            x = lanes.splat(code, b.fmul(b.sitofp(point, DOUBLE(0).type), DOUBLE(1 / crossings.pieces)))
            crossings.probe(code, x)
            now, step = (lanes.load(code, lanes.row(code, n)) for n in ("now", "step"))
            lanes.store(code, emit.fma(step, x, now), lanes.row(code, "probe_time"))
            crossings.sample(code, point)
        crossings.end_scan(code)
        self.extremes.follow_all(code)

    def too_long(self, code: Code) -> Value:
        """Whether a lane's step is too long to tell where something crosses that is not linear."""
        b, driver = code.b, self.driver
        if not (self.crossings.own and self.layout.curved):
            return b.icmp_signed("!=", INT(0), INT(0))
        rough = b.fcmp_ordered("!=", driver.near(code, "rough"), DOUBLE(0.0))
        whole = b.fsub(driver.near(code, "segment_end"), driver.near(code, "now"))
        long = b.fcmp_ordered(">", driver.near(code, "step"), b.fmul(whole, DOUBLE(_SHORTEST)))
        return b.and_(rough, long)

    def locate(self, code: Code) -> Value:
        """Find where in the step something crosses first; returns whether the step must be cut there.

        Lowers the lane's ``reach`` to the moment, and leaves the place in the step in ``crossed``.
        """
        b, driver = code.b, self.driver
        if not self.crossings.own:
            return b.icmp_signed("!=", INT(0), INT(0))
        driver.keep(code, DOUBLE(_NOT_CUT), "crossed")
        with b.if_then(b.fcmp_ordered("!=", driver.near(code, "suspect"), DOUBLE(0.0))):
            code.call(self.crossings.hunt, code["block"], code["lane"])
            place = driver.near(code, "crossed")
            inside = b.fcmp_ordered("<", place, DOUBLE(1.0))
            with b.if_then(inside):
                driver.set_count(code, 0, "last")
                moment = b.fadd(driver.near(code, "now"), b.fmul(place, driver.near(code, "step")))
                driver.keep(code, moment, "reach")
            self.extremes.follow(code, b.select(inside, place, DOUBLE(1.0)))
        return b.fcmp_ordered("<=", driver.near(code, "crossed"), DOUBLE(1.0))

    def shorten(self, code: Code) -> None:
        """Replace the next states by those at the cut."""
        if not self.crossings.own:
            return
        b, driver = code.b, self.driver
        with b.if_then(b.fcmp_ordered("<", driver.near(code, "crossed"), DOUBLE(1.0))):
            self.crossings.look_at(code, driver.near(code, "crossed"))
            with code.loop(self.program.size) as i:
                driver.keep(code, driver.near(code, "probe", i), "next", i)

    # --- at a moment ----------------------------------------------------------------------------------

    def start(self, code: Code) -> None:
        """Set a new subject's modes, triggers and extremes to what they are before the start."""
        if self.layout.atoms:
            self.modes.start(code)
            self.times.curves.start(code)
        self.happenings.start(code)
        self.extremes.start(code)

    def note(self, code: Code) -> None:
        """Take the present values of a lane into its extremes, after a change."""
        self.extremes.note(code)

    def finish(self, code: Code, fine: Value) -> None:
        """Write a subject's extremes."""
        self.extremes.finish(code, fine)

    def happen(self, code: Code, record: Value) -> None:
        """Let happen what happens at this moment, record it, and let time go on.

        First come conditions that hold at the moment itself and the events they trigger; what is recorded
        at this time is as they leave it. Then atoms leave their borders, which may trigger more.
        """
        driver = self.driver
        self.happenings.settle(code)
        code.call(record, code["block"], code["lane"])
        turns = code.variable(INT, INT(0))
        b = code.b
        with code.repeat() as done:
            code.leave_if(b.not_(self.modes.leave(code)), done)
            self.happenings.settle(code)
            b.store(b.add(b.load(turns), INT(1)), turns)
            endless = b.icmp_signed(">", b.load(turns), INT(1000))
            with b.if_then(endless):
                driver.set_count(code, 1, "failed")
            code.leave_if(endless, done)
        self.modes.go_on(code)

    def horizon(self, code: Code, end: Value) -> Value:
        """Return the time at which the next step must end: ``end``, or an execution or change before it."""
        end = self.happenings.next_execution(code, end)
        if not self.times.timed:
            return end
        self.driver.keep(code, end, "horizon")
        code.call(self.times.next_time, code["block"], code["lane"])
        return self.driver.near(code, "horizon")
