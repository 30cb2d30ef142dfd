"""How large a trial must be to exclude a harm, and what one without an event excludes (exact binomial)."""

from __future__ import annotations

import math

import numpy as np

from eubiosis.core.findings import Finding, FindingsError

_MOST = 2_000_000


def excluded_risk(people: int, events: int = 0, level: float = 0.95) -> float:
    """Return the risk that so many events in so many people exclude (one-sided, Clopper and Pearson).

    >>> round(excluded_risk(299), 4), round(excluded_risk(60, 1), 3)
    (0.01, 0.077)
    """
    from scipy.special import betaincinv

    return 1.0 if events >= people else float(betaincinv(events + 1, people - events, level))


def size_to_exclude(limit: float, *, expected: float = 0.0, power: float = 0.8, level: float = 0.95) -> int:
    """Return the least number of people from which a risk of ``limit`` or more is excluded.

    That is: of trials in which the true risk is ``expected``, at least a share ``power`` end with a one-sided
    upper limit below ``limit``, at this size and every larger one that the saw-tooth of the binomial does not
    undo within a tenth. With no event expected it is ln(1 - level) / ln(1 - limit), rounded up. Raises
    ``FindingsError`` where ``expected`` is not below ``limit``.

    >>> size_to_exclude(0.01), size_to_exclude(0.03)
    (299, 99)
    """
    wrong = _wrong(limit, expected, power, level)
    if wrong:
        raise FindingsError(wrong)
    first = math.ceil(math.log(1 - level) / math.log1p(-limit) - 1e-12)
    if expected == 0:
        return first
    size = first
    while size < _MOST:
        if _power(size, limit, expected, level) >= power:
            later = np.unique(np.linspace(size, 1.1 * size, 12).astype(int))
            if all(_power(int(n), limit, expected, level) >= power for n in later):
                return size
        size += max(1, size // 200)
    raise FindingsError(
        [Finding("size", "limit", f"more than {_MOST} people", "a limit further above the expected risk")]
    )


def _power(people: int, limit: float, expected: float, level: float) -> float:
    """Return the chance that the upper limit of a risk ends below ``limit``."""
    from scipy.special import bdtr

    # the largest count whose upper limit lies below: P(X <= count | limit) < 1 - level
    low, high = -1, people
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(middle, people, limit) < 1 - level:
            low = middle
        else:
            high = middle
    return float(bdtr(low, people, expected)) if low >= 0 else 0.0


def _wrong(limit: float, expected: float, power: float, level: float) -> list[Finding]:
    found = []
    for name, value in (("limit", limit), ("power", power), ("level", level)):
        if not 0 < value < 1:
            found.append(
                Finding("size", name, f"{value:g} is no share", "between 0 and 1", f"correct {name}")
            )
    if not 0 <= expected < limit:
        allowed = f"0 or more and below the limit {limit:g}"
        found.append(Finding("size", "expected", f"{expected:g}", allowed, "lower it, or raise the limit"))
    return found
