"""A whole workflow: what is asked, of whom, how, and how often it is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from eubiosis.core.kinds import Text
from eubiosis.core.spec import Problem, Spec, rule
from eubiosis.population.source import PopulationSource
from eubiosis.trial.design import Design
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.workflow.ethics import ethical_concerns


class Workflow(Spec):
    """A whole workflow; ``workflow.yaml`` builds one. Raises ``FindingsError`` with all that is wrong.

    A design that withholds effective therapy in active disease, or gives a live product under severe
    immunosuppression, needs a ``justification``: its findings have severity ``ethics``. ``surface`` says
    which other trials are redrawn from the same people for a surface of power; None: none.

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
