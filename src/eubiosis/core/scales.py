"""The scales of an effect: differences as they are, ratios as natural logarithms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

Scale = Literal["MD", "SMD", "RD", "log RR", "log OR", "log HR", "log rate ratio"]
RATIOS: frozenset[Scale] = frozenset({"log RR", "log OR", "log HR", "log rate ratio"})
# the word a user gives -> the scale of the analysis
METRICS: Mapping[str, Scale] = {
    "MD": "MD",
    "SMD": "SMD",
    "RD": "RD",
    "RR": "log RR",
    "OR": "log OR",
    "HR": "log HR",
    "rate-ratio": "log rate ratio",
}
_WORDS: Mapping[Scale, str] = {scale: word for word, scale in METRICS.items()}
_LABELS: Mapping[Scale, str] = {**_WORDS, "log rate ratio": "rate ratio"}


def is_ratio(scale: Scale) -> bool:
    """Say whether a scale is the logarithm of a ratio."""
    return scale in RATIOS


def natural(value: float, scale: Scale) -> float:
    """Turn a log ratio into a ratio; leave other scales alone.

    >>> natural(0.0, "log RR"), natural(0.0, "MD")
    (1.0, 0.0)
    """
    return math.exp(value) if scale in RATIOS else value


def metric_word(scale: Scale) -> str:
    """Return the word by which a user asks for a scale.

    >>> metric_word("log rate ratio")
    'rate-ratio'
    """
    return _WORDS[scale]


def metric_label(scale: Scale) -> str:
    """Name a scale on its natural side.

    >>> metric_label("log rate ratio"), metric_label("SMD")
    ('rate ratio', 'SMD')
    """
    return _LABELS[scale]
