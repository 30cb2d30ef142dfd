"""Exports for other tools and edited modules, from the shell."""

import json
import zipfile

import pytest

from eubiosis.workflow.signs import sign_table


def test_one_module_out_edited_and_back(eubiosis, tmp_path):
    file, out = tmp_path / "host.ant", tmp_path / "mine"
    status, _, err = eubiosis("model", "export", "--module", "host", "--format", "antimony", "-o", file)
    assert status == 0, err
    text = file.read_text(encoding="utf-8")
    assert "eubiosis model use host=FILE" in text
    file.write_text(
        text.replace("const host_treg_percent = ", "const host_treg_percent = 1"), encoding="utf-8"
    )
    status, printed, err = eubiosis("model", "use", f"host={file}", "--out", out, "--json")
    assert status == 0, err
    made = json.loads(printed)
    (change,) = made["numbers"]
    assert change["id"] == "host_treg_percent"
    status, shown, _ = eubiosis("model", "show", "host_treg_percent", "--content", out)
    assert status == 0
    assert "assumed" in shown
    assert "from host.ant; the table had" in shown
    status, _, err = eubiosis("model", "use", f"host={file}", "--out", out)
    assert status == 1
    assert "it exists already; next: choose another name" in err


def test_findings_of_an_edited_module(eubiosis, tmp_path):
    file = tmp_path / "handover.ant"
    eubiosis("model", "export", "--module", "handover", "--format", "antimony", "-o", file)
    text = file.read_text(encoding="utf-8").replace("gut_LPS / handover_ref_LPS", "1")
    text = text.replace("  host_but := ", "  host_butt := ")
    file.write_text(text, encoding="utf-8")
    status, out, err = eubiosis("model", "use", f"handover={file}", "--out", tmp_path / "mine")
    assert (status, out) == (1, "")
    assert "the output host_but (butyrate seen by the host) is missing" in err
    assert "did host_butt take its place?" in err
    assert "does not depend on gut_LPS, as handover.tsv says" in err
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("use", "host", "--out", "x"),
        ("use", "host=a", "host=b", "--out", "x"),
        ("export", "--condition", "ms", "--condition", "healthy"),
        ("export", "--condition", "ms", "--module", "host"),
        ("export", "--observable", "gut_pH"),
        ("export", "--omex", "x.omex", "--module", "host"),
    ],
)
def test_wrong_command_lines(eubiosis, arguments):
    status, out, _ = eubiosis("model", *arguments)
    assert (status, out) == (2, "")


def test_an_unknown_module(eubiosis):
    status, _, err = eubiosis("model", "export", "--module", "hots")
    assert status == 1
    assert 'module "hots" is unknown; nearest "host"' in err


def test_an_archive(eubiosis, tmp_path):
    path = tmp_path / "one.omex"
    status, out, err = eubiosis(
        "model", "export", "--omex", path, "--condition", "healthy_inulin_7g", "-y", "gut_C_Bu"
    )
    assert (status, out) == (0, "")
    assert f"wrote {path}" in err
    with zipfile.ZipFile(path) as opened:
        assert "models/healthy_inulin_7g.xml" in opened.namelist()
        assert opened.read("simulation.sedml").count(b"<dataSet ") == 2  # the time and butyrate


@pytest.mark.slow
def test_signs_and_the_page(eubiosis, tmp_path, monkeypatch):
    """The page shows the signs that it is given; that it asks for sixteen draws of its own costs a minute."""
    made = []

    def noted(*arguments, **options):
        made.append(sign_table(*arguments, **options))
        return made[0]

    monkeypatch.setattr("eubiosis.workflow.signs.sign_table", noted)
    monkeypatch.setattr("eubiosis.workflow.model_page.sign_table", lambda _: made[0])
    status, out, _ = eubiosis("model", "signs", "--draws", "4", "--json")
    assert status == 0
    table = json.loads(out)
    assert sum(table["counts"].values()) == len(table["rows"])
    assert {row["verdict"] for row in table["rows"]} <= {"agree", "disagree", "free", "absent"}
    assert all(0 <= each["p"] <= 1 for each in table["agreements"])
    page = tmp_path / "pages" / "model.html"
    status, out, err = eubiosis("model", "wiring", "--out", page)
    assert (status, out.strip()) == (0, str(page))
    assert "reading the wiring" in err
    text = page.read_text(encoding="utf-8")
    assert f"<b>{table['counts']['absent']} are absent</b>" in text
    assert 'href="#q-gut_C_Bu"' in text
