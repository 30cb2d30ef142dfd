"""The design of a virtual trial: arms, entry, visits, randomisation, and the level of the control arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field

from eubiosis.core.design_defaults import default
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.kinds import Name, Range, Shares, Weeks, Words, plain
from eubiosis.core.place import Place
from eubiosis.core.spec import Problem, Spec, of, rule
from eubiosis.therapy import Component, Therapy, known_product
from eubiosis.trial.intercurrent import Intercurrent, fitting

MOST_PARTICIPANTS = 1_000_000
PartT = TypeVar("PartT", bound=Component)


def _default_visits() -> tuple[float, ...]:
    step, last = default("visit_interval"), default("last_visit")
    return tuple(step * k for k in range(round(last / step) + 1))


class Arm(Spec):
    """One parallel arm; ``control`` is by default true of the only arm that takes a placebo alone.

    >>> from eubiosis import therapy
    >>> Arm(name="placebo", therapy=therapy.placebo()).control
    False
    """

    name: Name
    therapy: Therapy
    control: bool = False


class Eligibility(Spec):
    """Who may enter; None switches a criterion off. Ages in years, relapses in the year before entry.

    ``background`` says which treatment of MS people keep, ``immunosuppression`` how far they are suppressed:
    words for the page and for questions of ethics, which the model does not read.

    >>> Eligibility(edss=[0, 4]).edss
    (0.0, 4.0)
    """

    age: Annotated[tuple[float, float], *Range(0, 120).marks] | None = Field(
        default_factory=lambda: (default("age_from"), default("age_to"))
    )
    edss: Annotated[tuple[float, float], *Range(0, 10).marks] | None = Field(
        default_factory=lambda: (default("edss_from"), default("edss_to"))
    )
    relapses_last_year: Annotated[int, Field(ge=0, le=20)] | None = None
    background: Literal["not stated", "none", "stable", "high efficacy"] = "not stated"
    immunosuppression: Literal["not stated", "none", "moderate", "severe"] = "not stated"
    mfis_from: Annotated[float, Field(ge=0, le=84)] | None = None


class ControlLevel(Spec):
    """The level of the control arm, which the design states and the model does not predict.

    ``relapses_per_year`` and ``gd_lesions_per_scan`` are what the control arm shows on average: means over
    the follow-up of untreated people who enter, with the relapses before entry that ``Eligibility`` asks for.

    >>> ControlLevel(relapses_per_year=0.2).relapses_per_year
    0.2
    """

    relapses_per_year: Annotated[float, Field(ge=0, le=10)] = Field(
        default_factory=lambda: default("relapses_per_year")
    )
    gd_lesions_per_scan: Annotated[float, Field(ge=0, le=100)] = Field(
        default_factory=lambda: default("gd_lesions_per_scan")
    )


class Design(Spec):
    """Two or three parallel arms with screening, permuted blocks, visits and dropout.

    ``arms`` is a list of ``Arm``, or a mapping from names to therapies. ``visits`` are weeks from 0, or a
    text such as "every 12 weeks to week 48"; the last is the end of follow-up. ``allocation`` gives each
    arm's share of a block of size ``block`` x sum(allocation). ``dropout_per_year`` is a hazard,
    ``missed_visits`` the chance that a visit after entry does not take place though nobody has left,
    ``placebo_response_mfis`` points in every arm; ``intercurrent`` lists the events after randomisation that
    happen, none by default. Defaults: ``content/trials/design_defaults.tsv``. Raises
    ``FindingsError`` with everything that is wrong.

    >>> from eubiosis import therapy
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> design = Design(arms=arms, participants=120, primary="mfis")
    >>> design.control.name, design.active[0].therapy.stop, design.days
    ('placebo', 48.0, 336)
    """

    arms: Annotated[tuple[Arm, ...], Field(strict=False)]
    participants: Annotated[int, Field(ge=2, le=MOST_PARTICIPANTS)]
    visits: Weeks = Field(default_factory=_default_visits)
    allocation: Shares
    block: Annotated[int, Field(ge=1, le=100)] = Field(default_factory=lambda: int(default("block")))
    dropout_per_year: Annotated[float, Field(ge=0, le=5)] = Field(
        default_factory=lambda: default("dropout_per_year")
    )
    missed_visits: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default_factory=lambda: default("missed_visits")
    )
    placebo_response_mfis: Annotated[float, Field(ge=-84, le=84)] = Field(
        default_factory=lambda: default("placebo_response_mfis")
    )
    eligibility: Eligibility = Field(default_factory=Eligibility)
    control_level: ControlLevel = Field(default_factory=ControlLevel)
    intercurrent: Annotated[tuple[Intercurrent, ...], Field(strict=False)] = ()
    primary: Annotated[str, *Words(tuple(ENDPOINTS)).marks]

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><th scope='row'>{escape(arm.name)}</th><td>{escape(arm.therapy.describe())}</td>"
            f"<td>{'control' if arm.control else ''}</td></tr>"
            for arm in self.arms
        )
        weeks = ", ".join(f"{week:g}" for week in self.visits)
        said = f"{self.participants} participants, visits in weeks {weeks}, primary endpoint {self.primary}"
        return f"<div><p>Design: {escape(said)}</p><table><tbody>{rows}</tbody></table></div>"

    @classmethod
    def filled(cls, content: Mapping[str, object]) -> Mapping[str, object]:
        """Fill in the control, the stop of each therapy and the allocation, where they are left out."""
        arms = content.get("arms")
        if isinstance(arms, Mapping):
            arms = [{"name": name, "therapy": therapy} for name, therapy in arms.items()]
        if not isinstance(arms, Sequence) or isinstance(arms, str):
            return {"allocation": [], **content}
        arms = [_as_fields(arm) for arm in arms]
        controls = [_get(arm, "control") for arm in arms]
        placebos = [
            k
            for k, arm in enumerate(arms)
            if _is_placebo(_get(arm, "therapy")) and _get(arm, "control") is None
        ]
        if len(placebos) == 1 and True not in controls:
            arms[placebos[0]] = {**_fields(arms[placebos[0]]), "control": True}
        return {"allocation": [1] * len(arms), **content, "arms": arms}

    @staticmethod
    @rule("arms")
    def _arms_can_be_compared(arms: Sequence[Arm]) -> Iterator[Problem]:
        if not 2 <= len(arms) <= 3:
            problem = f"the number of arms is {len(arms)}"
            yield Problem(("arms",), problem, "2 or 3", "add or remove arms")
        seen: dict[str, int] = {}
        for k, name in enumerate(of(arm, "name") for arm in arms):
            if not isinstance(name, str):
                continue
            if name.casefold() in seen:
                yield Problem(
                    ("arms", k, "name"),
                    f'the name "{name}" is that of arms[{seen[name.casefold()]}] too',
                    "a name of its own for every arm",
                    "rename one",
                )
            seen.setdefault(name.casefold(), k)
        controls = [of(arm, "control") for arm in arms]
        whole = None not in controls and all(of(of(arm, "therapy"), "product") for arm in arms)
        if controls.count(True) > 1 or (True not in controls and whole):
            yield Problem(
                ("arms",),
                f"{controls.count(True) or 'no'} arms are the control",
                "exactly one",
                "write control: true in one arm",
            )

    @staticmethod
    @rule("arms", "visits")
    def _therapies_end_with_the_visits(arms: Sequence[Arm], visits: Sequence[float]) -> Iterator[Problem]:
        weeks = ", ".join(plain(v) for v in visits)
        for k, therapy in enumerate(of(arm, "therapy") for arm in arms):
            given: list[tuple[Place, object]] = [(("arms", k, "therapy"), therapy)]
            added = of(therapy, "added")
            if isinstance(added, Sequence):
                given += [(("arms", k, "therapy", "added", i), each) for i, each in enumerate(added)]
            for (where, each), name in product(given, ("start", "stop")):
                moment = of(each, name)
                if isinstance(moment, float) and moment > visits[-1]:
                    yield Problem(
                        (*where, name),
                        f"week {plain(moment)} is beyond the last visit in week {plain(visits[-1])}",
                        f"week 0 to week {plain(visits[-1])} (visits: {weeks})",
                        "shorten the therapy or add visits",
                    )
            open_end = of(therapy, "stop") is None or isinstance(therapy, Therapy)
            if open_end and of(therapy, "start") == visits[-1]:
                yield Problem(
                    ("arms", k, "therapy", "start"),
                    f"the therapy starts at the last visit, in week {plain(visits[-1])}",
                    "start before stop",
                    "move the start, or add visits",
                )

    @staticmethod
    @rule("arms", "allocation")
    def _every_arm_has_a_share(arms: Sequence[Arm], allocation: Sequence[int]) -> Iterator[Problem]:
        if arms and len(allocation) != len(arms):
            yield Problem(
                ("allocation",),
                f"{len(allocation)} shares for {len(arms)} arms",
                "one whole number for each arm",
                "add or remove a share",
            )

    @staticmethod
    @rule("arms", "allocation", "block", "participants")
    def _a_block_is_filled(
        arms: Sequence[Arm], allocation: Sequence[int], block: int, participants: int
    ) -> Iterator[Problem]:
        size = block * sum(allocation)
        if len(allocation) == len(arms) and participants < size:
            yield Problem(
                ("participants",),
                f"{participants} participants do not fill one block of {size}",
                f"{size} or more (block {block} x allocation {sum(allocation)})",
                "take more participants or a smaller block",
            )

    @staticmethod
    @rule("arms", "intercurrent")
    def _events_fit_the_arms(arms: Sequence[Arm], events: Sequence[Intercurrent]) -> Iterator[Problem]:
        for problem in fitting(events, arms):
            yield replace(problem, place=("intercurrent", *problem.place))

    def model_post_init(self, _: object) -> None:
        """Let every therapy stop at the last visit where nothing else is said."""
        last = self.visits[-1]
        whole = tuple(
            arm.model_copy(update={"therapy": _until(arm, last)}) if _open(arm) else arm for arm in self.arms
        )
        object.__setattr__(self, "arms", whole)

    def changed(self, **fields: object) -> Self:
        """Return the design with other values in some fields, filled in and checked like a new one.

        A therapy whose end was left out ends with the last visit, also when the visits change.
        """
        if "visits" in fields and "arms" not in fields:
            fields["arms"] = tuple(_reopened(arm) for arm in self.arms)
        return super().changed(**fields)

    @property
    def control(self) -> Arm:
        """The control arm."""
        return next(arm for arm in self.arms if arm.control)

    @property
    def active(self) -> tuple[Arm, ...]:
        """The other arms."""
        return tuple(arm for arm in self.arms if not arm.control)

    def size_for(self, participants: int) -> int:
        """Return the participants of a trial like this one that holds at least so many.

        Whole blocks of randomisation, unless this design as it stands is large enough and smaller than they.

        >>> from eubiosis import therapy
        >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
        >>> design = Design(arms=arms, participants=121, block=2, primary="mfis")
        >>> design.size_for(641), design.size_for(121)
        (644, 121)
        """
        block = self.block * sum(self.allocation)
        whole = block * -(-participants // block)
        return self.participants if participants <= self.participants < whole else whole

    @property
    def days(self) -> int:
        """Days of follow-up."""
        return round(7 * self.visits[-1])


def _open(arm: Arm) -> bool:
    return any(part.stop is None for part in arm.therapy.given)


def _until(arm: Arm, week: float) -> Therapy:
    """Return the therapy with ends that its author left out, and which stay marked as left out."""

    def ended(part: PartT) -> PartT:
        if part.stop is not None:
            return part
        made = part.model_copy(update={"stop": week})
        made.model_fields_set.discard("stop")
        return made

    therapy = ended(arm.therapy)
    added = tuple(ended(each) for each in therapy.added)
    return _with_added(therapy, added)


def _reopened(arm: Arm) -> Arm:
    def opened(part: PartT) -> PartT:
        if "stop" in part.model_fields_set:
            return part
        made = part.model_copy(update={"stop": None})
        made.model_fields_set.discard("stop")
        return made

    therapy = opened(arm.therapy)
    added = tuple(opened(each) for each in therapy.added)
    return arm.model_copy(update={"therapy": _with_added(therapy, added)})


def _with_added(therapy: Therapy, added: tuple[Component, ...]) -> Therapy:
    """Return a therapy with other parts, its fields marked as set or left out as they are."""
    if not added:
        return therapy
    made = therapy.model_copy(update={"added": added})
    if "stop" not in therapy.model_fields_set:
        made.model_fields_set.discard("stop")
    return made


def _is_placebo(therapy: object) -> bool:
    """Tell whether a therapy, made or as fields, is a placebo with nothing added."""
    name = _get(therapy, "product")
    record = known_product(name) if isinstance(name, str) else None
    return record is not None and record.group == "placebo" and not _get(therapy, "added")


def _as_fields(arm: object) -> object:
    """Return a made arm as the fields that it was given, so that a default control can be filled in."""
    if not isinstance(arm, Arm):
        return arm
    return {name: getattr(arm, name) for name in arm.model_fields_set}


def _fields(arm: object) -> dict[str, object]:
    assert isinstance(arm, Mapping)
    return dict(arm)


def _get(item: object, name: str) -> object:
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)
