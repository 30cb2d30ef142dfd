"""A whole workflow: what is asked, of whom, how, and how often it is simulated."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from eubiosis.core.kinds import Text
from eubiosis.core.spec import Spec
from eubiosis.population.source import PopulationSource
from eubiosis.trial.design import Design
from eubiosis.trial.simulation import Simulation


class Workflow(Spec):
    """A whole workflow; ``workflow.yaml`` builds one. Raises ``FindingsError`` with all that is wrong.

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
