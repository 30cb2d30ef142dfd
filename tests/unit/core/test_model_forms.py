"""Model forms: which worlds have which, and what a table of forms may not say."""

import shutil
from collections import Counter

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.core.model_forms import Forms, ModelForm, read_forms


def test_worlds_run_through_the_forms_in_mirrored_pairs():
    forms = read_forms(PACKAGED_CONTENT)
    named = [forms.of_world(k).id for k in range(80)]
    assert named[:8] == ["N1", "N1", "N2", "N2", "N3", "N3", "N0", "N0"]
    assert Counter(named) == {form.id: 20 for form in forms.rows}
    assert forms.rows[0].paths == frozenset()
    assert not forms.rows[0].taxa


@pytest.mark.parametrize("size", [200, 1000])
def test_unequal_weights_are_kept_in_every_long_row_of_worlds(size):
    rows = tuple(ModelForm(n, n, w, frozenset(), ()) for n, w in (("A", 0.6), ("B", 0.3), ("C", 0.1)))
    found = Counter(Forms(rows, {}).of_world(k).id for k in range(2 * size))
    for row in rows:
        assert found[row.id] / (2 * size) == pytest.approx(row.weight, abs=3 / size)


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        ("forms.tsv", "consequence\t0.25", "consequence\t0.5", "the weights sum to 1.25"),
        ("forms.tsv", "AKK LAC", "AKK LAK", 'nearest "LAC"'),
        ("form_taxa.tsv", "AKK\t0.5", "AKX\t0.5", 'nearest "AKK"'),
        ("form_taxa.tsv", "LAC\t0.5", "LAC\t0", "a prior without support at zero"),
    ],
)
def test_a_bad_table_of_forms_is_refused(tmp_path, table, old, new, words):
    shutil.copytree(PACKAGED_CONTENT / "calibration", tmp_path / "calibration")
    file = tmp_path / "calibration" / table
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FindingsError, match=words):
        read_forms(tmp_path)
