"""What the loops over lanes share: the argument block, whole numbers and rows of one lane."""

from __future__ import annotations

from collections.abc import Callable

from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, INT_POINTER, POINTER, Code
from eubiosis.engine.codegen.lanes import Lanes

# slots of the argument block: addresses and whole numbers, 8 bytes each
SLOTS = (
    *("work", "lanes", "shared", "tolerances", "counter", "subjects"),
    *("initial", "initial_stride", "varying", "varying_stride", "varied", "varied_count"),
    *("times", "times_count", "record", "record_count", "out"),
    *("action_first", "action_count", "action_time", "action_kind", "action_target", "value_first", "value"),
    *("status", "final", "effort", "extremes", "max_steps"),
)
_POINTERS = {
    *("work", "shared", "tolerances", "initial", "varying", "times", "out", "action_time", "value"),
    *("final", "extremes"),
}
_INT_POINTERS = {
    *("varied", "lanes", "counter", "record", "action_first", "action_count", "action_kind", "action_target"),
    *("value_first", "status", "effort"),
}
OK, STEP_LIMIT, NON_FINITE, NEGATIVE, EVENT_FAILURE, SLIDING, NON_UNIQUE, UNDECIDED = range(8)


class Loop:
    """Access to the argument block, and to the numbers of one lane.

    ``counts`` names the whole numbers kept for each lane and ``reals`` the rows it keeps numbers in.
    """

    def __init__(self, lanes: Lanes, prepare: Value, counts: tuple[str, ...], reals: tuple[str, ...]) -> None:
        self.lanes, self.width, self.program = lanes, lanes.width, lanes.program
        self.prepare, self.counts = prepare, counts
        for name in reals:
            lanes.reserve(name)

    def open(self, name: str, *, lane: bool = True, public: bool = False, more: tuple[str, ...] = ()) -> Code:
        """Start a function of the argument block, a lane's number (not without ``lane``), and ``more``."""
        whole = [*(["lane"] if lane else []), *more]
        arguments = [("block", INT_POINTER), *((each, INT) for each in whole)]
        code = Code(self.lanes.module, name, arguments, public=public)
        code.arguments["work"] = self.slot(code, "work")
        return code

    def slot(self, code: Code, name: str) -> Value:
        """Load one slot of the argument block, once in a function."""

        def load() -> Value:
            raw = code.get(code["block"], SLOTS.index(name))
            if name in _POINTERS:
                return code.b.inttoptr(raw, POINTER)
            return code.b.inttoptr(raw, INT_POINTER) if name in _INT_POINTERS else raw

        return code.once(name, load)

    def lane_int(self, code: Code, name: str, lane: Value) -> Value:
        """Return the address of a lane's whole number."""
        return code.at(self._of_lane(code, "lanes", lane), self.counts.index(name) * self.width)

    def _of_lane(self, code: Code, slot: str, lane: Value) -> Value:
        """Return where a lane's numbers begin, in a function of one lane once."""
        if lane in code.function.args:
            return code.once(f"{slot} of lane", lambda: code.at(self.slot(code, slot), lane))
        return code.at(self.slot(code, slot), lane)

    def lane_real(self, code: Code, region: str, lane: Value, index: Value | int = 0) -> Value:
        """Return the address of a lane's number in a row of the workspace."""
        return self.lanes.row_from(code, self._of_lane(code, "work", lane), region, index)

    def near(self, code: Code, region: str, index: Value | int = 0) -> Value:
        """Return this function's lane's number in a row of the workspace."""
        return code.b.load(self.lane_real(code, region, code["lane"], index))

    def keep(self, code: Code, value: Value, region: str, index: Value | int = 0) -> None:
        """Store this function's lane's number in a row of the workspace."""
        code.b.store(value, self.lane_real(code, region, code["lane"], index))

    def count(self, code: Code, name: str) -> Value:
        """Return this function's lane's whole number."""
        return code.b.load(self.lane_int(code, name, code["lane"]))

    def set_count(self, code: Code, value: Value | int, name: str) -> None:
        """Store this function's lane's whole number."""
        value = INT(value) if isinstance(value, int) else value
        code.b.store(value, self.lane_int(code, name, code["lane"]))

    def next_subject(self, code: Code) -> Value:
        """Take the next subject's number from the counter and return whether there is one."""
        b = code.b
        subject = b.atomic_rmw("add", self.slot(code, "counter"), INT(1), "monotonic")
        there = b.icmp_signed("<", subject, self.slot(code, "subjects"))
        self.set_count(code, b.select(there, subject, INT(-1)), "subject")
        return there

    def copy_in(self, code: Code, table: str, region: str, count: int) -> None:
        """Copy a subject's row of a table of the block into rows of its lane."""
        b, subject = code.b, self.count(code, "subject")
        first = code.at(self.slot(code, table), b.mul(subject, self.slot(code, f"{table}_stride")))
        with code.loop(count) as i:
            self.keep(code, code.get(first, i), region, i)

    def copy_parameters(self, code: Code) -> None:
        """Copy the parameters into rows of this function's lane: everybody's, then the subject's own."""
        b, subject, shared = code.b, self.count(code, "subject"), self.slot(code, "shared")
        with code.loop(len(self.program.parameter)) as i:
            self.keep(code, code.get(shared, i), "parameters", i)
        first = code.at(self.slot(code, "varying"), b.mul(subject, self.slot(code, "varying_stride")))
        with code.loop(self.slot(code, "varied_count")) as i:
            self.keep(code, code.get(first, i), "parameters", code.get(self.slot(code, "varied"), i))

    def write_out(self, code: Code, word: Value, keep: Value) -> None:
        """Write a subject's status, its states (NaN unless ``keep``) and its effort."""
        b, subject, rows = code.b, self.count(code, "subject"), len(self.program.rows)
        code.put(word, self.slot(code, "status"), subject)
        first = code.at(self.slot(code, "final"), b.mul(subject, INT(rows)))
        with code.loop(rows) as i:
            value = self.near(code, "states", i)
            code.put(b.select(keep, value, DOUBLE(float("nan"))), first, i)
        effort = code.at(self.slot(code, "effort"), b.mul(subject, INT(2)))
        code.put(self.count(code, "steps"), effort, 0)
        code.put(self.count(code, "rejected"), effort, 1)

    def real(self, code: Code) -> Value:
        """Return whether this lane holds a subject."""
        return code.b.icmp_signed(">=", self.count(code, "subject"), INT(0))

    def go_round(
        self,
        code: Code,
        load_lane: Value,
        before: Callable[[Value], None],
        advance: Callable[[], object],
        judge: Callable[[Value], object],
    ) -> None:
        """Fill the lanes; then, until none holds a subject: ``before`` each, ``advance`` all, ``judge`` each.

        ``before`` sees every lane and ``judge`` those that hold a subject.
        """
        b = code.b
        with code.loop(self.width) as lane:
            code.call(load_lane, code["block"], lane)
        with code.repeat() as done:
            active = code.variable(INT, INT(0))
            with code.loop(self.width) as lane:
                code.arguments["lane"] = lane
                before(lane)
                b.store(b.add(b.load(active), b.zext(self.real(code), INT)), active)
            code.leave_if(b.icmp_signed("==", b.load(active), INT(0)), done)
            advance()
            with code.loop(self.width) as lane:
                code.arguments["lane"] = lane
                with b.if_then(self.real(code)):
                    judge(lane)
