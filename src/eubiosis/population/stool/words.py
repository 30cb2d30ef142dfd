"""How findings about tables speak: counts with their nouns, first examples, names that can be printed."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec

from eubiosis.core.extras import install_line
from eubiosis.core.findings import FindingCollector

_SHOWN = 3
_NEEDS = {"biom": "biom-format", "h5py": "h5py", "anndata": "anndata", "openpyxl": "openpyxl"}
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


def needs(library: str, name: str, findings: FindingCollector) -> bool:
    """Say whether an optional library is there; a missing one is a finding with the line that installs it."""
    if find_spec(library) is not None:
        return True
    findings.add(
        name,
        "",
        f"this format is read by {_NEEDS[library]}, which is not installed",
        allowed="text tables need nothing",
        next_step=install_line("formats"),
    )
    return False


def damaged(name: str, what: str, said: str, findings: FindingCollector) -> None:
    """Report what a library said of a file that is not what it says it is."""
    findings.add(name, "", f"damaged {what} ({said})", next_step="write the file again")


def said_by(error: BaseException) -> str:
    """Return the first line of what a library said, cut; the kind of error where it said nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]
