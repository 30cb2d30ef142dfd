"""The examples in the docstrings are run."""

import doctest
from importlib import import_module

import pytest

MODULES = ["effects", "forensics", "records", "growing.references"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(import_module(f"eubiosis.evidence.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
