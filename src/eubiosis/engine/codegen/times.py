"""The next change of an atom by the time alone: solved for, or enclosed.

A value that is linear in the time is solved for its next change. Any other, a *curve*, is enclosed: spans
that provably hold no change are passed over, because the value keeps away from its border or is monotone
and ends on its side, and what remains is narrowed down. A curve that turns round on its border touches it:
the moment is where its slope is zero, and afterwards it is on the side on which it was. Where rounding
leaves open which it is, the subject fails.
"""

from __future__ import annotations

import math

from eubiosis.engine.codegen.enclose import Encloser
from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import STAGE_ARGUMENTS, Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.switches import CURVE, LINE, SIGN, STATE, Layout
from eubiosis.engine.codegen.vector_math import VectorMath

FUZZ = 2.0**-42  # times closer than this, relative, are one: what rounding leaves of a crossing by states
_LEAST = 2.0**-60  # and closer than this, relative to the time that is left
_ROOM = 32 * 2.0**-52  # about a switching time that a formula gives
_SHARP = 4 * 2.0**-52  # how closely a change is narrowed down, relative to the time
_TURN, _AHEAD = 2.0**-30, 2.0**-20  # the same where a curve turns; how far ahead it is seen where it goes
_ROUNDING, _NEIGHBOURS = (
    2.0**-44,
    1 / 16,
)  # of a curve's extent about a time, relative: what cannot be told from zero
_BISECTIONS, _MOST_SPANS = 8, 20_000
_INNER = 0.3819660112501051  # of a span: the place at which a curve at rest is looked at once more


