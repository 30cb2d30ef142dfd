"""The runner of conformance cases: hand-made folders in both layouts, and solvers that answer on purpose."""

import math

import numpy as np
import pytest

from eubiosis.engine import Tolerances, UnsupportedSbmlError, compile
from eubiosis.engine.conformance import (
    RELATIVE,
    Difference,
    count,
    find_cases,
    read_results,
    read_settings,
    run_case,
    run_cases,
    solve_compiled,
)
from sbml_text import algebraic, compartment, document, parameter, rate, reaction, rule, species

SETTINGS = """start: 0
duration: 2
steps: 4
variables: x
absolute: 1.000000e-007
relative: 0.0001
amount:
concentration:
"""
DECAY = document(parameter("x", 3), rate("x", "-x"))
TIMES = np.linspace(0, 2, 5)


def table(values, header="time,x", times=TIMES):
    return "\n".join([header, *(f"{t:g},{v}" for t, v in zip(times, values, strict=True))]) + "\n"


def write(folder, name, model=DECAY, settings=SETTINGS, results=None, suite=None):
    case = folder / name
    case.mkdir(parents=True)
    prefix = "" if suite is None else f"{name}-"
    case.joinpath("model.xml" if suite is None else f"{name}-sbml-{suite}.xml").write_text(model)
    case.joinpath(f"{prefix}settings.txt").write_text(settings)
    results = table(3 * np.exp(-TIMES)) if results is None else results
    case.joinpath(f"{prefix}results.csv").write_text(results)
    return case


def run(folder, name="00001", solver=solve_compiled, **files):
    write(folder, name, **files)
    return run_case(find_cases(folder, [name])[0], solver)


def test_settings_with_everything():
    settings = read_settings(
        "start: 1\nDuration: 5\nsteps: 50\nvariables: S1, S2 ,k,,\nabsolute: 1e-05\nrelative:0.001\n"
        "amount: S1\nconcentration: S2, S3\n\n"
    )
    assert settings.variables == ("S1", "S2", "k")
    assert (settings.start, settings.duration, settings.steps) == (1, 5, 50)
    assert (settings.absolute, settings.relative) == (1e-5, 1e-3)
    assert settings.amount == {"S1"}
    assert settings.concentration == {"S2", "S3"}
    assert settings.times[0] == 1
    assert settings.times[7] == 1.7
    assert len(settings.times) == 51


def test_settings_with_empty_fields():
    settings = read_settings(SETTINGS.replace("variables: x", "variables:"))
    assert settings.variables == ()
    assert settings.amount == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SETTINGS.replace("steps: 4", "steps:"), "steps"),
        (SETTINGS.replace("relative: 0.0001", ""), "relative"),
        (SETTINGS.replace("absolute: 1.000000e-007", "absolute: small"), '"small"'),
        (SETTINGS + "nonsense", "nonsense"),
    ],
)
def test_settings_that_cannot_be_read(text, words):
    with pytest.raises(ValueError, match=words):
        read_settings(text)


def test_settings_without_times_are_no_time_course():
    text = (
        SETTINGS.replace("start: 0", "start:")
        .replace("duration: 2", "duration:")
        .replace("steps: 4", "steps:")
    )
    with pytest.raises(UnsupportedSbmlError, match="no time course"):
        read_settings(text)


def test_results_are_read_by_column():
    text = 'time, b,"a"\n0,1,INF\n1,-INF,NaN\n\n'
    values = read_results(text, ("a", "b"))
    assert values.shape == (2, 2)
    assert values[0].tolist() == [math.inf, 1]
    assert math.isnan(values[1, 0])
    with pytest.raises(ValueError, match="no column c"):
        read_results(text, ("c",))
    with pytest.raises(ValueError, match="line 2"):
        read_results("time,a\n0\n", ("a",))


def test_the_first_column_is_the_time_even_where_a_variable_has_its_name():
    assert read_results("time,time,x\n0,7,1\n", ("x", "time")).tolist() == [[1, 7]]


