"""Vector functions of a program: rates, factors, substitution and one Rosenbrock step for all lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.emit import LONGEST, LONGEST_QUICK, EmitPlan, Kept, VectorEmitter
from eubiosis.engine.codegen.graph import LEAVES, Node
from eubiosis.engine.codegen.ir import Module, Type, Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, POINTER, Code
from eubiosis.engine.codegen.program import Program

STAGE_ARGUMENTS = (
    ("work", POINTER),
    ("shared", POINTER),
    ("y", POINTER),
    ("time", POINTER),
    ("out", POINTER),
)

Place = tuple[str, int]  # a region and a row
Arguments = tuple[tuple[str, Type], ...]


class Lanes:
    """The workspace of ``width`` lanes and the vector functions on it.

    Rows, each ``width`` doubles: states, next states, rates, time derivatives of the rates, stage vectors,
    factors, parameters, prepared values, and single rows for time, step and so on.
    """

    def __init__(self, program: Program, module: Module, width: int) -> None:
        self.program, self.module, self.width = program, module, width
        self.rows: dict[str, int] = {}
        self.count = 0
        self.vector: Type = ir.VectorType(DOUBLE, width) if width > 1 else DOUBLE
        self._prepared: dict[Node, tuple[str, int]] = {}
        self.mode_place: Mapping[int, int] = {}  # rows of the modes
        self.stage_stride = 0  # rows from one stage's vector to the next
        self.pivots: tuple[int, ...] = ()  # rows of the factors that hold reciprocal pivots

    def reserve(self, name: str, rows: int = 1) -> None:
        """Give a region of the workspace a name."""
        self.rows[name] = self.count
        self.count += rows

    # --- addresses ------------------------------------------------------------------------------------

    def row(self, code: Code, name: str, index: Value | int = 0) -> Value:
        """Return the address of a row of a region, as a pointer to its first double."""
        return self.row_from(code, code["work"], name, index)

    def row_from(self, code: Code, start: Value, name: str, index: Value | int = 0) -> Value:
        """Return the address of a row, from that of the first one or of a place in it."""
        first = self.rows[name]
        if isinstance(index, int):
            return code.at(start, (first + index) * self.width)
        # in this order the address of the region is a constant beside an index that others share
        return code.at(code.at(start, self._times_width(code, index)), first * self.width)

    def _times_width(self, code: Code, index: Value) -> Value:
        return index if self.width == 1 else code.b.mul(index, INT(self.width))

    def stage(self, code: Code, stage: int, index: Value) -> Value:
        """Return the address of a row of the vector of one stage."""
        start = code.at(code["work"], self._times_width(code, index))
        return code.at(start, (self.rows["stages"] + stage * self.stage_stride) * self.width)

    def load(self, code: Code, address: Value, align: int | None = None) -> Value:
        """Load a whole row, which begins at a multiple of its length or of ``align`` bytes."""
        return code.b.load(code.b.bitcast(address, self.vector.as_pointer()), align or 8 * self.width)

    def store(self, code: Code, value: Value, address: Value, align: int | None = None) -> None:
        """Store a whole row, which begins at a multiple of its length or of ``align`` bytes."""
        code.b.store(value, code.b.bitcast(address, self.vector.as_pointer()), align or 8 * self.width)

    def splat(self, code: Code, scalar: Value) -> Value:
        """Return a vector with one scalar in every lane."""
        if self.width == 1:
            return scalar
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = code.b.insert_element(undefined, scalar, ir.IntType(32)(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return code.b.shuffle_vector(single, undefined, mask)

    # --- straight-line functions ----------------------------------------------------------------------

    def straight(self, name: str, outputs: Sequence[tuple[Node, Place]], arguments: Arguments) -> Value:
        """Define a function that computes nodes and writes each to its place; returns it.

        A place is a region and a row, or "out" and a row behind that argument. States and the time are those
        behind the arguments ``y`` and ``time``, or where there are none the lane's own. Long code goes to
        several functions, which leave to later ones what these need.
        """
        longest = LONGEST_QUICK if self.program.options.quick else LONGEST
        plan = EmitPlan(self.program.graph, [node for node, _ in outputs], self._prepared, longest)
        carried = f"{name} carried"
        self.reserve(carried, len(plan.carried))
        homes = dict(self._prepared)
        functions = []
        for number, part in enumerate(plan.parts):
            own = name if len(plan.parts) == 1 else f"{name}.{number}"
            code = Code(self.module, own, arguments)
            self._part(code, plan, part, outputs, carried, homes)
            functions.append(code.finish())
        if len(functions) == 1:
            return functions[0]
        code = Code(self.module, name, arguments)
        for function in functions:
            code.call(function, *(code[argument] for argument, _ in arguments))
        return code.finish()

    def _part(
        self,
        code: Code,
        plan: EmitPlan,
        part: Sequence[int],
        outputs: Sequence[tuple[Node, Place]],
        carried: str,
        homes: dict[Node, Place],
    ) -> None:
        """Emit a run of a plan; ``homes`` says which values lie where by now."""
        kept = Kept(homes, lambda node: self.load(code, self._place(code, homes[node])))
        emitter = VectorEmitter(plan, code.b, self.width, self._leaf(code), kept)

        def keep(node: Node, place: Place) -> None:
            self.store(code, emitter.value(node), self._place(code, place))
            if node not in homes and self.program.graph.operation[node] not in LEAVES:
                homes[node] = place

        for item in part:
            if item < 0:
                keep(*outputs[~item])
                continue
            emitter.make(item)
            if item in plan.carried:
                keep(item, (carried, plan.carried[item]))

    def emitter(self, code: Code) -> VectorEmitter:
        """Return an emitter that computes what it is asked for, and before it what that needs."""
        prepared = self._prepared
        kept = Kept(prepared, lambda node: self.load(code, self._place(code, prepared[node])))
        plan = EmitPlan(self.program.graph, (), self._prepared)
        return VectorEmitter(plan, code.b, self.width, self._leaf(code), kept)

    def _place(self, code: Code, place: Place) -> Value:
        region, row = place
        if region == "out":
            return code.at(code["out"], row * self.width)
        return self.row(code, region, row)

    def _leaf(self, code: Code) -> Callable[[str, int], Value]:
        """Return what emits the load of a leaf."""

        def load(kind: str, index: int) -> Value:
            if kind == "state":
                if "y" in code.arguments:
                    return self.load(code, code.at(code["y"], index * self.width))
                return self.load(code, self.row(code, "states", index))
            if kind == "time":
                return self.load(code, code["time"] if "time" in code.arguments else self.row(code, "time"))
            if kind == "mode":
                return self.load(code, self.row(code, "modes", self.mode_place[index]))
            if kind in ("withheld", "moment"):
                return self.load(code, self.row(code, kind, index))
            if kind == "held" or (kind == "input" and index):
                return self.load(code, self.row(code, "driven", index - 1))
            if kind == "input":
                return self.load(code, self.row(code, "shift"))
            return self.load(code, self.row(code, "parameters", index))

        return load

    def prepare(self, roots: Sequence[Node], *, held: bool = False) -> Value:
        """Define the function that computes what is fixed while parameters are; returns it.

        With ``held`` it computes what is fixed while held parameters are, and is named ``prepare_held``;
        what needs none of them must have been prepared before.
        """
        depends = self.program.graph.depends(("held",))
        nodes = [node for node in self.program.preparable(roots) if depends[node] == held]
        name, region = ("prepare_held", "prepared_held") if held else ("prepare", "prepared")
        self.reserve(region, len(nodes))
        places = {node: (region, row) for row, node in enumerate(nodes)}
        function = self.straight(name, [*places.items()], STAGE_ARGUMENTS[:2])
        self._prepared |= places
        return function

    def evaluate(self, name: str, roots: Sequence[Node]) -> Value:
        """Define ``name(work, shared, y, time, out)``, which writes one row for each root."""
        outputs = [(root, ("out", row)) for row, root in enumerate(roots)]
        return self.straight(name, outputs, STAGE_ARGUMENTS)
