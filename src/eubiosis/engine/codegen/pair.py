"""Which of two methods a lane's next step is made with: the Rosenbrock method, or an explicit one.

A Rosenbrock step costs a matrix and its factors. Where these are many, an explicit step costs a small part
of it, and where the system is not stiff it is about as long. A model has both methods if a Rosenbrock step
costs so many explicit ones that this pays, which is counted in operations and never measured by a clock. Each
subject decides for itself, from its own numbers alone: explicit steps are worth while as long as the step at
which they become unstable, times the ratio of the costs, is longer than a Rosenbrock step.
"""

from __future__ import annotations

import math

from eubiosis.engine.codegen.emit import weight
from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.graph import LEAVES, MOVING, Node
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.program import Program
from eubiosis.engine.codegen.sparse import Filled
from eubiosis.engine.codegen.tableaus import RODAS5P, TSIT5
from eubiosis.engine.codegen.vector_math import VectorMath

ROSENBROCK, EXPLICIT = range(2)
PAIR_LANE = ("method", "turn", "flags", "since", "wait")
PAIR_ROWS = ("pace", "fastest", "stiffness", "active")
_WORTH = 3.0  # explicit steps that a Rosenbrock step must cost
_STABLE = 3.0  # step times the fastest rate at which explicit steps stay stable, about
_STIFF = 2.0  # the same that counts as near it, whatever the direction in the complex plane
_AT_FIRST, _LATER = 3.0, 0.5  # of that limit: to try costs little at first, to change must pay
_MOST_FLAGS, _MOST_REFUSED = 6, 3
_DRIFT = 1.1  # of the Rosenbrock step that is expected, for each step that stability holds short
_FIRST_WAIT, _LAST_WAIT = 32, 1024  # steps until the other method is thought of again
_ROUNDS, _SHIFT = 4, 2.0**-20  # of the power iteration; its change of the states, relative
_SMALL = 1e-3  # of the largest state: the least size of one in the power iteration


def cost_ratio(program: Program, jacobian: dict[tuple[int, int], Node], filled: Filled) -> float:
    """Return how many explicit steps a Rosenbrock step costs, in operations.

    Counted on the states alone: what else is asked for must not decide. A multiply-add of the elimination
    counts more than one of straight-line code, since it loads and stores.
    """
    graph, count = program.graph, len(program.moving)
    moves = graph.depends(MOVING)

    def operations(nodes: list[Node]) -> float:
        return sum(weight(graph.operation[n]) for n in nodes if moves[n] and graph.operation[n] not in LEAVES)

    rates = graph.needed(program.rates[:count])
    slopes = [node for (i, j), node in jacobian.items() if i < count and j < count]
    size = max(count, 1)
    own = range(count)
    fused = sum(len(filled.upper[j]) for k in own for j in filled.lower[k])
    entries = sum(len(filled.lower[k]) + len(filled.upper[k]) + 1 for k in own)
    evaluation = operations(rates)
    matrix = operations(graph.needed(slopes, rates)) + 2.0 * fused + 9.0 * size
    stages, explicit = RODAS5P.stages, TSIT5.stages
    implicit = matrix + stages * (evaluation + 2.0 * entries + 1.5 * stages * size)
    return implicit / (explicit * (evaluation + 1.5 * explicit * size))


