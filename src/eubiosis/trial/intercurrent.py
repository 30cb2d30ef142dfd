"""Intercurrent events of a design: how often each happens, to whom, what it does, and the strategies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import unknown_word
from eubiosis.core.intercurrent import EVENTS, POLICY, Strategy, StrategyRule
from eubiosis.core.kinds import Name, Share, Words, plain, shown
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.sourced_numbers import sourced_numbers
from eubiosis.core.spec import Problem, Spec, of, rule
from eubiosis.core.tables import RowProblem

TABLE = PACKAGED_CONTENT / "trials" / "intercurrent.tsv"
IN_THE_GUT = ("antibiotics", "contamination", "discontinuation")  # simulated with the person's course
_COURSES = ("antibiotics", "rescue_steroids")  # they end, and what they do fades
_BY_TIME = ("antibiotics", "drug_switch", "contamination", "discontinuation")
_BY_RELAPSE = ("drug_switch", "rescue_steroids")
_WORDS = tuple(get_args(Strategy))
Efficacy = Literal["high", "moderate"]


@cache
def intercurrent_numbers() -> dict[str, SourcedNumber]:
    """Read the numbers of intercurrent events by id; raises ``FindingsError``.

    >>> intercurrent_numbers()["rescue_steroids_after_relapse"].basis
    'measured'
    """
    return sourced_numbers(TABLE)


def number_of(name: str) -> float:
    """Return the value of one number; raises ``KeyError`` for an unknown one."""
    return intercurrent_numbers()[name].value


def _by_endpoint(value: object) -> object:
    """Check the keys of a mapping by endpoint."""
    if not isinstance(value, Mapping):
        raise RowProblem(
            f"{shown(value)} where endpoints belong",
            allowed="endpoint: value",
            next_step="write {endpoint: value}",
        )
    for name in value:
        if name not in ENDPOINTS:
            raise RowProblem(
                f"the endpoint {unknown_word(str(name), ENDPOINTS)}",
                allowed=", ".join(ENDPOINTS),
                next_step="rename or remove it",
            )
    return value


def _strategies(value: object) -> object:
    found = _by_endpoint(value)
    assert isinstance(found, Mapping)
    for name, word in found.items():
        if word not in _WORDS:
            raise RowProblem(
                f"the strategy of {name}: {unknown_word(str(word), _WORDS)}",
                allowed=", ".join(_WORDS),
                next_step="write one of these",
            )
    return dict(found)


def _failures(value: object) -> object:
    found = _by_endpoint(value)
    assert isinstance(found, Mapping)
    for name, number in found.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise RowProblem(
                f"the failure value of {name}: {shown(number)}",
                allowed="a finite number in the endpoint's unit",
                next_step="write the number alone",
            )
    return {name: float(number) for name, number in found.items()}


_OBJECT = {"type": "object"}
ByEndpoint = Annotated[
    Mapping[str, str],
    BeforeValidator(_strategies),
    WithJsonSchema({**_OBJECT, "additionalProperties": {"type": "string", "enum": list(_WORDS)}}),
]
Failures = Annotated[
    Mapping[str, float],
    BeforeValidator(_failures),
    WithJsonSchema({**_OBJECT, "additionalProperties": {"type": "number"}}),
]


class Intercurrent(Spec):
    """One kind of intercurrent event: its trigger, whom it meets, what it does, and the strategies for it.

    ``per_year`` is a rate by time, ``after_relapse`` the share of relapses that it follows; what is left out
    is that of ``content/trials/intercurrent.tsv``. ``arms`` are those that it meets (None: all, or the
    control for contamination). ``product_of`` names the arm whose product a control takes, ``dose_share`` how
    much of its dose; ``to`` is the efficacy of the drug that is switched to. ``strategy`` holds for every
    endpoint that ``strategies`` does not name; ``failure`` gives the value that counts as failure under a
    composite strategy, needed for every endpoint that is no count.

    >>> steroids = Intercurrent(event="rescue_steroids", strategies={"mfis": "hypothetical"})
    >>> steroids.after_relapse, steroids.strategy_of("mfis"), steroids.strategy_of("edss")
    (0.8, 'hypothetical', 'treatment policy')
    """

    event: Annotated[str, *Words(tuple(EVENTS)).marks]
    per_year: Annotated[float, Field(ge=0, le=12)] | None = None
    after_relapse: Share | None = None
    arms: tuple[Name, ...] | None = Field(default=None, strict=False)
    product_of: Name | None = None
    dose_share: Share | None = None
    to: Efficacy | None = None
    strategy: Annotated[str, *Words(_WORDS).marks] = POLICY
    strategies: ByEndpoint = Field(default_factory=dict)
    failure: Failures = Field(default_factory=dict)

    @classmethod
    def filled(cls, content: Mapping[str, object]) -> Mapping[str, object]:
        """Fill in the trigger and what the event does, where they are left out."""
        event = content.get("event")
        more: dict[str, object] = {}
        if content.get("per_year") is None and content.get("after_relapse") is None:
            if event == "rescue_steroids":
                more["after_relapse"] = number_of("rescue_steroids_after_relapse")
            elif event in _BY_TIME:
                more["per_year"] = number_of(f"{event}_per_year")
            if event == "drug_switch":
                more["after_relapse"] = number_of("drug_switch_after_relapse")
        if event == "drug_switch" and content.get("to") is None:
            more["to"] = "high"
        if event == "contamination" and content.get("dose_share") is None:
            more["dose_share"] = number_of("contamination_dose_share")
        return {**content, **more}

    @staticmethod
    @rule("event", "per_year", "after_relapse")
    def _the_trigger_fits(event: str, per_year: float | None, share: float | None) -> Iterator[Problem]:
        if per_year is not None and event not in _BY_TIME:
            yield Problem(
                ("per_year",),
                f"{event} does not come by time",
                "after_relapse: the share of relapses",
                "remove per_year",
            )
        if share is not None and event not in _BY_RELAPSE:
            yield Problem(
                ("after_relapse",),
                f"{event} follows no relapse: it belongs to the person's course, a relapse to one trial",
                "per_year: a rate by time",
                "remove after_relapse",
            )

    @staticmethod
    @rule("event", "product_of", "dose_share", "to")
    def _what_it_does_fits(
        event: str, product_of: str | None, share: float | None, to: str | None
    ) -> Iterator[Problem]:
        given = {"product_of": product_of, "dose_share": share, "to": to}
        fits = {"contamination": ("product_of", "dose_share"), "drug_switch": ("to",)}.get(event, ())
        for name, value in given.items():
            if value is not None and name not in fits:
                yield Problem((name,), f"{event} has no {name}", ", ".join(fits) or "nothing", "remove it")

    @staticmethod
    @rule("event", "per_year", "after_relapse", "arms", "strategy", "strategies", "failure")
    def _the_strategies_can_be_kept(
        event: str,
        per_year: float | None,
        share: float | None,
        arms: tuple[str, ...] | None,
        strategy: str,
        strategies: Mapping[str, str],
        failure: Mapping[str, float],
    ) -> Iterator[Problem]:
        used = {name: strategies.get(name, strategy) for name in ENDPOINTS}
        own = [name for name in ENDPOINTS if name in strategies]
        rest = [name for name in ENDPOINTS if name not in strategies]
        for place, names in (("strategies", own), ("strategy", rest)):
            unvalued = [
                name
                for name in names
                if used[name] == "composite" and not ENDPOINTS[name].counted and name not in failure
            ]
            if unvalued:
                yield Problem(
                    (place,),
                    f"composite without a value that counts as failure, on endpoints that are no counts: "
                    f"{', '.join(unvalued)}",
                    "a failure value in the endpoint's unit, or another strategy",
                    f"write failure: {{{unvalued[0]}: VALUE}}, or another strategy",
                )
            words = {used[name] for name in names}
            if "while on treatment" in words and event in _COURSES:
                yield Problem(
                    (place,),
                    f"while on treatment, where {event} is a course that ends and the treatment goes on",
                    "treatment policy, hypothetical or composite",
                    "write one of these",
                )
            if "principal stratum" in words:
                yield from _no_stratum(
                    place, event, alike=arms is None and share is None and per_year is not None
                )
        for name, value in failure.items():
            if used[name] != "composite" or ENDPOINTS[name].counted:
                yield Problem(
                    ("failure",),
                    f"a failure value for {name}, whose strategy is {used[name]}"
                    if not ENDPOINTS[name].counted
                    else f"a failure value for {name}, where the event counts as one more",
                    "endpoints that are no counts, with the strategy composite",
                    "remove it, or change the strategy",
                )
            else:
                yield from _not_a_value(name, value)

    def strategy_of(self, endpoint: str) -> str:
        """Return the strategy of one endpoint."""
        return self.strategies.get(endpoint, self.strategy)

    def meets(self, arm: str) -> bool:
        """Say whether the event can happen in an arm."""
        return self.arms is None or arm in self.arms


def _not_a_value(name: str, value: float) -> Iterator[Problem]:
    """Refuse a failure value that the endpoint cannot take."""
    low, high = ENDPOINTS[name].bounds
    from_low = "from" if ENDPOINTS[name].score else "above"  # the logarithm of a marker is analysed
    if low <= value <= high and (from_low == "from" or value > low):
        return
    words = f"the failure value of {name} is {value:g}, which the endpoint cannot be"
    allowed = f"a number {from_low} {low:g}" + ("" if math.isinf(high) else f" to {high:g}")
    yield Problem(("failure",), words, allowed, "correct the number")


def _no_stratum(place: str, event: str, *, alike: bool) -> Iterator[Problem]:
    """Refuse a principal stratum that no data show; ``alike``: the event comes by time in all arms."""
    if event == "contamination":
        problem = "nobody sees which people of an active arm would have taken the product as controls"
    elif not alike:
        problem = (
            f"who would have {event} in the other arm cannot be seen where it follows a relapse or "
            "meets some arms only"
        )
    else:
        return
    yield Problem(
        (place,),
        f"principal stratum: {problem}",
        "principal stratum for an event by time in all arms; treatment policy, hypothetical or composite",
        "write another strategy",
    )


def fitting(events: Sequence[Intercurrent], arms: Sequence[object]) -> Iterator[Problem]:
    """Yield what is wrong between the events of a design and its arms."""
    names = [name for name in (of(arm, "name") for arm in arms) if isinstance(name, str)]
    controls = [of(arm, "name") for arm in arms if of(arm, "control") is True]
    active = [name for name in names if name not in controls]
    seen: dict[object, int] = {}
    worst: dict[object, tuple[int, object]] = {}
    for k, event in enumerate(events):
        word = of(event, "event")
        values = of(event, "failure")
        for name, value in values.items() if isinstance(values, Mapping) else ():
            first, other = worst.setdefault(name, (k, value))
            if other != value:
                yield Problem(
                    (k, "failure"),
                    f"{name} counts as {_number(value)} here and as {_number(other)} "
                    f"in intercurrent[{first}]",
                    "one failure value for each endpoint",
                    "write the same value",
                )
        if word in seen:
            yield Problem(
                (k, "event"),
                f"{word} is that of intercurrent[{seen[word]}] too",
                "each event once",
                "put the two together",
            )
        if word is not None:
            seen.setdefault(word, k)
        listed = of(event, "arms")
        if isinstance(listed, Sequence) and not listed:
            yield Problem(
                (k, "arms"), "no arm at all", ", ".join(names), "name arms, or leave arms out for all"
            )
        for i, name in enumerate(listed if isinstance(listed, Sequence) else ()):
            if name not in names:
                yield Problem(
                    (k, "arms", i), f"the arm {unknown_word(str(name), names)}", ", ".join(names), "rename it"
                )
        if word == "contamination":
            yield from _contaminated(k, event, arms, controls, active)


def _number(value: object) -> str:
    return plain(value) if isinstance(value, int | float) else shown(value)


def _contaminated(
    k: int, event: object, arms: Sequence[object], controls: Sequence[object], active: Sequence[str]
) -> Iterator[Problem]:
    listed, product = of(event, "arms"), of(event, "product_of")
    if isinstance(listed, Sequence) and controls and any(name not in controls for name in listed):
        yield Problem(
            (k, "arms"),
            "contamination of an active arm",
            f"the control arm, {controls[0]}",
            "leave arms out",
        )
    if product is not None and product not in active:
        yield Problem(
            (k, "product_of"),
            f"the arm {unknown_word(str(product), active)}",
            ", ".join(active),
            "name an active arm",
        )
    elif product is None and len(active) > 1:
        yield Problem(
            (k, "product_of"),
            "which product the controls take is not said",
            ", ".join(active),
            "name an active arm",
        )
    for arm in arms:
        record = of(of(arm, "therapy"), "record")
        if of(arm, "control") is True and record is not None and of(record, "group") != "placebo":
            yield Problem(
                (k, "event"),
                "contamination where the control takes a product of its own",
                "a control arm that takes a placebo",
                "leave the event out",
            )


def strategy_rules(events: Sequence[Intercurrent]) -> tuple[StrategyRule, ...]:
    """Return the rules that an analysis needs: one for each endpoint and event, in the order of endpoints."""
    numbers = intercurrent_numbers()
    return tuple(
        StrategyRule(
            endpoint,
            event.event,
            event.strategy_of(endpoint),  # type: ignore[arg-type]  # one of the words
            event.failure.get(endpoint),
            numbers[f"{event.event}_affects"].value if event.event in _COURSES else math.inf,
        )
        for endpoint in ENDPOINTS
        for event in events
    )
