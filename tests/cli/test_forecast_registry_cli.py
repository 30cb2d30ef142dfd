"""``eubiosis forecast registry``: list, verify, seal and score in the shell."""

import json
import shutil

from eubiosis.evidence.forecast.sealed_forecasts import FOLDER, model_file


def test_list_and_verify(eubiosis):
    status, out, _ = eubiosis("forecast", "registry", "list", "--json")
    lines = json.loads(out)
    assert (status, len(lines), len({line["trial"] for line in lines})) == (0, 12, 8)
    assert {line["status"] for line in lines} == {"prospective", "blinded", "unknown"}
    status, out, _ = eubiosis("forecast", "registry", "verify")
    assert status == 0
    assert "24 forecasts as they were sealed" in out


def test_a_changed_forecast_is_neither_listed_nor_scored(eubiosis, tmp_path):
    hub = shutil.copytree(FOLDER, tmp_path / "hub")
    path = hub / model_file("2026-11-30", "reference")
    path.write_text(
        path.read_text("utf-8").replace("FREXALT,quantile,0.99,", "FREXALT,quantile,0.99,1"), "utf-8"
    )
    for command in ("list", "verify", "score"):
        status, out, err = eubiosis("forecast", "registry", command, "--folder", hub)
        assert (status, out) == (1, "")
        assert "2026-11-30/reference/control ARR/FREXALT" in err
        assert "the forecast was changed after 2026-11-30" in err


def test_score_writes_a_page_and_the_hub_s_target_data(eubiosis, tmp_path):
    table = tmp_path / "read_outs.tsv"
    table.write_text(
        "trial\ttarget\tvalue\tlow\thigh\tpeople\tprinted\tsource\tread\tnote\n"
        "REMODEL-1\tcontrol ARR\t0.2\t0.15\t0.26\t390\tmade\tmade\ttable\t\n",
        encoding="utf-8",
    )
    status, out, err = eubiosis("forecast", "registry", "score", table, "--out", tmp_path / "page")
    assert status == 0, err
    assert "1 read-outs entered, 11 forecasts open" in out
    assert (tmp_path / "page" / "target-data" / "oracle-output.csv").read_text() == (
        "target,trial,oracle_value\ncontrol ARR,REMODEL-1,0.2\n"
    )
    status, _, err = eubiosis("forecast", "registry", "seal", FOLDER, "--date", "2020-01-01")
    assert status == 1
    assert "nothing is dated back" in err
