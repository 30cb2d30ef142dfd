"""Every format holds the same small table, written by the format's own library where there is one."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
from scipy import sparse

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.population.stool.table import read_profiles, read_stool_table
from eubiosis.population.taxa import GUILDS

# hand-made, nobody's stool: reads of two samples
LINEAGES = {
    "k__Bacteria; p__Firmicutes; c__; o__; f__Lachnospiraceae; g__Blautia": (30, 20),
    "k__Bacteria; p__Firmicutes; c__; o__; f__Lachnospiraceae; g__Roseburia": (10, 0),
    "k__Bacteria; p__Proteobacteria; g__Sutterella": (60, 80),
}
OTUS = ("otu1", "otu2", "otu3")
COUNTS = np.array(list(LINEAGES.values()), dtype=float)  # taxa x samples
SAMPLES = ("a", "b")
GENERA = ["Blautia", "Roseburia", "Sutterella"]


def check(table, *, parts=(0.4, 0.2)):
    assert table.sample_ids == SAMPLES
    assert table.mapped_share.tolist() == pytest.approx(list(parts))
    share = table.guild_sums[0, GUILDS.index("BLA")] / table.depth[0]
    assert share == pytest.approx(0.3)


def biom_table(with_taxonomy=True):
    biom = pytest.importorskip("biom")
    metadata = [{"taxonomy": lineage.split("; ")} for lineage in LINEAGES] if with_taxonomy else None
    return biom.Table(COUNTS, list(OTUS), list(SAMPLES), observation_metadata=metadata)


def write_hdf5(path, table):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        table.to_hdf5(file, "a test")
    return path


def test_biom_1_is_json(tmp_path):
    path = tmp_path / "t.biom"
    path.write_text(biom_table().to_json("a test"))
    table = read_profiles(path)
    check(table)
    assert table.format == "biom"


def test_fractions_in_json_that_lost_digits_are_said_to_have(tmp_path):
    biom = pytest.importorskip("biom")
    shares = np.array([[0.69997, 0.4], [0.3, 0.5999996], [0.00003, 0.0000004]])
    whole = biom.Table(shares, GENERA, list(SAMPLES))
    (tmp_path / "short.biom").write_text(whole.to_json("a test"))
    record = json.loads(whole.to_json("a test"))
    record["data"][0][2] = 0.699970123
    (tmp_path / "long.biom").write_text(json.dumps(record))
    (tmp_path / "counts.biom").write_text(biom.Table(COUNTS, GENERA, list(SAMPLES)).to_json("a test"))
    said = {name: read_profiles(tmp_path / f"{name}.biom").notes for name in ("short", "long", "counts")}
    assert [any("six decimals" in note for note in said[name]) for name in said] == [True, False, False]


@pytest.mark.filterwarnings("error")  # NumPy's overflow is no finding
@pytest.mark.parametrize(("cell", "sparse_file"), [(1e308, True), (1e16, True), (1e308, False), (2.0, True)])
def test_an_absurd_cell_is_a_finding_in_formats_without_text(tmp_path, cell, sparse_file):
    biom = pytest.importorskip("biom")
    counts = COUNTS.copy()
    counts[:2, 1] = cell  # both taxa of sample b
    path = tmp_path / ("t.biom" if sparse_file else "t.tsv")
    if sparse_file:
        path.write_text(biom.Table(counts, GENERA, list(SAMPLES)).to_json("a test"))
    else:
        rows = [
            ["id", *SAMPLES],
            *([name, *row] for name, row in zip(GENERA, counts.tolist(), strict=True)),
        ]
        path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    findings = FindingCollector()
    table = read_stool_table(path, findings)
    if cell == 2:
        assert not findings.findings
        assert table.depth.tolist() == [100, 84]
        return
    problems = [finding.problem for finding in findings.findings]
    where = 'in 1 sample ("b")' if sparse_file else "(line 2, line 3)"
    assert problems == [f"2 cells above 1e+15 {where}"]


def test_biom_2_is_hdf5_and_blank_middle_ranks_do_not_shift_the_genus(tmp_path):
    table = read_profiles(write_hdf5(tmp_path / "t.biom", biom_table()))
    check(table)
    assert table.guild_sums[0, GUILDS.index("ROS")] == 10


def test_a_biom_table_of_bare_features_asks_for_their_taxonomy(tmp_path):
    path = write_hdf5(tmp_path / "t.biom", biom_table(with_taxonomy=False))
    with pytest.raises(FindingsError, match="--taxonomy"):
        read_profiles(path)
    (tmp_path / "taxonomy.tsv").write_text(
        "Feature ID\tTaxon\n" + "".join(f"{o}\t{li}\n" for o, li in zip(OTUS, LINEAGES, strict=True))
    )
    check(read_profiles(path, taxonomy=tmp_path / "taxonomy.tsv"))


def artifact(path, kind, member, data, *, algorithm="md5", digest=None):
    """An artifact in the layout of QIIME 2's archive: version, metadata, checksums, data."""
    root = "00000000-0000-4000-8000-000000000000"
    digest = digest or hashlib.new(algorithm, data).hexdigest()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{root}/VERSION", "QIIME 2\narchive: 6\nframework: 2025.4.0\n")
        archive.writestr(f"{root}/metadata.yaml", f"uuid: {root}\ntype: {kind}\nformat: made\n")
        archive.writestr(f"{root}/checksums.{algorithm}", f"{digest}  {member}\n")
        archive.writestr(f"{root}/{member}", data)
    return path


