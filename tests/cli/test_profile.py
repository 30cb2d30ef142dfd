"""``eubiosis profile``: what it prints, and every bad input by its message and exit status."""

import gzip
import json

import numpy as np
import pytest

GOOD = "id\tBacteroides\tBlautia\tSutterella\na\t50\t30\t20\nb\t10\t30\t160\n"
META = "who\tarm\na\tcase\nb\tControl\n"
QUICK = ("--worlds", "0")
WITH_META = ("--id-column", "who", "--group-column", "arm")


@pytest.fixture
def run(monkeypatch, eubiosis, tmp_path):
    """Run the command in an empty folder that holds the given files; return status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **files):
        for name, content in files.items():
            path = tmp_path / name.replace("_", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return eubiosis("profile", *arguments)

    return call


def test_samples_and_summary_go_to_stdout_and_the_log_to_stderr(run):
    status, out, err = run("t.tsv", "--include-persons", *QUICK, t_tsv=GOOD)
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == (
        "t.tsv (text table) holds 2 samples with a median of 150 reads each; 40.0 % of what it holds is in a "
        "guild of the model."
    )
    first = [line.split()[:1] for line in lines].index(["sample"])
    assert lines[first].split()[:7] == ["sample", "group", "status", "depth", "mapped", "BAC", "PRV"]
    assert lines[first + 1].split()[:7] == ["a", "-", "ok", "100", "0.800", "0.6250", "0"]
    assert lines[first + 2].split()[:6] == ["b", "-", "mapped_below_half", "200", "0.200", "0.2500"]
    assert lines[first + 3].startswith(
        "# 2 samples (1 mapped_below_half, 1 ok); mapped share of all reads 40.0%"
    )
    assert "60.00%  Sutterella" in err
    assert "PRV was seen in 0 % of the usable samples" in err


def test_single_samples_are_shown_only_where_they_are_asked_for(run):
    status, out, err = run("t.tsv", *QUICK, t_tsv=GOOD)
    assert status == 0
    assert "fewer than 5 usable samples: counted, not summarised" in out
    assert "mapped_below_half" in out  # how many, not who
    assert not any(line.split()[:1] in (["a"], ["b"]) for line in [*out.splitlines(), *err.splitlines()])
    status, out, _ = run("t.tsv", "--json", *QUICK, t_tsv=GOOD)
    record = json.loads(out)
    assert (status, record["samples"], "persons" in record) == (0, 2, False)
    assert [group["guilds"] for group in record["groups"]] == [[]]


def test_json_carries_its_origin_and_the_contrasts(run):
    status, out, _ = run(
        "t.tsv", "--groups", "m.tsv:arm", "--control", "Control", "--json", "--include-persons", *QUICK,
        t_tsv=GOOD, m_tsv=META,
    )  # fmt: skip
    assert status == 0
    record = json.loads(out)
    assert "no diagnosis" in record["origin"]
    assert record["centre"] == "controls"
    case, control = record["persons"]
    assert (case["group"], control["group"]) == ("case", "Control")
    assert set(control["log_ratios"].values()) == {0.0}
    # ln(50/30) - ln(10/30) = ln 5, half of it up and half down between two guilds
    assert case["log_ratios"]["BAC"] == pytest.approx(0.8047189562)
    assert case["log_ratios"]["BLA"] == pytest.approx(-0.8047189562)


def test_one_sample_says_that_it_has_no_contrast(run):
    status, _, err = run("t.tsv", *QUICK, t_tsv="id\tBacteroides\tBlautia\na\t5\t6\n")
    assert status == 0
    assert "its contrast is zero by construction" in err


BAD = {
    "missing file": (None, ["the file is missing", "correct the path"]),
    "empty file": ("", ["the table is empty"]),
    "header only": ("id\tBacteroides\n", ["the table is empty"]),
    "not UTF-8": ("id\tBactéroides\na\t1\n".encode("latin-1"), ["not UTF-8 text", "UTF-8"]),
    "not a table": ("just a sentence\nand another\n", ["only one column", "tabs"]),
    "damaged gzip": (gzip.compress(GOOD.encode())[:20], ["damaged archive"]),
    "all-zero sample": (GOOD + "c\t0\t0\t0\n", ["sample c", "every value is zero", "remove the sample"]),
    "double sample": (GOOD + "a\t1\t2\t3\n", ["sample a", "occurs 2 times"]),
    "sample without id": (GOOD + "\t1\t2\t3\n", ["a sample without an id"]),
    "no known genus": ("id\tNobody\tNowhere\na\t1\t2\n", ["no known genus", '"Nobody"', "genus level"]),
    "numbers for names": ("id\tOTU1\tOTU2\na\t1\t2\n", ["features without names", '"OTU1"', "--taxonomy"]),
    "logarithms": ("id\tBlautia\tDorea\na\t3.412\t2.8\n", ["look like logarithms", "undo"]),
    "absurd": ("id\tBlautia\tDorea\na\t1e308\t2\n", ["column Blautia", "above 1e+15"]),
    "turned text": (GOOD + "\u202ec\t1\t2\t3\n", ["control characters in 1 name", "\\u202ec"]),
    "open quote": ('id,"Blautia,Dorea\na,1,2\n', ["line 1", "quotation mark"]),
    "thousands": ("id\tBlautia\tDorea\na\t1,234\t1\n", ["column Blautia", 'line 2 "1,234"']),
    "folder of a gene table": ("# Pathway\tS1\nPWY-1\t3\n", ["HUMAnN", "MetaPhlAn"]),
    "empty cell": (
        "id\tBlautia\tDorea\na\t1\t\n",
        ["column Dorea", "without a value (line 2)", "--blanks zero"],
    ),
    "NaN cell": ("id\tBlautia\tDorea\na\tNaN\t3\n", ["column Blautia", "without a value (line 2)"]),
    "text": ("id\tBlautia\tDorea\na\tmany\t3\n", ["column Blautia", 'line 2 "many"', "--ignore"]),
    "negative": ("id\tBlautia\tDorea\na\t-1\t3\n", ["column Blautia", "below zero", "0 or more"]),
    "percent with fractions": (
        "id\tBlautia\tDorea\na\t0.25\t0.75\nb\t24.5\t75.5\n",
        ["different scales", 'fractions in 1 sample ("a")', 'percent in 1 sample ("b")'],
    ),
    "ragged line": (GOOD + "c\t1\n", ["line 4", "2 cells", "4 cells, as in the header"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_findings_with_exit_status_1(run, case):
    content, parts = BAD[case]
    status, out, err = run("t.tsv", **({} if content is None else {"t_tsv": content}))
    assert status == 1
    assert out == ""
    assert "t.tsv: 1 finding" in err
    for part in parts:
        assert part in err


def test_escape_characters_in_groups_and_platform_are_findings(run):
    meta = "sample\tarm\na\t\x1b[31mcase\nb\tcontrol\n"
    status, out, err = run(
        "t.tsv", "--groups", "m.tsv:arm", "--platform", "V4\x1b[2J", t_tsv=GOOD, m_tsv=meta
    )
    assert (status, out) == (1, "")
    assert 'group: control characters in 1 name ("\\x1b[31mcase")' in err
    assert 'platform: control characters in 1 name ("V4\\x1b[2J")' in err


def test_a_text_column_does_not_hide_what_else_is_wrong(run):
    table = "id\tBlautia\tDorea\tcolour\na\t0.25\t0.75\tx\nb\t24.5\t75.5\ty\nc\t0\t0\tx\n"
    status, _, err = run("t.tsv", t_tsv=table)
    assert status == 1
    for part in ("column colour: 3 cells with text", "sample c: no reads", "different scales"):
        assert part in err


def test_a_table_of_zeros_names_every_sample(run):
    status, _, err = run("t.tsv", t_tsv="id\tBlautia\tDorea\na\t0\t0\nb\t0\t0\n")
    assert status == 1
    assert "t.tsv: 2 findings" in err


def test_all_findings_come_at_once(run):
    table = "id\tBlautia\tDorea\tDorea\na\t-1\tx\t1\na\t1\t\t1\nb\t0\t0\t0\n"
    meta = "who\tarm\nq\tcase\nq\tcase\n"
    status, out, err = run(
        "t.tsv", "--metadata", "m.tsv", *WITH_META, "--control", "Cntrl", t_tsv=table, m_tsv=meta
    )
    assert (status, out) == (1, "")
    for part in (
        "below zero",
        'text where a number belongs (line 2 "x")',
        "the sample id occurs 2 times",
        "sample b: no reads",
        '3 of 3 samples are not in m.tsv ("a", "a", "b")',
        'the id "q" occurs twice',
    ):
        assert part in err


@pytest.mark.parametrize(
    ("meta", "options", "parts"),
    [
        (META, ("--id-column", "whom", "--group-column", "arm"), ['"whom" is unknown; nearest "who"']),
        (META, (*WITH_META, "--control", "Controls"), ['"Controls" is unknown; nearest "Control"', "case"]),
        ("who\tarm\na\tcase\n", WITH_META, ['1 of 2 samples are not in m.tsv ("b")', 'as in "a"']),
        ("who\tarm\na\tcase\nb\t\n", WITH_META, ["no group for 1 sample", '"b"']),
        (None, WITH_META, ["m.tsv: 1 finding", "the file is missing"]),
    ],
)
def test_bad_metadata_is_a_finding(run, meta, options, parts):
    files = {"t_tsv": GOOD} if meta is None else {"t_tsv": GOOD, "m_tsv": meta}
    status, out, err = run("t.tsv", "--metadata", "m.tsv", *options, **files)
    assert (status, out) == (1, "")
    for part in parts:
        assert part in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a STOOL_TABLE"),
        (("t.tsv", "--id-column", "who"), "--id-column needs --metadata"),
        (("t.tsv", "--metadata", "m.tsv"), "--metadata needs --id-column"),
        (("t.tsv", "--format", "tabular"), "'tabular' is not one of"),
        (("t.tsv", "--scale", "permille"), "'permille' is not one of"),
        (("t.tsv", "--orientation", "sideways"), "'sideways' is not one of"),
        (("t.tsv", "--jsn"), "No such option"),
    ],
)
def test_a_wrong_command_line_ends_with_exit_status_2(run, arguments, message):
    status, out, err = run(*arguments, t_tsv=GOOD, m_tsv=META)
    assert (status, out) == (2, "")
    assert message in err


def test_a_control_without_groups_is_a_finding(run):
    status, out, err = run("t.tsv", "--control", "Control", t_tsv=GOOD)
    assert (status, out) == (1, "")
    assert "the table has no groups" in err
    assert "--groups FILE:COLUMN" in err


def test_a_group_column_of_the_table_is_used(run):
    status, out, err = run(
        "t.tsv", "--control", "x", "--json", "--include-persons", *QUICK,
        t_tsv="id,group,Blautia,Dorea\na,x,5,3\nb,y,7,8\nc,x,6,6\n",
    )  # fmt: skip
    assert status == 0
    assert 'groups from the column "group"' in err
    assert [row["group"] for row in json.loads(out)["persons"]] == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Roseburia_faecis", ["guild ROS", "by its genus word"]),
        ("g__Blautia_A", ["guild BLA", "suffix"]),
        ("Saccharomyces boulardii", ["in no guild (product)"]),
        ("Nobodyella", ["not in the taxa table"]),
    ],
)
def test_a_name_is_explained(run, name, parts):
    status, out, _ = run("--explain", name)
    assert status == 0
    assert all(part in out for part in parts)


@pytest.fixture
def biom_file(tmp_path):
    """A BIOM 2.1 table of twelve samples with their arm among the sample metadata."""
    biom, h5py = pytest.importorskip("biom"), pytest.importorskip("h5py")
    genera = ("Bacteroides", "Blautia", "Akkermansia", "Roseburia")
    counts = [[500 + 7 * k, 300, 3 + k, 90 + 40 * (k % 2)] for k in range(12)]
    table = biom.Table(
        np.array(counts).T,
        [f"otu{j}" for j in range(4)],
        [f"s{k}" for k in range(12)],
        [{"taxonomy": ["k__Bacteria", f"g__{name}"]} for name in genera],
        [{"arm": "MS" if k % 2 else "well"} for k in range(12)],
    )
    with h5py.File(tmp_path / "table.biom", "w") as out:
        table.to_hdf5(out, "made")
    return tmp_path / "table.biom"


def test_a_biom_file_becomes_a_page(run, biom_file, tmp_path):
    status, out, err = run("table.biom", "--out", "page/", "--worlds", "2")
    assert status == 0
    assert out.startswith("table.biom (biom) holds 12 samples with a median of")
    page = (tmp_path / "page" / "profile.html").read_text(encoding="utf-8")
    assert "Stool profile: table.biom" in page
    assert "s11" not in page
    assert "profile.html" in err
    record = json.loads((tmp_path / "page" / "profile.json").read_text(encoding="utf-8"))
    (group,) = record["groups"]
    acids = {(line["quantity"], line["place"]): line for line in group["predictions"]}
    butyrate = acids["butyrate", "stool"]
    assert butyrate["low"] <= butyrate["median"] <= butyrate["high"]
    # what is proportional in every world has the same ratio to the reference
    assert butyrate["ratio"] == pytest.approx(acids["butyrate", "lumen"]["ratio"])
    assert acids["indoxyl sulfate", "plasma"]["ratio"] == pytest.approx(acids["indole", "lumen"]["ratio"])
    status, out, err = run("table.biom", "--out", "page")
    assert (status, out) == (1, "")
    assert "not empty" in err


def test_groups_come_from_the_metadata_of_a_biom_file(run, biom_file):
    status, out, _ = run("table.biom", "--groups", "arm", "--control", "well", "--json", *QUICK)
    assert status == 0
    record = json.loads(out)
    assert [(group["name"], group["usable"]) for group in record["groups"]] == [("MS", 6), ("well", 6)]
    shares = record["contrasts"][0]
    roseburia = next(line for line in shares["lines"] if line["what"].startswith("ROS"))
    assert roseburia["effect"] > 0
    assert roseburia["p_value"] == pytest.approx(2 / 924)  # the six largest of twelve: 1 of 924, both ways
    status, out, err = run("table.biom", "--groups", "leg", *QUICK)
    assert (status, out) == (1, "")
    assert 'no sample metadata "leg"; allowed: arm' in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("t.tsv", "--groups", "m.tsv:arm", "--metadata", "m.tsv"), "give --groups, or --metadata"),
        (("t.tsv", "--groups", "m.tsv:"), "--groups needs FILE:COLUMN"),
        (("t.tsv", "--worlds", "-1"), "-1 is not in the range"),
    ],
)
def test_wrong_groups_end_with_exit_status_2(run, arguments, message):
    status, out, err = run(*arguments, t_tsv=GOOD, m_tsv=META)
    assert (status, out) == (2, "")
    assert message in err


def test_a_group_column_that_the_format_cannot_have_is_a_finding(run):
    metaphlan = "#mpa_vJan21\n#clade_name\tNCBI_tax_id\ts1\nk__Bacteria|g__Blautia\t1\t60.0\n"
    status, out, err = run("t.tsv", "--groups", "arm", *QUICK, t_tsv=metaphlan)
    assert (status, out) == (1, "")
    assert "--groups FILE:COLUMN" in err
