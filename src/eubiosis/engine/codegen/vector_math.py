"""Elementary functions on vectors of doubles, as LLVM instructions without branches or calls.

Every lane takes the same instructions, so a value depends on its argument alone and not on the width or the
company. The polynomials are the Taylor series of exp about 0 and of ln((1 + s) / (1 - s)) / s in s squared,
cut where the next term is below half a unit in the last place. Argument reduction follows Cody and Waite
(1980), *Software Manual for the Elementary Functions*, chapters 6 and 5. Measured against correctly rounded
values: exp within 1.1 and ln within 0.9 units in the last place; x^y within 1.1 + 2 |y ln x|.
"""

from __future__ import annotations

import math
import struct

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.ir import FunctionType, IRBuilder, Value
from eubiosis.engine.codegen.native import vector_width

_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # ln 2 to 33 bits: k x high is exact
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LOG2_E = 1.0 / math.log(2.0)
_ROUNDER = 1.5 * 2.0**52  # adding it rounds to a whole number and leaves that number in the low bits
_EXP_TERMS = 14  # up to r^13 / 13! with |r| <= ln(2) / 2
_LN_TERMS = 11  # up to z^11 with z <= 0.0295
_LARGEST, _SMALLEST = math.log(1.7976931348623157e308), -707.5
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # sqrt(1 / 2)
_SUBNORMAL = 2.2250738585072014e-308
_LIBRARY = (
    *("sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("asin", "acos", "atan", "asinh", "acosh", "atanh"),
)


class VectorMath:
    """Emit functions of vectors of ``width`` doubles with an LLVM builder."""

    def __init__(self, builder: IRBuilder, width: int) -> None:
        self.builder, self.width = builder, width
        self.double = ir.DoubleType()
        self.vector = ir.VectorType(self.double, width) if width > 1 else self.double
        integer = ir.IntType(64)
        self.integers = ir.VectorType(integer, width) if width > 1 else integer

    def constant(self, value: float) -> Value:
        """Return a vector with ``value`` in every lane."""
        return ir.Constant(self.vector, [value] * self.width if self.width > 1 else value)

    def whole(self, value: int) -> Value:
        """Return a vector of 64-bit integers with ``value`` in every lane."""
        return ir.Constant(self.integers, [value] * self.width if self.width > 1 else value)

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """Call an LLVM intrinsic such as ``fma`` on whole vectors."""
        suffix = f"v{self.width}f64" if self.width > 1 else "f64"
        kind = ir.FunctionType(self.vector, [self.vector] * len(arguments))
        return self.builder.call(self._declared(f"llvm.{name}.{suffix}", kind), arguments)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """Return a b + c, rounded once."""
        return self.intrinsic("fma", a, b, c)

    def reciprocal(self, x: Value) -> Value:
        """Return 1 / x, within one unit in the last place.

        Vectors of eight begin with the machine's estimate of 14 bits and take two Newton steps: twice as
        fast as its division. Where a step has no meaning, at zero and infinity, the estimate is the answer.
        One division for a group of denominators was no faster than this, and can overflow. Single numbers
        on a machine with such vectors go the same way, so that they come out the same.
        """
        b, one = self.builder, self.constant(1.0)
        if self.width not in (1, 8) or vector_width() != 8:
            return b.fdiv(one, x)
        flags = ir.IntType(8)
        if self.width == 1:
            pair, index = ir.VectorType(self.double, 2), ir.IntType(32)(0)
            kind = ir.FunctionType(pair, [pair, pair, pair, flags])
            estimate = self._declared("llvm.x86.avx512.rcp14.sd", kind)
            none = ir.Constant(pair, 0.0)
            own = b.insert_element(none, x, index)
            first = b.extract_element(b.call(estimate, [none, own, none, flags(255)]), index)
        else:
            kind = ir.FunctionType(self.vector, [self.vector, self.vector, flags])
            estimate = self._declared("llvm.x86.avx512.rcp14.pd.512", kind)
            first = b.call(estimate, [x, self.constant(0.0), flags(255)])
        minus = b.fneg(x)
        second = self.fma(first, self.fma(minus, first, one), first)
        third = self.fma(second, self.fma(minus, second, one), second)
        return b.select(b.fcmp_unordered("uno", third, third), first, third)

    def horner(self, x: Value, coefficients: list[float]) -> Value:
        """Return the polynomial with these coefficients, lowest first."""
        total = self.constant(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            total = self.fma(total, x, self.constant(coefficient))
        return total

    def exp(self, x: Value) -> Value:
        """Return e^x; below -707.5 the result is zero."""
        b = self.builder
        shifted = self.fma(x, self.constant(_LOG2_E), self.constant(_ROUNDER))
        k = b.fsub(shifted, self.constant(_ROUNDER))
        r = self.fma(k, self.constant(-_LN2_HIGH), x)
        r = self.fma(k, self.constant(-_LN2_LOW), r)
        terms = [1.0 / math.factorial(n) for n in range(2, _EXP_TERMS)]
        square = b.fmul(r, r)
        even, odd = self.horner(square, terms[0::2]), self.horner(square, terms[1::2])
        beyond = self.fma(square, self.fma(odd, r, even), r)  # e^r - 1, so that 1 is rounded last
        value = b.fadd(self.constant(1.0), beyond)
        power = b.sub(b.bitcast(shifted, self.integers), self.whole(_bits(_ROUNDER) - 1022))
        scale = b.bitcast(b.shl(power, self.whole(52)), self.vector)  # 2^(k - 1)
        value = b.fmul(b.fadd(value, value), scale)
        value = b.select(b.fcmp_ordered("<", x, self.constant(_SMALLEST)), self.constant(0.0), value)
        return b.select(b.fcmp_ordered(">", x, self.constant(_LARGEST)), self.constant(math.inf), value)

    def ln(self, x: Value) -> Value:
        """Return the natural logarithm; minus infinity at zero and NaN below."""
        b = self.builder
        tiny = b.fcmp_ordered("<", x, self.constant(_SUBNORMAL))
        normal = b.select(tiny, b.fmul(x, self.constant(2.0**54)), x)
        bits = b.bitcast(normal, self.integers)
        power = b.ashr(b.sub(bits, self.whole(_ROOT_HALF_BITS)), self.whole(52))
        mantissa = b.bitcast(b.sub(bits, b.shl(power, self.whole(52))), self.vector)
        k = b.fsub(b.bitcast(b.add(power, self.whole(_bits(_ROUNDER))), self.vector), self.constant(_ROUNDER))
        k = b.select(tiny, b.fsub(k, self.constant(54.0)), k)
        f = b.fsub(mantissa, self.constant(1.0))
        s = b.fdiv(f, b.fadd(f, self.constant(2.0)))
        z = b.fmul(s, s)
        series = b.fmul(z, self.horner(z, [2.0 / (2 * n + 3) for n in range(_LN_TERMS)]))
        half_square = b.fmul(b.fmul(self.constant(0.5), f), f)
        tail = self.fma(s, b.fadd(half_square, series), b.fmul(k, self.constant(_LN2_LOW)))
        value = self.fma(k, self.constant(_LN2_HIGH), b.fsub(f, b.fsub(half_square, tail)))
        value = b.select(b.fcmp_ordered("==", x, self.constant(0.0)), self.constant(-math.inf), value)
        value = b.select(b.fcmp_ordered("<", x, self.constant(0.0)), self.constant(math.nan), value)
        endless = b.fcmp_unordered("==", x, self.constant(math.inf))  # infinity, or NaN
        return b.select(endless, x, value)

    def power(self, x: Value, y: Value) -> Value:
        """Return x^y; NaN for a negative base with a fractional exponent, 1 for y = 0."""
        b = self.builder
        value = self.exp(b.fmul(y, self.ln(self.intrinsic("fabs", x))))
        half = b.fmul(y, self.constant(0.5))
        odd = b.fcmp_unordered("!=", self.intrinsic("floor", half), half)
        signed = b.select(odd, b.fneg(value), value)
        fractional = b.fcmp_unordered("!=", self.intrinsic("floor", y), y)
        signed = b.select(fractional, self.constant(math.nan), signed)
        value = b.select(b.fcmp_ordered("<", x, self.constant(0.0)), signed, value)
        return b.select(b.fcmp_ordered("==", y, self.constant(0.0)), self.constant(1.0), value)

    def call(self, name: str, *arguments: Value) -> Value:
        """Call a function of the C library on each lane in turn."""
        kind = ir.FunctionType(self.double, [self.double] * len(arguments))
        function = self._declared(name, kind)
        if self.width == 1:
            return self.builder.call(function, arguments)
        result = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.width):
            index = ir.IntType(32)(lane)
            own = [self.builder.extract_element(a, index) for a in arguments]
            result = self.builder.insert_element(result, self.builder.call(function, own), index)
        return result

    def apply(self, op: str, *arguments: Value) -> Value:
        """Return any operation on doubles that is not arithmetic, by its name in expression trees."""
        b = self.builder
        if op in ("exp", "ln"):
            return self.exp(*arguments) if op == "exp" else self.ln(*arguments)
        if op == "log10":
            return b.fmul(self.ln(*arguments), self.constant(1.0 / math.log(10.0)))
        if op == "^":
            return self.power(*arguments)
        if op in ("sqrt", "floor", "ceil"):
            return self.intrinsic(op, *arguments)
        if op == "abs":
            return self.intrinsic("fabs", *arguments)
        if op in ("min", "max"):
            keep = b.fcmp_ordered("<" if op == "min" else ">", *arguments)
            either = b.fcmp_unordered("uno", *arguments)
            result = b.select(keep, *arguments)
            return b.select(either, b.fadd(*arguments), result)
        if op == "divide":
            return b.fdiv(*arguments)
        if op == "finite":
            endless = b.fcmp_unordered("!=", b.fsub(*arguments, *arguments), self.constant(0.0))
            return b.select(endless, self.constant(0.0), *arguments)
        if op == "quotient":
            return self.intrinsic("trunc", b.fdiv(*arguments))
        if op == "rem":
            return self.call("fmod", *arguments)
        if op == "factorial":
            return self.call("tgamma", b.fadd(arguments[0], self.constant(1.0)))
        if op in _LIBRARY:
            return self.call(op, *arguments)
        message = f"no code for operator {op}"
        raise ValueError(message)

    def _declared(self, name: str, kind: FunctionType) -> Value:
        module = self.builder.function.module
        existing = module.globals.get(name)
        return existing if existing is not None else ir.Function(module, kind, name=name)


def _bits(value: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", value))[0])
