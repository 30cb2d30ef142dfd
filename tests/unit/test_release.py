"""Version, changelog and citation say the same; what a release promises is written down."""

import re
import tomllib
from pathlib import Path

import yaml

from eubiosis.core.version import __version__

ROOT = Path(__file__).parents[2]


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    headings = re.findall(
        r"^## (\S+)(?: \((.+)\))?$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    released = [(version, day) for version, day in headings if version != "Unreleased"]
    assert project["version"] == __version__ == cited["version"] == released[0][0]
    assert str(cited["date-released"]) == released[0][1]


def test_nothing_is_deprecated_in_silence():
    page = (ROOT / "docs" / "reference" / "stability.md").read_text(encoding="utf-8")
    warned = [
        path.name
        for path in (ROOT / "src" / "eubiosis").rglob("*.py")
        if "DeprecationWarning" in path.read_text(encoding="utf-8")
    ]
    assert ("nothing is deprecated" in page) == (warned == [])
