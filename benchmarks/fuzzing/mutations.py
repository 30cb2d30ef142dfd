"""Damage: bytes of a good file changed, and trees of a good YAML file with other branches."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

PIECES = [
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", b"../../../../", b"/dev/zero",
      b"&a [*a]", b"!!python/object:os"),
    *(b"1e999", b"-0", b"nan", b"9" * 400, b"[" * 3000, b"{" * 3000, b'"', b"\t",
      b"\r\n", b"<!DOCTYPE x [", b"&lt;"),
    *(b"null", b"true", b"[]", b"{}", b'"\\ud800"', b"*", b"&", b"#", b":", b"- ", b"\xf0\x9f\xa7\xa0"),
]  # fmt: skip
WORD = re.compile(rb"[A-Za-z0-9_.-]+")
NUMBERS = [b"0", b"-1", b"1e308", b"1e-320", b"nan", b"INF", b"9" * 30, b"x" * 300]


def mutated(good: bytes, dice: random.Random) -> bytes:
    """Return a file with one to four mutations."""
    content = bytearray(good)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(content) + 1)
        length = min(len(content) - at, int(2 ** dice.uniform(0, 9)))
        kind = dice.randrange(9)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del content[at : at + length]
        elif kind == 2:
            content[at:at] = content[at : at + length]
        elif kind == 3:
            content[at : at + dice.randrange(6)] = dice.choice(PIECES)
        elif kind == 4:
            other = dice.randrange(len(content) + 1)
            content[at : at + length] = content[other : other + length]
        elif kind == 5 and dice.random() < 0.2:
            del content[at:]
        elif kind >= 6 and (words := list(WORD.finditer(content))):  # a word for another: the form stays
            one, other = dice.choice(words), dice.choice(words)[0]
            content[slice(*one.span())] = dice.choice([other, other, *NUMBERS])
        else:
            content[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 8)))
    return bytes(content)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "inulin", "12 g/day", "week 4", "../../x", "/dev/zero", "1e999", "nan", "\ud800"])
)


def trees(good: Any) -> st.SearchStrategy[bytes]:
    """Draw a tree with one to three branches cut, renamed, drawn anew or put in the place of another."""
    words = sorted({step for place in _places(good) for step in place if isinstance(step, str)})
    keys = st.sampled_from(words) | st.text(max_size=8)
    values = st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    )

    @st.composite
    def draw_tree(draw: st.DrawFn) -> bytes:
        tree = copy.deepcopy(good)
        for _ in range(draw(st.integers(1, 3))):
            place = draw(st.sampled_from([p for p in _places(tree) if p] or [()]))
            if not place:
                break
            holder = tree
            for step in place[:-1]:
                holder = holder[step]
            kind = draw(st.sampled_from(("value", "value", "cut", "rename", "move")))
            if kind == "cut":
                del holder[place[-1]]
            elif kind == "rename" and isinstance(holder, dict):
                holder[draw(keys)] = holder.pop(place[-1])
            elif kind == "move":
                other = tree
                for step in draw(st.sampled_from([p for p in _places(tree) if p])):
                    other = other[step]
                holder[place[-1]] = copy.deepcopy(other)
            else:
                holder[place[-1]] = draw(values)
        return json.dumps(tree, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")

    return draw_tree()


def _places(tree: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    for step, inner in (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    ):
        yield from _places(inner, (*at, step))
