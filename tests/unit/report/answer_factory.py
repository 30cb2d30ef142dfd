"""A made-up answer of a trial, shaped like a real one. Nothing in it was simulated by the model."""

from __future__ import annotations

import dataclasses

from eubiosis.core.trial_answer import (
    ComparisonAnswer,
    FingerprintRow,
    KnownPart,
    NextStep,
    PlainTable,
    PowerLine,
    Promise,
    PublishedEffect,
    TippingRow,
    TrialAnswer,
    TrialVerdict,
    WhatIf,
)

SIZES = (30, 60, 120, 240, 480, 960)


def make_row(**changes: object) -> ComparisonAnswer:
    """Return one comparison: fatigue on inulin, not with this design."""
    made = ComparisonAnswer(
        endpoint="mfis",
        label="Modified Fatigue Impact Scale",
        role="clinical",
        primary=True,
        arm="inulin",
        control="placebo",
        scale="difference",
        unit="points",
        better="lower",
        relevant=4.0,
        power=0.8,
        alpha=0.025,
        comparisons=2,
        participants=120,
        weeks=48.0,
        detectable=(7.4, 8.06, 8.72),
        participants_needed=(412, 488, 571),
        level=(None, None, None),
        level_unit="",
        verdict=TrialVerdict(
            "not with this design",
            "Not with this design: it sees only a true effect of 8.8 points or more (relevant: 4 points).",
        ),
        promises=(
            Promise("common", "the prior of the brief", 0.277, 0.002, 0.5, None),
            Promise("sceptical", "centred on no effect", 0.051, 0.033, 0.5, None),
        ),
        simulated_power=0.05,
        interval=(-0.73, 0.007, 0.76),
        tipping=5.4,
        per_doubling=None,
        standard_error=2.6,
        trials=288,
        not_usable=0,
    )
    return dataclasses.replace(made, **changes)


def make_line(row: ComparisonAnswer, weeks: float = 48.0) -> PowerLine:
    """Return a power line of a comparison."""
    middle = (0.05, 0.1, 0.2, 0.45, 0.8, 0.98)
    return PowerLine(
        row.endpoint,
        row.label,
        row.role,
        row.primary,
        row.arm,
        weeks,
        SIZES,
        tuple(v * 0.9 for v in middle),
        middle,
        tuple(min(1.0, v * 1.1) for v in middle),
        (0.1, 0.2, 0.28, 0.33, 0.38, 0.4),
        (0.03, 0.04, 0.05, 0.09, 0.15, 0.22),
    )


def make_answer(**changes: object) -> TrialAnswer:
    """Return an answer with fatigue and relapses in two arms, and a biological endpoint."""
    rows = (
        make_row(),
        make_row(arm="propionate", detectable=(7.8, 8.5, 9.24), participants_needed=(462, 547, 641)),
        make_row(
            endpoint="relapses",
            label="relapses per year",
            primary=False,
            scale="ratio",
            unit="1/year",
            relevant=0.8,
            detectable=(0.5, 0.4, None),
            participants_needed=(4284, 7719, 14244),
            level=(0.5, 0.3, 0.18),
            level_unit="1/year",
            interval=(0.6, 1.0, 1.67),
            tipping=0.44,
            per_doubling=0.295,
        ),
        make_row(endpoint="treg", label="regulatory T cells", role="biological", primary=False, promises=()),
    )
    made = TrialAnswer(
        headline=rows[0].verdict,
        headline_of="inulin",
        rows=rows,
        lines=tuple(make_line(row, weeks) for row in rows for weeks in (24.0, 48.0)),
        pictured=("mfis", "treg"),
        step=NextStep(
            "size", "Size: 576 participants in all.", "title: a larger trial\n", "title: a brief\n"
        ),
        what_if=(WhatIf("90 % power were asked for", 836, flips=False),),
        tipping=(
            TippingRow(
                "mfis", "fatigue", "inulin", "N1", "acids", 4.0, "difference", "points", -0.5, 8.0, 10
            ),
            TippingRow("mfis", "fatigue", "inulin", "N0", "none", 4.0, "difference", "points", 0.1, None, 10),
        ),
        fingerprint=(
            FingerprintRow(
                "treg", "regulatory T cells", "inulin", 12.0, ("N0", "N1"), 120, 4, 0.75, 1.0, 234
            ),
        ),
        known=(
            KnownPart(
                "What is known: inulin", ("A paragraph.",), (PlainTable("cap", ("a", "b"), (("1", "2"),)),)
            ),
        ),
        published=(
            PublishedEffect(
                "mfis", "Fatigue", "someone2020", "probiotic", "SMD", -0.2, -0.5, 0.1, 80, "abstract", "x"
            ),
        ),
    )
    return dataclasses.replace(made, **changes)
