"""What a command prints reaches a file whatever the code page of the country is."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("page", ["cp1252", "ascii"])
def test_signs_that_the_code_page_lacks_are_written_in_utf8(page, tmp_path):
    table = tmp_path / "stool.tsv"
    table.write_text("id\tBlautia\tRoseburia\nβ-größer\t60\t40\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "eubiosis", "profile", str(table), "--include-persons", "--worlds", "0"],
        env={**os.environ, "PYTHONIOENCODING": page, "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert "β-größer" in done.stdout.decode("utf-8")
