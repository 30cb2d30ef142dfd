"""Estimate between- and within-person variances of stool endpoints from repeated cohorts.

Reads ../shared/cohorts, which is no part of the project, and writes summaries over groups to
content/planning/stool_variances.tsv, and what they say together of one sample at one visit to
content/population/variance_components.tsv (``pooled``). From the root, with the folder of the cohorts where
it lies elsewhere:

    .venv/bin/python validation/stool_variances/estimate.py [FOLDER]
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from components import Component, OneVisit, Repeated, gower, of_numbers
from pooled import write_pooled
from reading import abundances, bray, hitchip, read_rows

from eubiosis.population import GUILDS, guild_contrast, read_profiles

ROOT = Path(__file__).resolve().parents[2]
COHORTS = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "cohorts"
TARGET = ROOT / "src" / "eubiosis" / "content" / "planning" / "stool_variances.tsv"
POOLED = ROOT / "src" / "eubiosis" / "content" / "population" / "variance_components.tsv"
COLUMNS = (
    "id", "description", "value", "unit", "low", "high", "basis", "read", "source", "note", "endpoint",
    "marker", "component", "cohort", "people", "samples",
)  # fmt: skip
SOURCES = {
    "baxter": "Baxter 2019, 10.1128/mBio.02566-18",
    "dietswap": "O'Keefe 2015, 10.1038/ncomms7342",
    "tap": "Tap 2015, 10.1111/1462-2920.13006",
    "lgg": "trial of L. rhamnosus GG, 10.7717/peerj.32",
    "weingarden": "Weingarden 2015, 10.1186/s40168-015-0070-0",
    "wbf011": "trial NCT03893422, 10.1136/bmjdrc-2020-001319",
}
COHORT_NOTES = {
    "baxter_control": "20 g/day accessible starch; two periods two weeks apart, some three samples each",
    "baxter_inulin": "20 g/day inulin; period holds what people's responses differ by",
    "dietswap_home": "usual diet, sampled at home twice within two weeks; phylogenetic microarray",
    "dietswap_diet": "supervised diet exchange, sampled twice within two weeks; phylogenetic microarray",
    "lgg_placebo": "placebo, two visits three weeks apart; phylogenetic microarray",
    "tap_before": "before two fibre diets; one sample each, weeks apart",
    "weingarden_after": "four recipients, days 14 to 60 after faecal transplant, and one donor pool",
    "wbf011_placebo": "type 2 diabetes, placebo; weeks 0 and 12",
    "wbf011_product": "type 2 diabetes, product with the strain; weeks 4 and 12",
}
Row = dict[str, str]
# (endpoint, marker) -> cohort -> what one sample at one visit shows of people at rest
AT_REST = ("baxter_control", "dietswap_home", "tap_before", "lgg_placebo", "wbf011_placebo")
VISITS: dict[tuple[str, str], dict[str, OneVisit]] = {}


def main() -> int:
    """Write the table; return the exit status."""
    if not COHORTS.is_dir():
        print(f"the cohorts are absent: {COHORTS}", file=sys.stderr)
        return 1
    rows = [*_baxter(), *_dietswap(), *_lgg(), *_tap(), *_weingarden(), *_wbf011_acids(), *_wbf011_strains()]
    TARGET.parent.mkdir(exist_ok=True)
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows")
    print(f"{write_pooled(POOLED, VISITS, SOURCES)} rows of one visit")
    return 0


def _row(
    endpoint: str, marker: str, component: str, cohort: str, found: Component, *, people: int, samples: int,
    unit: str = "1", what: str = "",
) -> Row:  # fmt: skip
    words = {
        "between": "variance between people", "period": "variance between periods of a person",
        "sample": "variance between samples of a period", "visit": "variance between visits of a person",
        "dimension": "effective number of axes", "dimension_change": "effective number of axes of a change",
        "shift_inulin": "change under inulin beyond control", "share": "share of people detected",
        "correlation": "correlation of two visits of a person", "mean": "mean",
    }  # fmt: skip
    name = cohort.split("_", maxsplit=1)[0]
    numbers = [f"{x:.4g}" for x in (found.value, found.low, found.high)]
    return dict(zip(COLUMNS, (
        f"{endpoint}.{marker}.{cohort}.{component}", what or f"{words[component]}, {endpoint} {marker}",
        numbers[0], unit, numbers[1], numbers[2], "measured" if component in ("share", "mean") else "derived",
        "data_file", f"{SOURCES[name]}; summary by validation/stool_variances", COHORT_NOTES[cohort],
        endpoint, marker, component, cohort, str(people), str(samples),
    ), strict=True))  # fmt: skip


def _components(
    endpoint: str, marker: str, cohort: str, repeated: Repeated, found: Mapping[str, Component]
) -> list[Row]:
    if cohort in AT_REST and endpoint in ("guild", "acid"):
        one = OneVisit.of(dict(found), len(repeated.names), repeated.samples)
        VISITS.setdefault((endpoint, marker), {})[cohort] = one
    return [
        _row(endpoint, marker, name, cohort, one, people=len(repeated.names), samples=repeated.samples)
        for name, one in found.items()
    ]


def _baxter() -> list[Row]:
    folder = COHORTS / "int_baxter_2019_fibers"
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata.tsv")}
    contrast = guild_contrast(read_profiles(folder / "relative_abundance.tsv.gz"))
    shares = abundances(folder / "relative_abundance.tsv.gz")
    keep = [
        k for k, sample in enumerate(contrast.subject_ids)
        if sample in meta and np.isfinite(contrast.log_ratios[k]).all() and shares[sample].sum() > 0
    ]  # fmt: skip
    kept = [meta[contrast.subject_ids[k]] for k in keep]
    log_ratios = contrast.log_ratios[keep]
    table = np.array([shares[contrast.subject_ids[k]] for k in keep])
    arms = {"baxter_control": "accessible", "baxter_inulin": "inulin"}
    rows: list[Row] = []
    changes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for cohort, arm in arms.items():
        mine = np.array([row["subject"].endswith(f"_{arm}") for row in kept])
        people = [row["subject"] for row, own in zip(kept, mine, strict=True) if own]
        periods = [row["day"].zfill(2) for row, own in zip(kept, mine, strict=True) if own]
        repeated = Repeated(people, periods)
        weight = repeated.weights((-1.0, 1.0))
        changes[cohort] = (weight @ log_ratios[mine][: weight.shape[1]], weight)
        for j, guild in enumerate(GUILDS):
            if contrast.observed[j]:
                inner = of_numbers(log_ratios[mine][:, j])
                rows += _components(
                    "guild", guild, cohort, repeated, repeated.two_periods(inner, repeated=True)
                )
        for marker, inner in _distances(table[mine], log_ratios[mine]).items():
            rows += _distance_rows(marker, cohort, repeated, inner)
    first, second = (changes[cohort][0] for cohort in arms)
    for j, guild in enumerate(GUILDS):
        if contrast.observed[j]:
            rows.append(_shift("guild", guild, first[:, [j]], second[:, [j]]))
    rows.append(_shift("distance", "aitchison", first, second))
    rows.append(_bray_shift(table, kept))
    return rows


def _distance_rows(marker: str, cohort: str, repeated: Repeated, inner: np.ndarray) -> list[Row]:
    rows = _components("distance", marker, cohort, repeated, repeated.two_periods(inner, repeated=True))
    for change in (False, True):
        name = "dimension_change" if change else "dimension"
        rows.append(
            _row("distance", marker, name, cohort, repeated.dimension(inner, change=change),
                 people=len(repeated.names), samples=repeated.samples)
        )  # fmt: skip
    return rows


def _shift(endpoint: str, marker: str, control: np.ndarray, treated: np.ndarray) -> Row:
    """Return the mean change beyond control: signed for one number, the corrected length for several."""
    draw = np.random.default_rng(5)

    # the squared length of a mean is too great by its variance, that of a resampled mean by twice as much
    noise = control.var(axis=0, ddof=1).sum() / len(control) + treated.var(axis=0, ddof=1).sum() / len(
        treated
    )

    def found(a: np.ndarray, b: np.ndarray, times: int) -> float:
        apart = b.mean(axis=0) - a.mean(axis=0)
        if len(apart) == 1:
            return float(apart[0])
        return float(np.sqrt(max((apart**2).sum() - times * noise, 0.0)))

    again = [
        found(control[draw.integers(0, len(control), len(control))],
              treated[draw.integers(0, len(treated), len(treated))], 2)
        for _ in range(2000)
    ]  # fmt: skip
    value = found(control, treated, 1)
    low, high = np.quantile(again, [0.025, 0.975])
    one = Component(value, min(float(low), value), max(float(high), value))
    people = len(control) + len(treated)
    return _row(endpoint, marker, "shift_inulin", "baxter_inulin", one, people=people, samples=2 * people)


def _bray_shift(table: np.ndarray, kept: Sequence[Mapping[str, str]]) -> Row:
    """Return the shift of the change in principal coordinates of Bray-Curtis, real axes."""
    inner = gower(bray(table) ** 2)
    values, vectors = np.linalg.eigh(inner)
    points = vectors[:, values > 1e-9] * np.sqrt(values[values > 1e-9])
    parts = []
    for arm in ("accessible", "inulin"):
        mine = np.array([row["subject"].endswith(f"_{arm}") for row in kept])
        repeated = Repeated(
            [row["subject"] for row, own in zip(kept, mine, strict=True) if own],
            [row["day"].zfill(2) for row, own in zip(kept, mine, strict=True) if own],
        )
        weight = repeated.weights((-1.0, 1.0))
        parts.append(weight @ points[mine][: weight.shape[1]])
    return _shift("distance", "bray_curtis", parts[0], parts[1])


def _dietswap() -> list[Row]:
    folder = COHORTS / "int_okeefe_2015_dietswap"
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata.tsv")}
    contrast = hitchip(folder / "genus_hitchip_counts.tsv.gz")
    rows: list[Row] = []
    for cohort, group in (("dietswap_home", "HE"), ("dietswap_diet", "DI")):
        keep = [
            k for k, sample in enumerate(contrast.subject_ids)
            if meta[sample]["group"] == group and np.isfinite(contrast.log_ratios[k]).all()
        ]  # fmt: skip
        kept = [meta[contrast.subject_ids[k]] for k in keep]
        log_ratios = contrast.log_ratios[keep]
        for nation in (
            "AAM",
            "AFR",
        ):  # people of two continents: their mean difference is no variance of people
            mine = [row["nationality"] == nation for row in kept]
            log_ratios[mine] -= log_ratios[mine].mean(axis=0)
        repeated = Repeated([row["subject"] for row in kept], [row["timepoint"] for row in kept])
        rows += _guilds(cohort, repeated, log_ratios, contrast.observed)
    return rows


def _lgg() -> list[Row]:
    folder = COHORTS / "int_peerj32_lgg"
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata.tsv")}
    contrast = hitchip(folder / "genus_hitchip_signal.tsv.gz")
    keep = [
        k for k, sample in enumerate(contrast.subject_ids)
        if meta[sample]["group"] == "Placebo" and np.isfinite(contrast.log_ratios[k]).all()
    ]  # fmt: skip
    kept = [meta[contrast.subject_ids[k]] for k in keep]
    repeated = Repeated([row["subject"] for row in kept], [row["time"] for row in kept])
    return _guilds("lgg_placebo", repeated, contrast.log_ratios[keep], contrast.observed)


def _tap() -> list[Row]:
    folder = COHORTS / "int_tap_2015_fiber_crossover"
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata_scfa.tsv")}
    contrast = guild_contrast(read_profiles(folder / "genus_counts.tsv.gz"))
    before = {sample: row for sample, row in meta.items() if row["timepoint"] in ("2", "4")}
    keep = [
        k for k, sample in enumerate(contrast.subject_ids)
        if sample in before and np.isfinite(contrast.log_ratios[k]).all()
    ]  # fmt: skip
    kept = [before[contrast.subject_ids[k]] for k in keep]
    repeated = Repeated([row["subject"] for row in kept], [row["timepoint"] for row in kept])
    rows = _guilds("tap_before", repeated, contrast.log_ratios[keep], contrast.observed)
    for acid in ("acetate", "propionate", "butyrate"):
        seen = [row for row in before.values() if row[f"{acid}_mM"]]
        one = Repeated([row["subject"] for row in seen], [row["timepoint"] for row in seen])
        inner = of_numbers(np.log([float(row[f"{acid}_mM"]) for row in seen]))
        rows += _components(
            "acid", f"stool_{acid}", "tap_before", one, one.two_periods(inner, repeated=False)
        )
    return rows


def _guilds(cohort: str, repeated: Repeated, log_ratios: np.ndarray, observed: np.ndarray) -> list[Row]:
    rows: list[Row] = []
    for j, guild in enumerate(GUILDS):
        if observed[j]:
            found = repeated.two_periods(of_numbers(log_ratios[:, j]), repeated=False)
            rows += _components("guild", guild, cohort, repeated, found)
    return rows


def _weingarden() -> list[Row]:
    """Return how alike a recipient and the donors are after a transplant: 1 - Bray-Curtis to their mean."""
    folder = COHORTS / "int_weingarden_2015_fmt_cdi"
    meta = {row["sample_id"]: row for row in read_rows(folder / "metadata.tsv")}
    shares = {
        k: v for k, v in abundances(folder / "genus_counts.tsv.gz").items() if k in meta and v.sum() > 0
    }
    donors = np.mean(
        [v / v.sum() for k, v in shares.items() if meta[k]["host_subject_id"] == "Donor"], axis=0
    )
    people, alike, days = [], [], []
    for sample, values in shares.items():
        row = meta[sample]
        if row["host_subject_id"] in ("CD1", "CD2", "CD3", "CD4") and row["day_relative_to_fmt"]:
            people.append(row["host_subject_id"])
            days.append(float(row["day_relative_to_fmt"]))
            alike.append(1 - 0.5 * float(np.abs(values / values.sum() - donors).sum()))
    after = [k for k, day in enumerate(days) if 14 <= day <= 60]
    mine = [people[k] for k in after]
    repeated = Repeated(mine, ["after"] * len(mine))
    values = np.array([alike[k] for k in after])
    rows = _components(
        "engraftment",
        "donor_similarity",
        "weingarden_after",
        repeated,
        repeated.one_period(of_numbers(values)),
    )
    for name, part in (("mean", after), ("mean_before", [k for k, day in enumerate(days) if day < 0])):
        own = defaultdict(list)
        for k in part:
            own[people[k]].append(alike[k])
        means = np.array([np.mean(v) for v in own.values()])
        one = Component(float(means.mean()), float(means.min()), float(means.max()))
        what = "similarity to the donors " + ("after transplant" if name == "mean" else "before transplant")
        row = _row("engraftment", "donor_similarity", "mean", "weingarden_after", one, people=len(own),
                   samples=len(part), what=f"{what}; range: lowest and highest person")  # fmt: skip
        row["component"], row["id"] = name, row["id"].replace(".mean", f".{name}")
        rows.append(row)
    return rows


def _wbf011_acids() -> list[Row]:
    folder = COHORTS / "int_pendulum_nct03893422_wbf011"
    plasma = read_rows(folder / "plasma_scfa_umol_per_L.tsv")
    placebo = {row["Subject"] for row in plasma if row["treatment"] == "placebo"}
    rows: list[Row] = []
    for acid, name in (
        ("Acetic acid", "acetate"),
        ("Propionic acid", "propionate"),
        ("Butyric acid", "butyrate"),
    ):
        mine = [r for r in plasma if r["BIOCHEMICAL"] == acid and r["Subject"] in placebo]
        both = [
            (r["Subject"], event, float(r[event]))
            for r in mine for event in ("Baseline", "Week12") if r[event] and float(r[event]) > 0
        ]  # fmt: skip
        rows += _acid_rows(f"plasma_{name}", both)
        stool = [
            (r["Subject"], r["Event"], float(r["Concentration"]))
            for r in read_rows(folder / "stool_scfa_mM.tsv")
            if r["BIOCHEMICAL"] == acid and r["Subject"] in placebo and r["Concentration"]
        ]  # fmt: skip
        rows += _acid_rows(f"stool_{name}", [one for one in stool if one[2] > 0])
    return rows


def _acid_rows(marker: str, measured: Sequence[tuple[str, str, float]]) -> list[Row]:
    repeated = Repeated([one[0] for one in measured], [one[1] for one in measured])
    inner = of_numbers(np.log([one[2] for one in measured]))
    found = repeated.two_periods(inner, repeated=False)
    return _components("acid", marker, "wbf011_placebo", repeated, found)


def _wbf011_strains() -> list[Row]:
    """Return the share of people in whom a strain is found at weeks 4 and 12, and how visits agree.

    Found: at least half of a sample's reactions pass the study's own filter.
    """
    folder = COHORTS / "int_pendulum_nct03893422_wbf011"
    reactions: dict[tuple[str, str, str, str], list[bool]] = defaultdict(list)
    for row in read_rows(folder / "strain_qpcr_reactions.tsv.gz"):
        key = (row["Treatment"], row["Strain"], row["Subject"], row["Week"])
        reactions[key].append(row["PassFilter"] == "True")
    rows: list[Row] = []
    for strain in ("AMUC", "BINF", "CBUT", "EHAL"):
        product = "WBF-011"
        for arm, cohort in ((product, "wbf011_product"), ("Placebo", "wbf011_placebo")):
            seen: dict[str, dict[str, float]] = defaultdict(dict)
            for (treatment, kind, person, week), passed in reactions.items():
                if treatment == arm and kind == strain and week in ("4", "12"):
                    seen[person][week] = float(np.mean(passed) >= 0.5)
            both = np.array([[v["4"], v["12"]] for v in seen.values() if len(v) == 2])
            rows += _strain_rows(strain, cohort, both)
    return rows


def _strain_rows(strain: str, cohort: str, both: np.ndarray) -> list[Row]:
    draw = np.random.default_rng(3)
    picks = [np.arange(len(both)), *draw.integers(0, len(both), (2000, len(both)))]
    count = {"people": len(both), "samples": both.size}
    found = float(both.mean())
    ends = _exact(found, len(both))
    rows = [_row("engraftment", strain, "share", cohort, Component(found, *ends), unit="fraction", **count)]
    if cohort == "wbf011_product":  # one or two people with the strain under placebo say nothing on agreement
        alike = []
        for pick in picks:
            part = both[pick]
            between = part.mean(axis=1).var(ddof=1)
            within = ((part[:, 0] - part[:, 1]) ** 2).mean() / 2
            total = between + within / 2
            alike.append((between - within / 2) / total if total > 0 else 0.0)
        rows.append(_row("engraftment", strain, "correlation", cohort, _points(alike), **count))
    return rows


def _exact(share: float, people: int) -> tuple[float, float]:
    """Return Clopper and Pearson's interval as if each person had been looked at once."""
    from scipy.special import betaincinv

    seen = share * people
    low = float(betaincinv(seen, people - seen + 1, 0.025)) if seen > 0 else 0.0
    high = float(betaincinv(seen + 1, people - seen, 0.975)) if seen < people else 1.0
    return low, high


def _points(values: Sequence[float]) -> Component:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Component(values[0], min(float(low), values[0]), max(float(high), values[0]))


def _distances(table: np.ndarray, log_ratios: np.ndarray) -> dict[str, np.ndarray]:
    apart = ((log_ratios[:, None] - log_ratios[None]) ** 2).sum(axis=2)
    return {"bray_curtis": gower(bray(table) ** 2), "aitchison": gower(apart)}


if __name__ == "__main__":
    sys.exit(main())
