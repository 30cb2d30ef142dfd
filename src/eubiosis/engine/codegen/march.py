"""Fixed explicit steps for lanes in lockstep: the half of a model that is not stiff but driven every day.

The classical Runge-Kutta method of order 4 (Hairer, Norsett and Wanner 1993, section II.1) with equal steps
inside each interval of a grid. Driven parameters are held within an interval or run linearly through it; both
change only at its ends, so the method keeps its order.
"""

from __future__ import annotations

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, INT_POINTER, POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import NEGATIVE, NON_FINITE, OK
from eubiosis.engine.codegen.program import Program
from eubiosis.engine.codegen.vector_math import VectorMath

# slots of the argument block: addresses, then whole numbers, 8 bytes each
MARCH_ARRAYS = (
    *("work", "shared", "initial", "varying", "grid", "out", "final", "extremes"),
    *("floors",),
)
MARCH_COUNTS = ("counter", "record", "status", "driven", "varied")
MARCH_SLOTS = (
    *MARCH_ARRAYS,
    *MARCH_COUNTS,
    *("subjects", "initial_stride", "varying_stride", "varied_count", "intervals", "steps", "records"),
)
# stage: (weight of the slope before it, place in the step, share in the sum)
_STAGES = ((0.0, 0.0, 1.0 / 6.0), (0.5, 0.5, 1.0 / 3.0), (0.5, 0.5, 1.0 / 3.0), (1.0, 1.0, 1.0 / 6.0))


