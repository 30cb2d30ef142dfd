"""The limit of the machine: fused multiply-adds a core can do, and operations counted in generated code.

The peak is measured, not read from a data sheet: a loop of independent vector multiply-adds (or divisions,
which have a unit of their own and take many times as long), enough of them to hide the latency, on the widest
vectors that the processor names.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections import Counter
from statistics import median
from typing import Any

_CHAINS = 16  # independent accumulators: latency 4 x two units, and room to spare
_LOOPS = 4_000_000
_WEIGHTS = {"fadd": 1, "fsub": 1, "fmul": 1, "fdiv": 1, "fneg": 0, "fma": 2, "fmuladd": 2, "sqrt": 1}


def lanes() -> int:
    """Return how many doubles the widest vector of this processor holds."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


def peak_gflops(width: int | None = None, rounds: int = 5) -> float:
    """Measure the peak of one core: 10^9 floating-point operations a second, a multiply-add being two."""
    width = width or lanes()
    return 2.0 * width * _CHAINS / _loop_seconds("fma", width, rounds) / 1e9


def peak_divisions(width: int | None = None, rounds: int = 5) -> float:
    """Measure the divisions that one core can do, in 10^9 a second."""
    width = width or lanes()
    return width * _CHAINS / _loop_seconds("fdiv", width, rounds) / 1e9


def _loop_seconds(operation: str, width: int, rounds: int) -> float:
    """Return the median time of one turn of the loop: ``_CHAINS`` vector operations."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    module = llvm.parse_assembly(_kernel(operation, width))
    engine: Any = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64, ctypes.c_double)(
        engine.get_function_address("chains")
    )
    turns = _LOOPS if operation == "fma" else _LOOPS // 20
    function(turns // 10, 1.0 + 1e-9)
    seconds = []
    for _ in range(rounds):
        begin = time.thread_time()
        function(turns, 1.0 + 1e-9)
        seconds.append((time.thread_time() - begin) / turns)
    return float(median(seconds))


def _kernel(operation: str, width: int) -> str:
    vector = f"<{width} x double>"
    fma = f"@llvm.fma.v{width}f64"
    splat = f"shufflevector {vector} %seed, {vector} poison, <{width} x i32> zeroinitializer"
    lines = [
        f"declare {vector} {fma}({vector}, {vector}, {vector})",
        "define double @chains(i64 %count, double %x) {",
        "entry:",
        f"  %seed = insertelement {vector} poison, double %x, i32 0",
        f"  %a = {splat}",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
    ]
    lines += [f"  %p{k} = phi {vector} [ %a, %entry ], [ %q{k}, %loop ]" for k in range(_CHAINS)]
    for k in range(_CHAINS):
        product = f"call {vector} {fma}({vector} %p{k}, {vector} %a, {vector} %a)"
        lines.append(f"  %q{k} = {product if operation == 'fma' else f'fdiv {vector} %p{k}, %a'}")
    lines += ["  %next = add i64 %i, 1", "  %more = icmp slt i64 %next, %count"]
    lines += ["  br i1 %more, label %loop, label %end", "end:"]
    total = "%q0"
    for k in range(1, _CHAINS):
        lines.append(f"  %s{k} = fadd {vector} {total}, %q{k}")
        total = f"%s{k}"
    lines += [f"  %r = extractelement {vector} {total}, i32 0", "  ret double %r", "}", ""]
    return "\n".join(lines)


_OPERATION = re.compile(r"=\s*(?:tail\s+)?(fadd|fsub|fmul|fdiv|fneg)\b[^<\n]*?(?:<(\d+) x double>|double)")
_CALL = re.compile(r"call\b[^@\n]*?(?:<(\d+) x double>|double)[^@\n]*@\"?(?:llvm\.)?([A-Za-z_0-9]+)")
_FUNCTION = re.compile(r"^define\b[^@\n]*@\"?([^\"(]+)\"?\(.*?^}", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^\"?([A-Za-z0-9_.]+)\"?:", re.MULTILINE)


def operations(text: str, turns: int) -> dict[str, Counter[str]]:
    """Count the floating-point operations in every function of LLVM text.

    A block called "loop" counts ``turns`` times, a vector operation once for each lane. Comparisons and
    selections are not counted. Functions from outside are listed under their own name and not turned into
    operations; ``flops`` weighs the rest.
    """
    counts = {}
    for match in _FUNCTION.finditer(text):
        own: Counter[str] = Counter()
        _, *parts = _BLOCK.split(match.group(0))
        for label, body in zip(parts[::2], parts[1::2], strict=True):
            often = turns if label.startswith("loop") else 1
            for name, width in _OPERATION.findall(body):
                own[name] += often * int(width or 1)
            for width, name in _CALL.findall(body):
                own[name] += often * int(width or 1)
        counts[match.group(1)] = own
    return counts


def flops(counts: Counter[str]) -> int:
    """Return additions, multiplications and divisions as operations; a fused multiply-add is two."""
    return sum(_WEIGHTS.get(name, 0) * count for name, count in counts.items())
