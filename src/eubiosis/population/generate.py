"""A cohort: virtual people made from stool profiles, as many as a trial has to screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.frame import Table
from eubiosis.core.guilds import GUILDS
from eubiosis.core.spec import checked_seed
from eubiosis.core.table_schemas import COHORT
from eubiosis.model.model import Model
from eubiosis.model.worlds import reference_shares
from eubiosis.population.contrast import GuildContrast, guild_contrast
from eubiosis.population.lost import participants
from eubiosis.population.reference import load_reference
from eubiosis.population.source import PopulationSource
from eubiosis.population.stool.table import StoolTable, read_profiles
from eubiosis.population.subjects import (
    VirtualSubjects,
    subjects_from_contrast,
    subjects_from_reference,
)


@dataclass(frozen=True)
class Cohort:
    """Where the subjects of a trial come from; make one with ``generate``.

    Subject number i is the same person however many others are made. ``size`` is the largest pool that one
    world of a trial may screen; None lets it grow with the trial. ``contrast`` and ``members`` (positions)
    are real profiles; without them subjects are drawn from the embedded reference population.
    ``participants`` (positions) are all samples of their group, those that cannot be used among them.
    """

    group: str
    seed: int
    reference: Mapping[str, float]
    size: int | None = None
    contrast: GuildContrast | None = None
    members: NDArray[np.int64] | None = None
    participants: NDArray[np.int64] | None = None

    def candidates(self, size: int, *, first: int = 0) -> VirtualSubjects:
        """Make subjects ``first`` onwards, ``size`` of them."""
        if self.contrast is None or self.members is None:
            return subjects_from_reference(
                self.reference, group=self.group, size=size, seed=self.seed, first=first
            )
        return subjects_from_contrast(
            self.contrast, self.reference, members=self.members, size=size, seed=self.seed, first=first
        )

    def to_table(self) -> Table:
        """Return the first ``size`` subjects (100 where no size is set), one row each."""
        people = self.candidates(self.size or 100)
        columns = {
            "subject": np.array(people.numbers),
            "age": people.age,
            "female": people.female,
            "edss": people.edss,
            "relapsing": people.relapsing,
            "profile_status": np.array(people.profile_status),
            **{f"share_{guild}": people.shares[:, k] for k, guild in enumerate(GUILDS)},
        }
        return Table(columns, schema=COHORT)

    @property
    def profiles(self) -> int | None:
        """How many real profiles the subjects are made from; None for the reference population."""
        return None if self.members is None else len(self.members)

    def __repr__(self) -> str:
        made_from = (
            f"the reference population, group {self.group}"
            if self.profiles is None
            else f"{self.profiles} stool profiles"
        )
        return f"Cohort of {self.size or 'any number of'} subjects from {made_from}; seed {self.seed}"

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()


def generate(
    model: Model,
    profiles: StoolTable | None = None,
    *,
    size: int | None = None,
    seed: int = 2026,
    group: str = "MS",
    control: str | None = None,
) -> Cohort:
    """Return a cohort made from stool profiles, or from the embedded reference population.

    With ``profiles``, ``group`` names the participants in their metadata (a table without metadata has only
    participants) and ``control`` the group that contrasts are taken to (None: the median of the table).
    Without, ``group`` is one of the reference population. Each profile is used once before any is used
    again; covariates are drawn from the reference population. Raises ``FindingsError`` for a group that is
    not there, a group without a usable sample, or a size below 1.

    >>> from eubiosis import model
    >>> generate(model.load(), size=200, seed=7)
    Cohort of 200 subjects from the reference population, group MS; seed 7
    """
    if size is not None and size < 1:
        raise FindingsError(
            [Finding("cohort", "size", f"{size} is out of range", "1 or more", "ask for more")]
        )
    if control is not None and (profiles is None or control == group):
        problem = (
            "the reference population has no control group"
            if profiles is None
            else f'"{group}" cannot be participants and controls at once'
        )
        allowed = "another group than the participants', with profiles"
        raise FindingsError(
            [Finding("cohort", "control", problem, allowed, "leave control out, or name one")]
        )
    seed = checked_seed(seed)
    shares = dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))
    if profiles is None:
        known = load_reference().groups()
        if group not in known:
            problem = f"the group {unknown_word(group, known)}"
            raise FindingsError([Finding("cohort", "group", problem, ", ".join(known), "name one of these")])
        return Cohort(group, seed, shares, size)
    profiles = profiles.by_id()  # a sample is the same person wherever its row stands
    contrast = guild_contrast(profiles, control)
    own = participants(contrast, profiles.groups, group)
    members = own[contrast.usable[own]]
    if not len(members):
        named = sorted({*(profiles.groups or ())} - {""})
        problem = f'the group "{group}" has no usable sample'
        allowed = ", ".join(named) or "a table with at least one sample of known taxa"
        raise FindingsError([Finding("cohort", "group", problem, allowed, "name the participants' group")])
    return Cohort(group, seed, shares, size, contrast, members, own)


def cohort_of(source: PopulationSource, model: Model, seed: int) -> Cohort:
    """Return the cohort that a population section asks for; raises ``FindingsError`` as its table does."""
    if source.table_path is None:
        return generate(model, seed=seed, group=source.group)
    table = read_profiles(
        source.table_path,
        metadata=source.metadata_path,
        id_column=source.id_column or "sample_id",
        group_column=source.group_column or "",
        orientation=source.orientation,
        scale=source.scale,
        taxonomy=source.taxonomy_path,
        format=source.format,
        rank=source.rank or "",
        blanks=source.blanks or "refuse",
        ignore=source.ignore or (),
    )
    return generate(model, table, seed=seed, group=source.group, control=source.control)
