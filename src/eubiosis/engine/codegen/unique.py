"""Starts from which more than one course leads on, such as y = 0 under y' = sqrt(y).

A state at zero is in doubt where some rate has an infinite slope by it, as a root has at zero, and where it
and everything that it depends on, that rate included, stand still: then nothing moves, and yet a change
however small of the state would grow. That is asked of the rates themselves: a change of 1e-300 must be
answered by a rate so large that no smooth system could give it.
"""

from __future__ import annotations

from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.program import Program

_CHANGE, _ANSWER = 1e-300, 1e-280


class Doubts:
    """The states of a program that can be in doubt: for each the rates to ask, and what must stand still."""

    def __init__(self, program: Program, jacobian: dict[tuple[int, int], int]) -> None:
        count = len(program.moving)
        needs: dict[int, set[int]] = {i: set() for i in range(count)}
        for i, j in jacobian:
            if i < count and j < count:
                needs[i].add(j)
        self.states: dict[int, tuple[list[int], list[int]]] = {}
        for j in sorted({j for i, j in program.singular if i < count and j < count}):
            rest = _reached(j, needs)
            asked = sorted(i for i, k in program.singular if k == j and i in rest)
            if asked:
                self.states[j] = (asked, sorted(rest))

    def define(self, driver: Loop, rates: Value) -> Value:
        """Define the test of a lane's states; it sets ``failed`` to 3 where more than one course leads on."""
        code = driver.open("doubt")
        b = code.b
        for j, (asked, rest) in self.states.items():
            at_zero = b.fcmp_ordered("==", driver.near(code, "states", j), DOUBLE(0.0))
            with b.if_then(at_zero):
                evaluate(code, driver, rates, "states", "now", "rates")
                still = at_zero
                for i in rest:
                    zero = b.fcmp_ordered("==", driver.near(code, "rates", i), DOUBLE(0.0))
                    still = b.and_(still, zero)
                with b.if_then(still):
                    driver.keep(code, DOUBLE(_CHANGE), "states", j)
                    evaluate(code, driver, rates, "states", "now", "rates")
                    driver.keep(code, DOUBLE(0.0), "states", j)
                    for i in asked:
                        grows = b.fcmp_ordered(">", driver.near(code, "rates", i), DOUBLE(_ANSWER))
                        with b.if_then(grows):
                            driver.set_count(code, 3, "failed")
        return code.finish()


def _reached(start: int, needs: dict[int, set[int]]) -> set[int]:
    found, stack = set(), [start]
    while stack:
        j = stack.pop()
        if j not in found:
            found.add(j)
            stack.extend(needs[j])
    return found
