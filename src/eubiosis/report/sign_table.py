"""The sign table for the terminal."""

from __future__ import annotations

from eubiosis.core.model_page import VERDICTS, SignTable

NOTICE = """\
The source is held higher with its own equation switched off; the target is compared on day {day:g} in a
person of the kind "{person}". free: the sign differs between {draws} draws of couplings symmetric about zero,
so the model predicts none. Agreement of a model whose authors knew such studies is no evidence for it."""


def format_signs(table: SignTable) -> str:
    """Lay the table out for the terminal, verdict by verdict, with what chance would give."""
    lines = [NOTICE.format(day=table.judged_day, person=table.person, draws=table.draws), ""]
    lines.append(f"{'source':<30}{'target':<34}{'evidence':<10}{'hand fit':<10}{'change':>10}  verdict")
    day = table.days.index(table.judged_day)
    for verdict in VERDICTS:
        for row in (r for r in table.rows if r.verdict == verdict):
            mark = "" if row.match == "same" else ", stand-in"
            lines.append(
                f"{row.source[:28]:<30}{row.target[:32]:<34}{row.evidence:<10}{row.hand_fit:<10}"
                f"{row.changes[day] if verdict != 'absent' else 0.0:>+10.2g}  {verdict}{mark}"
            )
    counts = ", ".join(f"{number} {verdict}" for verdict, number in table.counts.items())
    lines += [
        "",
        f"{table.mechanisms} mechanisms, {len(table.rows)} between two quantities of the model: {counts}",
    ]
    lines += [
        f"{a.of}: {a.agree} of {a.number} agree; by chance {a.expected:.1f} (p {a.p:.2g})"
        for a in table.agreements
    ]
    if table.failed_runs:
        lines.append(f"{table.failed_runs} runs of drawn couplings could not be solved and are left out")
    free = table.counts["free"]
    lines.append(
        f"of the {free} free ones {table.free_agree_at_hand_fit} agree at the hand fit, which was made in "
        f"sight of the evidence; by the prior {free / 2:g}"
    )
    return "\n".join(lines)
