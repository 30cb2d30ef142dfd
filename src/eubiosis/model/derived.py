"""What follows from the tables: niche factors, reference states, hand-over references, event-rate scales.

The packaged values stand in ``parameters/derived.tsv`` beside a hash of the tables and modules they were
derived from; when the hash does not match, they are derived anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eubiosis import engine
from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.core.output import write_whole
from eubiosis.core.provenance import Basis
from eubiosis.core.tables import TableRow, read_table, write_table
from eubiosis.engine import Array, Compiled, Tolerances
from eubiosis.model.content import MODEL_TABLES, MODULES, OUTSIDE_TABLES, Content
from eubiosis.model.join import joined_system
from eubiosis.model.niche import NICHE_UNSOLVED, Niche, fold_shares, solve_niche

TABLE = "parameters/derived.tsv"
KEY_FILE = "parameters/derived.sha256"
_TIGHT = Tolerances(relative=1e-10, absolute=1e-13, negative=1e4)
_ABSENT = 1e-15
_SETTING = "setting of this kind of person (persons.tsv)"
GUT_REFERENCES = {
    "handover_ref_Bu": "gut_C_Bu",
    "handover_ref_Pr": "gut_C_Pr",
    "handover_ref_LPS": "gut_LPS",
    "handover_ref_Mucus": "gut_Mucus",
    "handover_ref_J_Ac": "gut_J_Ac",
    "handover_ref_J_Pr": "gut_J_Pr",
    "handover_ref_J_Bu": "gut_J_Bu",
    "handover_ref_ahr": "handover_ahr",
    "handover_ref_Ac": "gut_C_Ac",
    "handover_ref_IS": "handover_plasma_IS",
    "handover_ref_pCS": "handover_plasma_pCS",
    "handover_ref_J_bile": "handover_J_bile",
    "handover_ref_IN": "gut_S_IN",
    "handover_ref_AKK": "gut_B_AKK",
    "handover_ref_EQ": "gut_EQ",
}
_HOST_REFERENCES = {"host_C_healthy": "host_C", "host_MG_healthy": "host_MG", "host_NfL_healthy": "host_NfL"}


class DerivedRow(TableRow):
    """One derived number of one kind of person."""

    person: str
    id: str
    value: float
    unit: str
    basis: Basis
    source: str


@dataclass(frozen=True)
class Derived:
    """Derived numbers by person; ``fresh`` says that they were derived now, not read."""

    rows: tuple[DerivedRow, ...]
    fresh: bool
    _by_person: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, person: str) -> Mapping[str, float]:
        """Return the numbers of one kind of person; raises ``KeyError`` for an unknown one."""
        return self._by_person[person]

    @property
    def persons(self) -> tuple[str, ...]:
        """Kinds of person."""
        return tuple(self._by_person)


def content_key(content: Content) -> str:
    """Hash the tables and modules on which derived numbers depend."""
    digest = hashlib.sha256()
    names = [f"parameters/{t}.tsv" for t in (*MODEL_TABLES, *OUTSIDE_TABLES, "initial")]
    names += ["persons.tsv", "forms.tsv", "models/interface.tsv", *(f"models/{m}.ant" for m in MODULES)]
    for name in names:
        digest.update(name.encode() + b"\0" + (content.folder / name).read_bytes() + b"\0")
    return digest.hexdigest()


def load_derived(content: Content) -> Derived:
    """Read the derived numbers, or derive them when the tables have changed since."""
    key_file = content.folder / KEY_FILE
    if key_file.is_file() and key_file.read_text(encoding="utf-8").strip() == content_key(content):
        findings = FindingCollector()
        rows = read_table(content.folder / TABLE, DerivedRow, findings)
        findings.raise_if_any()
        return _derived(rows, fresh=False)
    return derive(content)


def save_derived(content: Content, derived: Derived) -> None:
    """Write the derived numbers and the hash of what they came from into the content folder."""
    write_table(content.folder / TABLE, derived.rows, tuple(DerivedRow.model_fields))
    write_whole(content.folder / KEY_FILE, content_key(content) + "\n")


def derive(content: Content) -> Derived:
    """Derive everything from the tables; takes a few seconds.

    Raises ``FindingsError`` when a person's composition has no positive steady state.
    """
    from eubiosis.model.natural_history.scale import scale_event_rates

    gut = _compile(content, ("gut",))
    joined = _compile(content, MODULES)
    reference = np.array([content.numbers[f"gut_frac_{g}"].value for g in GUILDS])
    reference = reference / reference.sum()
    scale = content.numbers["gut_w_scale"].value
    healthy = solve_niche(gut, {}, reference, geometric_mean=scale)
    _demand_solved(content, "healthy", healthy)
    shared = {f"gut_w_don_{g}": float(w) for g, w in zip(GUILDS, healthy.factors, strict=True)}
    values = {"healthy": {**shared, **_factors(healthy)}}
    start = {"healthy": healthy.states}
    shared |= healthy_references(joined, gut, healthy, values["healthy"])
    for person in (form.person for form in content.forms if form.person != "healthy"):
        folds, settings = _person(content, person)
        niche = solve_niche(
            gut,
            {k: v for k, v in settings.items() if k in gut.parameter_index},
            fold_shares(reference, folds),
            geometric_mean=scale,
            start=healthy.states,
        )
        _demand_solved(content, person, niche)
        values[person] = {**settings, **_factors(niche)}
        start[person] = niche.states
    days = content.numbers["host_run_in"].value
    for person, own in values.items():
        own.update(shared)
        own.update(_run_in(joined, gut, own, start.get(person, healthy.states), days))
        if person == "healthy":
            shared |= {name: own[state] for name, state in _HOST_REFERENCES.items()}
            own.update(shared)
    scales = scale_event_rates(content, values["ms"] if "ms" in values else values["healthy"], joined)
    rows = []
    units, set_here = _units(content), {row.target for row in content.persons}
    for person, own in values.items():
        for name, value in {**own, **scales}.items():
            basis: Basis = "fitted" if name in scales else "derived"
            rows.append(
                DerivedRow(
                    person=person,
                    id=name,
                    value=value,
                    unit=units[name],
                    basis=basis,
                    source=_SETTING if name in set_here else _source(name),
                )
            )
    return _derived(rows, fresh=True)


def _derived(rows: list[DerivedRow], *, fresh: bool) -> Derived:
    by_person: dict[str, dict[str, float]] = {}
    for row in rows:
        by_person.setdefault(row.person, {})[row.id] = row.value
    return Derived(tuple(rows), fresh, by_person)


def _compile(content: Content, modules: tuple[str, ...]) -> Compiled:
    return engine.compile(joined_system(content, modules))


def _demand_solved(content: Content, person: str, niche: Niche) -> None:
    if niche.status == NICHE_UNSOLVED:
        finding = Finding(
            content.file("persons.tsv"),
            person,
            "this gut composition has no positive steady state",
            next_step="move the composition or the diet towards the reference",
        )
        raise FindingsError([finding])


def _factors(niche: Niche) -> dict[str, float]:
    return {f"gut_w_{g}": float(w) for g, w in zip(GUILDS, niche.factors, strict=True)}


def healthy_references(
    joined: Compiled, gut: Compiled, healthy: Niche, own: Mapping[str, float]
) -> dict[str, float]:
    """Read the healthy gut's values of what crosses to the host."""
    states = joined.default_states.copy()
    for name, i in gut.state_index.items():
        states[joined.state_index[name]] = healthy.states[i]
    parameters = _with(joined, own)
    assigned = joined.assigned_at(0.0, states[:, None], parameters[:, None])[:, 0]
    references = {}
    for name, variable in GUT_REFERENCES.items():
        if variable in joined.state_index:
            references[name] = float(states[joined.state_index[variable]])
        else:
            references[name] = float(assigned[joined.assigned_index[variable]])
    return references


