"""One step of a Rosenbrock method for all lanes: stages, new states, error and the next step's factor."""

from __future__ import annotations

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.sizes import Sizes
from eubiosis.engine.codegen.vector_math import VectorMath

MOST_GROWTH, LEAST_GROWTH, SAFETY = 6.0, 0.2, 0.9
STEP_ARGUMENTS = (("work", POINTER), ("shared", POINTER), ("tolerances", POINTER))


def reserve_step(lanes: Lanes) -> None:
    """Reserve the rows that a step works on."""
    program = lanes.program
    size = program.size
    for name in ("shift", "time", "stage_time", "step", "error", "growth", "below"):
        lanes.reserve(name)
    lanes.reserve("states", len(program.rows))
    lanes.reserve("next", len(program.rows))
    lanes.reserve("rates", size)
    lanes.reserve("in_time", size)
    # rows of one state lie in different sets of a cache: none falls on a multiple of 16 rows
    lanes.stage_stride = size + (9 - size) % 16
    lanes.reserve("stages", lanes.stage_stride * program.options.tableau.stages)
    lanes.reserve("parameters", len(program.parameter))


def define_step(
    lanes: Lanes, rates: Value, factor: Value, substitute: Value, explicit_time: bool, sizes: Sizes
) -> Value:
    """Define ``step(work, shared, tolerances)``; returns it.

    Reads states, time and step of every lane; writes the next states, the stage vectors, the scaled error,
    the factor by which the step may grow, and how far the lowest state lies below its floor. The tolerances
    are laid out as ``sizes`` says.
    """
    code = Code(lanes.module, "step", STEP_ARGUMENTS)
    b, tableau, size = code.b, lanes.program.options.tableau, lanes.program.size
    math = VectorMath(b, lanes.width)
    step = lanes.load(code, lanes.row(code, "step"))
    inverse = b.fdiv(math.constant(1.0), step)
    lanes.store(code, b.fmul(inverse, math.constant(1.0 / tableau.gamma)), lanes.row(code, "shift"))
    code.call(factor, code["work"], code["shared"])
    with code.loop(len(lanes.program.rows), start=size) as i:  # the stages see what only events change
        lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "next", i))
    for stage in range(tableau.stages):
        _stage(code, lanes, math, stage, step, inverse, rates, explicit_time)
        out = lanes.row(code, "stages", stage * lanes.stage_stride)
        code.call(substitute, code["work"], out)
    _judge(code, lanes, math, sizes)
    return code.finish()


def _stage(
    code: Code,
    lanes: Lanes,
    math: VectorMath,
    stage: int,
    step: Value,
    inverse: Value,
    rates: Value,
    explicit_time: bool,
) -> None:
    b, tableau, size = code.b, lanes.program.options.tableau, lanes.program.size
    if stage:
        with code.loop(size) as i:
            value = lanes.load(code, lanes.row(code, "states", i))
            total = math.constant(0.0)
            for j, (weight, share) in enumerate(zip(tableau.a[stage], tableau.c[stage], strict=True)):
                k = lanes.load(code, lanes.stage(code, j, i))
                value = b.fadd(value, k) if weight == 1.0 else math.fma(k, math.constant(weight), value)
                term = math.constant(share)
                total = b.fmul(k, term) if j == 0 else math.fma(k, term, total)
            lanes.store(code, value, lanes.row(code, "next", i))
            lanes.store(code, total, lanes.stage(code, stage, i))
        time = lanes.row(code, "stage_time")
        if explicit_time:
            at = lanes.load(code, lanes.row(code, "time"))
            lanes.store(code, math.fma(step, math.constant(tableau.alpha[stage]), at), time)
        out = lanes.row(code, "rates")
        code.call(rates, code["work"], code["shared"], lanes.row(code, "next"), time, out)
    with code.loop(size) as i:
        value = lanes.load(code, lanes.row(code, "rates", i))
        if stage:
            value = math.fma(inverse, lanes.load(code, lanes.stage(code, stage, i)), value)
        if explicit_time and tableau.d[stage]:
            slope = lanes.load(code, lanes.row(code, "in_time", i))
            value = math.fma(b.fmul(step, math.constant(tableau.d[stage])), slope, value)
        lanes.store(code, value, lanes.stage(code, stage, i))


def _judge(code: Code, lanes: Lanes, math: VectorMath, sizes: Sizes) -> None:
    """Finish the step: add the last stage, measure the error of states and derivatives, propose the next.

    Quadratures are finished too, but do not count in the error: asking for them changes no trajectory.
    """
    b, tableau, size = code.b, lanes.program.options.tableau, lanes.program.size
    counted = len(lanes.program.judged)
    zero = math.constant(0.0)
    total, below = code.variable(lanes.vector, zero), code.variable(lanes.vector, zero)
    relative = lanes.splat(code, code.get(code["tolerances"], 0))
    spans = [(first, end, True) for first, end in sizes.spans()]
    for first, end, judged in (*spans, (counted, size, False)):
        with code.loop(end, start=first) as i:
            change = lanes.load(code, lanes.stage(code, tableau.stages - 1, i))
            new = b.fadd(lanes.load(code, lanes.row(code, "next", i)), change)
            lanes.store(code, new, lanes.row(code, "next", i))
            if not judged:
                continue
            old = lanes.load(code, lanes.row(code, "states", i))
            largest = math.apply("max", math.apply("abs", old), math.apply("abs", new))
            absolute, floor = sizes.limits(code, math, code["tolerances"], i, first, old)
            scaled = b.fdiv(change, math.fma(relative, largest, absolute))
            b.store(math.fma(scaled, scaled, b.load(total)), total)
            b.store(math.apply("max", b.load(below), b.fsub(floor, new)), below)
    error = b.fmul(b.load(total), math.constant(1.0 / max(counted, 1)))  # mean square
    # the reciprocal of an infinite pivot, zero, would hold a state still without an error
    sound = b.fcmp_ordered("!=", lanes.load(code, lanes.row(code, "least_pivot")), zero)
    error = b.select(sound, error, math.constant(float("nan")))
    growth = math.exp(b.fmul(math.ln(error), math.constant(-0.5 / tableau.order)))
    growth = b.fmul(growth, math.constant(SAFETY))
    growth = math.apply("min", growth, math.constant(MOST_GROWTH))
    growth = math.apply("max", growth, math.constant(LEAST_GROWTH))
    lanes.store(code, error, lanes.row(code, "error"))
    lanes.store(code, growth, lanes.row(code, "growth"))
    lanes.store(code, b.load(below), lanes.row(code, "below"))
