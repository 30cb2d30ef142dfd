"""The comparison of two runs sees the last digit, what is lost, and follows the rename map."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SCRIPT = Path(__file__).parents[2] / "validation" / "same_numbers" / "compare.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("compare", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["compare"]


COLUMNS = {"world": ["0.0", "0.1"], "estimate": [0.1, float("nan")], "n": [3, 4]}
RESULTS = {
    "schema": "eubiosis.trial_results/1",
    "facts": [["seed", "1"], ["numpy", "2.4"]],
    "effects": {"rows": [{"power": 0.25, "truth": [0.1, 0.2]}, {"power": None, "truth": [0.3, 0.4]}]},
}


@pytest.fixture
def run(tmp_path):
    def write(name, columns=COLUMNS, results=RESULTS):
        folder = tmp_path / name
        (folder / "tables").mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / "tables" / "estimates.parquet")
        (folder / "results.json").write_text(json.dumps(results))
        return folder

    return write


@pytest.fixture
def compare(script, run, tmp_path, monkeypatch, capsys):
    """Pin the plain run, then compare another; return (exit status, output)."""

    def use(new, renames=None, extra=()):
        monkeypatch.setattr(script, "EXPECTED", tmp_path / "expected.json")
        record = json.loads(script.RENAMES.read_text())
        (tmp_path / "renames.json").write_text(json.dumps({**record, **(renames or {})}))
        monkeypatch.setattr(script, "RENAMES", tmp_path / "renames.json")
        old = run("old")
        monkeypatch.setattr(sys, "argv", ["compare", str(old), "--pin"])
        assert script.main() == 0
        out = []
        for more in ((), ("--against", str(old), *extra)):
            monkeypatch.setattr(sys, "argv", ["compare", str(new), *more])
            capsys.readouterr()
            status = script.main()
            out.append((status, capsys.readouterr().out))
        return out

    return use


def test_the_same_values_are_the_same_whatever_their_kind_and_what_is_new(compare, run):
    columns = {**COLUMNS, "estimate": pa.array([0.1, None]), "n": [3.0, 4.0], "added": [1, 2]}
    results = {**RESULTS, "facts": [["seed", "1"], ["numpy", "3.0"], ["more", "x"]], "schema": "next/2"}
    for status, out in compare(run("new", columns, results)):
        assert (status, out.splitlines()[-1].endswith(": 0 differences")) == (0, True), out


def test_one_digit_in_a_table_and_one_in_the_results_are_seen(compare, run):
    columns = {**COLUMNS, "estimate": [float(np.nextafter(0.1, 1)), float("nan")]}
    rows = [
        {"power": 0.25, "truth": [0.1, 0.2]},
        {"power": None, "truth": [0.3, float(np.nextafter(0.4, 1))]},
    ]
    (pinned, said), (status, rowwise) = compare(run("new", columns, {**RESULTS, "effects": {"rows": rows}}))
    assert pinned == status == 1
    assert "tables/estimates.estimate: values differ" in said
    assert "results.json/effects.rows[].truth[]: values differ" in said
    assert "tables/estimates.estimate row 0: 0.1 became 0.10000000000000002" in rowwise
    assert "results.json/effects.rows[].truth[] row 3: 0.4 became 0.4000000000000001" in rowwise


def test_a_tolerance_passes_the_last_digit_and_no_more(compare, run):
    columns = {**COLUMNS, "estimate": [float(np.nextafter(0.1, 1)), float("nan")]}
    assert compare(run("new", columns), extra=("--relative", "1e-12"))[1][0] == 0


def test_a_value_in_the_place_of_a_missing_one_is_seen(compare, run):
    for status, out in compare(run("new", {**COLUMNS, "estimate": [0.1, 0.0]}), extra=("--relative", "0.5")):
        assert status == 1
        assert "estimate" in out


def test_lost_columns_and_rows_are_seen(compare, run):
    fewer = {"world": ["0.0"], "estimate": [0.1]}
    for status, out in compare(run("new", fewer)):
        assert status == 1
        assert "tables/estimates.n: no longer there" in out
        assert "tables/estimates.world: 1 values, 2 " in out


def test_renamed_columns_paths_and_words_are_followed(compare, run):
    columns = {"gut_host": ["a", "0.1"], "estimate": COLUMNS["estimate"], "participants": COLUMNS["n"]}
    rows = [{"share_significant": row["power"], "truth": row["truth"]} for row in RESULTS["effects"]["rows"]]
    new = run("new", columns, {**RESULTS, "effects": {"rows": rows}})
    renames = {
        "columns": {
            "tables/estimates.world": "tables/estimates.gut_host",
            "tables/estimates.n": "tables/estimates.participants",
        },
        "results": {"results.json/effects.rows[].power": "results.json/effects.rows[].share_significant"},
        "words": {"tables/estimates.world": {"0.0": "a"}},
    }
    for status, out in compare(new, renames):
        assert status == 0, out


def test_a_renamed_column_with_other_values_is_seen(compare, run):
    columns = {"world": COLUMNS["world"], "estimate": COLUMNS["estimate"], "participants": [4, 3]}
    renames = {"columns": {"tables/estimates.n": "tables/estimates.participants"}}
    for status, out in compare(run("new", columns), renames):
        assert status == 1
        assert "tables/estimates.participants" in out


def test_the_pins_cover_every_column_of_610d205(script):
    pinned = json.loads(script.EXPECTED.read_text())["sequences"]
    tables = {name.split("/")[1].split(".")[0] for name in pinned if name.startswith("tables/")}
    assert tables == {
        "estimates", "latent_effects", "latent_subjects", "observed_subjects", "observed_visits",
    }  # fmt: skip
    assert pinned["tables/estimates.estimate"][0] == 15552  # 288 trials x 27 endpoints x 2 arms
    assert sum(name.startswith("results.json/") for name in pinned) > 100
