"""Every Python block of the README and the tutorials runs as written, in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md"))]


def python_of(page: Path) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_with_public_names_only(page: Path, tmp_path: Path) -> None:
    code = python_of(page)
    assert code
    inner = re.findall(r"eubiosis\.[a-z_.]+|\b_[a-z]\w*\(", code)
    assert not inner, f"names that are not on the public face: {inner}"
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip()


def test_a_tutorial_has_about_as_many_lines_as_it_says() -> None:
    for page in PAGES[1:]:
        lines = [line for line in python_of(page).splitlines() if line.strip()]
        assert 12 <= len(lines) <= 40, page.name


def test_the_notebooks_are_what_their_pages_say() -> None:
    script = ROOT / "docs" / "make_notebooks.py"
    said = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
