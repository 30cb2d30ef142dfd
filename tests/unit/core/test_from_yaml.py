"""A domain object from YAML: the constructor's own findings, each with its line, in order."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import Field

from eubiosis.core.findings import FindingsError
from eubiosis.core.from_yaml import from_yaml
from eubiosis.core.kinds import Text
from eubiosis.core.spec import Problem, Spec, rule


class Boat(Spec):
    name: Text
    sails: Annotated[int, Field(ge=0, le=9)] = 1


class Port(Spec):
    depth: Annotated[float, Field(gt=0)]
    width: float = 3.0


class Fleet(Spec):
    boats: Annotated[tuple[Boat, ...], Field(strict=False)]
    port: Port
    spare: Port = Port(depth=1.0)

    @staticmethod
    @rule("port")
    def fits(port: object) -> Iterator[Problem]:
        """The port is wider than deep."""
        width, depth = getattr(port, "width", 1.0), getattr(port, "depth", 0.0)
        if width < depth:
            yield Problem(("port", "width"), "too narrow", "wider than deep", "widen it")


def findings(tmp_path, text):
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FindingsError) as caught:
        from_yaml(path, Fleet)
    return [(f.line, f.place, f.problem) for f in caught.value.findings]


def test_what_is_right_is_the_same_as_from_python(tmp_path):
    path = tmp_path / "fleet.yaml"
    path.write_text("port: {depth: 2}\nboats:\n  - name: a\n    sails: 3\nspare:\n", encoding="utf-8")
    with pytest.raises(FindingsError, match=r"spare\.depth"):
        from_yaml(path, Fleet)  # an empty section holds no key, and this one needs one
    path.write_text("port: {depth: 2}\nboats:\n  - name: a\n    sails: 3\n", encoding="utf-8")
    assert from_yaml(path, Fleet) == Fleet(boats=[Boat(name="a", sails=3)], port=Port(depth=2.0))


def test_findings_come_at_once_with_their_lines_in_order(tmp_path):
    boats = "boats:\n  - name: a\n    sails: 10\n  - sails: 1\n    sails: 2\n    oars: 4\n"
    text = f"{boats}port:\n  width: -1\nx: 1\n"
    assert findings(tmp_path, text) == [
        (3, "line 3, boats[0].sails", "10 is out of range"),
        (4, "line 4, boats[1].name", "the key is missing"),
        (5, "line 5, boats[1].sails", 'the key "sails" occurs twice (first on line 4)'),
        (6, "line 6, boats[1].oars", 'the key "oars" is unknown'),
        (7, "line 7, port.depth", "the key is missing"),
        (8, "line 8, port.width", "too narrow"),
        (9, "line 9, x", 'the key "x" is unknown'),
    ]


def test_a_lacking_section_is_named_key_by_key(tmp_path):
    assert findings(tmp_path, "boats: []\n") == [(1, "line 1, port.depth", "the key is missing")]


def test_line_ten_comes_after_line_two(tmp_path):
    boats = "".join(f"  - name: b{k}\n" for k in range(8))
    found = findings(tmp_path, f"y: 1\nboats:\n{boats}x: 1\nport: {{depth: 1}}\n")
    assert [line for line, *_ in found] == [1, 11]
