"""The page that holds virtual people against real ones: pictures, figures, what chance would give."""

from __future__ import annotations

import json

from eubiosis.core.population_description import Both, GroupComparison, PopulationDescription, TaxonComparison
from eubiosis.core.record import as_record
from eubiosis.core.version import __version__
from eubiosis.report.figures.populations import comparison_panels
from eubiosis.report.pages import render

_COPIES = (
    "Some of the people called virtual equal real ones: they are those people's records and not made, and "
    "their file may not be handed on as if it were. This page holds no value of a person."
)
_NOTICE = (
    "Virtual people are drawn from group summaries. Nobody of them exists, and nothing measured on them is "
    "evidence. This page holds no value of a person; it says how well the drawn people resemble a table, and "
    "how near they come to its people."
)


def population_page(found: PopulationDescription) -> str:
    """Return the page, self-contained, one section a group."""
    origin = f"Eubiosis {__version__}; virtual {found.virtual_file}, real {found.real_file}"
    copied = any(group.copies for group in found.groups)
    return render(
        "population.html",
        title="Virtual people beside real ones",
        label="Not all made." if copied else "Made.",
        notice=_COPIES if copied else _NOTICE,
        found=found,
        origin=origin,
        sections=[
            {
                "group": group.group,
                "lead": _lead(group),
                "people": f"{group.people.virtual:,.0f} virtual and {group.people.real:,.0f} real people",
                "figure": comparison_panels(group),
                "figures": _figures(group),
                "taxa": [_taxon(t) for t in group.taxa],
            }
            for group in found.groups
        ],
        data=json.dumps(as_record(found), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )


def _lead(group: GroupComparison) -> str:
    above = group.told_apart - 0.5
    told = (
        "nearest neighbours cannot tell them apart" if abs(above) < 0.05
        else "virtual people lie nearer to real ones than to each other and may give them away" if above < 0
        else "nearest neighbours tell them apart a little" if above < 0.15
        else "nearest neighbours tell them apart"
    )  # fmt: skip
    equal = "1 virtual person equals" if group.copies == 1 else f"{group.copies} virtual people equal"
    copies = f" {equal} a real one." if group.copies else ""
    return (
        f"{group.people.virtual:.0f} virtual and {group.people.real:.0f} real people: {told} "
        f"({group.told_apart:.0%} of all lie nearest to somebody of their own kind; 50% would say "
        "that nothing tells real and virtual apart). "
        f"{group.within_tenth:.0%} of {len(group.taxa)} taxa differ by less than 0.1 standard deviations; "
        f"the largest difference is {group.largest_difference:.2f}, by chance {group.largest_by_chance:.2f}."
        f"{copies}"
    )


def _figures(group: GroupComparison) -> list[tuple[str, str, str, str]]:
    """Return rows of what, virtual, real, and what chance gives."""

    def row(what: str, pair: Both, form: str) -> tuple[str, str, str, str]:
        return what, format(pair.virtual, form), format(pair.real, form), ""

    rows = [
        row("reads, median", group.depth, ",.0f"),
        row("cells without a read", group.zeros, ".1%"),
        row("reads of taxa that only one table names", group.pooled_share, ".1%"),
        row("Shannon diversity, mean, nats", group.shannon, ".2f"),
        row("Shannon diversity, SD, nats", group.shannon_sd, ".2f"),
        row("taxa seen in a person, mean", group.taxa_seen, ".1f"),
        row("taxa seen in a person, SD", group.taxa_seen_sd, ".1f"),
        row("Hellinger distance (0 to 1) to the nearest real person, median", group.distance, ".3f"),
    ]
    for what, pairs in (("rank correlations", group.correlations), ("co-occurrence", group.presence)):
        of = f"{what} of {pairs.pairs:,} pairs"
        if pairs.rms is not None and pairs.rms_by_chance is not None:
            difference, chance = f"{pairs.rms:.3f}", f"{pairs.rms_by_chance:.3f}"
            rows.append((f"{of}: root mean square difference", difference, "", chance))
        if pairs.agreement is not None:
            rows.append((f"{of}: correlation of the two", f"{pairs.agreement:.2f}", "", ""))
    rows.append(
        ("virtual people nearer to a real one than 95 % of real people are to each other",
         f"{group.closer_than_real:.1%}", "", "5.0%")
    )  # fmt: skip
    rows.append(("virtual people who equal a real one", f"{group.copies}", "", "0"))
    return rows


def _taxon(t: TaxonComparison) -> tuple[str, ...]:
    return (
        t.name, f"{t.share.virtual:.2%}", f"{t.share.real:.2%}", f"{t.carried.virtual:.0%}",
        f"{t.carried.real:.0%}", f"{t.difference:+.2f}", f"{t.sd_ratio:.2f}",
    )  # fmt: skip
