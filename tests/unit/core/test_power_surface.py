"""The contract of power surfaces: what it refuses, and what it answers from points put in by hand."""

from __future__ import annotations

import json

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.power_surface import PowerSurface, SizeNeeded, example_surface


def test_a_line_is_in_the_order_of_sizes_however_the_points_come() -> None:
    made = example_surface()
    turned = made.changed(points=made.points[::-1])
    assert turned.line("treg", "inulin", 48.0) == made.line("treg", "inulin", 48.0)
    assert [point.power for point in turned.line("treg", "inulin", 48.0)] == [0.18, 0.26, 0.34]


def test_a_surface_survives_json() -> None:
    made = example_surface()
    assert PowerSurface.model_validate(json.loads(json.dumps(made.model_dump(mode="json")))) == made


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"closed_form_low": 0.5}, "outside its band"),
        ({"closed_form_low": 0.0, "closed_form_high": None}, "outside its band"),
        ({"successes": 700, "no_numbers": 21}, "700 successes and 21 without numbers of 720"),
        ({"power": 1.2}, "out of range"),
        ({"endpoint": "relapse"}, 'nearest "relapses"'),
        ({"kind": "surrogate"}, "clinical, biological, exposure marker"),
        ({"participants": 2}, "out of range"),
    ],
)
def test_a_point_that_cannot_be_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(FindingsError, match=said):
        example_surface().points[0].changed(**fields)


def test_a_point_stands_once() -> None:
    made = example_surface()
    with pytest.raises(FindingsError, match="twice: relapses, inulin, week 24, 60 participants, 1 samples"):
        made.changed(points=(*made.points, made.points[0]))


def test_a_size_has_no_reason_and_none_has_one() -> None:
    asked = {"endpoint": "mfis", "arm": "a", "week": 24.0, "samples_per_visit": 1, "basis": "power"}
    with pytest.raises(FindingsError, match="a size and a reason against it, or neither"):
        SizeNeeded(**asked, target=0.8)
    assert SizeNeeded(**asked, target=0.8, why_none="at most 20 % at any size").participants is None
