"""What ``eubiosis trial power`` computes and prints once its plan stands."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from eubiosis.analysis.planning.looks import (
    Looks,
    SequentialSize,
    sequential_power,
    sequential_size,
    simulate_looks,
)
from eubiosis.analysis.planning.reestimation import Blinded, Reestimation, reestimate
from eubiosis.analysis.planning.tables import PlanTable, power_table, simulate_power, size_table
from eubiosis.cli.numbers import Options, as_option, number_of, several_of, usage_error, word_of
from eubiosis.cli.trial_answers import single_answer
from eubiosis.cli.trial_plans import COUNTS, SCORES, TIMES, AskedPlan, Given
from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.analysis.sequential.boundaries import Rule, Spending

Cell = float | int | str | None
Answer = Mapping[str, Cell | tuple[float, ...]]
MOST_SIMULATED = 30
TRUTHS = {
    "true_sd": "sd", "true_control_rate": "control_rate", "true_dispersion": "dispersion",
    "true_control_share": "control_share",
}  # fmt: skip
# a call with nothing else is answered as it always was, with the details of its method
CLASSIC = {
    "--control-rate", "--ratio", "--dispersion", "--effect-size", "--baseline-correlation", "--hazard-ratio",
    "--control-hazard", "--years", "--accrual-years", "--dropout-per-year", "--allocation", "--power",
    "--alpha", "--method",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """How the answer is computed and printed; options that contradict each other raise ``UsageError``."""

    as_csv: bool
    as_json: bool
    simulate: int | None
    seed: int
    figure: Path | None
    looks: Looks | None
    reestimation: Reestimation | None
    truth: Mapping[str, float]

    @classmethod
    def of(cls, options: Options, *, as_csv: bool, as_json: bool) -> Wanted:
        """Read the options; every finding at once."""
        problems: list[str] = []
        given = {field: number_of(options, name) for name, field in TRUTHS.items()}
        truth = {field: value for field, value in given.items() if value is not None}
        if as_csv and as_json:
            problems.append("--csv and --json exclude each other")
        if options["looks"] is not None and options["reestimate_at"] is not None:
            problems.append("--looks and --reestimate-at exclude each other")
        if options["looks"] is None:
            alone = [
                name
                for name in ("futility", "futility_parameter", "rule_parameter", "binding")
                if options[name]
            ]
            problems += [f"--{name.replace('_', '-')} without --looks" for name in alone]
        if options["reestimate_at"] is None and truth:
            problems.append("a --true- option without --reestimate-at")
        figure = options["figure"] if isinstance(options["figure"], Path) else None
        if figure is not None and figure.suffix.lower() not in (".svg", ".png"):
            problems.append(f"--figure: {figure.name}; allowed: a name that ends in .svg or .png")
        if figure is not None and not figure.parent.is_dir():
            problems.append(f"--figure: the folder {figure.parent} does not exist")
        if problems:
            raise usage_error("trial power", problems)
        simulate, seed = number_of(options, "simulate"), number_of(options, "seed")
        return cls(
            as_csv,
            as_json,
            None if simulate is None else int(simulate),
            int(seed or 0),
            figure,
            _looks(options),
            _reestimation(options),
            truth,
        )


def run(asked: AskedPlan, given: Given, wanted: Wanted) -> None:
    """Compute what was asked for and print it."""
    one_each = all(len(values) == 1 for values in given.numbers.values())
    special = wanted.looks is not None or wanted.reestimation is not None
    if special and (not one_each or wanted.as_csv or wanted.figure):
        name = "--looks" if wanted.looks is not None else "--reestimate-at"
        raise usage_error("trial power", [f"{name} takes one number of everything, and no --csv or --figure"])
    if wanted.looks is not None:
        _print(_sequential(asked, given, wanted, wanted.looks), as_json=wanted.as_json)
    elif wanted.reestimation is not None:
        _print(_reestimated(asked, given, wanted, wanted.reestimation), as_json=wanted.as_json)
    elif one_each and _is_classic(given, wanted):
        values = {name.removeprefix("--").replace("-", "_"): one[0] for name, one in given.numbers.items()}
        method = int(given.words.get("--method", "2"))
        _print(
            single_answer(given.endpoint, values, 1 if method == 1 else 2 if method == 2 else 3),
            as_json=wanted.as_json,
        )
    else:
        _tabulate(asked, given, wanted)


def _is_classic(given: Given, wanted: Wanted) -> bool:
    if given.endpoint == "TTFR" and "--control-rate" in given.numbers:
        return False
    known = given.endpoint in (*COUNTS, *SCORES, *TIMES) and given.design == "parallel"
    extras = wanted.simulate is not None or wanted.figure is not None or wanted.as_csv
    return known and not extras and {*given.numbers, *given.words} <= CLASSIC


def _tabulate(asked: AskedPlan, given: Given, wanted: Wanted) -> None:
    over = {name: values for name, values in asked.over.items() if name != "n"}
    if "--n" in given.numbers:
        targets = given.numbers["--power"]
        if targets != (0.8,):
            raise usage_error("trial power", ["--n asks for the power, --power for a size; give one of them"])
        table = power_table(asked.plan, {**over, "n": given.numbers["--n"]})
    else:
        targets = given.numbers["--power"]
        axes = {**over, "power": targets} if len(targets) > 1 else over
        table = size_table(asked.plan, axes, targets[0])
    rows = _rows(table, asked)
    if wanted.simulate is not None:
        _add_simulations(rows, table, asked, wanted)
    if wanted.figure is not None:
        _draw(table, rows, asked, given, wanted.figure)
    head = {
        "endpoint": given.endpoint,
        "design": given.design,
        "method": table.method,
        "counted": table.counted,
    }
    if len(rows) == 1 and not wanted.as_csv:
        _print({**head, **rows[0], **_notes(asked)}, as_json=wanted.as_json)
    elif wanted.as_json:
        listed = {
            asked.shown[name][0] if name in asked.shown else name: list(
                asked.shown[name][1] if name in asked.shown else values
            )
            for name, values in table.axes.items()
        }
        click.echo(
            json.dumps(
                {**head, "kind": table.kind, "axes": listed, "rows": rows, "notes": list(asked.notes)},
                indent=2,
            )
        )
    elif wanted.as_csv:
        click.echo(_as_csv(rows), nl=False)
    else:
        click.echo(_as_text(rows))
        click.echo(f"\n{given.endpoint}, {given.design}: {table.method}; n counts {table.counted}", err=True)
        for note in asked.notes:
            click.echo(note, err=True)


def _draw(table: PlanTable, rows: list[dict[str, Cell]], asked: AskedPlan, given: Given, path: Path) -> None:
    import numpy as np

    from eubiosis.report.planning.curves import draw_table, write_figure

    labels = {name: label for name, (label, _) in asked.shown.items()}
    simulated = None
    if table.kind == "power" and "simulated_power" in rows[0]:
        parts = [
            [cast("float", row[name]) for row in rows] for name in ("simulated_power", "simulated_error")
        ]
        simulated = (np.asarray(parts[0]), np.asarray(parts[1]))
    raw = {name: values for name, (_, values) in asked.shown.items() if name in table.axes}
    figure = draw_table(table, endpoint=given.endpoint, labels=labels, raw=raw, simulated=simulated)
    write_figure(figure, path)
    click.echo(f"wrote {path}", err=True)


def _rows(table: PlanTable, asked: AskedPlan) -> list[dict[str, Cell]]:
    """Return the table with the options' names and the numbers as they were given."""
    back: dict[str, Mapping[float, float]] = {}
    for name, values in table.axes.items():
        if name in asked.shown:
            back[name] = dict(zip(values, asked.shown[name][1], strict=True))
    rows: list[dict[str, Cell]] = []
    for record in table.records():
        row: dict[str, Cell] = {}
        for name, value in record.items():
            label = asked.shown[name][0] if name in back else name
            row[label] = back[name][value] if name in back and value is not None else _whole(name, value)
        if table.counted == "control participants":
            n, total = record["n"], record["n_total"]
            row["n_treated"] = None if n is None or total is None else _whole("n", total - n)
        rows.append(row)
    return rows


