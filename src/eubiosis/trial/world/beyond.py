"""What acts on event rates beside the host's equations: a term outside the mechanism, and taxa directly.

Both are log ratios of relapses; lesions take them over the trial-level slope of relapses on lesions. The term
outside belongs to a therapy and its class, is not scaled by exposure, and acts while the therapy is taken.
The direct term of a guild follows the share of its reads over that in the control arm. The level of the
control arm is set, so what an active control does is taken off the others. Nothing here is attributed to a
path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.outside import outside_of
from eubiosis.engine import Array
from eubiosis.model.clinical_tables import bounded_doublings
from eubiosis.model.coupling_draws import draw_taxa
from eubiosis.model.model import Model
from eubiosis.therapy import Therapy
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.world.adherence import share_of_days, span
from eubiosis.trial.world.gut import MARKERS, GutCourses
from eubiosis.trial.world.interruptions import Intake

NO_FORM = "all paths"


@dataclass(frozen=True)
class Beyond:
    """What one host world adds to event rates: log ratios of relapses.

    ``outside`` therapy -> delta; ``taxa`` guild -> log ratio where its share doubles; ``form`` names the
    world's form.
    """

    form: str = NO_FORM
    outside: Mapping[str, float] = field(default_factory=dict)
    taxa: Mapping[str, float] = field(default_factory=dict)
    lesion_slope: float = 1.0

    def of_therapy(self, therapy: Therapy) -> float:
        """Return delta of a therapy; a placebo has none."""
        return self.outside.get(therapy.product, 0.0)

    def log_ratios(self, design: Design, gut: GutCourses) -> dict[str, Array | None]:
        """Return the log ratio of relapses of each arm, shape (days, subjects); None where nothing acts."""
        return {arm.name: self._of_arm(arm, design, gut) for arm in design.arms}

    def _of_arm(self, arm: Arm, design: Design, gut: GutCourses) -> Array | None:
        days = np.arange(float(design.days))
        outside = self._course(arm.therapy, days) - self._course(design.control.therapy, days)
        taxa = {guild: size for guild, size in self.taxa.items() if size != 0}
        if arm.control or not (outside.any() or taxa):
            return None
        total = np.repeat(outside[:, None], len(gut.status), axis=1)
        return self._with_taxa(total, taxa, design, gut.markers[arm.name], gut.markers[design.control.name])

    def interrupted_log_ratios(
        self, design: Design, plain: GutCourses, actual: GutCourses, intakes: Mapping[str, Sequence[Intake]]
    ) -> dict[str, Array | None]:
        """Return the log ratios of each arm of ``actual`` courses over the control arm of ``plain`` ones.

        A term outside acts on the days on which any of its product is taken, the control's own included.
        """
        days = np.arange(float(design.days))
        base = self._course(design.control.therapy, days)[:, None]
        taxa = {guild: size for guild, size in self.taxa.items() if size != 0}
        found: dict[str, Array | None] = {}
        for name, parts in intakes.items():
            total = -np.repeat(base, len(actual.status), axis=1)
            for part in parts:
                total = total + self._course(part.therapy, days)[:, None] * (part.share > 0).T
            reference = plain.markers[design.control.name]
            found[name] = self._with_taxa(total, taxa, design, actual.markers[name], reference)
        return found

    def _with_taxa(
        self, total: Array, taxa: Mapping[str, float], design: Design, own: Array, reference: Array
    ) -> Array:
        """Return ``total`` (days, people) and what guilds do, of markers (people, visits, MARKERS)."""
        days = np.arange(float(design.days))
        weeks = 7.0 * np.array(design.visits)
        for guild, size in taxa.items():
            column = MARKERS.index(f"share_{guild}")
            exposure = bounded_doublings(own[:, :, column] / reference[:, :, column])
            total = total + size * np.stack([np.interp(days, weeks, row) for row in exposure], axis=1)
        return total

    def _course(self, therapy: Therapy, days: Array) -> Array:
        return self.of_therapy(therapy) * share_of_days(days, *span(therapy))


def draw_beyond(model: Model, number: int, seed: int, simulation: Simulation, design: Design) -> Beyond:
    """Draw what host world ``number`` adds beside the host's equations.

    With couplings "zero" or "hand_fit" no taxon acts and every path belongs to the world. The term outside is
    drawn by therapy, so other arms of the trial do not change it.
    """
    tables = packaged_clinical()
    symmetric = simulation.couplings == "symmetric"
    form = model.forms.of_world(number) if symmetric else None
    taxa = draw_taxa(model, number, seed, form) if form is not None else {}
    outside: dict[str, float] = {}
    if simulation.draws_outside:
        rows = {arm.therapy.product: tables.therapy(arm.therapy.product) for arm in design.arms}
        classes = {
            product: row.effect_class if row is not None else product
            for product, row in rows.items()
            if product != "placebo"
        }
        outside = outside_of(tables.outside).draw(number, seed, classes)
    return Beyond(NO_FORM if form is None else form.id, outside, taxa, tables.outside.value("lesion_slope"))
