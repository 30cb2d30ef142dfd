"""The error control of the model's own courses."""

from eubiosis.engine import Tolerances

STRICT = Tolerances(relative=1e-8, absolute=1e-12, negative=1e4)
"""Amounts and concentrations of the model are of order one and never negative: one that falls below -1e-8
makes the subject's status "negative"."""
