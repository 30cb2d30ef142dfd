"""Every broken form of every format: a finding with place and remedy, nothing returned, memory bounded."""

import bz2
import gzip
import io
import lzma
import random
import tracemalloc
import zipfile

import numpy as np
import pytest

import stool_files as made
from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool import hdf5_child, hdf5_files, unpack
from eubiosis.population.stool.table import read_stool_table

ESCAPE = "\x1b[31m"


def maker(name):
    if name in made.LIBRARIES:
        pytest.importorskip(made.LIBRARIES[name])
        pytest.importorskip("h5py")
    return made.EVERY[name]


@pytest.fixture
def in_this_process(monkeypatch):
    """HDF5 that libraries wrote as they should is read here: a child takes seconds to import them.

    That the child reads every format, and stands what is damaged, is seen where this is not asked for.
    """

    def held(opened, group_column, findings):
        source = io.BytesIO(opened.data) if opened.data else str(opened.path.absolute())
        return hdf5_child.read_held(
            source, group_column=group_column, rank_pattern=hdf5_files._RANKS, most=unpack.MOST_BYTES
        )

    monkeypatch.setattr(hdf5_files, "_held", held)


def read(path, **options):
    findings = FindingCollector()
    table = read_stool_table(path, findings, **options)
    assert table is not None or findings.findings
    for finding in findings.findings:
        assert finding.problem
        assert finding.file
        assert finding.allowed or finding.next_step or finding.place
        assert "\x1b" not in str(finding)
    return table, findings.findings


@pytest.mark.parametrize("name", made.EVERY)
def test_the_whole_file_is_read(tmp_path, name):
    (tmp_path / name).write_bytes(maker(name)())
    table, findings = read(tmp_path / name)
    assert not findings
    assert table.sample_ids == made.SAMPLES
    np.testing.assert_allclose(table.mapped_share, [0.4, 0.2, 12 / 21], atol=1e-6)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", [*made.PACKED, *made.CONTAINERS])
def test_a_truncated_container_is_a_finding(tmp_path, name, part):
    data = maker(name)()
    (tmp_path / name).write_bytes(data[: int(part * len(data))])
    table, findings = read(tmp_path / name)
    assert table is None
    assert findings


@pytest.mark.parametrize("name", made.TEXTS)
def test_a_text_cut_within_a_line_is_a_finding(tmp_path, name):
    data = maker(name)().rstrip(b"\n")
    (tmp_path / name).write_bytes(data[: data.rstrip().rfind(b"\t" if b"\t" in data else b",")])
    table, findings = read(tmp_path / name)
    assert table is None
    assert findings


