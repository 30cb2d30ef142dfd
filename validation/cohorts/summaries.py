#!/usr/bin/env python3
"""Write what the scoreboard needs of the cohorts: group means of changes with their errors, mean baselines.

    python validation/cohorts/summaries.py            look
    python validation/cohorts/summaries.py --write    rewrite content/scoreboard/cohorts.tsv

A row is a quantity of an arm: the mean change over people of its logarithm (guild shares centred over the
observed guilds), its standard error, the mean baseline, and for guilds the share that the arm's mean person
is asked to have. No value of a person leaves.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from studies import COHORTS, cases, read_rows

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.model import load
from eubiosis.model.model import Model
from eubiosis.model.worlds import reference_shares
from eubiosis.population import read_profiles
from eubiosis.population.asked import asked_shares
from eubiosis.workflow.forecast.paired import guild_study
from eubiosis.workflow.forecast.study import FinishedStudy

OUT = PACKAGED_CONTENT / "scoreboard" / "cohorts.tsv"
ARMS = {
    "Baxter 2019, inulin": ("Baxter 2019", "inulin"),
    "Baxter 2019, control starch": ("Baxter 2019", "control starch"),
    "Tap 2015, 40 g of fibre": ("Tap 2015", "40 g of fibre"),
    "Tap 2015, 10 g of fibre": ("Tap 2015", "10 g of fibre"),
    "diet swap 2015, African Americans": ("O'Keefe 2015", "African Americans"),
    "diet swap 2015, rural South Africans": ("O'Keefe 2015", "rural South Africans"),
    "Weingarden 2015, fecal transplant": ("Weingarden 2015", "transplant"),
}
LGG = "int_peerj32_lgg"
Line = dict[str, str | int]


def lines(model: Model, cohorts: Path) -> Iterator[Line]:
    """Yield every quantity of every arm whose files are there."""
    for case in cases(model, cohorts):
        study, arm = ARMS[case.study]
        asked = _mean_person(model, case.data)
        for name in case.data.before:
            change = case.data.after[name] - case.data.before[name]
            yield _line(study, arm, name, case.data.before[name], change, None, asked)
    if (cohorts / LGG).is_dir():
        yield from _lgg(model, cohorts / LGG)


def _lgg(model: Model, folder: Path) -> Iterator[Line]:
    """Yield the probiotic's change over that of the placebo."""
    table = read_profiles(folder / "genus_hitchip_signal.tsv.gz")
    rows = read_rows(folder / "metadata.tsv")
    who = [{r["sample_id"]: r["subject"] for r in rows if r["time"] == time} for time in ("1", "2")]
    group = {r["subject"]: r["group"] for r in rows}
    sides = [tuple(names.get(sample, "") for sample in table.sample_ids) for names in who]
    data = guild_study(table, table, *sides)
    people = [group[name] == "LGG" for name in data.contrast.subject_ids]
    active = np.array(people)
    asked = _mean_person(model, data)
    for name in data.before:
        change = data.after[name] - data.before[name]
        yield _line(
            "PeerJ 1:e32",
            "L. rhamnosus GG over placebo",
            name,
            data.before[name],
            change[active],
            change[~active],
            asked,
        )


def _line(
    study: str, arm: str, name: str, before: Array, change: Array, control: Array | None, asked: Array
) -> Line:
    groups = [g[np.isfinite(g)] for g in (change, *(() if control is None else (control,)))]
    mean = groups[0].mean() - (groups[1].mean() if control is not None else 0.0)
    error = np.sqrt(sum(g.var(ddof=1) / len(g) for g in groups))
    guild = name.removeprefix("share_") if name.startswith("share_") else ""
    return {
        "study": study, "arm": arm, "kind": "guild" if guild else "stool_acid", "quantity": name,
        "people": sum(len(g) for g in groups), "estimate": f"{mean:.4f}", "se": f"{error:.4f}",
        "baseline": f"{np.nanmean(before):.4f}",
        "asked_share": f"{asked[GUILDS.index(guild)]:.6f}" if guild else "",
        "unit": "log ratio", "basis": "derived", "read": "data_file",
    }  # fmt: skip


def _mean_person(model: Model, data: FinishedStudy) -> Array:
    """Return the composition of the arm's mean person, (guilds,): the geometric mean of all asked."""
    reference = dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))
    everybody = np.arange(len(data.contrast.status))
    shares = asked_shares(data.contrast, reference, everybody)
    mean = np.exp(np.log(shares[np.isfinite(shares).all(axis=1)]).mean(axis=0))
    return np.asarray(mean / mean.sum())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write the table; exit status 2 where no cohort is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cohorts", type=Path, default=COHORTS)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    if not options.cohorts.is_dir():
        print(f"the cohorts are not at {options.cohorts}; name their folder with --cohorts", file=sys.stderr)
        return 2
    found = list(lines(load(), options.cohorts))
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, tuple(found[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    if options.write:
        OUT.write_text(stream.getvalue(), encoding="utf-8", newline="\n")
    else:
        print(stream.getvalue())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
