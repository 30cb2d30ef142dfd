"""What a simulated gut world keeps of responders: small, blind to the truth where it must be, and packed."""

from dataclasses import replace

import numpy as np
import pytest
from small_trials import DESIGN, INULIN, PLACEBO, make_task, with_therapy

from eubiosis.compute.packing import pack, unpack
from eubiosis.therapy import Adherence
from eubiosis.trial import Intercurrent
from eubiosis.trial.simulate import gut_world_trials
from eubiosis.workflow.responder_chunk import OF_GROUPS, OF_PEOPLE, ResponderSums, WorldResponders

FULLY = with_therapy(INULIN, adherence=Adherence.full())
PLAN = DESIGN.changed(
    arms=(PLACEBO, FULLY), allocation=(1, 1), visits=(0.0, 12.0), participants=90, primary="treg"
)


@pytest.fixture(scope="module")
def stacks():
    """The first trial of two host worlds: form N0 in both, since a mirrored pair shares its form."""
    world = gut_world_trials(make_task(PLAN, host_worlds=2, replicates=1))
    return [next(pair.stacks) for pair in world.pairs]


def kept(stacks, plan=PLAN):
    sums = ResponderSums(plan)
    for seen, truth in stacks:
        sums.add(seen, truth)
    return sums.found()


def test_it_is_small_and_comes_back_to_the_bit(stacks):
    found = kept(stacks)
    content = pack(found)
    assert len(content) < 20_000 / 3  # six pairs are the most, two arms the rule
    assert pack(unpack(content, tuple[WorldResponders, ...])) == content
    (one,) = found
    assert one.comparisons == (("treg", "inulin"), ("mfis", "inulin"))
    assert one.bars.dtype == np.float32
    assert np.isfinite(one.areas).all()


def test_what_is_estimated_never_looks_at_the_truth(stacks):
    changed = [
        (
            seen,
            replace(
                truth,
                of_world={name: values[:, ::-1] * 3.0 + 1.0 for name, values in truth.of_world.items()},
                of_trials={name: values[:, :, ::-1] * 3.0 for name, values in truth.of_trials.items()},
            ),
        )
        for seen, truth in stacks
    ]
    (one,), (other,) = kept(stacks), kept(changed)
    observed = [OF_GROUPS.index(name) for name in ("low", "high", "difference", "p_value", "share_high")]
    assert np.array_equal(one.groups[..., observed], other.groups[..., observed])
    assert np.array_equal(one.curves[:, :, 0], other.curves[:, :, 0])
    assert np.array_equal(one.areas, other.areas)
    assert np.array_equal(np.sort(one.fifths[:, :, 0]), np.sort(other.fifths[:, :, 0]))
    mean = OF_PEOPLE.index("mean")
    assert not np.array_equal(one.people[:, 1, mean], other.people[:, 1, mean])


def test_means_of_single_effects_are_the_true_effects_of_the_world(stacks):
    (found,) = kept(stacks)
    for k, (_, truth) in enumerate(stacks):
        mfis = truth.of_trials["mfis_last_visit"][:, 0]
        treg = truth.of_world["treg_last_visit"]
        means = found.people[k, :, OF_PEOPLE.index("mean")]
        assert means[1] == pytest.approx((mfis[1] - mfis[0]).mean(), rel=1e-5, abs=1e-9)
        assert means[0] == pytest.approx(np.log(treg[1] / treg[0]).mean(), rel=1e-5, abs=1e-9)
        # both groups together are everybody
        group = dict(zip(OF_GROUPS, found.groups[k, 1, 1].tolist(), strict=True))
        share = group["share_high"]
        together = share * group["true_high"] + (1 - share) * group["true_low"]
        assert together == pytest.approx(means[1], rel=1e-4, abs=1e-6)


def test_a_perfect_score_gains_at_least_what_the_learned_one_does_in_truth(stacks):
    (found,) = kept(stacks)
    assert np.all(found.curves[:, :, 2] >= found.curves[:, :, 1] - 1e-6)
    assert np.allclose(found.curves[:, :, :, -1], 0.0, atol=1e-4)


def test_with_strategies_the_outcome_is_what_they_ask_for():
    event = Intercurrent(event="discontinuation", per_year=3.0, strategies={"mfis": "hypothetical"})
    plan = PLAN.changed(intercurrent=(event,), primary="mfis")
    (pair,) = gut_world_trials(make_task(plan, host_worlds=1, replicates=1)).pairs
    seen, truth = next(pair.stacks)
    (found,) = kept([(seen, truth)], plan)
    stopped = len(np.unique(seen.intercurrent["subject"]))
    missing = np.sum(~seen.attended[-1, 0])
    analysed = found.groups[0, 0, 0, OF_GROUPS.index("analysed")]
    assert stopped > 10
    assert 90 - stopped - missing <= analysed <= 90 - stopped
    values = truth.targets["mfis"][0][:, 0]
    mean = found.people[0, 0, OF_PEOPLE.index("mean")]
    assert mean == pytest.approx((values[1] - values[0]).mean(), rel=1e-4, abs=1e-6)
