"""Texts of the tables as a reader meets them: studies by their names, true signs."""

from __future__ import annotations

import re

from eubiosis.core.study_names import named

_HYPHEN = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))-(?=\d)")
_MICRO = re.compile(r"\bu(?=(?:mol|g|M)\b)")


def set_signs(text: str) -> str:
    """Return a text of a table with true minus signs and micro signs, as the page writes them elsewhere.

    >>> set_signs("change of -9.5 umol/g, risk of bias -1"), set_signs("2013;73:705-713")
    ('change of −9.5 µmol/g, risk of bias −1', '2013;73:705-713')
    """
    return _MICRO.sub("µ", _HYPHEN.sub("−", text)).replace("->", "→")


def as_read(text: str) -> str:
    """Return a text with studies by author and year, not by id, and with true signs.

    >>> as_read("failed check: rahimlou2022, -0.98 ug/mL")
    'failed check: Rahimlou 2022, −0.98 µg/mL'
    """
    return set_signs(named(text))