class Pair:
    """Emit the choice between two methods; without ``present`` there is one, and its parts are empty."""

    def __init__(self, lanes: Lanes, jacobian: dict[tuple[int, int], Node]) -> None:
        self.lanes, self.program = lanes, lanes.program
        options = self.program.options
        able = options.tableau is RODAS5P and not options.sensitivities and not self.program.singular
        self.ratio = 0.0
        if able and self.program.moving:
            _, filled = self.program.matrix(jacobian)
            self.ratio = cost_ratio(self.program, jacobian, filled)
        self.present = self.ratio >= _WORTH
        if self.present:
            for name in PAIR_ROWS:
                lanes.reserve(name)
            lanes.reserve("direction", len(self.program.moving))
            lanes.reserve("still", len(self.program.moving))

    def attach(self, driver: Loop, rates: Value) -> None:
        """Define the functions of the choice."""
        self.driver, self.rates = driver, rates
        if self.present:
            self.measure = self._define_measure()
            self.choose = self._define_choose()
            self.reconsider = self._define_reconsider()

    # --- what the loop calls --------------------------------------------------------------------------

    def start(self, code: Code) -> None:
        """Choose a new subject's method."""
        if self.present:
            code.call(self.choose, code["block"], code["lane"])

    def accepted(self, code: Code) -> None:
        """Think of the other method after a good step."""
        if self.present:
            code.call(self.reconsider, code["block"], code["lane"])

    def refused(self, code: Code, in_a_row: Value) -> Value:
        """Go back to the Rosenbrock method after refusals; returns the number of those that were its own."""
        if not self.present:
            return in_a_row
        b, driver = code.b, self.driver
        explicit = b.icmp_signed("==", driver.count(code, "turn"), INT(EXPLICIT))
        back = b.and_(explicit, b.icmp_signed(">=", in_a_row, INT(_MOST_REFUSED)))
        method = driver.count(code, "method")
        driver.set_count(code, b.select(back, INT(ROSENBROCK), method), "method")
        return b.select(explicit, INT(0), in_a_row)

    # --- parts ----------------------------------------------------------------------------------------

    def _limit(self) -> float:
        """Return the fastest rate times the Rosenbrock step up to which explicit steps cost less."""
        return _STABLE * self.ratio

    def _define_choose(self) -> Value:
        """Define the first choice: by the steps that a course of this tolerance is expected to take."""
        driver = self.driver
        code = driver.open("choose_method")
        b, block = code.b, code["block"]
        times, tolerances = driver.slot(code, "times"), driver.slot(code, "tolerances")
        final = code.get(times, b.sub(driver.slot(code, "times_count"), INT(1)))
        span = b.fsub(final, driver.near(code, "now"))
        expected = code.get(tolerances, 1 + 2 * self.program.size)
        driver.keep(code, b.fdiv(span, expected), "pace")
        code.call(self.measure, block, code["lane"])
        self._decide(code, _AT_FIRST * self._limit())
        for name, value in (("flags", 0), ("since", 0), ("wait", _FIRST_WAIT)):
            driver.set_count(code, value, name)
        return code.finish()

    def _decide(self, code: Code, limit: float) -> None:
        b, driver = code.b, self.driver
        reach = b.fmul(driver.near(code, "fastest"), driver.near(code, "pace"))
        explicit = b.fcmp_ordered("<", reach, DOUBLE(limit))
        driver.set_count(code, b.select(explicit, INT(EXPLICIT), INT(ROSENBROCK)), "method")

    def _define_reconsider(self) -> Value:
        """Define the second thoughts: of an explicit step that stability holds short, and now and then."""
        driver = self.driver
        code = driver.open("reconsider")
        b, step = code.b, driver.near(code, "step")
        explicit = b.icmp_signed("==", driver.count(code, "turn"), INT(EXPLICIT))
        with b.if_else(explicit) as (one, other):
            with one:
                dear = b.fcmp_ordered("<", b.fmul(step, DOUBLE(self.ratio)), driver.near(code, "pace"))
                held = b.fcmp_ordered(">", driver.near(code, "stiffness"), DOUBLE(_STIFF))
                pace = driver.near(code, "pace")  # the other method may have longer steps by now
                driver.keep(code, b.select(held, b.fmul(pace, DOUBLE(_DRIFT)), pace), "pace")
                flags = driver.count(code, "flags")
                fewer = b.select(b.icmp_signed(">", flags, INT(0)), b.sub(flags, INT(1)), INT(0))
                flags = b.select(b.and_(dear, held), b.add(flags, INT(1)), fewer)
                back = b.icmp_signed(">=", flags, INT(_MOST_FLAGS))
                driver.set_count(code, b.select(back, INT(0), flags), "flags")
                driver.set_count(code, b.select(back, INT(ROSENBROCK), INT(EXPLICIT)), "method")
            with other:
                cut = b.icmp_signed("!=", driver.count(code, "last"), INT(0))
                driver.keep(code, b.select(cut, driver.near(code, "pace"), step), "pace")
                since = b.add(driver.count(code, "since"), INT(1))
                driver.set_count(code, since, "since")
                wait = driver.count(code, "wait")
                with b.if_then(b.icmp_signed(">=", since, wait)):
                    driver.set_count(code, 0, "since")
                    double = b.add(wait, wait)
                    longest = b.icmp_signed(">", double, INT(_LAST_WAIT))
                    driver.set_count(code, b.select(longest, INT(_LAST_WAIT), double), "wait")
                    code.call(self.measure, code["block"], code["lane"])
                    self._decide(code, _LATER * self._limit())
        return code.finish()

    def _define_measure(self) -> Value:
        """Define the measurement of the fastest rate: a power iteration with differences of the rates.

        Its start is a change of all states that knows no direction. The result is at most the largest
        size of an eigenvalue of the Jacobian, about.
        """
        driver, count = self.driver, len(self.program.moving)
        code = driver.open("measure_fastest")
        b, scalar = code.b, VectorMath(code.b, 1)
        least = self._least_size(code, scalar)
        norm = code.variable(DOUBLE, self._first_direction(code, scalar, least))
        driver.keep(code, DOUBLE(0.0), "fastest")
        rounds = code.variable(INT, INT(0))
        square = code.variable(DOUBLE)
        with code.repeat() as done:
            go_on = b.fcmp_ordered(">", b.load(norm), DOUBLE(0.0))
            code.leave_if(b.not_(b.and_(go_on, b.icmp_signed("<", b.load(rounds), INT(_ROUNDS)))), done)
            b.store(b.add(b.load(rounds), INT(1)), rounds)
            share = b.fdiv(DOUBLE(_SHIFT * math.sqrt(count)), b.load(norm))
            with code.loop(count) as i:
                own = driver.near(code, "direction", i)
                driver.keep(code, scalar.fma(share, own, driver.near(code, "states", i)), "next", i)
            evaluate(code, driver, self.rates, "next", "time", "rates")
            b.store(DOUBLE(0.0), square)
            with code.loop(count) as i:
                change = b.fdiv(b.fsub(driver.near(code, "rates", i), driver.near(code, "still", i)), share)
                driver.keep(code, change, "direction", i)
                own = b.fdiv(change, self._size(code, scalar, i, least))
                b.store(scalar.fma(own, own, b.load(square)), square)
            size = scalar.apply("sqrt", b.load(square))
            driver.keep(code, b.fdiv(size, b.load(norm)), "fastest")
            b.store(size, norm)
        return code.finish()

    def _least_size(self, code: Code, scalar: VectorMath) -> Value:
        """Return the least size that a state counts with: a part of the largest, or one."""
        b = code.b
        largest = code.variable(DOUBLE, DOUBLE(0.0))
        with code.loop(len(self.program.moving)) as i:
            size = scalar.apply("abs", self.driver.near(code, "states", i))
            b.store(scalar.apply("max", size, b.load(largest)), largest)
        least = b.fmul(b.load(largest), DOUBLE(_SMALL))
        return b.select(b.fcmp_ordered(">", least, DOUBLE(0.0)), least, DOUBLE(1.0))

    def _size(self, code: Code, scalar: VectorMath, i: Value, least: Value) -> Value:
        size = scalar.apply("abs", self.driver.near(code, "states", i))
        return code.b.select(code.b.fcmp_ordered(">", size, least), size, least)

    def _first_direction(self, code: Code, scalar: VectorMath, least: Value) -> Value:
        """Keep the rates as they are and the first direction; returns its size, in units of the states'."""
        b, driver, count = code.b, self.driver, len(self.program.moving)
        evaluate(code, driver, self.rates, "states", "time", "rates")
        with code.loop(len(self.program.rows), start=count) as i:
            driver.keep(code, driver.near(code, "states", i), "next", i)
        square = code.variable(DOUBLE, DOUBLE(0.0))
        with code.loop(count) as i:
            driver.keep(code, driver.near(code, "rates", i), "still", i)
            pattern = b.fsub(b.uitofp(b.urem(i, INT(7)), DOUBLE(0).type), DOUBLE(2.7))
            driver.keep(code, b.fmul(pattern, self._size(code, scalar, i, least)), "direction", i)
            b.store(scalar.fma(pattern, pattern, b.load(square)), square)
        return scalar.apply("sqrt", b.load(square))
