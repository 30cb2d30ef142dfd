"""Names and guilds: whole names only, one owner a name, and the rows of the packaged table."""

import csv

import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.population.taxa import GUILDS, TAXA_FILE, Taxon, index_taxa, load_taxa, read_taxa

HEADER = "rank\tname\tsynonyms\tncbi_id\tid_read\tguild\trole\tbasis\tread\tsource\tnote"


@pytest.mark.parametrize(
    ("label", "guild"),
    [
        ("Bacteroides", "BAC"),
        ("g__bacteroides", "BAC"),
        ("D_5__Bacteroides", "BAC"),
        ("Phocaeicola", "BAC"),
        ("Segatella", "PRV"),
        ("Prevotella_9", "PRV"),
        ("[Ruminococcus]", "BLA"),
        ("Ruminococcus", "RUM"),
        ("g__[Ruminococcus]_torques_group", "BLA"),
        ("[Eubacterium] siraeum group", "RUM"),
        ("[Eubacterium]_hallii_group", "ANA"),
        ("[Eubacterium]", "ROS"),
        ("Agathobacter", "ROS"),
        ("Escherichia/Shigella", "ENT"),
        ("Escherichia-Shigella", "ENT"),
        ("unclassified_Enterobacteriaceae", "ENT"),
        ("Enterobacteriaceae_unclassified", "ENT"),
        ("[Barnesiellaceae]", "BAC"),
        ("unclassified_S24-7", "BAC"),
        ("Limosilactobacillus", "LAC"),
        ("Clostridium_XlVa", "CLO"),
        ("k__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Lachnospiraceae;g__Roseburia", "ROS"),
        ("d__Bacteria|p__Bacillota|f__Oscillospiraceae|g__Faecalibacterium", "FAE"),
        ("Bacteria;Bacillota;Clostridia;Lachnospirales;Lachnospiraceae;Dorea", "BLA"),
        # the last informative rank is the family
        ("k__Bacteria;o__Clostridiales;f__Ruminococcaceae;g__", "CLO"),
        ("d__Bacteria;f__Muribaculaceae;g__uncultured", "BAC"),
        # the family tells two genera of one name apart
        ("o__Clostridiales;f__Lachnospiraceae;g__Ruminococcus", "BLA"),
        ("o__Clostridiales;f__Ruminococcaceae;g__Ruminococcus", "RUM"),
        ("f__Erysipelotrichaceae;g__[Eubacterium]", None),
        # a species without a row counts with the genus that its lineage states
        ("g__Bifidobacterium;s__longum", "BIF"),
        ("g__Faecalibacterium|s__Faecalibacterium_prausnitzii", "FAE"),
        ("g__Eubacterium;s__rectale", "ROS"),
        ("g__Ruminococcus;s__gnavus", "BLA"),
        ("f__Lachnospiraceae;g__Ruminococcus;s__", "BLA"),
        ("f__Lachnospiraceae;g__Ruminococcus;s__nobody", "BLA"),
        ("D_4__Bacteroidaceae;D_5__Bacteroides;D_6__Bacteroides nobodyi", "BAC"),
        ("Bacteroidaceae;Bacteroides;Bacteroides nobodyi", "BAC"),
    ],
)
def test_a_label_finds_its_guild(label, guild):
    assert load_taxa().guild_of(label) == guild


@pytest.mark.parametrize(
    "label",
    [
        "Prevotella histicola",
        "Lacticaseibacillus paracasei",
        "g__Bifidobacterium;s__animalis",
        "k__Bacteria;o__Clostridiales;f__;g__",
        "f__Lachnospiraceae;g__Nobodyella",
        "Clostridium nobodyi",
        "Eubacterium nobodyi",
        "Eubacterium_Z",
        "Lactobacillus paracasei",
        "Bifidobacterium animalis",
        "Clostridia UCG-014",
        "human",
        "Clostridia",
        "__",
        "unassigned",
        "",
    ],
)
def test_a_label_without_a_guild_gets_none(label):
    assert load_taxa().guild_of(label) is None


@pytest.mark.parametrize(
    ("label", "guild", "rule"),
    [
        ("Bacteroides sp. nobody named this", "BAC", "species"),
        ("Bifidobacterium_longum", "BIF", "species"),
        ("Blautia nobodyi", "BLA", "species"),
        ("s__Blautia_A wexlerae_B", "BLA", "species"),
        ("g__Blautia_A", "BLA", "suffix"),
        ("g__Prevotella_5", "PRV", "suffix"),
        ("Ruminococcus_E", "RUM", "name"),
        ("Streptococcus2", "LAC", "suffix"),
        ("Lachnospiraceae;Lachnospiraceae XYZ group", "BLA", "family"),
        ("g__Lachnospiraceae (unc.)", "BLA", "name"),
        ("Lachnospiraceae bacterium 9_1_43", "BLA", "family"),
        ("Bacteria(100);Firmicutes(100);Blautia(98);", "BLA", "name"),
        ("Ca. Methanobrevibacter", "MET", "name"),
        ("Oscillospiraceae UCG-005", "CLO", "name"),
    ],
)
def test_a_rule_says_that_it_spoke(label, guild, rule):
    found = load_taxa().match(label)
    assert (found.taxon.guild, found.rule) == (guild, rule)


