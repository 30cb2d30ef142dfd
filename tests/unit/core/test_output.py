"""What a command writes appears whole, and a failure leaves what was there."""

import errno
import os
from pathlib import Path

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.output import Page, check_new, check_place, copy_files, staged, write_whole
from eubiosis.core.report_input import empty_report
from eubiosis.report.forecast_page.page import sections_page
from eubiosis.report.trial.page import trial_report


def full(*arguments):
    """Say that the disk is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_replaced_whole_or_stays(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "a" / "page.html", "old Käse\n")
    assert path.read_bytes() == "old Käse\n".encode()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == "old Käse\n".encode()
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]


def test_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        write_whole(tmp_path / "pipe", b"new")
    assert (tmp_path / "pipe").is_fifo()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_appears_at_the_end(tmp_path):
    with staged(tmp_path / "out") as aside:
        (aside / "a.txt").write_text("1")
        assert not (tmp_path / "out").exists()
    with staged(tmp_path / "out") as aside:
        (aside / "sub").mkdir()
        (aside / "sub" / "b.txt").write_text("2")
        (aside / "a.txt").write_text("3")
    assert (tmp_path / "out" / "a.txt").read_text() == "3"
    assert (tmp_path / "out" / "sub" / "b.txt").read_text() == "2"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def broken(folder, error):
    with staged(folder) as aside:
        (aside / "a.txt").write_text("half")
        raise error


def test_a_failure_leaves_what_was_there(tmp_path):
    with staged(tmp_path / "out") as aside:
        (aside / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        broken(tmp_path / "out", KeyboardInterrupt())
    with pytest.raises(FindingsError, match="No space left"):
        broken(tmp_path / "out", OSError(errno.ENOSPC, "No space left on device"))
    assert (tmp_path / "out" / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_is_wrong_with_an_input_is_not_said_of_the_output(tmp_path):
    with pytest.raises(FileNotFoundError, match="input"), staged(tmp_path / "out"):
        (tmp_path / "input").read_text()
    with pytest.raises(FindingsError, match="cannot be written"), staged(tmp_path / "out") as aside:
        (aside / "no such folder" / "a.txt").write_text("1")
    (tmp_path / "file").touch()
    with pytest.raises(FindingsError, match="cannot be written"), staged(tmp_path / "file" / "out"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_file_in_the_way_and_a_folder_that_is_not_new_are_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FindingsError, match="a file stands there"), staged(tmp_path / "file"):
        pass
    with pytest.raises(FindingsError, match="not empty"), staged(tmp_path, new=True):
        pass
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_holds_other_things_is_refused_and_ones_own_files_are_replaced(tmp_path):
    out = tmp_path / "out"
    for turn in ("1", "2"):
        with staged(out, own=["a.txt"]) as aside:
            (aside / "a.txt").write_text(turn)
    assert (out / "a.txt").read_text() == "2"
    (out / "mine.txt").write_text("keep")
    with pytest.raises(FindingsError, match=r"it holds mine\.txt too"), staged(out, own=["a.txt"]):
        pass


def test_folders_made_for_a_file_go_with_it_and_the_error_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_whole(tmp_path / "a" / "b" / "page.html", "new")
    assert caught.value.filename == str(tmp_path / "a" / "b" / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_made_for_a_folder_go_with_it(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        broken(tmp_path / "new" / "newer" / "out", KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []
    with staged(tmp_path / "new" / "newer" / "out") as aside:
        (aside / "a.txt").write_text("1")
    assert (tmp_path / "new" / "newer" / "out" / "a.txt").read_text() == "1"


def test_a_place_is_tried_by_writing_and_stays_as_it_was(tmp_path, monkeypatch):
    """Rights alone would let a full disk pass."""
    (tmp_path / "mine.txt").write_text("keep")
    check_place(tmp_path / "a" / "b.html", folder=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FindingsError, match=r"cannot be written \(No space left on device\)"):
        check_place(tmp_path / "a" / "b.html", folder=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_files_of_a_folder_are_copied_and_the_first_refusal_is_told(tmp_path, monkeypatch):
    (tmp_path / "from" / "sub" / "__pycache__").mkdir(parents=True)
    (tmp_path / "from" / "sub" / "a.txt").write_text("1")
    (tmp_path / "from" / "sub" / "a.txt").chmod(0o444)
    (tmp_path / "from" / "sub" / "__pycache__" / "a.pyc").write_text("2")
    copy_files(tmp_path / "from", tmp_path / "to")
    assert [str(p.relative_to(tmp_path / "to")) for p in tmp_path.glob("to/**/*") if p.is_file()] == [
        str(Path("sub") / "a.txt")
    ]
    (tmp_path / "to" / "sub" / "a.txt").write_text("may be written")
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(FindingsError, match=r"cannot be written \(No space left on device\)"):  # noqa: SIM117
        with staged(tmp_path / "again") as aside:
            copy_files(tmp_path / "from", aside)
    assert not (tmp_path / "again").exists()


def test_a_file_is_left_alone_unless_it_is_a_page_of_the_same_kind(tmp_path):
    file = tmp_path / "page.html"
    check_new(file)
    check_new(file, page=Page.AXIS)
    file.write_text(sections_page(str(Page.AXIS), "", ()), "utf-8")
    check_new(file, page=Page.AXIS)
    for refused in (None, Page.MODEL):
        with pytest.raises(FindingsError, match="it exists already") as caught:
            check_new(file, page=refused)
        assert caught.value.findings[0].file == str(file)
        assert "choose another name" in str(caught.value)
    file.write_text(f"notes on <title>{Page.AXIS}</title>", "utf-8")
    with pytest.raises(FindingsError, match="no such page"):
        check_new(file, page=Page.AXIS)


def test_the_report_of_a_trial_is_known_again(tmp_path):
    file = tmp_path / "report.html"
    file.write_text(trial_report(empty_report("A title")), "utf-8")
    check_new(file, page=Page.TRIAL)
    with pytest.raises(FindingsError, match="no such page"):
        check_new(file, page=Page.MODEL)
