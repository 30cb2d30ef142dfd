"""Events of SBML in the loop: triggers, a queue of what is to be executed, and execution by priority.

A trigger that rises puts its event into the lane's queue, to be executed at once or after its delay, with
the values it takes now if the file says so. Rises while an execution waits add to the queue. A trigger that
falls takes the waiting executions of an event that does not persist out of it. Of those due the one of
highest priority comes first, by priorities as they are then; of equals any one. After each execution the
triggers are looked at again (SBML Level 3 Version 2, section 4.11.6). The generator of random numbers
starts alike for every subject, so that a subject's numbers can be had again.
"""

from __future__ import annotations

import math

from eubiosis.engine.codegen.evaluate import evaluate
from eubiosis.engine.codegen.graph import Node
from eubiosis.engine.codegen.ir import Value
from eubiosis.engine.codegen.ir_tools import DOUBLE, INT, Code
from eubiosis.engine.codegen.lanes import Lanes
from eubiosis.engine.codegen.loop import Loop
from eubiosis.engine.codegen.modes import Modes
from eubiosis.engine.codegen.program import derivative
from eubiosis.engine.codegen.times import FUZZ
from eubiosis.engine.codegen.vector_math import VectorMath
from eubiosis.engine.system import kept

_MOST_EXECUTIONS = 10_000  # at one moment, before the cascade counts as endless
_ROOM, _ROOM_FOR_DELAYS = 64, 1024  # executions that can wait
_MULTIPLIER, _MODULUS, _FIRST_LUCK = 48271.0, 2147483647.0, 20260.0


