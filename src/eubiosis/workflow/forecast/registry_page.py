"""The page of sealed forecasts: what was sealed, what is not known, and how read-outs met it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eubiosis.core.output import staged
from eubiosis.core.record import as_record
from eubiosis.core.sealed import STATUS_WORDS, SealedTarget
from eubiosis.core.stool_profile import ProfileSection, SectionTable
from eubiosis.evidence.forecast.sealed_forecasts import FOLDER, read_registry, read_seals
from eubiosis.evidence.forecast.sealed_listing import NOTICE, SealedLine, forecast_lines, interval_words
from eubiosis.report.forecast_page.page import sections_page
from eubiosis.report.forecast_page.sealed import SealedBar, SealedPanel, sealed_figure
from eubiosis.workflow.forecast.read_outs import ReadOutScore, RegistryScore, oracle_csv

NO_ADVICE = "No number here is about one person, and none is advice."
_LEAD = (
    "What coming trials will print, written down and hashed before anybody here looked. The thin line holds "
    "95 %, the thick one 50 %. Beside each forecast stands a reference that needs no model."
)


def write_registry(out: Path, found: RegistryScore, folder: Path = FOLDER) -> Path:
    """Write the page and ``target-data/oracle-output.csv`` into ``out``; return the page's path.

    Raises ``FindingsError`` where the folder cannot be written or holds anything.
    """
    with staged(out, new=True) as place:
        (place / "target-data").mkdir()
        oracle = oracle_csv([one.read_out for one in found.scores])
        (place / "target-data" / "oracle-output.csv").write_text(oracle, encoding="utf-8")
        (place / "sealed_forecasts.html").write_text(registry_page(found, folder), encoding="utf-8")
    return out / "sealed_forecasts.html"


def registry_page(found: RegistryScore, folder: Path = FOLDER) -> str:
    """Return the page as HTML text that needs nothing beside itself."""
    lines = forecast_lines(folder)
    sections = (_forecasts(lines, found, folder), _facts(folder), _read_outs(found), _seals(folder))
    data = as_record({"forecasts": lines, "scores": found})
    return sections_page("Sealed forecasts", _LEAD, sections, data, notice=f"{NOTICE} {NO_ADVICE}")


def score_text(found: RegistryScore) -> str:
    """Write scores for the shell."""
    lines = []
    for one in found.scores:
        row, own = one.read_out, one.forecast
        held = ", ".join(f"{float(s):.0%} {'inside' if ok else 'outside'}" for s, ok in own.inside.items())
        lines += [
            f"{row.trial}, {row.target}: printed {row.value:g} ({row.low:g} to {row.high:g}) {one.unit}, "
            f"{one.look}",
            f"  forecast of {one.origin_date}: WIS {own.wis:.4g}, CRPS {own.crps:.4g}, "
            f"bias {own.bias:+.2f}; {held}",
            f"  reference: WIS {one.reference.wis:.4g}; ratio {one.ratio:.2f}",
        ]
    lines.append(f"{len(found.scores)} read-outs entered, {len(found.open)} forecasts open")
    lines += [
        f"  {share:.0%} intervals: {hits} of {of} inside (exact 95 % interval {low:.0%} to {high:.0%})"
        for share, hits, of, low, high in found.coverage
    ]
    return "\n".join([*lines, "", found.says[0].upper() + found.says[1:] + ".", NOTICE])


def _forecasts(lines: Sequence[SealedLine], found: RegistryScore, folder: Path) -> ProfileSection:
    targets = read_registry(folder).targets
    printed = {(one.read_out.trial, one.read_out.target): one for one in found.scores}
    panels = [_panel(target, lines, printed) for target in targets.values()]
    trials = len({line.trial for line in lines})
    return ProfileSection(
        "forecasts",
        "Forecast and reference",
        paragraphs=(
            f"{len(lines)} numbers of {trials} trials. {found.says[0].upper()}{found.says[1:]}. Twin trials "
            "share a forecast, and all control arms share one regression: their errors go together.",
            "Sampling error of the coming trial is in every interval. The forecast is what the software says "
            "to anybody who asks it the same question; nothing was adjusted by hand.",
        ),
        tables=(
            SectionTable(
                "Medians with 50 and 95 % intervals",
                ("trial", "number", "sealed", "forecast", "reference"),
                tuple(
                    (one.trial, f"{one.target}, {one.unit}", one.sealed, interval_words(one.forecast),
                     interval_words(one.reference))
                    for one in lines
                ),
            ),
        ),
        figures=tuple(
            (
                sealed_figure(panel, name=f"s{k}"),
                _caption(panel, lines[0].sealed),
            )
            for k, panel in enumerate(panels)
            if panel.bars
        ),
    )  # fmt: skip


def _caption(panel: SealedPanel, sealed: str) -> str:
    trials = "1 trial" if len(panel.bars) == 1 else f"{len(panel.bars)} trials"
    return (
        f"{panel.title}. Thick: 50 %, thin: 95 % interval, circle: median; the words are those of the "
        f"forecast. n: {trials}. Sealed {sealed}; simulated."
    )


def _panel(
    target: SealedTarget, lines: Sequence[SealedLine], printed: Mapping[tuple[str, str], ReadOutScore]
) -> SealedPanel:
    bars = []
    for one in lines:
        if one.target == target.target:
            score = printed.get((one.trial, one.target))
            row = None if score is None else score.read_out
            seen = None if row is None else (row.low, row.value, row.high)
            bars.append(SealedBar(one.trial, one.forecast, one.reference, seen))
    return SealedPanel(target.label, target.unit, tuple(bars), 0.0 if target.kind == "smd" else None)


def _facts(folder: Path) -> ProfileSection:
    trials = read_registry(folder).trials.values()
    return ProfileSection(
        "facts",
        "What was known, assumed and not known",
        paragraphs=(
            "Facts of registries as far as they were read, mostly the first lines of stored pages. No "
            "outcome of any of these trials was looked up. "
            + " ".join(f"{word}: {text}." for word, text in STATUS_WORDS.items()),
        ),
        tables=(
            SectionTable(
                "The trials",
                ("trial and state", "design as read", "assumed", "not known"),
                tuple(
                    (f"{row.name}, {row.registry_id}: {row.status}",
                     f"{row.design} ({row.source}; {row.read})", row.assumed, row.not_known)
                    for row in trials
                ),
            ),
        ),
    )  # fmt: skip


def _read_outs(found: RegistryScore) -> ProfileSection:
    rows = tuple(
        (one.read_out.trial, one.read_out.target,
         f"{one.read_out.value:g} ({one.read_out.low:g} to {one.read_out.high:g})",
         f"{one.forecast.wis:.3g}", f"{one.reference.wis:.3g}", f"{one.ratio:.2f}",
         f"{one.forecast.bias:+.2f}", "yes" if one.forecast.inside["0.95"] else "no",
         f"{one.read_out.source} ({one.read_out.read}); {one.look}")
        for one in found.scores
    )  # fmt: skip
    words = "No read-out has been entered yet; nothing is hit or missed."
    return ProfileSection(
        "read_outs",
        "Read-outs",
        paragraphs=(
            words
            if not rows
            else "WIS, bias and coverage as scoringutils defines them; below 1 the forecast "
            "scored better than the reference on this one number.",
            f"{len(found.open)} forecasts are open.",
        ),
        tables=(
            SectionTable(
                "Scores",
                ("trial", "number", "printed", "WIS", "reference", "ratio", "bias", "inside 95 %", "source"),
                rows,
                (3, 4, 5, 6),
            ),
        )
        if rows
        else (),
    )


def _seals(folder: Path) -> ProfileSection:
    seals = read_seals(folder)
    return ProfileSection(
        "seals",
        "Seals",
        paragraphs=(
            "Every forecast has a hash over its canonical bytes; a seal is the hash of all of them, of the "
            "facts and of the seal before. `eubiosis forecast registry verify --seal HASH` recomputes them.",
        ),
        tables=(
            SectionTable(
                "SHA-256",
                ("sealed", "forecasts", "seal"),
                tuple((seal.date, f"{len(seal.forecasts)}", seal.seal) for seal in seals),
                (1,),
            ),
        ),
    )
