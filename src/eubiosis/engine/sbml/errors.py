"""The error for what the reader does not handle."""

from __future__ import annotations


class UnsupportedSbmlError(ValueError):
    """A feature of SBML that is not handled; the message names it and the element that uses it.

    ``feature`` is the feature alone, for counting.
    """

    def __init__(self, message: str, feature: str = "") -> None:
        super().__init__(message)
        self.feature = feature or message


def refuse(element: str, feature: str) -> UnsupportedSbmlError:
    """Make the error that ``feature`` of ``element`` is not supported.

    >>> refuse("event dose", "a delay")
    UnsupportedSbmlError('event dose: a delay is not supported')
    """
    return UnsupportedSbmlError(f"{element}: {feature} is not supported", feature)
