"""Findings: what is wrong with an input, where, what is allowed, and what to do next.

A check collects every finding before it reports; ``FindingsError`` carries them all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One problem in one place.

    ``file`` is the file as the user named it, ``place`` a line, cell or path inside it; ``line`` is the
    line as a number (from 1) where there is one, 0 where not: to sort by. ``severity`` is "error", or
    "ethics" for what must be justified in writing.
    """

    file: str
    place: str
    problem: str
    allowed: str = ""
    next_step: str = ""
    line: int = field(default=0, compare=False)
    severity: str = "error"

    def __str__(self) -> str:
        problem = self.problem if self.severity == "error" else f"{self.severity}: {self.problem}"
        text = f"{self.place}: {problem}" if self.place else problem
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.next_step:
            text += f"; next: {self.next_step}"
        return spelled_out(text)


class FindingsError(Exception):
    """Raised with every finding of a check; the command line turns it into exit status 1."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(format_findings(self.findings))

    def __reduce__(self) -> tuple[type[FindingsError], tuple[tuple[Finding, ...]], dict[str, object]]:
        """Travel between processes: what is said is made anew from the findings."""
        return type(self), (self.findings,), self.__dict__


class ExecutorError(FindingsError):
    """Raised where processes or machines fail, not the input: a run that meets it can go on where it was."""


@dataclass
class FindingCollector:
    """Collect findings while checking; raise them together at the end."""

    findings: list[Finding] = field(default_factory=list)

    def add(
        self, file: str, place: str, problem: str, *, allowed: str = "", next_step: str = "", line: int = 0
    ) -> None:
        """Record one finding."""
        self.findings.append(Finding(file, place, problem, allowed, next_step, line))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Record the findings of another check."""
        self.findings.extend(findings)

    def raise_if_any(self) -> None:
        """Raise ``FindingsError`` with everything collected, or return when there is nothing."""
        if self.findings:
            raise FindingsError(self.findings)


def format_findings(findings: Iterable[Finding]) -> str:
    """Group findings by file, one line each, as the command line prints them."""
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        by_file.setdefault(finding.file, []).append(finding)
    lines: list[str] = []
    for file, rows in by_file.items():
        noun = "finding" if len(rows) == 1 else "findings"
        lines.append(f"{spelled_out(file)}: {len(rows)} {noun}")
        lines.extend(f"  {row}" for row in rows)
    return "\n".join(lines)


def spelled_out(text: str) -> str:
    """Return a text whose control characters are spelled out: a name may hold what moves a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word closest to ``word``, or an empty string when none is close.

    A word that differs in capitals only is the closest.

    >>> nearest("inulim", ["inulin", "propionate"])
    'inulin'
    >>> nearest("share_bif", ["share_VEI", "share_BIF"])
    'share_BIF'
    """
    from difflib import get_close_matches  # late: most runs name no unknown word

    words = list(known)
    folded = [each.casefold() for each in words]
    if word.casefold() in folded:
        return words[folded.index(word.casefold())]
    matches = get_close_matches(word, words, n=1, cutoff=0.6)
    return matches[0] if matches else ""


def unknown_word(word: str, known: Iterable[str]) -> str:
    """Say that a word is unknown and name the nearest known one.

    >>> unknown_word("inulim", ["inulin"])
    '"inulim" is unknown; nearest "inulin"'
    """
    close = nearest(word, known)
    return f'"{word}" is unknown; nearest "{close}"' if close else f'"{word}" is unknown'
