"""Curves of a plan: what is drawn is what the table holds."""

import io

import numpy as np
import pytest

from eubiosis.analysis.planning import LogRatioPlan, RatePlan, ScorePlan, power_table, size_table
from eubiosis.core.findings import FindingsError
from eubiosis.report.planning.curves import draw_table, write_figure


def lines_of(axis):
    return [line for line in axis.get_lines() if not line.get_label().startswith("_")]


def test_sizes_along_x_and_one_line_for_each_effect():
    table = power_table(ScorePlan(effect=0.3), {"effect": [0.3, 0.5], "n": [20, 50, 90]})
    figure = draw_table(table, endpoint="MFIS", labels={"effect": "effect_size"})
    (axis,) = figure.get_axes()
    first, second = lines_of(axis)
    assert first.get_xdata().tolist() == [20, 50, 90]
    np.testing.assert_allclose(first.get_ydata(), table.grid("power")[0])
    np.testing.assert_allclose(second.get_ydata(), table.grid("power")[1])
    assert figure.legends[0].get_title().get_text() == "standardised effect"
    assert "alpha 0.05" in figure.get_supxlabel()


def test_three_axes_are_panels_that_compare():
    plan = LogRatioPlan(log_ratio=np.log(2), between=2.7, period=0.14, sample=0.92)
    axes = {
        "baseline_samples": [1, 3],
        "log_ratio": np.log([1.5, 2, 3]).tolist(),
        "followup_samples": [1, 2, 3, 4],
    }
    table = size_table(plan, axes)
    figure = draw_table(
        table, endpoint="GUILD", raw={"log_ratio": [1.5, 2, 3]}, labels={"log_ratio": "fold_change"}
    )
    panels = [axis for axis in figure.get_axes() if axis.get_visible()]
    assert len(panels) == 3
    assert panels[0].get_xlabel() == "samples at follow-up"
    assert len({axis.get_ylim() for axis in panels}) == 1
    grid = table.grid("n")  # baseline samples, log ratio, follow-up samples
    for k, axis in enumerate(panels):
        assert axis.get_title(loc="left") == f"fold change {[1.5, 2, 3][k]:g}"
        for j, line in enumerate(lines_of(axis)):
            assert line.get_ydata().tolist() == grid[j, k].tolist()


def test_what_is_not_reachable_is_a_gap_and_a_word():
    table = size_table(ScorePlan(effect=0.3, margin=0.1), {"effect": [0.05, 0.3, 0.5, 2.0]})
    figure = draw_table(table, endpoint="MFIS")
    (axis,) = figure.get_axes()
    assert np.isnan(lines_of(axis)[0].get_ydata()[0])
    assert "1 of 4 not reachable" in [text.get_text() for text in axis.texts]
    assert axis.get_yscale() == "log"
    assert axis.get_xlim()[0] < 0.05
    figure.savefig(io.BytesIO(), format="png")
    ticks = [tick.get_text() for tick in axis.get_yticklabels() if tick.get_text()]
    assert ticks
    assert all(tick.replace(",", "").isdigit() for tick in ticks)


def test_simulated_points_stand_where_they_belong():
    table = power_table(ScorePlan(effect=0.3), {"effect": [0.3, 0.5], "n": [20, 50]})
    powers, errors = np.array([0.1, 0.2, 0.3, 0.4]), np.full(4, 0.01)
    figure = draw_table(table, endpoint="MFIS", simulated=(powers, errors))
    (axis,) = figure.get_axes()
    points = [line.get_ydata().tolist() for line in axis.get_lines() if line.get_fillstyle() == "none"]
    assert points == [[0.1, 0.2], [0.3, 0.4]]
    assert "two Monte Carlo errors" in figure.get_supxlabel().replace("\n", " ")


@pytest.mark.parametrize("ending", [".svg", ".png"])
def test_files_are_the_same_each_time(tmp_path, ending):
    plan = RatePlan(control_rate=0.3, ratio=0.7, dispersion=0.8, years=2)
    files = [tmp_path / f"{k}{ending}" for k in range(2)]
    for file in files:
        write_figure(draw_table(power_table(plan, {"n": [50, 100, 200]}), endpoint="ARR"), file)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("axes", "part"),
    [
        ({"n": [20]}, "nothing varies"),
        ({"n": [20, 30], "effect": [0.1, 0.2], "sd": [1, 2], "lost": [0, 0.1]}, "4 numbers vary"),
        ({"n": [20, 30], "effect": [0.1 * k for k in range(1, 9)]}, "8 lines"),
        ({"n": [20, 30], "effect": [0.1, 0.2], "sd": [1, 2, 3, 4, 5, 6, 7]}, "7 panels"),
    ],
)
def test_a_figure_that_cannot_be_read_is_refused(axes, part):
    with pytest.raises(FindingsError, match=part):
        draw_table(power_table(ScorePlan(effect=0.3), axes), endpoint="MFIS")
