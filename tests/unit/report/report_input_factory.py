"""A made-up trial report input, shaped like a real one. Nothing in it was simulated by the model."""

from __future__ import annotations

import dataclasses

import numpy as np

from eubiosis.core.report_input import (
    ArmInfo,
    AssumptionRow,
    CourseBand,
    EffectRow,
    FlowRow,
    MarkerChange,
    SimulationSize,
    TrialReportInput,
    VarianceRow,
)

# id, label, scale, unit, better, baseline, spread of the prior truth (log or unit), spread between subjects
ENDPOINTS = (
    ("mfis", "Modified Fatigue Impact Scale", "difference", "points", "lower", 38.0, 1.6, 14.0),
    ("relapses", "relapses per year", "ratio", "1/year", "lower", 0.3, 0.18, 1.0),
    ("gd", "new gadolinium-enhancing lesions", "ratio", "lesions/scan", "lower", 0.8, 0.25, 1.2),
    ("t2", "new or enlarging T2 lesions", "ratio", "lesions/year", "lower", 3.0, 0.22, 1.1),
    ("edss", "Expanded Disability Status Scale", "difference", "points", "lower", 2.5, 0.03, 1.3),
    ("treg", "regulatory T cells of CD4 T cells", "ratio", "%", "neither", 5.0, 0.08, 0.35),
    ("stool_acids", "stool short-chain fatty acids, total", "ratio", "umol/g", "neither", 80.0, 0.10, 0.40),
    ("stool_acetate", "stool acetate", "ratio", "umol/g", "neither", 48.0, 0.10, 0.42),
    ("stool_propionate", "stool propionate", "ratio", "umol/g", "neither", 16.0, 0.08, 0.45),
    ("stool_butyrate", "stool butyrate", "ratio", "umol/g", "neither", 14.0, 0.12, 0.50),
    ("plasma_acetate", "plasma acetate", "ratio", "uM", "neither", 60.0, 0.08, 0.40),
    ("plasma_propionate", "plasma propionate", "ratio", "uM", "neither", 4.0, 0.10, 0.45),
    ("plasma_butyrate", "plasma butyrate", "ratio", "uM", "neither", 2.0, 0.14, 0.60),
    ("share_BIF", "Bifidobacterium, share of reads", "ratio", "%", "neither", 3.0, 0.30, 1.20),
    ("share_FAE", "Faecalibacterium, share of reads", "ratio", "%", "neither", 8.0, 0.15, 0.90),
    ("share_ROS", "Roseburia and kin, share of reads", "ratio", "%", "neither", 5.0, 0.15, 0.80),
    ("share_ANA", "Anaerostipes and kin, share of reads", "ratio", "%", "neither", 1.5, 0.20, 0.90),
    ("share_AKK", "Akkermansia, share of reads", "ratio", "%", "neither", 2.0, 0.20, 1.60),
    ("share_BAC", "Bacteroides and kin, share of reads", "ratio", "%", "neither", 25.0, 0.06, 0.60),
    ("share_PRV", "Prevotella, share of reads", "ratio", "%", "neither", 6.0, 0.10, 2.00),
)
SHIFTS = {
    "inulin": {"share_BIF": 0.9, "share_ANA": 0.5, "share_ROS": -0.3, "stool_acids": 0.12, "treg": 0.03},
    "propionate": {"stool_propionate": 0.10, "plasma_propionate": 0.15, "treg": 0.02},
}
CLINICAL = ("mfis", "relapses", "gd", "t2", "edss")
GUILDS = {
    "Bacteroides and kin": -0.1, "Prevotella": -0.05, "Akkermansia": 0.1, "Ruminococcus and kin": -0.2,
    "Bifidobacterium": 1.3, "lactate producers": 0.3, "Faecalibacterium": 0.2, "Roseburia and kin": -0.4,
    "Anaerostipes and kin": 0.7, "Veillonella and kin": 0.05, "Blautia, Dorea": -0.1, "methanogens": 0.0,
    "Enterobacteria": -0.2, "other clostridia": -0.1,
}  # fmt: skip
METABOLITES = {
    "lumen": ("acetate", "propionate", "butyrate", "lactate", "hydrogen sulfide"),
    "stool": ("acetate", "propionate", "butyrate", "total short-chain fatty acids"),
    "plasma": ("acetate", "propionate", "butyrate", "indolepropionate"),
}
WEEKS = (0.0, 12.0, 24.0, 36.0, 48.0)


