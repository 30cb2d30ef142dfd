"""Compile a system to machine code: one function for rates and assigned quantities of many subjects.

The kernel loops over subjects; every array is (quantity x subject), subjects contiguous. Code is emitted
as LLVM IR through llvmlite, without contraction or reassociation, so a subject's numbers depend on
nothing but that subject.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eubiosis.engine.expressions import LOGIC, RELATIONS, TIME, Call, Expression, Number, Symbol
from eubiosis.engine.system import System

Array = NDArray[np.float64]

_INTRINSICS = {
    "exp": "llvm.exp.f64",
    "ln": "llvm.log.f64",
    "log10": "llvm.log10.f64",
    "sqrt": "llvm.sqrt.f64",
    "abs": "llvm.fabs.f64",
    "sin": "llvm.sin.f64",
    "cos": "llvm.cos.f64",
    "floor": "llvm.floor.f64",
    "ceil": "llvm.ceil.f64",
}
_LIBRARY = ("tan", "tanh")
_MAX_UNROLLED_POWER = 16


@dataclass(frozen=True)
class Kernel:
    """Compiled rates and assigned quantities of a system.

    Arrays passed in must be C-contiguous float64. The machine code is freed with the kernel.
    """

    system: System
    state_index: Mapping[str, int]
    parameter_index: Mapping[str, int]
    assigned_index: Mapping[str, int]
    _engine: Any = field(repr=False)
    _rates: Any = field(repr=False)
    _assigned: Any = field(repr=False)

    @cached_property
    def default_parameters(self) -> Array:
        """Parameter values of the file, shape (parameters,)."""
        return np.array([self.system.constants[name] for name in self.system.parameters])

    @cached_property
    def default_states(self) -> Array:
        """Initial values of the file, shape (states,)."""
        return np.array([self.system.initial[name] for name in self.system.states])

    def rates(self, time: float, states: Array, parameters: Array, out: Array) -> None:
        """Write d(states)/dt into ``out``; all shapes (rows, subjects).

        ``parameters`` may have one column for all subjects.
        """
        self._rates(
            states.shape[1],
            time,
            states.ctypes.data,
            parameters.ctypes.data,
            parameters.shape[1],
            int(parameters.shape[1] > 1),
            out.ctypes.data,
        )

    def assigned(self, time: float, states: Array, parameters: Array) -> Array:
        """Return every assigned quantity, shape (assigned, subjects)."""
        states, parameters = np.ascontiguousarray(states), np.ascontiguousarray(parameters)
        out = np.empty((len(self.system.assigned), states.shape[1]))
        self._assigned(
            states.shape[1],
            time,
            states.ctypes.data,
            parameters.ctypes.data,
            parameters.shape[1],
            int(parameters.shape[1] > 1),
            out.ctypes.data,
        )
        return out


def compile_system(system: System) -> Kernel:
    """Compile a system to a ``Kernel`` for this machine."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    emitter = _Emitter(system)
    emitter.function("rates", [system.rates[name] for name in system.states])
    emitter.function("assigned", [Symbol(name) for name in system.assigned])
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2)
    module = llvm.parse_assembly(str(emitter.module))
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.PipelineTuningOptions(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(
        None,
        ctypes.c_int64,
        ctypes.c_double,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_int64,
        ctypes.c_void_p,
    )
    return Kernel(
        system,
        {name: i for i, name in enumerate(system.states)},
        {name: i for i, name in enumerate(system.parameters)},
        {name: i for i, name in enumerate(system.assigned)},
        engine,
        prototype(engine.get_function_address("rates")),
        prototype(engine.get_function_address("assigned")),
    )


class _Emitter:
    """Emit one LLVM function per list of outputs; common subexpressions are computed once."""

    def __init__(self, system: System) -> None:
        from llvmlite import ir

        self.ir = ir
        self.system = system
        self.module = ir.Module(name="system")
        self.double = ir.DoubleType()
        self.int64 = ir.IntType(64)
        self.states = {name: i for i, name in enumerate(system.states)}
        self.parameters = {name: i for i, name in enumerate(system.parameters)}

    def function(self, name: str, outputs: Sequence[Expression]) -> None:
        ir = self.ir
        pointer = self.double.as_pointer()
        kind = ir.FunctionType(
            ir.VoidType(),
            [self.int64, self.double, pointer, pointer, self.int64, self.int64, pointer],
        )
        function = ir.Function(self.module, kind, name=name)
        count, time, states, parameters, columns, step, out = function.args
        for argument in (states, parameters, out):
            argument.add_attribute("noalias")
        entry = function.append_basic_block("entry")
        loop = function.append_basic_block("loop")
        done = function.append_basic_block("done")
        builder = ir.IRBuilder(entry)
        zero = self.int64(0)
        builder.cbranch(builder.icmp_signed("<", zero, count), loop, done)
        builder.position_at_end(loop)
        subject = builder.phi(self.int64)
        subject.add_incoming(zero, entry)
        self.builder = builder
        self.values: dict[Expression, Any] = {Symbol(TIME): time}
        self.load = {
            "state": lambda i: self._load(states, count, i, subject),
            "parameter": lambda i: self._load(parameters, columns, i, builder.mul(subject, step)),
        }
        results = [self._value(expression) for expression in outputs]
        for i, result in enumerate(results):
            builder.store(result, self._address(out, count, i, subject))
        following = builder.add(subject, self.int64(1))
        subject.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
        ir.IRBuilder(done).ret_void()

    def _address(self, base: Any, columns: Any, row: int, column: Any) -> Any:
        offset = self.builder.add(self.builder.mul(columns, self.int64(row)), column)
        return self.builder.gep(base, [offset])

    def _load(self, base: Any, columns: Any, row: int, column: Any) -> Any:
        return self.builder.load(self._address(base, columns, row, column))

    def _value(self, expression: Expression) -> Any:
        if expression not in self.values:
            self.values[expression] = self._emit(expression)
        return self.values[expression]

    def _emit(self, expression: Expression) -> Any:
        if isinstance(expression, Number):
            return self.double(expression.value)
        if isinstance(expression, Symbol):
            name = expression.name
            if name in self.states:
                return self.load["state"](self.states[name])
            if name in self.parameters:
                return self.load["parameter"](self.parameters[name])
            return self._value(self.system.rules[name])
        return self._call(expression)

    def _call(self, call: Call) -> Any:
        b, op = self.builder, call.op
        if op in RELATIONS or op in LOGIC:
            return b.uitofp(self._condition(call), self.double)
        if op == "piecewise":
            result = self._value(call.arguments[-1])
            pairs = call.arguments[:-1]
            for value, condition in reversed(list(zip(pairs[::2], pairs[1::2], strict=True))):
                result = b.select(self._condition(condition), self._value(value), result)
            return result
        if op == "^":
            return self._power(*call.arguments)
        values = [self._value(argument) for argument in call.arguments]
        if op in ("+", "*"):
            total = values[0]
            for value in values[1:]:
                total = b.fadd(total, value) if op == "+" else b.fmul(total, value)
            return total
        if op == "neg":
            return b.fneg(values[0])
        if op == "-":
            return b.fsub(*values)
        if op == "/":
            return b.fdiv(*values)
        if op in ("min", "max"):
            total = values[0]
            for value in values[1:]:
                keep = b.fcmp_ordered("<" if op == "min" else ">", total, value)
                total = b.select(keep, total, value)
            return total
        name = _INTRINSICS.get(op, op)
        if op not in _INTRINSICS and op not in _LIBRARY:
            message = f"no code for operator {op}"
            raise ValueError(message)
        return b.call(self._external(name, 1), values)

    def _power(self, base: Expression, exponent: Expression) -> Any:
        b = self.builder
        value = self._value(base)
        if isinstance(exponent, Number) and exponent.value == round(exponent.value):
            power = int(exponent.value)
            if power == 0:
                return self.double(1.0)
            if abs(power) <= _MAX_UNROLLED_POWER:
                total = value
                for _ in range(abs(power) - 1):
                    total = b.fmul(total, value)
                return total if power > 0 else b.fdiv(self.double(1.0), total)
        return b.call(self._external("llvm.pow.f64", 2), [value, self._value(exponent)])

    def _condition(self, expression: Expression) -> Any:
        b = self.builder
        if isinstance(expression, Call) and expression.op in RELATIONS:
            left, right = (self._value(a) for a in expression.arguments)
            if expression.op == "!=":
                return b.fcmp_unordered("!=", left, right)
            return b.fcmp_ordered(expression.op, left, right)
        if isinstance(expression, Call) and expression.op in LOGIC:
            terms = [self._condition(a) for a in expression.arguments]
            if expression.op == "not":
                return b.not_(terms[0])
            combine = {"and": b.and_, "or": b.or_, "xor": b.xor}[expression.op]
            total = terms[0]
            for term in terms[1:]:
                total = combine(total, term)
            return total
        return b.fcmp_unordered("!=", self._value(expression), self.double(0.0))

    def _external(self, name: str, arguments: int) -> Any:
        existing = self.module.globals.get(name)
        if existing is not None:
            return existing
        kind = self.ir.FunctionType(self.double, [self.double] * arguments)
        return self.ir.Function(self.module, kind, name=name)