def test_an_ncbi_id_helps_where_the_name_does_not():
    assert load_taxa().match("nobody", 816).taxon.name == "Bacteroides"
    assert load_taxa().match("nobody", 816).rule == "ncbi_id"
    assert load_taxa().match("Blautia", 816).taxon.name == "Blautia"


def test_product_strains_are_known_and_in_no_guild():
    products = [row for row in load_taxa().rows if row.role == "product"]
    assert {"Limosilactobacillus reuteri", "Saccharomyces boulardii"} <= {row.name for row in products}
    assert all(row.guild is None for row in products)


def test_every_guild_has_a_genus_that_the_model_names():
    named = {row.guild for row in load_taxa().rows if row.basis != "assumed" and row.rank == "genus"}
    assert named == set(GUILDS)


def test_family_labels_in_a_guild_are_marked_assumed_with_a_note():
    families = [r for r in load_taxa().rows if r.rank in ("family", "order") and r.guild is not None]
    assert len(families) > 10
    assert all(row.basis == "assumed" and row.note for row in families)


def test_nobody_is_called_harmful_or_beneficial():
    text = TAXA_FILE.read_text(encoding="utf-8").lower()
    for word in ("harmful", "beneficial", "pathogen", "pathobiont", "good bacteria", "bad bacteria"):
        assert word not in text


def test_ncbi_ids_belong_to_one_row_each():
    with TAXA_FILE.open(encoding="utf-8", newline="") as stream:
        ids = [row["ncbi_id"] for row in csv.DictReader(stream, delimiter="\t") if row["ncbi_id"]]
    assert len(ids) > 50
    assert len(ids) == len(set(ids))


def taxon(**changes):
    row = {"rank": "genus", "name": "X", "role": "none", "basis": "assumed", "read": "recalled", "note": "n"}
    return Taxon.model_validate({**row, **changes})


def test_a_name_that_two_rows_claim_is_a_finding():
    findings = FindingCollector()
    index_taxa([taxon(name="Alpha"), taxon(name="Beta", synonyms="g__alpha")], "taxa.tsv", findings)
    assert [f.problem for f in findings.findings] == ['the name "alpha" also belongs to Alpha']


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("genus\tX\t\t\t\tBAC\tproduct\tassumed\trecalled\t\tn", 'role "product" with guild BAC'),
        ("genus\tX\t\t\t\tBAX\tresident\tassumed\trecalled\t\tn", '"BAX" is unknown'),
        ("genus\tX\t\t\t\tBAC\tresident\tassumed\trecalled\t\t", "assumed without a note"),
        ("genus\tX\t\t\t\tBAC\tresident\tmeasured\trecalled\ts\t", "a source that nobody has read"),
        ("genus\tX\t\t\t\tBAC\tresident\tderived\ttable\t\t", "derived without a source"),
        ("family\tX\t\t\t\tBAC\tresident\tderived\ttable\ts\t", "a family label in a guild is an assumption"),
        ("genus\tX\t\t12\t\tBAC\tresident\tassumed\trecalled\t\tn", "one of ncbi_id and id_read is empty"),
        ("genus\tX\t\t\t\t\tresident\tassumed\trecalled\t\tn", "a resident without a guild"),
    ],
)
def test_a_bad_row_is_a_finding(tmp_path, cells, message):
    path = tmp_path / "taxa.tsv"
    path.write_text(f"{HEADER}\n{cells}\n", encoding="utf-8")
    findings = FindingCollector()
    read_taxa(path, findings)
    with pytest.raises(FindingsError, match=message):
        findings.raise_if_any()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Firmicutes", "Bacillota"),
        ("k__Bacteria;p__Bacteroidetes", "Bacteroidota"),
        ("unclassified_Proteobacteria", "Pseudomonadota"),
        ("p__Firmicutes_A", "Bacillota"),
    ],
)
def test_a_name_that_a_release_gave_up_is_found_by_the_new_one_and_the_rule_is_said(old, new):
    found = load_taxa().match(old)
    assert (found.taxon.name, found.rule, found.taxon.guild) == (new, "rename", None)


@pytest.mark.parametrize("word", ["Ca. ", "Candidatus ", "candidatus_"])
def test_candidates_are_known_without_the_word(word):
    assert load_taxa().match(f"{word}Saccharimonas").taxon.role == "none"


def test_a_renamed_name_does_not_hide_an_unknown_genus():
    assert load_taxa().match("p__Firmicutes;g__Nobodyella") is None
