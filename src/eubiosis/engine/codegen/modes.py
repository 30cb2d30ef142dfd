"""What becomes of a lane's modes at a moment: on arrival, after a jump, and when time goes on.

On arrival at a crossing its atom lies on the border: the sign is zero, the cell a whole number. Conditions
that hold there hold at the moment itself, the others (x > 1 where x has just reached 1) only from then on.
What a jump of states or parameters changes is found anew from the values. When time goes on, an atom leaves
its border in the direction of its slope.

With sensitivities, the moment of a crossing moves with the parameters: dT/dp = -(dv/dp) / (dv/dt). On
arrival the derivatives of states become those at the moving moment, s + f dT/dp, with the rates before; when
time goes on they become s - f dT/dp, with the rates after. A jump lies between, at the moving moment.
"""

from __future__ import annotations

import math

from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.switches import CELL, SIGN, Layout
from eubiosis.engine.codegen.times import FUZZ, Curves
from eubiosis.engine.codegen.vector_math import VectorMath

_SAME_MOMENT = 1e-9  # relative: moments of two crossings at once must move alike


class Modes:
    """Emit the changes of modes; a lane keeps them in rows in the order of the layout."""

    def __init__(self, lanes: Lanes, layout: Layout) -> None:
        self.lanes, self.layout, self.program = lanes, layout, lanes.program
        self.parameters = self.program.options.sensitivities
        self.count = len(layout.atoms)
        lanes.reserve("modes", self.count)
        lanes.reserve("seen", self.count)
        lanes.reserve("arrived", self.count)
        lanes.reserve("moment", len(self.parameters))
        nodes = [*layout.values, *layout.slopes]
        if self.parameters:
            gradients = self.program.gradients(layout.values)
            nodes += [self.program.total(gradients[v], p) for p in self.parameters for v in layout.values]
        self.nodes = nodes
        lanes.reserve("sensed", len(nodes))

    def attach(self, driver: Loop, rates: Value, curves: Curves) -> None:
        """Define the functions of the modes."""
        self.driver, self.rates, self.curves = driver, rates, curves
        if not self.count:
            return
        self._sense = self.lanes.evaluate("sense", self.nodes)
        self._arrive = self._define_arrive()
        self._update = self._define_update()
        self._leave = self._define_leave()

    # --- what the loop calls --------------------------------------------------------------------------

    def start(self, code: Code) -> None:
        """Forget the modes of the subject before."""
        with code.loop(self.count) as i:
            self.driver.keep(code, DOUBLE(math.nan), "seen", i)
            self.driver.keep(code, DOUBLE(0.0), "modes", i)
        self._still(code)

    def _still(self, code: Code) -> None:
        for k in range(len(self.parameters)):
            self.driver.keep(code, DOUBLE(0.0), "moment", k)

    def arrive(self, code: Code) -> None:
        """Put atoms that have just reached a border on it."""
        if self.count:
            code.call(self._arrive, code["block"], code["lane"])

    def update(self, code: Code) -> None:
        """Find anew the modes of what has jumped."""
        if self.count:
            code.call(self._update, code["block"], code["lane"])

    def leave(self, code: Code) -> Value:
        """Let atoms leave their borders as time goes on; returns whether any did."""
        if not self.count:
            return code.b.icmp_signed("!=", INT(0), INT(0))
        code.call(self._leave, code["block"], code["lane"])
        return code.b.icmp_signed("!=", self.driver.count(code, "left"), INT(0))

    def go_on(self, code: Code) -> None:
        """Bring derivatives back to a time that does not move."""
        if self.parameters and self.count:
            self._shift(code, backwards=True)
            self._still(code)

    # --- parts ----------------------------------------------------------------------------------------

    def _look(self, code: Code) -> None:
        evaluate(code, self.driver, self._sense, "states", "now", "sensed")

    def _fuzz(self, code: Code) -> Value:
        b = code.b
        size = VectorMath(b, 1).apply("abs", self.driver.near(code, "now"))
        return b.fmul(size, DOUBLE(FUZZ))

    def _near(self, code: Code, distance: Value, slope: Value, fuzz: Value) -> Value:
        """Whether a border is no further than times that count as one."""
        b = code.b
        emit = VectorMath(b, 1)
        room = b.fmul(fuzz, emit.apply("abs", slope))
        return b.fcmp_ordered("<=", emit.apply("abs", distance), room)

    def _kinds(self) -> tuple[tuple[str, int, int], tuple[str, int, int]]:
        return (SIGN, 0, self.layout.signs), (CELL, self.layout.signs, self.count)

    def _define_arrive(self) -> Value:
        code = self.driver.open("arrive")
        b, driver = code.b, self.driver
        emit, zero = VectorMath(b, 1), DOUBLE(0.0)
        self._look(code)
        fuzz = self._fuzz(code)
        for kind, first, end in self._kinds():
            with code.loop(end - first) as k:
                i = b.add(k, INT(first))
                value = driver.near(code, "sensed", i)
                slope = driver.near(code, "sensed", b.add(i, INT(self.count)))
                mode = driver.near(code, "modes", i)
                if kind == SIGN:
                    reached = b.fcmp_ordered("<=", b.fmul(mode, value), zero)
                    touched = b.fcmp_ordered("!=", self.curves.touches(code, i), zero)
                    reached = b.or_(reached, touched)
                    heads = b.fcmp_ordered("<", b.fmul(mode, slope), zero)
                    near = b.and_(self._near(code, value, slope, fuzz), heads)
                    border = zero
                else:
                    low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
                    upper = b.fcmp_ordered(">", slope, zero)
                    ahead = b.select(upper, high, low)
                    over, under = b.fcmp_ordered(">=", value, high), b.fcmp_ordered("<=", value, low)
                    reached = b.or_(over, under)
                    near = self._near(code, b.fsub(ahead, value), slope, fuzz)
                    near = b.and_(near, b.fcmp_ordered("!=", slope, zero))
                    border = b.select(over, high, b.select(under, low, ahead))
                    between = b.fcmp_ordered("!=", low, high)
                    reached, near = b.and_(reached, between), b.and_(near, between)
                put = b.or_(reached, near)
                driver.keep(code, b.select(put, border, mode), "arrived", i)
                driver.keep(code, value, "seen", i)
        if self.parameters:
            self._move(code)
            self._shift(code, backwards=False)
        with code.loop(self.count) as i:
            driver.keep(code, driver.near(code, "arrived", i), "modes", i)
        return code.finish()

    def _define_update(self) -> Value:
        code = self.driver.open("update")
        b, driver = code.b, self.driver
        emit, zero = VectorMath(b, 1), DOUBLE(0.0)
        fuzz = self._fuzz(code)
        with code.loop(self.layout.passes):
            self._look(code)
            for kind, first, end in self._kinds():
                with code.loop(end - first) as k:
                    i = b.add(k, INT(first))
                    value = driver.near(code, "sensed", i)
                    slope = driver.near(code, "sensed", b.add(i, INT(self.count)))
                    same = b.fcmp_ordered("==", value, driver.near(code, "seen", i))
                    if kind == SIGN:
                        sign = b.select(b.fcmp_ordered("<", value, zero), DOUBLE(-1.0), value)
                        sign = b.select(b.fcmp_ordered(">", value, zero), DOUBLE(1.0), sign)
                        on = self._near(code, value, slope, fuzz)
                        new = b.select(on, zero, sign)
                    else:
                        whole = emit.apply("floor", b.fadd(value, DOUBLE(0.5)))
                        on = self._near(code, b.fsub(value, whole), slope, fuzz)
                        new = b.select(on, whole, b.fadd(emit.apply("floor", value), DOUBLE(0.5)))
                    old = driver.near(code, "modes", i)
                    driver.keep(code, b.select(same, old, new), "modes", i)
                    driver.keep(code, value, "seen", i)
        return code.finish()

    def _define_leave(self) -> Value:
        code = self.driver.open("leave")
        b, driver = code.b, self.driver
        emit, zero = VectorMath(b, 1), DOUBLE(0.0)
        self._look(code)
        left = code.variable(INT, INT(0))
        for kind, first, end in self._kinds():
            with code.loop(end - first) as k:
                i = b.add(k, INT(first))
                value = driver.near(code, "sensed", i)
                slope = driver.near(code, "sensed", b.add(i, INT(self.count)))
                mode = driver.near(code, "modes", i)
                up, down = b.fcmp_ordered(">", slope, zero), b.fcmp_ordered("<", slope, zero)
                if kind == SIGN:
                    on = b.fcmp_ordered("==", mode, zero)
                    above, below = b.fcmp_ordered(">", value, zero), b.fcmp_ordered("<", value, zero)
                    resting = b.select(above, DOUBLE(1.0), b.select(below, DOUBLE(-1.0), zero))
                    new = b.select(up, DOUBLE(1.0), b.select(down, DOUBLE(-1.0), resting))
                    side = self.curves.touches(code, i)
                    new = b.select(b.fcmp_ordered("!=", side, zero), side, new)
                else:
                    on = b.fcmp_ordered("==", mode, emit.apply("floor", mode))
                    half = b.select(up, DOUBLE(0.5), b.select(down, DOUBLE(-0.5), zero))
                    new = b.fadd(mode, half)
                changes = b.and_(on, b.fcmp_ordered("!=", new, mode))
                driver.keep(code, b.select(changes, new, mode), "modes", i)
                b.store(b.or_(b.load(left), b.zext(changes, INT)), left)
        driver.set_count(code, b.load(left), "left")
        return code.finish()

    # --- sensitivities --------------------------------------------------------------------------------

    def _move(self, code: Code) -> None:
        """Find how the moment moves with each parameter, from the atom that has reached its border.

        Two at once must move alike; else there is no derivative, and it becomes NaN.
        """
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        self._still(code)
        found = code.variable(INT, INT(0))
        with code.loop(self.count) as i:
            slope = driver.near(code, "sensed", b.add(i, INT(self.count)))
            old_mode, mode = driver.near(code, "modes", i), driver.near(code, "arrived", i)
            crossed = b.fcmp_ordered("!=", old_mode, mode)
            with b.if_then(crossed):
                for p in range(len(self.parameters)):
                    by = driver.near(code, "sensed", b.add(i, INT((2 + p) * self.count)))
                    new = b.fneg(b.fdiv(by, slope))
                    new = b.select(b.fcmp_ordered("==", by, DOUBLE(0.0)), DOUBLE(0.0), new)
                    old = driver.near(code, "moment", p)
                    gap = emit.apply("abs", b.fsub(new, old))
                    sizes = b.fadd(emit.apply("abs", new), emit.apply("abs", old))
                    alike = b.fcmp_ordered("<=", gap, b.fmul(DOUBLE(_SAME_MOMENT), sizes))
                    alike = b.or_(alike, b.icmp_signed("==", b.load(found), INT(0)))
                    driver.keep(code, b.select(alike, new, DOUBLE(math.nan)), "moment", p)
                b.store(INT(1), found)

    def _shift(self, code: Code, *, backwards: bool) -> None:
        """Add the rates times the movement of the moment to the derivatives of states, or take it off."""
        b, driver, count = code.b, self.driver, len(self.program.moving)
        evaluate(code, self.driver, self.rates, "states", "now", "rates")
        for p in range(len(self.parameters)):
            moment = driver.near(code, "moment", p)
            with code.loop(count) as j:
                place = b.add(j, INT(count * (1 + p)))
                change = b.fmul(driver.near(code, "rates", j), moment)
                old = driver.near(code, "states", place)
                new = b.fsub(old, change) if backwards else b.fadd(old, change)
                still = b.fcmp_ordered("==", moment, DOUBLE(0.0))
                driver.keep(code, b.select(still, old, new), "states", place)
