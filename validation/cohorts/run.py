"""Remake the pages of forecasts against real cohorts, and the tables of statistics that the project keeps.

    python validation/cohorts/run.py --out runs/cohorts            pages and tables into a new or empty folder
    python validation/cohorts/run.py --out runs/cohorts --write    and the kept tables anew

The cohorts lie in ../shared/cohorts (or --cohorts FOLDER); a study whose files are absent is skipped and
named. Only statistics over people leave this script.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import exvivo
import imsms
from pages import CLASSES, Found, pages_of, place_of
from studies import COHORTS, Case, cases

from eubiosis.core.findings import FindingsError
from eubiosis.core.output import check_free, staged, write_whole
from eubiosis.core.stool_forecast import ClassScore, StudyScores
from eubiosis.core.tables import write_table
from eubiosis.core.world_intervals import ENOUGH_WORLDS
from eubiosis.model import load
from eubiosis.model.model import Model
from eubiosis.workflow.forecast.skill import TABLE, SkillRow, model_hash
from eubiosis.workflow.forecast.study import score_study

HERE = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Write pages and tables; exit status 0, 1 for a folder that is taken, 2 where no cohort is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cohorts", type=Path, default=COHORTS)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worlds", type=int, default=ENOUGH_WORLDS)
    options = parser.parse_args(arguments)
    if not options.cohorts.is_dir():
        print(f"the cohorts are not at {options.cohorts}; name their folder with --cohorts", file=sys.stderr)
        return 2
    try:
        check_free(options.out)
    except FindingsError as error:
        print(error, file=sys.stderr)
        return 1
    model = load()
    found = everything(model, options.cohorts, options.worlds)
    tables = kept_tables(found)
    pages = {f"{name}.html": page for name, page in pages_of(found).items()}
    with staged(options.out, new=True) as aside:
        for name, content in (pages | tables).items():
            write_whole(aside / name, content)
    if options.write:
        for name, text in tables.items():
            (HERE / name).write_text(text, encoding="utf-8", newline="\n")
        write_table(TABLE, skill_rows(model, found.scored), tuple(SkillRow.model_fields))
    for line in found.absent:
        print(f"skipped: {line}", file=sys.stderr)
    print(f"{len(found.scored)} studies, {len(pages)} pages in {options.out}", file=sys.stderr)
    return 0


def everything(model: Model, cohorts: Path, worlds: int = ENOUGH_WORLDS) -> Found:
    """Score every study whose files are there."""
    scored = []
    for case in cases(model, cohorts):
        print(case.study, file=sys.stderr)
        scored.append((case, score_study(model, case.data, case.regimen, case.published, worlds=worlds)))
    has_imsms = (cohorts / imsms.FOLDER).is_dir()
    names = (
        "int_baxter_2019_fibers", "int_tap_2015_fiber_crossover", "int_okeefe_2015_dietswap",
        "int_weingarden_2015_fmt_cdi", exvivo.FOLDER, imsms.FOLDER,
    )  # fmt: skip
    return Found(
        tuple(scored),
        tuple(exvivo.score_tubes(model, cohorts)),
        tuple(imsms.contrasts(cohorts)) if has_imsms else (),
        tuple(imsms.correlations(model, cohorts)) if has_imsms else (),
        tuple(f"{name}: no such folder" for name in names if not (cohorts / name).is_dir()),
    )


def skill_rows(model: Model, scored: Iterable[tuple[Case, StudyScores]]) -> list[SkillRow]:
    """Return the rows of the packaged table of scores."""
    return [_skill(model, case, one) for case, scores in scored for one in scores.classes]


def _skill(model: Model, case: Case, one: ClassScore) -> SkillRow:
    place = place_of(one)
    by = {name: None if value is None else round(value, 4) for name, value in one.by_method.items()}
    return SkillRow(
        study=case.study, product=case.product, dose=case.dose, days=case.days, quantities=CLASSES[place],
        people=one.people, fitted=_known(case, place), score=one.score, model=by["model"],
        model_low=round(one.low, 4), model_high=round(one.high, 4), model_tables=by["model_tables"],
        no_change=by["no_change"], regression=by["regression"], published=by["published"],
        others=by["others"], best_competitor=one.best, gain=round(one.gain, 4),
        gain_low=round(one.gain_low, 4),
        gain_high=round(one.gain_high, 4), unit="log ratio", basis="derived", read="data_file",
        source=f"{case.source}; scores by validation/cohorts", licence=case.licence, note=case.note,
        model_hash=model_hash(model.content),
    )  # type: ignore[arg-type]  # fmt: skip


def _known(case: Case, place: str) -> Literal["yes", "seen", "no"]:
    if place in case.fitted:
        return "yes"
    return "seen" if case.seen else "no"


def kept_tables(found: Found) -> dict[str, str]:
    """Return the tables of statistics beside this script, by file name."""
    quantities = [
        {
            "study": case.study, "quantity": row.quantity, "people": row.people,
            "measured_change": row.measured_change, "forecast_change": row.forecast_change,
            **{f"crps_{name}": value for name, value in row.crps.items()},
            **{f"mae_{name}": value for name, value in row.mae.items()},
            "rank": row.rank, "rank_regression": row.rank_regression, "rank_mechanism": row.rank_mechanism,
            "source": case.source, "licence": case.licence,
        }
        for case, scores in found.scored
        for row in scores.quantities
    ]  # fmt: skip
    tubes = [
        {**asdict(row), "source": "Quinn-Bohmann 2024, 10.1038/s41564-024-01728-4",
         "licence": "none stated with the files"}
        for row in found.tubes
    ]  # fmt: skip
    own = {"source": imsms.SOURCE, "licence": imsms.LICENCE}
    tables = {
        "quantities.tsv": quantities,
        "exvivo.tsv": tubes,
        "imsms_contrasts.tsv": [{**asdict(r), "verdict": r.verdict, **own} for r in found.contrasts],
        "imsms_correlations.tsv": [{**asdict(r), **own} for r in found.correlations],
    }
    return {name: _tsv(rows) for name, rows in tables.items() if rows}


def _tsv(rows: Sequence[dict[str, object]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
    return stream.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
