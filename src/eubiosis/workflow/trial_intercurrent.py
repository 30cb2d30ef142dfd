"""What a trial report says of intercurrent events: who had them, and which strategy each endpoint has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eubiosis.core.endpoints import ENDPOINTS, in_sentence
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.intercurrent import EVENTS
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.report_input import IntercurrentLine
from eubiosis.trial.design import Design
from eubiosis.trial.intercurrent import Intercurrent, intercurrent_numbers, strategy_rules
from eubiosis.workflow.trial_chunk import TrialCounts


def intercurrent_lines(design: Design, trials: Sequence[TrialCounts]) -> tuple[IntercurrentLine, ...]:
    """Return a line for each kind of intercurrent event of a design; nothing where it has none."""
    rules = strategy_rules(design.intercurrent)
    lines = []
    for each in design.intercurrent:
        by_words: dict[str, list[str]] = {}
        for rule in rules:
            if rule.event == each.event:
                by_words.setdefault(rule.words, []).append(ENDPOINTS[rule.endpoint].id)
        by_arm = {
            arm.name: float(np.mean([one.interrupted.get((arm.name, each.event), 0) for one in trials]))
            for arm in design.arms
        }
        strategies = tuple((words, _endpoints(names)) for words, names in by_words.items())
        lines.append(IntercurrentLine(each.event, EVENTS[each.event], _trigger(each), by_arm, strategies))
    return tuple(lines)


def intercurrent_numbers_used(design: Design) -> tuple[SourcedNumber, ...]:
    """Return the numbers of the table that belong to the events of a design."""
    kinds = tuple(each.event for each in design.intercurrent)
    return tuple(row for name, row in intercurrent_numbers().items() if kinds and name.startswith(kinds))


def _endpoints(names: Sequence[str]) -> str:
    if len(names) == len(ENDPOINTS):
        return "every endpoint"
    lacking = [name for name in ENDPOINTS if name not in names]
    told = " and ".join(in_sentence(_label(name)) for name in min(names, lacking, key=len))
    return told if len(names) <= len(lacking) else f"every endpoint but {told}"


def _label(name: str) -> str:
    endpoint = ENDPOINTS[name]
    return f"Share of {GUILD_NAMES[endpoint.guild]}" if endpoint.guild else endpoint.label


def _trigger(event: Intercurrent) -> str:
    parts = []
    if event.per_year is not None:
        parts.append(f"{event.per_year:g} a year")
    if event.after_relapse is not None:
        parts.append(f"after {100 * event.after_relapse:g} % of relapses")
    if event.arms is not None:
        parts.append(f"in {', '.join(event.arms)}")
    elif event.event == "contamination":
        parts.append("in the control arm")
    return ", ".join(parts)
