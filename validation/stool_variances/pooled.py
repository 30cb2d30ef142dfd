"""One sample at one visit, over all cohorts of people at rest: the table that says how reliable it is."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from components import Component, OneVisit, points, pooled

COLUMNS = (
    "id", "description", "value", "unit", "low", "high", "basis", "read", "source", "licence", "note",
    "endpoint", "marker", "component", "cohort", "people", "samples",
)  # fmt: skip
TOGETHER = "pooled"
LICENCES = {
    "baxter": "no licence stated where it was read; summary of published data",
    "dietswap": "BSD-2-Clause (R package microbiome)",
    "lgg": "BSD-2-Clause (R package microbiome); paper CC BY",
    "tap": "GPL-3 (R package AlimIntest)",
    "wbf011": "CC0 1.0",
}
_WORDS = {
    "between": "variance between people",
    "within": "variance of one sample at one visit within a person",
    "reliability": "share of the variance of one sample at one visit that lies between people",
}


def write_pooled(
    path: Path, visits: Mapping[tuple[str, str], Mapping[str, OneVisit]], sources: Mapping[str, str]
) -> int:
    """Write the reliability of each cohort and the pooled variances; return the number of rows."""
    rows = []
    for (endpoint, marker), cohorts in visits.items():
        for cohort, one in cohorts.items():
            name = cohort.split("_", maxsplit=1)[0]
            rows.append(_row(endpoint, marker, "reliability", cohort, one.reliability(), one,
                             (sources[name], LICENCES[name]), "") )  # fmt: skip
        together = pooled(list(cohorts.values()))
        names = list(dict.fromkeys(cohort.split("_", maxsplit=1)[0] for cohort in cohorts))
        origin = (
            "; ".join(sources[name] for name in names),
            "; ".join(dict.fromkeys(LICENCES[n] for n in names)),
        )
        shares = [one.reliability().value for one in cohorts.values()]
        note = f"mean over {len(cohorts)} cohorts by people; range: people resampled in each"
        spread = f"; cohorts {min(shares):.2f} to {max(shares):.2f}" if len(shares) > 1 else ""
        for name, found in (
            ("between", points(together.between)),
            ("within", points(together.within)),
            ("reliability", together.reliability()),
        ):
            told = note + (spread if name == "reliability" else "")
            rows.append(_row(endpoint, marker, name, TOGETHER, found, together, origin, told))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _row(
    endpoint: str, marker: str, component: str, cohort: str, found: Component, one: OneVisit,
    origin: tuple[str, str], note: str,
) -> dict[str, str]:  # fmt: skip
    numbers = [f"{x:.4g}" for x in (found.value, found.low, found.high)]
    return dict(zip(COLUMNS, (
        f"{endpoint}.{marker}.{cohort}.{component}", f"{_WORDS[component]}, {endpoint} {marker}",
        numbers[0], "1", numbers[1], numbers[2], "derived", "data_file",
        f"{origin[0]}; summary by validation/stool_variances",
        origin[1], note, endpoint, marker, component, cohort, str(one.people), str(one.samples),
    ), strict=True))  # fmt: skip
