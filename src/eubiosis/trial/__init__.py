"""Design, eligibility, randomisation, visits, endpoints: a virtual trial, observed and latent apart."""

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.estimand import Estimand, IntercurrentEvent
from eubiosis.core.trial_tables import Latent, Observed
from eubiosis.trial.design import Arm, ControlLevel, Design, Eligibility
from eubiosis.trial.estimands import estimands, primary_estimand
from eubiosis.trial.expected import Crowd, ExpectedEndpoints, Exposure, expected_endpoints
from eubiosis.trial.simulate import Trials, simulate
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.surface_grid import SurfaceGrid
from eubiosis.trial.world.host_world import TrialIsTooSmall

__all__ = [
    "ENDPOINTS",
    "Arm",
    "ControlLevel",
    "Crowd",
    "Design",
    "Eligibility",
    "Endpoint",
    "Estimand",
    "ExpectedEndpoints",
    "Exposure",
    "IntercurrentEvent",
    "Latent",
    "Observed",
    "Simulation",
    "SurfaceGrid",
    "TrialIsTooSmall",
    "Trials",
    "estimands",
    "expected_endpoints",
    "primary_estimand",
    "simulate",
]
