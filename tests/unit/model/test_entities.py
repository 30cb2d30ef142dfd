"""Every entity of the field's picture has one status, and lives where the table says."""

import csv
import shutil
from pathlib import Path

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.model.content import MODULES
from eubiosis.model.entities import STATUSES, counts, read_entities, sentence
from eubiosis.model.join import parsed_modules
from eubiosis.model.lint import lint_content

COPY = Path(__file__).parents[3] / "validation" / "entities.tsv"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "evidence" / "entities.csv"


@pytest.fixture(scope="module")
def rows():
    return read_entities(PACKAGED_CONTENT)


def test_the_copy_among_the_validations_is_the_packaged_table():
    assert COPY.read_bytes() == (PACKAGED_CONTENT / "entities.tsv").read_bytes()


def test_the_five_counts_sum_to_all(rows):
    number = counts(rows)
    assert tuple(number) == STATUSES
    assert sum(number.values()) == len(rows) == 146
    assert sentence(rows) == (
        "Of 146 entities of the field's picture 52 are a state, 28 a rule, 10 an observable, "
        "17 a prior-only edge and 39 a name."
    )


def test_no_entity_of_the_original_list_is_missing(rows):
    if not SHARED.is_file():
        pytest.skip("../shared/evidence is absent")
    with SHARED.open(encoding="utf-8", newline="") as stream:
        original = [(r["kind"], r["name"], r["id"]) for r in csv.DictReader(stream)]
    assert sorted((r.kind, r.name, r.id) for r in rows) == sorted(original)


def findings_of(tmp_path, change):
    """What the check says of a content whose table of entities, as a text, was changed."""
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    file = folder / "entities.tsv"
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    return [str(f) for f in lint_content(folder)]


def test_a_missing_entity_is_a_finding(tmp_path):
    def without(text):
        lines = text.splitlines(keepends=True)
        kept = [line for line in lines if "\tTUDCA\t" not in line]
        assert len(kept) == len(lines) - 1
        return "".join(kept)

    (found,) = findings_of(tmp_path, without)
    assert "no status for TUDCA (MESH:C031655)" in found


UNTRUE = (
    ("\tstate\tgut_Mucus\t", "\tstate\tgut_Mucous\t", 'state "gut_Mucous" is unknown'),
    ("\tmodels/readout.ant\t", "\tmodels/read_out.ant\t", "there is no file models/read_out.ant"),
    ("\tname\t\tconditions", "\tname\tgut_pH\tconditions", "a name with a quantity"),
    ("\tprior-only edge\tgaba\t", "\tprior-only edge\tgabba\t", 'prior-only edge "gabba" is unknown'),
)


def test_each_status_that_is_not_true_is_a_finding(tmp_path):
    def changed(text):
        for old, new, _ in UNTRUE:
            assert old in text
            text = text.replace(old, new)
        return text

    found = findings_of(tmp_path, changed)
    assert [word for *_, word in UNTRUE if not any(word in each for each in found)] == []


def test_a_quantity_lives_in_the_file_that_the_row_names(rows):
    for row in rows:
        text = (PACKAGED_CONTENT / row.file).read_text(encoding="utf-8")
        assert (row.quantity or row.name.split(" (")[0]) in text or row.status == "name", row
        if row.status == "name":
            assert row.note, row


def test_nothing_depends_on_an_observable_and_a_rule_reaches_a_state(rows, model):
    """Follow the equations: from an observable no state can be reached, from an assigned rule one can.

    The exception is a rule that drives events outside the equations: the rates of lesions and relapses.
    """
    users: dict[str, set[str]] = {}
    for module in parsed_modules(model.content, MODULES).values():
        for equation in module.defines.values():
            for used in equation.mentions:
                users.setdefault(used, set()).add(equation.target)

    def reached(name):
        seen, todo = set(), [name]
        while todo:
            for user in users.get(todo.pop(), set()) - seen:
                seen.add(user)
                todo.append(user)
        return seen

    states, assigned = set(model.system.states), set(model.system.assigned)
    acting = {row.quantity for row in rows if row.status == "rule" and row.quantity in assigned}
    shown = {row.quantity for row in rows if row.status == "observable" and row.quantity in assigned}
    assert len(acting) >= 10
    assert len(shown) == 9
    for name in acting - {"host_lesion_rate", "gut_B_total"}:
        assert reached(name) & states, name
    for name in shown:
        assert not reached(name) & states, name


def test_a_prior_only_edge_is_an_edge(rows):
    """Each such node of the graph has a mechanism or a link, and each such path an equation that is off."""
    evidence = PACKAGED_CONTENT / "evidence"

    def table(name):
        with (evidence / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, delimiter="\t"))

    names = {row["id"]: row["names"].split(";") for row in table("nodes.tsv")}
    linked = {end for row in table("links.tsv") for end in (row["source"], row["target"])}
    told = {end for row in table("mechanisms.tsv") for end in (row["source_entity"], row["target_entity"])}
    for row in rows:
        if row.status == "prior-only edge" and row.file == "evidence/nodes.tsv":
            assert row.quantity in linked or told & set(names[row.quantity]), row


def test_at_most_a_hundred_states(model):
    assert len(model.system.states) <= 100
