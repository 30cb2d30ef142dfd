"""How findings about tables speak: counts with their nouns, first examples, names that can be printed."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_SHOWN = 3
_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in the right form.

    >>> counted(1, "sample"), counted(2, "sample")
    ('1 sample', '2 samples')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(words: Sequence[str]) -> str:
    """Return the first words of a list, quoted and cut, and how many more there are."""
    text = ", ".join(f'"{plain(word)}"' for word in words[:_SHOWN])
    rest = len(words) - _SHOWN
    return f"{text} and {rest} more" if rest > 0 else text


def plain(word: str, most: int = 80) -> str:
    """Return a word that can be printed: control characters escaped, long ones cut."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in word)
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(word: str) -> bool:
    """Say whether a word holds no control characters, marks that turn the direction, or lone surrogates.

    >>> printable("Blautia"), printable("\\u202eaitualB")
    (True, False)
    """
    return not any(
        unicodedata.category(c) in ("Cc", "Cs") or unicodedata.bidirectional(c) in _TURNING for c in word
    )
