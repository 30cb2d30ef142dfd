"""The export of a trial whose tables lie in parts holds the rows of one whose tables do not."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from eubiosis.core.frame import Table
from eubiosis.workflow.exports import growing, observed
from eubiosis.workflow.exports.adam_schemas import ADAM_TABLES
from eubiosis.workflow.exports.write import export_run
from tiny_runs import run_of_forty

CUT = ("observed_subjects", "observed_visits", "observed_relapses", "observed_adverse_events")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_of_forty(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def in_parts(run):
    """The same run with the observed tables in two parts; nothing happened to anybody of the second."""
    copy = shutil.copytree(run, run.parent / "in_parts")
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    late = set(Table.read_parquet(copy / "tables/observed_relapses.parquet")["subject"].tolist())
    late |= set(Table.read_parquet(copy / "tables/observed_adverse_events.parquet")["subject"].tolist())
    for name in CUT:
        whole = copy / "tables" / f"{name}.parquet"
        table = Table.read_parquet(whole)
        whole.unlink()
        del manifest["files"][f"tables/{name}.parquet"]
        (copy / "tables" / name).mkdir()
        first = np.isin(table["subject"], list(late))
        for number, rows in enumerate((first, ~first)):
            if rows.any():
                path = copy / "tables" / name / f"part-{number:05d}.parquet"
                path.write_bytes(table.filter(rows).to_parquet())
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                manifest["files"][path.relative_to(copy).as_posix()] = digest
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return copy


def rows_of(table):
    return sorted(map(repr, zip(*table.to_pydict().values(), strict=True)))


def test_a_trial_in_parts_is_exported_whole(run, in_parts, tmp_path, monkeypatch):
    assert len(list((in_parts / "tables" / "observed_subjects").iterdir())) == 2
    assert len(list((in_parts / "tables" / "observed_relapses").iterdir())) == 1
    export_run(run, tmp_path / "whole", ["parquet", "csv"])
    monkeypatch.setattr(observed, "_TOGETHER", 7)
    export_run(in_parts, tmp_path / "parts", ["parquet", "csv"])
    for name in map(str.lower, ADAM_TABLES):
        one, other = (Table.read_parquet(tmp_path / each / f"{name}.parquet") for each in ("whole", "parts"))
        assert rows_of(one) == rows_of(other)
        assert len(one) > 0
        one, other = ((tmp_path / each / f"{name}.csv").read_text("utf-8") for each in ("whole", "parts"))
        assert one.splitlines()[0] == other.splitlines()[0]
        assert sorted(one.splitlines()) == sorted(other.splitlines())
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    assert names == {path.name for path in (tmp_path / "parts").iterdir()}


def test_a_long_table_is_several_transport_files(in_parts, tmp_path, monkeypatch):
    pyreadstat = pytest.importorskip("pyreadstat")
    monkeypatch.setattr(observed, "_TOGETHER", 7)
    monkeypatch.setattr(growing, "MOST_ROWS", 40)
    written = export_run(in_parts, tmp_path / "parts", ["parquet", "xpt"])
    assert sorted(written) == sorted((tmp_path / "parts").iterdir())
    assert (tmp_path / "parts" / "adsl.xpt").is_file()  # forty people fit
    count = len([path for path in written if path.match("adtte*.xpt")])
    assert count > 1  # two rows a person
    read = [pyreadstat.read_xport(tmp_path / "parts" / f"adtte{k + 1}.xpt")[0] for k in range(count)]
    assert all(0 < len(each) <= 40 for each in read)
    found = [person for each in read for person in each["USUBJID"]]
    assert found == list(Table.read_parquet(tmp_path / "parts" / "adtte.parquet").texts("USUBJID"))