def _whole(name: str, value: float | None) -> Cell:
    """Write sizes that are whole as whole numbers."""
    whole = name in ("n", "n_total") and value is not None and value == int(value)
    return int(value) if whole and value is not None else value


def _add_simulations(rows: list[dict[str, Cell]], table: PlanTable, asked: AskedPlan, wanted: Wanted) -> None:
    if len(rows) > MOST_SIMULATED:
        raise usage_error(
            "trial power",
            [f"--simulate with {len(rows)} cells; allowed: up to {MOST_SIMULATED}; next: fewer values"],
        )
    assert wanted.simulate is not None
    varied = [name for name in table.axes if name not in ("n", "power")]
    for row, record in zip(rows, table.records(), strict=True):
        n = record["n"]
        row["simulated_power"] = row["simulated_error"] = None
        if n is not None:
            plan = asked.plan.with_numbers({name: cast("float", record[name]) for name in varied})
            found = simulate_power(plan, math.ceil(n), trials=wanted.simulate, seed=wanted.seed)
            row["simulated_power"], row["simulated_error"] = found.power, found.error
            row["simulated_without_numbers"] = found.failed


def _sequential(asked: AskedPlan, given: Given, wanted: Wanted, looks: Looks) -> Answer:
    target = given.numbers["--power"][0]
    found = sequential_size(asked.plan, looks, target)
    answer: dict[str, Cell | tuple[float, ...]] = {
        "endpoint": given.endpoint, "design": f"group-sequential, {looks.rule}", "method": asked.plan.method,
        "counted": asked.plan.counted, **_sequential_numbers(found),
    }  # fmt: skip
    if "--n" in given.numbers:
        answer["n"] = given.numbers["--n"][0]
        answer["power_at_n"] = sequential_power(asked.plan, looks, given.numbers["--n"][0], target)
    if wanted.simulate is not None and math.isfinite(found.n_control):
        seen = simulate_looks(
            asked.plan, looks, int(found.n_control), target=target, trials=wanted.simulate, seed=wanted.seed
        )
        answer |= {
            "simulated_power": seen.power, "simulated_error": seen.error,
            "simulated_stop_for_efficacy": seen.efficacy, "simulated_stop_for_futility": seen.futility,
            "simulated_expected_total": seen.expected_total,
        }  # fmt: skip
    return {**answer, **_notes(asked)}


