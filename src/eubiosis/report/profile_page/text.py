"""The profile of a stool table as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eubiosis.core.stool_profile import ContrastFamily, GroupProfile, StoolProfile
from eubiosis.report.profile_page import words
from eubiosis.report.trial_table.words import number


def profile_lines(profile: StoolProfile) -> Iterator[str]:
    """Yield the lines of a profile: what sections say first, the table, its groups, contrasts, persons."""
    yield from (section.first_line for section in profile.sections if section.first_line)
    yield profile.first_sentence
    if profile.depth is not None:
        yield f"reads a sample: {words.spread(profile.depth)}"
    if profile.mapped is not None:
        yield f"mapped share of a sample: {words.spread(profile.mapped, 'fraction')}"
    for group in profile.groups:
        yield ""
        yield from _group_lines(group, profile.smallest_shown)
    if profile.runaways:
        yield ""
        yield "asked of the model far from the raw share (medians of carriers):"
        for one in profile.runaways:
            shares = f"raw {words.percent(one.raw)}, asked {words.percent(one.asked)}"
            yield f"  {one.guild}, {one.group}: {shares}"
    if profile.prediction_note:
        yield ""
        yield profile.prediction_note
    if profile.contrast_notes:
        yield ""
        yield from profile.contrast_notes
    for family in profile.contrasts:
        yield ""
        yield from _family_lines(family)
    for section in profile.sections:
        yield ""
        yield section.title
        yield from section.paragraphs
        for table in section.tables:
            yield table.caption
            yield from _aligned([table.columns, *table.rows])
    if profile.persons is not None:
        yield ""
        yield from _person_lines(profile)
    yield f"# {summary_line(profile)}"
    yield f"# {_held_line(profile)}"


def summary_line(profile: StoolProfile) -> str:
    """Return the samples by status and how much is mapped."""
    counts = ", ".join(f"{count} {status}" for status, count in profile.status.items())
    median = "" if profile.mapped is None else f", median {profile.mapped.median:.1%}"
    mapped = f"mapped share of all reads {profile.mapped_overall:.1%}{median}"
    return f"{profile.samples} samples ({counts}); {mapped}"


def _group_lines(group: GroupProfile, smallest: int) -> Iterator[str]:
    yield f"{group.name}: {group.people:,} samples, {group.usable:,} usable"
    if not group.shown:
        yield f"  fewer than {smallest} usable samples: counted, not summarised"
        return
    head = ("guild", "mean", "from depth", "over people", "prevalence", "carriers' median", "reliability")
    yield from _aligned([
        head,
        *(
            (
                line.guild, words.percent(line.mean), words.bounds(line.depth_interval),
                words.bounds(line.people_interval), words.percent(line.prevalence),
                words.percent(line.carrier_median),
                words.NO_NUMBER if line.reliability is None else f"{line.reliability:.2f}",
            )
            for line in group.guilds
        ),
    ])  # fmt: skip
    yield from _aligned([
        ("reported genus", "mean", "prevalence", "in studies of MS"),
        *(
            (line.taxon, words.percent(line.mean), words.percent(line.prevalence), words.studies(line))
            for line in group.taxa if line.in_table
        ),
    ])  # fmt: skip
    for measure in group.measures:
        told = (
            f"not defined: {measure.why_not}"
            if measure.why_not
            else words.spread(measure.spread, measure.unit)
        )
        yield f"{measure.measure}: {told}"
    for place in group.positions:
        yield (
            f"Aitchison distance {place.what}: {words.spread(place.spread)}; beyond "
            f"{words.percent(place.percentile)} of the reference's controls"
        )
    if group.predictions:
        yield from _aligned([
            ("predicted", "where", "median", "95 % of worlds", "over reference", "95 % of worlds"),
            *(
                (
                    line.quantity, line.place, f"{number(line.median)} {line.unit}",
                    f"{number(line.low)} to {number(line.high)}", f"×{number(line.ratio)}",
                    f"×{number(line.ratio_low)} to ×{number(line.ratio_high)}",
                )
                for line in group.predictions
            ),
        ])  # fmt: skip


def _family_lines(family: ContrastFamily) -> Iterator[str]:
    yield (
        f"{family.title}: {family.group} against {family.control} ({family.n_group:,} and "
        f"{family.n_control:,}); {family.tested} tested; {family.method}"
    )
    yield from _aligned([
        ("what", f"effect, {words.EFFECT_UNITS[family.scale]}", "95 % interval", "p", "p BH", "p Holm"),
        *(
            (
                line.what, words.effect(line.effect, family.scale), words.interval(line, family.scale),
                words.p_value(line.p_value), words.p_value(line.p_bh), words.p_value(line.p_holm),
            )
            for line in family.lines if line.effect is not None
        ),
    ])  # fmt: skip


def _person_lines(profile: StoolProfile) -> Iterator[str]:
    persons = profile.persons or ()
    guilds = tuple(persons[0].fractions) if persons else ()
    head = ("sample", "group", "status", "depth", "mapped", *guilds, "niche", "off", "factor")
    rows = [head]
    for one in persons:
        shares = ["-" if f is None else f"{f:.4f}" if f else "0" for f in one.fractions.values()]
        mapped = "-" if one.mapped_share is None else f"{one.mapped_share:.3f}"
        off, factor = (
            "nan" if value is None else f"{value:.{digits}f}"
            for value, digits in ((one.niche_residual, 2), (one.niche_largest_factor, 1))
        )
        group = one.group or "-"
        rows.append(
            (one.sample, group, one.status, f"{one.depth:g}", mapped, *shares, one.niche, off, factor)
        )
    yield from _aligned(rows)


def _held_line(profile: StoolProfile) -> str:
    held = profile.held
    counts = ", ".join(f"{count} {word}" for word, count in held.status.items())
    if held.largest_residual is None or held.largest_factor is None:
        return f"held in the model: {counts}"
    return (
        f"held in the model: {counts}; largest difference of a log share {held.largest_residual:.2f} "
        f"(column off), largest niche factor over the reference's or under it "
        f"{held.largest_factor:.1f} (column factor)"
    )


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
