"""The power of the primary endpoint against people per arm, as a small drawing for the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eubiosis.core.brief import BriefEndpoint
from eubiosis.report.as_read import set_signs
from eubiosis.report.brief.blocks import duration
from eubiosis.report.trial.words import percent

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 460, 220, 46, 34


def power_svg(one: BriefEndpoint, recruitable: int, target: float) -> str:
    """Draw the power curve of an endpoint, with the size that can be recruited and the power asked for."""
    if one.best_years is None or not one.powers:
        return ""
    largest = one.powers[-1].n_per_arm
    words = escape(set_signs(f"{one.label}, {duration(one.best_years)}: power at {one.effect_text}"))

    def x(people: float) -> str:
        return f"{_LEFT + (_WIDTH - _LEFT - 10) * people / largest:.1f}"

    def y(power: float) -> str:
        return f"{(_HEIGHT - _BOTTOM) - (_HEIGHT - _BOTTOM - 12) * power:.1f}"

    def line(points: Sequence[tuple[float, float]], style: str) -> str:
        path = " ".join(f"{x(people)},{y(power)}" for people, power in points)
        return f'<polyline points="{path}" fill="none" {style}/>'

    def text(left: str, down: str, anchor: str, content: str) -> str:
        return f'<text x="{left}" y="{down}" text-anchor="{anchor}">{content}</text>'

    foot = "people per arm; orange: what can be recruited; dashed: the power asked for"
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" font-size="11" '
        f'font-family="sans-serif" aria-label="{words}"><title>{words}</title>',
        line([(0, 1), (0, 0), (largest, 0)], 'class="axis" stroke="#777"'),
        line([(0, target), (largest, target)], 'class="axis" stroke="#777" stroke-dasharray="3 3"'),
        line([(recruitable, 0), (recruitable, 1)], 'class="c2" stroke="#D55E00" stroke-dasharray="4 3"'),
        line(
            [(point.n_per_arm, point.power) for point in one.powers],
            'class="c1" stroke="#0072B2" stroke-width="2"',
        ),
        *(text(str(_LEFT - 6), y(share), "end", percent(share)) for share in (0.0, 0.5, 1.0)),
        *(text(x(people), str(_HEIGHT - 18), "middle", f"{people:,}") for people in (recruitable, largest)),
        text(str(_WIDTH // 2), str(_HEIGHT - 4), "middle", foot),
        "</svg>",
    ]
    return "".join(parts)
