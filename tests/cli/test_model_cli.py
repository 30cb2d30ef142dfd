"""The command line of the model, and what it says about bad input."""

import json
import shutil
import stat

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.engine import read_sbml
from eubiosis.model.content import MODULES, load_content
from eubiosis.model.join import antimony_to_sbml, joined_antimony, unit_texts
from eubiosis.model.lint import lint_content


def test_list(eubiosis, model):
    status, out, _ = eubiosis("model", "list")
    assert status == 0
    assert "65 states" in out
    assert "PPMS), uncalibrated" in out
    assert "RRMS), uncalibrated" not in out
    assert all(name in out for name in model.conditions)
    status, out, _ = eubiosis("model", "list", "--json")
    summary = json.loads(out)
    assert summary["states"] == 65
    assert summary["entities"]["state"] == 52
    assert summary["forms"]["mouse"].endswith("uncalibrated")
    assert {c["condition"] for c in summary["conditions"]} == set(model.conditions)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gut_K_RS", ("g/L", "assumed", "6")),
        ("gut_C_Bu", ("gut_P_Bu", "mM", "healthy 16.7")),
        ("ms_vancomycin", ("gut_dose_vancomycin = 2000 from day 0 to 10",)),
        ("host_Z", ("input",)),
        ("gut_pH", ("gut_pH_min",)),
    ],
)
def test_show(eubiosis, name, words):
    status, out, _ = eubiosis("model", "show", name)
    assert status == 0
    assert all(word in out for word in words), out
    status, out, _ = eubiosis("model", "show", name, "--json")
    assert status == 0
    assert name in json.loads(out).values()


def test_simulate(eubiosis):
    status, out, _ = eubiosis(
        "model", "simulate", "healthy", "-y", "gut_C_Bu", "-y", "gut_pH", "--days", 10, "--every", 4
    )
    assert status == 0
    table = [line.split("\t") for line in out.splitlines()]
    assert table[0] == ["time", "gut_C_Bu", "gut_pH"]
    assert [row[0] for row in table[1:]] == ["0", "4", "8", "10"]
    assert float(table[1][1]) == pytest.approx(16.8, abs=0.1)
    assert table[1][1] == table[4][1]  # a healthy person at rest stays as they are
    status, out, _ = eubiosis("model", "simulate", "healthy", "-y", "gut_C_Bu", "--days", 10, "--json")
    record = json.loads(out)
    assert record["simulated"] is True
    assert record["status"] == "ok"
    assert record["time_days"] == [0, 7, 10]
    assert len(record["gut_C_Bu"]) == 3


KEYS = [
    *("id", "quantity", "condition", "population", "taxon", "contrast", "day", "model", "monte_carlo_error"),
    *("target", "low", "high", "role", "fitted", "verdict", "reason"),
]


def test_check_in_json_has_these_keys_and_no_other(eubiosis, model):
    status, out, err = eubiosis("model", "check", "--quick", "--json")
    assert status == 0
    rows = json.loads(out)
    assert all(list(row) == KEYS for row in rows)
    assert {row["verdict"] for row in rows} <= {"hit", "miss", "untested prediction"}
    assert len(rows) == sum(
        t.statistic not in ("population", "therapy", "drug") for t in model.content.targets
    )
    for row in rows:  # the verdict by hand
        low = float("-inf") if row["low"] is None else row["low"]
        high = float("inf") if row["high"] is None else row["high"]
        if row["low"] is None and row["high"] is None:
            assert row["verdict"] == "untested prediction"
        else:
            assert row["verdict"] == ("hit" if low <= row["model"] <= high else "miss"), row
    assert "numbers by basis: measured" in err
    assert "libSBML" in err


@pytest.mark.slow
def test_therapies(eubiosis):
    arguments = ("--size", 20, "--worlds", 4)
    status, out, _ = eubiosis("model", "therapies", *arguments, "--json")
    assert status == 0
    rows = json.loads(out)
    assert [r["therapy"] for r in rows] == [  # in the order of the files of the content
        "fecal transplant",
        "fibre 40 g/d",
        "inulin 20 g/d",
        "ketogenic diet",
        "Mediterranean diet",
        "propionate 1 g/d",
        "vancomycin 10 d",
    ]
    for r in rows:
        assert r["simulated"] is True
        assert len(r["arr_ratio_sampled"]) == 3
        assert "not calibrated" in r["origin"]
        for column in ("acids", "butyrate", "lps", "indole", "ipa", "ahr"):
            assert r[f"{column}_ratio"] > 0


