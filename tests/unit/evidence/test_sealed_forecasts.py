"""Sealed forecasts: hashes over canonical bytes, what is refused by name, and the laws behind the numbers."""

import hashlib
import json
import shutil
from datetime import date

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.sealed import LEVELS, QuantileForecast, canonical, written
from eubiosis.evidence.forecast.control_arms import (
    forecast_rate,
    observed_interval,
    rate_rows,
    read_assumptions,
)
from eubiosis.evidence.forecast.sealed_forecasts import (
    FOLDER,
    make_forecasts,
    model_file,
    read_forecasts,
    read_registry,
    read_seals,
    seal_forecasts,
    verify,
)
from eubiosis.evidence.forecast.sealed_laws import (
    _question,
    evidence_quantiles,
    reference_quantiles,
    reference_spread,
)
from eubiosis.evidence.records.store import load

SEALED = "385eeb018c90054c2a102fe68cfb19e98e8ac7f6efa72a78768743dd307de678"  # noted when it was sealed
DAY = "2026-11-30"


@pytest.fixture
def hub(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "hub")


def _problems(hub, expected=""):
    return [f"{finding.file} {finding}" for finding in verify(hub, expected)]


def test_what_was_sealed_is_as_it_was():
    assert verify(FOLDER, SEALED) == []
    (seal,) = read_seals()
    assert (seal.date, seal.seal, len(seal.forecasts)) == (DAY, SEALED, 24)


def test_canonical_bytes_by_hand():
    one = QuantileForecast(DAY, "evidence", "t", "a", tuple(k / 8 for k in range(23)))
    lines = canonical(one).decode().splitlines()
    assert lines[0] == "2026-11-30,evidence,t,a,quantile,0.01,0"
    assert lines[11] == "2026-11-30,evidence,t,a,quantile,0.5,1.375"
    assert len(lines) == 23
    assert one.digest == hashlib.sha256(canonical(one)).hexdigest()
    assert [written(x) for x in (0.1234567, -1e-9, 12.0, -2.5)] == ["0.123457", "-0.000000001", "12", "-2.5"]


def test_levels_are_the_fixed_23_of_the_hubs():
    assert len(LEVELS) == 23
    assert np.allclose(np.array(LEVELS) + np.array(LEVELS)[::-1], 1.0)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",0.5,0.23527", ",0.5,0.23521", "the forecast was changed after 2026-11-30"),
        (",0.5,0.23527", ",0.5,0.4", "do not fall"),
        (",quantile,0.5,0.23527", ",quantile,0.55,0.23527", "there already"),
        ("control ARR,ENSURE-1,", "control ARR,ENSURE-9,", "the sealed forecast is missing"),
    ],
)
def test_a_forecast_changed_after_its_date_is_named(hub, old, new, words):
    path = hub / model_file(DAY, "evidence")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, -1 if "ENSURE" in old else 1), "utf-8")
    found = [problem for problem in _problems(hub) if words in problem]
    assert found, _problems(hub)
    assert "ENSURE-1" in found[0] or "line " in found[0]


def test_a_new_hash_beside_a_changed_forecast_breaks_the_seal_that_was_noted(hub):
    path, seal = hub / model_file(DAY, "evidence"), hub / "seals" / f"{DAY}.json"
    path.write_text(path.read_text("utf-8").replace(",0.99,", ",0.99,1", 1), "utf-8")
    record = json.loads(seal.read_text("utf-8"))
    changed = read_forecasts(path, "evidence")
    record["forecasts"] |= {one.key: one.digest for one in changed}
    seal.write_text(json.dumps(record), "utf-8")
    assert any("the seal was changed after" in problem for problem in _problems(hub))
    from eubiosis.evidence.forecast.sealed_forecasts import seal_of

    record["files"][model_file(DAY, "evidence")] = hashlib.sha256(path.read_bytes()).hexdigest()
    seal.write_text(json.dumps(record | {"seal": seal_of(record)}), "utf-8")
    assert _problems(hub) == []  # whole in itself,
    assert any(
        "no seal of this folder" in problem for problem in _problems(hub, SEALED)
    )  # and not the noted one


def test_line_ends_of_another_system_change_nothing_and_other_bytes_do(hub):
    path = hub / model_file(DAY, "reference")
    own = path.read_bytes()
    path.write_bytes(own.replace(b"\n", b"\r\n"))
    assert _problems(hub) == []
    path.write_bytes(own.replace(b",0.01,", b",0.010,"))
    assert any("bytes were changed after 2026-11-30" in problem for problem in _problems(hub))


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": "other"}', '{"schema": "eubiosis.sealed_forecasts/1"}']
)
def test_a_seal_that_is_none_is_refused(hub, content):
    (hub / "seals" / f"{DAY}.json").write_text(content, "utf-8")
    assert _problems(hub)