@pytest.mark.parametrize("algorithm", ["md5", "sha512"])
def test_qiime_2_artifacts_of_table_and_taxonomy(tmp_path, algorithm):
    data = write_hdf5(tmp_path / "t.biom", biom_table(with_taxonomy=False)).read_bytes()
    table = artifact(
        tmp_path / "table.qza",
        "FeatureTable[Frequency]",
        "data/feature-table.biom",
        data,
        algorithm=algorithm,
    )
    lines = "Feature ID\tTaxon\tConfidence\n" + "".join(
        f"{o}\t{li}\t0.9\n" for o, li in zip(OTUS, LINEAGES, strict=True)
    )
    names = artifact(
        tmp_path / "tax.qza",
        "FeatureData[Taxonomy]",
        "data/taxonomy.tsv",
        lines.encode(),
        algorithm=algorithm,
    )
    found = read_profiles(table, taxonomy=names)
    check(found)
    assert found.format == "qiime2"
    with pytest.raises(FindingsError, match="an artifact of type FeatureData"):
        read_profiles(names)


def test_a_changed_artifact_is_refused_by_its_checksum(tmp_path):
    data = write_hdf5(tmp_path / "t.biom", biom_table()).read_bytes()
    path = artifact(
        tmp_path / "t.qza", "FeatureTable[Frequency]", "data/feature-table.biom", data, digest="0" * 32
    )
    with pytest.raises(FindingsError, match=r"checksum \(md5\) does not fit"):
        read_profiles(path)


def test_h5ad_stays_sparse_and_names_its_taxa_by_rank_columns(tmp_path):
    anndata = pytest.importorskip("anndata")
    import pandas as pd

    var = pd.DataFrame(
        {"Family": ["Lachnospiraceae", "Lachnospiraceae", None], "Genus": GENERA},
        index=list(OTUS), dtype=object,
    )  # fmt: skip
    obs = pd.DataFrame({"arm": ["x", "y"]}, index=list(SAMPLES))
    anndata.AnnData(sparse.csr_matrix(COUNTS.T), obs=obs, var=var).write_h5ad(tmp_path / "t.h5ad")
    table = read_profiles(tmp_path / "t.h5ad", group_column="arm")
    check(table)
    assert (table.format, table.groups) == ("h5ad", ("x", "y"))


def test_excel_with_one_sheet_is_read_and_a_formula_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["taxon", *SAMPLES])
    for lineage, counts in LINEAGES.items():
        sheet.append([lineage, *counts])
    book.create_sheet("empty")
    book.save(tmp_path / "t.xlsx")
    check(read_profiles(tmp_path / "t.xlsx"))
    sheet.append(["g__Dorea", "=B2*2", 3])
    book.save(tmp_path / "f.xlsx")
    with pytest.raises(FindingsError, match=r"row 5, column 2.*a formula"):
        read_profiles(tmp_path / "f.xlsx")


