"""One explicit step a day with held inputs stands for eight with inputs that run linearly."""

from itertools import cycle

import numpy as np
from small_trials import SEED, make_pool

from eubiosis.core.streams import SubjectDraws
from eubiosis.model.worlds import draw_host_world
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial import Design
from eubiosis.trial.world import host
from eubiosis.trial.world.gut import HANDED


def test_a_step_a_day_is_enough(trial_model, monkeypatch):
    """The bar is a hundredth: gains of the paths from the gut are unknown by far more."""
    arms = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
    design = Design(arms=arms, participants=8, visits=[0, 12], primary="stool_butyrate")
    pool = make_pool(trial_model, design, size=40)
    rows = np.flatnonzero([word == "ok" for word in pool.gut.status])
    gut, people = pool.gut.take(rows), pool.candidates.take(rows)
    gains = draw_host_world(trial_model, 1, SEED, "symmetric")

    def hosts():
        draws = SubjectDraws(SEED, people.numbers)
        return host.relative_hosts(trial_model, gains, gut, people, design, draws)

    found = hosts()
    marching, turn = host.run_hosts, cycle(gut.handed)

    def exact(*args, **given):
        if "levels" in given:
            handed = gut.handed[next(turn)]
            given["levels"] = {name: handed[:, :, k].T for k, name in enumerate(HANDED)}
        return marching(*args, **{**given, "steps": 8})

    monkeypatch.setattr(host, "run_hosts", exact)
    true = hosts()
    for rates in ("relapses", "lesions"):
        one, other = ({k: v.sum(axis=0) for k, v in getattr(each, rates).items()} for each in (found, true))
        assert not np.array_equal(one["inulin"], other["inulin"])
        np.testing.assert_allclose(one["inulin"], other["inulin"], rtol=0.02)
        effects = [np.log(each["inulin"].sum() / each["placebo"].sum()) for each in (one, other)]
        assert abs(effects[1]) > 1e-4
        assert abs(effects[0] - effects[1]) < 0.01 * abs(effects[1]) + 1e-5
    treg = [
        each.after["inulin"]["host_R"][-1] / each.after["placebo"]["host_R"][-1] for each in (found, true)
    ]
    np.testing.assert_allclose(*treg, rtol=1e-3)
