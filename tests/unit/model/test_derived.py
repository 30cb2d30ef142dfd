"""Derived numbers: the packaged table is what the tables give, and a changed table is noticed."""

import shutil

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.model.content import load_content
from eubiosis.model.derived import content_key, derive, load_derived, save_derived


@pytest.fixture(scope="module")
def fresh(model):
    return derive(model.content)


def test_the_packaged_numbers_are_fresh(model, fresh):
    assert not model.derived.fresh
    assert fresh.fresh
    assert model.derived.persons == fresh.persons
    for person in fresh.persons:
        old, new = model.derived.of(person), fresh.of(person)
        assert list(old) == list(new)
        for name, value in new.items():
            assert old[name] == pytest.approx(value, rel=1e-6, abs=1e-12), (person, name)


def test_the_reference_state_of_the_gut_is_steady(model):
    """Rates of the gut at the packaged states, over the states."""
    import numpy as np

    kernel = model.kernel
    for person in model.derived.persons:
        states, out = model.states(person)[:, None].copy(), np.empty((len(kernel.system.states), 1))
        kernel.rates(0.0, states, model.parameters(person)[:, None].copy(), out)
        for name, i in kernel.state_index.items():
            if name.startswith("gut_"):
                assert abs(out[i, 0]) < 1e-6 * (abs(states[i, 0]) + 1e-3), (person, name)


def test_what_nobody_takes_is_exactly_absent(model):
    for person in model.derived.persons:
        values = model.derived.of(person)
        for name in ("gut_Vanc", "gut_Efmt", "gut_B_PB_LAC", "gut_B_PB_YST", "handover_gut_propionate"):
            assert values[name] == 0.0
        assert values["gut_Qabx"] == pytest.approx(1.0, rel=1e-9)


def test_an_edited_table_triggers_derivation_and_a_saved_one_does_not(model, tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    table = folder / "parameters/gut.tsv"
    lines = table.read_text().splitlines()
    i = next(k for k, line in enumerate(lines) if line.startswith("gut_F_RS\t"))
    cells = lines[i].split("\t")
    assert float(cells[2]) < 22
    cells[2] = "22"
    lines[i] = "\t".join(cells)
    table.write_text("\n".join(lines) + "\n")
    content = load_content(folder)
    assert content_key(content) != content_key(model.content)
    derived = load_derived(content)
    assert derived.fresh
    # more starch in health: the reference of butyrate follows, and stays the state's own value
    healthy = derived.of("healthy")
    assert healthy["handover_ref_Bu"] > model.derived.of("healthy")["handover_ref_Bu"]
    assert healthy["handover_ref_Bu"] == pytest.approx(healthy["gut_C_Bu"], rel=1e-6)
    save_derived(content, derived)
    again = load_derived(content)
    assert not again.fresh
    assert again.of("ms") == derived.of("ms")


def test_line_endings_and_order_of_persons(model):
    assert model.derived.persons == ("healthy", "ms", "spms", "ppms", "mouse")
    with pytest.raises(KeyError):
        model.derived.of("rat")
