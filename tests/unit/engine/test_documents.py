"""The examples of the engine's pages are run, and print what the pages say."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", ["concepts/engine.md", "how_to/engine.md"])
def test_an_example_prints_what_the_page_says(page):
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    place = next(k for k, (kind, _) in enumerate(blocks) if kind == "python")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(blocks[place][1], {})
    assert blocks[place + 1][0] == "text"
    assert said.getvalue() == blocks[place + 1][1]