def test_export_to_stdout_and_to_a_file(eubiosis, model, tmp_path):
    status, out, _ = eubiosis("model", "export")
    assert status == 0
    assert out.strip() == model.sbml().strip()
    file = tmp_path / "ms_vancomycin.ant"
    status, out, err = eubiosis(
        "model", "export", "--format", "antimony", "--condition", "ms_vancomycin", "-o", file
    )
    assert (status, out) == (0, "")
    assert str(file) in err
    assert file.read_text(encoding="utf-8") == model.antimony("ms_vancomycin")
    assert "piecewise(2000.0, (time >= 0.0) && (time < 10.0), 0.0)" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("modle",), 2, ('nearest "model"',)),
        (("model", "exprt"), 2, ("export",)),
        (("model", "simulate"), 2, ("CONDITION",)),
        (("model", "simulate", "healthy", "--evry", "2"), 2, ("--every",)),
        (("model", "simulate", "healthy", "--every", "0"), 2, ("every",)),
        (("model", "export", "--format", "matlab"), 2, ("sbml", "antimony")),
        (("model", "check", "--content", "no-such-folder"), 2, ("no-such-folder",)),
        (
            ("model", "simulate", "healthy_inulin_20"),
            1,
            ('nearest "healthy_inulin_20g"', "eubiosis model list"),
        ),
        (("model", "export", "--condition", "ms_inulin"), 1, ('nearest "ms_inulin_20g"',)),
        (
            ("model", "simulate", "ms", "-y", "gut_C_But", "-y", "gut_pHH"),
            1,
            ('nearest "gut_C_Bu"', 'nearest "gut_pH"'),
        ),
        (("model", "show", "gut_K_RSS"), 1, ('nearest "gut_K_RS"', "eubiosis model list")),
    ],
)
def test_wrong_requests(eubiosis, arguments, status, words):
    got, out, err = eubiosis(*arguments)
    assert got == status, err
    assert out == ""
    assert all(word in err for word in words), err


def test_an_unwritable_output_is_a_finding(eubiosis, tmp_path):
    file = tmp_path / "no" / "such" / "model.xml"
    status, _, err = eubiosis("model", "export", "-o", file)
    assert status == 1
    assert str(file) in err
    assert "cannot be written" in err
    assert "next:" in err


def test_help_is_quick_about_every_command(eubiosis):
    status, out, _ = eubiosis("--help")
    assert status == 0
    assert "model" in out
    assert "medical advice" in out


# ---- content folders with something wrong in them ----


@pytest.fixture
def content(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    return folder


def edit(folder, name, old, new):
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{text.count(old)} x {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def set_cell(folder, name, key, column, value):
    """Change one cell of a table; return the number of its line."""
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    number = next(i for i, line in enumerate(lines) if line.split("\t")[0] == key)
    cells = lines[number].split("\t")
    cells[header.index(column)] = value
    lines[number] = "\t".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return number + 1


def drop_line(folder, name, start):
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines()
    (number,) = [i for i, line in enumerate(lines) if line.strip().startswith(start)]
    del lines[number]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def line_of(folder, name, start):
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, start=1) if line.strip().startswith(start))


def check(eubiosis, content):
    status, out, err = eubiosis("model", "check", "--quick", "--content", content)
    assert status == 1, err
    assert out == ""
    assert "Traceback" not in err
    return err


def test_an_untouched_copy_has_no_findings(eubiosis, content):
    """The check as text, too."""
    status, out, err = eubiosis("model", "check", "--quick", "--content", content)
    assert status == 0
    assert "miss" in out
    assert "hit" in out
    assert "numbers by basis" in out
    assert "no findings" in err


def test_a_parameter_without_basis(eubiosis, content):
    line = set_cell(content, "parameters/gut.tsv", "gut_K_RS", "basis", "")
    err = check(eubiosis, content)
    assert "content/parameters/gut.tsv: 1 finding" in err
    assert f"line {line} (gut_K_RS), column basis: the cell is empty" in err
    assert "next: fill it in" in err


