"""Shared by the tests of the command line."""

import sys

import pytest

from eubiosis.cli.main import main
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.model import load


@pytest.fixture(autouse=True)
def _packaged_model_is_loaded_once(model, monkeypatch):
    """A command of a test gets the model, and the kernels, that the commands before it had."""
    monkeypatch.setattr(
        "eubiosis.model.load",
        lambda folder=PACKAGED_CONTENT: model if folder == PACKAGED_CONTENT else load(folder),
    )


@pytest.fixture
def eubiosis(monkeypatch, capsys):
    """Run the command line in this process; return (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["eubiosis", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as error:
            status = error.code or 0
        out, err = capsys.readouterr()
        return status, out, err

    return run
