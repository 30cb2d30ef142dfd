"""Shares of an effect: they add up, and go where only one way is open."""

import numpy as np
import pytest

from eubiosis.therapy import give
from eubiosis.workflow.therapy_shares import PARTS, therapy_shares


@pytest.fixture(scope="module")
def found(model):
    asked = {
        "inulin": give("inulin", dose="12 g/day"),
        "propionate": give("propionate", dose="1 g/day"),
        "natalizumab": give("natalizumab"),
        "butyrate": give("butyrate", dose="4 g/day"),
        "transplant": give("fecal_transplant"),
    }
    return {
        name: {row.endpoint: row for row in therapy_shares(model, therapy, worlds=2, people=8)}
        for name, therapy in asked.items()
    }


def test_shares_sum_to_one_or_there_is_no_effect(found):
    for rows in found.values():
        for row in rows.values():
            total = sum(row.shares[part] for part in PARTS)
            assert row.nothing or total == pytest.approx(1.0, abs=1e-12)
            assert row.low <= row.effect <= row.high


def test_where_one_way_is_open_all_of_it_goes_there(found):
    assert found["natalizumab"]["relapses"].shares["direct"] == pytest.approx(1.0)
    assert found["natalizumab"]["stool_butyrate"].nothing
    assert all(row.nothing for row in found["butyrate"].values())  # not representable
    # plasma propionate rises with the dose, whatever the guilds do
    assert found["propionate"]["plasma_propionate"].shares["metabolites"] > 0.99
    # a transplant brings guilds and nothing else
    assert found["transplant"]["stool_butyrate"].shares["ecology"] == pytest.approx(1.0)
    # shares of guilds are ecology, by what they are
    assert found["inulin"]["share_BIF"].shares["ecology"] == pytest.approx(1.0)
    assert found["inulin"]["share_BIF"].shares["direct"] == pytest.approx(0.0, abs=1e-12)


def test_the_effect_is_that_of_the_condition_that_the_product_is_compared_in(found, model):
    """Propionate 1 g a day is the condition ms_propionate, run by the model itself."""
    course = model.simulate("ms_propionate", np.arange(85.0), ["handover_plasma_Pr"])["handover_plasma_Pr"][0]
    by_model = np.log(course[-1] / model.simulate("ms", [0.0], ["handover_plasma_Pr"]).values[0, 0, 0])
    assert found["propionate"]["plasma_propionate"].effect == pytest.approx(by_model, rel=1e-3)