def test_a_basis_that_is_none(eubiosis, content):
    line = set_cell(content, "parameters/host.tsv", "host_k_D", "basis", "guess")
    err = check(eubiosis, content)
    assert f"line {line} (host_k_D), column basis" in err
    assert all(word in err for word in ("measured", "fitted", "derived", "assumed"))


def test_a_unit_that_does_not_fit(eubiosis, content):
    set_cell(content, "parameters/gut.tsv", "gut_K_RS", "unit", "mM")
    err = check(eubiosis, content)
    line = line_of(content, "models/gut.ant", "gut_q_BAC_RS :=")
    assert "content/models/gut.ant" in err
    assert f"line {line} (gut_q_BAC_RS): the units do not fit" in err
    assert "allowed: sums and comparisons of equal units" in err
    assert "next: check the unit" in err


def test_a_unit_of_the_right_kind_in_the_wrong_size(eubiosis, content):
    set_cell(content, "parameters/gut.tsv", "gut_K_RS", "unit", "mg/L")
    assert "gut_q_BAC_RS): the units do not fit" in check(eubiosis, content)


def test_a_unit_that_is_no_unit(eubiosis, content):
    set_cell(content, "parameters/gut.tsv", "gut_K_RS", "unit", "gramm/L")
    err = check(eubiosis, content)
    assert "content/parameters/gut.tsv: 1 finding" in err
    assert 'gut_K_RS: "gramm/L" is not a unit; nearest "g' in err
    assert "allowed: units of gram, mole, litre" in err


def test_a_unit_that_makes_an_odd_scale(content):
    """An equation whose result has no prefixed unit of its own is allowed and is no traceback."""
    edit(
        content,
        "models/gut.ant",
        "  gut_bulk := gut_load / gut_load_habitual\n",
        "  gut_bulk := gut_load / gut_load_habitual\n  gut_odd := gut_lps_frac * gut_vanc_ec50_Q * gut_V\n",
    )
    assert lint_content(content) == []
    loaded = load_content(content)
    system = read_sbml(antimony_to_sbml(joined_antimony(loaded, MODULES, {})))
    assert unit_texts(loaded, system)["gut_odd"] == "ug"  # mg/g times mg/L times L


def test_an_unknown_species_in_a_module(eubiosis, content):
    edit(
        content,
        "models/gut.ant",
        "gut_scfa := gut_C_Ac + gut_C_Pr + gut_C_Bu",
        "gut_scfa := gut_C_Ac + gut_C_Pr + gut_C_Butyrat",
    )
    line = line_of(content, "models/gut.ant", "gut_scfa :=")
    err = check(eubiosis, content)
    assert f"line {line} (gut_scfa): symbol" in err
    assert '"gut_C_Butyrat" is unknown; nearest "gut_C_Bu"' in err
    assert "allowed:" in err
    assert "next:" in err


def test_a_missing_hand_over_row(eubiosis, content):
    drop_line(content, "handover.tsv", "gut_C_Bu\t")
    err = check(eubiosis, content)
    assert "content/handover.tsv" in err
    assert "no row supplies host_but" in err
    assert "allowed: one row for each quantity" in err
    assert "next: add a row with target_variable host_but" in err


def test_a_module_that_lacks_an_output(eubiosis, content):
    edit(content, "models/gut.ant", "  gut_J_Bu := ", "  gut_J_But := ")
    err = check(eubiosis, content)
    assert "content/models/gut.ant" in err
    assert "the output gut_J_Bu" in err
    assert "allowed: a rate or rule for gut_J_Bu, in mmol/d" in err
    assert "did gut_J_But take its place?" in err


def test_a_module_that_lacks_an_input(eubiosis, content):
    edit(content, "models/gut.ant", "gut_P_Pr + gut_supp_Pr / gut_V", "gut_P_Pr")
    err = check(eubiosis, content)
    assert "the input gut_supp_Pr" in err
    assert "allowed: an equation that uses gut_supp_Pr" in err
    assert "next: restore its use" in err


