"""A command that is interrupted ends with 130, whoever is at work then."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from engine_models import sbml
from eubiosis.cli import main as command


@pytest.mark.parametrize("error", [KeyboardInterrupt, click.Abort])
def test_an_interrupt_that_click_does_not_catch_is_an_exit_too(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*, standalone_mode: bool) -> None:
        assert not standalone_mode
        raise error

    monkeypatch.setattr(command, "cli", interrupted)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "stopped\n"


def test_an_interrupt_that_an_import_wraps_is_one_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrapped(*, standalone_mode: bool) -> None:
        assert not standalone_mode
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            message = "Error calling __set_name__"
            raise RuntimeError(message) from error

    monkeypatch.setattr(command, "cli", wrapped)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "stopped\n"


def test_another_error_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*, standalone_mode: bool) -> None:
        assert not standalone_mode
        raise RuntimeError

    monkeypatch.setattr(command, "cli", broken)
    with pytest.raises(RuntimeError):
        command.main()


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the stream")
@pytest.mark.parametrize(
    "words", ["model list", "therapy list --json", "--help", "engine run {model} --times 0,1 --observe x"]
)
def test_a_closed_standard_output_is_one_line(words: str, tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text(sbml("x = 3; x' = -x"))
    asked = words.format(model=tmp_path / "model.xml")
    line = f"{sys.executable} -m eubiosis {asked} >&-"
    ended = subprocess.run(["sh", "-c", line], check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("standard output: it is closed")


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the stream")
def test_a_closed_standard_output_is_no_matter_where_nothing_is_printed(tmp_path: Path) -> None:
    line = f"{sys.executable} -m eubiosis doctor --bom {tmp_path / 'bom.json'} >&- 2>&-"
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0
    assert (tmp_path / "bom.json").stat().st_size > 0
