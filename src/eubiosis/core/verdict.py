"""The verdict on a design: a fixed vocabulary that rules fill, from what it can see and what would matter.

No planned and no hoped-for effect enters. What a trial of a size can see follows from the spread of its
estimates; what would matter is fixed in the analysis plan before anything is simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from eubiosis.core.trial_answer import EndpointRole, TrialVerdict

LARGE, NOT, NONE = "Large enough", "Not with this design", "No verdict"
ADHERENCE = "As a sign of adherence, "


@dataclass(frozen=True)
class Reach:
    """What a design can see on one endpoint, and what would matter there.

    ``detectable`` are the true effects that it sees with the power asked for, at the best, the stated and the
    worst level of the control arm, multiplicity counted: sizes on the scale of the analysis (a log ratio or a
    difference, benefit positive), infinite where no effect is seen, not a number where no trial gave one,
    nothing or less where estimates do not scatter, from which nothing follows.
    ``relevant`` is the smallest effect that matters, on the same scale; None where none was named. ``rated``
    says whether a rate of the control arm plays a part.
    """

    detectable: tuple[float, float, float]
    relevant: float | None
    rated: bool = False


@dataclass(frozen=True)
class EffectWords:
    """How an effect of an endpoint is written: its label, scale, unit and the direction that helps."""

    label: str
    scale: Literal["ratio", "difference"]
    unit: str
    falls: bool
    role: EndpointRole = "clinical"

    def natural(self, size: float) -> float:
        """Return a size, benefit positive, on the natural scale: a ratio, or a difference without sign."""
        if self.scale == "difference":
            return size
        return math.exp(-size) if self.falls else math.exp(size)

    def of(self, size: float) -> str:
        """Write a size that a design sees, rounded away from no effect: it is never said to see more.

        >>> EffectWords("Relapses", "ratio", "1/year", falls=True).of(math.log(1 / 0.709))
        'a ratio of 0.70'
        >>> EffectWords("EDSS", "difference", "points", falls=True).of(0.501)
        '0.51 points'
        """
        value = self.natural(size)
        if self.scale == "ratio":
            steps = value * 100
            whole = math.floor(steps + 1e-9) if self.falls else math.ceil(steps - 1e-9)
            return f"a ratio of {max(whole / 100, 0.01):.2f}"
        if value <= 0:
            return f"0 {self.unit}"
        step = 10.0 ** (math.floor(math.log10(value)) - 1)
        shown = math.ceil(value / step - 1e-9) * step
        return f"{shown:,.{max(0, -round(math.log10(step)))}f} {self.unit}"

    def reached(self, size: float) -> str:
        """Write a size that a design sees with all beyond it: of a ratio that helps, those farther from 1.

        >>> EffectWords("Relapses", "ratio", "1/year", falls=True).reached(math.log(1 / 0.709))
        'a ratio of 0.70 or lower'
        """
        beyond = "more" if self.scale == "difference" else "lower" if self.falls else "higher"
        return f"{self.of(size)} or {beyond}"

    def relevant(self, size: float) -> str:
        """Write a relevant effect as it was stated, without zeros at its end.

        >>> EffectWords("EDSS", "difference", "points", falls=True).relevant(4.0)
        '4 points'
        """
        value = round(self.natural(size), 9)
        return f"a ratio of {value:g}" if self.scale == "ratio" else f"{value:g} {self.unit}"


def verdict(reach: Reach, words: EffectWords) -> TrialVerdict:
    """Return the verdict on one comparison.

    "Large enough" only where the design sees the relevant effect at every level of the control arm. A larger
    relevant effect is the only thing that could turn it, and it stands in the sentence; an effect that is
    planned with or hoped for is no input.

    >>> words = EffectWords("Fatigue (MFIS)", "difference", "points", falls=True)
    >>> verdict(Reach((3.0, 3.0, 3.2), 4.0), words).text
    'Large enough if the true effect is at least 3.2 points (relevant: 4 points).'
    >>> verdict(Reach((5.0, 5.0, 5.3), 4.0), words).kind
    'not with this design'
    """
    _, stated, worst = reach.detectable
    if any(math.isnan(value) for value in reach.detectable):
        return TrialVerdict(
            "not estimable",
            f"{NONE}: no simulated trial gave a finite estimate of {words.label} and its error. "
            "Choose another endpoint, or find out in the table of effects why.",
        )
    if min(reach.detectable) <= 0:
        return TrialVerdict(
            "not estimable",
            f"{NONE}: the simulated estimates of {words.label} do not scatter, so that nothing follows about "
            "what a trial sees. Choose another endpoint, or find out in the table of effects why.",
        )
    if reach.relevant is None:
        seen = f"; it sees {words.reached(worst)}" if math.isfinite(worst) else ""
        return TrialVerdict(
            "no relevant difference",
            f"{NONE}: the design names no relevant difference for {words.label}{seen}. "
            "Write under relevant: which effect would matter, and run again.",
        )
    matters = words.relevant(reach.relevant)
    if worst <= reach.relevant:
        strong = "at least" if words.scale == "difference" else "at least as strong as"
        text = f"{LARGE} if the true effect is {strong} {words.of(worst)} (relevant: {matters})."
        return TrialVerdict("large enough", _led(text, words))
    if reach.rated and stated <= reach.relevant:
        text = (
            f"{NOT}: it sees {_seen(words, stated)} at the stated control rate and {_seen(words, worst)} "
            "where the "
            f"rate is low (relevant: {matters})."
        )
    else:
        text = f"{NOT}: it sees {_seen(words, worst)} (relevant: {matters})."
    return TrialVerdict("not with this design", _led(text, words))


def _led(text: str, words: EffectWords) -> str:
    """Say before a verdict that it is one on adherence alone, where the endpoint shows no more."""
    if words.role != "exposure marker":
        return text
    return f"{ADHERENCE}{text[0].lower()}{text[1:]}"


def _seen(words: EffectWords, size: float) -> str:
    if math.isinf(size):
        return "no effect, however large"
    return f"only a true effect of {words.reached(size)}"


def overall(verdicts: list[tuple[str, TrialVerdict, float]]) -> tuple[str, TrialVerdict]:
    """Return the arm and verdict that decide over several comparisons: the least favourable one.

    ``verdicts`` are rows of arm, verdict and the detectable effect at the worst level.

    >>> good, bad = TrialVerdict("large enough", "a"), TrialVerdict("not with this design", "b")
    >>> overall([("x", good, 1.0), ("y", bad, 2.0)])[0]
    'y'
    """
    order = ("not estimable", "no relevant difference", "not with this design", "large enough")
    arm, found, _ = min(verdicts, key=lambda one: (order.index(one[1].kind), -one[2]))
    return arm, found
