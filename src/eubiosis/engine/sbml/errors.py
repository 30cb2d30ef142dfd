"""The error for what the reader does not handle."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_SHOWN = 10


class UnsupportedSbmlError(ValueError):
    """A feature of SBML that is not handled; the message names it and the element that uses it.

    ``feature`` is the feature alone, for counting; of several the first.
    """

    def __init__(self, message: str, feature: str = "") -> None:
        super().__init__(message)
        self.feature = feature or message


class SbmlWarning(UserWarning):
    """What is wrong with a file without changing what it means; it is read all the same."""


def refuse(element: str, feature: str) -> UnsupportedSbmlError:
    """Make the error that ``feature`` of ``element`` is not supported.

    >>> refuse("event dose", "a delay")
    UnsupportedSbmlError('event dose: a delay is not supported')
    """
    return UnsupportedSbmlError(f"{element}: {feature} is not supported", feature)


def refuse_all(found: Iterable[tuple[str, str]]) -> None:
    """Raise one error for all elements and features that are not supported, or return where there is none.

    >>> refuse_all([])
    """
    pairs = list(found)
    if pairs:
        shown = [str(refuse(element, feature)) for element, feature in pairs[:_MOST_SHOWN]]
        if len(pairs) > _MOST_SHOWN:
            shown.append(f"and {len(pairs) - _MOST_SHOWN} more")
        raise UnsupportedSbmlError("; ".join(shown), pairs[0][1])
