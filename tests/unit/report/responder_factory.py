"""Made-up figures of who responds, shaped like real ones. Nothing in them was simulated by the model."""

from __future__ import annotations

import dataclasses
import math

from eubiosis.core.responders import (
    CalibrationFifth,
    ModeratorLine,
    PhenotypeLine,
    ResponderFigures,
    TargetingCurve,
    Waterfall,
    WaterfallPanel,
)

FATIGUE = {"endpoint": "mfis", "label": "Fatigue (MFIS)", "unit": "points", "scale": "difference"}
TREG = {"endpoint": "treg", "label": "Regulatory T cells", "unit": "% of CD4+ T cells", "scale": "ratio"}
NONE = (math.nan, math.nan, math.nan)


def make_curve(**changes: object) -> TargetingCurve:
    """Return a curve that finds nothing."""
    made = TargetingCurve(
        **FATIGUE, better="lower", arm="inulin", people=70, shares=(0.5, 1.0),
        observed=((-4.0, 0.5, 5.0), (0.0, 0.0, 0.0)), by_twins=((-0.1, 0.01, 0.1), (0.0, 0.0, 0.0)),
        perfect=((0.1, 0.3, 0.5), (0.0, 0.0, 0.0)), autoc=(-6.5, 0.5, 5.4), qini=(-1.7, 0.2, 1.6),
        claiming=1, claiming_share=(0.0007, 1 / 36, 0.145), trials=36, found=False,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def make_responders(**changes: object) -> ResponderFigures:
    """Return figures of fatigue and Treg on inulin."""
    panel = WaterfallPanel(
        "the middle world", 2, 3, "N1", 40, (-2.5, -0.1, 0.4), (-12.0, math.nan, 8.0), -0.4, 0.05
    )
    ratio = dataclasses.replace(panel, effects=(0.9, 1.0, 1.3), changes=(0.5, 1.1, math.nan), mean=1.05,
                                reached=math.nan)  # fmt: skip
    fall = Waterfall(
        **FATIGUE, better="lower", arm="inulin", important=4.0, important_source="A study; 365 people",
        detectable=20.2, detectable_source="another", changed=(0.3, 0.5, 0.7),
        changed_on_control=(0.3, 0.49, 0.7), trials=36, panels=(panel,),
    )  # fmt: skip
    blood = Waterfall(
        **TREG, better="higher", arm="inulin", important=None, important_source="", detectable=None,
        detectable_source="", changed=NONE, changed_on_control=NONE, trials=36, panels=(ratio,),
    )  # fmt: skip
    group = ModeratorLine(
        **FATIGUE, arm="inulin", moderator="Sex", low_label="men", high_label="women", people=70,
        low=(-6.0, 0.6, 5.0), high=(-6.7, -1.2, 4.5), interaction=(-6.7, -1.9, 5.4), significant=3, trials=36,
        share=(0.02, 3 / 36, 0.22),
    )  # fmt: skip
    lacking = dataclasses.replace(
        group, **TREG, low=NONE, high=NONE, interaction=NONE, significant=0, trials=0, share=NONE
    )
    fifths = tuple(
        CalibrationFifth(**FATIGUE, arm="inulin", fifth=k + 1, predicted=(x - 2, x, x + 2),
                         true=(-0.5, 0.01, 0.5), trials=36)
        for k, x in enumerate((-16.0, -6.0, 1.0, 5.0, 14.0))
    )  # fmt: skip
    phenotype = PhenotypeLine(
        **FATIGUE, arm="inulin", phenotype="women", prevalence=(0.66, 0.72, 0.8), effect=(-0.9, -0.01, 0.8),
        sign="benefit", stability=0.53, worlds=36, responders=0.003, screened_for_one=1 / 0.72,
        screened_for_responder=463.1,
    )  # fmt: skip
    unknown = dataclasses.replace(
        phenotype, **TREG, responders=math.nan, screened_for_responder=None, effect=(0.9, 1.0, 1.1)
    )
    made = ResponderFigures(
        pairs=36, people=120, waterfalls=(fall, blood), subgroups=(group, lacking), calibration=fifths,
        curves=(make_curve(),), phenotypes=(phenotype, unknown), notes=("A note.",),
    )  # fmt: skip
    return dataclasses.replace(made, **changes)
