"""Domain objects: bounds, rules between fields, and every finding at once, from Python as from a mapping."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from eubiosis.core.findings import FindingsError
from eubiosis.core.kinds import Range, Text, Week, Weeks, Words
from eubiosis.core.spec import Problem, Spec, of, rule


class Leg(Spec):
    name: Text
    start: Week = 0.0
    people: Annotated[int | None, Field(ge=2, le=20)] = None


class Walk(Spec):
    legs: Annotated[tuple[Leg, ...], Field(strict=False)]
    people: Annotated[int, Field(ge=2, le=20_000)]
    visits: Weeks = (0.0, 48.0)
    age: Annotated[tuple[float, float], *Range(0, 10).marks] | None = None
    way: Annotated[str, *Words(("north", "south")).marks] = "north"

    @staticmethod
    @rule("legs")
    def names_differ(legs: Sequence[Leg]) -> Iterator[Problem]:
        """No name twice."""
        seen: set[object] = set()
        for k, leg in enumerate(legs):
            if of(leg, "name") in seen:
                yield Problem(("legs", k, "name"), "twice", "a name of its own", "rename one")
            seen.add(of(leg, "name"))


def findings(**fields: object) -> dict[str, str]:
    with pytest.raises(FindingsError) as caught:
        Walk(**fields)
    assert all(f.file == "Walk" and f.next_step for f in caught.value.findings)
    return {f.place: f.problem for f in caught.value.findings}


def test_what_is_right_is_made_and_frozen() -> None:
    walk = Walk(
        legs=[{"name": " a ", "start": "week 3"}, Leg(name="b")], people=3, visits="every 4 weeks to week 8"
    )
    assert (walk.legs[0].name, walk.legs[0].start, walk.visits) == ("a", 3.0, (0.0, 4.0, 8.0))
    with pytest.raises(ValidationError, match="frozen"):
        walk.people = 4


def test_every_fault_comes_at_once_whether_in_a_field_or_between_fields() -> None:
    found = findings(
        legs=[{"name": "a"}, {"name": "a", "start": 3, "people": 1}],
        people=float("nan"),
        visits="monthly",
        age=[3, 2],
        way="nort",
        foot=1,
    )
    assert found == {
        "legs[1].name": "twice",
        "legs[1].start": "3 is not a week",
        "legs[1].people": "1 is out of range",
        "people": "nan is not finite",
        "visits": '"monthly" is not a plan of visits',
        "age": "the range [3, 2] is reversed",
        "way": '"nort" is unknown; nearest "north"',
        "foot": 'the key "foot" is unknown',
    }


@pytest.mark.parametrize(
    ("people", "problem"),
    [
        (True, "true where a number belongs"),
        (2.5, "2.5 is not a whole number"),
        ("4", '"4" where a number belongs'),
        (1, "1 is out of range"),
        (None, "nothing where a number belongs"),
    ],
)
def test_a_number_is_a_number(people: object, problem: str) -> None:
    assert findings(legs=[], people=people) == {"people": problem}


def test_a_missing_field_and_a_wrong_kind_are_said() -> None:
    assert findings(legs=3) == {"legs": "3 where a list belongs", "people": "the key is missing"}
    assert findings(legs=[7], people=2) == {"legs[0]": "7 where keys belong"}


def test_the_json_schema_carries_the_bounds() -> None:
    schema = Walk.json_schema()
    assert schema["properties"]["people"] == {
        "maximum": 20_000, "minimum": 2, "title": "People", "type": "integer"
    }  # fmt: skip
    assert schema["properties"]["way"]["enum"] == ["north", "south"]
    assert schema["additionalProperties"] is False


def test_positional_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="by name"):
        Leg("a")


class Party(Spec):
    walks: Annotated[tuple[Walk, ...], Field(strict=False, min_length=1, max_length=2)]


@pytest.mark.parametrize(
    ("walks", "places"),
    [
        ([], {"walks": "0 of them"}),
        ([{"legs": [], "people": 1}], {"walks[0].people": "1 is out of range"}),
    ],
)
def test_a_list_is_short_only_where_it_is(walks: list[object], places: dict[str, str]) -> None:
    with pytest.raises(FindingsError) as caught:
        Party(walks=walks)
    assert {f.place: f.problem for f in caught.value.findings} == places
