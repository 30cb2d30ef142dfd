"""What the page of the model shows: wiring, equations, numbers and signs; a report is handed nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eubiosis.core.provenance import SourcedNumber

SignVerdict = Literal["agree", "disagree", "free", "absent"]
VERDICTS: tuple[SignVerdict, ...] = ("agree", "disagree", "free", "absent")
EdgeSign = Literal["+", "-", "?", "0"]
NodeKind = Literal["state", "assigned", "input"]


@dataclass(frozen=True)
class WiringNode:
    """A box of the diagram: a quantity, or a family of ``members`` drawn as one; ``rank`` is its column."""

    id: str
    label: str
    group: str
    kind: NodeKind
    members: tuple[str, ...]


@dataclass(frozen=True)
class WiringEdge:
    """An arrow: ``sign`` is that of the target's direct dependence ("?" mixed in a family, "0" none there).

    ``free`` says that the sign is that of a coupling which nothing has measured.
    """

    source: str
    target: str
    sign: EdgeSign
    free: bool


@dataclass(frozen=True)
class Wiring:
    """The diagram; ``hubs`` act on so much that their arrows are listed instead of drawn."""

    groups: tuple[str, ...]
    nodes: tuple[WiringNode, ...]
    edges: tuple[WiringEdge, ...]
    hubs: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class ModelEquation:
    """An equation as the model file has it; ``values`` are (kind of person, reference value)."""

    id: str
    label: str
    kind: str
    expression: str
    unit: str
    line: int
    values: tuple[tuple[str, float], ...]
    used_by: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class EquationGroup:
    """Equations under one heading of a model file."""

    module: str
    heading: str
    equations: tuple[ModelEquation, ...]


@dataclass(frozen=True)
class NumberRow:
    """A sourced number, the table it stands in and the equations that use it."""

    number: SourcedNumber
    table: str
    used_by: tuple[str, ...]


@dataclass(frozen=True)
class SignRow:
    """One mechanism of the evidence beside the model's answer.

    ``changes`` are the target's relative changes at hand-fit couplings on ``SignTable.days``; ``share_up`` is
    the share of drawn couplings with which the target rises on day 84 (None where it never answers).
    """

    mechanism: str
    source: str
    target: str
    evidence: str
    evidence_type: str
    read: str
    study: str
    doi: str
    source_quantities: str
    target_quantities: str
    match: str
    changes: tuple[float, ...]
    share_up: float | None
    hand_fit: str
    verdict: SignVerdict
    steady: bool


@dataclass(frozen=True)
class Agreement:
    """Agreement among links whose sign the model fixes, and what independent signs would give.

    ``expected`` keeps how often each side says plus; ``p`` is the probability of at least as many agreements
    (hypergeometric). With one sign only on either side chance agrees as often and ``p`` is 1.
    """

    of: str
    number: int
    agree: int
    evidence_plus: int
    model_plus: int
    expected: float
    p: float


@dataclass(frozen=True)
class SignTable:
    """Every mechanism that names two quantities of the model, with counts; the rest is only counted."""

    rows: tuple[SignRow, ...]
    mechanisms: int
    counts: dict[str, int]
    agreements: tuple[Agreement, ...]
    free_agree_at_hand_fit: int
    not_in_the_model: tuple[str, ...]
    person: str
    days: tuple[float, ...]
    judged_day: float
    draws: int
    failed_runs: int = 0


@dataclass(frozen=True)
class ModelPage:
    """Everything that the page shows; ``inputs`` are (id, unit, default, meaning)."""

    wiring: Wiring
    groups: tuple[EquationGroup, ...]
    numbers: tuple[NumberRow, ...]
    inputs: tuple[tuple[str, str, str, str], ...]
    signs: SignTable
    states: int
    assigned: int
    reference_person: str
