"""The examples in the docstrings are run."""

import doctest

import pytest

from eubiosis.population import contrast, reading, reference, stool, taxa


@pytest.mark.parametrize("module", [contrast, reading, reference, stool, taxa])
def test_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
