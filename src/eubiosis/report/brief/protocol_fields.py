"""The protocol facts of a brief under the headings of ICH M11, as data for a protocol tool.

Section numbers and names of fields follow ICH M11 (CeSHarP, adopted on 19 November 2025) as a secondary
description gives them; the template itself was not read, and no code of its terminology is used. What a brief
cannot know is null and named in ``to_be_filled``.
"""

from __future__ import annotations

from collections.abc import Mapping

from eubiosis.core.brief import BriefData, BriefEndpoint
from eubiosis.core.json_data import Json, JsonRecord
from eubiosis.report.brief.plan import METHODS

SCHEMA = "eubiosis.protocol_fields/1"
_BLINDING: Mapping[str, str] = {"double": "double-blind", "open": "open label"}
_SPONSOR = (
    "Sponsor Protocol Identifier", "Original Protocol Indicator", "Trial Phase",
    "Sponsor Name and Address", "Sponsor Approval", "Regulatory or Clinical Trial Identifiers",
)  # fmt: skip


def protocol_fields(brief: BriefData) -> JsonRecord:
    """Return what a brief says of a protocol: section -> field -> value, null where it cannot know.

    Numbers are those of the brief; the size is of its primary endpoint at the length of treatment that needs
    the fewest people. Nothing is simulated by the mechanistic model.
    """
    asked = brief.question
    sections: dict[str, dict[str, Json]] = {
        "Title Page": {"Full Title": asked.title, **dict.fromkeys(_SPONSOR)},
        "1.1.2 Overall Design": _design(brief),
        "2.1 Purpose of Trial": {"Purpose": asked.question, "Decision": asked.decision},
        "3.1 Primary Objective(s) and Associated Estimand(s)": _estimand(brief),
        "3.2 Secondary Objective(s) and Associated Estimand(s)": {
            "Endpoints": [one.label for one in brief.endpoints if one is not brief.primary]
        },
        "6.1 Description of Investigational Trial Intervention": {"Intervention": asked.agent},
        "6.10 Concomitant Therapy": {"Background": brief.background},
        "10.4 Analyses Associated with the Primary Objective(s)": {
            "Statistical Analysis Method": METHODS.get(brief.primary.kind)
        },
        "10.11 Sample Size Determination": _size(brief.primary, brief),
    }
    empty = [
        f"{section}: {name}"
        for section, fields in sections.items()
        for name, value in fields.items()
        if value is None
    ]
    return {
        "schema": SCHEMA,
        "version": brief.version,
        "notice": brief.notice,
        "template": "after ICH M11 (CeSHarP, 19 November 2025) as described in a secondary source; the "
        "template was not read",
        "sections": {name: dict(fields) for name, fields in sections.items()},
        "to_be_filled": list(empty),
    }


def _design(brief: BriefData) -> dict[str, Json]:
    asked, size = brief.question, brief.primary.smallest
    criteria = []
    if asked.population.relapses_last_year:
        criteria.append(f"at least {asked.population.relapses_last_year} relapses in the last year")
    if asked.population.mfis_from is not None:
        criteria.append(f"MFIS of at least {asked.population.mfis_from:g}")
    return {
        "Population Type": "adults with multiple sclerosis",
        "Population Diagnosis or Condition": f"multiple sclerosis, {asked.population.phenotype}",
        "Inclusion Criteria": list(criteria),
        "Intervention Model": "parallel",
        "Control Type": asked.design.comparator,
        "Intervention Assignment Method": "randomised 1:1",
        "Number of Arms": 2,
        "Trial Blind Schema": _BLINDING[asked.design.blinding],
        "Adaptive Trial Design Indicator": "No",
        "Number of Participants": None if size is None else 2 * size.n_per_arm,
        "Duration of Intervention (years)": None if size is None else size.years,
        "Site Distribution": None,
        "Blinded Roles": None,
    }


def _estimand(brief: BriefData) -> dict[str, Json]:
    words = brief.estimands[0]
    return {
        "Endpoint": brief.primary.label,
        "Population": words.population,
        "Treatment": words.treatment,
        "Variable": words.variable,
        "Population-level Summary": words.summary,
        "Intercurrent Events and Strategies": [
            {"event": row.event, "strategy": row.strategy, "why": row.why}
            for row in brief.intercurrent_events
        ],
    }


def _size(primary: BriefEndpoint, brief: BriefData) -> dict[str, Json]:
    size, design = primary.smallest, brief.question.design
    if size is None:
        return {"Participants per Arm": None, "Why it is not sized": primary.skipped}
    return {
        "Participants per Arm": size.n_per_arm,
        "Participants per Arm if the Control Level Is Low": size.n_if_control_low,
        "Participants per Arm if the Control Level Is High": size.n_if_control_high,
        "Power": design.power,
        "Two-sided Significance Level": design.alpha,
        "Planned Effect": primary.effect_text,
        "Drop-out a Year": brief.dropout.per_year,
    }
