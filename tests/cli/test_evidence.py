"""The evidence commands from the outside: what they print, write and return."""

import csv
import json
import re
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from eubiosis.cli.evidence import evidence
from eubiosis.core.findings import FindingsError

CRP = ["pool", "--outcome", "hs-CRP", "--intervention", "probiotic"]
TWO = ["--studies", "rahimlou2022,asghari2023", "--tau2", "DL", "--ci", "wald"]


def run(*arguments, code=0):
    result = CliRunner().invoke(evidence, [str(a) for a in arguments])
    if code == 0 and result.exception:
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def read(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


def test_pool_of_two_trials_prints_what_was_asked_for():
    record = read(*CRP, *TWO)
    assert record["k"] == 2
    assert [round(record[key], 2) for key in ("estimate", "ci_low", "ci_high")] == [-1.53, -2.73, -0.32]
    hartung = record["intervals"]["hartung_knapp"]
    assert [round(hartung[key], 2) for key in ("ci_low", "ci_high")] == [-9.35, 6.30]
    assert {x["study"] for x in record["included"]} == {"rahimlou2022", "asghari2023"}
    assert {x["reason"] for x in record["excluded"]} == {"not among the studies asked for"}
    assert record["pi_low"] < record["ci_low"]
    assert (round(record["tau2"], 3), round(record["I2"])) == (0.504, 66)


def test_pool_of_all_trials_and_the_default_interval():
    wald = read(*CRP, "--tau2", "DL", "--ci", "wald")
    assert [round(wald[key], 2) for key in ("estimate", "ci_low", "ci_high")] == [-1.53, -2.30, -0.75]
    default = read(*CRP)
    assert default["ci_method"] == "Bayesian"
    assert default["ci_low"] == default["intervals"]["bayesian"]["ci_low"]
    assert "half-normal" in default["intervals"]["bayesian"]["note"]
    text = run(*CRP).stdout
    assert "not evidence that a therapy works" in text
    assert "MARKED failed_check" in text


def test_the_scale_of_the_prior_can_be_chosen():
    record = read(*CRP, "--studies", "rahimlou2022,asghari2023", "--tau-scale", "0.5")
    assert [round(record[key], 1) for key in ("ci_low", "ci_high")] == [-2.5, -0.5]
    run(*CRP, "--tau-scale", "-1", code=2)


def test_pool_writes_figures_and_a_page_that_carries_its_data(tmp_path):
    run(*CRP, "--out", tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"forest.svg", "forest.png", "funnel.svg", "funnel.png", "pool.json", "pool.html"}
    for name in ("forest.svg", "funnel.svg"):
        root = ElementTree.parse(tmp_path / name).getroot()
        text = " ".join("".join(element.itertext()) for element in root.iter())
        assert "rahimlou2022" in text
    assert "Not evidence of efficacy" in (tmp_path / "forest.svg").read_text("utf-8")
    assert (tmp_path / "forest.png").read_bytes()[:4] == b"\x89PNG"
    page = (tmp_path / "pool.html").read_text("utf-8")
    inside = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert inside["estimate"] == json.loads((tmp_path / "pool.json").read_text("utf-8"))["estimate"]
    for one in inside["included"]:
        assert one["estimate_id"] in page
        assert one["source"].split(" ")[0] in page
    assert "src=" not in page  # nothing is loaded from elsewhere


def test_a_ratio_is_drawn_on_a_ratio_scale(tmp_path):
    run("pool", "--outcome", "relapse_risk", "--intervention", "vitamin D", "--studies",
        "thouvenot2025,cassard2023_vidams", "--out", tmp_path)  # fmt: skip
    assert "0.94" in (tmp_path / "forest.svg").read_text("utf-8")


def test_one_study_can_be_pooled_and_drawn(tmp_path):
    record = read("pool", "--outcome", "fatigue", "--intervention", "low-fat diet", "--out", tmp_path)
    assert record["k"] == 1
    assert record["intervals"]["hartung_knapp"]["estimate"] is None
    assert "one study" in record["intervals"]["hartung_knapp"]["note"]
    assert [record[name] for name in ("tau2", "I2", "Q", "Q_p")] == [None] * 4
    page = (tmp_path / "pool.html").read_text(encoding="utf-8")
    assert "τ², I² and Q are not estimable from one study" in page
    assert "1 cohorts" not in page
    said = run("pool", "--outcome", "fatigue", "--intervention", "low-fat diet").stdout
    assert "tau2 and I2 are not estimable from one study" in said
    assert "better; 1 cohort, " in said
    assert "1 study, fewer than the 10" in said
    assert said.count("not defined for one study") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--outcome", "hs-CRPP", "--intervention", "probiotic"], "nearest"),
        (["--outcome", "hs-CRP", "--intervention", "probiotics2"], "probiotic"),
        (["--outcome", "relapse_rate", "--intervention", "probiotic"], "no record"),
        (["--outcome", "hs-CRP", "--intervention", "probiotic", "--studies", "asghari2O23"], "asghari2023"),
        (["--outcome", "hs-CRP", "--intervention", "probiotic", "--metric", "XX"], "allowed"),
        (["--outcome", "fatigue", "--intervention", "low-fat diet", "--ci", "knapp-hartung"], "one study"),
    ],
)
def test_a_wrong_word_is_a_finding_with_the_nearest(arguments, word):
    result = run("pool", *arguments, code=1)
    assert isinstance(result.exception, FindingsError)
    assert word in str(result.exception)


