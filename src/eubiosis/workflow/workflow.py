"""A whole workflow: what is asked, of whom, how, and how often it is simulated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import unknown_word
from eubiosis.core.kinds import Text, plain, shown
from eubiosis.core.spec import Problem, Spec, rule
from eubiosis.population.source import PopulationSource
from eubiosis.trial.design import Design
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.workflow.ethics import ethical_concerns


class Workflow(Spec):
    """A whole workflow; ``workflow.yaml`` builds one. Raises ``FindingsError`` with all that is wrong.

    A design that withholds effective therapy in active disease, or gives a live product under severe
    immunosuppression, needs a ``justification``: its findings have severity ``ethics``. ``relevant`` names
    endpoints beforehand, each with the smallest effect that would matter: a ratio, or a difference towards
    benefit without sign. The verdict of the report is about these alone. ``surface`` says which other trials
    are redrawn from the same people for a surface of power; None: none.

    >>> from eubiosis import therapy, trial
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> design = trial.Design(arms=arms, participants=40, primary="mfis")
    >>> words = {"title": "Inulin", "question": "Does it?", "context_of_use": "a test", "decision": "none"}
    >>> Workflow(**words, design=design).simulation.trials
    288
    """

    title: Text
    question: Text
    context_of_use: Text
    decision: Text
    seed: Annotated[int, Field(ge=0, le=2**53)] = 2026
    population: PopulationSource = Field(default_factory=PopulationSource)
    design: Design
    simulation: Simulation = Field(default_factory=Simulation)
    justification: Text | None = None
    relevant: dict[str, float] = Field(default_factory=dict)
    surface: SurfaceGrid | None = Field(default_factory=SurfaceGrid)

    @property
    def surface_grid(self) -> SurfaceGrid | None:
        """The grid of the power surface with what follows from the design; None where none is asked for."""
        return None if self.surface is None else self.surface.filled_for(self.design)

    @staticmethod
    @rule("design", "surface")
    def _the_design_gives_the_surface(design: object, surface: object) -> Iterator[Problem]:
        if isinstance(design, Design) and isinstance(surface, SurfaceGrid):
            for each in surface.problems_with(design):
                yield replace(each, place=("surface", *each.place))

    @staticmethod
    @rule("design", "justification")
    def _what_needs_it_is_justified(design: object, justification: object) -> Iterator[Problem]:
        if not isinstance(design, Design) or justification is not None:
            return
        for place, problem in ethical_concerns(design):
            yield Problem(
                ("design", *place),
                problem,
                "a written justification, which the report prints on its first page",
                "change the design, or write justification: at the top of the file",
                severity="ethics",
            )

    @staticmethod
    @rule("relevant")
    def _relevant_effects_are_effects(relevant: Mapping[str, float]) -> Iterator[Problem]:
        for name, value in relevant.items():
            endpoint = ENDPOINTS.get(name)
            if endpoint is None:
                yield Problem(
                    ("relevant", name),
                    f"the endpoint {unknown_word(name, tuple(ENDPOINTS))}",
                    ", ".join(ENDPOINTS),
                    "name an endpoint of the trial",
                )
                continue
            low, high = RELEVANT_BOUNDS[endpoint.scale]
            high = _SCALE_LENGTHS.get(name, high)
            helps = {"lower": value < 1, "higher": value > 1, "neither": value != 1}[endpoint.better]
            fits = math.isfinite(value) and low <= value <= high and (endpoint.scale != "ratio" or helps)
            if not fits:
                yield Problem(
                    ("relevant", name),
                    f"{shown(value)} is no effect that helps on {endpoint.label}",
                    _relevant_allowed(endpoint.scale == "ratio", endpoint.better, high),
                    "correct the number, or remove the line",
                )


RELEVANT_BOUNDS = {"ratio": (0.01, 100.0), "difference": (0.01, 1000.0)}


_SCALE_LENGTHS = {"edss": 10.0, "mfis": 84.0}  # no difference is larger, so that none larger can matter


def _relevant_allowed(ratio: bool, better: str, most: float) -> str:
    if not ratio:
        return f"a difference towards benefit, above 0 and up to {plain(most)}, without sign"
    if better == "lower":
        return f"a ratio from {plain(RELEVANT_BOUNDS['ratio'][0])} to below 1"
    if better == "higher":
        return f"a ratio above 1, up to {plain(RELEVANT_BOUNDS['ratio'][1])}"
    return "a ratio other than 1"
