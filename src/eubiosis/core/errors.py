"""Errors that cross packages and have an exit status of their own."""

from __future__ import annotations


class NumericalFailuresError(Exception):
    """More subjects could not be solved than a run allows; the command line ends with exit status 3.

    ``failed`` of ``total`` subject solutions failed where ``allowed`` were allowed; ``words`` counts them
    by status.
    """

    def __init__(self, failed: int, total: int, allowed: int, words: dict[str, int] | None = None) -> None:
        self.failed = failed
        self.total = total
        self.allowed = allowed
        self.words = words or {}
        detail = ", ".join(f"{count} {word}" for word, count in sorted(self.words.items()))
        text = f"{failed} of {total} solutions failed numerically; allowed: {allowed}"
        super().__init__(f"{text} ({detail})" if detail else text)

    def __reduce__(self) -> tuple[type[NumericalFailuresError], tuple[int, int, int, dict[str, int]]]:
        """Travel between processes: the text is made anew from the counts."""
        return type(self), (self.failed, self.total, self.allowed, self.words)