class Times:
    """Emit the search for the next change by the time; rows of the workspace are in the layout's order."""

    def __init__(self, lanes: Lanes, layout: Layout) -> None:
        self.lanes, self.layout = lanes, layout
        self.timed = [row for row, by in enumerate(layout.by) if by != STATE]
        self.curves = Curves(lanes, layout, self)
        lanes.reserve("clocked", 2 * len(self.timed))
        lanes.reserve("horizon")
        lanes.reserve("changed")

    def attach(self, driver: Loop) -> None:
        """Define the functions of the search."""
        self.driver = driver
        if self.timed:
            nodes = [self.layout.values[row] for row in self.timed]
            nodes += [self.layout.slopes[row] for row in self.timed]
            self.clock = self.lanes.evaluate("clock", nodes)
            self.curves.attach(driver)
            self._changed = self._define_changed()
            self.next_time = self.define()

    def look(self, code: Code, time: Value) -> None:
        """Evaluate values and slopes at a time."""
        self.driver.keep(code, time, "probe_time")
        evaluate(code, self.driver, self.clock, "states", "probe_time", "clocked")

    def define(self) -> Value:
        """Define the search for the next change by the time alone; lowers the lane's ``horizon`` to it."""
        code = self.driver.open("next_time")
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        now = driver.near(code, "now")
        fuzz = b.fmul(emit.apply("abs", now), DOUBLE(FUZZ))
        whole = b.fmul(b.fsub(driver.near(code, "horizon"), now), DOUBLE(_LEAST))
        soon = b.fadd(now, b.select(b.fcmp_ordered(">", whole, fuzz), whole, fuzz))
        if self.curves.rows:
            self.curves.forget(code)
        self.look(code, now)
        best, who = code.variable(DOUBLE, DOUBLE(math.inf)), code.variable(INT, INT(-1))
        for first, row, length in self._runs((LINE,)):
            with code.loop(length) as i:
                k = b.add(i, INT(first))
                time = self._line_time(code, k, b.add(i, INT(row)), self.layout.atoms[row].kind, now, soon)
                earlier = b.fcmp_ordered("<", time, b.load(best))
                b.store(b.select(earlier, time, b.load(best)), best)
                b.store(b.select(earlier, k, b.load(who)), who)
        with b.if_then(b.fcmp_ordered("<", b.load(best), driver.near(code, "horizon"))):
            found = self._exact_time(code, b.load(best), b.load(who), soon)
            early = b.fcmp_ordered("<", found, driver.near(code, "horizon"))
            with b.if_then(early):
                driver.keep(code, found, "horizon")
        if self.curves.rows:
            self.curves.search(code, soon)
        return code.finish()

    def _runs(self, kinds: tuple[str, ...]) -> list[tuple[int, int, int]]:
        """Return runs of atoms by the time that are alike: the first's number, its row, and how many."""
        runs: list[tuple[int, int, int]] = []
        kind = None
        for k, row in enumerate(self.timed):
            own = (self.layout.atoms[row].kind, self.layout.by[row])
            if own[1] in kinds:
                first, start, length = runs.pop() if own == kind else (k, row, 0)
                runs.append((first, start, length + 1))
            kind = own
        return runs

    def _line_time(self, code: Code, k: Value, row: Value, kind: str, now: Value, soon: Value) -> Value:
        """Return when a value that is linear in the time changes next, or infinity."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        value = driver.near(code, "clocked", k)
        slope = driver.near(code, "clocked", b.add(k, INT(len(self.timed))))
        mode, endless, zero = driver.near(code, "modes", row), DOUBLE(math.inf), DOUBLE(0.0)
        moves = b.fcmp_ordered("!=", slope, zero)
        if kind == SIGN:
            resting = b.fcmp_ordered("==", mode, zero)
            leads = b.fcmp_ordered("<", b.fmul(mode, slope), zero)
            time = b.fadd(now, b.fdiv(b.fneg(value), slope))
        else:
            low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
            resting, leads = b.fcmp_ordered("==", low, high), moves
            border = b.select(b.fcmp_ordered(">", slope, zero), high, low)
            time = b.fadd(now, b.fdiv(b.fsub(border, value), slope))
        time = b.select(b.fcmp_ordered("<", time, soon), soon, time)
        time = b.select(b.or_(leads, resting), time, endless)
        time = b.select(resting, b.select(moves, soon, endless), time)
        return b.select(b.fcmp_unordered("uno", time, time), endless, time)

    def _exact_time(self, code: Code, guess: Value, who: Value, soon: Value) -> Value:
        """Return the first double about a guess at which an atom has changed."""
        b = code.b
        emit = VectorMath(b, 1)
        room = b.fmul(emit.apply("abs", guess), DOUBLE(_ROOM))
        early = b.fsub(guess, room)
        low = code.variable(DOUBLE, b.select(b.fcmp_ordered("<", early, soon), soon, early))
        high = code.variable(DOUBLE, b.fadd(guess, room))
        late = b.fcmp_ordered("<", b.load(high), b.load(low))
        b.store(b.select(late, b.load(low), b.load(high)), high)
        at_once = self.changed(code, b.load(low), who)
        b.store(b.select(at_once, b.load(low), b.load(high)), high)
        with code.loop(_BISECTIONS):
            middle = b.fadd(b.load(low), b.fmul(b.fsub(b.load(high), b.load(low)), DOUBLE(0.5)))
            changed = self.changed(code, middle, who)
            b.store(b.select(changed, middle, b.load(high)), high)
            b.store(b.select(changed, b.load(low), middle), low)
        return b.load(high)

    def changed(self, code: Code, time: Value, who: Value) -> Value:
        """Whether the atom by time number ``who`` has changed at a time."""
        self.driver.keep(code, time, "probe_time")
        code.call(self._changed, code["block"], code["lane"], who)
        return code.b.fcmp_ordered("!=", self.driver.near(code, "changed"), DOUBLE(0.0))

    def _define_changed(self) -> Value:
        code = self.driver.open("changed", more=("who",))
        b, who = code.b, code["who"]
        emit = VectorMath(b, 1)
        evaluate(code, self.driver, self.clock, "states", "probe_time", "clocked")
        self.driver.keep(code, DOUBLE(0.0), "changed")
        for first, row, length in self._runs((LINE, CURVE)):
            k = b.sub(who, INT(first))
            with b.if_then(b.icmp_unsigned("<", k, INT(length))):
                left = self.left(code, emit, who, b.add(k, INT(row)), self.layout.atoms[row].kind)
                self.driver.keep(code, b.uitofp(left, DOUBLE(0).type), "changed")
        return code.finish()

    def left(self, code: Code, emit: VectorMath, k: Value | int, row: Value | int, kind: str) -> Value:
        """Whether the value just computed of an atom by time is not where its mode says."""
        b, driver = code.b, self.driver
        value, mode = driver.near(code, "clocked", k), driver.near(code, "modes", row)
        if kind == SIGN:
            stays = b.fcmp_ordered(">", b.fmul(mode, value), DOUBLE(0.0))
            still = b.fcmp_ordered("==", value, DOUBLE(0.0))
            resting = b.fcmp_ordered("==", mode, DOUBLE(0.0))
            return b.select(resting, b.not_(still), b.not_(stays))
        low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
        inside = b.and_(b.fcmp_ordered(">", value, low), b.fcmp_ordered("<", value, high))
        resting = b.fcmp_ordered("==", low, high)
        return b.select(resting, b.fcmp_unordered("!=", value, low), b.not_(inside))


class Curves:
    """Emit the search among values that are not linear in the time."""

    def __init__(self, lanes: Lanes, layout: Layout, times: Times) -> None:
        self.lanes, self.layout, self.times = lanes, layout, times
        self.rows = [row for row, by in enumerate(layout.by) if by == CURVE]
        lanes.reserve("extent", len(self.rows))
        lanes.reserve("enclosed", 4 * len(self.rows))
        lanes.reserve("still", len(self.rows))  # curves that lie on their border inside the span
        if self.rows:
            lanes.reserve("touch", len(layout.atoms))  # the side of an atom that will touch its border, or 0
            for name in ("span_from", "span_to", "touch_time", "quiet"):
                lanes.reserve(name)

    def attach(self, driver: Loop) -> None:
        """Define the bounds of curves in a span."""
        self.driver = driver
        if self.rows:
            self.enclose = self._enclose()

    def start(self, code: Code) -> None:
        """Forget the subject before."""
        if self.rows:
            self.driver.keep(code, DOUBLE(-math.inf), "quiet")
            self.forget(code)

    def forget(self, code: Code) -> None:
        """Forget touches that were foreseen: the search begins anew."""
        with code.loop(len(self.layout.atoms)) as i:
            self.driver.keep(code, DOUBLE(0.0), "touch", i)
        self.driver.keep(code, DOUBLE(math.inf), "touch_time")

    def touches(self, code: Code, i: Value) -> Value:
        """Return the side of an atom that touches its border now, or zero."""
        if not self.rows:
            return DOUBLE(0.0)
        b, driver = code.b, self.driver
        now = b.fcmp_ordered(">=", driver.near(code, "now"), driver.near(code, "touch_time"))
        return b.select(now, driver.near(code, "touch", i), DOUBLE(0.0))

    def _enclose(self) -> Value:
        """Define ``enclose(work, shared, y, time, out)``: bounds of values and slopes in the lanes' spans."""
        lanes = self.lanes
        code = Code(lanes.module, "enclose", STAGE_ARGUMENTS)
        low, high = (lanes.load(code, lanes.row(code, name)) for name in ("span_from", "span_to"))
        encloser = Encloser(lanes.program.switches, lanes.emitter(code), low, high)
        for k, row in enumerate(self.rows):
            value, slope = (encloser.span(n) for n in (self.layout.values[row], self.layout.slopes[row]))
            for j, bound in enumerate((value.low, value.high, slope.low, slope.high)):
                lanes.store(code, bound, code.at(code["out"], (4 * k + j) * lanes.width))
        return code.finish()

    def search(self, code: Code, soon: Value) -> None:
        """Lower the lane's ``horizon`` to the first change of a curve."""
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        quiet = driver.near(code, "quiet")
        low = code.variable(DOUBLE, b.select(b.fcmp_ordered(">", quiet, soon), quiet, soon))
        width = code.variable(DOUBLE, b.fsub(driver.near(code, "horizon"), b.load(low)))
        least = b.fmul(b.load(width), DOUBLE(_LEAST / 4))
        spans = code.variable(INT, INT(0))
        with code.repeat() as done:
            horizon = driver.near(code, "horizon")
            code.leave_if(b.not_(b.fcmp_ordered("<", b.load(low), horizon)), done)
            b.store(b.add(b.load(spans), INT(1)), spans)
            spent = b.icmp_signed(">", b.load(spans), INT(_MOST_SPANS))
            with b.if_then(spent):  # begin again from here: a step may end anywhere
                driver.keep(code, b.load(low), "horizon")
            code.leave_if(spent, done)
            rest = b.fsub(horizon, b.load(low))
            short = b.fcmp_ordered("<", b.load(width), rest)
            b.store(b.select(short, b.load(width), rest), width)
            high = b.select(short, b.fadd(b.load(low), b.load(width)), horizon)
            driver.keep(code, b.load(low), "span_from")
            driver.keep(code, high, "span_to")
            self._note_still(code, b.load(low), high)
            self.times.look(code, high)
            evaluate(code, driver, self.enclose, "states", "probe_time", "enclosed")
            unclear, turning = self._judge(code)
            size = emit.apply("abs", high)
            sharp, coarse = (b.fmul(size, DOUBLE(share)) for share in (_SHARP, _TURN))
            sharp = b.select(b.fcmp_ordered(">", sharp, least), sharp, least)
            narrow = b.fcmp_unordered("<=", b.load(width), b.select(turning, coarse, sharp))
            with b.if_else(b.or_(b.not_(unclear), narrow)) as (onward, halve):
                with onward:
                    with b.if_then(unclear):
                        self._decide(code, emit, high)
                    b.store(high, low)
                    b.store(b.fmul(b.load(width), DOUBLE(2.0)), width)
                with halve:
                    b.store(b.fmul(b.load(width), DOUBLE(0.5)), width)

    def _note_still(self, code: Code, low: Value, high: Value) -> None:
        """Keep which curves at rest have neither value nor slope at a place inside the span.

        Between changes of modes a curve is analytic: one that rests on its border, and does so at an inner
        place and at the end of a span, stays there (such as min(f, g) - f where f is the lesser). No bound of
        its value could show that.
        """
        b, driver = code.b, self.driver
        emit = VectorMath(b, 1)
        rests = [self._at_rest(code, emit, k) for k in range(len(self.rows))]
        for k in range(len(self.rows)):
            driver.keep(code, DOUBLE(0.0), "still", k)
        some = rests[0]
        for rest in rests[1:]:
            some = b.or_(some, rest)
        with b.if_then(some):
            inner = b.fadd(low, b.fmul(b.fsub(high, low), DOUBLE(_INNER)))
            self.times.look(code, inner)
            for k, rest in enumerate(rests):
                still = b.and_(rest, self._on_border(code, k))
                driver.keep(code, b.uitofp(still, DOUBLE(0).type), "still", k)

    def _on_border(self, code: Code, k: int) -> Value:
        """Whether a curve just evaluated is exactly the border it rests on, without slope."""
        b, driver, row = code.b, self.driver, self.rows[k]
        place = self.times.timed.index(row)
        sign = self.layout.atoms[row].kind == SIGN
        border = DOUBLE(0.0) if sign else driver.near(code, "modes", row)
        slope = driver.near(code, "clocked", len(self.times.timed) + place)
        same = b.fcmp_ordered("==", driver.near(code, "clocked", place), border)
        return b.and_(same, b.fcmp_ordered("==", slope, DOUBLE(0.0)))

    def _note_extent(self, code: Code, emit: VectorMath, time: Value) -> None:
        """Keep how large each curve may be about a time: what rounding is measured by."""
        b, driver = code.b, self.driver
        for name, share in (("span_from", 1 - _NEIGHBOURS), ("span_to", 1 + _NEIGHBOURS)):
            driver.keep(code, b.fmul(time, DOUBLE(share)), name)
        evaluate(code, driver, self.enclose, "states", "probe_time", "enclosed")
        for k, row in enumerate(self.rows):
            sizes = [emit.apply("abs", driver.near(code, "enclosed", 4 * k + j)) for j in (0, 1)]
            size = emit.apply("max", *sizes)
            value = emit.apply("abs", driver.near(code, "clocked", self.times.timed.index(row)))
            endless = b.fcmp_ordered("==", size, DOUBLE(math.inf))
            driver.keep(code, b.select(endless, value, size), "extent", k)

    def _ahead(self, code: Code, emit: VectorMath, k: int) -> tuple[Value, Value]:
        """Return how far a curve just evaluated is on its side of the border, and its mode.

        For a sign that is the value times the mode; for a cell the distance to the nearer border.
        """
        b, row = code.b, self.rows[k]
        value = self.driver.near(code, "clocked", self.times.timed.index(row))
        mode = self.driver.near(code, "modes", row)
        if self.layout.atoms[row].kind == SIGN:
            return b.fmul(mode, value), mode
        low, high = emit.apply("floor", mode), emit.apply("ceil", mode)
        return emit.apply("min", b.fsub(value, low), b.fsub(high, value)), mode

    def _at_rest(self, code: Code, emit: VectorMath, k: int) -> Value:
        """Whether a curve's atom lies on its border."""
        mode = self.driver.near(code, "modes", self.rows[k])
        whole = code.b.fcmp_ordered("==", mode, emit.apply("floor", mode))
        if self.layout.atoms[self.rows[k]].kind == SIGN:
            return code.b.fcmp_ordered("==", mode, DOUBLE(0.0))
        return whole

    def _state(self, code: Code, k: int) -> tuple[Value, Value, Value]:
        """Return of a curve in the span: whether it may change, is monotone, and is beyond at the end."""
        b, driver, row = code.b, self.driver, self.rows[k]
        emit, zero = VectorMath(b, 1), DOUBLE(0.0)
        low, high, falls, rises = (driver.near(code, "enclosed", 4 * k + j) for j in range(4))
        ahead, mode = self._ahead(code, emit, k)
        resting = self._at_rest(code, emit, k)
        away = self.times.left(code, emit, self.times.timed.index(row), row, self.layout.atoms[row].kind)
        beyond = b.select(resting, away, b.fcmp_ordered("<", ahead, zero))
        if self.layout.atoms[row].kind == SIGN:
            above = b.and_(b.fcmp_ordered(">", mode, zero), b.fcmp_ordered(">", low, zero))
            below = b.and_(b.fcmp_ordered("<", mode, zero), b.fcmp_ordered("<", high, zero))
            apart = b.or_(above, below)
        else:
            floor, ceil = emit.apply("floor", mode), emit.apply("ceil", mode)
            apart = b.and_(b.fcmp_ordered(">", low, floor), b.fcmp_ordered("<", high, ceil))
        monotone = b.or_(b.fcmp_ordered(">", falls, zero), b.fcmp_ordered("<", rises, zero))
        fine = b.or_(apart, b.and_(monotone, b.not_(beyond)))
        fine = b.or_(fine, b.fcmp_unordered("uno", mode, mode))  # no number, and stays none
        still = b.fcmp_ordered("!=", driver.near(code, "still", k), zero)
        fine = b.or_(fine, b.and_(still, self._on_border(code, k)))
        return b.not_(fine), monotone, beyond

    def _judge(self, code: Code) -> tuple[Value, Value]:
        """Return whether a curve may change in the span, and whether all that may can turn there."""
        b = code.b
        unclear = b.icmp_signed("!=", INT(0), INT(0))
        turning = b.not_(unclear)
        for k in range(len(self.rows)):
            doubt, monotone, _ = self._state(code, k)
            unclear = b.or_(unclear, doubt)
            turning = b.and_(turning, b.not_(b.and_(doubt, monotone)))
        return unclear, turning

    def _decide(self, code: Code, emit: VectorMath, high: Value) -> None:
        """Say what each doubtful curve does in a narrow span: nothing, change, touch, or nobody can tell."""
        b, driver = code.b, self.driver
        doubts = [self._state(code, k) for k in range(len(self.rows))]
        self._note_extent(code, emit, high)
        for k, (doubt, monotone, beyond) in enumerate(doubts):
            rounding = b.fmul(driver.near(code, "extent", k), DOUBLE(_ROUNDING))
            self.times.look(code, high)
            ahead, _ = self._ahead(code, emit, k)
            resting = self._at_rest(code, emit, k)
            close = b.fcmp_ordered("<=", emit.apply("abs", ahead), rounding)
            close = b.and_(close, b.not_(resting))
            open_ = b.and_(b.and_(doubt, close), b.or_(beyond, b.not_(monotone)))
            plain = b.and_(b.and_(doubt, beyond), b.not_(close))
            with b.if_then(plain):
                self._lower(code, high)
            with b.if_then(open_):
                self._look_ahead(code, emit, k, high, rounding)

    def _lower(self, code: Code, time: Value) -> None:
        b, driver = code.b, self.driver
        sooner = b.fcmp_ordered("<", time, driver.near(code, "horizon"))
        driver.keep(code, b.select(sooner, time, driver.near(code, "horizon")), "horizon")

    def _look_ahead(self, code: Code, emit: VectorMath, k: int, high: Value, rounding: Value) -> None:
        """Decide by where the curve is a little later, when it is further from its border than rounding."""
        b, driver = code.b, self.driver
        stride = code.variable(DOUBLE, b.fmul(emit.apply("abs", high), DOUBLE(_TURN)))
        most = b.fmul(emit.apply("abs", high), DOUBLE(_AHEAD))
        later = code.variable(DOUBLE, DOUBLE(0.0))
        with code.repeat() as done:
            self.times.look(code, b.fadd(high, b.load(stride)))
            b.store(self._ahead(code, emit, k)[0], later)
            known = b.fcmp_ordered(">", emit.apply("abs", b.load(later)), b.fmul(rounding, DOUBLE(4.0)))
            code.leave_if(b.or_(known, b.fcmp_unordered(">", b.load(stride), most)), done)
            b.store(b.fmul(b.load(stride), DOUBLE(2.0)), stride)
        far = b.fmul(rounding, DOUBLE(4.0))
        changes = b.fcmp_ordered("<", b.load(later), b.fneg(far))
        returns = b.fcmp_ordered(">", b.load(later), far)
        with b.if_then(changes):
            self._lower(code, high)
        if self.layout.atoms[self.rows[k]].kind != SIGN:
            returns, unknown = b.icmp_signed("!=", INT(0), INT(0)), b.not_(changes)
        else:
            unknown = b.not_(b.or_(changes, returns))
        with b.if_then(returns):
            self._touch(code, k, high, b.load(stride))
        with b.if_then(unknown):
            driver.set_count(code, 4, "failed")
            self._lower(code, high)

    def _touch(self, code: Code, k: int, high: Value, stride: Value) -> None:
        """Note a touch at the time at which the slope is zero."""
        b, driver, row = code.b, self.driver, self.rows[k]
        place = len(self.times.timed) + self.times.timed.index(row)
        mode = driver.near(code, "modes", row)
        low = code.variable(DOUBLE, b.fsub(high, stride))
        end = code.variable(DOUBLE, b.fadd(high, stride))
        now = driver.near(code, "now")
        with b.if_then(b.fcmp_ordered("<", b.load(low), now)):
            b.store(now, low)
        with code.loop(56):
            middle = b.fmul(b.fadd(b.load(low), b.load(end)), DOUBLE(0.5))
            self.times.look(code, middle)
            back = b.fcmp_ordered(">", b.fmul(mode, driver.near(code, "clocked", place)), DOUBLE(0.0))
            b.store(b.select(back, middle, b.load(end)), end)
            b.store(b.select(back, b.load(low), middle), low)
        with b.if_then(b.fcmp_ordered("<", b.load(end), driver.near(code, "horizon"))):
            self.forget(code)
            driver.keep(code, mode, "touch", row)
            driver.keep(code, b.load(end), "touch_time")
            driver.keep(code, b.load(end), "horizon")
            driver.keep(code, b.fadd(high, stride), "quiet")