def _run_in(
    joined: Compiled, gut: Compiled, own: Mapping[str, float], gut_states: Array, days: float
) -> dict[str, float]:
    """Return the joined state after the host's run-in under a constant gut."""
    states = joined.default_states.copy()
    for name, i in gut.state_index.items():
        states[joined.state_index[name]] = gut_states[i]
    values = {name: value for name, value in own.items() if name in joined.parameter_index}
    solution = joined.solve([0.0, days], parameters=values, initial=states[None], tolerances=_TIGHT)
    if solution.status[0] != "ok":
        message = f"the run-in of the reference state failed: {solution.status[0]}"
        raise ArithmeticError(message)
    end = dict(zip(joined.system.states, map(float, solution.states[0]), strict=True))
    # a strain or drug that nobody takes is exactly absent; round-off of the linear algebra is not a dose
    return {
        name: 0.0 if abs(v) < _ABSENT and not joined.system.initial[name] else v for name, v in end.items()
    }


def _with(kernel: Compiled, own: Mapping[str, float]) -> Array:
    values = kernel.default_parameters.copy()
    for name, value in own.items():
        if name in kernel.parameter_index:
            values[kernel.parameter_index[name]] = value
    return values


def _person(content: Content, person: str) -> tuple[Array, dict[str, float]]:
    """Return the guild folds and other settings of a person, on top of those of the form it is based on."""
    base = next((form.based_on for form in content.forms if form.person == person), "")
    rows = {
        row.target: content.value(row.value)
        for form in (base, person)
        for row in content.persons
        if row.person == form
    }
    folds = np.array([rows.pop(f"gut_share_{g}", 1.0) for g in GUILDS])
    return folds, rows


def _units(content: Content) -> dict[str, str]:
    units = {row.id: row.unit for row in content.interface}
    units |= {n.id: n.unit for n in content.numbers.values()}
    return units | {n.id: n.unit for n in content.initial.values()}


def _source(name: str) -> str:
    if name.startswith(("gut_w_don",)):
        return "niche factor of the healthy donor"
    if name.startswith("gut_w_"):
        return "growth = loss at the person's own composition"
    if name.startswith("handover_ref"):
        return "steady state of the healthy gut"
    if name in _HOST_REFERENCES:
        return "healthy host after the run-in"
    if name in ("host_lambda0", "host_h0"):
        return "closed form from the natural-history population, joined with the gut in MS"
    return "state after the host's run-in under a constant gut"
