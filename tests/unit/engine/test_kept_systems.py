"""A system comes back from JSON as it was, and one that is kept needs no library that reads SBML."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis import engine
from eubiosis.engine.codegen.native import kept_kernels
from eubiosis.engine.expressions import Call, Expression, Number, Symbol
from eubiosis.engine.kept_systems import kept_system, system_from_json, system_to_json
from eubiosis.engine.system import SbmlEvent, System
from eubiosis.model import Model

numbers = st.floats(allow_nan=False).map(Number)
names = st.text("abcxyz_ é<>", min_size=1, max_size=8).map(Symbol)
trees: st.SearchStrategy[Expression] = st.recursive(
    numbers | names,
    lambda inner: st.builds(
        Call, st.sampled_from(["+", "-", "piecewise", "neg"]), st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=20,
)
events = st.builds(
    SbmlEvent,
    id=st.just("e"),
    trigger=trees,
    assignments=st.lists(st.tuples(st.just("x"), trees), max_size=2).map(tuple),
    initial_value=st.booleans(),
    persistent=st.booleans(),
    use_trigger_values=st.booleans(),
    priority=st.none() | trees,
    delay=st.none() | trees,
    finish=st.lists(st.tuples(st.just("x"), trees), max_size=2).map(tuple),
)
DECAY = System(
    "decay", ("x",), ("k",), (), {"x": Call("neg", (Symbol("x"),))}, {}, {"x": 1.0}, {"k": 0.1}, {"x": "mM"}
)


@given(trees, trees, st.lists(events, max_size=2), st.floats(allow_nan=False))
def test_any_system_comes_back(
    rate: Expression, rule: Expression, two: list[SbmlEvent], value: float
) -> None:
    made = replace(
        DECAY,
        assigned=("y",),
        rates={"x": rate},
        rules={"y": rule},
        constants={"k": value},
        events=tuple(two),
        bounds=(rule,),
        initial_rules={"x": rate},
        amounts={"x": ("x", "")},
    )
    back = system_from_json(system_to_json(made))
    assert back == made
    assert back.text() == made.text()


def test_the_joined_model_comes_back(model: Model) -> None:
    read = engine.read_sbml(model.sbml())
    assert system_from_json(system_to_json(read)).text() == read.text()
    assert set(model.system.states) == set(read.states)


def test_what_is_kept_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EUBIOSIS_CACHE_DIR", str(tmp_path))
    made = []

    def make() -> System:
        made.append(1)
        return DECAY

    assert kept_system("source", "a", make) == DECAY
    assert kept_system("source", "a", make) == DECAY
    assert len(made) == 1
    kept_system("another source", "a", make)
    kept_system("source", "another maker", make)
    assert len(made) == 3
    for file in kept_kernels(tmp_path):  # one damaged bit, and it is made anew
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
    assert kept_system("source", "a", make) == DECAY
    assert len(made) == 4


def test_a_kept_model_loads_no_reader_of_sbml(model: Model) -> None:
    assert model.gut_kernel  # kept by now
    heavy = ("libsbml", "antimony", "pint", "pandas", "matplotlib", "scipy.stats")
    code = (
        "import sys; from eubiosis.core.content import PACKAGED_CONTENT;"
        "from eubiosis.model.model import load_known;"
        "load_known(PACKAGED_CONTENT).gut_kernel;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
