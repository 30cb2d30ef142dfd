"""What is fitted behind the clinical prior and held out by the evidence is refused by name, all at once."""

import shutil

import pytest

from eubiosis.calibration.clinical_rows import demand_clinical_rows
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError


def test_hold_outs_among_both_kinds_of_fit_rows_are_named_together(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT / "calibration", folder / "calibration")
    for table, old, new in (
        ("coupling_rows.tsv", "butyrate_treg\tdegroot2020", "butyrate_treg\ttanasescu2020_wirms"),
        ("delta_trials.tsv", "304\tholdout", "304\tfit"),
    ):
        file = folder / "calibration" / table
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FindingsError) as caught:
        demand_clinical_rows(folder)
    words = str(caught.value)
    assert 'butyrate_treg: cohort "tanasescu2020_wirms" is held out and a fit row' in words
    assert 'RECYCLINE: cohort "sorensen2016_recycline" is held out and a fit row' in words
    demand_clinical_rows(PACKAGED_CONTENT)
