"""Random data sets, one maker per kind of data; awkward ones (ties, zero cells) come up on purpose.

Every maker takes a numpy generator and returns plain lists and numbers, which R reads as JSON.
"""

from __future__ import annotations

import numpy as np


def _lists(**columns: object) -> dict:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in columns.items()
    }


def scores(draw: np.random.Generator) -> dict:
    """Two or three arms, a baseline, a site; missing outcomes; sometimes a constant or a lone participant."""
    n = int(draw.integers(2, 40))
    arms = ["c", "t", "u"][: int(draw.integers(2, 4))]
    arm = np.concatenate([np.repeat(arms, n), draw.choice(arms, int(draw.integers(0, 4)))])
    base = np.round(draw.normal(40, 10, len(arm)), 2)
    outcome = np.round(0.6 * base + draw.normal(0, 8, len(arm)) + 3 * (arm == "t"), int(draw.integers(-1, 3)))
    outcome[draw.random(len(arm)) < draw.choice([0.0, 0.1, 0.7])] = np.nan
    if draw.random() < 0.06:
        outcome[:] = 7.1
    if draw.random() < 0.06:
        base = 2.0 * (arm == "t")
    return _lists(outcome=outcome, arm=arm, base=base, treated="t", control="c")


def counts(draw: np.random.Generator) -> dict:
    """Counts with follow-up, gamma-distributed rates and a covariate; sometimes an arm without events."""
    n = int(draw.integers(6, 80))
    arms = ["c", "t", "u"][: int(draw.integers(2, 4))]
    arm = np.repeat(arms, n)
    years = np.round(draw.uniform(0.2, 2.5, len(arm)), 2)
    prior = draw.poisson(1.2, len(arm)).astype(float)
    alpha = float(10 ** draw.uniform(-2, 0.5))
    mean = float(10 ** draw.uniform(-1, 0.8)) * years * np.exp(0.2 * prior - 0.4 * (arm == "t"))
    counts = draw.poisson(mean * draw.gamma(1 / alpha, alpha, len(arm)))
    if draw.random() < 0.15:
        counts[arm == arms[-1]] = 0
    return _lists(counts=counts, years=years, arm=arm, prior=prior, treated="t", control="c")


def responders(draw: np.random.Generator) -> dict:
    """Yes-or-no outcomes with a covariate; separation and empty cells are common in the small ones."""
    n = int(draw.integers(4, 60))
    arms = ["c", "t", "u"][: int(draw.integers(2, 4))]
    arm = np.repeat(arms, n)
    age = np.round(draw.normal(0, 1, len(arm)), 2)
    slope = float(draw.choice([0.5, 4.0]))
    level = draw.normal(0, 2)
    risk = 1 / (1 + np.exp(-(level + slope * age + 0.7 * (arm == "t"))))
    event = (draw.random(len(arm)) < risk).astype(int)
    if draw.random() < 0.15:
        event[arm == arms[-1]] = int(draw.random() < 0.5)
    return _lists(event=event, arm=arm, age=age, treated="t", control="c")


def times(draw: np.random.Generator) -> dict:
    """Censored times, often tied, some tied but for rounding, in strata; sometimes arms apart in time."""
    n = int(draw.integers(5, 50))
    arms = ["c", "t", "u"][: int(draw.integers(2, 4))]
    arm = np.repeat(arms, n)
    age = np.round(draw.normal(0, 1, len(arm)), 1)
    time = draw.exponential(np.exp(-0.3 * age + 0.5 * (arm == "t")))
    end = draw.uniform(0.3, 3.0, len(arm))
    event = (time <= end).astype(int)
    time = np.minimum(time, end)
    grain = float(draw.choice([0.0, 0.1, 0.5]))
    time = np.maximum(time, 0.01) if grain == 0 else (np.floor(time / grain) + 1) * grain
    if draw.random() < 0.3:  # the same grain reached by another sum
        time = np.where(draw.random(len(arm)) < 0.5, time, time / 3 + time / 3 + time / 3)
    kind = draw.random()
    if kind < 0.08:
        time = np.where(arm == "t", time + 100.0, time)
    elif kind < 0.16:
        event[arm == arms[-1]] = 0
    site = draw.integers(0, 3, len(arm)).astype(float)
    return _lists(time=time, event=event, arm=arm, age=age, site=site, treated="t", control="c")


