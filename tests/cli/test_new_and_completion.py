"""Every start passes the check, what cannot be started is refused, and shells are told how to complete."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.workflow.template import starts

REPLAYS = {path.name for path in (PACKAGED_CONTENT / "trials" / "replays").glob("*.yaml")}


@pytest.mark.parametrize("start", starts(), ids=lambda start: start.id)
def test_a_start_passes_the_check(start, eubiosis, tmp_path):
    status, out, _ = eubiosis("new", tmp_path / "new", "--from", start.id, "--json")
    assert status == 0
    (made,) = json.loads(out)["wrote"]
    assert made.endswith(start.target)
    assert (tmp_path / "new" / "stool.tsv").exists() == (start.kind == "workflow")
    status, out, err = eubiosis("check", made)
    assert (status, err) == (0, "")
    assert "no findings" in out


def test_there_is_one_for_each_kind_of_use_with_every_replay_and_brief():
    files = {start.path for start in starts()}
    assert {path.name for path in files if path.parent.name == "replays"} == REPLAYS
    assert set((PACKAGED_CONTENT / "briefs").glob("*.yaml")) <= files
    assert set((PACKAGED_CONTENT / "starts").glob("*.yaml")) <= files
    assert {start.kind for start in starts()} == {"workflow", "question", "plan"}


def test_an_unknown_start_names_the_nearest_and_writes_nothing(eubiosis, tmp_path):
    status, _, err = eubiosis("new", tmp_path / "new", "--from", "fatige")
    assert status == 1
    assert 'nearest "fatigue"' in err
    assert not (tmp_path / "new").exists()
    assert eubiosis("new")[0] == 2


def test_check_says_what_is_wrong_in_a_question_and_a_plan(eubiosis, tmp_path):
    (tmp_path / "q.yaml").write_text("intervention: inulin\ntitel: x\n")
    (tmp_path / "p.yaml").write_text("columns: {participant: id}\narms: []\n")
    status, out, _ = eubiosis("check", tmp_path / "q.yaml", tmp_path / "p.yaml", "--json")
    assert status == 1
    question, plan = json.loads(out)["files"]
    assert any("titel" in json.dumps(each) for each in question["findings"])
    assert plan["findings"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_calls_us_back(shell, eubiosis):
    status, out, _ = eubiosis("completion", shell)
    assert status == 0
    assert "_EUBIOSIS_COMPLETE" in out
    program = shutil.which(shell)
    if program is not None:
        said = subprocess.run([program, "-n"], input=out, text=True, capture_output=True, check=False)
        assert said.stderr == ""


def test_a_word_is_completed():
    asked = {"_EUBIOSIS_COMPLETE": "bash_complete", "COMP_WORDS": "eubiosis evid", "COMP_CWORD": "1"}
    call = "import sys; sys.argv = ['eubiosis']; from eubiosis.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", call], env=os.environ | asked, text=True, capture_output=True, check=False
    )
    assert done.stdout.split() == ["plain,evidence"]
