"""Effects by form of the model, from made worlds; decisions from the shell."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from eubiosis import therapy
from eubiosis.analysis.truth import TrueEffect
from eubiosis.calibration.decisions import Option, decide, sceptical
from eubiosis.cli.main import cli
from eubiosis.core.decisions import Stakes
from eubiosis.core.findings import FindingsError
from eubiosis.core.model_forms import SURVIVES
from eubiosis.evidence.forecast.priors import prior
from eubiosis.trial.design import Design
from eubiosis.workflow.trial_chunk import WorldForm
from eubiosis.workflow.trial_forms import biomarker_fact, form_effects
from eubiosis.workflow.trial_summary import Chunk

ARMS = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
DESIGN = Design(arms=ARMS, participants=10, primary="mfis")
STAKES = Stakes(relapse=8000, participant=3000, treated=200, takers=1000, rate=0.2, years=5)


@pytest.fixture(scope="module")
def chunks(model):
    """Sixteen worlds: the effect on fatigue is the number of the form, turned round in odd worlds."""
    made = []
    for gut in range(4):
        truths, worlds = [], []
        for host in range(4):
            form = model.forms.of_world(4 * gut + host).id
            size = float(form[1]) * (-1.0 if host % 2 else 1.0)
            truths.append(TrueEffect(gut, host, "mfis", "inulin", size, 0.0, 1.0))
            truths.append(TrueEffect(gut, host, "relapses", "inulin", 0.1 * size, 0.0, 1.0))
            worlds.append(WorldForm(gut, host, form, "inulin", 0.2 if host % 2 else -0.2))
        made.append(Chunk((), tuple(truths), (), (), {}, {}, None, (), tuple(worlds)))
    return made


def test_each_form_has_its_own_worlds_and_the_mixture_has_all(chunks, model):
    rows = {(r.endpoint, r.form): r for r in form_effects(DESIGN, chunks, model)}
    for k in range(4):
        row = rows["mfis", f"N{k}"]
        assert row.worlds == 4
        assert not row.enough
        assert row.weight == 0.25
        assert row.truth == pytest.approx(tuple(np.percentile([k, k, -k, -k], (2.5, 50, 97.5))))
        told = rows["relapses", f"N{k}"].truth
        ratios = np.exp([0.1 * k, 0.1 * k, -0.1 * k, -0.1 * k])
        assert told == pytest.approx(tuple(np.percentile(ratios, (2.5, 50, 97.5))))
    mixed = rows["mfis", "mixed"]
    values = [s * k for k in range(4) for s in (1, 1, -1, -1)]
    assert mixed.worlds == 16
    assert (
        mixed.form_label == SURVIVES == "holds in these four, which share gut, history and the term outside"
    )
    assert mixed.truth == pytest.approx(tuple(np.percentile(values, (2.5, 50, 97.5))))
    alone = rows["relapses", "outside"]
    assert alone.truth == pytest.approx((math.exp(-0.2), 1.02, math.exp(0.2)), abs=0.01)


def test_a_mixture_without_every_form_does_not_claim_all_of_them(chunks, model):
    few = [
        replace(
            chunk,
            truths=tuple(t for t in chunk.truths if form_of(chunk, t) in ("N1", "N2")),
            worlds=tuple(w for w in chunk.worlds if w.form in ("N1", "N2")),
        )
        for chunk in chunks
    ]
    mixed = next(r for r in form_effects(DESIGN, few, model) if r.form == "mixed")
    assert mixed.form_label == "mixed over N1, N2 alone: too few worlds"


def form_of(chunk, truth):
    key = (truth.gut_world, truth.host_world)
    return next(w.form for w in chunk.worlds if (w.gut_world, w.host_world) == key)


def test_the_facts_say_how_many_draws_are_effective():
    words = biomarker_fact()
    assert "by class of metabolite, 8" in words
    assert "to 100 % of its draws (up to 6,000) are effective" in words


def test_trials_are_valued_under_three_priors_and_a_bigger_one_is_worth_more():
    options = [Option("inulin", size, 2.0) for size in (50, 400)]
    found = decide(options, STAKES, dispersion=0.8)
    assert set(found.worths) == {"common", "sceptical", "without delta"}
    for small, large in found.worths.values():
        assert small.value <= large.value
        assert (small.cost, large.cost) == (2 * 50 * 3000, 2 * 400 * 3000)
    common = prior("relapse_rate", "prebiotic", metric="rate-ratio")
    assert sceptical(common).chance_below(0.8) == pytest.approx(0.025, abs=1e-6)
    free = Stakes(**{**vars(STAKES), "participant": 0.0, "takers": 1e6})
    ranked = decide(options, free, dispersion=0.8)
    assert ranked.order == (1, 0)
    assert ranked.verdict.startswith("the same order under three priors: inulin 400 per arm")


def test_therapies_that_a_prior_does_not_tell_apart_are_not_ranked():
    found = decide([Option(name, 100, 2.0) for name in ("inulin", "propionate")], STAKES, dispersion=0.8)
    assert found.order is None
    assert found.verdict.startswith("no ranking")
    assert {c.word for c in found.chances["propionate"]} == {"prior only"}


def test_wrong_stakes_are_refused_all_at_once():
    bad = Stakes(relapse=0.0, participant=-1.0, treated=0.0, takers=10.0, rate=math.nan, years=5.0)
    with pytest.raises(FindingsError) as caught:
        decide([Option("inulin", 1, 2.0)], bad, dispersion=0.8)
    words = str(caught.value)
    assert all(name in words for name in ("relapse", "participant", "rate", "1 per arm"))
    with pytest.raises(FindingsError, match='nearest "inulin"'):
        decide([Option("inulim", 100, 2.0)], STAKES, dispersion=0.8)


def test_decide_from_the_shell():
    words = ["calibration", "decide", "--therapy", "inulin", "--people", "100", "--relapse", "8000"]
    words += ["--participant", "3000", "--takers", "1000", "--rate", "0.2"]
    shown = CliRunner().invoke(cli, words)
    assert shown.exit_code == 0, shown.output
    assert "before data" in shown.output
    assert "per doubling of acids" in shown.output
    told = json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)
    assert len(told["worths"]["common"]) == 1
    assert told["worths"]["common"][0]["cost"] == 600_000


def test_a_form_with_more_worlds_has_no_more_weight_in_the_mixture(chunks, model):
    """Without the last pair of worlds one form lacks half of its own and still has its quarter."""
    kept = [replace(chunk, worlds=chunk.worlds, truths=chunk.truths) for chunk in chunks]
    lost = model.forms.of_world(14).id
    kept[3] = replace(
        chunks[3], truths=tuple(t for t in chunks[3].truths if t.host_world < 2), worlds=chunks[3].worlds[:2]
    )
    rows = {(r.endpoint, r.form): r for r in form_effects(DESIGN, kept, model)}
    assert (rows["mfis", "mixed"].worlds, rows["mfis", lost].worlds) == (14, 2)
    size = float(lost[1])  # its worlds, one each side: an eighth of the weight lies at either
    assert rows["mfis", "mixed"].truth[0] == -3.0
    assert rows["mfis", "mixed"].truth[2] == 3.0
    assert abs(rows["mfis", lost].truth[2]) <= size
