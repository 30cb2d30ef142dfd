"""One step of an explicit Runge-Kutta method for all lanes: no matrix, for stretches that are not stiff."""

from __future__ import annotations

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.rosenbrock import STEP_ARGUMENTS
from eubiosis.engine.codegen.sizes import Sizes
from eubiosis.engine.codegen.tableaus import TSIT5, Explicit
from eubiosis.engine.codegen.vector_math import VectorMath

# what an error estimate counts for, so that a tolerance gives errors like those of the Rosenbrock method
_CAUTION = 4.0


def define_explicit_step(lanes: Lanes, rates: Value, grow: Value, sizes: Sizes, *, timed: bool) -> Value:
    """Define ``explicit_step(work, shared, tolerances)``; returns it.

    Reads and writes what ``step`` does. The stage vectors are the rates themselves. "stiffness" is the step
    times how fast the rates answer a change of the states, between the last two stages, which both stand at
    the step's end (Hairer and Wanner 1996, section IV.2).
    """
    code = Code(lanes.module, "explicit_step", STEP_ARGUMENTS)
    b, method, size = code.b, TSIT5, lanes.program.size
    math = VectorMath(b, lanes.width)
    step = lanes.load(code, lanes.row(code, "step"))
    work, shared = code["work"], code["shared"]
    with code.loop(len(lanes.program.rows), start=size) as i:  # the stages see what only events change
        lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "next", i))
    first = lanes.row(code, "stages")
    code.call(rates, work, shared, lanes.row(code, "states"), lanes.row(code, "time"), first)
    for stage in range(1, method.stages):
        with code.loop(size) as i:
            total = _sum(code, lanes, math, i, method.a[stage])
            value = math.fma(step, total, lanes.load(code, lanes.row(code, "states", i)))
            lanes.store(code, value, lanes.row(code, "next", i))
        time = lanes.row(code, "stage_time")
        if timed:
            at = lanes.load(code, lanes.row(code, "time"))
            lanes.store(code, math.fma(step, math.constant(method.c[stage]), at), time)
        out = lanes.row(code, "stages", stage * lanes.stage_stride)
        code.call(rates, work, shared, lanes.row(code, "next"), time, out)
    _judge(code, lanes, math, sizes, method, step)
    code.call(grow, work)
    return code.finish()


def _sum(code: Code, lanes: Lanes, math: VectorMath, i: Value, weights: tuple[float, ...]) -> Value:
    """Return a row's weighted sum of stage vectors."""
    total = None
    for stage, weight in enumerate(weights):
        if weight:
            rate = lanes.load(code, lanes.stage(code, stage, i))
            own = math.constant(weight)
            total = code.b.fmul(rate, own) if total is None else math.fma(rate, own, total)
    assert total is not None
    return total


def _judge(code: Code, lanes: Lanes, math: VectorMath, sizes: Sizes, method: Explicit, step: Value) -> None:
    """Measure the error of the states and the stiffness."""
    b, counted, last = code.b, len(lanes.program.judged), method.stages - 1
    zero = math.constant(0.0)
    error, below, answer, change = (code.variable(lanes.vector, zero) for _ in range(4))
    relative = lanes.splat(code, code.get(code["tolerances"], 0))
    apart = tuple(x - y for x, y in zip(method.a[last], (*method.a[last - 1], 0.0), strict=True))
    weights = tuple(_CAUTION * weight for weight in method.error)
    for first, end in sizes.spans():
        with code.loop(end, start=first) as i:
            new = lanes.load(code, lanes.row(code, "next", i))
            old = lanes.load(code, lanes.row(code, "states", i))
            largest = math.apply("max", math.apply("abs", old), math.apply("abs", new))
            absolute, floor = sizes.limits(code, math, code["tolerances"], i, first, old)
            scale = math.reciprocal(math.fma(relative, largest, absolute))
            missed = b.fmul(b.fmul(step, _sum(code, lanes, math, i, weights)), scale)
            b.store(math.fma(missed, missed, b.load(error)), error)
            b.store(math.apply("max", b.load(below), b.fsub(floor, new)), below)
            rates = (lanes.load(code, lanes.stage(code, stage, i)) for stage in (last, last - 1))
            gap = b.fmul(b.fsub(*rates), scale)
            b.store(math.fma(gap, gap, b.load(answer)), answer)
            gap = b.fmul(_sum(code, lanes, math, i, apart), scale)
            b.store(math.fma(gap, gap, b.load(change)), change)
    mean = b.fmul(b.load(error), math.constant(1.0 / max(counted, 1)))
    lanes.store(code, mean, lanes.row(code, "error"))
    lanes.store(code, b.load(below), lanes.row(code, "below"))
    square = b.fdiv(b.load(answer), b.load(change))
    lanes.store(code, math.apply("sqrt", square), lanes.row(code, "stiffness"))