def test_check_is_clean_and_lists_what_is_acknowledged():
    record = read("check")
    assert record["open"] == []
    assert all(row["reason"] for row in record["acknowledged"])
    assert "each acknowledged with its reason" in run("check").stdout


def test_check_fails_on_an_open_finding(tmp_path):
    import shutil

    from eubiosis.evidence.records.store import packaged_folder

    shutil.copytree(packaged_folder(), tmp_path / "tables")
    (tmp_path / "tables" / "acknowledged.tsv").unlink()
    result = run("--tables", tmp_path / "tables", "check", code=1)
    assert "p against dispersions" in str(result.exception)


def test_stale_outcomes_and_acknowledgements_without_a_defect_are_findings(tmp_path):
    import shutil

    from eubiosis.evidence.records.store import packaged_folder

    shutil.copytree(packaged_folder(), tmp_path / "tables")
    path = tmp_path / "tables" / "acknowledged.tsv"
    path.write_text(path.read_text("utf-8") + "interval\tasghari2023/1\tmade up for a test\n", "utf-8")
    path = tmp_path / "tables" / "checks.tsv"
    path.write_text(path.read_text("utf-8").replace("\tpassed\t", "\tfailed\t", 1), "utf-8")
    text = str(run("--tables", tmp_path / "tables", "check", code=1).exception)
    assert "no such defect is found any more" in text
    assert "outcomes differ" in text


def test_a_pool_can_be_divided_but_not_by_place():
    record = read(*CRP, "--by", "integrity_status", "--tau2", "FE")
    groups = {row["group"]: row for row in record["subgroups"]["groups"]}
    # the flagged trial alone gives back its own estimate
    assert groups["failed_check"]["estimate"] == pytest.approx(-0.98)
    weights = [1 / (3.5**2 / 30 + 1.4**2 / 30), 1 / (2.26**2 / 20 + 1.42**2 / 20)]
    by_hand = (-1.7 * weights[0] - 2.22 * weights[1]) / sum(weights)
    assert groups["none"]["estimate"] == pytest.approx(by_hand)
    assert "divided by integrity_status" in run(*CRP, "--by", "integrity_status").stdout
    assert "allowed" in str(run(*CRP, "--by", "country", code=1).exception)
    assert "same blinding" in str(run(*CRP, "--by", "blinding", code=1).exception)


def test_list_and_show():
    studies = read("list", "--outcome", "hs-CRP", "--intervention", "probiotic")
    assert {row["id"] for row in studies} == {"kouchaki2017", "salami2019", "rahimlou2022", "asghari2023"}
    assert any(row["id"] == "hs_CRP" for row in read("list", "outcomes"))
    assert any(row["id"] == "vitamin_d" for row in read("list", "interventions"))
    published = {row["id"]: row for row in read("list", "published")}
    assert len(published) == 36
    # printed standard errors read as SDs give the published numbers to the second digit
    assert published["ma008"]["status"] == "reproduced"
    assert "as printed" in published["ma008"]["reason"]
    assert published["ma002"]["status"] == published["ma003"]["status"] == "close"
    assert all(row["reason"] for row in published.values())
    record = read("show", "rahimlou2022")
    assert record["same_cohort"] == "rahimlou2020"
    assert record["integrity_status"] == "failed_check"
    assert len(record["estimates"]) == 5
    assert "rahimlou2022/2" in run("show", "rahimlou2022").stdout
    failed = {row["check"] for row in record["checks"] if row["outcome"] == "failed"}
    assert "p against dispersions" in failed
    assert {row["taxon"] for row in read("show", "asghari2023")["agent_taxa"]} == {"Saccharomyces boulardii"}
    assert "nearest" in str(run("show", "rahimlou2O22", code=1).exception)


def test_summary_rates_every_outcome_and_hides_no_null():
    record = read("summary", "--intervention", "probiotic")
    rows = {row["outcome"]: row for row in record["outcomes"]}
    assert (rows["hs_CRP"]["k"], rows["hs_CRP"]["cohorts_compared"]) == (3, 4)
    assert "naseri2025" in rows["EDSS"]["nulls_without_numbers"][0]
    assert rows["cognition_speed"]["k"] == 0
    assert rows["cognition_speed"]["certainty"] == "not rated"
    assert all(row["reasons"] for row in rows.values())
    assert "IL8_mRNA" not in rows  # only a retracted trial looked at it
    assert "not evidence" in record["notice"]
    assert "certainty very low" in run("summary", "--intervention", "probiotic").stdout


