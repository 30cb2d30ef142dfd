"""The joined model: one flat SBML model with every state of the specifications that libSBML accepts."""

import libsbml
import pytest

from eubiosis.engine import read_sbml
from eubiosis.model.join import AntimonySyntaxError, antimony_to_sbml, consistency_errors, unit_id

# section 1 of the gut specification and section 2 of the host's (the states marked as run), by hand
GUT = (
    [f"B_{g}" for g in "BAC PRV AKK RUM BIF LAC FAE ROS ANA VEI BLA MET ENT CLO".split()]
    + [f"B_PB_{s}" for s in "LAC BIF BUT PRV YST".split()]
    + [f"S_{k}" for k in "RS FS FI IN MU SU PR".split()]
    + [f"C_{m}" for m in "Ac Pr Bu La Su H2".split()]
    + ["Mucus", *"Trp Ind ILA IPA IAA pCr BAp BAs LPS DAI EQ Vanc Qabx Efmt".split()]
)
HOST = "A D T1 T17 R Re Ra TJ BB C CR MG M Ax NfL".split()
CYTOKINES = "IL6 TNF IL1b IFNg IL17 IL10 TGFb".split()


def test_every_state_of_the_specifications_is_there_and_no_other(model):
    assert len(GUT) == 47
    assert len(HOST) == 15
    wanted = {f"gut_{s}" for s in GUT} | {"gut_V"} | {f"host_{s}" for s in HOST}
    wanted |= {"handover_gut_propionate", "readout_AS"}
    assert set(model.system.states) == wanted
    assert len(model.system.states) == 65


def test_cytokines_are_assigned(model):
    assert {f"host_{c}" for c in CYTOKINES} <= set(model.system.assigned)


def test_every_id_has_the_prefix_of_its_module(model):
    ids = (*model.system.states, *model.system.assigned, *model.system.parameters)
    assert len(set(ids)) == len(ids)
    assert all(i.startswith(("gut_", "host_", "handover_", "readout_")) for i in ids)


def test_the_random_drive_enters_with_constant_defaults(model):
    assert model.system.constants["host_shot"] == 0.0
    assert model.system.constants["host_Z"] == 1.0


@pytest.mark.parametrize(
    "condition",
    [
        None,
        "healthy",
        "ms",
        "ms_fmt",
        "ms_vancomycin",
        "healthy_low_carbohydrate",
        "healthy_vsl3",
        "ms_propionate",
        "ms_tudca",
        "eae_mog",
    ],
)
def test_libsbml_finds_neither_error_nor_warning(model, condition):
    text = model.sbml(condition)
    assert consistency_errors(text) == []
    document = libsbml.readSBMLFromString(text)
    assert document.getLevel() == 3
    inside = document.getModel()
    assert inside.getNumSpecies() == inside.getNumReactions() == 0
    assert inside.getTimeUnits()


def test_a_broken_unit_is_seen_by_libsbml(model):
    """The check has teeth: milligrams where grams belong."""
    text = model.sbml("healthy")
    document = libsbml.readSBMLFromString(text)
    document.getModel().getParameter("gut_K_RS").setUnits(unit_id("mM"))
    assert consistency_errors(libsbml.writeSBMLToString(document))


def test_conditions_can_be_read_and_have_their_doses_in_them(model):
    """Every fourth condition, so that the whole table is covered in kind but not one by one."""
    for name in [*list(model.conditions)[::4], "ms_fmt", "ms_propionate"]:
        condition = model.conditions[name]
        system = read_sbml(model.sbml(name))
        assert set(model.system.states) == set(system.states), name
        for pulse in condition.pulses:
            assert pulse.target in system.rules, (name, pulse.target)
        assert len(system.events) == len(condition.transplants)


@pytest.mark.parametrize("condition", ["ms", "ms_fmt"])
def test_exported_numbers_are_those_of_the_tables_to_the_last_bit(model, condition):
    """Antimony and libSBML write 15 digits; a number that needs 17 would come back as another one."""
    derived = model.derived.of("ms")
    system = read_sbml(model.sbml(condition))
    fixed = model.conditions[condition].fixed
    wanted = {name: row.value for name, row in model.content.numbers.items()} | derived | dict(fixed)
    shared = [name for name in wanted if name in system.constants]
    assert len(shared) > 300
    assert {name: system.constants[name] for name in shared} == {name: wanted[name] for name in shared}
    assert {name: system.initial[name] for name in system.states if name in derived} == {
        name: derived[name] for name in system.states if name in derived
    }
    assert sum(float(f"{wanted[name]:.15g}") != wanted[name] for name in shared) > 10


def test_the_export_says_what_it_is_not(model):
    assert "not medical advice" in model.antimony("ms").split("model ")[0] + model.antimony("ms")
    assert "Simulated" in model.antimony()


def test_bad_antimony_is_an_error_with_antimonys_message():
    with pytest.raises(AntimonySyntaxError, match="line"):
        antimony_to_sbml("model eubiosis()\n x' = (1 + ;\nend\n")
