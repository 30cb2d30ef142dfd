"""The analysis plan of a real trial: what is estimated, from which columns, by which model.

A plan names everything that an analysis decides: how arms and visits are spelt, what counts as missing, the
estimand of each endpoint after ICH E9(R1), the model, the covariates, the strategy for missing data and the
rule for several hypotheses. Nothing is guessed from the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from eubiosis.core.endpoints import Better
from eubiosis.core.kinds import LONGEST_WEEKS, Name, Range, Text, plain, shown
from eubiosis.core.spec import Problem, Spec, of, rule
from eubiosis.core.tables import RowProblem

EndpointKind = Literal["score", "ratio biomarker", "count", "binary", "time to event"]
Model = Literal["ancova", "mmrm", "ratio of geometric means", "negative binomial", "logistic risks", "cox"]
MissingData = Literal[
    "complete cases",
    "missing at random by mmrm",
    "multiple imputation at random",
    "jump to reference",
    "copy increments in reference",
    "copy reference",
]
Summary = Literal["risk difference", "risk ratio", "odds ratio"]
PlanRole = Literal["primary", "secondary", "exploratory"]
Multiplicity = Literal["none", "fixed sequence", "holm"]
SmallSample = Literal["Kenward-Roger, linear", "Kenward-Roger", "Satterthwaite"]
EventStrategy = Literal["treatment policy", "hypothetical"]

MODELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "score": ("ancova", "mmrm"),
        "ratio biomarker": ("ratio of geometric means",),
        "count": ("negative binomial",),
        "binary": ("logistic risks",),
        "time to event": ("cox",),
    }
)
IMPUTING = (
    "multiple imputation at random",
    "jump to reference",
    "copy increments in reference",
    "copy reference",
)
STRATEGIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"ancova": ("complete cases", *IMPUTING), "mmrm": ("missing at random by mmrm",)}
)
ONLY_COMPLETE = ("complete cases",)
NEEDS_VISITS = ("missing at random by mmrm", *IMPUTING)


def label(value: object) -> str:
    """Return a word of a table as text; a number is written without a needless decimal point.

    >>> label(12.0), label(" Week 12 "), label(True)
    ('12', 'Week 12', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()  # as a column of flags is written
    if not isinstance(value, str | int | float):
        raise RowProblem(
            f"{shown(value)} is no word of a table", allowed="text or a number", next_step="write one word"
        )
    words = value.strip() if isinstance(value, str) else plain(value)
    if not words or len(words) > 200 or not words.isprintable():
        raise RowProblem(
            "the word is empty, too long or not printable",
            allowed="1 to 200 characters",
            next_step="write it as it stands in the table",
        )
    return words


Label = Annotated[
    str,
    BeforeValidator(label),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": 200}, {"type": "number"}]}),
]
Labels = Annotated[tuple[Label, ...], Field(strict=False, min_length=1, max_length=100)]
NoLabels = Annotated[tuple[Label, ...], Field(strict=False, max_length=100)]


class PlannedColumns(Spec):
    """Which columns say whom a row is of, in which arm, and (one row a visit) at which visit.

    >>> PlannedColumns(participant="USUBJID", arm="TRT01P").visit is None
    True
    """

    participant: Label
    arm: Label
    visit: Label | None = None


class PlannedArm(Spec):
    """One arm: its name in the report and every way the table spells it (by default its name).

    >>> PlannedArm(name="placebo", spellings=["Placebo", "PBO"], control=True).spellings
    ('Placebo', 'PBO')
    """

    name: Name
    spellings: Labels
    control: bool = False

    @classmethod
    def filled(cls, content: Mapping[str, object]) -> Mapping[str, object]:
        """Spell an arm by its name where nothing else is said."""
        return {**({"spellings": [content["name"]]} if "name" in content else {}), **content}


class PlannedVisit(Spec):
    """One visit of the schedule: its name, its week, and every way the table spells it.

    >>> PlannedVisit(name="Week 12", week=12).spellings
    ('Week 12',)
    """

    name: Name
    week: Annotated[float, Field(ge=-52, le=LONGEST_WEEKS)]
    spellings: Labels

    @classmethod
    def filled(cls, content: Mapping[str, object]) -> Mapping[str, object]:
        """Spell a visit by its name where nothing else is said."""
        return {**({"spellings": [content["name"]]} if "name" in content else {}), **content}


class RowFilter(Spec):
    """Rows that have one of some values in a column, such as PARAMCD of an ADaM table or ITTFL = Y.

    >>> RowFilter(column="PARAMCD", values=["MFIS"]).values
    ('MFIS',)
    """

    column: Label
    values: Labels


class MissingCodes(Spec):
    """Values of a column that mean "missing", such as 99 or -1; an empty cell always does.

    >>> MissingCodes(column="mfis", codes=[99, -1]).codes
    ('99', '-1')
    """

    column: Label
    codes: Labels


class PlannedCovariate(Spec):
    """A covariate and what it is: a number used as it is, or a category coded against its first level.

    >>> PlannedCovariate(column="sex", kind="category").kind
    'category'
    """

    column: Label
    kind: Literal["number", "category"]


class PlannedEvent(Spec):
    """An intercurrent event and its strategy.

    "treatment policy" uses the values as recorded. "hypothetical" sets the values after the event missing:
    ``week_column`` has the week of the event, empty for who had none.

    >>> PlannedEvent(event="stopped the capsules", strategy="treatment policy").week_column is None
    True
    """

    event: Text
    strategy: EventStrategy
    week_column: Label | None = None

    @staticmethod
    @rule("strategy", "week_column")
    def _a_hypothetical_needs_a_week(strategy: str, week_column: str | None) -> Iterator[Problem]:
        if strategy == "hypothetical" and week_column is None:
            yield Problem(
                ("week_column",),
                "the hypothetical strategy has no column that says when the event was",
                "a column of weeks, empty for who had no event",
                "add {path}",
            )
        if strategy == "treatment policy" and week_column is not None:
            yield Problem(("week_column",), "treatment policy uses no week of the event", "", "remove {path}")


class PlannedEstimand(Spec):
    """What is meant to be estimated, in the words of the trial; the summary measure follows from the model.

    >>> PlannedEstimand(treatment="inulin or placebo", population="all randomised", variable="MFIS").events
    ()
    """

    treatment: Text
    population: Text
    variable: Text
    events: Annotated[tuple[PlannedEvent, ...], Field(strict=False, max_length=20)] = ()


class PlannedEndpoint(Spec):
    """One endpoint: its column, kind, model, covariates and estimand.

    ``visit`` is the visit whose value is compared (needed where the table has one row a visit and the rows
    of the endpoint are several for one participant). The baseline is a covariate: the endpoint's own value at
    ``baseline_visit``, or the column ``baseline_column``; on the logarithm for a ratio biomarker.
    ``exposure`` is the column of follow-up of a count, in years for a rate a year. ``event_values`` are the
    values of ``event`` (or of ``column``, for a yes-or-no endpoint) that mean an event. ``range`` makes every
    value outside it a finding. ``imputations`` and ``small_sample`` (the errors of a mixed model, see
    ``eubiosis.analysis.mmrm``) are used by the models that have them.

    >>> words = PlannedEstimand(treatment="inulin or placebo", population="all randomised", variable="MFIS")
    >>> PlannedEndpoint(name="fatigue", column="mfis", kind="score", model="ancova", estimand=words,
    ...                 missing_data="complete cases").role
    'primary'
    """

    name: Name
    column: Label
    kind: EndpointKind
    model: Model
    missing_data: MissingData
    estimand: PlannedEstimand
    role: PlanRole = "primary"
    unit: Annotated[str, Field(max_length=40)] = ""
    better: Better = "neither"
    visit: Name | None = None
    baseline_visit: Name | None = None
    baseline_column: Label | None = None
    exposure: Label | None = None
    event: Label | None = None
    event_values: NoLabels = ()
    summary: Summary | None = None
    covariates: Annotated[tuple[PlannedCovariate, ...], Field(strict=False, max_length=20)] = ()
    rows: Annotated[tuple[RowFilter, ...], Field(strict=False, max_length=10)] = ()
    range: Annotated[tuple[float, float], *Range(-1e12, 1e12).marks] | None = None
    imputations: Annotated[int, Field(ge=5, le=500)] = 50
    small_sample: SmallSample = "Kenward-Roger, linear"

    @staticmethod
    @rule("kind", "model", "missing_data")
    def _the_model_fits_the_kind(kind: str, model: str, missing_data: str) -> Iterator[Problem]:
        if model not in MODELS[kind]:
            yield Problem(
                ("model",), f'the model "{model}" is not for a {kind}', ", ".join(MODELS[kind]), "choose one"
            )
            return
        allowed = STRATEGIES.get(model, ONLY_COMPLETE)
        if missing_data not in allowed:
            yield Problem(
                ("missing_data",),
                f'"{missing_data}" is not carried out by the model "{model}"',
                ", ".join(allowed),
                "choose one, or another model",
            )

    @staticmethod
    @rule("kind", "exposure", "event", "event_values", "summary")
    def _each_kind_has_its_columns(
        kind: str, exposure: str | None, event: str | None, values: Sequence[str], summary: str | None
    ) -> Iterator[Problem]:
        wanted = {
            "exposure": (exposure is not None, kind == "count", "the column of follow-up"),
            "event": (event is not None, kind == "time to event", "the column that tells events"),
            "event_values": (bool(values), kind in ("binary", "time to event"), "values that mean an event"),
            "summary": (summary is not None, kind == "binary", "risk difference, risk ratio or odds ratio"),
        }
        for name, (given, needed, what) in wanted.items():
            if needed and not given:
                yield Problem((name,), f"a {kind} endpoint needs {name}", what, "add {path}")
            if given and not needed:
                yield Problem((name,), f"a {kind} endpoint does not use {name}", "", "remove {path}")

    @staticmethod
    @rule("kind", "visit", "baseline_visit", "baseline_column", "missing_data")
    def _one_baseline(
        kind: str, visit: str | None, baseline_visit: str | None, baseline_column: str | None, missing: str
    ) -> Iterator[Problem]:
        if baseline_visit is not None and baseline_column is not None:
            yield Problem(
                ("baseline_column",), "the baseline is named twice", "baseline_visit or baseline_column",
                "remove one",
            )  # fmt: skip
        if kind in ("time to event",) and baseline_visit is not None:
            yield Problem(("baseline_visit",), "a time to event has no value at a visit", "", "remove {path}")
        if visit is None and (missing in NEEDS_VISITS or baseline_visit is not None):
            why = f'"{missing}"' if missing in NEEDS_VISITS else "a baseline visit"
            yield Problem(
                ("visit",),
                f"{why} needs the visit whose value is compared",
                "a visit of the plan",
                "add {path}",
            )

    @staticmethod
    @rule("covariates")
    def _covariates_once(covariates: Sequence[PlannedCovariate]) -> Iterator[Problem]:
        yield from _twice(
            [(of(one, "column"), ("covariates", k, "column")) for k, one in enumerate(covariates)]
        )

    @staticmethod
    @rule("visit", "estimand")
    def _a_week_needs_a_visit(visit: str | None, estimand: PlannedEstimand) -> Iterator[Problem]:
        for k, event in enumerate(of(estimand, "events") or ()):  # type: ignore[var-annotated, arg-type]
            if of(event, "strategy") == "hypothetical" and visit is None:
                yield Problem(
                    ("estimand", "events", k, "strategy"),
                    "a week of an event means nothing where the endpoint has no visit",
                    "treatment policy",
                    "add the visit of the endpoint, or prepare the column so",
                )


class TrialPlan(Spec):
    """The analysis plan of a real trial's table; raises ``FindingsError`` with everything that is wrong.

    ``rows`` keeps only some rows of the table (an analysis population). Visits and arms that are left out on
    purpose are named, and counted. ``decimal`` is the mark in a text file's numbers. Hypotheses are the
    primary and secondary endpoints, in their order, each against the control.

    >>> words = PlannedEstimand(treatment="inulin or placebo", population="all randomised", variable="MFIS")
    >>> fatigue = PlannedEndpoint(name="fatigue", column="mfis", kind="score", model="ancova",
    ...                           missing_data="complete cases", estimand=words)
    >>> plan = TrialPlan(title="Made", columns={"participant": "id", "arm": "arm"}, endpoints=[fatigue],
    ...                  arms=[{"name": "placebo", "control": True}, {"name": "inulin"}], multiplicity="none")
    >>> plan.control.name, [arm.name for arm in plan.active], plan.alpha
    ('placebo', ['inulin'], 0.05)
    """

    title: Text
    columns: PlannedColumns
    arms: Annotated[tuple[PlannedArm, ...], Field(strict=False, min_length=2, max_length=6)]
    visits: Annotated[tuple[PlannedVisit, ...], Field(strict=False, max_length=100)] = ()
    arms_left_out: NoLabels = ()
    visits_left_out: NoLabels = ()
    rows: Annotated[tuple[RowFilter, ...], Field(strict=False, max_length=10)] = ()
    missing: Annotated[tuple[MissingCodes, ...], Field(strict=False, max_length=200)] = ()
    decimal: Literal["point", "comma"] = "point"
    endpoints: Annotated[tuple[PlannedEndpoint, ...], Field(strict=False, min_length=1, max_length=30)]
    multiplicity: Multiplicity
    alpha: Annotated[float, Field(ge=0.0001, le=0.2)] = 0.05
    seed: Annotated[int, Field(ge=0, le=2**53)] = 2026

    @property
    def control(self) -> PlannedArm:
        """The control arm."""
        return next(arm for arm in self.arms if arm.control)

    @property
    def active(self) -> tuple[PlannedArm, ...]:
        """The other arms, in the order of the plan."""
        return tuple(arm for arm in self.arms if not arm.control)

    def week(self, visit: str) -> float:
        """Return the week of a visit of the plan."""
        return next(one.week for one in self.visits if one.name == visit)

    @staticmethod
    @rule("arms", "arms_left_out")
    def _arms_are_told_apart(arms: Sequence[PlannedArm], left_out: Sequence[str]) -> Iterator[Problem]:
        controls = [of(arm, "control") for arm in arms]
        if None not in controls and controls.count(True) != 1:
            yield Problem(
                ("arms",),
                f"{controls.count(True)} arms are the control",
                "exactly one",
                "write control: true",
            )
        yield from _told_apart("arms", arms, left_out)

    @staticmethod
    @rule("visits", "visits_left_out")
    def _visits_are_told_apart(visits: Sequence[PlannedVisit], left_out: Sequence[str]) -> Iterator[Problem]:
        yield from _told_apart("visits", visits, left_out)
        yield from _twice([(of(one, "week"), ("visits", k, "week")) for k, one in enumerate(visits)])

    @staticmethod
    @rule("missing")
    def _codes_once(missing: Sequence[MissingCodes]) -> Iterator[Problem]:
        yield from _twice([(of(one, "column"), ("missing", k, "column")) for k, one in enumerate(missing)])

    @staticmethod
    @rule("columns", "visits")
    def _a_schedule_for_visits(columns: PlannedColumns, visits: Sequence[PlannedVisit]) -> Iterator[Problem]:
        if of(columns, "visit") is not None and not visits:
            yield Problem(
                ("visits",), "a column of visits and no schedule", "name and week of each visit", "add {path}"
            )
        if isinstance(columns, PlannedColumns) and columns.visit is None and visits:
            yield Problem(
                ("visits",), "a schedule and no column of visits", "columns.visit", "add it, or remove {path}"
            )

    @staticmethod
    @rule("endpoints", "visits")
    def _endpoints_name_visits_of_the_plan(
        endpoints: Sequence[PlannedEndpoint], visits: Sequence[PlannedVisit]
    ) -> Iterator[Problem]:
        yield from _twice([(of(one, "name"), ("endpoints", k, "name")) for k, one in enumerate(endpoints)])
        weeks = {of(one, "name"): of(one, "week") for one in visits}
        known = ", ".join(str(name) for name in weeks) or "none: the plan has no visits"
        for k, one in enumerate(endpoints):
            for field in ("visit", "baseline_visit"):
                named = of(one, field)
                if named is not None and named not in weeks:
                    yield Problem(
                        ("endpoints", k, field),
                        f'"{named}" is no visit of the plan',
                        known,
                        "name one of them",
                    )
            first, last = weeks.get(of(one, "baseline_visit")), weeks.get(of(one, "visit"))
            if isinstance(first, float) and isinstance(last, float) and first >= last:
                yield Problem(
                    ("endpoints", k, "baseline_visit"), "the baseline is not before the visit", "",
                    "name an earlier visit",
                )  # fmt: skip

    @staticmethod
    @rule("endpoints", "multiplicity")
    def _a_family_has_hypotheses(
        endpoints: Sequence[PlannedEndpoint], multiplicity: str
    ) -> Iterator[Problem]:
        roles = [of(one, "role") for one in endpoints]
        if None not in roles and multiplicity != "none" and set(roles) == {"exploratory"}:
            yield Problem(
                ("multiplicity",),
                "nothing but exploratory endpoints to adjust",
                "none",
                "write multiplicity: none",
            )


def _twice(words: Sequence[tuple[object, tuple[str | int, ...]]]) -> Iterator[Problem]:
    seen: set[object] = set()
    for word, place in words:
        if word is None:
            continue
        if word in seen:
            yield Problem(place, f"{shown(word)} is there twice", "once", "keep one")
        seen.add(word)


def _told_apart(where: str, items: Sequence[Spec], left_out: Sequence[str]) -> Iterator[Problem]:
    """Refuse names that differ in capitals only, and a spelling that means two things."""
    names: dict[str, int] = {}
    spelt: dict[str, str] = {}
    for k, item in enumerate(items):
        name, spellings = of(item, "name"), of(item, "spellings")
        if isinstance(name, str):
            if name.casefold() in names:
                problem = f'the name "{name}" is that of {where}[{names[name.casefold()]}] too'
                yield Problem((where, k, "name"), problem, "a name of its own", "rename one")
            names.setdefault(name.casefold(), k)
        for spelling in spellings if isinstance(spellings, tuple) else ():
            if spelt.get(spelling, name) != name:
                problem = f'"{spelling}" means both {spelt[spelling]} and {name}'
                yield Problem((where, k, "spellings"), problem, "one meaning", "keep it in one place")
            spelt.setdefault(spelling, str(name))
    for k, spelling in enumerate(left_out):
        if spelling in spelt:
            problem = f'"{spelling}" is left out and means {spelt[spelling]}'
            yield Problem((f"{where}_left_out", k), problem, "one of the two", "keep it in one place")
