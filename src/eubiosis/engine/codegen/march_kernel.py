"""The kernel of explicit runs: machine code of their loop, and what its argument block holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eubiosis.engine.codegen.kernels import aligned
from eubiosis.engine.codegen.march import MARCH_SLOTS, march_module
from eubiosis.engine.codegen.native import Block, Facts, Identity, NativeCode, load_or_compile, vector_width
from eubiosis.engine.codegen.program import Options, Program
from eubiosis.engine.system import System


@dataclass(frozen=True)
class MarchKernel:
    """Machine code of the explicit loop for one system, its driven parameters and what it observes."""

    program: Program
    code: NativeCode
    width: int

    def run(self, block: Block) -> None:
        """Run the loop until no group of subjects is left."""
        work = aligned(int(self.code.facts["rows"]) * self.width)
        self.code.call("march", MARCH_SLOTS, {**block, "work": work})


def march_kernel(
    system: System, options: Options, observed: tuple[str, ...], identity: Identity
) -> MarchKernel:
    """Return the explicit kernel, compiled or kept."""
    for event in system.events:
        message = f"event {event.id}: explicit runs take no SBML events"
        raise ValueError(message)
    width = vector_width()
    program = Program(system, options)

    def make() -> tuple[Sequence[str], Facts]:
        lanes = march_module(program, width, observed)
        return lanes.module.texts(), {"rows": lanes.count}

    text = f"march {width} {options} {observed} {identity.digest}"
    code = load_or_compile(text, make, keep=identity.keep, quick=options.quick)
    return MarchKernel(program, code, width)
