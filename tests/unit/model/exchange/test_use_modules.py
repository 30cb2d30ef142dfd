"""A user's edited module in the place of ours: the round trip, hand calculations, all findings at once."""

import csv
import re
import shutil

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.model import load
from eubiosis.model.derived import derive
from eubiosis.model.exchange.assumed import assumed_law, hold_assumed
from eubiosis.model.exchange.read_module import read_edited
from eubiosis.model.exchange.standalone import module_antimony, module_sbml
from eubiosis.model.exchange.use_module import use_modules
from eubiosis.model.join import consistency_errors
from eubiosis.model.numbers import HELD
from eubiosis.model.units import read_unit


@pytest.fixture(scope="module")
def fresh(model):
    """What this machine derives from the packaged tables; the stored numbers may come from another one."""
    return derive(model.content)


def written(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def row(folder, table, name):
    with (folder / "parameters" / table).open(encoding="utf-8", newline="") as stream:
        return next(r for r in csv.DictReader(stream, delimiter="\t") if r["id"] == name)


@pytest.mark.parametrize("name", ["gut", "handover", "host", "fmt"])
def test_a_module_alone_is_sbml_without_a_complaint(model, name):
    assert consistency_errors(module_sbml(model, name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["ant", "xml"])
def test_unchanged_modules_give_the_same_numbers(model, fresh, tmp_path, form):
    write = module_antimony if form == "ant" else module_sbml
    names = ("gut", "handover", "host", "fmt")
    files = {n: written(tmp_path, f"{n}.{form}", write(model, n)) for n in names}
    use = use_modules(files, tmp_path / "mine")
    nothing = (use.numbers, use.starts, use.new_numbers, use.new_starts, use.unused)
    assert nothing == ((), (), (), (), ())
    assert (use.new_equations, use.changed_equations, use.gone_equations) == ((), (), ())
    again = load(tmp_path / "mine")
    assert not again.derived.fresh
    assert again.system.rates == model.system.rates
    assert again.system.rules == model.system.rules
    for person in fresh.persons:
        assert dict(again.derived.of(person)) == dict(fresh.of(person))


def test_a_changed_number_moves_what_the_formula_says(model, tmp_path):
    """Oral propionate settles where what enters equals what leaves: (1 - phi) dose / k."""
    text = module_antimony(model, "handover")
    number = model.content.numbers
    k = number["handover_k_si"].value
    changed = text.replace(f"const handover_k_si = {k!r}", f"const handover_k_si = {2.5 * k!r}")
    assert changed != text
    use = use_modules({"handover": written(tmp_path, "slow.ant", changed)}, tmp_path / "mine")
    assert [(n.id, n.old, n.new) for n in use.numbers] == [("handover_k_si", k, 2.5 * k)]
    assert use.changed_equations == ()
    cells = row(tmp_path / "mine", "handover.tsv", "handover_k_si")
    assert (float(cells["value"]), cells["basis"], cells["source"]) == (2.5 * k, "assumed", "")
    assert f"from slow.ant; the table had {k:.15g}" in cells["note"]
    assert float(cells["low"]) <= 2.5 * k <= float(cells["high"])
    dose = 1.0 / number["handover_salt_molar_mass"].value  # 500 mg twice a day, in the unit of the molar mass
    for axis, rate in ((model, k), (load(tmp_path / "mine"), 2.5 * k)):
        course = axis.simulate("healthy_propionate", [0.0, 30.0], ["handover_gut_propionate"])
        settled = (1 - number["handover_phi"].value) * dose / rate
        assert course["handover_gut_propionate"][0, -1] == pytest.approx(settled, rel=1e-6)


def test_changed_and_new_equations_and_numbers(model, tmp_path):
    """IL-17 tripled by a new number, a term dropped with its number, a new state: x(t) = 2 exp(-0.25 t)."""
    text = module_antimony(model, "host").replace(" + host_IL6_perm * host_perm", "")
    text = text.replace("host_IL17 := host_T17", "host_IL17 := host_fold17 * host_T17")
    text = text.replace(
        "  // Initial values",
        "  host_fold17 = 3; host_fold17 has u_dimensionless\n  host_fade = 0.25\n  host_fade has u_per_d\n"
        "  var host_dye = 2\n  host_dye has u_dimensionless\n",
    )
    text = text.replace(
        "  host_TGFb := host_R\n", "  host_TGFb := host_R\n  host_dye' = -host_fade * host_dye\n"
    )
    use = use_modules({"host": written(tmp_path, "host.ant", text)}, tmp_path / "mine")
    assert {(n.id, n.value, n.unit) for n in use.new_numbers} == {
        ("host_fold17", 3.0, "-"),
        ("host_fade", 0.25, "1/d"),
    }
    assert {(n.id, n.value) for n in use.new_starts} == {("host_dye", 2.0)}
    assert use.new_equations == ("host_dye",)
    assert use.changed_equations == ("host_IL6", "host_IL17")
    assert use.unused == ("host_IL6_perm",)
    assert "host_IL6_perm" not in (tmp_path / "mine/parameters/host.tsv").read_text(encoding="utf-8")
    cells = row(tmp_path / "mine", "host.tsv", "host_fold17")
    law = [cells[column] for column in ("low", "high", "uncertainty", "variability", "level", "basis")]
    assert law == ["1.5", "6.0", "lognormal", "", "world", "assumed"]  # half to twice
    assert row(tmp_path / "mine", "initial.tsv", "host_dye")["level"] == "definition"
    held = (tmp_path / "mine/parameters/held.tsv").read_text(encoding="utf-8")
    assert "host_fold17\tgiven by an edited module" in held
    axis = load(tmp_path / "mine")
    setting = axis.states("ms")
    setting[axis.system.states.index("host_dye")] = 2.0  # the run-in of the reference lets it fade
    course = axis.kernel.solve(
        [0.0, 4.0],
        ["host_dye", "host_IL17", "host_T17"],
        parameters=dict(zip(axis.system.parameters, axis.parameters("ms"), strict=True)),
        initial=setting[None],
    )
    assert course["host_dye"][0, -1] == pytest.approx(2 * np.exp(-1.0), rel=1e-5)
    assert course["host_IL17"][0] == pytest.approx(3 * course["host_T17"][0], rel=1e-12)


def test_the_law_of_a_number_that_came_without_a_range():
    """Half to twice, above and below zero; a zero has neither."""
    cells, _ = assumed_law(-0.5)
    assert (cells["low"], cells["high"], cells["uncertainty"]) == ("-1.0", "-0.25", "uniform")
    cells, words = assumed_law(0.0)
    assert (cells["low"], cells["uncertainty"], cells["level"]) == ("", "none", "definition")
    assert "zero" in words


def test_a_reason_goes_with_the_last_number_that_it_holds(model, tmp_path):
    """Dropped numbers take their pattern along; a number that is drawn, or held already, needs no reason."""
    folder = shutil.copytree(model.content.folder, tmp_path / "content")
    before = (folder / HELD).read_text(encoding="utf-8").splitlines()
    gone = ("host_smold_spms",)
    drawn = (folder / "worlds.tsv").read_text(encoding="utf-8").splitlines()[1].split("\t")[0]
    hold_assumed(folder, model.content, gone, [drawn, "host_smold_ms", "host_treg_percent", "gut_new"])
    after = (folder / HELD).read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in before if line not in after] == list(gone)
    assert [line.split("\t")[0] for line in after if line not in before] == ["host_treg_percent", "gut_new"]


def refused(folder, **texts):
    files = {n: written(folder, f"{n}.ant", text) for n, text in texts.items()}
    with pytest.raises(FindingsError) as caught:
        use_modules(files, folder / "mine")
    assert not (folder / "mine").exists()
    assert not list(folder.glob(".eubiosis-*")), "the half-made folder stays behind"
    return caught.value.findings


def test_every_defect_at_once_with_its_line(model, tmp_path):
    text = module_antimony(model, "host")
    text = text.replace("host_f_LP has u_dimensionless", "host_f_LP has u_mM")
    text = text.replace("host_dahr := host_ahr - 1", "host_dahr := host_ahr - host_on")
    text = text.replace("  // Initial values", "  host_extra = 3")
    text = re.sub(r"  host_lesion_rate :=.*\n", "  gut_pH := 1 + host_extra\n", text)
    text = text.replace("const host_but_ref = ", "const host_but_ref = 9")
    found = refused(tmp_path, host=text)
    lines = text.splitlines()
    shown = {(f.place, f.problem) for f in found}

    def line(start):
        return 1 + next(i for i, each in enumerate(lines) if each.strip().startswith(start))

    def said(place, words):
        return any(p == place and words in problem for p, problem in shown)

    assert said(
        f"line {line('const host_f_LP')} (host_f_LP)", "declared in mmol/L, in the tables in dimensionless"
    )
    assert said(f"line {line('host_extra')} (host_extra)", "without a unit")
    assert said(f"line {line('host_dahr :=')} (host_dahr)", '"host_on" is unknown')
    assert said(f"line {line('gut_pH')} (gut_pH)", "module gut has an equation for it too")
    assert said(f"line {line('const host_but_ref')} (host_but_ref)", "module handover uses too, with 15")
    assert said("", "the output host_lesion_rate (new enhancing lesions) is missing")
    assert said("", "the input host_lambda0 (scale of the lesion rate) is not used")
    assert [f for f in found if not f.file.endswith("host.ant")] == []
    assert all(f.next_step or f.allowed for f in found)


def test_an_equation_whose_units_do_not_fit(model, tmp_path):
    text = module_antimony(model, "host").replace(
        "host_dahr := host_ahr - 1", "host_dahr := host_ahr - host_but"
    )
    (found,) = refused(tmp_path, host=text)
    assert "the units do not fit" in found.problem
    assert "(host_dahr)" in found.place
    assert found.file.endswith("host.ant")


def test_files_and_names_that_are_none(tmp_path):
    text = written(tmp_path, "m.ant", "model host()\n  host_R' = (1\nend\n")
    with pytest.raises(FindingsError) as caught:
        use_modules({"hots": text}, tmp_path)
    problems = [f.problem for f in caught.value.findings]
    assert problems == ['module "hots" is unknown; nearest "host"', "it exists already"]
    with pytest.raises(FindingsError) as caught:
        use_modules(
            {"host": text, "gut": tmp_path / "none.ant", "fmt": tmp_path / "m.doc"}, tmp_path / "mine"
        )
    words = " | ".join(str(f) for f in caught.value.findings)
    assert "Antimony cannot read it" in words
    assert "cannot be read: No such file" in words
    assert 'the name ends in ".doc"' in words


def test_reactions_become_equations(tmp_path):
    """A species made at rate k and lost at rate d: x' = k - d x, whatever way it is written in."""
    text = (
        "model other()\n  species host_x; host_x = 1.5\n  host_k = 2; host_d = 0.5\n"
        "  make: -> host_x; host_k\n  lose: host_x -> ; host_d * host_x\nend\n"
    )
    findings = FindingCollector()
    module = read_edited("host", written(tmp_path, "r.ant", text), findings)
    assert findings.findings == []
    assert module.starts == {"host_x": 1.5}
    assert module.numbers == {"host_k": 2.0, "host_d": 0.5}
    values = {"host_k": 2.0, "host_d": 0.5, "host_x": 3.0}
    equations = {e.target: e.expression for e in module.parsed.equations}
    assert set(equations) == {"host_x", "make", "lose"}
    assert eval_rate(equations, values) == pytest.approx(2.0 - 0.5 * 3.0)


def eval_rate(equations, values):
    import antimony

    from eubiosis.engine import read_sbml
    from eubiosis.engine.expressions import evaluate

    numbers = "".join(f"  {n} = {v!r}\n" for n, v in values.items())
    rules = "".join(f"  {n} := {equations[n]}\n" for n in ("make", "lose"))
    antimony.clearPreviousLoads()
    assert (
        antimony.loadAntimonyString(f"model m()\n{numbers}{rules}  host_x' = {equations['host_x']}\nend\n")
        >= 0
    )
    system = read_sbml(antimony.getSBMLString("m"))
    known = dict(values)
    for name, rule in system.rules.items():
        known[name] = evaluate(rule, known)
    return evaluate(system.rates["host_x"], known)


def test_declared_units_are_read_as_the_tables_write_them(model, tmp_path):
    """Through SBML's unit definitions and back, every unit is the table's own."""
    path = written(tmp_path, "gut.xml", module_sbml(model, "gut"))
    module = read_edited("gut", path, FindingCollector())
    tables = {n.id: n.unit for n in model.content.numbers.values()}
    shared = [n for n in module.units if n in tables]
    assert len(shared) > 200
    for name in shared:
        assert module.units[name].fits(read_unit(tables[name])), name
