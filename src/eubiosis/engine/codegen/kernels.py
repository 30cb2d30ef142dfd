"""Assemble the kernels of a system: the solver's loop, and the evaluation of quantities over many columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.driver import LANE, Driver
from eubiosis.engine.codegen.elimination import Elimination
from eubiosis.engine.codegen.emit import EmitPlan, Kept, VectorEmitter
from eubiosis.engine.codegen.explicit import define_explicit_step
from eubiosis.engine.codegen.ir import Module, Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, INT_POINTER, POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import SLOTS
from eubiosis.engine.codegen.native import Block, Facts, Identity, NativeCode, load_or_compile, vector_width
from eubiosis.engine.codegen.pair import Pair
from eubiosis.engine.codegen.program import Options, Program
from eubiosis.engine.codegen.rosenbrock import define_grow, define_step, reserve_step
from eubiosis.engine.codegen.sizes import Sizes
from eubiosis.engine.codegen.steady_loop import STEADY_LANE, SteadyLoop
from eubiosis.engine.codegen.unique import Doubts
from eubiosis.engine.codegen.watch import Watch
from eubiosis.engine.system import Array, System


@dataclass(frozen=True)
class LoopKernel:
    """Machine code of a loop over lanes for one system and one set of options.

    ``entry`` is its public function and ``counts`` how many whole numbers it keeps for each lane.
    """

    program: Program
    code: NativeCode
    width: int
    entry: str
    counts: int

    def run(self, block: Block) -> None:
        """Run the loop on an argument block until no subject is left; arrays are passed by address."""
        work = aligned(int(self.code.facts["rows"]) * self.width)
        lanes = np.zeros(self.counts * self.width, dtype=np.int64)
        self.code.call(self.entry, SLOTS, {**block, "work": work, "lanes": lanes})


def aligned(count: int, *, boundary: int = 64) -> Array:
    """Return ``count`` zeros that start on a boundary of so many bytes."""
    raw = np.zeros(count + boundary // 8)
    shift = (-raw.ctypes.data // 8) % (boundary // 8)
    return raw[shift : shift + count]


def solver_kernel(system: System, options: Options, identity: Identity) -> LoopKernel:
    """Return the solver's kernel, compiled or kept; ``identity`` stands for the system's content."""
    width = 1 if options.alone else vector_width()
    program = Program(system, options, switching=True)

    def make() -> tuple[Sequence[str], Facts]:
        lanes = _solver_module(program, width)
        return lanes.module.texts(), {"rows": lanes.count}

    text = f"solver {width} {options} {identity.digest}"
    code = load_or_compile(text, make, keep=identity.keep, quick=options.quick)
    return LoopKernel(program, code, width, "solve", len(LANE))


def steady_kernel(system: System, options: Options, identity: Identity) -> LoopKernel:
    """Return the kernel that finds steady states, compiled or kept."""
    width = 1 if options.alone else vector_width()
    program = Program(system, options)

    def make() -> tuple[Sequence[str], Facts]:
        lanes = Lanes(program, ir.Module(name="steady"), width)
        reserve_step(lanes)
        jacobian, in_time = program.jacobian()
        prepare = lanes.prepare([*program.rates, *jacobian.values()])
        solve = Elimination(lanes, jacobian, in_time)
        SteadyLoop(lanes, prepare, solve.factor, solve.substitute).define()
        return lanes.module.texts(), {"rows": lanes.count}

    text = f"steady {width} {options} {identity.digest}"
    code = load_or_compile(text, make, keep=identity.keep, quick=options.quick)
    return LoopKernel(program, code, width, "steady", len(STEADY_LANE))


def _solver_module(program: Program, width: int) -> Lanes:
    lanes = Lanes(program, ir.Module(name="solver"), width)
    reserve_step(lanes)
    watch, sizes = Watch(lanes), Sizes(lanes)
    jacobian, in_time = program.jacobian()
    pair = Pair(lanes, jacobian)
    prepare = lanes.prepare([*program.rates, *jacobian.values(), *in_time.values(), *watch.roots])
    solve = Elimination(lanes, jacobian, in_time)
    rates = lanes.evaluate("rates", program.rates)
    grow = define_grow(lanes) if pair.present else None
    step = define_step(lanes, rates, solve.factor, solve.substitute, solve.explicit_time, sizes, grow)
    steps = [step]
    if grow is not None:
        steps.append(define_explicit_step(lanes, rates, grow, sizes, timed=solve.explicit_time))
    driver = Driver(lanes, steps, rates, prepare, watch, Doubts(lanes, jacobian), sizes, pair)
    sizes.attach(driver, rates, solve.factor, solve.substitute)
    driver.define()
    return lanes


@dataclass(frozen=True)
class ColumnKernel:
    """Machine code that evaluates some quantities for many columns at once.

    ``rows`` names the states and parameters that come as rows of columns; other parameters are scalars.
    """

    code: NativeCode
    width: int
    rows: tuple[str, ...]

    def run(
        self, times: Array, given: Array, parameters: Array, out: Array, *, parameter_columns: bool = False
    ) -> None:
        """Evaluate into ``out`` (subjects, outputs, columns); all arrays are contiguous.

        ``given`` (subjects, rows, columns) holds the rows and ``times`` (1,) or (columns,) the time.
        ``parameters`` in the order of the system: (1, parameters) or (subjects, parameters), or with
        ``parameter_columns`` (1, parameters, columns).
        """
        subjects, _, columns = out.shape
        whole = (columns // self.width) * self.width
        # shared values are loaded as vectors of which one lane is used: give the last one room
        times = np.concatenate((np.atleast_1d(times), np.zeros(self.width)))
        padded = np.concatenate((parameters.ravel(), np.zeros(self.width)))
        size = parameters.shape[1]
        numbers = {
            "subjects": subjects,
            "columns": columns,
            "time_step": int(len(times) - self.width > 1),
            "given_stride": given.shape[1] * columns,
            "out_stride": out.shape[1] * columns,
            "stride": size if len(parameters) > 1 else 0,
            "row": columns if parameter_columns else 1,
            "step": int(parameter_columns),
        }
        arrays = {"times": times, "given": given, "parameters": padded, "out": out}
        for name, first, end in (("wide", 0, whole), ("narrow", whole, columns)):
            self.code.call(name, _COLUMN_SLOTS, {**arrays, **numbers, "first": first, "end": end})


_COLUMN_ARRAYS = ("times", "given", "parameters", "out")
_COLUMN_SLOTS = (
    *_COLUMN_ARRAYS,
    *("subjects", "columns", "time_step", "given_stride", "out_stride"),
    *("stride", "row", "step", "first", "end"),
)


def column_kernel(
    system: System,
    outputs: Sequence[str],
    given: Sequence[str],
    identity: Identity,
    *,
    rates: bool = False,
    sensitivities: tuple[str, ...] = (),
    quick: bool = False,
) -> ColumnKernel:
    """Return a kernel that evaluates named quantities, or with ``rates`` the rates of the named states.

    With ``sensitivities`` it evaluates the derivatives of each quantity by these parameters. ``given`` names
    what comes in rows: every state (or derivative) that is needed, and parameters that change in a run.
    """
    width = vector_width()

    def make() -> tuple[Sequence[str], Facts]:
        program = Program(system, Options(sensitivities=sensitivities))
        module = ir.Module(name="columns")
        if sensitivities:
            nodes = [program.sensitivity(n, p) for n in outputs for p in sensitivities]
        elif rates:
            nodes = [program.build(system.rates[n]) for n in outputs]
        else:
            nodes = [program.names[n] for n in outputs]
        rows = {program.names[n]: row for row, n in enumerate(given) if n in program.names}
        for name, lanes in (("wide", width), ("narrow", 1)):
            _column_function(program, module, name, lanes, nodes, rows)
        return module.texts(), {}

    text = f"columns {width} {rates} {sensitivities} {tuple(outputs)} {tuple(given)} {identity.digest}"
    code = load_or_compile(text, make, keep=identity.keep, quick=quick)
    return ColumnKernel(code, width, tuple(given))


def linear_kernel(system: System, identity: Identity) -> tuple[ColumnKernel, tuple[tuple[int, int], ...]]:
    """Return a kernel that evaluates rates and their derivatives by the states, from all states.

    Its outputs are the rates of the moving states and then, for each place (i, j) that is returned, the
    derivative of the i-th of these rates by the j-th moving state; other derivatives are zero.
    """
    width = vector_width()
    program = Program(system, Options())
    matrix, _ = program.jacobian()
    places = tuple(sorted(matrix))

    def make() -> tuple[Sequence[str], Facts]:
        module = ir.Module(name="linear")
        nodes = [*program.rates, *(matrix[place] for place in places)]
        rows = {program.names[n]: row for row, n in enumerate(system.states)}
        for name, lanes in (("wide", width), ("narrow", 1)):
            _column_function(program, module, name, lanes, nodes, rows)
        return module.texts(), {}

    text = f"linear {width} {identity.digest}"
    code = load_or_compile(text, make, keep=identity.keep, quick=True)
    return ColumnKernel(code, width, system.states), places


def needed_rows(system: System, outputs: Sequence[str], by: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the states, and derivatives of states, that quantities and their derivatives depend on."""
    program = Program(system, Options(sensitivities=by))
    nodes = [program.names[name] for name in outputs]
    nodes += [program.sensitivity(name, p) for name in outputs for p in by]
    found = set(program.graph.needed(nodes))
    rows = dict.fromkeys([*system.states, *(name for name in program.rows if name in program.names)])
    return tuple(name for name in rows if program.names[name] in found)