@pytest.mark.parametrize("name", [*made.PACKED, *made.CONTAINERS])
def test_a_wrong_beginning_is_a_finding(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x00\x01\x02\x03" + maker(name)()[4:])
    table, findings = read(tmp_path / name)
    assert table is None
    assert findings


@pytest.mark.parametrize("name", made.EVERY)
def test_an_empty_file_is_a_finding(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert read(tmp_path / name)[0] is None


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", [name for name in made.EVERY if name != "table.xlsx"])  # XML has none
def test_escape_characters_in_ids_are_a_finding_and_never_printed(tmp_path, name):
    samples = ("one", f"t{ESCAPE}wo", "three")
    (tmp_path / name).write_bytes(maker(name)(samples, made.GENERA))
    _, findings = read(tmp_path / name)
    assert any("control characters" in f.problem for f in findings), findings


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", [n for n in made.EVERY if n not in ("singlem.tsv", "psmelt.csv")])
def test_ids_that_occur_twice_are_a_finding(tmp_path, name):
    (tmp_path / name).write_bytes(maker(name)(("one", "two", "two"), made.GENERA))
    _, findings = read(tmp_path / name)
    told = [f for f in findings if "2 times" in f.problem or "twice" in f.problem or "Duplicate" in f.problem]
    assert told, findings


def test_ids_that_occur_twice_in_a_long_table_are_a_finding(tmp_path):
    (tmp_path / "psmelt.csv").write_bytes(made.psmelt(("one", "two", "two")))
    table, findings = read(tmp_path / "psmelt.csv")
    assert table is None
    assert "occurs twice" in findings[0].problem


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", made.EVERY)
def test_ids_that_match_no_metadata_are_a_finding_with_examples_of_both(tmp_path, name):
    (tmp_path / name).write_bytes(maker(name)())
    (tmp_path / "people.csv").write_text("who,arm\nX1,a\nX2,b\n")
    _, findings = read(tmp_path / name, metadata=tmp_path / "people.csv", id_column="who", group_column="arm")
    (finding,) = findings
    assert "3 of 3 samples are not in" in finding.problem
    assert '"X1"' in finding.allowed


@pytest.mark.parametrize("cell", ["=B2*2", "=cmd|' /C calc'!A0", "@SUM(1)", "1.0.0", "12 reads"])
@pytest.mark.parametrize("name", ["table.tsv", "table.tsv.gz", "bracken.tsv", "metaphlan.tsv", "table.xlsx"])
def test_formula_cells_and_words_are_findings_with_their_place(tmp_path, name, cell):
    maker(name)
    if name == "table.xlsx":
        data = made.workbook(more=["Dorea", cell, 1, 2])
    else:
        data = made.EVERY[name.removesuffix(".gz")]().replace(b"\t20", f"\t{cell}".encode(), 1)
        data = gzip.compress(data) if name.endswith(".gz") else data
    (tmp_path / name).write_bytes(data)
    _, findings = read(tmp_path / name)
    assert findings[0].place


BOMBS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda data: made.archive({"t.tsv": data}),
}


@pytest.mark.parametrize("filler", [b"\0", b"a"])
@pytest.mark.parametrize("ending", BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, ending, filler):
    # many times the limit that stands in the test; what is held stays near the limit
    monkeypatch.setattr(unpack, "LONGEST_LINE", 1_000_000)
    (tmp_path / f"t.{ending}").write_bytes(BOMBS[ending](filler * (24_000_000 // len(filler))))
    tracemalloc.start()
    try:
        table, findings = read(tmp_path / f"t.{ending}")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert table is None
    assert findings
    assert peak < 12_000_000


def test_a_text_with_line_ends_is_refused_at_the_limit(tmp_path):
    (tmp_path / "t.gz").write_bytes(gzip.compress(b"a\tb\n" * 2_000_000))
    findings = FindingCollector()
    assert unpack.open_table(tmp_path / "t.gz", findings, most=3_000_000) is None
    assert "more than 3,000,000 bytes" in findings.findings[0].problem


def test_a_line_of_a_hundred_megabytes_is_named_by_its_number(tmp_path):
    with (tmp_path / "t.tsv").open("wb") as out:
        out.write(b"taxon\tone\nBlautia\t3\n")
        for _ in range(100):
            out.write(b"1" * 1_000_000)
    tracemalloc.start()
    try:
        table, findings = read(tmp_path / "t.tsv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert table is None
    assert findings[0].place == "line 3"
    assert peak < 80_000_000


def test_several_streams_in_one_packed_file_are_all_read(tmp_path):
    head, tail = made.text()[:25], made.text()[25:]
    for ending, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        (tmp_path / f"t.{ending}").write_bytes(pack(head) + pack(tail))
        assert read(tmp_path / f"t.{ending}")[0].sample_ids == made.SAMPLES


def test_hdf5_data_beyond_the_limit_or_in_another_file_are_not_read(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("biom")
    path = tmp_path / "t.biom"
    path.write_bytes(made.biom_hdf5())
    with h5py.File(path, "a") as file:  # a gigabyte of zeros that takes no room
        file.create_dataset("bomb", shape=(2**27 + 1,), dtype="f8", chunks=(2**20,), compression="gzip")
    assert "when unpacked" in read(path)[1][0].problem
    path.write_bytes(made.biom_hdf5())
    with h5py.File(path, "a") as file:
        del file["sample/ids"]
        file["sample/ids"] = h5py.ExternalLink("secret.h5", "/ids")
    assert "another file" in read(path)[1][0].problem


def test_a_workbook_does_not_say_itself_how_large_it_is(tmp_path):
    pytest.importorskip("openpyxl")
    with zipfile.ZipFile(io.BytesIO(made.workbook())) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    members[sheet] = members[sheet].replace(b'<dimension ref="A1:D4"', b'<dimension ref="A1:XFD1048576"')
    (tmp_path / "t.xlsx").write_bytes(made.archive(members))
    assert read(tmp_path / "t.xlsx")[0].sample_ids == made.SAMPLES


def test_a_workbook_of_entities_within_entities_is_a_finding(tmp_path):
    pytest.importorskip("openpyxl")
    with zipfile.ZipFile(io.BytesIO(made.workbook())) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    levels = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10}">' for k in range(1, 10))
    sheet = members["xl/worksheets/sheet1.xml"].replace(b"Blautia", b"&e9;")
    members["xl/worksheets/sheet1.xml"] = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{levels}]>'.encode() + sheet
    (tmp_path / "t.xlsx").write_bytes(made.archive(members))
    table, findings = read(tmp_path / "t.xlsx")
    assert table is None
    assert "damaged workbook" in findings[0].problem


def mutated(data, draws):
    """Change some bytes: other values, cuts, copies, and words that readers stumble over."""
    changed = bytearray(data)
    for _ in range(draws.choice((1, 1, 2, 5, 20))):
        place, kind = draws.randrange(max(len(changed), 1)), draws.random()
        if kind < 0.4 and changed:
            changed[place] = draws.randrange(256)
        elif kind < 0.55:
            del changed[place : place + draws.choice((1, 2, 10, 100))]
        elif kind < 0.7:
            changed[place:place] = bytes(draws.randrange(256) for _ in range(draws.choice((1, 3, 8))))
        elif kind < 0.8:
            changed[place:place] = changed[place : place + draws.choice((1, 8, 50))]
        elif kind < 0.95:
            words = (
                b"\xff" * 4,
                bytes(4),
                b"1e99",
                b"-1e9",
                b"nan ",
                b"\t" * 4,
                b'""""',
                b"\n\n\r\n",
                b";;;;",
            )
            changed[place : place + 4] = draws.choice(words)
        else:
            del changed[place:]
    return bytes(changed)


@pytest.mark.parametrize("name", made.EVERY)
def test_nothing_but_findings_comes_out_of_a_mutated_file(tmp_path, name):
    data, draws = maker(name)(), random.Random(f"{name} 2026")
    for _ in range(6 if name in made.CONTAINERS else 60):  # a child process each
        (tmp_path / name).write_bytes(mutated(data, draws))
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["table.xlsx", "table.qza"])
def test_nothing_but_findings_comes_out_of_a_mutated_member(tmp_path, name):
    with zipfile.ZipFile(io.BytesIO(maker(name)())) as packed:
        members = {member: packed.read(member) for member in packed.namelist()}
    draws = random.Random(f"{name} members 2026")
    for _ in range(8 if name == "table.qza" else 25):  # QIIME 2 holds HDF5: a child process each
        member = draws.choice([m for m in members if not m.endswith(".md5")])
        changed = {**members, member: mutated(members[member], draws)}
        (tmp_path / name).write_bytes(
            made.archive({k: v for k, v in changed.items() if not k.endswith(".md5")})
        )
        read(tmp_path / name)