def recurrent(draw: np.random.Generator) -> dict:
    """Intervals of participants with several events."""
    n = int(draw.integers(8, 40))
    rows = []
    for person in range(2 * n):
        arm = "t" if person % 2 else "c"
        end = float(np.round(draw.uniform(0.5, 2.5), 2))
        rate = draw.gamma(1.2, 0.8) * (0.6 if arm == "t" else 1.0)
        events = np.unique(np.round(draw.uniform(0.01, end - 0.01, draw.poisson(rate * end)), 2))
        edges = [0.0, *events.tolist(), end]
        rows += [(person, edges[j], edges[j + 1], int(j < len(events)), arm) for j in range(len(edges) - 1)]
    person, start, stop, event, arm = zip(*rows, strict=True)
    return {
        "participant": list(person), "start": list(start), "stop": list(stop), "event": list(event),
        "arm": list(arm), "treated": "t", "control": "c",
    }  # fmt: skip


def clusters(draw: np.random.Generator) -> dict:
    """Whole clusters randomised, of unequal size; the variance between them is often estimated as zero."""
    per_arm = int(draw.integers(2, 8))
    sizes = draw.integers(2, 20, 2 * per_arm)
    cluster = np.repeat(np.arange(2 * per_arm), sizes)
    arm = np.where(cluster < per_arm, "t", "c")
    shared = draw.normal(0, float(draw.choice([0.0, 0.3, 1.0])), 2 * per_arm)
    outcome = np.round(shared[cluster] + draw.normal(0, 1, len(cluster)), 3)
    return _lists(cluster=cluster, outcome=outcome, arm=arm, treated="t", control="c")


def crossovers(draw: np.random.Generator) -> dict:
    """Two periods, two sequences; some people drop out of the second period."""
    n = int(draw.integers(4, 25))
    person, period = np.repeat(np.arange(2 * n), 2), np.tile([1, 2], 2 * n)
    arm = np.where((person % 2 == 0) == (period == 1), "t", "c")
    level = np.repeat(draw.normal(0, float(draw.choice([0.0, 1.0, 5.0])), 2 * n), 2)
    outcome = np.round(level + 0.4 * (period == 2) - 0.5 * (arm == "t") + draw.normal(0, 1, 4 * n), 3)
    outcome[(period == 2) & (draw.random(4 * n) < draw.choice([0.0, 0.2]))] = np.nan
    return _lists(participant=person, period=period, outcome=outcome, arm=arm, treated="t", control="c")


def visits(draw: np.random.Generator) -> dict:
    """Three visits with drop-out and a baseline."""
    n = int(draw.integers(12, 40))
    person, visit = np.repeat(np.arange(2 * n), 3), np.tile([1.0, 2.0, 3.0], 2 * n)
    arm = np.where(person % 2 == 0, "t", "c")
    base = np.repeat(np.round(draw.normal(0, 1, 2 * n), 2), 3)
    own = np.repeat(draw.normal(0, 1, 2 * n), 3)
    outcome = np.round(0.5 * base + own - 0.3 * visit * (arm == "t") + draw.normal(0, 1, 6 * n), 3)
    gone = (visit >= 2) & np.repeat(draw.random(2 * n) < 0.15, 3)
    outcome[gone] = np.nan
    return _lists(
        participant=person, visit=visit, outcome=outcome, arm=arm, base=base, treated="t", control="c"
    )