def test_audit_prints_and_writes_every_claim(tmp_path):
    records = read("audit", "--out", tmp_path)
    page = (tmp_path / "audit.html").read_text("utf-8")
    assert all(record["claim"] in page for record in records)
    assert {record["verdict"] for record in records} <= {
        "supported", "mixed", "contradicted", "untraceable", "not tested",
    }  # fmt: skip
    assert len(read("audit", "relapse_rr")) == 1
    assert "minocycline" in run("audit", "relapse_rr").stdout
    assert "nearest" in str(run("audit", "relapse_r", code=1).exception)


def test_prior_is_null_centred_without_a_trial_and_holds_back_cohorts():
    assert read("prior", "--outcome", "relapse rate", "--intervention", "probiotic")["mean"] == 0.0
    fatigue = ["prior", "--outcome", "fatigue", "--intervention", "diet", "--metric", "SMD"]
    held = read(*fatigue, "--leave-out", "chen2023")
    assert held["left_out"] == ["chen2023"]
    assert "chen2023" not in held["cohorts"]
    assert "left out: chen2023" in run(*fatigue, "--leave-out", "chen2023").stdout
    assert read(*fatigue, "--without-holdouts")["cohorts"] == ["katzsand2019"]
    pooled = read("pool", "--outcome", "fatigue", "--intervention", "diet", "--without-holdouts")
    assert [one["study"] for one in pooled["included"]] == ["katzsand2019"]


def test_graph_answers_and_writes_every_format(tmp_path):
    record = read("graph", "--from", "Faecalibacterium", "--to", "fatigue", "--out", tmp_path)
    assert record["recorded_paths"] == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "graph.graphml", "graph.jsonld", "nodes.csv", "edges.csv", "graph.svg", "graph.png",
    }  # fmt: skip
    with (tmp_path / "edges.csv").open(newline="") as stream:
        assert sum(1 for _ in csv.DictReader(stream)) > 300
    assert "weakest" in run("graph", "--from", "Faecalibacterium", "--to", "fatigue").stdout
    assert "Butyrate" in run("graph", "--nodes").stdout
    assert "--from and --to" in run("graph", "--from", "butyrate", code=2).output


def test_import_screen_and_flow(tmp_path):
    export = tmp_path / "export.ris"
    export.write_text("TY  - JOUR\nTI  - A made-up trial\nPY  - 2020\nER  -\n", "utf-8")
    review = tmp_path / "review"
    assert (
        "1 reference imported, 0 duplicates among them, 0 possibly so"
        in run("import", export, "--review", review).stderr
    )
    assert "1 reference imported, 1 duplicate among" in run("import", export, "--review", review).stderr
    decision = ["--review", review, "--by", "reviewer 1", "--date", "2026-01-02", "--decision", "include"]
    run("screen", "ref00001", "--stage", "screening", *decision)
    counted = read("flow", "--review", review, "--out", tmp_path / "drawn")
    assert (counted["screened"], counted["duplicates_removed"], counted["awaiting_retrieval"]) == (1, 1, 1)
    assert "Records screened: 1" in (tmp_path / "drawn" / "prisma_flow.svg").read_text("utf-8")
    run("screen", "ref00001", "--stage", "eligibility", *decision, code=2)
    broken = tmp_path / "broken.csv"
    broken.write_text("a,b\n", "utf-8")
    assert "unknown format" in str(run("import", broken, "--review", review, code=1).exception)
    # a place that cannot be written is told before anything is read, or asked over the network
    for words in (("import", broken), ("search", "microbiome")):
        said = str(run(*words, "--review", broken / "review", code=1).exception)
        assert "broken.csv is a file and no folder" in said


def test_template_and_add(tmp_path):
    run("template", tmp_path / "filled")
    result = run("add", tmp_path / "filled", "--out", tmp_path / "grown", code=1)
    assert "fill in both tables" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["evidence", "list"], 0, ""),
        (["evidence", "show", "nobody2000"], 1, "unknown"),
        (["evidence", "pool"], 2, "--outcome"),
        (["evidence", "pool", "--outcome", "hs-CRP", "--intervention", "probiotic", "--tau2", "XX"], 2, "XX"),
    ],
)
def test_exit_status_of_the_whole_command(arguments, status, word, monkeypatch, capsys):
    from eubiosis.cli.main import main

    monkeypatch.setattr("sys.argv", ["eubiosis", *arguments])
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code
    assert code == status
    assert word in capsys.readouterr().err
