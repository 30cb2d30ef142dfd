"""run.py: what it says about wrong commands and missing prerequisites, in one clear line."""

import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_py(monkeypatch, tmp_path):
    """The script as a module, with its root in an empty folder that holds only what it reads."""
    spec = importlib.util.spec_from_file_location("run_py", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def script(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *arguments], capture_output=True, text=True, check=False
    )


def test_an_unknown_command_exits_2_with_the_allowed_words():
    done = script("tset")
    assert done.returncode == 2
    assert done.stdout == ""
    assert (
        done.stderr.strip()
        == 'run.py: "tset" is unknown; allowed: demo, test, check, docs, gallery, wheel, audit, --'
    )


def test_without_a_command_it_shows_its_help():
    done = script()
    assert done.returncode == 2
    assert "python3 run.py demo" in done.stdout
    assert script("--help").returncode == 0


def one_line(captured):
    lines = captured.err.strip().splitlines()
    assert lines
    assert captured.out == ""
    return lines[-1]


def test_too_old_a_python(run_py, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    monkeypatch.setattr(sys, "version", "3.9.18 (main)")
    with pytest.raises(SystemExit) as stopped:
        run_py.prepare("run")
    assert stopped.value.code == 3
    assert one_line(capsys.readouterr()) == "run.py: Python 3.9.18 is too old; needed: 3.11 or newer"


def test_the_script_compiles_on_an_old_python():
    """An old Python must get as far as the message: no syntax or import newer than 3.7."""
    import ast

    text = (ROOT / "run.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {
        *("__future__", "ensurepip", "hashlib", "json", "os", "pathlib", "subprocess", "sys", "venv"),
    }


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_no_venv_module(run_py, monkeypatch, capsys, tmp_path, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as stopped:
        run_py.make_environment(tmp_path / ".venv")
    assert stopped.value.code == 3
    line = one_line(capsys.readouterr())
    assert "no venv module" in line
    assert "python3-venv" in line


@pytest.fixture
def pip_that_fails(run_py, monkeypatch):
    def prepare(stderr):
        def fake(command, **options):
            assert command[1:3] == ["-m", "pip"]
            return subprocess.CompletedProcess(command, 1, "", stderr)

        monkeypatch.setattr(run_py.subprocess, "run", fake)

    return prepare


@pytest.mark.parametrize(
    "stderr",
    [
        "WARNING: Retrying ... NewConnectionError('...: Failed to establish a new connection')",
        "Temporary failure in name resolution",
        "ERROR: No matching distribution found for numpy==2.4.1",
    ],
)
def test_no_network(run_py, pip_that_fails, capsys, stderr):
    pip_that_fails(stderr)
    with pytest.raises(SystemExit) as stopped:
        run_py.pip(Path("python"), "install", "x")
    assert stopped.value.code == 3
    captured = capsys.readouterr()
    assert "check the network" in one_line(captured)
    assert stderr in captured.err


def test_another_failure_of_pip_shows_its_last_lines(run_py, pip_that_fails, capsys):
    pip_that_fails("first\n" * 2000 + "THESE PACKAGES DO NOT MATCH THE HASHES")
    with pytest.raises(SystemExit) as stopped:
        run_py.pip(Path("python"), "install", "x")
    assert stopped.value.code == 3
    captured = capsys.readouterr()
    assert "DO NOT MATCH THE HASHES" in captured.err
    assert "network" not in one_line(captured)
    assert len(captured.err) < 3000


def test_a_stamp_follows_the_lock_and_the_project_file(run_py, tmp_path):
    first = run_py.stamp("run")
    content = (tmp_path / "requirements.lock").read_bytes() + (tmp_path / "pyproject.toml").read_bytes()
    assert first.name == f"eubiosis-run-{hashlib.sha256(content).hexdigest()[:16]}.stamp"
    assert run_py.stamp("dev") != first
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert run_py.stamp("run") != first


@pytest.fixture
def set_up(run_py, monkeypatch, tmp_path):
    """Count what prepare() would do, without doing it."""
    done = []

    def environment(folder):
        done.append("environment")
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch()

    monkeypatch.setattr(run_py.os, "name", "posix")
    monkeypatch.setattr(run_py, "make_environment", environment)
    monkeypatch.setattr(run_py, "pip", lambda _, *arguments: done.append(arguments))
    return done


def test_the_first_call_sets_everything_up_and_the_second_nothing(run_py, set_up, capsys, tmp_path):
    python = run_py.prepare("run")
    assert python == str(tmp_path / ".venv/bin/python")
    assert set_up[0] == "environment"
    assert "--require-hashes" in set_up[1]
    assert str(tmp_path / "requirements.lock") in set_up[1]
    assert "--no-deps" in set_up[2]
    assert "virtual environment" in capsys.readouterr().err
    before = list(set_up)
    assert run_py.prepare("run") == python
    assert set_up == before
    assert capsys.readouterr().err == ""


def test_a_changed_lock_is_installed_again_and_the_old_stamp_goes(run_py, set_up, tmp_path):
    run_py.prepare("run")
    old = run_py.stamp("run")
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    run_py.prepare("run")
    assert set_up.count("environment") == 1
    assert len(set_up) == 5
    assert not old.exists()
    assert run_py.stamp("run").exists()


def test_a_development_environment_serves_a_plain_run_but_not_the_reverse(run_py, set_up):
    run_py.prepare("dev")
    count = len(set_up)
    run_py.prepare("run")
    assert len(set_up) == count


def test_a_plain_environment_does_not_serve_the_tests(run_py, set_up, tmp_path):
    run_py.prepare("run")
    count = len(set_up)
    run_py.prepare("dev")
    assert len(set_up) > count
    assert str(tmp_path / "requirements-dev.lock") in set_up[count]


def test_a_failed_installation_leaves_no_stamp(run_py, set_up, monkeypatch):
    def fail(*arguments):
        raise SystemExit(3)

    monkeypatch.setattr(run_py, "pip", fail)
    with pytest.raises(SystemExit):
        run_py.prepare("run")
    assert not run_py.stamp("run").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_and_hashes_everything_and_names_no_host_and_no_path(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--index-url|--find-links|--extra-index|(^|\s)/\w", text)
    logical = re.sub(r"\\\n", " ", text).splitlines()
    entries = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"^[A-Za-z0-9_.\-\[\]]+==[^\s;]+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize(
    ("pins", "status", "words"),
    [
        ([], 3, "NOT audited: all of the pins could not be looked up; the audit needs a network"),
        ([{"name": "a", "skip_reason": "not found"}, {"name": "b", "version": "1", "vulns": []}], 3,
         "NOT audited: 1 of 2 pins"),
        ([{"name": "b", "version": "1", "vulns": []}], 0, "1 pins looked up, 0 vulnerabilities known"),
        ([{"name": "b", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}], 1,
         "b 1: CVE-1; fixed in: 2"),
    ],
)  # fmt: skip
def test_an_audit_calls_nothing_sound_that_was_not_looked_up(run_py, capsys, pins, status, words):
    assert run_py.audited("some.lock", pins, "no route to host") == status
    said = capsys.readouterr()
    assert words in said.out + said.err