def test_a_quantity_called_time_is_compared_by_its_own_column(tmp_path):
    settings = SETTINGS.replace("variables: x", "variables: time, x")
    rows = "\n".join(["time,time,x", *(f"{t},5,{3 * math.exp(-t)}" for t in TIMES)])
    model = document(parameter("x", 3), parameter("time", 5), rate("x", "-x"))
    assert run(tmp_path, model=model, settings=settings, results=rows).verdict == "passed"


def test_cases_are_found_at_any_depth(tmp_path):
    write(tmp_path / "cases" / "semantic", "00002", suite="l3v2")
    write(tmp_path / "more", "00001")
    assert [case.name for case in find_cases(tmp_path)] == ["00001", "00002"]
    assert [case.name for case in find_cases(tmp_path, ["00002"])] == ["00002"]


def test_a_long_course_is_no_failure(tmp_path):
    """2,000 periods of an oscillation need more steps than a call of solve allows by default."""
    model = document(parameter("x", 1), parameter("v", 0), rate("x", "v"), rate("v", "-x"))
    end = 2 * math.pi * 2_000
    settings = SETTINGS.replace("duration: 2", f"duration: {end}").replace("steps: 4", "steps: 1")
    settings = settings.replace("0.0001", "0.01")
    results = table([1, 1], times=[0, end])
    tight = Tolerances(RELATIVE, 1e-13)
    assert compile(model).solve([0, end], tolerances=tight).status == ("step_limit",)
    outcome = run(tmp_path, model=model, settings=settings, results=results)
    assert outcome.verdict == "passed", outcome


def test_a_case_passes(tmp_path):
    assert run(tmp_path).verdict == "passed"


def test_a_difference_is_wrong_and_named(tmp_path):
    expected = 3 * np.exp(-TIMES)
    expected[2] += 0.1
    outcome = run(tmp_path, results=table(expected))
    assert outcome.verdict == "wrong"
    assert outcome.reason == "1 of 5 numbers differ"
    assert outcome.difference == Difference(
        "x", 1.0, pytest.approx(3 / math.e), pytest.approx(3 / math.e + 0.1)
    )


@pytest.mark.parametrize(("shift", "verdict"), [(0.99, "passed"), (1.01, "wrong")])
def test_the_pass_rule(tmp_path, shift, verdict):
    """|u - s| <= absolute + relative |s|, at the very edge."""
    expected = 3 * np.exp(-TIMES)
    answer = expected + shift * (1e-7 + 1e-4 * expected)
    assert run(tmp_path, solver=lambda *_: answer[:, None], results=table(expected)).verdict == verdict


@pytest.mark.parametrize(
    ("got", "expected", "verdict"),
    [
        (math.nan, "NaN", "passed"),
        (math.inf, "INF", "passed"),
        (-math.inf, "INF", "wrong"),
        (math.nan, "1", "wrong"),
        (1.0, "NaN", "wrong"),
        (1e300, "INF", "wrong"),
        (math.inf, "1e300", "wrong"),
    ],
)
def test_numbers_that_are_not_finite(tmp_path, got, expected, verdict):
    answer = np.full((5, 1), got)
    assert run(tmp_path, solver=lambda *_: answer, results=table([expected] * 5)).verdict == verdict


def test_an_unsupported_model_is_refused_by_name(tmp_path):
    outcome = run(tmp_path, model=document(parameter("x", 1), algebraic("x - 1")))
    assert outcome.verdict == "refused"
    assert outcome.feature == "an algebraic rule"
    assert "algebraic rule 1" in outcome.reason


def crash(*_):
    message = "boom"
    raise RuntimeError(message)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"solver": crash}, "RuntimeError: boom"),
        ({"model": "<nothing/>"}, "cannot read"),
        ({"settings": "start: 0\n"}, "duration"),
        ({"settings": SETTINGS.replace("steps: 4", "steps: 3")}, "5 rows"),
        ({"settings": SETTINGS.replace("x", "y"), "results": table(TIMES, "time,y")}, "y is not a quantity"),
        ({"model": document(parameter("x", 1), rate("x", "x^2"))}, "the solver ended with"),
    ],
)
def test_whatever_goes_wrong_is_wrong_with_its_reason(tmp_path, change, words):
    outcome = run(tmp_path, **change)
    assert outcome.verdict == "wrong"
    assert words in outcome.reason


