"""Methods, sources and reporting items of a trial report: what this report used, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

from eubiosis.core.report_input import TrialReportInput

# Zhang and others 2025, an international Delphi consensus: 10 statements, 18 points (read: abstract)
PRIM = "PRIM 2024 (microbiotherapy)"


def methods(report_input: TrialReportInput) -> list[tuple[str, str]]:
    """Return what was done and the source of the method, for what this report shows."""
    return [
        *_of_effects(report_input),
        *_of_time(report_input),
        *_of_responders(report_input),
        *_of_answer(report_input),
        *_of_worlds(report_input),
    ]


def _of_effects(report_input: TrialReportInput) -> Iterator[tuple[str, str]]:
    used = sorted({row.method for row in report_input.effects if row.method})
    for name in used:
        yield f"Estimates: {name}", "the plan of the run (plan.json); docs/reference/statistics.md"
    if report_input.effects:
        yield (
            "Power, coverage and their Monte Carlo errors over simulated trials",
            "Morris, White and Crowther 2019, Statistics in Medicine 38:2074",
        )
    if any(row.discrepancy for row in report_input.effects):
        yield (
            "Intervals of gut quantities, widened by named discrepancies of the model",
            "docs/concepts/calibration.md",
        )


def _of_time(report_input: TrialReportInput) -> Iterator[tuple[str, str]]:
    outcomes = {curve.outcome for curve in report_input.clocks if curve.weeks}
    if outcomes & {"first_relapse", "progression"}:
        yield (
            "Times to first relapse and to confirmed progression, censored",
            "Kaplan and Meier 1958, Journal of the American Statistical Association 53:457",
        )
    if "relapses" in outcomes:
        yield (
            "Mean cumulative number of relapses",
            "Nelson 1988, Journal of Quality Technology 20:24",
        )
    if report_input.week_changes:
        yield (
            "Changes of guilds as centred log-ratios",
            "Aitchison 1982, Journal of the Royal Statistical Society B 44:139",
        )
        yield (
            "Marks in the changes by week: false discovery rate",
            "Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289",
        )


def _of_responders(report_input: TrialReportInput) -> Iterator[tuple[str, str]]:
    own = report_input.responders
    if own is None:
        return
    if own.subgroups:
        yield (
            "Subgroups: analysis of covariance with arm by group; trials with p < 0.05 with an exact "
            "interval",
            "Clopper and Pearson 1934, Biometrika 26:404",
        )
    if own.curves:
        yield (
            "Gain by targeting (TOC, AUTOC, Qini), cross-fitted in two halves, with doubly robust effects",
            "Yadlowsky and others 2025, Journal of the American Statistical Association 120:38",
        )


def _of_worlds(report_input: TrialReportInput) -> Iterator[tuple[str, str]]:
    if any(one.numbers for one in report_input.sensitivity):
        yield (
            "First-order indices of drawn numbers over worlds, from given draws",
            "Plischke 2010, Reliability Engineering & System Safety 95:354; correction of Tissot and Prieur "
            "2012, same journal 107:205",
        )
    if report_input.scoreboard:
        yield (
            "Forecasts of finished studies: CRPS over that of no change, coverage of intervals",
            "Gneiting and Raftery 2007, Journal of the American Statistical Association 102:359",
        )


def _of_answer(report_input: TrialReportInput) -> Iterator[tuple[str, str]]:
    answer = report_input.answer
    if answer is None:
        return
    yield (
        "What the design can see: normal law with the spread of the simulated estimates about their truth, "
        "which falls with the root of the participants; the two-sided level shared among the comparisons "
        "(Bonferroni)",
        "arithmetic; docs/how_to/read_a_report.md",
    )
    if any(row.level[0] is not None for row in answer.rows):
        yield (
            "Counts at other control rates, effects and lengths: information of negative binomial counts",
            "Zhu and Lakkis 2014, Statistics in Medicine 33:376; Muetze 2018, Statistical Methods in Medical "
            "Research 28:2326",
        )
    if any(row.promises for row in answer.rows):
        yield (
            "Assurance: power averaged over a prior of the true effect",
            "O'Hagan, Stevens and Campbell 2005, Pharmaceutical Statistics 4:187",
        )
    if any(one.prior == "sceptical" for row in answer.rows for one in row.promises):
        yield (
            "Sceptical prior: centred on no effect, 5 % beyond the relevant one",
            "Spiegelhalter, Freedman and Parmar 1994, JRSS A 157:357",
        )
    if answer.known:
        yield (
            "What is known: pools with their certainty, as the brief makes them",
            "docs/concepts/evidence.md",
        )


def fifteen_points(report_input: TrialReportInput) -> list[tuple[str, str, str]]:
    """Return what a report must contain to be believed: point, where it stands, id of the section or ""."""
    checked = report_input.applicability is not None
    forms, board = bool(report_input.forms), bool(report_input.scoreboard)
    return [
        (
            "question, context of use, decision, who may not use it for what",
            "in the frame of the design",
            "design",
        ),
        ("model risk: influence and consequence", "the decision is named; risk is not graded here", "design"),
        (
            "analysis plan, hashed before the run",
            "hash among the seeds; plan.json in the run folder",
            "seeds",
        ),
        ("virtual people beside a real cohort", "not in this report: eubiosis population describe", ""),
        (
            "calibration and validation apart, failed trials too",
            "studies that were fitted and those that were not, in the scoreboard; more: eubiosis model check"
            if board
            else "not in this report: eubiosis model check",
            "scoreboard" if board else "",
        ),
        (
            "forecasts of held-out trials against naive ones",
            _held_out(board=board, checked=checked),
            "scoreboard" if board else "applicability" if checked else "",
        ),
        (
            "uncertainty split",
            "worlds, subjects, sampling; by form of the model" if forms else "worlds, subjects, sampling",
            "uncertainty",
        ),
        ("sensitivity, and what would flip the decision", "one assumption at a time", "whatif"),
        ("type I error in a world without effects", "not in this report: validation/statistics", ""),
        (
            "estimands, intercurrent events, missing data",
            "estimands in plan.json; who left, in the flow",
            "flow",
        ),
        (
            "assurance with a sceptical prior, and its ceiling",
            "first screen and table of the promises",
            "promises",
        ),
        ("verification of the numbers", "not in this report: validation and benchmarks of the software", ""),
        ("limits of the surrogate chain", "by form of the model, with tipping points", "tipping"),
        ("seeds, versions, data, one command", "below; manifest.json in the run folder", "seeds"),
        ("simulated said on each page; no clinical advice", "first screen, and under every figure", "answer"),
    ]


def _held_out(*, board: bool, checked: bool) -> str:
    said = ["scoreboard, against no change"] if board else []
    said += ["how far the question lies from what was checked"] if checked else []
    return "; ".join(said) or "not in this report: eubiosis score"


def reporting_items(report_input: TrialReportInput) -> list[tuple[str, str, str]]:
    """Return items of reporting guidelines that this page fills, by name: guideline, item, where.

    Named after the guidelines' topics: those of CONSORT, SPIRIT and STORMS as recalled, those of PRIM from
    its abstract. Their wording is not repeated, and items that need a real trial are left to its authors.
    """
    rows = [
        ("CONSORT and SPIRIT 2025", "title says simulated trial", "head of the page"),
        ("CONSORT and SPIRIT 2025", "objectives: question and decision", "Design"),
        ("CONSORT and SPIRIT 2025", "trial design, arms, interventions", "Design"),
        ("CONSORT and SPIRIT 2025", "eligibility", "Design"),
        ("CONSORT and SPIRIT 2025", "outcomes, primary and named beforehand", "first screen; Effects"),
        ("CONSORT and SPIRIT 2025", "harms", "Benefit and risk"),
        ("CONSORT and SPIRIT 2025", "sample size", "first screen"),
        ("CONSORT and SPIRIT 2025", "randomisation: allocation and blocks", "Design"),
        ("CONSORT and SPIRIT 2025", "statistical methods", "Methods"),
        ("CONSORT and SPIRIT 2025", "participant flow and losses", "Participants"),
        ("CONSORT and SPIRIT 2025", "outcomes and estimation", "Effects"),
        ("CONSORT and SPIRIT 2025", "limitations", "What this says; What it rests on"),
        (PRIM, "diagnosis: who enters", "Design"),
        (PRIM, "classification, dosage and delivery of the product", "Design: arms"),
        (PRIM, "concomitant treatment: the background", "Design: eligibility"),
        (PRIM, "efficacy, here simulated", "Effects"),
        (PRIM, "safety", "Benefit and risk"),
    ]
    population = dict(report_input.facts).get("population", "")
    if "stool profiles" in population:
        rows.append(
            ("STORMS", "participants and their number: the stool table", "Seeds, versions and hashes")
        )
    return [row for row in rows if row[1] not in ("harms", "safety") or report_input.harms]
