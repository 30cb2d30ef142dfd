"""From LLVM assembly to machine code: the host's vector width, the compiler, and object code kept on disk.

A kept object is used only if it lies in a folder that this user owns and nobody else can write, carries the
key that was asked for, and matches its checksum; otherwise it is compiled anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import platformdirs
from numpy.typing import NDArray

if TYPE_CHECKING:
    from llvmlite.binding import ExecutionEngine, TargetMachine

_LOG = logging.getLogger(__name__)
_FORMAT = "eubiosis kernel 1"
_MOST_KEPT = 256 * 2**20  # bytes
CACHE_VARIABLE = "EUBIOSIS_CACHE_DIR"

Facts = Mapping[str, int]  # whole numbers that a kernel's maker notes about it
Block = Mapping[
    str, "NDArray[np.float64] | NDArray[np.int64] | int"
]  # an argument block: arrays and numbers by slot


@dataclass(frozen=True)
class NativeCode:
    """Loaded machine code; ``facts`` is what its maker noted about it. Freed with this object."""

    facts: Facts
    from_cache: bool
    _engine: ExecutionEngine = field(repr=False)

    def address(self, name: str) -> int:
        """Return the address of a public function."""
        return int(self._engine.get_function_address(name))

    def function(self, name: str, arguments: int = 1) -> Callable[..., None]:
        """Return a public function of so many addresses; calling it releases the interpreter lock."""
        prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)
        return prototype(self.address(name))

    def call(self, name: str, slots: Sequence[str], block: Block) -> None:
        """Call a public function of an argument block: each slot a whole number or an array's address."""
        values = (ctypes.c_int64 * len(slots))()
        for i, slot in enumerate(slots):
            value = block[slot]
            values[i] = value.ctypes.data if isinstance(value, np.ndarray) else int(value)
        self.function(name)(ctypes.addressof(values))


@cache
def host() -> tuple[str, str, str]:
    """Return the triple, processor name and features of this machine."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), features


@cache
def vector_width() -> int:
    """Return how many doubles this machine's vectors hold: 8, 4 or 2."""
    features = set(host()[2].split(","))
    if {"+avx512f", "+avx512dq"} <= features:
        return 8
    return 4 if {"+avx2", "+fma"} <= features else 2