def _column_function(
    program: Program, module: Module, name: str, width: int, nodes: Sequence[int], rows: dict[int, int]
) -> None:
    code = Code(module, name, [("block", INT_POINTER)], public=True)
    b = code.b
    slots: dict[str, Value] = {}
    for i, slot in enumerate(_COLUMN_SLOTS):
        raw = code.get(code["block"], i)
        slots[slot] = b.inttoptr(raw, POINTER) if slot in _COLUMN_ARRAYS else raw
    blocks = b.udiv(b.sub(slots["end"], slots["first"]), INT(width))
    with code.loop(slots["subjects"]) as subject, code.loop(blocks) as k:
        column = b.add(slots["first"], b.mul(k, INT(width)))
        access = _ColumnAccess(code, slots, width, subject, column)

        def load(kind: str, index: int, access: _ColumnAccess = access) -> Value:
            if kind == "time":
                return access.strided("times", INT(0), slots["time_step"])
            if kind != "parameter":
                message = f"{program.rows[index]} is needed but not among the rows given"
                raise ValueError(message)
            start = b.add(b.mul(subject, slots["stride"]), b.mul(INT(index), slots["row"]))
            return access.strided("parameters", start, slots["step"])

        kept = Kept(rows, access.loader("given", "given_stride", rows))
        plan = EmitPlan(program.graph, nodes, rows)
        emitter = VectorEmitter(plan, b, width, load, kept)
        for item in plan.items:
            if item >= 0:
                emitter.make(item)
            else:
                access.store(emitter.value(nodes[~item]), ~item)
    code.finish()