class March:
    """Emit the explicit loop.

    In the block, ``driven`` has two numbers for each driven parameter: the address of its values (lines,
    subjects), and how many numbers lie from one line to the next. Held ones have a line for each interval,
    linear ones for each grid point.
    ``record`` lists the grid points at which ``observed`` quantities go to ``out`` (subjects, observed,
    records). ``extremes`` is (subjects, extrema, 2), taken at the end of every step.
    """

    def __init__(self, lanes: Lanes, observed: tuple[str, ...]) -> None:
        program = lanes.program
        self.lanes, self.program, self.width = lanes, program, lanes.width
        self.held = program.options.held
        self.driven = len(program.options.driven)
        self.observed, self.extrema = observed, program.options.extrema
        rows = len(program.rows)
        regions = {
            **dict.fromkeys(("time", "stage_time", "below", "bad"), 1),
            **dict.fromkeys(("states", "next"), rows),
            **dict.fromkeys(("rates", "sum"), program.size),
            "parameters": len(program.parameter),
            **dict.fromkeys(("driven", "from", "to"), self.driven),
            "seen": len(observed),
            "extreme": len(self.extrema),
            **dict.fromkeys(("least", "largest"), len(self.extrema)),
        }
        for name, count in regions.items():
            lanes.reserve(name, count)
        names = program.names
        nodes = [names[n] for n in observed]
        watched = [names[n] for n in self.extrema]
        roots = [*program.rates, *nodes, *watched]
        self.prepare = lanes.prepare(roots)
        self.prepare_held = lanes.prepare(roots, held=True)
        self.rates = lanes.evaluate("rates", program.rates)
        self.observe = lanes.evaluate("observe", nodes) if nodes else None
        self.watch = lanes.evaluate("watch", watched) if watched else None

    def slot(self, code: Code, name: str) -> Value:
        """Load one slot of the argument block."""
        raw = code.get(code["block"], MARCH_SLOTS.index(name))
        if name in MARCH_ARRAYS:
            return code.b.inttoptr(raw, POINTER)
        return code.b.inttoptr(raw, INT_POINTER) if name in MARCH_COUNTS else raw

    def define(self) -> None:
        """Define the public function ``march(block)``; groups of lanes are taken from the counter."""
        self.step = self._step()
        code = Code(self.lanes.module, "march", [("block", INT_POINTER)], public=True)
        code.arguments["work"] = self.slot(code, "work")
        b = code.b
        subjects = self.slot(code, "subjects")
        with code.repeat() as done:
            group = b.atomic_rmw("add", self.slot(code, "counter"), INT(1), "monotonic")
            first = b.mul(group, INT(self.width))
            code.leave_if(b.icmp_signed(">=", first, subjects), done)
            # the last group reaches back over subjects of the one before it, which come out the same
            latest = b.sub(subjects, INT(self.width))
            first = b.select(b.icmp_signed(">", first, latest), latest, first)
            self._load_group(code, first)
            output = code.variable(INT, INT(0))
            self._record(code, first, INT(0), output)
            with code.loop(self.slot(code, "intervals")) as interval:
                self._interval(code, first, interval)
                self._record(code, first, b.add(interval, INT(1)), output)
            self._write_group(code, first)
        code.finish()

    # --- one group of subjects ------------------------------------------------------------------------

    def _load_group(self, code: Code, first: Value) -> None:
        b, lanes, emit = code.b, self.lanes, VectorMath(code.b, self.width)
        shared, varied = self.slot(code, "shared"), self.slot(code, "varied")
        with code.loop(self.width) as lane:
            subject = b.add(first, lane)
            states, own = (
                code.at(self.slot(code, table), b.mul(subject, self.slot(code, f"{table}_stride")))
                for table in ("initial", "varying")
            )
            with code.loop(len(self.program.rows)) as i:
                code.put(code.get(states, i), code.at(lanes.row(code, "states", i), lane))
            with code.loop(len(self.program.parameter)) as i:
                code.put(code.get(shared, i), code.at(lanes.row(code, "parameters", i), lane))
            with code.loop(self.slot(code, "varied_count")) as i:
                place = code.at(lanes.row(code, "parameters", code.get(varied, i)), lane)
                code.put(code.get(own, i), place)
        lanes.store(code, lanes.splat(code, code.get(self.slot(code, "grid"), 0)), lanes.row(code, "time"))
        for name in ("below", "bad"):
            lanes.store(code, emit.constant(0.0), lanes.row(code, name))
        for k in range(len(self.extrema)):
            lanes.store(code, emit.constant(float("inf")), lanes.row(code, "least", k))
            lanes.store(code, emit.constant(float("-inf")), lanes.row(code, "largest", k))
        code.call(self.prepare, code["work"], self.slot(code, "shared"))
        self._load_driven(code, first, INT(0), "driven", after=False)
        code.call(self.prepare_held, code["work"], self.slot(code, "shared"))

    def _load_driven(self, code: Code, first: Value, interval: Value, region: str, *, after: bool) -> None:
        """Load driven parameters at the start of an interval, or just ``after`` it, into a region."""
        b, lanes = code.b, self.lanes
        table = self.slot(code, "driven")
        for k in range(self.driven):
            line = b.add(interval, INT(1)) if after and k >= self.held else interval
            start = b.inttoptr(code.get(table, 2 * k), POINTER)
            address = code.at(start, b.add(b.mul(line, code.get(table, 2 * k + 1)), first))
            value = b.load(b.bitcast(address, lanes.vector.as_pointer()), align=8)
            lanes.store(code, value, lanes.row(code, region, k))

    def _interval(self, code: Code, first: Value, interval: Value) -> None:
        b, lanes, emit = code.b, self.lanes, VectorMath(code.b, self.width)
        self._load_driven(code, first, interval, "from", after=False)
        self._load_driven(code, first, interval, "to", after=True)
        for k in range(self.held):
            value = lanes.load(code, lanes.row(code, "from", k))
            lanes.store(code, value, lanes.row(code, "driven", k))
        if self.held:
            code.call(self.prepare_held, code["work"], self.slot(code, "shared"))
        grid, steps = self.slot(code, "grid"), self.slot(code, "steps")
        start, end = code.get(grid, interval), code.get(grid, b.add(interval, INT(1)))
        share = b.fdiv(DOUBLE(1.0), b.sitofp(steps, DOUBLE))
        step = b.fmul(b.fsub(end, start), share)
        with code.loop(steps) as turn:
            done = b.fmul(b.sitofp(turn, DOUBLE), share)
            code.call(
                self.step, code["block"], b.fadd(start, b.fmul(done, b.fsub(end, start))), step, done, share
            )
            if self.watch is not None:
                self._note_extremes(code, emit)
        lanes.store(code, lanes.splat(code, end), lanes.row(code, "time"))
        below = lanes.load(code, lanes.row(code, "below"))
        floors = self.slot(code, "floors")
        worst = code.variable(lanes.vector, below)
        with code.loop(len(self.program.moving)) as i:
            state = lanes.load(code, lanes.row(code, "states", i))
            low = b.fsub(lanes.splat(code, code.get(floors, i)), state)
            b.store(emit.apply("max", b.load(worst), low), worst)
        lanes.store(code, b.load(worst), lanes.row(code, "below"))

    def _step(self) -> Value:
        """Define one Runge-Kutta step of all lanes; ``done`` and ``share`` are parts of the interval."""
        arguments = [("block", INT_POINTER), *((n, DOUBLE) for n in ("start", "step", "done", "share"))]
        code = Code(self.lanes.module, "runge_kutta", arguments)
        code.arguments["work"] = self.slot(code, "work")
        b, lanes, emit = code.b, self.lanes, VectorMath(code.b, self.width)
        step = lanes.splat(code, code["step"])
        size, rows = self.program.size, len(self.program.rows)
        with code.loop(rows, start=size) as i:
            lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "next", i))
        for number, (before, place, weight) in enumerate(_STAGES):
            at = b.fadd(code["start"], b.fmul(code["step"], DOUBLE(place)))
            lanes.store(code, lanes.splat(code, at), lanes.row(code, "stage_time"))
            self._drive(code, emit, b.fadd(code["done"], b.fmul(code["share"], DOUBLE(place))))
            if number:
                reach = b.fmul(step, emit.constant(before))
                with code.loop(size) as i:
                    slope = lanes.load(code, lanes.row(code, "rates", i))
                    state = lanes.load(code, lanes.row(code, "states", i))
                    lanes.store(code, emit.fma(reach, slope, state), lanes.row(code, "next", i))
            states = lanes.row(code, "next" if number else "states")
            time, out = lanes.row(code, "stage_time"), lanes.row(code, "rates")
            code.call(self.rates, code["work"], self.slot(code, "shared"), states, time, out)
            with code.loop(size) as i:
                slope = lanes.load(code, lanes.row(code, "rates", i))
                total = lanes.load(code, lanes.row(code, "sum", i)) if number else emit.constant(0.0)
                total = emit.fma(slope, emit.constant(weight), total)
                lanes.store(code, total, lanes.row(code, "sum", i))
        with code.loop(size) as i:
            total, state = (lanes.load(code, lanes.row(code, n, i)) for n in ("sum", "states"))
            lanes.store(code, emit.fma(step, total, state), lanes.row(code, "states", i))
        return code.finish()

    def _drive(self, code: Code, emit: VectorMath, place: Value) -> None:
        """Set linear parameters to their values at a place (0 to 1) of the interval."""
        lanes = self.lanes
        weight = lanes.splat(code, place)
        for k in range(self.held, self.driven):
            start, end = (lanes.load(code, lanes.row(code, region, k)) for region in ("from", "to"))
            value = emit.fma(weight, code.b.fsub(end, start), start)
            lanes.store(code, value, lanes.row(code, "driven", k))

    def _note_extremes(self, code: Code, emit: VectorMath) -> None:
        lanes = self.lanes
        states, time, out = (lanes.row(code, n) for n in ("states", "stage_time", "extreme"))
        assert self.watch is not None
        code.call(self.watch, code["work"], self.slot(code, "shared"), states, time, out)
        for k in range(len(self.extrema)):
            value = lanes.load(code, lanes.row(code, "extreme", k))
            for region, op in (("least", "min"), ("largest", "max")):
                old = lanes.load(code, lanes.row(code, region, k))
                lanes.store(code, emit.apply(op, old, value), lanes.row(code, region, k))

    def _record(self, code: Code, first: Value, point: Value, output: Value) -> None:
        """Write observed quantities if this grid point is the next one to be recorded."""
        if self.observe is None:
            return
        b, lanes = code.b, self.lanes
        records = self.slot(code, "records")
        more = b.icmp_signed("<", b.load(output), records)
        with b.if_then(more):
            wanted = code.get(self.slot(code, "record"), b.load(output))
            with b.if_then(b.icmp_signed("==", wanted, point)):
                states, time, out = (lanes.row(code, n) for n in ("states", "time", "seen"))
                code.call(self.observe, code["work"], self.slot(code, "shared"), states, time, out)
                with code.loop(self.width) as lane:
                    line = b.mul(b.mul(b.add(first, lane), INT(len(self.observed))), records)
                    place = code.at(self.slot(code, "out"), b.add(line, b.load(output)))
                    with code.loop(len(self.observed)) as i:
                        value = b.load(code.at(lanes.row(code, "seen", i), lane))
                        code.put(value, place, b.mul(i, records))
                b.store(b.add(b.load(output), INT(1)), output)

    def _write_group(self, code: Code, first: Value) -> None:
        b, lanes, rows = code.b, self.lanes, len(self.program.rows)
        with code.loop(self.width) as lane:
            subject = b.add(first, lane)
            place = code.at(self.slot(code, "final"), b.mul(subject, INT(rows)))
            total = code.variable(DOUBLE, DOUBLE(0.0))
            with code.loop(rows) as i:
                value = b.load(code.at(lanes.row(code, "states", i), lane))
                code.put(value, place, i)
                b.store(b.fadd(b.load(total), b.fsub(value, value)), total)  # NaN unless all are finite
            finite = b.fcmp_ordered("==", b.load(total), DOUBLE(0.0))
            below = b.load(code.at(lanes.row(code, "below"), lane))
            low = b.fcmp_ordered(">", below, DOUBLE(0.0))
            word = b.select(finite, b.select(low, INT(NEGATIVE), INT(OK)), INT(NON_FINITE))
            code.put(word, self.slot(code, "status"), subject)
            for k in range(len(self.extrema)):
                line = b.mul(subject, INT(2 * len(self.extrema)))
                for side, region in enumerate(("least", "largest")):
                    value = b.load(code.at(lanes.row(code, region, k), lane))
                    offset = b.add(line, INT(2 * k + side))
                    code.put(value, self.slot(code, "extremes"), offset)


def march_module(program: Program, width: int, observed: tuple[str, ...]) -> Lanes:
    """Return the lanes of a module with the function ``march``."""
    lanes = Lanes(program, ir.Module(name="march"), width)
    March(lanes, observed).define()
    return lanes
