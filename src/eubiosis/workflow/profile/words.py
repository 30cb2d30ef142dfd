"""Sentences of a profile: the first one, warnings, and what the contrasts say together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from eubiosis.core.stool_profile import SMALLEST_SHOWN, ContrastFamily
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.reference import load_reference
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.taxa import GUILDS
from eubiosis.workflow.profile.samples import counted

ORIGIN = (
    "Read fractions of a real stool table, summed over guilds on its own sequencing platform: not biomass "
    "fractions, not comparable with another platform, no diagnosis."
)
# rank correlations within sites with measured stool butyrate: validation/cohorts/imsms_correlations.tsv
PREDICTION_NOTE = (
    "In 388 people of one cohort (iMSMS, 16S) measured stool butyrate went with the plain sum of butyrate "
    "producers more (rank correlation within sites 0.24, 95 % interval 0.13 to 0.32) than with what the "
    "model predicts from the same table (0.15, 0.05 to 0.23). Neither explains much: a stool table knows "
    "neither diet nor transit."
)
_SHALLOW = 5_000
_MAPPED = 0.8
_SHOTGUN = ("metaphlan", "kraken", "bracken", "singlem")
_ALPHA = 0.05
_NAMED = 6  # groups that are named one by one; more may be ids of people


def first_sentence(table: StoolTable, contrast: GuildContrast) -> str:
    """Say what the table is: samples, format, depth, and how much of it is mapped."""
    n, usable = len(table.sample_ids), int(contrast.usable.sum())
    counts = f"{n:,} sample{'s' if n != 1 else ''}" + ("" if usable == n else f", {usable:,} of them usable")
    groups = ""
    if table.groups is not None:
        sizes = {name: table.groups.count(name) for name in sorted(set(table.groups))}
        named = ", ".join(f"{name or '(no group)'} {size:,}" for name, size in sizes.items())
        groups = f" ({named})" if len(sizes) <= _NAMED else f" in {len(sizes):,} groups"
    if counted(table):
        depth = f"a median of {np.median(table.depth):,.0f} reads each"
    else:
        scale = "counts that are no whole reads" if table.scale == "counts" else table.scale
        depth = (
            f"numbers ({scale}) that do not say how many reads there were, so that their depth is not known"
        )
    return (
        f"{PurePath(table.file).name} ({table.format}) holds {counts}{groups} with {depth}; "
        f"{100 * table.overall_mapped_share:.1f} % of what it holds is in a guild of the model."
    )


def warnings_of(table: StoolTable, contrast: GuildContrast) -> tuple[str, ...]:
    """Say what the platform and the depth of the table do to its numbers."""
    found = [
        "Shares of reads belong to their platform (extraction, primers, database). They may be compared "
        "within this table; with another only as differences from controls that were read in the same way."
    ]
    if not table.platform:
        found.append("How the reads were made is not known: say it with --platform TEXT.")
    if table.format.split(" ")[0].lower() in _SHOTGUN:
        found.append(
            "This looks like shotgun sequencing. The packaged reference was read by 16S (V4), so that a "
            "distance by level holds the platforms apart and not the people."
        )
    if not counted(table):
        found.append(
            "The table holds no counts of reads: there is no interval from depth, a zero has half the "
            "smallest value of its sample, and richness is not defined."
        )
    elif np.median(table.depth) < _SHALLOW:
        once = 1 / float(np.median(table.depth))
        found.append(
            f"The samples are shallow: one read is {100 * once:.2f} % of the median sample, and guilds "
            "below a few times that are missed by chance."
        )
    if table.overall_mapped_share < _MAPPED:
        found.append(
            f"Only {100 * table.overall_mapped_share:.0f} % of the reads are in a guild: guild "
            "fractions are shares of these, and the largest names without a guild are listed."
        )
    found += _unseen(contrast)
    if contrast.centre == "median":
        found.append(
            "No group was named as controls: log-ratios are to the median of the table, and a shift that "
            "everybody has cannot be seen. Name it with --control."
        )
    return tuple(found)


def _unseen(contrast: GuildContrast) -> list[str]:
    reference = dict(zip(GUILDS, load_reference().detected_share, strict=True))
    return [
        f"{guild} was seen in {100 * share:.0f} % of the usable samples (reference controls, 16S V4: "
        f"{100 * reference[guild]:.0f} %): it is not compared, and the model keeps its reference share."
        for guild, share in zip(GUILDS, contrast.detected_share, strict=True)
        if guild in contrast.not_observed()
    ]


def contrast_sentences(families: Sequence[ContrastFamily], small: Sequence[str]) -> tuple[str, ...]:
    """Say what the contrasts give together, and what they cannot."""
    found = []
    if small:
        who = ", ".join(small) if len(small) <= _NAMED else f"{len(small):,} groups"
        found.append(f"Not compared, with fewer than {SMALLEST_SHOWN} usable samples: {who}.")
    for group, control in dict.fromkeys((one.group, one.control) for one in families):
        own = [one for one in families if (one.group, one.control) == (group, control)]
        measured = [one for one in own if one.scale != "log"]
        tested = sum(one.tested for one in measured)
        lines = [line for one in measured for line in one.lines if line.p_bh is not None]
        below = [line for line in lines if line.p_bh is not None and line.p_bh < _ALPHA]
        sizes = f"{own[0].n_group:,} against {own[0].n_control:,} samples"
        if below:
            found.append(
                f"{group} against {control} ({sizes}): {len(below)} of {tested} measured contrasts have a p "
                f"below {_ALPHA:g} after Benjamini and Hochberg's correction within their family. "
                "Shares, log-ratios and prevalences speak of the same reads: one difference may count thrice."
            )
        else:
            found.append(
                f"{group} against {control} ({sizes}): none of {tested} measured contrasts has a p below "
                f"{_ALPHA:g} after Benjamini and Hochberg's correction. That is not evidence of no difference"
                f"{_width(own)}."
            )
    if families:
        found.append(
            "Nothing is adjusted for what else differs between the groups: age, sex, body mass, diet, drugs, "
            "transit and stool form, household, site, batch of extraction and sequencing. Each sample counts "
            "as one person; repeated samples of a person make every interval too narrow."
        )
    return tuple(found)


def _width(families: Sequence[ContrastFamily]) -> str:
    for one in families:
        if one.scale == "log ratio":
            half = [
                (line.high - line.low) / 2
                for line in one.lines
                if line.low is not None and line.high is not None
            ]
            if half:
                return (
                    f": with so many samples the interval of a guild's log-ratio reaches a factor of "
                    f"{np.exp(np.median(half)):.1f} to either side"
                )
    return ""
