"""The loop that brings each lane's subject to a steady state: damped Newton, or pseudo-transient steps.

One iteration solves (1 / d - J) move = rates for all lanes. With d endless this is Newton's method: a move
that does not lower the residual is shortened. With d finite it is an implicit Euler step of length d, which
follows the system's own course; d grows as the residual falls (switched evolution relaxation, Kelley and
Keyes 1998, SIAM Journal on Numerical Analysis 35:508) until the last steps are Newton's. Where J is singular,
as with conserved sums, Newton's method has no answer of its own and pseudo-transient steps are taken at once.
"""

from __future__ import annotations

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import NEGATIVE, NON_FINITE, OK, STEP_LIMIT, Loop
from eubiosis.engine.codegen.vector_math import VectorMath

STEADY_LANE = ("subject", "steps", "rejected", "transient", "judged")
_ROWS = ("residual", "residual_was", "move", "length", "damping", "singular")
_FIRST, _LONGEST, _SHORTEST = 1e-2, 1e14, 1e-12  # pseudo-time steps, in units of the slowest time given
_LEAST_DAMPING = 1.0 / 256
_NEWTON_LIKE = 10.0
_LEAST_PIVOT, _LEAST_RATIO = (
    1e-10,
    1e-11,
)  # of a matrix that counts as regular: in 1 / time, and to the largest


