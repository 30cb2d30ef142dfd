"""What a trial report says of harms: published counts beside simulated shares, sizes, and burden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eubiosis.analysis.planning.harms import excluded_risk, size_to_exclude
from eubiosis.core.report_input import BurdenLine, HarmLine, TransplantFactLine
from eubiosis.therapy.harms import (
    BACKGROUND,
    HarmRow,
    asked_of,
    counts_of,
    harm_rows,
    harm_terms,
    uncounted,
)
from eubiosis.therapy.transplant_facts import transplant_facts
from eubiosis.trial.design import Arm, Design
from eubiosis.workflow.trial_chunk import Chunk


def harm_lines(design: Design, chunks: Sequence[Chunk]) -> tuple[HarmLine, ...]:
    """Return a line for each active arm and harm that it must answer for, or that is simulated in it."""
    people = _people(chunks)
    share = {
        (arm.name, harm): sum(chunk.harmed.get((arm.name, harm), 0) for chunk in chunks)
        / max(people[arm.name], 1.0)
        for arm in design.arms
        for harm in harm_terms()
    }
    return tuple(
        _line(design, arm, harm, share)
        for arm in design.active
        for harm in harm_terms()
        if harm in _asked(arm)
    )


def _people(chunks: Sequence[Chunk]) -> dict[str, float]:
    found: dict[str, float] = {}
    for chunk in chunks:
        for counts in chunk.flow:
            for arm, number in counts.randomised.items():
                found[arm] = found.get(arm, 0.0) + number
    return found


def _asked(arm: Arm) -> set[str]:
    background = {row.harm for row in harm_rows() if row.therapy_class == BACKGROUND}
    return background | {harm for part in arm.therapy.given for harm in asked_of(part.record)}


def _line(design: Design, arm: Arm, harm: str, share: Mapping[tuple[str, str], float]) -> HarmLine:
    term = harm_terms()[harm]
    rows = [row for part in arm.therapy.given for row in counts_of(part.record) if row.harm == harm]
    background = [row for row in harm_rows() if row.therapy_class == BACKGROUND and row.harm == harm]
    simulated = any(row.simulated == "yes" for row in (*rows, *background))
    mine = share[arm.name, harm] if simulated else None
    known = bool(background) or _counted(design.control, harm)
    control = share[design.control.name, harm] if simulated and known else None
    allocated = dict(zip((each.name for each in design.arms), design.allocation, strict=True))
    per_arm = round(design.participants * allocated[arm.name] / sum(design.allocation))
    expected = 0.0 if mine is None else mine
    limit = expected + term.excluded_at if expected else term.excluded_at
    return HarmLine(
        arm=arm.name,
        harm=harm,
        label=term.label,
        serious=term.serious == "yes",
        published="; ".join(_count(row) for row in rows) or _uncounted(arm),
        source="; ".join(dict.fromkeys(_source(row) for row in rows or background)),
        simulated=mine,
        control=control,
        excluded=excluded_risk(per_arm),
        limit=limit,
        size=size_to_exclude(limit, expected=expected) if limit < 1 else None,
    )


def _counted(arm: Arm, harm: str) -> bool:
    """Tell whether a harm of the arm's own products is simulated."""
    rows = (row for part in arm.therapy.given for row in counts_of(part.record))
    return any(row.harm == harm and row.simulated == "yes" for row in rows)


def _source(row: HarmRow) -> str:
    background = "background: " if row.therapy_class == BACKGROUND else ""
    return f"{background}{row.source} ({row.read}), {row.population}"


def _uncounted(arm: Arm) -> str:
    """Say that no count of an arm's products was read, and what silence could exclude; one line for all."""
    return "; ".join(dict.fromkeys(uncounted(part.record) for part in arm.therapy.given))


def _count(row: HarmRow) -> str:
    arm = "both arms together" if row.arm == "both" else row.arm
    return f"{arm}: {row.text}"


def burden_lines(design: Design) -> tuple[BurdenLine, ...]:
    """Return what each arm asks of its participants."""
    lines = []
    for arm in design.arms:
        doses = diet = 0.0
        procedures = 0
        for part in arm.therapy.components:
            stop = design.visits[-1] if part.stop is None else part.stop
            days = 7 * (stop - part.start)
            schedule = part.record.schedule
            if part.transplant is not None:
                procedures += part.transplant.number
            elif part.record.diet is not None:
                diet += days * part.record.diet.days_a_week / 7
            else:
                doses += days * (1.0 if schedule is None else schedule.times_per_day)
        lines.append(BurdenLine(arm.name, doses, diet, procedures, len(design.visits)))
    return tuple(lines)


def transplant_lines(design: Design) -> tuple[TransplantFactLine, ...]:
    """Return what stands beside every fecal transplant; nothing where no arm has one."""
    has_one = any(part.transplant is not None for arm in design.arms for part in arm.therapy.components)
    if not has_one:
        return ()
    return tuple(
        TransplantFactLine(row.topic, row.statement, row.read or "", row.source) for row in transplant_facts()
    )