METAPHLAN_4 = """#mpa_vJan25_CHOCOPhlAnSGB_202503
#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species
UNCLASSIFIED\t-1\t60.0\t
k__Bacteria\t2\t40.0\t
k__Bacteria|p__Firmicutes|g__Blautia\t2|1239|572511\t30.0\t
k__Bacteria|p__Firmicutes|g__Blautia|s__Blautia_wexlerae\t2|1239|572511|418240\t30.0\t
k__Bacteria|p__Firmicutes|g__Blautia|s__Blautia_wexlerae|t__SGB4837_group\t\t30.0\t
k__Bacteria|p__Firmicutes|g__Roseburia\t2|1239|841\t10.0\t
k__Bacteria|p__Firmicutes|g__Roseburia|s__Roseburia_faecis\t2|1239|841|301302\t10.0\t
"""


def test_metaphlan_takes_one_rank_and_keeps_the_unclassified(tmp_path):
    (tmp_path / "a.txt").write_text(METAPHLAN_4)
    table = read_profiles(tmp_path / "a.txt")
    assert (table.format, table.scale, table.sample_ids) == ("metaphlan", "percent", ("a",))
    assert table.depth.tolist() == [100]
    assert table.mapped_share.tolist() == pytest.approx([0.4])
    species = read_profiles(tmp_path / "a.txt", rank="species")
    assert species.mapped_share.tolist() == pytest.approx([0.4])
    assert any("rank species is taken" in note for note in species.notes)


KRAKEN = (
    ("60.00", "60", "60", "U", "0", "unclassified"),
    ("40.00", "40", "0", "R", "1", "root"),
    ("40.00", "40", "0", "D", "2", "  Bacteria"),
    ("40.00", "40", "4", "F", "186803", "    Lachnospiraceae"),
    ("30.00", "30", "10", "G", "572511", "      Blautia"),
    ("20.00", "20", "20", "S", "418240", "        Blautia wexlerae"),
    ("6.00", "6", "6", "G", "841", "      Roseburia"),
)


@pytest.mark.parametrize("minimizers", [False, True])
def test_kraken_counts_a_read_once(tmp_path, minimizers):
    lines = ["\t".join([*row[:3], *(["11", "7"] if minimizers else []), *row[3:]]) for row in KRAKEN]
    (tmp_path / "a.kreport").write_text("\n".join(lines) + "\n")
    table = read_profiles(tmp_path / "a.kreport")
    assert (table.format, table.sample_ids) == ("kraken", ("a",))
    assert table.depth.tolist() == [100]
    assert table.guild_sums[0, GUILDS.index("BLA")] == 30
    assert table.mapped_share.tolist() == pytest.approx([0.36])


def test_kraken_reports_joined_by_krakentools(tmp_path):
    head = "#Number of Samples: 2\n#Total Number of Seqs: 200\n#S1\ta.kreport\n#S2\tb.kreport\n"
    header = "#perc\ttot_all\ttot_lvl\t1_all\t1_lvl\t2_all\t2_lvl\tlvl_type\ttaxid\tname\n"
    rows = [f"1\t0\t0\t{r[1]}\t{r[2]}\t{r[1]}\t{r[2]}\t{r[3]}\t{r[4]}\t{r[5]}\n" for r in KRAKEN]
    (tmp_path / "c.txt").write_text(head + header + "".join(rows))
    table = read_profiles(tmp_path / "c.txt")
    assert table.sample_ids == ("a", "b")
    assert table.depth.tolist() == [100, 100]
    assert table.mapped_share.tolist() == pytest.approx([0.36, 0.36])