class SteadyLoop(Loop):
    """Emit the functions of the steady-state loop."""

    def __init__(self, lanes: Lanes, prepare: Value, factor: Value, substitute: Value) -> None:
        super().__init__(lanes, prepare, STEADY_LANE, _ROWS)
        self.factor, self.substitute = factor, substitute
        lanes.reserve("old", len(self.program.rows))

    def define(self) -> None:
        """Define the public function ``steady(block)`` and everything it calls.

        Of the block, ``record_count`` says whether to begin with Newton (1) or not (0), and ``out`` holds the
        first pseudo-time step.
        """
        self.advance = self._advance()
        self.load_lane = self._load_lane()
        self.judge = self._judge()
        code = self.open("steady", lane=False, public=True)
        self.go_round(
            code,
            self.load_lane,
            lambda _: None,
            lambda: code.call(self.advance, code["block"]),
            lambda lane: code.call(self.judge, code["block"], lane),
        )
        code.finish()

    def _advance(self) -> Value:
        """Compute residuals and moves of all lanes at their states, in units of the tolerance."""
        code = self.open("advance", lane=False)
        lanes, b = self.lanes, code.b
        emit = VectorMath(b, self.width)
        length = lanes.load(code, lanes.row(code, "length"))
        lanes.store(code, b.fdiv(emit.constant(1.0), length), lanes.row(code, "shift"))
        code.call(self.factor, code["work"], self.slot(code, "shared"))
        with code.loop(self.program.size) as i:
            rate = lanes.load(code, lanes.row(code, "rates", i))
            lanes.store(code, rate, lanes.row(code, "stages", i))
        code.call(self.substitute, code["work"], lanes.row(code, "stages"))
        tolerances = self.slot(code, "tolerances")
        relative = lanes.splat(code, code.get(tolerances, 0))
        for name, region in (("residual", "rates"), ("move", "stages")):
            total = code.variable(lanes.vector, emit.constant(0.0))
            with code.loop(self.program.size) as i:
                state = emit.apply("abs", lanes.load(code, lanes.row(code, "states", i)))
                absolute = lanes.splat(code, code.get(tolerances, b.add(i, INT(1))))
                value = lanes.load(code, lanes.row(code, region, i))
                scaled = b.fdiv(value, emit.fma(relative, state, absolute))
                b.store(emit.fma(scaled, scaled, b.load(total)), total)
            mean = b.fmul(b.load(total), emit.constant(1.0 / max(self.program.size, 1)))
            lanes.store(code, emit.apply("sqrt", mean), lanes.row(code, name))
        self._note_singular(code, emit)
        return code.finish()

    def _note_singular(self, code: Code, emit: VectorMath) -> None:
        """Note which lanes' matrices have a pivot that is hardly more than rounding errors."""
        lanes, b = self.lanes, code.b
        least, largest = emit.constant(float("inf")), emit.constant(0.0)  # of reciprocal pivots
        for row in lanes.pivots:
            size = emit.apply("abs", lanes.load(code, lanes.row(code, "factors", row)))
            least, largest = emit.apply("min", least, size), emit.apply("max", largest, size)
        regular = b.and_(
            b.fcmp_ordered("<", largest, emit.constant(1 / _LEAST_PIVOT)),
            b.fcmp_ordered("<", b.fmul(largest, emit.constant(_LEAST_RATIO)), least),
        )
        noted = b.select(regular, emit.constant(0.0), emit.constant(1.0))
        lanes.store(code, noted, lanes.row(code, "singular"))

    def _load_lane(self) -> Value:
        code = self.open("load_lane")
        b = code.b
        with b.if_then(self.next_subject(code)):
            for name in ("steps", "rejected", "judged"):
                self.set_count(code, 0, name)
            newton = b.icmp_signed("!=", self.slot(code, "record_count"), INT(0))
            self.set_count(code, b.select(newton, INT(0), INT(1)), "transient")
            self.copy_parameters(code)
            start = code.get(self.slot(code, "times"), 0)
            self.keep(code, start, "time")
            code.call(self.prepare, code["work"], self.slot(code, "shared"))
            self._begin(code, newton)
        return code.finish()

    def _begin(self, code: Code, newton: Value) -> None:
        """Set the lane to its subject's first guess."""
        self.copy_in(code, "initial", "states", len(self.program.rows))
        first = code.get(self.slot(code, "out"), 0)
        self.keep(code, code.b.select(newton, DOUBLE(_LONGEST), first), "length")
        self.keep(code, DOUBLE(1.0), "damping")
        self.set_count(code, 0, "judged")

    def _judge(self) -> Value:
        """Judge the move before by the residual it led to, and make the next, or finish."""
        code = self.open("judge")
        b = code.b
        steps = b.add(self.count(code, "steps"), INT(1))
        self.set_count(code, steps, "steps")
        residual = self.near(code, "residual")
        finite = b.fcmp_ordered("<", residual, DOUBLE(float("inf")))
        finite = b.and_(finite, b.fcmp_ordered("<", self.near(code, "move"), DOUBLE(float("inf"))))
        transient = b.icmp_signed("!=", self.count(code, "transient"), INT(0))
        judged = b.icmp_signed("!=", self.count(code, "judged"), INT(0))
        before = self.near(code, "residual_was")
        smaller = b.fcmp_ordered("<", residual, before)
        small = b.fcmp_ordered("<=", residual, DOUBLE(1.0))
        better = b.or_(b.not_(judged), b.or_(smaller, b.or_(small, transient)))
        good = b.and_(finite, better)
        singular = b.fcmp_ordered(">", self.near(code, "singular"), DOUBLE(0.0))
        with b.if_else(b.and_(singular, b.not_(transient))) as (hopeless, hopeful):
            with hopeless:
                self._turn_transient(code)
            with hopeful, b.if_else(good) as (go, back):
                with go:
                    self._go_on(code, transient, judged, residual, before)
                with back:
                    self._go_back(code, transient)
        late = b.icmp_signed(">", self.count(code, "steps"), self.slot(code, "max_steps"))
        with b.if_then(b.and_(late, self.real(code))):  # the subject may be a new one by now
            self._finish(code, INT(STEP_LIMIT))
        return code.finish()

    def _go_on(self, code: Code, transient: Value, judged: Value, residual: Value, before: Value) -> None:
        b = code.b
        move, length = self.near(code, "move"), self.near(code, "length")
        reach = b.fmul(length, residual)
        like_newton = b.fcmp_ordered(">=", reach, b.fmul(DOUBLE(_NEWTON_LIKE), move))
        arrived = b.and_(b.fcmp_ordered("<=", move, DOUBLE(1.0)), b.or_(b.not_(transient), like_newton))
        ratio = b.fdiv(before, residual)
        ratio = b.select(b.fcmp_unordered(">", ratio, DOUBLE(10.0)), DOUBLE(10.0), ratio)
        ratio = b.select(b.fcmp_ordered("<", ratio, DOUBLE(1.2)), DOUBLE(1.2), ratio)
        grown = b.fmul(length, b.select(judged, ratio, DOUBLE(1.0)))
        grown = b.select(b.fcmp_ordered(">", grown, DOUBLE(_LONGEST)), DOUBLE(_LONGEST), grown)
        damping = b.fmul(self.near(code, "damping"), b.select(judged, DOUBLE(2.0), DOUBLE(1.0)))
        whole = b.or_(transient, b.fcmp_ordered(">", damping, DOUBLE(1.0)))
        self.keep(code, b.select(whole, DOUBLE(1.0), damping), "damping")
        with code.loop(self.program.size) as i:
            self.keep(code, self.near(code, "states", i), "old", i)
        allowed = self._try_move(code, "old")
        with b.if_else(allowed) as (fine, below):
            with fine:
                with b.if_then(transient):
                    self.keep(code, grown, "length")
                self.keep(code, residual, "residual_was")
                self.set_count(code, 1, "judged")
                with b.if_then(arrived):
                    self._finish(code, INT(OK))
            with below:
                with code.loop(self.program.size) as i:
                    self.keep(code, self.near(code, "old", i), "states", i)
                self.set_count(code, 0, "judged")
                self._retreat(code, transient)

    def _try_move(self, code: Code, base: str) -> Value:
        """Move from ``base`` by the damped move; return whether no state falls below its floor."""
        b = code.b
        lowest = code.variable(INT, INT(0))
        damping, tolerances = self.near(code, "damping"), self.slot(code, "tolerances")
        scalar = VectorMath(b, 1)
        with code.loop(self.program.size) as i:
            new = scalar.fma(damping, self.near(code, "stages", i), self.near(code, base, i))
            self.keep(code, new, "states", i)
            floor = code.get(tolerances, b.add(i, INT(1 + self.program.size)))
            b.store(b.or_(b.load(lowest), b.zext(b.fcmp_ordered("<", new, floor), INT)), lowest)
        return b.icmp_signed("==", b.load(lowest), INT(0))

    def _go_back(self, code: Code, transient: Value) -> None:
        """Return to the states before the move, and be more careful."""
        b = code.b
        judged = b.icmp_signed("!=", self.count(code, "judged"), INT(0))
        with b.if_then(judged), code.loop(self.program.size) as i:
            self.keep(code, self.near(code, "old", i), "states", i)
        self.set_count(code, 0, "judged")
        self._retreat(code, transient)

    def _retreat(self, code: Code, transient: Value) -> None:
        """Shorten the pseudo-time step or the Newton move; from Newton, fall back on pseudo-time."""
        b = code.b
        self.set_count(code, b.add(self.count(code, "rejected"), INT(1)), "rejected")
        with b.if_else(transient) as (slow, fast):
            with slow:
                shorter = b.fmul(self.near(code, "length"), DOUBLE(0.2))
                self.keep(code, shorter, "length")
                with b.if_then(b.fcmp_ordered("<", shorter, DOUBLE(_SHORTEST))):
                    self._finish(code, INT(NON_FINITE))
            with fast:
                # half of a half: the next good move doubles it once
                damping = b.fmul(self.near(code, "damping"), DOUBLE(0.25))
                self.keep(code, damping, "damping")
                with b.if_then(b.fcmp_ordered("<", damping, DOUBLE(_LEAST_DAMPING))):
                    self._turn_transient(code)

    def _turn_transient(self, code: Code) -> None:
        """Give Newton's method up, and begin anew with pseudo-transient steps."""
        self.set_count(code, 1, "transient")
        self._begin(code, code.b.icmp_signed("!=", INT(0), INT(0)))

    def _finish(self, code: Code, word: Value) -> None:
        fine = code.b.icmp_signed("==", word, INT(OK))
        self.write_out(code, word, fine)
        code.call(self.load_lane, code["block"], code["lane"])


__all__ = ["NEGATIVE", "STEADY_LANE", "SteadyLoop"]
