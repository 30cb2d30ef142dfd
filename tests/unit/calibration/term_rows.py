"""Rows of the target table, made up for tests of terms."""

from eubiosis.model.content import TargetRow


def row(**changes):
    """Return a controlled ratio of a guild, 0.5 (0.25 to 1.0), with changes."""
    base = {
        "id": "X001", "quantity": "a guild", "condition": "healthy_inulin_20g", "contrast": "placebo",
        "population": "healthy adults", "taxon": "guild", "observable": "gut_share_ROS", "statistic": "ratio",
        "unit": "-", "target": 0.5, "low": 0.25, "high": 1.0, "role": "fit", "fitted": "yes",
        "read": "data_file", "source": "Baxter 2019, 10.1128/mBio.02566-18",
    }  # fmt: skip
    return TargetRow.model_validate({**base, **changes})
