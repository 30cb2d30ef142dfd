"""What a call gives, made ready for the loops: values of subjects, and changes in terms of states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from eubiosis.engine.initial import Values, subject_values
from eubiosis.engine.inputs import Infuse, Input, in_states, infused, input_targets, without_infusions
from eubiosis.engine.library import KernelLibrary
from eubiosis.engine.system import Array

Given = Mapping[str, ArrayLike]


@dataclass(frozen=True)
class Prepared:
    """A call's subjects: their ``values``, the ``changes`` from outside and the parameters these change.

    ``library`` is the model's, or that of the model with infusions.
    """

    library: KernelLibrary
    values: Values
    changes: tuple[Input, ...]
    targets: tuple[str, ...]


def prepare(
    library: KernelLibrary,
    parameters: Given | None,
    initial: Given | Array | None,
    either: Given | None,
    inputs: Sequence[Input] = (),
    by: Sequence[str] = (),
) -> Prepared:
    """Check and collect what a call gives; ``by`` names what it is derived by.

    Raises ``KeyError`` for an unknown name and ``ValueError`` for what does not fit.
    """
    plain, lanes = without_infusions(inputs)
    if lanes:
        system = library.system
        library = library.variant(("infused", lanes), lambda: infused(system, lanes))
    values = subject_values(library.system, parameters or {}, initial, either or {}, library.state_index)
    for item in inputs:
        values.grow(item.time, item.value, name=item.name)
        if isinstance(item, Infuse):
            values.grow(item.stop, name=item.name)
    changes = in_states(plain, library.system, values, by)
    return Prepared(library, values, tuple(changes), input_targets(changes, library.system.parameters))
