"""Kept machine code: used when it is intact and ours, otherwise compiled anew with the same numbers."""

import hashlib
import json
import logging
import threading

import numpy as np
import pytest

from engine_models import compiled, same
from eubiosis.engine.codegen.native import CACHE_VARIABLE, cache_folder

TEXT = "k = 0.7; x = 3; x' = -k*x"
TIMES = [0.0, 1.0, 2.0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of this test's own, kept from others."""
    place = tmp_path / "kernels"
    monkeypatch.setenv(CACHE_VARIABLE, str(place))
    return place


def run():
    """Compile and solve; returns the numbers and whether the solver's code came from the cache."""
    model = compiled(TEXT)
    values = model.solve(TIMES, ["x"]).values
    codes = [kernel.code for kernel in model.library.loops]
    return values, [code.from_cache for code in codes]


@pytest.fixture
def kept(folder):
    """The file of a kernel that has been kept, and the numbers it gave."""
    values, from_cache = run()
    assert from_cache == [False]
    (file,) = folder.glob("*.kernel")
    return file, values


def test_the_second_time_it_is_read(kept):
    file, values = kept
    again, from_cache = run()
    assert from_cache == [True]
    assert same(again, values)
    np.testing.assert_allclose(values[0, :, 0], 3 * np.exp(-0.7 * np.array(TIMES)), rtol=1e-7)
    assert file.parent.stat().st_mode & 0o077 == 0


def header(content):
    line, _, code = content.partition(b"\n")
    return json.loads(line), code


def other_key(content):
    head, code = header(content)
    return json.dumps({**head, "key": "0" * 64}).encode() + b"\n" + code


def flipped(content):
    return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]


def foreign_code(content):
    """Other bytes with a checksum that fits, but under the key of nothing."""
    head, code = header(content)
    return (
        json.dumps({"sha256": hashlib.sha256(code).hexdigest(), "facts": head["facts"]}).encode()
        + b"\n"
        + code
    )


def other_facts(content):
    head, code = header(content)
    facts = dict.fromkeys(head["facts"], 1)
    return json.dumps({**head, "facts": facts}).encode() + b"\n" + code


DAMAGES = {
    "other facts": other_facts,
    "empty": lambda _: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "no newline": lambda content: content.replace(b"\n", b" ", 1),
    "a flipped bit": flipped,
    "another key": other_key,
    "no key": foreign_code,
    "not JSON": lambda _: b"\x80\x04\x95 not a header\ncode",
    "a list": lambda content: b"[1, 2]\n" + content,
    "wrong checksum": lambda content: content.replace(b'"sha256": "', b'"sha256": "0', 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_compiled_anew_and_said(kept, damage, caplog):
    file, values = kept
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    with caplog.at_level(logging.WARNING):
        again, from_cache = run()
    assert from_cache == [False]
    assert same(again, values)
    assert "damaged and is compiled anew" in caplog.text
    assert header(file.read_bytes())[0] == header(whole)[0]
    assert run()[1] == [True]  # what was written then is good


def test_what_cannot_be_read_is_compiled_anew(kept, caplog):
    file, values = kept
    file.unlink()
    file.mkdir()
    with caplog.at_level(logging.WARNING):
        again, from_cache = run()
    assert from_cache == [False]
    assert same(again, values)
    assert "cannot be read" in caplog.text
    assert "could not be kept" in caplog.text
    assert [p.name for p in file.parent.iterdir()] == [file.name]  # nothing half-written stays


@pytest.mark.parametrize("mode", [0o777, 0o722, 0o702, 0o720])
def test_a_folder_that_others_can_write_is_not_trusted(kept, mode, caplog):
    file, values = kept
    file.parent.chmod(mode)
    with caplog.at_level(logging.WARNING):
        again, from_cache = run()
    assert from_cache == [False]
    assert same(again, values)
    assert "can be written by others" in caplog.text


def test_an_empty_name_switches_keeping_off(folder, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, "")
    assert cache_folder() is None
    assert run()[1] == [False]
    assert run()[1] == [False]
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "kernels"))
    with caplog.at_level(logging.WARNING):
        assert run()[1] == [False]
    assert "are not kept" in caplog.text


def test_the_folder_is_the_users_unless_it_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "eubiosis" / "kernels"


def test_other_options_and_other_models_have_other_files(folder):
    model = compiled(TEXT)
    model.solve(TIMES, ["x"])
    model.solve(TIMES, ["x"], parameters={"k": np.full(100, 2.0)})  # so many are served by optimised code
    model.solve(TIMES, ["x"], method="rodas4")
    compiled(TEXT.replace("0.7", "0.8")).solve(TIMES, ["x"])
    assert len(list(folder.glob("*.kernel"))) == 4


def test_writers_at_once_leave_one_good_file(folder):
    answers, start = [], threading.Barrier(4)

    def work(model):
        start.wait()
        answers.append(model.solve(TIMES, ["x"]).values)

    models = [compiled(TEXT) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert all(same(answer, answers[0]) for answer in answers)
    assert len(list(folder.iterdir())) == 1
    assert run()[1] == [True]
