"""Is the scoreboard itself honest? Boards with a known truth, made by the hundred and scored like any other.

Marks are passed or missed here and nowhere else: the truth is known. Each world makes many boards of many
studies; forecasts go through the same seals and scores as those of studies of people.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.sample_scores import counted_share
from eubiosis.analysis.scoreboard import SKILL, score_forecasts
from eubiosis.core.scoreboard import ReadOut, Scoreboard, SealedForecast, SealedQuantity
from eubiosis.core.streams import stream
from eubiosis.core.version import __version__
from eubiosis.workflow.score.reference import OtherFigure, spread_about_none
from eubiosis.workflow.score.sealed import read_sealed, seal

Array = NDArray[np.float64]
STUDIES, QUANTITIES, DRAWS, BOARDS = 12, 4, 40, 60
_SE, _SIGNAL, _REST = 0.15, 0.4, 0.2
MOST_FALSE = 0.05  # share of boards without skill on which skill may be claimed, beyond chance


@dataclass(frozen=True)
class SyntheticWorld:
    """How truth and forecast are made: ``signal`` of the truth, what the model knows of it, its spread.

    ``model`` maps the signal (studies, quantities) and an independent copy of it to the forecast's middle.
    """

    name: str
    what: str
    signal: float
    rest: float
    spread: float
    model: Callable[[Array, Array], Array]
    skilful: bool
    calibrated: bool


WORLDS = (
    SyntheticWorld("skill", "the model knows the signal, and its spread is right", _SIGNAL, _REST, _REST,
                   lambda own, _: own, skilful=True, calibrated=True),
    SyntheticWorld("no skill", "effects that the model knows nothing of; its spread is right",
                   _SIGNAL, 0.0, _SIGNAL, lambda own, _: 0 * own, skilful=False, calibrated=True),
    SyntheticWorld("wrong", "the model is sure of signals that have nothing to do with the truth",
                   _SIGNAL, 0.0, _REST, lambda _, other: other, skilful=False, calibrated=False),
    SyntheticWorld("no effects", "nothing acts; the model draws effects about none", 0.0, 0.0, _REST,
                   lambda own, _: 0 * own, skilful=False, calibrated=False),
    SyntheticWorld("no effects, sure ones forecast", "nothing acts; the model forecasts effects",
                   0.0, 0.0, _REST, lambda _, other: other, skilful=False, calibrated=False),
    SyntheticWorld("too sure", "the model knows the signal, and its spread is a quarter of what it should be",
                   _SIGNAL, _REST, _REST / 4, lambda own, _: own, skilful=True, calibrated=False),
)  # fmt: skip


@dataclass(frozen=True)
class SyntheticResult:
    """What boards of one world showed, and whether the machine kept its mark there ("no mark" where none is).

    ``claimed`` is the share of boards on which skill was claimed, with an exact interval.
    """

    world: str
    what: str
    boards: int
    ratio: float
    claimed: float
    claimed_low: float
    claimed_high: float
    coverage_50: float
    coverage_90: float
    mark: str
    kept: bool | None


def synthetic_results(*, boards: int = BOARDS, seed: int = 2026) -> tuple[SyntheticResult, ...]:
    """Return what boards of every synthetic world show."""
    return tuple(_result(world, boards, seed) for world in WORLDS)


def synthetic_board(world: SyntheticWorld, number: int, seed: int) -> Scoreboard:
    """Return one board of a world, sealed and read again before its read-outs are there."""
    draw = stream(seed, f"synthetic/{world.name}", number)
    shape = STUDIES, QUANTITIES
    own, other = world.signal * draw.standard_normal(shape), _SIGNAL * draw.standard_normal(shape)
    truth = own + world.rest * draw.standard_normal(shape)
    seen = truth + _SE * draw.standard_normal(shape)
    middle = world.model(own, other)
    places = (np.arange(DRAWS) + 0.5) / DRAWS
    from scipy.special import ndtri

    law = ndtri(places)
    forecasts = []
    for k in range(STUDIES):
        rest = [
            OtherFigure(f"s{i}", float(seen[i, j]), _SE)
            for i in range(STUDIES) if i != k for j in range(QUANTITIES)
        ]  # fmt: skip
        reference = spread_about_none(rest)
        quantities = tuple(
            SealedQuantity(f"q{j}", f"q{j}", "made", "made", "fresh",
                           tuple((middle[k, j] + world.spread * draw.permutation(law)).tolist()), reference,
                           others=STUDIES - 1)
            for j in range(QUANTITIES)
        )  # fmt: skip
        forecasts.append(
            SealedForecast(f"s{k}", "", "made", "2026-01-01", __version__, "synthetic", world.name,
                           "nothing", DRAWS, float(DRAWS), quantities)
        )  # fmt: skip
    if number == 0:  # once a world through files; a seal costs more than a score
        with tempfile.TemporaryDirectory() as folder:
            seal(Path(folder), forecasts)
            forecasts = [forecast for forecast, _ in read_sealed(Path(folder))]
    found = [
        ReadOut(f"s{k}", "", f"q{j}", float(seen[k, j]), _SE)
        for k in range(STUDIES)
        for j in range(QUANTITIES)
    ]
    return score_forecasts(forecasts, found, title=f"Synthetic: {world.name}", seed=number)


def _result(world: SyntheticWorld, boards: int, seed: int) -> SyntheticResult:
    ratios, claims, fifty, ninety = [], 0, [], []
    for number in range(boards):
        group = synthetic_board(world, number, seed).group("fresh")
        assert group.crps is not None
        ratios.append(group.crps.ratio)
        claims += group.crps.verdict == SKILL
        fifty.append(group.coverage_50.share)
        ninety.append(group.coverage_90.share)
    share = counted_share(claims, boards)
    covered = [float(np.mean(x)) for x in (fifty, ninety)]
    errors = [float(np.std(x, ddof=1)) / boards**0.5 for x in (fifty, ninety)]
    marks: list[tuple[str, bool]] = []
    if world.skilful and world.calibrated:
        marks.append(("skill is claimed on 9 of 10 boards", share.share >= 0.9))
    if not world.skilful:
        said = f"skill is claimed on no more than {MOST_FALSE:.0%} of boards, beyond chance"
        marks.append((said, share.low <= MOST_FALSE))
    if world.calibrated:
        band = all(abs(c - n) <= 0.02 + 3 * e for c, n, e in zip(covered, (0.5, 0.9), errors, strict=True))
        marks.append(("coverage within 2 points of 50 and 90 %, and three Monte Carlo errors", band))
    return SyntheticResult(
        world.name, world.what, boards, float(np.mean(ratios)), share.share, share.low, share.high,
        covered[0], covered[1],
        "; ".join(text for text, _ in marks) or "no mark", all(kept for _, kept in marks) if marks else None,
    )  # fmt: skip
