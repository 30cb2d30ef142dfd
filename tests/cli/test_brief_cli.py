"""``eubiosis brief``: files, JSON and findings."""

import json
from pathlib import Path

from click.testing import CliRunner

from eubiosis.cli.main import cli
from eubiosis.core.findings import FindingsError

BRIEFS = Path(__file__).parents[2] / "src" / "eubiosis" / "content" / "briefs"


def test_a_folder_and_json(tmp_path):
    question = str(BRIEFS / "probiotic_hs_crp.yaml")
    result = CliRunner().invoke(cli, ["brief", question, "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["endpoints"][0]["outcome"] == "hs_CRP"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "brief.html",
        "brief.json",
        "brief.md",
        "protocol_fields.json",
    ]


def test_without_a_folder_the_brief_is_printed(tmp_path):
    result = CliRunner().invoke(cli, ["brief", str(BRIEFS / "probiotic_hs_crp.yaml")])
    assert result.exit_code == 0
    assert result.output.startswith("# A probiotic and hs-CRP")


def test_findings_are_raised_and_nothing_is_written(tmp_path):
    bad = tmp_path / "question.yaml"
    bad.write_text("title: x\nintervention: probiotc\n", encoding="utf-8")
    result = CliRunner().invoke(cli, ["brief", str(bad), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, FindingsError)
    assert 'nearest "probiotic"' in str(result.exception)
    assert not (tmp_path / "out").exists()
