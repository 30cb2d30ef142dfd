"""`eubiosis check`: what is wrong with a workflow and with the table it names comes out in one go."""

from click.testing import CliRunner

from eubiosis.cli.main import cli
from eubiosis.core.findings import FindingsError

WORKFLOW = """\
title: t
question: q
context_of_use: c
decision: d
sead: 7
population: {source: stool, table: stool.tsv}
arms:
  - {name: placebo, therapy: placebo, stop: week 12}
  - {name: inulin, therapy: inulin, dose: 12 g/day, stop: week 12}
design: {participants: 4, visits: [0, 12], allocation: [1, 1]}
primary: mfis
"""


def test_a_wrong_key_does_not_hide_a_wrong_table(tmp_path):
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    (tmp_path / "stool.tsv").write_text("id\tBlautia\tRoseburia\na\t5\t-1\na\t2\t3\n")
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "workflow.yaml")])
    text = str(result.exception) + result.output
    assert isinstance(result.exception, FindingsError) or result.exit_code == 1
    assert 'the key "sead" is unknown; nearest "seed"' in text
    assert "occurs 2 times" in text
    assert "below zero" in text
