"""Starts from which more than one course leads on, such as y = 0 under y' = sqrt(y).

A state at zero is in doubt where a rate that it depends on has an infinite slope by it, as a root has, and
where it and that rate stay zero while everything else moves on: then zero for ever is one course, and
yet a change however small of the state would grow. That is asked of the rates themselves: a change of
1e-300 must be answered by a rate so large that no smooth system could give it, and not be taken back as fast.
"""

from __future__ import annotations

from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.vector_math import VectorMath

_CHANGE, _ANSWER = 1e-300, 1e-280
_SOON = 2.0**-40  # relative to the time
_STRIDES, _STRIDE = 8, 1e-6  # explicit steps that show what moves, of the time that is left


class Doubts:
    """The pairs that can be in doubt: a rate, and the state by which its slope may be infinite."""

    def __init__(self, lanes: Lanes, jacobian: dict[tuple[int, int], int]) -> None:
        program = lanes.program
        self.lanes, self.count = lanes, len(program.moving)
        needs: dict[int, set[int]] = {i: set() for i in range(self.count)}
        for i, j in jacobian:
            if i < self.count and j < self.count:
                needs[i].add(j)
        singular = sorted((j, i) for i, j in program.singular if i < self.count and j < self.count)
        known: dict[int, set[int]] = {}
        self.pairs = [(j, i) for j, i in singular if i in _reached(j, needs, known)]
        self.roots = sorted({j for j, _ in singular})  # states by which some slope may be infinite
        if self.pairs:
            lanes.reserve("moved", self.count)
            lanes.reserve("onward", len(program.rows))
            lanes.reserve("onward_time")

    def define(self, driver: Loop, rates: Value) -> Value:
        """Define the test of a lane's states; it sets ``failed`` to 3 where more than one course leads on."""
        self.driver, self.rates = driver, rates
        code = driver.open("doubt")
        b = code.b
        columns = self.lanes.module.table("doubted_state", INT, [j for j, _ in self.pairs])
        rows = self.lanes.module.table("doubted_rate", INT, [i for _, i in self.pairs])
        zero = DOUBLE(0.0)
        some = code.variable(INT, INT(0))
        with code.loop(len(self.pairs)) as k:
            empty = b.fcmp_ordered("==", driver.near(code, "states", code.get(columns, k)), zero)
            b.store(b.or_(b.load(some), b.zext(empty, INT)), some)
        with b.if_then(b.icmp_signed("!=", b.load(some), INT(0))):
            self._screen(code, columns, rows, some)
        with b.if_then(b.icmp_signed("!=", b.load(some), INT(0))):
            self._move_on(code)
            with code.loop(len(self.pairs)) as k:
                j, i = code.get(columns, k), code.get(rows, k)
                doubtful = b.fcmp_ordered("==", driver.near(code, "states", j), zero)
                for place in (j, i):
                    still = b.fcmp_ordered("==", driver.near(code, "moved", place), zero)
                    doubtful = b.and_(doubtful, still)
                with b.if_then(doubtful):
                    driver.keep(code, DOUBLE(_CHANGE), "states", j)
                    evaluate(code, driver, rates, "states", "now", "rates")
                    driver.keep(code, zero, "states", j)
                    grows = b.fcmp_ordered(">", driver.near(code, "rates", i), DOUBLE(_ANSWER))
                    lasts = b.fcmp_ordered(">=", driver.near(code, "rates", j), DOUBLE(-_ANSWER))
                    grows = b.and_(grows, lasts)
                    with b.if_then(grows):
                        driver.set_count(code, 3, "failed")
        return code.finish()

    def _screen(self, code: Code, columns: Value, rows: Value, some: Value) -> None:
        """Change all states in doubt at once, each a little differently: mostly nothing answers."""
        b, driver, zero = code.b, self.driver, DOUBLE(0.0)
        evaluate(code, driver, self.rates, "states", "now", "rates")
        with code.loop(self.count) as i:
            driver.keep(code, driver.near(code, "rates", i), "moved", i)
        with code.loop(len(self.lanes.program.rows)) as i:
            driver.keep(code, driver.near(code, "states", i), "onward", i)
        with code.loop(len(self.pairs)) as k:
            j = code.get(columns, k)
            change = b.fmul(b.fadd(b.uitofp(j, zero.type), DOUBLE(2.7)), DOUBLE(_CHANGE))
            state = driver.near(code, "states", j)
            empty = b.fcmp_ordered("==", state, zero)
            driver.keep(code, b.select(empty, change, state), "onward", j)
        evaluate(code, driver, self.rates, "onward", "now", "rates")
        b.store(INT(0), some)
        with code.loop(len(self.pairs)) as k:
            j, i = code.get(columns, k), code.get(rows, k)
            answer = VectorMath(b, 1).apply("abs", driver.near(code, "rates", i))
            answers = b.fcmp_unordered(">", answer, DOUBLE(_ANSWER))
            for region, place in (("states", j), ("moved", j), ("moved", i)):
                answers = b.and_(answers, b.fcmp_ordered("==", driver.near(code, region, place), zero))
            b.store(b.or_(b.load(some), b.zext(answers, INT)), some)

    def define_drain(self, driver: Loop, rates: Value) -> Value:
        """Define what sets states to zero that a root is about to empty; ``drained`` counts them.

        Such a state reaches zero in finite time, after which the root is undefined to the steps that try to
        pass it. One that will be empty sooner than the time can tell is so now.
        """
        code = driver.open("drain")
        b, size = code.b, len(self.lanes.program.judged)
        columns = self.lanes.module.table("root_state", INT, self.roots)
        now = VectorMath(b, 1).apply("abs", driver.near(code, "now"))
        soon, drained = b.fmul(now, DOUBLE(-_SOON)), code.variable(INT, INT(0))
        evaluate(code, driver, rates, "states", "now", "rates")
        with code.loop(len(self.roots)) as k:
            j = code.get(columns, k)
            state = driver.near(code, "states", j)
            empties = b.fcmp_ordered(">=", b.fmul(driver.near(code, "rates", j), soon), state)
            empties = b.and_(empties, b.fcmp_ordered(">", state, DOUBLE(0.0)))
            with b.if_then(empties):
                b.store(b.add(b.load(drained), INT(1)), drained)
                for first in range(0, size, self.count):  # the state, and its derivatives by parameters
                    driver.keep(code, DOUBLE(0.0), "states", b.add(j, INT(first)))
        driver.set_count(code, b.load(drained), "drained")
        return code.finish()

    def _move_on(self, code: Code) -> None:
        """Follow the course for a moment, coarsely, and note which rates do not stay zero."""
        b, driver = code.b, self.driver
        now = driver.near(code, "now")
        times = driver.slot(code, "times")
        final = code.get(times, b.sub(driver.slot(code, "times_count"), INT(1)))
        stride = b.fmul(b.fsub(final, now), DOUBLE(_STRIDE))
        with code.loop(len(self.lanes.program.rows)) as i:
            driver.keep(code, driver.near(code, "states", i), "onward", i)
        with code.loop(self.count) as i:
            driver.keep(code, DOUBLE(0.0), "moved", i)
        driver.keep(code, now, "onward_time")
        with code.loop(_STRIDES):
            evaluate(code, driver, self.rates, "onward", "onward_time", "rates")
            with code.loop(self.count) as i:
                rate = driver.near(code, "rates", i)
                moves = b.fcmp_unordered("!=", rate, DOUBLE(0.0))
                driver.keep(code, b.select(moves, DOUBLE(1.0), driver.near(code, "moved", i)), "moved", i)
                state = driver.near(code, "onward", i)
                driver.keep(code, b.fadd(state, b.fmul(stride, rate)), "onward", i)
            driver.keep(code, b.fadd(driver.near(code, "onward_time"), stride), "onward_time")


def _reached(start: int, needs: dict[int, set[int]], known: dict[int, set[int]]) -> set[int]:
    """Return what a state depends on, directly or not, itself included."""
    if start not in known:
        found, stack = set(), [start]
        while stack:
            j = stack.pop()
            if j not in found:
                found.add(j)
                stack.extend(needs[j])
        known[start] = found
    return known[start]
