"""The next step after a verdict: another endpoint, a size, a length, or none; with the files that do it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eubiosis.core.endpoints import in_sentence
from eubiosis.core.trial_answer import ComparisonAnswer, NextStep
from eubiosis.core.verdict import EffectWords
from eubiosis.workflow.files.workflow_yaml import resolved_yaml
from eubiosis.workflow.what_is_known import PublishedEvidence
from eubiosis.workflow.workflow import Workflow

_MOST_PROPOSED = 20_000  # participants; no trial in multiple sclerosis comes near


def next_step(workflow: Workflow, rows: Sequence[ComparisonAnswer], known: PublishedEvidence) -> NextStep:
    """Return the first step that the rules allow, from the answers of the endpoints named beforehand.

    In order: name what would matter; keep a design that is large enough; take a clinical endpoint for which
    this design is large enough; enlarge it to what sees the relevant effect at every control rate; none.
    """
    primary = [row for row in rows if row.primary]
    kinds = {row.verdict.kind for row in primary}
    decides = max(primary, key=lambda row: row.participants_needed[2] or math.inf)
    brief = known.questions.get(decides.arm) or next(iter(known.questions.values()), "")
    why = "" if brief else _why_no_brief(known)
    if "no relevant difference" in kinds:
        return NextStep("relevant difference", _name_it(primary[0]), _asking(workflow), brief, why)
    if kinds == {"large enough"}:
        text = (
            "None: keep this design. Whether the effect is there is for the trial to find; its chance stands "
            "above."
        )
        return NextStep("none", text, resolved_yaml(workflow), brief, why)
    other = _endpoint_that_is_seen(rows)
    if other is not None:
        design = workflow.design.changed(primary=other.endpoint)
        text = (
            f"Endpoint: {in_sentence(other.label)} instead of {in_sentence(primary[0].label)}. This "
            "design is large enough for it: "
            f"{other.verdict.text[0].lower()}{other.verdict.text[1:]}"
        )
        return NextStep("endpoint", text, resolved_yaml(workflow.changed(design=design)), brief, why)
    needed = [row.participants_needed[2] for row in primary]
    sizes = [size for size in needed if size is not None]
    if len(sizes) == len(needed) and max(sizes) <= _MOST_PROPOSED:
        return _size(workflow, primary, max(sizes), brief, why)
    return NextStep("none", _none(primary, needed), "", brief, why)


def _why_no_brief(known: PublishedEvidence) -> str:
    if known.refused:
        return "; ".join(f"{arm}: {problem}" for arm, problem in known.refused.items())
    return "no endpoint that a brief sizes was named with a relevant effect"


def _name_it(row: ComparisonAnswer) -> str:
    what = "a ratio" if row.scale == "ratio" else f"a difference in {row.unit}"
    return (
        f"Name beforehand which effect on {in_sentence(row.label)} would matter, as {what}, under "
        "relevant: in the "
        "workflow, and run again. The simulation need not change."
    )


def _asking(workflow: Workflow) -> str:
    """Return the workflow with the line that is missing, as a comment."""
    text = resolved_yaml(workflow)
    return text.replace(
        "relevant: {}", f"relevant:\n  # {workflow.design.primary}: the smallest that matters"
    )


def _endpoint_that_is_seen(rows: Sequence[ComparisonAnswer]) -> ComparisonAnswer | None:
    """Return a named clinical endpoint for which every comparison is large enough."""
    others = dict.fromkeys(row.endpoint for row in rows if not row.primary and row.role == "clinical")
    for name in others:
        own = [row for row in rows if row.endpoint == name]
        if all(row.verdict.kind == "large enough" for row in own):
            return max(own, key=lambda row: row.participants_needed[2] or 0)
    return None


def _size(
    workflow: Workflow, primary: Sequence[ComparisonAnswer], needed: int, brief: str, why: str
) -> NextStep:
    design = workflow.design
    whole = design.size_for(needed)
    row = max(primary, key=lambda one: one.participants_needed[2] or 0)
    assert row.relevant is not None
    rated = " at every level of the control rate" if row.level[0] is not None else ""
    text = (
        f"Size: {whole:,} participants in all, {whole / design.participants:.1f} times this design, would "
        "see "
        f"{_effect(row)} on {in_sentence(row.label)} with {100 * row.power:.0f} % power{rated}. "
        "Whether so many can be "
        "recruited is for the planners."
    )
    larger = workflow.changed(design=design.changed(participants=whole))
    return NextStep("size", text, resolved_yaml(larger), brief, why)


def _effect(row: ComparisonAnswer) -> str:
    words = EffectWords(row.label, row.scale, row.unit, row.better == "lower")
    assert row.relevant is not None
    return words.relevant(abs(math.log(row.relevant)) if row.scale == "ratio" else row.relevant)


def _none(primary: Sequence[ComparisonAnswer], needed: Sequence[int | None]) -> str:
    if all(row.verdict.kind == "not estimable" for row in primary):
        name = in_sentence(primary[0].label)
        return f"None for {name}: no simulated trial gave a finite estimate. Choose another endpoint."
    finite = [size for size in needed if size is not None]
    size = "more than 100,000" if len(finite) < len(needed) else f"{max(finite):,}"
    return (
        f"None within reach: {in_sentence(primary[0].label)} would need {size} participants. Ask for "
        "an endpoint that "
        "moves, "
        "named beforehand with the effect that would matter, or do not start this trial."
    )
