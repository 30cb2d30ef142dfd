"""What docs/how_to/plan_a_trial.md shows runs, and its figures are right."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from eubiosis.analysis.planning import load_stool_variances

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how_to" / "plan_a_trial.md").read_text(
    encoding="utf-8"
)
MARKED = re.compile(r"\*Not run by the tests: [^*]*\*\s+```sh\n.*?```", re.DOTALL)
BLOCKS = re.findall(r"```sh\n(.*?)```", MARKED.sub("", PAGE), re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.replace("\\\n", "").splitlines() if line.strip()]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(eubiosis, tmp_path, command):
    words = shlex.split(command)[1:]
    words = [str(tmp_path / word) if word.endswith((".svg", ".png")) else word for word in words]
    if "--reestimate-at" in words:
        words += ["--simulate", "200"]
    status, out, err = eubiosis(*words)
    assert status == 0, err
    assert out


def test_the_page_has_commands():
    assert len(COMMANDS) >= 10


def test_the_numbers_of_the_page(eubiosis):
    guild = next(c for c in COMMANDS if "GUILD" in c).split(" --figure")[0]
    _, out, _ = eubiosis(*shlex.split(guild)[1:], "--json")
    rows = {(r["baseline_samples"], r["followup_samples"]): r["n"] for r in json.loads(out)["rows"]}
    assert (rows[1, 1], rows[3, 3]) == (60, 28)
    assert "60 per arm with one sample each time, 28 with three at both" in PAGE.replace("\n", " ")
    shift = {row.id: row for row in load_stool_variances() if row.component == "shift_inulin"}
    guild_shift = shift["guild.BIF.baxter_inulin.shift_inulin"]
    assert [round(float(np.exp(x)), 1) for x in (guild_shift.value, guild_shift.low, guild_shift.high)] == [
        2.4,
        1.5,
        3.5,
    ]
    whole = shift["distance.aitchison.baxter_inulin.shift_inulin"]
    assert [round(x, 1) for x in (whole.value, whole.low, whole.high)] == [1.2, 0.3, 1.7]


def test_what_the_page_says_of_pilots(eubiosis):
    pilot = next(c for c in COMMANDS if "trial pilot" in c)
    _, out, _ = eubiosis(*shlex.split(pilot)[1:], "--json")
    found = json.loads(out)["sizing_by_the_estimate"]
    assert round(found["mean_true_power"], 2) == 0.65
    assert found["share_below_half_power"] == pytest.approx(1 / 3, abs=0.02)