def make_report_input(
    *, arms: int = 3, endpoints: int = 20, question: str | None = None, **changes: object
) -> TrialReportInput:
    """Return a made-up input with 2 or 3 arms and up to 20 endpoints."""
    rng = np.random.default_rng(5)
    names = ("placebo", "inulin", "propionate")[:arms]
    rows = ENDPOINTS[:endpoints]
    made = TrialReportInput(
        title="Inulin or propionate as add-on in relapsing multiple sclerosis",
        question=question
        or "Does 10 g of inulin or 1 g of propionate a day beside a stable drug change fatigue in 48 weeks?",
        context_of_use="Planning: which endpoints a trial of this size could see, if the prior were true.",
        decision="Whether to ask for funding of a pilot with stool endpoints, and of which size.",
        design=_design(names),
        arms=_arms(names),
        flow=_flow(names),
        effects=tuple(_effect(row, arm, rng) for row in rows for arm in names[1:]),
        courses=tuple(_course(row, names, rng) for row in rows[:12]),
        changes=_changes(names, rng),
        variance=tuple(_variance(row, arm, rng) for row in rows for arm in names[1:]),
        assumptions=_assumptions(),
        basis_shares={"measured": 0.11, "fitted": 0.07, "derived": 0.16, "assumed": 0.66},
        facts=(
            ("master seed", "2026"),
            ("eubiosis", "0.1.0"),
            ("numpy", "2.1.0"),
            ("design hash (sha256)", "3fa2c19b77d04e51"),
            ("analysis plan hash (sha256), taken before simulation", "99ab01c2d3e4f567"),
            ("run time", "2 min 41 s on 2 cores"),
        ),
        warnings=(
            "2 of 240 drawn profiles could not be held (status niche_unsolved) and were not screened.",
        ),
        size=SimulationSize(
            seed=2026, worlds=40, trials=10, participants=120, design_hash="3fa2c19b77d04e51"
        ),
    )
    return dataclasses.replace(made, **changes)


def _arms(names: tuple[str, ...]) -> tuple[ArmInfo, ...]:
    words = {
        "placebo": "Matching powder without active substance, by mouth, daily.",
        "inulin": "Inulin 10 g/day by mouth with breakfast, weeks 0 to 48; 85 % of doses taken on average.",
        "propionate": "Sodium propionate 1,000 mg/day by mouth, weeks 0 to 48; 85 % of doses taken.",
    }
    return tuple(ArmInfo(name, words[name], control=name == "placebo") for name in names)


