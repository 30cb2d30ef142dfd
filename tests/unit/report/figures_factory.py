"""A made-up report with every figure of size, length and sensitivity. Nothing in it was simulated."""

from __future__ import annotations

import dataclasses

from answer_factory import SIZES, make_answer
from board_factory import make_board
from report_input_factory import make_report_input

from eubiosis.core.assurance_grid import AssuranceGrid
from eubiosis.core.power_surface import PowerSurface, SurfacePoint
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.trial_answer import PublishedEffect
from eubiosis.core.world_sensitivity import GroupIndex, IndexOverWorlds, NumberIndex, WorldSensitivity


def make_grid(**changes: object) -> AssuranceGrid:
    """Return a grid whose assurance rises by 0.1 a size and by 0.1 a length, from 0.2."""
    rows = tuple(tuple(round(0.2 + 0.1 * (i + k), 2) for i in range(6)) for k in range(3))
    made = AssuranceGrid(
        "mfis", "Modified Fatigue Impact Scale", True, "inulin", "the common prior", SIZES,
        (24.0, 48.0, 96.0), (3.0, 5.0, 9.0), rows, (), rows,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def make_point(participants: int, power: float, **changes: object) -> SurfacePoint:
    """Return a point of fatigue on inulin at 48 weeks; its Monte Carlo error is 0.02."""
    made = {
        "endpoint": "mfis", "label": "Modified Fatigue Impact Scale", "kind": "clinical", "arm": "inulin",
        "control": "placebo", "week": 48.0, "participants": participants, "samples_per_visit": 1,
        "power": power, "power_error": 0.02, "closed_form": power + 0.01, "benefit": power / 2,
        "successes": round(288 * power), "worlds": 36, "trials": 288,
    }  # fmt: skip
    return SurfacePoint(**{**made, **changes})


def make_surface() -> PowerSurface:
    """Return three sizes, of which the largest gave no numbers."""
    none = make_point(240, 0.0, closed_form=None, no_numbers=288, disagreement="no trial gave numbers")
    return PowerSurface(
        primary="mfis", seed=2026, pool=120, points=(make_point(60, 0.06), make_point(120, 0.1), none)
    )


def make_sensitivity(arm: str = "inulin") -> WorldSensitivity:
    """Return the indices of one arm: one number stands out, one does not."""
    low, high = IndexOverWorlds(0.02, 0.0, 0.1), IndexOverWorlds(0.43, 0.3, 0.56)
    numbers = (
        NumberIndex("host_c_acid_th1", "coupling of butyrate on Th1", "the couplings", 80, high, low, True),
        NumberIndex("host_f_rel", "share of the acids' gain", "the host", 80, low, low, False),
    )
    group = GroupIndex("all numbers of the gut together", 8, IndexOverWorlds(0.1, 0.0, 0.4), low)
    few = ("Too few worlds.",)
    return WorldSensitivity("mfis", "Fatigue", arm, 80, 61, numbers, (group,), 0.12, 0.11, few)


def make_figures_input() -> TrialReportInput:
    """Return the report."""
    placed = PublishedEffect(
        "mfis", "Fatigue", "someone2020", "probiotic", "MD (MFIS)", -6.0, -12.0, 0.0, 80, "full_text", "x",
        "10.1/x", (-1.0, -0.5, 0.0), "over the pooled SD of its arms at one visit, 12",
    )  # fmt: skip
    aside = dataclasses.replace(
        placed, study="other2021", standardised=None, placed="its standard deviation is that of the change"
    )
    answer = make_answer(published=(placed, aside), grids=(make_grid(),))
    return make_report_input(
        answer=answer, surface=make_surface(), scoreboard=make_board(),
        sensitivity=(make_sensitivity(), make_sensitivity("propionate")),
    )  # fmt: skip
