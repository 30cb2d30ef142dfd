"""The examples in the docstrings are run."""

import doctest

import pytest

from eubiosis.compute import pool
from eubiosis.core import findings
from eubiosis.workflow import fields, yaml_lines


@pytest.mark.parametrize("module", [pool, findings, fields, yaml_lines])
def test_examples_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