@cache
def kernel_identity() -> str:
    """Return a digest of what decides the bits of a compiled kernel: generator, compiler, processor.

    Two machines with one identity compile the same machine code from the same model.
    """
    import llvmlite

    triple, _, features = host()
    parts = [_FORMAT, llvmlite.__version__, triple, features, str(vector_width()), _generator()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Identity:
    """What stands for a system in names of kept code: a digest of its content, and whether to keep at all."""

    digest: str
    keep: bool = True


def load_or_compile(
    text: str, make: Callable[[], tuple[Sequence[str], Facts]], *, keep: bool = True, quick: bool = False
) -> NativeCode:
    """Return machine code for what ``text`` describes, from the cache or from ``make()``.

    ``text`` says everything the code depends on but this machine, the compiler and the generator, which are
    added here. ``make`` returns modules of LLVM assembly that know one another, and facts that JSON can hold.
    ``keep`` allows the cache, and with ``quick`` the first module is compiled several times as fast, runs
    slower and gives the same bits.
    """

    def compiled() -> tuple[Facts, bytes]:
        modules, facts = make()
        return facts, _packed([_compile(text, quick=quick and not i) for i, text in enumerate(modules)])

    content, from_cache = _kept_or_made(f"{text} quick" if quick else text, compiled, keep=keep)
    return _load(*content, from_cache=from_cache)


def keep_bytes(text: str, make: Callable[[], bytes]) -> bytes:
    """Return the bytes of what ``text`` describes, from the cache or from ``make()``.

    ``text`` says everything that they depend on but this machine, the compiler and the generator, as for
    kernels, beside which they lie.
    """
    (_, content), _ = _kept_or_made(text, lambda: ({}, make()), keep=True)
    return content


def _kept_or_made(
    text: str, make: Callable[[], tuple[Facts, bytes]], *, keep: bool
) -> tuple[tuple[Facts, bytes], bool]:
    """Return what is kept for ``text`` and True, or else what ``make()`` gives, then kept, and False."""
    folder = cache_folder() if keep else None
    if folder is None:
        return make(), False
    key = _key(text)
    file = folder / f"{key}.kernel"
    kept = _read(file, key)
    if kept is not None:
        return kept, True
    made = make()
    _write(file, key, *made)
    return made, False


def cache_folder() -> Path | None:
    """Return the folder for object code, made if it is new; None where it could not be trusted.

    ``EUBIOSIS_CACHE_DIR`` names it; an empty value switches keeping off.

    >>> folder = cache_folder()
    >>> folder is None or folder.is_dir()
    True
    """
    named = os.environ.get(CACHE_VARIABLE)
    if named == "":
        return None
    own = platformdirs.user_cache_path("eubiosis", appauthor=False) / "kernels"
    folder = own if named is None else Path(named)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
    except (OSError, RuntimeError) as problem:
        _LOG.warning("compiled kernels are not kept: %s", problem)
        return None
    if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
        _LOG.warning("compiled kernels are not kept: %s can be written by others", folder)
        return None
    return folder


def _key(text: str) -> str:
    import llvmlite

    triple, processor, features = host()
    parts = [_FORMAT, llvmlite.__version__, triple, processor, features, _generator(), text]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _generator() -> str:
    """Return a digest of the source of the engine, which decides what code is generated."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted([*here.glob("*.py"), *here.parent.glob("*.py")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _read(file: Path, key: str) -> tuple[Facts, bytes] | None:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        _LOG.warning("a kept kernel cannot be read: %s", problem)
        return None
    line, _, machine_code = content.partition(b"\n")
    try:
        header = json.loads(line)
        facts = header["facts"]
        intact = header["key"] == key and header["sha256"] == _checksum(facts, machine_code)
    except (ValueError, KeyError, TypeError, RecursionError):
        intact = False
    if not intact:
        _LOG.warning("a kept kernel is damaged and is compiled anew: %s", file.name)
        return None
    with contextlib.suppress(OSError):  # only the order of pruning depends on it
        os.utime(file)
    return facts, machine_code


def _write(file: Path, key: str, facts: Facts, machine_code: bytes) -> None:
    header = {"key": key, "sha256": _checksum(facts, machine_code), "facts": facts}
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(json.dumps(header).encode() + b"\n" + machine_code)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
        if key.startswith("0"):  # now and then is enough
            _prune(file.parent)
    except OSError as problem:
        _LOG.warning("a compiled kernel could not be kept: %s", problem)


def _checksum(facts: Facts, machine_code: bytes) -> str:
    return hashlib.sha256(json.dumps(facts).encode() + b"\n" + machine_code).hexdigest()


def kept_kernels(folder: Path) -> list[Path]:
    """Return the files of the kernels kept in a folder."""
    return sorted(folder.glob("*.kernel"))


def _prune(folder: Path) -> None:
    """Delete the kernels not used for longest where too many are kept."""
    kept = [(file.stat(), file) for file in kept_kernels(folder)]
    size = sum(state.st_size for state, _ in kept)
    for state, file in sorted(kept, key=lambda pair: pair[0].st_mtime):
        if size <= _MOST_KEPT:
            break
        file.unlink(missing_ok=True)
        size -= state.st_size


@cache
def _machine(level: int) -> TargetMachine:
    return _new_machine(level)


def _new_machine(level: int) -> TargetMachine:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    _, processor, features = host()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(cpu=processor, features=features, opt=level, jit=True)


def _compile(assembly: str, *, quick: bool) -> bytes:
    import llvmlite.binding as llvm

    machine = _machine(0 if quick else 1)
    # vectors as wide as asked for, and a stack on which spilled vectors do not cross cache lines
    bits = 64 * vector_width()
    wide = f'alignstack={bits // 8} "stackrealign" "prefer-vector-width"="{bits}"'
    assembly += f'attributes #0 = {{ {wide} "min-legal-vector-width"="{bits}" }}\n'
    module = llvm.parse_assembly(assembly)
    if quick:
        return bytes(machine.emit_object(module))
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.PipelineTuningOptions(speed_level=1))
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    for function in module.functions:
        # control code profits from variables in registers; straight-line code has none
        if not function.is_declaration and len(list(function.blocks)) > 2:
            passes.run(function, builder)
    return bytes(machine.emit_object(module))


def _packed(parts: Sequence[bytes]) -> bytes:
    """Return object files in one, each after its length."""
    return b"".join(len(part).to_bytes(8, "little") + part for part in parts)


def _unpacked(content: bytes) -> Iterator[bytes]:
    first = 0
    while first < len(content):
        begin = first + 8
        first = begin + int.from_bytes(content[first:begin], "little")
        yield content[begin:first]


def _load(facts: Facts, machine_code: bytes, *, from_cache: bool) -> NativeCode:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _new_machine(1))
    for part in _unpacked(machine_code):
        engine.add_object_file(llvm.ObjectFileRef.from_data(part))
    engine.finalize_object()
    return NativeCode(facts, from_cache, engine)
