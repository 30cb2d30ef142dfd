"""How often a trial is simulated: worlds outside, replicates inside."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from eubiosis.core.kinds import Words
from eubiosis.core.spec import Spec
from eubiosis.model.worlds import Couplings

Outside = Literal["as_couplings", "drawn", "zero"]
WorldsFrom = Literal["calibration", "prior"]
TablesKept = Literal["first", "all"]


class Simulation(Spec):
    """How often a trial is repeated: in how many worlds of gut and host, how often in each.

    ``couplings`` is the prior of the gut-to-host gains: "symmetric" (the total of each metabolite class is
    zero or normal about zero), "zero" (a null world) or "hand_fit" (the specification's one-signed fit, no
    prediction). ``outside`` says whether therapies also have a term outside the mechanism, on relapses and
    lesions: "drawn", "zero", or "as_couplings" (drawn where couplings are symmetric). With both "zero" every
    clinical effect is exactly none. ``worlds_from`` says where the numbers of gut and natural history come
    from: "calibration" (the shipped worlds, which published figures have not ruled out) or "prior" (draws
    that only a healthy gut does not contradict; the natural history as in the tables). The first world holds
    the tables' values. ``tables`` says whose observed and latent tables are kept: those of the first trial or
    of all of them.

    >>> Simulation(replicates=2).trials
    72
    """

    gut_worlds: Annotated[int, Field(ge=1, le=1000)] = 6
    host_worlds: Annotated[int, Field(ge=1, le=1000)] = 6
    replicates: Annotated[int, Field(ge=1, le=10_000)] = 8
    couplings: Annotated[Couplings, *Words(get_args(Couplings)).marks] = "symmetric"
    outside: Annotated[Outside, *Words(get_args(Outside)).marks] = "as_couplings"
    worlds_from: Annotated[WorldsFrom, *Words(get_args(WorldsFrom)).marks] = "calibration"
    tables: Annotated[TablesKept, *Words(get_args(TablesKept)).marks] = "first"

    @property
    def draws_outside(self) -> bool:
        """Whether therapies have a term outside the mechanism."""
        return self.outside == "drawn" or (self.outside == "as_couplings" and self.couplings == "symmetric")

    @property
    def worlds(self) -> int:
        """Pairs of a gut and a host world."""
        return self.gut_worlds * self.host_worlds

    @property
    def trials(self) -> int:
        """Simulated trials in all."""
        return self.worlds * self.replicates
