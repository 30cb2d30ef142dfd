"""Build the wheel, install it into a fresh environment, and follow README and tutorials from it alone."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"(?P<mark>\*Not run by the tests: [^*]+\*\s*)?^```(?P<kind>sh|python)\n(?P<text>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of the blocks of a page that the tests run."""
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    return [(each["kind"], each["text"]) for each in found if not each["mark"]]


def run(words: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """Run one command and say how long it took; end the script where it fails."""
    start = time.monotonic()
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    shown = " ".join(words[:6]).replace("\n", " ")[:100]
    print(
        f"{'ok' if done.returncode == 0 else 'FAILED':7}{time.monotonic() - start:7.1f} s  {shown}",
        flush=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def main() -> int:
    """Do all of it in a temporary folder; return 0 where everything worked."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    with tempfile.TemporaryDirectory(prefix="eubiosis-wheel-") as aside:
        home = Path(aside)
        built = home / "dist"
        run(
            [
                sys.executable,
                "-m",
                "pip",
                "wheel",
                "--no-deps",
                "--no-build-isolation",
                "-w",
                str(built),
                str(ROOT),
            ],
            home,
            plain,
        )
        wheel = next(built.glob("*.whl"))
        venv.EnvBuilder(with_pip=True).create(home / "env")
        scripts = home / "env" / ("Scripts" if os.name == "nt" else "bin")
        python = str(scripts / "python")
        lock = str(ROOT / "requirements.lock")
        run(
            [python, "-m", "pip", "install", "-q", "--require-hashes", "--only-binary", ":all:", "-r", lock],
            home,
            plain,
        )
        run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel)], home, plain)
        plain |= {"EUBIOSIS_CACHE_DIR": str(home / "cache")}
        empty = home / "empty"
        empty.mkdir()
        where = subprocess.run(
            [python, "-c", "import eubiosis; print(eubiosis.__file__)"],
            cwd=empty,
            env=plain,
            capture_output=True,
            text=True,
            check=True,
        )
        if not Path(where.stdout.strip()).is_relative_to(home):
            sys.exit(f"not the wheel: {where.stdout}")
        eubiosis = str(scripts / "eubiosis")
        run([eubiosis, "doctor"], empty, plain)
        run([eubiosis, "demo", "-q"], empty, plain)
        for page in (ROOT / "README.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md"))):
            folder = home / page.stem
            folder.mkdir()
            for kind, text in blocks(page):
                if kind == "python":
                    run([python, "-W", "error", "-c", text], folder, plain)
                    continue
                for line in text.replace("\\\n", " ").splitlines():
                    words = shlex.split(line, comments=True)
                    if words:
                        run([eubiosis, *words[1:]], folder, plain)
    print("all of it from the wheel alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
