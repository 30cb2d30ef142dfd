"""The examples in the docstrings of every module give what they print."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import eubiosis


def examples_of(name: str) -> list[doctest.DocTest]:
    module = importlib.import_module(name)
    return [found for found in doctest.DocTestFinder().find(module) if found.examples]


NAMES = [
    found.name
    for found in pkgutil.walk_packages(eubiosis.__path__, "eubiosis.")
    if "__main__" not in found.name
]
WITH_EXAMPLES = [name for name in NAMES if examples_of(name)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_right(name: str) -> None:
    for one in examples_of(name):
        said: list[str] = []
        result = doctest.DocTestRunner(verbose=False).run(one, out=said.append)
        assert result.failed == 0, "".join(said)


def test_many_docstrings_have_examples() -> None:
    assert sum(len(examples_of(name)) for name in WITH_EXAMPLES) >= 50
