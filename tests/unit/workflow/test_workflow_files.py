"""Files that are no workflow at all: a finding each, and nothing in them is run."""

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.workflow.files.workflow_yaml import read_workflow


def findings_of(path):
    with pytest.raises(FindingsError) as caught:
        read_workflow(path)
    return caught.value.findings


NOT_YAML = {
    "list instead of keys": ("- 1\n- 2\n", "a list where keys belong"),
    "sentence": ("just a sentence\n", '"just a sentence" where keys belong'),
    "open bracket": ("title: [a\n", "not YAML"),
    "tab": ("title: a\n\tquestion: b\n", "not YAML"),
    "alias": ("title: &a x\nquestion: *a\n", '"*a" is an anchor or alias'),
    "empty": ("", "the file is empty"),
    "comment only": ("# nothing\n", "the file is empty"),
    "two documents": ("a: 1\n---\nb: 2\n", "not YAML"),
    "nested too deeply": ("[" * 20_000, "nested too deeply"),
    "control character": ("title: \x01\n", "not YAML"),
    "key that is a list": ("[a, b]: 1\n", "a key that is not text"),
    "too large": ("#" * 1_000_001, "too many for a workflow"),
}


@pytest.mark.parametrize("case", NOT_YAML)
def test_a_file_that_is_no_workflow_is_a_finding(tmp_path, case):
    text, words = NOT_YAML[case]
    path = tmp_path / "w.yaml"
    path.write_text(text)
    found = findings_of(path)
    assert any(words in str(f) for f in found)
    assert all(f.next_step for f in found)


def test_missing_unreadable_and_binary_files_are_findings(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("title: x\nquestion: Bactérie\n".encode("latin-1"))
    assert "the file is missing" in str(findings_of(tmp_path / "lost.yaml")[0])
    assert "cannot be read" in str(findings_of(tmp_path)[0])
    latin = findings_of(tmp_path / "latin.yaml")[0]
    assert (latin.place, latin.problem) == ("line 2", "not UTF-8 text")


def test_nothing_in_a_file_is_run(tmp_path):
    trace = tmp_path / "trace"
    path = tmp_path / "w.yaml"
    path.write_text(f"title: !!python/object/apply:pathlib.Path.touch [{trace}]\n")
    assert "not plain data" in str(findings_of(path)[0])
    assert not trace.exists()
