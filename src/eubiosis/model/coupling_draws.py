"""Couplings of a host world: the totals of the classes that its form holds, divided over that form's paths.

A draw of the prior is kept with the probability of its likelihood over the largest one, else drawn again
(rejection; von Neumann 1951): what is kept are draws of the posterior, each with the same weight. Without
biomarker data every first draw is kept, and odd worlds are the mirror images of even ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from eubiosis.core.model_forms import TAXON, ModelForm
from eubiosis.core.streams import stream
from eubiosis.model.class_totals import divide, draw_total, draw_totals
from eubiosis.model.coupling_data import CouplingData
from eubiosis.model.model import Model

ATTEMPTS = 400


def draw_couplings(
    model: Model,
    number: int,
    seed: int,
    form: ModelForm | None,
    ratios: Mapping[str, float],
    attempt: int = 0,
) -> tuple[dict[str, float], dict[str, float]]:
    """Draw totals by class and couplings by path from the prior; ``form`` None holds every path.

    ``ratios`` says by how much the world changes what a unit of each coupling does. A class without a path in
    the form has a total that nothing meets.
    """
    totals = draw_totals(model.couplings, number, seed, attempt)
    found = {path.id: 0.0 for path in model.couplings.drawn}
    for name, total in totals.items():
        answers = {
            path.id: model.sensitivities[path.id]
            for path in model.couplings.drawn
            if path.metabolite_class == name and (form is None or path.id in form.paths)
        }
        draws = {path: _share_draws(path, number, seed, attempt) for path in answers}
        if answers:
            found |= divide(total, model.couplings.priors[name], answers, ratios, draws)
    return totals, found


def posterior_couplings(
    model: Model,
    number: int,
    seed: int,
    form: ModelForm | None,
    ratios: Mapping[str, float],
    data: CouplingData | None,
) -> dict[str, float]:
    """Draw couplings given biomarkers; without ``data`` they are those of the prior.

    Raises ``ArithmeticError`` where no draw of many is kept: the data and the prior then contradict each
    other.
    """
    held = [path.id for path in model.couplings.drawn] if form is None else form.paths
    if data is None or not data.touches(held):
        return draw_couplings(model, number, seed, form, ratios)[1]
    chances = stream(seed, "world/couplings kept", number).random(ATTEMPTS)
    for attempt, chance in enumerate(chances.tolist()):
        found = draw_couplings(model, number, seed, form, ratios, attempt)[1]
        at_reference = {path: value * ratios[path] for path, value in found.items()}
        if chance < math.exp(data.log_weight(at_reference)):
            return found
    message = f"host world {number}: none of {ATTEMPTS} draws of couplings agrees with the biomarkers"
    raise ArithmeticError(message)


def draw_taxa(model: Model, number: int, seed: int, form: ModelForm | None) -> dict[str, float]:
    """Draw the direct term of each guild of the form: log ratio of relapses where its share doubles."""
    named = model.forms.taxa if form is None else form.taxa
    priors = {guild: model.forms.taxa[guild] for guild in named}
    return {
        guild: draw_total(f"{TAXON}{guild}", row.spike, row.slab_sd, number, seed)
        for guild, row in priors.items()
    }


def _share_draws(path: str, number: int, seed: int, attempt: int) -> tuple[float, float]:
    """Draw the weight of a path and its coupling should it be minor, which odd worlds mirror."""
    pair, mirrored = divmod(number, 2)
    again = f"/{attempt}" if attempt else ""
    generator = stream(seed, f"world/{path}{again}", pair)
    weight, size = float(generator.standard_exponential()), float(generator.standard_normal())
    return weight, -size if mirrored else size
