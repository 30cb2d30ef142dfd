"""The error for what the reader does not handle."""

from __future__ import annotations


class UnsupportedSbmlError(ValueError):
    """A feature of SBML that is not handled; the message names it and the element that uses it."""


def refuse(element: str, feature: str) -> UnsupportedSbmlError:
    """Make the error that ``feature`` of ``element`` is not supported.

    >>> refuse("event dose", "a delay")
    UnsupportedSbmlError('event dose: a delay is not supported')
    """
    return UnsupportedSbmlError(f"{element}: {feature} is not supported")
