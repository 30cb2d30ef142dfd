"""The examples in the docstrings of every module give what they print."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import eubiosis


def examples_of(name: str) -> list[doctest.DocTest]:
    module = importlib.import_module(name)
    return [found for found in doctest.DocTestFinder().find(module) if found.examples]


SOURCE = Path(eubiosis.__file__).parent
# told by their text: to import every module takes seconds in every process that runs tests
WITH_EXAMPLES = [
    ".".join(("eubiosis", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(SOURCE.rglob("*.py"))
    if path.name != "__main__.py" and ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_right(name: str) -> None:
    found = examples_of(name)
    assert found
    for one in found:
        said: list[str] = []
        result = doctest.DocTestRunner(verbose=False).run(one, out=said.append)
        assert result.failed == 0, "".join(said)


def test_many_docstrings_have_examples() -> None:
    assert sum(len(examples_of(name)) for name in WITH_EXAMPLES) >= 50
