"""A made-up scoreboard for pages. Nothing in it was scored."""

from __future__ import annotations

from eubiosis.core.scoreboard import BoardGroup, CoverageSeen, RatioSeen


def make_group(name: str, studies: int, ratio: RatioSeen | None, hits: int, of: int) -> BoardGroup:
    """Return a group of studies whose intervals held ``hits`` of ``of`` read-outs."""
    held = CoverageSeen(0.9, hits, of, hits / of, 0.5, 0.9, None, None)
    half = CoverageSeen(0.5, hits // 2, of, hits // 2 / of, 0.2, 0.6, None, None)
    return BoardGroup(
        name, f"made up: {name}", studies, of, ratio, None, None, None, None, half, held, None, None, None
    )


def make_board() -> tuple[BoardGroup, ...]:
    """Return three groups: all that is not fitted, a kind of endpoint, and one that cannot be compared."""
    return (
        make_group("not fitted", 14, RatioSeen(1.034, 0.957, 1.13, 10, "no skill shown"), 79, 110),
        make_group(
            "not fitted, fatigue", 3, RatioSeen(1.18, None, None, 3, "no claim: fewer than 5 studies"), 1, 3
        ),
        make_group("not fitted, natural history", 3, None, 1, 3),
    )
