"""Shared by the tests of the command line."""

import sys

import pytest

from eubiosis.cli.main import main


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
