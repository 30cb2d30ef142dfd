"""The profile of a stool table: depth, groups, contrasts, privacy, runaways, schema."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from eubiosis.core.record import as_json
from eubiosis.core.stool_profile import SCHEMA, ProfileSection, SectionTable, StoolProfile, json_schema
from eubiosis.population import read_profiles, write_example_table
from eubiosis.workflow.profile import ProfileAsk, profile_table, write_profile
from eubiosis.workflow.profile.build import CONTRAST, LEVEL
from eubiosis.workflow.profile.named import reported_genera
from eubiosis.workflow.profile.samples import depth_posterior
from eubiosis.workflow.profile.words import PREDICTION_NOTE

CASES = Path(__file__).resolve().parents[4] / "shared" / "stool_cases"
NONE = ProfileAsk(worlds=0)


def _read(tmp_path, text, **options):
    path = tmp_path / "t.tsv"
    path.write_text(text, encoding="utf-8")
    return read_profiles(path, **options)


def _rows(*rows):
    return "\n".join("\t".join(map(str, row)) for row in rows) + "\n"


HEAD = ("id", "group", "Bacteroides", "Blautia", "Akkermansia", "Faecalibacterium", "Nobodyella")


@pytest.fixture(scope="module")
def two_groups(tmp_path_factory):
    """Eight and eight: Akkermansia in half of the cases and no control, Faecalibacterium lower in cases."""
    rows = [HEAD]
    for k in range(8):
        rows.append((f"a{k}", "case", 400 + 10 * k, 300, 40 if k % 2 else 0, 100 + k, 160 - 11 * k))
        rows.append((f"b{k}", "well", 400 + 10 * k, 300, 0, 200 + k, 100 - 11 * k))
    return profile_table(_read(tmp_path_factory.mktemp("two"), _rows(*rows)), ProfileAsk("well", worlds=0))


def test_depth_leaves_open_what_a_beta_law_says(tmp_path):
    """90 and 10 reads: Dirichlet(90.5, 10.5, 12 halves), mean 90.5 / 107, variance m (1 - m) / 108."""
    found = depth_posterior(_read(tmp_path, "id\tBacteroides\tBlautia\na\t90\t10\n", scale="counts"))
    mean = 90.5 / 107
    assert found.mean[0, 0] == pytest.approx(mean)
    assert found.sd[0, 0] == pytest.approx(np.sqrt(mean * (1 - mean) / 108))
    draws = np.random.default_rng(1).beta(90.5, 16.5, 200_000)
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=2e-3)


def test_shares_have_no_interval_from_depth_and_no_richness(tmp_path):
    rows = [("id", "Bacteroides", "Blautia"), *((f"s{k}", 0.5 + k / 100, 0.5 - k / 100) for k in range(6))]
    made = profile_table(_read(tmp_path, _rows(*rows)), NONE).profile
    (group,) = made.groups
    assert made.depth is None
    assert {line.depth_interval for line in group.guilds} == {None}
    why = {line.measure: line.why_not for line in group.measures}
    assert "shares and no counts" in why["observed taxa"]
    assert "shares and no counts" in why["Chao1, taxa"]
    assert why["Shannon"] == ""
    # Shannon of 0.525 and 0.475, the median of six
    shannon = next(line for line in group.measures if line.measure == "Shannon")
    assert shannon.spread.median == pytest.approx(0.6918, abs=2e-4)
    assert "no counts of reads" in " ".join(made.warnings)
    assert "depth is not known" in made.first_sentence


def test_chao1_is_not_defined_where_nothing_was_read_once(tmp_path):
    rows = [("id", "Bacteroides", "Blautia"), *((f"s{k}", 50 + k, 20 + k) for k in range(6))]
    (group,) = profile_table(_read(tmp_path, _rows(*rows)), NONE).profile.groups
    why = {line.measure: line.why_not for line in group.measures}
    assert why["observed taxa"] == ""
    assert "read exactly once" in why["Chao1, taxa"]


def test_presence_and_level_are_two_things(two_groups):
    case, well = two_groups.profile.groups
    akkermansia = {line.guild: line for line in case.guilds}["AKK"]
    assert (akkermansia.prevalence, akkermansia.carriers) == (0.5, 4)
    assert akkermansia.carrier_median is None  # four people are too few to be summarised
    assert {line.guild: line for line in well.guilds}["AKK"].prevalence == 0.0
    assert akkermansia.reliability == pytest.approx(0.72)
    assert {line.guild: line.reliability for line in case.guilds}["MET"] is None
    # mean over people of the share of mapped reads, by hand
    shares = [(40 if k % 2 else 0) / (800 + 10 * k + (40 if k % 2 else 0) + k) for k in range(8)]
    assert akkermansia.mean == pytest.approx(np.mean(shares))


def test_contrasts_have_the_numbers_of_their_tests(two_groups):
    families = {one.title: one for one in two_groups.profile.contrasts}
    logs = families["Guilds, centred log-ratio"]
    assert (logs.group, logs.control, logs.n_group, logs.n_control) == ("case", "well", 8, 8)
    lines = {line.what.split(" ")[0]: line for line in logs.lines}
    assert lines["FAE"].effect < 0 < lines["AKK"].effect
    assert lines["PRV"].note == "not observed in this table"
    tested = [line for line in logs.lines if line.p_value is not None]
    assert logs.tested == len(tested) == 4
    # Holm: the smallest p times the number tested
    smallest = min(tested, key=lambda line: line.p_value)
    assert smallest.p_holm == pytest.approx(min(4 * smallest.p_value, 1))
    assert "permutations" in logs.method
    prevalence = families["Guilds, prevalence"]
    akkermansia = {line.what.split(" ")[0]: line for line in prevalence.lines}["AKK"]
    assert akkermansia.effect == pytest.approx(0.5)
    assert akkermansia.p_value == pytest.approx(0.0769, abs=1e-3)  # Fisher, 4 of 8 against 0 of 8
    # a contrast of log-ratios is the difference of the two groups' mean log-ratio
    contrast, groups = two_groups.contrast, np.array(two_groups.table.groups)
    means = [contrast.log_ratios[groups == name].mean(axis=0)[6] for name in ("case", "well")]
    assert lines["FAE"].effect == pytest.approx(means[0] - means[1])


def test_a_null_cohort_is_called_null(tmp_path):
    path = write_example_table(tmp_path / "made.tsv", people=24)
    meta = tmp_path / "m.tsv"
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    ids = [line.split("\t")[0] for line in lines]
    meta.write_text("id\tcoin\n" + "".join(f"{one}\t{k // 2 % 2}\n" for k, one in enumerate(ids)), "utf-8")
    table = read_profiles(path, metadata=meta, id_column="", group_column="coin")
    made = profile_table(table, NONE).profile
    said = " ".join(made.contrast_notes)
    assert 'compared with "0", the first by name' in said
    assert "none of" in said
    assert "not evidence of no difference" in said
    assert "Nothing is adjusted" in said


def test_small_groups_are_counted_and_not_summarised(tmp_path):
    rows = [("id", "group", "Bacteroides", "Blautia")]
    rows += [(f"a{k}", "large", 50 + k, 20 + k) for k in range(6)]
    rows += [(f"b{k}", "few", 50 + k, 20 + k) for k in range(4)]
    made = profile_table(_read(tmp_path, _rows(*rows)), ProfileAsk(worlds=0)).profile
    few, large = made.groups
    assert (few.name, few.people, few.shown, few.guilds) == ("few", 4, False, ())
    assert large.shown
    assert made.contrasts == ()
    assert made.contrast_notes[0] == "No two groups are large enough to be compared."


def test_groups_that_are_ids_are_not_listed(tmp_path):
    rows = [
        ("id", "group", "Bacteroides", "Blautia"),
        *((f"s{k}", f"mary{k}", 50 + k, 20) for k in range(12)),
    ]
    made = profile_table(_read(tmp_path, _rows(*rows)), NONE)
    assert [group.name for group in made.profile.groups] == ["12 small groups"]
    assert "mary" not in as_json(made.profile)


def test_no_single_sample_is_in_a_profile_unless_asked_for(two_groups):
    assert two_groups.profile.persons is None
    assert not any(f'"a{k}"' in as_json(two_groups.profile) for k in range(8))
    asked = profile_table(two_groups.table, ProfileAsk("well", persons=True, worlds=0)).profile
    assert [person.sample for person in asked.persons[:2]] == ["a0", "b0"]
    first = asked.persons[0]
    assert first.depth_intervals["BAC"].low < first.fractions["BAC"] < first.depth_intervals["BAC"].high


def test_the_record_is_what_the_schema_says(two_groups):
    record = json.loads(as_json(two_groups.profile))
    assert record["schema"] == SCHEMA == json_schema()["properties"]["schema"]["const"]
    again = TypeAdapter(StoolProfile).validate_python(record)
    assert as_json(again) == as_json(two_groups.profile)
    assert set(record) <= set(json_schema()["properties"])


def test_a_target_that_runs_away_is_named_with_both_numbers():
    if not CASES.is_dir():
        pytest.skip("the made cases are absent: ../shared/stool_cases")
    table = read_profiles(CASES / "18_bimodal_methanogens.tsv", metadata=CASES / "18_groups.tsv",
                          id_column="", group_column=_column(CASES / "18_groups.tsv"))  # fmt: skip
    made = profile_table(table, NONE)
    methanogens = [line for line in made.profile.runaways if line.guild == "MET"]
    carried = table.guild_sums[:, 11] > 0
    # carriers keep a share near the raw one, so that methanogens are no runaway here
    assert np.median(made.asked[carried, 11]) < 3 * np.median(made.table.fractions[carried, 11])
    assert methanogens == []


def _column(path):
    return path.read_text(encoding="utf-8").splitlines()[0].split("\t")[1]


def test_runaways_are_far_from_raw(tmp_path):
    """Four guilds with as many reads each, which the reference does not have."""
    head = ("id", "Bacteroides", "Roseburia", "Anaerostipes", "Blautia")
    rows = [(f"s{k}", 900 + 11 * k, 1000 - 7 * k, 1000 + 5 * k, 1000 - 13 * (k % 4)) for k in range(12)]
    made = profile_table(_read(tmp_path, _rows(head, *rows)), NONE)
    found = {line.guild: line for line in made.profile.runaways}
    assert "ANA" in found  # a quarter of the reads here, a hundredth of the reference
    line, column = found["ANA"], 8
    assert line.raw == pytest.approx(np.median(made.table.fractions[:, column]))
    assert line.asked == pytest.approx(np.median(made.asked[:, column]))
    assert line.asked < line.raw / 3
    assert (line.carriers, line.people) == (12, 12)


def test_reported_genera_come_from_the_evidence():
    named = {one.name: one for one in reported_genera()}
    assert named["Akkermansia"].up >= 4
    assert named["Prevotella"].down >= 3
    assert {"Faecalibacterium", "Roseburia", "Methanobrevibacter", "Bifidobacterium"} <= set(named)
    assert "Candidatus" not in named


def test_what_is_said_of_predicted_acids_is_what_was_measured():
    path = Path(__file__).resolve().parents[3] / "validation" / "cohorts" / "imsms_correlations.tsv"
    if not path.is_file():
        pytest.skip("validation/cohorts has not been made yet")
    with path.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file, delimiter="\t")
                if (r["measured"], r["where"]) == ("butyrate", "within sites")]  # fmt: skip
    for predictor in ("model", "plain sum of butyrate producers"):
        (row,) = [one for one in rows if one["predictor"] == predictor]
        assert f"{row['people']} people" in PREDICTION_NOTE
        for number in ("rho", "low", "high"):
            assert f"{float(row[number]):.2f}" in PREDICTION_NOTE


def test_positions_say_what_they_are_from(two_groups):
    lines = {line.what: line for line in two_groups.profile.groups[0].positions}
    assert set(lines) == {LEVEL, CONTRAST}
    assert all(0 <= line.percentile <= 1 and 0 <= line.beyond <= 1 for line in lines.values())


def test_storms_blanks_are_named(two_groups):
    known = {(line.section, line.item): line.known for line in two_groups.profile.storms}
    assert known["Methods", "primer selection"] is None
    assert known["Methods", "ethics"] is None
    assert "Eubiosis" in known["Methods", "software"]
    assert "case against well" in known["Results", "differential abundance"]
    assert len({section for section, _ in known}) == 6


def test_a_profile_is_written_whole_with_its_sections(two_groups, tmp_path):
    table = SectionTable("A caption", ("what", "n"), (("one", "1"),), numeric=(1,))
    section = ProfileSection("forecast", "A forecast", "Said first.", ("In words.",), (table,), data={"n": 1})
    files = write_profile(two_groups.with_sections([section]).profile, tmp_path / "out")
    assert {path.name for path in files} >= {"profile.html", "profile.json", "guilds.tsv", "contrasts.tsv"}
    page = (tmp_path / "out" / "profile.html").read_text(encoding="utf-8")
    assert page.index("Said first.") < page.index("<h1>")
    assert "A caption" in page
    record = json.loads((tmp_path / "out" / "profile.json").read_text(encoding="utf-8"))
    assert record["sections"][0]["data"] == {"n": 1}
    with pytest.raises(Exception, match="not empty"):
        write_profile(two_groups.profile, tmp_path / "out")
    lines = (tmp_path / "out" / "guilds.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 2 * 14
    assert "depth_interval_low" in lines[0]


def test_a_few_samples_show_no_number_of_their_own(tmp_path):
    lines = write_example_table(tmp_path / "stool.tsv", people=6).read_text().splitlines()
    for people, few in ((1, True), (4, True), (6, False)):
        path = tmp_path / f"{people}.tsv"
        path.write_text("\n".join(lines[: people + 1]) + "\n")
        stool = read_profiles(path)
        shown = profile_table(stool, ProfileAsk(worlds=0)).profile
        assert (shown.unmapped == ()) is few
        assert (shown.held.largest_residual is None) is few
        assert any("Fewer than 5 usable samples" in line for line in shown.warnings) is few
        own = profile_table(stool, ProfileAsk(worlds=0, persons=True)).profile
        assert own.unmapped
