#!/usr/bin/env python3
"""Set up Eubiosis and run its two main commands. Needs nothing but Python 3.11 or newer.

    python3 run.py demo     run the main job and write its page to demo/
    python3 run.py test     run the tests, in two processes (with arguments: pytest with these)
    python3 run.py check    lint, strict types and the layer check
    python3 run.py docs     build the documentation site into site/; a warning is an error
    python3 run.py gallery  remake the pictures of docs/gallery.md (needs Chromium)
    python3 run.py wheel    follow README and tutorials from the wheel alone, in a fresh environment
    python3 run.py audit    known vulnerabilities of the pinned requirements; needs a network
    python3 run.py -- ...   run the eubiosis command line in the project's environment

The first call makes a virtual environment in .venv and installs the pinned, hashed requirements; later
calls find it ready and start at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MINIMUM = (3, 11)
SCRIPTS = {
    "docs": "docs/make_site.py",
    "gallery": "docs/make_gallery.py",
    "wheel": "validation/wheel/follow.py",
}
COMMANDS = ("demo", "test", "check", *SCRIPTS, "audit", "--")
# in the order of the files, whose last are many and short, so that both processes end at about one time
TESTS = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


def main(arguments: list[str]) -> int:
    """Dispatch one command; return its exit status."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    command, rest = arguments[0], arguments[1:]
    if command == "demo":
        python = prepare("run")
        return run([python, "-m", "eubiosis", "demo", *rest])
    if command == "test":
        python = prepare("dev")
        return run([python, "-m", "pytest", *(rest or TESTS)])
    if command == "check":
        return check(prepare("dev"))
    if command == "audit":
        return audit(prepare("dev"))
    if command in SCRIPTS:
        return run([prepare("dev"), str(ROOT / SCRIPTS[command]), *rest])
    if command == "--":
        return run([prepare("run"), "-m", "eubiosis", *rest])
    print(f'run.py: "{command}" is unknown; allowed: {", ".join(COMMANDS)}', file=sys.stderr)
    return 2


def check(python: str) -> int:
    """Run the linter, the type checker and the layer check; return the first failure."""
    steps = (
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "mypy"],
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    )
    for step in steps:
        status = run([python, *step])
        if status:
            return status
    return 0


def audit(python: str) -> int:
    """Look up every pin of both lock files in the databases of vulnerabilities, which needs a network.

    Return 0 where all were looked up and none is known, 1 where one is, 3 where the look-up was not possible:
    what was not looked up is never called sound.
    """
    worst = 0
    for lock in LOCKS.values():
        command = [python, "-m", "pip_audit", "-r", str(ROOT / lock), "--require-hashes", "--disable-pip"]
        command += ["--progress-spinner", "off", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        try:
            pins = json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError, TypeError):
            pins = []
        worst = max(worst, audited(lock, pins, done.stderr))
    return worst


def audited(lock: str, pins: list[dict], said: str) -> int:  # type: ignore[type-arg]
    """Say what an audit found out about the pins of a lock file; return its exit status."""
    known = [(pin, each) for pin in pins for each in pin.get("vulns", ())]
    missed = sum("skip_reason" in pin for pin in pins)
    for pin, each in known:
        fixed = ", ".join(each.get("fix_versions", ())) or "none"
        print(f"{lock}: {pin['name']} {pin['version']}: {each['id']}; fixed in: {fixed}")
    if missed or not pins:
        say(
            f"{lock}: NOT audited: {missed or 'all'} of {len(pins) or 'the'} pins could not be looked up; "
            "the audit needs a network that reaches the databases of vulnerabilities"
        )
        if not pins:
            print(said.strip()[-500:], file=sys.stderr)
    else:
        print(f"{lock}: {len(pins)} pins looked up, {len(known)} vulnerabilities known")
    return 1 if known else 3 if missed or not pins else 0


def prepare(kind: str) -> str:
    """Make sure that .venv holds the requirements of this kind; return its Python."""
    if sys.version_info < MINIMUM:
        stop(f"Python {sys.version.split()[0]} is too old; needed: {MINIMUM[0]}.{MINIMUM[1]} or newer")
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # the development environment contains the running one, so either stamp serves a plain run
    kinds = ("run", "dev") if kind == "run" else ("dev",)
    if python.exists() and any(stamp(k).exists() for k in kinds):
        return str(python)
    if not python.exists():
        say(f"making a virtual environment in {folder.name}")
        make_environment(folder)
    lock = LOCKS[kind]
    say(f"installing the pinned requirements of {lock} (once; a few minutes on a slow network)")
    pip(python, "install", "--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / lock))
    say("installing eubiosis itself")
    pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    for old in folder.glob(f"eubiosis-{kind}-*.stamp"):
        old.unlink()
    stamp(kind).touch()
    return str(python)


def stamp(kind: str) -> Path:
    """Name the file whose presence says that these very requirements are installed."""
    content = (ROOT / LOCKS[kind]).read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return ROOT / ".venv" / f"eubiosis-{kind}-{hashlib.sha256(content).hexdigest()[:16]}.stamp"


def make_environment(folder: Path) -> None:
    """Create the virtual environment, or say in one line what is missing."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        stop("this Python has no venv module; install it (Debian, Ubuntu: apt install python3-venv)")
    try:
        venv.create(folder, with_pip=True, clear=folder.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        stop(f"the virtual environment could not be made: {error}")


def pip(python: Path, *arguments: str) -> None:
    """Run pip quietly; on failure show its last lines and what is most likely missing."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    result = subprocess.run(
        [str(python), "-m", "pip", "--quiet", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if result.returncode == 0:
        return
    print(result.stderr.strip()[-2000:], file=sys.stderr)
    signs = ("NewConnectionError", "Temporary failure", "Connection refused", "ConnectTimeout", "No matching")
    if any(sign in result.stderr for sign in signs):
        stop("pip reached no package index or found no wheel for this machine; check the network, call again")
    stop("pip could not install the requirements; its last lines stand above")


def run(command: list[str]) -> int:
    """Run a command in the project's folder; return its exit status."""
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 130


def say(message: str) -> None:
    """Tell the user what is going on, on standard error."""
    print(f"run.py: {message}", file=sys.stderr, flush=True)


def stop(message: str) -> None:
    """End with one clear line."""
    say(message)
    raise SystemExit(3)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
