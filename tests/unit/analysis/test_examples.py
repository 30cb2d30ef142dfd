"""The examples in the docstrings of the analysis package, run."""

import doctest
import importlib
import pkgutil

import pytest

import eubiosis.analysis

MODULES = [module.name for module in pkgutil.iter_modules(eubiosis.analysis.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"eubiosis.analysis.{name}")
    assert doctest.testmod(module).failed == 0