class Happenings:
    """Emit the events of a system; without events its parts are empty."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes, self.program = lanes, lanes.program
        program, graph = self.program, self.program.graph
        self.events = program.system.events
        self.parameters = program.options.sensitivities
        self.triggers = [program.build_condition(e.trigger, f"event {e.id}") for e in self.events]
        self.values = [
            program.build(value, f"event {e.id}") for e in self.events for _, value in e.assignments
        ]
        lowest = graph.number(-math.inf)
        self.priorities = [
            lowest if e.priority is None else program.build(e.priority, f"event {e.id}") for e in self.events
        ]
        self.delays = [
            graph.zero if e.delay is None else program.build(e.delay, f"event {e.id}") for e in self.events
        ]
        names = [kept(e.id, target) for e in self.events if e.finish for target, _ in e.assignments]
        for place, name in enumerate(names):
            program.names[name] = graph.node("withheld", place)
        self.finishes = [program.build(value, f"event {e.id}") for e in self.events for _, value in e.finish]
        self.waits = any(e.delay is not None for e in self.events)
        self.roots: list[Node] = []

    def reserve(self) -> None:
        """Derive what is derived, and reserve the rows; every atom must be known by now."""
        if not self.events:
            return
        lanes = self.lanes
        slopes = self._slopes() if self.parameters else []
        self.roots = [*self.triggers, *self.values, *self.priorities, *self.delays, *slopes]
        self.room = (_ROOM_FOR_DELAYS if self.waits else _ROOM) + 4 * len(self.events)
        self.widest = max(len(e.assignments) for e in self.events) * (1 + len(self.parameters))
        lanes.reserve("watched", len(self.roots))
        lanes.reserve("was", len(self.events))
        lanes.reserve("queue_time", self.room)
        lanes.reserve("queue_event", self.room)
        lanes.reserve("queue_value", self.room * self.widest)
        lanes.reserve("taken", self.widest)
        lanes.reserve("withheld", sum(len(e.assignments) for e in self.events if e.finish))
        lanes.reserve("finished", len(self.finishes))
        lanes.reserve("luck")

    def _slopes(self) -> list[Node]:
        """Return the total derivatives of new values by each parameter, at a moment that moves with it."""
        program, graph = self.program, self.program.graph
        gradients = program.gradients(self.values)
        out = []
        for k, parameter in enumerate(self.parameters):
            moment = graph.node("moment", k)
            for value in self.values:
                total = program.total(gradients[value], parameter)
                out.append(graph.add(total, graph.mul(program.in_time(gradients[value]), moment)))
        return out

    def attach(self, driver: Loop, modes: Modes) -> None:
        """Define the functions of events."""
        self.driver, self.modes = driver, modes
        if not self.events:
            return
        self.watch = self.lanes.evaluate("watch", self.roots)
        if self.finishes:
            self.finish = self.lanes.evaluate("finish_event", self.finishes)
        self.push = self._define_push()
        self.enqueue = self._define_enqueue()
        self.settle_events = self._define_settle()

    # --- what the loop calls --------------------------------------------------------------------------

    def start(self, code: Code) -> None:
        """Set a new subject's triggers to what they are before the start."""
        if not self.events:
            return
        driver = self.driver
        driver.keep(code, DOUBLE(_FIRST_LUCK), "luck")
        driver.set_count(code, 0, "queued")
        for e, event in enumerate(self.events):
            driver.keep(code, DOUBLE(float(event.initial_value)), "was", e)

    def settle(self, code: Code) -> None:
        """Bring modes up to date, and execute what is due until nothing more is."""
        if self.events:
            code.call(self.settle_events, code["block"], code["lane"])
        else:
            self.modes.update(code)

    def next_execution(self, code: Code, end: Value) -> Value:
        """Return the time of the next execution that waits, if it comes before ``end``, else ``end``."""
        if not self.waits:
            return end
        b, driver = code.b, self.driver
        first = code.variable(DOUBLE, end)
        with code.loop(driver.count(code, "queued")) as j:
            waiting = b.fcmp_ordered(">=", driver.near(code, "queue_event", j), DOUBLE(0.0))
            time = driver.near(code, "queue_time", j)
            sooner = b.and_(waiting, b.fcmp_ordered("<", time, b.load(first)))
            b.store(b.select(sooner, time, b.load(first)), first)
        return b.load(first)

    # --- the queue ------------------------------------------------------------------------------------

    def _look(self, code: Code) -> None:
        evaluate(code, self.driver, self.watch, "states", "now", "watched")

    def _define_settle(self) -> Value:
        code = self.driver.open("settle")
        b, driver = code.b, self.driver
        self.modes.update(code)
        code.call(self.enqueue, code["block"], code["lane"])
        executed = code.variable(INT, INT(0))
        with code.repeat() as done:
            chosen = self._choose(code)
            code.leave_if(b.icmp_signed("<", chosen, INT(0)), done)
            b.store(b.add(b.load(executed), INT(1)), executed)
            endless = b.icmp_signed(">", b.load(executed), INT(_MOST_EXECUTIONS))
            with b.if_then(endless):
                driver.set_count(code, 1, "failed")
            code.leave_if(endless, done)
            driver.set_count(code, 1, "happened")
            driver.set_count(code, 1, "executed")
            self._execute(code, chosen)
            self.modes.update(code)
            code.call(self.enqueue, code["block"], code["lane"])
        return code.finish()

    def _define_enqueue(self) -> Value:
        """Define the look at the triggers: rises wait in the queue, falls may take them out."""
        code = self.driver.open("enqueue")
        b, driver = code.b, self.driver
        self._look(code)
        value = 0
        for e, event in enumerate(self.events):
            new, old = driver.near(code, "watched", e), driver.near(code, "was", e)
            with b.if_then(b.fcmp_ordered(">", new, old)):
                code.call(
                    self.push, code["block"], code["lane"], INT(e), INT(value), INT(len(event.assignments))
                )
            if not event.persistent:
                with b.if_then(b.fcmp_ordered("<", new, old)):
                    self._drop(code, e)
            driver.keep(code, new, "was", e)
            value += len(event.assignments)
        return code.finish()

    def _define_push(self) -> Value:
        """Define what puts an event into the queue, by its number, its first value and how many it has."""
        driver = self.driver
        code = driver.open("push", more=("event", "value", "size"))
        b, e = code.b, code["event"]
        count = driver.count(code, "queued")
        place = code.variable(INT, count)
        with code.loop(count) as j:
            free = b.fcmp_ordered("<", driver.near(code, "queue_event", j), DOUBLE(0.0))
            first = b.and_(free, b.icmp_signed("==", b.load(place), count))
            b.store(b.select(first, j, b.load(place)), place)
        slot = b.load(place)
        delay = driver.near(code, "watched", b.add(e, INT(len(self.events) * 2 + len(self.values))))
        sound = b.fcmp_ordered(">=", delay, DOUBLE(0.0))
        fits = b.icmp_signed("<", slot, INT(self.room))
        with b.if_else(b.and_(sound, fits)) as (push, fail):
            with push:
                more = b.icmp_signed("==", slot, count)
                driver.set_count(code, b.add(count, b.zext(more, INT)), "queued")
                driver.keep(code, b.fadd(driver.near(code, "now"), delay), "queue_time", slot)
                driver.keep(code, b.sitofp(e, DOUBLE(0).type), "queue_event", slot)
                target = b.mul(slot, INT(self.widest))
                for row in self._first_rows():
                    source = b.add(code["value"], INT(row))
                    with code.loop(code["size"]) as k:
                        taken = driver.near(code, "watched", b.add(source, k))
                        driver.keep(code, taken, "queue_value", b.add(target, k))
                    target = b.add(target, code["size"])
            with fail:  # a delay that is none, or more executions than can wait
                driver.set_count(code, 1, "failed")
        return code.finish()

    def _first_rows(self) -> list[int]:
        """Return where values, and then their derivatives by each parameter, begin among what is watched."""
        slopes = len(self.events) * 3 + len(self.values)
        derived = range(len(self.parameters))
        return [len(self.events), *(slopes + p * len(self.values) for p in derived)]

    def _sources(self, e: int, value: int) -> list[int]:
        """Return the rows of an event's values, and of their derivatives, among what is watched."""
        size = len(self.events[e].assignments)
        return [first + value + k for first in self._first_rows() for k in range(size)]

    def _drop(self, code: Code, e: int) -> None:
        b, driver = code.b, self.driver
        with code.loop(driver.count(code, "queued")) as j:
            own = b.fcmp_ordered("==", driver.near(code, "queue_event", j), DOUBLE(float(e)))
            with b.if_then(own):
                driver.keep(code, DOUBLE(-1.0), "queue_event", j)

    def _choose(self, code: Code) -> Value:
        """Return the place in the queue of what is due and has the highest priority, or -1."""
        b, driver = code.b, self.driver
        best, chosen = code.variable(DOUBLE, DOUBLE(-math.inf)), code.variable(INT, INT(-1))
        equals = code.variable(DOUBLE, DOUBLE(0.0))
        first = len(self.events) + len(self.values)
        now = driver.near(code, "now")
        due = b.fadd(now, b.fmul(VectorMath(b, 1).apply("abs", now), DOUBLE(FUZZ)))
        with code.loop(driver.count(code, "queued")) as j:
            event = driver.near(code, "queue_event", j)
            waiting = b.fcmp_ordered(">=", event, DOUBLE(0.0))
            waiting = b.and_(waiting, b.fcmp_ordered("<=", driver.near(code, "queue_time", j), due))
            with b.if_then(waiting):
                number = b.fptosi(event, INT)
                priority = driver.near(code, "watched", b.add(number, INT(first)))
                none = b.icmp_signed("<", b.load(chosen), INT(0))
                higher = b.or_(none, b.fcmp_ordered(">", priority, b.load(best)))
                equal = b.and_(b.not_(higher), b.fcmp_ordered("==", priority, b.load(best)))
                count = b.select(higher, DOUBLE(1.0), b.fadd(b.load(equals), DOUBLE(1.0)))
                with b.if_then(b.or_(higher, equal)):
                    b.store(count, equals)
                    # the k-th of equals replaces the one chosen so far with probability 1 / k
                    lucky = b.fcmp_ordered("<", b.fmul(self._draw(code), count), DOUBLE(1.0))
                    with b.if_then(b.or_(higher, lucky)):
                        b.store(priority, best)
                        b.store(j, chosen)
        return b.load(chosen)

    def _draw(self, code: Code) -> Value:
        """Return this lane's next random number in [0, 1).

        The multiplicative generator of Park and Miller (1988, Communications of the ACM 31:1192): whole
        numbers below 2^31 - 1, exact in a double.
        """
        b, driver = code.b, self.driver
        product = b.fmul(driver.near(code, "luck"), DOUBLE(_MULTIPLIER))
        following = b.frem(product, DOUBLE(_MODULUS))
        driver.keep(code, following, "luck")
        return b.fdiv(following, DOUBLE(_MODULUS))

    def _execute(self, code: Code, chosen: Value) -> None:
        b, driver = code.b, self.driver
        number = b.fptosi(driver.near(code, "queue_event", chosen), INT)
        driver.keep(code, DOUBLE(-1.0), "queue_event", chosen)
        first_value = b.mul(chosen, INT(self.widest))
        value = finish = own = 0
        for e, event in enumerate(self.events):
            with b.if_then(b.icmp_signed("==", number, INT(e))):
                for k, source in enumerate(self._sources(e, value)):
                    if event.use_trigger_values:
                        new = driver.near(code, "queue_value", b.add(first_value, INT(k)))
                    else:
                        new = driver.near(code, "watched", source)
                    driver.keep(code, new, "taken", k)
                if event.finish:
                    self._finish_one(code, e, own, finish)
                else:
                    self._assign(code, e)
            value += len(event.assignments)
            finish += len(event.finish)
            own += len(event.assignments) if event.finish else 0

    def _finish_one(self, code: Code, e: int, own: int, finish: int) -> None:
        driver, event = self.driver, self.events[e]
        for k in range(len(event.assignments)):
            driver.keep(code, driver.near(code, "taken", k), "withheld", own + k)
        evaluate(code, self.driver, self.finish, "states", "now", "finished")
        for k, (name, _) in enumerate(event.finish):
            driver.keep(code, driver.near(code, "finished", finish + k), "states", self.program.place[name])

    def _assign(self, code: Code, e: int) -> None:
        driver, place, event = self.driver, self.program.place, self.events[e]
        size = len(event.assignments)
        for k, (name, _) in enumerate(event.assignments):
            driver.keep(code, driver.near(code, "taken", k), "states", place[name])
            for p, parameter in enumerate(self.parameters):
                row = place[derivative(name, parameter)]
                driver.keep(code, driver.near(code, "taken", k + (1 + p) * size), "states", row)
