"""The question that a brief answers: its words are those of the evidence tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from eubiosis.core.findings import FindingsError
from eubiosis.core.from_yaml import from_yaml
from eubiosis.core.kinds import plain
from eubiosis.core.question import AskedEndpoint, AskedQuestion
from eubiosis.core.spec import Place, Problem, of, rule
from eubiosis.evidence.records.rows import OutcomeTerm
from eubiosis.evidence.records.store import load

RATIO_KINDS = ("count", "time")


class Question(AskedQuestion):
    """The question that a brief answers.

    Made from Python or, with ``read_question``, from a YAML file, by the same rules. Raises ``FindingsError``
    with everything that is wrong: fields out of bounds, unknown words, effects that are no benefit.

    >>> asked = Question(
    ...     title="Fibre and fatigue",
    ...     question="Does inulin lower fatigue?",
    ...     decision="Size the trial.",
    ...     intervention="prebiotic",
    ...     agent="inulin 12 g/day",
    ...     year=2028,
    ...     population={"background": "platform"},
    ...     design={
    ...         "blinding": "double", "comparator": "maltodextrin", "years": [1], "recruitable_per_arm": 150
    ...     },
    ...     endpoints=[{"outcome": "MFIS", "role": "primary", "effect": 0.3}],
    ... )
    >>> asked.design.power
    0.8
    """

    @staticmethod
    @rule("intervention")
    def intervention_is_known(intervention: str) -> Iterator[Problem]:
        """Refuse an intervention that the tables do not know."""
        yield from _unknown(lambda: load().intervention(intervention), ("intervention",))

    @staticmethod
    @rule("endpoints")
    def outcomes_are_known_and_differ(endpoints: Sequence[AskedEndpoint]) -> Iterator[Problem]:
        """Refuse unknown outcomes, the same one twice, and effects that do not fit their kind."""
        seen: dict[str, int] = {}
        for k, one in enumerate(endpoints):
            name = of(one, "outcome")
            if not isinstance(name, str):
                continue
            where = ("endpoints", k, "outcome")
            wrong = list(_unknown(partial(load().outcome, name), where))
            yield from wrong
            if wrong:
                continue
            term = load().outcome(name)
            if term.id in seen:
                yield Problem(where, f"the outcome is that of endpoints[{seen[term.id]}]", "", "keep one")
            seen.setdefault(term.id, k)
            yield from _effect_problems(("endpoints", k), one, term)


def read_question(path: Path | str) -> Question:
    """Read a question file; raises ``FindingsError`` with everything that is wrong, in order of lines."""
    return from_yaml(path, Question)


def _unknown(find: Callable[[], object], where: Place) -> Iterator[Problem]:
    try:
        find()
    except FindingsError as error:
        for finding in error.findings:
            yield Problem(where, finding.problem, finding.allowed, finding.next_step)


def _effect_problems(where: Place, one: AskedEndpoint, term: OutcomeTerm) -> Iterator[Problem]:
    ratio = term.kind in RATIO_KINDS
    if term.kind == "none":
        yield Problem(
            (*where, "outcome"),
            f"{term.id} is neither a count, a time nor a score that can be sized",
            "ARR, Gd_lesions, new_T2_lesions, CDP12, CDP24, or a score, marker or taxon",
            "see: eubiosis evidence list outcomes",
        )
    given = {
        name: value for name in ("effect", "relevant") if isinstance(value := of(one, name), float | int)
    }
    for name, value in given.items():
        if ratio and value >= 1:
            yield Problem(
                (*where, name),
                f"{plain(value)} is no benefit as a ratio",
                "a ratio below 1, treated over control",
                "write for example 0.85",
            )
    if len(given) == 2:
        effect, relevant = given["effect"], given["relevant"]
        if relevant < effect if ratio else relevant > effect:
            yield Problem(
                (*where, "relevant"),
                f"the smallest relevant effect {plain(relevant)} is larger than the planned {plain(effect)}",
                "at most the planned effect",
                "correct one of the two",
            )
    if ratio and of(one, "baseline_correlation") is not None:
        yield Problem(
            (*where, "baseline_correlation"),
            "counts and times have no baseline correlation",
            "a score",
            "remove the key",
        )