def _design(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return (
        ("design", f"{len(names)} parallel arms, double blind, permuted blocks"),
        ("participants", "120, randomised 1:1:1" if len(names) == 3 else "120, randomised 1:1"),
        ("visits", "weeks 0, 12, 24, 36 and 48"),
        ("eligibility", "age 18 to 60 years; EDSS 0 to 5.5; MFIS from 33"),
        ("background", "0.30 relapses a year and 0.8 Gd+ lesions a scan without treatment (stated)"),
        ("dropout", "0.12 a year, unrelated to outcome"),
        ("primary endpoint", "MFIS, change at week 48, ANCOVA on baseline"),
    )


def _flow(names: tuple[str, ...]) -> tuple[FlowRow, ...]:
    share = 120 / len(names)
    return (
        FlowRow("screened", 231.4),
        FlowRow("MFIS below 33", 78.2, left=True),
        FlowRow("EDSS above 5.5", 21.3, left=True),
        FlowRow("age outside 18 to 60 years", 11.9, left=True),
        FlowRow("randomised", 120.0),
        FlowRow("allocated", 120.0, dict.fromkeys(names, share)),
        FlowRow("dropped out", 12.6, {n: share * (0.09 + 0.01 * k) for k, n in enumerate(names)}, left=True),
        FlowRow(
            "completed week 48", 107.4, {n: share * (0.91 - 0.01 * k) for k, n in enumerate(names)},
            note="all randomised are analysed",
        ),
    )  # fmt: skip


def _effect(row: tuple, arm: str, rng: np.random.Generator) -> EffectRow:
    name, label, scale, unit, better, _, prior, between = row
    middle = SHIFTS[arm].get(name, 0.0) + prior * rng.normal(0, 0.05)
    noise = between * 0.23
    wide = float(np.hypot(1.96 * prior, 1.96 * noise))
    truth = np.array([middle - 1.96 * prior, middle, middle + 1.96 * prior])
    estimate = np.array([middle - wide, middle + 0.02 * prior, middle + wide])
    power = float(np.clip(0.05 + (middle**2 + prior**2) / (noise**2) * 0.12, 0.05, 0.97))
    clinical = name in CLINICAL
    untested = clinical and name != "mfis"
    shown = np.exp if scale == "ratio" else lambda x: x
    return EffectRow(
        endpoint=name, label=label, arm=arm, scale=scale, unit=unit, better=better,
        truth=tuple(float(x) for x in shown(truth)),
        estimate=tuple(float(x) for x in shown(estimate)),
        standardised=tuple(float(x) for x in truth / between),
        power=power, power_error=float(np.sqrt(power * (1 - power) / 40)),
        coverage=float(0.95 + rng.normal(0, 0.008)), trials=400, not_usable=int(rng.poisson(1.5)),
        method="negative binomial, log follow-up" if scale == "ratio" and clinical else "ANCOVA on baseline",
        clinical=clinical,
        tested=f"No trial has tested {arm} for this outcome." if untested else "",
        primary=name == "mfis",
    )  # fmt: skip


def _course(row: tuple, names: tuple[str, ...], rng: np.random.Generator) -> CourseBand:
    name, label, scale, unit, _, baseline, _, between = row
    z = np.array([-1.96, -0.674, 0.0, 0.674, 1.96])
    by_arm = {}
    for arm in names:
        shift = SHIFTS.get(arm, {}).get(name, 0.0)
        table = []
        for week in WEEKS:
            gain = shift * (1 - np.exp(-week / 8))
            drift = -4 * (1 - np.exp(-week / 10)) if name == "mfis" else 0.0
            if scale == "ratio":
                values = baseline * np.exp(gain + 0.5 * between * z + rng.normal(0, 0.01))
            else:
                values = np.clip(baseline + gain + drift + between * z + rng.normal(0, 0.05), 0, None)
            table.append(tuple(float(x) for x in values))
        by_arm[arm] = tuple(table)
    return CourseBand(name, label, unit, WEEKS, by_arm)


def _changes(names: tuple[str, ...], rng: np.random.Generator) -> tuple[MarkerChange, ...]:
    rows = []
    for guild, change in GUILDS.items():
        rows.append(MarkerChange("guild", guild, _by_arm(names, {"inulin": change}, 0.25, rng)))
    for group, quantities in METABOLITES.items():
        for quantity in quantities:
            moved = {"inulin": 0.18, "propionate": 0.2 if quantity == "propionate" else 0.0}
            rows.append(MarkerChange(group, quantity, _by_arm(names, moved, 0.1, rng)))
    return tuple(rows)


def _by_arm(
    names: tuple[str, ...], moved: dict[str, float], width: float, rng: np.random.Generator
) -> dict[str, tuple[float, float, float]]:
    result = {}
    for name in names:
        middle = float(moved.get(name, 0.0) + rng.normal(0, 0.02))
        result[name] = (middle - width, middle, middle + width)
    return result


def _variance(row: tuple, arm: str, rng: np.random.Generator) -> VarianceRow:
    worlds, subjects, sampling = (float(x) for x in rng.dirichlet((2.0, 1.5, 4.0)))
    return VarianceRow(row[0], row[1], arm, worlds, subjects, sampling)


def _assumptions() -> tuple[AssumptionRow, ...]:
    return (
        AssumptionRow("host_f_LP", "lamina-propria over luminal acid concentration seen by lymphoid cells",
                      0.02, "-", 0.005, 0.05, "assumed", "", "", "no measurement found",
                      "varies between worlds"),
        AssumptionRow("host_EC_B", "butyrate at half effect on CD4 T cells", 0.4, "mM", 0.1, 1.0, "assumed",
                      "abstract", "Kibbie 2021", "the order was read; the number is assumed",
                      "varies between worlds"),
        AssumptionRow("host_g_treg", "gain of Treg by propionate", 0.0, "-", -0.3, 0.3, "assumed", "", "",
                      "symmetric about zero: the sign is not known", "varies between worlds"),
        AssumptionRow("background_relapses", "relapses a year in the control arm", 0.3, "1/year", None, None,
                      "assumed", "", "", "stated by the design", "design"),
        AssumptionRow("dropout", "hazard of leaving", 0.12, "1/year", 0.05, 0.2, "assumed", "", "",
                      "typical of 48-week trials", "design"),
        AssumptionRow("mfis_error", "standard error of measurement of MFIS", 7.3, "points", 6.0, 9.0,
                      "measured", "secondary", "CMSC 2013", "", "trial layer"),
        AssumptionRow("placebo_mfis", "placebo response of MFIS", -4.0, "points", -10.0, 0.0, "assumed", "",
                      "", "trials range widely", "trial layer"),
    )  # fmt: skip


def make_hard_input() -> TrialReportInput:
    """Return an input at the edge: 2 arms, 5 endpoints, very long names, figures that are not finite."""
    nan, inf = float("nan"), float("inf")
    made = make_report_input(arms=2, endpoints=5)
    long_arm = "inulin-type fructans of long and short chain, 20 g a day in two doses, with rising start"
    long_label = (
        "composite of relapses, new T2 lesions and confirmed disability worsening at 24 weeks, adjudicated"
    )
    arms = (
        ArmInfo("matching maltodextrin placebo, equal in taste and energy", "Placebo. " * 30, control=True),
        ArmInfo(long_arm, "Active. " * 30, control=False),
    )
    names = {"placebo": arms[0].name, "inulin": long_arm}
    lost = (nan, nan, nan)
    effects = [
        dataclasses.replace(row, arm=long_arm, label=long_label if row.endpoint == "relapses" else row.label)
        for row in made.effects
    ]
    effects[0] = dataclasses.replace(effects[0], estimate=(-inf, 0.1, inf))
    effects[2] = dataclasses.replace(effects[2], truth=lost, estimate=lost, standardised=lost, power=nan)
    effects[3] = dataclasses.replace(effects[3], truth=(1.0, 1.0, 1.0), standardised=(0.0, 0.0, 0.0))
    effects[4] = dataclasses.replace(
        effects[4], truth=(-3.1e6, 2.0, 4.2e6), standardised=(-40.0, 0.1, 60.0), coverage=nan
    )
    courses = [
        dataclasses.replace(
            course, label=long_label if course.endpoint == "relapses" else course.label,
            by_arm={names[arm]: rows for arm, rows in course.by_arm.items()},
        )
        for course in made.courses
    ]  # fmt: skip
    gone = tuple((nan,) * 5 for _ in WEEKS)
    courses[2] = dataclasses.replace(courses[2], by_arm=dict.fromkeys(names.values(), gone))
    changes = [
        dataclasses.replace(row, by_arm={names[arm]: q for arm, q in row.by_arm.items()})
        for row in made.changes
    ]
    changes[1] = dataclasses.replace(changes[1], by_arm={names["placebo"]: (0.0, 0.0, 0.0), long_arm: lost})
    changes[3] = dataclasses.replace(
        changes[3], quantity="a guild whose members nobody has named so far, unclassified"
    )
    variance = [dataclasses.replace(row, arm=long_arm) for row in made.variance]
    variance[1] = dataclasses.replace(variance[1], worlds=nan, subjects=nan, sampling=nan, label=long_label)
    flow = [
        dataclasses.replace(row, by_arm={names[arm]: value for arm, value in row.by_arm.items()})
        for row in made.flow
    ]
    flow[1] = dataclasses.replace(
        flow[1], stage="no stable disease-modifying drug for six months before screening"
    )
    return dataclasses.replace(
        made, arms=arms, effects=tuple(effects), courses=tuple(courses), changes=tuple(changes),
        variance=tuple(variance), flow=tuple(flow), size=SimulationSize(),
        title="A title that runs on: " + "fibre, acids and fatigue, " * 5,
        question="Unbroken" + "word" * 60,
    )  # fmt: skip
