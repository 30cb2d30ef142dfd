"""The loop around the step: each lane its own subject, with its own time, step size and dosing segment.

A lane that finishes, or fails, takes the next subject from a counter that all threads share; nothing a lane
does depends on its neighbours, so a subject's numbers are the same in any company.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eubiosis.engine.codegen.dense import dense_rows
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, INT_POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import (
    EVENT_FAILURE,
    NEGATIVE,
    NON_FINITE,
    NON_UNIQUE,
    OK,
    SLIDING,
    STEP_LIMIT,
    UNDECIDED,
)
from eubiosis.engine.codegen.outputs import Outputs
from eubiosis.engine.codegen.pair import EXPLICIT, PAIR_LANE, ROSENBROCK, Pair
from eubiosis.engine.codegen.sizes import Sizes
from eubiosis.engine.codegen.tableaus import TSIT5
from eubiosis.engine.codegen.unique import Doubts
from eubiosis.engine.codegen.vector_math import VectorMath
from eubiosis.engine.codegen.watch import Watch

# whole numbers kept for each lane
LANE = (
    *("subject", "action", "action_end", "value_shift", "output", "steps", "rejected", "refused"),
    *("negative", "failed", "last", "fresh", "happened", "executed", "left", "drained"),
    *("queued", "crowded"),
    *PAIR_LANE,
)
# numbers kept for each lane in rows of the workspace
LANE_ROWS = ("now", "segment_end", "wanted_step", "first_step", "reach", "cut_time", "shown_time")
SET_PARAMETER, ADD, SCALE, AT_LEAST, SET_STATE = range(5)
FAILED = {
    1: EVENT_FAILURE,
    2: SLIDING,
    3: NON_UNIQUE,
    4: UNDECIDED,
}  # what the number of a lane's failure stands for
_SMALLEST_STEP = 1e-200
_CROWDED, _MOST_CROWDED = 2.0**-36, 500  # cuts that follow one another as closely, relative to the time


class Driver(Outputs):
    """Emit the functions of the solver's loop, which calls the vector functions ``steps`` and ``rates``.

    ``steps`` has one function for each method.
    """

    def __init__(
        self,
        lanes: Lanes,
        steps: Sequence[Value],
        rates: Value,
        prepare: Value,
        watch: Watch,
        doubts: Doubts,
        sizes: Sizes,
        pair: Pair,
    ) -> None:
        super().__init__(lanes, prepare, LANE, LANE_ROWS)
        self.steps, self.rates, self.watch, self.doubts, self.sizes = steps, rates, watch, doubts, sizes
        self.pair = pair
        self.tableau = self.program.options.tableau
        lanes.reserve("begins")
        lanes.reserve("shown", len(self.program.rows))
        lanes.reserve("dense", len(self.program.rows) * len(self.tableau.dense))

    # --- functions, in the order in which they need each other ----------------------------------------

    def define(self) -> None:
        """Define the public function ``solve(block)`` and everything it calls."""
        self.watch.attach(self, self.rates)
        self.pair.attach(self, self.rates)
        self.doubt = self.doubts.define(self, self.rates) if self.doubts.pairs else None
        self.drain = self.doubts.define_drain(self, self.rates) if self.doubts.roots else None
        self.guess_step = self._guess_step()
        self.record_now = self._record_now()
        self.begin_segment = self._begin_segment()
        self.load_lane = self._load_lane()
        self.finish = self._finish()
        self.record_dense = self._record_dense()
        self.accept = self._accept()
        self.reject = self._reject()
        self._solve()

    def _begin_segment(self) -> Value:
        """Apply what happens now (doses, events), and set the next end and the next step's size."""
        code = self.open("begin_segment")
        b = code.b
        changed = code.variable(INT, INT(0))
        self._apply_actions(code, changed)
        if self.watch.switching:
            self.set_count(code, 0, "happened")
            self.watch.happen(code, self.record_now)
            b.store(b.or_(b.load(changed), self.count(code, "happened")), changed)
        more = b.icmp_signed("<", self.count(code, "action"), self.count(code, "action_end"))
        number = self.slot(code, "times_count")
        final = code.get(self.slot(code, "times"), b.sub(number, INT(1)))
        following = code.variable(DOUBLE, final)
        with b.if_then(more):
            b.store(code.get(self.slot(code, "action_time"), self.count(code, "action")), following)
        self.keep(code, self.watch.horizon(code, b.load(following)), "segment_end")
        self.sizes.changed(code)
        with b.if_then(b.icmp_signed("!=", b.load(changed), INT(0))):
            first = self.near(code, "first_step")
            with b.if_else(b.fcmp_ordered("<=", first, DOUBLE(0.0))) as (unknown, known):
                with unknown:
                    code.call(self.guess_step, code["block"], code["lane"])
                with known:
                    wanted = self.near(code, "wanted_step")
                    shorter = b.select(b.fcmp_ordered("<", first, wanted), first, wanted)
                    self.keep(code, shorter, "wanted_step")
            if self.doubt is not None:
                code.call(self.doubt, code["block"], code["lane"])
        self.set_count(code, 1, "fresh")
        self.watch.note(code)
        return code.finish()

    def _apply_actions(self, code: Code, changed: Value) -> None:
        b = code.b
        parameters = code.variable(INT, INT(0))
        with code.repeat() as done:
            action = self.count(code, "action")
            code.leave_if(b.icmp_signed(">=", action, self.count(code, "action_end")), done)
            time = code.get(self.slot(code, "action_time"), action)
            code.leave_if(b.fcmp_ordered(">", time, self.near(code, "now")), done)
            kind = code.get(self.slot(code, "action_kind"), action)
            target = code.get(self.slot(code, "action_target"), action)
            value = code.get(self.slot(code, "value"), b.add(action, self.count(code, "value_shift")))
            is_kind = {k: b.icmp_signed("==", kind, INT(k)) for k in (SET_PARAMETER, ADD, SCALE, AT_LEAST)}
            with b.if_then(is_kind[SET_PARAMETER]):
                self.keep(code, value, "parameters", target)
                b.store(INT(1), parameters)
                b.store(INT(1), changed)
            with b.if_then(b.not_(is_kind[SET_PARAMETER])):
                old = self.near(code, "states", target)
                new = b.select(is_kind[ADD], b.fadd(old, value), value)
                new = b.select(is_kind[SCALE], b.fmul(old, value), new)
                higher = b.select(b.fcmp_ordered(">", old, value), old, value)
                self.keep(code, b.select(is_kind[AT_LEAST], higher, new), "states", target)
                b.store(INT(1), changed)
            self.set_count(code, b.add(action, INT(1)), "action")
        with b.if_then(b.icmp_signed("!=", b.load(parameters), INT(0))):
            code.call(self.prepare, code["work"], self.slot(code, "shared"))

    def _guess_step(self) -> Value:
        """Define the choice of a first step: a hundredth of the time in which states change by their size.

        Hairer, Norsett and Wanner (1993), section II.4, without the second derivative.
        """
        code = self.open("guess_step")
        b, work = code.b, code["work"]
        self.keep(code, self.near(code, "now"), "time")
        out = self.lanes.row(code, "rates")
        states, time = self.lanes.row(code, "states"), self.lanes.row(code, "time")
        code.call(self.rates, work, self.slot(code, "shared"), states, time, out)
        sizes, speeds = code.variable(DOUBLE, DOUBLE(0.0)), code.variable(DOUBLE, DOUBLE(0.0))
        tolerances = self.slot(code, "tolerances")
        scalar = VectorMath(b, 1)
        with code.loop(len(self.program.judged)) as i:
            y = self.near(code, "states", i)
            absolute = self.sizes.absolute(code, i)
            scale = scalar.fma(scalar.apply("abs", y), code.get(tolerances, 0), absolute)
            size, speed = b.fdiv(y, scale), b.fdiv(self.near(code, "rates", i), scale)
            b.store(scalar.fma(size, size, b.load(sizes)), sizes)
            b.store(scalar.fma(speed, speed, b.load(speeds)), speeds)
        ratio = scalar.apply("sqrt", b.fdiv(b.load(sizes), b.load(speeds)))
        guess = b.fmul(ratio, DOUBLE(0.01))
        remaining = b.fsub(self.near(code, "segment_end"), self.near(code, "now"))
        small = b.fmul(remaining, DOUBLE(1e-6))
        usable = b.and_(b.fcmp_ordered(">", guess, DOUBLE(0.0)), b.fcmp_ordered("<", guess, remaining))
        slow = b.fcmp_ordered(">=", guess, remaining)
        guess = b.select(usable, guess, b.select(slow, b.fmul(remaining, DOUBLE(0.1)), small))
        self.keep(code, guess, "wanted_step")
        self.keep(code, guess, "first_step")
        return code.finish()

    def _load_lane(self) -> Value:
        """Take the next subject, or leave the lane idle."""
        code = self.open("load_lane")
        b = code.b
        with b.if_then(self.next_subject(code)):
            for name in ("output", "steps", "rejected", "refused", "negative", "failed", "last"):
                self.set_count(code, 0, name)
            for name in ("happened", "executed", "left", "queued", "crowded"):
                self.set_count(code, 0, name)
            self.copy_in(code, "initial", "states", len(self.program.rows))
            self.copy_parameters(code)
            self._load_actions(code)
            start = code.get(self.slot(code, "times"), 0)
            for name in ("now", "time", "stage_time", "segment_end"):
                self.keep(code, start, name)
            self.keep(code, DOUBLE(0.0), "first_step")
            self.keep(code, start, "cut_time")
            code.call(self.prepare, code["work"], self.slot(code, "shared"))
            self.sizes.start(code)
            self.watch.start(code)
            code.call(self.begin_segment, code["block"], code["lane"])
            with b.if_then(b.fcmp_ordered("<=", self.near(code, "first_step"), DOUBLE(0.0))):
                code.call(self.guess_step, code["block"], code["lane"])
                if self.doubt is not None:
                    code.call(self.doubt, code["block"], code["lane"])
            self.pair.start(code)
            code.call(self.record_now, code["block"], code["lane"])
        return code.finish()

    def _load_actions(self, code: Code) -> None:
        b, subject = code.b, self.count(code, "subject")
        first = code.get(self.slot(code, "action_first"), subject)
        self.set_count(code, first, "action")
        self.set_count(code, b.add(first, code.get(self.slot(code, "action_count"), subject)), "action_end")
        self.set_count(code, b.sub(code.get(self.slot(code, "value_first"), subject), first), "value_shift")

    def _finish(self) -> Value:
        """Write what is known of a subject, and take the next one."""
        arguments = [("block", INT_POINTER), ("lane", INT), ("word", INT)]
        code = Code(self.lanes.module, "finish", arguments)
        code.arguments["work"] = self.slot(code, "work")
        b = code.b
        negative = b.icmp_signed("!=", self.count(code, "negative"), INT(0))
        fine = b.icmp_signed("==", code["word"], INT(OK))
        self.write_out(code, b.select(b.and_(fine, negative), INT(NEGATIVE), code["word"]), fine)
        self.watch.finish(code, fine)
        code.call(self.load_lane, code["block"], code["lane"])
        return code.finish()

    def _accept(self) -> Value:
        """Take over a good step: outputs, new states, next step size, and what happens at its end."""
        code = self.open("accept")
        b = code.b
        self.set_count(code, 0, "refused")
        step, growth = self.near(code, "step"), self.near(code, "growth")
        last = b.icmp_signed("!=", self.count(code, "last"), INT(0))
        end = b.select(last, self.near(code, "segment_end"), b.fadd(self.near(code, "now"), step))
        self.keep(code, end, "reach")
        cut = self.watch.locate(code)
        last = b.icmp_signed("!=", self.count(code, "last"), INT(0))
        begins = b.or_(last, cut)
        if self.watch.switching:
            self.keep(code, b.uitofp(begins, DOUBLE), "begins")
        code.call(self.record_dense, code["block"], code["lane"])
        self.watch.shorten(code)
        reach = self.near(code, "reach")
        with code.loop(self.program.size) as i:
            self.keep(code, self.near(code, "next", i), "states", i)
        for name in ("now", "time"):
            self.keep(code, reach, name)
        with b.if_then(b.fcmp_ordered(">", self.near(code, "below"), DOUBLE(0.0))):
            self.set_count(code, 1, "negative")
        with b.if_then(b.not_(cut)):
            self._next_step(code, step, b.fmul(step, growth))
        self.pair.accepted(code)
        with b.if_then(begins):
            self.watch.modes.arrive(code)
            code.call(self.begin_segment, code["block"], code["lane"])
        if self.watch.crossings.own:
            self._count_crowd(code, cut, reach)
        code.call(self.record_now, code["block"], code["lane"])
        final = code.get(self.slot(code, "times"), b.sub(self.slot(code, "times_count"), INT(1)))
        with b.if_then(b.fcmp_ordered(">=", reach, final)):
            code.call(self.finish, code["block"], code["lane"], self._word(code, OK))
        return code.finish()

    def _word(self, code: Code, word: int) -> Value:
        """Return the word for a lane's failure, or ``word`` where it has not failed."""
        failed, answer = self.count(code, "failed"), INT(word)
        for number, reason in FAILED.items():
            answer = code.b.select(code.b.icmp_signed("==", failed, INT(number)), INT(reason), answer)
        return answer

    def _count_crowd(self, code: Code, cut: Value, reach: Value) -> None:
        """Count cuts that hardly let time pass: events without end, or a border that holds the course."""
        b = code.b
        gap = b.fsub(reach, self.near(code, "cut_time"))
        scale = VectorMath(b, 1).apply("abs", reach)
        close = b.fcmp_ordered("<=", gap, b.fmul(scale, DOUBLE(_CROWDED)))
        with b.if_then(cut):
            crowd = b.select(close, b.add(self.count(code, "crowded"), INT(1)), INT(0))
            self.set_count(code, crowd, "crowded")
            self.keep(code, reach, "cut_time")
            fine = b.icmp_signed("==", self.count(code, "failed"), INT(0))
            with b.if_then(b.and_(fine, b.icmp_signed(">", crowd, INT(_MOST_CROWDED)))):
                executed = b.icmp_signed("!=", self.count(code, "executed"), INT(0))
                self.set_count(code, b.select(executed, INT(1), INT(2)), "failed")

    def _next_step(self, code: Code, step: Value, grown: Value) -> None:
        """Keep the step that is wanted next; a step shortened by a segment's end says little about it."""
        b, wanted = code.b, self.near(code, "wanted_step")
        shortened = b.and_(b.fcmp_ordered("<", step, wanted), b.fcmp_ordered("<", grown, wanted))
        self.keep(code, b.select(shortened, wanted, grown), "wanted_step")
        with b.if_then(b.icmp_signed("!=", self.count(code, "fresh"), INT(0))):
            self.keep(code, step, "first_step")
        self.set_count(code, 0, "fresh")

    def _reject(self) -> Value:
        """Shorten a bad step, or give the subject up where the step can shrink no further."""
        code = self.open("reject")
        b = code.b
        self.set_count(code, b.add(self.count(code, "rejected"), INT(1)), "rejected")
        error, step = self.near(code, "error"), self.near(code, "step")
        too_long = b.fcmp_ordered("<=", error, DOUBLE(1.0))  # for a crossing, not for the error
        with b.if_then(b.not_(too_long)):
            in_a_row = b.add(self.count(code, "refused"), INT(1))
            self.set_count(code, in_a_row, "refused")
            self.sizes.refused(code, self.pair.refused(code, in_a_row))
        undefined = b.not_(b.fcmp_ordered("<", error, DOUBLE(math.inf)))
        factor = b.select(undefined, DOUBLE(0.2), self.near(code, "growth"))
        shrunk = b.fmul(step, b.select(too_long, DOUBLE(0.3), factor))
        self.keep(code, shrunk, "wanted_step")
        now = self.near(code, "now")
        stuck = b.fcmp_ordered("==", b.fadd(now, shrunk), now)
        stuck = b.or_(stuck, b.fcmp_ordered("<", shrunk, DOUBLE(_SMALLEST_STEP)))
        with b.if_then(stuck):
            if self.drain is None:
                code.call(self.finish, code["block"], code["lane"], INT(NON_FINITE))
            else:
                self._drain(code)
        return code.finish()

    def _drain(self, code: Code) -> None:
        """Go on where a step has shrunk to nothing because a root empties a state; else give up."""
        b = code.b
        assert self.drain is not None
        code.call(self.drain, code["block"], code["lane"])
        with b.if_else(b.icmp_signed(">", self.count(code, "drained"), INT(0))) as (go_on, give_up):
            with go_on:
                code.call(self.begin_segment, code["block"], code["lane"])
                code.call(self.guess_step, code["block"], code["lane"])
            with give_up:
                code.call(self.finish, code["block"], code["lane"], INT(NON_FINITE))

    def _choose_step(self, code: Code, lane: Value) -> None:
        """Set a lane's step: what is wanted, but ending exactly on the segment's end."""
        b = code.b
        code.arguments["lane"] = lane
        now, end = self.near(code, "now"), self.near(code, "segment_end")
        remaining, wanted = b.fsub(end, now), self.near(code, "wanted_step")
        last = b.fcmp_ordered(">=", wanted, b.fmul(remaining, DOUBLE(1 - 1e-9)))
        half = b.fmul(remaining, DOUBLE(0.5))
        step = b.select(b.fcmp_ordered(">", wanted, half), half, wanted)
        step = b.select(last, remaining, step)
        idle = b.not_(self.real(code))
        self.keep(code, b.select(idle, DOUBLE(1e-6), step), "step")
        self.set_count(code, b.zext(last, INT), "last")
        self.keep(code, now, "time")
        if self.pair.present:
            self.set_count(code, b.select(idle, INT(-1), self.count(code, "method")), "turn")

    def _solve(self) -> None:
        code = self.open("solve", lane=False, public=True)
        both = self.pair.present
        self.go_round(
            code,
            self.load_lane,
            lambda lane: self._choose_step(code, lane),
            lambda: self._take_turns(code) if both else self._advance(code, ROSENBROCK),
            lambda lane: None if both else self._judge_lane(code, code["block"], lane),
        )
        code.finish()

    def _take_turns(self, code: Code) -> None:
        """Make a step of each method that some lane wants, and judge these lanes."""
        b = code.b
        for method in (EXPLICIT, ROSENBROCK):
            some = code.variable(INT, INT(0))
            with code.loop(self.width) as lane:
                code.arguments["lane"] = lane
                mine = self._turn(code, method)
                self.keep(code, b.uitofp(mine, DOUBLE(0).type), "active")
                b.store(b.or_(b.load(some), b.zext(mine, INT)), some)
            with b.if_then(b.icmp_signed("!=", b.load(some), INT(0))):
                self._advance(code, method)
                with code.loop(self.width) as lane:
                    code.arguments["lane"] = lane
                    with b.if_then(self._turn(code, method)):
                        self._judge_lane(code, code["block"], lane)

    def _turn(self, code: Code, method: int) -> Value:
        """Return whether this lane's step is one of a method."""
        return code.b.icmp_signed("==", self.count(code, "turn"), INT(method))

    def _advance(self, code: Code, method: int) -> None:
        """Make a step of all lanes, and prepare what is to be looked at inside it."""
        b, both = code.b, self.pair.present
        made_by = TSIT5 if method == EXPLICIT else self.tableau
        code.call(self.steps[method], code["work"], self.slot(code, "shared"), self.slot(code, "tolerances"))
        wanted = code.variable(INT, INT(0))
        with code.loop(self.width) as lane:
            code.arguments["lane"] = lane
            self._any_output(code, wanted, lane, self._turn(code, method) if both else None)
        self.watch.scan(code, wanted, made_by)
        with b.if_then(b.icmp_signed("!=", b.load(wanted), INT(0))):
            rows, count = self.slot(code, "record"), self.slot(code, "record_count")
            dense_rows(code, self.lanes, rows, count, shown=True, method=made_by)

    def _judge_lane(self, code: Code, block: Value, lane: Value) -> None:
        b = code.b
        steps = b.add(self.count(code, "steps"), INT(1))
        self.set_count(code, steps, "steps")
        spent = b.icmp_signed(">", steps, self.slot(code, "max_steps"))
        failed = b.icmp_signed("!=", self.count(code, "failed"), INT(0))
        with b.if_else(b.or_(spent, failed)) as (give_up, go_on):
            with give_up:
                word = self._word(code, STEP_LIMIT)
                code.call(self.finish, block, lane, word)
            with go_on:
                self._judge_step(code, block, lane)

    def _judge_step(self, code: Code, block: Value, lane: Value) -> None:
        b = code.b
        final = code.get(self.slot(code, "times"), b.sub(self.slot(code, "times_count"), INT(1)))
        with b.if_else(b.fcmp_ordered(">=", self.near(code, "now"), final)) as (over, under_way):
            with over:  # the only time asked for is the start
                code.call(self.finish, block, lane, INT(OK))
            with under_way:
                good = b.fcmp_ordered("<=", self.near(code, "error"), DOUBLE(1.0))
                good = b.and_(good, b.not_(self.watch.too_long(code)))
                with b.if_else(good) as (fine, bad):
                    with fine:
                        code.call(self.accept, block, lane)
                    with bad:
                        code.call(self.reject, block, lane)
