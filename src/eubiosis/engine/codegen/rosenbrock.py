"""One step of a Rosenbrock method for all lanes: stages, new states, error and the next step's factor."""

from __future__ import annotations

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.native import vector_width
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
    lanes: Lanes,
    rates: Value,
    factor: Value,
    substitute: Value,
    explicit_time: bool,
    sizes: Sizes,
    grow: Value | None = None,
) -> Value:
    """Define ``step(work, shared, tolerances)``; returns it.

    Reads states, time and step of every lane; writes the next states, the stage vectors, the scaled error,
    the factor by which the step may grow, and how far the lowest state lies below its floor. The tolerances
    are laid out as ``sizes`` says. ``grow`` is the function that finds that factor, where another step
    shares it.
    """
    combine = _define_combine(lanes) if lanes.program.options.alone else None
    code = Code(lanes.module, "step", STEP_ARGUMENTS)
    b, tableau, size = code.b, lanes.program.options.tableau, lanes.program.size
    math = VectorMath(b, lanes.width)
    step = lanes.load(code, lanes.row(code, "step"))
    inverse = b.fdiv(math.constant(1.0), step)
    lanes.store(code, b.fmul(inverse, math.constant(1.0 / tableau.gamma)), lanes.row(code, "shift"))
    code.call(factor, code["work"], code["shared"])
    with code.loop(len(lanes.program.rows), start=size) as i:  # the stages see what only events change
        lanes.store(code, lanes.load(code, lanes.row(code, "states", i)), lanes.row(code, "next", i))
    if combine is not None:
        _looped_stages(code, lanes, step, inverse, (rates, substitute, combine), explicit_time)
    else:
        for stage in range(tableau.stages):
            _stage(code, lanes, math, stage, step, inverse, rates, explicit_time)
            out = lanes.row(code, "stages", stage * lanes.stage_stride)
            code.call(substitute, code["work"], out)
    _judge(code, lanes, math, sizes)
    if grow is None:
        _grow(code, lanes, math)
    else:
        code.call(grow, code["work"])
    return code.finish()


def define_grow(lanes: Lanes) -> Value:
    """Define ``grow(work)``: from the mean square of the error, by how much the next step may differ."""
    code = Code(lanes.module, "grow", [("work", POINTER)])
    _grow(code, lanes, VectorMath(code.b, lanes.width))
    return code.finish()


def _grow(code: Code, lanes: Lanes, math: VectorMath) -> None:
    b, tableau = code.b, lanes.program.options.tableau
    error = lanes.load(code, lanes.row(code, "error"))
    growth = math.exp(b.fmul(math.ln(error), math.constant(-0.5 / tableau.order)))
    growth = b.fmul(growth, math.constant(SAFETY))
    growth = math.apply("min", growth, math.constant(MOST_GROWTH))
    growth = math.apply("max", growth, math.constant(LEAST_GROWTH))
    lanes.store(code, growth, lanes.row(code, "growth"))


def _tables(lanes: Lanes) -> tuple[Value, Value]:
    """Define tables of the weights of earlier stages, a row for each stage."""
    tableau, module = lanes.program.options.tableau, lanes.module
    rows = range(tableau.stages)
    a, c = ([(w[s] + (0.0,) * tableau.stages)[j] for s in rows for j in rows] for w in (tableau.a, tableau.c))
    return module.table("weights", DOUBLE, a), module.table("shares", DOUBLE, c)


def _define_combine(lanes: Lanes) -> Value:
    """Define ``combine(work, stage)`` of one lane: what the stages before give to this one.

    As many states at a time as a vector holds, each with the same operations in the same order as in a
    written-out stage, so that the bits are the same.
    """
    code = Code(lanes.module, "combine", [("work", POINTER), ("stage", INT)])
    b, tableau, size = code.b, lanes.program.options.tableau, lanes.program.size
    a, c = _tables(lanes)
    stage, stride = code["stage"], INT(lanes.stage_stride)
    first = b.mul(stage, INT(tableau.stages))
    stages, own = lanes.row(code, "stages"), lanes.row(code, "stages", b.mul(stage, stride))
    wide, begin = vector_width(), 0
    for width, count in ((wide, size // wide), (1, size % wide)):
        block = Lanes(lanes.program, lanes.module, width)  # for its vectors alone
        math = VectorMath(b, width)
        value, total = code.variable(block.vector), code.variable(block.vector)
        with code.loop(count) as k:
            i = b.add(b.mul(k, INT(width)), INT(begin))
            b.store(block.load(code, code.at(lanes.row(code, "states"), i), align=8), value)
            b.store(math.constant(-0.0), total)  # a product that is added to it keeps its sign
            with code.loop(stage) as j:
                place = b.add(first, j)
                term = block.load(code, code.at(code.at(stages, b.mul(j, stride)), i), align=8)
                for weights, sum_ in ((a, value), (c, total)):
                    weight = block.splat(code, code.get(weights, place))
                    b.store(math.fma(term, weight, b.load(sum_)), sum_)
            block.store(code, b.load(value), code.at(lanes.row(code, "next"), i), align=8)
            block.store(code, b.load(total), code.at(own, i), align=8)
        begin = wide * count
    return code.finish()


def _looped_stages(
    code: Code,
    lanes: Lanes,
    step: Value,
    inverse: Value,
    functions: tuple[Value, Value, Value],
    explicit_time: bool,
) -> None:
    """Make the stages in a loop: less code, for one lane alone."""
    b, tableau, size = code.b, lanes.program.options.tableau, lanes.program.size
    rates, substitute, combine = functions
    math, module = VectorMath(b, 1), lanes.module
    alpha = module.table("alpha", DOUBLE, tableau.alpha) if explicit_time else None
    d = module.table("slope_shares", DOUBLE, tableau.d) if explicit_time else None
    with code.loop(tableau.stages) as stage:
        own = lanes.row(code, "stages", b.mul(stage, INT(lanes.stage_stride)))
        later = b.icmp_signed(">", stage, INT(0))
        with b.if_then(later):
            code.call(combine, code["work"], stage)
            time = lanes.row(code, "stage_time")
            if alpha is not None:
                at = b.load(lanes.row(code, "time"))
                b.store(math.fma(step, code.get(alpha, stage), at), time)
            out = lanes.row(code, "rates")
            code.call(rates, code["work"], code["shared"], lanes.row(code, "next"), time, out)
        with code.loop(size) as i:
            rate = b.load(lanes.row(code, "rates", i))
            value = b.select(later, math.fma(inverse, code.get(own, i), rate), rate)
            if d is not None:
                share = code.get(d, stage)
                more = math.fma(b.fmul(step, share), b.load(lanes.row(code, "in_time", i)), value)
                value = b.select(b.fcmp_ordered("!=", share, DOUBLE(0.0)), more, value)
            code.put(value, own, i)
        code.call(substitute, code["work"], own)


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
        goes_on = tableau.a[stage][:-1] == tableau.a[stage - 1]  # from where the stage before stood
        with code.loop(size) as i:
            value = lanes.load(code, lanes.row(code, "next" if goes_on and stage > 1 else "states", i))
            total = math.constant(0.0)
            for j, (weight, share) in enumerate(zip(tableau.a[stage], tableau.c[stage], strict=True)):
                k = lanes.load(code, lanes.stage(code, j, i))
                if not goes_on or j == stage - 1:
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
    """Finish the step: add the last stage, measure the error of states and derivatives.

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
    lanes.store(code, error, lanes.row(code, "error"))
    lanes.store(code, b.load(below), lanes.row(code, "below"))
