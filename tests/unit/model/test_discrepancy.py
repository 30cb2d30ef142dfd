"""Named discrepancies: which row counts, what is a finding, and that no verdict knows of them."""

import dataclasses
import shutil

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.model.check import check_targets
from eubiosis.model.content import load_content
from eubiosis.model.discrepancy import discrepancy_sd, read_discrepancies
from eubiosis.model.model import Model


def edited(tmp_path, old, new):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    file = folder / "discrepancies.tsv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return load_content(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("any\t0.16\t", "any\t\t", ("guilds", "no size", "sd above 0")),
        ("any\t0.16\t", "any\t0\t", ("guilds", "sd 0", "sd above 0")),
        ("any\t0.16\t", "any\t-0.3\t", ("guilds", "sd -0.3")),
        ("any\t0.16\t", "any\tnan\t", ("guilds", "sd nan")),
        ("share_FAE", "share_FAF", ("FAE_fibre", 'nearest "share_FAE"', "an endpoint")),
        ("share_FAE", "share_VEI", ("VEI_fibre", "occurs twice")),
        ("share_FAE\tms_fibre_40g", "share_FAE\tms_fibre_40", ("FAE_fibre", 'nearest "ms_fibre_40g"')),
        ("log ratio", "fold", ("guilds", 'unit "fold"')),
    ],
)
def test_a_discrepancy_without_size_or_of_nothing_known_is_a_finding(tmp_path, old, new, words):
    with pytest.raises(FindingsError) as found:
        read_discrepancies(edited(tmp_path, old, new))
    assert "discrepancies.tsv" in str(found.value)
    assert all(word in str(found.value) for word in words), str(found.value)


def test_the_closest_row_counts(model):
    rows = read_discrepancies(model.content)
    sd = {row.id: row.sd for row in rows}
    assert discrepancy_sd(rows, "share_VEI", "ms_fibre_40g") == sd["VEI_fibre"] > sd["guilds"]
    assert discrepancy_sd(rows, "share_VEI", "ms_inulin_20g") == sd["guilds"]
    assert discrepancy_sd(rows, "share_VEI", None) == sd["guilds"]
    assert discrepancy_sd(rows, "stool_acetate", "ms_inulin_20g") == sd["acetate_inulin"]
    assert discrepancy_sd(rows, "stool_butyrate", "ms_inulin_20g") == sd["stool_acids"]
    for host in ("relapses", "mfis", "treg", "plasma_acetate"):
        assert discrepancy_sd(rows, host, "ms_inulin_20g") == 0.0


def test_a_discrepancy_never_turns_a_miss_into_a_hit(model, tmp_path):
    wide = edited(tmp_path, "\t0.16\t", "\t30\t")
    targets = tuple(t for t in model.content.targets if t.condition in ("healthy_inulin_20g", "healthy"))
    assert any(t.observable == "gut_share_ROS" for t in targets)

    def verdicts(content):
        asked = dataclasses.replace(content, targets=targets)
        return check_targets(Model(asked, model.derived), population=False)

    assert verdicts(wide) == verdicts(model.content)
    assert "miss" in {v.verdict for v in verdicts(model.content)}