class _ColumnAccess:
    """Loads and stores of one block of columns of one subject."""

    def __init__(
        self, code: Code, slots: dict[str, Value], width: int, subject: Value, column: Value
    ) -> None:
        self.ir, self.code, self.slots, self.width = ir, code, slots, width
        self.subject, self.column = subject, column
        self.vector = ir.VectorType(DOUBLE, width) if width > 1 else DOUBLE

    def _address(self, base: str, stride: str, row: int) -> Value:
        b, slots = self.code.b, self.slots
        first = b.add(b.mul(self.subject, slots[stride]), b.mul(INT(row), slots["columns"]))
        return self.code.at(slots[base], b.add(first, self.column))

    def _whole(self, address: Value) -> Value:
        return self.code.b.bitcast(address, self.vector.as_pointer())

    def row(self, base: str, stride: str, row: int) -> Value:
        """Load a row's values of these columns."""
        return self.code.b.load(self._whole(self._address(base, stride, row)), align=8)

    def loader(self, base: str, stride: str, rows: dict[int, int]) -> Callable[[int], Value]:
        """Return what emits the load of a node's row."""
        return lambda node: self.row(base, stride, rows[node])

    def store(self, value: Value, row: int) -> None:
        """Store a row of results."""
        self.code.b.store(value, self._whole(self._address("out", "out_stride", row)), align=8)

    def strided(self, base: str, start: Value, step: Value) -> Value:
        """Load values that are one for all columns (step 0) or one for each (step 1)."""
        b, ir = self.code.b, self.ir
        address = self.code.at(self.slots[base], b.add(start, b.mul(step, self.column)))
        if self.width == 1:
            return b.load(address)
        wide = b.load(self._whole(address), align=8)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        same = b.shuffle_vector(wide, ir.Constant(self.vector, ir.Undefined), zeros)
        return b.select(b.icmp_signed("==", step, INT(0)), same, wide)
