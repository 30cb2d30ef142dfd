"""The dense output: states between the ends of a step."""

from __future__ import annotations

from collections.abc import Callable

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.tableaus import Explicit, Tableau
from eubiosis.engine.codegen.vector_math import VectorMath


def interpolate(emit: VectorMath, tableau: Tableau, x: Value, load: Callable[[str, int], Value]) -> Value:
    """Return the dense output at ``x`` of a step; ``load(region, order)`` gives a row's values."""
    b = emit.builder
    rest = b.fsub(emit.constant(1.0), x)
    inner = load("dense", len(tableau.dense) - 1)
    for order in reversed(range(len(tableau.dense) - 1)):
        inner = emit.fma(x, inner, load("dense", order))
    end = emit.fma(rest, inner, load("next", 0))
    return emit.fma(x, end, b.fmul(rest, load("states", 0)))


def dense_rows(
    code: Code,
    lanes: Lanes,
    rows: Value | None,
    count: Value,
    *,
    shown: bool = False,
    method: Tableau | Explicit,
) -> None:
    """Compute the dense output's vectors of some rows (``rows`` None: all), for all lanes.

    ``method`` made the step. With ``shown`` their values at each lane's ``shown_time`` too.
    """
    b, program = code.b, lanes.program
    size, tableau = program.size, method
    emit = VectorMath(b, lanes.width)
    with code.loop(count) as i:
        row = code.get(rows, i) if rows is not None else i
        if shown:  # what no step moves
            lanes.store(code, lanes.load(code, lanes.row(code, "states", row)), lanes.row(code, "shown", row))
        with b.if_then(b.icmp_signed("<", row, INT(size))):
            stages = [lanes.load(code, lanes.stage(code, s, row)) for s in range(tableau.stages)]
            vectors = []
            for order, weights in enumerate(tableau.dense):
                total = b.fmul(stages[0], emit.constant(weights[0]))
                for k, weight in zip(stages[1:], weights[1:], strict=False):
                    total = emit.fma(k, emit.constant(weight), total) if weight else total
                if isinstance(method, Explicit):
                    total = b.fmul(total, lanes.load(code, lanes.row(code, "step")))
                place = b.add(row, INT(order * len(program.rows)))
                lanes.store(code, total, lanes.row(code, "dense", place))
                vectors.append(total)
            if shown:
                time, now, step = (
                    lanes.load(code, lanes.row(code, n)) for n in ("shown_time", "now", "step")
                )
                ends = {name: lanes.load(code, lanes.row(code, name, row)) for name in ("next", "states")}

                def load(region: str, order: int) -> Value:
                    return vectors[order] if region == "dense" else ends[region]

                value = interpolate(emit, program.options.tableau, b.fdiv(b.fsub(time, now), step), load)
                lanes.store(code, value, lanes.row(code, "shown", row))