def _sequential_numbers(found: SequentialSize) -> dict[str, Cell | tuple[float, ...]]:
    design = found.looks
    return {
        "n_fixed": _finite(found.fixed.n_control), "n_largest": _finite(found.n_control),
        "n_total_largest": _finite(found.n_total), "inflation": design.inflation,
        "expected_total_no_effect": _finite(found.expected_null),
        "expected_total_half_effect": _finite(found.expected_half),
        "expected_total_planned_effect": _finite(found.expected_planned), "power": _finite(found.power),
        "information": design.information, "efficacy_z": design.efficacy, "futility_z": design.futility,
        "nominal_p_one_sided": design.nominal_p, "alpha_spent_one_sided": design.alpha_spent,
        "stop_for_efficacy_no_effect": found.stop_efficacy_null,
        "stop_for_efficacy_planned_effect": found.stop_efficacy_planned,
        "stop_for_futility_no_effect": found.stop_futility_null,
        "stop_for_futility_planned_effect": found.stop_futility_planned,
    }  # fmt: skip


def _reestimated(asked: AskedPlan, given: Given, wanted: Wanted, rule: Reestimation) -> Answer:
    plan = asked.plan
    if not isinstance(plan, Blinded):
        raise usage_error(
            "trial power",
            [
                f"--reestimate-at with {given.endpoint}, {given.design}; allowed: counts, scores and "
                "responders of two arms"
            ],
        )
    fields = plan.bounds()
    wrong = [name for name in wanted.truth if name not in fields]
    if wrong:
        names = ", ".join("--true-" + name.replace("_", "-") for name in wrong)
        raise usage_error("trial power", [f"endpoint {given.endpoint} does not use {names}"])
    truth = plan.with_numbers(wanted.truth)
    trials = wanted.simulate or 2000
    found = reestimate(plan, truth, rule, target=given.numbers["--power"][0], trials=trials, seed=wanted.seed)
    return {
        "endpoint": given.endpoint, "design": "two arms, blinded re-estimation of the size",
        "method": plan.method,
        "counted": plan.counted, "n_planned": found.planned, "n_needed_in_truth": _finite(found.needed),
        "n_final_mean": found.mean, "n_final_points_5_50_95": found.points, "share_at_largest": found.at_most,
        "power_without_reestimation": found.power_fixed, "simulated_power": found.power.power,
        "simulated_error": found.power.error, "simulated_type_one_error": found.type_one_error.power,
        "simulated_type_one_error_error": found.type_one_error.error, "one_sided_level": found.level,
        "trials": found.power.trials, **_notes(asked),
    }  # fmt: skip