def test_a_state_without_a_start(eubiosis, content):
    drop_line(content, "parameters/initial.tsv", "gut_C_Bu\t")
    err = check(eubiosis, content)
    assert "(gut_C_Bu): the state has no initial value" in err
    assert "next: add a row to parameters/initial.tsv" in err


def test_defects_in_different_files_are_reported_together(eubiosis, content):
    set_cell(content, "parameters/gut.tsv", "gut_K_RS", "basis", "")
    set_cell(content, "parameters/host.tsv", "host_k_D", "value", "fast")
    edit(
        content,
        "models/gut.ant",
        "gut_scfa := gut_C_Ac + gut_C_Pr + gut_C_Bu",
        "gut_scfa := gut_C_Ac + gut_C_Pr + gut_C_Butyrat",
    )
    drop_line(content, "handover.tsv", "gut_LPS\t")
    err = check(eubiosis, content)
    for words in ("parameters/gut.tsv", "parameters/host.tsv", "models/gut.ant", "handover.tsv"):
        assert f"content/{words}: " in err
    for words in ("column basis", "fast", "gut_C_Butyrat", "no row supplies host_lps_lumen"):
        assert words in err


def test_an_antimony_syntax_error(eubiosis, content):
    edit(content, "models/host.ant", "host_dahr := host_ahr - 1", "host_dahr := (host_ahr - 1")
    line = line_of(content, "models/host.ant", "host_dahr :=")
    err = check(eubiosis, content)
    assert "content/models/host.ant" in err
    assert f"line {line}" in err
    assert "Antimony cannot read it" in err
    assert "next: correct the equation" in err


def test_a_stray_line(eubiosis, content):
    edit(
        content,
        "models/host.ant",
        "  host_dahr := host_ahr - 1\n",
        "  host_dahr := host_ahr - 1\n  host_dahr = = 3\n",
    )
    err = check(eubiosis, content)
    assert "neither a rate, a rule nor an event" in err
    assert "allowed: x' = ..." in err


def test_a_parameter_that_nothing_uses(eubiosis, content):
    edit(content, "models/gut.ant", " + gut_F_dry0)", ")")
    err = check(eubiosis, content)
    assert "content/parameters/gut.tsv" in err
    assert "gut_F_dry0: the parameter is used nowhere" in err


def test_a_bad_dose(eubiosis, content):
    edit(
        content,
        "conditions/changes.tsv",
        "healthy_propionate\thandover_dose_propionate_salt\t500\tmg",
        "healthy_propionate\thandover_dose_propionate_salt\t500\tmmol",
    )
    err = check(eubiosis, content)
    assert "content/conditions/changes.tsv" in err
    assert "healthy_propionate, handover_dose_propionate_salt" in err
    assert "allowed: an amount whose daily rate is in g/d" in err


@pytest.mark.parametrize(
    "command", [("list",), ("simulate", "healthy"), ("export",), ("show", "gut_C_Bu"), ("derive",)]
)
def test_every_command_refuses_a_broken_module(eubiosis, content, command):
    """A module that Antimony or libSBML cannot read is a finding for every command, not a traceback."""
    edit(content, "models/host.ant", "host_dahr := host_ahr - 1", "host_dahr := host_ahrr - (1")
    status, out, err = eubiosis("model", *command, "--content", content)
    assert status == 1
    assert out == ""
    assert 'nearest "host_ahr"' in err


def test_a_missing_file_is_a_finding(eubiosis, content):
    (content / "models/host.ant").unlink()
    (content / "persons.tsv").unlink()
    err = check(eubiosis, content)
    assert "content/models/host.ant" in err
    assert "content/persons.tsv" in err
    assert "next: restore it" in err


def test_entities_of_one_status(eubiosis):
    status, out, _ = eubiosis("model", "entities", "--status", "observable")
    assert status == 0
    lines = out.splitlines()
    assert len(lines) == 10 + 1
    assert all(line.startswith("observable") for line in lines[:-1])
    assert lines[-1].startswith("Of 146 entities of the field's picture 52 are a state")
    status, out, _ = eubiosis("model", "entities", "--json")
    assert len(json.loads(out)) == 146


def test_an_unknown_status_of_entities_is_named(eubiosis):
    status, _, err = eubiosis("model", "entities", "--status", "observables")
    assert status != 0
    assert 'nearest "observable"' in err
