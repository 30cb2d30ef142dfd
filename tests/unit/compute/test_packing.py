"""Results travel as bytes without losing a bit; bytes from elsewhere yield the type asked for or nothing."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eubiosis.compute.packing import DamagedPackage, pack, unpack
from eubiosis.core.frame import Table


@dataclasses.dataclass(frozen=True)
class Inner:
    value: float
    name: str
    detail: Mapping[str, float | int | str]


@dataclasses.dataclass(frozen=True)
class Outer:
    rows: tuple[Inner, ...]
    by_week: Mapping[float, Mapping[str, NDArray[np.float64]]]
    table: Table | None
    status: Literal["ok", "lost"]
    counts: Sequence[int]
    flag: bool = True


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
inners = st.builds(
    Inner,
    value=st.floats(),
    name=texts,
    detail=st.dictionaries(texts, st.floats() | st.integers() | texts, max_size=3),
)
arrays = st.lists(st.floats(), max_size=5).map(np.array)
tables = st.lists(st.floats(), min_size=1, max_size=3).map(
    lambda values: Table({"x": values}, name="t", units={"x": "mM"})
)
outers = st.builds(
    Outer,
    rows=st.lists(inners, max_size=4).map(tuple),
    by_week=st.dictionaries(
        st.floats(allow_nan=False), st.dictionaries(texts, arrays, max_size=2), max_size=2
    ),
    table=st.none() | tables,
    status=st.sampled_from(["ok", "lost"]),
    counts=st.lists(st.integers(-(2**70), 2**70), max_size=3).map(tuple),
    flag=st.booleans(),
)


def bits(value):
    """Spell a value out so that equal text means equal bits, not a number included."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{value.tobytes().hex()}"
    if isinstance(value, Table):
        return f"{value!r}{dict(value.units)}{[bits(value[name]) for name in value.columns]}"
    if dataclasses.is_dataclass(value):
        return f"{type(value).__name__}({[bits(getattr(value, f.name)) for f in dataclasses.fields(value)]})"
    if isinstance(value, Mapping):
        return f"{[(bits(k), bits(v)) for k, v in value.items()]}"
    if isinstance(value, tuple | list):
        return f"{[bits(item) for item in value]}"
    return value.hex() if isinstance(value, float) else f"{type(value).__name__} {value!r}"


@given(outers)
@settings(max_examples=60, deadline=None)
def test_every_bit_comes_back(value):
    assert bits(unpack(pack(value), Outer)) == bits(value)


@given(value=outers, data=st.data())
@settings(max_examples=80, deadline=None)
def test_damaged_bytes_are_refused_or_hold_the_type_all_the_same(value, data):
    content = bytearray(pack(value))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    try:
        found = unpack(bytes(content), Outer)
    except DamagedPackage:
        return
    assert isinstance(found, Outer)
    assert all(isinstance(row, Inner) for row in found.rows)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, int),
        ("a", float),
        (None, str),
        (True, int),
        ("gone", Literal["ok", "lost"]),
        ((1, 2), tuple[int, int, int]),
    ],
)
def test_another_type_is_refused(value, kind):
    with pytest.raises(DamagedPackage):
        unpack(pack(value), kind)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"value": 1' + b"0" * 400 + b', "sizes": []}\n', float),
        (b'{"value": ["<U1", [1], 0, false], "sizes": [4]}\n\xff\xff\xff\xff', np.ndarray),
        (b'{"value": [">U1", [1], 0, true], "sizes": [4]}\n\x00\x11\x00\x00', np.ndarray),
    ],
    ids=["a number that no float holds", "no character", "no character, the other way round"],
)
def test_what_python_itself_cannot_hold_is_damaged(content, kind):
    with pytest.raises(DamagedPackage):
        unpack(content, kind)


def test_what_has_no_packed_form_is_refused():
    for value in (object(), {1, 2}, np.array([1 + 2j])):
        with pytest.raises(TypeError, match="no packed form"):
            pack(value)
    assert unpack(pack(np.array(["a", None], dtype=object)), np.ndarray).tolist() == ["a", "None"]
