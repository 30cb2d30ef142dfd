"""The bill of materials: valid after its own schema, and no library of this installation is missing."""

import json
from importlib import metadata

import pytest
from click.testing import CliRunner

from eubiosis.cli.doctor import doctor
from eubiosis.core.findings import FindingsError
from eubiosis.workflow import bill


@pytest.fixture(scope="module")
def made():
    try:
        metadata.version("eubiosis")
    except metadata.PackageNotFoundError:
        pytest.skip("eubiosis runs from its folder and is not installed")
    return bill.bill_of_materials()


@pytest.mark.parametrize("version", ["V1_6"])
def test_it_is_valid_after_the_schema_of_cyclonedx(made, version):
    schema = pytest.importorskip("cyclonedx.schema", reason="of the development environment")
    validation = pytest.importorskip("cyclonedx.validation.json")
    validator = validation.JsonStrictValidator(schema.SchemaVersion[version])
    assert validator.validate_str(json.dumps(made)) is None
    wrong = {**made, "components": [{"type": "no such kind", "name": "x"}]}
    assert validator.validate_str(json.dumps(wrong)) is not None


def test_every_import_of_the_package_is_in_it_with_the_installed_version(made):
    known = {each["name"]: each["version"] for each in made["components"]}
    for name in ("numpy", "scipy", "pyarrow", "pydantic-core", "llvmlite", "click"):
        assert known[name] == metadata.version(name)
    assert len(known) == len(made["components"])
    needs = {each["ref"]: set(each["dependsOn"]) for each in made["dependencies"]}
    assert set(needs) == {"eubiosis", *known}
    assert "numpy" in needs["scipy"]
    assert set().union(*needs.values()) <= set(known)


def test_the_same_installation_gives_the_same_bill(made, tmp_path):
    assert bill.bill_of_materials() == made
    done = CliRunner().invoke(doctor, ["--bom", str(tmp_path / "bom.json")])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "bom.json").read_text()) == made
    assert json.loads(CliRunner().invoke(doctor, ["--bom", "-"]).stdout) == made
    refused = CliRunner().invoke(doctor, ["--bom", str(tmp_path / "missing" / "bom.json")])
    assert refused.exit_code == 2
    assert "does not exist" in refused.output
    assert not (tmp_path / "missing").exists()


def test_what_is_not_installed_has_no_bill(monkeypatch):
    monkeypatch.setattr(bill, "NAME", "no-such-distribution-of-ours")
    with pytest.raises(FindingsError, match=r"next: install it: python -m pip install \."):
        bill.bill_of_materials()
