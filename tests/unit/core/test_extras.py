"""The line that installs an optional part names what the project names for it, and no package of ours."""

import re
import tomllib
from pathlib import Path

import pytest

from eubiosis.core.extras import EXTRAS, install_line

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_line_names_every_library_of_the_extra(extra):
    stated = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"][extra]
    assert sorted(re.match(r"[\w-]+", each)[0] for each in stated) == sorted(EXTRAS[extra])
    assert "eubiosis[" not in install_line(extra)