POOLS = document(
    compartment("c", 4),
    compartment("v", 2),
    rate("v", "1"),
    compartment("p", None, 0),
    species("A", amount=8),
    species("B", amount=8, hasOnlySubstanceUnits=True),
    species("C", "v", amount=8),
    species("D", "p", amount=8),
    reaction("R", ["A"], [], "0"),
)
MEANINGS = {
    # symbol, as an amount, as a concentration; v = 2 + t
    "A": ([2] * 5, [8] * 5, [2] * 5),
    "B": ([8] * 5, [8] * 5, [2] * 5),
    "C": (8 / (2 + TIMES), [8] * 5, 8 / (2 + TIMES)),
    "D": ([8] * 5, [8] * 5, [8] * 5),
}


@pytest.mark.parametrize("name", MEANINGS)
@pytest.mark.parametrize("kind", ["symbol", "amount", "concentration"])
def test_a_species_is_compared_as_what_the_settings_ask_for(tmp_path, name, kind):
    settings = SETTINGS.replace("variables: x", f"variables: {name}")
    settings = settings.replace(f"{kind}:", f"{kind}: {name}")
    values = MEANINGS[name][("symbol", "amount", "concentration").index(kind)]
    results = table(values, f"time,{name}")
    assert run(tmp_path, model=POOLS, settings=settings, results=results).verdict == "passed"


def test_compartments_parameters_and_reactions_are_variables(tmp_path):
    settings = SETTINGS.replace("variables: x", "variables: v, R, c")
    rows = "\n".join(["time,v,R,c", *(f"{t},{2 + t},0,4" for t in TIMES)])
    assert run(tmp_path, model=POOLS, settings=settings, results=rows).verdict == "passed"


def test_output_may_start_late_and_last_no_time(tmp_path):
    """The model starts at time zero in any case; twice the same time gives the same numbers."""
    late = (
        SETTINGS.replace("start: 0", "start: 1")
        .replace("duration: 2", "duration: 0")
        .replace("steps: 4", "steps: 1")
    )
    results = table([3 / math.e] * 2, times=[1, 1])
    assert run(tmp_path, "00002", settings=late, results=results).verdict == "passed"
    at_start = late.replace("start: 1", "start: 0")
    assert run(tmp_path, "00003", settings=at_start, results=table([3, 3], times=[0, 0])).verdict == "passed"


def test_both_layouts_and_the_newest_level(tmp_path):
    """Of the suite's files the newest level is read: the older one here is another model."""
    write(tmp_path, "00001")
    write(tmp_path, "00002", suite="l3v1")
    case = write(tmp_path, "00003", suite="l3v2")
    case.joinpath("00003-sbml-l2v4.xml").write_text("<nothing/>")
    case.joinpath("00003-sbml-l3v1.xml").write_text("<nothing/>")
    (tmp_path / "notes").mkdir()
    cases = find_cases(tmp_path)
    assert [each.name for each in cases] == ["00001", "00002", "00003"]
    for threads in (1, 2):
        outcomes = list(run_cases(cases, threads=threads))
        assert [(each.case, each.verdict) for each in outcomes] == [(c.name, "passed") for c in cases]


def test_what_is_absent_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no cases"):
        find_cases(tmp_path)
    case = write(tmp_path, "00001")
    with pytest.raises(FileNotFoundError, match="00009"):
        find_cases(tmp_path, ["00001", "00009"])
    case.joinpath("results.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"results\.csv"):
        find_cases(tmp_path)


def test_outcomes_are_counted(tmp_path):
    write(tmp_path, "00001")
    write(tmp_path, "00002", results=table([1] * 5))
    write(tmp_path, "00003", model=document(parameter("x", 1), algebraic("x - 1")))
    write(tmp_path, "00004", model=document(parameter("x", 1), rule("x", "nothing(1)")))
    record = count(list(run_cases(find_cases(tmp_path))))
    assert {key: record[key] for key in ("cases", "passed", "refused", "wrong")} == {
        "cases": 4,
        "passed": 1,
        "refused": 2,
        "wrong": 1,
    }
    assert sum(record["refused_for"].values()) == 2
    assert record["refused_for"]["an algebraic rule"] == 1
    assert [case["case"] for case in record["wrong_cases"]] == ["00002"]
