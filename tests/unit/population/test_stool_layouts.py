"""Layouts that phyloseq, DADA2 and others write: one small table in each, and what is refused by name."""

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.population.stool.table import read_profiles
from eubiosis.population.taxa import GUILDS

# hand-made, nobody's stool: reads of samples a and b
GENERA = ("Blautia", "Roseburia", "Sutterella")
COUNTS = ((30, 20), (10, 0), (60, 80))
OTUS = ("OTU1", "OTU2", "OTU3")
ASVS = ("ACGT" * 15, "TTGA" * 15, "GGCA" * 15)
LINEAGES = [
    f"k__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Lachnospiraceae;g__{genus}"
    for genus in GENERA
]


def check(table, scale=1.0):
    assert table.sample_ids == ("a", "b")
    assert table.depth.tolist() == pytest.approx([100 * scale, 100 * scale])
    assert table.guild_sums[:, GUILDS.index("BLA")].tolist() == pytest.approx([30 * scale, 20 * scale])
    assert table.mapped_share.tolist() == pytest.approx([0.4, 0.2])


def counts(names, mark=",", quote='"'):
    return "".join(
        f"{quote}{name}{quote}{mark}{a}{mark}{b}\n" for name, (a, b) in zip(names, COUNTS, strict=True)
    )


def ranks(header, ids, row):
    return header + "".join(row.format(id=key, genus=genus) for key, genus in zip(ids, GENERA, strict=True))


