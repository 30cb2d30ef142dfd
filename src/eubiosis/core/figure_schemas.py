"""The tables behind the figures of a trial's report, as they lie in the run folder."""

from __future__ import annotations

from eubiosis.core.columns import Column, TableSchema

_ARM = Column("arm", "Arm that people were randomised to", "text", cdisc="ADSL.TRT01P")
_WEEK = Column("week", "Week of the trial, 0 being entry", unit="week", cdisc="AVISITN")
_ENDPOINT = Column(
    "endpoint", "Id of the endpoint, as the columns of observed tables", "text", cdisc="PARAMCD"
)
FIGURE_CLOCKS = TableSchema(
    "figure_clocks",
    (
        Column(
            "outcome",
            "What the clock counts",
            "text",
            coding={
                "first_relapse": "share of people free of relapse (Kaplan-Meier)",
                "progression": "share of people free of confirmed progression of EDSS (Kaplan-Meier)",
                "relapses": "mean cumulative relapses a person (Nelson-Aalen)",
            },
        ),
        _ARM,
        _WEEK,
        Column("median", "Median over trials", unit="as outcome says"),
        Column("low", "The 5 % point over trials", unit="as outcome says"),
        Column("high", "The 95 % point over trials", unit="as outcome says"),
        Column("at_risk", "People at risk, mean of a trial", unit="person"),
        Column("trials", "Trials with anybody at risk", "count", "-"),
    ),
    "Times to relapse and progression, and cumulative relapses, over simulated trials.",
    "one outcome of one arm at one week",
)
FIGURE_COURSES = TableSchema(
    "figure_courses",
    (
        _ENDPOINT,
        _ARM,
        _WEEK,
        Column("level", "Quantile over people of the first trial of every pair of worlds", unit="%"),
        Column("value", "Observed value at that quantile", unit="as the endpoint is measured"),
    ),
    "Observed courses over the visits.",
    "one quantile of one endpoint in one arm at one visit",
)
FIGURE_LINES = TableSchema(
    "figure_lines",
    (
        _ENDPOINT,
        _ARM,
        Column("subject", "Number of the virtual subject", "count", "-", cdisc="DM.SUBJID"),
        _WEEK,
        Column("value", "Observed value", unit="as the endpoint is measured", cdisc="AVAL"),
    ),
    "Observed courses of a few people of the first trial, drawn as lines.",
    "one visit of one subject that took place",
)
FIGURE_WEEK_CHANGES = TableSchema(
    "figure_week_changes",
    (
        _ENDPOINT,
        _ARM,
        _WEEK,
        Column(
            "median",
            "Median observed change from entry, a log2 ratio; of centred log-ratios for guilds",
            unit="-",
        ),
        Column(
            "found_in",
            "Share of trials where arm and control differ (false discovery rate under 5 %); null in control",
            unit="fraction",
        ),
        Column("found_first", "Whether the first trial is one of them; false in control", "flag"),
    ),
    "Observed changes of guilds and metabolites by week.",
    "one quantity of one arm at one visit after entry",
)
FIGURE_TABLES = (FIGURE_CLOCKS, FIGURE_COURSES, FIGURE_LINES, FIGURE_WEEK_CHANGES)