def _looks(options: Options) -> Looks | None:
    information = several_of(options, "looks")
    if information is None:
        return None
    try:
        return Looks(
            information=information,
            rule=cast("Rule", word_of(options, "rule")),
            parameter=number_of(options, "rule_parameter"),
            futility=cast("Spending | None", word_of(options, "futility")),
            futility_parameter=number_of(options, "futility_parameter"),
            binding=bool(options["binding"]),
        )
    except FindingsError as error:
        names = {
            "information": "--looks",
            "rule": "--rule",
            "futility": "--futility",
            "binding": "--binding",
            "parameter": "--rule-parameter",
            "futility_parameter": "--futility-parameter",
        }
        raise usage_error("trial power", [as_option(one, names) for one in error.findings]) from error


def _reestimation(options: Options) -> Reestimation | None:
    at, most = number_of(options, "reestimate_at"), number_of(options, "most")
    if at is None or most is None:
        return None
    try:
        return Reestimation(at=at, most=most, floor="planned" if options["floor"] == "planned" else "interim")
    except FindingsError as error:
        names = {"at": "--reestimate-at", "most": "--most"}
        raise usage_error("trial power", [as_option(one, names) for one in error.findings]) from error


def _notes(asked: AskedPlan) -> dict[str, Cell]:
    return {f"from_{k}": note for k, note in enumerate(asked.notes, start=1)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _shown(value: Cell | tuple[float, ...]) -> str:
    if value is None:
        return "not reachable"
    if isinstance(value, tuple):
        return "  ".join("-" if math.isinf(one) else f"{one:.4g}" for one in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _print(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        clean = {
            name: [None if math.isinf(one) else one for one in value] if isinstance(value, tuple) else value
            for name, value in answer.items()
        }
        click.echo(json.dumps(clean, indent=2))
        return
    width = max(len(name) for name in answer)
    for name, value in answer.items():
        click.echo(f"{name:{width}}  {_shown(value)}")


def _as_csv(rows: list[dict[str, Cell]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _as_text(rows: list[dict[str, Cell]]) -> str:
    names = list(rows[0])
    cells = [[_shown(row[name]) for name in names] for row in rows]
    widths = [max(len(name), *(len(row[j]) for row in cells)) for j, name in enumerate(names)]
    lines = [names, *cells]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in lines)