def test_sealing_is_for_today_and_once(hub):
    with pytest.raises(FindingsError, match="not today"):
        seal_forecasts(hub, "2026-12-01", today=date(2026, 12, 2))
    with pytest.raises(FindingsError, match="is sealed already"):
        seal_forecasts(hub, DAY, today=date(2026, 11, 30))
    made = seal_forecasts(hub, "2026-12-02", today=date(2026, 12, 2))
    assert made.previous == SEALED
    assert _problems(hub, SEALED) == []
    (hub / "seals" / f"{DAY}.json").unlink()
    assert any("the seal before it is another one" in problem for problem in _problems(hub))


def test_the_tables_of_the_registry_are_checked(hub):
    tasks = hub / "tasks.tsv"
    tasks.write_text(tasks.read_text("utf-8") + "ENSURE-3\tcontrol ARR\nENSURE-1\tcontrol ARR\n", "utf-8")
    with pytest.raises(FindingsError, match=r"(?s)ENSURE-3.*occurs twice|occurs twice.*ENSURE-3"):
        read_registry(hub)


def test_remaking_gives_the_sealed_numbers():
    (seal, *_), folder = read_seals(), load().folder
    held = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in seal.record["made_from"]}
    if held != seal.record["made_from"]:
        pytest.skip("the evidence has moved since; the sealed numbers stay as they are")
    assert {one.key: one.digest for one in make_forecasts(read_registry(), DAY)} == dict(seal.forecasts)


def test_quantiles_of_a_rate_are_those_of_simulated_arms():
    evidence, registry = load(), read_registry()
    trial, target = registry.trials["ENSURE-1"], registry.targets["control ARR"]
    values = evidence_quantiles(trial, target, evidence)
    numbers, question = read_assumptions(evidence), _question(trial)
    rate = forecast_rate(question, rate_rows(evidence, first_hand=True), numbers)
    people, k = round(525 * 0.95), numbers["arr_dispersion"].value
    low, high = observed_interval(rate, people, question.years, k)
    assert (values[1], values[21]) == (pytest.approx(low, rel=0.01), pytest.approx(high, rel=0.01))
    draw = np.random.default_rng(3)
    true = rate.rate * np.exp(rate.log_sd * draw.standard_t(rate.df, 40_000))
    persons = draw.gamma(people / k, k / people, 40_000) * people * question.years
    seen = draw.poisson(true * persons) / (people * question.years)
    assert np.quantile(seen, LEVELS) == pytest.approx(values, rel=0.03)


def test_the_reference_of_an_effect_by_hand():
    evidence, registry = load(), read_registry()
    tau, cohorts = reference_spread("MRI_activity", evidence)
    assert len(cohorts) >= 3
    assert not any("salami" in name or "rahimlou" in name for name in cohorts)  # failed checks
    trial = registry.trials["NCT05920018"]
    people = round(50 * 0.85)
    sd = np.sqrt(tau**2 + 2 / people + tau**2 / (4 * people))
    values = reference_quantiles(trial, registry.targets["T2 volume SMD"], evidence)
    assert values[21] == pytest.approx(1.959964 * sd, rel=1e-5)
    assert values[11] == pytest.approx(0.0, abs=1e-9)


def test_a_status_or_definition_that_was_bettered_after_the_seal_is_named(hub):
    path = hub / "trials.tsv"
    path.write_text(path.read_text("utf-8").replace("\tblinded\t", "\tprospective\t", 1), "utf-8")
    targets = hub / "targets.tsv"
    targets.write_text(
        targets.read_text("utf-8").replace("below 0 is better", "above 0 is better", 1), "utf-8"
    )
    said = _problems(hub)
    assert any("ENSURE-1" in line and f"status changed after {DAY}" in line for line in said)
    assert any("EDSS SMD" in line and f"definition changed after {DAY}" in line for line in said)
    sealed = seal_forecasts(hub, "2026-12-24", today=date(2026, 12, 24))  # a new date takes new facts
    assert sealed.previous == SEALED
    assert _problems(hub) == []


def test_a_forecast_laid_beside_the_sealed_ones_under_an_earlier_day_is_named(hub):
    path = hub / model_file(DAY, "evidence")
    early = hub / model_file("2025-01-01", "evidence")
    early.write_text(path.read_text("utf-8").replace(DAY, "2025-01-01"), "utf-8")
    (said,) = _problems(hub)
    assert "2025-01-01-eubiosis-evidence.csv" in said
    assert "no seal names this file" in said


def test_a_folder_without_a_seal_does_not_pass_as_verified(hub):
    shutil.rmtree(hub / "seals")
    assert any("there is no seal" in line for line in _problems(hub))