def test_bracken_single_and_combined(tmp_path):
    single = (
        "name\ttaxonomy_id\ttaxonomy_lvl\tkraken_assigned_reads\tadded_reads\tnew_est_reads\t"
        "fraction_total_reads\nBlautia\t572511\tG\t20\t10\t30\t0.3\nNobodyella\t841\tG\t9\t1\t10\t0.1\n"
        "Sutterella\t40544\tG\t60\t0\t60\t0.6\n"
    )
    (tmp_path / "a.bracken").write_text(single)
    table = read_profiles(tmp_path / "a.bracken")
    assert table.mapped_share.tolist() == pytest.approx([0.4])
    assert table.share_by_rule["ncbi_id"] == pytest.approx(0.1)
    combined = (
        "name\ttaxonomy_id\ttaxonomy_lvl\ta.bracken_num\ta.bracken_frac\tb.bracken_num\tb.bracken_frac\n"
        "Blautia\t572511\tG\t30\t0.3\t20\t0.2\nRoseburia\t841\tG\t10\t0.1\t0\t0\n"
        "Sutterella\t40544\tG\t60\t0.6\t80\t0.8\n"
    )
    (tmp_path / "c.tsv").write_text(combined)
    check(read_profiles(tmp_path / "c.tsv"))


def test_mothur_shared_with_its_taxonomy(tmp_path):
    shared = "label\tGroup\tnumOtus\tOtu001\tOtu002\tOtu003\n"
    shared += "".join(
        f"0.03\t{s}\t3\t" + "\t".join(f"{c:g}" for c in COUNTS[:, k]) + "\n" for k, s in enumerate(SAMPLES)
    )
    (tmp_path / "t.shared").write_text(shared)
    with pytest.raises(FindingsError, match="--taxonomy"):
        read_profiles(tmp_path / "t.shared")
    lines = ["OTU\tSize\tTaxonomy"] + [
        f"Otu00{k}\t9\tBacteria(100);Firmicutes(99);{g}(97);" for k, g in enumerate(GENERA, 1)
    ]  # fmt: skip
    (tmp_path / "t.cons.taxonomy").write_text("\n".join(lines) + "\n")
    table = read_profiles(tmp_path / "t.shared", taxonomy=tmp_path / "t.cons.taxonomy")
    check(table)
    assert table.format == "mothur"


def test_singlem_is_one_line_a_sample_and_taxon(tmp_path):
    rows = [
        f"{s}\t{COUNTS[j, k]:g}\tRoot; {lineage}"
        for k, s in enumerate(SAMPLES) for j, lineage in enumerate(LINEAGES) if COUNTS[j, k]
    ]  # fmt: skip
    (tmp_path / "t.tsv").write_text("sample\tcoverage\ttaxonomy\n" + "\n".join(rows) + "\n")
    check(read_profiles(tmp_path / "t.tsv"))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.biom", b'{"format": "Biological Observation Matrix 1.0.0", "data": [[0', "damaged BIOM"),
        ("t.biom", b"\x89HDF\r\n\x1a\n" + bytes(100), "damaged HDF5"),
        ("t.qza", b"PK\x03\x04" + bytes(50), "damaged archive"),
        ("t.tsv", b"\xff\xfet\x00", "UTF-16"),
        ("t.tsv", b"id\tBlautia\n\x00\t3\n", "binary data"),
        ("t.tsv", b"id\tBlau\x1b[31mtia\tDorea\na\t3\t4\n", "control characters"),
    ],
)
def test_broken_files_are_findings(tmp_path, name, data, said):
    pytest.importorskip("biom")
    pytest.importorskip("h5py")
    (tmp_path / name).write_bytes(data)
    findings = FindingCollector()
    read_stool_table(tmp_path / name, findings)
    assert any(said in finding.problem for finding in findings.findings), findings.findings
    assert all("\x1b" not in str(finding) for finding in findings.findings)


def test_a_library_that_is_not_installed_is_named_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr("eubiosis.population.stool.words.find_spec", lambda _: None)
    (tmp_path / "t.biom").write_text(json.dumps({"format": "Biological Observation Matrix 1.0.0"}))
    with pytest.raises(FindingsError, match="pip install anndata biom-format h5py openpyxl"):
        read_profiles(tmp_path / "t.biom")