R_TAXONOMY = ('"","Kingdom","Family","Genus"\n', '"{id}","Bacteria","Lachnospiraceae","{genus}"\n')
WITH_TAXONOMY = {
    "write.csv(otu_table)": ('"","a","b"\n' + counts(OTUS), ranks(R_TAXONOMY[0], OTUS, R_TAXONOMY[1])),
    "write.csv(t(otu_table))": (
        '"","OTU1","OTU2","OTU3"\n"a",30,10,60\n"b",20,0,80\n', ranks(R_TAXONOMY[0], OTUS, R_TAXONOMY[1]),
    ),
    "write.table(otu_table)": ('"a" "b"\n' + counts(OTUS, " "), ranks(R_TAXONOMY[0], OTUS, R_TAXONOMY[1])),
    "write.table(sep tab, no quotes)": (
        "a\tb\n" + counts(OTUS, "\t", ""), ranks(R_TAXONOMY[0], OTUS, R_TAXONOMY[1]),
    ),
    "write.table(tax_table)": (
        '"","a","b"\n' + counts(OTUS), ranks('"Kingdom" "Genus"\n', OTUS, '"{id}" "Bacteria" "{genus}"\n'),
    ),
    "dada2 seqtab": (
        '"",' + ",".join(f'"{s}"' for s in ASVS) + '\n"a",30,10,60\n"b",20,0,80\n',
        ranks(R_TAXONOMY[0], ASVS, R_TAXONOMY[1]),
    ),
    "dada2 t(seqtab)": ('"","a","b"\n' + counts(ASVS), ranks(R_TAXONOMY[0], ASVS, R_TAXONOMY[1])),
    "dada2 assignSpecies": (
        '"","a","b"\n' + counts(ASVS),
        ranks('"","Genus","Species"\n', ASVS, '"{id}","{genus}","nobodyi"\n'),
    ),
    "ranks that nobody named": (
        '"","a","b"\n' + counts(OTUS),
        ranks('"","Rank1","Rank2","Rank6"\n', OTUS, '"{id}","k__Bacteria","p__Firmicutes","g__{genus}"\n'),
    ),
    "ta1 to ta6": (
        '"","a","b"\n' + counts(OTUS),
        ranks('"","ta1","ta2","ta6"\n', OTUS, '"{id}","Bacteria","Firmicutes","{genus}"\n'),
    ),
    "SILVA ranks": (
        '"","a","b"\n' + counts(OTUS),
        ranks('"","Domain","Genus"\n', OTUS, '"{id}","D_0__Bacteria","D_5__{genus}"\n'),
    ),
    "the genus alone": ('"","a","b"\n' + counts(OTUS), ranks('"","Genus"\n', OTUS, '"{id}","{genus}"\n')),
    "genomes and GTDB-Tk": (
        "Genome\ta\tb\n" + counts(OTUS, "\t", ""),
        ranks(
            "user_genome\tclassification\tfastani_reference\n", OTUS,
            "{id}\td__Bacteria;p__Bacillota_A;f__Lachnospiraceae;g__{genus}_A;s__\tGCF_1\n",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_TAXONOMY)
def test_two_files(tmp_path, name):
    table, taxonomy = WITH_TAXONOMY[name]
    (tmp_path / "t.txt").write_text(table)
    (tmp_path / "taxonomy.txt").write_text(taxonomy)
    check(read_profiles(tmp_path / "t.txt", taxonomy=tmp_path / "taxonomy.txt"))


def joined(*columns):
    return "".join(",".join(str(cell) for cell in row) + "\n" for row in zip(*columns, strict=True))


A, B = zip(*COUNTS, strict=True)
LONG = [
    (otu, genus, "ab"[k], pair[k])
    for otu, genus, pair in zip(OTUS, GENERA, COUNTS, strict=True)
    for k in (0, 1)
]
ALONE = {
    "cbind(tax_table, otu_table)": '"","Kingdom","Genus","a","b"\n'
    + joined(OTUS, ("Bacteria",) * 3, GENERA, A, B),
    "cbind(otu_table, tax_table)": '"","a","b","Kingdom","Genus"\n'
    + joined(OTUS, A, B, ("Bacteria",) * 3, GENERA),
    "one rank beside the samples": '"","Genus","a","b"\n' + joined(OTUS, GENERA, A, B),
    "tax_glom": '"","a","b"\n' + counts(GENERA),
    "names that R made into columns": '"","'
    + '","'.join(lineage.replace(";", ".") for lineage in LINEAGES)
    + '"\n"a",30,10,60\n"b",20,0,80\n',
    "psmelt": '"","OTU","Sample","Abundance","arm","age","Kingdom","Genus"\n'
    + "".join(f'"{k}","{o}","{s}",{n},"x",40,"Bacteria","{g}"\n' for k, (o, g, s, n) in enumerate(LONG)),
    "psmelt without features": "Sample,Abundance,Genus\n" + "".join(f"{s},{n},{g}\n" for _, g, s, n in LONG),
    "the classic export of BIOM": "# Constructed from biom file\n#OTU ID\ta\tb\ttaxonomy\n"
    + "".join(
        f"{o}\t{a}.0\t{b}.0\t{li.replace(';', '; ')}\n"
        for o, a, b, li in zip(OTUS, A, B, LINEAGES, strict=True)
    ),
    "quoted numbers": '"","a","b"\n'
    + "".join(f'"{g}","{a}","{b}"\n' for g, a, b in zip(GENERA, A, B, strict=True)),
    "kraken-biom's clades": "#Classification\ta\tb\nk__Bacteria\t100\t100\nk__Bacteria|p__F\t100\t100\n"
    + "".join(f"k__Bacteria|p__F|g__{g}\t{a}\t{b}\n" for g, a, b in zip(GENERA, A, B, strict=True)),
}


@pytest.mark.parametrize("name", ALONE)
def test_one_file(tmp_path, name):
    (tmp_path / "t.txt").write_text(ALONE[name])
    check(read_profiles(tmp_path / "t.txt"))


def test_write_csv2_has_semicolons_and_decimal_commas(tmp_path):
    rows = "".join(f'"{g}";{a / 100:.2f};{b / 100:.2f}\n' for g, a, b in zip(GENERA, A, B, strict=True))
    (tmp_path / "t.csv").write_text('"";"a";"b"\n' + rows.replace(".", ","))
    check(read_profiles(tmp_path / "t.csv"), scale=0.01)


def test_a_pair_on_two_lines_of_a_long_table_is_a_finding(tmp_path):
    (tmp_path / "t.csv").write_text("Sample,Abundance,Genus\na,3,Blautia\na,4,Blautia\n")
    with pytest.raises(FindingsError, match=r'line 3: "Blautia" of sample "a" occurs twice'):
        read_profiles(tmp_path / "t.csv")


METAPHLAN = {
    "SGB and EGB rows": (
        "#mpa_vJan25_CHOCOPhlAnSGB_202503\nclade_name\ta\tb\nUNCLASSIFIED\t60\t80\nk__Bacteria\t35\t20\n"
        "k__Bacteria|g__Blautia\t30\t20\nk__Bacteria|g__Blautia|s__Blautia_wexlerae\t30\t20\n"
        "k__Bacteria|g__Blautia|s__Blautia_wexlerae|t__SGB4837_group\t30\t20\n"
        "k__Bacteria|g__Roseburia\t10\t0\nk__Eukaryota\t0\t0\nk__Eukaryota|g__Blastocystis\t0\t0\n"
        "k__Eukaryota|g__Blastocystis|s__Blastocystis_sp|t__EGB12\t0\t0\n"
    ),
    "GTDB clades": (
        "#mpa_vJun23\n#clade_name\ta\tb\nUNCLASSIFIED\t60\t80\nd__Bacteria\t40\t20\n"
        "d__Bacteria;p__Bacillota_A;g__Blautia_A\t30\t20\nd__Bacteria;p__Bacillota_A;g__Roseburia\t10\t0\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", METAPHLAN)
def test_metaphlan_rows_of_genome_bins_are_below_the_rank_that_is_taken(tmp_path, name):
    (tmp_path / "t.tsv").write_text(METAPHLAN[name])
    table = read_profiles(tmp_path / "t.tsv")
    check(table)
    assert table.format == "metaphlan"


REFUSED = {
    "# Gene Family\ta_Abundance\nUNMAPPED\t3\nUniRef90_A|g__Blautia.s__x\t4\n": "a HUMAnN table",
    "# Gene Family HUMAnN v4\ta_Abundance\nUNMAPPED\t3\nUniRef90_A|g__Blautia.s__x\t4\n": "a HUMAnN table",
    "# Pathway\ta_Abundance\nUNINTEGRATED\t3\nPWY-1: x\t4\n": "a HUMAnN table",
    "user_genome\tclassification\nbin1\td__Bacteria;g__Blautia\n": "a GTDB-Tk summary",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_tables_that_count_nobody_are_refused_by_name(tmp_path, text):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(FindingsError, match=REFUSED[text]):
        read_profiles(tmp_path / "t.tsv")


def test_a_forced_format_that_the_file_cannot_have_is_a_finding(tmp_path):
    (tmp_path / "t.tsv").write_text('"","a","b"\n' + counts(GENERA))
    check(read_profiles(tmp_path / "t.tsv", format="text table"))
    for form in ("qiime2", "h5ad", "excel"):
        with pytest.raises(FindingsError, match=f"the file is not {form}: it holds text"):
            read_profiles(tmp_path / "t.tsv", format=form)
    with pytest.raises(FindingsError, match="not a line of a Kraken 2 report"):
        read_profiles(tmp_path / "t.tsv", format="kraken")


def test_progress_is_told_while_a_table_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("eubiosis.core.csv_arrow._LARGE", 0)
    (tmp_path / "t.tsv").write_text('"","a","b"\n' + counts(GENERA))
    told = []
    read_profiles(tmp_path / "t.tsv", progress=lambda doing, share: told.append((doing, share)))
    assert [doing for doing, _ in told] == ["unpacking", "reading rows"]
    assert all(0 <= share <= 1 for _, share in told)
