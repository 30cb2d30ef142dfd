"""The COMBINE archive: what is in it, the same bytes each time, and what it claims about sources."""

import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.model.exchange.metadata import sources_read
from eubiosis.model.exchange.omex import default_observables, write_omex
from eubiosis.model.join import consistency_errors

OMEX = "{http://identifiers.org/combine.specifications/omex-manifest}"
SEDML = "{http://sed-ml.org/sed-ml/level1/version4}"
TWO = ("healthy_inulin_7g", "ms_fmt")


@pytest.fixture(scope="module")
def archive(model, tmp_path_factory):
    return write_omex(model, tmp_path_factory.mktemp("omex") / "two.omex", TWO)


def text(archive, name):
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name).decode("utf-8")


def test_the_manifest_lists_what_is_there(archive):
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        assert opened.testzip() is None
    rows = ElementTree.fromstring(text(archive, "manifest.xml")).findall(f"{OMEX}content")
    listed = {row.get("location").removeprefix("./"): row for row in rows}
    assert set(listed) - {"."} == names
    assert [name for name, row in listed.items() if row.get("master") == "true"] == ["simulation.sedml"]


def test_the_same_content_gives_the_same_bytes(model, archive, tmp_path):
    again = write_omex(model, tmp_path / "again.omex", TWO)
    assert again.read_bytes() == archive.read_bytes()


def test_every_condition_is_sbml_without_a_complaint_and_carries_names(archive):
    for condition in TWO:
        sbml = text(archive, f"models/{condition}.xml")
        assert consistency_errors(sbml) == []
        assert 'id="gut_C_Bu" name="butyrate"' in sbml


def test_the_experiments_point_at_what_is_there(model, archive):
    root = ElementTree.fromstring(text(archive, "simulation.sedml"))
    ids = {e.get("id") for e in root.iter() if e.get("id")}
    assert len(ids) == sum(1 for e in root.iter() if e.get("id"))
    for attribute in ("modelReference", "simulationReference", "taskReference", "dataReference"):
        assert {e.get(attribute) for e in root.iter() if e.get(attribute)} <= ids
    with zipfile.ZipFile(archive) as opened:
        assert {m.get("source") for m in root.iter(f"{SEDML}model")} <= set(opened.namelist())
    days = [float(s.get("outputEndTime")) for s in root.iter(f"{SEDML}uniformTimeCourse")]
    assert days == [model.conditions[c].days for c in TWO]
    sbml = text(archive, "models/ms_fmt.xml")
    for variable in root.iter(f"{SEDML}variable"):
        if variable.get("target"):
            name = variable.get("target").split("'")[1]
            assert f'id="{name}"' in sbml


def test_sources_are_those_that_were_read(model):
    """Peters 1992 was read as an abstract; what is quoted second-hand or recalled must not be claimed."""
    found = sources_read(model.content)
    assert "10.1136/gut.33.9.1249" in found
    for read in ("secondary", "recalled"):
        unread = model.content.numbers["gut_V_lumen"].model_copy(
            update={"read": read, "source": "Nobody 2001, 10.9999/never.read"}
        )
        told = sources_read(replace(model.content, numbers={**model.content.numbers, "unread": unread}))
        assert told == found
    rows = [n for n in model.content.numbers.values() if any(doi in n.source for doi in found)]
    assert any(n.read in ("full_text", "table", "abstract", "data_file") for n in rows)


def test_metadata_say_what_it_is(model, archive):
    rdf = text(archive, "metadata.rdf")
    root = ElementTree.fromstring(rdf)
    about = {e.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about") for e in root}
    assert {".", "./models/ms_fmt.xml", "./simulation.sedml"} <= about
    for words in ("not medical advice", "BSD-3-Clause", "taxonomy/9606", "The Eubiosis developers"):
        assert words in rdf
    assert rdf.count("https://doi.org/") == len(sources_read(model.content))


def test_unknown_names_are_found_together(model, tmp_path):
    taken = tmp_path / "taken.omex"
    taken.write_bytes(b"")
    with pytest.raises(FindingsError) as caught:
        write_omex(model, taken, ["ms_inuline_20g"], ["gut_C_But"])
    words = str(caught.value)
    assert 'nearest "ms_inulin_20g"' in words
    assert 'nearest "gut_C_Bu"' in words
    assert "it exists already" in words


def test_the_outputs_of_the_interface_are_reported(model):
    names = default_observables(model)
    assert {"gut_C_Bu", "host_R", "host_relapse_rate"} <= set(names)
    assert len(names) == len(set(names))
