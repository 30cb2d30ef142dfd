"""Call a vector function of the workspace from the loop."""

from __future__ import annotations

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import Code
from eubiosis.engine.codegen.loop import Loop


def evaluate(code: Code, loop: Loop, function: Value, states: str, time: str, out: str) -> None:
    """Call a function on the states and times of two regions; it writes to a third, for all lanes."""
    lanes = loop.lanes
    code.call(
        function,
        code["work"],
        loop.slot(code, "shared"),
        lanes.row(code, states),
        lanes.row(code, time),
        lanes.row(code, out),
    )