def stool(draw: np.random.Generator) -> dict:
    """Counts of samples x taxa in two or three groups; few taxa make Bray-Curtis far from Euclidean."""
    groups = int(draw.integers(2, 4))
    n, taxa = int(draw.integers(2, 12)), int(draw.choice([2, 4, 15]))
    shape = draw.dirichlet(np.full(taxa, 0.5), groups)
    table = np.concatenate(
        [draw.poisson(float(draw.choice([3, 200])) * draw.dirichlet(20 * s + 0.1, n)) for s in shape]
    )
    table[:, 0] += table.sum(axis=1) == 0  # vegan has no distance of two empty samples
    return _lists(table=table, group=np.repeat(["a", "b", "d"][:groups], n))


def effects(draw: np.random.Generator) -> dict:
    """Estimates with variances that differ by up to a thousandfold, and a moderator."""
    k = int(draw.integers(3, 16))
    v = np.round(10 ** draw.uniform(-3, draw.uniform(-2.5, 0.3), k), 5)
    tau = float(draw.choice([0.0, 0.1, 0.4, 1.0]))
    y = np.round(draw.normal(0.2, np.sqrt(v + tau**2)), 4)
    if draw.random() < 0.2:
        y[0] = np.round(y[0] + draw.choice([-1, 1]) * draw.uniform(1, 4), 4)
        v[0] = np.round(draw.uniform(0.5, 2.0), 4)
    return _lists(y=y, v=v, x=np.round(draw.normal(0, 1, k), 3))


def tables(draw: np.random.Generator) -> dict:
    """2x2 tables, many with zero cells, some double-zero or all events, few with an empty arm."""
    k = int(draw.integers(2, 9))
    n1, n2 = draw.integers(3, 150, k), draw.integers(3, 150, k)
    risk = 10 ** draw.uniform(-2.2, 0.0, k)
    a, c = draw.binomial(n1, np.clip(risk * 0.8, 0, 1)), draw.binomial(n2, risk)
    odd = draw.random(k)
    a, c = np.where(odd < 0.12, 0, a), np.where(odd < 0.12, 0, c)
    full = (odd > 0.12) & (odd < 0.17)
    return _lists(a=np.where(full, n1, a), n1=n1, c=np.where(full, n2, c), n2=n2)


def nested(draw: np.random.Generator) -> dict:
    """Several estimates per cluster."""
    m = int(draw.integers(4, 10))
    sizes = draw.integers(1, 5, m)
    cluster = np.repeat(np.arange(m), sizes)
    v = np.round(draw.uniform(0.01, 0.2, len(cluster)), 4)
    between = draw.normal(0, float(draw.choice([0.0, 0.3, 0.6])), m)[cluster]
    within = draw.normal(0, float(draw.choice([0.0, 0.2])), len(cluster))
    return _lists(y=np.round(0.2 + between + within + draw.normal(0, np.sqrt(v)), 4), v=v, cluster=cluster)


def imputed(draw: np.random.Generator) -> dict:
    """Estimates and variances of imputed tables."""
    m = int(draw.integers(2, 20))
    return _lists(
        q=draw.normal(1, float(draw.choice([0.05, 0.5])), m), u=draw.uniform(0.05, 0.4, m),
        freedom=float(draw.integers(8, 200)),
    )  # fmt: skip


def p_values(draw: np.random.Generator) -> dict:
    """P values, some tied, some undefined."""
    p = np.round(draw.random(int(draw.integers(2, 15))) ** 2, int(draw.choice([2, 6])))
    p[draw.random(len(p)) < draw.choice([0.0, 0.15])] = np.nan
    return _lists(p=p)


def looks(draw: np.random.Generator) -> dict:
    """Unequally spaced looks and a spending rule."""
    k = int(draw.integers(2, 5))
    cuts = np.sort(np.round(draw.uniform(0.15, 0.95, k - 1), 2))
    cuts = np.unique(np.round(cuts + 0.01 * np.arange(k - 1), 2))
    rule = str(draw.choice(["asOF", "asP", "asHSD", "asKD"]))
    parameter = float(np.round(draw.uniform(-5, 2) if rule == "asHSD" else draw.uniform(1, 4), 2))
    return {"information": [*cuts.tolist(), 1.0], "rule": rule, "parameter": parameter or 1.0}
