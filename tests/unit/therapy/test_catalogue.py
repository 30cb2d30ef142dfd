"""Products: every file reads, says what it does to the model in the model's own names, and is found by it."""

import csv
from pathlib import Path

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.core.units import conversion_factor
from eubiosis.therapy import Product, known_product, product, products
from eubiosis.therapy.catalogue import FOLDER

FILES = sorted((PACKAGED_CONTENT / "therapies").iterdir())
CHANGES = PACKAGED_CONTENT / "conditions" / "changes.tsv"


def changes_of(condition: str) -> dict[str, dict[str, str]]:
    """The rows of one condition as its table holds them, read without our reader."""
    with CHANGES.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return {row["target"]: row for row in rows if row["condition"] == condition}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_the_folder_is_a_product(path: Path) -> None:
    assert path.suffix == ".yaml"
    assert product(path.stem) == products()[path.stem]  # its file alone says what all files together say


@pytest.mark.parametrize("name", ["", "inulin.yaml", "../therapies/inulin", "INULIN", "no_such_product"])
def test_a_name_that_is_no_file_is_no_product(name: str) -> None:
    assert known_product(name) is None


def test_the_products_are_the_files_and_the_placebo_comes_first() -> None:
    assert FOLDER == PACKAGED_CONTENT / "therapies"
    assert {path.stem for path in FILES} == set(products())
    assert next(iter(products())) == "placebo"
    groups = [each.group for each in products().values()]
    assert groups == sorted(groups, key=lambda group: group != "placebo")  # placebos first


@pytest.mark.parametrize("one", products().values(), ids=lambda one: one.id)
def test_a_product_names_inputs_and_conditions_of_the_model(one: Product, model) -> None:
    inputs = {row.id: row for row in model.content.interface if row.direction == "input"}
    if one.compared is not None:
        assert model.condition(one.compared.condition).person == "ms"
    if one.dose is not None:
        for driven in one.dose.driven:
            # the amount is written in the unit of the interface, which differs from it in no factor
            assert conversion_factor(one.dose.unit, inputs[driven].unit) == 1.0
    for term in one.direct:
        drugs = {row.drug for row in model.content.drugs}
        assert term.drug in drugs if term.drug else term.target in model.host_kernel.parameter_index
    if one.diet is not None:
        assert one.diet.share in inputs
        assert set(one.diet.levels or {}) <= set(inputs)
    if one.diet is not None and one.diet.condition is not None:
        changes = changes_of(one.diet.condition)
        assert set(changes) <= set(inputs)
        assert changes[one.diet.share]["amount"] == "1"
        # a diet lasts: it has no day on which it stops, and begins with the condition
        assert {(row["start_day"], row["stop_day"]) for row in changes.values()} == {("0", "")}


def test_no_two_products_are_compared_under_one_label() -> None:
    labels = [each.compared.label for each in products().values() if each.compared is not None]
    assert len(labels) == len(set(labels))


def test_the_dose_in_which_a_product_is_compared_drives_the_input_of_its_file() -> None:
    for one in products().values():
        if one.dose is not None and one.compared is not None:
            assert one.dose.input in changes_of(one.compared.condition), one.id


GOOD = "id: rs\nlabel: starch\ngroup: prebiotic\ndescription: resistant starch\n"
DOSE = "dose: {input: gut_dose_rs, unit: g/d, of: product}\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (GOOD, "line 1, dose", "0 of dose, diet, transplant, together and not_in_trials are given"),
        (
            GOOD + DOSE + "not_in_trials: no\n",
            "line 5, dose",
            "2 of dose, diet, transplant, together and not_in_trials",
        ),
        (
            GOOD + DOSE + "representable: direct effect only\nwhy: so\n",
            "line 1, direct",
            "without a direct term",
        ),
        (GOOD + DOSE + "representable: not representable\nwhy: so\n", "line 6, representable", "an action"),
        (GOOD + DOSE + "prim: {storage: cold}\n", "line 6, prim.storage", "no topic of PRIM 2024"),
        (GOOD.replace("id: rs", "id: starch") + DOSE, "id", 'the id "starch" is not the name of the file'),
        (GOOD.replace("id: rs", "id: RS") + DOSE, "line 1, id", "RS"),
        (GOOD + DOSE.replace("g/d", "spoon"), "line 5, dose.unit", '"spoon" is unknown'),
        (
            GOOD
            + DOSE.replace("}", ", ceiling: {dose: 9 g/day, kind: tolerance, basis: measured, note: {}}}"),
            "line 5, dose.ceiling.note",
            "a group of keys is not text",
        ),
        (GOOD + DOSE + "colour: red\n", "line 6, colour", 'the key "colour" is unknown'),
    ],
)
def test_a_wrong_file_is_a_finding_with_its_line(tmp_path, text: str, place: str, words: str) -> None:
    (tmp_path / "rs.yaml").write_text(text)
    with pytest.raises(FindingsError) as caught:
        products(tmp_path)
    found = caught.value.findings
    assert [(f.place, words in f.problem) for f in found] == [(place, True)], found
    assert found[0].file.endswith("rs.yaml")
    assert found[0].next_step


def test_the_faults_of_all_files_come_at_once(tmp_path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("id: rs", "id: a"))
    (tmp_path / "b.yaml").write_text("id: b\n")
    (tmp_path / "c.yaml").write_text(GOOD.replace("id: rs", "id: c") + DOSE)
    with pytest.raises(FindingsError) as caught:
        products(tmp_path)
    files = [Path(f.file).name for f in caught.value.findings]
    assert files == ["a.yaml", "b.yaml", "b.yaml", "b.yaml"]


def test_an_unknown_product_is_named_with_the_nearest_one() -> None:
    with pytest.raises(FindingsError, match='"inulim" is unknown; nearest "inulin"'):
        product("inulim")


@pytest.mark.parametrize(
    ("strain", "nearest"),
    [
        ("Lactobacillus reuteri DSM 17839", "l_reuteri"),
        ("Lacticaseibacillus casei Shirotta", "l_casei"),
        ("E. coli Nisle 1917", "e_coli_nissle"),
        ("Saccharomyces boulardi", "s_boulardii"),
    ],
)
def test_a_strain_that_does_not_exist_is_named_with_the_nearest_one(strain, nearest) -> None:
    with pytest.raises(FindingsError, match=f'is unknown; nearest "{nearest}"'):
        product(strain)


def test_every_file_says_how_well_its_action_is_known() -> None:
    for one in products().values():
        if one.id == "placebo":
            continue
        assert one.mechanism, one.id
        assert one.known or one.why, one.id
        if one.group not in ("placebo", "drug"):
            assert one.schedule or one.representable != "yes", one.id
        if one.dose is not None:
            assert one.dose.usual is not None, one.id
            assert one.dose.usual_source or one.dose.ceiling, one.id
            assert one.dose.ceiling is not None or one.dose.unit == "unit/d", one.id
            if one.dose.ceiling is not None:
                assert one.dose.usual.grams <= one.dose.ceiling.dose.grams, one.id
        if one.representable == "not representable":
            assert one.evidence, one.id


def test_evidence_answers_for_what_the_model_lacks() -> None:
    from eubiosis.evidence.records.store import load

    known = load()
    for one in products().values():
        if one.evidence is not None:
            assert known.intervention(one.evidence).id == one.evidence
