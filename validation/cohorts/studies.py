"""The finished studies: whose stool before and at the end of what, and what stands for it in the model."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eubiosis.model.model import Model
from eubiosis.population import StoolTable, read_profiles
from eubiosis.therapy.phrase import read_phrase
from eubiosis.workflow.forecast.courses import Regimen, regimen_of, regimen_of_condition
from eubiosis.workflow.forecast.paired import guild_study
from eubiosis.workflow.forecast.published import Published, published_changes
from eubiosis.workflow.forecast.study import FinishedStudy

ROOT = Path(__file__).resolve().parents[2]
COHORTS = ROOT.parent / "shared" / "cohorts"
TAP_ACIDS = ("acetate", "propionate", "butyrate")


@dataclass(frozen=True)
class Case:
    """A study to score. ``fitted`` names the classes of quantities that the model's numbers were set with.

    ``seen`` says that it was scored before with another stand-in for its therapy: no fresh test.
    """

    study: str
    folder: str
    product: str
    dose: str
    days: int
    source: str
    licence: str
    fitted: tuple[str, ...]
    note: str
    data: FinishedStudy
    regimen: Regimen
    published: Published
    seen: bool = False


@dataclass(frozen=True)
class NotRepresentable:
    """A study that is not scored, and why."""

    study: str
    source: str
    licence: str
    reason: str


NOT_REPRESENTABLE = (
    NotRepresentable(
        "Pendulum WBF-011", "trial NCT03893422, 10.1136/bmjdrc-2020-001319", "CC0 1.0",
        "no community profile was measured, so nobody has a baseline to start from; two of the five strains "
        "(Akkermansia muciniphila, Anaerobutyricum hallii) are no strain pool of the model",
    ),
    NotRepresentable(
        "Clark 2021", "Clark 2021, 10.1038/s41467-021-22938-y", "none stated with the files; paper CC BY 4.0",
        "one to 25 single strains in a tube: no person, no host, no habitual diet, no guild mean; a guild of "
        "the model stands for many strains whose yields differ from those of the one in the tube",
    ),
)  # fmt: skip


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a tab-separated table, gzipped or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(data.decode("utf-8")), delimiter="\t"))


def cases(model: Model, cohorts: Path = COHORTS) -> Iterator[Case]:
    """Yield every study whose files are there."""
    for folder, make in (
        ("int_baxter_2019_fibers", _baxter),
        ("int_tap_2015_fiber_crossover", _tap),
        ("int_okeefe_2015_dietswap", _dietswap),
        ("int_weingarden_2015_fmt_cdi", _weingarden),
    ):
        if (cohorts / folder).is_dir():
            yield from make(model, cohorts / folder)


def _people(table: StoolTable, names: Mapping[str, str]) -> tuple[str, ...]:
    """Name whose each sample of a table is; "" for one that does not count."""
    return tuple(names.get(sample, "") for sample in table.sample_ids)


def _baxter(model: Model, folder: Path) -> Iterator[Case]:
    table = read_profiles(folder / "relative_abundance.tsv.gz")
    rows = read_rows(folder / "metadata.tsv")
    for arm, words, dose in (
        ("inulin", "inulin 20 g/day for 2 weeks", "20 g/day"),
        ("accessible", "corn starch 20 g/day for 2 weeks", "20 g/day of corn starch"),
    ):
        own = [row for row in rows if row["subject"].endswith(f"_{arm}")]
        before, after = (
            {r["sample_id"]: r["subject"] for r in own if r["day"] == day} for day in ("0", "21")
        )
        phrase = read_phrase(words)
        note = (
            "guild ratios of this arm are targets that the gut was fitted to" if arm == "inulin" else
            "a tenth of the control starch reaches the colon in the model (assumed)"
        )  # fmt: skip
        yield Case(
            f"Baxter 2019, {'inulin' if arm == 'inulin' else 'control starch'}", folder.name,
            phrase.products[0], dose, 14, "Baxter 2019, 10.1128/mBio.02566-18",
            "none stated with the files", ("guild",) if arm == "inulin" else (), note,
            guild_study(table, table, _people(table, before), _people(table, after)),
            regimen_of(model, phrase), published_changes(model, phrase, without=("Baxter",)),
        )  # fmt: skip


def _tap(model: Model, folder: Path) -> Iterator[Case]:
    table = read_profiles(folder / "genus_counts.tsv.gz")
    rows = read_rows(folder / "metadata_scfa.tsv")
    at = {(row["subject"], row["timepoint"]): row for row in rows}
    for grams, condition in (("40", "healthy_fibre_40g"), ("10", "healthy_fibre_10g")):
        ends = [row for row in rows if row["fibre_g_per_day_in_preceding_period"] == grams]
        starts = [at[row["subject"], str(int(row["timepoint"]) - 1)] for row in ends]
        acids = [
            {f"stool_{acid}": {r["subject"]: float(np.log(float(r[f"{acid}_mM"]))) for r in side
                               if r[f"{acid}_mM"]} for acid in TAP_ACIDS}
            for side in (starts, ends)
        ]  # fmt: skip
        names = [{row["sample_id"]: row["subject"] for row in side} for side in (starts, ends)]
        product = "high_fibre_diet" if grams == "40" else condition
        yield Case(
            f"Tap 2015, {grams} g of fibre", folder.name, product, f"{grams} g/day of fibre", 5,
            "Tap 2015, 10.1111/1462-2920.13006", "GPL-3", ("stool",),
            "crossover, five days each; the acids' ratio of 40 to 10 g is a target that the gut was fitted "
            "to, the guilds are not; what reaches the colon on either diet is assumed",
            guild_study(table, table, _people(table, names[0]), _people(table, names[1]),
                        acids_before=acids[0], acids_after=acids[1]),
            regimen_of_condition(model, condition, 5), _no_figures("a diet over the own habitual one"),
        )  # fmt: skip


def _dietswap(model: Model, folder: Path) -> Iterator[Case]:
    table = read_profiles(folder / "genus_hitchip_counts.tsv.gz")
    rows = read_rows(folder / "metadata.tsv")
    for people, who, words, dose in (
        ("AAM", "African Americans", "high fibre diet for 2 weeks",
         "high fibre, low fat (the diet with 40 g of fibre stands for it)"),
        ("AFR", "rural South Africans", "western diet for 2 weeks",
         "western diet (10 g of fibre stands for it)"),
    ):  # fmt: skip
        own = [row for row in rows if row["nationality"] == people]
        before, after = (
            {row["sample_id"]: row["subject"] for row in own if row["timepoint"] in times}
            for times in (("1", "2", "3"), ("5", "6"))
        )
        phrase = read_phrase(words)
        yield Case(
            f"diet swap 2015, {who}", folder.name, phrase.products[0], dose, 14,
            "O'Keefe 2015, 10.1038/ncomms7342", "BSD-2-Clause", (),
            "phylogenetic microarray; fat is not in the model, and everybody's habitual diet is the model's",
            guild_study(table, table, _people(table, before), _people(table, after)),
            regimen_of(model, phrase), published_changes(model, phrase), seen=people == "AFR",
        )  # fmt: skip


def _weingarden(model: Model, folder: Path) -> Iterator[Case]:
    table = read_profiles(folder / "genus_counts.tsv.gz")
    rows = [
        r for r in read_rows(folder / "metadata.tsv") if r["host_subject_id"] in ("CD1", "CD2", "CD3", "CD4")
    ]
    day = {row["sample_id"]: float(row["day_relative_to_fmt"]) for row in rows if row["day_relative_to_fmt"]}
    who = {row["sample_id"]: row["host_subject_id"] for row in rows}
    before = {sample: who[sample] for sample, d in day.items() if d <= 0}
    after = {sample: who[sample] for sample, d in day.items() if 20 <= d <= 28}
    phrase = read_phrase("fecal transplant for 24 days")
    yield Case(
        "Weingarden 2015, fecal transplant", folder.name, phrase.products[0], "one transplant", 24,
        "Weingarden 2015, 10.1186/s40168-015-0070-0", "CC BY-SA 4.0", (),
        "four recipients after antibiotics for C. difficile: the model's donor is its healthy reference, and "
        "a niche held at the state before says that this state would last by itself",
        guild_study(table, table, _people(table, before), _people(table, after), fewest=4),
        regimen_of(model, phrase), published_changes(model, phrase),
    )  # fmt: skip


def _no_figures(what: str) -> Published:
    return Published((), (f"the tables hold no published mean change of {what}",))
