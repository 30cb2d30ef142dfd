"""Made networks of 5 to 500 states in Antimony: the kinds that people build, with and without events."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from eubiosis.model.join import antimony_to_sbml


def community(species: int, seed: int = 3) -> str:
    """Return a generalised Lotka-Volterra community; each species meets six others."""
    draws = np.random.default_rng([seed, species])
    lines = ["speed = 1"]
    for i in range(species):
        others = draws.choice(species, size=min(6, species - 1), replace=False)
        terms = [f"- x{i}"] + [f"+ {0.15 * draws.standard_normal():.4f}*x{j}" for j in others if j != i]
        lines.append(f"x{i} = {0.1 + draws.random():.4f}")
        lines.append(f"x{i}' = speed*x{i}*({0.5 + draws.random():.4f} {' '.join(terms)})")
    return "\n".join(lines)


def cascade(levels: int) -> str:
    """Return a cascade of phosphorylation cycles with saturated enzymes and a feedback to its top."""
    lines = ["stimulus = 0.5", "feedback = 0.2", "compartment cell = 1"]
    for i in range(levels):
        lines += [f"species u{i} in cell, p{i} in cell", f"u{i} = 1", f"p{i} = 0"]
        enzyme = f"p{i - 1}" if i else f"stimulus/(1 + feedback*p{levels - 1})"
        lines.append(f"on{i}: u{i} -> p{i}; {enzyme}*{2 + i % 3}*u{i}/(0.3 + u{i})")
        lines.append(f"off{i}: p{i} -> u{i}; {0.4 + 0.1 * (i % 4):.2f}*p{i}/(0.2 + p{i})")
    return "\n".join(lines)


def organs(count: int) -> str:
    """Return a drug in organs joined by blood; a dose every twelve hours, a change of clearance."""
    lines = ["dose = 100", "clearance = 5", "cardiac = 300", "absorption = 1.1", "gut = 0", "blood = 0"]
    flows = [
        f"cardiac*{1 / count:.5f}*(blood/5 - t{i}/({1 + i % 5}*{0.5 + 0.1 * i:.2f}))" for i in range(count)
    ]
    for i, flow in enumerate(flows):
        lines += [f"t{i} = 0", f"t{i}' = {flow}"]
    lines.append("gut' = -absorption*gut")
    lines.append(f"blood' = absorption*gut - clearance*blood/5 - ({' + '.join(flows)})")
    lines.append("at time >= 0.5: gut = gut + dose")
    lines += [f"at time >= {12 * k}: gut = gut + dose" for k in range(1, 8)]
    lines.append("at blood > 40: clearance = 8")
    return "\n".join(lines)


def genes(count: int) -> str:
    """Return a ring of genes, messenger and protein each, that repress or activate the next."""
    lines = ["half = 1.5", "leak = 0.05"]
    for i in range(count):
        before = f"p{(i - 1) % count}"
        control = f"{before}^2" if i % 3 else "half^2"
        lines += [f"m{i} = {0.3 + 0.1 * (i % 5):.1f}", f"p{i} = {1 + i % 4}"]
        lines.append(f"m{i}' = leak + 4*{control}/(half^2 + {before}^2) - m{i}")
        lines.append(f"p{i}' = {0.5 + 0.1 * (i % 7):.1f}*(m{i}*1.5 - p{i})")
    return "\n".join(lines)


def brusselator(side: int) -> str:
    """Return the Brusselator on a square grid with diffusion."""
    lines = ["a = 1", "b = 3.2", "spread = 0.2"]
    for i, j in itertools.product(range(side), repeat=2):
        near = [((i + 1) % side, j), ((i - 1) % side, j), (i, (j + 1) % side), (i, (j - 1) % side)]
        u, v = f"u{i}_{j}", f"v{i}_{j}"
        lines += [
            f"{u} = {1 + 0.3 * ((3 * i + 5 * j) % 7) / 7:.4f}",
            f"{v} = {3 - 0.2 * ((i + 2 * j) % 5):.4f}",
        ]
        for name, rate in ((u, f"a - (b + 1)*{u} + {u}^2*{v}"), (v, f"b*{u} - {u}^2*{v}")):
            around = " + ".join(f"{name[0]}{k}_{m}" for k, m in near)
            lines.append(f"{name}' = {rate} + spread*({around} - 4*{name})")
    return "\n".join(lines)


def sites(count: int) -> str:
    """Return a protein that binds a ligand at several sites: 2^count forms and the free ligand."""
    lines = ["compartment cell = 1", "on = 0.7", "off = 0.4", "species L in cell", "L = 3"]
    forms = ["".join(bits) for bits in itertools.product("01", repeat=count)]
    for form in forms:
        lines += [f"species S{form} in cell", f"S{form} = {1 if '1' not in form else 0}"]
    for form in forms:
        bound = form.count("1")
        for k, bit in enumerate(form):
            if bit == "0":
                more = f"{form[:k]}1{form[k + 1 :]}"
                rate = f"on*{1 + 0.5 * bound}*S{form}*L - off*{1 + 0.3 * k:.1f}*S{more}"
                lines.append(f"r{form}_{k}: S{form} + L -> S{more}; {rate}")
    return "\n".join(lines)


def epidemic(groups: int) -> str:
    """Return an epidemic in age groups; contacts are cut and restored when prevalence crosses borders."""
    infected = " + ".join(f"i{k}" for k in range(groups))
    lines = ["contact = 0.9", f"prevalence := ({infected})/{groups}", "recovery = 0.2"]
    for k in range(groups):
        lines += [f"s{k} = 0.999", f"e{k} = 0", f"i{k} = 0.001", f"r{k} = 0"]
        near = f"0.5*prevalence + 0.3*i{k} + 0.1*i{(k + 1) % groups} + 0.1*i{(k - 1) % groups}"
        force = f"contact*{0.7 + 0.6 * (k % 5) / 5:.3f}*s{k}*({near})"
        lines += [f"s{k}' = -{force} + 0.01*r{k}", f"e{k}' = {force} - 0.3*e{k}"]
        lines += [f"i{k}' = 0.3*e{k} - recovery*i{k}", f"r{k}' = recovery*i{k} - 0.01*r{k}"]
    lines += ["at prevalence > 0.05: contact = 0.25", "at prevalence < 0.01: contact = 0.9"]
    return "\n".join(lines)


# name: (network, end, the parameter that is scanned)
MADE: dict[str, tuple[Callable[[], str], float, str]] = {
    "community_5": (lambda: community(5), 100.0, "speed"),
    "organs_17": (lambda: organs(15), 96.0, "cardiac"),
    "genes_20": (lambda: genes(10), 100.0, "half"),
    "cascade_40": (lambda: cascade(20), 200.0, "stimulus"),
    "community_60": (lambda: community(60), 100.0, "speed"),
    "epidemic_80": (lambda: epidemic(20), 300.0, "recovery"),
    "brusselator_98": (lambda: brusselator(7), 20.0, "b"),
    "sites_129": (lambda: sites(7), 20.0, "on"),
    "genes_200": (lambda: genes(100), 100.0, "half"),
    "cascade_400": (lambda: cascade(200), 400.0, "stimulus"),
    "brusselator_450": (lambda: brusselator(15), 20.0, "b"),
    "community_500": (lambda: community(500), 50.0, "speed"),
}


def made(name: str) -> str:
    """Return the SBML text of a made network."""
    return antimony_to_sbml(f"model {name}()\n{MADE[name][0]()}\nend\n", name)
